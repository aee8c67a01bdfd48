# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Payloads that are made to grow, or to take very long, soon end in a DecodingError."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    SERIALIZERS,
    MarshalSerializer,
    YamlSerializer,
    yaml,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.base import (
    MAX_DEPTH,
    MAX_TEXT,
    MAX_VALUES,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.marshal_reader import (
    MAX_NAME,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.hostile import (
    FORMATS,
    link,
    marshal_count,
    refused,
    soon,
    survived,
)


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


def test_one_long_symbol_in_many_places_is_refused() -> None:
    symbol = b":" + marshal_count(MAX_TEXT // 1000) + b"a" * (MAX_TEXT // 1000)
    survived("marshal", b"\x04\x08[" + marshal_count(900) + symbol + b";\0" * 899)
    refused("marshal", b"\x04\x08[" + marshal_count(1002) + symbol + b";\0" * 1001)


NAMED = [b"o;\0\0", b"o:\x06A\x06;\x000", b"u;\0\0", b"U;\x000", b"C;\0[\0", b"S:\x06A\x06;\x000"]


@pytest.mark.parametrize("item", NAMED)
def test_a_long_name_of_a_class_or_variable_is_refused(item: bytes) -> None:
    # Each variable that has it copies it: a few hundred kilobytes would take minutes.
    def named(size: int) -> bytes:
        return b"\x04\x08[\x07:" + marshal_count(size) + b"a" * size + item

    assert MarshalSerializer().deserialize(named(MAX_NAME))
    with pytest.raises(exc.DecodingError, match=f"name has more than {MAX_NAME} characters"):
        MarshalSerializer().deserialize(named(MAX_NAME + 1))


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


MOST = {"marshal": MAX_VALUES, "yaml": yaml.MAX_VALUES}
FLAT: dict[str, tuple[str, t.Callable[[int], bytes]]] = {
    "marshal numbers": ("marshal", lambda n: b"\x04\x08[" + marshal_count(n) + b"i\x00" * n),
    "marshal nils": ("marshal", lambda n: b"\x04\x08[" + marshal_count(n) + b"0" * n),
    "marshal texts": ("marshal", lambda n: b"\x04\x08[" + marshal_count(n) + b'"\x06a' * n),
    "marshal pairs": (
        "marshal",
        lambda n: b"\x04\x08{"
        + marshal_count(n)
        + b"".join(b":\x08" + k.to_bytes(3, "little") + b"0" for k in range(n)),
    ),
    "marshal links": ("marshal", lambda n: b"\x04\x08[" + marshal_count(n) + b'"\0' + b"@\6" * n),
    "yaml numbers": ("yaml", lambda n: b"- 1\n" * n),
    "yaml flow": ("yaml", lambda n: b"[" + b"1," * n + b"]"),
    "yaml pairs": ("yaml", lambda n: b"".join(b"a%d: 1\n" % k for k in range(n))),
    "yaml links": ("yaml", lambda n: b"[&a 1" + b",*a" * n + b"]"),
}


@pytest.mark.parametrize("kind", FLAT)
def test_more_values_than_the_bound_are_refused_without_any_links(kind: str) -> None:
    format_, build = FLAT[kind]
    most = MOST[format_]
    with soon(), pytest.raises(exc.DecodingError, match=f"more than {most} values"):
        SERIALIZERS[format_]().deserialize(build(most + 1))
    refused(format_, build(300_000))


@pytest.mark.parametrize("kind", ["marshal numbers", "yaml flow"])
def test_nearly_as_many_values_as_the_bound_are_read(kind: str) -> None:
    # Those of YAML are counted with the events around them.
    format_, build = FLAT[kind]
    most = MOST[format_]
    value = SERIALIZERS[format_]().deserialize(build(most - 10))
    assert len(value) == most - 10


LEAVES = {"marshal": b'I"\x06a\x06:\x06ET', "yaml": b"a"}


@pytest.mark.parametrize("format_", FORMATS)
def test_the_depth_that_is_read_is_the_same_in_both_formats(format_: str) -> None:
    """What is in the deepest container counts for no level (found by the fuzzer)."""

    def nested(levels: int) -> bytes:
        if format_ == "marshal":
            return b"\x04\x08" + b"[\x06" * levels + LEAVES[format_]
        return b"[" * levels + LEAVES[format_] + b"]" * levels

    value = SERIALIZERS[format_]().deserialize(nested(MAX_DEPTH))
    for _level in range(MAX_DEPTH):
        (value,) = value
    assert value == "a"
    with pytest.raises(exc.DecodingError, match=f"deeper than {MAX_DEPTH} levels"):
        SERIALIZERS[format_]().deserialize(nested(MAX_DEPTH + 1))


TEXT = 40_000


@pytest.mark.parametrize(
    "format_,payload",
    [
        ("yaml", b"[&a " + b"x" * TEXT + b",*a" * 2300 + b"]"),
        ("yaml", b"- &a !!binary " + b"eHh4" * (TEXT // 3) + b"\n" + b"- *a\n" * 2300),
        ("yaml", b"- &a " + b"x" * TEXT + b"\n" + b"- {*a : 1}\n" * 2300),
        *(
            (
                "marshal",
                b"\x04\x08["
                + marshal_count(2301)
                + mark
                + marshal_count(TEXT)
                + b"x" * TEXT
                + after
                + b"@\x06" * 2300,
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
    serializer = SERIALIZERS[format_]()
    assert serializer.deserialize(payload[format_]) == ["x" * TEXT] * 10
    assert 10 * TEXT < serializer.written_out < 10 * TEXT + 100
    serializer.deserialize(serializer.serialize(["x"] * 10))
    assert serializer.written_out < 100


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


@pytest.mark.parametrize("digits", [2500, 4000, 4301, 8000])
@pytest.mark.parametrize("form", ["--- %s\n", "---\na: %s\n", "---\na:\n- %s\n", "---\na: -%s\n"])
def test_a_long_integer_is_refused_wherever_it_stands(form: str, digits: int) -> None:
    """Those of more than 4300 digits were a ValueError from the quick reader."""
    refused("yaml", (form % ("9" * digits)).encode())


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


WITHOUT_LIBYAML = """
import sys
sys.modules["yaml.cyaml"] = None
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import yaml
assert not yaml.HAS_LIBYAML
try:
    print(yaml.YamlSerializer().deserialize(sys.stdin.buffer.read()))
except exc.DecodingError:
    print("refused")
"""


@pytest.mark.parametrize(
    "payload",
    [
        *(b'"\\ud800"', b'a: "\\udfff"', b'"\\udfff": a', b"%TAG !x! b\n--- a"),
        *(b'["\\ud83d\\ude00"]', b'!plain "\\ud800"', b'!ruby/sym "\\ud800"', b'!x "\\U0000D800"'),
    ],
)
def test_what_libyaml_refuses_is_refused_without_it(payload: bytes) -> None:
    refused("yaml", payload)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LIBYAML],
        input=payload,
        capture_output=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(exc.__file__).parents[6])},
    )
    assert done.stdout == b"refused\n"
