# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later


"""Objects of Ruby's own classes, strings in any encoding, and spellings of plain scalars, as Ruby writes and
reads them."""

from __future__ import annotations

import string
import typing as t

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    SERIALIZERS,
    MarshalSerializer,
    Symbol,
    YamlSerializer,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import ruby, values

FORMATS = sorted(SERIALIZERS)
SETUP = "require 'bigdecimal'; require 'date'; require 'set'; require 'ostruct';"

# What both formats say of an object, since YAML says it in words.
BOTH: dict[str, t.Any] = {
    "Time.at(0).utc": "1970-01-01 00:00:00.000000000 Z",
    "Time.at(1e9.to_i, 123_456_789, :nsec, in: '+05:30')": "2001-09-09 07:16:40.123456789 +05:30",
    "Time.at(1e9.to_i, in: '-00:30')": "2001-09-09 01:16:40.000000000 -00:30",
    "Time.new(2024, 2, 29, 23, 59, 59.5r, '-11:00')": "2024-02-29 23:59:59.500000000 -11:00",
    "Time.utc(1902, 12, 31)": "1902-12-31 00:00:00.000000000 Z",
    "Time.utc(9999, 12, 31, 23, 59, 59)": "9999-12-31 23:59:59.000000000 Z",
    "Date.new(2001, 2, 3)": "2001-02-03",
    "Date.new(1600, 2, 29)": "1600-02-29",
    "DateTime.new(2001, 2, 3, 4, 5, 6)": "2001-02-03 04:05:06.000000000 Z",
    "DateTime.new(2001, 2, 3, 0, 5, 6.25r, '+02:00')": "2001-02-03 00:05:06.250000000 +02:00",
    "DateTime.new(2001, 2, 3, 23, 5, 6, '-02:30')": "2001-02-03 23:05:06.000000000 -02:30",
    "BigDecimal('1.25')": None,
    "s = +'\u00e9'; s.instance_variable_set(:@mark, 1); [s, 'x']": ["\u00e9", "x"],
    "class Str5 < String; end; s = Str5.new('x'); s.instance_variable_set(:@mark, 1); [s]": ["x"],
    "class Arr5 < Array; end; a = Arr5.new([1]); a.instance_variable_set(:@mark, 1); [a]": [[1]],
    "h = {'a' => 1}; h.instance_variable_set(:@mark, 1); [h]": [{"a": 1}],
    "class Has5 < Hash; end; h = Has5.new; h[:a] = 1; h.instance_variable_set(:@mark, 1); [h]": [
        {Symbol("a"): 1}
    ],
    "[/a\\/b/, /c/n, Regexp.new('\u00e9'), Regexp.new('d/e')]": [
        *("/a\\/b/", "/c/n", "/\u00e9/", "/d\\/e/")
    ],
    "['\u00e9'.encode('ISO-8859-1').to_sym, :b, '\u00e9'.encode('ISO-8859-1').to_sym, :b]": [
        *(Symbol("\u00e9"), Symbol("b"), Symbol("\u00e9"), Symbol("b"))
    ],
    "{'\u65e5'.encode('EUC-JP').to_sym => '\u65e5'.encode('EUC-JP')}": {Symbol("\u65e5"): "\u65e5"},
    "S5 ||= Struct.new(:'\u00e9'); [S5.new(1), S5.new(2)]": [{"\u00e9": 1}, {"\u00e9": 2}],
    "[:a, ':a', {:a => 'a', 'b' => :b}, [[:'c d', 'c d']]]": [
        *(Symbol("a"), ":a", {Symbol("a"): "a", "b": Symbol("b")}, [[Symbol("c d"), "c d"]])
    ],
}


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("source", BOTH)
def test_both_formats_tell_the_same_of_an_object(
    oracle: ruby.Ruby, format_: str, source: str
) -> None:
    payload = oracle.evaluate(format_, SETUP + source)
    value = SERIALIZERS[format_]().deserialize(payload)
    expected = BOTH[source]
    if expected is None:
        expected = YamlSerializer().deserialize(oracle.evaluate("yaml", SETUP + source))
        assert isinstance(expected, str)
    assert ruby.describe(value) == ruby.describe(expected)


def test_generated_times_are_the_same_in_both_formats(oracle: ruby.Ruby) -> None:
    @values.THOROUGH
    @given(st.integers(-(2**31), 2**37), st.integers(0, 10**9 - 1), st.integers(-1439, 1439))
    def check(seconds: int, nanoseconds: int, minutes: int) -> None:
        source = f"Time.at({seconds}, {nanoseconds}, :nsec, in: {minutes * 60})"
        texts = [
            serializer().deserialize(oracle.evaluate(format_, source))
            for format_, serializer in sorted(SERIALIZERS.items())
        ]
        assert texts[0] == texts[1]

    check()


@pytest.mark.parametrize(
    "data",
    [
        *("", "00", "00" * 8, "ff" * 8, "00000080" + "00" * 4, "ffffffff00000000", "20801bc0" * 3),
        "ffff3fff00000000",
    ],
)
@pytest.mark.parametrize("attributes", ["00", "063a0b6f666673657422", "063a0b6f666673657469"])
def test_a_time_that_is_none_stays_what_it_is(data: str, attributes: str) -> None:
    payload = bytes.fromhex(data)
    tail = bytes.fromhex(attributes) + (b"\x06x" if attributes.endswith("22") else b"")
    tail += b"\x04\xff\xff\xff\x3f" if attributes.endswith("69") else b""
    value = MarshalSerializer().deserialize(
        b"\x04\x08Iu:\tTime" + bytes([len(payload) + 5 if payload else 0]) + payload + tail
    )
    assert value == (payload.decode() if payload.isascii() else payload)


@pytest.mark.parametrize(
    "parts",
    [
        "[]",
        "[0, 2451944]",
        "[1, 2451944, 0, 0, 0, 1]",
        "[0, 0, 0, 0, 0, 0]",
        "[0, 2**70, 0, 0, 0, 1]",
    ],
)
def test_a_date_that_is_none_stays_what_it_is(oracle: ruby.Ruby, parts: str) -> None:
    payload = oracle.evaluate("marshal", parts)
    expected = MarshalSerializer().deserialize(payload)
    assert MarshalSerializer().deserialize(b"\x04\x08U:\x09Date" + payload[2:]) == expected


@pytest.mark.parametrize(
    "parts",
    [
        *("0, 1.5, 0", "0, true, 0", "0, 'a', 0", "0, -1, 0", "0, 10**9, 0", "0, 2**8000, 0"),
        *("1.5, 0, 0", "true, 0, 0", "'a', 0, 0", "-1, 0, 0", "86400, 0, 0", "2**8000, 0, 0"),
        *("0, 0, 1.5", "0, 0, true", "0, 0, 'a'", "0, 0, -86400", "0, 0, 86400", "0, 0, 2**8000"),
    ],
)
def test_the_parts_of_a_datetime_are_whole_numbers_in_their_ranges(
    oracle: ruby.Ruby, parts: str
) -> None:
    # One text of megabytes would be copied into each DateTime that has it as its nanoseconds.
    payload = oracle.evaluate("marshal", f"[0, 2451944, {parts}, 1]")
    expected = MarshalSerializer().deserialize(payload)
    assert MarshalSerializer().deserialize(b"\x04\x08U:\x0dDateTime" + payload[2:]) == expected


@pytest.mark.parametrize("number", ["10**9", "2**8000", "1.5", "-1"])
def test_the_fraction_of_a_time_is_a_whole_number_in_its_range(
    oracle: ruby.Ruby, number: str
) -> None:
    fraction = oracle.evaluate("marshal", number)[2:]
    time = b"\x04\x08Iu:\x09Time\x0d\x20\x80\x1b\xc0" + bytes(4) + b"\x06:\x0dnano_num"
    assert MarshalSerializer().deserialize(time + b"i\x06") == "2010-01-01 00:00:00.000000001 Z"
    assert MarshalSerializer().deserialize(time + fraction) == time[11:19]


SAMPLES = [
    "ab",
    "\u00e9",
    "\u044f",
    "\u03bb",
    "\u65e5\u672c\u8a9e",
    "\ud55c",
    "\u0e01",
    "\u05d0",
    "\u20ac",
    "\U0001f600",
]
ALL_ENCODINGS = """
samples = SAMPLES
Encoding.list.flat_map do |encoding|
  samples.map { |sample| [encoding.name, sample, (sample.encode(encoding) rescue nil)] }
end.select { |name, sample, text| text && (text.encode("UTF-8") rescue nil) == sample }
""".replace("SAMPLES", str(SAMPLES))
BYTES = {
    *("Big5-UAO", "CP951", "GB12345", "GB1988", "MacJapanese", "macCentEuro", "macThai"),
    "stateless-ISO-2022-JP-KDDI",
    *("CESU-8", "CP50220", "CP50221", "CP51932", "EUC-TW", "Emacs-Mule", "UTF-7", "UTF8-MAC"),
    *("ISO-2022-JP", "ISO-2022-JP-2", "ISO-2022-JP-KDDI", "stateless-ISO-2022-JP"),
    *(
        "IBM720",
        "macCroatian",
        "macCyrillic",
        "macIceland",
        "macRomania",
        "macTurkish",
        "macUkraine",
    ),
    *("SJIS-DoCoMo", "SJIS-KDDI", "SJIS-SoftBank", "UTF8-DoCoMo", "UTF8-KDDI", "UTF8-SoftBank"),
}
"""Encodings whose Strings stay bytes. In some others Ruby has a Euro sign that Python does not know."""


def test_strings_in_every_encoding_that_ruby_knows_are_text_or_bytes(oracle: ruby.Ruby) -> None:
    read = MarshalSerializer().deserialize(oracle.evaluate("marshal", ALL_ENCODINGS))
    wrong = [
        (encoding, sample, value)
        for encoding, sample, value in read
        if value != sample
        and not (isinstance(value, bytes) and (encoding in BYTES or sample == "\u20ac"))
    ]
    assert wrong == []
    assert len({encoding for encoding, _sample, _value in read}) > 70


@pytest.mark.parametrize(
    "digits,rest",
    [
        *(
            ("0.1", b"\x99\x99"),
            ("-0.1", b"\x99\x99"),
            ("1.5", b"\0\0\0\0"),
            ("1e300", b"\x12\x34\x56"),
        ),
        *(("3.141592653589793", b"\x2d\x18"), ("inf", b"\x01"), ("0", b"\x99"), ("-0", b"")),
        ("1.234", b"\x01\x02\x03\x04\x05\x06\x07\x08"),
    ],
)
def test_the_mantissas_of_ruby_1_8_are_read_as_ruby_reads_them(
    oracle: ruby.Ruby, digits: str, rest: bytes
) -> None:
    text = digits.encode() + b"\0" + rest
    payload = b"\x04\x08f" + bytes([len(text) + 5]) + text
    value = MarshalSerializer().deserialize(payload)
    assert ruby.describe(value) == oracle.describe("marshal", payload)


# -- plain scalars -------------------------------------------------------------------------------

SPELLINGS = [
    *(
        "0x1f",
        "-0x1F",
        "0o17",
        "017",
        "-017",
        "08",
        "0b11",
        "+0b1",
        "1_000",
        "1,000",
        "1__0",
        "1_",
        "0_",
    ),
    *(
        "1:30",
        "-1:30",
        "190:20:30",
        "190:20:30.5",
        "1:60",
        "1:2:3:4",
        "+1",
        "1e3",
        "1.5e+3",
        "1.5e3",
    ),
    *(
        "1.",
        ".5",
        "-.5",
        ".",
        "-.",
        "1_0.5",
        "1,0.5",
        "1.e+1",
        ".inf",
        "-.INF",
        "+.inf",
        ".NaN",
        ".nan",
    ),
    *(
        "~",
        "null",
        "Null",
        "nULL",
        "yes",
        "Yes",
        "yEs",
        "on",
        "OFF",
        "tRUe",
        "false",
        "y",
        "n",
        "=",
    ),
    *(
        ":a",
        ":'a b'",
        ':"a"',
        "::a",
        ":'a'b",
        ":",
        ":1",
        "0",
        "-0",
        "00",
        "+",
        "-",
        "0.0",
        "-0.0",
        "1.0",
    ),
    *("2001-01-01", "2001-1-1", "2001-13-01", "2001-01-01 00:00:00", "2001-01-01T01:02:03.5-07:00"),
]


def test_plain_scalars_are_read_as_ruby_reads_them(oracle: ruby.Ruby) -> None:
    """Times and dates are different, since they stay texts. So are values that Ruby itself fails at."""

    @settings(values.THOROUGH, max_examples=values.examples(3000))
    @given(
        st.one_of(
            st.sampled_from(SPELLINGS),
            st.text(alphabet="0123456789_,.:+-", min_size=1, max_size=8),
            st.text(alphabet="01789abcdefxoEn,_.+-", min_size=1, max_size=7),
            st.text(alphabet=string.ascii_letters + "~.'\" :", min_size=1, max_size=6),
        )
    )
    @example("0b_")
    @example(".e+1")
    def check(text: str) -> None:
        payload = f"- {text}\n".encode()
        # "5_:9" would be 5 hours and 9 minutes; a "_" before the colon nobody writes.
        assume("_:" not in text and "__" not in text)
        ours = YamlSerializer()
        try:
            theirs = oracle.describe("yaml", payload)
        except ruby.Refused as refused:
            if "DisallowedClass" in str(refused):
                assert ours.deserialize(payload) == [text.strip()]
            return
        if theirs["class"] == "Array":
            assert without_nan(ruby.describe(ours.deserialize(payload))) == without_nan(theirs)

    check()


def without_nan(described: t.Any) -> t.Any:
    """There are many NaNs, and Ruby and Python have not the same."""
    items = described.get("items", ())
    return [
        (
            item["value"][1:3] == "ff"
            if item["class"] == "Float" and item["value"][1:3] == "ff"
            else item
        )
        for item in items
    ]


@pytest.mark.parametrize(
    "yaml,expected",
    [
        ("!ruby/sym foo", Symbol("foo")),
        ("!ruby/symbol foo", Symbol("foo")),
        ('!ruby/sym ":foo"', Symbol(":foo")),
        ('!ruby/symbol ""', Symbol("")),
        ("!ruby/regexp /x/i", "/x/i"),
        ("!ruby/range 1..3", "1..3"),
        ("!ruby/class 'String'", "String"),
        (
            "!ruby/object:Puppet::Node::Facts \n  name: a\n  values:\n    b: :c",
            {"name": "a", "values": {"b": Symbol("c")}},
        ),
        ("!ruby/hash:ActiveSupport::HashWithIndifferentAccess {a: 1}", {"a": 1}),
        ("!ruby/struct:A {a: 1}", {"a": 1}),
        ("!map:A {a: 1}", {"a": 1}),
        ("!seq:A [1]", [1]),
        ("!str:A x", "x"),
        ("!str:A {str: x, '@a': 1}", "x"),
        ("!str 12", "12"),
        ("!!str 12", "12"),
        ("!float 12", 12.0),
        ("!!float 12", 12.0),
        ("!unknown 12", 12),
        ("!binary /w==", b"\xff"),
        ("!!binary YQ==", b"a"),
        ("!!set {a, b}", {"a": None, "b": None}),
        ("\n:key:\n:other: ~", {Symbol("key"): None, Symbol("other"): None}),
        ("!!str '<<'", "<<"),
        ("|\n  a\n   b\n\n  c\n", "a\n b\n\nc\n"),
        (">-\n  a\n  b\n\n  c", "a b\nc"),
        ("- &a\n  - :x\n- *a", [[Symbol("x")], [Symbol("x")]]),
    ],
)
def test_what_old_and_new_rubies_write(yaml: str, expected: t.Any) -> None:
    value = YamlSerializer().deserialize(
        f"--- {yaml}".encode() if yaml[0] != "-" else yaml.encode()
    )
    assert ruby.describe(value) == ruby.describe(expected)


@pytest.mark.parametrize("format_", FORMATS)
def test_every_symbol_that_we_write_we_read(format_: str) -> None:
    serializer = SERIALIZERS[format_]()

    @values.THOROUGH
    @given(values.any_symbols)
    @example(Symbol(":a"))
    @example(Symbol('"a"'))
    def check(symbol: Symbol) -> None:
        again = serializer.deserialize(serializer.serialize([symbol, {symbol: str(symbol)}]))
        assert ruby.describe(again) == ruby.describe([symbol, {symbol: str(symbol)}])

    check()
