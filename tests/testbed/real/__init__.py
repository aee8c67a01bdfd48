# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real brokers and ``mcollectived``, as Debian packages them, in a private directory."""

from __future__ import annotations

from .programs import missing

__all__ = ["missing"]
