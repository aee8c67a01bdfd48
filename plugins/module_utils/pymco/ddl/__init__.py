# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""DDLs: what plugins say about themselves, and what follows from it for a client.

:class:`Library` finds and reads them, in their Ruby form (without Ruby) and in JSON; a DDL is plain
data (:mod:`.model`). With it a request is checked and completed before it is sent
(:func:`check_request`), a data function of a compound filter likewise (:func:`check_query`), text
from a command line is given its type (:func:`cast_arguments`), and replies are summarized
(:func:`summarize`).

The Ruby form is a program. What reads it is a lexer, a parser and an evaluator for the part of Ruby
that DDLs are written in; all work is bounded, and whatever is beyond that part is an error with its
line, never a guess.
"""

from __future__ import annotations

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
    Input,
    Metadata,
    Output,
)
from .reader import read_ruby
from .validation import (
    Checked,
    CheckedQuery,
    Unchecked,
    cast_arguments,
    check_query,
    check_request,
)
from .values import Range, Regexp, RubyClass

__all__ = [
    "DDL",
    "Action",
    "AgentDDL",
    "Aggregate",
    "Aggregated",
    "Checked",
    "CheckedQuery",
    "DataDDL",
    "DiscoveryDDL",
    "Failure",
    "Input",
    "Library",
    "Metadata",
    "Output",
    "Range",
    "Regexp",
    "RubyClass",
    "Summary",
    "Unchecked",
    "cast_arguments",
    "check_query",
    "check_request",
    "read_file",
    "read_json",
    "read_ruby",
    "summarize",
]
