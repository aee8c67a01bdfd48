# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_node_info: what many nodes tell of themselves."""

from __future__ import annotations

import typing as t

from . import words
from .base import CollectiveTask, Returned, TaskFailed, failures
from .gathering import PARTS, Gathered, Wish, gather
from .options import CLIENT_OPTIONS, FAILURES, PROGRESS_OPTIONS, TARGET_OPTIONS, Spec, fail_on

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc


class NodeInfoTask(CollectiveTask):
    """Gathers what is wanted of all nodes at once. It is the same in check mode."""

    options: t.ClassVar[Spec] = {
        **CLIENT_OPTIONS,
        **TARGET_OPTIONS,
        "gather": {"type": "list", "elements": "str", "choices": list(PARTS)},
        "facts": {"type": "list", "elements": "str"},
        "timeout": {"type": "float"},
        "ttl": {"type": "int"},
        **PROGRESS_OPTIONS,
        "fail_on": fail_on(*FAILURES),
    }

    def _run(self, check_mode: bool) -> Returned:
        params = self.params
        fields = {name: params[name] for name in ("timeout", "ttl")}
        if params["expected_nodes"] and "no_nodes" in params["fail_on"]:
            fields["minimum_nodes"] = params["expected_nodes"]
        request = self.request("rpcutil", "inventory", **fields)
        wish = self._wish()
        client = self.client()
        client.prepare(request)
        with client:
            gathered = gather(client, request, wish)
        self.warn_of(gathered)
        if gathered.lost:
            self.warn(f"the connection ended before all replies were in: {gathered.lost}")
        returned = _returned(gathered)
        complaints = list(self._complaints(gathered, request, returned))
        if complaints:
            raise TaskFailed("; ".join(complaints), returned)
        return returned

    def _wish(self) -> Wish:
        parts, facts = self.params["gather"], self.params["facts"]
        if parts is None:
            parts = PARTS if facts is None else ["facts"]
        with failures():
            return Wish.of(parts, facts)

    def _complaints(
        self, gathered: Gathered, request: rpc.Request, returned: Returned
    ) -> t.Iterator[str]:
        on, first = self.params["fail_on"], gathered.results[0]
        if "no_nodes" in on:
            if not first.nodes:
                yield words.nobody(first, request, self.doubts)
                return
            if first.found < (request.expected_nodes or 0):
                yield words.too_few(first, request)
        if "failed" in on and gathered.failed:
            yield (
                f"{len(gathered.failed)} of {len(first.nodes)} nodes failed:"
                f" {words.reasons(gathered.failed)}"
            )
        if "no_response" in on and returned["no_response"]:
            yield _silent(gathered, returned)
        elif gathered.lost and not first.known:
            # Who has not answered, nobody knows.
            yield f"the connection was lost: {gathered.lost}"


def _returned(gathered: Gathered) -> Returned:
    first, last = gathered.results[0], gathered.results[-1]
    silent = {*gathered.no_response, *first.unsent} if first.requestid else set()
    failed = sorted(gathered.failed)
    return {
        "changed": False,
        "node_info": list(gathered.nodes.values()),
        "nodes": first.nodes,
        "no_response": sorted(silent),
        "failures": [{"identity": node, "msg": gathered.failed[node]} for node in failed],
        "unexpected": gathered.unexpected,
        "stats": {
            "broker": first.broker,
            "passed_over": first.passed_over,
            "nodes": len(first.nodes),
            "gathered": len(gathered.nodes),
            "failed": len(gathered.failed),
            "no_response": len(silent),
            "requests": sum(result.requestid is not None for result in gathered.results),
            "rejected": dict(gathered.rejected),
            "lost": None if gathered.lost is None else str(gathered.lost),
            "timeout": first.timeout,
            "seconds": last.seconds,
        },
    }


def _silent(gathered: Gathered, returned: Returned) -> str:
    """Who did not answer, and why that may be."""
    silent = returned["no_response"]
    why = f"within {gathered.results[0].timeout:g} s{words.rejected(gathered)}. {words.SILENCE}."
    if gathered.lost:
        why = f"because the connection was lost: {gathered.lost}."
    asked = len(returned["nodes"])
    return f"{len(silent)} of {asked} nodes did not answer: {words.named(silent)} {why}"
