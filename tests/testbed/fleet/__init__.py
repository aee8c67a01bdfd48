# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thousands of emulated nodes on a real broker, for size and speed."""
