# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The options that MCollective knows: their types, their defaults, and which are secrets.

One table for clients and nodes, as in the reference, whose clients read files with both
(MC:config.rb, and the connectors' and security providers' own files). A value is shown only if the
table has its option, the option is no secret, and the value is of its type: a misspelt name, or a
password in the wrong place, must not reveal a secret.
"""

from __future__ import annotations

import dataclasses
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


def integer(text: str) -> int:
    """Return a whole number as Ruby's Integer() takes it: 10, 1_000, 0x1f, 0b11, and 017 for 15."""
    match = _INTEGER.fullmatch(text.strip(string.whitespace))
    if match is None:
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
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 2**16:
        raise ValueError(text)
    return int(text)


def path(text: str) -> str:
    """Return a file's path. A text with line breaks, or longer than the name of any file, is the content of
    a file, perhaps a private key."""
    if re.search(r"[\r\n\0]|-----BEGIN |[^/,]{256}", text):
        raise ValueError(text)
    return text


def host(text: str) -> str:
    """Return the name or address of a host. A text with "@" or "/" is a URL, perhaps with a password."""
    if re.search(r"[\s@/\0]", text):
        raise ValueError(text)
    return text


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

DEFAULTS: dict[str, str] = {
    "collectives": "mcollective",
    "main_collective": "mcollective",
    "connector": "activemq",
    "securityprovider": "psk",
    "ttl": "60",
    "direct_addressing": "true",
    "direct_addressing_threshold": "10",
    "default_discovery_method": "mc",
    "default_batch_size": "0",
    "default_batch_sleep_time": "1",
    "discovery_timeout": "2",
    "rpclimitmethod": "first",
    "connection_timeout": "10",
    "ssl_cipher": "aes-256-cbc",
}
"""The reference's defaults (MC:config.rb, set_config_defaults), but for connection_timeout, where
the reference waits for ever."""


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
    "pymco": {"max_reply_bytes": INTEGER},
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
stands behind "plugin.". A star stands for a broker's number."""
_PREFIX = re.compile(r"plugin\.([a-z]+)(?=[._]|$)")
_NUMBER = re.compile(r"(\.pool\.)[0-9]+(?=\.)|(\.pool\.[a-z]+)[0-9]+$")


def _plugin_of(key: str) -> dict[str, Kind] | None:
    """Return the options of the plugin that an option belongs to, if we know that plugin."""
    plugin = _PREFIX.match(key)
    return None if plugin is None else PLUGIN_OPTIONS.get(plugin[1])


def kind_of(key: str) -> Kind | None:
    """Return the type of the option of this name; None if there is no such option here."""
    if not key.startswith("plugin."):
        return TEXT if key in LEGACY | IGNORED else CORE.get(key)
    name = _NUMBER.sub(lambda match: f"{match[1] or match[2]}*", key[len("plugin.") :])
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
    """Return a note that an option of old files is ignored, or None. It is for users who ask for more.

    :param connector: the connector in use.
    """
    if key in IGNORED or (key in LEGACY and connector != "stomp"):
        return f"the option {key} is ignored; MCollective has no use for it any more"
    return None


def complaint(key: str) -> str | None:
    """Return a warning about an option by its name alone, or None. Options of unknown plugins are fine."""
    if kind_of(key) is not None or (key.startswith("plugin.") and _plugin_of(key) is None):
        return None
    near = "" if key.startswith("plugin.") else suggestion(key, CORE)
    return f"unknown option {printable(key)}{near}"
