# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""client.cfg, Choria's client.conf, and plugin.d: where they are, and their lines.

Read as the reference reads them (MC:config.rb): no sections, no quotes, no interpolation, no
comments behind a value.
"""

from __future__ import annotations

import os
import re
import string
import typing as t

from . import exc
from .files import read_text, why
from .permissions import holds_secrets

_PLUGIN_FILE = re.compile(r"\w+\.cfg", re.ASCII)
PLACES = (
    *("~/.choriarc", "~/.mcollective", "/etc/choria/client.conf"),
    *("/usr/local/etc/choria/client.conf", "/etc/puppetlabs/mcollective/client.cfg"),
    "/etc/mcollective/client.cfg",
)
"""Where MCollective and Choria look, in this order (MC:util.rb, config_file_for_user; Go: internal/util/util.go,
UserConfig). Choria's ``choria.conf`` of the working directory is left out: whoever can write to a directory
could send the requests, and the passwords, of those who work there to a broker of their own."""
_ACCUMULATING = {"libdir": os.pathsep, "default_discovery_options": "\n"}


class Setting(t.NamedTuple):
    """An option's value and where it comes from: "FILE:LINE"."""

    value: str
    origin: str


class Contents(t.NamedTuple):
    """What a client.cfg and the plugin.d beside it say.

    :ivar files: the files that were read, and the directory. True: the file holds secrets.
    """

    settings: dict[str, Setting]
    files: dict[str, bool]


def read_files(path: str) -> Contents:
    """Read a client.cfg and the plugin.d beside it, which wins.

    The line ``x = y`` in plugin.d/rabbitmq.cfg is ``plugin.rabbitmq.x = y``. A .choriarc has no plugin.d
    (Go: config/config.go, dotdDir).

    :raises exc.ImproperlyConfigured: a file cannot be read.
    """
    found = Contents({}, {})
    _read_file(found, path, "")
    if os.path.basename(path) == ".choriarc":
        return found
    directory = os.path.join(os.path.dirname(path), "plugin.d")
    try:
        names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    except OSError as error:
        raise exc.ImproperlyConfigured(f"cannot read {directory}: {why(error)}") from error
    for name in filter(_PLUGIN_FILE.fullmatch, names):
        _read_file(found, os.path.join(directory, name), f"plugin.{name[: -len('.cfg')]}.")
    found.files[directory] = False
    return found


def _read_file(found: Contents, path: str, prefix: str) -> None:
    settings = parse(read_text(path, "the configuration file"), path, prefix)
    found.settings.update(settings)
    found.files[path] = holds_secrets(settings)


def parse(text: str, source: str, prefix: str = "") -> dict[str, Setting]:
    """Return the options of lines ``key = value``. The last one wins, but for the options that accumulate.

    :param source: what messages call the text.
    :param prefix: what the names of its options begin with.
    """
    found: dict[str, list[tuple[int, str]]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip(string.whitespace)
        equals = line.find("=", 1)
        if line.startswith("#") or equals < 0 or equals == len(line) - 1:
            continue
        key = prefix + line[:equals].strip(string.whitespace)
        earlier = found.setdefault(key, [])
        if key not in _ACCUMULATING:
            earlier.clear()
        earlier.append((number, line[equals + 1 :].lstrip(string.whitespace)))
    return {
        key: Setting(
            _ACCUMULATING.get(key, "").join(value for _number, value in values),
            f"{source}:{','.join(str(number) for number, _value in values)}",
        )
        for key, values in found.items()
    }


def first_readable(environ: t.Mapping[str, str]) -> str:
    """Return the first readable file of :data:`PLACES`.

    :raises exc.ImproperlyConfigured: no file can be read; the message names all places.
    """
    home = environ.get("HOME", "")
    places = [place.replace("~", home, 1) for place in PLACES if home or place[0] != "~"]
    for place in places:
        if os.access(place, os.R_OK):
            return place
    raise exc.ImproperlyConfigured(
        f"no readable configuration file found; looked for {', '.join(places)}"
    )
