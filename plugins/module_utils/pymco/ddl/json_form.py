# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""DDLs in the JSON form that Choria has beside the Ruby form.

``{"metadata": {…}, "actions": [{"action", "description", "display", "input": {…}, "output": {…},
"aggregate": [{"function", "args"}]}]}``, and for data plugins ``{"metadata", "description", "query",
"output"}``. JSON has no Symbols: names become Symbols, as they are in every DDL that was converted.
"""

from __future__ import annotations

import json
import re
import typing as t

from .. import exc
from ..serializers import Symbol
from . import model
from .builder import Builder
from .values import Refused, RubyClass

_CLASSES = {"array": RubyClass("Array"), "hash": RubyClass("Hash")}
"""Types that Choria has added, in either case."""


def read_json(source: str, kind: str, name: str, path: str) -> model.DDL:
    """Read a DDL's text.

    :param kind: the kind of plugin: "agent" or "data"; of others the metadata only is read.
    :raises exc.UnreadableDDL: it is no such JSON, or MCollective would refuse what it says.
    """
    try:
        document = json.loads(source, object_pairs_hook=_unique)
        builder = Builder(kind)
        _build(builder, _table(document, "the document"))
        return builder.build(name, path)
    except json.JSONDecodeError as error:
        raise exc.UnreadableDDL(f"no JSON: {error.msg}", path, error.lineno) from None
    except Refused as error:
        raise exc.UnreadableDDL(str(error), path) from None
    except (RecursionError, ValueError) as error:
        raise exc.UnreadableDDL(f"no JSON that can be read: {error}", path) from None


def _unique(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(f"the key {twice!r} is there twice")
    return table


def _build(builder: Builder, document: dict[str, t.Any]) -> None:
    builder.metadata(_symbols(_table(document.get("metadata"), "metadata")))
    if builder.kind == "agent":
        for action in _items(document.get("actions", []), "actions"):
            _build_action(builder, _table(action, "an action"))
    elif builder.kind == "data":
        _build_query(builder, document)


def _build_action(builder: Builder, action: dict[str, t.Any]) -> None:
    name = action.get("action")
    if not isinstance(name, str) or not name:
        raise Refused("an action without a name")
    builder.begin_action(name, _symbols(action))
    builder.display(Symbol(str(action.get("display") or "failed")))
    for key, properties in _table(action.get("input") or {}, "input").items():
        builder.input(Symbol(key), _input(_table(properties, f"input {key}")))
    for key, properties in _table(action.get("output") or {}, "output").items():
        builder.output(Symbol(key), _symbols(_table(properties, f"output {key}")))
    for item in _items(action.get("aggregate") or [], "aggregate"):
        aggregate = _table(item, "an aggregate")
        args = [_aggregate_arg(arg) for arg in _items(aggregate.get("args"), "args")]
        function = {Symbol("function"): aggregate.get("function"), Symbol("args"): args}
        builder.aggregate(function)
    builder.end()


def _build_query(builder: Builder, document: dict[str, t.Any]) -> None:
    metadata = _table(document.get("metadata"), "metadata")
    description = document.get("description") or metadata.get("description")
    builder.begin_dataquery({Symbol("description"): description})
    if document.get("query") is not None:
        builder.input(Symbol("query"), _input(_table(document["query"], "query")))
    for key, properties in _table(document.get("output") or {}, "output").items():
        builder.output(Symbol(key), _symbols(_table(properties, f"output {key}")))
    builder.end()


def _input(properties: dict[str, t.Any]) -> dict[str, t.Any]:
    """An input's properties as the Ruby form has them.

    Choria's own writer leaves out a maxlength of 0 and an empty validation.
    """
    kind = str(properties.get("type") or "")
    table = _symbols(properties)
    if "type" in properties:
        table[Symbol("type")] = _CLASSES.get(kind.lower()) or Symbol(kind)
    if kind == "string":
        table.setdefault(Symbol("maxlength"), 0)
        table[Symbol("validation")] = _validation(properties.get("validation") or "")
    return table


def _validation(rule: t.Any) -> t.Any:
    """A small letter begins the name of a validator, anything else a regular expression."""
    is_name = isinstance(rule, str) and re.match(r"[a-z]", rule)
    return Symbol(rule) if is_name else rule


def _aggregate_arg(arg: t.Any) -> t.Any:
    if isinstance(arg, dict):
        return _symbols(arg)
    return Symbol(arg) if isinstance(arg, str) else arg


def _symbols(table: dict[str, t.Any]) -> dict[str, t.Any]:
    return {Symbol(key): value for key, value in table.items()}


def _table(value: t.Any, what: str) -> dict[str, t.Any]:
    if not isinstance(value, dict):
        raise Refused(f"{what} is no object, or not there")
    return value


def _items(value: t.Any, what: str) -> list[t.Any]:
    if not isinstance(value, list):
        raise Refused(f"{what} is no array, or not there")
    return value
