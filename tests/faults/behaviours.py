# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The brokers that misbehave: what each of them does, and what a user must read in each phase.

To add a behaviour, add an entry to :data:`BEHAVIOURS`.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pymco.mcollective.tests.faults import phases
from ansible_collections.pymco.mcollective.tests.faults.commands import Ending
from ansible_collections.pymco.mcollective.tests.faults.phases import LISTENING, LOGIN, Phase, Scene
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import sealed

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.tests.faults.wrong import Wrong


class Expected(t.NamedTuple):
    """How the call must end.

    :ivar words: a regular expression for what the user must read, where {broker} is "host:port".
    """

    ending: Ending
    words: str = ""


@dataclass(frozen=True)
class Behaviour:
    """A broker that misbehaves.

    :ivar act: what it does once a phase has been reached, until the client has gone.
    :ivar expected: how that must end, for each phase in which it has a meaning.
    :ivar heavy: True if it keeps a processor busy.
    :ivar rejected: the reason for which what it sends must be counted.
    """

    name: str
    act: t.Callable[[Wrong, Scene], None]
    expected: dict[Phase, Expected]
    heavy: bool = False
    rejected: str | None = None


# -- what brokers do -----------------------------------------------------------------------------

_FILLER = "x" * 1000


def _frame(command: str, body: bytes = b"", /, **headers: str) -> bytes:
    lines = [command, *(f"{name.replace('_', '-')}:{value}" for name, value in headers.items())]
    return "\n".join(lines).encode() + b"\n\n" + body + b"\0"


_MESSAGE = {"subscription": "s", "destination": "/d", "message_id": "1"}
_ELSEWHERE = {**_MESSAGE, "subscription": "of-somebody-else"}
_OTHER_REQUEST = {":requestid": "f" * 32, ":agent": "rpcutil"}


def _unfinished(scene: Scene) -> bytes:
    """Return the expected frame, so long that its end never comes."""
    if scene.phase.unfinished:
        return scene.phase.unfinished
    if scene.phase in LOGIN:
        return _frame("CONNECTED", version="1.1", server=_FILLER)
    if scene.phase in (phases.RECEIPT, phases.DISCONNECT):
        return _frame("RECEIPT", receipt_id=_FILLER)
    return _frame("MESSAGE", b"x", filler=_FILLER, **_MESSAGE)


def drain(peer: Wrong, scene: Scene) -> None:
    peer.drain()


def refuse(peer: Wrong, scene: Scene) -> None:
    """Nobody listens on the port, so nothing of this is ever done."""


def slow(peer: Wrong, scene: Scene) -> None:
    if scene.phase.grown:
        peer.sip()
    elif scene.phase.handshake:
        peer.drip(peer.first_flight(scene.context))
    else:
        peer.drip(_unfinished(scene))


def half_open(peer: Wrong, scene: Scene) -> None:
    shakes = scene.phase.handshake
    data = peer.first_flight(scene.context) if shakes else _unfinished(scene)
    peer.send_raw(data[: len(data) // 2])
    peer.hold()


def hold(peer: Wrong, scene: Scene) -> None:
    peer.hold()


def begin(peer: Wrong, scene: Scene) -> None:
    """Wait until the client begins a handshake, if it uses TLS."""
    if scene.phase.handshake:
        peer.read_some()


def reset(peer: Wrong, scene: Scene) -> None:
    begin(peer, scene)
    peer.reset()


def close(peer: Wrong, scene: Scene) -> None:
    begin(peer, scene)
    peer.close()


def _complain(peer: Wrong, scene: Scene) -> None:
    begin(peer, scene)
    peer.complain("not allowed", "Access refused")


def flood(data: bytes, reads: bool = True, first: bytes = b"") -> t.Callable[[Wrong, Scene], None]:
    return lambda peer, scene: peer.flood(data, reads, first)


# -- how that must end ---------------------------------------------------------------------------

_DONE = {phases.DISCONNECT: Expected(Ending.DONE)}
_SILENT = Expected(Ending.SILENT)
_UNCONFIRMED = Expected(Ending.UNCONFIRMED, r"{broker} did not confirm what we sent in time")
_QUIET = {
    **dict.fromkeys((phases.SUBSCRIBE, *LISTENING), _SILENT),
    phases.RECEIPT: _UNCONFIRMED,
    **_DONE,
}
_NO_HANDSHAKE = Expected(
    Ending.REFUSED, r"no TLS connection to {broker}: the broker did not finish the handshake"
)
_NO_TLS = Expected(Ending.REFUSED, r"no TLS connection to {broker}: .*does this port speak TLS")
_NO_ANSWER = Expected(
    Ending.REFUSED, r"{broker} takes connections, but did not answer STOMP's CONNECT in time"
)
_NO_CONNECTED = Expected(
    Ending.REFUSED, r"{broker}\b(?!.*closed the connection).*(CONNECT|login|logged in)"
)
_LEFT_LOGIN = Expected(Ending.REFUSED, r"{broker} closed the connection during the login")
STUCK = r"sending to {broker} failed: .*takes nothing more"
_STUCK = Expected(Ending.UNSENT, STUCK)
_BROKEN = (
    r"{broker} closed the connection|sending to {broker} failed: .*(reset|[Bb]roken pipe|closed)"
)
_GONE = {
    phases.TCP: Expected(
        Ending.REFUSED, rf"{_LEFT_LOGIN.words}|cannot connect to {{broker}}: Connection reset"
    ),
    phases.TLS: _NO_TLS,
    **dict.fromkeys(LOGIN, _LEFT_LOGIN),
    phases.SUBSCRIBE: Expected(Ending.LOST, _BROKEN),
    phases.SEND: Expected(Ending.UNSENT, _BROKEN),
    **dict.fromkeys(LISTENING, Expected(Ending.LOST, r"{broker} closed the connection")),
    phases.RECEIPT: Expected(Ending.UNCONFIRMED, r"{broker} closed the connection"),
    **_DONE,
}
_REFUSED = Expected(Ending.LOST, r"{broker} refused what we sent: not allowed: Access refused")
_ERROR = {
    phases.TLS: _NO_TLS,
    **dict.fromkeys(
        LOGIN, Expected(Ending.REFUSED, r"{broker} refused the login.*not allowed: Access refused")
    ),
    **dict.fromkeys((phases.SUBSCRIBE, *LISTENING), _REFUSED),
    phases.SEND: _REFUSED._replace(ending=Ending.UNSENT),
    phases.RECEIPT: _REFUSED._replace(ending=Ending.UNCONFIRMED),
    **_DONE,
}
_FLOODED = {**dict.fromkeys(LOGIN, _NO_CONNECTED), phases.SEND: _SILENT, **_QUIET}


def _left(words: str) -> dict[Phase, Expected]:
    """The client may leave a broker that does this, and then says why it left."""
    quiet = dict.fromkeys(
        (phases.SUBSCRIBE, phases.SEND, *LISTENING), Expected(Ending.SILENT_OR_LOST, words)
    )
    either = Expected(Ending.UNCONFIRMED, f"{words}|{_UNCONFIRMED.words}")
    return {**dict.fromkeys(LOGIN, _NO_CONNECTED), **quiet, phases.RECEIPT: either, **_DONE}


_TOO_LONG = _left(r"{broker} sent .*more than \d+ bytes")
_TWICE = {
    phase: expected
    for phase, expected in _left(r"{broker}\b(?!.*closed the connection).*CONNECTED").items()
    if phase not in LOGIN
}

BEHAVIOURS = [
    Behaviour(
        "refuses",
        refuse,
        {phases.TCP: Expected(Ending.REFUSED, r"cannot connect to {broker}: connection refused")},
    ),
    Behaviour(
        "silent",
        drain,
        {
            phases.TCP: Expected(Ending.REFUSED, r"cannot connect to {broker}: no answer within"),
            phases.TLS: _NO_HANDSHAKE,
            **dict.fromkeys(LOGIN, _NO_ANSWER),
            **_QUIET,
        },
    ),
    Behaviour(
        "slow",
        slow,
        {
            phases.TLS: _NO_HANDSHAKE,
            **dict.fromkeys(LOGIN, _NO_ANSWER),
            phases.SEND: _STUCK,
            **_QUIET,
        },
    ),
    Behaviour(
        "half-open",
        half_open,
        {phases.TLS: _NO_HANDSHAKE, **dict.fromkeys(LOGIN, _NO_ANSWER), **_QUIET},
    ),
    Behaviour("never reads", hold, {phases.SEND: _STUCK}),
    Behaviour("reset", reset, _GONE),
    Behaviour("closes", close, _GONE),
    Behaviour("ERROR", _complain, _ERROR),
    Behaviour(
        "floods: MESSAGE for another subscription",
        flood(_frame("MESSAGE", b"no payload", **_ELSEWHERE)),
        _FLOODED,
        heavy=True,
    ),
    Behaviour(
        "floods: MESSAGE of another request",
        flood(_frame("MESSAGE", sealed(_OTHER_REQUEST, "web2"), **_MESSAGE)),
        _FLOODED,
        heavy=True,
        rejected="other_request",
    ),
    Behaviour(
        "floods: RECEIPT",
        flood(_frame("RECEIPT", receipt_id="of-nobody")),
        _FLOODED,
        heavy=True,
    ),
    Behaviour("floods: unknown frame", flood(_frame("HELLO", b"x", to="you")), _FLOODED, True),
    Behaviour("floods: newline", flood(b"\n"), _FLOODED, True),
    Behaviour("floods: CONNECTED", flood(_frame("CONNECTED", version="1.1")), _TWICE, True),
    Behaviour(
        "floods: endless MESSAGE",
        flood(b"x", first=_frame("MESSAGE", **_MESSAGE)[:-1]),
        _TOO_LONG,
        heavy=True,
    ),
    Behaviour("floods: endless header", flood(b"x", first=b"MESSAGE\nx:"), _TOO_LONG, True),
    Behaviour(
        "floods and never reads",
        flood(_frame("MESSAGE", sealed(_OTHER_REQUEST, "web2"), **_MESSAGE), reads=False),
        {**dict.fromkeys(LOGIN, _NO_CONNECTED), phases.SEND: _STUCK, **_QUIET},
        heavy=True,
    ),
]
