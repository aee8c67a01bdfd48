# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_facts: what one node tells of itself."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import (
    Gathered,
    Wish,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable

from . import words
from .base import Returned, TaskFailed
from .nodes import PARTS_OPTION, GatheringTask
from .options import CLIENT_OPTIONS, Spec

NO_NODE = (
    "the option node is missing, so it is not known which node to ask. A task on a host asks that host's node,"
    " but gather_facts does not tell its modules which host they are for. Write collections: [pymco.mcollective] in"
    " the play, or set module_defaults of pymco.mcollective.mcollective_facts, with node:"
    ' "{{ mcollective_identity | default(inventory_hostname) }}"'
)


class FactsTask(GatheringTask):
    """Gathers the facts of a node. It changes nothing, so it does the same in check mode."""

    options: t.ClassVar[Spec] = {
        **CLIENT_OPTIONS,
        "node": {"type": "str"},
        "gather_subset": PARTS_OPTION,
        "fact_names": {"type": "list", "elements": "str"},
        "timeout": {"type": "float"},
    }

    @property
    def own_node(self) -> str | None:
        """The node that it asks, since it is always about one."""
        return t.cast("str | None", self.params["node"])

    def _run(self, check_mode: bool) -> Returned:
        node = self.params["node"]
        if not node:
            raise TaskFailed(NO_NODE)
        wish = Wish.of(self.params["gather_subset"], self.params["fact_names"])
        gathered = self.gather(wish, nodes=[node])
        self.warn_of(gathered)
        if node not in gathered.nodes:
            raise TaskFailed(self._why(gathered, node), unreachable=self.said_nothing(gathered))
        return {"ansible_facts": {"mcollective": gathered.nodes[node]}}

    def _why(self, gathered: Gathered, node: str) -> str:
        """Return why there are no facts of a node."""
        if node in gathered.failed:
            said = gathered.failed[node]
            told = f"{printable(said)}{words.unauthorized([said])}"
            return f"{node} answered, but its answer cannot be used: {told}"
        asked = next(each for each in gathered.results if node in (*each.no_response, *each.unsent))
        if asked.unsent:
            return words.unsent(asked)
        first = gathered.results[0]
        return self.silent(asked, heard=None if asked is first else first)
