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

MAX_DEPTH = 8
MAX_FILES = 10_000
"""How deep the search for Choria's DDLs goes below a directory, and how many files it looks at."""

_READERS = {".ddl": read_ruby, ".json": read_json}
_ORDER = {"mcollective": (".ddl", ".json"), "choria": (".json", ".ddl")}
"""Of two files of one plugin in a directory, the form that nodes obey wins."""


class Library:
    """Finds and reads DDLs, each once.

    Files in `paths` come first. Of MCollective's DDLs, those in the libdirs are next, then those that are
    built in. Of Choria's it is the other way round (Go: choria/framework.go, DDLResolvers).

    :param libdirs: directories that hold mcollective/KIND/NAME.ddl or .json, in the order in which
        they are searched: :attr:`.Settings.libdirs`. Choria's JSON files may also be in choria/KIND, and in
        directories below.
    :param paths: files NAME.ddl or NAME.json, and directories with such files, or with
        KIND/NAME.ddl or mcollective/KIND/NAME.ddl in them.
    :param dialect: what the nodes speak; see :attr:`.Settings.dialect`.
    """

    def __init__(
        self,
        libdirs: t.Sequence[str] = (),
        paths: t.Sequence[str] = (),
        dialect: str = "mcollective",
    ) -> None:
        self._libdirs = list(libdirs)
        self._paths = list(paths)
        self.dialect = dialect
        self._found: dict[tuple[str, str], DDL | None] = {}
        self._below: dict[str, dict[str, str]] = {}

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
            self._found[kind, name] = self._read(kind, name)
        return self._found[kind, name]

    def names(self, kind: str) -> list[str]:
        """Return the names of a kind's plugins that can be found, sorted.

        :raises exc.UnreadableDDL: a path does not exist, or a directory cannot be read.
        """
        found = {*self._of_choria(kind), *builtin.names(kind, self.dialect)}
        for place in (*self._named(kind), *self._installed(kind)):
            found.update(os.path.splitext(os.path.basename(file))[0] for file in _files(place))
        return sorted(filter(_NAME.fullmatch, found))

    def _read(self, kind: str, name: str) -> DDL | None:
        path = self._path(name, self._named(kind))
        built_in = builtin.find(kind, name, self.dialect)
        if path is None and built_in is not None and self.dialect == "choria":
            return built_in
        path = path or self._of_choria(kind).get(name) or self._path(name, self._installed(kind))
        return built_in if path is None else read_file(path, kind, name)

    def _path(self, name: str, places: t.Iterable[str]) -> str | None:
        """Return the path of the first file that describes a plugin."""
        files = [name + extension for extension in _ORDER[self.dialect]]
        for place in places:
            if os.path.basename(place) in files and not os.path.isdir(place):
                return place
            for path in (os.path.join(place, file) for file in files):
                if os.path.exists(path):
                    return path
        return None

    def _named(self, kind: str) -> t.Iterator[str]:
        """Yield the files that the user names, and directories that may hold DDLs, in the order of the search."""
        for path in self._paths:
            if not os.path.exists(path):
                raise exc.UnreadableDDL("no such file or directory", path)
            yield path
            if os.path.isdir(path):
                yield from (os.path.join(path, kind), os.path.join(path, "mcollective", kind))

    def _installed(self, kind: str) -> t.Iterator[str]:
        """Yield the directories of the libdirs that may hold DDLs, in the order of the search."""
        yield from (os.path.join(libdir, "mcollective", kind) for libdir in self._libdirs)

    def _of_choria(self, kind: str) -> dict[str, str]:
        """Return the JSON files below the libdirs by the names of their plugins. Of several of one name the
        last one that the search meets counts (Go: providers/ddlresolver/filesystem_resolver.go)."""
        if self.dialect != "choria":
            return {}
        if kind not in self._below:
            roots = [
                os.path.join(libdir, directory, kind)
                for libdir in reversed(self._libdirs)
                for directory in ("choria", "mcollective")
            ]
            paths = [path for root in roots for path in _below(root)]
            self._below[kind] = {os.path.basename(path)[: -len(".json")]: path for path in paths}
        return self._below[kind]


def _below(root: str) -> list[str]:
    """Return the JSON files below a directory, which need not exist, in the order of their names.

    :raises exc.UnreadableDDL: a directory cannot be read, or there are too many files or directories.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
            raise exc.UnreadableDDL(why(error), error.filename) from None

    found: list[str] = []
    seen = 0
    for path, directories, files in os.walk(root, onerror=refuse):
        seen += len(directories) + len(files)
        if seen > MAX_FILES or path[len(root) :].count(os.sep) > MAX_DEPTH:
            raise exc.UnreadableDDL("there are too many files or directories below it", root)
        found += [os.path.join(path, file) for file in files if file.endswith(".json")]
    return sorted(found, key=lambda file: file.split(os.sep))


def _files(place: str) -> list[str]:
    """Return the DDLs in a directory, which need not exist, or the file itself."""
    try:
        found = [place] if os.path.isfile(place) else os.listdir(place)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise exc.UnreadableDDL(why(error), place) from None
    return [file for file in found if os.path.splitext(file)[1] in _READERS]


def read_file(path: str, kind: str, name: str) -> DDL:
    """Read a DDL file, by its extension in the Ruby or in the JSON form.

    :raises exc.UnreadableDDL: nothing of it can be read. Parts that cannot be read are in `unread`.
    """
    reader = _READERS.get(os.path.splitext(path)[1])
    if reader is None:
        raise exc.UnreadableDDL("its name ends neither in .ddl nor in .json", path)
    try:
        content = read_bytes(path, MAX_SIZE)
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise exc.UnreadableDDL("not in UTF-8", path, line) from None
    except (OSError, ValueError) as error:
        raise exc.UnreadableDDL(why(error), path) from None
    return reader(text, kind, name, path)
