# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What became of the nodes that a task brings to a state, and what its requests brought."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Reception
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable

from .values import to_json

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import (
        Reply,
        Result,
    )

    from .base import Returned


def outputs(reply: Reply) -> dict[str, t.Any]:
    """Return an action's outputs by name, as data that JSON can carry."""
    return t.cast("dict[str, t.Any]", to_json(reply.data))


@dataclasses.dataclass
class Node:
    """What became of one node.

    :ivar before: its state when it was asked; None if it did not tell.
    :ivar after: its state in the end, or the expected one in check mode.
    :ivar changed: the task has changed it, or may have.
    :ivar msg: what is wrong, or should be known.
    :ivar more: what a task tells beyond that.
    """

    sender: str
    before: str | None = None
    after: str | None = None
    changed: bool = False
    failed: bool = False
    msg: str = ""
    more: Returned = dataclasses.field(default_factory=dict)

    def fail(self, msg: str) -> None:
        """Note that the node is not in the wanted state, and why."""
        self.failed, self.msg = True, msg

    def returned(self) -> Returned:
        """Return it as the task returns it."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**fields.pop("more"), **fields}


@dataclasses.dataclass
class Report(Reception):
    """What all requests of a task brought.

    :ivar nodes: by identity: those that answered the question, or should have.
    :ivar asks: the results of the questions; the first one tells which nodes the task is for.
    :ivar acts: the results of the requests that change something.
    :ivar unsent: the nodes that were not sent the question, or were to be changed and were not sent that request.
    :ivar silent: the nodes that did not answer one of many requests; see :meth:`poll`.
    :ivar stopped: why nothing further was sent, if so.
    :ivar requestids: those of the questions, and of the requests that change something.
    """

    asks: list[Result] = dataclasses.field(default_factory=list)
    nodes: dict[str, Node] = dataclasses.field(default_factory=dict)
    acts: list[Result] = dataclasses.field(default_factory=list)
    unsent: list[str] = dataclasses.field(default_factory=list)
    silent: set[str] = dataclasses.field(default_factory=set)
    stopped: str = ""
    requestids: list[str] = dataclasses.field(default_factory=list)

    def ask(self, result: Result) -> None:
        """Take in how the replies to a question came in."""
        self.asks.append(result)
        self._take(result)

    def act(self, result: Result) -> None:
        """Take in how the replies to a request came in that changes something."""
        self.acts.append(result)
        self._take(result)

    def _take(self, result: Result) -> None:
        self.add(result)
        if result.requestid is not None:
            self.requestids.append(result.requestid)

    def poll(self, result: Result, *, acts: bool) -> None:
        """Take in how the replies to one of many requests came in. A node that is silent is asked again.

        :param acts: the request changes something.
        """
        self.add(dataclasses.replace(result, lost=None))
        if acts and result.requestid is not None:
            self.requestids.append(result.requestid)

    @property
    def question(self) -> Result:
        """The first result."""
        return self.asks[0]

    @property
    def requests(self) -> list[Result]:
        """The results of all requests that were sent."""
        return [result for result in (*self.asks, *self.acts) if result.requestid is not None]

    @property
    def no_response(self) -> list[str]:
        """The identities that did not answer a request; sorted."""
        asked = {node for result in self.requests for node in result.no_response}
        return sorted(asked | self.silent)

    @property
    def failed(self) -> dict[str, str]:
        """What is wrong with each node that answered, and is not in the wanted state."""
        silent = {*self.no_response, *self.unsent}
        return {
            name: node.msg
            for name, node in self.nodes.items()
            if node.failed and name not in silent
        }


def diff(nodes: t.Iterable[Node]) -> dict[str, str]:
    """Return the states of the nodes that change, as Ansible shows differences. It shows them as they are."""
    changed = [node for node in nodes if node.changed]
    return {
        "before": "".join(f"{node.sender}: {_shown(node.before)}\n" for node in changed),
        "after": "".join(f"{node.sender}: {_shown(node.after)}\n" for node in changed),
    }


def _shown(state: str | None) -> str:
    return "unknown" if state is None else printable(state)
