# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The methods of a DDL's values, all of them. None changes a value."""

from __future__ import annotations

from . import containers, scalars
from .machine import Methods

METHODS = Methods()
for table in (scalars.METHODS, containers.METHODS):
    for class_, methods in table.items():
        METHODS.setdefault(class_, {}).update(methods)
