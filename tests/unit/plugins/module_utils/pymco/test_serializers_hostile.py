# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Payloads that nobody honest would send: a DecodingError, soon, and nothing else."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
import types
import typing as t

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    SERIALIZERS,
    MarshalSerializer,
    Symbol,
    YamlSerializer,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.base import (
    MAX_DEPTH,
    MAX_TEXT,
    MAX_VALUES,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import values

FORMATS = sorted(SERIALIZERS)
SOON = 3.0
"""Seconds. What takes long takes for ever; what does not takes a hundredth of this."""

VALUE = [
    *(None, True, False, 5, 300, -300, 2**40, -(2**70), 1.5, -0.0, float("inf"), "é", b"\xff", "a"),
    *(Symbol("a"), Symbol("a"), Symbol("é"), {"k": {Symbol("k"): [1, {}]}}, "x" * 300),
]


@contextlib.contextmanager
def soon() -> t.Iterator[None]:
    """Stops what does not end, and fails."""

    def stop(_signal: int, _frame: types.FrameType | None) -> None:
        raise AssertionError(f"it takes more than {SOON} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SOON)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def refused(format_: str, payload: bytes) -> None:
    with soon(), pytest.raises(exc.DecodingError):
        SERIALIZERS[format_]().deserialize(payload)


def survived(format_: str, payload: bytes) -> None:
    with soon(), contextlib.suppress(exc.DecodingError):
        SERIALIZERS[format_]().deserialize(payload)


# -- broken on the way ---------------------------------------------------------------------------


def test_marshal_that_ends_anywhere_too_early_is_refused() -> None:
    payload = MarshalSerializer().serialize(VALUE)
    for end in range(len(payload)):
        with pytest.raises(exc.DecodingError):
            MarshalSerializer().deserialize(payload[:end])


def test_yaml_that_ends_anywhere_is_survived() -> None:
    payload = YamlSerializer().serialize(VALUE)
    for end in range(len(payload)):
        with contextlib.suppress(exc.DecodingError):
            YamlSerializer().deserialize(payload[:end])


# What Ruby writes for values of every type that Marshal knows.
DUMPS = [
    *("04085b", "04087b", "04087d0669066907", "04086f3a06410640", "04086f3a0641063a07406169"),
    *(
        "0408533a0641063a066169",
        "0408433a06412206",
        "0408653a064122",
        "0408633a",
        "04086d06",
        "0408",
    ),
    *(
        "0408753a064106",
        "0408553a064169",
        "0408492f0672000645",
        "04082f0672",
        "04086c2b07",
        "040866",
    ),
    *("0408", "", "04", "0409690a", "0407690a", "04085b0640", "04083b00", "040840", "04084006"),
]


@pytest.mark.parametrize("dump", DUMPS)
def test_marshal_of_any_type_that_breaks_off_is_refused(dump: str) -> None:
    refused("marshal", bytes.fromhex(dump))


@pytest.mark.parametrize("format_", FORMATS)
def test_random_bytes_are_survived(format_: str) -> None:
    @values.THOROUGH
    @given(st.binary(max_size=200))
    def check(data: bytes) -> None:
        survived(format_, data)
        survived(format_, b"\x04\x08" + data)

    check()


MARSHAL_WORDS = st.sampled_from(
    [
        bytes([byte])
        for byte in b'0TFilf:;@I"[{}/cmMCeoSuU+-\x00\x01\x02\x04\x05\x06\x07\xfa\xfb\xfcEA'
    ]
    + [
        b":\x06A",
        b":\x06E",
        b'"\x06a',
        b"[\x06",
        b"{\x06",
        b"o:\x06A\x06",
        b"I",
        b"@\x06",
        b"i\x04\xff\xff\xff\x7f",
    ]
)
YAML_WORDS = st.sampled_from(
    [
        *[
            ":",
            "-",
            "?",
            "&",
            "*",
            "!",
            "|",
            ">",
            "%",
            "@",
            "`",
            "#",
            "{",
            "}",
            "[",
            "]",
            ",",
            "'",
            '"',
            "\\",
            "~",
            "=",
            "<<:",
            "a",
            "b",
            "1",
            "---",
            "...",
            "&a",
            "*a",
            "!a",
            "!!",
            "!ruby/sym",
        ]
    ]
    + [
        "\n",
        "\n  ",
        " ",
        ": ",
        "- ",
        "\t",
        "!!set ",
        "!!omap ",
        "!!pairs ",
        "!!binary ",
        "!!int ",
        "!!float ",
    ]
    + [
        "!!timestamp ",
        "!!bool ",
        "!!null ",
        "!ruby/object:A ",
        "!ruby/hash:A ",
        "!!map ",
        "!!seq ",
        "!!str ",
    ]
    + [
        "!ruby/regexp ",
        "!ruby/range ",
        "!binary ",
        "0x",
        "0b",
        "1:",
        "_",
        "\0",
        "\x85",
        "\ufeff",
        "\U0001f600",
    ]
)


@values.THOROUGH
@given(st.lists(MARSHAL_WORDS, max_size=60))
def test_marshal_made_of_its_own_parts_is_survived(words: list[bytes]) -> None:
    survived("marshal", b"\x04\x08" + b"".join(words))


@settings(values.THOROUGH, max_examples=3000)
@given(st.lists(YAML_WORDS, max_size=30))
@example(["!!int ", "a"])
@example(["!!int ", "_"])
@example(["!!float ", "1:"])
@example(["!!bool ", "a"])
@example(["!!binary ", "\U0001f600"])
@example(["!!set ", "[", "]"])
@example(["!!omap ", "a"])
@example(["!!map ", "- ", "a"])
@example(["!ruby/sym", " ", "{", "}"])
@example(["0b", "_"])
@example(["0x", "_"])
@example(["? ", "!!set ", "{", "}"])
@example(["- ", "&a", " ", "*a"])
def test_yaml_made_of_its_own_parts_is_survived(words: list[str]) -> None:
    survived("yaml", "".join(words).encode())


@pytest.mark.parametrize("format_", FORMATS)
def test_flipped_bytes_are_survived(format_: str) -> None:
    payload = SERIALIZERS[format_]().serialize(VALUE)

    @settings(values.THOROUGH, max_examples=2000)
    @given(st.integers(0, len(payload) - 1), st.integers(1, 255))
    def check(position: int, change: int) -> None:
        broken = bytearray(payload)
        broken[position] ^= change
        survived(format_, bytes(broken))

    check()


@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_read_can_be_written_as_json(format_: str) -> None:
    """Nothing but plain data ever comes out."""
    plain = (type(None), bool, int, float, str, bytes, list, dict)

    def check_plain(value: t.Any) -> None:
        assert type(value) in (*plain, Symbol)
        for item in value if isinstance(value, list) else ():
            check_plain(item)
        for key, item in value.items() if isinstance(value, dict) else ():
            assert type(key) in (*plain[:6], Symbol)
            check_plain(item)

    words = MARSHAL_WORDS if format_ == "marshal" else YAML_WORDS.map(str.encode)

    @settings(values.THOROUGH, max_examples=2000)
    @given(st.lists(words, max_size=20))
    @example([b"!!set {a}"])
    @example([b"!!omap [a: 1]"])
    @example([b"!!pairs [a: 1]"])
    @example([b"2001-01-01"])
    @example([b"!!timestamp 2001-01-01"])
    @example([b"!!python/tuple [1]"])
    def check(parts: list[bytes]) -> None:
        payload = b"".join(parts)
        if format_ == "marshal":
            payload = b"\x04\x08" + payload
        with contextlib.suppress(exc.DecodingError):
            check_plain(SERIALIZERS[format_]().deserialize(payload))

    check()


# -- made to grow --------------------------------------------------------------------------------


def marshal_count(number: int) -> bytes:
    data = number.to_bytes(4, "little")
    return b"\x04" + data


def link(index: int) -> bytes:
    return b"@" + marshal_count(index)


def test_billion_laughs_in_yaml_are_refused() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    refused("yaml", "\n".join(lines).encode())


def test_billion_laughs_in_yaml_keys_are_refused() -> None:
    # Ten million: enough to be refused, few enough not to harm when they are not.
    levels = ["&a0 [x,x,x,x,x,x,x,x,x,x]"]
    levels += [f"&a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 7)]
    refused("yaml", f"{{? [{', '.join(levels)}] : 1}}".encode())


def test_billion_laughs_in_yaml_merges_are_refused_or_short() -> None:
    lines = ["- &a0 {x: 1}"]
    lines += [f"- &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 30)]
    survived("yaml", "\n".join(lines).encode())


def test_billion_laughs_in_marshal_are_refused() -> None:
    # [[x] * 10, [the former] * 10, ...]: object 0 is the whole, object n the n-th list.
    levels = [b"[\x0f" + b"0" * 10]
    levels += [b"[\x0f" + link(n) * 10 for n in range(1, 12)]
    refused("marshal", b"\x04\x08[" + bytes([len(levels) + 5]) + b"".join(levels))


def test_billion_laughs_in_marshal_keys_are_refused() -> None:
    # Object 0 is the hash, object 1 its key, object n + 2 the n-th list in it.
    levels = [b"[\x0f" + b"0" * 10]
    levels += [b"[\x0f" + link(n + 1) * 10 for n in range(1, 7)]
    refused("marshal", b"\x04\x08{\x06[\x0c" + b"".join(levels) + b"0")


KEYS_IN_KEYS = {
    "yaml": b"? " * 22 + b"1",
    "marshal": b"\x04\x08" + b"{\x06" * 22 + b"0" * 23,
}


@pytest.mark.parametrize("format_", FORMATS)
def test_hashes_as_keys_of_hashes_are_refused(format_: str) -> None:
    # Were each level to double it, 22 would make megabytes of 44 bytes, and 100 fill any memory.
    refused(format_, KEYS_IN_KEYS[format_])


CONTAINERS_AS_KEYS = {
    "yaml": [
        *(b"? []\n: 1", b"? {}\n: 1", b"{? [a, b] : 1}", b"- {? {a: 1} : 1}", b"[a]: 1"),
        *(b"? !ruby/object:A {a: 1}\n: 1", b"- &a [1]\n- {? *a : 1}", b"!ruby/hash:A {? [a] : 1}"),
        *(b"!ruby/object:A {? {} : 1}", b"!!omap {? [] : 1}", b"? !!set {a}\n: 1"),
    ],
    "marshal": [
        *(b"\x04\x08{\x06[\x00i\x00", b"\x04\x08{\x06{\x00i\x00", b"\x04\x08}\x06[\x00i\x000"),
        *(b"\x04\x08{\x06o:\x06A\x00i\x00", b"\x04\x08{\x06U:\x06A[\x00i\x00"),
        *(b"\x04\x08[\x07[\x00{\x06@\x06i\x00", b"\x04\x08C:\x06A{\x06[\x00i\x00"),
        b"\x04\x08{\x06C:\x06A[\x00i\x00",
    ],
}


@pytest.mark.parametrize(
    "format_,payload", [(f, payload) for f in FORMATS for payload in CONTAINERS_AS_KEYS[f]]
)
def test_a_hash_or_array_as_key_is_refused(format_: str, payload: bytes) -> None:
    with pytest.raises(exc.DecodingError, match="a Hash has a Hash or an Array as key"):
        SERIALIZERS[format_]().deserialize(payload)


FLAT: dict[str, tuple[str, t.Callable[[int], bytes]]] = {
    "marshal numbers": ("marshal", lambda n: b"\x04\x08[" + marshal_count(n) + b"i\x00" * n),
    "marshal nils": ("marshal", lambda n: b"\x04\x08[" + marshal_count(n) + b"0" * n),
    "marshal texts": ("marshal", lambda n: b"\x04\x08[" + marshal_count(n) + b'"\x06a' * n),
    "marshal pairs": (
        "marshal",
        lambda n: b"\x04\x08{"
        + marshal_count(n)
        + b"".join(b"i\x03" + k.to_bytes(3, "little") + b"0" for k in range(n)),
    ),
    "marshal links": ("marshal", lambda n: b"\x04\x08[" + marshal_count(n) + b'"\0' + b"@\6" * n),
    "yaml numbers": ("yaml", lambda n: b"- 1\n" * n),
    "yaml flow": ("yaml", lambda n: b"[" + b"1," * n + b"]"),
    "yaml pairs": ("yaml", lambda n: b"".join(b"%d: 1\n" % k for k in range(n))),
    "yaml links": ("yaml", lambda n: b"[&a 1" + b",*a" * n + b"]"),
}


@pytest.mark.parametrize("kind", FLAT)
def test_more_values_than_the_bound_are_refused_without_any_links(kind: str) -> None:
    format_, build = FLAT[kind]
    with soon(), pytest.raises(exc.DecodingError, match=f"more than {MAX_VALUES} values"):
        SERIALIZERS[format_]().deserialize(build(MAX_VALUES + 1))
    refused(format_, build(300_000))


@pytest.mark.parametrize("kind", ["marshal numbers", "yaml flow"])
def test_nearly_as_many_values_as_the_bound_are_read(kind: str) -> None:
    # Those of YAML are counted with the events around them.
    format_, build = FLAT[kind]
    value = SERIALIZERS[format_]().deserialize(build(MAX_VALUES - 10))
    assert len(value) == MAX_VALUES - 10


@pytest.mark.parametrize("format_", FORMATS)
def test_the_depth_that_is_read_is_the_same_in_both_formats(format_: str) -> None:
    def nested(levels: int) -> bytes:
        if format_ == "marshal":
            return b"\x04\x08" + b"[\x06" * (levels - 1) + b"[\x00"
        return b"[" * levels + b"]" * levels

    value = SERIALIZERS[format_]().deserialize(nested(MAX_DEPTH))
    for _level in range(MAX_DEPTH - 1):
        (value,) = value
    assert value == []
    with pytest.raises(exc.DecodingError, match=f"deeper than {MAX_DEPTH} levels"):
        SERIALIZERS[format_]().deserialize(nested(MAX_DEPTH + 1))


TEXT = 2**20


@pytest.mark.parametrize(
    "format_,payload",
    [
        ("yaml", b"[&a " + b"x" * TEXT + b",*a" * 1000 + b"]"),
        ("yaml", b"- &a !!binary " + b"eHh4" * (TEXT // 3) + b"\n" + b"- *a\n" * 1000),
        ("yaml", b"- &a " + b"x" * 2000 + b"\n" + b"- {*a : 1}\n" * 45_000),
        *(
            (
                "marshal",
                b"\x04\x08["
                + marshal_count(1001)
                + mark
                + marshal_count(TEXT)
                + b"x" * TEXT
                + after
                + b"@\x06" * 1000,
            )
            for mark, after in ((b'"', b""), (b'I"', b"\x06:\x06ET"), (b"u:\x06A", b""))
        ),
    ],
)
def test_a_text_that_is_shared_too_often_is_refused(format_: str, payload: bytes) -> None:
    # In memory it is there once; whoever writes it out would write a gigabyte.
    with soon(), pytest.raises(exc.DecodingError, match=f" or {MAX_TEXT} characters"):
        SERIALIZERS[format_]().deserialize(payload)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_text_that_is_shared_a_little_is_read(format_: str) -> None:
    payload = {
        "yaml": b"[&a " + b"x" * TEXT + b",*a" * 9 + b"]",
        "marshal": b'\x04\x08[\x0f"' + marshal_count(TEXT) + b"x" * TEXT + b"@\x06" * 9,
    }
    assert SERIALIZERS[format_]().deserialize(payload[format_]) == ["x" * TEXT] * 10


@pytest.mark.parametrize(
    "payload",
    [
        b":00" * 350_000,
        b"[]," * 700_000,
        b"[" + b"[]," * 700_000 + b"]",
        b"{}," * 700_000,
        b"1:" * 500_000 + b"1",
        b"- - - " * 300_000,
        b"? " * 500_000,
        b"&a " * 300_000,
        b"*a " * 300_000,
        b"!a " * 300_000,
        b"'" * 1_000_001,
        b'"' + b"\\x41" * 250_000 + b'"',
        b"--- a\n" * 200_000,
        b"%TAG ! !a\n" * 100_000,
        b"#" * 1_000_000,
        b"\n" * 1_000_000,
        b"a:" * 500_000,
        b"a: " * 300_000,
        b"2001-01-01 " * 100_000,
        b"- !!float " + b"1:" * 500_000,
        b"- !!float " + b"1" * 1_000_000,
        b"- !!int 0x" + b"f" * 1_000_000,
        b"- !!bool " + b"y" * 1_000_000,
        b"- !!timestamp " + b"2001" * 250_000,
        b"- !!set {" + b"a," * 500_000 + b"}",
        b"- {<<: [" + b"{}," * 300_000 + b"]}",
    ],
    ids=lambda payload: repr(payload[:20]),
)
def test_big_yaml_is_refused_or_read_in_bounded_time(payload: bytes) -> None:
    survived("yaml", payload)


CYCLES = {
    "yaml": [
        b"&a [*a]",
        b"&a {b: *a}",
        b"&a {? *a : 1}",
        b"- &a [1, [*a]]",
        b"&a !ruby/object:A {b: *a}",
    ],
    "marshal": [
        *(b"\x04\x08[\x06@\x00", b"\x04\x08{\x06i\x06@\x00", b"\x04\x08{\x06@\x000"),
        *(
            b"\x04\x08o:\x06A\x06:\x07@b@\x00",
            b"\x04\x08}\x06i\x06@\x00@\x00",
            b"\x04\x08U:\x06A[\x06@\x00",
        ),
        *(b'\x04\x08I"\x06a\x06:\x07@a[\x06@\x00', b"\x04\x08[\x07[\x06@\x00@\x06"),
    ],
}


@pytest.mark.parametrize("format_,payload", [(f, p) for f in FORMATS for p in CYCLES[f]])
def test_data_that_contain_themselves_do_not_hang_anybody(format_: str, payload: bytes) -> None:
    def depth(value: t.Any, level: int = 0) -> None:
        assert level <= MAX_DEPTH
        items = value.values() if isinstance(value, dict) else value
        for item in items if isinstance(value, (list, dict)) else ():
            depth(item, level + 1)

    with soon(), contextlib.suppress(exc.DecodingError):
        depth(SERIALIZERS[format_]().deserialize(payload))


NESTINGS: dict[str, tuple[str, t.Callable[[int], bytes]]] = {
    "marshal lists": ("marshal", lambda n: b"\x04\x08" + b"[\x06" * n + b"0"),
    "marshal hashes": ("marshal", lambda n: b"\x04\x08" + b"{\x06i\x06" * n + b"0"),
    "marshal keys": ("marshal", lambda n: b"\x04\x08" + b"{\x06" * n + b"0" * (n + 1)),
    "marshal defaults": ("marshal", lambda n: b"\x04\x08" + b"}\x00" * n + b"0"),
    "marshal attributes": ("marshal", lambda n: b"\x04\x08" + b'I"\x00\x06:\x06a' * n + b"0"),
    "marshal wrapped": ("marshal", lambda n: b"\x04\x08" + b"C:\x06a" * n + b"0"),
    "marshal extended": ("marshal", lambda n: b"\x04\x08" + b"e:\x06a" * n + b"0"),
    "marshal objects": ("marshal", lambda n: b"\x04\x08" + b"o:\x06a\x06:\x06b" * n + b"0"),
    "marshal own": ("marshal", lambda n: b"\x04\x08" + b"U:\x06a" * n + b"0"),
    "marshal names": ("marshal", lambda n: b"\x04\x08" + b"o" * n + b":\x06a\x00"),
    "marshal marks": ("marshal", lambda n: b"\x04\x08" + b"I" * n + b'"\x00\x00' + b"\x00" * n),
    "marshal u marks": ("marshal", lambda n: b"\x04\x08" + b"Iu:\x06a\x00\x06:\x06b" * n + b"0"),
    "yaml open lists": ("yaml", lambda n: b"[" * n),
    "yaml lists": ("yaml", lambda n: b"[" * n + b"]" * n),
    "yaml block lists": ("yaml", lambda n: b"- " * n + b"1"),
    "yaml hashes": ("yaml", lambda n: b"{a: " * n + b"1" + b"}" * n),
    "yaml keys": ("yaml", lambda n: b"? " * n + b"1"),
    "yaml flow keys": ("yaml", lambda n: b"{? " * n + b"1" + b"}" * n),
    "yaml tags": ("yaml", lambda n: b"!a [" * n + b"]" * n),
    "yaml objects": ("yaml", lambda n: b"!ruby/object:A {a: " * n + b"1" + b"}" * n),
}
DEPTHS = (10_000, 300_000)
DECODE = """
import sys
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import SERIALIZERS
try:
    SERIALIZERS[sys.argv[1]]().deserialize(sys.stdin.buffer.read())
except exc.DecodingError:
    print("refused")
"""


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("nesting", NESTINGS)
def test_deep_nesting_is_refused(nesting: str, depth: int) -> None:
    # In a process of its own: recursion in a C library ends the process, and would end all tests.
    format_, build = NESTINGS[nesting]
    finished = subprocess.run(
        [sys.executable, "-c", DECODE, format_],
        input=build(depth),
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(exc.__file__).parents[6])},
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, b"refused\n", b"")


@pytest.mark.parametrize("format_", FORMATS)
def test_nesting_as_agents_use_it_is_read(format_: str) -> None:
    value: t.Any = "deep"
    for level in range(MAX_DEPTH // 2):
        value = [value] if level % 2 else {"a": value}
    assert SERIALIZERS[format_]().deserialize(SERIALIZERS[format_]().serialize(value)) == value


@pytest.mark.parametrize(
    "start",
    [
        b'"',
        b"[",
        b"{",
        b"}",
        b":",
        b";",
        b"@",
        b"f",
        b"o:\x06a",
        b"S:\x06a",
        b"u:\x06a",
        b"c",
        b"l+",
        b"/",
    ],
)
def test_huge_counts_are_refused_before_anything_is_made(start: bytes) -> None:
    for count in (
        b"\x04\xff\xff\xff\x7f",
        b"\x04\xff\xff\xff\xff",
        b"\xfc\x00\x00\x00\x80",
        b"\x03\xff\xff\xff",
    ):
        refused("marshal", b"\x04\x08" + start + count + b"0" * 100)


def test_a_huge_integer_is_refused() -> None:
    size = 2**20
    refused("marshal", b"\x04\x08l+" + marshal_count(size // 2) + b"\xff" * size)
    refused("yaml", b"9" * size)


@pytest.mark.parametrize(
    "number", ["0x" + "f" * 2**18, "0b" + "1" * 2**18, "0" + "7" * 2**18, "1:" * 2**16 + "1"]
)
def test_a_huge_integer_of_another_base_can_be_printed_or_is_refused(number: str) -> None:
    with soon(), contextlib.suppress(exc.DecodingError):
        str(YamlSerializer().deserialize(number.encode()))


@pytest.mark.parametrize(
    "number", ["1e999999999", "9" * 400 + ".0", "-1e-999999999", "1:" * 5000 + "1.0"]
)
def test_huge_floats_are_survived(number: str) -> None:
    survived("yaml", number.encode())
    survived("marshal", b"\x04\x08f" + marshal_count(len(number)) + number.encode())


# -- made to do something ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['echo pwned > {}']",
        "!!python/object/new:os.system ['echo pwned > {}']",
        "!!python/name:os.system ''",
        "!!python/module:os ''",
        "!!python/object:subprocess.Popen {{args: 'echo pwned > {}'}}",
        "!ruby/object:Kernel {{system: 'echo pwned > {}'}}",
        "!ruby/object:ERB {{src: 'system(%q(echo pwned > {}))'}}",
        "!ruby/class Kernel",
        "{{? !!python/object/apply:os.system ['echo pwned > {}'] : 1}}",
    ],
)
def test_yaml_tags_make_nothing_but_data(text: str, tmp_path: t.Any) -> None:
    proof = tmp_path / "proof"
    with contextlib.suppress(exc.DecodingError):
        value = YamlSerializer().deserialize(text.format(proof).encode())
        assert isinstance(value, (str, list, dict, type(None)))
    assert not proof.exists()


def test_a_regexp_of_marshal_is_not_compiled() -> None:
    source = b"(((a+)+)+)+$["
    payload = b"\x04\x08/" + bytes([len(source) + 5]) + source + b"\x00"
    assert MarshalSerializer().deserialize(payload) == "/(((a+)+)+)+$[/"


@pytest.mark.parametrize(
    "encoding",
    ["zlib", "bz2", "hex", "rot13", "idna", "punycode", "unicode_escape", "\0", "x" * 999],
)
def test_an_encoding_that_is_no_character_set_is_not_used(encoding: str) -> None:
    name = encoding.encode()
    value = b'\x04\x08I"\x08abc\x06:\x0dencoding"' + marshal_count(len(name)) + name
    assert MarshalSerializer().deserialize(value) == b"abc"


def test_quadratic_input_is_read_in_no_time() -> None:
    many = b"\x04\x08[" + marshal_count(100_000)
    for item in (b"i\x00", b'"\x00', b'I"\x06a\x06:\x06ET', b"[\x00", b"f\x060"):
        start = time.monotonic()
        survived("marshal", many + item + (b"@\x06" * 99_999))
        survived("marshal", many + item * 100_000)
        assert time.monotonic() - start < SOON
