# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thousands of emulated Choria nodes behind one NATS connection, for size and faults.

It shares no code with the client: documents, signatures and filters are written here a second time.
The judge of both is the real ``choria`` program.
"""
