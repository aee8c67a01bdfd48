# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_puppet: runs Puppet and waits for the result, or allows and forbids its runs."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.client import Client
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.envelope import Received
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ruby_values import to_s

from . import words
from .acting import ANY, ActingTask
from .base import Params, Returned, TaskFailed
from .options import (
    CLIENT_OPTIONS,
    DESIRED_OPTIONS,
    FAILURES,
    PROGRESS_OPTIONS,
    TARGET_OPTIONS,
    Spec,
    fail_on,
)
from .report import Node, Report, outputs
from .runs import Run, Runs, disabled

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import (
        Reply,
        Result,
    )

_ACTIONS = {"ran": "runonce", "enabled": "enable", "disabled": "disable"}
_CALLS = ("status", "runonce", "last_run_summary")
"""The actions that are called during a run."""
_OF_RUNS = ("noop", "tags", "skip_tags", "environment", "use_cached_catalog", "splay_limit")
SHORTEST = 5.0
"""Seconds that nodes have at least to answer one of many questions. One that is slower is asked again."""


class PuppetTask(ActingTask):
    """Runs Puppet on so many nodes at a time, or enables or disables it where it is needed."""

    options: t.ClassVar[Spec] = {
        "state": {"type": "str", "choices": list(_ACTIONS), "default": "ran"},
        "reason": {"type": "str"},
        "noop": {"type": "bool"},
        "tags": {"type": "list", "elements": "str"},
        "skip_tags": {"type": "list", "elements": "str"},
        "environment": {"type": "str"},
        "use_cached_catalog": {"type": "bool"},
        "splay": {"type": "bool", "default": False},
        "splay_limit": {"type": "int"},
        "concurrency": {"type": "int"},
        "run_timeout": {"type": "float", "default": 600.0},
        "interval": {"type": "float", "default": 5.0},
        "max_fail_percentage": {"type": "float"},
        **CLIENT_OPTIONS,
        **TARGET_OPTIONS,
        **DESIRED_OPTIONS,
        **PROGRESS_OPTIONS,
        "fail_on": fail_on(*FAILURES, "disabled"),
    }
    agent = "puppet"
    agent_timeout = 20.0
    what = "Puppet"

    @classmethod
    def idle(cls, given: Params) -> t.Collection[str]:
        return () if given.get("state", "ran") == "ran" else ("max_fail_percentage",)

    def _prepare(self) -> None:
        params, runs = self.params, self._runs
        for name in (*_OF_RUNS, "concurrency", "max_fail_percentage"):
            if params[name] is not None and not runs:
                raise TaskFailed(
                    f"{name} is of use with state = ran only, not with {params['state']}"
                )
        if params["reason"] is not None and params["state"] != "disabled":
            raise TaskFailed(
                f"reason is of use with state = disabled only, not with {params['state']}"
            )
        if params["concurrency"] is not None and params["concurrency"] < 1:
            raise TaskFailed(f"concurrency must be at least 1, not {params['concurrency']}")
        for name in ("run_timeout", "interval"):
            if not 0 < params[name] < float("inf"):
                raise TaskFailed(f"{name} must be more than 0 seconds, not {params[name]}")
        if params["splay_limit"] is not None and not params["splay"]:
            raise TaskFailed("splay_limit is of use with splay = true only")
        percentage = params["max_fail_percentage"]
        if percentage is not None and not 0 <= percentage <= 100:
            raise TaskFailed(f"max_fail_percentage must be from 0 to 100, not {percentage}")
        super()._prepare()

    @property
    def _runs(self) -> bool:
        return bool(self.params["state"] == "ran")

    # -- what it asks for ------------------------------------------------------------------------

    @property
    def _inputs(self) -> dict[str, t.Any]:
        return {}

    @property
    def _actions(self) -> dict[str, dict[str, t.Any]]:
        params, action = self.params, _ACTIONS[self.params["state"]]
        if not self._runs:
            reason = params["reason"]
            return {action: {} if reason is None else {"message": reason}}
        inputs = {
            name: params[name]
            for name in ("noop", "environment", "use_cached_catalog")
            if params[name] is not None
        }
        inputs.update(
            {
                name: ",".join(params[name])
                for name in ("tags", "skip_tags")
                if any(params[name] or ())
            }
        )
        # The agent's own default is to wait for some seconds, so that runs spread.
        inputs.update({"splay": True} if params["splay"] else {"force": True})
        if params["splay_limit"] is not None:
            inputs["splaylimit"] = params["splay_limit"]
        return {action: inputs}

    def _acting(self, nodes: t.Sequence[str], action: str) -> Request:
        return self._to(nodes, action, self._actions[action])

    # -- enabled and disabled ----------------------------------------------------------------------

    def _ask(self, client: Client, result: Result) -> Report:
        report = self._report(result)
        for reply in result.replies:
            node, told = report.nodes[reply.sender], outputs(reply)
            if self.params["state"] != "enabled" and node.before == "disabled":
                node.msg = disabled(told)
        return report

    def _state(self, reply: Reply) -> str | None:
        told = outputs(reply)
        enabled = told.get("enabled")
        if not isinstance(enabled, bool):
            return None
        if self._runs and enabled:
            return to_s(told.get("status") or "enabled")
        return "enabled" if enabled else "disabled"

    def _action_for(self, node: Node) -> str:
        return "" if node.before == self.params["state"] else _ACTIONS[self.params["state"]]

    def _foretold(self, node: Node, action: str) -> str:
        return str(self.params["state"])

    def _good(self, reply: Reply) -> bool:
        return bool(self._state(reply) == self.params["state"])

    # -- runs --------------------------------------------------------------------------------------

    def _run(self, check_mode: bool) -> Returned:
        if not self._runs:
            return super()._run(check_mode)
        client = self.client()
        question = client.prepare(self._asking({}))
        self._prepared = {action: client.prepare(self._of_run(action)) for action in _CALLS}
        with client:
            result = client.call(question)
        report = self._ask(client, result)
        runs = self._first_look(report, result, question.names)
        report.stopped = report.stopped or self._stopped(report)
        if report.stopped:
            self._leave_out(report, [run.node.sender for run in runs], report.stopped)
        elif check_mode:
            for run in runs:
                run.node.changed, run.node.after = True, "would run"
        else:
            self._carry_out(report, runs)
        return self._concluded(report)

    def _of_run(self, action: str) -> Request:
        """Return the request that calls an action of a run, to a node that is not known yet."""
        inputs, timeout = self._actions.get(action), self.params["timeout"]
        if inputs is None and timeout is None:
            timeout = max(self.params["interval"], SHORTEST)
        return self._to([ANY], action, inputs or {}, timeout=timeout)

    def _first_look(self, report: Report, result: Result, names: list[str] | None) -> list[Run]:
        """Return the runs to be made, in the order of the nodes, by what the nodes said when they were asked."""
        replies = {reply.sender: reply for reply in result.replies}
        runs = []
        for name in names or sorted(replies):
            node = report.nodes.get(name)
            if node is None or node.failed:
                continue
            if node.before == "disabled":
                if "disabled" in self.params["fail_on"]:
                    node.fail(node.msg)
                continue
            run = Run(node)
            run.look(replies[name])
            runs.append(run)
        return runs

    def _carry_out(self, report: Report, runs: list[Run]) -> None:
        params = self.params
        away: list[exc.PyMcoException] = []
        # A connection for each look: a run takes minutes, and the broker may be away meanwhile.
        client = Client(self.config)

        def ask(action: str, names: list[str]) -> tuple[dict[str, Reply], dict[str, str]]:
            try:
                with client:
                    result = client.call(self._prepared[action].to(names))
            except (exc.ConnectorError, exc.BadRequest) as error:
                # The second one is raised if the client's credentials expire meanwhile.
                away.append(error)
                return {}, dict.fromkeys(names, str(error))
            report.poll(result, acts=action == "runonce")
            unsent = result.unsent
            if result.lost:
                away.append(result.lost)
                unsent = unsent if action == "runonce" else [*unsent, *result.no_response]
            why = {name: words.not_sent(result, name) for name in unsent}
            return {reply.sender: reply for reply in result.replies}, why

        carrying = Runs(
            ask,
            concurrency=params["concurrency"] or 0,
            seconds=params["run_timeout"],
            interval=params["interval"],
            most=params["max_fail_percentage"],
            told=self._tell,
        )
        left = carrying.carry_out(runs)
        report.silent = {run.node.sender for run in runs if run.silent}
        report.unsent += [run.node.sender for run in runs if run.unsent and not run.asked]
        report.stopped = carrying.stopped
        self._leave_out(report, [node.sender for node in left], carrying.stopped)
        if away:
            self.warn(f"nodes could not be asked for a while: {away[-1]}")

    def _tell(self, over: list[Run], count: int) -> None:
        """Tell the progress of the runs, as the client tells that of a call."""
        if self._progress is not None:
            self._progress("run", {run.node.sender: _answer(run.node) for run in over}, count)


def _answer(node: Node) -> Received:
    """Return what became of a node in the form of a reply, as the progress counts those that failed."""
    answer = Received("", node.sender, {})
    answer.body = {":statuscode": int(node.failed)}
    return answer
