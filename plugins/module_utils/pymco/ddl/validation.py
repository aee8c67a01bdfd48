# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A request's arguments are checked against the DDL, as MCollective's client does it.

MC:ddl/agentddl.rb (set_default_input_arguments, validate_rpc_request), ddl/base.rb
(validate_input_argument), validator.rb and validator/, data.rb, message.rb
(validate_compound_filter), application/rpc.rb (string_to_ddl_type).

The name of an argument may have a Symbol's colon. Arguments that the DDL does not declare are
allowed; null is a value like any other, which few types allow, also for an optional input.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import typing as t
from dataclasses import dataclass, field

from .. import exc
from .. import ruby_patterns as patterns
from .. import ruby_values as values
from ..nearest import suggestion
from ..ruby_values import Regexp, RubyClass
from ..serializers import Symbol
from .model import Action, AgentDDL, DataDDL, Input


@dataclass(frozen=True)
class Unchecked:
    """A rule that only a node can check.

    :ivar reason: names a validator plugin, or a regular expression that cannot be translated.
    """

    input: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """Arguments in which nothing wrong was found.

    :ivar arguments: with defaults. An argument has the key (str or Symbol) that the DDL declares,
        since nodes ask for it; one that the DDL does not declare has a Symbol.
    """

    arguments: dict[str, t.Any]
    unchecked: list[Unchecked] = field(default_factory=list)


@dataclass(frozen=True)
class CheckedQuery:
    """A data function's parameter, in the type that the DDL asks for."""

    param: t.Any
    unchecked: list[Unchecked] = field(default_factory=list)


class _Violation(Exception):
    """The value breaks a rule; the text is the rule."""


class _Unknown(Exception):
    """Only a node can tell if the value keeps the rule; the text says why."""


def check_request(
    ddl: AgentDDL,
    action: str,
    arguments: t.Mapping[str, t.Any],
    *,
    dialect: str = "mcollective",
) -> Checked:
    """Check a request before it is sent.

    :param dialect: Choria's client sends the defaults of optional inputs too, whether or not they keep the
        rules (Go: mcorpc/ddl/agent/action.go, ValidateAndConvertToDDLTypes).
    :raises exc.InvalidArgument: the action is unknown, or the DDL refuses the arguments.
    """
    description = _find_action(ddl, action)
    given = _declared(ddl, description, arguments)
    for input_ in description.inputs.values():
        if input_.default is not None and not input_.optional:
            given.setdefault(input_.key, input_.default)
    unchecked: list[Unchecked] = []
    allowance = patterns.Allowance()
    for name, input_ in description.inputs.items():
        if input_.key in given:
            unchecked += _check_input(ddl.name, action, input_, given[input_.key], allowance)
        elif not input_.optional:
            raise exc.InvalidArgument(ddl.name, action, name, "it is required")
        elif input_.default is not None and dialect == "choria":
            given[input_.key] = input_.default
    return Checked(given, unchecked)


def _find_action(ddl: AgentDDL, action: str) -> Action:
    """Return the action of this name. Raises :class:`.exc.InvalidArgument` if there is none."""
    found = ddl.actions.get(action)
    if found is None or isinstance(found.name, Symbol) != isinstance(action, Symbol):
        names = sorted(map(str, ddl.actions))
        rule = f"no such action; it declares {', '.join(names) or 'none'}"
        raise exc.InvalidArgument(ddl.name, action, None, rule + suggestion(action, names))
    return found


def _declared(ddl: AgentDDL, action: Action, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the arguments under the keys that the DDL has for them."""
    given: dict[str, t.Any] = {}
    for key, value in arguments.items():
        name = key.removeprefix(":")
        declared = action.inputs[name].key if name in action.inputs else Symbol(name)
        if declared in given:
            raise exc.InvalidArgument(ddl.name, str(action.name), name, "it is given twice")
        given[declared] = value
    return given


def _check_input(
    plugin: str, action: str | None, input_: Input, value: t.Any, allowance: patterns.Allowance
) -> list[Unchecked]:
    """Check one argument. Return the rules that could not be checked."""
    unchecked = []
    kind = input_.type.name if isinstance(input_.type, Symbol) else ""
    for name in _RULES.get(kind, ("type",)):
        rule = getattr(input_, name)
        try:
            if name == "maxlength":
                _check_length(value, rule)
            else:
                _check(value, rule, allowance)
        except _Violation as error:
            raise exc.InvalidArgument(plugin, action, input_.name, str(error)) from None
        except _Unknown as error:
            unchecked.append(Unchecked(input_.name, str(error)))
    return unchecked


# --- data functions


def check_query(ddl: DataDDL, param: str | None, output: str | None) -> CheckedQuery:
    """Check a data function of a compound filter, as in ``fstat('/etc/hosts').md5``.

    :param param: the text in the parentheses, None if there is none.
    :param output: the name behind the dot.
    :raises exc.InvalidArgument: the DDL does not allow this.
    """

    def refused(rule: str) -> exc.InvalidArgument:
        return exc.InvalidArgument(ddl.name, None, None, rule)

    if not ddl.defined or not ddl.outputs:
        raise refused(f"no {'output' if ddl.defined else 'dataquery'} has been defined")
    value: t.Any = param
    unchecked: list[Unchecked] = []
    if ddl.query is None and param is not None:
        raise refused("it takes no parameter")
    if ddl.query is not None and not (param is None and ddl.query.optional):
        # What cannot be cast stays a text, and the validation refuses it (MC:data.rb).
        with contextlib.suppress(ValueError):
            value = None if param is None else _cast(ddl.query, param)
        unchecked = _check_input(ddl.name, None, ddl.query, value, patterns.Allowance())
    found = ddl.outputs.get(output or "")
    if found is None or not isinstance(found.key, Symbol):
        raise refused(f"it does not return {output!r}, only {', '.join(ddl.outputs)}")
    return CheckedQuery(value, unchecked)


# --- text from a command line


def cast_arguments(
    ddl: AgentDDL, action: str, arguments: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Turn text into the booleans and numbers that the DDL asks for, as ``mco rpc`` does.

    Only str is turned: "1" becomes True for an input of type boolean.

    :raises exc.InvalidArgument: the action is unknown, or a text is no boolean or number.
    """
    inputs = _find_action(ddl, action).inputs
    cast = dict(arguments)
    for key, value in arguments.items():
        input_ = inputs.get(key.removeprefix(":"))
        if input_ is not None and isinstance(value, str):
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
    """Return the truth of: true t yes y 1, false f no n 0, in any case. Raises ValueError."""
    if text.lower() in ("true", "t", "yes", "y", "1"):
        return True
    if text.lower() in ("false", "f", "no", "n", "0"):
        return False
    raise ValueError(f"{text} does not look like a boolean argument")


_FLOAT = re.compile(r"^\d+\.\d+$", re.ASCII | re.MULTILINE)
_INTEGER = re.compile(r"^\d+$", re.ASCII | re.MULTILINE)
_FLOAT_PREFIX = re.compile(
    r"[\s\0]*([+-]?\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?(?:[eE][+-]?\d+)?)", re.ASCII
)


def cast_number(text: str) -> int | float:
    """Return an unsigned number (MC:ddl.rb, string_to_number). Raises ValueError for other texts.

    As in MCollective, one line of the text must be a number; the result is the number at the start
    of the first line.
    """
    if _FLOAT.search(text):
        match = _FLOAT_PREFIX.match(text)
        return float(match[1].replace("_", "")) if match else 0.0
    if _INTEGER.search(text):
        return values.integer_prefix(text)
    raise ValueError(f"{text} does not look like a number")


# --- rules

_RULES = {"string": ("type", "maxlength", "validation"), "list": ("list",)}
"""The properties of an input that are its rules, by its type. Others have the type only."""

_TYPES = {"string": "String", "integer": "Integer", "float": "Float", "number": "Numeric"}
_SHELL = ("`", "$", ";", "|", "&&", ">", "<")
_ADDRESSES = {"ipv4address": (4,), "ipv6address": (6,), "ipaddress": (4, 6)}
"""Validator plugins of addresses, with the versions that they take. The last is Choria's."""
_WITH_ARGUMENTS = ("array", "length", "regex", "typecheck")
"""Validator plugins that want an argument which a DDL cannot give. They refuse every value."""


def _check(value: t.Any, rule: t.Any, allowance: patterns.Allowance) -> None:
    """Check a value by a rule: a type's name, a regular expression, a plugin's name, a list, a class.

    Any other rule allows everything, as in MCollective.

    :param allowance: bounds the time that regular expressions take.
    :raises _Violation: the value breaks the rule.
    :raises _Unknown: only a node can tell.
    """
    if isinstance(rule, Symbol):
        _check_symbol(value, rule.name)
    elif isinstance(rule, (str, Regexp)):
        _check_regexp(value, Regexp(rule) if isinstance(rule, str) else rule, allowance)
    elif isinstance(rule, (list, tuple)):
        if not any(values.equal(item, value) for item in rule):
            raise _Violation(f"value should be one of {', '.join(map(values.to_s, rule))}")
    elif isinstance(rule, RubyClass):
        known = (*values.MODULES, *values.ancestry(value))
        if rule.name not in known:
            raise _Violation(f"value should be a {rule.name}")


def _check_length(value: str | bytes, limit: t.Any) -> None:
    """Check a string's length in characters, or in bytes if it is no text.

    :param limit: whatever the DDL says, of which Ruby takes the ``to_i``.
    """
    if values.is_string(limit):
        limit = values.integer_prefix(limit)
    limit = 0 if limit is None else limit
    if not values.is_number(limit) or abs(limit) == float("inf"):
        raise _Violation(f"the DDL's maxlength {values.inspect(limit)} is no number")
    if 0 < int(limit) < len(value):
        raise _Violation(f"Input string is longer than {int(limit)} character(s)")


def _check_symbol(value: t.Any, name: str) -> None:
    plugin = name.lower()
    if name == "boolean":
        if not isinstance(value, bool):
            raise _Violation("value should be a boolean")
    elif name in _TYPES:
        if _TYPES[name] not in values.ancestry(value):
            raise _Violation(f"value should be a {name}")
    elif plugin in _WITH_ARGUMENTS:
        raise _Violation(f"the validator {plugin} cannot be used for inputs")
    elif plugin == "shellsafe":
        _check_shellsafe(value)
    elif plugin in _ADDRESSES:
        _check_address(value, _ADDRESSES[plugin])
    else:
        raise _Unknown(f"the validator plugin {plugin} is not known here")


def _check_regexp(value: t.Any, rule: Regexp, allowance: patterns.Allowance) -> None:
    wanted = f"value should match {rule.source}"
    if isinstance(value, bytes):
        if not value.isascii():
            raise _Unknown("a value that is no text")
        value = value.decode("ascii")
    if not isinstance(value, str):
        raise _Violation(wanted)
    try:
        pattern = patterns.compile_ruby(rule.source, rule.flags)
        matches = pattern.search(values.to_s(value), allowance)
    except patterns.Untranslatable as error:
        raise _Unknown(f"the regular expression {rule.source}: {error}") from None
    if not matches:
        raise _Violation(wanted)


def _check_shellsafe(value: t.Any) -> None:
    if not isinstance(value, (str, bytes)) or isinstance(value, Symbol):
        raise _Violation("value should be a String")
    text = values.to_s(value)
    for char in _SHELL:
        if char in text:
            raise _Violation(f"value should not have {char} in it")


def _check_address(value: t.Any, versions: tuple[int, ...]) -> None:
    """Check an address, which may have a prefix.

    :raises _Unknown: it may be in another form that Ruby's IPAddr takes: with a mask, in brackets,
        or with a zone.
    """
    text = values.to_s(value) if isinstance(value, (str, bytes)) else ""
    address, slash, prefix = text.partition("/")
    kind = f"ipv{versions[0]}" if len(versions) == 1 else "IP"
    wrong = _Violation(f"value should be an {kind} address")
    if isinstance(value, Symbol) or not text:
        raise wrong
    if "%" in text or "[" in text or (slash and not re.fullmatch(r"0|[1-9][0-9]*", prefix)):
        raise _Unknown("an address with a zone, brackets or a mask")
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise wrong from None
    if found.version not in versions or (slash and int(prefix[:4]) > found.max_prefixlen):
        raise wrong
