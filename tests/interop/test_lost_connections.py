# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client still gets if its connection is cut while the broker and the nodes go on."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t

import pytest
from calling import call, config_of, senders
from testbed.real.default_nodes import DEFAULT_NODES

if t.TYPE_CHECKING:
    from testbed.real.collective import Collective

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

WEB = DEFAULT_NODES[0].identity
SLEEP = 2
"""Seconds that the node takes to answer: the connection is cut as soon as it has been asked."""


class Wire:
    """Relays one connection to a broker, and cuts it when the client has sent a request."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.cut = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Wire:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._listener.close()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        client, _address = self._listener.accept()
        broker = socket.create_connection(("127.0.0.1", self._broker_port))
        with client, broker:
            back = threading.Thread(target=self._pass, args=[broker, client], daemon=True)
            back.start()
            self._pass(client, broker, until=b"SEND\n")
            self.cut.set()
            # The broker reads what has been sent before it sees the end.
            for sock in (broker, client):
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            back.join(20)

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket, until: bytes | None = None) -> None:
        """Hand on what comes until the end, or until a frame that begins so has been handed on."""
        seen = b""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
                seen += data
                if until is not None and until in seen and seen.rstrip(b"\n").endswith(b"\0"):
                    return


def through(wire: Wire, lone: Collective, **more: str) -> Config:
    """A pool with the same broker twice. The first entry goes through a connection that is cut."""
    settings = {
        "pool.size": "2",
        "pool.1.port": str(wire.port),
        "pool.2.host": lone.broker.host,
        "pool.2.port": str(lone.broker.stomp_port),
        "pool.2.user": lone.user,
        "pool.2.password": lone.password,
        "use_reply_exchange": "1",
        **more,
    }
    if lone.broker.connector != "rabbitmq":
        del settings["use_reply_exchange"]
    return config_of(lone, {lone.option(name): value for name, value in settings.items()})


def test_replies_come_over_the_next_connection(lone: Collective) -> None:
    with Wire(lone.broker.stomp_port) as wire:
        result = call(
            through(wire, lone), "sleeper", "sleep", arguments={"seconds": SLEEP}, nodes=[WEB]
        )
        assert wire.cut.is_set()
    assert senders(result) == [WEB]
    assert result.lost is None
    assert [f"127.0.0.1:{wire.port} closed the connection" in why for why in result.resumed] == [
        True
    ]


@pytest.mark.parametrize("lone", ["rabbitmq"], indirect=True)
def test_a_temporary_queue_ends_with_its_connection(lone: Collective) -> None:
    with Wire(lone.broker.stomp_port) as wire:
        config = through(wire, lone, use_reply_exchange="0")
        result = call(config, "sleeper", "sleep", arguments={"seconds": SLEEP}, nodes=[WEB])
    assert (result.no_response, result.resumed) == ([WEB], [])
    assert "closed the connection" in str(result.lost)


def test_discovery_is_repeated_over_the_next_broker(lone: Collective) -> None:
    with Wire(lone.broker.stomp_port) as wire:
        result = call(through(wire, lone), "rpcutil", "ping")
        assert wire.cut.is_set()
    assert senders(result) == [WEB]
    assert result.broker == f"127.0.0.1:{lone.broker.stomp_port}"
    (why,) = result.passed_over
    assert f"127.0.0.1:{wire.port} closed the connection" in why
