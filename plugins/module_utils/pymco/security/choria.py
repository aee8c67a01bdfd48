# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Choria's security providers."""

from __future__ import annotations

import logging
import typing as t

from .. import choria, exc

if t.TYPE_CHECKING:
    from ..settings import Settings
    from .base import BaseProvider


def provider(config: Settings, logger: logging.Logger | None = None) -> BaseProvider:
    """Return the provider of the protocol's version that the configuration uses."""
    version = choria.options(config).version
    raise exc.ImproperlyConfigured(
        f"{config.source}: version {version} of Choria's protocol is not built"
    )
