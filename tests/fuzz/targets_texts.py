# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parsers of local files and options: they read a text, or raise their one error."""

from __future__ import annotations

import abc
import contextlib
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import (
    compound,
    exc,
    expression,
    filters,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import middleware
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.pool import pool
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    SERIALIZERS,
)

from .mutation import NUMBERS, Mutator
from .target import Target
from .targets_serializers import wording

if t.TYPE_CHECKING:
    import random


class TextTarget(Target):
    """A parser of text."""

    examples: t.ClassVar[t.Sequence[str]]
    words: t.ClassVar[t.Sequence[str]]

    def __init__(self) -> None:
        self._mutator = Mutator([word.encode() for word in self.words])

    def seeds(self) -> t.Iterable[bytes]:
        """Good ones, and bad ones."""
        return [example.encode() for example in self.examples]

    def change(self, chance: random.Random, corpus: t.Sequence[bytes]) -> bytes:
        """Change a text, or join words. Now and then, repeat the same text again and again."""
        kind = chance.random()
        if kind < 0.002:
            return chance.choice(self.words).encode() * chance.choice((500, 5000, 50_000))
        if kind < 0.2:
            words = chance.choices(self.words, k=chance.randrange(1, 20))
            return chance.choice(("", " ", "\n")).join(words).encode()
        return self._mutator.change(chance, corpus)

    def run(self, payload: bytes) -> str:
        """Parse it."""
        try:
            return f"accepted {self.parse(payload)}"
        except exc.PyMcoException as error:
            assert isinstance(error, self.errors), f"{type(error).__name__} is not documented"
            return f"refused {wording(error)}"

    errors: t.ClassVar[t.Any]

    @abc.abstractmethod
    def parse(self, payload: bytes) -> str:
        """Parse it, and tell its kind."""


class ConfigTarget(TextTarget):
    """client.cfg, and everything that the client makes from it before it opens anything."""

    errors = exc.ImproperlyConfigured
    examples = [
        "main_collective = mcollective\ncollectives = a,b\nlibdir = /usr/share/x:/y\nlibdir=/z\n"
        "connector = rabbitmq\nplugin.rabbitmq.pool.size = 2\nplugin.rabbitmq.pool.1.host = a\n"
        "plugin.rabbitmq.pool.1.ssl = 1\nplugin.rabbitmq.pool.2.host = b\nidentity = me\n"
        "plugin.rabbitmq.pool.1.ssl.ca = /a,/b\nsecurityprovider = psk\nplugin.psk = 50%x\n",
        "# comment\nconnector = activemq\nplugin.activemq.pool.size = 1\nttl = 60\n"
        "plugin.activemq.pool.1.host = a\nplugin.activemq.pool.1.port = 61614\nidentity=x\n"
        "plugin.activemq.heartbeat_interval = 30\nsecurityprovider = ssl\nplugin.psk=a\n",
        "connector = stomp\nplugin.stomp.host = a\nplugin.stomp.port = 6163\ntopicprefix = /t/\n"
        "securityprovider = aes_security\nplugin.aes.send_pubkey = 1\ncolor = maybe\n",
    ]
    words = [
        *(
            "connector",
            "rabbitmq",
            "activemq",
            "stomp",
            "plugin.",
            "pool.size",
            "pool.1.host",
            " = ",
        ),
        *(
            "=",
            "\n",
            "\r\n",
            "#",
            "%",
            "yes",
            "no",
            "-1",
            "0",
            "1e9",
            "nan",
            "inf",
            "0x1f",
            "017",
            "é",
        ),
        *(
            "securityprovider",
            "psk",
            "ssl",
            "aes_security",
            "libdir",
            ":",
            ",",
            " ",
            "\t",
            "identity",
        ),
        *(
            "ttl",
            "connection_timeout",
            "base64",
            "priority",
            "ssl.fallback",
            "max_reconnect_attempts",
        ),
        *(
            "initial_reconnect_delay",
            "back_off_multiplier",
            "heartbeat_interval",
            "randomize",
            "\ufeff",
        ),
        *(number.decode() for number in NUMBERS),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory(prefix="mcollective-fuzz-")
        self._path = Path(self._directory.name, "client.cfg")

    def parse(self, payload: bytes) -> str:
        """Read it from a file, and ask for every option."""
        self._path.write_bytes(payload)
        config = Config.from_configfile(str(self._path), environ={})
        kinds = []
        for ask in (
            *(lambda: config.identity, lambda: config.collectives, lambda: config.libdirs),
            *(
                config.secrets,
                lambda: pool(config),
                config.get_host_and_ports,
                config.get_user_and_password,
            ),
            *(config.get_ssl_params, config.get_conn_params, lambda: middleware(config)),
            *(lambda: security_provider(config), lambda: config.getseconds("connection_timeout")),
        ):
            try:
                kinds.append(type(ask()).__name__)
            except exc.ImproperlyConfigured as error:
                kinds.append(wording(error))
        return str(kinds)


class FiltersTarget(TextTarget):
    """The text forms of all filters."""

    errors = exc.BadFilter
    examples = [
        *(
            "apache",
            "/web\\d/",
            "os=Debian",
            "os.family =~ /deb/i",
            "a>=1 and not (b or c)",
            "a!=b",
        ),
        *(
            "fstat('/etc/hosts').md5=/baa/ and environment=prod",
            '!(a) or b="x y"',
            "a=>1",
            "x =~ y",
        ),
        *('resource("a").age < 10', "a b c", "'q'=1", "((a))", "country=de and /x/ or not y!=z"),
    ]
    words = [
        *(
            "and",
            "or",
            "not",
            "!",
            "(",
            ")",
            "/",
            "\\",
            "'",
            '"',
            "=",
            "==",
            "=~",
            "!=",
            "!=~",
            ">=",
        ),
        *(
            "<=",
            "=>",
            "=<",
            "<",
            ">",
            " ",
            "\n",
            "\t",
            "a",
            "fstat",
            "('x')",
            ".md5",
            ".",
            ",",
            "[",
            "]",
        ),
        *(
            "(?i)",
            "+",
            "*",
            "{1,9999}",
            "\0",
            "é",
            "\u2028",
            "{",
            "}",
            "-",
            ":",
            "::",
            "1",
            "-1",
            "1.5",
        ),
    ]

    def parse(self, payload: bytes) -> str:
        """Parse it as each kind of filter. Every filter that is accepted can be sent."""
        text = payload.decode("utf-8", "surrogateescape")
        kinds = []
        for name, read in (
            ("facts", lambda: self._added(filters.add_facts, text)),
            ("classes", lambda: self._added(filters.add_classes, text)),
            ("agents", lambda: self._added(filters.add_agents, text)),
            ("identities", lambda: self._added(filters.add_identities, text)),
            ("compound", lambda: compound.parse(text)),
            ("expression", lambda: expression.joined([text, text])),
        ):
            try:
                self._send(read())
                kinds.append(name)
            except exc.BadFilter as error:
                kinds.append(wording(error))
        return str(kinds)

    def _added(self, add: t.Callable[[Filter, t.Iterable[str]], None], text: str) -> Filter:
        filter_ = Filter()
        add(filter_, [text])
        return filter_

    def _send(self, tokens: t.Any) -> None:
        """Check that everything can be sent, except bytes of an argument that are no text."""
        for serializer in SERIALIZERS.values():
            value = dict(tokens) if isinstance(tokens, Filter) else tokens
            with contextlib.suppress(exc.SerializationError):
                serializer().deserialize(serializer().serialize(value))
