# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A request's arguments against the DDL, as MCollective's client checks them.

MC:ddl/agentddl.rb (set_default_input_arguments, validate_rpc_request), ddl/base.rb
(validate_input_argument), data.rb, message.rb (validate_compound_filter), application/rpc.rb
(string_to_ddl_type).

An argument may be named with a Symbol's colon or without. Arguments that the DDL does not declare are
allowed; null is a value like any other, which few types allow, also for an optional input.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .. import exc
from .. import ruby_values as values
from ..nearest import suggestion
from ..ruby_patterns import Patience
from ..serializers import Symbol
from . import validators
from .model import Action, AgentDDL, DataDDL, Input


@dataclass(frozen=True)
class Unchecked:
    """A rule that only a node can check.

    :ivar reason: why; a validator plugin, or a regular expression beyond what is translated.
    """

    input: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """Arguments that nothing is known to be wrong with.

    :ivar arguments: with defaults, each under the key that the DDL declares (str or Symbol), which is
        what nodes ask for; those that it does not declare are under Symbols.
    """

    arguments: dict[str, t.Any]
    unchecked: list[Unchecked] = field(default_factory=list)


@dataclass(frozen=True)
class CheckedQuery:
    """A data function's parameter, in the type that the DDL asks for."""

    param: t.Any
    unchecked: list[Unchecked] = field(default_factory=list)


def check_request(ddl: AgentDDL, action: str, arguments: t.Mapping[str, t.Any]) -> Checked:
    """Check a request before it is sent.

    :raises exc.InvalidArgument: the action is unknown, or the DDL refuses the arguments.
    """
    description = find_action(ddl, action)
    given = _declared(ddl, description, arguments)
    for input_ in description.inputs.values():
        wanted = input_.default is not None and not input_.optional
        if wanted and input_.key not in given:
            given[input_.key] = input_.default
    unchecked: list[Unchecked] = []
    patience = Patience()
    for name, input_ in description.inputs.items():
        if input_.key in given:
            unchecked += _check_input(ddl.name, action, input_, given[input_.key], patience)
        elif not input_.optional:
            raise exc.InvalidArgument(ddl.name, action, name, "it is required")
    return Checked(given, unchecked)


def find_action(ddl: AgentDDL, action: str) -> Action:
    """The action of this name. Raises :class:`.exc.InvalidArgument` if it is not declared."""
    found = ddl.actions.get(action)
    if found is None or isinstance(found.name, Symbol) != isinstance(action, Symbol):
        known = ", ".join(sorted(map(str, ddl.actions))) or "none"
        meant = suggestion(action, map(str, ddl.actions))
        raise exc.InvalidArgument(
            ddl.name, action, None, f"no such action; it declares {known}{meant}"
        )
    return found


def _declared(ddl: AgentDDL, action: Action, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The arguments under the keys that the DDL has for them."""
    given: dict[str, t.Any] = {}
    for key, value in arguments.items():
        name = key[1:] if key.startswith(":") else key
        declared = action.inputs[name].key if name in action.inputs else Symbol(name)
        if declared in given:
            raise exc.InvalidArgument(ddl.name, str(action.name), name, "it is given twice")
        given[declared] = value
    return given


def _check_input(
    plugin: str, action: str | None, input_: Input, value: t.Any, patience: Patience
) -> list[Unchecked]:
    """Check one argument. Returns what could not be checked."""
    unchecked = []
    for check in _checks(input_, patience):
        try:
            check(value)
        except validators.Violation as error:
            raise exc.InvalidArgument(plugin, action, input_.name, str(error)) from None
        except validators.Unknown as error:
            unchecked.append(Unchecked(input_.name, str(error)))
    return unchecked


def _checks(input_: Input, patience: Patience) -> list[t.Callable[[t.Any], None]]:
    if not isinstance(input_.type, Symbol) or input_.type.name not in ("string", "list"):
        return [lambda value: validators.check(value, input_.type, patience)]
    if input_.type.name == "list":
        return [lambda value: validators.check(value, input_.list, patience)]
    return [
        lambda value: validators.check(value, input_.type, patience),
        lambda value: validators.check_length(value, input_.maxlength),
        lambda value: validators.check(value, input_.validation, patience),
    ]


# --- data functions


def check_query(ddl: DataDDL, param: str | None, output: str | None) -> CheckedQuery:
    """Check a data function of a compound filter, as in ``fstat('/etc/hosts').md5``.

    :param param: the text in the parentheses, None if there is none.
    :param output: the name behind the dot.
    :raises exc.InvalidArgument: the DDL does not allow this.
    """
    if not ddl.defined:
        raise exc.InvalidArgument(ddl.name, None, None, "no dataquery has been defined")
    if not ddl.outputs:
        raise exc.InvalidArgument(ddl.name, None, None, "no output has been defined")
    value, unchecked = _check_param(ddl, param)
    found = ddl.outputs.get(output or "")
    if found is None or not isinstance(found.key, Symbol):
        known = ", ".join(ddl.outputs)
        rule = f"it does not return {output!r}, only {known}"
        raise exc.InvalidArgument(ddl.name, None, None, rule)
    return CheckedQuery(value, unchecked)


def _check_param(ddl: DataDDL, param: str | None) -> tuple[t.Any, list[Unchecked]]:
    if ddl.query is None:
        if param is not None:
            raise exc.InvalidArgument(ddl.name, None, None, "it takes no parameter")
        return None, []
    if param is None and ddl.query.optional:
        return None, []
    value = _cast_or_keep(ddl.query, param)
    return value, _check_input(ddl.name, None, ddl.query, value, Patience())


def _cast_or_keep(input_: Input, text: str | None) -> t.Any:
    """What cannot be cast stays as it is, for the validation to refuse (MC:data.rb)."""
    try:
        return None if text is None else _cast(input_, text)
    except ValueError:
        return text


# --- text from a command line


def cast_arguments(
    ddl: AgentDDL, action: str, arguments: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Turn text into what the DDL wants, as ``mco rpc`` does with what is typed.

    Only booleans and numbers are, and only str is: "1" becomes True for an input of type boolean.

    :raises exc.InvalidArgument: the action is unknown, or a text is no boolean or number.
    """
    inputs = find_action(ddl, action).inputs
    cast = dict(arguments)
    for key, value in arguments.items():
        input_ = inputs.get(key[1:] if key.startswith(":") else key)
        if input_ is None or not isinstance(value, str):
            continue
        try:
            cast[key] = _cast(input_, value)
        except ValueError as error:
            raise exc.InvalidArgument(ddl.name, action, input_.name, str(error)) from None
    return cast


def _cast(input_: Input, text: str) -> t.Any:
    kind = input_.type.name if isinstance(input_.type, Symbol) else ""
    if kind == "boolean":
        return cast_boolean(text)
    return cast_number(text) if kind in ("number", "integer", "float") else text


def cast_boolean(text: str) -> bool:
    """true t yes y 1, false f no n 0, in any case. Raises ValueError for others."""
    if text.lower() in ("true", "t", "yes", "y", "1"):
        return True
    if text.lower() in ("false", "f", "no", "n", "0"):
        return False
    raise ValueError(f"{text} does not look like a boolean argument")


_LINE = r"(?:\A|(?<=\n)(?!\Z)){}(?=\n|\Z)"
_FLOAT = re.compile(_LINE.format(r"\d+\.\d+"), re.ASCII)
_INTEGER = re.compile(_LINE.format(r"\d+"), re.ASCII)
_FLOAT_PREFIX = re.compile(
    r"[\s\0]*([+-]?\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?(?:[eE][+-]?\d+)?)", re.ASCII
)


def cast_number(text: str) -> int | float:
    """An unsigned number (MC:ddl.rb, string_to_number). Raises ValueError for other texts.

    As for MCollective it is enough that one line of the text is a number, and the number that its
    first line begins with is the one that is taken.
    """
    if _FLOAT.search(text):
        match = _FLOAT_PREFIX.match(text)
        return float(match[1].replace("_", "")) if match else 0.0
    if _INTEGER.search(text):
        return values.integer_prefix(text)
    raise ValueError(f"{text} does not look like a number")
