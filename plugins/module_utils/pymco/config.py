# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""python-mcollective's configuration. The client itself only knows :class:`.Settings`."""

from __future__ import annotations

import typing as t

from . import exc, ranges
from .pool import pool
from .security import SecurityProvider, symbolic
from .serializers import SERIALIZERS, Serializer
from .settings import Settings
from .utils import lookup_with_default

if t.TYPE_CHECKING:
    from .connector import Connector

__all__ = ["INFINITE", "Config", "lookup_with_default"]

INFINITE = ranges.MOST
"""As ``max_reconnect_attempts``: as many attempts as connection_timeout has time for."""


class Config(Settings):
    """Settings that also make the parts that they name, and say what stomp.py wants to know."""

    def get_connector(self) -> Connector:
        """See :func:`.connector.connector`."""
        from .connector import connector

        return connector(self)

    def get_security(self) -> SecurityProvider:
        """See :func:`.security.symbolic`."""
        return symbolic(self)

    def get_serializer(self, key: str) -> Serializer:
        """Return the serializer that an option names.

        :raises exc.ImproperlyConfigured: there is no serializer of that name.
        """
        found: type[Serializer] = self.choose(key, SERIALIZERS)
        return found()

    def get_host_and_ports(self) -> list[tuple[str, int]]:
        """Return the pool as (host, port) pairs.

        :raises exc.ConfigLookupError: there is no pool.
        """
        return [(broker.host, broker.port) for broker in pool(self).brokers]

    def get_user_and_password(
        self, current_host_and_port: tuple[str, int] | None = None
    ) -> tuple[str, str]:
        """Return the credentials for one broker of the pool, by default the first.

        :raises exc.ConfigLookupError: the broker is not in the pool.
        """
        for broker in pool(self).brokers:
            if current_host_and_port in (None, (broker.host, broker.port)):
                return broker.user, broker.password
        raise exc.ConfigLookupError(
            f"{self.source}: {current_host_and_port} is not in the pool of {self.connector}"
        )

    def get_ssl_params(self) -> list[dict[str, t.Any]]:
        """Return what stomp.py's set_ssl takes, for each broker of the pool that wants TLS.

        :raises exc.ImproperlyConfigured: a broker has several CA files, or none. stomp.py takes one, and
            verifies nothing without.
        """
        wanted = [broker for broker in pool(self).brokers if broker.tls]
        for broker in wanted:
            if len(broker.ca) != 1:
                raise exc.ImproperlyConfigured(
                    f"{self.source}: {broker.name} has {len(broker.ca)} CA files; stomp.py takes one"
                )
        return [
            {
                "for_hosts": [(broker.host, broker.port)],
                "ca_certs": broker.ca[0],
                "cert_file": broker.cert,
                "key_file": broker.key,
            }
            for broker in wanted
        ]

    def get_conn_params(self) -> dict[str, t.Any]:
        """Return what stomp.py's Connection takes."""
        from .connector.base import conn_params

        return conn_params(self)
