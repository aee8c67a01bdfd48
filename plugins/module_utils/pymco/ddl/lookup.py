# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Where DDLs are: in the libdirs, at paths that the user names, and built in."""

from __future__ import annotations

import os
import re
import typing as t

from .. import exc
from ..files import read_bytes, why
from . import builtin
from .json_form import read_json
from .model import DDL, AgentDDL, DataDDL, DiscoveryDDL
from .reader import read_ruby

_READERS = {".ddl": read_ruby, ".json": read_json}
"""Where both are there, the Ruby form wins: it is the one that nodes obey."""


class Library:
    """Finds and reads DDLs, each once.

    A plugin's DDL is the first of: a file of its name in `paths`, in order; in the libdirs; the one
    that is built in.

    :param libdirs: directories that hold mcollective/KIND/NAME.ddl or .json, in the order in which
        they are searched: :attr:`.Config.libdirs`.
    :param paths: files NAME.ddl or NAME.json, and directories with such files, or with
        KIND/NAME.ddl or mcollective/KIND/NAME.ddl in them.
    """

    def __init__(self, libdirs: t.Sequence[str] = (), paths: t.Sequence[str] = ()) -> None:
        self._libdirs = list(libdirs)
        self._paths = list(paths)
        self._found: dict[tuple[str, str], DDL | None] = {}

    def agent(self, name: str) -> AgentDDL | None:
        """The DDL of an agent; None if there is none. Raises :class:`.exc.UnreadableDDL`."""
        return t.cast("AgentDDL | None", self.find("agent", name))

    def data(self, name: str) -> DataDDL | None:
        """The DDL of a data plugin, which may be named without its "_data"; None if there is none.

        :raises exc.UnreadableDDL: there is one that cannot be read.
        """
        plugin = name.lower()
        plugin = plugin if plugin.endswith("_data") else f"{plugin}_data"
        return t.cast("DataDDL | None", self.find("data", plugin))

    def discovery(self, name: str) -> DiscoveryDDL | None:
        """The DDL of a discovery method; None if there is none. Raises :class:`.exc.UnreadableDDL`."""
        return t.cast("DiscoveryDDL | None", self.find("discovery", name))

    def find(self, kind: str, name: str) -> DDL | None:
        """The DDL of any plugin; None if there is none.

        :raises exc.BadRequest: this cannot be a plugin's name.
        :raises exc.UnreadableDDL: there is one that cannot be read.
        """
        for part in (kind, name):
            if re.fullmatch(r"\w+", part, re.ASCII) is None:
                raise exc.BadRequest(
                    f"{part!r} is no name of a plugin: only letters, digits and _ are"
                )
        if (kind, name) not in self._found:
            path = self._path(kind, name)
            read = builtin.find(kind, name) if path is None else read_file(path, kind, name)
            self._found[kind, name] = read
        return self._found[kind, name]

    def names(self, kind: str) -> list[str]:
        """The plugins of a kind that can be found, sorted.

        :raises exc.UnreadableDDL: a path does not exist, or a directory cannot be read.
        """
        found = set(builtin.names(kind))
        for path in self._paths:
            _refuse_missing(path)
            if os.path.isdir(path):
                for folder in _folders(kind):
                    found |= _described(os.path.join(path, *folder))
            else:
                found |= _names([os.path.basename(path)])
        for libdir in self._libdirs:
            found |= _described(os.path.join(libdir, "mcollective", kind))
        return sorted(found)

    def _path(self, kind: str, name: str) -> str | None:
        """The file that describes a plugin."""
        return next(filter(os.path.exists, self._candidates(kind, name)), None)

    def _candidates(self, kind: str, name: str) -> t.Iterator[str]:
        files = [name + extension for extension in _READERS]
        for path in self._paths:
            _refuse_missing(path)
            if os.path.isdir(path):
                for folder in _folders(kind):
                    yield from (os.path.join(path, *folder, file) for file in files)
            elif os.path.basename(path) in files:
                yield path
        for libdir in self._libdirs:
            yield from (os.path.join(libdir, "mcollective", kind, file) for file in files)


def _refuse_missing(path: str) -> None:
    if not os.path.exists(path):
        raise exc.UnreadableDDL("no such file or directory", path)


def _folders(kind: str) -> tuple[tuple[str, ...], ...]:
    """Where in a directory that a user names DDLs may lie."""
    return (), (kind,), ("mcollective", kind)


def _described(directory: str) -> set[str]:
    """The plugins that have a DDL in a directory, which need not exist."""
    try:
        return _names(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise exc.UnreadableDDL(error.strerror or str(error), directory) from None


def _names(files: t.Iterable[str]) -> set[str]:
    parts = map(os.path.splitext, files)
    return {
        name
        for name, extension in parts
        if extension in _READERS and re.fullmatch(r"\w+", name, re.ASCII)
    }


def read_file(path: str, kind: str, name: str) -> DDL:
    """Read a DDL file, by its extension in the Ruby or in the JSON form.

    :raises exc.UnreadableDDL: it cannot be read, or is not a DDL that MCollective would accept.
    """
    extension = os.path.splitext(path)[1]
    reader = _READERS.get(extension)
    if reader is None:
        raise exc.UnreadableDDL("its name ends neither in .ddl nor in .json", path)
    return reader(_text(path), kind, name, path)


def _text(path: str) -> str:
    try:
        content = read_bytes(path)
    except (OSError, ValueError) as error:
        raise exc.UnreadableDDL(why(error), path) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise exc.UnreadableDDL("not in UTF-8", path, line) from None
