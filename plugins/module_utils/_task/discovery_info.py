# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_discovery_info: the nodes that a request with the same options would address."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.compound import (
    Compound,
    Token,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter

from .base import CollectiveTask, Returned, TaskFailed, concise, concluded, stats_of
from .options import CLIENT_OPTIONS, PROGRESS_OPTIONS, TARGET_OPTIONS, Spec, fail_on

_COMPARES = re.compile("[=<>]")
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


def in_words(filter_: Filter) -> list[str]:
    """Return what a node must have to fit a filter, an entry each, as ``mco describe_filter`` tells it.

    A node must fit all entries, but only one of the identities, which are one entry here.
    """
    found = [f"agent {name}" for name in filter_.agents]
    found += [f"class {name}" for name in filter_.classes]
    found += [f"fact {name} {operator} {value}" for name, value, operator in filter_.facts]
    if filter_.identities:
        found.append(f"identity {' or '.join(filter_.identities)}")
    choria = filter_.dialect == "choria"
    found += [entry.text or "" if choria else _instructions(entry) for entry in filter_.compounds]
    return found


def _instructions(compound: Compound) -> str:
    """Return what nodes of MCollective do with a compound filter."""
    text = " ".join(_instruction(token) for token in compound.tokens)
    return text.replace("( ", "(").replace(" )", ")")


def _instruction(token: Token) -> str:
    ((kind, value),) = token.items()
    if kind == "fstatement":
        query = f"{value['name']}({value['params'] or ''}).{value['value']}"
        return f"data {query} {value['operator']} {value['r_compare']}"
    if kind == "statement":
        is_fact = not value.startswith("/") and _COMPARES.search(value)
        return f"{'fact' if is_fact else 'class'} {value}"
    return kind
