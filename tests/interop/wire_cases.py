# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The corpus of test_wire.py: configurations and command lines.

In all texts ``{main}`` and ``{eu}`` are the collectives, ``{user}`` and ``{password}`` what the
broker wants, ``{psk}`` what the nodes want, ``{private}`` and ``{public}`` the keys of a user that
they know, ``{certificate}`` and ``{certificate_key}`` those of one who has a certificate, and ``{flatfile}`` a
list of all nodes.
"""

from __future__ import annotations

import shlex
import typing as t
from dataclasses import dataclass, field

from testbed.real.security import SECURITIES

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.real.security import Security

WEB, DB = "web1.example.com", "db1.example.com"
CONNECTORS = ("rabbitmq", "activemq")
SSL: tuple[Security, ...] = ("ssl-marshal", "ssl-yaml")
AES: tuple[Security, ...] = ("aes-marshal", "aes-yaml")


@dataclass(frozen=True)
class Case:
    """One call, in the words of both clients.

    :ivar command: what ``mco`` is given. ``find`` and ``rpc AGENT ACTION`` tell us what to call.
    :ivar request: what our request has beyond it: its fields, and texts of filters by kind.
    :ivar settings: what client.cfg has beyond the collective's, or None for what it has not; the
        names of connector options begin with a dot.
    :ivar environ: environment variables.
    :ivar connectors: those that know the settings.
    :ivar securities: those that it is run with.
    :ivar answered: True if the nodes that get it understand it.
    """

    command: str
    request: Mapping[str, t.Any] = field(default_factory=dict)
    settings: Mapping[str, str | None] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    connectors: tuple[str, ...] = CONNECTORS
    securities: tuple[Security, ...] = SECURITIES
    answered: bool = True

    @property
    def name(self) -> str:
        """What tells it from all others."""
        beside = {**self.settings, **self.environ}
        return " ".join([self.command, *(f"{key}={value}" for key, value in beside.items())])


PING = f"rpc rpcutil ping -I {WEB}"
TO_WEB = {"nodes": [WEB]}


def _ping(
    settings: Mapping[str, str | None] | None = None,
    securities: tuple[Security, ...] = ("psk",),
    **more: t.Any,
) -> Case:
    """A request to one node with other settings."""
    return Case(PING, TO_WEB, settings or {}, securities=securities, **more)


def _discovered(settings: Mapping[str, str | None], **more: t.Any) -> Case:
    """A request to all nodes that are found, with other settings."""
    return Case("rpc rpcutil ping", settings=settings, securities=("psk",), **more)


# What every connector carries with every way to sign.
CALLS = [
    Case("find"),
    Case("rpc rpcutil ping"),
    Case(
        "rpc rpcutil get_facts facts=role,os -F role=web -C common -A probe -I /web/",
        {
            "arguments": {"facts": "role,os"},
            "facts": ["role=web"],
            "classes": ["common"],
            "agents": ["probe"],
            "identities": ["/web/"],
        },
        {"direct_addressing_threshold": "0"},
    ),
    Case(f"rpc rpcutil inventory -I {WEB} -I {DB}", {"nodes": [WEB, DB]}),
    Case("rpc rpcutil ping --nodes {flatfile}", {"nodes": [WEB, DB]}),
    Case(
        f"rpc probe echo int=1073741824 float=2.5 number=7 bool=no string=1,000 -I {WEB}",
        {
            "arguments": {
                "int": 2**30,
                "float": 2.5,
                "number": 7,
                "bool": False,
                "string": "1,000",
            },
            **TO_WEB,
        },
    ),
    Case(
        f"rpc probe echo a='Zürich ☃' b=' x ' c=:d d=yes e=~ f=2001-01-01 g=1_000 h=a=b"
        f" i='\"' j='\\' k=0x1f l=- m='a: b' n='#' o=é p=🚀 q=010 r=null s='a\tb' string='!' -I {WEB}",
        {
            "arguments": {
                **{"a": "Zürich ☃", "b": " x ", "c": ":d", "d": "yes", "e": "~"},
                **{"f": "2001-01-01", "g": "1_000", "h": "a=b", "i": '"', "j": "\\"},
                **{"k": "0x1f", "l": "-", "m": "a: b", "n": "#", "o": "é", "p": "🚀"},
                **{"q": "010", "r": "null", "s": "a\tb", "string": "!"},
            },
            **TO_WEB,
        },
    ),
    Case(
        "find -F a=b -F c==d -F e!=f -F g=~h -F i=/j/ -F k=~/l/ -F m=1 -F 'n>=1' -F 'o=>2' -F 'p<=3'"
        " -F 'q=<4' -F 'r>5' -F 's<6' -F 't = u v' -F 'w=Zürich ☃' -F x.y-z=true -F 'aa=b=c'",
        {
            "facts": [
                *("a=b", "c==d", "e!=f", "g=~h", "i=/j/", "k=~/l/", "m=1", "n>=1", "o=>2", "p<=3"),
                *("q=<4", "r>5", "s<6", "t = u v", "w=Zürich ☃", "x.y-z=true", "aa=b=c"),
            ]
        },
    ),
    Case(
        "find -C role::web -C '/^a.b$/' -C apache2 -A puppet -A /^rpc/ -I /^web/",
        {
            "classes": ["role::web", "/^a.b$/", "apache2"],
            "agents": ["puppet", "/^rpc/"],
            "identities": ["/^web/"],
        },
    ),
    Case(
        "find -W 'os=Debian common /^role/' -W 'n>=4'",
        {"with": ["os=Debian common /^role/", "n>=4"]},
    ),
]

COMPOUNDS = [
    "apache and not os=Debian",
    "a and b or c and not (d or e)",
    "/^role::/ and (cpus>=4 or !os=/Debian|Ubuntu/)",
    "os='Debian Linux' and apache",
    "fstat('/etc/hosts').size > 10",
    "fstat('/etc/hosts').md5=/baa/ and not collective('mcollective').member=true",
]
SELECT = [
    Case(
        f"find -S {shlex.quote(text)}",
        {"compounds": [text]},
        connectors=("rabbitmq",),
        securities=("psk", "ssl-yaml"),
    )
    for text in COMPOUNDS
]

# What a configuration changes about the way; who signs does not matter for it.
WAYS = [
    _discovered({"direct_addressing_threshold": "1"}),
    _discovered({"direct_addressing": "no"}),
    Case("find -T {eu}", {"collective": "{eu}"}, securities=("psk",)),
    Case(f"{PING} -T {{eu}}", {"collective": "{eu}", **TO_WEB}, securities=("psk",)),
    _ping({"main_collective": "{eu}"}),
    Case(f"{PING} --ttl 7", {"ttl": 7, **TO_WEB}, securities=("psk",)),
    Case("rpc rpcutil ping --ttl 8", {"ttl": 8}, securities=("psk",)),
    _discovered({"ttl": "33"}),
    _ping({"identity": "A-b_c.1"}),
    Case("find", settings={".base64": "1"}, securities=("psk", "ssl-yaml")),
    _ping({".base64": "yes"}, answered=False),
    Case("find", settings={".agents_multiplex": "true"}, securities=("psk",)),
    _ping({".agents_multiplex": "true"}),
    _discovered({".use_reply_exchange": "y"}, connectors=("rabbitmq",)),
    _discovered({".priority": "7"}, connectors=("activemq",)),
    _ping({".priority": "0"}, connectors=("activemq",)),
    _ping({".vhost": None}, connectors=("activemq",)),
    _ping({".vhost": "elsewhere"}, connectors=("activemq",)),
    _discovered({".heartbeat_interval": "60"}),
    _ping({".heartbeat_interval": "5"}),
    _ping({".heartbeat_interval": "45", ".stomp_1_0_fallback": "false"}),
    _ping({".stomp_1_0_fallback": "0"}),
    _ping(
        {".pool.1.user": "wrong", ".pool.1.password": "wrong"},
        environ={"STOMP_USER": "{user}", "STOMP_PASSWORD": "{password}"},
    ),
]

# What a configuration changes about the caller.
CALLERS = [
    *(_ping({"plugin.psk.callertype": kind}) for kind in ("uid", "gid", "group", "identity")),
    _ping({"plugin.psk.callertype": "user"}, environ={"USER": "alice", "LOGNAME": "alice"}),
    _ping({"plugin.psk": "wrong"}, environ={"MCOLLECTIVE_PSK": "{psk}"}),
    _ping(
        {"plugin.ssl_client_private": "/nowhere", "plugin.ssl_client_public": "/nowhere.pem"},
        SSL,
        environ={"MCOLLECTIVE_SSL_PRIVATE": "{private}", "MCOLLECTIVE_SSL_PUBLIC": "{public}"},
    ),
    _ping(
        {
            "plugin.ssl_client_private": "{certificate_key}",
            "plugin.ssl_client_public": "{certificate}",
        },
        SSL,
    ),
    _ping(
        {"plugin.aes.client_private": "/nowhere", "plugin.aes.client_public": "/nowhere.pem"},
        AES,
        environ={"MCOLLECTIVE_AES_PRIVATE": "{private}", "MCOLLECTIVE_AES_PUBLIC": "{public}"},
    ),
    _ping(
        {
            "plugin.aes.client_private": "{certificate_key}",
            "plugin.aes.client_public": "{certificate}",
        },
        AES,
    ),
    _ping({"plugin.aes.send_pubkey": "1"}, AES),
    _ping({"plugin.aes.send_pubkey": "yes"}, AES),
]

# How a call is carried out.
BOTH = f"rpc rpcutil ping -I {DB} -I {WEB}"
TO_BOTH = {"nodes": [DB, WEB]}
AWAY = {"process_results": False}
FLATFILE = {"discovery_method": "flatfile", "discovery_options": ["{flatfile}"]}


def _carried_out(command: str, request: Mapping[str, t.Any], **settings: str) -> Case:
    return Case(command, request, settings, securities=("psk",))


NAMED_AND_FILTERED = _carried_out(
    f"rpc rpcutil ping -I {WEB} -F role=web", {"identities": [WEB], "facts": ["role=web"]}
)
CONTROLS = [
    _carried_out(
        f"{BOTH} --batch 1 --batch-sleep 0.1", {**TO_BOTH, "batch_size": 1, "batch_sleep": 0}
    ),
    _carried_out(f"{BOTH} --limit-nodes 1", {**TO_BOTH, "limit": 1}),
    *(
        _carried_out(
            f"{BOTH} --limit-nodes 1 --limit-seed {seed}",
            {**TO_BOTH, "limit": 1, "limit_seed": seed},
            rpclimitmethod="random",
        )
        for seed in (1, 2)
    ),
    _carried_out("rpc rpcutil ping --no-results -F role=web", {"facts": ["role=web"], **AWAY}),
    _carried_out(f"{BOTH} --no-results", {**TO_BOTH, **AWAY}),
    _carried_out(
        "rpc rpcutil ping --reply-to /queue/{main}.elsewhere -C common",
        {"classes": ["common"], "reply_to": "/queue/{main}.elsewhere"},
    ),
    _carried_out(
        f"{BOTH} --reply-to /queue/{{main}}.elsewhere",
        {**TO_BOTH, "reply_to": "/queue/{main}.elsewhere"},
    ),
    _carried_out(
        f"rpc rpcutil ping --dm flatfile --do {{flatfile}} -I {WEB}",
        {**FLATFILE, "identities": [WEB]},
    ),
    _carried_out(
        "rpc rpcutil ping --dm flatfile --do {flatfile} -I /^db/",
        {**FLATFILE, "identities": ["/^db/"]},
    ),
    NAMED_AND_FILTERED,
]

CASES = [*CALLS, *SELECT, *WAYS, *CALLERS, *CONTROLS]
