# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Bytes: a bounded stream, protocols that know no socket, and a session for each. Nothing here knows MCollective."""

from __future__ import annotations
