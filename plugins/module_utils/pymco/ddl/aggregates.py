# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Summaries over the replies of all nodes, as a DDL's ``summarize`` asks for them.

MC:aggregate.rb, aggregate/, rpc/stats.rb (text_for_aggregates). One difference is on purpose: when a
function fails at a reply, MCollective keeps that reply from the function behind it as well.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..serializers import Symbol
from . import values
from .formatting import FormatError, sprintf
from .model import Action, Aggregate, plain_name

CREATE, STARTUP, PROCESS, SUMMARIZE = "create", "startup", "process_result", "summarize"
_FAILURES = {
    STARTUP: "exception raised while processing startup hook",
    CREATE: "unspecified output {name!r} for the action",
    PROCESS: "exception raised while processing result data",
    SUMMARIZE: "exception raised while summarizing",
}


@dataclass(frozen=True)
class Aggregated:
    """What one function made of one output.

    :ivar value: a number; for "summary" the values and how often each came, in order of appearance.
    :ivar format: by which it is shown, see :mod:`.formatting`.
    """

    function: str
    output: str
    display_as: str
    value: t.Any
    format: t.Any

    def lines(self) -> list[str]:
        """It as mco shows it; nothing if there is nothing to show.

        :raises FormatError: the DDL's format does not fit.
        """
        if not isinstance(self.format, str) or isinstance(self.format, Symbol):
            raise FormatError(f"{values.inspect(self.format)} is no format")
        if not isinstance(self.value, list):
            return sprintf(self.format, [self.value]).split("\n")
        if any(value is None for value, _count in self.value):
            return []
        often_first = sorted(self.value, key=lambda pair: t.cast(int, pair[1]))[::-1]
        text = "\n".join(sprintf(self.format, [*pair]).rstrip("\n") for pair in often_first)
        return text.split("\n") if text else []

    def shown(self) -> list[str]:
        """The lines that mco prints for it, or one, further in, that tells why there are none."""
        try:
            lines = self.lines()
        except FormatError as error:
            return [f"  Could not show the summary - {error}"]
        return lines or ["  No aggregate summary could be computed"]


@dataclass(frozen=True)
class Failure:
    """A function that came to nothing.

    :ivar type: when: "create", "startup", "process_result" or "summarize" (MC:aggregate.rb).
    :ivar reason: why, in words.
    """

    output: str
    type: str
    reason: str


@dataclass
class Summary:
    """All that the functions of an action made of its replies, ordered by output."""

    results: list[Aggregated] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def lines(self) -> list[str]:
        """It as mco prints it behind the replies."""
        shown: list[str] = []
        for result in self.results:
            shown += [
                f"Summary of {result.display_as}:",
                "",
                *(f"   {line}" for line in result.shown()),
                "",
            ]
        for failure in self.failures:
            why = _FAILURES[failure.type].format(name=failure.output)
            text = f"     Could not compute summary - {why}"
            shown += [f"Summary of {failure.output}:", "", text, ""]
        return shown


def summarize(action: Action, replies: t.Iterable[t.Mapping[str, t.Any]]) -> Summary:
    """Apply the functions of an action to the data of its replies, those of failed ones included.

    :param replies: the data of each reply; the names may bear a Symbol's colon.
    """
    functions, failures = _create(action)
    for reply in replies:
        data = {key[1:] if key[:1] == ":" else key: value for key, value in reply.items()}
        for function in list(functions):
            try:
                function.add(data.get(function.output))
            except _Failed as error:
                functions.remove(function)
                failures.append(Failure(function.output, PROCESS, str(error)))
    results = []
    for function in functions:
        try:
            results.append(function.finish(action))
        except _Failed as error:
            failures.append(Failure(function.output, SUMMARIZE, str(error)))
    return Summary(sorted(results, key=lambda result: result.output), failures)


class _Failed(Exception):
    """What MCollective's function would raise."""


class _Function:
    """A function at work on one output."""

    def __init__(self, aggregate: Aggregate, output: str) -> None:
        self.name = aggregate.function.lower()
        self.output = output
        self.format = aggregate.format

    def add(self, value: t.Any) -> None:
        """Take the output's value in one reply."""
        raise NotImplementedError

    def result(self) -> t.Any:
        """What came of all values."""
        raise NotImplementedError

    def default_format(self) -> str:
        """The format if the DDL gives none."""
        raise NotImplementedError

    def finish(self, action: Action) -> Aggregated:
        """Raises :class:`_Failed`."""
        value = self.result()
        format_ = self.format if values.truthy(self.format) else self.default_format()
        display_as = values.to_s(action.outputs[self.output].display_as)
        return Aggregated(self.name, self.output, display_as, value, format_)


class _Sum(_Function):
    """The sum of numbers."""

    def __init__(self, aggregate: Aggregate, output: str) -> None:
        super().__init__(aggregate, output)
        self.total: t.Any = 0
        self.count = 0

    def add(self, value: t.Any) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _Failed(f"{values.inspect(value)} is no number")
        try:
            self.total += value
        except OverflowError:
            raise _Failed("an Integer too large for a Float") from None
        self.count += 1

    def result(self) -> t.Any:
        return self.total

    def default_format(self) -> str:
        return f"Sum of {self.output}: %f"


class _Average(_Sum):
    """The mean of numbers. Of Integers it is an Integer, rounded down, as for MCollective."""

    def result(self) -> t.Any:
        if not self.count:
            raise _Failed("no values")
        return self.total // self.count if isinstance(self.total, int) else self.total / self.count

    def default_format(self) -> str:
        return f"Average of {self.output}: %f"


_OTHER_NUMBERS = {"Integer": "Float", "Float": "Integer"}


class _Summary(_Function):
    """How often each value came; of an Array each of its items is one."""

    def __init__(self, aggregate: Aggregate, output: str) -> None:
        super().__init__(aggregate, output)
        self._counts: dict[tuple[str, t.Hashable], list[t.Any]] = {}

    def add(self, value: t.Any) -> None:
        for item in value if isinstance(value, list) else [] if value is None else [value]:
            self._add(item)

    def _add(self, item: t.Any) -> None:
        kind, form = values.key_form(item)
        if (_OTHER_NUMBERS.get(kind, ""), form) in self._counts:
            # MCollective looks for 1.0, finds 1, and fails when it counts.
            raise _Failed(f"{values.inspect(item)} and a number of another type that equals it")
        self._counts.setdefault((kind, form), [item, 0])[1] += 1

    def result(self) -> t.Any:
        return [tuple(pair) for pair in self._counts.values()]

    def default_format(self) -> str:
        width = max((_length(value) for value, _count in self._counts.values()), default="")
        return f"%{width}s = %s"


def _length(value: t.Any) -> int:
    if isinstance(value, (str, bytes, list, dict)):
        return len(values.to_s(value)) if isinstance(value, str) else len(value)
    return len(values.to_s(value))


_FUNCTIONS: dict[str, type[_Function]] = {"summary": _Summary, "average": _Average, "sum": _Sum}


def _create(action: Action) -> tuple[list[_Function], list[Failure]]:
    """The functions that can work, and those that cannot."""
    functions: list[_Function] = []
    failures: list[Failure] = []
    for aggregate in action.aggregates:
        key = aggregate.args[0] if aggregate.args else None
        declared = action.outputs.get(plain_name(key))
        if declared is None or not values.same_key(declared.key, key):
            failures.append(Failure(values.to_s(key), CREATE, "the action has no such output"))
            continue
        # Ruby's capitalize: "Summary", "SUMMARY" and "summary" are one.
        kind = _FUNCTIONS.get(aggregate.function.lower())
        if kind is None:
            why = f"the function {aggregate.function} is not known here"
            failures.append(Failure(declared.name, STARTUP, why))
        else:
            functions.append(kind(aggregate, declared.name))
    return functions, failures
