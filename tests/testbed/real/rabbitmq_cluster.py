# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two private RabbitMQs that are a cluster."""

from __future__ import annotations

import typing as t

from . import programs
from .rabbitmq import RabbitMQ

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from .place import Place


class Second(RabbitMQ):
    """A RabbitMQ that joins another one. Start the other one first, and end it last: it has the port mapper.

    Its clients, and its nodes, know both: this one first.
    """

    def __init__(self, first: RabbitMQ, places: Iterable[Place | str] = ()) -> None:
        super().__init__(places)
        self.places = first.places  # with the same passwords
        self._first = first

    def client_settings(self, place: Place) -> dict[str, str]:
        plugin = f"plugin.{self.connector}"
        other = self._first.client_settings(place)
        second = {
            key.replace("pool.1.", "pool.2."): value
            for key, value in other.items()
            if ".pool.1." in key
        }
        return {**super().client_settings(place), **second, f"{plugin}.pool.size": "2"}

    def start(self) -> None:
        """Start, and join the other one."""
        super().start()
        self.ctl("stop_app")
        self.ctl("reset")
        self.ctl("join_cluster", self._first.node)
        self.ctl("start_app")

    def _write_files(self) -> None:
        super()._write_files()
        self.epmd_port = self._first.epmd_port
        cookie = self.directory / ".erlang.cookie"
        cookie.chmod(0o600)
        cookie.write_bytes((self._first.directory / ".erlang.cookie").read_bytes())
        cookie.chmod(0o400)

    def _spawn(self) -> None:
        self._run([str(programs.require("rabbitmq-server"))], self._environment())
