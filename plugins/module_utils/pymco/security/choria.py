# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Choria's security providers, one for each version of its protocol."""

from __future__ import annotations

import typing as t

from .. import choria

if t.TYPE_CHECKING:
    import logging

    from ..settings import Settings
    from .base import BaseProvider


def provider(config: Settings, logger: logging.Logger | None = None) -> BaseProvider:
    """Return the provider of the version that the configuration uses.

    :raises exc.ImproperlyConfigured: an option is missing or wrong.
    :raises exc.MissingDependency: a library that it needs is missing.
    """
    options = choria.options(config)
    if options.version == 2:
        from .choria_v2 import ChoriaV2Provider

        return ChoriaV2Provider(config, options, logger)
    from .choria_v1 import ChoriaV1Provider

    return ChoriaV1Provider(config, options, logger)
