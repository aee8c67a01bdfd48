# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which filters fit a node: Choria's rules (Go: filter/), with Python's regular expressions."""

from __future__ import annotations

import operator
import re
import typing as t

from . import expressions

if t.TYPE_CHECKING:
    from .nodes import ChoriaNode

_OPERATOR = re.compile(r"<=|>=|=>|=<|<|>|!=|=~|==?")
_SAME = {"=": "==", "=<": "<=", "=>": ">="}
_ORDER: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TRUE = ("1", "t", "true")


def fits(node: ChoriaNode, filter_: t.Mapping[str, t.Any]) -> bool:
    """Return True if the node takes a request with this filter, apart from identities."""
    return (
        all(_one_of(wanted, node.agents) for wanted in filter_["agent"])
        and all(has_class(node, wanted) for wanted in filter_["cf_class"])
        and all(has_fact(node, **_three(wanted)) for wanted in filter_["fact"])
        and all(_compound(node, tokens) for tokens in filter_["compound"])
    )


def fitting(names: t.Sequence[str], wanted: t.Sequence[str]) -> list[str]:
    """Return the names that fit any of a filter's identities."""
    if not wanted:
        return list(names)
    plain, patterns = set(wanted), [found for text in wanted if (found := _pattern(text, 0))]
    return [
        name for name in names if name in plain or any(pattern.search(name) for pattern in patterns)
    ]


def has_class(node: ChoriaNode, wanted: str) -> bool:
    """Return True if a class has that name, or matches that pattern. Case does not matter in either."""
    pattern = _pattern(wanted, re.IGNORECASE)
    if pattern is not None:
        return any(pattern.search(name) for name in node.classes)
    return wanted.lower() in node.classes


def has_fact(node: ChoriaNode, fact: str, operator: str, value: str) -> bool:
    """Return True if a fact, named by its path, compares like that. Text is compared without regard to case."""
    found = node.fact(fact)
    if isinstance(found, bool):
        return _truth(found, operator, value)
    if operator == "=~" and isinstance(found, (str, int, float)):
        return _matches(value.strip("/"), str(found))
    if isinstance(found, str):
        return _ORDER[operator](found.lower(), value.lower())
    if isinstance(found, (int, float)):
        return _number(found, operator, value)
    return False


def with_(node: ChoriaNode, query: str) -> bool:
    """Return True if a query of a compound filter fits: a fact's comparison, a class or an agent."""
    found = list(_OPERATOR.finditer(query))
    if found:
        fact, value = query[: found[-1].start()].strip(), query[found[-1].end() :].strip()
        kind = _SAME.get(found[-1][0], found[-1][0])
        if fact and value:
            is_pattern = value.startswith("/") and value.endswith("/")
            return has_fact(node, fact, "=~" if is_pattern else kind, value)
    return has_class(node, query) or _one_of(query, node.agents)


def _three(wanted: t.Mapping[str, str]) -> dict[str, str]:
    return {key: wanted[key] for key in ("fact", "operator", "value")}


def _compound(node: ChoriaNode, tokens: t.Any) -> bool:
    """Return True if an expression fits. MCollective's form fits nowhere, and neither does a broken one."""
    text = tokens[0].get("expr") if isinstance(tokens, list) and len(tokens) == 1 else None
    if not isinstance(text, str):
        return False
    try:
        return expressions.evaluate(text, _environment(node)) is True
    except (expressions.Broken, TypeError):
        return False


def _environment(node: ChoriaNode) -> dict[str, t.Any]:
    return {
        "with": lambda query: with_(node, query),
        "fact": node.fact,
        "include": lambda items, item: item in (items or ()),
        "classes": node.classes,
        "agents": node.agents,
        "facts": node.facts,
    }


def _one_of(wanted: str, names: t.Sequence[str]) -> bool:
    pattern = _pattern(wanted, 0)
    if pattern is None:
        return wanted in names
    return any(pattern.search(name) for name in names)


def _pattern(text: str, flags: int) -> re.Pattern[str] | None:
    """Return the pattern between slashes, if there are slashes. A broken one matches nothing."""
    if not (len(text) > 1 and text.startswith("/") and text.endswith("/")):
        return None
    try:
        return re.compile(text[1:-1], flags)
    except re.error:
        return re.compile("(?!)")


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text, re.IGNORECASE) is not None
    except re.error:
        return False


def _truth(found: bool, kind: str, value: str) -> bool:
    if kind not in ("==", "=~", "!="):
        return False
    return ((value.lower() in _TRUE) == found) != (kind == "!=")


def _number(found: float, kind: str, value: str) -> bool:
    try:
        return _ORDER[kind](found, float(value) if "." in value else int(value))
    except ValueError:
        return kind == "!="
