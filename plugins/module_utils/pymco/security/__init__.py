# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The security providers, by the name that a configuration uses.

A provider is imported when it is asked for, since the cryptography library takes longer to load than
all the rest. The imports name their modules all the same: Ansible ships what it finds imported.
"""

from __future__ import annotations

import logging
import typing as t

from .base import SecurityProvider

if t.TYPE_CHECKING:
    from ..settings import Settings

__all__ = [
    "PROVIDERS",
    "SecurityProvider",
    "SecurityProviderBase",
    "security_provider",
    "sign",
    "verify",
]


def _aes(config: Settings, logger: logging.Logger | None) -> SecurityProvider:
    from .aes import AesProvider

    return AesProvider(config, logger)


def _none(config: Settings, logger: logging.Logger | None) -> SecurityProvider:
    from .none import NoneProvider

    return NoneProvider(config, logger)


def _psk(config: Settings, logger: logging.Logger | None) -> SecurityProvider:
    from .psk import PskProvider

    return PskProvider(config, logger)


def _ssl(config: Settings, logger: logging.Logger | None) -> SecurityProvider:
    from .ssl import SslProvider

    return SslProvider(config, logger)


Maker = t.Callable[["Settings", t.Optional[logging.Logger]], SecurityProvider]

PROVIDERS: dict[str, Maker] = {
    "aes_security": _aes,
    "none": _none,
    "psk": _psk,
    "ssl": _ssl,
}


def security_provider(config: Settings, logger: logging.Logger | None = None) -> SecurityProvider:
    """The provider that the configuration names, ready for use.

    :param logger: default: the configuration's.
    :raises exc.ImproperlyConfigured: there is none of that name, or an option of it is missing.
    :raises exc.MissingDependency: a library that it needs is missing.
    """
    provider: Maker = config.choose("securityprovider", PROVIDERS)
    return provider(config, logger)


# -- python-mcollective's --------------------------------------------------------------------------

SecurityProviderBase = SecurityProvider
"""python-mcollective has a provider's methods in two classes; here it is one, by both names."""

sign, verify = SecurityProvider.sign, SecurityProvider.verify
"""Its documentation has the abstract methods as functions of the module too."""
