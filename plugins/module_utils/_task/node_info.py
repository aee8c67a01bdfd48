# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_node_info: what many nodes tell of themselves."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import (
    AGENT,
    ALL_PARTS,
    PARTS,
    Gathered,
    Wish,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ruby_values import to_s

from . import words
from .base import Returned, concise, concluded, stats_of
from .nodes import GatheringTask
from .options import CLIENT_OPTIONS, FAILURES, PROGRESS_OPTIONS, TARGET_OPTIONS, Spec, fail_on

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings


class NodeInfoTask(GatheringTask):
    """Gathers from all nodes at once. It does the same in check mode."""

    options: t.ClassVar[Spec] = {
        **CLIENT_OPTIONS,
        **TARGET_OPTIONS,
        "gather": {"type": "list", "elements": "str", "choices": list(ALL_PARTS)},
        "facts": {"type": "list", "elements": "str"},
        "timeout": {"type": "float"},
        "ttl": {"type": "int"},
        **PROGRESS_OPTIONS,
        "fail_on": fail_on(*FAILURES),
    }

    def _run(self, check_mode: bool) -> Returned:
        parts, facts = self.params["gather"], self.params["facts"]
        if parts is None:
            parts = PARTS if facts is None else ["facts"]
        gathered = self.gather(Wish.of(parts, facts))
        first = gathered.results[0]
        self.warn_of(gathered, first.found if first.discovered or not first.known else 0)
        if gathered.lost:
            self.warn(words.cut_short(gathered.lost))
        silent = self.said_nothing(gathered)
        returned = _returned(gathered, self.config)
        return concluded(returned, self._complaints(gathered), unreachable=silent)

    def _complaints(self, gathered: Gathered) -> t.Iterator[str]:
        on, first = self.params["fail_on"], gathered.results[0]
        short = self.shortage(first, AGENT)
        yield short
        if short and (first.stopped or not first.nodes):
            return
        if "failed" in on and gathered.failed:
            yield words.failed(gathered.failed, len(first.nodes))
        if "no_response" in on and gathered.no_response:
            answered = {reply.sender for reply in first.replies}
            heard = first if answered.issuperset(gathered.no_response) else None
            yield self.silent(first, gathered, heard=heard)
        elif gathered.lost and not first.known:
            # The nodes that have not answered are not known.
            yield words.lost(gathered.lost)


def _returned(gathered: Gathered, config: Settings) -> Returned:
    first, silent = gathered.results[0], gathered.no_response
    failed = sorted(gathered.failed)
    return {
        "changed": False,
        "node_info": list(gathered.nodes.values()),
        **_members(list(gathered.nodes.values())),
        "nodes": first.nodes,
        "no_response": silent,
        "failures": [{"identity": node, "msg": gathered.failed[node]} for node in failed],
        "unexpected": sorted(gathered.unexpected),
        "stats": concise(
            {
                **stats_of(gathered.results[-1], config),
                "nodes": len(first.nodes),
                "gathered": len(gathered.nodes),
                "failed": len(failed),
                "no_response": len(silent),
                "requests": sum(result.requestid is not None for result in gathered.results),
                "rejected": dict(gathered.rejected),
                "lost": None if gathered.lost is None else str(gathered.lost),
                "timeout": first.timeout,
            }
        ),
    }


def _members(nodes: list[dict[str, t.Any]]) -> Returned:
    """Return which nodes are in each collective, and which have each agent, where nodes told it."""
    collectives: dict[str, list[str]] = {}
    agents: dict[tuple[str, str, str], list[str]] = {}
    for node in nodes:
        for name in node.get("collectives", ()):
            collectives.setdefault(name, []).append(node["identity"])
        for each in node.get("agent_details", ()):
            about = (_text(each, "agent"), _text(each, "version"), _text(each, "description"))
            agents.setdefault(about, []).append(node["identity"])
    found: Returned = {}
    if any("collectives" in node for node in nodes):
        found["collectives"] = [
            {"name": name, "nodes": collectives[name]} for name in sorted(collectives)
        ]
    if any("agent_details" in node for node in nodes):
        found["agents"] = [
            {**dict(zip(("name", "version", "description"), about)), "nodes": agents[about]}
            for about in sorted(agents)
        ]
    return found


def _text(details: dict[str, t.Any], name: str) -> str:
    return to_s(details.get(name))
