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
_PORT = re.compile("[0-9]{1,5}")
_NO_NAME = re.compile(r"[^/,]{256}")
_BASES = {"0x": 16, "0b": 2, "0o": 8, "0d": 10, "0": 8, "0_": 8, "": 10}


def integer(text: str) -> int:
    """A whole number as Ruby's Integer() takes it: 10, 1_000, 0x1f, 0b11, and 017 for 15."""
    match = _INTEGER.fullmatch(text.strip(string.whitespace))
    if match is None:
        raise ValueError(text)
    sign, prefix, digits = match.groups()
    return int(sign + digits, _BASES[prefix.lower()])


def number(text: str) -> float:
    """A number that is finite."""
    value = float(text)
    if not math.isfinite(value) or not text.isascii():
        raise ValueError(text)
    return value


def boolean(text: str) -> bool:
    """A truth value: 1 yes true y t, or 0 no false n f, in any case (MC:util.rb, str_to_bool)."""
    word = text.strip(string.whitespace).lower()
    if word not in TRUE | FALSE:
        raise ValueError(text)
    return word in TRUE


def port(text: str) -> int:
    """A TCP port in decimal, however it begins (MC:connector/rabbitmq.rb)."""
    if not _PORT.fullmatch(text) or not 0 < int(text) < 2**16:
        raise ValueError(text)
    return int(text)


def path(text: str) -> str:
    """A file's path. A text with line breaks, or longer than any file's name, is a file's content, perhaps
    a private key."""
    if re.search(r"[\r\n\0]|-----BEGIN ", text) or _NO_NAME.search(text):
        raise ValueError(text)
    return text


def host(text: str) -> str:
    """The name or address of a host. What has "@" or "/" in it is a URL, perhaps with a password."""
    if re.search(r"[\s@/\0]", text):
        raise ValueError(text)
    return text


def texts(given: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Options as a client.cfg has them. A list becomes a text with commas; what is None is not set."""
    return {key: _text(value) for key, value in given.items() if value is not None}


def _text(value: t.Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else str(value)


@dataclasses.dataclass(frozen=True)
class Kind:
    """A type of value.

    :ivar words: what a value of it is called in messages.
    :ivar secret: whether nobody may see it.
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

CORE: dict[str, Kind] = {
    "activate_agents": BOOLEAN,
    "classesfile": TEXT,
    "collectives": TEXT,
    "color": BOOLEAN,
    "connection_timeout": NUMBER,
    "connector": TEXT,
    "daemonize": BOOLEAN,
    "default_batch_size": INTEGER,
    "default_batch_sleep_time": NUMBER,
    "default_discovery_method": TEXT,
    "default_discovery_options": TEXT,
    "direct_addressing": BOOLEAN,
    "direct_addressing_threshold": INTEGER,
    "discovery_timeout": NUMBER,
    "fact_cache_time": INTEGER,
    "factsource": TEXT,
    "identity": TEXT,
    "keeplogs": INTEGER,
    "libdir": TEXT,
    "logfacility": TEXT,
    "logfile": TEXT,
    "logger_type": TEXT,
    "loglevel": TEXT,
    "main_collective": TEXT,
    "max_log_size": INTEGER,
    "publish_timeout": NUMBER,
    "registerinterval": INTEGER,
    "registration": TEXT,
    "registration_collective": TEXT,
    "registration_splay": BOOLEAN,
    "rpcaudit": BOOLEAN,
    "rpcauditprovider": TEXT,
    "rpcauthorization": BOOLEAN,
    "rpcauthprovider": TEXT,
    "rpclimitmethod": TEXT,
    "securityprovider": TEXT,
    "soft_shutdown": BOOLEAN,
    "soft_shutdown_timeout": INTEGER,
    "ssl_cipher": TEXT,
    "threaded": BOOLEAN,
    "ttl": INTEGER,
}
"""Every option without "plugin." before it. Where the reference wants whole seconds, parts of one
are taken too."""

LEGACY = frozenset(("topicprefix", "queueprefix", "topicsep"))
"""Used by the connector stomp; the reference has ignored them since that connector is gone."""
IGNORED = frozenset(("rpchelptemplate", "helptemplatedir"))
"""Were options once, and are read over (MC:config.rb, with a warning)."""

_RECONNECTING = {
    "initial_reconnect_delay": NUMBER,
    "max_reconnect_delay": NUMBER,
    "use_exponential_back_off": BOOLEAN,
    "back_off_multiplier": NUMBER,
    "max_reconnect_attempts": INTEGER,
    "randomize": BOOLEAN,
    "backup": BOOLEAN,
    "timeout": NUMBER,
    "connect_timeout": NUMBER,
}
_LOGIN = {"host": HOST, "port": PORT, "user": TEXT, "password": SECRET}
_TLS = {
    "ssl": BOOLEAN,
    "ssl.ca": PATH,
    "ssl.cert": PATH,
    "ssl.key": PATH,
    "ssl.ciphers": TEXT,
    "ssl.fallback": BOOLEAN,
    "ssl.verify": BOOLEAN,
}
_MIDDLEWARE = {
    "pool.size": INTEGER,
    **{f"pool.*.{name}": kind for name, kind in {**_LOGIN, **_TLS}.items()},
    "base64": BOOLEAN,
    "vhost": TEXT,
    "agents_multiplex": BOOLEAN,
    **_RECONNECTING,
    "heartbeat_interval": NUMBER,
    "stomp_1_0_fallback": BOOLEAN,
    "max_hbread_fails": INTEGER,
    "max_hbrlck_fails": INTEGER,
    "prompt_user": BOOLEAN,
    "prompt_password": BOOLEAN,
}
_STOMP = {
    **_LOGIN,
    "pool.size": INTEGER,
    **{f"pool.{name}*": kind for name, kind in {**_LOGIN, "ssl": BOOLEAN}.items()},
    "base64": BOOLEAN,
    "priority": INTEGER,
    **{f"pool.{name}": kind for name, kind in _RECONNECTING.items()},
}
_SSL = {
    "ssl_serializer": TEXT,
    "ssl_client_public": PATH,
    "ssl_client_private": PATH,
    "ssl_server_public": PATH,
    "ssl_server_private": PATH,
    "ssl_client_cert_dir": PATH,
    "ssl.enforce_ttl": BOOLEAN,
}
_AES = {
    "serializer": TEXT,
    "send_pubkey": BOOLEAN,
    "client_public": PATH,
    "client_private": PATH,
    "server_public": PATH,
    "server_private": PATH,
    "client_cert_dir": PATH,
    "learn_pubkeys": BOOLEAN,
    "insecure_learning": BOOLEAN,
    "ca_cert": PATH,
    "enforce_ttl": BOOLEAN,
}


def _below(word: str, names: t.Mapping[str, Kind]) -> dict[str, Kind]:
    """Options of one plugin, by their names behind "plugin."."""
    return {f"{word}.{name}": kind for name, kind in names.items()}


PLUGIN_OPTIONS: dict[str, dict[str, Kind]] = {
    "activemq": _below("activemq", {**_MIDDLEWARE, "priority": INTEGER}),
    "rabbitmq": _below("rabbitmq", {**_MIDDLEWARE, "use_reply_exchange": BOOLEAN}),
    "stomp": _below("stomp", _STOMP),
    "psk": {"psk": SECRET, "psk.callertype": TEXT},
    "ssl": _SSL,
    "aes": _below("aes", _AES),
    "none": {"none.serializer": TEXT},
    "pymco": {"pymco.max_reply_bytes": INTEGER},
}
"""What the connectors and security providers know, by the word that their options begin with. A
star stands for a broker's number."""
_PREFIX = re.compile(r"plugin\.([a-z]+)(?=[._]|$)")
_NUMBER = re.compile(r"(\.pool\.)[0-9]+(?=\.)|(\.pool\.[a-z]+)[0-9]+$")


def kind_of(key: str) -> Kind | None:
    """The type of the option of this name; None if there is no such option here."""
    if not key.startswith("plugin."):
        return TEXT if key in LEGACY | IGNORED else CORE.get(key)
    plugin = _PREFIX.match(key)
    if plugin is None or plugin[1] not in PLUGIN_OPTIONS or "*" in key:
        return None
    name = _NUMBER.sub(lambda match: f"{match[1] or match[2]}*", key[len("plugin.") :])
    return PLUGIN_OPTIONS[plugin[1]].get(name)


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
    """Return a warning about an option by its name alone, or None."""
    if key in CORE or key in LEGACY or key in IGNORED:
        return None
    if not key.startswith("plugin."):
        return f"unknown option {printable(key)}{suggestion(key, CORE)}"
    plugin = _PREFIX.match(key)
    if plugin is None or plugin[1] not in PLUGIN_OPTIONS:
        return None  # of some other plugin
    return None if kind_of(key) else f"unknown option {printable(key)}"
