# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node's lie is counted, and changes nothing in the replies of other nodes."""

from __future__ import annotations

import concurrent.futures
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.pymco.mcollective.tests.faults.cells import AMPLE, GRACE, MACHINE
from ansible_collections.pymco.mcollective.tests.faults.client import Client, Seen
from ansible_collections.pymco.mcollective.tests.faults.lies import (
    FACTS,
    GOOD,
    LARGE,
    LIES,
    MANY,
    MOST_BYTES,
    PROVIDERS,
    TOO_MUCH,
    WAYS,
    Lie,
    judge,
    judge_too_much,
    no_meaning,
)
from ansible_collections.pymco.mcollective.tests.testbed.embedded.collective import (
    EmbeddedCollective,
)
from ansible_collections.pymco.mcollective.tests.testbed.embedded.nodes import Node

Record = t.Callable[[str, object], None]
LATE = 4.0
"""Seconds to wait for replies of which some are dropped, and then for nothing."""
CALL = {"agent": "rpcutil", "action": "get_fact", "arguments": {"fact": "role"}}


class Asking:
    """Asks the nodes of one collective in every way. It asks nothing a second time."""

    def __init__(self, provider: str, client: Client) -> None:
        self._client = client
        self._told = [lie for lie in LIES if provider not in lie.exempt]
        nodes = [Node(GOOD, FACTS), *(Node(lie.node, FACTS, lie=lie.told) for lie in self._told)]
        nodes += [Node(name, {"role": LARGE}) for name in MANY]
        for node in nodes:
            node.classes.append("common")
        self.collective = EmbeddedCollective(nodes, provider)
        self._by_module: Seen | None = None
        self._too_much: dict[str, Seen] = {}

    def about(self, lie: Lie, way: str) -> tuple[list[Lie], Seen]:
        """Return what the client sees of a lie, and which other lies were told at the same time."""
        if way == "module":
            # A process costs more than everything else.
            if self._by_module is None:
                nodes = [*(lie.node for lie in self._told), GOOD]
                self._by_module = self._ask("module", self._options(nodes, AMPLE))
            return self._told, self._by_module
        return [lie], self._ask(way, self._options([lie.node, GOOD], AMPLE))

    def for_too_much(self, way: str) -> Seen:
        """Return what the client sees if there are more replies than it takes. All ways wait at the same time."""
        if not self._too_much:
            options = {**self._options(MANY, LATE), "max_reply_bytes": MOST_BYTES}
            with concurrent.futures.ThreadPoolExecutor(len(WAYS)) as pool:
                found = pool.map(lambda way: self._ask(way, options), WAYS)
                self._too_much = dict(zip(WAYS, found))
        return self._too_much[way]

    def _options(self, nodes: list[str], timeout: float) -> dict[str, t.Any]:
        """Return options with a filter. So a discovery precedes the call, and a node may answer it too late."""
        return {
            "config_file": str(self.collective.client_cfg),
            "nodes": nodes,
            "class_filters": ["common"],
            "timeout": timeout,
            "discovery_timeout": AMPLE,
            "connect_timeout": AMPLE,
        }

    def _ask(self, way: str, options: dict[str, t.Any]) -> Seen:
        if way == "module":
            return self._ask_by_module(options)
        most = options["timeout"] + GRACE + MACHINE + AMPLE
        if way == "inventory":
            return self._client.call("inventory", options, most)
        return self._client.call("rpc", {**CALL, **options}, most)

    def _ask_by_module(self, options: dict[str, t.Any]) -> Seen:
        module = "ansible_collections.pymco.mcollective.plugins.modules.mcollective_rpc"
        finished = subprocess.run(
            [sys.executable, "-m", module],
            env={**Client.environment(), "HOME": str(self.collective.directory)},
            input=json.dumps({"ANSIBLE_MODULE_ARGS": {**CALL, **options}}),
            capture_output=True,
            text=True,
            check=False,
            timeout=options["timeout"] + GRACE + MACHINE + AMPLE,
        )
        returned = json.loads(finished.stdout)
        failed, msg = returned.pop("failed", False), returned.pop("msg", "")
        return Seen(failed, msg, returned, [_text(item) for item in returned.pop("warnings", [])])


def _text(warning: t.Any) -> str:
    """A warning of a module, which ansible-core wraps since 2.19."""
    return warning if isinstance(warning, str) else str(warning["event"]["msg"])


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Client]:
    """The client that asks in this process."""
    with Client(Path(tmp_path_factory.mktemp("client"))) as running:
        yield running


@pytest.fixture(scope="session")
def asking(request: pytest.FixtureRequest, client: Client) -> t.Iterator[Asking]:
    """A collective that uses a provider, with its client."""
    found = Asking(request.param, client)
    with found.collective:
        yield found


def _cases(names: t.Sequence[str]) -> list[t.Any]:
    """Names, providers and ways."""
    return [
        pytest.param(provider, (name, provider, way), id=f"{provider}/{name}/{way}")
        for provider in PROVIDERS
        for name in names
        for way in WAYS
        if no_meaning(name, provider) is None
    ]


@pytest.mark.parametrize(
    "asking,place", _cases([lie.name for lie in LIES]), indirect=["asking"], scope="session"
)
def test_a_lie_changes_nothing_and_is_counted(
    asking: Asking, place: tuple[str, str, str], record_property: Record
) -> None:
    record_property("cell", place)
    lie = next(lie for lie in LIES if lie.name == place[0])
    told, seen = asking.about(lie, place[2])
    judge(lie, told, place[2], seen)


@pytest.mark.parametrize("asking,place", _cases([TOO_MUCH]), indirect=["asking"], scope="session")
def test_of_too_many_replies_those_that_fit_are_taken(
    asking: Asking, place: tuple[str, str, str], record_property: Record
) -> None:
    record_property("cell", place)
    judge_too_much(place[2], asking.for_too_much(place[2]))
