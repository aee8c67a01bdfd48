# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The security providers, by the name that a configuration uses.

A provider is imported when it is asked for, since the cryptography library takes longer to load than
all the rest. The imports name their modules all the same: Ansible ships what it finds imported.
"""

from __future__ import annotations

import typing as t

from .base import SecurityProvider

if t.TYPE_CHECKING:
    from ..config import Config

__all__ = ["PROVIDERS", "SecurityProvider", "security_provider"]


def _aes(config: Config) -> SecurityProvider:
    from .aes import AesProvider

    return AesProvider(config)


def _none(config: Config) -> SecurityProvider:
    from .none import NoneProvider

    return NoneProvider(config)


def _psk(config: Config) -> SecurityProvider:
    from .psk import PskProvider

    return PskProvider(config)


def _ssl(config: Config) -> SecurityProvider:
    from .ssl import SslProvider

    return SslProvider(config)


PROVIDERS: dict[str, t.Callable[[Config], SecurityProvider]] = {
    "aes_security": _aes,
    "none": _none,
    "psk": _psk,
    "ssl": _ssl,
}


def security_provider(config: Config) -> SecurityProvider:
    """The provider that the configuration names, ready for use.

    :raises exc.ImproperlyConfigured: there is none of that name, or an option of it is missing.
    :raises exc.MissingDependency: a library that it needs is missing.
    """
    provider: t.Callable[[Config], SecurityProvider] = config.choose("securityprovider", PROVIDERS)
    return provider(config)
