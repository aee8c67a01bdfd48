# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_find: whom a request with the same options is for."""

from __future__ import annotations

import typing as t

from . import words
from .base import CollectiveTask, Returned, TaskFailed
from .options import CLIENT_OPTIONS, PROGRESS_OPTIONS, TARGET_OPTIONS, Spec, fail_on

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc

AGENT = "rpcutil"
"""Every node has this agent. It is the one for which ``mco find`` looks (MC:application/find.rb)."""


class FindTask(CollectiveTask):
    """Finds nodes. It is the same in check mode."""

    options: t.ClassVar[Spec] = {
        **CLIENT_OPTIONS,
        **TARGET_OPTIONS,
        **PROGRESS_OPTIONS,
        "fail_on": fail_on("no_nodes"),
    }

    def _run(self, check_mode: bool) -> Returned:
        request = self.request(AGENT, "ping")
        client = self.client()
        prepared = client.prepare(request)
        if prepared.request.discovery_method == "none":
            raise TaskFailed(
                "discovery_method = none looks for nobody; use mc to ask the nodes, or flatfile"
            )
        with client:
            result = client.targets(prepared)
        self.warn_of(result)
        returned = {
            "changed": False,
            "nodes": result.nodes,
            "count": len(result.nodes),
            "stats": {
                "found": result.found,
                "broker": result.broker,
                "passed_over": result.passed_over,
                "rejected": dict(result.rejected),
                "seconds": result.seconds,
            },
        }
        if "no_nodes" in self.params["fail_on"]:
            self._judge(result, request, returned)
        return returned

    def _judge(self, result: rpc.Result, request: rpc.Request, returned: Returned) -> None:
        if not result.nodes:
            raise TaskFailed(words.nobody(result, request, self.doubts), returned)
        if result.found < (request.expected_nodes or 0):
            raise TaskFailed(
                f"{result.found} nodes were found where {request.expected_nodes} were expected"
                f"{words.rejected(result)}. {words.SILENCE}",
                returned,
            )
