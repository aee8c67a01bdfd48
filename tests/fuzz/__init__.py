# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzzing of all that reads what others wrote. ``python tests/fuzz --help`` tells how to run it.

Each target runs in a process of its own (worker.py) under the eye of a supervisor (supervisor.py),
which names the input when the process dies or hangs. What a target may do with an input, and what it
must hold to, is in the targets_*.py; how inputs are made is in mutation.py and the make_*.py.
"""
