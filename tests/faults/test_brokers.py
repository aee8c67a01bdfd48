# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a broker does wrong, in any phase, a call ends in time and says why."""

from __future__ import annotations

import ssl
import typing as t

import pytest

from ansible_collections.pymco.mcollective.tests.faults.cells import CELLS, Cell, Workshop
from ansible_collections.pymco.mcollective.tests.faults.client import Client
from ansible_collections.pymco.mcollective.tests.testbed.certificates import Authority


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Workshop]:
    """The place where cells run."""
    directory = tmp_path_factory.mktemp("faults")
    authority = Authority(directory / "authority")
    certificate = authority.server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.path, certificate.key)
    with Client(directory) as client:
        yield Workshop(client, authority.path, context, authority.client("alice.mcollective"))


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_broker_that_goes_wrong(
    cell: Cell,
    workshop: Workshop,
    request: pytest.FixtureRequest,
    record_property: t.Callable[[str, object], None],
) -> None:
    record_property("cell", (cell.behaviour.name, cell.phase.name, cell.command.name))
    outcome = workshop.outcome(cell, _wanted_too(cell, request.session))
    if isinstance(outcome, BaseException):
        raise outcome


def _wanted_too(cell: Cell, session: pytest.Session) -> list[Cell]:
    """Return the cells of the same behaviour that this run of pytest selects."""
    found = (getattr(item, "callspec", None) for item in session.items)
    cells = [spec.params["cell"] for spec in found if spec is not None and "cell" in spec.params]
    return [each for each in cells if each.behaviour is cell.behaviour]
