# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Finds brokers by SRV records (RFC 2782), which need the library dnspython."""

from __future__ import annotations

import random
import socket
import time
import typing as t

from . import exc

Record = tuple[int, int, str, int]
"""Priority, weight, name, port."""
_UNWEIGHTED = 0.01
"""The weight of records with weight 0, which are chosen seldom but not never."""


def available() -> bool:
    """Return True if dnspython can be imported."""
    try:
        import dns.resolver  # noqa: F401
    except ImportError:
        return False
    return True


def domain() -> str:
    """Return this host's domain, by its name or else by /etc/resolv.conf; empty if neither has one."""
    import dns.exception
    import dns.resolver

    name = socket.gethostname().partition(".")[2]
    if name:
        return name
    try:
        search = dns.resolver.get_default_resolver().search
    except dns.exception.DNSException:
        return ""
    return search[0].to_text(omit_final_dot=True) if search else ""


def hosts(services: t.Iterable[str], domain_: str, seconds: float) -> list[tuple[str, int]]:
    """Return (name, port) of each host of the first service that has records, in the order to try them.

    :param services: such as "_mcollective-server._tcp".
    :param seconds: that all questions may take together.
    :raises exc.ImproperlyConfigured: the name servers cannot be asked.
    """
    end = time.monotonic() + seconds
    for service in services:
        found = _ask(f"{service}.{domain_}.", end - time.monotonic())
        if found:
            return in_order(found)
    return []


def in_order(records: t.Iterable[Record]) -> list[tuple[str, int]]:
    """Return the hosts of records: the least priority first, and at random by their weights within one."""

    def rank(record: Record) -> tuple[int, float]:
        priority, weight = record[:2]
        return priority, -(random.random() ** (1 / (weight or _UNWEIGHTED)))

    return [(name, port) for _priority, _weight, name, port in sorted(records, key=rank)]


def _ask(question: str, seconds: float) -> list[Record]:
    """Return the records of one name; none if the name does not exist or has none."""
    import dns.exception
    import dns.resolver

    try:
        answer = dns.resolver.resolve(question, "SRV", lifetime=max(seconds, 0.001), search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise exc.ImproperlyConfigured(
            f"cannot look for the SRV records {question}: {error}"
        ) from error
    found = ((r.priority, r.weight, r.target.to_text(omit_final_dot=True), r.port) for r in answer)
    # The name "." says that there is no such service.
    return [record for record in found if record[2] not in ("", ".", "@")]
