# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Tasks that gather what nodes tell of themselves."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import (
    AGENT,
    PARTS,
    Gathered,
    Gathering,
    Wish,
)

from .base import CollectiveTask
from .values import to_json

PARTS_OPTION: dict[str, t.Any] = {
    "type": "list",
    "elements": "str",
    "choices": list(PARTS),
    "default": list(PARTS),
}
"""The specification of an option that chooses the parts to gather."""


class GatheringTask(CollectiveTask):
    """A task that asks nodes for facts, classes, agents and collectives."""

    def gather(self, wish: Wish, **fields: t.Any) -> Gathered:
        """Ask the nodes that the options name, and return what they tell as data that JSON can carry.

        :param fields: see :meth:`.CollectiveTask.request`.
        """
        request = self.request(agent=AGENT, action="inventory", **fields)
        client = self.client()
        gathering = Gathering(client, request, wish)
        with client:
            gathered = gathering.gather()
            on = self.params.get(
                "fail_on", ("no_nodes",) if self.params.get("minimum_nodes") else ()
            )
            self.look(client, gathering.first, gathered.results[0], on)
        for node in gathered.nodes.values():
            for part in ("facts", "stats", "agent_details"):
                if part in node:
                    node[part] = to_json(node[part])
        return gathered

    def said_nothing(self, gathered: Gathered) -> bool:
        """Return True if the node that the task is about was asked and said nothing at all."""
        sent = (result for result in gathered.results if result.requestid)
        return self.is_unreachable(gathered, {node for each in sent for node in each.no_response})
