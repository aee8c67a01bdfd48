# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The security providers, by the name that a configuration uses."""

from __future__ import annotations

import logging
import typing as t

from .. import exc
from ..choices import Choices
from .base import BaseProvider, SecurityProvider

if t.TYPE_CHECKING:
    from ..settings import Settings
    from . import aes, choria, none, psk, ssl  # noqa: F401

__all__ = [
    "PROVIDERS",
    "SecurityProvider",
    "SecurityProviderBase",
    "security_provider",
    "sign",
    "verify",
]

Maker = t.Callable[["Settings", t.Optional[logging.Logger]], BaseProvider]

PROVIDERS: Choices[Maker] = Choices(
    __name__,
    {
        "aes_security": ("aes", "AesProvider"),
        "choria": ("choria", "provider"),
        "none": ("none", "NoneProvider"),
        "psk": ("psk", "PskProvider"),
        "ssl": ("ssl", "SslProvider"),
    },
)
"""What makes each provider."""


def security_provider(config: Settings, logger: logging.Logger | None = None) -> BaseProvider:
    """Return the provider that the configuration names, ready for use.

    :param logger: default: the configuration's.
    :raises exc.ImproperlyConfigured: no provider has that name, or an option of it is missing.
    :raises exc.MissingDependency: a library that it needs is missing.
    """
    make: Maker = config.choose("securityprovider", PROVIDERS)
    return make(config, logger)


# -- python-mcollective's --------------------------------------------------------------------------


def symbolic(config: Settings, logger: logging.Logger | None = None) -> SecurityProvider:
    """Return the provider, with python-mcollective's methods. Raises as :func:`security_provider` does.

    :raises exc.ImproperlyConfigured: also for Choria's, which has no envelopes of that form.
    """
    found = security_provider(config, logger)
    if not isinstance(found, SecurityProvider):
        raise exc.ImproperlyConfigured(
            f"{config.source}: securityprovider = {config['securityprovider']} has no envelopes with"
            " Symbols; call its nodes with pymco.rpc.SimpleAction or pymco.client.Client"
        )
    return found


SecurityProviderBase = SecurityProvider
"""python-mcollective has a provider's methods in two classes. Here both names mean one class."""

sign, verify = SecurityProvider.sign, SecurityProvider.verify
"""Its documentation has the abstract methods as functions of the module too."""
