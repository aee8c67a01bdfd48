# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Ruby's regular expressions: whether one matches a value, told as Ruby would or not at all."""

from __future__ import annotations

from .matcher import Regex, compile_ruby
from .syntax import Untranslatable

__all__ = ["Regex", "Untranslatable", "compile_ruby"]
