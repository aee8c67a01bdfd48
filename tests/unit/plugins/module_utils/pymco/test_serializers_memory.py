# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures the worst cases of what serializers/base.py states about memory and time."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import OtherKey
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.base import (
    MAX_NUMBER_KEYS,
    MAX_VALUES,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.marshal_reader import (
    MAX_NAME,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.ruby_objects import (
    MAX_ESCAPED,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.yaml import (
    HAS_LIBYAML,
    SLOW_BYTES,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.yaml import (
    MAX_VALUES as MOST_IN_YAML,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.hostile import (
    SERIALIZERS,
    marshal_count,
    refused,
    soon,
    survived,
)

PER_VALUE, PER_BYTE = 640, 16
ALLOCATOR = 4 * 2**20
"""Bytes that an allocator may take at once whatever it is asked for."""
LIMITED = """
import os, resource, sys
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import SERIALIZERS
serializer, payload = SERIALIZERS[sys.argv[1]](), sys.stdin.buffer.read()
pages = int(open("/proc/self/statm").read().split()[5])
limit = pages * resource.getpagesize() + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
try:
    serializer.deserialize(payload)
except exc.DecodingError:
    print("refused")
except MemoryError:
    # Neither printing nor ending in order is certain to get the memory for it.
    os.write(1, b"too little memory\\n")
    os._exit(0)
"""
LARGE = 2**24
"""Bytes of a text; no reply may have more."""
LARGE_IN_YAML = LARGE if HAS_LIBYAML else SLOW_BYTES // 2
MANY, MANY_IN_YAML = MAX_VALUES - 100, MOST_IN_YAML - 100


def many(item: bytes, count: int = MANY) -> bytes:
    """An Array of the same."""
    return b"\x04\x08[" + marshal_count(count) + item * count


def marshal_text(data: bytes, attributes: bytes = b"\x06:\x06ET") -> bytes:
    return b'\x04\x08I"' + marshal_count(len(data)) + data + attributes


WIDE = "\U0001f600".encode()
"""One such character makes Python take four bytes for every other."""
COSTLY: dict[str, tuple[str, t.Callable[[], bytes]]] = {
    "marshal lists": ("marshal", lambda: many(b"[\0")),
    "marshal hashes": ("marshal", lambda: many(b"{\0")),
    "marshal objects": ("marshal", lambda: many(b"o:\x06A\0")),
    "marshal variables": (
        "marshal",
        lambda: b"\x04\x08[\x07I:" + marshal_text(b"@" + WIDE * (MAX_NAME - 1))[4:]
        # The same name twice: without the @, and with it.
        + many(b"o;\0\x07;\x000;\x000", MANY // 3)[2:],
    ),
    "marshal own bytes": ("marshal", lambda: many(b"u:\x06A\0")),
    "marshal regexps": ("marshal", lambda: many(b"/\x06a\0")),
    "marshal text": ("marshal", lambda: marshal_text(WIDE + b"a" * LARGE)),
    "marshal latin": (
        "marshal",
        lambda: marshal_text(b"\xff" * LARGE, b'\x06:\x0dencoding"\x0fISO-8859-1'),
    ),
    "marshal colliding keys": (
        "marshal",
        lambda: many(b'{\x07:\x07ab0"\x08:ab0', MANY // 5),
    ),
    "yaml colliding keys": (
        "yaml",
        lambda: b"- :ab: 1\n  ':ab': 1\n" * (MANY_IN_YAML // 7),
    ),
    "yaml numbers": ("yaml", lambda: b"- 1\n" * MANY_IN_YAML),
    "yaml symbols": ("yaml", lambda: b"- :a\n" * MANY_IN_YAML),
    "yaml lists": ("yaml", lambda: b"[" + b"[]," * (MANY_IN_YAML // 2) + b"]"),
    "yaml pairs": ("yaml", lambda: b"[" + b"a: b," * (MANY_IN_YAML // 4) + b"]"),
    "yaml tags": ("yaml", lambda: b"[" + b"!ruby/object:A {a: b}," * (MANY_IN_YAML // 4) + b"]"),
    "yaml anchors": (
        "yaml",
        lambda: b"".join(b"- &a%d a\n" % number for number in range(MANY_IN_YAML)),
    ),
    "yaml text": ("yaml", lambda: b'"' + WIDE + b"x" * LARGE_IN_YAML + b'"'),
    "yaml binary": ("yaml", lambda: b"!binary |\n  " + b"eHh4" * (LARGE_IN_YAML // 4)),
}


def outcome(format_: str, payload: bytes, limit: int) -> str:
    """What comes of a payload in a process of its own, which must not grow by more."""
    if not pathlib.Path("/proc/self/statm").exists():
        pytest.skip("this system does not say how large a process is")
    return subprocess.run(
        [sys.executable, "-c", LIMITED, format_, str(limit)],
        input=payload,
        capture_output=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(exc.__file__).parents[6])},
    ).stdout.decode()


@pytest.mark.parametrize("kind", COSTLY)
def test_no_payload_takes_more_memory_than_is_stated(kind: str) -> None:
    format_, build = COSTLY[kind]
    payload = build()
    values = min(MAX_VALUES, len(payload))
    assert outcome(format_, payload, ALLOCATOR + PER_VALUE * values + PER_BYTE * len(payload)) == ""


@pytest.mark.parametrize(
    "format_,bomb",
    [("yaml", b"- 1\n" * MANY_IN_YAML), ("marshal", many(b"o:\x06A\0"))],
    ids=["yaml", "marshal"],  # or pytest tells the whole bomb to every process
)
def test_the_limit_of_these_tests_is_one(format_: str, bomb: bytes) -> None:
    assert outcome(format_, bomb, ALLOCATOR) == "too little memory\n"


BOMBS = {
    "yaml": b"- &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"- &a%d [%s]\n" % (n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12)),
    "marshal": b"\x04\x08[\x11"
    + b"".join(b"[\x0f" + (b"@" + bytes([n + 5]) if n else b"0") * 10 for n in range(12)),
}


@pytest.mark.parametrize("format_", BOMBS)
def test_a_bomb_is_refused_in_little_memory(format_: str) -> None:
    # A million million values in some hundred bytes; a megabyte is what nobody would notice.
    assert outcome(format_, BOMBS[format_], ALLOCATOR) == "refused\n"


# -- time ----------------------------------------------------------------------------------------

SAME_HASH = 2**61 - 1
"""Python's hash of a number is its remainder."""


def numbers_as_keys(format_: str, numbers: t.Sequence[int]) -> bytes:
    if format_ == "yaml":
        return b"".join(b"%d: 1\n" % number for number in numbers)
    sizes = [(number.bit_length() + 15) // 16 for number in numbers]
    pairs = (
        b"l+" + bytes([size + 5]) + number.to_bytes(2 * size, "little") + b"0"
        for number, size in zip(numbers, sizes)
    )
    return b"\x04\x08{" + marshal_count(len(numbers)) + b"".join(pairs)


@pytest.mark.parametrize("repeated", [1, 2])
@pytest.mark.parametrize("format_", ["marshal", "yaml"])
def test_numbers_that_fall_together_in_a_hash_are_read_soon(format_: str, repeated: int) -> None:
    # As keys of a dict, all of them would take a quarter of a minute.
    numbers = [number * SAME_HASH for number in range(1, 10_000 // repeated)]
    payload = numbers_as_keys(format_, numbers * repeated)
    with soon():
        keys = list(SERIALIZERS[format_]().deserialize(payload))
    found = [key.value if isinstance(key, OtherKey) else key for key in keys]
    assert keys[:MAX_NUMBER_KEYS] == numbers[:MAX_NUMBER_KEYS]
    assert found == numbers * repeated


@pytest.mark.parametrize("format_", ["marshal", "yaml"])
def test_the_first_numbers_of_all_hashes_together_are_keys(format_: str) -> None:
    hashes = [{number: 1} for number in range(MAX_NUMBER_KEYS + 1)]
    serializer = SERIALIZERS[format_]()
    *found, last = serializer.deserialize(serializer.serialize(hashes))
    assert found == hashes[:-1]
    assert [key.value for key in last] == [MAX_NUMBER_KEYS]


@pytest.mark.parametrize("start", ["", "\ufeff", *("\n", "\r", "\r\n", "\x85", "\u2028", "\u2029")])
def test_tag_directives_in_yaml_are_refused(start: str) -> None:
    # A tag of 3 bytes would take as much memory as the directive, and libyaml compares each directive with each.
    first = "" if start in ("", "\ufeff") else "%YAML 1.1"
    text = f"{first}{start}%TAG !x! tag:{'a' * 500_000}\n---\n[{'!x!a 1,' * 20_000}]"
    with soon(), pytest.raises(exc.DecodingError, match="%TAG"):
        SERIALIZERS["yaml"]().deserialize(text.encode())


def test_percents_that_begin_no_directive_are_read() -> None:
    text = "50%\n%TAG\n" * 200
    serializer = SERIALIZERS["yaml"]()
    assert serializer.deserialize(serializer.serialize(text)) == text
    assert serializer.deserialize(b"--- |\n  50%\n  %TAG !a! b\n") == "50%\n%TAG !a! b\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_yaml_in_an_encoding_that_hides_directives_is_refused(encoding: str) -> None:
    refused("yaml", "\ufeff--- a".encode(encoding))


@pytest.mark.parametrize("start", [b":", b"/", b"c", b"I:", b"I/"])
def test_a_long_name_that_is_no_text_is_refused(start: bytes) -> None:
    # 16 MiB of such bytes take seconds to escape.
    refused("marshal", b"\x04\x08" + start + marshal_count(LARGE) + b"\xff" * LARGE + b"\0\0")


@pytest.mark.parametrize("source", [b"\\", b"/"])
def test_a_long_regexp_is_refused(source: bytes) -> None:
    # To escape the slashes of 16 MiB takes seconds, and up to 33 bytes of memory for each byte.
    size = MAX_ESCAPED + 2
    refused("marshal", b"\x04\x08/" + marshal_count(size) + source * size + b"\0")
    survived("marshal", b"\x04\x08/" + marshal_count(size - 2) + source * (size - 2) + b"\0")


def test_a_name_that_is_no_text_is_read_with_escapes() -> None:
    payload = b"\x04\x08:" + marshal_count(MAX_ESCAPED) + b"\xff" * MAX_ESCAPED
    assert SERIALIZERS["marshal"]().deserialize(payload).name == r"\xff" * MAX_ESCAPED


def test_quadratic_input_is_read_in_no_time() -> None:
    head = b"\x04\x08[" + marshal_count(100_000)
    for item in (b"i\x00", b'"\x00', b'I"\x06a\x06:\x06ET', b"[\x00", b"f\x060"):
        with soon():
            survived("marshal", head + item + (b"@\x06" * 99_999))
            survived("marshal", head + item * 100_000)
