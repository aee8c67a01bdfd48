# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The brokers that a configuration names, and how often each is tried."""

from __future__ import annotations

import dataclasses
import math
import os
import typing as t

from . import exc, options

if t.TYPE_CHECKING:
    from .config import Config

PORT = 61613
"""STOMP's usual port."""
LEGACY_PORT = 6163
"""The one of the connector stomp (2.2.4:connector/stomp.rb)."""


@dataclasses.dataclass(frozen=True)
class Broker:
    """One entry of a connector's pool.

    :ivar tls: whether the connection is encrypted.
    :ivar verified: whether the broker has to show a certificate for its host name that is signed
        by one of :attr:`ca`, or by one of the system's authorities if there are none. Only
        ``ssl.fallback`` turns it off, and ``ssl.verify``, which the reference does not have.
    :ivar ca: PEM files.
    :ivar cert: PEM file of the certificate to show to the broker.
    :ivar key: PEM file of its private key.
    :ivar ciphers: OpenSSL's notation; None: OpenSSL's default.
    """

    host: str
    port: int
    user: str
    password: str = dataclasses.field(repr=False)
    tls: bool = False
    verified: bool = True
    ca: tuple[str, ...] = ()
    cert: str | None = None
    key: str | None = None
    ciphers: str | None = None

    @property
    def name(self) -> str:
        """How messages call it: "host:port"."""
        return f"{self.host}:{self.port}"


@dataclasses.dataclass(frozen=True)
class Pool:
    """Brokers in the order in which they are tried, and the patience with them.

    :ivar attempts: how many connections are tried in all, the brokers by turns.
    :ivar delay: seconds to wait after the first failed attempt.
    :ivar longest_delay: seconds that no wait exceeds.
    :ivar factor: by what the wait grows from one attempt to the next.
    :ivar randomize: try the brokers in another order each time.
    :ivar attempt_timeout: seconds that one attempt may take.
    :ivar warnings: what the user should know.
    """

    brokers: tuple[Broker, ...]
    attempts: int
    delay: float
    longest_delay: float
    factor: float
    randomize: bool
    attempt_timeout: float
    warnings: tuple[str, ...]

    def delays(self) -> t.Iterator[float]:
        """Seconds to wait before each attempt; the first is made at once."""
        yield 0.0
        delay = self.delay
        for _attempt in range(1, self.attempts):
            yield min(delay, self.longest_delay)
            delay = min(delay * self.factor, self.longest_delay)


def pool(config: Config) -> Pool:
    """The pool of the configured connector (MC:connector/rabbitmq.rb, connect).

    The reference tries for ever unless ``max_reconnect_attempts`` is set. Then this tries as often
    as the reference; else it tries each broker once.

    :raises exc.ImproperlyConfigured: an option is missing or wrong.
    """
    prefix = f"plugin.{config.connector}"
    warnings: list[str] = []
    brokers = tuple(_broker(entry, warnings) for entry in _entries(config, prefix))
    if config.connector == "stomp":
        prefix += ".pool"
    reconnects = config.getint(f"{prefix}.max_reconnect_attempts", 0)
    return Pool(
        brokers=brokers,
        attempts=reconnects + 1 if reconnects > 0 else len(brokers),
        delay=config.getseconds(f"{prefix}.initial_reconnect_delay", 0.01, zero=0.0),
        longest_delay=config.getseconds(f"{prefix}.max_reconnect_delay", 30.0, zero=0.0),
        factor=_factor(config, prefix),
        randomize=config.getboolean(f"{prefix}.randomize", False),
        attempt_timeout=config.getseconds(f"{prefix}.connect_timeout", 30.0, zero=math.inf),
        warnings=tuple(warnings),
    )


def _factor(config: Config, prefix: str) -> float:
    key = f"{prefix}.back_off_multiplier"
    factor = config.getfloat(key, 2.0)
    if factor < 0:
        raise exc.ImproperlyConfigured(f"{config.origin(key)}: {key} = {config[key]} is negative")
    return factor if config.getboolean(f"{prefix}.use_exponential_back_off", True) else 1.0


class _Entry:
    """The options of one broker.

    :param name: makes the full name of an option from the part that says what it is.
    :param variables: the environment variables that win, by that part; an empty one is as none.
    """

    def __init__(
        self, config: Config, name: t.Callable[[str], str], variables: t.Mapping[str, str]
    ) -> None:
        self.config = config
        self.name = name
        self._variables = {**_VARIABLES, **variables}

    def get(self, part: str) -> str | None:
        """An option's value, if there is one."""
        kind = _KINDS.get(part, options.TEXT)
        given = self.config.variable(self._variables.get(part, ""), kind)
        return given or self.config.get(self.name(part))

    def required(self, part: str) -> str:
        """An option's value. Raises :class:`.exc.ConfigLookupError` if there is none."""
        return self.get(part) or self.config[self.name(part)]

    def port(self) -> int:
        """The port; without one, the connector's."""
        text = self.get("port")
        if not text:
            return LEGACY_PORT if self.config.connector == "stomp" else PORT
        if self.config.environ.get(self._variables.get("port", "")):
            return options.port(text)
        return t.cast(int, self.config.read(self.name("port"), options.PORT, text))

    def flag(self, part: str) -> bool:
        """An option that is no by default."""
        return self.config.getboolean(self.name(part), False)

    def credential(self, part: str) -> str:
        """The user or the password; the reference takes none as an empty one."""
        given = self.get(part)
        prompt = f"plugin.{self.config.connector}.prompt_{part}"
        if given is None and self.config.getboolean(prompt, False):
            raise exc.ImproperlyConfigured(
                f"{self.config.origin(prompt)}: {prompt} wants somebody to be asked, which this"
                f" client does not do; set {self.name(part)} or {_VARIABLES[part]}"
            )
        return given or ""


_VARIABLES = {"user": "STOMP_USER", "password": "STOMP_PASSWORD"}
_KINDS = {
    "host": options.HOST,
    "port": options.PORT,
    "ssl.cert": options.PATH,
    "ssl.key": options.PATH,
}
"""What the environment variables must be that win over options."""


def _entries(config: Config, prefix: str) -> t.Iterator[_Entry]:
    legacy = config.connector == "stomp"
    if legacy and f"{prefix}.pool.size" not in config:
        variables = {"host": "STOMP_SERVER", "port": "STOMP_PORT"}
        yield _Entry(config, lambda part: f"{prefix}.{part}", variables)
        return
    for number in range(1, config.getint(f"{prefix}.pool.size") + 1):
        variable = f"MCOLLECTIVE_{config.connector}_POOL{number}_SSL_".upper()
        variables = {"ssl.cert": f"{variable}CERT", "ssl.key": f"{variable}KEY"}
        form = f"{prefix}.pool.{{}}{number}" if legacy else f"{prefix}.pool.{number}.{{}}"
        yield _Entry(config, form.format, variables)


def _broker(entry: _Entry, warnings: list[str]) -> Broker:
    broker = Broker(
        host=entry.required("host"),
        port=entry.port(),
        user=entry.credential("user"),
        password=entry.credential("password"),
    )
    return _with_tls(broker, entry, warnings) if entry.flag("ssl") else broker


def _with_tls(broker: Broker, entry: _Entry, warnings: list[str]) -> Broker:
    ca = tuple(path.strip() for path in (entry.get("ssl.ca") or "").split(",") if path.strip())
    cert, key = entry.get("ssl.cert"), entry.get("ssl.key")
    if entry.flag("ssl.fallback"):
        problem = _tls_problem(ca, cert, key)
        if problem:
            warnings.append(
                f"{entry.config.origin(entry.name('ssl.fallback'))}: the TLS connection to"
                f" {broker.name} is not verified, because {problem} and ssl.fallback is set:"
                " anybody on the way can read and change everything. Without ssl.fallback it is"
                " verified, for which ssl.ca is enough here"
            )
            return dataclasses.replace(broker, tls=True, verified=False)
    if not entry.config.getboolean(entry.name("ssl.verify"), True):
        warnings.append(
            f"the TLS connection to {broker.name} is not verified, as was asked for: anybody on the"
            " way can read and change everything"
        )
        return dataclasses.replace(broker, tls=True, verified=False, cert=cert, key=key)
    return dataclasses.replace(
        broker, tls=True, ca=ca, cert=cert, key=key, ciphers=entry.get("ssl.ciphers")
    )


def _tls_problem(ca: tuple[str, ...], cert: str | None, key: str | None) -> str | None:
    """Why the reference would fall back (MC:connector/rabbitmq.rb, ssl_parameters)."""
    if not (ca and cert and key):
        return "ssl.ca, ssl.cert and ssl.key are not all set"
    missing = [path for path in (*ca, cert, key) if not os.path.exists(path)]
    return f"{missing[0]} does not exist" if missing else None
