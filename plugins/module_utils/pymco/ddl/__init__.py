# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""DDLs: the descriptions of plugins, and what a client does by them.

:class:`Library` finds and reads them, in their Ruby form (without Ruby) and in JSON; a DDL is plain
data (:mod:`.model`). By it a request is checked and completed before it is sent
(:func:`check_request`), so is a data function of a compound filter (:func:`check_query`), text
from a command line gets its type (:func:`cast_arguments`), and replies are summarized
(:func:`summarize`).

The Ruby form is a program, and :mod:`.ruby_form` runs the part of Ruby that DDLs are written in. All
work is bounded. Anything else is a :class:`Gap` with its line, never a guess; the rest of the DDL
serves all the same.
"""

from __future__ import annotations

from ..ruby_values import Regexp, RubyClass
from .aggregates import Aggregated, Failure, Summary, summarize
from .json_form import read_json
from .lookup import Library, read_file
from .model import (
    DDL,
    Action,
    AgentDDL,
    Aggregate,
    DataDDL,
    DiscoveryDDL,
    Gap,
    Input,
    Metadata,
    Output,
)
from .ruby_form import read_ruby
from .validation import Checked, CheckedQuery, Unchecked, cast_arguments, check_query, check_request

__all__ = ["DDL", "Action", "AgentDDL", "Aggregate", "Aggregated", "Checked", "CheckedQuery"]
__all__ += ["DataDDL", "DiscoveryDDL", "Failure", "Gap", "Input", "Library", "Metadata", "Output"]
__all__ += ["Regexp", "RubyClass", "Summary", "Unchecked", "cast_arguments", "check_query"]
__all__ += ["check_request", "read_file", "read_json", "read_ruby", "summarize"]
