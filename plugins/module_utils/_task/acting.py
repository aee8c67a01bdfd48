# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Tasks whose nodes get to the wanted state by one action each."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc

from . import words
from .base import Returned, TaskFailed
from .desired import DesiredTask
from .report import Node, Report

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.client import Client
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import (
        Reply,
        Result,
    )

ANY = "any"
"""The node of a request that is prepared before its nodes are known."""


class ActingTask(DesiredTask):
    """A task whose nodes get to the state by one action each."""

    def _prepare(self) -> None:
        if "name" in self.options and not (self.params["name"] or "").strip():
            raise TaskFailed(f"name is empty; it must be the name of a {self.agent}")
        super()._prepare()

    def _run(self, check_mode: bool) -> Returned:
        client = self.client()
        question = client.prepare(self._asking(self._inputs))
        # Before anything is sent, so that a wrong option is refused.
        self._prepared = {
            action: client.prepare(self._acting([ANY], action)) for action in self._actions
        }
        with client:
            report = self._ask(client, client.call(question))
            self._nodes = report.nodes
            order = question.names or sorted(report.nodes)
            for action, names in self._plan(report).items():
                nodes = [report.nodes[name] for name in order if name in names]
                if check_mode and not report.stopped:
                    for node in nodes:
                        node.changed, node.after = True, self._foretold(node, action)
                else:
                    self._act(client, report, action, nodes)
        return self._concluded(report)

    # -- what subclasses know ------------------------------------------------------------------

    @property
    def _inputs(self) -> dict[str, t.Any]:
        """The inputs of the question."""
        raise NotImplementedError

    @property
    def _actions(self) -> dict[str, dict[str, t.Any]]:
        """The actions that may be called, with their inputs."""
        raise NotImplementedError

    def _ask(self, client: Client, result: Result) -> Report:
        """Return what nodes told of their state. There may be more to ask."""
        return self._report(result)

    def _action_for(self, node: Node) -> str:
        """Return the action that brings a node to the wanted state; "" if it is in that state."""
        raise NotImplementedError

    def _foretold(self, node: Node, action: str) -> str:
        """Return the state of a node after an action, as far as it is known before."""
        raise NotImplementedError

    def _good(self, reply: Reply) -> bool:
        """Return True if a node says after an action that it is in the wanted state."""
        raise NotImplementedError

    def _reached(self, reply: Reply) -> bool:
        """Return True if a node is in the wanted state in the end."""
        return self._good(reply)

    def _changes(self, node: Node, reply: Reply, state: str | None) -> bool:
        """Return True if an action has changed a node, which was not in the wanted state."""
        return reply.ok or (state is not None and state != node.before)

    # -- acting --------------------------------------------------------------------------------

    def _plan(self, report: Report) -> dict[str, set[str]]:
        """Return the nodes to act on, by action."""
        plan: dict[str, set[str]] = {}
        for name, node in report.nodes.items():
            action = "" if node.failed else self._action_for(node)
            if action:
                plan.setdefault(action, set()).add(name)
        return plan

    def _acting(self, nodes: t.Sequence[str], action: str) -> Request:
        given = {
            name: self.params[name] for name in ("batch_size", "batch_sleep", "max_fail_percentage")
        }
        return self._to(nodes, action, self._actions[action], **given)

    def _act(self, client: Client, report: Report, action: str, nodes: list[Node]) -> None:
        """Call an action on nodes, unless an earlier one was stopped, and take in what they say."""
        names = [node.sender for node in nodes]
        why = report.stopped or (words.lost(report.lost) if report.lost else "")
        if why:
            self._leave_out(report, names, why)
            return
        try:
            result = client.call(self._prepared[action].to(names), good=self._good)
        except exc.ConnectorError as error:
            report.lost = error
            self._leave_out(report, names, words.lost(error))
            return
        except exc.BadRequest as error:
            # It was good when it was prepared: the client's credentials have expired.
            report.stopped = str(error)
            self._leave_out(report, names, report.stopped)
            return
        report.act(result)
        if result.stopped:
            report.stopped = words.stopped(result)
        told = self._confirmed(client, report, result)
        for reply in result.replies:
            self._take(report.nodes[reply.sender], told.get(reply.sender, reply))
        for name in result.no_response:
            node = report.nodes[name]
            node.changed, node.after = True, None
            node.fail(f"did not answer; it may have carried out the action {action} or not")
        for name in result.unsent:
            self._leave_out(report, [name], words.not_sent(result, name))

    def _confirmed(self, client: Client, report: Report, result: Result) -> dict[str, Reply]:
        """Return the replies that count in place of those to an action, by sender."""
        return {}

    def _take(self, node: Node, reply: Reply) -> None:
        """Take in what a node says after an action."""
        state = self._state(reply)
        node.changed = self._changes(node, reply, state)
        node.after = state
        if self._reached(reply):
            return
        if reply.ok and state is None:
            node.fail(self._untold(reply))
        elif reply.ok:
            node.fail(f"the action {reply.action} succeeded, but left {self.what} {state}")
        else:
            node.fail(f"{reply.statuscode}: {reply.statusmsg}")
