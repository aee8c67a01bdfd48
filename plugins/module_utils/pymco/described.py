# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A request in the light of its agent's DDL.

The reference sends nothing without a DDL. Here it is used where there is one: the nodes judge by
their own in any case, and answer with statuscode 4 where a request does not fit.
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import exc
from .ddl import cast_arguments, check_request
from .nearest import suggestion
from .settle import check_call

if t.TYPE_CHECKING:
    from .ddl import Action, AgentDDL, Library
    from .request import Request


@dataclasses.dataclass(frozen=True)
class Description:
    """What a DDL makes of a request.

    :ivar request: with defaults, with text turned into the numbers and truth values that the action
        wants, as ``mco rpc`` does, and with the time that the agent may take.
    :ivar action: what the DDL says of the action; None if there is none.
    :ivar doubts: sentences for the user: what could not be checked.
    """

    request: Request
    action: Action | None = None
    doubts: t.Sequence[str] = ()


def describe(request: Request, library: Library, strict: bool = False) -> Description:
    """Hold a request against its agent's DDL.

    :param strict: refuse it when it cannot be checked wholly.
    :raises exc.InvalidArgument: the DDL does not know the action, or refuses the arguments; strict, and it
        does not declare one of them.
    :raises exc.UnreadableDDL: strict, and the DDL cannot be read as a whole.
    :raises exc.BadRequest: strict, and there is no DDL, or a rule that only nodes can check.
    """
    check_call(request)
    try:
        ddl = library.agent(request.agent)
    except exc.UnreadableDDL as error:
        if strict:
            raise
        return Description(request, doubts=[f"the arguments are sent unchecked: {error}"])
    if ddl is None:
        if strict:
            raise exc.BadRequest(
                f"there is no DDL of the agent {request.agent}, which validate = strict demands;"
                " looked for in ddl_path and the configuration's libdir"
            )
        return Description(request)
    if strict:
        ddl.check_whole()
    known = _checked if request.action in ddl.actions or not ddl.unread else _unchecked
    description = known(_timed(request, ddl), ddl, strict)
    return dataclasses.replace(
        description, doubts=[*_gaps(ddl, request.action), *description.doubts]
    )


def _timed(request: Request, ddl: AgentDDL) -> Request:
    """The request with the time that the agent may take, if the DDL tells it."""
    return dataclasses.replace(request, agent_timeout=float(ddl.timeout or request.agent_timeout))


def _gaps(ddl: AgentDDL, action: str) -> list[str]:
    """What a DDL that is read in part leaves open for an action."""
    return [
        f"{fault}; what it says there is not checked, the rest is"
        for gap, fault in zip(ddl.unread, ddl.faults())
        if gap.action in (None, action)
    ]


def _unchecked(request: Request, _ddl: AgentDDL, _strict: bool) -> Description:
    return Description(request)


def _checked(request: Request, ddl: AgentDDL, strict: bool) -> Description:
    cast = cast_arguments(ddl, request.action, request.arguments)
    undeclared = _undeclared(request, ddl, strict)
    checked = check_request(ddl, request.action, cast)
    doubts = [
        f"the input {unchecked.input} of {request.agent} is sent unchecked: {unchecked.reason}"
        for unchecked in checked.unchecked
    ]
    if strict and doubts:
        raise exc.BadRequest(f"{'; '.join(doubts)}; validate = strict does not allow that")
    described = dataclasses.replace(
        request,
        arguments=checked.arguments,
        described=True,
    )
    return Description(described, ddl.actions[request.action], [*undeclared, *doubts])


def _undeclared(request: Request, ddl: AgentDDL, strict: bool) -> list[str]:
    """Return doubts about inputs that the DDL does not declare.

    MCollective allows them, and agents may read them, but mostly they are misspelt. Of an action that is
    read in part only, nobody knows which inputs it declares.

    :raises exc.InvalidArgument: strict, and there is such an input.
    """
    if _gaps(ddl, request.action):
        return []
    inputs = ddl.actions[request.action].inputs
    names = [name[1:] if name.startswith(":") else name for name in request.arguments]
    unknown = {name: suggestion(name, inputs) for name in names if name not in inputs}
    if strict and unknown:
        name, meant = next(iter(unknown.items()))
        raise exc.InvalidArgument(ddl.name, request.action, name, f"no such input{meant}")
    return [
        f"{request.agent} is sent the input {name}, which its DDL does not declare for the action"
        f" {request.action}{meant}"
        for name, meant in unknown.items()
    ]
