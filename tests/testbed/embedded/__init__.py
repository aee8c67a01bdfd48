# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A collective in one process: the STOMP face of a broker, and nodes behind it.

For a client, it behaves as R§2 of the reference says. It is for demonstrations and for
what real nodes cannot be brought to do: lie, stay silent on demand, and be many. What holds here is
proven only when it holds against the real daemon too.
"""

from __future__ import annotations

import sys
from pathlib import Path

# The client, under the name that it has outside of Ansible: pymco.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "plugins" / "module_utils"))
