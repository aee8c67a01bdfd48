# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real ``choria`` program as broker, nodes and client, in a private directory."""

from __future__ import annotations

from .program import missing

__all__ = ["missing"]
