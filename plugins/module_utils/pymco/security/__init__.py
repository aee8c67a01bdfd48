# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The security providers, by the name that a configuration uses.

A provider is imported when it is asked for, since the cryptography library takes longer to load than
all the rest.
"""

from __future__ import annotations

import importlib
import logging
import typing as t

from .base import SecurityProvider

if t.TYPE_CHECKING:
    from ..settings import Settings

    # Ansible ships the files that import statements name, wherever they stand.
    from . import aes, none, psk, ssl  # noqa: F401

__all__ = [
    "PROVIDERS",
    "SecurityProvider",
    "SecurityProviderBase",
    "security_provider",
    "sign",
    "verify",
]

PROVIDERS: dict[str, tuple[str, str]] = {
    "aes_security": ("aes", "AesProvider"),
    "none": ("none", "NoneProvider"),
    "psk": ("psk", "PskProvider"),
    "ssl": ("ssl", "SslProvider"),
}
"""The module and the class of each provider."""


def security_provider(config: Settings, logger: logging.Logger | None = None) -> SecurityProvider:
    """Return the provider that the configuration names, ready for use.

    :param logger: default: the configuration's.
    :raises exc.ImproperlyConfigured: no provider has that name, or an option of it is missing.
    :raises exc.MissingDependency: a library that it needs is missing.
    """
    module, name = config.choose("securityprovider", PROVIDERS)
    provider: type[SecurityProvider] = getattr(
        importlib.import_module(f".{module}", __name__), name
    )
    return provider(config, logger)


# -- python-mcollective's --------------------------------------------------------------------------

SecurityProviderBase = SecurityProvider
"""python-mcollective has a provider's methods in two classes. Here both names mean one class."""

sign, verify = SecurityProvider.sign, SecurityProvider.verify
"""Its documentation has the abstract methods as functions of the module too."""
