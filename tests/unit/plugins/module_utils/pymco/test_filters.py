# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text forms of filters."""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, filters
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol


def fact(text: str) -> tuple[str, str, str]:
    filter_ = Filter()
    filters.add_facts(filter_, [text])
    (found,) = filter_["fact"]
    return found[Symbol("fact")], found[Symbol("operator")], found[Symbol("value")]


@pytest.mark.parametrize(
    "text,parts",
    [
        ("os=Debian", ("os", "==", "Debian")),
        ("os==Debian", ("os", "==", "Debian")),
        ("os=~^Deb", ("os", "=~", "^Deb")),
        ("os=/^Deb/", ("os", "=~", "/^Deb/")),
        ("os=~/^Deb/", ("os", "=~", "/^Deb/")),
        ("os!=Debian", ("os", "!=", "Debian")),
        ("cpus>=4", ("cpus", ">=", "4")),
        ("cpus=>4", ("cpus", ">=", "4")),
        ("cpus<=4", ("cpus", "<=", "4")),
        ("cpus=<4", ("cpus", "<=", "4")),
        ("cpus>4", ("cpus", ">", "4")),
        ("cpus<4", ("cpus", "<", "4")),
        ("  os  =  Debian Linux  ", ("os", "==", "Debian Linux")),
        ("os.family=Debian", ("os.family", "==", "Debian")),
        ("a=b=c", ("a", "==", "b=c")),
        ("path=/etc", ("path", "==", "/etc")),
        ("os= ", ("os", "==", " ")),
        ("a=/", ("a", "==", "/")),
        ("a=//", ("a", "==", "//")),
        ("a={{ b }}", ("a", "==", "{{ b }}")),
    ],
)
def test_a_fact_filter_reads_as_mco_reads_it(text: str, parts: tuple[str, str, str]) -> None:
    assert fact(text) == parts


@pytest.mark.parametrize("text", ["", "os", "os=", "=Debian", "o s=Debian", "os Debian", ">4"])
def test_a_fact_filter_that_does_not_parse_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(exc.BadFilter, match="it takes NAME OPERATOR VALUE") as caught:
        fact(text)
    assert repr(text) in str(caught.value)


Add = t.Callable[[Filter, t.Iterable[str]], None]
KINDS: list[tuple[str, str, Add]] = [
    ("class", "cf_class", filters.add_classes),
    ("agent", "agent", filters.add_agents),
    ("identity", "identity", filters.add_identities),
]


@pytest.mark.parametrize("kind,key,add", KINDS)
def test_names_and_patterns_are_taken(kind: str, key: str, add: Add) -> None:
    filter_ = Filter()
    add(filter_, [" web1.example-com_ ", "web1.example-com_"])
    assert filter_[key] == ["web1.example-com_"]
    filter_ = Filter()
    add(filter_, ["/^we(b|x) \\d+$/"])
    assert filter_[key] == ["/^we(b|x) \\d+$/"]


@pytest.mark.parametrize("kind,key,add", KINDS)
@pytest.mark.parametrize(
    "text,why",
    [
        ("", "neither a name nor a /regular expression/"),
        ("a b", "neither a name nor a /regular expression/"),
        ("^web", "neither a name nor a /regular expression/"),
        ("/web", "lacks its closing slash"),
        ("/", "lacks its closing slash"),
        ("//", "lacks its closing slash"),
        ("/a/b/", "has a slash inside"),
        ("/web/i", "lacks its closing slash"),
    ],
)
def test_what_is_neither_is_refused_with_the_reason(
    kind: str, key: str, add: Add, text: str, why: str
) -> None:
    with pytest.raises(exc.BadFilter) as caught:
        add(Filter(), [text])
    assert str(caught.value).startswith(f"{kind} filter {text!r} ")
    assert why in str(caught.value)


def test_class_names_may_have_colons() -> None:
    filter_ = Filter()
    filters.add_classes(filter_, ["role::web::front"])
    assert filter_["cf_class"] == ["role::web::front"]


@pytest.mark.parametrize("text", ["web1", "web1.example.com", "10.0.0.1", "_a", "a-b", "x" * 255])
def test_identities(text: str) -> None:
    assert filters.is_identity(text)
    assert filters.checked_identity(text) == text


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "-rf",
            ".",
            "..",
            "a/b",
            "../a",
            "a b",
            "a\n",
            "\na",
            "a:b",
            "{{ x }}",
            "ä",
            "x" * 256,
        ),
        *("a\0", "a;b", "$(a)", "*", None, 1, b"a", ["a"], Symbol("a")),
    ],
)
def test_what_is_no_identity(value: t.Any) -> None:
    assert not filters.is_identity(value)


def test_an_identity_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(exc.BadFilter, match=r"'\{\{ x \}\}' is not an identity"):
        filters.checked_identity("{{ x }}")


def test_an_identity_with_a_colon_is_refused_though_a_class_may_have_it() -> None:
    with pytest.raises(exc.BadFilter, match="'a::b' is not an identity"):
        filters.add_identities(Filter(), ["a::b"])


def test_with_splits_at_blanks_and_tells_facts_from_classes() -> None:
    filter_ = Filter()
    filters.add_with(filter_, ["apache  os=Debian\n/^ro=le/ cpus>=4", "web"])
    found = [tuple(entry.values()) for entry in filter_["fact"]]
    assert found == [("os", "Debian", "=="), ("cpus", "4", ">=")]
    assert filter_["cf_class"] == ["apache", "/^ro=le/", "web"]


@pytest.mark.parametrize("text", ["os=", "=x", "os = x", "^web"])
def test_with_refuses_what_is_neither_fact_nor_class(text: str) -> None:
    with pytest.raises(exc.BadFilter):
        filters.add_with(Filter(), [text])


@pytest.mark.parametrize(
    "text", ["a=b" + " " * 50_000 + "c", "a=" + " " * 50_000 + "\n", "a=b" + " \n" * 9]
)
def test_blanks_cost_no_time(text: str) -> None:
    """Found by the fuzzer: blanks were gone through again for each of them."""
    start = time.process_time()
    with contextlib.suppress(exc.BadFilter):
        filters.add_facts(Filter(), [text])
    assert time.process_time() - start < 1


# -- for nodes of Choria ---------------------------------------------------------------------------


def in_choria(change: t.Callable[[Filter], t.Any]) -> Filter:
    """A filter for nodes of Choria."""
    found = Filter()
    change(found)
    return found.in_dialect("choria")


def test_a_filter_always_has_all_five_lists() -> None:
    empty = {"fact": [], "cf_class": [], "agent": [], "identity": [], "compound": []}
    for dialect in ("mcollective", "choria"):
        found = Filter().in_dialect(dialect)
        assert dict(found) == empty
        assert found.dialect == found.copy().dialect == found.with_identities([]).dialect == dialect


def test_facts_go_to_choria_with_values_that_are_texts() -> None:
    def change(found: Filter) -> None:
        filters.add_facts(found, ["a=1", "b=>2", "c=<3", "d=/^x/", "e=~y", "f!=z"])
        found.add_fact("g", True).add_fact("h", 4.5, "=>")

    assert [tuple(fact.values()) for fact in in_choria(change)["fact"]] == [
        *(("a", "1", "=="), ("b", "2", ">="), ("c", "3", "<="), ("d", "/^x/", "=~")),
        *(("e", "y", "=~"), ("f", "z", "!="), ("g", "true", "=="), ("h", "4.5", ">=")),
    ]


@pytest.mark.parametrize("value", ["", None])
def test_a_fact_without_a_value_is_refused_for_choria_only(value: t.Any) -> None:
    found = Filter().add_fact("os", value)
    assert found.in_dialect("mcollective")["fact"][0][Symbol("value")] == ""
    with pytest.raises(
        exc.BadFilter, match=r"the fact os has an empty value, .*; =~\^\$ is an empty"
    ):
        found.in_dialect("choria")


def test_any_identity_may_fit_in_choria_and_exactly_one_entry_in_mcollective() -> None:
    found = Filter().add_identity("web1").add_identity("/^db/").add_identity("/1$/")
    assert found.in_dialect("choria")["identity"] == ["web1", "/^db/", "/1$/"]
    assert found.in_dialect("mcollective")["identity"] == ["/(?:^web1$)|(?:^db)|(?:1$)/"]


def test_choria_gets_one_expression_whatever_the_filter_has() -> None:
    assert in_choria(lambda found: found.add_compound("with('a')"))["compound"] == [
        [{"expr": "with('a')"}]
    ]
    found = in_choria(lambda found: found.add_compound("with('a')").add_compound("with('b')"))
    assert found["compound"] == [[{"expr": "(with('a')) && (with('b'))"}]]
    # It is settled once more when a task's request is prepared.
    assert dict(found.in_dialect("choria")) == dict(found)


def test_tokens_are_mcollectives() -> None:
    found = Filter().add_compound([{"statement": "a"}])
    assert found.in_dialect("mcollective")["compound"] == [[{"statement": "a"}]]
    with pytest.raises(exc.BadFilter, match="given as tokens is MCollective's"):
        found.in_dialect("choria")


def test_a_filter_for_a_dialect_is_one_of_its_own() -> None:
    found = Filter().add_agent("a").add_compound("b")
    twin = found.in_dialect("mcollective").add_agent("c")
    assert (found.agents, twin.agents) == (["a"], ["a", "c"])
    assert found.compounds[0].given is None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "with('a=b')",
            "web && db",
            "!web || db",
            "fact('a.b') == 'c'",
            "include(fact('a'), 'x')",
        ),
        *("'x' in classes", "semver('1.0.0', '>1')", "fact('a') contains 'b'"),
    ],
)
def test_chorias_language_is_refused_for_mcollective(text: str) -> None:
    with pytest.raises(exc.BadCompoundFilter) as caught:
        Filter().add_compound(text).in_dialect("mcollective")
    assert "this looks like Choria's language" in str(caught.value)
    assert in_choria(lambda found: found.add_compound(text))["compound"] == [[{"expr": text}]]


@pytest.mark.parametrize("text", ["fact('x')=1", "fact('x').y", "a b", "a andb", "os="])
def test_other_mistakes_are_not_called_chorias(text: str) -> None:
    with pytest.raises(exc.BadCompoundFilter) as caught:
        Filter().add_compound(text).in_dialect("mcollective")
    assert "Choria" not in str(caught.value)
