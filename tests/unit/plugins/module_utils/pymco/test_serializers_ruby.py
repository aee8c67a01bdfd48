# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both serializers against Ruby itself."""

from __future__ import annotations

import re
import typing as t

import pytest
from hypothesis import given, reject

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    SERIALIZERS,
    OtherKey,
    Regexp,
    Symbol,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.base import (
    is_usual,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import ruby, values

FORMATS = sorted(SERIALIZERS)
NASTY = [
    *values.TEXTS,
    *values.NUMBERS,
    *values.REALS,
    *values.BINARIES,
    *values.SYMBOLS,
    *(None, True, False, [], {}, [[]], {"a": {}}, (1, 2), [None, [True, [False]]]),
]


@pytest.mark.parametrize("format_", FORMATS)
def test_ruby_reads_every_nasty_value_as_it_was(oracle: ruby.Ruby, format_: str) -> None:
    written = [SERIALIZERS[format_]().serialize(value) for value in NASTY]
    wrong = [
        value
        for value, payload in zip(NASTY, written)
        if oracle.describe(format_, payload) != ruby.describe(value)
    ]
    assert wrong == []


@pytest.mark.parametrize("format_", FORMATS)
def test_ruby_reads_nasty_values_inside_of_others(oracle: ruby.Ruby, format_: str) -> None:
    hashable = [value for value in NASTY if isinstance(value, (str, int, type(None)))]
    for value in (list(NASTY), {key: key for key in hashable}, [{"a": list(NASTY)}]):
        payload = SERIALIZERS[format_]().serialize(value)
        assert oracle.describe(format_, payload) == ruby.describe(value)


@pytest.mark.parametrize("format_", FORMATS)
def test_ruby_reads_what_we_write(oracle: ruby.Ruby, format_: str) -> None:
    serializer = SERIALIZERS[format_]()

    @values.THOROUGH
    @given(values.plain(values.any_symbols))
    def check(value: t.Any) -> None:
        assert oracle.describe(format_, serializer.serialize(value)) == ruby.describe(value)

    check()


def test_numbers_are_written_byte_by_byte_as_ruby_writes_them(oracle: ruby.Ruby) -> None:
    # A 64-bit Ruby reads integers that it would not write so, and that others do not read.
    written = [SERIALIZERS["marshal"]().serialize(number) for number in values.NUMBERS]
    assert written == [oracle.rewrite("marshal", payload) for payload in written]


@pytest.mark.parametrize("format_", FORMATS)
def test_nasty_values_come_back_from_ruby_as_they_were(oracle: ruby.Ruby, format_: str) -> None:
    serializer = SERIALIZERS[format_]()
    wrong = []
    for value in [*values.TEXTS, *values.NUMBERS, *values.REALS, *values.BINARIES]:
        # With a text that tells its encoding: without any, Ruby 1.8 has written it.
        payload = oracle.rewrite(format_, serializer.serialize([value, "text"]))
        back = serializer.deserialize(payload)[0]
        if without_encoding(ruby.describe(back)) != without_encoding(ruby.describe(value)):
            wrong.append((value, back))
    assert wrong == []


@pytest.mark.parametrize("format_", FORMATS)
def test_we_read_what_ruby_writes_as_ruby_reads_it(oracle: ruby.Ruby, format_: str) -> None:
    # Usual symbols: Psych does not read every odd one as it wrote it (:'"q"' becomes :q).
    serializer = SERIALIZERS[format_]()

    @values.THOROUGH
    @given(values.plain(values.usual_symbols))
    def check(value: t.Any) -> None:
        try:
            payload = oracle.rewrite(format_, serializer.serialize([value, "text"]))
        except ruby.Refused:
            reject()
        ours, theirs = serializer.deserialize(payload), oracle.describe(format_, payload)
        assert without_encoding(ruby.describe(ours)) == without_encoding(theirs)

    check()


def without_encoding(described: t.Any) -> t.Any:
    """Ruby tells ASCII text that is binary from other text; plain data does not, and need not."""
    if isinstance(described, list):
        return [without_encoding(item) for item in described]
    if isinstance(described, dict):
        ascii_ = described.get("encoding") and bytes.fromhex(described["hex"]).isascii()
        return {
            key: without_encoding(item)
            for key, item in described.items()
            if not (ascii_ and key == "encoding")
        }
    return described


@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_there_twice_is_written_twice(oracle: ruby.Ruby, format_: str) -> None:
    shared: t.Any = [1, {"a": "b"}]
    text = "a shared string"
    value = {"x": shared, "y": shared, "z": [shared, text, text], Symbol("t"): text}
    payload = SERIALIZERS[format_]().serialize(value)
    assert b"&id" not in payload
    # YAML aliases are errors for the oracle, as they are for nodes.
    assert oracle.describe(format_, payload) == ruby.describe(value)


@pytest.mark.parametrize("format_", FORMATS)
def test_not_a_number_stays_none(oracle: ruby.Ruby, format_: str) -> None:
    described_ = oracle.describe(format_, SERIALIZERS[format_]().serialize(float("nan")))
    assert described_["class"] == "Float"
    assert described_["value"][1:3] == "ff"


class Unknown:
    """Nothing that a format could hold."""


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("value", [Unknown(), {1, 2}, [object], {"a": Unknown()}])
def test_what_has_no_form_is_refused(format_: str, value: t.Any) -> None:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc

    with pytest.raises(exc.SerializationError):
        SERIALIZERS[format_]().serialize(value)


def nested(levels: int) -> list[t.Any]:
    """A list in a list in a list."""
    found: list[t.Any] = []
    for _level in range(levels):
        found = [found]
    return found


def test_a_usual_value_is_written_by_all() -> None:
    def check(value: t.Any) -> None:
        if is_usual(value):
            for format_ in FORMATS:
                assert SERIALIZERS[format_]().serialize(value)

    values.THOROUGH(given(values.plain(values.any_symbols))(check))()
    for value in [*NASTY, 2**62 - 1, nested(19)]:
        check(value)
    assert is_usual({Symbol("a"): ["b", 1, True, None, {}]})


@pytest.mark.parametrize(
    "value",
    [Unknown(), {"a": object}, {Unknown()}, "\ud800", {"\ud800": 1}, nested(2000), 10**5000],
    ids=["object", "class", "set", "surrogate", "key", "deep", "large"],
)
def test_what_one_of_them_refuses_is_not_usual(value: t.Any) -> None:
    assert not is_usual(value)


SETUP = "require 'date'; require 'set';"
SAME = {
    "nil": None,
    "[true, false, nil]": [True, False, None],
    "[0, 1, -1, 122, 123, -123, -124, 255, 256, -256, -257]": [
        *(0, 1, -1, 122, 123, -123, -124, 255, 256, -256, -257)
    ],
    "[30, 31, 32, 62, 63, 64, 128].flat_map { |n| [2**n - 1, 2**n, -(2**n), -(2**n) - 1] }": [
        number
        for power in (30, 31, 32, 62, 63, 64, 128)
        for number in (2**power - 1, 2**power, -(2**power), -(2**power) - 1)
    ],
    "[1.5, 1e-7, 1e20, 1e100, -0.0, 1.0/0, -1.0/0]": [
        *(1.5, 1e-7, 1e20, 1e100, -0.0, float("inf"), float("-inf"))
    ],
    "(0...5000).to_a": list(range(5000)),
    "Array.new(300) { |i| 'n' * i }": ["n" * i for i in range(300)],
    "'é\u2028😀'": "é\u2028😀",
    "'é'.encode('ISO-8859-1')": "é",
    "'日本'.encode('Shift_JIS')": "日本",
    "'日本'.encode('EUC-JP')": "日本",
    "'ab'.encode('US-ASCII')": "ab",
    "'ab'.b": "ab",
    r'"\xff\x00".b': b"\xff\x00",
    r"""('x' * 300 + "\xff").b""": b"x" * 300 + b"\xff",
    "[:a, :b, :a, 'a', ':a', :a]": [
        *(Symbol("a"), Symbol("b"), Symbol("a"), "a", ":a", Symbol("a"))
    ],
    "[:'a b', :'1', :[], :a?, :'é', :'', :'a: b', :\"a\nb\", :yes, :'true']": [
        Symbol(name) for name in ("a b", "1", "[]", "a?", "é", "", "a: b", "a\nb", "yes", "true")
    ],
    "{a: 1, 'a' => 2, nil => 3, 4 => 5, 1.5 => 6, true => 7}": {
        **{Symbol("a"): 1, "a": 2, None: 3},
        **{4: 5, 1.5: 6, True: 7},
    },
    "s = 'x'; [s, s]": ["x", "x"],
    "a = [1]; [a, a, {a: a}]": [[1], [1], {Symbol("a"): [1]}],
    "h = {'k' => 'v'}; {1 => h, 2 => h}": {1: {"k": "v"}, 2: {"k": "v"}},
    "b = 2**70; [b, b]": [2**70, 2**70],
    "f = 1.25; [f, f, 'a', 'a']": [1.25, 1.25, "a", "a"],
    "/a[b]/": "/a[b]/",
    "/é.x/mi": "/é.x/mi",
    "1..3": {"begin": 1, "end": 3, "excl": False},
    "'a'...'c'": {"begin": "a", "end": "c", "excl": True},
    "S3 ||= Struct.new(:a, :b); S3.new(1, [:x])": {"a": 1, "b": [Symbol("x")]},
    "class Str3 < String; end; Str3.new('x')": "x",
    "class Arr3 < Array; end; Arr3.new([1])": [1],
    "class Has3 < Hash; end; Has3.new.merge!('a' => 1)": {"a": 1},
    "class Obj3; def initialize; @a = 1; @b = [self.class.name]; end; end; Obj3.new": {
        **{"a": 1, "b": ["Obj3"]}
    },
    "class Obj3b; end; Obj3b.new": {},
    "class Obj3c; def initialize(x); @x = x; end; end; o = Obj3c.new('i'); [o, o]": [
        *({"x": "i"}, {"x": "i"})
    ],
    "Hash.new(7).merge!('a' => 1)": {"a": 1},
    "{}.compare_by_identity.merge!('a' => 1)": {"a": 1},
    "String": "String",
    "Comparable": "Comparable",
    "s = 'é'; h = Hash.new('d'); h['x'] = s; [h, s, :x, /r/, /r/, 1..2, s]": [
        *({"x": "é"}, "é", Symbol("x"), "/r/", "/r/", {"begin": 1, "end": 2, "excl": False}, "é")
    ],
}


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("source", SAME)
def test_both_formats_read_the_same_from_ruby(oracle: ruby.Ruby, format_: str, source: str) -> None:
    payload = oracle.evaluate(format_, SETUP + source)
    assert _sorted(SERIALIZERS[format_]().deserialize(payload)) == _sorted(SAME[source])


def _sorted(value: t.Any) -> t.Any:
    """A description in which the order of pairs does not count."""
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if isinstance(value, dict):
        return sorted((repr(ruby.describe(k)), _sorted(v)) for k, v in value.items())
    return ruby.describe(value)


DIFFERENT: list[tuple[str, str, t.Any]] = [
    ("yaml", "Time.at(0).utc", "1970-01-01 00:00:00.000000000 Z"),
    ("yaml", "Date.new(2001, 1, 1)", "2001-01-01"),
    ("yaml", "Set.new([1])", {"hash": {1: True}}),
    ("marshal", "Set.new([1])", {"hash": {1: True}}),
    ("yaml", "Rational(1, 3)", {"denominator": 3, "numerator": 1}),
    ("marshal", "Rational(1, 3)", [1, 3]),
    ("marshal", "'x'.extend(Comparable)", "x"),
    ("marshal", "t = 'x'.encode('UTF-16LE'); x = 'y'; [t, x, t, x]", ["x", "y", "x", "y"]),
    ("marshal", "s = +'é'; s.instance_variable_set(:@a, s); [s, 'z', s]", ["é", "z", "é"]),
    ("marshal", "t = Time.at(0).utc; x = 'x'; [t, x, t, x].values_at(1, 3)", ["x", "x"]),
]


@pytest.mark.parametrize("format_,source,expected", DIFFERENT)
def test_each_format_reads_what_ruby_makes_of_it(
    oracle: ruby.Ruby, format_: str, source: str, expected: t.Any
) -> None:
    assert SERIALIZERS[format_]().deserialize(oracle.evaluate(format_, SETUP + source)) == expected


@pytest.mark.parametrize(
    "source",
    [
        "t = Time.at(1, 5); x = 'x'; [t, x, t, x]",
        "t = Time.at(1).utc; x = 'x'; [[t], x, [t], x]",
        "t = Date.new(2001, 1, 1); x = 'x'; [t, x, t, x]",
        "t = Rational(1, 3); x = 'x'; [t, x, t, x]",
        "t = Complex(1, 2.5); x = 'x'; [t, x, t, x]",
        "t = Class; x = 'x'; [t, x, t, x]",
        "t = /é/; x = 'x'; [t, x, t, x]",
        "t = RuntimeError.new('m'); x = 'x'; [t, x, t, x]",
        "S4 ||= Struct.new(:q); t = S4.new('q'); x = 'x'; [t, x, t, x]",
        "t = Hash.new([1]); x = 'x'; [t, x, t, x]",
        "t = +'e'; t.instance_variable_set(:@a, ['b']); x = 'x'; [t, x, t, x]",
        "class Has4 < Hash; end; t = Has4.new; t.instance_variable_set(:@a, 'b'); x = 'x'; [t, x, t, x]",
        "t = 2**40; x = 'x'; [t, x, t, x]",
        "t = 'x'.dup.extend(Comparable); x = 'x'; [t, x, t, x]",
    ],
)
@pytest.mark.parametrize("format_", FORMATS)
def test_links_behind_an_object_of_any_kind_lead_to_the_right_value(
    oracle: ruby.Ruby, format_: str, source: str
) -> None:
    first, x, again, x_again = SERIALIZERS[format_]().deserialize(
        oracle.evaluate(format_, SETUP + source)
    )
    assert (x, x_again) == ("x", "x")
    assert again == first


# -- keys that Python takes for one -----------------------------------------------------------------


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    "source",
    [
        '{1 => "i", 1.0 => "f", true => "t", "1" => "s", :"1" => "y"}',
        "{true => 1, 1.0 => 2, 1 => 3, false => 4, 0 => 5, 0.0 => 6}",
        '{:a => 1, ":a" => 2, "a" => 3}',
        '{":a" => 1, :a => 2, "a" => 3}',
        "{2**70 => 1, (2**70).to_f => 2}",
        '[{"x" => {":a" => [1], :a => {1 => 2, true => 3}}}]',
        '{nil => 1, "" => 2, "nil" => 3, "true" => 4, true => 5}',
    ],
)
def test_keys_that_python_takes_for_one_are_all_there(
    oracle: ruby.Ruby, format_: str, source: str
) -> None:
    serializer = SERIALIZERS[format_]()
    payload = oracle.evaluate(format_, source)
    value = serializer.deserialize(payload)
    expected = oracle.describe(format_, payload)
    assert without_encoding(described(value)) == without_encoding(expected)
    # And what we write of it Ruby reads as it was.
    assert oracle.describe(format_, serializer.serialize(value)) == expected


def described(value: t.Any) -> t.Any:
    """The same as ruby.describe, with an OtherKey as what it stands for."""
    if isinstance(value, dict):
        keys = [key.value if isinstance(key, OtherKey) else key for key in value]
        pairs = [[ruby.describe(k), described(item)] for k, item in zip(keys, value.values())]
        return {"class": "Hash", "pairs": pairs}
    if isinstance(value, list):
        return {"class": "Array", "items": [described(item) for item in value]}
    return ruby.describe(value)


def test_of_a_key_that_comes_again_in_yaml_the_last_value_counts(oracle: ruby.Ruby) -> None:
    payload = b"---\n1: a\ntrue: b\n1: c\n1.0: d\ntrue: e\n:a: f\n':a': g\n:a: h\n':a': i\n"
    value = SERIALIZERS["yaml"]().deserialize(payload)
    assert described(value) == oracle.describe("yaml", payload)
    assert list(value.values()) == ["c", "e", "d", "h", "i"]


def test_texts_in_two_encodings_are_two_keys(oracle: ruby.Ruby) -> None:
    payload = oracle.evaluate("marshal", r'{"\u00e9" => 1, "\u00e9".encode("ISO-8859-1") => 2}')
    assert list(SERIALIZERS["marshal"]().deserialize(payload).values()) == [1, 2]


def test_instance_variables_whose_names_differ_by_the_mark_alone_are_two(
    oracle: ruby.Ruby,
) -> None:
    source = 'e = RuntimeError.new("x"); e.instance_variable_set(:@mesg, "y"); e'
    found = SERIALIZERS["marshal"]().deserialize(oracle.evaluate("marshal", source))
    assert (found["mesg"], found["@mesg"]) == ("x", "y")


# -- nodes on Ruby 1.8 -----------------------------------------------------------------------------

SYCK = re.compile(r'\\(?:x[0-9a-fA-F]{2}|[abefnrtv0"\\])')
"""The escapes that Syck reads (token.re), of which \\x is a byte and no character."""


def test_text_is_written_in_yaml_as_itself(oracle: ruby.Ruby) -> None:
    """Syck, the reader of Ruby 1.8, takes \\xFC for a byte, and \\u2603 for a u."""
    text = "gr\u00fcn \u2603 \U0001f600 \U0001f600 \\U0001F600 \\\\u2603 end"
    payload = SERIALIZERS["yaml"]().serialize({"a": text, Symbol("b"): [Regexp(text)]})
    for char in "\u00fc\u2603\U0001f600":
        assert payload.decode().count(char) >= 2
    escapes = re.findall(r"\\(?:x..|.)", payload.decode())
    assert {escape for escape in escapes if not SYCK.fullmatch(escape)} == set()
    described = oracle.describe("yaml", payload)
    assert described["pairs"][0][1] == ruby.describe(text)
    assert ruby.describe(SERIALIZERS["yaml"]().deserialize(payload))["pairs"][0][1] == (
        ruby.describe(text)
    )


def test_a_regexp_that_reads_like_an_escape_stays_what_it_is(oracle: ruby.Ruby) -> None:
    serializer = SERIALIZERS["yaml"]()
    for source in (r"\U0001F600", r"\U0001F600 " + "\U0001f600", r"x\\U0001F600", "\U0001f600"):
        described = oracle.describe("yaml", serializer.serialize([Regexp(source)]))
        assert described == oracle.describe(
            "marshal", SERIALIZERS["marshal"]().serialize([Regexp(source)])
        )


@pytest.mark.parametrize(
    "char", ["\x00", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "\ufffe", "\U000e0001"]
)
def test_what_cannot_be_printed_stays_escaped(oracle: ruby.Ruby, char: str) -> None:
    payload = SERIALIZERS["yaml"]().serialize([f"a{char}b"])
    assert oracle.describe("yaml", payload) == ruby.describe([f"a{char}b"])
    if char not in "\u202e":  # libyaml prints the marks of bidirectional text
        assert char not in payload.decode()


OLD = b'\x04\x08{\x07:\x09name"\x0agr\xc3\xbcn:\x08bin"\x06\xff'
"""{:name => "gruen", :bin => "\\xff"}, with an umlaut, as Ruby 1.8 writes it."""


def test_text_of_ruby_1_8_is_text() -> None:
    marshal = SERIALIZERS["marshal"]()
    assert marshal.deserialize(OLD) == {":name": "gr\u00fcn", ":bin": b"\xff"}


@pytest.mark.parametrize(
    "text",
    [
        b'I"\x06a\x06:\x06ET',
        b'I"\x06a\x06:\x06EF',
        b'I"\x06a\x06:\x0dencoding"\x0bKOI8-R',
        b"I:\x07\xc3\xa9\x06:\x06ET",
        b"I/\x06a\x00\x06:\x06EF",
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_binary_data_of_a_newer_ruby_stay_binary(text: bytes, first: bool) -> None:
    binary = b'"\x09gr\xc3\xbc'
    parts = [text, binary] if first else [binary, text]
    found = SERIALIZERS["marshal"]().deserialize(b"\x04\x08[\x07" + b"".join(parts))
    assert found[1 if first else 0] == b"gr\xc3\xbc"


def test_a_symbol_that_is_called_as_the_mark_of_an_encoding_is_none() -> None:
    old = b'\x04\x08{\x06:\x06E"\x09gr\xc3\xbc'
    assert SERIALIZERS["marshal"]().deserialize(old) == {":E": "gr\u00fc"}
