# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The inventory: what all nodes tell of themselves, and what is to be said of those that do not."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.options import is_harmless
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import AGENT_TIMEOUT

from . import words
from .alarms import TOLD
from .base import CollectiveTask, Params, TaskFailed, failures
from .gathering import AGENT, PARTS_OPTION, Gathered, Node, Wish, gather
from .options import BROKER_OPTIONS, CLIENT_OPTIONS, TARGET_OPTIONS, Spec

POLICIES = ("warn", "fail", "ignore")
LONGEST = 60.0
"""Seconds that all replies together may take, unless the user gives others."""


class InventoryTask(CollectiveTask):
    """Collects what nodes tell of themselves.

    :param params: the options, as :attr:`options` has them.
    """

    options: t.ClassVar[Spec] = {
        **CLIENT_OPTIONS,
        **TARGET_OPTIONS,
        "gather": PARTS_OPTION,
        "fact_names": {"type": "list", "elements": "str"},
        "timeout": {"type": "float"},
        "on_no_response": {"type": "str", "choices": list(POLICIES), "default": "warn"},
        "minimum_nodes": {"type": "int", "default": 1},
    }

    def __init__(
        self,
        params: Params,
        warn: t.Callable[[str], None],
        environ: t.Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(params, warn, environ)
        self.params = {**params, "discovery_method": self._method()}
        with failures():
            self.wish = Wish.of(params["gather"], params["fact_names"])

    def _method(self) -> str | None:
        """The discovery method: "none", so that one broadcast does, unless nodes have to be known."""
        params = self.params
        names = params["identity_filters"]
        known = names and not any(name.startswith("/") for name in names)
        if params["discovery_method"] or params["nodes"] is not None or params["limit"] or known:
            return t.cast("str | None", params["discovery_method"])
        return None if self.config["default_discovery_method"] == "flatfile" else "none"

    def fingerprint(self) -> str:
        """A text that differs where the options or the configuration may lead to other data.

        No secret goes into it: it is written to files that others may read.
        """
        options = {name: value for name, value in self.params.items() if not _is_hidden(name)}
        options["config"] = _visible(self.params["config"] or {})
        options["brokers"] = [
            {name: value for name, value in broker.items() if not _is_hidden(name)}
            for broker in self.params["brokers"] or ()
        ]
        known = json.dumps([options, _visible(self.config)], sort_keys=True, default=str)
        return hashlib.sha256(known.encode()).hexdigest()

    def collect(self) -> dict[str, Node]:
        """What was gathered, by identity, sorted.

        :raises TaskFailed: nothing could be gathered, or not of as many nodes as there must be.
        """
        with failures():
            request = self.request(AGENT, "inventory", **self._patience())
            client = self.client()
            client.prepare(request)
            with client:
                gathered = gather(client, request, self.wish)
        self._judge(gathered, request)
        return gathered.nodes

    def _patience(self) -> dict[str, t.Any]:
        """Wait for the first reply as long as an action may take, and for the others while they come."""
        params = self.params
        timeout = params["timeout"]
        if params["minimum_nodes"] < 0:
            raise TaskFailed(f"minimum_nodes must be at least 0, not {params['minimum_nodes']}")
        fields = {"minimum_nodes": max(1, params["minimum_nodes"])}
        if params["discovery_method"] != "none":
            return {**fields, "timeout": timeout}
        window = params["discovery_timeout"] or self.config.getseconds("discovery_timeout")
        first = AGENT_TIMEOUT + window
        timeout = max(LONGEST, first) if timeout is None else timeout
        return {**fields, "timeout": timeout, "first_reply": min(first, timeout)}

    def _judge(self, gathered: Gathered, request: rpc.Request) -> None:
        """Fail or warn, as the options have it."""
        first = gathered.results[0]
        if gathered.lost is not None:
            raise TaskFailed(
                f"the connection was lost before all nodes had answered: {gathered.lost}"
            )
        if not first.nodes and self.params["minimum_nodes"] > 0:
            raise TaskFailed(words.nobody(first, request, self.doubts))
        self.warn_of(gathered)
        self._complain(list(_troubles(gathered, request)))
        count = len(gathered.nodes)
        if count < self.params["minimum_nodes"]:
            raise TaskFailed(
                f"{count} nodes gave what was asked for, which is less than minimum_nodes ="
                f" {self.params['minimum_nodes']}. {words.SILENCE}."
            )
        for warning in _oddities(gathered, first):
            self.warn(warning)

    def _complain(self, troubles: list[str]) -> None:
        policy = self.params["on_no_response"]
        if troubles and policy == "fail":
            raise TaskFailed("; ".join(troubles))
        if policy == "warn":
            for trouble in troubles:
                self.warn(trouble)


def _troubles(gathered: Gathered, request: rpc.Request) -> t.Iterator[str]:
    """What is told of nodes that are not there though they should be."""
    first = gathered.results[0]
    if gathered.no_response and first.requestid is not None:
        yield (
            f"{len(gathered.no_response)} of {len(first.nodes)} nodes did not answer, or not to everything, and are left out:"
            f" {words.named(gathered.no_response)}"
        )
    if gathered.failed:
        yield (
            f"{len(gathered.failed)} nodes gave nothing of use and are left out:"
            f" {words.reasons(gathered.failed, '; ')}"
        )
    expected = request.expected_nodes or 0
    if not first.known and len(first.nodes) < expected:
        yield f"{len(first.nodes)} nodes answered where {expected} were expected"
    late = first.seconds.get("call", 0.0) >= first.timeout
    if late and not first.known and len(first.nodes) != expected:
        yield (
            f"replies were still coming when the timeout of {first.timeout:g} s ended; a longer one"
            " may find more nodes"
        )


def _oddities(gathered: Gathered, first: rpc.Result) -> t.Iterator[str]:
    """What is told of replies that were dropped, which somebody should look into."""
    for reason, count in sorted(gathered.rejected.items()):
        if reason in TOLD:
            continue
        senders = gathered.culprits.get(reason, [])
        of = f", in the name of {words.named(senders)}" if senders else ""
        yield f"replies that were rejected: {count} {reason}{of}"
    if gathered.unexpected:
        yield f"nodes answered though they were not asked: {words.named(gathered.unexpected)}"


def _is_hidden(name: str) -> bool:
    """Whether an option has secrets, or is one."""
    spec = {**InventoryTask.options, **BROKER_OPTIONS}.get(name, {})
    return bool(spec.get("no_log")) or name == "brokers"


def _visible(settings: t.Mapping[str, t.Any]) -> dict[str, str]:
    texts = {str(key): str(value) for key, value in settings.items()}
    return {key: text for key, text in texts.items() if is_harmless(key, text)}
