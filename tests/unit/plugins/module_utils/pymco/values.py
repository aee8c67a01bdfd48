# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that are likely to change on their way to Ruby and back."""

from __future__ import annotations

import os
import typing as t

from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol


def examples(usual: int) -> int:
    """Return how many examples to try. TEST_EXAMPLES is the part of them that is enough, from 0 to 1."""
    return max(1, int(usual * float(os.environ.get("TEST_EXAMPLES", "1"))))


# Not the same examples in each run: tests that do not change their mind are for CI, and CI runs many.
THOROUGH = settings(max_examples=examples(400), deadline=None, derandomize=True, database=None)

TEXTS = [
    *[
        "1_",
        "1__0",
        "1_.5",
        "1._",
        "0.1_",
        "1_000_",
        "0x1_",
        "0b1_",
        "0_",
        "+1_",
        "1e_3",
        "1:_",
        "._1",
    ],
    *(
        [
            "1,000",
            "80,443",
            "1,234.5",
            "0,1",
            "yes",
            "no",
            "on",
            "off",
            "tRue",
            "True",
            "FALSE",
            "y",
            "n",
            ":foo",
            ":foo:",
            ":1",
            ":",
            "::",
            "2001-01-01",
        ]
    ),
    *(
        [
            "2001-1-1",
            "2001-01-01T00:00:00Z",
            "12:30:45",
            "1:30",
            "190:20:30",
            "0x1f",
            "0o17",
            "010",
            "089",
            "0b11",
            "+1",
            "-1",
            "1e3",
        ]
    ),
    *(
        [
            ".",
            "..",
            "...",
            "-",
            "--",
            "---",
            "-1-",
            "~",
            "null",
            "Null",
            "=",
            "<<",
            "*",
            "&",
            "!",
            "@",
            "`",
            "%",
            "|",
            ">",
            "?",
            ",",
            "[]",
            "{}",
            ".inf",
            "-.INF",
            ".nan",
            "1_000",
            "1.",
            ".5",
        ]
    ),
    *(
        [
            "!ruby/sym",
            "&a",
            "*a",
            "!!int",
            "|",
            ">",
            "a,b",
            "<<:",
            "\\",
            '"',
            "'",
            '"a"',
            "'a'",
            ':"a"',
            ":'a'",
            "${x}",
            "{{x}}",
            "#{x}",
            "%w",
        ]
    ),
    *(
        [
            "- a",
            "a: b",
            "#x",
            "a #b",
            ": a",
            "? a",
            "{a: b}",
            "[a]",
            " a",
            "a ",
            " ",
            "--- a",
            "... b",
            "2001-01-01 00:00:00 Z",
        ]
    ),
    *(
        "",
        "\n",
        "\n\n",
        "a\n",
        "a\nb",
        "a\n\nb\n",
        " a\nb",
        "\ta",
        "a\t",
        "a\r\nb\r\n",
        "\r",
        "a \nb",
    ),
    *("\0", "a\0b", "\1\2\x1b\x1f\x7f", "\x80\x9f", "\x85", "a\x85b", "\u2028", "a\u2029b"),
    *(
        "\ufeff",
        "\ufeffa",
        "a\ufeff",
        "\ufffe",
        "\uffff",
        "\U0001f600",
        "\U0010ffff",
        "é",
        "e\u0301",
    ),
    *("x" * 10_000, "word " * 3_000, "é " * 2_000, "a: b\n" * 500, "\u00a0", "\u200b", "日本語"),
]
NUMBERS = [
    *(
        sign * (2**power + delta)
        for power in (0, 7, 8, 15, 16, 24, 30, 31, 32, 62, 63, 64, 128, 1000)
        for delta in (-1, 0, 1)
        for sign in (1, -1)
    ),
    *(122, 123, 124, -122, -123, -124, 255, 256, 257, -255, -256, -257, 1395419893),
]
REALS = [
    *(0.0, -0.0, 1.0, -1.5, 0.1, 1e-7, 1e16, 1e17, 1e20, 1e22, 123456789.123456789, 5e-324),
    *(1.7976931348623157e308, float("inf"), float("-inf"), 100.0, 1e100, 2.0**53),
]
BINARIES = [b"", b"\0", b"\xff\xfe", b"abc", bytes(range(256)), b"\xe9", b"\xc3\xa9", b"\n" * 99]
SYMBOLS = [
    Symbol(name) for name in ("a", "a_b", "a?", "a!", "a=", "[]", "a b", "1", "é", *TEXTS[:130])
]

texts = st.one_of(
    st.sampled_from(TEXTS),
    st.text(),
    st.text(alphabet="0123456789,._:-+eExXoOnaNyY ~<=\n\t'\"#&*!|>%@{}[]\\"),
)
any_symbols = st.one_of(st.sampled_from(SYMBOLS), texts.map(Symbol))
usual_symbols = st.from_regex(r"[A-Za-z_][\w.: -]{0,20}[\w?!=]", fullmatch=True).map(Symbol)
integers = st.one_of(st.sampled_from(NUMBERS), st.integers())


def plain(symbols: st.SearchStrategy[Symbol]) -> st.SearchStrategy[t.Any]:
    """Plain data of every kind, with such symbols."""
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        integers,
        st.sampled_from(REALS),
        st.floats(allow_nan=False),
        texts,
        symbols,
        st.one_of(st.sampled_from(BINARIES), st.binary()),
    )
    keys = st.one_of(texts, symbols, integers, st.none())
    return st.recursive(
        scalars,
        lambda children: st.one_of(
            st.lists(children, max_size=5), st.dictionaries(keys, children, max_size=5)
        ),
        max_leaves=12,
    )
