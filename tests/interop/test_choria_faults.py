# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users of Choria are told when something is wrong, on real nodes and brokers."""

from __future__ import annotations

import functools
import re
import threading
import time
import typing as t
from contextlib import ExitStack
from dataclasses import replace

import pytest
from calling import call, choria_config, run, senders
from conftest import BOUND
from testbed.certificates import Authority
from testbed.choria import missing
from testbed.choria.broker import Broker
from testbed.choria.collective import ChoriaCollective, Options
from testbed.choria.tokens import Issuer
from testbed.real.default_nodes import DEFAULT_NODES
from testbed.real.ports import free_ports

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import client, conversation

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEB = DEFAULT_NODES[0].identity
NODE = DEFAULT_NODES[:1]
SIMPLE = Options(collectives=("choria",))


class Networks:
    """Starts brokers with one node each."""

    def __init__(self, stack: ExitStack, authority: Authority) -> None:
        self._stack, self._authority = stack, authority

    def start(
        self, issuer: Issuer | None = None, *, members: int = 1, options: Options = SIMPLE
    ) -> ChoriaCollective:
        """Return a running node and its broker."""
        broker = Broker(self._authority, issuer, members=members)
        self._stack.enter_context(broker)
        if members > 1:
            # The node is on no member that a test kills: it would wait before it comes back.
            hosts = ", ".join(f"localhost:{port}" for port in broker.ports[1:])
            daemon = {**options.daemon, "plugin.choria.middleware_hosts": hosts}
            options = replace(options, daemon=daemon)
        collective = ChoriaCollective(broker, self._authority, issuer, nodes=NODE, options=options)
        return self._stack.enter_context(collective)


@pytest.fixture
def networks(authority: Authority) -> Iterator[Networks]:
    """Networks of this test alone."""
    with ExitStack() as stack:
        yield Networks(stack, authority)


@pytest.fixture(scope="module", autouse=True)
def _program() -> None:
    reason = missing()
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def v1(authority: Authority) -> Iterator[ChoriaCollective]:
    """A node of version 1 that no test harms."""
    with ExitStack() as stack:
        yield Networks(stack, authority).start()


@pytest.fixture(scope="module")
def v2(authority: Authority, issuer: Issuer) -> Iterator[ChoriaCollective]:
    """A node of version 2 that no test harms."""
    with ExitStack() as stack:
        yield Networks(stack, authority).start(issuer)


def failure(config_file: Path, *, warnings: list[str] | None = None, **given: t.Any) -> str:
    """Return what a task says that must fail within its time."""
    given = {"agent": "rpcutil", "action": "ping", "nodes": [WEB], "timeout": 1, **given}
    given = {"config_file": str(config_file), "connect_timeout": 5, **given}
    defaults = {name: spec.get("default") for name, spec in RpcTask.options.items()}
    told = [] if warnings is None else warnings
    began = time.monotonic()
    with pytest.raises(TaskFailed) as caught:
        RpcTask({**defaults, **given}, told.append, environ={}).run(check_mode=False)
    assert time.monotonic() - began < BOUND
    assert not [secret for secret in ("BEGIN", "eyJ") if secret in str(caught.value)]
    return str(caught.value)


# -- who is not let in -----------------------------------------------------------------------------


def test_a_certificate_of_another_authority(v1: ChoriaCollective, tmp_path: Path) -> None:
    other = Authority(tmp_path).member("operator.mcollective")
    conf = v1.write_client_conf("foreign.conf", _without_ca(v1.security(other)))
    assert re.search("localhost:[0-9]+.*(certificate|TLS)", failure(conf))


def _without_ca(settings: dict[str, str]) -> dict[str, str | None]:
    return {name: value for name, value in settings.items() if not name.endswith(".ca")}


def test_a_broker_whose_authority_we_do_not_trust(
    v1: ChoriaCollective, v2: ChoriaCollective, tmp_path: Path
) -> None:
    other = str(Authority(tmp_path).path)
    for collective, name in ((v1, "file"), (v2, "choria")):
        conf = collective.write_client_conf("ca.conf", {f"plugin.security.{name}.ca": other})
        assert re.search("localhost:[0-9]+.*certificate", failure(conf))


def test_a_name_that_nodes_do_not_allow(v1: ChoriaCollective) -> None:
    """The broker lets it in, and nodes are silent."""
    mallory = v1.authority.member("mallory.other")
    changes = {"identity": "mallory.other", **v1.security(mallory)}
    conf = v1.write_client_conf("mallory.conf", changes)
    warnings: list[str] = []
    said = failure(conf, warnings=warnings)
    assert "did not answer" in said
    first, causes = warnings
    assert "names that end in .mcollective" in first
    assert "certname_whitelist" in causes
    theirs = v1.choria("ping", "--timeout", "1", config=conf)
    assert WEB not in theirs.stdout


def test_somebody_elses_name_is_refused_before_anything_is_sent(v1: ChoriaCollective) -> None:
    said = failure(v1.client_conf, certname="carol.mcollective")
    assert "carol.mcollective" in said and "operator.mcollective" in said


def test_a_token_that_has_expired(v2: ChoriaCollective) -> None:
    assert v2.issuer is not None
    old = v2.issuer.client("late", lifetime=-60)
    conf = v2.write_client_conf("late.conf", v2.security(old))
    assert "expired" in failure(conf)


def test_a_token_of_another_issuer(v2: ChoriaCollective, tmp_path: Path) -> None:
    other = Issuer(tmp_path).client("operator")
    conf = v2.write_client_conf("foreign.conf", v2.security(other))
    assert re.search("token|Authorization Violation", failure(conf))


def test_a_token_with_the_seed_of_another(v2: ChoriaCollective) -> None:
    assert v2.issuer is not None
    one, two = v2.issuer.client("one"), v2.issuer.client("two")
    changes = v2.security(one) | {"plugin.security.choria.seed_file": str(two.seed)}
    assert "seed" in failure(v2.write_client_conf("mixed.conf", changes))


def test_a_token_that_may_not_call_nodes(v2: ChoriaCollective) -> None:
    assert v2.issuer is not None
    weak = v2.issuer.client("weak", permissions={"streams_user": True})
    conf = v2.write_client_conf("weak.conf", v2.security(weak))
    assert re.search("fleet_management|[Pp]ermission", failure(conf))


# -- clocks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [0, 40, -40, 90, -90])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_clocks_may_differ_by_the_ttl_both_ways(
    request: pytest.FixtureRequest, version: str, ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    collective = request.getfixturevalue(version)
    wrong = functools.partial(conversation.Line, now=lambda: time.time() + ahead)
    monkeypatch.setattr(client, "Line", wrong)
    timeout = 1.5 if abs(ahead) > 60 else BOUND
    result = call(choria_config(collective), "rpcutil", "ping", nodes=[WEB], timeout=timeout)
    assert senders(result) == ([] if abs(ahead) > 60 else [WEB])


# -- brokers ---------------------------------------------------------------------------------------


def test_no_broker_is_there(v1: ChoriaCollective) -> None:
    (port,) = free_ports(1)
    changes = {"plugin.choria.middleware_hosts": f"localhost:{port}"}
    assert f"localhost:{port}" in failure(v1.write_client_conf("down.conf", changes))


def test_the_next_broker_is_tried(v1: ChoriaCollective) -> None:
    (port,) = free_ports(1)
    hosts = f"localhost:{port}, {v1.broker.hosts}"
    changes = {
        "plugin.choria.middleware_hosts": hosts,
        "plugin.choria.randomize_middleware_hosts": "false",
    }
    result = call(choria_config(v1, changes), "rpcutil", "ping", nodes=[WEB])
    assert senders(result) == [WEB]
    (why,) = result.passed_over
    assert f"localhost:{port}" in why


class Killing:
    """Kills a member of a broker when a node has begun to act."""

    def __init__(self, broker: Broker, begun: Path) -> None:
        self._broker, self._begun = broker, begun
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_exc: object) -> None:
        self._thread.join(BOUND)
        assert not self._thread.is_alive(), "no node began to act"

    def _run(self) -> None:
        while not self._begun.exists():
            time.sleep(0.02)
        self._broker.kill(0)


MARK: dict[str, t.Any] = {"agent": "sleeper", "action": "linger", "nodes": [WEB]}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_broker_that_is_lost_in_mid_call(
    networks: Networks, issuer: Issuer, version: str, tmp_path: Path
) -> None:
    collective = networks.start(issuer if version == "v2" else None)
    begun = tmp_path / "begun"
    arguments = {"path": str(begun), "seconds": 2}
    with Killing(collective.broker, begun):
        said = failure(collective.client_conf, **MARK, arguments=arguments, timeout=BOUND)
    assert "the connection was lost" in said and "localhost" in said
    assert begun.read_text().split() == [WEB]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_cluster_loses_the_member_that_we_are_connected_to(
    networks: Networks, issuer: Issuer, version: str, tmp_path: Path
) -> None:
    """The reply comes over another member, to the same place, and the node has acted once."""
    organisation = issuer if version == "v2" else None
    collective = networks.start(organisation, members=3, options=SIMPLE)
    begun = tmp_path / "begun"
    changes = {"plugin.choria.randomize_middleware_hosts": "false"}
    config = choria_config(collective, changes)
    with Killing(collective.broker, begun):
        arguments = {"path": str(begun), "seconds": 3}
        result = call(config, "sleeper", "linger", arguments=arguments, nodes=[WEB], timeout=BOUND)
    assert senders(result) == [WEB]
    (why,) = result.resumed
    assert f"localhost:{collective.broker.ports[0]}" in why
    assert begun.read_text().split() == [WEB]


# -- sizes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_request_that_is_too_large_is_not_sent(
    request: pytest.FixtureRequest, version: str
) -> None:
    collective = request.getfixturevalue(version)
    arguments = {"string": "x" * 1_000_000}
    said = failure(
        collective.client_conf, agent="probe", action="echo", arguments=arguments, timeout=BOUND
    )
    assert re.search("1048576|1,048,576|max_payload", said)


def test_large_replies_come_and_larger_ones_do_not(v1: ChoriaCollective) -> None:
    config = choria_config(v1)
    for size, expected in ((300_000, [WEB]), (2_000_000, [])):
        timeout = BOUND if expected else 2
        result = call(
            config, "probe", "big", arguments={"size": size}, nodes=[WEB], timeout=timeout
        )
        assert senders(result) == expected


# -- authorization ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_nodes_authorize_by_policies(networks: Networks, issuer: Issuer, version: str) -> None:
    caller = "choria=operator.mcollective" if version == "v1" else "up=operator"
    allowed = f"policy default deny\nallow\t{caller}\techo\t*\t*\n"
    options = Options(collectives=("choria",), policies={"probe": allowed})
    collective = networks.start(issuer if version == "v2" else None, options=options)
    given = {"agent": "probe", "nodes": [WEB]}
    echo = run(RpcTask, collective.client_conf, action="echo", arguments={"int": 1}, **given)
    assert echo["reply"]["data"]["int"] == 1
    for agent, action in (("probe", "produce"), ("rpcutil", "ping"), ("failer", "fail")):
        said = failure(collective.client_conf, agent=agent, action=action)
        assert "You are not authorized to call this agent or action" in said
        assert "rpcauthorization" in said
