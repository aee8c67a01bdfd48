# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of Choria's clients, and what the client makes of them."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import choria, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings

HOSTS = "plugin.choria.middleware_hosts"
FILE = {
    HOSTS: "choria1.example:4222",
    "plugin.security.provider": "file",
    "plugin.security.file.certificate": "/cert",
    "plugin.security.file.key": "/key",
    "plugin.security.file.ca": "/ca",
}
TOKENS = {
    HOSTS: "choria1.example:4222",
    "plugin.security.provider": "choria",
    "plugin.security.choria.token_file": "/token",
    "plugin.security.choria.seed_file": "/seed",
    "plugin.security.choria.ca": "/ca",
}


def settings(given: dict[str, str], environ: dict[str, str] | None = None) -> Settings:
    """Return the settings of a client. An option with an empty text is not set."""
    return Settings({key: value for key, value in given.items() if value != ""}, environ=environ)


def read(given: dict[str, str], environ: dict[str, str] | None = None) -> choria.ChoriaOptions:
    return choria.options(settings(given, environ))


def refused(given: dict[str, str], environ: dict[str, str] | None = None) -> str:
    """Return why settings cannot be used."""
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        read(given, environ)
    return str(caught.value)


def puppet(directory: pathlib.Path, certname: str) -> pathlib.Path:
    """Make the files that Puppet makes."""
    for name in (f"certs/{certname}.pem", f"private_keys/{certname}.pem", "certs/ca.pem"):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("pem")
        path.chmod(0o600)
    return directory
