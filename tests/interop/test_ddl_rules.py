# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validation and defaults by DDLs, compared with MCollective's own code."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ddl_oracle import Oracle, Refused, unwire, wire
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import (
    ruby_patterns as patterns,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import (
    builtin,
    validation,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

HERE = Path(__file__).parent / "ddls"
THOROUGH = settings(
    max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def load(kind: str, name: str) -> tuple[str, t.Any]:
    """A DDL of this directory: its text, and what we make of it."""
    path = HERE / kind / f"{name}.ddl"
    return path.read_text(encoding="utf-8"), ddl.read_file(str(path), kind, name)


# --- requests

TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "b", "abc", "ABC", "a\nb", "a\n", "\nabc", "x y", "é", "ab\u2028", "☃", "0", "12"]
    ),
    st.sampled_from(["a`b", "$x", "a;b", "a|b", "a&&b", "a&b", "a>b", "a<b", "a" * 11, "f" * 21]),
    st.sampled_from(
        ["1.2.3.4", "1.2.3.04", "256.1.1.1", "1.2.3", "1.2.3.4/24", "1.2.3.4/33", "10.0.0.0/08"]
    ),
    st.sampled_from(
        ["10.0.0.0/255.0.0.0", "10.0.0.0/255.0.255.0", "::1", "fe80::1%eth0", "[::1]", "::1/64"]
    ),
    st.sampled_from(
        ["1::2::3", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "::1.2.3.04", "g::1", " ::1", "1.2.3.4\n"]
    ),
    st.sampled_from(
        ["1:2:3:4:5:6:7::", "::1/129", "[1.2.3.4]", "/", "1.2.3.4/", "::/::", "12345::"]
    ),
    st.text(max_size=12).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)),
)
ANY = st.one_of(
    TEXTS,
    st.sampled_from(
        [None, True, False, 0, 1, -1, 2.5, 1.0, 2**70, Symbol("b"), Symbol("a"), [], {}]
    ),
    st.sampled_from([["x"], {"a": 1}, [None], float("inf"), 1e300, "one", "string"]),
)
NAMES = [
    *("string", "strict", "lines", "words", "safe", "ip4", "ip6", "one_of", "classy", "typed"),
    *("anything", "list", "pattern_list", "integer", "float", "number", "boolean", "array", "hash"),
    *("numeric", "old", "object", "free", "shell", "odd", "regexp", "members"),
]


UNCHECKED = "unchecked"


def verdict(oracle: Oracle, source: str, action: str, arguments: dict[str, t.Any]) -> t.Any:
    """Return the arguments that MCollective would send, or None if it refuses them."""
    try:
        pairs = unwire(oracle.ask("validate", source, action, wire(arguments)))
    except Refused as error:
        assert "DDLValidationError" in str(error), error
        return None
    return sorted(map(repr, pairs))


def ours(found: ddl.AgentDDL, action: str, arguments: dict[str, t.Any]) -> t.Any:
    try:
        checked = ddl.check_request(found, action, arguments)
    except exc.InvalidArgument:
        return None
    for doubt in checked.unchecked:
        # Only without regard to case, beyond ASCII, and addresses in other forms.
        text = str(arguments[Symbol(doubt.input)])
        assert not text.isascii() or set(text) & set("[%/"), doubt
    if checked.unchecked:
        return UNCHECKED
    pairs = unwire(wire(checked.arguments))
    return sorted(map(repr, pairs))


@pytest.mark.parametrize("name", NAMES)
def test_single_values_are_allowed_and_refused_alike(oracle: Oracle, name: str) -> None:
    source, found = load("agent", "types")

    @settings(THOROUGH, max_examples=60)
    @given(ANY)
    def check(value: t.Any) -> None:
        arguments = {Symbol(name): value}
        theirs = verdict(oracle, source, "check", arguments)
        assert ours(found, "check", arguments) in (theirs, UNCHECKED), value

    check()


def test_missing_further_and_default_arguments_are_treated_alike(oracle: Oracle) -> None:
    source, found = load("agent", "types")
    given_names = st.sampled_from(["name", "count", "flag", "never", "wrong", "more", "other"])
    arguments = st.dictionaries(given_names.map(Symbol), st.one_of(ANY, st.just(1)), max_size=5)

    @settings(THOROUGH, max_examples=300)
    @given(arguments, st.sampled_from(["need", "need", "check", "nothing"]), st.booleans())
    def check(given_: dict[str, t.Any], action: str, likely: bool) -> None:
        if likely:
            given_ = {Symbol("name"): "x", Symbol("wrong"): 1, **given_}
        assert ours(found, action, given_) == verdict(oracle, source, action, given_)

    check()


def test_keys_are_strings_or_symbols_alike(oracle: Oracle) -> None:
    source, found = load("agent", "types")
    good = {"name": "x", "wrong": 1, "count": 2, "flag": True}
    theirs = unwire(oracle.ask("validate", source, "need", wire(good)))
    assert dict(theirs)["text"] == "x"
    for arguments in (good, {f":{key}": value for key, value in good.items()}):
        checked = ddl.check_request(found, "need", arguments).arguments
        assert {key.lstrip(":"): value for key, value in checked.items()} == dict(theirs)
        # As declared, for it is by this that a node finds them.
        assert {key for key in checked if not isinstance(key, Symbol)} == {"text"}


# --- regular expressions

ATOMS = st.one_of(
    st.sampled_from(
        ["a", "b", "K", "é", "-", " ", "\n", ".", "^", "$", "\\A", "\\z", "\\Z", "\\b", "\\B"]
    ),
    st.sampled_from(
        ["\\w", "\\W", "\\d", "\\D", "\\s", "\\S", "\\h", "\\H", "\\n", "\\.", "\\-", "\\/"]
    ),
    st.sampled_from(
        ["[ab]", "[^a]", "[a-c]", "[\\w\\-\\.]", "[a-z&&[^b]]", "[^a-b\\d]", "[[:alpha:]_]"]
    ),
    st.sampled_from(
        ["[a-]", "[-a]", "[\\]a]", "[a[b]c]", "[^\\W]", "[[:^space:]]", "[a\\-c]", "[.]"]
    ),
    st.sampled_from(
        ["[&a]", "[a&&a-b]", "[\\s\\S]", "[\\n ]", "[a-c-]", "[\\x41-\\x5A]", "[\\u00e9]"]
    ),
    st.sampled_from(
        ["\\x61", "\\u0061", "\\u{e9}", "\\t", "\\e", "\\p{Alpha}", "\\P{Digit}", "\\R"]
    ),
    st.sampled_from(["{", "}", "{,", "]", "a{", "\\1", "\\k<n>", "\\0", "#", ",", ":", "=", "\\#"]),
)


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    counts = [
        "*",
        "+",
        "?",
        "*?",
        "+?",
        "??",
        "{2}",
        "{1,}",
        "{,2}",
        "{0,1}",
        "{1,2}?",
        "{2}?",
        "++",
        "*+",
    ]
    groups = ["({})", "(?:{})", "(?i:{})", "(?m:{})", "(?x: {} )", "(?>{})", "(?={})", "(?!{})"]
    groups += ["(?<n>{})", "(?<={})", "(?<!{})", "(?i){}", "(?-i){}", "(?#c){}", "(?mi-x:{})"]
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join),
        st.tuples(inner, st.sampled_from(counts)).map("".join),
        st.tuples(inner, st.sampled_from(groups)).map(lambda pair: pair[1].replace("{}", pair[0])),
        inner.map(lambda one: f"^{one}$"),
        inner.map(lambda one: f"\\A{one}\\z"),
    )


VALUES = st.text(st.sampled_from(list("abckK\n .-_1é{,}]#")), max_size=8)


def test_regular_expressions_match_alike_or_are_left_to_the_nodes(oracle: Oracle) -> None:
    seen = {"told": 0, "untold": 0}

    @settings(THOROUGH, max_examples=1500)
    @given(
        st.recursive(ATOMS, compound, max_leaves=8),
        st.sampled_from(["", "", "", "i", "m", "x", "im", "ix"]),
        st.lists(VALUES, min_size=3, max_size=3),
    )
    def check(source: str, flags: str, texts: list[str]) -> None:
        for text in texts:
            try:
                theirs = oracle.ask("match", source, flags, text)
            except Refused:
                return
            try:
                pattern = patterns.compile_ruby(source, flags)
                assert pattern.search(text, patterns.Allowance()) == theirs, (source, flags, text)
                seen["told"] += 1
            except patterns.Untranslatable:
                seen["untold"] += 1

    check()
    assert seen["told"] > seen["untold"], seen


USUAL = [
    "a",
    "b",
    "\\.",
    "\\-",
    "_",
    "[a-z]",
    "[\\w\\-\\.]",
    "[a-zA-Z0-9_-]",
    "\\w",
    "\\d",
    "\\s",
    ".",
    "[^ ]",
]
USUAL += ["(a|b)", "(?:ab)", "[^/]", "/", "\\/", "\\h", "@", "[[:alpha:]]", "(\\.\\d+)"]
ENDS = st.sampled_from([("^", "$"), ("\\A", "\\z"), ("\\A", "\\Z"), ("", ""), ("^", ""), ("", "$")])


def test_patterns_as_they_occur_are_all_judged_alike(oracle: Oracle) -> None:
    """Their forms are those of the validations in public DDLs."""
    counts = st.sampled_from(["", "", "+", "*", "?", "{1,3}", "{2}", "{2,}"])
    parts = st.lists(st.tuples(st.sampled_from(USUAL), counts).map("".join), min_size=1, max_size=4)

    @settings(THOROUGH, max_examples=400)
    @given(
        ENDS,
        parts.map("".join),
        st.lists(st.text("ab1. -_/@\n", max_size=8), min_size=4, max_size=4),
    )
    def check(ends: tuple[str, str], middle: str, texts: list[str]) -> None:
        source = middle.join(ends)
        pattern = patterns.compile_ruby(source)
        for text in texts:
            mine = pattern.search(text, patterns.Allowance())
            assert mine == oracle.ask("match", source, "", text), (source, text)

    check()


# --- data functions

QUERIES = ["sysctl", "puppet", "resource", "number", "flag", "choice", "ghost", "mute"]


@pytest.mark.parametrize("name", QUERIES)
def test_data_functions_are_allowed_and_refused_alike(oracle: Oracle, name: str) -> None:
    source, found = load("data", f"{name}_data")
    params = st.one_of(
        st.sampled_from(
            [None, "", "1", "-1", "2.5", "true", "no", "T", "red", "pink", "vm.x", "a\n1"]
        ),
        TEXTS,
    )
    outputs = st.sampled_from(
        [None, "", "value", "managed", "twice", "text", "flag", "chosen", "status", "other"]
    )

    @settings(THOROUGH, max_examples=100)
    @given(params, outputs)
    def check(param: str | None, output: str | None) -> None:
        try:
            theirs = oracle.ask("query", source, param, output)
        except Refused:
            theirs = None
        try:
            checked = ddl.check_query(found, param, output)
            assert checked.unchecked == []
            mine = wire(checked.param)
        except exc.InvalidArgument:
            mine = None
        assert mine == theirs

    check()


@pytest.mark.parametrize("type_", ["boolean", "number"])
def test_text_from_a_command_line_is_cast_alike(oracle: Oracle, type_: str) -> None:
    cast = {"boolean": validation.cast_boolean, "number": validation.cast_number}[type_]
    words = [
        "true",
        "T",
        "YES",
        "n",
        "0",
        "1",
        "off",
        "1.5",
        "-1",
        "1e3",
        "1_0",
        "a\n1",
        "1\n2.5",
        "2.5\n",
    ]

    @settings(THOROUGH, max_examples=300)
    @given(st.one_of(st.sampled_from(words), st.text(st.sampled_from("01.9-e_\n ty")), TEXTS))
    def check(text: str) -> None:
        try:
            theirs = oracle.ask("cast", type_, text)
        except Refused:
            theirs = None
        try:
            mine = wire(cast(text))
        except ValueError:
            mine = None
        assert mine == theirs

    check()


# --- what is built in

PACKAGED = Path("/usr/lib/ruby/vendor_ruby/mcollective")
BUILT_IN = [
    ("agent", "rpcutil"),
    *(("data", f"{name}_data") for name in ("agent", "collective", "fact", "fstat")),
    *(("discovery", name) for name in ("mc", "flatfile", "stdin")),
]


def without_words(value: t.Any) -> t.Any:
    """Return a DDL's data without the texts for people."""
    if isinstance(value, ddl.Input):
        rule = value.validation
        source = rule.source if isinstance(rule, ddl.Regexp) else rule
        return value.key, value.type, value.optional, value.default, source, value.maxlength
    if isinstance(value, ddl.Output):
        return value.key, value.default
    if isinstance(value, ddl.Action):
        inputs = [without_words(item) for item in value.inputs.values()]
        outputs = [without_words(item) for item in value.outputs.values()]
        return value.name, value.display, inputs, outputs, list(value.aggregates)
    parts: list[t.Any] = [value.kind, value.name, value.timeout]
    if isinstance(value, ddl.AgentDDL):
        parts += sorted((without_words(action) for action in value.actions.values()), key=str)
    elif isinstance(value, ddl.DataDDL):
        assert value.query is not None
        parts += [without_words(value.query), [without_words(o) for o in value.outputs.values()]]
    elif isinstance(value, ddl.DiscoveryDDL):
        parts += sorted(value.capabilities)
    return parts


@pytest.mark.parametrize(("kind", "name"), BUILT_IN)
def test_what_is_built_in_has_the_rules_of_what_is_packaged(kind: str, name: str) -> None:
    path = PACKAGED / kind / f"{name}.ddl"
    if not path.exists():
        pytest.skip("MCollective is not installed")
    packaged, own = ddl.read_file(str(path), kind, name), builtin.find(kind, name)
    assert own is not None
    assert without_words(own) == without_words(packaged)
