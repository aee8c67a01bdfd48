# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What a failed task tells: which nodes, why, and what to look at."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc

SILENCE = (
    "Nodes say nothing about requests that they refuse. The usual causes: they lack the agent or do"
    " not fit the filters, are down or in another collective, do not know our key (or we use another"
    " pre-shared key, security provider or serializer), or their clock differs by more than the ttl"
)
NAMED = 3
"""How many nodes a message names."""


def named(nodes: t.Sequence[str]) -> str:
    """The first few of some nodes, and how many more there are."""
    return ", ".join(map(printable, nodes[:NAMED])) + _more(nodes)


def reasons(nodes: t.Mapping[str, str], separator: str = ", ") -> str:
    """The first few of some nodes with what is wrong with each, and how many more there are."""
    names = sorted(nodes)
    words = (f"{printable(name)} ({printable(nodes[name])})" for name in names[:NAMED])
    return separator.join(words) + _more(names)


def failed(result: rpc.Result) -> str:
    """Which nodes failed, and what they said."""
    said = {reply.sender: f"{reply.statuscode}: {reply.statusmsg}" for reply in result.failed}
    return f"{len(said)} of {len(result.nodes)} nodes failed: {reasons(said)}"


def silent(result: rpc.Result) -> str:
    """Which nodes did not answer, and why that may be."""
    nodes = result.no_response
    if result.lost:
        why = f"because the connection was lost: {result.lost}"
    else:
        why = (
            f"within {result.timeout:g} s{rejected(result)}. {SILENCE}, or the action takes"
            " longer than the timeout"
        )
    return f"{len(nodes)} of {len(result.nodes)} nodes did not answer: {named(nodes)} {why}."


def unsent(result: rpc.Result) -> str:
    """Which nodes were never sent the request, and why."""
    why, lost = "within the publish_timeout", result.lost or next(iter(result.resumed), None)
    if lost:
        why = f"since the connection was lost: {lost}"
    return (
        f"{len(result.unsent)} of {len(result.nodes)} nodes were not sent the request {why}:"
        f" {named(result.unsent)}"
    )


def stopped(result: rpc.Result) -> str:
    """Why no further batch was sent, and who is left."""
    return (
        f"stopped after {len(result.nodes) - len(result.unsent)} of {len(result.nodes)} nodes:"
        f" {result.stopped}; {len(result.unsent)} were not asked: {named(result.unsent)}"
    )


def nobody(result: rpc.Result, request: rpc.Request, doubts: t.Iterable[str]) -> str:
    """Why there is nobody to ask."""
    if request.nodes is not None and not request.nodes:
        return "nodes is an empty list, so nobody was addressed"
    asked = "answered the discovery" if result.known else "answered"
    return (
        f"no node {asked} for agent {request.agent}{rejected(result)}."
        f" {SILENCE}.{''.join(f' Also: {doubt}.' for doubt in doubts)}"
    )


def too_few(result: rpc.Result, request: rpc.Request) -> str:
    """That there are fewer nodes than there should be."""
    consequence = "" if result.requestid else ", so the request was not sent"
    return (
        f"{result.found} nodes were found where {request.expected_nodes} were expected"
        f"{rejected(result)}{consequence}. {SILENCE}"
    )


class _Counted(t.Protocol):
    @property
    def rejected(self) -> collections.Counter[str]: ...


def rejected(result: _Counted) -> str:
    """What was dropped, in brackets; nothing if nothing was."""
    if not result.rejected:
        return ""
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(result.rejected.items()))
    return f" (replies that were rejected: {reasons})"


def _more(items: t.Sequence[t.Any]) -> str:
    return f" and {len(items) - NAMED} more" if len(items) > NAMED else ""
