# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The configuration of a client: client.cfg, plugin.d and the environment.

Read as the reference reads it (MC:config.rb): no sections, no quotes, no interpolation, no
comments behind a value.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
import socket
import string
import typing as t

from . import exc
from .utils import read_text, reason

_T = t.TypeVar("_T")

_LINE = re.compile(r"(.+?)\s*=\s*(.+)", re.ASCII | re.DOTALL)
_PLUGIN_FILE = re.compile(r"\w+\.cfg", re.ASCII)
_IDENTITY = re.compile(r"[\w.\-]+", re.ASCII)
_TRUE = frozenset(("1", "yes", "true", "y", "t"))
_FALSE = frozenset(("0", "no", "false", "n", "f"))

DEFAULTS: dict[str, str] = {
    "collectives": "mcollective",
    "main_collective": "mcollective",
    "connector": "activemq",
    "securityprovider": "psk",
    "ttl": "60",
    "direct_addressing": "true",
    "direct_addressing_threshold": "10",
    "discovery_timeout": "2",
    "connection_timeout": "10",
}
"""The reference's defaults (MC:config.rb, set_config_defaults), but for connection_timeout, where
the reference waits for ever."""

KNOWN = frozenset(DEFAULTS) | frozenset(
    [
        "activate_agents",
        "classesfile",
        "color",
        "daemonize",
        "default_batch_size",
        "default_batch_sleep_time",
        "default_discovery_method",
        "default_discovery_options",
        "fact_cache_time",
        "factsource",
        "helptemplatedir",
        "identity",
        "keeplogs",
        "libdir",
        "logfacility",
        "logfile",
        "logger_type",
        "loglevel",
        "max_log_size",
        "publish_timeout",
        "queueprefix",
        "registerinterval",
        "registration",
        "registration_collective",
        "registration_splay",
        "rpcaudit",
        "rpcauditprovider",
        "rpcauthorization",
        "rpcauthprovider",
        "rpchelptemplate",
        "rpclimitmethod",
        "soft_shutdown",
        "soft_shutdown_timeout",
        "ssl_cipher",
        "threaded",
        "topicprefix",
        "topicsep",
    ]
)
LONGEST = 30 * 24 * 3600
"""Seconds; nothing may take longer, which also keeps out what is no number."""
_ACCUMULATING = {"libdir": os.pathsep, "default_discovery_options": "\n"}
_SECRET = re.compile(r"plugin\.psk|plugin\.(.+\.)?password\d*")


@dataclasses.dataclass(frozen=True)
class Broker:
    """One entry of a connector's pool.

    :ivar port: 61613 by default.
    :ivar tls: whether the connection is encrypted; then the broker's certificate is verified
        against :attr:`ca` (PEM files; the system's authorities if there are none).
    """

    host: str
    port: int
    user: str
    password: str = dataclasses.field(repr=False)
    tls: bool = False
    ca: tuple[str, ...] = ()
    cert: str | None = None
    key: str | None = None

    @property
    def name(self) -> str:
        """How messages call it: "host:port"."""
        return f"{self.host}:{self.port}"


class Config(t.Mapping[str, str]):
    """All options by their names in client.cfg, as text; the defaults included.

    :param options: the options that are set.
    :param environ: the environment variables to honour; none by default.
    :param source: where the options come from, for messages.
    """

    def __init__(
        self,
        options: t.Mapping[str, str],
        environ: t.Mapping[str, str] | None = None,
        source: str = "the given options",
    ) -> None:
        self._options = {**DEFAULTS, **options}
        self.environ = dict(environ or {})
        self.source = source
        self.warnings = [
            f"{source}: unknown option {key}"
            for key in options
            if key not in KNOWN and not key.startswith("plugin.")
        ]

    @classmethod
    def from_configfile(
        cls,
        configfile: str | None = None,
        environ: t.Mapping[str, str] | None = None,
        overrides: t.Mapping[str, str] | None = None,
    ) -> Config:
        """Read a client.cfg and the plugin.d beside it.

        :param configfile: default: the first readable file of the reference's places.
        :param environ: default: the process's.
        :param overrides: options that win over the files.
        :raises exc.ImproperlyConfigured: there is no such file, or it cannot be read.
        """
        environ = os.environ if environ is None else environ
        path = configfile or _first_readable(environ)
        options = _parse(read_text(path, "the configuration file"))
        options.update(_plugin_options(os.path.join(os.path.dirname(path), "plugin.d")))
        options.update(overrides or {})
        return cls(options, environ, path)

    @classmethod
    def from_configstr(cls, configstr: str, environ: t.Mapping[str, str] | None = None) -> Config:
        """Take the text of a client.cfg."""
        return cls(_parse(configstr), environ)

    # -- values --------------------------------------------------------------------------------

    def __getitem__(self, key: str) -> str:
        try:
            return self._options[key]
        except KeyError:
            raise exc.ConfigLookupError(f"{self.source}: the option {key} is missing") from None

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._options)

    def __len__(self) -> int:
        return len(self._options)

    def getint(self, key: str, default: int | None = None) -> int:
        """A whole number. Raises :class:`.exc.ImproperlyConfigured` for anything else."""
        return self._typed(key, default, int, "a whole number")

    def getfloat(self, key: str, default: float | None = None) -> float:
        """A number. Raises :class:`.exc.ImproperlyConfigured` for anything else."""
        return self._typed(key, default, _finite, "a number")

    def getseconds(self, key: str) -> float:
        """A time that can be waited for. Raises :class:`.exc.ImproperlyConfigured` otherwise."""
        seconds = self.getfloat(key)
        if not 0 < seconds < LONGEST:
            raise exc.ImproperlyConfigured(
                f"{self.source}: {key} = {self[key]} is not between 0 and {LONGEST} seconds"
            )
        return seconds

    def getboolean(self, key: str, default: bool | None = None) -> bool:
        """A truth value: 1 yes true y t, or 0 no false n f, in any case (MC:util.rb)."""
        return self._typed(key, default, _boolean, "yes or no")

    def _typed(self, key: str, default: _T | None, convert: t.Callable[[str], _T], what: str) -> _T:
        if default is not None and key not in self._options:
            return default
        try:
            return convert(self[key])
        except ValueError:
            raise exc.ImproperlyConfigured(
                f"{self.source}: {key} = {self[key]} is not {what}"
            ) from None

    def choose(self, key: str, choices: t.Mapping[str, t.Any], default: str | None = None) -> t.Any:
        """What the option's value names among the choices; case does not matter.

        :raises exc.ImproperlyConfigured: it names none of them.
        """
        name = (self.get(key, default) if default else self[key]).lower()
        if name not in choices:
            raise exc.ImproperlyConfigured(
                f"{self.source}: {key} = {name} is not supported; there are"
                f" {', '.join(sorted(choices))}"
            )
        return choices[name]

    # -- what the client asks for --------------------------------------------------------------

    @property
    def identity(self) -> str:
        """Who sends: the option, or the host's name."""
        identity = self._options.get("identity") or socket.gethostname()
        if not _IDENTITY.fullmatch(identity):
            raise exc.ImproperlyConfigured(
                f"{self.source}: identity = {identity}: it may have letters, digits, dots, dashes"
                " and underscores only"
            )
        return identity

    @property
    def collectives(self) -> list[str]:
        """The collectives that may be addressed; the main one is, listed or not."""
        names = [name.strip() for name in self["collectives"].split(",") if name.strip()]
        return [*names, self.main_collective] if self.main_collective not in names else names

    @property
    def main_collective(self) -> str:
        """The collective that a request goes to when none is named."""
        return self["main_collective"]

    @property
    def connector(self) -> str:
        """The connector's name, in lower case."""
        return self["connector"].lower()

    def secrets(self) -> list[str]:
        """The values that must appear nowhere."""
        found = [value for key, value in self._options.items() if is_secret(key)]
        found += [self.environ.get(name, "") for name in ("STOMP_PASSWORD", "MCOLLECTIVE_PSK")]
        return [value for value in found if value]

    def brokers(self) -> list[Broker]:
        """The pool of the configured connector, in order (MC:connector/rabbitmq.rb)."""
        prefix = f"plugin.{self.connector}.pool"
        size = self.getint(f"{prefix}.size")
        if size < 1:
            raise exc.ImproperlyConfigured(f"{self.source}: {prefix}.size is {size}: no broker")
        return [self._broker(f"{prefix}.{number}", number) for number in range(1, size + 1)]

    def _broker(self, prefix: str, number: int) -> Broker:
        tls = self.getboolean(f"{prefix}.ssl", False)
        return Broker(
            host=self[f"{prefix}.host"],
            port=self.getint(f"{prefix}.port", 61613),
            user=self.environ.get("STOMP_USER") or self.get(f"{prefix}.user", ""),
            password=self.environ.get("STOMP_PASSWORD") or self.get(f"{prefix}.password", ""),
            tls=tls,
            ca=tuple(self._paths(f"{prefix}.ssl.ca")) if tls else (),
            cert=self._tls_file(prefix, number, "cert") if tls else None,
            key=self._tls_file(prefix, number, "key") if tls else None,
        )

    def _paths(self, key: str) -> list[str]:
        return [path.strip() for path in self.get(key, "").split(",") if path.strip()]

    def _tls_file(self, prefix: str, number: int, kind: str) -> str | None:
        variable = f"MCOLLECTIVE_{self.connector}_POOL{number}_SSL_{kind}".upper()
        return self.environ.get(variable) or self.get(f"{prefix}.ssl.{kind}")

    # -- python-mcollective's methods ----------------------------------------------------------

    def get_host_and_ports(self) -> list[tuple[str, int]]:
        """The pool as (host, port) pairs."""
        return [(broker.host, broker.port) for broker in self.brokers()]

    def get_user_and_password(
        self, current_host_and_port: tuple[str, int] | None = None
    ) -> tuple[str, str]:
        """The credentials for one broker of the pool, by default the first."""
        brokers = self.brokers()
        for broker in brokers:
            if (broker.host, broker.port) == current_host_and_port:
                return broker.user, broker.password
        return brokers[0].user, brokers[0].password

    def get_ssl_params(self) -> list[dict[str, t.Any]]:
        """What stomp.py's set_ssl takes, for each broker of the pool that wants TLS."""
        return [
            {
                "for_hosts": [(broker.host, broker.port)],
                "ca_certs": ",".join(broker.ca) or None,
                "cert_file": broker.cert,
                "key_file": broker.key,
            }
            for broker in self.brokers()
            if broker.tls
        ]

    def get_conn_params(self) -> dict[str, t.Any]:
        """What stomp.py's Connection takes."""
        prefix = f"plugin.{self.connector}"
        return {
            "host_and_ports": self.get_host_and_ports(),
            "reconnect_sleep_initial": self.getfloat(f"{prefix}.initial_reconnect_delay", 0.01),
            "reconnect_sleep_max": self.getfloat(f"{prefix}.max_reconnect_delay", 30.0),
            "reconnect_attempts_max": self.getint(f"{prefix}.max_reconnect_attempts", 1),
            "vhost": self.get(f"{prefix}.vhost"),
        }


def is_secret(key: str) -> bool:
    """Whether the option of this name is a password or a key."""
    return _SECRET.fullmatch(key) is not None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _boolean(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(text)
    return word in _TRUE


def _parse(text: str) -> dict[str, str]:
    """Lines of ``key = value``; the last one wins, but for the options that accumulate."""
    options: dict[str, str] = {}
    for line in text.split("\n"):
        match = _LINE.fullmatch(line.rstrip(string.whitespace))
        if match is None or line.startswith("#"):
            continue
        key, value = match[1].strip(), match[2]
        if key in _ACCUMULATING and key in options:
            value = options[key] + _ACCUMULATING[key] + value
        options[key] = value
    return options


def _plugin_options(directory: str) -> dict[str, str]:
    """The options of plugin.d: ``x = y`` in rabbitmq.cfg is ``plugin.rabbitmq.x = y``."""
    if not os.path.isdir(directory):
        return {}
    options: dict[str, str] = {}
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        raise exc.ImproperlyConfigured(f"cannot read {directory}: {reason(error)}") from error
    for name in names:
        if not _PLUGIN_FILE.fullmatch(name):
            continue
        plugin = name[: -len(".cfg")]
        found = _parse(read_text(os.path.join(directory, name), "the configuration file"))
        options.update({f"plugin.{plugin}.{key}": value for key, value in found.items()})
    return options


def _first_readable(environ: t.Mapping[str, str]) -> str:
    """The reference's lookup (MC:util.rb, config_file_for_user)."""
    places = ["/etc/puppetlabs/mcollective/client.cfg", "/etc/mcollective/client.cfg"]
    if environ.get("HOME"):
        places.insert(0, os.path.join(environ["HOME"], ".mcollective"))
    for place in places:
        if os.access(place, os.R_OK):
            return place
    raise exc.ImproperlyConfigured(
        f"no readable configuration file found; looked for {', '.join(places)}"
    )
