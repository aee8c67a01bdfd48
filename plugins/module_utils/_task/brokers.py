# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Reads the option brokers, whose entries are dictionaries or URLs.

Environment variables and ansible.cfg have only text. So a URL says in one word what a dictionary says of a broker.
"""

from __future__ import annotations

import typing as t
import urllib.parse

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc

from .invocation import BROKER_URL, refusal
from .options import BROKER_OPTIONS

Broker = t.Mapping[str, t.Any]

_SPEC = {"brokers": {"type": "list", "elements": "dict", "options": BROKER_OPTIONS}}
_FORM = "SCHEME://USER:PASSWORD@HOST:PORT, where only SCHEME and HOST are required"
_SCHEMES: dict[str, dict[str, Broker]] = {
    "mcollective": {"stomp": {}, "stomp+tls": {"tls": True, "port": 61614}},
    "choria": {"nats": {}, "nats+tls": {"tls": True}},
}
"""What the scheme of a URL says of a broker, in each dialect. The port is the one of a URL without a port."""


def read(entries: t.Sequence[t.Any] | None, dialect: str) -> list[Broker] | None:
    """Return the brokers as dictionaries; None if the option is not set.

    A text without content is no entry, so that an empty environment variable counts as not set.

    :param entries: the option.
    :raises exc.ImproperlyConfigured: an entry is wrong. The message does not show it: it may have a password.
    """
    if not entries:
        return None if entries is None else []
    given = [entry for entry in entries if not isinstance(entry, str) or entry.strip()]
    found = [
        _of_url(entry.strip(), number, dialect) if isinstance(entry, str) else entry
        for number, entry in enumerate(given, 1)
    ]
    if not found:
        return None
    checked = ArgumentSpecValidator(_SPEC).validate({"brokers": found})
    why = refusal(checked, "the option brokers")
    if why:
        raise exc.ImproperlyConfigured(why)
    return t.cast("list[Broker]", checked.validated_parameters["brokers"])


def _of_url(url: str, number: int, dialect: str) -> Broker:
    """Return what a URL says of a broker.

    :param number: which entry of the option it is, for messages.
    """
    where = f"the option brokers: entry {number}"
    match = BROKER_URL.fullmatch(url)
    if match is None:
        raise exc.ImproperlyConfigured(f"{where} is no URL of the form {_FORM}")
    scheme, schemes = match["scheme"], _SCHEMES[dialect]
    if scheme not in schemes:
        known = " or ".join(f"{name}://" for name in schemes)
        raise exc.ImproperlyConfigured(f"{where}: with this connector, a URL begins with {known}")
    broker: dict[str, t.Any] = {**schemes[scheme], "host": match["host"].strip("[]")}
    for name in ("user", "password"):
        if match[name]:
            broker[name] = urllib.parse.unquote(match[name])
    if match["port"]:
        broker["port"] = int(match["port"])
    return broker
