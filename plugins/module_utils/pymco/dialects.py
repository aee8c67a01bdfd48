# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""MCollective's dialect and Choria's: whose a configuration is, and what is set where it says nothing."""

from __future__ import annotations

import os
import typing as t

DEFAULTS: dict[str, str] = {
    "collectives": "mcollective",
    "main_collective": "mcollective",
    "connector": "activemq",
    "securityprovider": "psk",
    "ttl": "60",
    "direct_addressing": "true",
    "direct_addressing_threshold": "10",
    "default_discovery_method": "mc",
    "default_batch_size": "0",
    "default_batch_sleep_time": "1",
    "discovery_timeout": "2",
    "rpclimitmethod": "first",
    "connection_timeout": "10",
    "ssl_cipher": "aes-256-cbc",
}
"""MCollective's (MC:config.rb, set_config_defaults), but for connection_timeout, where the reference waits
for ever."""
CHORIA_DEFAULTS: dict[str, str] = {**DEFAULTS, "connector": "nats", "securityprovider": "choria"}
"""Choria's (Go: config/config.go), without those of the collectives, which depend on other options."""
_MARKS = ("plugin.choria.", "plugin.security.", "plugin.nats.")
"""What the options begin with that are Choria's alone."""


def dialect(provider: str) -> str:
    """Return what the nodes speak, by the security provider: "choria", or "mcollective"."""
    return "choria" if provider.lower() == "choria" else "mcollective"


def defaults(given: t.Mapping[str, str], files: t.Iterable[str]) -> dict[str, str]:
    """Return the values of options that are not set.

    :param given: the options that are set.
    :param files: the files that they come from.
    """
    if not _is_of_choria(given, files):
        return DEFAULTS
    tokens = given.get("plugin.security.provider", "").lower() == "choria"
    collectives = given.get("collectives", "choria" if tokens else "mcollective")
    first = next((name.strip() for name in collectives.split(",") if name.strip()), "mcollective")
    return {**CHORIA_DEFAULTS, "collectives": collectives, "main_collective": first}


def _is_of_choria(given: t.Mapping[str, str], files: t.Iterable[str]) -> bool:
    """Return True if a configuration is Choria's.

    Choria's own clients want neither connector nor securityprovider in their files, and Choria's Ruby
    client wants both. MCollective without them means activemq and psk, so a configuration with brokers
    of activemq is still MCollective's.
    """
    if "securityprovider" in given:
        return dialect(given["securityprovider"]) == "choria"
    if "connector" in given:
        return given["connector"].lower() == "nats"
    if any(key.startswith("plugin.activemq.") for key in given):
        return False
    return any(key.startswith(_MARKS) for key in given) or any(map(_is_choria_file, files))


def _is_choria_file(path: str) -> bool:
    directory, name = os.path.split(path)
    return name == ".choriarc" or os.path.basename(directory) == "choria"
