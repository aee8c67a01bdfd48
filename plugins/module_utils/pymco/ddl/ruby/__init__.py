# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The part of Ruby that DDLs are written in: text to tokens, to syntax trees, to values."""

from __future__ import annotations

from .evaluator import Evaluator, Word
from .machine import Block, Machine, usable
from .parser import parse

__all__ = ["Block", "Evaluator", "Machine", "Word", "parse", "usable"]
