# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rows of Choria use: fleets on a nats-server of their own."""

from __future__ import annotations

import contextlib
import tempfile
import typing as t
from pathlib import Path

from testbed.certificates import Authority
from testbed.choria import missing
from testbed.choria.broker import NatsServer
from testbed.choria.tokens import Issuer
from testbed.choria_fleet.fleet import Behaviour, ChoriaFleet, identity
from testbed.real.programs import find

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from .framework import Bench


def unavailable() -> str | None:
    """Say why nothing of Choria can be measured, or None."""
    if find("nats-server") is None:
        return "not measured: nats-server is not installed"
    return None if missing() is None else f"not measured: {missing()}"


@contextlib.contextmanager
def choria_fleet(bench: Bench, version: int) -> Iterator[ChoriaFleet]:
    """A fleet of the bench's size, which behaves as the bench says."""
    silent = range(bench.nodes - bench.behaviour.silent, bench.nodes)
    behaviour = Behaviour(bench.behaviour.spread, dict.fromkeys(map(identity, silent), "silent"))
    with tempfile.TemporaryDirectory(prefix="mcotest-keys-") as directory:
        keys = Path(directory)
        issuer = Issuer(keys / "issuer") if version == 2 else None
        with (
            NatsServer(Authority(keys / "authority"), issuer) as broker,
            ChoriaFleet(broker, bench.nodes, behaviour) as fleet,
        ):
            yield fleet
