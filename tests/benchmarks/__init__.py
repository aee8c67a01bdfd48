# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast the client is, beside what others take for the same in the same run: ``python tests/benchmarks``."""
