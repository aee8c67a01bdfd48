# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_ping: which nodes answer, and waiting until nodes answer or no longer do."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Reception
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ranges import LONGEST

from . import words
from .base import CollectiveTask, Params, Returned, TaskFailed, concise, concluded
from .options import CLIENT_OPTIONS, PROGRESS_OPTIONS, TARGET_OPTIONS, Spec, fail_on

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.client import Client
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.conversation import (
        Progress,
    )
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.find import Answers
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import (
        Prepared,
        Request,
    )


@dataclasses.dataclass
class _Found(Reception):
    """What all tries together have brought.

    :ivar answered: seconds by identity, of the nodes that are present.
    :ivar silent: the nodes that were asked by name and are absent.
    :ivar named: True if the nodes were asked by name.
    :ivar trouble: why the last try failed, if it did.
    """

    answered: dict[str, float] = dataclasses.field(default_factory=dict)
    silent: list[str] = dataclasses.field(default_factory=list)
    named: bool = False
    tries: int = 0
    trouble: exc.ConnectorError | None = None

    @property
    def doubts(self) -> dict[str, str]:
        """The nodes of which nobody can tell whether they answered, and why."""
        reasons = ("forged", *words.UNPROVEN)
        names = {name for reason in reasons for name in self.culprits.get(reason, ())}
        names = names.intersection(self.silent) if self.named else names
        return {**dict.fromkeys(names, "nothing proves whose the reply was"), **self.refused}

    def take(self, pinged: Answers, absent: bool) -> None:
        """Take in the result of a try.

        :param absent: True if the task waits until nodes are absent. Nodes that are asked by name are not
            asked again once they have reached the wanted state, so a further try tells of the others only.
        """
        repeated, self.named = self.named, pinged.asked is not None
        self.add(pinged.outcome)
        present = self.answered if repeated and not absent else {}
        gone = self.silent if repeated and absent else []
        self.answered, self.silent = {**present, **pinged.seconds}, [*gone, *pinged.silent]


class PingTask(CollectiveTask):
    """Pings once or, with a timeout, until the nodes are present or absent. It does the same in check mode."""

    options: t.ClassVar[Spec] = {
        **CLIENT_OPTIONS,
        **TARGET_OPTIONS,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "timeout": {"type": "float", "default": 0.0},
        "interval": {"type": "float", "default": 5.0},
        **PROGRESS_OPTIONS,
        "fail_on": fail_on("answered", "no_response", "no_nodes"),
    }

    @classmethod
    def idle(cls, given: Params) -> t.Collection[str]:
        return ("expected_nodes", "count") if given.get("state") == "absent" else ()

    def _run(self, check_mode: bool) -> Returned:
        params = self.params
        # The task's timeout is for all tries together, not for one request.
        request = self.request(agent="discovery", action="ping", timeout=None)
        found = _Found()
        if self._progress is not None and not self._absent:
            self._progress = _told_of_all(self._progress, found)
        client = self.client()
        prepared = client.prepare(request)
        wanted: Request | Prepared = prepared
        self._window = prepared.request.discovery_timeout
        start = time.monotonic()
        for _moment in moments(params["timeout"], params["interval"]):
            if found.named:
                wanted = _rest(request, found, self._absent)
            self._try(client, wanted, found)
            if self._done(found):
                break
        elapsed = time.monotonic() - start
        self.warn_of(found, 0 if found.named else len(found.answered))
        # A node that does not fit the filters is silent too, and if the last try failed, nobody could be asked.
        unfit = request.filter.narrows_beyond("discovery")
        silent = () if self._absent or found.trouble or unfit else found.silent
        return concluded(
            self._returned(client, found, elapsed),
            self._complaints(found),
            unreachable=self.is_unreachable(found, silent),
        )

    @property
    def _absent(self) -> bool:
        return bool(self.params["state"] == "absent")

    def _prepare(self) -> None:
        super()._prepare()
        timeout, interval = self.params["timeout"], self.params["interval"]
        if not 0 <= timeout < LONGEST:
            raise TaskFailed(f"timeout must be from 0 to {LONGEST} seconds, not {timeout}")
        if not 0 < interval < LONGEST:
            raise TaskFailed(
                f"interval must be more than 0 and less than {LONGEST} seconds, not {interval}"
            )
        if self._absent and self.params["expected_nodes"] is not None:
            raise TaskFailed(
                "expected_nodes has no use with state = absent, which expects no node to answer"
            )

    def _try(self, client: Client, request: Request | Prepared, found: _Found) -> None:
        """Ping the nodes of a request.

        :raises exc.ConnectorError: the broker cannot be used at the first try. Later it may be away for a while.
        """
        try:
            with client:
                pinged = client.ping(request)
        except exc.ConnectorError as error:
            if not found.tries:
                raise
            found.trouble = error
        else:
            found.take(pinged, self._absent)
            found.trouble = None
        found.tries += 1

    def _done(self, found: _Found) -> bool:
        """Return True if the nodes are in the wanted state, or can never be."""
        if found.trouble is not None:
            return False
        if self._absent:
            return not found.answered
        if found.named and not found.silent:
            return True
        expected = self.params["expected_nodes"]
        if expected is None:
            return bool(found.answered) and not found.named
        return len(found.answered) >= int(expected)

    def _returned(self, client: Client, found: _Found, elapsed: float) -> Returned:
        seconds = {node: round(found.answered[node], 6) for node in sorted(found.answered)}
        times = list(seconds.values())
        average = round(sum(times) / len(times), 6) if times else None
        return {
            "changed": False,
            "nodes": list(seconds),
            "times": [{"identity": node, "seconds": each} for node, each in seconds.items()],
            "no_response": sorted(found.silent),
            "unexpected": found.unexpected,
            "stats": concise(
                {
                    "responses": len(times),
                    "no_response": len(found.silent),
                    "min": min(times, default=None),
                    "max": max(times, default=None),
                    "average": average,
                    "tries": found.tries,
                    "elapsed": round(elapsed, 3),
                    "configuration": self.config.source,
                    "passed_over": client.middleware.passed_over,
                    "rejected": dict(found.rejected),
                }
            ),
        }

    def _complaints(self, found: _Found) -> t.Iterator[str]:
        on, expected = self.params["fail_on"], self.params["expected_nodes"]
        count, silent = len(found.answered), len(found.silent)
        if self._absent:
            if count and "answered" in on:
                names = words.named(sorted(found.answered))
                trouble = f"; the last try failed: {found.trouble}" if found.trouble else ""
                nodes = "node" if count == 1 else "nodes"
                yield f"{count} {nodes} still answered {self._when(found, 'after')}: {names}{trouble}"
            elif not count and "answered" in on and found.doubts:
                yield (
                    f"it is not known whether {len(found.doubts)} nodes still answered: {words.reasons(found.doubts)}"
                    f"{words.rejected(found)}"
                )
        elif expected is not None:
            if count < expected and "no_nodes" in on:
                but = f", but {expected} were expected"
                yield self._missing(found, f"{count} nodes answered", but)
        elif silent and "no_response" in on:
            yield self._missing(found, f"{silent} of {count + silent} nodes did not answer")
        elif not count and "no_nodes" in on:
            if found.named and not silent:
                yield "no node in the option nodes matches the identity filters, so no node was asked"
            else:
                yield self._missing(found, "no node answered")

    def _when(self, found: _Found, word: str = "within") -> str:
        seconds = self.params["timeout"] or self._window
        times = f", asked {found.tries} times" if found.tries > 1 else ""
        return f"{word} {seconds:g} s{times}"

    def _missing(self, found: _Found, what: str, but: str = "") -> str:
        """Return a complaint about missing nodes, with their names and the possible causes."""
        names = f": {words.named(sorted(found.silent))}" if found.silent else ""
        trouble = f" The last try failed: {found.trouble}." if found.trouble else ""
        doubts = "".join(f" Also: {doubt}." for doubt in self.doubts)
        causes = f" {self.silence.of_missing(len(found.answered))}."
        if self.own_node:
            causes = self.warn_once(causes)
        said = f"{what} {self._when(found)}{but}{names}{words.rejected(found)}"
        return f"{said}.{trouble}{causes}{doubts}"


def _told_of_all(progress: Progress, found: _Found) -> Progress:
    """Return a function that tells of all nodes that were asked by name, while a further try asks some of them."""

    def tell(phase: str, replies: t.Mapping[str, t.Any], expected: int | None) -> None:
        if found.named and expected is not None:
            earlier: dict[str, t.Any] = dict.fromkeys(found.answered)
            replies, expected = {**earlier, **replies}, len(earlier) + expected
        progress(phase, replies, expected)

    return tell


def _rest(request: Request, found: _Found, absent: bool) -> Request:
    """Return a request to the nodes that are not in the wanted state yet."""
    nodes = list(found.answered) if absent else found.silent
    expected = request.expected_nodes
    if expected is not None:
        expected -= len(found.answered)
    return dataclasses.replace(request, nodes=nodes, expected_nodes=expected, limit=None)


def moments(
    timeout: float,
    interval: float,
    *,
    clock: t.Callable[[], float] = time.monotonic,
    sleep: t.Callable[[float], None] = time.sleep,
) -> t.Iterator[None]:
    """Yield at once, then every interval seconds, and for the last time at the end of the timeout.

    If the caller takes longer than the interval, the next moment follows at once, but never after the timeout.
    """
    due = clock()
    end = due + timeout
    while True:
        yield
        now = clock()
        if now >= end:
            return
        due = min(max(due + interval, now), end)
        sleep(due - now)
