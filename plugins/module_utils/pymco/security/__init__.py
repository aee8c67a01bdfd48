# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The security providers, by the name that a configuration uses."""

from __future__ import annotations

import typing as t

from .aes import AesProvider
from .base import SecurityProvider
from .none import NoneProvider
from .psk import PskProvider
from .ssl import SslProvider

if t.TYPE_CHECKING:
    from ..config import Config

__all__ = ["PROVIDERS", "SecurityProvider", "security_provider"]

PROVIDERS: dict[str, type[SecurityProvider]] = {
    "aes_security": AesProvider,
    "none": NoneProvider,
    "psk": PskProvider,
    "ssl": SslProvider,
}


def security_provider(config: Config) -> SecurityProvider:
    """The provider that the configuration names, ready for use.

    :raises exc.ImproperlyConfigured: there is none of that name, or an option of it is missing.
    :raises exc.MissingDependency: a library that it needs is missing.
    """
    provider: type[SecurityProvider] = config.choose("securityprovider", PROVIDERS)
    return provider(config)
