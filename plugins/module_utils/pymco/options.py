# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The options that MCollective knows: their types, their defaults, and which are secrets.

One table for clients and nodes, as in the reference, whose clients read files with both
(MC:config.rb, and the connectors' and security providers' own files).
"""

from __future__ import annotations

import dataclasses
import math
import re
import string
import typing as t

from .nearest import suggestion

TRUE = frozenset(("1", "yes", "true", "y", "t"))
FALSE = frozenset(("0", "no", "false", "n", "f"))


_INTEGER = re.compile(
    r"([+-]?)(0[xbod]|0_?(?=.)|)([0-9a-f]+(?:_[0-9a-f]+)*)", re.ASCII | re.IGNORECASE
)
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


@dataclasses.dataclass(frozen=True)
class Kind:
    """A type of value.

    :ivar words: what a value of it is called in messages.
    """

    read: t.Callable[[str], t.Any]
    words: str


TEXT = Kind(str, "a text")
INTEGER = Kind(integer, "a whole number")
NUMBER = Kind(number, "a number")
BOOLEAN = Kind(boolean, "yes or no")

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

_RECONNECTING = (
    "initial_reconnect_delay|max_reconnect_delay|use_exponential_back_off|back_off_multiplier"
    "|max_reconnect_attempts|randomize|backup|timeout|connect_timeout"
)
_MIDDLEWARE = (
    r"pool\.size|pool\.\d+\.(host|port|user|password|ssl|ssl\.(ca|cert|key|ciphers|fallback|verify))"
    rf"|base64|vhost|agents_multiplex|{_RECONNECTING}|heartbeat_interval|stomp_1_0_fallback"
    "|max_hbread_fails|max_hbrlck_fails|prompt_user|prompt_password"
)
_STOMP = (
    r"host|port|user|password|pool\.size|pool\.(host|port|user|password|ssl)\d+|base64|priority"
    rf"|pool\.({_RECONNECTING})"
)
_SSL = "ssl_serializer|ssl_(client|server)_(public|private)|ssl_client_cert_dir|ssl\\.enforce_ttl"
_AES = (
    "serializer|send_pubkey|(client|server)_(public|private)|client_cert_dir|learn_pubkeys"
    "|insecure_learning|ca_cert|enforce_ttl"
)
PLUGIN_OPTIONS = {
    "activemq": re.compile(rf"plugin\.activemq\.({_MIDDLEWARE}|priority)"),
    "rabbitmq": re.compile(rf"plugin\.rabbitmq\.({_MIDDLEWARE}|use_reply_exchange)"),
    "stomp": re.compile(rf"plugin\.stomp\.({_STOMP})"),
    "psk": re.compile(r"plugin\.psk(\.callertype)?"),
    "ssl": re.compile(rf"plugin\.({_SSL})"),
    "aes": re.compile(rf"plugin\.aes\.({_AES})"),
    "none": re.compile(r"plugin\.none\.serializer"),
}
"""What the connectors and security providers know, by the word that their options begin with."""
_PREFIX = re.compile(r"plugin\.([a-z]+)(?=[._]|$)")

_SECRET = re.compile(r"plugin\.psk|plugin\.(.+\.)?password\d*")


def is_secret(key: str) -> bool:
    """Whether the option of this name is a password or a key."""
    return _SECRET.fullmatch(key) is not None


def note(key: str, connector: str) -> str | None:
    """Return what only those want to know who ask for more, or None: that an option of old files is ignored.

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
        return f"unknown option {key}{suggestion(key, CORE)}"
    plugin = _PREFIX.match(key)
    if plugin is None or plugin[1] not in PLUGIN_OPTIONS:
        return None  # of some other plugin
    if PLUGIN_OPTIONS[plugin[1]].fullmatch(key):
        return None
    return f"unknown option {key}"
