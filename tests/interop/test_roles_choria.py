# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles build a real Choria collective, with certificates and with tokens."""

from __future__ import annotations

import json
import shutil
import stat
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from roles_site import NODES, Run, Site
from testbed.choria import program

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Ansible

AGENTS = ROOT / "tests" / "testbed" / "choria"
SECURITY = ("file", "choria")


class ChoriaSite(Site):
    """A Choria broker, Choria servers and a control host with the clients alice and bob."""

    def _inventory(self, epmd: int, distribution: int) -> dict[str, t.Any]:
        found = super()._inventory(epmd, distribution)
        groups = found["all"]["children"]
        binary = str(program.require())
        groups["mcollective_broker"]["hosts"]["machine"]["broker_choria_binary"] = binary
        groups["mcollective_nodes"]["vars"].update(
            server_choria_binary=binary, server_agents=list(map(str, self.agent()))
        )
        groups["mcollective_control"]["hosts"]["control"]["client_ddls"] = [str(self.agent()[0])]
        return found

    def agent(self) -> tuple[Path, Path]:
        """The DDL and the program of an external agent."""
        ddl = AGENTS / "agents" / "mcollective" / "agent" / "probe.json"
        made = self.directory / "agents" / "probe"
        if not made.exists():
            made.parent.mkdir()
            shutil.copyfile(AGENTS / "agent.py", made)
            text = made.read_text(encoding="utf-8")
            made.write_text(f"#!/usr/bin/env python3\n{text}", encoding="utf-8")
        return ddl, made

    @property
    def client_cfg(self) -> Path:
        """The configuration of the control host."""
        return self.directory / "home" / ".choriarc"

    def secrets(self) -> list[str]:
        """Return every secret text. Of each private key, it is one line."""
        keys = self.keys.rglob("*-private.pem")
        seeds = self.keys.rglob("*.seed")
        return [path.read_text().splitlines()[5] for path in keys] + [
            path.read_text() for path in seeds
        ]

    def choria(self, *arguments: str, **environ: str) -> t.Any:
        """Run Choria's own client with the configuration of the control host."""
        named = {"MCOLLECTIVE_CERTNAME": "alice.mcollective", **environ}
        return program.run(self.directory, self.client_cfg, *arguments, **named)


@dataclass
class Built:
    """A site, with the runs that led to it."""

    site: ChoriaSite
    before: Run
    left_before: list[str]
    build: Run
    again: Run


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Built]]]:
    """Both sites, built beside each other."""
    reason = program.missing()
    if reason:
        pytest.skip(reason)
    collections = tmp_path_factory.mktemp("collections")
    (collections / "ansible_collections" / "pymco").mkdir(parents=True)
    (collections / "ansible_collections" / "pymco" / "mcollective").symlink_to(ROOT)

    def site(security: str) -> ChoriaSite:
        directory = tmp_path_factory.mktemp(security)
        variables = {"mcollective_choria_security": security}
        return ChoriaSite(directory, collections, "choria", variables)

    with site("file") as first, site("choria") as second, ThreadPoolExecutor() as pool:
        yield dict(zip(SECURITY, (pool.submit(build, one) for one in (first, second))))


def build(site: ChoriaSite) -> Built:
    """Check mode, the build, and the same again."""
    before = site.play("--check", "--diff")
    left = sorted(path.name for path in site.directory.iterdir())
    first = site.play("-vvv", "--diff")
    return Built(site, before, left, first, site.play("-vvv", "--diff"))


@pytest.fixture(scope="module", params=SECURITY)
def built(request: pytest.FixtureRequest, builds: dict[str, Future[Built]]) -> Built:
    """The site with certificates, and the site with tokens."""
    return builds[request.param].result()


@pytest.fixture
def site(built: Built) -> ChoriaSite:
    """A site that is built."""
    assert built.build.code == 0, built.build.output
    return built.site


# -- the playbook ----------------------------------------------------------------------------------


def test_check_mode_on_bare_machines_changes_nothing(built: Built) -> None:
    assert built.before.code == 0, built.before.output
    assert built.before.changed["machine"] > 0
    assert set(built.left_before) <= {"ansible", "agents", "inventory.json"}


def test_the_playbook_builds_a_collective(built: Built) -> None:
    """Its last task calls the nodes."""
    assert built.build.code == 0, built.build.output
    assert {"machine", "control", *built.site.nodes} <= set(built.build.changed)
    assert "[WARNING]" not in built.build.output
    assert "[DEPRECATION" not in built.build.output


def test_a_second_run_changes_nothing(built: Built) -> None:
    assert built.again.code == 0, built.again.output
    assert set(built.again.changed.values()) == {0}, built.again.output


def test_no_secret_is_shown(built: Built) -> None:
    secrets = built.site.secrets()
    assert len(secrets) >= 6
    for run in (built.before, built.build, built.again):
        assert not [secret for secret in secrets if secret in run.output]
        assert "PRIVATE KEY" not in run.output
    assert "EXEC" in built.build.output, "not as verbose as it should be"


def test_secret_files_are_their_owners(site: ChoriaSite) -> None:
    names = ("*-private.pem", "*.seed", "*.conf", ".choriarc")
    found = [path for name in names for path in site.directory.rglob(name)]
    assert len(found) >= 10
    others = stat.S_IRWXG | stat.S_IRWXO
    assert not [path for path in found if path.stat().st_mode & others]


def test_what_nobody_needs_to_have_stays_on_the_control_host(site: ChoriaSite) -> None:
    """The keys of the authority and of the issuer, and bob's."""
    texts = {
        path.read_text()
        for name in ("ca-private.pem", "issuer.seed", "bob.mcollective*")
        for path in site.keys.rglob(name)
        if path.suffix == ".seed" or path.name.endswith("-private.pem")
    }
    assert len(texts) >= 2
    for place in ("broker", "home", *site.nodes):
        for path in (site.directory / place).rglob("*"):
            if path.suffix in (".pem", ".seed"):
                assert path.read_text() not in texts, path


# -- what it is for: Choria's own client as the judge ---------------------------------------------


def test_choria_finds_the_nodes(site: ChoriaSite) -> None:
    done = site.choria("ping")
    assert all(node in done.stdout for node in site.nodes), done.stdout + done.stderr


def test_choria_calls_an_agent_that_the_role_installed(site: ChoriaSite) -> None:
    done = site.choria("req", "probe", "echo", "string=Grüezi", "--json")
    replies = {reply["sender"]: reply for reply in json.loads(done.stdout)["replies"]}
    assert set(replies) == set(site.nodes), done.stdout + done.stderr
    assert {reply["data"]["string"] for reply in replies.values()} == {"Grüezi"}, done.stdout


def test_choria_finds_by_facts_and_classes(site: ChoriaSite) -> None:
    both = ("-F", "os.family=Debian", "-W", "cpus>=4 role=web")
    for words in (("-F", "role=web"), ("-C", "role::web"), both):
        done = site.choria("discover", *words)
        assert done.stdout.split() == ["web1.example.com"], (words, done.stdout + done.stderr)


# -- the same with this collection -----------------------------------------------------------------


def test_the_module_calls_the_agent(ansible: Ansible, site: ChoriaSite) -> None:
    task = {"config_file": str(site.client_cfg), "agent": "probe", "action": "echo"}
    result = ansible.rpc(**task, arguments={"string": "Grüezi", "int": 5})
    assert not result["failed"], result
    assert result["nodes"] == sorted(site.nodes)
    assert [reply["data"]["int"] for reply in result["replies"]] == [5, 5]
    assert {reply["data"]["string"] for reply in result["replies"]} == {"Grüezi"}


def test_the_module_finds_the_configuration_by_itself(ansible: Ansible, site: ChoriaSite) -> None:
    options = "agent=rpcutil action=ping read_only=true"
    module = ("-m", "pymco.mcollective.mcollective_rpc", "-a", options)
    done = ansible.run("ansible", "localhost", *module, HOME=str(site.client_cfg.parent))
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(f'"sender": "{node}"' in done.stdout for node in site.nodes)


def test_the_inventory_plugin_finds_the_nodes(ansible: Ansible, site: ChoriaSite) -> None:
    source = site.directory / "fleet.mcollective.yml"
    settings = {"plugin": "pymco.mcollective.mcollective", "config_file": str(site.client_cfg)}
    source.write_text(yaml.safe_dump(settings))
    done = ansible.run("ansible-inventory", "-i", str(source), "--list")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(site.nodes) <= set(yaml.safe_load(done.stdout)["_meta"]["hostvars"])


# -- whom the nodes obey ---------------------------------------------------------------------------


@pytest.mark.parametrize("built", ["file"], indirect=True, scope="module")
def test_nodes_forget_a_client_that_is_no_longer_wanted(site: ChoriaSite) -> None:
    """The client has a good certificate, and hears nothing."""
    wanted = '{"mcollective_clients": ["bob"], "client_ping": false}'
    run = site.play("--limit", f"{NODES[0]},control", "-e", wanted)
    assert run.code == 0, run.output
    alice = site.keys / "tls" / "alice.mcollective"
    config = site.directory / "alice.conf"
    home = site.client_cfg.parent
    text = site.client_cfg.read_text()
    for file, name in (("tls.pem", f"{alice}.pem"), ("tls-private.pem", f"{alice}-private.pem")):
        text = text.replace(str(home / ".choria.d" / file), name)
    config.write_text(text)
    names = {"MCOLLECTIVE_CERTNAME": "alice.mcollective"}
    done = program.run(site.directory, config, "req", "rpcutil", "ping", "--json", **names)
    assert "web1.example.com" not in done.stdout, done.stdout
    bob = {"MCOLLECTIVE_CERTNAME": "bob.mcollective"}
    assert site.choria("discover", **bob).stdout.split(), "bob finds nodes"
    assert NODES[0] in site.choria("discover", **bob).stdout
