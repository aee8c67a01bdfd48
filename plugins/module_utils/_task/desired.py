# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Tasks that bring nodes to a state: they ask first, and act only on nodes that differ.

The question is one request to all nodes. What changes something goes to single nodes by name. All requests of a task
go over one connection.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request

from . import words
from .base import CollectiveTask, Returned, concise, concluded, stats_of
from .report import Node, Report, diff, outputs
from .values import to_json

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import (
        Reply,
        Result,
    )

_QUOTED = 60
"""Characters of what a node says instead of its state."""


class DesiredTask(CollectiveTask):
    """A task that brings nodes to a state.

    :cvar agent: the agent that it calls.
    :cvar agent_timeout: seconds that the agent may take if no DDL tells.
    :cvar question: the agent's action that tells the state.
    """

    agent: t.ClassVar[str]
    agent_timeout: t.ClassVar[float]
    question: t.ClassVar[str] = "status"

    # -- requests ------------------------------------------------------------------------------

    def _prepare(self) -> None:
        super()._prepare()
        self._ddls = self.library()

    def _described(self, request: Request) -> Request:
        """Return a request as the agent's DDL completes it. Nodes judge what cannot be checked here.

        :raises exc.InvalidArgument: the DDL does not know the action, or refuses an argument.
        """
        from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.described import (
            describe,
        )

        return describe(request, self._ddls).request

    def _asking(self, arguments: t.Mapping[str, t.Any]) -> Request:
        """Return the request that asks all nodes for their state, at once."""
        self._wanted = self.request(
            agent=self.agent,
            action=self.question,
            arguments=arguments,
            agent_timeout=self.agent_timeout,
            batch_size=0,
            batch_sleep=None,
            max_fail_percentage=None,
        )
        return self._described(self._wanted)

    def _to(
        self,
        nodes: t.Sequence[str],
        action: str,
        arguments: t.Mapping[str, t.Any],
        **fields: t.Any,
    ) -> Request:
        """Return a further request, to these nodes, which are known to fit the filters."""
        named = dataclasses.replace(
            self._wanted, action=action, arguments=arguments, nodes=nodes, filter=Filter()
        )
        named = dataclasses.replace(
            named, limit=None, expected_nodes=None, minimum_nodes=1, discovery_options=None
        )
        return self._described(dataclasses.replace(named, **fields))

    def _report(self, result: Result) -> Report:
        """Return a report with the nodes that answered the question, or did not."""
        report = Report()
        report.ask(result)
        for reply in result.replies:
            node = report.nodes[reply.sender] = Node(reply.sender)
            node.before = node.after = self._state(reply) if reply.ok else None
            if not reply.ok:
                node.fail(f"{reply.statuscode}: {reply.statusmsg}")
            elif node.before is None:
                node.fail(self._untold(reply))
        for name in result.no_response if result.requestid else ():
            report.nodes[name] = Node(name)
            report.nodes[name].fail("did not answer")
        for name in result.unsent:
            report.nodes[name] = Node(name)
            self._leave_out(report, [name], words.not_sent(result, name))
        report.stopped = self._stopped(report)
        return report

    @staticmethod
    def _leave_out(report: Report, names: t.Iterable[str], why: str) -> None:
        """Note that nodes are not sent a request, so that they are not in the wanted state."""
        for name in names:
            report.unsent.append(name)
            report.nodes[name].fail(f"not sent: {why}")

    def _stopped(self, report: Report) -> str:
        """Return why nothing may be changed; "" if it may."""
        result, most = report.question, self.params["max_fail_percentage"]
        if result.lost:
            return "nothing was changed, since the connection was lost during the question"
        if self.shortage(result, self.agent):
            return "nothing was changed, since there are too few nodes"
        bad, count = sum(node.failed for node in report.nodes.values()), len(report.nodes)
        if most is not None and 100 * bad > most * count:
            return (
                f"nothing was changed, since {bad} of {count} nodes failed or did not answer the question,"
                f" which is more than {most:g} %"
            )
        return ""

    def _untold(self, reply: Reply) -> str:
        """Say that a node does not tell its state, and what it tells instead."""
        said = printable(outputs(reply), _QUOTED)
        return f"the agent {self.agent} does not tell the state of {self.what}, but only {said}"

    # -- what subclasses know ------------------------------------------------------------------

    @property
    def what(self) -> str:
        """What has the state."""
        raise NotImplementedError

    def _state(self, reply: Reply) -> str | None:
        """Return the state that a node tells; None if it does not tell it."""
        raise NotImplementedError

    # -- results -------------------------------------------------------------------------------

    def _concluded(self, report: Report) -> Returned:
        """Return the task's result.

        :raises TaskFailed: it has failed by what the option fail_on says.
        """
        self.warn_of(report)
        if report.lost:
            self.warn(words.cut_short(report.lost))
        silent = report.question.no_response if report.question.requestid else ()
        unreachable = self.is_unreachable(report, silent)
        return concluded(self._returned(report), self._complaints(report), unreachable=unreachable)

    def _returned(self, report: Report) -> Returned:
        nodes = [report.nodes[name] for name in sorted(report.nodes)]
        outcomes = [to_json(node.returned()) for node in nodes]
        silent, unsent = report.no_response, sorted(report.unsent)
        question = report.question
        returned = {
            "changed": any(node.changed for node in nodes),
            "outcomes": outcomes,
            "nodes": question.nodes,
            "no_response": silent,
            "unsent": unsent,
            "unexpected": sorted(report.unexpected),
            "diff": diff(nodes),
            "stats": concise(
                {
                    **stats_of(question, self.config),
                    "rejected": dict(report.rejected),
                    "nodes": len(question.nodes),
                    "changed": sum(node.changed for node in nodes),
                    "failed": len(report.failed),
                    "no_response": len(silent),
                    "unsent": len(unsent),
                    "batches": sum(result.batches for result in report.acts),
                    "requestids": report.requestids,
                    "lost": None if report.lost is None else str(report.lost),
                    "resumed": report.resumed,
                }
            ),
        }
        if len(question.nodes) == 1 and outcomes:
            returned["outcome"] = outcomes[0]
        return returned

    def _complaints(self, report: Report) -> t.Iterator[str]:
        on, question = self.params["fail_on"], report.question
        short = self.shortage(question, self.agent)
        yield short
        if short:
            return
        yield report.stopped
        if "failed" in on and report.failed:
            yield words.failed(report.failed, len(question.nodes))
        if "no_response" in on:
            for result in report.requests:
                if result.no_response:
                    heard = None if result is question else question
                    yield self.silent(result, heard=heard)
            if report.silent:
                why = {name: report.nodes[name].msg for name in report.silent}
                yield f"{len(why)} of {len(question.nodes)} nodes did not answer: {words.reasons(why)}"
            unsent = question.unsent if report.stopped else report.unsent
            if unsent:
                why = {name: report.nodes[name].msg for name in unsent}
                yield (
                    f"{len(why)} of {len(question.nodes)} nodes were not sent the request:"
                    f" {words.reasons(why)}"
                )
        elif report.lost:
            yield words.lost(report.lost)
