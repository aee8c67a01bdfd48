# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The brokers that the settings name, and how often each is tried."""

from __future__ import annotations

import dataclasses
import math
import os
import typing as t

from . import exc, options

if t.TYPE_CHECKING:
    from .choria import ChoriaOptions
    from .settings import Settings

PORT = 61613
"""STOMP's usual port."""
LEGACY_PORT = 6163
"""The one of the connector stomp (2.2.4:connector/stomp.rb)."""


@dataclasses.dataclass(frozen=True)
class Broker:
    """One entry of a connector's pool.

    :ivar tls: the connection is encrypted.
    :ivar verified: the broker must show a certificate for its host name that is signed by one of :attr:`ca`,
        or by one of the system's authorities if ca is empty. Only ``ssl.fallback`` turns this off, and
        ``ssl.verify``, which the reference does not have.
    :ivar ca: PEM files.
    :ivar cert: PEM file of the certificate to show to the broker.
    :ivar key: PEM file of its private key.
    :ivar ciphers: OpenSSL's notation; None: OpenSSL's default.
    :ivar trust: what names :attr:`ca` in messages.
    :ivar common_name: the host name may be the CN of a certificate that has no subjectAltName.
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
    trust: str = "ssl.ca"
    common_name: bool = False

    @property
    def name(self) -> str:
        """The broker's name in messages: "host:port"."""
        return f"{self.host}:{self.port}"


@dataclasses.dataclass(frozen=True)
class Pool:
    """Brokers in the order in which they are tried, and the patience with them.

    :ivar attempts: how many connections are tried in all; the brokers take turns.
    :ivar delay: seconds to wait after the first failed attempt.
    :ivar longest_delay: no wait is longer, in seconds.
    :ivar factor: multiplies the wait from one attempt to the next.
    :ivar randomize: try the brokers in another order each time.
    :ivar attempt_timeout: seconds that one attempt may take.
    :ivar warnings: sentences for the user.
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
        """Yield the seconds to wait before each attempt. The first attempt does not wait."""
        yield 0.0
        delay = self.delay
        for _attempt in range(1, self.attempts):
            yield min(delay, self.longest_delay)
            delay = min(delay * self.factor, self.longest_delay)


def pool(settings: Settings) -> Pool:
    """Return the pool of the configured connector (MC:connector/rabbitmq.rb, connect).

    The reference tries for ever unless ``max_reconnect_attempts`` is set. With that option this client tries
    as often as the reference; without it, it tries each broker once.

    :raises exc.ImproperlyConfigured: an option is missing or wrong.
    """
    prefix = f"plugin.{settings.connector}"
    warnings: list[str] = []
    brokers = tuple(_broker(entry, warnings) for entry in _entries(settings, prefix))
    if settings.connector == "stomp":
        prefix += ".pool"
    reconnects = settings.getint(f"{prefix}.max_reconnect_attempts", 0)
    return Pool(
        brokers=brokers,
        attempts=reconnects + 1 if reconnects > 0 else len(brokers),
        delay=settings.getseconds(f"{prefix}.initial_reconnect_delay", 0.01, zero=0.0),
        longest_delay=settings.getseconds(f"{prefix}.max_reconnect_delay", 30.0, zero=0.0),
        factor=_factor(settings, prefix),
        randomize=settings.getboolean(f"{prefix}.randomize", False),
        attempt_timeout=settings.getseconds(f"{prefix}.connect_timeout", 30.0, zero=math.inf),
        warnings=tuple(warnings),
    )


def choria_pool(found: ChoriaOptions) -> Pool:
    """Return the pool of Choria's brokers. Each is tried once."""
    brokers = [
        Broker(
            host=host,
            port=port,
            user=found.user,
            password=found.password,
            tls=found.tls,
            ca=(found.ca,) if found.ca else (),
            trust=str(found.ca),
            cert=found.cert,
            key=found.key,
            ciphers=found.ciphers,
            common_name=found.legacy_certificates,
        )
        for host, port in found.hosts
    ]
    return Pool(
        brokers=tuple(brokers),
        attempts=len(brokers),
        delay=0.01,
        longest_delay=30.0,
        factor=2.0,
        randomize=found.randomize,
        attempt_timeout=30.0,
        warnings=found.warnings,
    )


def _factor(settings: Settings, prefix: str) -> float:
    key = f"{prefix}.back_off_multiplier"
    factor = settings.getfloat(key, 2.0)
    if factor < 0:
        raise exc.ImproperlyConfigured(
            f"{settings.origin(key)}: {key} = {settings[key]} is negative"
        )
    return factor if settings.getboolean(f"{prefix}.use_exponential_back_off", True) else 1.0


class _Entry(t.NamedTuple):
    """The options of one broker.

    :ivar form: the full name of an option, with {} for the part that says what it is.
    :ivar variables: the environment variables that win, by that part.
    """

    settings: Settings
    form: str
    variables: dict[str, str]

    def name(self, part: str) -> str:
        """Return the full name of an option."""
        return self.form.replace("{}", part)

    def get(self, part: str) -> str | None:
        """Return the value of an option, or None."""
        name = self.name(part)
        variable = {**_CREDENTIALS, **self.variables}.get(part, "")
        kind = options.kind_of(name) or options.TEXT
        return self.settings.variable(variable, kind) or self.settings.get(name)

    def host(self) -> str:
        """Return the host. Raises :class:`.exc.ConfigLookupError` if the settings have none."""
        return self.get("host") or self.settings[self.name("host")]

    def port(self) -> int:
        """Return the port; by default, the connector's."""
        text = self.get("port")
        if not text:
            return LEGACY_PORT if self.settings.connector == "stomp" else PORT
        return t.cast(int, self.settings.read(self.name("port"), options.PORT, text))

    def flag(self, part: str, default: bool = False) -> bool:
        """Return the value of an option that is yes or no."""
        return self.settings.getboolean(self.name(part), default)

    def credential(self, part: str) -> str:
        """Return the user or the password. Without one it is empty, as in the reference."""
        given = self.get(part)
        prompt = f"plugin.{self.settings.connector}.prompt_{part}"
        if given is None and self.settings.getboolean(prompt, False):
            raise exc.ImproperlyConfigured(
                f"{self.settings.origin(prompt)}: {prompt} wants somebody to be asked, which this"
                f" client does not do; set {self.name(part)} or {_CREDENTIALS[part]}"
            )
        return given or ""


_CREDENTIALS = {"user": "STOMP_USER", "password": "STOMP_PASSWORD"}
"""The environment variables that win for every broker."""


def _entries(settings: Settings, prefix: str) -> t.Iterator[_Entry]:
    legacy = settings.connector == "stomp"
    if legacy and f"{prefix}.pool.size" not in settings:
        yield _Entry(settings, f"{prefix}.{{}}", {"host": "STOMP_SERVER", "port": "STOMP_PORT"})
        return
    for number in range(1, settings.getint(f"{prefix}.pool.size") + 1):
        variable = f"MCOLLECTIVE_{settings.connector}_POOL{number}_SSL_".upper()
        variables = {"ssl.cert": f"{variable}CERT", "ssl.key": f"{variable}KEY"}
        form = f"{prefix}.pool.{{}}{number}" if legacy else f"{prefix}.pool.{number}.{{}}"
        yield _Entry(settings, form, variables)


def _broker(entry: _Entry, warnings: list[str]) -> Broker:
    broker = Broker(
        host=entry.host(),
        port=entry.port(),
        user=entry.credential("user"),
        password=entry.credential("password"),
    )
    if not entry.flag("ssl"):
        return broker
    ca = tuple(path.strip() for path in (entry.get("ssl.ca") or "").split(",") if path.strip())
    cert, key = entry.get("ssl.cert"), entry.get("ssl.key")
    problem = _tls_problem(ca, cert, key) if entry.flag("ssl.fallback") else None
    if problem:
        warnings.append(
            f"{entry.settings.origin(entry.name('ssl.fallback'))}: the TLS connection to"
            f" {broker.name} is not verified, because {problem} and ssl.fallback is set:"
            " anybody on the way can read and change everything. Without ssl.fallback it is"
            " verified, for which ssl.ca is enough here"
        )
        return dataclasses.replace(broker, tls=True, verified=False)
    if not entry.flag("ssl.verify", True):
        warnings.append(
            f"the TLS connection to {broker.name} is not verified, as was asked for: anybody on the"
            " way can read and change everything"
        )
        return dataclasses.replace(broker, tls=True, verified=False, cert=cert, key=key)
    ciphers = entry.get("ssl.ciphers")
    return dataclasses.replace(broker, tls=True, ca=ca, cert=cert, key=key, ciphers=ciphers)


def _tls_problem(ca: tuple[str, ...], cert: str | None, key: str | None) -> str | None:
    """Return why the reference would fall back (MC:connector/rabbitmq.rb, ssl_parameters)."""
    if not (ca and cert and key):
        return "ssl.ca, ssl.cert and ssl.key are not all set"
    missing = [path for path in (*ca, cert, key) if not os.path.exists(path)]
    return f"{missing[0]} does not exist" if missing else None
