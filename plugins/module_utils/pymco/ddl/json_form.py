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
from ..ruby_values import RubyClass
from ..serializers import Symbol
from . import model
from .builder import Builder
from .model import Refused

_CLASSES = {"array": RubyClass("Array"), "hash": RubyClass("Hash")}
"""Types that Choria has added, in either case."""

_Table = dict[str, t.Any]


def read_json(source: str, kind: str, name: str, path: str) -> model.DDL:
    """Read a DDL's text. What MCollective would refuse is in :attr:`.model.DDL.unread`.

    :param kind: the kind of plugin: "agent" or "data"; of others the metadata only is read.
    :raises exc.UnreadableDDL: it is no JSON, or no object with metadata.
    """
    try:
        document = _table(json.loads(source), "the document")
        metadata = _table(document.get("metadata"), "metadata")
    except json.JSONDecodeError as error:
        raise exc.UnreadableDDL(f"no JSON: {error.msg}", path, error.lineno) from None
    except Refused as error:
        raise exc.UnreadableDDL(str(error), path) from None
    except (RecursionError, ValueError) as error:
        raise exc.UnreadableDDL(f"no JSON that can be read: {error}", path) from None
    builder = Builder(kind)
    with builder.tolerant():
        builder.metadata(_symbols(metadata))
    with builder.tolerant():
        if kind == "agent":
            for action in _items(document.get("actions", []), "actions"):
                with builder.tolerant():
                    _build_action(builder, _table(action, "an action"))
        elif kind == "data":
            _build_query(builder, document, metadata)
    return builder.build(name, path)


def _build_action(builder: Builder, action: _Table) -> None:
    name = action.get("action")
    if not isinstance(name, str) or not name:
        raise Refused("an action without a name")
    builder.begin_action(name, _symbols(action))
    with builder.tolerant():
        builder.display(Symbol(str(action.get("display") or "failed")))
    _build_each(action, "input", builder, lambda key, item: builder.input(key, _input(item)))
    _build_each(action, "output", builder, lambda key, item: builder.output(key, _symbols(item)))
    with builder.tolerant():
        for item in _items(action.get("aggregate") or [], "aggregate"):
            with builder.tolerant():
                args = [_argument(arg) for arg in _items(_table(item, "it").get("args"), "args")]
                builder.aggregate({Symbol("function"): item.get("function"), Symbol("args"): args})
    builder.end()


def _build_query(builder: Builder, document: _Table, metadata: _Table) -> None:
    description = document.get("description") or metadata.get("description")
    builder.begin_dataquery({Symbol("description"): description})
    if document.get("query") is not None:
        with builder.tolerant():
            builder.input(Symbol("query"), _input(_table(document["query"], "query")))
    _build_each(document, "output", builder, lambda key, item: builder.output(key, _symbols(item)))
    builder.end()


def _build_each(
    document: _Table, part: str, builder: Builder, build: t.Callable[[Symbol, _Table], None]
) -> None:
    with builder.tolerant():
        for key, properties in _table(document.get(part) or {}, part).items():
            with builder.tolerant():
                build(Symbol(key), _table(properties, f"{part} {key}"))


def _input(properties: _Table) -> _Table:
    """An input's properties as the Ruby form has them.

    Choria's own writer leaves out a maxlength of 0 and an empty validation. An input that does not
    say that it is optional is required.
    """
    kind = str(properties.get("type") or "")
    table = {Symbol("optional"): False, **_symbols(properties)}
    if "type" in properties:
        table[Symbol("type")] = _CLASSES.get(kind.lower()) or Symbol(kind)
    if kind == "string":
        rule = properties.get("validation") or ""
        # A small letter begins the name of a validator, anything else a regular expression.
        is_name = isinstance(rule, str) and re.match(r"[a-z]", rule)
        table.setdefault(Symbol("maxlength"), 0)
        table[Symbol("validation")] = Symbol(rule) if is_name else rule
    return table


def _argument(arg: t.Any) -> t.Any:
    if isinstance(arg, dict):
        return _symbols(arg)
    return Symbol(arg) if isinstance(arg, str) else arg


def _symbols(table: _Table) -> _Table:
    return {Symbol(key): value for key, value in table.items()}


def _table(value: t.Any, what: str) -> _Table:
    if not isinstance(value, dict):
        raise Refused(f"{what} is no object, or not there")
    return value


def _items(value: t.Any, what: str) -> list[t.Any]:
    if not isinstance(value, list):
        raise Refused(f"{what} is no array, or not there")
    return value
