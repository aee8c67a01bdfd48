# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real brokers and real nodes, started once for all tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "interop")]

import ddl_oracle  # noqa: E402
import plays  # noqa: E402
from calling import config_of  # noqa: E402
from reference import Reference  # noqa: E402
from testbed.certificates import Authority  # noqa: E402
from testbed.choria import missing as missing_choria  # noqa: E402
from testbed.choria.broker import Broker as ChoriaBroker  # noqa: E402
from testbed.choria.broker import NatsServer  # noqa: E402
from testbed.choria.collective import ChoriaCollective, Options  # noqa: E402
from testbed.choria.tokens import Issuer  # noqa: E402
from testbed.embedded.collective import EmbeddedCollective  # noqa: E402
from testbed.embedded.nodes import Node  # noqa: E402
from testbed.fleet.fleet import fleet_place  # noqa: E402
from testbed.real import missing  # noqa: E402
from testbed.real.activemq import ActiveMQ  # noqa: E402
from testbed.real.broker import Tls  # noqa: E402
from testbed.real.collective import Collective  # noqa: E402
from testbed.real.default_nodes import DEFAULT_NODES  # noqa: E402
from testbed.real.place import Place  # noqa: E402
from testbed.real.programs import find as find_program  # noqa: E402
from testbed.real.rabbitmq import RabbitMQ  # noqa: E402
from testbed.real.security import SECURITIES  # noqa: E402
from together import group, rank  # noqa: E402

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

BOUND = 60
"""Seconds, far more than any task here may take, that tell "slow machine" from "for ever"."""


ODD_PASSWORDS = [r"back\slash", r"a\cb", r"a\nb", "a:b", "a b=c%d", "ü", "<&>\"'"]
PLACES = [
    *SECURITIES,
    *(Place(f"wire-{security}", collectives=("mcollective", "eu")) for security in SECURITIES),
    *("base64", "multiplex", "learning", "reply-exchange"),
    *("legacy", "lone", "environment", "stalled", "interrupted"),
    *(fleet_place(name) for name in ("fleet", "fleet-2", "benchmark")),
    Place("subs", collectives=("mcollective", "eu")),
    *(Place(f"odd-{number}", password=word) for number, word in enumerate(ODD_PASSWORDS)),
    *(Place("desired"), Place("eda"), Place("perhost"), Place("examples")),
    Place("bare", collectives=()),
]
"""A broker costs seconds and a place on it nothing: all that the tests need is there at once."""


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> t.Generator[None]:
    """Called by pytest, which itself sorts by fixtures."""
    yield
    items.sort(key=lambda item: rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: t.Any) -> t.Any:
    """Called by xdist. Each group of tests goes to one process."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return ByGroup(config, log)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that issues the certificates of brokers and clients."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def tls(authority: Authority) -> Tls:
    """Normal TLS: the broker has a certificate for localhost, and clients may have one or not."""
    return Tls(authority.path, authority.server())


@pytest.fixture(scope="session")
def rabbitmq(tls: Tls) -> t.Iterator[RabbitMQ]:
    """A private RabbitMQ, for all tests that do not harm it."""
    _skip_without_programs()
    with RabbitMQ(PLACES, tls) as running:
        yield running


@pytest.fixture(scope="session")
def activemq(tls: Tls) -> t.Iterator[ActiveMQ]:
    """A private ActiveMQ, for all tests that do not harm it."""
    _skip_without_programs()
    with ActiveMQ(PLACES, tls) as running:
        yield running


def _skip_without_programs() -> None:
    reason = missing()
    if reason:
        pytest.skip(reason)


MATRIX = [f"{broker}-{security}" for broker in ("rabbitmq", "activemq") for security in SECURITIES]
FEW = ["rabbitmq-psk", "rabbitmq-ssl-yaml", "activemq-aes-marshal"]
"""For tests to which broker and security provider make little difference: each of them once."""


@pytest.fixture(scope="session", params=MATRIX)
def collective(request: pytest.FixtureRequest) -> t.Iterator[Collective]:
    """Four mcollectived daemons. Every test runs on each broker with each security setting."""
    broker, _dash, security = request.param.partition("-")
    with Collective(request.getfixturevalue(broker), security, security) as running:
        yield running


@pytest.fixture(scope="session", params=["rabbitmq", "activemq"])
def lone(request: pytest.FixtureRequest) -> t.Iterator[Collective]:
    """One node on each broker."""
    broker = request.getfixturevalue(request.param)
    with Collective(broker, "lone", "ssl-marshal", DEFAULT_NODES[:1]) as running:
        yield running


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """The organisation that issues tokens, for Choria's protocol version 2."""
    return Issuer(tmp_path_factory.mktemp("issuer"))


SUBS = {"eu": ("web1.example.com", "db1.example.com")}
"""Choria's sub-collective, and who is in it beside the main one."""


def choria_options(version: str) -> Options:
    """All nodes in the main collective, two of them in a sub-collective, too."""
    main = "mcollective" if version == "v1" else "choria"
    members = {identity: (main, "eu") for identity in SUBS["eu"]}
    everybody = {node.identity: members.get(node.identity, (main,)) for node in DEFAULT_NODES}
    return Options(collectives=(main, "eu"), members=everybody)


@pytest.fixture(scope="session", params=["v1", "v2"], ids="choria-{}".format)
def choria(
    request: pytest.FixtureRequest, authority: Authority, issuer: Issuer
) -> t.Iterator[ChoriaCollective]:
    """Four real nodes of Choria on a real broker, with each version of the protocol."""
    reason = missing_choria()
    if reason:
        pytest.skip(reason)
    organisation = issuer if request.param == "v2" else None
    options = choria_options(request.param)
    with (
        ChoriaBroker(authority, organisation) as broker,
        ChoriaCollective(broker, authority, organisation, options=options) as running,
    ):
        yield running


def _nats_server(authority: Authority, issuer: Issuer | None) -> NatsServer:
    if find_program("nats-server") is None:
        pytest.skip("nats-server is not installed (Debian: apt install nats-server)")
    return NatsServer(authority, issuer)


@pytest.fixture(scope="session")
def nats_v1(authority: Authority) -> t.Iterator[NatsServer]:
    """Debian's nats-server for emulated nodes that speak version 1 of Choria's protocol."""
    with _nats_server(authority, None) as running:
        yield running


@pytest.fixture(scope="session")
def nats_v2(authority: Authority, issuer: Issuer) -> t.Iterator[NatsServer]:
    """The same for version 2."""
    with _nats_server(authority, issuer) as running:
        yield running


@pytest.fixture(scope="session", params=["v1", "v2"])
def nats_server(request: pytest.FixtureRequest) -> NatsServer:
    """The same for each version."""
    return t.cast("NatsServer", request.getfixturevalue(f"nats_{request.param}"))


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Reference]:
    """The reference's own code for filters, of its client and its nodes, in one process."""
    _skip_without_programs()
    running = Reference(tmp_path_factory.mktemp("reference"))
    yield running
    running.close()


@pytest.fixture
def config(collective: Collective) -> Config:
    """The configuration of the collective's client, with little patience in discovery."""
    return config_of(collective)


def _link_all(source: Path, target: Path, but: set[str]) -> None:
    target.mkdir()
    for path in source.iterdir():
        if path.name not in but:
            (target / path.name).symlink_to(path)


class Ansible:
    """Runs ansible's programs on this collection."""

    def __init__(self, directory: Path) -> None:
        place = directory / "ansible_collections" / "pymco"
        place.mkdir(parents=True)
        self._collection = place / "mcollective"
        self._collection.symlink_to(ROOT)
        (directory / "ansible.cfg").write_text("[defaults]\nlocalhost_warning = false\n")
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE")},
            "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(directory),
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        }

    def leave_out_actions(self) -> None:
        """Run tasks as modules from now on, in processes of their own."""
        self._collection.unlink()
        _link_all(ROOT, self._collection, {"plugins"})
        _link_all(ROOT / "plugins", self._collection / "plugins", {"action"})

    def run(
        self, program: str, *arguments: str, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program. Return what it prints as stdout and stderr."""
        return subprocess.run(
            [str(Path(sys.executable).with_name(program)), *arguments],
            env={**self._environment, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    def shell(
        self, command: str, directory: Path, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as somebody has typed it in a directory. Return what it prints."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return subprocess.run(
            ["/bin/sh", "-c", command],
            env={**self._environment, "PATH": path, **environ},
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    def start(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a program in a process group of its own."""
        return subprocess.Popen(
            [str(Path(sys.executable).with_name(program)), *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )

    def failure(self, collective: Collective, **options: t.Any) -> dict[str, t.Any]:
        """Return the result of a task that must fail in its time, and must show no secrets."""
        task: dict[str, t.Any] = {"agent": "rpcutil", "action": "ping", "discovery_timeout": 1}
        task.update({"config_file": str(collective.client_cfg), **options})
        start = time.monotonic()
        result = self.rpc(**task)
        assert time.monotonic() - start < BOUND
        assert result["failed"], result
        assert "SECRET" not in str(result)
        assert "Traceback" not in str(result)
        return result

    def rpc(self, *verbosity: str, **options: t.Any) -> dict[str, t.Any]:
        """Run one ad-hoc task on localhost. Return its result."""
        arguments = ("-m", "pymco.mcollective.mcollective_rpc", "-a", json.dumps(options))
        # The callback prints "localhost | STATUS => {...}" and the result as JSON.
        done = self.run("ansible", "localhost", *arguments, *verbosity)
        start, end = done.stdout.find("=> {"), done.stdout.rfind("}")
        assert start >= 0, done.stdout + done.stderr
        result: dict[str, t.Any] = json.loads(done.stdout[start + 3 : end + 1])
        result["failed"] = "localhost | FAILED!" in done.stdout
        return result


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    """Ansible's programs with this collection and nothing else."""
    return Ansible(tmp_path / "ansible")


@pytest.fixture(scope="module")
def three_nodes() -> t.Iterator[EmbeddedCollective]:
    """An embedded collective of the nodes that the plays of a :class:`.Stage` know."""
    with EmbeddedCollective([Node(name) for name in plays.NAMES], "psk") as running:
        yield running


@pytest.fixture
def stage(ansible: Ansible, three_nodes: EmbeddedCollective, tmp_path: Path) -> plays.Stage:
    """A place for plays."""
    return plays.Stage(ansible, three_nodes, tmp_path)


@pytest.fixture(scope="session")
def oracle() -> t.Iterator[ddl_oracle.Oracle]:
    """MCollective's own DDL code."""
    reason = ddl_oracle.missing()
    if reason:
        pytest.skip(reason)
    with ddl_oracle.Oracle() as process:
        yield process
