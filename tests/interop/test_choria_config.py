# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""We read Choria's configuration as ``choria`` reads it: what works with it works with us.

Where it gets no answer, we may say why, or work all the same; the tables tell which.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from conftest import BOUND
from testbed.choria import program
from testbed.choria.tokens import Credentials

from ansible_collections.pymco.mcollective.plugins.module_utils._task.ping import PingTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.client import Client
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings

if t.TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ansible
    from testbed.choria.collective import ChoriaCollective
    from testbed.choria.tokens import Issuer

Environ = dict[str, str]
UNREADABLE = 10.0
"""Seconds for ``choria`` with hosts that it cannot read. It says nothing and never ends; else it needs less than one."""


@dataclasses.dataclass
class Place:
    """A home directory with configurations, for ``choria`` and for us.

    :ivar environ: variables beside HOME, the same for both.
    """

    collective: ChoriaCollective
    home: Path
    environ: Environ = dataclasses.field(default_factory=lambda: {"USER": "operator"})

    def write(self, name: str, settings: t.Mapping[str, str | None]) -> Path:
        """Write a configuration with the broker and no other option but these."""
        usual = {
            "loglevel": "warn",
            "plugin.choria.middleware_hosts": self.collective.broker.hosts,
            "plugin.choria.use_srv": "false",
        }
        kept = {key: value for key, value in {**usual, **settings}.items() if value is not None}
        return program.write_config(self.home / name, kept)

    def theirs(
        self, config: Path | None, cwd: Path | None = None, patience: float = BOUND
    ) -> set[str]:
        """Return the nodes that ``choria ping`` finds within seconds of patience."""
        more = [] if config is None else ["--config", str(config)]
        try:
            done = subprocess.run(
                [
                    str(program.require()),
                    "ping",
                    "--names",
                    "--timeout",
                    "2",
                    "--expect",
                    "4",
                    *more,
                ],
                env={**program.environment(self.home), **self.environ},
                cwd=cwd or self.home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return set()  # it tries for ever to connect
        return {word for word in done.stdout.split() if word in self.collective.nodes}

    def ours(self, config: Path | None) -> set[str]:
        """Return the nodes that we find."""
        environ = {"HOME": str(self.home), **self.environ}
        settings = Settings.from_configfile(config and str(config), environ)
        with Client(settings) as client:
            answers = client.ping(Request("rpcutil", "ping", expected_nodes=4))
        return set(answers.outcome.replies)


@pytest.fixture
def place(choria: ChoriaCollective, tmp_path: Path) -> Place:
    """A home directory without files."""
    return Place(choria, tmp_path)


@pytest.fixture
def everybody(choria: ChoriaCollective) -> set[str]:
    """All nodes."""
    return set(choria.nodes)


only_v1 = pytest.mark.parametrize("choria", ["v1"], indirect=True, ids=["choria-v1"])
"""Only version 1 has certificates that name callers."""


# -- where from ------------------------------------------------------------------------------------


def test_a_file_with_nothing_but_broker_and_credentials(place: Place, everybody: set[str]) -> None:
    """The collective is then the version's own, and the connector Choria's."""
    own = place.collective.security(place.collective.operator)
    config = place.write("some.conf", {"identity": "operator.mcollective", **own})
    assert place.theirs(config) == place.ours(config) == everybody


def test_a_choriarc_is_found(place: Place, everybody: set[str]) -> None:
    own = place.collective.security(place.collective.operator)
    place.write(".choriarc", {"identity": "operator.mcollective", **own})
    (place.home / ".mcollective").write_text("connector = rabbitmq\n")
    assert place.theirs(None) == place.ours(None) == everybody


def test_a_file_of_plugin_d_wins(
    place: Place, everybody: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = place.collective.security(place.collective.operator)
    nowhere = {"plugin.choria.middleware_hosts": "localhost:1"}
    place.home = tmp_path_factory.mktemp("etc")
    config = place.write("client.conf", {"identity": "operator.mcollective", **own, **nowhere})
    (place.home / "plugin.d").mkdir()
    (place.home / "plugin.d" / "choria.cfg").write_text(
        f"middleware_hosts = {place.collective.broker.hosts}\n"
    )
    place.home = place.home / "home"
    place.home.mkdir()
    assert place.theirs(config) == place.ours(config) == everybody


def test_we_do_not_read_the_working_directory(place: Place, everybody: set[str]) -> None:
    """``choria`` does, and then gets no answer here; see the documentation of config_file."""
    own = place.collective.security(place.collective.operator)
    config = place.write("some.conf", {"identity": "operator.mcollective", **own})
    there = place.home / "there"
    there.mkdir()
    (there / "choria.conf").write_text("main_collective = eu\ncollectives = eu\n")
    assert len(place.theirs(config, cwd=there)) < len(everybody)
    before = os.getcwd()
    os.chdir(there)
    try:
        assert place.ours(config) == everybody
    finally:
        os.chdir(before)


@pytest.mark.parametrize("form", ["nats://{}", "tls://{}", "{},"])
def test_spellings_of_hosts(place: Place, everybody: set[str], form: str) -> None:
    own = place.collective.security(place.collective.operator)
    hosts = form.format(f"localhost:{place.collective.broker.ports[0]}")
    config = place.write(
        "some.conf",
        {"identity": "operator.mcollective", "plugin.choria.middleware_hosts": hosts, **own},
    )
    # A comma at the end makes an empty host for ``choria``, which it cannot read.
    readable = not form.endswith(",")
    theirs = place.theirs(config, patience=BOUND if readable else UNREADABLE)
    assert place.ours(config) == everybody
    assert theirs == (everybody if readable else set())


def test_a_host_without_port_is_refused(place: Place) -> None:
    own = place.collective.security(place.collective.operator)
    config = place.write("some.conf", {"plugin.choria.middleware_hosts": "localhost", **own})
    assert place.theirs(config, patience=UNREADABLE) == set()
    with pytest.raises(exc.ImproperlyConfigured, match="a list of hosts with their ports"):
        place.ours(config)


# -- callers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names,environ,identity,theirs,ours",
    [
        # As root it is the identity that counts, otherwise USER: both are the same here.
        (["alice.mcollective"], {"USER": "alice"}, "alice.mcollective", True, True),
        (["web", "alice.mcollective"], {"USER": "alice"}, "alice.mcollective", True, True),
        (["alice.mcollective"], {"USER": "bob"}, "bob.mcollective", False, True),
        (
            ["alice.mcollective"],
            {"USER": "bob", "MCOLLECTIVE_CERTNAME": "alice.mcollective"},
            "bob.mcollective",
            True,
            True,
        ),
        (
            ["alice.mcollective"],
            {"USER": "alice", "MCOLLECTIVE_CERTNAME": "bob.mcollective"},
            "alice.mcollective",
            False,
            False,
        ),
        (["x.privileged.mcollective"], {"USER": "alice"}, "alice.mcollective", True, True),
        (["alice.elsewhere"], {"USER": "alice"}, "alice.elsewhere", False, False),
    ],
)
@only_v1
def test_callers(
    place: Place,
    everybody: set[str],
    names: list[str],
    environ: Environ,
    identity: str,
    theirs: bool,
    ours: bool,
) -> None:
    own = place.collective.security(place.collective.authority.member(*names))
    config = place.write("some.conf", {"identity": identity, **own})
    place.environ = environ
    assert place.theirs(config) == (everybody if theirs else set())
    try:
        found = place.ours(config)
    except exc.CredentialError:
        found = set()
    assert found == (everybody if ours else set())


@pytest.mark.parametrize("provider", ["puppet", None])
@only_v1
def test_puppets_directories(place: Place, everybody: set[str], provider: str | None) -> None:
    made = place.collective.authority.member("alice.mcollective")
    directory = place.home / "ssl"
    for source, name in (
        (made.path, "certs/alice.mcollective.pem"),
        (made.key, "private_keys/alice.mcollective.pem"),
        (place.collective.authority.path, "certs/ca.pem"),
    ):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, directory / name)
    place.environ = {"USER": "alice"}
    config = place.write(
        "some.conf",
        {"plugin.security.provider": provider, "plugin.choria.ssldir": str(directory)},
    )
    assert place.theirs(config) == place.ours(config) == everybody


# -- plain options ---------------------------------------------------------------------------------


def plain_options(collective: ChoriaCollective) -> dict[str, t.Any]:
    """Return a task's options for the client of a collective, without any file of configuration."""
    own: dict[str, t.Any] = {
        "security_provider": "choria",
        "brokers": [{"host": "localhost", "port": port} for port in collective.broker.ports],
        "ca_cert": str(collective.authority.path),
    }
    mine = collective.operator
    if isinstance(mine, Credentials):
        issuer = t.cast("Issuer", collective.issuer)
        own["issuers"] = {issuer.name: issuer.public}
        return {**own, "token_file": str(mine.token), "seed_file": str(mine.seed)}
    return {**own, "client_cert": str(mine.path), "client_key": str(mine.key)}


@pytest.mark.parametrize(
    "environ", [{}, {"USER": "operator"}, {"USER": "somebody", "HOME": "/nonexistent"}]
)
def test_options_alone_are_enough(
    choria: ChoriaCollective, everybody: set[str], environ: Environ
) -> None:
    given = {"expected_nodes": len(everybody), **plain_options(choria)}
    checked = ArgumentSpecValidator(PingTask.options).validate(given)
    assert checked.error_messages == []
    warnings: list[str] = []
    task = PingTask(checked.validated_parameters, warnings.append, environ=environ)
    found = set(task.run(check_mode=False)["nodes"])
    assert (found, warnings) == (everybody, [])


def test_variables_set_the_options_too(
    choria: ChoriaCollective, everybody: set[str], ansible: Ansible
) -> None:
    """All but brokers and issuers, which have none."""
    options = {"expected_nodes": len(everybody), **plain_options(choria)}
    names = options.keys() & {"brokers", "expected_nodes", "issuers"}
    arguments = {name: options.pop(name) for name in names}
    variables = {f"ANSIBLE_MCOLLECTIVE_{name.upper()}": value for name, value in options.items()}
    module = ("-m", "pymco.mcollective.mcollective_ping", "-a", json.dumps(arguments))
    done = ansible.run("ansible", "localhost", *module, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stderr
    assert all(f'"identity": "{name}"' in done.stdout for name in everybody)
