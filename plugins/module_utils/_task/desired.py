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

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Reception
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request

from . import words
from .base import CollectiveTask, Returned, concluded, stats_of
from .options import CLIENT_OPTIONS, FAILURES, PROGRESS_OPTIONS, TARGET_OPTIONS, Spec, fail_on
from .values import to_json

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.client import Client
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import (
        Reply,
        Result,
    )

DESIRED_OPTIONS: Spec = {
    **CLIENT_OPTIONS,
    **TARGET_OPTIONS,
    "timeout": {"type": "float"},
    "publish_timeout": {"type": "float"},
    "ttl": {"type": "int"},
    "max_fail_percentage": {"type": "float"},
    **PROGRESS_OPTIONS,
    "fail_on": fail_on(*FAILURES),
}
"""The options of all tasks that bring nodes to a state."""
BATCH_OPTIONS: Spec = {"batch_size": {"type": "str"}, "batch_sleep": {"type": "float"}}


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
    :ivar unsent: the nodes that were to be changed, and were not sent a request.
    :ivar stopped: why nothing further was sent, if so.
    """

    asks: list[Result] = dataclasses.field(default_factory=list)
    nodes: dict[str, Node] = dataclasses.field(default_factory=dict)
    acts: list[Result] = dataclasses.field(default_factory=list)
    unsent: list[str] = dataclasses.field(default_factory=list)
    stopped: str = ""

    def ask(self, result: Result) -> None:
        """Take in how the replies to a question came in."""
        self.asks.append(result)
        self.add(result)

    def act(self, result: Result) -> None:
        """Take in how the replies to a request came in that changes something."""
        self.acts.append(result)
        self.add(result)

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
        return sorted({node for result in self.requests for node in result.no_response})

    @property
    def failed(self) -> dict[str, str]:
        """What is wrong with each node that answered, and is not in the wanted state."""
        silent = set(self.no_response)
        return {
            name: node.msg
            for name, node in self.nodes.items()
            if node.failed and name not in silent
        }


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
                node.fail(f"the answer of the agent {self.agent} does not tell the state")
        for name in result.no_response if result.requestid else ():
            report.nodes[name] = Node(name)
            report.nodes[name].fail("did not answer")
        report.stopped = self._stopped(report)
        return report

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

    # -- what subclasses know ------------------------------------------------------------------

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
        return concluded(self._returned(report), self._complaints(report))

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
            "diff": _diff(nodes),
            "stats": {
                **stats_of(question),
                "rejected": dict(report.rejected),
                "nodes": len(question.nodes),
                "changed": sum(node.changed for node in nodes),
                "failed": len(report.failed),
                "no_response": len(silent),
                "unsent": len(unsent),
                "batches": sum(result.batches for result in report.acts),
                "requestids": [result.requestid for result in report.requests],
                "lost": None if report.lost is None else str(report.lost),
                "resumed": report.resumed,
            },
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
                    yield words.silent(result, self.silence)
            if report.unsent and not report.stopped:
                yield (
                    f"{len(report.unsent)} of {len(question.nodes)} nodes were not sent the request:"
                    f" {words.named(sorted(report.unsent))}"
                )
        elif report.lost:
            yield words.lost(report.lost)


class ActingTask(DesiredTask):
    """A task whose nodes get to the state by one action each."""

    def _run(self, check_mode: bool) -> Returned:
        client = self.client()
        question = client.prepare(self._asking(self._inputs))
        for action in self._actions:
            # So that a wrong option is refused before anything is sent.
            client.prepare(self._acting(["any"], action))
        with client:
            report = self._ask(client, client.call(question))
            self._nodes = report.nodes
            plan = {} if report.stopped else self._plan(report)
            order = question.names or sorted(report.nodes)
            for action, names in plan.items():
                nodes = [report.nodes[name] for name in order if name in names]
                if check_mode:
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
        if report.stopped or report.lost:
            self._leave_out(report, names, report.stopped or words.lost(report.lost))
            return
        try:
            result = client.call(self._acting(names, action), good=self._good)
        except exc.ConnectorError as error:
            report.lost = error
            self._leave_out(report, names, words.lost(error))
            return
        report.act(result)
        if result.stopped:
            report.stopped = words.stopped(result)
        for reply in result.replies:
            self._take(report.nodes[reply.sender], reply)
        for name in result.no_response:
            node = report.nodes[name]
            node.changed, node.after = True, None
            node.fail(f"did not answer; it may have carried out the action {action} or not")
        why = result.stopped or (result.lost and words.lost(result.lost)) or "there was no time"
        self._leave_out(report, result.unsent, why)

    def _take(self, node: Node, reply: Reply) -> None:
        """Take in what a node says after an action."""
        state = self._state(reply)
        node.changed = self._changes(node, reply, state)
        node.after = state
        if self._good(reply):
            return
        if reply.ok:
            node.fail(f"the action {reply.action} succeeded, but left {self.what} {state}")
        else:
            node.fail(f"{reply.statuscode}: {reply.statusmsg}")

    @property
    def what(self) -> str:
        """What has the state."""
        raise NotImplementedError

    @staticmethod
    def _leave_out(report: Report, names: t.Iterable[str], why: str) -> None:
        for name in names:
            report.unsent.append(name)
            report.nodes[name].msg = f"not sent: {why}"


def _diff(nodes: t.Iterable[Node]) -> dict[str, str]:
    """Return the states of the nodes that change, as Ansible shows differences."""
    changed = [node for node in nodes if node.changed]
    return {
        "before": "".join(f"{node.sender}: {node.before}\n" for node in changed),
        "after": "".join(f"{node.sender}: {node.after or 'unknown'}\n" for node in changed),
    }
