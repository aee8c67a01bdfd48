# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The options of a client, typed, from client.cfg, plugin.d and the environment.

Everything else in the client stands above this file. It knows no connector, provider or serializer.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import typing as t

from . import exc, permissions, ranges
from .config_file import Setting, first_readable, parse, read_files
from .dialects import defaults, dialect
from .logs import LOG
from .options import (
    BOOLEAN,
    CORE,
    HOST,
    INTEGER,
    NUMBER,
    PATH,
    SECRET_VARIABLES,
    TEXT,
    Kind,
    complaint,
    kind_of,
    note,
    texts,
)

MAX_REPLY_BYTES = "plugin.pymco.max_reply_bytes"
GIVEN = "the given options"
"""What messages call options that come from no file."""

_IDENTITY = re.compile(r"[\w.\-]+", re.ASCII)
_SelfType = t.TypeVar("_SelfType", bound="Settings")


class Settings(t.Mapping[str, str]):
    """All options by their names in client.cfg, as text, with the defaults of its dialect.

    :param configdict: the options that are set; see :func:`.options.texts`.
    :param logger: gets what the client does with these settings; default: :data:`.logs.LOG`.
    :param environ: the environment variables to honour; none by default.
    :param source: where the options come from, for messages.
    :param origins: where a single option comes from, as in "client.cfg:12".
    :param files: the files that the options come from. True: the file holds secrets.
    :raises exc.ImproperlyConfigured: the value of an option is not of its type.

    :ivar warnings: sentences for the user, such as those about unknown options.
    :ivar notes: sentences for a user who asks for more: options of old files that are ignored.
    """

    def __init__(
        self,
        configdict: t.Mapping[str, t.Any],
        logger: logging.Logger | None = None,
        *,
        environ: t.Mapping[str, str] | None = None,
        source: str = GIVEN,
        origins: t.Mapping[str, str] | None = None,
        files: t.Mapping[str, bool] | None = None,
    ) -> None:
        self._given = texts(configdict)
        self._options = {**defaults(self._given, files or ()), **self._given}
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
        for key in self._given:
            kind = kind_of(key)
            if kind is not None and (key in CORE or kind in (HOST, PATH)):
                self.read(key, kind, self[key])

    @classmethod
    def from_configfile(
        cls: type[_SelfType],
        configfile: str | None = None,
        environ: t.Mapping[str, str] | None = None,
        overrides: t.Mapping[str, str] | None = None,
    ) -> _SelfType:
        """Read a client.cfg and the plugin.d beside it.

        :param configfile: default: the first readable file of the reference's places.
        :param environ: default: the process's.
        :param overrides: options that win over the files.
        :raises exc.ImproperlyConfigured: there is no such file, it cannot be read, or the value of
            an option is not of its type.
        """
        environ = os.environ if environ is None else environ
        path = configfile or first_readable(environ)
        found = read_files(path)
        given = {key: Setting(text, GIVEN) for key, text in (overrides or {}).items()}
        return cls._of({**found.settings, **given}, environ=environ, source=path, files=found.files)

    @classmethod
    def from_configstr(
        cls: type[_SelfType],
        configstr: str,
        section: str = "default",
        *,
        environ: t.Mapping[str, str] | None = None,
    ) -> _SelfType:
        """Read the text of a client.cfg. It has no sections, so ``section`` changes nothing."""
        source = "the given text"
        return cls._of(parse(configstr, source), environ=environ, source=source)

    @classmethod
    def _of(cls: type[_SelfType], settings: dict[str, Setting], **more: t.Any) -> _SelfType:
        options = {key: setting.value for key, setting in settings.items()}
        origins = {key: setting.origin for key, setting in settings.items()}
        return cls(options, origins=origins, **more)

    def altered(
        self: _SelfType,
        overrides: t.Mapping[str, str],
        environ: t.Mapping[str, str] | None = None,
    ) -> _SelfType:
        """Return the same settings with some options set anew.

        :param environ: default: the same.
        :raises exc.ImproperlyConfigured: the value of an option is not of its type.
        """
        return type(self)(
            {**self._given, **overrides},
            self.logger,
            environ=self.environ if environ is None else environ,
            source=self.source,
            origins={**self._origins, **dict.fromkeys(overrides, GIVEN)},
            files=self._files,
        )

    def _remarks(self, remark: t.Callable[[str], str | None]) -> list[str]:
        """Return the remarks about the options that are set, each with the option's origin."""
        remarks = ((key, remark(key)) for key in self._given)
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
        """Return True if the option is set. A default does not count."""
        return key in self._given

    def origin(self, key: str) -> str:
        """Return where an option comes from, as messages name it."""
        return self._origins.get(key, self.source)

    def getint(self, key: str, default: int | None = None) -> int:
        """Return a whole number. Raises as :meth:`read` does.

        :raises exc.ConfigLookupError: the option is not set, and there is no default.
        """
        return t.cast(int, self._typed(key, default, INTEGER))

    def getfloat(self, key: str, default: float | None = None) -> float:
        """Return a number. Raises as :meth:`getint` does."""
        return t.cast(float, self._typed(key, default, NUMBER))

    def getboolean(self, key: str, default: bool | None = None) -> bool:
        """Return a truth value. Raises as :meth:`getint` does."""
        return t.cast(bool, self._typed(key, default, BOOLEAN))

    def getseconds(
        self, key: str, default: float | None = None, zero: float | None = None
    ) -> float:
        """Return a time that can be waited for, in seconds: more than 0, less than 30 days. Raises as :meth:`getint` does.

        :param zero: what 0 stands for, where 0 is allowed.
        """
        seconds = self.getfloat(key, default)
        if seconds == 0 and zero is not None:
            return zero
        if not 0 < seconds < ranges.LONGEST:
            raise exc.ImproperlyConfigured(
                f"{self.origin(key)}: {key} = {self[key]} is not between 0 and {ranges.LONGEST}"
                " seconds"
            )
        return seconds

    def _typed(self, key: str, default: t.Any, kind: Kind) -> t.Any:
        if default is not None and key not in self._options:
            return default
        return self.read(key, kind, self[key])

    def read(self, key: str, kind: Kind, text: str, origin: str | None = None) -> t.Any:
        """Return the value that a text stands for.

        :param key: the option, for the message.
        :param origin: where the text comes from, for the message; default: where the option does.
        :raises exc.ImproperlyConfigured: the text is no value of that kind, or the number is outside the
            option's range. A text of the wrong kind is not shown: it may be a password in the wrong place.
        """
        origin = origin or self.origin(key)
        try:
            value = kind.read(text)
        except ValueError:
            raise exc.ImproperlyConfigured(f"{origin}: {key} is not {kind.words}") from None
        fault = ranges.fault(key, value)
        if fault is not None:
            raise exc.ImproperlyConfigured(f"{origin}: {key} {fault}, not {value}")
        return value

    def variable(self, name: str, kind: Kind = TEXT) -> str | None:
        """Return the text of an environment variable, or None if it is empty or not set.

        :raises exc.ImproperlyConfigured: the text is not of this kind. It is not shown; see :meth:`read`.
        """
        text = self.environ.get(name) or None
        if text is not None:
            self.read(name, kind, text, "the environment")
        return text

    def choose(self, key: str, choices: t.Mapping[str, t.Any], default: str | None = None) -> t.Any:
        """Return the choice that the option's value names; case does not matter.

        :raises exc.ImproperlyConfigured: the value names none of the choices.
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
        """The sender of requests: the option, or the host's name."""
        identity = self["identity"]
        if not _IDENTITY.fullmatch(identity):
            raise exc.ImproperlyConfigured(
                f"{self.origin('identity')}: identity may have letters, digits, dots, dashes and"
                " underscores only"
            )
        return identity

    @property
    def collectives(self) -> list[str]:
        """The collectives that may be addressed. The main one always may."""
        names = [name.strip() for name in self["collectives"].split(",") if name.strip()]
        return list(dict.fromkeys([*names, self.main_collective]))

    @property
    def main_collective(self) -> str:
        """The collective of a request that names none."""
        return self["main_collective"]

    @property
    def connector(self) -> str:
        """The connector's name, in lower case."""
        return self["connector"].lower()

    @property
    def dialect(self) -> str:
        """What the nodes speak: "choria", or "mcollective"."""
        return dialect(self["securityprovider"])

    @property
    def max_reply_bytes(self) -> int:
        """Bytes that all accepted replies to a request may have together on the wire. The option is
        this client's own."""
        return self.getint(MAX_REPLY_BYTES, 512 * 2**20)

    @property
    def libdirs(self) -> list[str]:
        """The directories of plugins in the order of the search: the last of the file first
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
        """Return the passwords and keys that the connector and the security provider use. What a
        broker says is shown without them."""
        words = {self.connector, self["securityprovider"].lower()}
        found = {self.environ.get(SECRET_VARIABLES.get(word, ""), "") for word in words}
        for key, value in self._options.items():
            kind = kind_of(key)
            if kind is not None and kind.secret and key.split(".")[1] in words:
                found.add(value)
        return found - {""}
