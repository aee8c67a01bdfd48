# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Hides secret values where a task's options are shown, and where Ansible refuses an option.

The argument specification and the table of client.cfg's options say which values may be shown. The value of an
unknown option is not shown, and neither is a value of another type than its option's: either may be a password in
the wrong place.
"""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.common.validation import (
    check_type_bool,
    check_type_float,
    check_type_int,
    check_type_str,
)
from ansible.module_utils.errors import RequiredError, UnsupportedError

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.options import (
    host,
    is_harmless,
    path,
)

from .options import Spec

if t.TYPE_CHECKING:
    from ansible.module_utils.common.arg_spec import ValidationResult

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
"""The word that stands for a value. It is Ansible's own."""
WRONG = "an option has a value of the wrong type"
BROKER_URL = re.compile(
    r"(?P<scheme>[a-z+]+)://(?:(?P<user>[^:@/\s]*)(?::(?P<password>[^@/\s]*))?@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(?P<port>[0-9]{1,5}))?/?"
)
"""A broker in one word. Signs such as "@" and "/" in a password have to be encoded, so that no part of it can be
taken for a part that is shown."""
_CHECKS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "bool": check_type_bool,
    "float": check_type_float,
    "host": lambda value: host(check_type_str(value, allow_conversion=False)),
    "int": check_type_int,
    "path": path,
    "str": lambda value: check_type_str(
        value, allow_conversion=not isinstance(value, (dict, list))
    ),
}
_BEFORE_THE_VALUE = re.compile(
    r"(?:argument|Elements value for option) '\w+' is of type \w+(?: found in '[\w >-]+'\.)?"
    r" and we were unable to convert to \w+(?=:)"
    r"|value of \w+ must be one (?:or more )?of: [\w, ]+?(?=, got: |\. Got no match for: )",
    re.ASCII,
)
"""Ansible's message about a value of the wrong type, up to the value, which comes last."""


def shown(spec: Spec, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return a task's options without secret values.

    :param spec: the argument specification.
    :param params: the options, valid or not.
    """
    aliases = {alias: name for name, each in spec.items() for alias in each.get("aliases", ())}
    return {
        name: _shown(name, spec.get(aliases.get(name, name)), value)
        for name, value in params.items()
    }


def _shown(name: str, option: Spec | None, value: t.Any) -> t.Any:
    if value is None:
        return None
    if option is None or option.get("no_log"):
        return HIDDEN
    if name == "brokers":
        option = {**option, "elements": "dict"}
    kind = option.get("type", "str")
    if kind == "list" and isinstance(value, list):
        element = {**option, "type": option.get("elements", "str")}
        return [_shown(name, element, item) for item in value]
    if name == "brokers" and isinstance(value, str):
        return ",".join(map(_shown_url, value.split(",")))
    if kind == "dict" and isinstance(value, dict):
        if name == "config":
            return shown_config(value)
        return shown(option["options"], value) if "options" in option else value
    return value if _is_valid(option, "host" if name == "host" else kind, value) else HIDDEN


def _shown_url(url: str) -> str:
    """Return the URL of a broker without its password. A text that is no such URL is not shown."""
    match = BROKER_URL.fullmatch(url.strip())
    if not url.strip() or match is None:
        return HIDDEN if url.strip() else url
    if match["password"] is None:
        return url
    start, end = match.span("password")
    return f"{match.string[:start]}{HIDDEN}{match.string[end:]}"


def _is_valid(option: Spec, kind: str, value: t.Any) -> bool:
    if kind not in _CHECKS or value not in option.get("choices", [value]):
        return False
    try:
        _CHECKS[kind](value)
    except (TypeError, ValueError):
        return False
    return True


def shown_config(config: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return options of client.cfg, by their names there, without secret values."""
    return {
        key: value if value is None or is_harmless(str(key), str(value)) else HIDDEN
        for key, value in config.items()
    }


def refusal(checked: ValidationResult, what: str) -> str:
    """Return why Ansible refuses a task's options, without their values; "" if it does not refuse them.

    :param what: what has these options, as in "(the.name) module".
    """
    words = [_words(error, what) for error in checked.errors.errors]
    telling = [word for word in words if word != WRONG]
    return "; ".join(dict.fromkeys(telling or words))


def _words(error: Exception, what: str) -> str:
    text = str(error.args[0])
    if isinstance(error, UnsupportedError):
        return f"Unsupported parameters for {what}: {text}"
    if isinstance(error, RequiredError):
        return text
    # Other messages may have the value anywhere.
    match = _BEFORE_THE_VALUE.match(text)
    return match[0] if match else WRONG
