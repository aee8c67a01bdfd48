# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compound filters of Choria: what can never be right is refused, and anything else is sent as it is."""

from __future__ import annotations

import random

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import (
    compound,
    exc,
    expression,
)

TAKEN = [
    "with('cluster=n1')",
    "with('cluster=n1') && !with('/^web/')",
    'with("os=Debian") and not (with(`apache`) or include(fact(`a`), "it\'s"))',
    "fact('os.family') == 'Debian'",
    "fact('cpus') >= 4 and fact('cpus') <= 8",
    "fact('a') != nil",
    "fact('a') / 2 == 4",
    "semver(fact('version'), '>= 1.2.0, < 2')",
    "with('a=b') // a comment with a ' quote",
    "with('a=b') /* and ( another */ && true",
    "with('a\\'b=\"c')",
    "any(fact('interfaces'), {# startsWith 'eth'})",
    "let os = fact('os'); os.family == 'Debian'",
    "'apache' in classes",
    "len(agents) > 3",
    "true",
    "not false",
    # A data plugin: this is right in both languages.
    "scout('check').state == \"OK\"",
    "!demand('15')",
    "with('größe=1')",
]


@pytest.mark.parametrize("text", TAKEN)
def test_an_expression_is_sent_as_it_is(text: str) -> None:
    assert expression.joined([text]) == text


OLD = [
    ("cluster=n1 and x=y", 8, "with('cluster=n1') && with('x=y')"),
    ("os=Debian", 3, "with('os=Debian')"),
    ("os==Debian", 1, "with('os=Debian')"),
    ('os == "Debian Linux"', 1, "with('os=Debian Linux')"),
    ("/web/", 1, "with('/web/')"),
    ("os=/^De/", 3, "with('os=/^De/')"),
    ("os=~^De", 3, "with('os=/^De/')"),
    ("apache", 1, "with('apache')"),
    (
        "not apache or (nginx and !cpus>=4)",
        1,
        "!with('apache') || (with('nginx') && !with('cpus>=4'))",
    ),
    ("cpus=>4", 5, "with('cpus>=4')"),
    ("role::web", 1, "with('role::web')"),
    ("x=it\\'s", 2, "with"),
    ("""os="it's" """, 3, r"with('os=it\'s')"),
    ("a and /b/", 7, "with('a') && with('/b/')"),
    # Data functions have no other name that a client could know.
    ("fact('os').value=Debian", 17, "with('class or agent'), with('fact=value'), && and ||"),
    ("fstat('/x').md5=/^a/ and apache", 16, "with('class or agent')"),
    # Half of it is of the other language.
    ("cluster=n1 && with('x=y')", 8, "with('class or agent'), with('fact=value')"),
    ("with(os=Debian)", 8, "with('class or agent')"),
    ("with(/web/)", 6, "with('class or agent')"),
    ("with('a') && !/web/", 15, "with('class or agent')"),
]


@pytest.mark.parametrize(("text", "column", "instead"), OLD)
def test_mcollectives_language_is_refused_with_the_way_to_write_it(
    text: str, column: int, instead: str
) -> None:
    with pytest.raises(exc.BadCompoundFilter) as caught:
        expression.joined([text])
    message = str(caught.value)
    assert "this is MCollective's language" in message
    assert instead in message
    assert caught.value.column == column


BROKEN = [
    ("", "nothing in it"),
    ("  // only a comment", "nothing in it"),
    ("with('a'", "this bracket is never closed"),
    ("with('a'))", "this bracket was never opened"),
    ("with('a']", "this bracket was never opened"),
    ("with('a) && with(b)", "this quote is never closed"),
    ('with("a)', "this quote is never closed"),
    ("with(`a)", "this quote is never closed"),
]


@pytest.mark.parametrize(("text", "why"), BROKEN)
def test_what_is_not_closed_is_refused(text: str, why: str) -> None:
    with pytest.raises(exc.BadCompoundFilter, match=why):
        expression.joined([text])


def test_of_several_all_must_be_true() -> None:
    assert expression.joined(["with('a') || with('b')", "with('c') // all"]) == (
        "(with('a') || with('b')) && (with('c') // all\n)"
    )
    with pytest.raises(exc.BadCompoundFilter, match="with\\('x=y'\\)"):
        expression.joined(["with('a')", "x=y"])


def test_any_text_is_judged_in_time() -> None:
    """Whatever the text is, it is taken or refused by a BadCompoundFilter, and that does not take long."""
    chance = random.Random(5)
    words = [
        *"'\"`()[]{}=!/&|<>~ \n\\",
        "and",
        "or",
        "not",
        "with",
        "fact",
        "//",
        "/*",
        "*/",
        "a",
        "é",
        "1.5",
    ]
    for _number in range(3000):
        text = "".join(chance.choice(words) for _word in range(chance.randrange(12)))
        try:
            assert expression.joined([text]) == text
        except exc.BadCompoundFilter as error:
            assert str(error).isprintable()
    for text in ("(" * 20_000, "'" * 20_001, "/* " * 10_000, '"\\' * 10_000, "a=" * 10_000):
        with pytest.raises(exc.BadCompoundFilter):
            expression.joined([text])


def test_what_mcollective_takes_is_refused_and_its_translation_is_taken() -> None:
    chance = random.Random(7)

    def made(depth: int) -> str:
        kind = chance.randrange(6 if depth else 3)
        if kind < 2:
            operator = chance.choice(["=", "<", ">", "<=", ">="])
            return f"{chance.choice('abc')}{operator}{chance.choice(['x', '1', '4.5'])}"
        if kind == 2:
            return chance.choice(["apache", "role::web", "/^web/", '"two words"'])
        if kind == 3:
            return f"not {made(depth - 1)}"
        if kind == 4:
            return f"({made(depth - 1)})"
        return f"{made(depth - 1)} {chance.choice(['and', 'or'])} {made(depth - 1)}"

    for _number in range(500):
        text = made(4)
        compound.parse(text)
        with pytest.raises(exc.BadCompoundFilter) as caught:
            expression.joined([text])
        translated = str(caught.value).rpartition(": write ")[2]
        assert translated.startswith(("with(", "!", "(")), text
        if "…" not in translated:
            assert expression.joined([translated]) == translated
