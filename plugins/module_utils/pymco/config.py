# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The configuration of a client: client.cfg, plugin.d and the environment."""

from __future__ import annotations

import logging
import os
import re
import socket
import typing as t

from . import exc, permissions, ranges
from .config_file import Setting, first_readable, parse, read_files
from .logs import LOG
from .options import (
    BOOLEAN,
    CORE,
    DEFAULTS,
    HOST,
    INTEGER,
    NUMBER,
    PATH,
    TEXT,
    Kind,
    complaint,
    kind_of,
    note,
    texts,
)
from .pool import Broker, Pool, pool
from .ranges import LONGEST
from .utils import lookup_with_default

if t.TYPE_CHECKING:
    from .connector import Connector
    from .security import SecurityProvider
    from .serializers import Serializer

__all__ = ["INFINITE", "MAX_REPLY_BYTES", "Config", "lookup_with_default"]

_IDENTITY = re.compile(r"[\w.\-]+", re.ASCII)

MAX_REPLY_BYTES = "plugin.pymco.max_reply_bytes"

INFINITE = ranges.MOST
"""As ``max_reconnect_attempts``: as many attempts as connection_timeout has time for."""


class Config(t.Mapping[str, str]):
    """All options by their names in client.cfg, as text; the defaults included.

    :param configdict: the options that are set; see :func:`.options.texts`.
    :param logger: gets what the client does with this configuration; default: :data:`.logs.LOG`.
    :param environ: the environment variables to honour; none by default.
    :param source: where the options come from, for messages.
    :param origins: where a single option comes from, as in "client.cfg:12".
    :param files: the files that they were read from, and whether there are secrets in them.
    :raises exc.ImproperlyConfigured: the value of an option is not of its type.

    :ivar warnings: sentences for the user: options that nobody knows.
    :ivar notes: sentences for a user who asks for more: options of old files, which are ignored.
    """

    def __init__(
        self,
        configdict: t.Mapping[str, t.Any],
        logger: logging.Logger | None = None,
        *,
        environ: t.Mapping[str, str] | None = None,
        source: str = "the given options",
        origins: t.Mapping[str, str] | None = None,
        files: t.Mapping[str, bool] | None = None,
    ) -> None:
        options = texts(configdict)
        self._options = {**DEFAULTS, **options}
        self._given = frozenset(options)
        self._options["identity"] = self._options.get("identity") or socket.gethostname()
        self._origins = dict(origins or {})
        self._files = dict(files or {})
        self.environ = dict(environ or {})
        self.source = source
        self.logger = logger or LOG
        self.logger.debug("the configuration is from %s", source)
        self.warnings = self._remarks(complaint)
        self.warnings += permissions.warnings(self._files, self._options, self.environ)
        self.notes = self._remarks(lambda key: note(key, self.connector))
        for key in options:
            kind = kind_of(key)
            if kind is not None and (key in CORE or kind in (HOST, PATH)):
                self.read(key, kind, self[key])

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
        :raises exc.ImproperlyConfigured: there is no such file, it cannot be read, or the value of
            an option is not of its type.
        """
        environ = os.environ if environ is None else environ
        path = configfile or first_readable(environ)
        read = read_files(path)
        given = {key: Setting(text, "the given options") for key, text in (overrides or {}).items()}
        return cls._from_settings({**read.settings, **given}, environ, path, read.files)

    @classmethod
    def from_configstr(
        cls,
        configstr: str,
        section: str = "default",
        *,
        environ: t.Mapping[str, str] | None = None,
    ) -> Config:
        """Take the text of a client.cfg. It has no sections, so that the name of one changes nothing."""
        source = "the given text"
        return cls._from_settings(parse(configstr, source), environ, source)

    @classmethod
    def _from_settings(
        cls,
        settings: dict[str, Setting],
        environ: t.Mapping[str, str] | None,
        source: str,
        files: t.Mapping[str, bool] | None = None,
    ) -> Config:
        options = {key: setting.value for key, setting in settings.items()}
        origins = {key: setting.origin for key, setting in settings.items()}
        return cls(options, environ=environ, source=source, origins=origins, files=files)

    def altered(
        self, overrides: t.Mapping[str, str], environ: t.Mapping[str, str] | None = None
    ) -> Config:
        """The same with some options set anew.

        :param environ: default: the same.
        :raises exc.ImproperlyConfigured: the value of an option is not of its type.
        """
        given = {key: self._options[key] for key in self._given}
        origins = {**self._origins, **dict.fromkeys(overrides, "the given options")}
        environ = self.environ if environ is None else environ
        return Config(
            {**given, **overrides},
            self.logger,
            environ=environ,
            source=self.source,
            origins=origins,
            files=self._files,
        )

    def _remarks(self, remark: t.Callable[[str], str | None]) -> list[str]:
        """Return the remarks about the options that are set, each with the place that sets the option."""
        remarks = ((key, remark(key)) for key in self._options if key in self._given)
        return [f"{self.origin(key)}: {words}" for key, words in remarks if words]

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

    def given(self, key: str) -> bool:
        """Whether the option is set, and not only has a default."""
        return key in self._given

    def origin(self, key: str) -> str:
        """Where an option comes from, as messages name it."""
        return self._origins.get(key, self.source)

    def getint(self, key: str, default: int | None = None) -> int:
        """A whole number. Raises :class:`.exc.ImproperlyConfigured` for anything else."""
        return t.cast(int, self._typed(key, default, INTEGER))

    def getfloat(self, key: str, default: float | None = None) -> float:
        """A number. Raises :class:`.exc.ImproperlyConfigured` for anything else."""
        return t.cast(float, self._typed(key, default, NUMBER))

    def getseconds(
        self, key: str, default: float | None = None, zero: float | None = None
    ) -> float:
        """A time that can be waited for. Raises :class:`.exc.ImproperlyConfigured` otherwise.

        :param zero: what 0 stands for, where it is allowed.
        """
        seconds = self.getfloat(key, default)
        if seconds == 0 and zero is not None:
            return zero
        if not 0 < seconds < LONGEST:
            raise exc.ImproperlyConfigured(
                f"{self.origin(key)}: {key} = {self[key]} is not between 0 and {LONGEST} seconds"
            )
        return seconds

    def getboolean(self, key: str, default: bool | None = None) -> bool:
        """A truth value. Raises :class:`.exc.ImproperlyConfigured` for other words."""
        return t.cast(bool, self._typed(key, default, BOOLEAN))

    def _typed(self, key: str, default: t.Any, kind: Kind) -> t.Any:
        if default is not None and key not in self._options:
            return default
        return self.read(key, kind, self[key])

    def read(self, key: str, kind: Kind, text: str) -> t.Any:
        """The value that a text stands for.

        :param key: the option, for the message.
        :raises exc.ImproperlyConfigured: the text is no value of that kind, or the number is out of the
            option's range. A text of the wrong kind is not shown: it may be a password in the wrong place.
        """
        try:
            value = kind.read(text)
        except ValueError:
            raise exc.ImproperlyConfigured(
                f"{self.origin(key)}: {key} is not {kind.words}"
            ) from None
        fault = ranges.fault(key, value)
        if fault is not None:
            raise exc.ImproperlyConfigured(f"{self.origin(key)}: {key} {fault}, not {value}")
        return value

    def variable(self, name: str, kind: Kind = TEXT) -> str | None:
        """What an environment variable says; None if it is not set, or empty.

        :raises exc.ImproperlyConfigured: it is not of this kind. It is not shown; see :meth:`read`.
        """
        text = self.environ.get(name) or None
        if text is not None:
            try:
                kind.read(text)
            except ValueError:
                raise exc.ImproperlyConfigured(
                    f"the environment: {name} is not {kind.words}"
                ) from None
        return text

    def choose(self, key: str, choices: t.Mapping[str, t.Any], default: str | None = None) -> t.Any:
        """What the option's value names among the choices; case does not matter.

        :raises exc.ImproperlyConfigured: it names none of them.
        """
        name = (self.get(key, default) if default else self[key]).lower()
        if name not in choices:
            raise exc.ImproperlyConfigured(
                f"{self.origin(key)}: the value of {key} is not supported; there are"
                f" {', '.join(sorted(choices))}"
            )
        return choices[name]

    # -- what the client asks for --------------------------------------------------------------

    @property
    def identity(self) -> str:
        """Who sends: the option, or the host's name."""
        identity = self["identity"]
        if not _IDENTITY.fullmatch(identity):
            raise exc.ImproperlyConfigured(
                f"{self.origin('identity')}: identity may have letters, digits, dots, dashes and"
                " underscores only"
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

    @property
    def max_reply_bytes(self) -> int:
        """Bytes that all accepted replies to a request may have together on the wire. The option is
        this client's own."""
        return self.getint(MAX_REPLY_BYTES, 512 * 2**20)

    @property
    def libdirs(self) -> list[str]:
        """The directories that plugins lie in, as they are searched: the last of the file first
        (MC:config.rb, loadconfig).

        :raises exc.ImproperlyConfigured: one of them is relative, which the reference refuses.
        """
        paths = [path for path in self.get("libdir", "").split(os.pathsep) if path]
        for path in paths:
            if not os.path.isabs(path):
                raise exc.ImproperlyConfigured(
                    f"{self.origin('libdir')}: libdir {path} is relative; it must be absolute"
                )
        return list(dict.fromkeys(reversed(paths)))

    def secrets(self) -> set[str]:
        """The passwords and keys that are in use: those of the connector and of the security provider.
        What a broker says is shown without them."""
        words = {self.connector: "STOMP_PASSWORD"}
        if self["securityprovider"].lower() == "psk":
            words["psk"] = "MCOLLECTIVE_PSK"
        found = {self.environ.get(variable, "") for variable in words.values()}
        for key, value in self._options.items():
            kind = kind_of(key)
            if kind is not None and kind.secret and key.split(".")[1] in words:
                found.add(value)
        return found - {""}

    def pool(self) -> Pool:
        """The brokers of the configured connector, and the patience with them."""
        return pool(self)

    def brokers(self) -> list[Broker]:
        """The brokers of the configured connector, in order."""
        return list(self.pool().brokers)

    # -- python-mcollective's methods ----------------------------------------------------------

    def get_connector(self) -> Connector:
        """See :func:`.connector.connector`."""
        from .connector import connector  # it stands above its configuration, as the next do

        return connector(self)

    def get_security(self) -> SecurityProvider:
        """See :func:`.security.security_provider`."""
        from .security import security_provider

        return security_provider(self)

    def get_serializer(self, key: str) -> Serializer:
        """The serializer that an option names.

        :raises exc.ImproperlyConfigured: it names none.
        """
        from .serializers import SERIALIZERS

        found: type[Serializer] = self.choose(key, SERIALIZERS)
        return found()

    def get_host_and_ports(self) -> list[tuple[str, int]]:
        """The pool as (host, port) pairs."""
        return [(broker.host, broker.port) for broker in self.brokers()]

    def get_user_and_password(
        self, current_host_and_port: tuple[str, int] | None = None
    ) -> tuple[str, str]:
        """The credentials for one broker of the pool, by default the first.

        :raises exc.ConfigLookupError: the broker is not in the pool.
        """
        brokers = self.brokers()
        for broker in brokers:
            if current_host_and_port in (None, (broker.host, broker.port)):
                return broker.user, broker.password
        raise exc.ConfigLookupError(
            f"{self.source}: {current_host_and_port} is not in the pool of {self.connector}"
        )

    def get_ssl_params(self) -> list[dict[str, t.Any]]:
        """What stomp.py's set_ssl takes, for each broker of the pool that wants TLS.

        :raises exc.ImproperlyConfigured: a broker has several CA files, or none; stomp.py takes one,
            and verifies nothing without.
        """
        wanted = [broker for broker in self.brokers() if broker.tls]
        for broker in wanted:
            if len(broker.ca) != 1:
                raise exc.ImproperlyConfigured(
                    f"{self.source}: {broker.name} has {len(broker.ca)} CA files; stomp.py takes one"
                )
        return [
            {
                "for_hosts": [(broker.host, broker.port)],
                "ca_certs": broker.ca[0],
                "cert_file": broker.cert,
                "key_file": broker.key,
            }
            for broker in wanted
        ]

    def get_conn_params(self) -> dict[str, t.Any]:
        """What stomp.py's Connection takes."""
        found = self.pool()
        return {
            "host_and_ports": self.get_host_and_ports(),
            "reconnect_sleep_initial": found.delay,
            "reconnect_sleep_max": found.longest_delay,
            "reconnect_attempts_max": found.attempts,
            "vhost": self.get(f"plugin.{self.connector}.vhost"),
        }
