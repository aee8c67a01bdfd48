# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private RabbitMQ."""

from __future__ import annotations

import secrets
import subprocess
import typing as t

from . import programs
from .broker import Broker, Tls
from .definitions import definitions
from .ports import free_ports, wait_for_listener

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from .place import Place


class RabbitMQ(Broker):
    """Here, a place is a virtual host, which shows nothing of other virtual hosts.

    :ivar node: its name for other Erlang nodes, which they ask the port mapper for.
    :ivar epmd_port: where the port mapper listens.
    """

    connector = "rabbitmq"
    program = "RabbitMQ"

    def __init__(self, places: Iterable[Place | str] = (), tls: Tls | None = None) -> None:
        super().__init__(places, tls)
        self.epmd_port = 0
        self._dist_port = 0
        self.node = f"mcotest-{secrets.token_hex(4)}@localhost"

    def vhost(self, place: Place) -> str:
        return place.name

    def collective(self, place: Place, name: str) -> str:
        return name

    def broadcasts(self, collective: str, agent: str) -> str:
        return "/".join(["/exchange", f"{collective}_broadcast", *([agent] if agent else [])])

    def ctl(self, *arguments: str) -> str:
        """Run ``rabbitmqctl`` against this broker (half a second) and return what it prints."""
        done = subprocess.run(
            [str(programs.require("rabbitmqctl")), "-q", "-n", self.node, *arguments],
            env=self._environment(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        output = done.stdout.decode(errors="replace")
        if done.returncode:
            words = output + done.stderr.decode(errors="replace")
            raise RuntimeError(f"rabbitmqctl {arguments[0]} failed: {words.strip()}")
        return output

    def _write_files(self) -> None:
        home = self.directory
        self.epmd_port, self._dist_port = free_ports(2)
        (home / "enabled_plugins").write_text("[rabbitmq_stomp].\n")
        (home / "rabbitmq-env.conf").write_text("")
        (home / "advanced.config").write_text("[].\n")
        (home / "definitions.json").write_text(definitions(self.places.values()))
        (home / "rabbitmq.conf").write_text("\n".join([*self._config(), ""]))
        cookie = home / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)

    def _config(self) -> list[str]:
        lines = [
            # The tests do not use AMQP, and each further port may be taken.
            "listeners.tcp = none",
            f"stomp.listeners.tcp.1 = 127.0.0.1:{self.stomp_port}",
            f"load_definitions = {self.directory}/definitions.json",
            "loopback_users = none",
            # A small disk must not block senders.
            "disk_free_limit.absolute = 1MB",
            "vm_memory_high_watermark.relative = 0.8",
        ]
        return lines + self._tls_config(self.tls) if self.tls else lines

    def _tls_config(self, tls: Tls) -> list[str]:
        return [
            f"stomp.listeners.ssl.1 = 127.0.0.1:{self.tls_port}",
            f"ssl_options.cacertfile = {tls.authority}",
            f"ssl_options.certfile = {tls.server.path}",
            f"ssl_options.keyfile = {tls.server.key}",
            "ssl_options.verify = verify_peer",
            f"ssl_options.fail_if_no_peer_cert = {str(tls.demands_client).lower()}",
        ]

    def _environment(self) -> dict[str, str]:
        home = self.directory
        return programs.environment(
            home,
            ERL_EPMD_ADDRESS="127.0.0.1",
            ERL_EPMD_PORT=str(self.epmd_port),
            # Without it the start script stays as parent of the virtual machine, to translate
            # signals for it; with it the machine takes the script's place and its process id.
            RUNNING_UNDER_SYSTEMD="true",
            RABBITMQ_NODENAME=self.node,
            RABBITMQ_DIST_PORT=str(self._dist_port),
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}",
            RABBITMQ_CONF_ENV_FILE=str(home / "rabbitmq-env.conf"),
            RABBITMQ_CONFIG_FILE=str(home / "rabbitmq.conf"),
            RABBITMQ_ADVANCED_CONFIG_FILE=str(home / "advanced.config"),
            RABBITMQ_ENABLED_PLUGINS_FILE=str(home / "enabled_plugins"),
            RABBITMQ_MNESIA_BASE=str(home / "mnesia"),
            RABBITMQ_GENERATED_CONFIG_DIR=str(home / "generated"),
            RABBITMQ_LOG_BASE=str(home),
            RABBITMQ_LOGS=str(self.log),
            RABBITMQ_PID_FILE=str(home / "rabbitmq.pid"),
        )

    def _answers(self) -> bool:
        """RabbitMQ opens the STOMP port before it reads the definitions, which contain the places."""
        run = self.log.read_text().rpartition("Starting RabbitMQ")[2] if self.log.exists() else ""
        return "Server startup complete" in run and super()._answers()

    def _spawn(self) -> None:
        """Start the port mapper first. Otherwise, RabbitMQ starts one itself that nobody can end."""
        env = self._environment()
        self._run([str(programs.require("epmd")), "-port", str(self.epmd_port)], env)
        wait_for_listener(self.epmd_port)
        self._run([str(programs.require("rabbitmq-server"))], env)
