# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What a DDL's validations say about one value (MC:validator.rb and validator/)."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .. import ruby_patterns as patterns
from .. import ruby_values as values
from ..ruby_values import Regexp, RubyClass
from ..serializers import Symbol


class Violation(Exception):
    """The value breaks a rule; the text is the rule."""


class Unknown(Exception):
    """Only a node can tell whether the value keeps the rule; the text says why."""


_TYPES = {"string": "String", "integer": "Integer", "float": "Float", "number": "Numeric"}
_SHELL = ("`", "$", ";", "|", "&&", ">", "<")
_WITH_ARGUMENTS = ("array", "length", "regex", "typecheck")
"""Validator plugins that want an argument which a DDL cannot give. They refuse every value."""


def check(value: t.Any, rule: t.Any, patience: patterns.Patience) -> None:
    """Check a value by a rule: a type's name, a regular expression, a plugin's name, a list, a class.

    Any other rule allows everything, as it does to MCollective.

    :param patience: bounds the time that regular expressions take.
    :raises Violation: it breaks the rule.
    :raises Unknown: that cannot be told here.
    """
    if isinstance(rule, Symbol):
        _check_symbol(value, rule.name)
    elif isinstance(rule, (str, Regexp)):
        _check_regexp(value, Regexp(rule) if isinstance(rule, str) else rule, patience)
    elif isinstance(rule, (list, tuple)):
        if not any(values.equal(item, value) for item in rule):
            raise Violation(f"value should be one of {', '.join(map(values.to_s, rule))}")
    elif isinstance(rule, RubyClass):
        known = (*values.MODULES, *values.ancestry(value))
        if rule.name not in known:
            raise Violation(f"value should be a {rule.name}")


def check_length(value: str | bytes, limit: t.Any) -> None:
    """Check a string's length in characters, or in bytes if it is no text.

    :param limit: whatever the DDL says, of which Ruby takes the ``to_i``.
    :raises Violation: it is longer than the limit, or the limit is no number.
    """
    if values.is_string(limit):
        limit = values.integer_prefix(limit)
    elif limit is None:
        limit = 0
    if not values.is_number(limit) or abs(limit) == float("inf"):
        raise Violation(f"the DDL's maxlength {values.inspect(limit)} is no number")
    if 0 < int(limit) < len(value):
        raise Violation(f"Input string is longer than {int(limit)} character(s)")


def _check_symbol(value: t.Any, name: str) -> None:
    if name == "boolean":
        if not isinstance(value, bool):
            raise Violation("value should be a boolean")
    elif name in _TYPES:
        if _TYPES[name] not in values.ancestry(value):
            raise Violation(f"value should be a {name}")
    elif name.lower() in _WITH_ARGUMENTS:
        raise Violation(f"the validator {name.lower()} cannot be used for inputs")
    elif name.lower() == "shellsafe":
        _check_shellsafe(value)
    elif name.lower() in ("ipv4address", "ipv6address"):
        _check_address(value, int(name[3]))
    else:
        raise Unknown(f"the validator plugin {name.lower()} is not known here")


def _check_regexp(value: t.Any, rule: Regexp, patience: patterns.Patience) -> None:
    wanted = f"value should match {rule.source}"
    if isinstance(value, bytes):
        if not value.isascii():
            raise Unknown("a value that is no text")
        value = value.decode("ascii")
    if not isinstance(value, str):
        raise Violation(wanted)
    try:
        pattern = patterns.compile_ruby(rule.source, rule.flags)
        matches = pattern.search(values.to_s(value), patience)
    except patterns.Untranslatable as error:
        raise Unknown(f"the regular expression {rule.source}: {error}") from None
    if not matches:
        raise Violation(wanted)


def _check_shellsafe(value: t.Any) -> None:
    if not isinstance(value, (str, bytes)) or isinstance(value, Symbol):
        raise Violation("value should be a String")
    text = values.to_s(value)
    for char in _SHELL:
        if char in text:
            raise Violation(f"value should not have {char} in it")


def _check_address(value: t.Any, version: int) -> None:
    """Check an address, which may have a prefix. Ruby's IPAddr takes other forms, too.

    :raises Unknown: it may be one of those: with a mask, in brackets, or with a zone.
    """
    text = values.to_s(value) if isinstance(value, (str, bytes)) else ""
    address, slash, prefix = text.partition("/")
    wrong = Violation(f"value should be an ipv{version} address")
    if isinstance(value, Symbol) or not text:
        raise wrong
    if "%" in text or "[" in text or (slash and not re.fullmatch(r"0|[1-9][0-9]*", prefix)):
        raise Unknown("an address with a zone, brackets or a mask")
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise wrong from None
    if found.version != version or (slash and int(prefix[:4]) > found.max_prefixlen):
        raise wrong
