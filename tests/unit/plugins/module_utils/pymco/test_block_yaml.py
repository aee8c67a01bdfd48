# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The quick reader of YAML gives the same result as the reader that reads all of YAML."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    Symbol,
    YamlSerializer,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.yaml.block import (
    DEPTH,
    MAX_SIZE,
    Unusual,
    load,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import ruby, values

SERIALIZER = YamlSerializer()
BODY = """\
---
:statuscode: 0
:statusmsg: OK
:data:
  :values:
    role: web
    site: Zürich ☃
    processorcount: '4'
    version: 2.12.5
    address: fe80::1
    os:
      family: Debian
      release:
        major: "12"
    interfaces:
    - eth0
    - lo
    - "10.0.0.1"
    none:
    empty: {}
    list: []
  :load: 0.25
  :display: :always
  :up: true
"""
ENVELOPE = "---\n:senderid: web1\n:requestid: '1795403948'\n:msgtime: 1795403948\n:body: |\n"
ENVELOPE += "".join(f"  {line}\n" for line in BODY.splitlines()) + ":hash: |\n  Ab+/=\n  cd==\n"


def agrees(payload: bytes) -> bool:
    """Return True if the quick reader can read it. Then the other reader must give the same result."""
    try:
        value = load(payload)
    except Unusual:
        return False
    try:
        expected = SERIALIZER.read_any(payload)
    except exc.DecodingError as error:
        raise AssertionError(f"{payload!r} is refused: {error}, but read as {value!r}") from error
    assert ruby.describe(value) == ruby.describe(expected), payload
    return True


@pytest.mark.parametrize(
    "text",
    [
        *(BODY, ENVELOPE, "--- pong\n", "--- pong", "--- :a\n", "---\na:\n"),
        *('---\n:body: "--- pong\\n"\n', '---\na: "\\n\\nn"\n', "---\na: '\\n\\d'\n"),
    ],
)
def test_what_nodes_usually_send_is_read(text: str) -> None:
    assert agrees(text.encode())


def test_the_body_in_an_envelope_is_what_was_put_there() -> None:
    envelope = load(ENVELOPE.encode())
    assert envelope[":body"] == BODY
    assert envelope[":hash"] == "Ab+/=\ncd==\n"
    assert isinstance(next(iter(envelope)), Symbol)


UNUSUAL = [
    *("", "---", "--- ", "--- |\n  a\n", "---\n", "---\n- a\n", "--- {a: 1}\n", "--- &a b\n"),
    *("---\na: &x 1\nb: *x\n", "---\na: !ruby/sym b\n", "---\na: b # c\n", "---\na: b: c\n"),
    *("---\nyes: 1\n", "---\n1: 2\n", "---\n? a\n: b\n", "---\na: 'it''s'\n", '---\na: "\\t"\n'),
    *('---\na: "\\\\n"\n', '---\na: "\\n\\t"\n', '---\na: "\\"\n', '---\na: "b\\\n'),
    *("---\na:\n- b: 1\n", "---\na:\n  - b\n", "---\na: b\n  c\n", "---\na: |2\n   b\n"),
    *("---\na: |\n b\n", "---\na: >\n  b\n", "---\na:\tb\n", "---\na: b\r\n", "---\na: \u2028\n"),
    *("---\na: 1\n...\n", "---\na: 1\n---\nb: 2\n", "%YAML 1.1\n---\na: 1\n", "---\na: b \n"),
    *("---\n a: 1\n", "---\na:\n  b: 1\n c: 2\n", "---\na: -\n", "---\na: @b\n", "---\na: \x85\n"),
]


@pytest.mark.parametrize("text", UNUSUAL)
def test_what_looks_different_is_left_to_the_other_reader(text: str) -> None:
    assert not agrees(text.encode())


def test_what_is_large_or_deep_is_left_to_the_other_reader() -> None:
    assert not agrees(b"---\na: " + b"b" * MAX_SIZE + b"\n")
    deep = "---\n" + "".join("  " * level + "a:\n" for level in range(DEPTH))
    assert agrees(deep.encode())
    assert not agrees((deep + "  " * DEPTH + "a:\n").encode())


NAMES = st.sampled_from(["role", "os.family", "a-b", "_x", "Null", "no", "y", "9"])
KEYS = st.one_of(NAMES, NAMES.map(Symbol))
ORDINARY = st.one_of(
    st.text("abzAZ019 .:-_/@,#'é", max_size=12),
    st.sampled_from([*values.TEXTS, *values.NUMBERS, *values.REALS, None, True, False, {}, []]),
    st.integers(-3, 10**6),
    st.sampled_from(["two\nlines\n", "two\nlines", "\n", " a\nb", "a\n\n", "x" * 90, "x y " * 30]),
)
REPLIES = st.dictionaries(
    KEYS,
    st.recursive(
        ORDINARY,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)
        ),
        max_leaves=8,
    ),
    min_size=1,
    max_size=5,
)


def test_what_ruby_writes_is_read_the_same(oracle: ruby.Ruby) -> None:
    usual = 0

    @values.THOROUGH
    @given(REPLIES)
    def check(value: t.Any) -> None:
        nonlocal usual
        usual += agrees(oracle.rewrite("yaml", SERIALIZER.serialize(value)))

    check()
    assert usual > values.examples(10) // 2


SNIPPETS = st.sampled_from(
    [*":-|>'\"# \n{}[]&*!?,~.%@`=<\t\r0a9_é\x85\u2028\ufeff", "  ", "\n  ", ": ", "- ", "---\n"]
    + [
        "...\n",
        "|-",
        "|+",
        "|2",
        "''",
        '""',
        "null",
        "yes",
        "<<: ",
        "1.5",
        "1_0",
        "::",
        " #",
        "b:\n",
        *('"\\n"', "\\n", "\\"),
    ]
)


@values.THOROUGH
@given(
    st.sampled_from([BODY, ENVELOPE, "---\na: b\n", '---\na: "b\\n"\n']),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), SNIPPETS), min_size=1, max_size=4),
)
def test_changes_are_read_the_same_or_not_at_all(
    text: str, changes: list[tuple[float, int, str]]
) -> None:
    for place, dropped, snippet in changes:
        at = int(place * len(text))
        text = text[:at] + snippet + text[at + dropped :]
    agrees(text.encode())
