# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collectives on loopback for every purpose: tests, demos, measurements."""
