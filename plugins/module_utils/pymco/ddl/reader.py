# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""DDLs in their Ruby form, read without Ruby."""

from __future__ import annotations

import typing as t

from .. import exc
from ..ruby_methods import RUBY_METHODS
from ..serializers import Symbol
from . import model, values
from .builder import VERSION, Builder
from .ruby import Block, Evaluator, Machine, Word, parse, usable
from .values import VOID, Range, Refused, Text

_AGGREGATES = ("summary", "average", "sum")
"""The functions that MCollective brings along. Outside of ``summarize`` it knows no others."""

_OWN_METHODS = (
    "actions entities exit! findddlfile frozen? help is_function? loadddlfile meta plugintype "
    "requirements template_for_plugintype validate_requirements"
)
_NO_AGGREGATES = RUBY_METHODS | frozenset(_OWN_METHODS.split())
"""Methods that an object, or a DDL itself, has: none of them can be an aggregate function."""

_ENTITIES = {"agent": "action", "data": "dataquery", "discovery": "discovery"}
_KIND_WORDS = {
    "agent": ("action", "input", "output", "display", "summarize", "aggregate"),
    "data": ("dataquery", "input", "output"),
    "discovery": ("discovery", "capabilities", "input", "output"),
}
_COMMON_WORDS = ("metadata", "usage", "requires", "format", "sprintf", "respond_to?")


class _Words:
    """What the words of a DDL mean: calls of its :class:`.builder.Builder`."""

    def __init__(self, kind: str) -> None:
        self.builder = Builder(kind)
        self.machine = Machine()
        self._known = (*_COMMON_WORDS, *_KIND_WORDS.get(kind, ("input", "output")))
        self._summarizing = False

    def find(self, name: str) -> Word | None:
        """A word's meaning, None if it has none."""
        if name in self._known:
            method = getattr(self, "_" + name.rstrip("?"), None)
            return method or self._statement(name)
        may_aggregate = self._summarizing or name in _AGGREGATES
        if self.builder.kind == "agent" and may_aggregate and name not in _NO_AGGREGATES:
            return lambda arguments, _block: self.machine.made(
                {Symbol("function"): Symbol(name), Symbol("args"): arguments}
            )
        return None

    def _statement(self, name: str) -> Word:
        """A word whose arguments go to the builder as they are."""

        def called(arguments: list[t.Any], block: Block | None) -> t.Any:
            fewest, most = _ARITY[name]
            if block is not None or not fewest <= len(arguments) <= most:
                raise Refused(f"{name} with {len(arguments)} arguments or with a block")
            getattr(self.builder, name)(*map(self._taken, arguments))
            return VOID

        return called

    def _taken(self, argument: t.Any) -> t.Any:
        self.machine.charge(argument)
        return plain(argument)

    def _entity(self, arguments: list[t.Any], block: Block | None, count: int) -> t.Any:
        word = _ENTITIES[self.builder.kind]
        if len(arguments) != count:
            raise Refused(f"{word} with {len(arguments)} arguments")
        getattr(self.builder, f"begin_{word}")(*map(self._taken, arguments))
        if block is not None:
            block()
        self.builder.end()
        return VOID

    def _action(self, arguments: list[t.Any], block: Block | None) -> t.Any:
        return self._entity(arguments, block, 2)

    def _dataquery(self, arguments: list[t.Any], block: Block | None) -> t.Any:
        return self._entity(arguments, block, 1)

    def _discovery(self, arguments: list[t.Any], block: Block | None) -> t.Any:
        return self._entity(arguments, block, 0)

    def _summarize(self, arguments: list[t.Any], block: Block | None) -> t.Any:
        if arguments or block is None:
            raise Refused("summarize without a block or with arguments")
        self._summarizing = True
        block()
        self._summarizing = False
        return VOID

    def _format(self, arguments: list[t.Any], block: Block | None) -> t.Any:
        if not arguments or block is not None or not isinstance(arguments[0], Text):
            raise Refused("format without a String to format by")
        return self.machine.made(self.machine.format(arguments[0], arguments[1:]))

    _sprintf = _format

    def _respond_to(self, arguments: list[t.Any], block: Block | None) -> t.Any:
        """Asked by DDLs that are to work with an MCollective older than ``summarize``."""
        if len(arguments) != 1 or not isinstance(arguments[0], (Symbol, Text)):
            raise Refused("respond_to? without a name")
        name = values.to_s(arguments[0])
        words = (*_COMMON_WORDS[:3], *_KIND_WORDS.get(self.builder.kind, ("input", "output")))
        if name not in words and name not in ("summarize", "aggregate", "action"):
            raise Refused(f"respond_to? of {name!r}, which is no word of a DDL")
        return name in words


_ARITY = {
    "metadata": (1, 1),
    "usage": (1, 1),
    "requires": (1, 1),
    "input": (2, 2),
    "output": (2, 2),
    "display": (1, 1),
    "aggregate": (1, 2),
    "capabilities": (0, 100),
}


def plain(value: t.Any) -> t.Any:
    """A value with str in place of the evaluator's Strings."""
    if isinstance(usable(value), Text):
        return value.value
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        table = {plain(key): plain(item) for key, item in value.items()}
        if len(table) < len(value):
            raise Refused(f"keys that differ as String and Symbol only: {values.inspect(value)}")
        return table
    if isinstance(value, Range):
        return Range(plain(value.first), plain(value.last), value.exclusive)
    return value


def read_ruby(source: str, kind: str, name: str, path: str) -> model.DDL:
    """Read a DDL's text.

    :param kind: the kind of plugin: "agent", "data", "discovery" …
    :param name: the plugin's name.
    :param path: where the text is from, for messages and for the result.
    :raises exc.UnreadableDDL: it is not understood in full, or MCollective would refuse it.
    """
    words = _Words(kind)
    text = source.replace("\r\n", "\n")
    try:
        constants = {"MCollective::VERSION": Text(VERSION)}
        Evaluator(path, words.find, constants, words.machine).run(parse(text, path))
        return words.builder.build(name, path)
    except Refused as error:
        raise exc.UnreadableDDL(str(error), path) from None
    except RecursionError:
        raise exc.UnreadableDDL("it is nested too deep", path) from None
