# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""NATS servers that misbehave: the phases of their connections, what they do, and what a user must read.

The behaviours are those of STOMP's brokers where they do not depend on the protocol.
"""

from __future__ import annotations

import base64
import hashlib
import json
import typing as t

from ansible_collections.pymco.mcollective.tests.faults.behaviours import (
    STUCK,
    Behaviour,
    Expected,
    begin,
    close,
    drain,
    flood,
    half_open,
    hold,
    refuse,
    reset,
    slow,
)
from ansible_collections.pymco.mcollective.tests.faults.commands import FACT, Command, Ending
from ansible_collections.pymco.mcollective.tests.faults.phases import Phase, Scene
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.nats_peer import (
    expect,
    greet,
    line,
    message,
)

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.pymco.mcollective.tests.faults.wrong import Wrong
    from ansible_collections.pymco.mcollective.tests.testbed.certificates import Certificate

LARGEST = 2**30
"""The max_payload that a server tells, so that a request can be larger than what the system buffers."""
COMMANDS = ("rpc", "rpc by discovery", "ping", "fire-and-forget")
"""The commands that are tried. What the others make of a fault is seen over STOMP."""


def config(phase: Phase, host: str, ca: Path, own: Certificate) -> dict[str, t.Any]:
    """Return the configuration of a client."""
    return {
        "securityprovider": "choria",
        "plugin.choria.middleware_hosts": host,
        "plugin.pymco.nats_tls": phase.tls,
        "plugin.security.provider": "file",
        "plugin.security.file.certificate": str(own.path),
        "plugin.security.file.key": str(own.key),
        "plugin.security.file.ca": str(ca),
    }


# -- a node ----------------------------------------------------------------------------------------


def _request(payload: bytes) -> dict[str, t.Any]:
    """Return the parts of a request that a node needs (version 1)."""
    transport = json.loads(payload)
    request = json.loads(json.loads(base64.b64decode(transport["data"]))["message"])
    return {**request["envelope"], "reply-to": transport["headers"]["reply-to"]}


def reply(requestid: str, agent: str, sender: str) -> bytes:
    """Return a reply of a node (version 1)."""
    body = (
        "pong"
        if agent == "discovery"
        else json.dumps({"statuscode": 0, "statusmsg": "OK", "data": FACT})
    )
    envelope = {"requestid": requestid, "senderid": sender, "agent": agent, "time": 1795931274}
    document = {"protocol": "choria:reply:1", "message": body, "envelope": envelope}
    text = json.dumps(document)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    secure = {"protocol": "choria:secure:reply:1", "message": text, "hash": digest}
    data = base64.b64encode(json.dumps(secure).encode()).decode()
    headers = {"mc_sender": sender}
    transport = {"protocol": "choria:transport:1", "data": data, "headers": headers}
    return json.dumps(transport).encode()


# -- phases ----------------------------------------------------------------------------------------


def _nothing(peer: Wrong, scene: Scene) -> None:
    pass


def _until_tls(peer: Wrong, scene: Scene) -> None:
    greet(peer, tls_required=True)


def _until_connect(peer: Wrong, scene: Scene) -> None:
    greet(peer, tls_required=scene.phase.tls, max_payload=LARGEST)
    if scene.phase.tls:
        peer.start_tls(scene.context)
    assert line(peer).startswith("CONNECT ")
    expect(peer, "PING")


def _log_in(peer: Wrong, scene: Scene) -> None:
    _until_connect(peer, scene)
    peer.send_raw(b"PONG\r\n")


def _until_subscribed(peer: Wrong, scene: Scene) -> None:
    _log_in(peer, scene)
    _expect_subscription(peer)


def _expect_subscription(peer: Wrong) -> None:
    found = line(peer)
    if found.startswith("UNSUB "):  # of the request before
        found = line(peer)
    assert found.startswith("SUB mcollective.reply.")
    expect(peer, "PING")


def _until_published(peer: Wrong, scene: Scene) -> None:
    _log_in(peer, scene)
    if scene.command.awaits:
        _expect_subscription(peer)
        peer.send_raw(b"PONG\r\n")
    while not peer._buffer.startswith(b"PUB "):
        peer.read_some()


def _published(peer: Wrong, count: int) -> dict[str, t.Any]:
    """Take so many messages. Return the request."""
    for _message in range(count):
        head = line(peer)
        while head == "PING":  # a sign of life
            head = line(peer)
        word, _subject, size = head.split()
        assert word == "PUB"
        while len(peer._buffer) < int(size) + 2:
            peer.read_some()
        payload, peer._buffer = peer._buffer[: int(size)], peer._buffer[int(size) + 2 :]
    return _request(payload)


def _until_waiting(peer: Wrong, scene: Scene) -> None:
    _until_subscribed(peer, scene)
    peer.send_raw(b"PONG\r\n")
    _answer(peer, _published(peer, scene.command.steps[0]), scene.command.early)


def _answer(peer: Wrong, request: t.Mapping[str, t.Any], senders: t.Iterable[str]) -> None:
    for sender in senders:
        body = reply(request["requestid"], request["agent"], sender)
        peer.send_raw(message(body, request["reply-to"]))


def _until_confirmed(peer: Wrong, scene: Scene) -> None:
    _log_in(peer, scene)
    _published(peer, scene.command.steps[0])
    expect(peer, "PING")


def _until_closed(peer: Wrong, scene: Scene) -> None:
    _log_in(peer, scene)
    for count in scene.command.steps:
        if scene.command.awaits:
            _expect_subscription(peer)
            peer.send_raw(b"PONG\r\n")
        request = _published(peer, count)
        if scene.command.awaits:
            _answer(peer, request, scene.command.asked)
    expect(peer, "PING")
    if not scene.command.awaits:
        peer.send_raw(b"PONG\r\n")


_REST = b"x" * 1000
_MESSAGE = b"MSG a.b 1 5000\r\n" + _REST
_NATS: t.Any = {"connector": "nats", "unfinished": _MESSAGE}

TCP = Phase("NATS: TCP", _nothing, connects=True, deaf=True, **_NATS)
INFO = Phase("INFO", _nothing, "nats", connects=True, unfinished=b'INFO {"x":"' + _REST)
TLS = Phase("NATS: TLS", _until_tls, tls=True, connects=True, handshake=True, **_NATS)
LOGIN = Phase("NATS: CONNECT", _until_connect, connects=True, **_NATS)
LOGIN_TLS = Phase("NATS: CONNECT in TLS", _until_connect, tls=True, connects=True, **_NATS)
SUB = Phase("SUB", _until_subscribed, **_NATS)
PUB = Phase("PUB", _until_published, grown=True, **_NATS)
WAITING = Phase("NATS: waiting", _until_waiting, answers=True, **_NATS)
CONFIRM = Phase("PING", _until_confirmed, confirms=True, **_NATS)
CLOSE = Phase("close", _until_closed, tls=True, waits=False, **_NATS)
PHASES = [TCP, INFO, TLS, LOGIN, LOGIN_TLS, SUB, PUB, WAITING, CONFIRM, CLOSE]
_CONNECTED = (LOGIN, LOGIN_TLS)


# -- behaviours ------------------------------------------------------------------------------------


def _complain(peer: Wrong, scene: Scene) -> None:
    begin(peer, scene)
    peer.send_raw(b"-ERR 'not allowed: Access refused'\r\n")
    peer.close()


def _refuse_subject(peer: Wrong, scene: Scene) -> None:
    """Refuse as a server does that goes on."""
    peer.send_raw(b"-ERR 'Permissions Violation for Publish to \"a.b\"'\r\nPONG\r\n")
    peer.drain()


_DONE = {CLOSE: Expected(Ending.DONE)}
_SILENT = Expected(Ending.SILENT)
_UNCONFIRMED = Expected(Ending.UNCONFIRMED, r"{broker} did not confirm what we sent in time")
_UNSUBSCRIBED = Expected(Ending.UNSENT, r"{broker} did not confirm the subscription in time")
_QUIET = {SUB: _UNSUBSCRIBED, WAITING: _SILENT, CONFIRM: _UNCONFIRMED, **_DONE}
_NO_INFO = Expected(Ending.REFUSED, r"{broker} takes connections, but did not greet us in time")
_NO_PONG = Expected(
    Ending.REFUSED, r"{broker} takes connections, but did not answer NATS's CONNECT in time"
)
_NO_LOGIN = {INFO: _NO_INFO, **dict.fromkeys(_CONNECTED, _NO_PONG)}
_NO_HANDSHAKE = Expected(
    Ending.REFUSED, r"no TLS connection to {broker}: the broker did not finish the handshake"
)
_NO_TLS = Expected(Ending.REFUSED, r"no TLS connection to {broker}: .*does this port speak TLS")
_STUCK = Expected(Ending.UNSENT, STUCK)
_BROKEN = (
    r"{broker} closed the connection|sending to {broker} failed: .*(reset|[Bb]roken pipe|closed)"
)
_EARLY = Expected(Ending.REFUSED, r"{broker} closed the connection during the login")
_GONE = {
    INFO: Expected(
        Ending.REFUSED, rf"{_EARLY.words}|cannot connect to {{broker}}: Connection reset"
    ),
    TLS: _NO_TLS,
    **dict.fromkeys(_CONNECTED, _EARLY),
    SUB: Expected(Ending.UNSENT, _BROKEN),
    PUB: Expected(Ending.UNSENT, _BROKEN),
    WAITING: Expected(Ending.LOST, r"{broker} closed the connection"),
    CONFIRM: Expected(Ending.UNCONFIRMED, r"{broker} closed the connection"),
    **_DONE,
}
_WORDS = r"{broker} refused what we sent: not allowed: Access refused"
_ERROR = {
    TLS: _NO_TLS,
    **dict.fromkeys(
        (INFO, *_CONNECTED),
        Expected(Ending.REFUSED, r"{broker} refused the connection: not allowed: Access refused"),
    ),
    SUB: Expected(Ending.UNSENT, _WORDS),
    PUB: Expected(Ending.UNSENT, _WORDS),
    WAITING: Expected(Ending.LOST, _WORDS),
    CONFIRM: Expected(Ending.UNCONFIRMED, _WORDS),
    **_DONE,
}
_FORBIDDEN = r'{broker} refused what we sent: Permissions Violation for Publish to "a.b". Check'


def _left(words: str) -> dict[Phase, Expected]:
    """The client may leave a server that does this, and then says why it left."""
    either = {
        SUB: Expected(Ending.UNSENT, f"{words}|{_UNSUBSCRIBED.words}"),
        PUB: Expected(Ending.SILENT_OR_LOST, words),
        WAITING: Expected(Ending.SILENT_OR_LOST, words),
        CONFIRM: Expected(Ending.UNCONFIRMED, f"{words}|{_UNCONFIRMED.words}"),
    }
    refused = Expected(Ending.REFUSED, r"{broker} (sent .* instead of|.* did not .* in time)")
    return {INFO: refused, **dict.fromkeys(_CONNECTED, refused), **either, **_DONE}


_FLOODED = {PUB: _SILENT, **_QUIET}
_OTHER = message(reply("f" * 32, "rpcutil", "web2"), "mcollective.reply.x.y")
_REFUSAL = b"-ERR 'Permissions Violation for Publish to \"mcollective.node.web3\"'\r\n"
_INSTEAD = Expected(Ending.REFUSED, r"{broker} sent a message instead of (INFO|PONG)")
_MESSAGES = {INFO: _INSTEAD, **dict.fromkeys(_CONNECTED, _INSTEAD), **_FLOODED}

BEHAVIOURS = [
    Behaviour(
        "NATS refuses",
        refuse,
        {TCP: Expected(Ending.REFUSED, r"cannot connect to {broker}: connection refused.*NATS")},
    ),
    Behaviour(
        "NATS silent",
        drain,
        {
            TCP: Expected(Ending.REFUSED, r"cannot connect to {broker}: no answer within"),
            TLS: _NO_HANDSHAKE,
            **_NO_LOGIN,
            **_QUIET,
        },
    ),
    Behaviour("NATS slow", slow, {TLS: _NO_HANDSHAKE, **_NO_LOGIN, PUB: _STUCK, **_QUIET}),
    Behaviour("NATS half-open", half_open, {TLS: _NO_HANDSHAKE, **_NO_LOGIN, **_QUIET}),
    Behaviour("NATS never reads", hold, {PUB: _STUCK}),
    Behaviour("NATS reset", reset, _GONE),
    Behaviour("NATS closes", close, _GONE),
    Behaviour("NATS -ERR", _complain, _ERROR),
    Behaviour(
        "NATS forbids",
        _refuse_subject,
        {
            SUB: Expected(Ending.UNSENT, _FORBIDDEN),
            WAITING: Expected(Ending.LOST, _FORBIDDEN),
            CONFIRM: Expected(Ending.UNCONFIRMED, _FORBIDDEN),
        },
    ),
    Behaviour("NATS floods: MSG", flood(message(b"no payload")), _MESSAGES, heavy=True),
    Behaviour(
        "NATS floods: MSG of another request", flood(_OTHER), _MESSAGES, True, "other_request"
    ),
    Behaviour("NATS floods: refusals for another node", flood(_REFUSAL), _MESSAGES, heavy=True),
    Behaviour("NATS floods: PING", flood(b"PING\r\n"), {**_NO_LOGIN, **_FLOODED}, heavy=True),
    Behaviour(
        "NATS floods: PONG",
        flood(b"PONG\r\n"),
        {INFO: _NO_INFO, PUB: _SILENT, WAITING: _SILENT, **_DONE},
        heavy=True,
    ),
    Behaviour(
        "NATS floods: INFO",
        flood(b'INFO {"max_payload":1000000000}\r\n'),
        {**dict.fromkeys(_CONNECTED, _NO_PONG), **_FLOODED},
        heavy=True,
    ),
    Behaviour(
        "NATS floods: no NATS",
        flood(b"HELLO\r\n"),
        _left(r"{broker} sent something that is not"),
        True,
    ),
    Behaviour(
        "NATS floods: endless MSG",
        flood(b"x", first=b"MSG a.b 1 999999999999\r\n"),
        _left(r"{broker} sent .*more than \d+ bytes"),
        heavy=True,
    ),
    Behaviour(
        "NATS floods: endless line",
        flood(b"x", first=b"INFO "),
        _left(r"{broker} sent .*more than \d+ bytes"),
        heavy=True,
    ),
    Behaviour(
        "NATS floods and never reads",
        flood(_OTHER, reads=False),
        {**_MESSAGES, PUB: _STUCK},
        heavy=True,
    ),
]


def no_meaning(behaviour: Behaviour, phase: Phase, command: Command) -> str | None:
    """Return why a combination is not in the matrix, or None if it is."""
    if command.name not in COMMANDS:
        return "what the command makes of it, it makes of it over STOMP, too"
    if not command.awaits and phase in (SUB, WAITING):
        return "a call without replies does not subscribe and does not listen"
    if command.awaits and phase is CONFIRM:
        return "who waits for replies waits for no confirmation of the request"
    if not command.awaits and phase is CLOSE:
        return "all has been confirmed"
    if phase.grown and command.grown is None:
        return "the request is so small that it leaves whether the server reads or not"
    if phase.grown and not command.awaits and CONFIRM not in behaviour.expected:
        return "a PONG is the right answer"
    if phase in behaviour.expected:
        return None
    return "this is the right answer there, or the same as in another phase"
