# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Finds DDLs: in the libdirs, at paths that the user names, and among those that are built in."""

from __future__ import annotations

import os
import re
import typing as t

from .. import exc
from ..files import read_bytes, why
from . import builtin
from .json_form import read_json
from .model import DDL, AgentDDL, DataDDL, DiscoveryDDL
from .ruby_form import read_ruby

_NAME = re.compile(r"\w+", re.ASCII)
MAX_SIZE = 2**18
"""Bytes that a DDL file may have. The largest of known plugins has 30 KiB."""

_READERS = {".ddl": read_ruby, ".json": read_json}
"""Of two files of one plugin the Ruby form wins, since nodes obey it."""


class Library:
    """Finds and reads DDLs, each once.

    Files in `paths` come first, then those in the libdirs, then those that are built in.

    :param libdirs: directories that hold mcollective/KIND/NAME.ddl or .json, in the order in which
        they are searched: :attr:`.Settings.libdirs`.
    :param paths: files NAME.ddl or NAME.json, and directories with such files, or with
        KIND/NAME.ddl or mcollective/KIND/NAME.ddl in them.
    """

    def __init__(self, libdirs: t.Sequence[str] = (), paths: t.Sequence[str] = ()) -> None:
        self._libdirs = list(libdirs)
        self._paths = list(paths)
        self._found: dict[tuple[str, str], DDL | None] = {}

    def agent(self, name: str) -> AgentDDL | None:
        return t.cast("AgentDDL | None", self.find("agent", name))

    def data(self, name: str) -> DataDDL | None:
        """Return the DDL of a data plugin. The name may lack its "_data"."""
        plugin = name.lower()
        plugin = plugin if plugin.endswith("_data") else f"{plugin}_data"
        return t.cast("DataDDL | None", self.find("data", plugin))

    def discovery(self, name: str) -> DiscoveryDDL | None:
        return t.cast("DiscoveryDDL | None", self.find("discovery", name))

    def find(self, kind: str, name: str) -> DDL | None:
        """Return the DDL of a plugin, or None. Parts of it may be unread.

        :raises exc.BadRequest: this cannot be a plugin's name.
        :raises exc.UnreadableDDL: there is a DDL of which nothing can be read.
        """
        for part in (kind, name):
            if not _NAME.fullmatch(part):
                raise exc.BadRequest(
                    f"{part!r} is no name of a plugin: those have letters, digits and _ only"
                )
        if (kind, name) not in self._found:
            path = self._path(kind, name)
            read = builtin.find(kind, name) if path is None else read_file(path, kind, name)
            self._found[kind, name] = read
        return self._found[kind, name]

    def names(self, kind: str) -> list[str]:
        """Return the names of a kind's plugins that can be found, sorted.

        :raises exc.UnreadableDDL: a path does not exist, or a directory cannot be read.
        """
        files = [file for place in self._places(kind) for file in _files(place)]
        names = [os.path.splitext(os.path.basename(file))[0] for file in files]
        return sorted({*filter(_NAME.fullmatch, names), *builtin.names(kind)})

    def _path(self, kind: str, name: str) -> str | None:
        """Return the path of the file that describes a plugin."""
        files = [name + extension for extension in _READERS]
        for place in self._places(kind):
            if os.path.basename(place) in files and not os.path.isdir(place):
                return place
            for path in (os.path.join(place, file) for file in files):
                if os.path.exists(path):
                    return path
        return None

    def _places(self, kind: str) -> t.Iterator[str]:
        """Give files, and directories that may hold DDLs, in the order of the search."""
        for path in self._paths:
            if not os.path.exists(path):
                raise exc.UnreadableDDL("no such file or directory", path)
            yield path
            if os.path.isdir(path):
                yield from (os.path.join(path, kind), os.path.join(path, "mcollective", kind))
        yield from (os.path.join(libdir, "mcollective", kind) for libdir in self._libdirs)


def _files(place: str) -> list[str]:
    """Return the DDLs in a directory, which need not exist, or the file itself."""
    try:
        found = [place] if os.path.isfile(place) else os.listdir(place)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise exc.UnreadableDDL(error.strerror or str(error), place) from None
    return [file for file in found if os.path.splitext(file)[1] in _READERS]


def read_file(path: str, kind: str, name: str) -> DDL:
    """Read a DDL file, by its extension in the Ruby or in the JSON form.

    :raises exc.UnreadableDDL: nothing of it can be read. Parts that cannot be read are in `unread`.
    """
    reader = _READERS.get(os.path.splitext(path)[1])
    if reader is None:
        raise exc.UnreadableDDL("its name ends neither in .ddl nor in .json", path)
    return reader(_text(path), kind, name, path)


def _text(path: str) -> str:
    try:
        content = read_bytes(path, MAX_SIZE)
    except (OSError, ValueError) as error:
        raise exc.UnreadableDDL(why(error), path) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise exc.UnreadableDDL("not in UTF-8", path, line) from None
