# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole embedded collective, as a context manager."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
import threading
import time
import typing as t
from pathlib import Path

from ..keys import Keys
from .lies import Reply, payloads
from .nodes import Node
from .security import NodeSecurity, Unacceptable
from .stomp_face import Frame, Login, Session, StompFace


class EmbeddedCollective:
    """A broker's face and the nodes behind it, in a thread of this process.

    :param security: see :class:`.NodeSecurity`.
    :param exchanges: the exchanges that exist; default: those that the collective needs.
    :param directory: where the keys and client.cfg go; default: a temporary one.
    """

    def __init__(
        self,
        nodes: t.Sequence[Node],
        security: str = "ssl-yaml",
        exchanges: t.Collection[str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.nodes = list(nodes)
        self.security = security
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="mcollective-embedded-"))
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.psk = f"psk-SECRET-{secrets.token_hex(8)}"
        self.login = Login("operator", f"pw-SECRET-{secrets.token_hex(8)}", "/mcollective")
        self.keys = Keys(self.directory / "keys")
        pairs = () if security == "psk" else (self.keys.server, self.keys.operator)
        self._security = NodeSecurity(security, self.psk, *pairs)
        names = {name for node in self.nodes for name in node.collectives} or {"mcollective"}
        needed = {f"{name}_{kind}" for name in names for kind in ("broadcast", "directed")}
        self._face = StompFace(
            self.login, needed | {"mcollective_reply"} if exchanges is None else exchanges, self
        )
        self._heard: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="embedded-collective", daemon=True)

    def __enter__(self) -> EmbeddedCollective:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, and write :attr:`client_cfg`."""
        self._loop.run_until_complete(self._face.start())
        self._thread.start()
        self.client_cfg = self.write_client_cfg("client.cfg")

    def stop(self) -> None:
        """End everything and remove all files."""
        asyncio.run_coroutine_threadsafe(self._face.stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    # -- configuration -------------------------------------------------------------------------

    def write_client_cfg(self, name: str, changes: t.Mapping[str, str] | None = None) -> Path:
        """Write a client's configuration with some options changed."""
        options = {**self._options(), **(changes or {})}
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text("".join(f"{key} = {value}\n" for key, value in options.items()))
        return path

    def _options(self) -> dict[str, str]:
        return {
            "identity": "operator.example.com",
            "main_collective": "mcollective",
            "connector": "rabbitmq",
            "plugin.rabbitmq.vhost": self.login.vhost,
            "plugin.rabbitmq.pool.size": "1",
            "plugin.rabbitmq.pool.1.host": "127.0.0.1",
            "plugin.rabbitmq.pool.1.port": str(self._face.port),
            "plugin.rabbitmq.pool.1.user": self.login.user,
            "plugin.rabbitmq.pool.1.password": self.login.password,
            **self._security_options(),
        }

    def _security_options(self) -> dict[str, str]:
        if self.security == "psk":
            return {"securityprovider": "psk", "plugin.psk": self.psk}
        if self.security == "none":
            return {"securityprovider": "none", "plugin.none.serializer": "yaml"}
        if self.security == "aes":
            return {
                "securityprovider": "aes_security",
                "plugin.aes.serializer": "yaml",
                "plugin.aes.client_private": str(self.keys.operator.private),
                "plugin.aes.client_public": str(self.keys.operator.public),
            }
        return {
            "securityprovider": "ssl",
            "plugin.ssl_serializer": self.security.removeprefix("ssl-"),
            "plugin.ssl_server_public": str(self.keys.server.public),
            "plugin.ssl_client_private": str(self.keys.operator.private),
            "plugin.ssl_client_public": str(self.keys.operator.public),
        }

    # -- requests ------------------------------------------------------------------------------

    def request(self, session: Session, frame: Frame, exchange: str, key: str) -> None:
        """Take a message from the broker's face; see :class:`.Router`."""
        collective, _underscore, kind = exchange.rpartition("_")
        try:
            request = self._security.open(frame.body)
        except Unacceptable:
            return
        for node in self.nodes:
            reached = node.identity == key if kind == "directed" else node.has_agent(key)
            if reached and collective in node.collectives and node.fits(request[":filter"]):
                self._answer(session, frame.headers.get("reply-to", ""), node, request)

    def _answer(
        self, session: Session, reply_to: str, node: Node, request: dict[str, t.Any]
    ) -> None:
        body = node.answer(request[":agent"], request[":body"])
        if body is None:
            return
        for payload in self._payloads(node, request, body):
            self._loop.call_later(node.delay, session.deliver, reply_to, payload)

    def _payloads(self, node: Node, request: dict[str, t.Any], body: t.Any) -> list[bytes]:
        """Return the one reply of an honest node, or the replies of a node that lies."""
        envelope = {
            "senderid": node.identity,
            "requestid": request[":requestid"],
            "senderagent": request[":agent"],
            "msgtime": int(time.time()),
        }
        reply = Reply(self._security, envelope, body, self._heard.get(node.identity))
        self._heard[node.identity] = request[":requestid"]
        return payloads(node.lie if request[":agent"] != "discovery" else None, reply)
