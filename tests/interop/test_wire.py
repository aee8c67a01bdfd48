# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""For the same call, we put on the wire what the reference client puts there."""

from __future__ import annotations

import contextlib
import copy
import os
import re
import shlex
import shutil
import subprocess
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from recorder import Recorder
from testbed.real import programs
from testbed.real.broker import Broker
from testbed.real.collective import Collective
from testbed.real.nodes import Node
from testbed.real.security import SECURITIES
from wire import Oracle, Spoken, spoken
from wire_cases import CASES, CONNECTORS, DB, NAMED_AND_FILTERED, WEB, Case

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import filters, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter

if t.TYPE_CHECKING:
    from pathlib import Path

    from testbed.certificates import Authority, Certificate
    from testbed.real.security import Security

PATIENCE = 60.0
GRACE = 10
"""Seconds that a broker keeps a request beyond its ttl (R§2.2)."""
SETTINGS = [(connector, security) for connector in CONNECTORS for security in SECURITIES]
PLAYS = [
    (setting, case)
    for setting in SETTINGS
    for case in CASES
    if setting[0] in case.connectors and setting[1] in case.securities
]
NODES = [
    Node(WEB, {"role": "web"}, ["common"], ["mcollective", "eu"]),
    Node(DB, {"role": "db"}, ["common"], ["mcollective", "eu"]),
]
Frames = list[Spoken]


class Difference(t.NamedTuple):
    """Something that we say differently from the reference on purpose.

    ``edit`` makes of the reference's words what ours should be.
    """

    what: str
    reason: str
    edit: t.Callable[[Frames, Case], Frames]


def _stomp_1_1(frames: Frames, case: Case) -> Frames:
    subscribed = 0
    for frame in frames:
        if frame.headers.get("accept-version") == "1.0":
            fallback = ".stomp_1_0_fallback" not in case.settings
            frame.headers["accept-version"] = "1.1,1.0" if fallback else "1.1"
        if frame.command == "SUBSCRIBE":
            subscribed += 1
            frame.headers["id"] = f"id {subscribed}"
    return frames


def _bare(frames: Frames, _case: Case) -> Frames:
    for frame in frames:
        if not frame.payload:
            frame.headers.pop("content-type")
        if frame.command == "SUBSCRIBE":
            frame.headers["ack"] = "auto"
    return frames


def _without_unsubscribe(frames: Frames, _case: Case) -> Frames:
    return [frame for frame in frames if frame.command != "UNSUBSCRIBE"]


def _with_receipt(frames: Frames, _case: Case) -> Frames:
    frames[-1].headers["receipt"] = "receipt 1"
    return frames


def _confirmed(frames: Frames, case: Case) -> Frames:
    if "--no-results" in case.command or "--reply-to" in case.command:
        sent = [frame for frame in frames if frame.command == "SEND"]
        sent[-1].headers["receipt"] = "receipt 1"
        frames[-1].headers["receipt"] = "receipt 2"
    return frames


def _discovery_ttl(frames: Frames, case: Case) -> Frames:
    ttl = case.request.get("ttl")
    for frame in frames:
        if ttl and frame.payload and frame.payload["envelope"][":agent"] == '"discovery"':
            frame.payload["envelope"][":ttl"] = f"Integer {ttl}"
            if "expiration" in frame.headers:
                frame.headers["expiration"] = str((ttl + GRACE) * 1000)
    return frames


def _one_clock(frames: Frames, _case: Case) -> Frames:
    for frame in frames:
        if frame.headers.get("expires") == f"NOW + ttl + {GRACE + 1} s":
            frame.headers["expires"] = f"NOW + ttl + {GRACE} s"
    return frames


def _one_place_for_batches(frames: Frames, case: Case) -> Frames:
    if "--batch" not in case.command:
        return frames
    first, *others = [frame for frame in frames if frame.payload]
    for frame in (first, *others):
        frame.headers["reply-to"] = first.headers["reply-to"]
        frame.payload["envelope"][":filter"]['"identity"'] = []
        frame.payload["protected"][":data"][":process_results"] = "TrueClass"
    later = [frame for frame in frames if frame.command == "SUBSCRIBE"][1:]
    return [frame for frame in frames if not any(frame is one for one in later)]


def _without_listening(frames: Frames, case: Case) -> Frames:
    if "--no-results" not in case.command:
        return frames
    return [frame for frame in frames if frame.command != "SUBSCRIBE"]


def _with_all_filters(frames: Frames, case: Case) -> Frames:
    """The client first asks the named node whether it fits, and then sends the request to it."""
    if case is not NAMED_AND_FILTERED:
        return frames
    connect, *subscribe, request, disconnect = frames
    role = {":fact": '"role"', ":value": '"web"', ":operator": '"=="'}
    request.payload["envelope"][":filter"]['"fact"'] = [role]
    *first, ping = copy.deepcopy([*subscribe, request])
    collective = ping.payload["envelope"][":collective"]
    ping.payload["envelope"][":filter"]['"collective"'] = collective
    ping.payload["envelope"][":agent"] = '"discovery"'
    ping.payload["protected"] = '"ping"'
    reply_to = ping.headers["reply-to"].replace("reply_rpcutil", "reply_discovery")
    ping.headers["reply-to"] = reply_to
    request.payload["requestid"] = 2
    for frame in (*subscribe, request):
        for name in ("id", "destination", "reply-to"):
            if name in frame.headers:
                frame.headers[name] = re.sub(r"(id |_PID\.)1$", r"\g<1>2", frame.headers[name])
    return [connect, *first, ping, *subscribe, request, disconnect]


DIFFERENCES = [
    Difference(
        "CONNECT offers STOMP 1.1 always, not only where there is a heartbeat_interval, and"
        " subscriptions have ids",
        "1.0 has no way to write a colon or a line break in a header; brokers that know only 1.0"
        " choose it still, and whoever set stomp_1_0_fallback to no said not to",
        _stomp_1_1,
    ),
    Difference(
        "frames without a body have no content-type, and SUBSCRIBE says ack:auto",
        "there is no content, Ruby's stomp library gives it to every frame; auto is the default",
        _bare,
    ),
    Difference(
        "no UNSUBSCRIBE",
        "DISCONNECT ends all subscriptions; until then replies that come late are counted",
        _without_unsubscribe,
    ),
    Difference(
        "DISCONNECT asks for a receipt",
        "what we sent is safe with the broker when it has confirmed",
        _with_receipt,
    ),
    Difference(
        "the last message of a request whose replies nobody waits for asks for a receipt",
        "RabbitMQ tells of a missing exchange only whoever wants to know that it has the message",
        _confirmed,
    ),
    Difference(
        "a ttl that is asked for holds for discovery too",
        "the reference means to, but passes it on under the wrong key (MC:client.rb, createreq)",
        _discovery_ttl,
    ),
    Difference(
        "expires is what it is meant to be after timestamp, never a second more",
        "the reference looks at the clock for each, and a new second may begin between the two",
        _one_clock,
    ),
    Difference(
        "all batches have one place for their replies; their requests say process_results, and no"
        " identities",
        "a reply that comes late, in the time of another batch, counts; without the word nodes answer"
        " too; the address of a request to one node tells who it is, with or without batches",
        _one_place_for_batches,
    ),
    Difference(
        "where nobody is to answer nobody listens",
        "the reference subscribes to the replies of every request (MC:client.rb, sendreq)",
        _without_listening,
    ),
    Difference(
        "all filters of a command hold, also where -I names a node",
        "the reference takes the named for found and drops the other filters, and so a command"
        " reaches nodes that it excludes (MC:rpc/client.rb, identity_filter_discovery_optimization)",
        _with_all_filters,
    ),
]
"""All there are."""


class Stage:
    """Runs both clients with a collective, each through a recorder of its own."""

    def __init__(self, collective: Collective, oracle: Oracle, bearer: Certificate) -> None:
        self._collective = collective
        self._oracle = oracle
        main, eu = collective.nodes[0].collectives
        certificate = collective.directory / "its-file.pem"
        # Nodes look for what aes_security calls the bearer, and for what ssl calls the file.
        for path in (certificate, *(self._known(name) for name in ("bearer", "its-file"))):
            path.parent.mkdir(exist_ok=True)  # with a pre-shared key, nodes know no clients
            shutil.copy(bearer.path, path)
        flatfile = collective.directory / "nodes.txt"
        flatfile.write_text("".join(f"{node.identity}\n" for node in NODES), encoding="utf-8")
        self._names = {
            "main": main,
            "eu": eu,
            "user": collective.user,
            "password": collective.password,
            "psk": collective.psk,
            "private": collective.keys.operator.private,
            "public": collective.keys.operator.public,
            "certificate": certificate,
            "certificate_key": bearer.key,
            "flatfile": flatfile,
        }

    def _known(self, name: str) -> Path:
        return self._collective.directory / "clients" / f"{name}.pem"

    def fill(self, text: t.Any) -> t.Any:
        """Return a text of a case, or a list of texts, with its names replaced."""
        if isinstance(text, list):
            return [self.fill(item) for item in text]
        return text.format(**self._names) if isinstance(text, str) else text

    def play(self, case: Case) -> tuple[Frames, Frames]:
        """What the reference says, and what we say."""
        return self._run(case, self._reference), self._run(case, self._ours)

    def _run(self, case: Case, client: t.Callable[[Case, Path, dict[str, str]], int]) -> Frames:
        collective = self._collective
        environ = {name: self.fill(value) for name, value in case.environ.items()}
        with Recorder(collective.broker.stomp_port) as recorder:
            settings = {**case.settings, ".pool.1.port": str(recorder.port)}
            path = collective.write_client_cfg(
                f"wire-{recorder.port}.cfg",
                {
                    collective.option(key[1:]) if key.startswith(".") else key: self.fill(value)
                    for key, value in settings.items()
                },
            )
            pid = client(case, path, programs.environment(collective.directory, **environ))
        return spoken(recorder, pid, self._oracle, ".base64" in case.settings)

    def _reference(self, case: Case, path: Path, environ: dict[str, str]) -> int:
        ruby = [str(programs.require("ruby")), "-W0", "-r", str(programs.SHIM)]
        application, *words = shlex.split(self.fill(case.command))
        timeout = ["--dt", "1" if application == "find" else "2"]
        timeout += [] if case.answered else ["-t", "1"]
        process = subprocess.Popen(
            [*ruby, str(programs.require("mco")), application, "-c", str(path), *words, *timeout],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        try:
            output, _none = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        # 1 says that find found nobody, 4 that nobody answered.
        wanted = (0 if case.answered else 4,) if application == "rpc" else (0, 1)
        assert process.returncode in wanted, output
        return process.pid

    def _ours(self, case: Case, path: Path, environ: dict[str, str]) -> int:
        application, *words = case.command.split()
        agent, action = words[:2] if application == "rpc" else ("rpcutil", "ping")
        fields = {name: self.fill(value) for name, value in case.request.items()}
        filter_ = Filter()
        for kind, add in ADDERS.items():
            add(filter_, fields.pop(kind, []))
        fields["discovery_timeout"] = 0.1 if application == "find" else 2
        fields["timeout"] = 10 if case.answered else 0.1
        request = rpc.Request(agent, action, filter=filter_, **fields)
        with rpc.Client(Config.from_configfile(str(path), environ)) as client:
            (client.targets if application == "find" else client.call)(request)
        return os.getpid()


def _add_compounds(filter_: Filter, texts: t.Iterable[str]) -> None:
    for text in texts:
        filter_.add_compound(text)


ADDERS: dict[str, t.Callable[[Filter, t.Iterable[str]], None]] = {
    "facts": filters.add_facts,
    "classes": filters.add_classes,
    "agents": filters.add_agents,
    "identities": filters.add_identities,
    "with": filters.add_with,
    "compounds": _add_compounds,
}


class Theatre:
    """Runs one stage after the other. All cases of a stage run at the same time.

    It is no parametrized fixture, since pytest makes such a one anew for every case.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        authority: Authority = request.getfixturevalue("authority")
        self._bearer = authority.client("bearer")
        self._setting: tuple[str, Security] | None = None
        self._played: dict[str, Future[tuple[Frames, Frames]]] = {}
        self.open = contextlib.ExitStack()

    def played(self, setting: tuple[str, Security], case: Case) -> tuple[Frames, Frames]:
        """What the reference says in a case, and what we say."""
        if setting != self._setting:
            self.open.close()
            self._setting = setting
            self._raise_curtain(*setting)
        return self._played[case.name].result()

    def _raise_curtain(self, connector: str, security: Security) -> None:
        broker: Broker = self._request.getfixturevalue(connector)
        collective = Collective(broker, f"wire-{security}", security, NODES)
        oracle = Oracle(self.open.enter_context(collective))
        stage = Stage(collective, self.open.enter_context(oracle), self._bearer)
        pool = self.open.enter_context(ThreadPoolExecutor(6))
        cases = [case for setting, case in PLAYS if setting == self._setting]
        self._played = {case.name: pool.submit(stage.play, case) for case in cases}


@pytest.fixture(scope="module")
def theatre(request: pytest.FixtureRequest) -> t.Iterator[Theatre]:
    """Both clients in front of real brokers and nodes."""
    found = Theatre(request)
    with found.open:
        yield found


def named(value: t.Any) -> str:
    """What pytest shows of a parameter."""
    return value.name if isinstance(value, Case) else "-".join(value)


@pytest.mark.parametrize(("setting", "case"), PLAYS, ids=named)
def test_we_say_what_the_reference_says(
    theatre: Theatre, setting: tuple[str, Security], case: Case
) -> None:
    reference, ours = theatre.played(setting, case)
    assert ours == expected(reference, case)


def expected(reference: Frames, case: Case) -> Frames:
    """What we should say, given what the reference says."""
    frames = copy.deepcopy(reference)
    for difference in DIFFERENCES:
        frames = difference.edit(frames, case)
    return frames
