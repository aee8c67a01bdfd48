# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compound filters: tokens and error messages. The reference judges them in tests/interop."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import compound, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    SERIALIZERS,
    Regexp,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import ruby


def words(text: str) -> str:
    """The tokens of an expression without data functions, statements in brackets."""
    pairs = [next(iter(token.items())) for token in compound.parse(text).tokens]
    return " ".join(f"[{value}]" if kind == "statement" else kind for kind, value in pairs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apache", "[apache]"),
        (" a::b.c-d_e\n", "[a::b.c-d_e]"),
        (
            "a and os=Debian or (not foo and !bar)",
            "[a] and [os=Debian] or ( not [foo] and not [bar] )",
        ),
        ("not not a and !!b", "not not [a] and not not [b]"),
        # Nodes of 2.0 skip data functions, and "not ( )" is true there.
        ("not (f('x').y=1)", "not fstatement"),
        ("! ( ( f().y=1 ) ) and (a)", "not fstatement and ( [a] )"),
        ("((f().y=1) or a)", "( fstatement or [a] )"),
        ("(not f().y=1)", "( not fstatement )"),
        ("(f().y=1 or g().y=1)", "( fstatement or fstatement )"),
        ("(a)and(b)or not(c)", "( [a] ) and ( [b] ) or not ( [c] )"),
        ("andy or nothing", "[andy] or [nothing]"),
        ("and=1 or os=or", "[and=1] or [os=or]"),
        ("\"and\" or 'or'", "[and] or [or]"),
        ("os  =  x and cpus >= 4", "[os=x] and [cpus>=4]"),
        ('os="Debian Linux" and \'my fact\'="a\\"b"', '[os=Debian Linux] and [my fact=a"b]'),
        ('"os = Debian Linux"', "[os=Debian Linux]"),
        ("os==x or os=>1 or os=<1", "[os=x] or [os>=1] or [os<=1]"),
        ("os=~^D or os=~/^D/ or os=/^D/", "[os=/^D/] or [os=/^D/] or [os=/^D/]"),
        (r"os=/a\/b c/ and /re x/", r"[os=/a\/b c/] and [/re x/]"),
        ("(/re/)", "( [/re/] )"),
        ("a=b>c and a<b=c", "[a=b>c] and [a<b=c]"),
        ('"foo/bar"', "[foo/bar]"),
        ("é=ü and ö", "[é=ü] and [ö]"),
    ],
)
def test_statements_and_what_joins_them(text: str, expected: str) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "params", "value", "operator", "r_compare"),
    [
        ("fstat('/etc/hosts').md5=baa", "/etc/hosts", "md5", "==", "baa"),
        ('fstat("it\'s").md5 == "b a"', "it's", "md5", "==", "b a"),
        ("fstat( 'a b' ).size != 3", "a b", "size", "!=", "3"),
        ("fstat().size>-1.5", None, "size", ">", "-1.5"),
        ("fstat('').size=>3", "", "size", ">=", "3"),
        ("fstat('x').size=<0x1f", "x", "size", "<=", "0x1f"),
        ("fstat('x').md5=/b=a/", "x", "md5", "=~", Regexp("b=a")),
        ("fstat('x').md5=~ba", "x", "md5", "=~", Regexp("ba")),
        ("fstat('x').md5!=/ba/", "x", "md5", "!=~", Regexp("ba")),
        ("fstat('x').md5!=~/ba/", "x", "md5", "!=~", Regexp("ba")),
        ("fstat('x').md5!~ba", "x", "md5", "!=~", Regexp("ba")),
        ("fstat('(x=)').name=a=b", "(x=)", "name", "==", "a=b"),
        ("fstat('x').name=/x", "x", "name", "==", "/x"),
        ('fstat("x").name="/x/y"', "x", "name", "==", "/x/y"),
        ("fstat('x').name=''", "x", "name", "==", ""),
    ],
)
def test_data_functions(
    text: str, params: str | None, value: str, operator: str, r_compare: str
) -> None:
    (token,) = compound.parse(text).tokens
    expected = {
        **{"r_compare": r_compare, "operator": operator, "value": value},
        **{"name": "fstat", "params": params},
    }
    assert token == {"fstatement": expected}
    assert list(token["fstatement"]) == list(expected)
    assert type(token["fstatement"]["r_compare"]) is type(r_compare)


NOTHING = "a class, a fact or a data function must stand here"
JOIN = '"and" or "or" must stand between two statements'
QUOTE = "this must be quoted to be part of a name or a value"
SLASH = "what begins with a slash is a regular expression for nodes"
MISREAD = "nodes would misread this as another comparison"


@pytest.mark.parametrize(
    ("text", "column", "why"),
    [
        ("", 1, NOTHING),
        ("   ", 4, NOTHING),
        ("a and ", 7, NOTHING),
        ("not", 4, NOTHING),
        ("()", 2, NOTHING),
        ("a and =x", 7, NOTHING),
        ("or", 1, "a class, a fact or a data function must stand before this"),
        ("a and or b", 7, "a class, a fact or a data function must stand before this"),
        ("a b", 3, JOIN),
        ("(a) b", 5, JOIN),
        ("a not b", 3, JOIN),
        ("os=Debian Linux", 11, JOIN),
        ("a and (b or (c)", 7, "this parenthesis is never closed"),
        ("a and b) or c", 8, "this parenthesis was never opened"),
        ("a/b", 2, QUOTE),
        ("os=a(b)", 5, QUOTE),
        ('os="a', 4, "this quote is never closed"),
        ("os=O'Brien", 5, "this quote is never closed"),
        (r'os="x\d"', 6, r"within quotes write \\d for this"),
        ('os="x\ny"', 4, "nodes do not match text of several lines"),
        ("a*", 1, "this is no class name; quote it if it is"),
        ('""', 1, "this is no class name"),
        ("os=", 4, "a value must stand here"),
        ('os=""', 4, "a value must stand here; for an empty one write /^$/"),
        ('/re/""', 1, "quote all of it or nothing"),
        ('os=/r"e/"', 4, "quote all of it or nothing"),
        ("os= >4", 5, "there is no such operator; quote a value that begins so"),
        ("a and os!=x", 7, "nodes do not know != for facts; write: not os=x"),
        ("os!~x", 1, "nodes do not know !~ for facts; write: not os=~x"),
        ("a=b=c", 1, f"{MISREAD}: the name cannot have a =, and the value only as \\x3d"),
        ("a=/b=c/", 1, MISREAD),
        ('a>"=c"', 1, MISREAD),
        ('""=c', 1, MISREAD),
        ('"/a"=c', 1, MISREAD),
        ("/re", 1, SLASH),
        ("//", 1, SLASH),
        ("/re/i", 1, SLASH),
        ("os=/etc", 4, SLASH),
        ("os=~/etc", 5, SLASH),
        ("os=/a\\/", 4, SLASH),
        ("f().x=/a/b", 7, SLASH),
        ("/a/b/", 1, "nodes remove slashes inside; write . for a slash"),
        ("os>/x/", 4, "a regular expression cannot stand after >"),
        ("os=>/x/", 5, "a regular expression cannot stand after =>"),
        ("f('x').y<x", 10, "nodes compare numbers only with <"),
        ("f(x).y=1", 3, "a data function takes one argument in quotes, or none"),
        ("f('x','y').y=1", 3, "a data function takes one argument in quotes, or none"),
        ("f('x').y", 9, 'write what to compare, as in f("x").output=value'),
        ("f('x')=1", 8, 'write what to compare, as in f("x").output=value'),
        ("f('`x`').y=1", 3, "nodes refuse an argument with a backtick"),
        ("a or system('x').y=1", 6, "no data function can be called system: Ruby has a method so"),
    ],
)
def test_errors_tell_where_and_what_instead(text: str, column: int, why: str) -> None:
    with pytest.raises(exc.BadCompoundFilter) as caught:
        compound.parse(text)
    message = str(caught.value)
    assert why in message
    assert repr(text) in message
    assert (caught.value.text, caught.value.column) == (text, column)
    place = f"at column {column} (at {text[column - 1 :][:20]!r}): "
    assert (place if column <= len(text) else "at its end: ") in message


# -- in a filter ---------------------------------------------------------------------------------


def test_a_filter_takes_text_and_tokens_and_sends_each_once() -> None:
    filter_ = Filter().add_compound("a and b").add_compound("c")
    filter_.add_compound(compound.parse("c").tokens).add_compound("a  and b")
    filter_ = filter_.in_dialect("mcollective")
    assert filter_["compound"] == [
        [{"statement": "a"}, {"and": "and"}, {"statement": "b"}],
        [{"statement": "c"}],
    ]
    assert [entry.text for entry in filter_.compounds] == ["a and b", "c"]
    assert Filter().add_compound([{"statement": "a"}]).compounds[0].text is None


def test_a_filter_with_a_compound_narrows_and_copies() -> None:
    filter_ = Filter().add_agent("rpcutil").add_compound("a")
    assert filter_.narrows_beyond("rpcutil")
    twin = filter_.copy().add_compound("b")
    assert [len(one["compound"]) for one in (filter_, twin)] == [1, 2]


@pytest.mark.parametrize("source", ["baa", "^b+ä: #{x}", r"a\/b\d", 'a"b\\\\', "a/b", " x ", "☃"])
@pytest.mark.parametrize("format_", sorted(SERIALIZERS))
def test_regular_expressions_travel_as_such(oracle: ruby.Ruby, format_: str, source: str) -> None:
    payload = SERIALIZERS[format_]().serialize([Regexp(source)])
    (item,) = oracle.describe(format_, payload)["items"]
    assert (item["class"], item["source"]) == ("Regexp", source)
    if format_ == "marshal":
        assert payload == oracle.rewrite(format_, payload)


def test_a_regular_expression_can_be_copied() -> None:
    twin: t.Any = copy.deepcopy(Regexp("a"))
    assert (type(twin), twin) == (Regexp, "a")
