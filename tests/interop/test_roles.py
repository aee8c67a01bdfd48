# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles build a real collective on each broker, and give no user more permissions than needed."""

from __future__ import annotations

import json
import stat
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import yaml
from conftest import ROOT
from roles_site import NODES, Run, Site
from testbed.real import missing
from testbed.real.stomp import Frame, StompError

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Ansible
    from testbed.real.stomp import Connection

#: On ActiveMQ all is in YAML, which Debian 12's Ruby understands only with the workaround.
YAML = {
    "mcollective_serializer": "yaml",
    "server_facts_source": "yaml",
    "server_psych_workaround": True,
}
INVENTORY_PLUGIN = ROOT / "plugins" / "inventory" / "mcollective.py"


@dataclass
class Built:
    """A site, with the runs that led to it."""

    site: Site
    before: Run
    left_before: list[str]
    build: Run
    again: Run
    after: Run


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Built]]]:
    """Both sites, built beside each other: each does one thing at a time, and there are two cores."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    collections = tmp_path_factory.mktemp("collections")
    (collections / "ansible_collections" / "pymco").mkdir(parents=True)
    (collections / "ansible_collections" / "pymco" / "mcollective").symlink_to(ROOT)
    rabbitmq, activemq = (tmp_path_factory.mktemp(kind) for kind in ("rabbitmq", "activemq"))
    with (
        Site(rabbitmq, collections, "rabbitmq") as first,
        Site(activemq, collections, "activemq", YAML, NODES[:1]) as second,
        ThreadPoolExecutor() as pool,
    ):
        yield {site.kind: pool.submit(build, site) for site in (first, second)}


def build(site: Site) -> Built:
    """Check mode, the build, the same again, and check mode."""
    before = site.play("--check", "--diff")
    left = sorted(path.name for path in site.directory.iterdir())
    first = site.play("-vvv", "--diff")
    again = site.play("-vvv", "--diff")
    return Built(site, before, left, first, again, site.play("--check", "--diff"))


@pytest.fixture(scope="module", params=["rabbitmq", "activemq"])
def built(request: pytest.FixtureRequest, builds: dict[str, Future[Built]]) -> Built:
    """The site on one of the brokers."""
    return builds[request.param].result()


@pytest.fixture
def site(built: Built) -> Site:
    """A site that is built."""
    assert built.build.code == 0, built.build.output
    return built.site


# -- the playbook ----------------------------------------------------------------------------------


def test_check_mode_on_bare_machines_changes_nothing(built: Built) -> None:
    assert built.before.code == 0, built.before.output
    assert built.before.changed["machine"] > 0
    assert set(built.left_before) <= {"ansible", "inventory.json"}


def test_the_playbook_builds_a_collective(built: Built) -> None:
    assert built.build.code == 0, built.build.output
    assert {"machine", "control", *built.site.nodes} <= set(built.build.changed)
    assert "[WARNING]" not in built.build.output
    assert "[DEPRECATION" not in built.build.output


def test_a_second_run_changes_nothing(built: Built) -> None:
    assert built.again.code == 0, built.again.output
    assert set(built.again.changed.values()) == {0}, built.again.output


def test_check_mode_afterwards_finds_nothing_to_change(built: Built) -> None:
    assert built.after.code == 0, built.after.output
    assert set(built.after.changed.values()) == {0}, built.after.output


def test_no_secret_is_shown(built: Built) -> None:
    """In the most verbose output, and with differences."""
    secrets = built.site.secrets()
    assert len(secrets) >= 10
    for run in (built.before, built.build, built.again, built.after):
        assert not [secret for secret in secrets if secret in run.output]
        assert "PRIVATE KEY" not in run.output
    assert "EXEC" in built.build.output, "not as verbose as it should be"


def test_secret_files_are_their_owners(site: Site) -> None:
    def others_may(path: t.Any) -> bool:
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))

    names = ("*-private.pem", "*.p12", "*.cfg", "mcollective-definitions.json", "activemq.xml")
    found = [path for name in names for path in site.directory.rglob(name)]
    found += [site.keys, site.client_cfg, site.client_cfg.with_suffix(".d"), site.keys / "psk"]
    assert len(found) >= 10
    assert not [path for path in found if others_may(path)]


def test_what_nobody_needs_to_have_stays_on_the_control_host(site: Site) -> None:
    """The authority's key, and clients' keys anywhere but with the client."""
    authority = (site.keys / "ca-private.pem").read_text()
    bob = (site.keys / "clients" / "bob-private.pem").read_text()
    alice = (site.keys / "clients" / "alice-private.pem").read_text()
    places = {authority: [], bob: [], alice: []}
    for path in site.directory.rglob("*.pem"):
        if site.keys not in path.parents:
            places.get(path.read_text(), []).append(path)
    assert places[authority] == places[bob] == []
    assert [path.parent.name for path in places[alice]] == [".mcollective.d"]


# -- what it is for --------------------------------------------------------------------------------


def test_agents_answer_with_their_settings(ansible: Ansible, site: Site) -> None:
    task = {"config_file": str(site.client_cfg), "agent": "greeter", "action": "greet"}
    result = ansible.rpc(**task, arguments={"name": "World"})
    assert not result["failed"], result
    assert result["nodes"] == sorted(site.nodes)
    texts = {reply["data"]["text"] for reply in result["replies"]}
    assert texts == {"Good morning, World"}


def test_nodes_have_their_facts_and_classes(ansible: Ansible, site: Site) -> None:
    task = {"config_file": str(site.client_cfg), "agent": "rpcutil", "action": "inventory"}
    filters = {"fact_filters": ["role=web", "cpus>=4"], "class_filters": ["role::web"]}
    result = ansible.rpc(**task, **filters, read_only=True)
    assert result["nodes"] == ["web1.example.com"], result
    facts = result["reply"]["data"]["facts"]
    assert (facts["site"], facts["os"]) == ("Zürich ☃", {"family": "Debian"})
    assert facts["os_family"] == "Debian"


def test_the_reference_finds_the_same_with_the_same_configuration(site: Site) -> None:
    done = site.mco("find", "-F", "role=web")
    assert done.stdout.split() == ["web1.example.com"], done.stdout + done.stderr


def test_the_module_finds_the_configuration_by_itself(ansible: Ansible, site: Site) -> None:
    options = "agent=rpcutil action=ping read_only=true"
    module = ("-m", "pymco.mcollective.mcollective_rpc", "-a", options)
    done = ansible.run("ansible", "localhost", *module, HOME=str(site.client_cfg.parent))
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(f'"sender": "{node}"' in done.stdout for node in site.nodes)


@pytest.mark.skipif(not INVENTORY_PLUGIN.exists(), reason="this tree has no inventory plugin")
def test_the_inventory_plugin_finds_the_nodes(ansible: Ansible, site: Site) -> None:
    source = site.directory / "fleet.mcollective.yml"
    settings = {"plugin": "pymco.mcollective.mcollective", "config_file": str(site.client_cfg)}
    source.write_text(yaml.safe_dump(settings))
    done = ansible.run("ansible-inventory", "-i", str(source), "--list")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(site.nodes) <= set(yaml.safe_load(done.stdout)["_meta"]["hostvars"])


@pytest.mark.parametrize("built", ["rabbitmq"], indirect=True, scope="module")
def test_nodes_forget_a_client_that_is_no_longer_wanted(site: Site) -> None:
    known = site.directory / NODES[0] / "etc" / "clients"
    assert sorted(path.name for path in known.iterdir()) == ["alice.pem", "bob.pem"]
    wanted = '{"mcollective_clients": ["alice"]}'
    run = site.play("--limit", NODES[0], "-e", wanted)
    assert run.code == 0, run.output
    assert [path.name for path in known.iterdir()] == ["alice.pem"]


# -- what users of the broker may and may not do ----------------------------------------------------


def attempt(connection: Connection, command: str, destination: str, **headers: str) -> str:
    """What the broker answers to one frame that asks for a receipt: RECEIPT, or its error."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    frame = Frame(command, {"destination": destination, "receipt": "r", "id": "i", **names})
    connection.send_raw(frame.encode())
    try:
        answer = connection.receive()
    except StompError as error:
        return str(error)
    return f"{answer.command} {answer.headers.get('message', '')} {answer.body.decode()}".strip()


def refused(site: Site, user: str, command: str, destination: str, **headers: str) -> bool:
    """Return True if the broker, in a session of its own, says that this user may not do that."""
    with site.connect(user) as connection:
        answer = attempt(connection, command, destination, **headers)
    words = ("access_refused", "resource_locked", "not authorized", "not a valid destination")
    assert answer == "RECEIPT" or any(word in answer for word in words), answer
    return answer != "RECEIPT"


class RabbitMQ:
    """Where requests go to and replies come from, and what leads there on roundabout ways."""

    broadcast = "/exchange/mcollective_broadcast/rpcutil"
    registration = "/exchange/mcollective_broadcast/registration"
    directed = "/exchange/mcollective_directed/web1.example.com"
    everything = "/exchange/mcollective_broadcast/#"
    elsewhere = ("/queue/elsewhere", "/topic/elsewhere", "/exchange/amq.direct/elsewhere")
    reply_to = "/temp-queue/mcollective_reply_rpcutil"

    @staticmethod
    def listen(connection: Connection) -> None:
        """Nothing: the broker makes the queue when a request names it."""

    @staticmethod
    def ways_to(reply_address: str) -> list[str]:
        name = reply_address.rpartition("/")[2]
        assert name.startswith("amq.gen-")
        return [f"/amq/queue/{name}", f"/reply-queue/{name}", f"/queue/{name}"]


class ActiveMQ:
    """The same for ActiveMQ, where wildcards and lists of destinations are such ways."""

    broadcast = "/topic/mcollective.rpcutil.agent"
    registration = "/topic/mcollective.registration.agent"
    directed = "/queue/mcollective.nodes"
    everything = "/topic/mcollective.>"
    elsewhere = ("/queue/elsewhere", "/topic/elsewhere", "/topic/ActiveMQ.Advisory.Queue")
    reply_to = "/queue/mcollective.reply.alice.control_1.1"

    @classmethod
    def listen(cls, connection: Connection) -> None:
        """Make the queue, before the request that names it."""
        connection.subscribe(cls.reply_to)

    @staticmethod
    def ways_to(reply_address: str) -> list[str]:
        return [
            *(
                reply_address,
                "/queue/mcollective.reply.alice.>",
                "/queue/mcollective.reply.alice.*",
            ),
            f"/queue/mcollective.reply.bob.control_1.1,{reply_address.removeprefix('/queue/')}",
        ]


@pytest.fixture
def at(site: Site) -> type[RabbitMQ] | type[ActiveMQ]:
    """The addresses of this broker."""
    return RabbitMQ if site.kind == "rabbitmq" else ActiveMQ


@pytest.fixture
def reply_address(site: Site, at: type[RabbitMQ] | type[ActiveMQ]) -> Iterator[str]:
    """Where alice, who is connected, listens for a reply, in the form that nodes hear of it."""
    with site.connect("nodes") as node, site.connect("alice") as alice:
        node.subscribe(at.broadcast)
        at.listen(alice)
        assert attempt(alice, "SEND", at.broadcast, reply_to=at.reply_to) == "RECEIPT"
        address = node.receive().headers["reply-to"]
        yield address
        # After all these attempts, the way is still open for its own user and for nobody else.
        assert attempt(node, "SEND", address) == "RECEIPT"
        assert alice.receive().command == "MESSAGE"


def test_a_client_cannot_listen_for_the_replies_to_another(
    site: Site, at: type[RabbitMQ] | type[ActiveMQ], reply_address: str
) -> None:
    """Not even if it knows their address."""
    for way in at.ways_to(reply_address):
        if "*" in way or way.endswith(">"):
            assert not hears_with_wildcard(site, way, reply_address), way
        else:
            assert refused(site, "bob", "SUBSCRIBE", way), way


def hears_with_wildcard(site: Site, wildcard: str, address: str) -> bool:
    """Return True if the broker lets bob subscribe, and he gets what a node sends to alice."""
    with site.connect("bob") as bob, site.connect("nodes") as node:
        if attempt(bob, "SUBSCRIBE", wildcard) != "RECEIPT":
            return False
        attempt(node, "SEND", f"{address}x")
        return bob.poll(0.5) is not None


def test_a_client_cannot_forge_replies(site: Site, reply_address: str) -> None:
    assert refused(site, "bob", "SEND", reply_address)


def test_a_client_cannot_read_requests(site: Site, at: type[RabbitMQ] | type[ActiveMQ]) -> None:
    for destination in (at.broadcast, at.directed, at.everything):
        assert refused(site, "bob", "SUBSCRIBE", destination), destination


def test_a_client_can_publish_requests(site: Site, at: type[RabbitMQ] | type[ActiveMQ]) -> None:
    for destination in (at.broadcast, at.directed):
        assert not refused(site, "bob", "SEND", destination), destination


def test_a_node_cannot_publish_requests(site: Site, at: type[RabbitMQ] | type[ActiveMQ]) -> None:
    for destination in (at.broadcast, at.directed, at.registration):
        assert refused(site, "nodes", "SEND", destination), destination


def test_a_node_can_read_requests(site: Site, at: type[RabbitMQ] | type[ActiveMQ]) -> None:
    for destination in (at.broadcast, at.directed):
        assert not refused(site, "nodes", "SUBSCRIBE", destination), destination


def test_a_node_cannot_read_replies(site: Site, reply_address: str) -> None:
    assert refused(site, "nodes", "SUBSCRIBE", reply_address)


@pytest.mark.parametrize("user", ["alice", "nodes"])
def test_nobody_can_use_the_broker_for_other_things(
    site: Site, at: type[RabbitMQ] | type[ActiveMQ], user: str
) -> None:
    for destination in at.elsewhere:
        for command in ("SEND", "SUBSCRIBE"):
            assert refused(site, user, command, destination), (command, destination)


def test_nobody_gets_in_without_a_certificate(site: Site) -> None:
    """A stolen password is not enough."""
    with pytest.raises(StompError, match="nothing received|closed"), site.connect("bob", tls=None):
        pass


def test_nobody_gets_in_with_a_wrong_password(site: Site) -> None:
    right = site.keys / "passwords" / "bob"
    word = right.read_text()
    right.write_text("wrong\n")
    try:
        with pytest.raises(StompError, match="CONNECT answered with ERROR"), site.connect("bob"):
            pass
    finally:
        right.write_text(word)


# -- what can be opened, which comes last since it changes the broker -------------------------------


def reopen(site: Site, **wanted: bool) -> None:
    """Let the role change the broker."""
    run = site.play("--limit", "machine", "-e", json.dumps(wanted))
    assert run.code == 0, run.output
    assert run.changed["machine"] > 0


@pytest.mark.parametrize("built", ["activemq"], indirect=True, scope="module")
def test_registration_can_be_opened_on_activemq(site: Site) -> None:
    reopen(site, broker_registration=True)
    assert not refused(site, "nodes", "SEND", ActiveMQ.registration)
    for destination in (ActiveMQ.broadcast, "/topic/mcollective.agents", ActiveMQ.directed):
        assert refused(site, "nodes", "SEND", destination), destination


@pytest.mark.parametrize("built", ["rabbitmq"], indirect=True, scope="module")
def test_registration_and_reply_exchange_can_be_opened_on_rabbitmq(
    ansible: Ansible, site: Site
) -> None:
    replies = "/exchange/mcollective_reply"
    with site.connect("alice") as early:
        reopen(site, broker_registration=True, broker_reply_exchange=True)
        assert attempt(early, "SEND", RabbitMQ.broadcast) == "RECEIPT", "there was no restart"
    assert not refused(site, "nodes", "SEND", RabbitMQ.registration)
    for destination in (RabbitMQ.broadcast, "/exchange/mcollective_broadcast", RabbitMQ.directed):
        assert refused(site, "nodes", "SEND", destination), destination
    config = {"plugin.rabbitmq.use_reply_exchange": "1"}
    task = {"config_file": str(site.client_cfg), "agent": "rpcutil", "action": "ping"}
    result = ansible.rpc(**task, config=config, nodes=list(site.nodes), read_only=True)
    assert not result["failed"], result
    assert not refused(site, "bob", "SUBSCRIBE", f"{replies}/bob.control_1_1")
    for key in ("alice.control_1_1", "#", "*.control_1_1", "alice.#", "bob.#", "bob"):
        assert refused(site, "bob", "SUBSCRIBE", f"{replies}/{key}"), key
    assert refused(site, "bob", "SEND", f"{replies}/alice.control_1_1")
    assert refused(site, "nodes", "SUBSCRIBE", f"{replies}/alice.control_1_1")
    assert not refused(site, "nodes", "SEND", f"{replies}/alice.control_1_1")
    assert refused(site, "bob", "SUBSCRIBE", RabbitMQ.everything)
