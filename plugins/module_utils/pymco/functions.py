# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The data functions of compound filters are checked against the DDLs of their plugins.

The reference sends nothing if a DDL is missing (MC:message.rb, validate_compound_filter). Here such
a function is sent as it is written, and the user is told: the nodes may well have the plugin, and
only its DDL be missing on this side.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from . import exc
from .ddl import check_query

if t.TYPE_CHECKING:
    from .compound import Token
    from .ddl import DataDDL
    from .filters import Filter

TIMEOUT = 1.0
"""Seconds that a plugin may take when its DDL does not tell (MC:data/base.rb)."""


def check_functions(filter_: Filter, find: t.Callable[[str], DataDDL | None]) -> list[str]:
    """Check all data functions, cast their arguments as the DDLs declare, and set filter_.seconds,
    the time that the plugins may take together (MC:discovery.rb, timeout_for_compound_filter).

    :param find: returns the DDL of a data plugin by the function's name, None if there is none.
    :returns: sentences for the user about what could not be checked.
    :raises exc.InvalidArgument: a DDL does not allow the argument, or has no such output.
    """
    doubts: dict[str, None] = {}
    filter_.seconds = 0.0

    def checked(token: Token) -> Token:
        call = token.get("fstatement")
        if call is None:
            return token
        ddl, doubt = _ddl(call["name"], find)
        filter_.seconds += (0 if ddl is None else ddl.timeout) or TIMEOUT
        if ddl is None or doubt is not None:
            doubts[str(doubt)] = None
            return token
        query = check_query(ddl, call["params"], call["value"])
        for unchecked in query.unchecked:
            told = f"the argument of the data function {call['name']} is sent unchecked"
            doubts[f"{told}: {unchecked.reason}"] = None
        return {"fstatement": {**call, "params": query.param}}

    filter_.compounds = [
        replace(entry, given=[checked(token) for token in entry.tokens])
        for entry in filter_.compounds
    ]
    return list(doubts)


def _ddl(name: str, find: t.Callable[[str], DataDDL | None]) -> tuple[DataDDL | None, str | None]:
    """Return the DDL of a function, and the doubt if it cannot be checked by it."""
    why = "there is none here"
    try:
        ddl = find(name)
    except exc.UnreadableDDL as error:
        ddl, why = None, str(error)
    unchecked = f"the data function {name} is sent unchecked"
    if ddl is None:
        missing = f"its DDL is missing: {why}; nodes that lack its plugin do not answer"
        return None, f"{unchecked}, since {missing}"
    faults = "; ".join(map(str, ddl.faults()))
    return ddl, f"{unchecked}: {faults}" if faults else None
