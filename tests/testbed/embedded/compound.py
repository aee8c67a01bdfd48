# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compound filters as nodes evaluate them (MC:matcher.rb, security/base.rb), data functions too."""

from __future__ import annotations

import hashlib
import json
import operator
import re
import typing as t

if t.TYPE_CHECKING:
    from .nodes import Node

Token = t.Mapping[str, t.Any]
_ORDERS: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    **{"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le},
    **{">": operator.gt, ">=": operator.ge},
}


def fits(tokens: t.Iterable[Token], node: Node) -> bool:
    """Return True if an expression is true for a node, and False if any part of it cannot be evaluated.

    All statements are evaluated before anything is decided, as on real nodes.
    """
    try:
        words = [_word(token, node) for token in tokens]
        return _disjunction(words) and not words
    except (LookupError, ValueError, TypeError, re.error):
        return False


def _word(token: Token, node: Node) -> bool | str:
    ((kind, value),) = token.items()
    if kind == "statement":
        return _statement(value, node)
    return _function(value, node) if kind == "fstatement" else str(kind)


def _disjunction(words: list[bool | str]) -> bool:
    value = _conjunction(words)
    while words[:1] == ["or"]:
        words.pop(0)
        value = _conjunction(words) or value
    return value


def _conjunction(words: list[bool | str]) -> bool:
    value = _operand(words)
    while words[:1] == ["and"]:
        words.pop(0)
        value = _operand(words) and value
    return value


def _operand(words: list[bool | str]) -> bool:
    word = words.pop(0)
    if word == "not":
        return not _operand(words)
    if word == "(":
        value = _disjunction(words)
        if words.pop(0) != ")":
            raise ValueError("no closing parenthesis")
        return value
    if not isinstance(word, bool):
        raise ValueError(f"{word} is no operand")
    return word


def _statement(text: str, node: Node) -> bool:
    found = re.search(">=|<=|=|<|>", text)
    if text.startswith("/") or found is None:
        return node.has_class(text)
    name, value = text.split(found[0])[:2]
    relation = "=~" if value.startswith("/") else "==" if found[0] == "=" else found[0]
    return node.has_fact({":fact": name, ":value": value, ":operator": relation})


def _function(call: t.Mapping[str, t.Any], node: Node) -> bool:
    outputs = _FUNCTIONS[call["name"]](node, call["params"])
    left, relation, right = outputs.get(call["value"]), call["operator"], call["r_compare"]
    if left is None or (isinstance(left, (str, bool)) and relation[0] in "<>"):
        return False
    if relation in ("=~", "!=~"):
        # What was sent as a Regexp is read as text between slashes.
        source = right[1:-1] if right.startswith("/") and right.endswith("/") else right
        return isinstance(left, str) and (re.search(source, left) is None) == (relation[0] == "!")
    return _ORDERS[relation](left, _cast(right, left))


def _cast(text: str, like: t.Any) -> t.Any:
    """Return a text as the type that it is compared with. Raises ValueError if it is not of this type."""
    if isinstance(like, bool):
        return {"true": True, "false": False}[text]
    return text if isinstance(like, str) else float(text)


def _agent(node: Node, name: str) -> dict[str, t.Any]:
    if not node.has_agent(name):
        raise LookupError(name)
    return {"agent": name, "license": "BSD-2-Clause", "version": "1.0", "timeout": 10}


def _collective(node: Node, name: str) -> dict[str, t.Any]:
    return {"member": name in node.collectives}


def _fact(node: Node, path: str) -> dict[str, t.Any]:
    value: t.Any = node.facts
    for level in path.split("."):
        try:
            value = value[int(level)] if isinstance(value, list) else value[level]
        except (LookupError, TypeError):
            return {"exists": False, "value": False, "value_encoding": False}
    if isinstance(value, str):
        return {"exists": True, "value": value, "value_encoding": "text/plain"}
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return {"exists": True, "value": text, "value_encoding": "application/json"}


def _fstat(node: Node, path: str) -> dict[str, t.Any]:
    content = node.files.get(path)
    if content is None:
        return {"name": path, "output": "not present", "present": 0, "size": 0, "type": "unknown"}
    data = content.encode()
    found = {"name": path, "output": "present", "present": 1, "size": len(data), "type": "file"}
    return {**found, "md5": hashlib.md5(data, usedforsecurity=False).hexdigest()}


_FUNCTIONS: dict[str, t.Callable[[t.Any, t.Any], dict[str, t.Any]]] = {
    **{"agent": _agent, "collective": _collective, "fact": _fact, "fstat": _fstat}
}
