# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Sets of characters, as sorted ranges of code points."""

from __future__ import annotations

import bisect

Ranges = tuple[tuple[int, int], ...]
"""Ranges that neither overlap nor touch, both ends included."""

LAST = 0x10FFFF
ANY: Ranges = ((0, LAST),)
EMPTY: Ranges = ()


def ranges(*pairs: tuple[int, int]) -> Ranges:
    """Any ranges, brought into order."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def chars(*spans: str) -> Ranges:
    """Single characters and spans such as "a-z"."""
    return ranges(*((ord(span[0]), ord(span[-1])) for span in spans))


def union(left: Ranges, right: Ranges) -> Ranges:
    return ranges(*left, *right)


def complement(own: Ranges) -> Ranges:
    """All other characters."""
    edges = [-1, *(edge for pair in own for edge in pair), LAST + 1]
    gaps = zip(edges[::2], edges[1::2])
    return tuple((last + 1, first - 1) for last, first in gaps if last + 1 <= first - 1)


def intersection(left: Ranges, right: Ranges) -> Ranges:
    return complement(union(complement(left), complement(right)))


def contains(own: Ranges, char: str) -> bool:
    at = bisect.bisect_right(own, (ord(char), LAST)) - 1
    return at >= 0 and own[at][0] <= ord(char) <= own[at][1]


def is_ascii(own: Ranges) -> bool:
    return not own or own[-1][1] < 0x80


def either_case(own: Ranges) -> Ranges:
    """With the other case of its ASCII letters."""
    letters = [chr(code) for code in range(0x41, 0x7B) if chr(code).isalpha()]
    swapped = [ord(char.swapcase()) for char in letters if contains(own, char)]
    return ranges(*own, *((code, code) for code in swapped))


WORD = chars("a-z", "A-Z", "0-9", "_")
DIGIT = chars("0-9")
SPACE = chars("\t-\r", " ")
HEX = chars("0-9", "a-f", "A-F")
LOWER, UPPER, ALPHA = chars("a-z"), chars("A-Z"), chars("a-z", "A-Z")

POSIX: dict[str, Ranges] = {
    "alpha": ALPHA,
    "digit": DIGIT,
    "alnum": union(ALPHA, DIGIT),
    "lower": LOWER,
    "upper": UPPER,
    "space": SPACE,
    "blank": chars(" ", "\t"),
    "cntrl": chars("\0-\x1f", "\x7f"),
    "graph": chars("!-~"),
    "print": chars(" -~"),
    "xdigit": HEX,
    "word": WORD,
    "ascii": chars("\0-\x7f"),
}
"""What they are within ASCII. "punct" is missing: it depends on the version of Ruby."""

PROPERTIES: dict[str, Ranges] = {
    **POSIX,
    **dict.fromkeys(["l", "letter"], ALPHA),
    **dict.fromkeys(["ll", "lowercaseletter", "lowercase"], LOWER),
    **dict.fromkeys(["lu", "uppercaseletter", "uppercase"], UPPER),
    **dict.fromkeys(["n", "nd", "number"], DIGIT),
    "any": ANY,
}
"""Likewise, by lower-case names without blanks and underscores."""
