# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The data functions of compound filters against the DDLs of their plugins.

The reference sends nothing if a DDL is missing (MC:message.rb, validate_compound_filter). Here such
a function is sent as it is written, and told of: the nodes may well have the plugin, and its DDL be
all that is missing on this side.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from . import exc
from .ddl import check_query

if t.TYPE_CHECKING:
    from .compound import Token
    from .ddl import DataDDL
    from .message import Filter

TIMEOUT = 1.0
"""Seconds that a plugin may take when its DDL does not tell (MC:data/base.rb)."""


def check_functions(filter_: Filter, find: t.Callable[[str], DataDDL | None]) -> list[str]:
    """Check all data functions, cast their arguments as the DDLs declare, and set filter_.seconds.

    :param find: gives the DDL of a data plugin by the function's name, None if there is none.
    :returns: sentences for the user: what could not be checked.
    :raises exc.InvalidArgument: a DDL does not allow the argument, or has no such output.
    """
    checks = _Checks(find)
    filter_.compounds = [
        replace(entry, tokens=[checks.checked(token) for token in entry.tokens])
        for entry in filter_.compounds
    ]
    filter_.seconds = checks.seconds
    return list(checks.doubts)


class _Checks:
    """Checks one token after the other.

    :ivar seconds: what the plugins may take together (MC:discovery.rb, timeout_for_compound_filter).
    :ivar doubts: the keys are sentences.
    """

    def __init__(self, find: t.Callable[[str], DataDDL | None]) -> None:
        self._find = find
        self.seconds = 0.0
        self.doubts: dict[str, None] = {}

    def checked(self, token: Token) -> Token:
        call = token.get("fstatement")
        if call is None:
            return token
        ddl = self._ddl(call["name"])
        self.seconds += (0 if ddl is None else ddl.timeout) or TIMEOUT
        if ddl is None or ddl.unread:
            return token
        query = check_query(ddl, call["params"], call["value"])
        for unchecked in query.unchecked:
            self.doubts[
                f"the argument of the data function {call['name']} is sent unchecked: {unchecked.reason}"
            ] = None
        return {"fstatement": {**call, "params": query.param}}

    def _ddl(self, name: str) -> DataDDL | None:
        why = "there is none here"
        try:
            ddl = self._find(name)
        except exc.UnreadableDDL as error:
            ddl, why = None, str(error)
        if ddl is None:
            self.doubts[
                f"the data function {name} is sent unchecked, since its DDL is missing: {why};"
                " nodes that lack its plugin do not answer"
            ] = None
        elif ddl.unread:
            why = "; ".join(map(str, ddl.faults()))
            self.doubts[f"the data function {name} is sent unchecked: {why}"] = None
        return ddl
