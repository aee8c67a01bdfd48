# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Warns of permissions by which others can change a configuration's files, or read its secrets.

A group may read the files, so that several operators can share a client.cfg. The owner's own group may also
write them, as with the umask 002 of many distributions.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import shlex
import stat
import typing as t

from .printable import printable

_SECRETS = re.compile(r"plugin\.psk|plugin\.(.+\.)?pass(word\d*)?")
_PRIVATE = re.compile(
    r"plugin\.(ssl_|aes\.)(client|server)_private|plugin\.\w+\.pool\.\d+\.ssl\.key"
    r"|plugin\.security\.(file|choria)\.key|plugin\.security\.choria\.seed_file"
)
_TRUSTED = re.compile(
    r"plugin\.(ssl_|aes\.)(client|server)_public|plugin\.aes\.ca_cert|plugin\.\w+\.pool\.\d+\.ssl\.(ca|cert)"
    r"|plugin\.security\.(file|choria)\.(ca|certificate)|plugin\.security\.choria\.token_file"
)
_PRIVATE_VARIABLES = re.compile(r"MCOLLECTIVE_((SSL|AES)_PRIVATE|\w+_POOL\d+_SSL_KEY)")


def warnings(
    files: t.Mapping[str, bool], options: t.Mapping[str, str], environ: t.Mapping[str, str]
) -> list[str]:
    """Return a warning for each file that others can change, or whose secrets everybody can read.

    :param files: the configuration's files and directories. True: the file holds secrets.
    :param options: name keys and certificates.
    :param environ: may name others.
    """
    secret = dict(files)
    for key, value in options.items():
        if key.startswith("plugin.security.") and value.startswith("~/"):
            value = environ.get("HOME", "~") + value[1:]  # only Choria's options may begin so
        if _PRIVATE.fullmatch(key):
            secret[value] = True
        elif _TRUSTED.fullmatch(key):
            for path in value.split(","):
                secret.setdefault(path.strip(), False)
    for name, value in environ.items():
        if _PRIVATE_VARIABLES.fullmatch(name):
            secret[value] = True
    found = (_warning(path, holds) for path, holds in secret.items() if path)
    return [words for words in found if words]


def holds_secrets(keys: t.Iterable[str]) -> bool:
    """Return True if the name of a password or a pre-shared key is among these names of options."""
    return any(map(_SECRETS.fullmatch, keys))


def _warning(path: str, secret: bool) -> str | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None  # whoever needs the file says so
    mode, faults = stat.S_IMODE(found.st_mode), {}
    if mode & stat.S_IWOTH:
        faults["o-w"] = "everybody on this machine can change it"
    if mode & stat.S_IWGRP and not _is_own_group(found):
        faults["g-w"] = f"its group {_group(found.st_gid)} can change it"
    if secret and mode & stat.S_IROTH:
        faults["o-r"] = "everybody on this machine can read the secrets in it"
    if not faults:
        return None
    told, cure = ", ".join(faults.values()), ",".join(faults)
    where, command = printable(path), printable(shlex.quote(path))
    return f"{where} has mode {mode:04o}: {told}; mend it with: chmod {cure} {command}"


def _is_own_group(found: os.stat_result) -> bool:
    """Return True if the file's group has the name of its owner and no other members."""
    try:
        group, owner = grp.getgrgid(found.st_gid), pwd.getpwuid(found.st_uid)
    except KeyError:
        return False
    return group.gr_name == owner.pw_name and set(group.gr_mem) <= {owner.pw_name}


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
