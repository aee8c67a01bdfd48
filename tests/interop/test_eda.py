# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source for rulebooks: on real nodes, with hostile messages, and in ansible-rulebook if that is installed."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import json
import logging
import os
import runpy
import shutil
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from calling import choria_config
from conftest import ROOT
from examples import blocks
from testbed.choria import missing as missing_choria
from testbed.choria.broker import Broker as ChoriaBroker
from testbed.choria.collective import ChoriaCollective, Options
from testbed.real.collective import Collective
from testbed.real.default_nodes import DEFAULT_NODES
from testbed.real.stomp import Frame

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.envelope import Envelope
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import Outgoing
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testbed.certificates import Authority
    from testbed.choria.tokens import Issuer
    from testbed.real.rabbitmq import RabbitMQ
    from testbed.real.security import Security

SOURCE = ROOT / "extensions" / "eda" / "plugins" / "event_source" / "mcollective.py"
BLOCKS = blocks(ROOT / "docs" / "docsite" / "rst" / "eda_guide.rst")
WEB, DB = "web1.example.com", "db1.example.com"
NODES = [node for node in DEFAULT_NODES if node.identity in (WEB, DB)]
QUEUE = "/queue/eda.replies"
REGISTRATIONS = "/exchange/mcollective_broadcast/registration"
LIMIT = 120.0
Event = dict[str, t.Any]


@pytest.fixture(params=["psk", "ssl-yaml", "ssl-marshal"])
def site(request: pytest.FixtureRequest, rabbitmq: RabbitMQ) -> Iterator[Collective]:
    security: Security = request.param
    with Collective(rabbitmq, "eda", security, NODES) as running:
        yield running


class Source:
    """The source's function main, as ansible-rulebook calls it, and a queue that takes one event."""

    def __init__(self, **args: t.Any) -> None:
        self._args = args
        self.heard: list[Event] = []

    def run(self, steps: Callable[[Source], t.Coroutine[t.Any, t.Any, None]]) -> list[Event]:
        """Run the source and meanwhile the steps. Return the events that were taken."""
        asyncio.run(self._run(steps))
        return self.heard

    async def _run(self, steps: Callable[[Source], t.Coroutine[t.Any, t.Any, None]]) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue(1)
        main = runpy.run_path(str(SOURCE))["main"]
        source = asyncio.create_task(main(self._queue, self._args))
        try:
            await steps(self)
        finally:
            source.cancel()
            with pytest.raises(asyncio.CancelledError):
                await source

    async def take(self) -> Event:
        """Return the next event."""
        event = await asyncio.wait_for(self._queue.get(), LIMIT)
        self.heard.append(event["mcollective"])
        return self.heard[-1]

    async def take_from(self, *senders: str) -> None:
        """Take events until each of these has sent one."""
        waiting = set(senders)
        while waiting:
            waiting.discard((await self.take())["sender"])


async def register(site: Collective, *nodes: str) -> None:
    """Let nodes register, which they do when they start."""

    def restart() -> None:
        site.daemons.stop(*nodes)
        site.daemons.start(*nodes)

    await asyncio.to_thread(restart)


async def listening(caplog: pytest.LogCaptureFixture) -> None:
    """Wait until the source has subscribed."""
    end = time.monotonic() + LIMIT
    while not any("listening at" in record.message for record in caplog.records):
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


@pytest.fixture(autouse=True)
def shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def signed(config: Config, body: t.Any, ttl: int = 60, **changes: t.Any) -> bytes:
    """Return a request to the agent registration, signed with what a configuration has for it."""
    security = security_provider(config)
    now = int(time.time()) + changes.pop("later", 0)
    fields = {
        "senderid": WEB,
        "requestid": hashlib.md5(repr((body, changes)).encode()).hexdigest(),
        "agent": "registration",
        "collective": "mcollective",
        "filter": {"fact": [], "cf_class": [], "agent": ["registration"], "identity": []},
        "ttl": ttl,
        "msgtime": now,
        "body": body,
    }
    sealed = security.sign({Symbol(name): item for name, item in fields.items()})
    sealed.update({Symbol(name): item for name, item in changes.items()})
    return security.serialize(sealed)


def node_config(site: Collective, **pair: Path) -> Config:
    """The configuration of somebody who has the nodes' private key."""
    changes: dict[str, str | None] = {}
    if site.security != "psk":
        changes["plugin.ssl_client_private"] = str(site.keys.server.private)
    return Config.from_configfile(str(site.write_client_cfg("node.cfg", changes)), {})


def send(site: Collective, destination: str, *payloads: bytes) -> None:
    """Send messages as anybody can who may log in."""
    with site.broker.connect(site.place) as connection:
        for number, payload in enumerate(payloads):
            headers = {"destination": destination, "content-length": str(len(payload))}
            connection.send_raw(
                Frame("SEND", {**headers, "receipt": str(number)}, payload).encode()
            )
            assert connection.receive().command == "RECEIPT"


def test_registrations_become_events_and_hostile_messages_do_not(
    site: Collective, caplog: pytest.LogCaptureFixture
) -> None:
    operator, node = Config.from_configfile(str(site.client_cfg), {}), node_config(site)
    trusted_key = operator if site.security == "psk" else node
    old = signed(trusted_key, ["old"], later=-3600)
    again = signed(trusted_key, ["again"])
    hostile = [
        b"garbage",
        b"--- {}\n",
        signed(trusted_key, ["forged"])[:-1] + b"!",
        signed(trusted_key, ["forged"], hash="bad"),
        signed(trusted_key, ["large " * 50_000]),
        signed(trusted_key, ["no node"], senderid=["a", 1]),
        signed(trusted_key, ["another agent"], agent="rpcutil"),
        signed(trusted_key, ["no time"], msgtime="now", ttl=None),
        old,
        again,
    ]
    if site.security != "psk":
        # The operator may call nodes. That does not make him a node. And who changes the time breaks the signature.
        hostile += [
            signed(operator, ["operator"]),
            signed(node, ["moved"], msgtime=int(time.time()) + 9),
        ]

    async def steps(source: Source) -> None:
        await listening(caplog)
        send(site, REGISTRATIONS, again)
        await source.take()
        send(site, REGISTRATIONS, *hostile)
        await register(site, WEB, DB)
        await source.take_from(WEB, DB)
        send(site, REGISTRATIONS, signed(trusted_key, ["the end"], senderid="end.example.com"))
        await source.take_from("end.example.com")

    heard = Source(config_file=str(site.client_cfg), max_bytes=100_000).run(steps)
    first, *real, last = heard
    assert (first["body"], last["body"]) == (["again"], ["the end"])
    assert sorted(event["sender"] for event in real) == [DB, WEB]
    for event in real:
        assert event["kind"] == "registration"
        assert {"rpcutil", "discovery"} <= set(event["body"])
        assert abs(event["time"] - time.time()) < 3600
        assert not event["altered"]
    json.dumps(heard)
    told = [r.message for r in caplog.records if "rejected so far" in r.message][-1]
    rejected = ast.literal_eval(told.partition(": ")[2])
    assert sum(rejected.values()) == len(hostile)
    assert rejected["duplicate"] == rejected["expired"] == rejected["oversized"] == 1
    assert rejected["other_request"] == 1
    assert rejected["forged"] >= (1 if site.security == "psk" else 3)


@pytest.mark.parametrize("site", ["psk"], indirect=True)
def test_replies_that_were_sent_elsewhere_become_events(
    site: Collective, caplog: pytest.LogCaptureFixture
) -> None:
    config = Config.from_configfile(str(site.client_cfg), {})

    async def steps(source: Source) -> None:
        await listening(caplog)
        for action, arguments in (("get_fact", {"fact": "motd"}), ("nosuch", {})):
            with rpc.Client(config) as client:
                request = rpc.Request("rpcutil", action, arguments, nodes=[DB], reply_to=QUEUE)
                client.call(request)
            await source.take()

    options = {"listen": "replies", "reply_to": QUEUE, "config_file": str(site.client_cfg)}
    good, bad = Source(**options).run(steps)
    assert (good["kind"], good["sender"], good["agent"]) == ("reply", DB, "rpcutil")
    assert (good["statuscode"], good["data"]) == (0, {"fact": "motd", "value": "{ { 6 * 7 }}"})
    assert good["altered"]
    assert bad["statuscode"] != 0
    assert "nosuch" in bad["statusmsg"]


@pytest.mark.parametrize("site", ["psk"], indirect=True)
def test_a_full_queue_makes_the_source_wait_and_nothing_is_lost(
    site: Collective, caplog: pytest.LogCaptureFixture
) -> None:
    config = Config.from_configfile(str(site.client_cfg), {})
    names = [f"n{number:03}.example.com" for number in range(300)]

    async def steps(source: Source) -> None:
        await listening(caplog)
        send(site, REGISTRATIONS, *(signed(config, [name], senderid=name) for name in names))
        await source.take_from(*names)

    heard = Source(config_file=str(site.client_cfg)).run(steps)
    assert [event["sender"] for event in heard] == names


def test_replies_of_choria_become_events(
    choria: ChoriaCollective, caplog: pytest.LogCaptureFixture
) -> None:
    config = choria_config(choria)
    path = choria.directory / "test.conf"
    with rpc.Client(config) as client:
        # Where this client may listen.
        subject = client.middleware.reply_target("rpcutil", config.main_collective) + "eda"

    async def steps(source: Source) -> None:
        await listening(caplog)
        with rpc.Client(config) as client:
            client.call(rpc.Request("rpcutil", "ping", nodes=[WEB], reply_to=subject))
        await source.take()

    (event,) = Source(listen="replies", reply_to=subject, config_file=str(path)).run(steps)
    assert (event["sender"], event["statuscode"]) == (WEB, 0)
    assert event["data"]["pong"]
    if choria.version == 1:
        main = runpy.run_path(str(SOURCE))["main"]
        with pytest.raises(Exception, match="nothing to verify registrations with"):
            asyncio.run(main(asyncio.Queue(), {"config_file": str(path)}))


@pytest.fixture
def registering(authority: Authority, issuer: Issuer) -> Iterator[ChoriaCollective]:
    """A node of Choria that registers what it has, in the version in which nodes sign with keys of their own."""
    reason = missing_choria()
    if reason:
        pytest.skip(reason)
    daemon = {
        "registration": "inventory_content",
        "registerinterval": "1",
        "plugin.choria.registration.inventory_content.compression": "false",
    }
    options = Options(collectives=("choria",), daemon=daemon)
    with (
        ChoriaBroker(authority, issuer) as broker,
        ChoriaCollective(broker, authority, issuer, nodes=NODES[:1], options=options) as running,
    ):
        yield running


def test_registrations_of_choria_become_events_and_those_of_clients_do_not(
    registering: ChoriaCollective, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    rights = {"fleet_management": True, "org_admin": True}
    admin = issuer.client("admin", permissions=rights)
    path = registering.write_client_conf("admin.conf", dict(registering.security(admin)))
    # A client that says everywhere that it is the node. Only its token does not.
    liar = registering.write_client_conf("liar.conf", {"identity": WEB})
    operator = Config.from_configfile(str(liar), environ={})

    async def steps(source: Source) -> None:
        await listening(caplog)
        with rpc.Client(operator) as client:
            now = int(time.time())
            envelope = Envelope(WEB, "registration", "choria", Filter(), 60, "x", "1" * 32, now)
            payload = client.security.address(client.security.seal(envelope), "dev.null")
            for body in (payload, b"{}", payload[:-9]):
                outgoing = Outgoing(body, "registration", "choria", 60, "dev.null")
                client.middleware.publish(outgoing, time.monotonic() + LIMIT)
            client.call(rpc.Request("rpcutil", "ping", nodes=[WEB]))
        for _registration in range(3):
            await source.take()

    heard = Source(config_file=str(path)).run(steps)
    for event in heard:
        assert (event["kind"], event["sender"]) == ("registration", WEB)
        assert event["agent"] == "registration"
        assert event["body"]["content"]["facts"]["role"] == "web"
    assert len({event["requestid"] for event in heard}) == 3
    told = [r.message for r in caplog.records if "rejected so far" in r.message][-1]
    assert ast.literal_eval(told.partition(": ")[2]) == {"forged": 1, "undecodable": 2}


def program_of_the_guide() -> str:
    """The Python program of the guide."""
    (found,) = [text for kind, text in BLOCKS if kind == "python"]
    return found


@pytest.mark.parametrize("site", ["psk"], indirect=True)
def test_the_program_of_the_guide(site: Collective) -> None:
    """It prints what it hears. The node registers again and again until the program has subscribed."""
    path = str(ROOT / "plugins" / "module_utils")
    with subprocess.Popen(
        [sys.executable, "-c", program_of_the_guide()],
        cwd=site.directory,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        config, over = Config.from_configfile(str(site.client_cfg), {}), threading.Event()

        def register_often() -> None:
            number = 0
            while not over.wait(0.2):
                send(site, REGISTRATIONS, signed(config, ["rpcutil", number := number + 1]))

        sender = threading.Thread(target=register_often)
        sender.start()
        try:
            line = process.stdout.readline()
        finally:
            over.set()
            sender.join()
            process.terminate()
    assert line.startswith(f"{WEB} ['rpcutil', ")


# -- ansible-rulebook ------------------------------------------------------------------------------


def rulebook() -> str:
    """The rulebook of the guide."""
    (found,) = [text for kind, text in BLOCKS if kind == "yaml" and "sources:" in text]
    return found


def program() -> str:
    places = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    found = shutil.which("ansible-rulebook", path=places)
    if found is None:
        pytest.skip(
            "ansible-rulebook is not installed (pip install ansible-rulebook; it needs Java 17)"
        )
    return found


@pytest.mark.parametrize("site", ["ssl-yaml"], indirect=True)
def test_the_rulebook_of_the_guide(site: Collective, tmp_path: Path) -> None:
    """It runs unchanged, hears real nodes, and does nothing for a forged message."""
    (tmp_path / "events.yml").write_text(rulebook())
    (tmp_path / "inventory.yml").write_text("all: {hosts: {localhost: {}}}\n")
    (tmp_path / "variables.yml").write_text(yaml.safe_dump({"client_cfg": str(site.client_cfg)}))
    place = tmp_path / "collections" / "ansible_collections" / "pymco"
    place.mkdir(parents=True)
    (place / "mcollective").symlink_to(ROOT)
    log = tmp_path / "log"
    command = [
        *(program(), "--rulebook", "events.yml", "--inventory", "inventory.yml"),
        *("--vars", "variables.yml", "-v"),
    ]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "PYTHONPATH"))}
    environment = {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
        "HOME": str(tmp_path),
        "PATH": f"{Path(program()).parent}:{os.environ['PATH']}",
    }
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:

            def until(words: str, times: int = 1) -> None:
                end = time.monotonic() + LIMIT
                while log.read_text().count(words) < times:
                    assert process.poll() is None and time.monotonic() < end, log.read_text()
                    time.sleep(0.1)

            until("listening at", 2)
            operator = Config.from_configfile(str(site.client_cfg), {})
            send(site, REGISTRATIONS, signed(operator, ["forged"], senderid="forged.example.com"))
            site.daemons.stop(WEB)
            site.daemons.start(WEB)
            until(f"{WEB} has the agents ")
            with rpc.Client(operator) as client:
                for action in ("ping", "nosuch"):
                    client.call(rpc.Request("rpcutil", action, nodes=[DB], reply_to=QUEUE))
            until(f"{DB} did rpcutil")
            until(f"{DB} failed: ")
            until("rejected so far: {'forged': 1}")
            assert "forged.example.com" not in log.read_text()
        finally:
            process.terminate()
            process.wait(60)
