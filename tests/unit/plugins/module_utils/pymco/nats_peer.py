# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a scripted broker says and expects if it speaks NATS."""

from __future__ import annotations

import json
import pathlib
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import middleware
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.pool import Broker
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.nats_session import (
    Login,
    Session,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Peer,
    ScriptedBroker,
)

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware.nats import (
        NatsMiddleware,
    )

INFO = {"server_id": "X", "version": "2.9.10", "proto": 1, "headers": True, "max_payload": 1048576}
CALLER = "choria=alice.mcollective"


def greet(peer: Peer, **more: t.Any) -> None:
    """Send INFO."""
    peer.send_raw(b"INFO " + json.dumps({**INFO, **more}).encode() + b" \r\n")


def line(peer: Peer) -> str:
    """Return the next line of the client."""
    while b"\r\n" not in peer._buffer:
        peer.read_some()
    found, _end, peer._buffer = peer._buffer.partition(b"\r\n")
    return found.decode()


def expect(peer: Peer, *wanted: str) -> None:
    """Check the next lines of the client."""
    found = [line(peer) for _line in wanted]
    assert found == list(wanted)


def log_in(peer: Peer, **more: t.Any) -> dict[str, t.Any]:
    """Let the client log in. Return what it said of itself.

    :param more: of INFO.
    """
    greet(peer, **more)
    word, _blank, options = line(peer).partition(" ")
    assert word == "CONNECT"
    expect(peer, "PING")
    peer.send_raw(b"PONG\r\n")
    found: dict[str, t.Any] = json.loads(options)
    return found


def message(body: bytes, subject: str = "a.b") -> bytes:
    """A message as a server delivers it."""
    return f"MSG {subject} 1 {len(body)}\r\n".encode() + body + b"\r\n"


def session(broker: ScriptedBroker, login: Login | None = None, **more: t.Any) -> Session:
    """Open a session.

    :param more: of the :class:`.Broker`.
    """
    options = {"host": "127.0.0.1", "port": broker.port, "user": "", "password": "", **more}
    return Session.open(Broker(**options), login or Login("me"), 30)


def choria(directory: pathlib.Path, *ports: int, **more: str) -> NatsMiddleware:
    """Return the connector nats without TLS. In the names of options, __ stands for a dot."""
    files = {}
    for name in ("certificate", "key", "ca"):
        files[name] = directory / f"{name}.pem"
        files[name].touch()
    options = {
        "identity": "me",
        "connector": "nats",
        "securityprovider": "choria",
        "connection_timeout": "60",
        "plugin.choria.middleware_hosts": ", ".join(f"127.0.0.1:{port}" for port in ports),
        "plugin.choria.randomize_middleware_hosts": "0",
        "plugin.pymco.nats_tls": "0",
        "plugin.security.provider": "file",
        **{f"plugin.security.file.{name}": str(path) for name, path in files.items()},
        **{name.replace("__", "."): value for name, value in more.items()},
    }
    return t.cast("NatsMiddleware", middleware(Settings(options), CALLER))
