# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The inventory plugin's task: it gathers from all nodes, and warns of those that tell nothing."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import (
    AGENT,
    Gathered,
    Node,
    Wish,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.options import is_harmless
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import (
    AGENT_TIMEOUT,
    METHODS,
)

from . import words
from .base import TaskFailed, failures
from .invocation import shown
from .nodes import PARTS_OPTION, GatheringTask
from .options import CLIENT_OPTIONS, SELECTION_OPTIONS, Spec

POLICIES = ("warn", "fail", "ignore")
LONGEST = 60.0
"""Seconds that all replies together may take by default."""


class InventoryTask(GatheringTask):
    """Collects what nodes tell of themselves.

    :ivar wish: what it gathers.
    """

    options: t.ClassVar[Spec] = {
        **CLIENT_OPTIONS,
        **SELECTION_OPTIONS,
        "gather": PARTS_OPTION,
        "fact_names": {"type": "list", "elements": "str"},
        "timeout": {"type": "float"},
        "on_no_response": {"type": "str", "choices": list(POLICIES), "default": "warn"},
        "minimum_nodes": {"type": "int", "default": 1},
    }

    wish: Wish

    def _prepare(self) -> None:
        super()._prepare()
        self.params = {**self.params, "discovery_method": self._method()}
        self.wish = Wish.of(self.params["gather"], self.params["fact_names"])

    def _method(self) -> str | None:
        """Return the discovery method: "none", with one broadcast only, unless the nodes must be known before."""
        params = self.params
        names = params["identity_filters"]
        known = names and not any(name.startswith("/") for name in names)
        if params["discovery_method"] or params["nodes"] is not None or params["limit"] or known:
            return t.cast("str | None", params["discovery_method"])
        default = METHODS.get(self.config["default_discovery_method"])
        return None if default == "flatfile" else "none"

    def fingerprint(self) -> str:
        """Return a text that is another one if the options or the configuration may lead to other data.

        No secret goes into it, since it is written to files that others may read.
        """
        options = {name: value for name, value in self.params.items() if not _is_hidden(name)}
        options["config"] = _visible(self.params["config"] or {})
        options["brokers"] = shown(CLIENT_OPTIONS, {"brokers": self.params["brokers"]})
        known = json.dumps([options, _visible(self.config)], sort_keys=True, default=str)
        return hashlib.sha256(known.encode()).hexdigest()

    def collect(self) -> dict[str, Node]:
        """Return what nodes told, by identity, sorted.

        :raises TaskFailed: no node, or too few nodes, told it.
        """
        with failures(self.config.source):
            gathered = self.gather(self.wish, **self._patience())
        self._judge(gathered)
        return gathered.nodes

    def _patience(self) -> dict[str, t.Any]:
        """Return fields of the request, with which it waits for the first reply as long as an action may take.

        It waits for the others as long as replies come.
        """
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

    def _judge(self, gathered: Gathered) -> None:
        """Fail or warn, as the options say."""
        first = gathered.results[0]
        if gathered.lost is not None:
            raise TaskFailed(
                f"the connection was lost before all nodes had answered: {gathered.lost}. {self.silence.where}"
            )
        if not first.nodes and self.params["minimum_nodes"] > 0:
            raise TaskFailed(words.nobody(first, AGENT, self.doubts, self.silence))
        if first.stopped:
            minimum = self.params["minimum_nodes"]
            raise TaskFailed(words.too_few(first, minimum, self.silence, sent=True))
        self.warn_of(gathered, first.found if first.discovered or not first.known else 0)
        self._complain(list(_troubles(gathered, self.params["expected_nodes"] or 0)))
        count = len(gathered.nodes)
        if count < self.params["minimum_nodes"]:
            raise TaskFailed(
                f"{count} nodes told everything that was asked for, which is less than minimum_nodes ="
                f" {self.params['minimum_nodes']}. {self.silence.of_missing(first.found)}."
            )
        for warning in _oddities(gathered):
            self.warn(warning)

    def _complain(self, troubles: list[str]) -> None:
        policy = self.params["on_no_response"]
        if troubles and policy == "fail":
            raise TaskFailed("; ".join(troubles))
        if policy == "warn":
            for trouble in troubles:
                self.warn(trouble)


def _troubles(gathered: Gathered, expected: int) -> t.Iterator[str]:
    """Yield what is wrong with nodes that are missing."""
    first, silent = gathered.results[0], gathered.no_response
    if silent:
        yield (
            f"{len(silent)} of {len(first.nodes)} nodes did not answer, or not every request, and are left out:"
            f" {words.named(silent)}"
        )
    if gathered.failed:
        yield (
            f"{len(gathered.failed)} nodes gave an answer that cannot be used, and are left out:"
            f" {words.reasons(gathered.failed, '; ')}{words.unauthorized(gathered.failed.values())}"
        )
    if not first.known and len(first.nodes) < expected:
        yield f"{len(first.nodes)} nodes answered, but {expected} were expected"
    late = first.seconds.get("call", 0.0) >= first.timeout
    if late and not first.known and len(first.nodes) != expected:
        yield (
            f"replies were still coming when the timeout of {first.timeout:g} s ended; a longer timeout"
            " may find more nodes"
        )


def _oddities(gathered: Gathered) -> t.Iterator[str]:
    """Yield warnings of replies that were dropped, which somebody should look into."""
    for reason, count in sorted(gathered.rejected.items()):
        if reason in words.TOLD:
            continue
        senders = gathered.culprits.get(reason, [])
        of = f", in the name of {words.named(senders)}" if senders else ""
        yield f"replies that were rejected: {count} {reason}{of}"
    if gathered.unexpected:
        unexpected = words.named(sorted(gathered.unexpected))
        yield f"nodes answered although they were not asked: {unexpected}"


def _is_hidden(name: str) -> bool:
    """Return True if an option is a secret, or has secrets in it."""
    spec = InventoryTask.options.get(name, {})
    return bool(spec.get("no_log")) or name == "brokers"


def _visible(settings: t.Mapping[str, t.Any]) -> dict[str, str]:
    texts = {str(key): str(value) for key, value in settings.items()}
    return {key: text for key, text in texts.items() if is_harmless(key, text)}
