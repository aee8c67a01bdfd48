# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Foreign text in messages: nothing in it reaches the terminal as a command."""

from __future__ import annotations

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import (
    LONGEST_QUOTE,
    masked,
    printable,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no route to host", "no route to host"),
        ("Gerät läuft, 日本", "Gerät läuft, 日本"),
        ("\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("\x9b31m", r"\x9b31m"),
        ("two\r\nlines\x00", r"two\r\nlines\x00"),
        ("half \ud800", r"half \ud800"),
        ({"a": "\x1b"}, r"{'a': '\x1b'}"),
        (None, "None"),
        ("", ""),
    ],
)
def test_only_printable_characters_are_shown(text: object, shown: str) -> None:
    assert printable(text) == shown
    assert printable(text).isprintable()


@pytest.mark.parametrize("text", ["x" * 3_000_000, "\x1b" * 3_000_000])
def test_a_long_text_is_cut(text: str) -> None:
    shown = printable(text)
    assert len(shown) == LONGEST_QUOTE
    assert shown.endswith("...")


def test_a_text_that_just_fits_is_whole() -> None:
    assert printable("x" * LONGEST_QUOTE) == "x" * LONGEST_QUOTE
    assert printable("x" * 6, 5) == "xx..."


@pytest.mark.parametrize(
    ("text", "secrets", "shown"),
    [
        ("password hunter22!", ["hunter22"], "password ********!"),
        ("xhunter22x", ["hunter22"], "x********x"),
        ("421: 1 of 12, key=1", ["1"], "421: ******** of 12, key=********"),
        ("abcdefgh", ["abcdef", "abcdefgh"], "********"),
        ("a.b aXb", ["a.b"], "******** aXb"),
        ("nothing", ["", "other"], "nothing"),
    ],
)
def test_what_somebody_repeats_of_secrets_is_masked(
    text: str, secrets: list[str], shown: str
) -> None:
    assert masked(text, secrets) == shown


@pytest.mark.parametrize("blank", [" ", "\u2003", "\ufffd"])
def test_a_part_of_a_secret_where_a_text_was_cut_is_left_out(blank: str) -> None:
    secret, kept = "correct-horse-battery", 4096
    for place in range(kept - 2 * len(secret) - len(blank.encode()), kept + 1):
        said = blank * (place // len(blank.encode())) + secret + " is wrong" * 10
        shown = masked(said.encode()[:kept].decode("utf-8", "replace"), [secret, "x1"], kept)
        assert "corr" not in shown
        assert "attery" not in shown
    assert masked("no " + secret, [secret, "x1"], kept) == "no ********"
    assert masked("x" * kept, [], kept) == "x" * kept
