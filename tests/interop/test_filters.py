# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text forms of filters, with the reference's own code as the judge."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import NodeData, Reference, Refused, bare, theirs, typed, verdict

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import (
    compound,
    exc,
    filters,
    message,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import Library
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.functions import (
    check_functions,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ruby_methods import (
    RUBY_METHODS,
)


def shown(tokens: list[compound.Token] | None) -> str | None:
    """Tokens in one line, functions as name(params).value operator r_compare."""
    return None if tokens is None else " ".join(_shown(token) for token in tokens)


def _shown(token: compound.Token) -> str:
    ((kind, value),) = token.items()
    if kind != "fstatement":
        return f"[{value}]" if kind == "statement" else kind
    compared = f"{value['operator']} {value['r_compare']}"
    return f"[{value['name']}({value['params']}).{value.get('value')} {compared}]"


# -- -S: the tokens ------------------------------------------------------------------------------

SAME = [
    "apache",
    "a::b.c-d_e",
    "apache and os=Debian or (not foo and !bar)",
    "not not a and !!b and ! not c",
    "((a)) or ( b )",
    "(a)and(b)or not(c)",
    "a  and  b",
    "android or organic and nothing",
    "and=1 or or=2 and not=3",
    "os=and and os=or or os=not",
    "os = Debian",
    "os =Debian and os= Debian",
    'os="Debian Linux" and x',
    "os='Debian Linux' or (os = \"a'b\")",
    r'os="a\"b"',
    r'os="a\\b"',
    '"my fact"=x',
    '"os=Debian Linux"',
    '"and" or "foo/bar"',
    '"/re x/"',
    'os="/re x/" and os="a(b)"',
    "os=/re x/ and b",
    r"os=/a\/(b|c)/",
    "cpus>4 and cpus<4 or cpus>=4 and cpus<=4",
    "cpus > 4",
    "a=b>c",
    "a<b=c",
    'a=">4"',
    "/re/ and /a(b|c)/ or /(?<!x)=y/",
    "fstat('/etc/hosts').md5=/baa/",
    "fstat('/etc/hosts').md5!=/baa/ and x",
    'fstat("/etc/my hosts").size >3',
    "fstat('/x').size!=3 or fstat('/x').size>=3 and fstat('/x').size<=3",
    "fstat('/x').name=/x",
    "fstat().md5=1",
    'fact("it\'s").value=x',
    "fact('a=b').value=\"Debian Linux\"",
    "(fact('os.family').value=/Deb x/)",
    "!fact('é').value=/é/ and é=ü",
    "fact('x').value=\"/a/b/\"",
]


@pytest.mark.parametrize("text", SAME)
def test_the_tokens_are_those_of_mco(reference: Reference, text: str) -> None:
    assert typed(compound.parse(text).tokens) == typed(bare(reference.compound(text)))


# What mco makes of it, what we make of it (None: refused), facts of which it is true.
REWRITTEN = [
    ("os==x", "[os==x]", "[os=x]", {"os": "x"}),
    ("os=~x$", "[os=~x$]", "[os=/x$/]", {"os": "xx"}),
    ("os=~/x$/", "[os=~/x$/]", "[os=/x$/]", {"os": "xx"}),
    ("os=>4", "[os=>4]", "[os>=4]", {"os": "4"}),
    ("os=<4", "[os=<4]", "[os<=4]", {"os": "4"}),
    ('"os = x"', "[os = x]", "[os=x]", {"os": "x"}),
    ("fact('os').value==x", "[fact(os).value= == x]", "[fact(os).value == x]", {"os": "x"}),
    ("fact('os').value=~x", "[fact(os).value == ~x]", "[fact(os).value =~ x]", {"os": "xx"}),
    (
        "fact('os').value!=~y",
        "[fact(os).value != ~y]",
        "[fact(os).value !=~ y]",
        {"os": "x"},
    ),
    (
        "fact('os').value=/a=b/",
        "[fact(os).value=/a == b/]",
        "[fact(os).value =~ a=b]",
        {"os": "a=b"},
    ),
    ("fact('os').value=a=b", "[fact(os).value=a == b]", "[fact(os).value == a=b]", {"os": "a=b"}),
    ("fact( 'os' ).value=x", "[fact( os ).value == x]", "[fact(os).value == x]", {"os": "x"}),
    ("fact('o(').value=x", "[fact(o).value == x]", "[fact(o().value == x]", {"o(": "x"}),
    (
        "fstat('/').size=>0",
        "[fstat(/).size= > 0]",
        "[fstat(/).size >= 0]",
        {"os": "x"},
    ),
]


@pytest.mark.parametrize(("text", "mco", "mine", "facts"), REWRITTEN)
def test_what_nodes_would_never_match_is_written_so_that_they_do(
    reference: Reference, text: str, mco: str, mine: str, facts: dict[str, str]
) -> None:
    tokens = compound.parse(text).tokens
    assert (shown(reference.compound(text)), shown(tokens)) == (mco, mine)
    node = NodeData(facts=facts)
    assert verdict(reference, tokens, node) is True
    if "!=" not in text:
        assert verdict(reference, reference.compound(text), node) is not True


# Facts of which it is true, though nodes say otherwise; and what we say instead.
MISREAD = [
    ("os!=x", {"os": "y"}, "write: not os=x"),
    ("os!=/x/", {"os": "y"}, "write: not os=/x/"),
    ('os!="x y"', {"os": "y"}, 'write: not os="x y"'),
    ("os=a=b", {"os": "a=b"}, r"only as \x3d or . within a regular expression"),
    ('os="a=b"', {"os": "a=b"}, "the name cannot have a ="),
    ("os=/a=b/", {"os": "a=b"}, r"as \x3d or . within"),
    ("os<a<b", {"os": "a"}, "cannot have a <"),
    ('os>"=b"', {"os": "a"}, "nodes would misread"),
    ('"a=b"=c', {"a=b": "c"}, "nodes would misread"),
    ('"/a"=b', {"/a": "b"}, "nodes would misread"),
    ("os=", {"os": ""}, "a value must stand here"),
    ('os=""', {"os": ""}, "for an empty one write /^$/"),
    ("fact('os').value<x", {"os": "a"}, "nodes compare numbers only with <"),
    ("fact('o`').value=x", {"o`": "x"}, "an argument with a backtick"),
    ("fact('os','b').value=x", {"os": "x"}, "one argument in quotes"),
]


@pytest.mark.parametrize(("text", "facts", "why"), MISREAD)
def test_what_nodes_would_misread_is_refused_with_the_way_out(
    reference: Reference, text: str, facts: dict[str, str], why: str
) -> None:
    with pytest.raises(exc.BadCompoundFilter) as caught:
        compound.parse(text)
    assert why in str(caught.value)
    tokens = theirs(reference, text)
    assert tokens is None or verdict(reference, tokens, NodeData(facts=facts)) is not True


# What mco takes and we do not, since it cannot be meant; and why.
REFUSED = [
    ("(a) b", '"and" or "or" must stand between two statements'),  # a syntax error on nodes
    ("or", "must stand before this"),  # mco: the class "or"; quote it to say that
    ("not", "must stand here"),  # mco: the class "not"
    ("a and and", "must stand before this"),
    ('os="x', "this quote is never closed"),  # mco closes it
    ("os=O'Brien", "this quote is never closed"),  # mco: OBrien
    ("os= >4", "there is no such operator; quote a value that begins so"),  # mco: the text >4
    (r'os="\d"', r"within quotes write \\d for this"),  # mco: d
    ("//", "not empty"),  # mco: any class
    ("fact('x').value=//", "not empty"),
    ("/x/i", "with options inside, as in /(?i)web/"),  # nodes: the class xi
    ('os="/x"', "what begins with a slash is a regular expression"),  # nodes: any path with /x
    ("a*", "this is no class name; quote it if it is"),
    ("a!b=c", "this must be quoted to be part of a name or a value"),
    ("fact('x')=1", "write what to compare"),  # refused when it is to be sent
]


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_what_cannot_be_meant_is_refused_though_mco_takes_it(
    reference: Reference, text: str, why: str
) -> None:
    assert theirs(reference, text) is not None
    with pytest.raises(exc.BadCompoundFilter) as caught:
        compound.parse(text)
    assert why in str(caught.value)


# What mco refuses, though it has a meaning.
MORE = [
    (" a ", "[a]"),
    ("a\n  and\tb", "[a] and [b]"),
    ("os >= 4 and cpus => 4", "[os>=4] and [cpus>=4]"),
    ("(/re/) and /re x/", "( [/re/] ) and [/re x/]"),
    ("os=/a/b/", "[os=/a/b/]"),
    ("os=a/b", "[os=a/b]"),
    ("fact('a)').value = ''", "[fact(a)).value == ]"),
    ("fact('x').value != 3", "[fact(x).value != 3]"),
]


@pytest.mark.parametrize(("text", "mine"), MORE)
def test_what_mco_only_fails_to_read_is_taken(reference: Reference, text: str, mine: str) -> None:
    assert theirs(reference, text) is None
    assert shown(compound.parse(text).tokens) == mine


def test_every_method_of_ruby_is_no_data_function(reference: Reference) -> None:
    assert reference.ruby_methods() - RUBY_METHODS == set()


FUNCTIONS = [
    "fstat('/etc/hosts').md5=/^a/ and not fact('os').value=Debian",
    "demand('15').average>2 or demand().average<=1",
    "collective('eu').member=true",
    "fstat('/etc/hosts').inode=1",
    "fstat().md5=1",
    "agent('no name').version=1",
    "agent('a_name_longer_than_twenty').version=1",
    "demand('x').average>2",
    "demand('1.5').average>2",
]


@pytest.mark.parametrize("text", FUNCTIONS)
def test_functions_are_held_against_their_ddls_as_by_mco(reference: Reference, text: str) -> None:
    filter_ = message.Filter().add_compound(text)
    find = Library([str(reference.libdir)]).data
    try:
        expected = reference.request("-S", text)["compound"]
    except Refused:
        with pytest.raises(exc.InvalidArgument):
            check_functions(filter_, find)
    else:
        assert check_functions(filter_, find) == []
        assert typed(filter_["compound"]) == typed(expected)


# -- -F, -C, -A, -I, -W --------------------------------------------------------------------------


def my_fact(text: str) -> dict[str, str] | None:
    filter_ = message.Filter()
    try:
        filters.add_facts(filter_, [text])
    except exc.BadFilter:
        return None
    (found,) = filter_["fact"]
    return t.cast("dict[str, str]", found)


def their_fact(reference: Reference, text: str) -> dict[str, str] | None:
    try:
        return reference.fact(text)
    except Refused:
        return None


def test_facts_read_as_mco_reads_them(reference: Reference) -> None:
    names = st.sampled_from(["os", "os.family", "a-b", "ü", "a:b", "x1"])
    operators = st.sampled_from(["=", "==", "=~", "!=", "<", ">", "<=", ">=", "=>", "=<"])
    blanks = st.sampled_from(["", " ", "  "])
    values = st.sampled_from(
        ["x", "Debian Linux", "/^x/", "/", "//", "/a/b/", "/a", "4", "a!b", "~x", "(x)", "☃", '"x"']
    )

    @settings(max_examples=500, deadline=None, derandomize=True)
    @given(names, blanks, operators, blanks, values)
    def check(name: str, before: str, operator: str, after: str, value: str) -> None:
        text = f"{name}{before}{operator}{after}{value}"
        mine, mco = my_fact(text), their_fact(reference, text)
        assert mine == mco and mine is not None, text
        assert typed(dict(sorted(mine.items()))) == typed(dict(sorted(mco.items())))

    check()


@pytest.mark.parametrize("text", ["", "os", "os=", "=x", "o s=x", "os x", "o s>x"])
def test_what_is_no_fact_for_mco_is_none_for_us(reference: Reference, text: str) -> None:
    assert (my_fact(text), their_fact(reference, text)) == (None, None)


# The fact, operator and value that we find, and why mco differs.
FACTS = [
    (" os=x ", ("os", "==", "x")),  # mco wants no blanks before it, and keeps those behind
    ("os=a<b", ("os", "==", "a<b")),  # the first operator counts; mco: the fact "os=a"
    ("os=a=>b", ("os", "==", "a=>b")),
    ("os=a=/b/", ("os", "==", "a=/b/")),
    ("o s=/x/", None),  # mco takes a blank in a name in this one form
    ("a!b=x", None),  # mco takes it for a name
    ("os=x\ny", None),  # mco drops the second line
]


@pytest.mark.parametrize(("text", "mine"), FACTS)
def test_where_facts_differ_from_mco(
    reference: Reference, text: str, mine: tuple[str, str, str] | None
) -> None:
    found = my_fact(text)
    parts = found and (found[":fact"], found[":operator"], found[":value"])
    assert parts == mine
    assert found != their_fact(reference, text)


@pytest.mark.parametrize(
    "text",
    [
        "os=Debian",
        "apache os=Debian /^role/ cpus>=4",
        " a::b \t\n os=/^D/ ",
        "env!=prod role::web os=~x a=>1 b=<1",
        "os==a/b",
    ],
)
def test_with_is_split_as_mco_splits_it(reference: Reference, text: str) -> None:
    filter_ = message.Filter()
    filters.add_with(filter_, [text])
    assert dict(filter_) == reference.filter("-W", text)


def test_with_takes_no_fact_for_a_class(reference: Reference) -> None:
    assert reference.filter("-W", "os= x")["cf_class"] == ["os=", "x"]
    with pytest.raises(exc.BadFilter, match="fact filter 'os=' does not parse"):
        filters.add_with(message.Filter(), ["os= x"])


def test_all_kinds_together_are_the_filter_of_mco(reference: Reference) -> None:
    filter_ = message.Filter().add_compound("a and not b").add_compound("c=d")
    filters.add_facts(filter_, ["os=Debian", "cpus >= 4"])
    filters.add_classes(filter_, ["role::web", "/^x/"])
    filters.add_agents(filter_, ["puppet", "/^p/"])
    filters.add_identities(filter_, ["web1", "web2.example.com"])
    line = "-S|a and not b|-S|c=d|-F|os=Debian|-F|cpus >= 4|-C|role::web|-C|/^x/|-A|puppet|-A|/^p/"
    arguments = [*line.split("|"), "-I", "web1", "-I", "web2.example.com"]
    mco = reference.filter(*arguments)
    assert typed(_unordered(dict(filter_))) == typed(_unordered(mco))


def _unordered(filter_: dict[str, t.Any]) -> dict[str, t.Any]:
    """The keys of the facts in an order of their own; nodes look them up."""
    return {**filter_, "fact": [dict(sorted(fact.items())) for fact in filter_["fact"]]}
