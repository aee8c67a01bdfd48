# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_discovery_info: the nodes that a request with the same options would address."""

from __future__ import annotations

import typing as t

from .base import CollectiveTask, Returned, TaskFailed, concise, concluded, stats_of
from .filter_words import in_words
from .options import CLIENT_OPTIONS, PROGRESS_OPTIONS, TARGET_OPTIONS, Spec, fail_on

AGENT = "rpcutil"
"""Every node has this agent, and ``mco find`` looks for it too (MC:application/find.rb)."""


class DiscoveryInfoTask(CollectiveTask):
    """Finds nodes. It does the same in check mode."""

    options: t.ClassVar[Spec] = {
        **CLIENT_OPTIONS,
        **TARGET_OPTIONS,
        **PROGRESS_OPTIONS,
        "fail_on": fail_on("no_nodes"),
    }

    def _run(self, check_mode: bool) -> Returned:
        request = self.request(agent=AGENT, action="ping")
        client = self.client()
        prepared = client.prepare(request)
        if prepared.request.discovery_method == "none":
            raise TaskFailed(
                "discovery_method = none finds no nodes; use mc to ask the nodes, or flatfile"
            )
        with client:
            result = client.targets(prepared)
            self.look(client, prepared, result, self.params["fail_on"])
        self.warn_of(result, result.found if result.discovered else 0)
        returned = {
            "changed": False,
            "nodes": result.nodes,
            "count": len(result.nodes),
            "filters": in_words(prepared.filter),
            "stats": concise({"found": result.found, **stats_of(result, self.config)}),
        }
        return concluded(returned, [self.shortage(result, AGENT, sent=False)])
