# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The phases of a connection: what an honest broker does until one begins."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import symbolize
from ansible_collections.pymco.mcollective.tests.faults.commands import FACTS, Command
from ansible_collections.pymco.mcollective.tests.testbed.embedded.nodes import Node
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    read,
    sealed,
)

if t.TYPE_CHECKING:
    import ssl

    from ansible_collections.pymco.mcollective.tests.faults.wrong import Wrong
    from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
        Frame,
    )


@dataclass(frozen=True)
class Scene:
    """What a script knows.

    :ivar context: of a broker that speaks TLS.
    """

    command: Command
    phase: Phase
    context: ssl.SSLContext


@dataclass(frozen=True)
class Phase:
    """A point in a conversation at which a broker may go wrong.

    :ivar reach: what an honest broker does until then.
    :ivar connects: True if the client is still connecting.
    :ivar waits: True if the client waits for its timeouts if nothing more comes.
    :ivar grown: True if the request is larger than what the system buffers.
    :ivar answers: True if a node has answered.
    :ivar confirms: True if the client waits for the broker to confirm that it has the request.
    :ivar handshake: True if the client begins a TLS handshake.
    :ivar unfinished: something of which no end comes, where it is not the expected frame of STOMP.
    :ivar deaf: True if a broker that is silent does not even take connections.
    """

    name: str
    reach: t.Callable[[Wrong, Scene], None]
    connector: str = "rabbitmq"
    tls: bool = False
    connects: bool = False
    waits: bool = True
    grown: bool = False
    answers: bool = False
    confirms: bool = False
    deaf: bool = False
    handshake: bool = False
    unfinished: bytes = b""


def _nothing(peer: Wrong, scene: Scene) -> None:
    pass


def _until_connect(peer: Wrong, scene: Scene) -> None:
    if scene.phase.tls:
        peer.start_tls(scene.context)
    peer.expect("CONNECT")


def _until_subscribe(peer: Wrong, scene: Scene) -> None:
    peer.log_in()
    peer.expect("SUBSCRIBE")


def _until_send(peer: Wrong, scene: Scene) -> None:
    peer.log_in()
    peer.expect_begin("SEND")


def _until_waiting(peer: Wrong, scene: Scene) -> None:
    peer.log_in()
    if scene.phase.connector == "activemq":
        peer.expect("SUBSCRIBE")
    requests = [peer.expect("SEND") for _frame in range(scene.command.steps[0])]
    _answer(peer, requests[0], _nodes(scene.command.early))


def _until_receipt(peer: Wrong, scene: Scene) -> None:
    peer.log_in()
    frames = [peer.expect("SEND") for _frame in range(scene.command.steps[0])]
    assert "receipt" in frames[-1].headers


def _until_disconnect(peer: Wrong, scene: Scene) -> None:
    peer.log_in()
    nodes = _nodes(scene.command.asked)
    for frames in scene.command.steps:
        requests = [peer.expect("SEND") for _frame in range(frames)]
        if scene.command.awaits:
            _answer(peer, requests[0], nodes)
        else:
            peer.confirm(requests[-1])
    peer.expect("DISCONNECT")


def _nodes(names: t.Iterable[str]) -> list[Node]:
    """Return nodes that remember what they did."""
    return [Node(name, facts=FACTS) for name in names]


def _answer(peer: Wrong, frame: Frame, nodes: t.Iterable[Node]) -> None:
    """Reply as honest nodes do."""
    request = read(frame)
    for node in nodes:
        body = node.answer(request[":agent"], request[":body"])
        if isinstance(body, dict):
            body = symbolize({**body, "data": symbolize(body["data"])})
        peer.reply(sealed(request, node.identity, body))


TCP = Phase("TCP", _nothing, connects=True, deaf=True)
TLS = Phase("TLS", _nothing, tls=True, connects=True, handshake=True)
CONNECT = Phase("CONNECT", _until_connect, connects=True)
CONNECT_TLS = Phase("CONNECT in TLS", _until_connect, tls=True, connects=True)
SUBSCRIBE = Phase("SUBSCRIBE", _until_subscribe, connector="activemq")
SEND = Phase("SEND", _until_send, grown=True)
WAITING = Phase("waiting", _until_waiting, answers=True)
WAITING_ACTIVEMQ = Phase("waiting (ActiveMQ)", _until_waiting, connector="activemq", answers=True)
RECEIPT = Phase("RECEIPT", _until_receipt, confirms=True)
DISCONNECT = Phase("DISCONNECT", _until_disconnect, waits=False)
PHASES = [
    *(TCP, TLS, CONNECT, CONNECT_TLS, SUBSCRIBE, SEND),
    *(WAITING, WAITING_ACTIVEMQ, RECEIPT, DISCONNECT),
]
LOGIN = (CONNECT, CONNECT_TLS)
LISTENING = (WAITING, WAITING_ACTIVEMQ)
