# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_facts: what one node tells of itself."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable

from . import words
from .base import CollectiveTask, Returned, TaskFailed
from .gathering import AGENT, PARTS_OPTION, Gathered, Wish, gather
from .options import CLIENT_OPTIONS, Spec

NO_NODE = (
    "it is not known which node's facts are wanted: set node. As a task on a host it is the host"
    " itself, but gather_facts does not tell its modules whom it is for. For it, set"
    " module_defaults of pymco.mcollective.mcollective_facts in the play, with node:"
    ' "{{ mcollective_identity | default(inventory_hostname) }}"'
)


class FactsTask(CollectiveTask):
    """Gathers the facts of a node. It changes nothing, so it does the same in check mode."""

    options: t.ClassVar[Spec] = {
        **CLIENT_OPTIONS,
        "node": {"type": "str"},
        "gather_subset": PARTS_OPTION,
        "fact_names": {"type": "list", "elements": "str"},
        "timeout": {"type": "float"},
    }

    def _run(self, check_mode: bool) -> Returned:
        params = self.params
        node = params["node"]
        if not node:
            raise TaskFailed(NO_NODE)
        wish = Wish.of(params["gather_subset"], params["fact_names"])
        request = rpc.Request(
            AGENT,
            "inventory",
            nodes=[node],
            collective=params["collective"],
            timeout=params["timeout"],
        )
        client = self.client()
        client.prepare(request)
        with client:
            gathered = gather(client, request, wish)
        self.warn_of(gathered)
        if node not in gathered.nodes:
            raise TaskFailed(_why(gathered, node))
        return {"ansible_facts": {"mcollective": gathered.nodes[node]}}


def _why(gathered: Gathered, node: str) -> str:
    """Why there are no facts of a node."""
    if node in gathered.failed:
        return f"{node} answered, but with nothing of use: {printable(gathered.failed[node])}"
    asked = next(each for each in gathered.results if node in (*each.no_response, *each.unsent))
    return words.unsent(asked) if asked.unsent else words.silent(asked)
