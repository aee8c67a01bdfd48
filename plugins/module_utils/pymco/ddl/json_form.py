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

    :param kind: the kind of plugin: "agent" or "data"; of others only the metadata is read.
    :raises exc.UnreadableDDL: the text is no JSON, or no object with metadata.
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
    builder.attempt(builder.metadata, _symbols(metadata))
    if kind == "agent":
        for action in _parts(builder, document.get("actions", []), list, "actions"):
            builder.attempt(_build_action, builder, action)
    elif kind == "data":
        description = document.get("description") or metadata.get("description")
        builder.dataquery({Symbol("description"): description})
        if document.get("query") is not None:
            builder.attempt(builder.input, Symbol("query"), _input(document["query"]))
        _build_outputs(builder, document)
        builder.end()
    return builder.build(name, path)


def _build_action(builder: Builder, action: t.Any) -> None:
    name = _table(action, "an action").get("action")
    if not isinstance(name, str) or not name:
        raise Refused("an action without a name")
    builder.action(name, _symbols(action))
    builder.attempt(builder.display, Symbol(str(action.get("display") or "failed")))
    for key, item in _parts(builder, action.get("input") or {}, dict, "input").items():
        builder.attempt(builder.input, Symbol(key), _input(item))
    _build_outputs(builder, action)
    for item in _parts(builder, action.get("aggregate") or [], list, "aggregate"):
        builder.attempt(_build_aggregate, builder, item)
    builder.end()


def _build_outputs(builder: Builder, document: _Table) -> None:
    for key, item in _parts(builder, document.get("output") or {}, dict, "output").items():
        builder.attempt(builder.output, Symbol(key), _symbols(item))


def _build_aggregate(builder: Builder, item: t.Any) -> None:
    args = _table(item, "it").get("args")
    if not isinstance(args, list):
        raise Refused("args is no array, or not there")
    known = [Symbol(arg) if isinstance(arg, str) else _symbols(arg) for arg in args]
    builder.aggregate({Symbol("function"): item.get("function"), Symbol("args"): known})


def _input(properties: t.Any) -> t.Any:
    """Return an input's properties as the Ruby form has them.

    Choria's own writer leaves out a maxlength of 0 and an empty validation. An input that does not
    say that it is optional is required.
    """
    if not isinstance(properties, dict):
        return properties
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


def _symbols(value: t.Any) -> t.Any:
    """Return an object with Symbols as its keys; any other value is returned as it is."""
    if not isinstance(value, dict):
        return value
    return {Symbol(key): item for key, item in value.items()}


def _table(value: t.Any, what: str) -> _Table:
    if not isinstance(value, dict):
        raise Refused(f"{what} is no object, or not there")
    return value


def _parts(builder: Builder, value: t.Any, form: type[t.Any], what: str) -> t.Any:
    """Return an array or an object. Any other value leaves a gap, and stands for an empty one."""
    if isinstance(value, form):
        return value
    builder.leave_out(f"{what} is no {'array' if form is list else 'object'}, or not there")
    return form()
