# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The options that MCollective and Choria know: their types, and which are secrets.

One table for clients and nodes, as in the reference, whose clients read files with both
(MC:config.rb, and the connectors' and security providers' own files). Choria reads the same files with
the same names (Go: config/config.go). A value is shown only if the table has its option, the option is
no secret, and the value is of its type: a misspelt name, or a password in the wrong place, must not
reveal a secret.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import string
import typing as t

from .nearest import suggestion
from .printable import printable

TRUE = frozenset(("1", "yes", "true", "y", "t"))
FALSE = frozenset(("0", "no", "false", "n", "f"))

_INTEGER = re.compile(
    r"([+-]?)(0[xbod]|0_?(?=.)|)([0-9a-f]+(?:_[0-9a-f]+)*)", re.ASCII | re.IGNORECASE
)
_BASES = {"0x": 16, "0b": 2, "0o": 8, "0d": 10, "0": 8, "0_": 8, "": 10}
# Compiled once: each task reads a configuration, in a process that was forked before.
_PORT = re.compile("[0-9]{1,5}")
_NO_PATH = re.compile(r"[\r\n\0]|-----BEGIN |[^/,]{256}")
_NO_HOST = re.compile(r"[\s@/\0]")
_PUBLIC_KEY = re.compile("[0-9a-f]{64}")
_MOST_DIGITS = 64
"""Python does not print every whole number that it reads: one of thousands of digits cannot stand in a message."""


def integer(text: str) -> int:
    """Return a whole number as Ruby's Integer() takes it: 10, 1_000, 0x1f, 0b11, and 017 for 15. It has 64 digits
    at most."""
    match = _INTEGER.fullmatch(text.strip(string.whitespace))
    if match is None or len(match[3]) > _MOST_DIGITS:
        raise ValueError(text)
    sign, prefix, digits = match.groups()
    return int(sign + digits, _BASES[prefix.lower()])


def number(text: str) -> float:
    """Return a finite number."""
    value = float(text)
    if not math.isfinite(value) or not text.isascii():
        raise ValueError(text)
    return value


def boolean(text: str) -> bool:
    """Return a truth value: 1 yes true y t, or 0 no false n f, in any case (MC:util.rb, str_to_bool)."""
    word = text.strip(string.whitespace).lower()
    if word not in TRUE | FALSE:
        raise ValueError(text)
    return word in TRUE


def port(text: str) -> int:
    """Return a TCP port. It is decimal, even if it begins with 0 (MC:connector/rabbitmq.rb)."""
    if not _PORT.fullmatch(text) or not 0 < int(text) < 2**16:
        raise ValueError(text)
    return int(text)


def path(text: str) -> str:
    """Return a file's path. A text with line breaks, or longer than the name of any file, is the content of
    a file, perhaps a private key."""
    if _NO_PATH.search(text):
        raise ValueError(text)
    return text


def host(text: str) -> str:
    """Return the name or address of a host. A text with "@" or "/" is a URL, perhaps with a password."""
    if _NO_HOST.search(text):
        raise ValueError(text)
    return text


def hosts(text: str) -> tuple[tuple[str, int], ...]:
    """Return (name, port) of each host in a list with commas. A scheme before a host changes nothing, and
    a path behind it neither; a port is required (Go: srvcache/util.go, StringHostsToServers)."""
    words = [word.strip() for word in text.split(",")]
    return tuple(_host_and_port(word) for word in words if word)


def _host_and_port(word: str) -> tuple[str, int]:
    name, _colon, number_ = word.rpartition("://")[2].partition("/")[0].rpartition(":")
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    elif ":" in name:
        raise ValueError(word)
    if not name:
        raise ValueError(word)
    return host(name), port(number_)


def public_key(text: str) -> str:
    """Return a public key of ed25519: 64 hexadecimal digits."""
    key = text.strip().lower()
    if not _PUBLIC_KEY.fullmatch(key):
        raise ValueError(text)
    return key


def public_keys(text: str) -> tuple[str, ...]:
    """Return the public keys in a list with commas."""
    return tuple(public_key(word) for word in text.split(",") if word.strip())


def texts(given: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return options as a client.cfg has them. A list becomes a text with commas; None is not set."""
    return {
        key: ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        for key, value in given.items()
        if value is not None
    }


@dataclasses.dataclass(frozen=True)
class Kind:
    """A type of value.

    :ivar words: what messages call a value of this type.
    :ivar secret: nobody may see a value.
    """

    read: t.Callable[[str], t.Any]
    words: str
    secret: bool = False


TEXT = Kind(str, "a text")
SECRET = Kind(str, "a text", secret=True)
INTEGER = Kind(integer, "a whole number")
NUMBER = Kind(number, "a number")
BOOLEAN = Kind(boolean, "yes or no")
PORT = Kind(port, "a port")
PATH = Kind(path, "the path of a file")
HOST = Kind(host, "the name or address of a host")
HOSTS = Kind(
    hosts, "a list of hosts with their ports, such as choria1.example:4222, choria2.example:4222"
)
PUBLIC_KEY = Kind(public_key, "a public key of ed25519, which has 64 hexadecimal digits")
PUBLIC_KEYS = Kind(
    public_keys, "a list of public keys of ed25519, which have 64 hexadecimal digits"
)


def _of(kind: Kind, names: str) -> dict[str, Kind]:
    """Return the options with these names, all of one type."""
    return dict.fromkeys(names.split(), kind)


CORE: dict[str, Kind] = {
    **_of(BOOLEAN, "activate_agents color daemonize direct_addressing registration_splay"),
    **_of(BOOLEAN, "rpcaudit rpcauthorization soft_shutdown threaded"),
    **_of(INTEGER, "default_batch_size direct_addressing_threshold fact_cache_time keeplogs"),
    **_of(INTEGER, "max_log_size registerinterval soft_shutdown_timeout ttl"),
    **_of(NUMBER, "connection_timeout default_batch_sleep_time discovery_timeout publish_timeout"),
    **_of(TEXT, "classesfile collectives connector default_discovery_method"),
    **_of(TEXT, "default_discovery_options factsource identity libdir logfacility logfile"),
    **_of(TEXT, "logger_type loglevel main_collective registration registration_collective"),
    **_of(TEXT, "rpcauditprovider rpcauthprovider rpclimitmethod securityprovider ssl_cipher"),
}
"""Every option without "plugin." before it. Where the reference wants whole seconds, parts of one
are taken too."""

LEGACY = frozenset(("topicprefix", "queueprefix", "topicsep"))
"""The connector stomp uses them. The reference has ignored them since that connector is gone."""
IGNORED = frozenset(("rpchelptemplate", "helptemplatedir"))
"""They were options once, and are passed over (MC:config.rb, with a warning)."""

_RECONNECTING = {
    **_of(NUMBER, "initial_reconnect_delay max_reconnect_delay back_off_multiplier"),
    **_of(NUMBER, "timeout connect_timeout"),
    **_of(BOOLEAN, "use_exponential_back_off randomize backup"),
    "max_reconnect_attempts": INTEGER,
}
_LOGIN = {"host": HOST, "port": PORT, "user": TEXT, "password": SECRET}
_TLS = {
    **_of(BOOLEAN, "ssl ssl.fallback ssl.verify"),
    **_of(PATH, "ssl.ca ssl.cert ssl.key"),
    "ssl.ciphers": TEXT,
}
_MIDDLEWARE = {
    **{f"pool.*.{name}": kind for name, kind in {**_LOGIN, **_TLS}.items()},
    **_RECONNECTING,
    **_of(BOOLEAN, "base64 agents_multiplex stomp_1_0_fallback prompt_user prompt_password"),
    **_of(INTEGER, "pool.size max_hbread_fails max_hbrlck_fails"),
    "heartbeat_interval": NUMBER,
    "vhost": TEXT,
}
_STOMP = {
    **_LOGIN,
    **{f"pool.{name}*": kind for name, kind in {**_LOGIN, "ssl": BOOLEAN}.items()},
    **{f"pool.{name}": kind for name, kind in _RECONNECTING.items()},
    **_of(INTEGER, "pool.size priority"),
    "base64": BOOLEAN,
}
_KEYS = "client_public client_private server_public server_private client_cert_dir"
_CHORIA = {
    "middleware_hosts": HOSTS,
    "federation_middleware_hosts": HOSTS,
    **_of(HOST, "srv_domain puppetserver_host puppetca_host puppetdb_host"),
    **_of(PORT, "puppetserver_port puppetca_port puppetdb_port"),
    **_of(INTEGER, "stats_port status_update_interval submission.max_spool_size"),
    **_of(BOOLEAN, "use_srv randomize_middleware_hosts require_client_filter broker_network"),
    **_of(BOOLEAN, "broker_federation discovery.broadcast.windowed_timeout"),
    **_of(BOOLEAN, "security.request_signer.service server.provision legacy_lifecycle_format"),
    **_of(BOOLEAN, "server.provision.allow_update"),
    **_of(PATH, "ssldir discovery.inventory.source status_file_path submission.spool"),
    **_of(PATH, "prometheus_textfile_directory services.registry.cache services.registry.store"),
    **_of(PATH, "security.server.token_file security.server.seed_file"),
    **_of(PATH, "security.request_signer.token_file security.request_signer.seed_file"),
    **_of(TEXT, "federation.collectives federation.cluster stats_address adapters"),
    **_of(TEXT, "discovery.external.command security.request_signer.url security.serializer"),
    **_of(TEXT, "security.certname_whitelist security.privileged_users"),
    **_of(TEXT, "agent_provider.mcorpc.agent_shim agent_provider.mcorpc.config"),
    **_of(TEXT, "agent_provider.mcorpc.libdir"),
}
_NODES = "network registration adapter machine"
"""The families of Choria's options for brokers and nodes, which no client reads."""
_CHORIA_SECURITY = {
    **_of(PATH, "file.certificate file.key file.ca pkcs11.driver_file"),
    **_of(PATH, "choria.certificate choria.key choria.ca choria.token_file choria.seed_file"),
    **_of(BOOLEAN, "client_anon_tls server_anon_tls support_legacy_certificates"),
    **_of(BOOLEAN, "choria.sign_replies certmanager.replace"),
    "choria.trusted_signers": PUBLIC_KEYS,
    "issuer.*.public": PUBLIC_KEY,
    **_of(TEXT, "provider cipher_suites ecc_curves issuer.names certmanager.namespace"),
    **_of(TEXT, "certmanager.issuer certmanager.alt_names certmanager.api_version"),
    "pkcs11.slot": INTEGER,
}

_BY_PLUGIN: dict[str, dict[str, Kind]] = {
    "activemq": {**_MIDDLEWARE, "priority": INTEGER},
    "rabbitmq": {**_MIDDLEWARE, "use_reply_exchange": BOOLEAN},
    "stomp": _STOMP,
    "psk": {"": SECRET, "callertype": TEXT},
    "aes": {
        **_of(PATH, f"{_KEYS} ca_cert"),
        **_of(BOOLEAN, "send_pubkey learn_pubkeys insecure_learning enforce_ttl"),
        "serializer": TEXT,
    },
    "none": {"serializer": TEXT},
    "choria": _CHORIA,
    "security": _CHORIA_SECURITY,
    "nats": {"user": TEXT, "pass": SECRET, "credentials": PATH, "ngs": BOOLEAN},
    "pymco": {"max_reply_bytes": INTEGER, "certname": TEXT, "nats_tls": BOOLEAN},
}
PLUGIN_OPTIONS: dict[str, dict[str, Kind]] = {
    **{
        word: {f"{word}.{name}".rstrip("."): kind for name, kind in names.items()}
        for word, names in _BY_PLUGIN.items()
    },
    "ssl": {
        **{f"ssl_{name}": PATH for name in _KEYS.split()},
        "ssl_serializer": TEXT,
        "ssl.enforce_ttl": BOOLEAN,
    },
}
"""What the connectors and security providers know, by the word that their options begin with, and by what
stands behind "plugin.". A star stands for a broker's number, or for the name of an issuer of tokens."""
SECRET_VARIABLES = {
    **dict.fromkeys(("activemq", "rabbitmq", "stomp"), "STOMP_PASSWORD"),
    "nats": "MCOLLECTIVE_NATS_PASSWORD",
    "psk": "MCOLLECTIVE_PSK",
}
"""The environment variable with the secret of a connector or a security provider."""
_PREFIX = re.compile(rf"plugin\.(?!choria\.(?:{_NODES.replace(' ', '|')})\.)([a-z]+)(?=[._]|$)")
_NUMBER = re.compile(
    r"(\.pool\.)[0-9]+(?=\.)|(\.pool\.[a-z]+)[0-9]+$|((?<=^security)\.issuer\.).+(?=\.public$)"
)


def _plugin_of(key: str) -> dict[str, Kind] | None:
    """Return the options of the plugin that an option belongs to, if we know that plugin."""
    plugin = _PREFIX.match(key)
    return None if plugin is None else PLUGIN_OPTIONS.get(plugin[1])


@functools.lru_cache(maxsize=1024)
def kind_of(key: str) -> Kind | None:
    """Return the type of the option of this name; None if there is no such option here."""
    if not key.startswith("plugin."):
        return TEXT if key in LEGACY | IGNORED else CORE.get(key)
    name = _NUMBER.sub(lambda match: f"{match[1] or match[2] or match[3]}*", key[len("plugin.") :])
    return None if "*" in key else (_plugin_of(key) or {}).get(name)


def is_harmless(key: str, text: str) -> bool:
    """Return True if everybody may see the value: the option is known and no secret, and the value is of
    its type."""
    kind = kind_of(key)
    if kind is None or kind.secret:
        return False
    try:
        kind.read(text)
    except ValueError:
        return False
    return True


def note(key: str, connector: str) -> str | None:
    """Return a note that an option is ignored, or None. It is for users who ask for more.

    :param connector: the connector in use.
    """
    if key in IGNORED or (key in LEGACY and connector != "stomp"):
        return f"the option {key} is ignored; MCollective has no use for it any more"
    if key == "plugin.security.ecc_curves":
        return f"the option {key} is ignored; OpenSSL chooses the curve"
    return None


def complaint(key: str) -> str | None:
    """Return a warning about an option by its name alone, or None. Options of unknown plugins are fine."""
    if kind_of(key) is not None or (key.startswith("plugin.") and _plugin_of(key) is None):
        return None
    near = "" if key.startswith("plugin.") else suggestion(key, CORE)
    return f"unknown option {printable(key)}{near}"
