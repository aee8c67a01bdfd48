# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What Choria can be configured for and this client cannot do."""

from __future__ import annotations

import typing as t

from .. import exc
from .values import HOSTS, TLS

if t.TYPE_CHECKING:
    from ..settings import Settings


def refuse(settings: Settings) -> None:
    """Raise :class:`.exc.ImproperlyConfigured` if the settings ask for any of that."""
    _check_pair(settings)
    for option in _REFUSED:
        option.check(settings)


def _check_pair(settings: Settings) -> None:
    """Refuse a connector and a security provider that do not go together."""
    provider = settings["securityprovider"].lower()
    if (provider == "choria") != (settings.connector == "nats"):
        key = "connector" if settings.given("connector") else "securityprovider"
        raise exc.ImproperlyConfigured(
            f"{settings.origin(key)}: connector = {settings.connector} and securityprovider ="
            f" {provider} do not go together: Choria's nodes need nats and choria"
        )


def check_unfiltered(settings: Settings) -> None:
    """Refuse a request that is for all nodes, if the settings do (Go: message/message.go, RequireClientFilter).

    :raises exc.BadRequest: they do.
    """
    key = "plugin.choria.require_client_filter"
    if settings.dialect == "choria" and settings.getboolean(key, False):
        raise exc.BadRequest(
            f"{settings.origin(key)}: {key} refuses requests to all nodes; name the nodes, or set a filter"
        )


class _Refused(t.NamedTuple):
    """An option of Choria that asks for something that this client cannot do.

    :ivar variable: the environment variable that sets it too, or empty.
    :ivar flag: True: only a value that means yes is refused.
    """

    key: str
    why: str
    variable: str = ""
    flag: bool = False

    def check(self, settings: Settings) -> None:
        """Raise :class:`.exc.ImproperlyConfigured` if the option is set."""
        if self.variable and settings.variable(self.variable):
            raise exc.ImproperlyConfigured(f"the environment: {self.variable} is set: {self.why}")
        if settings.get(self.key) and (not self.flag or settings.getboolean(self.key)):
            raise exc.ImproperlyConfigured(
                f"{settings.origin(self.key)}: {self.key} is set: {self.why}"
            )


_SIGNER = (
    "this client does not send requests to a remote signer; take a certificate that the nodes accept, or"
    " plugin.security.provider = choria with a token that has fleet_management"
)
_REFUSED = (
    _Refused(
        "plugin.choria.federation.collectives",
        f"this client does not speak to federation brokers; name the collective's own brokers with {HOSTS}",
        "CHORIA_FED_COLLECTIVE",
    ),
    _Refused("plugin.choria.security.request_signer.url", _SIGNER),
    _Refused("plugin.choria.security.request_signer.service", _SIGNER, flag=True),
    _Refused(
        "plugin.security.client_anon_tls",
        "Choria has this only for remote signers, which this client does not use; remove it",
        flag=True,
    ),
    _Refused(
        "plugin.nats.credentials",
        "this client does not read files of NATS credentials; take brokers that accept certificates,"
        " tokens, or plugin.nats.user and plugin.nats.pass",
        "MCOLLECTIVE_NATS_CREDENTIALS",
    ),
    _Refused(
        "plugin.nats.ngs", f"this client does not use NGS; name brokers with {HOSTS}", flag=True
    ),
)


def clear(settings: Settings) -> str:
    """Return a warning that TLS is turned off."""
    return (
        f"{settings.origin(TLS)}: {TLS} turns TLS off: anybody between the client and the brokers can read and"
        " change everything, and answer in the nodes' place; use it only for tests"
    )
