# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What a DDL's validations say about one value (MC:validator.rb and validator/)."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ..serializers import Symbol
from . import values
from .regex import Untranslatable, compile_ruby
from .values import Regexp, RubyClass


class Violation(Exception):
    """The value breaks a rule; the text is the rule."""


class Unknown(Exception):
    """Whether the value keeps the rule can be told on a node only; the text says why."""


_TYPES: dict[str, str] = {
    "string": "String",
    "integer": "Integer",
    "float": "Float",
    "number": "Numeric",
}
_SHELL = ("`", "$", ";", "|", "&&", ">", "<")
_ARGUMENT_ERRORS = ("Array", "Length", "Regex", "Typecheck")
"""Validator plugins that want an argument which a DDL cannot give. They refuse every value."""


def check(value: t.Any, rule: t.Any) -> None:
    """Check a value by a rule: a type's name, a regular expression, a plugin's name, a list, a class.

    Any other rule allows everything, as it does to MCollective.

    :raises Violation: it breaks the rule.
    :raises Unknown: that cannot be told here.
    """
    if isinstance(rule, Symbol):
        _check_symbol(value, rule)
    elif isinstance(rule, (str, Regexp)):
        _check_regexp(value, rule)
    elif isinstance(rule, (list, tuple)):
        if not any(values.equal(item, value) for item in rule):
            raise Violation(f"value should be one of {', '.join(map(values.to_s, rule))}")
    elif isinstance(rule, RubyClass):
        _check_class(value, rule.name)


def _check_class(value: t.Any, name: str) -> None:
    if name not in values.MODULES and not values.is_a(value, name):
        raise Violation(f"value should be a {name}")


def check_length(value: str | bytes, limit: t.Any) -> None:
    """Check a string's length in characters, or in bytes if it is no text.

    :raises Violation: it is longer than the limit, or the limit is no number.
    """
    most = _limit(limit)
    if 0 < most < len(value):
        raise Violation(f"Input string is longer than {most} character(s)")


def _limit(limit: t.Any) -> int:
    """The limit's to_i."""
    if isinstance(limit, str) and not isinstance(limit, Symbol):
        return values.integer_prefix(limit)
    finite = isinstance(limit, int) or (isinstance(limit, float) and abs(limit) < float("inf"))
    if limit is None or (finite and not isinstance(limit, bool)):
        return int(limit or 0)
    raise Violation(f"the DDL's maxlength {values.inspect(limit)} is no number")


def _check_symbol(value: t.Any, rule: Symbol) -> None:
    if rule.name == "boolean":
        if not isinstance(value, bool):
            raise Violation("value should be a boolean")
    elif rule.name in _TYPES:
        if not values.is_a(value, _TYPES[rule.name]):
            raise Violation(f"value should be a {rule.name}")
    else:
        _check_plugin(value, rule.name.capitalize())


def _check_plugin(value: t.Any, plugin: str) -> None:
    if plugin in _ARGUMENT_ERRORS:
        raise Violation(f"the validator {plugin.lower()} cannot be used for inputs")
    if plugin not in _PLUGINS:
        raise Unknown(f"the validator plugin {plugin.lower()} is not known here")
    _PLUGINS[plugin](value)


def _check_regexp(value: t.Any, rule: str | Regexp) -> None:
    source, flags = (rule.source, rule.flags) if isinstance(rule, Regexp) else (rule, "")
    wanted = f"value should match {source}"
    if isinstance(value, bytes):
        if not value.isascii():
            raise Unknown("a value that is no text")
        value = value.decode("ascii")
    if not isinstance(value, str):
        raise Violation(wanted)
    try:
        matches = compile_ruby(source, flags).search(values.to_s(value))
    except Untranslatable as error:
        raise Unknown(f"the regular expression {source}: {error}") from None
    if not matches:
        raise Violation(wanted)


def _is_string(value: t.Any) -> bool:
    return isinstance(value, (str, bytes)) and not isinstance(value, Symbol)


def _check_shellsafe(value: t.Any) -> None:
    if not _is_string(value):
        raise Violation("value should be a String")
    text = values.to_s(value)
    for char in _SHELL:
        if char in text:
            raise Violation(f"value should not have {char} in it")


def _check_ipv4(value: t.Any) -> None:
    if not _is_string(value) or _network(values.to_s(value))[0] != 4:
        raise Violation("value should be an ipv4 address")


def _check_ipv6(value: t.Any) -> None:
    if not _is_string(value) or _network(values.to_s(value))[0] != 6:
        raise Violation("value should be an ipv6 address")


_PLUGINS: dict[str, t.Callable[[t.Any], None]] = {
    "Shellsafe": _check_shellsafe,
    "Ipv4address": _check_ipv4,
    "Ipv6address": _check_ipv6,
}

_Network = tuple[int, int]
_NONE: _Network = (0, 0)
_IPV4 = re.compile(r"(\d+)\.(\d+)\.(\d+)\.(\d+)", re.ASCII)


def _network(text: str, depth: int = 0) -> _Network:
    """An address' version and number; version 0 for no address.

    It may bear a prefix or a mask behind a slash, as for Ruby's IPAddr.
    """
    address, slash, mask = text.partition("/")
    version, number = _address(address)
    if not version or not slash:
        return version, number
    if re.fullmatch(r"0|[1-9]+[0-9]*", mask):
        return (version, number) if _fits(mask, {4: 32, 6: 128}[version]) else _NONE
    if mask.isascii() and mask.isdigit() or depth > 3:
        return _NONE
    mask_version, mask_number = _network(mask, depth + 1)
    host = mask_number ^ (2 ** {4: 32, 6: 128}[version] - 1)
    return (version, number) if mask_version == version and not host & (host + 1) else _NONE


def _fits(digits: str, most: int) -> bool:
    return len(digits) <= 3 and int(digits) <= most


def _address(text: str) -> _Network:
    bracketed = re.fullmatch(r"\[(.*)\]", text)
    inner = bracketed[1] if bracketed else text
    zoned = re.fullmatch(r"(.*)%\w+", inner, re.ASCII)
    octets = _IPV4.fullmatch(inner)
    if octets and not bracketed and not zoned:
        return _ipv4(octets.groups())
    return _ipv6(zoned[1] if zoned else inner)


def _ipv4(octets: t.Sequence[str]) -> _Network:
    if any(len(octet) > 3 or int(octet) > 255 or re.match("0.", octet) for octet in octets):
        return _NONE
    return 4, int.from_bytes(bytes(int(octet) for octet in octets), "big")


def _ipv6(text: str) -> _Network:
    embedded = _IPV4.search(text)
    if "%" in text or (embedded and not _ipv4(embedded.groups())[0]):
        return _NONE
    try:
        return 6, int(ipaddress.IPv6Address(text))
    except ValueError:
        return _NONE
