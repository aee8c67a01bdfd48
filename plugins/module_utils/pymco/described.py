# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A request is checked against the DDL of its agent.

The reference sends nothing without a DDL. Here a request is sent without one: the nodes judge by
their own in any case, and answer with statuscode 4 to a request that does not fit.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from . import exc
from .ddl import cast_arguments, check_request
from .nearest import suggestion
from .settle import check_call

if t.TYPE_CHECKING:
    from .ddl import Action, AgentDDL, Library
    from .request import Request


@dataclass(frozen=True)
class Description:
    """What a DDL makes of a request.

    :ivar request: with defaults, with text turned into the numbers and booleans that the action
        wants, as ``mco rpc`` does, and with the time that the agent may take.
    :ivar action: what the DDL says of the action; None if it says nothing.
    :ivar doubts: sentences for the user about what could not be checked.
    """

    request: Request
    action: Action | None = None
    doubts: t.Sequence[str] = ()


def describe(request: Request, library: Library, *, strict: bool = False) -> Description:
    """Check a request against its agent's DDL.

    :param strict: refuse what cannot be checked wholly.
    :raises exc.InvalidArgument: the DDL does not know the action, or refuses the arguments; if strict,
        also: the DDL does not declare an argument.
    :raises exc.UnreadableDDL: strict, and something in the DDL cannot be read.
    :raises exc.BadRequest: strict, and there is no DDL, or a rule that only nodes can check; or the agent
        is a service of Choria.
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
    if library.dialect == "choria":
        _check_no_service(ddl)
    if strict:
        ddl.check_whole()
    timed = replace(request, agent_timeout=float(ddl.timeout or request.agent_timeout))
    gaps = [
        f"{fault}; what it says there is not checked, the rest is"
        for gap, fault in zip(ddl.unread, ddl.faults())
        if gap.action in (None, request.action) or request.action not in ddl.actions
    ]
    if ddl.unread and request.action not in ddl.actions:
        return Description(timed, doubts=gaps)
    arguments = cast_arguments(ddl, request.action, request.arguments)
    # Of an action that is read in part only, nobody knows which inputs it declares.
    undeclared = [] if gaps else _undeclared(request, ddl, strict)
    checked = check_request(ddl, request.action, arguments, dialect=library.dialect)
    doubts = [
        f"the input {unchecked.input} of {request.agent} is sent unchecked: {unchecked.reason}"
        for unchecked in checked.unchecked
    ]
    if strict and doubts:
        raise exc.BadRequest(f"{'; '.join(doubts)}; validate = strict does not allow that")
    described = replace(timed, arguments=checked.arguments, described=True)
    action = ddl.actions[request.action]
    return Description(described, action, [*gaps, *undeclared, *doubts])


def _check_no_service(ddl: AgentDDL) -> None:
    """Refuse an agent that any one node runs for all: here each node would, since each gets the request."""
    if ddl.metadata.extra.get("service") is True:
        raise exc.BadRequest(
            f"the agent {ddl.name} is a service, for which Choria chooses one node, and this client does not"
            " support that: each node that has it would act"
        )


def _undeclared(request: Request, ddl: AgentDDL, strict: bool) -> list[str]:
    """Return doubts about inputs that the DDL does not declare.

    MCollective allows them, and agents may read them, but mostly they are misspelt.

    :raises exc.InvalidArgument: strict, and there is such an input.
    """
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
