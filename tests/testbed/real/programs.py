# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the programs of the real testbed are, and the environment in which they run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

#: The package's own scripts. What Debian puts on PATH is a wrapper around them that insists on
#: root, changes to the user ``rabbitmq`` and drops most of the environment.
RABBITMQ_SCRIPTS = Path("/usr/lib/rabbitmq/bin")

SHIM = Path(__file__).with_name("psych_shim.rb")

#: Where a normal user's PATH does not reach, though the programs there may well be run by one.
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_PACKAGES = {
    "rabbitmq-server": "rabbitmq-server",
    "epmd": "erlang-base",
    "activemq": "activemq",
    "java": "default-jre-headless",
    "mcollectived": "mcollective",
    "mco": "mcollective-client",
    "ruby": "ruby",
}


def find(name: str) -> Path | None:
    """Return the program of that name. If there are two, return the one without a wrapper."""
    found = None
    if name.startswith("rabbitmq"):
        found = shutil.which(name, path=str(RABBITMQ_SCRIPTS))
    found = found or shutil.which(name, path=_search_path())
    return Path(found) if found else None


def require(name: str) -> Path:
    """Return the program as `find` does, for callers that cannot go on without it."""
    found = find(name)
    if found is None:
        raise RuntimeError(missing() or f"{name} is not installed.")
    return found


def missing() -> str | None:
    """Return None if all programs are there. Otherwise say what is missing, and what installs it."""
    absent = [name for name in _PACKAGES if find(name) is None]
    if not absent:
        return None
    packages = " ".join(_PACKAGES[name] for name in absent)
    return (
        f"The real testbed needs {', '.join(absent)}, not found here; "
        f"on Debian 12: apt-get install --no-install-recommends {packages}"
    )


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return a whole environment, so that nothing of the caller's can change what a program does.

    A variable such as ``MCOLLECTIVE_PSK``, ``STOMP_USER``, ``RUBYOPT`` or ``ERL_FLAGS`` would.
    UTF-8, since Ruby reads files of facts and classes in the encoding of the locale.
    """
    return {"HOME": str(home), "PATH": _search_path(), "LC_ALL": "C.UTF-8", **more}


def _search_path() -> str:
    own = os.environ.get("PATH", "")
    return f"{own}:{_SYSTEM_PATH}" if own else _SYSTEM_PATH
