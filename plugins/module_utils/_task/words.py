# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What a task says of nodes and replies: which nodes failed or are missing, why, and what to check."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import Gathered
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Reception
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import Result

    from .silence import Silence

UNAUTHORIZED = "You are not authorized to call this agent or action"
"""What nodes of both dialects say to a caller whom no policy allows the action."""
NAMED = 3
"""How many nodes a message names."""
UNPROVEN = {
    "unsigned": (
        "do not sign their replies. Set plugin.security.choria.sign_replies = true on them; or remove the issuers"
        " from the client's configuration, and nothing proves who replies"
    ),
    "untrusted": (
        "have tokens that no issuer signed whom the client knows. Compare plugin.security.issuer.NAME.public of the"
        " client with that of the nodes"
    ),
    "expired": (
        "have tokens that have expired, or are not valid yet. Their issuer must make new ones, unless our clock"
        " is wrong"
    ),
}
"""The reasons of rejection for which nodes are to blame rather than an enemy, with what is wrong with them."""
TOLD = frozenset(("contradictory", "over_limit", *UNPROVEN))
"""The reasons of rejection that :func:`alarms` has warnings for."""


def named(nodes: t.Sequence[str], most: int = NAMED) -> str:
    """Return the first few of some nodes, and how many more there are."""
    return ", ".join(map(printable, nodes[:most])) + _more(len(nodes) - most)


def reasons(nodes: t.Mapping[str, str], separator: str = ", ") -> str:
    """Return the first few of some nodes, each with what is wrong, and how many more there are."""
    first = (f"{printable(name)} ({printable(nodes[name])})" for name in sorted(nodes)[:NAMED])
    return separator.join(first) + _more(len(nodes) - NAMED)


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def failed(nodes: t.Mapping[str, str], asked: int) -> str:
    """Say which nodes failed, and what each of them said.

    :param asked: how many nodes were asked.
    """
    return f"{len(nodes)} of {asked} nodes failed: {reasons(nodes)}{unauthorized(nodes.values())}"


def unauthorized(said: t.Iterable[str]) -> str:
    """Return what to do if a node says that the caller may not call the action; "" if none does."""
    if not any(UNAUTHORIZED in each for each in said):
        return ""
    return (
        ". Nodes authorize callers by policies, and without one for the agent they refuse"
        " everybody: allow this caller the action there (or see rpcauthorization in their configuration)"
    )


def silent(result: Result, causes: str, gathered: Gathered | None = None) -> str:
    """Say which nodes did not answer, and the possible causes.

    :param causes: see :meth:`.Silence.of_silent`; "" if they are told elsewhere.
    :param gathered: what this and further requests brought; default: the result alone.
    """
    received = gathered or result
    nodes = received.no_response
    if received.lost:
        why = f"because the connection was lost: {received.lost}"
    else:
        end = f". {causes}" if causes else ""
        why = f"within {result.timeout:g} s{rejected(received)}{end}"
    return f"{len(nodes)} of {len(result.nodes)} nodes did not answer: {named(nodes)} {why}."


def unsent(result: Result) -> str:
    """Say which nodes the request was not sent to, and why."""
    refused = {node: result.refused[node] for node in result.unsent if node in result.refused}
    others = [node for node in result.unsent if node not in refused]
    told = []
    if refused:
        told.append(_unsent(refused, result, f": {reasons(refused)}"))
    if others:
        lost = result.lost or next(iter(result.resumed), None)
        why = f"since the connection was lost: {lost}" if lost else "within the publish_timeout"
        told.append(_unsent(others, result, f" {why}: {named(others)}"))
    return "; ".join(told)


def _unsent(nodes: t.Collection[str], result: Result, end: str) -> str:
    return f"{len(nodes)} of {len(result.nodes)} nodes were not sent the request{end}"


def not_sent(result: Result, node: str) -> str:
    """Return why a request was not sent to one of its nodes."""
    why = result.refused.get(node) or result.stopped or (result.lost and lost(result.lost))
    return why or "there was no time"


def stopped(result: Result) -> str:
    """Say why no further batch was sent, and which nodes are left."""
    return (
        f"stopped after {len(result.nodes) - len(result.unsent)} of {len(result.nodes)} nodes:"
        f" {result.stopped}; {len(result.unsent)} were not asked: {named(result.unsent)}"
    )


def lost(why: exc.ConnectorError) -> str:
    """Say that the connection was lost."""
    return f"the connection was lost: {why}"


def cut_short(why: exc.ConnectorError) -> str:
    """Say that some replies cannot have come in."""
    return f"the connection ended before all replies were in: {why}"


def nobody(result: Result, agent: str, doubts: t.Iterable[str], silence: Silence) -> str:
    """Say that there is no node to ask, and the possible causes.

    :param doubts: what could not be checked of the request.
    """
    if result.known and not result.discovered:
        return "none of the named nodes matches the identity filters (or none is named), so no node was asked."
    answered = "answered the discovery" if result.known else "answered"
    return (
        f"no node {answered} for agent {agent}{rejected(result)}."
        f" {silence.of_all()}.{''.join(f' Also: {doubt}.' for doubt in doubts)}"
    )


def too_few(result: Result, expected: int, silence: Silence, *, sent: bool) -> str:
    """Say that fewer nodes were found than expected.

    :param sent: whether the request was to be sent to them.
    """
    consequence = ", so the request was not sent" if sent and not result.requestid else ""
    if result.known and not result.discovered:
        return f"{result.found} nodes are named, but {expected} were expected{consequence}."
    return (
        f"{result.found} nodes were found, but {expected} were expected"
        f"{rejected(result)}{consequence}. {silence.of_missing(result.found)}."
    )


def surplus(count: int, expected: int | None) -> str:
    """Say that more nodes answered than were expected; "" if it is not so."""
    if not expected or count <= expected:
        return ""
    return (
        f"expected_nodes is {expected}, but {count} nodes answered. All of them are taken in. With too low a number,"
        " nodes that answer later are lost: raise it"
    )


def rejected(received: Reception) -> str:
    """Say in brackets which replies were dropped; "" if there are none."""
    if not received.rejected:
        return ""
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(received.rejected.items()))
    return f" (replies that were rejected: {counts})"


def alarms(received: Reception, most_bytes: int) -> t.Iterator[str]:
    """Yield a warning for each way in which replies did not come as they should. The task may succeed.

    :param most_bytes: the limit of all replies together.
    """
    rejected, culprits = received.rejected, received.culprits
    if rejected["contradictory"]:
        yield (
            f"{named(culprits['contradictory'])} answered more than once, and differently. The first"
            " answer counts, but it may not be the genuine one: whoever has the nodes' key can answer in the"
            " name of every node"
        )
    if rejected["over_limit"]:
        yield (
            f"{rejected['over_limit']} replies were dropped, since all replies together may have"
            f" {most_bytes} bytes: those of {named(culprits['over_limit'])}. Raise max_reply_bytes,"
            " ask fewer nodes, or ask for less"
        )
    for reason, wrong in UNPROVEN.items():
        if rejected[reason]:
            yield f"{rejected[reason]} replies were dropped: {named(culprits[reason])} {wrong}"
    unsent = getattr(received, "unsent", ())  # of which the task tells why
    refused = {node: why for node, why in received.refused.items() if node not in unsent}
    if refused:
        yield f"the broker did not take the request to {len(refused)} nodes: {reasons(refused)}"
    for why in received.resumed:
        yield (
            f"the connection was lost: {why}. Listening went on over another connection, and replies that were"
            " sent in between may be missing"
        )
