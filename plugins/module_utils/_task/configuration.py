# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Makes a :class:`.Settings` of the options of the doc fragment client.

Each dialect has its own names for brokers and for their TLS files: see :data:`_MIDDLEWARE`. The order is: the
configuration file and plugin.d, the option config, the options with names of their own. Later ones
win. The options also win over the environment variables that the reference reads.
"""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import choria, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config_file import (
    first_readable,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.dialects import dialect
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import (
    MAX_REPLY_BYTES,
    Settings,
)

from . import brokers
from .options import CLIENT_OPTIONS

Params = t.Mapping[str, t.Any]

_KEYS = {
    "ssl": {
        "private_key": "plugin.ssl_client_private",
        "public_key": "plugin.ssl_client_public",
        "server_public_key": "plugin.ssl_server_public",
        "serializer": "plugin.ssl_serializer",
    },
    "aes_security": {
        "private_key": "plugin.aes.client_private",
        "public_key": "plugin.aes.client_public",
        "serializer": "plugin.aes.serializer",
    },
    "choria": {
        "certname": choria.CERTNAME,
        "token_file": "plugin.security.choria.token_file",
        "seed_file": "plugin.security.choria.seed_file",
        "issuers": "plugin.security.issuer",
    },
    "psk": {"psk": "plugin.psk"},
    "none": {"serializer": "plugin.none.serializer"},
}
"""The names that the options of a security provider have in client.cfg."""
_SECURITY = tuple(name for name in CLIENT_OPTIONS if any(name in keys for keys in _KEYS.values()))
_BROKER = {
    "port": "port",
    "user": "user",
    "password": "password",
    "tls": "ssl",
    "ca_cert": "ssl.ca",
    "client_cert": "ssl.cert",
    "client_key": "ssl.key",
    "validate_certs": "ssl.verify",
}
_LOGIN = {"user": "plugin.nats.user", "password": "plugin.nats.pass", "tls": choria.TLS}
"""What all brokers of Choria have in common besides their TLS files."""
_TLS_FILES = {"ca_cert": "ca", "client_cert": "certificate", "client_key": "key"}
"""How the names of Choria's TLS files end."""
_VARIABLES = {
    "certname": ("MCOLLECTIVE_CERTNAME",),
    "psk": ("MCOLLECTIVE_PSK",),
    "private_key": ("MCOLLECTIVE_SSL_PRIVATE", "MCOLLECTIVE_AES_PRIVATE"),
    "public_key": ("MCOLLECTIVE_SSL_PUBLIC", "MCOLLECTIVE_AES_PUBLIC"),
}
"""The references' environment variables that an option wins over."""
_BROKER_VARIABLES = {
    "user": {"STOMP_USER", "MCOLLECTIVE_NATS_USERNAME"},
    "password": {"STOMP_PASSWORD", "MCOLLECTIVE_NATS_PASSWORD"},
}
"""Those that an option of a broker wins over."""


def configuration(params: Params, environ: t.Mapping[str, str]) -> Settings:
    """Return the configuration that a task's options stand for.

    :raises exc.ImproperlyConfigured: there is no client.cfg, or an option is wrong or has no use.
    """
    base = _base(params, environ)
    provider = params.get("security_provider") or base["securityprovider"]
    params = {**params, "brokers": brokers.read(params.get("brokers"), dialect(provider))}
    own = {
        **_core(params),
        **_security(params, provider.lower()),
        **_MIDDLEWARE[dialect(provider)](params, base),
    }
    return base.altered(own, _environ(params, environ)) if own else base


def local_configuration(params: Params, environ: t.Mapping[str, str]) -> Settings:
    """Return the configuration of a task that needs no broker, and so needs no client.cfg.

    :raises exc.ImproperlyConfigured: there is one, and it is wrong.
    """
    given = _named(params)
    if params["config_file"] is None and "connector" not in given:
        try:
            first_readable(environ)
        except exc.ImproperlyConfigured:
            return Settings(given, environ=environ, source="the given options")
    return configuration(params, environ)


def _base(params: Params, environ: t.Mapping[str, str]) -> Settings:
    """Return what the configuration file and the option config say. No file is needed if the options name a
    connector, or Choria's security provider, which has only one."""
    given = _named(params)
    if params["config_file"] is None and "connector" in given:
        return Settings(given, environ=environ, source="the given options")
    return Settings.from_configfile(params["config_file"], environ, given)


def _named(params: Params) -> dict[str, str]:
    """Return the option config, with the connector and the security provider that the options name."""
    given = texts(params["config"] or {})
    for name, key in (("connector", "connector"), ("security_provider", "securityprovider")):
        if params.get(name):
            given[key] = params[name]
    if dialect(given.get("securityprovider", "")) == "choria" and params["config_file"] is None:
        given.setdefault("connector", "nats")
    return given


def texts(given: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return the option config as texts, without the keys that are null, which means that they are not set.

    :raises exc.ImproperlyConfigured: a value is not a single one.
    """
    for key, value in given.items():
        if isinstance(value, (dict, list)):
            raise exc.ImproperlyConfigured(
                f"the option config: {printable(key)} must be a single value"
            )
    return {key: str(value) for key, value in given.items() if value is not None}


def _core(params: Params) -> dict[str, str]:
    names = {
        "security_provider": "securityprovider",
        "identity": "identity",
        "connect_timeout": "connection_timeout",
        "max_reply_bytes": MAX_REPLY_BYTES,
    }
    return {key: str(params[name]) for name, key in names.items() if params.get(name) is not None}


def _security(params: Params, provider: str) -> dict[str, str]:
    keys = _KEYS.get(provider, {})
    found: dict[str, str] = {}
    for name in _SECURITY:
        value = params.get(name)
        if value is None:
            continue
        if name not in keys:
            raise exc.ImproperlyConfigured(f"the option {name} has no use with {_use(provider)}")
        found.update(
            _issuers(keys[name], value) if isinstance(value, dict) else {keys[name]: value}
        )
    return found


def _issuers(key: str, issuers: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return issuers of tokens and their public keys as Choria names them."""
    publics = {f"{key}.{name}.public": str(public) for name, public in issuers.items()}
    return {f"{key}.names": ",".join(issuers), **publics}


def _use(provider: str) -> str:
    """Return a security provider with the options that it takes, for a message."""
    if provider not in _KEYS:
        return (
            f"this security_provider, which is not supported; there are {', '.join(sorted(_KEYS))}"
        )
    return f"security_provider = {provider}, which takes {', '.join(sorted(_KEYS[provider]))}"


def _stomp(params: Params, base: Settings) -> dict[str, str]:
    """Return the options of MCollective's connectors: a pool of brokers that may all differ."""
    prefix = f"plugin.{base.connector}"
    found = {}
    if params.get("vhost") is not None:
        found[f"{prefix}.vhost"] = params["vhost"]
    given = params["brokers"]
    if given is not None:
        found[f"{prefix}.pool.size"] = str(len(given))
    count = len(given) if given is not None else _size(base, prefix)
    for number in range(1, count + 1):
        broker = given[number - 1] if given else {}
        found.update(_broker(params, broker, base.connector, number))
    return found


def _size(base: Settings, prefix: str) -> int:
    """Return how many brokers the configuration names. A wrong number is refused later."""
    text = base.get(f"{prefix}.pool.size", "0")
    return int(text) if text.isdecimal() and len(text) < 4 else 0


def _broker(params: Params, broker: Params, connector: str, number: int) -> dict[str, str]:
    """Return one entry of the pool: its own options, and those that are for all entries."""
    shared = {name: params.get(name) for name in ("ca_cert", "client_cert", "client_key")}
    if not params.get("validate_certs", True):
        shared["validate_certs"] = False
    merged = {**shared, **{name: value for name, value in broker.items() if value is not None}}
    if broker and any(merged.get(name) for name in ("ca_cert", "client_cert")):
        merged.setdefault("tls", True)
    form = f"plugin.{connector}.pool.{number}.{{}}"
    if connector == "stomp":
        form = f"plugin.stomp.pool.{{}}{number}"
    names = {"host": "host", **_BROKER}
    return {
        form.format(key): str(merged[name])
        for name, key in names.items()
        if merged.get(name) is not None
    }


def _nats(params: Params, base: Settings) -> dict[str, str]:
    """Return the options of Choria's connector: a list of hosts, and what is the same for all of them."""
    if params.get("vhost") is not None:
        raise exc.ImproperlyConfigured("the option vhost has no use with connector = nats")
    if not params.get("validate_certs", True):
        raise exc.ImproperlyConfigured(
            "the option validate_certs has no use with connector = nats, which always verifies brokers. For tests"
            " only, tls: false of the brokers turns TLS off"
        )
    shared = {name: params.get(name) for name in _TLS_FILES}
    found = {}
    given = params["brokers"]
    if given is not None:
        if not given:
            raise exc.ImproperlyConfigured("the option brokers names no broker")
        shared.update(_common(given, shared))
        found[choria.HOSTS] = ",".join(_address(broker) for broker in given)
        found["plugin.choria.randomize_middleware_hosts"] = "false"
    found.update(
        {key: str(shared[name]) for name, key in _LOGIN.items() if shared.get(name) is not None}
    )
    return {**found, **_files(params, shared, base)}


def _common(entries: t.Sequence[Params], shared: Params) -> dict[str, t.Any]:
    """Return what brokers of Choria have in common. They have one login and one set of TLS files."""
    common: dict[str, t.Any] = {}
    for name in (*_LOGIN, *_TLS_FILES):
        given = [broker.get(name) for broker in entries]
        values = [shared.get(name) if value is None else value for value in given]
        if any(value != values[0] for value in values):
            raise exc.ImproperlyConfigured(
                f"the option brokers: with connector = nats, {name} must be the same for all brokers"
            )
        common[name] = values[0] if values else None
    if any(broker.get("validate_certs") is False for broker in entries):
        raise exc.ImproperlyConfigured(
            "the option brokers: validate_certs has no use with connector = nats, which always verifies brokers"
        )
    return common


def _address(broker: Params) -> str:
    """Return a broker as Choria names one."""
    host = f"[{broker['host']}]" if ":" in broker["host"] else broker["host"]
    port = broker.get("port")
    return f"{host}:{choria.PORT if port is None else port}"


def _files(params: Params, shared: Params, base: Settings) -> dict[str, str]:
    """Return the TLS files. Whoever names a token has Choria's provider of tokens; whoever names only TLS files
    has the one that takes them from anywhere."""
    named = {ending: shared[name] for name, ending in _TLS_FILES.items() if shared.get(name)}
    key = "plugin.security.provider"
    tokens = params.get("token_file") or params.get("seed_file")
    provider = "choria" if tokens else base.get(key, "").lower()
    if named and provider != "choria":
        provider = "file"
    if not named and not tokens:
        return {}
    return {key: provider, **{f"plugin.security.{provider}.{e}": v for e, v in named.items()}}


_MIDDLEWARE = {"mcollective": _stomp, "choria": _nats}
"""What the options about brokers are in each dialect."""


def _environ(params: Params, environ: t.Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables that an option of the task wins over."""
    beaten = {name for option, names in _VARIABLES.items() if params.get(option) for name in names}
    for broker in params["brokers"] or ():
        for name, variables in _BROKER_VARIABLES.items():
            beaten |= variables if broker.get(name) is not None else set()
    certs = [params, *(params["brokers"] or ())]
    endings = tuple(
        ending
        for option, ending in (("client_cert", "_SSL_CERT"), ("client_key", "_SSL_KEY"))
        if any(given.get(option) for given in certs)
    )
    return {
        name: value
        for name, value in environ.items()
        if name not in beaten
        and not (endings and name.startswith("MCOLLECTIVE_") and name.endswith(endings))
    }
