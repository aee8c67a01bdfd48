# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Summaries over the replies of all nodes, as a DDL's ``summarize`` asks for them.

MC:aggregate.rb, aggregate/, rpc/stats.rb (text_for_aggregates). One difference is on purpose: when a
function fails at a reply, MCollective does not give that reply to the next function either.
"""

from __future__ import annotations

import math
import re
import typing as t
from dataclasses import dataclass, field

from .. import ruby_values as values
from ..json_text import MAX_DIGITS
from .model import Action, plain_name


class FormatError(ValueError):
    """A format does not fit its values, or it is not known here what Ruby makes of it."""


@dataclass(frozen=True)
class Aggregated:
    """The result of one function for one output.

    :ivar value: a number; of "summary" the values, each with its count, in order of appearance.
    """

    function: str
    output: str
    display_as: str
    value: t.Any
    format: t.Any

    def _lines(self) -> list[str]:
        if not isinstance(self.value, list):
            return fill_in(self.format, [self.value]).split("\n")
        if any(value is None for value, _count in self.value):
            return []
        often_first = sorted(self.value, key=lambda pair: t.cast(int, pair[1]))[::-1]
        text = "\n".join(fill_in(self.format, pair).rstrip("\n") for pair in often_first)
        return text.split("\n") if text else []

    def shown(self) -> list[str]:
        """Return the lines that mco prints, or one that is indented and says why it prints none."""
        try:
            lines = self._lines()
        except FormatError as error:
            return [f"  Could not show the summary - {error}"]
        return lines or ["  No aggregate summary could be computed"]


@dataclass(frozen=True)
class Failure:
    """A function without a result.

    :ivar type: where it failed: "create", "startup", "process_result" or "summarize"
        (MC:aggregate.rb).
    """

    output: str
    type: str
    reason: str


@dataclass
class Summary:
    """The results of an action's functions, ordered by output."""

    results: list[Aggregated] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class _Failed(Exception):
    """MCollective's function would raise an error.

    :ivar at: the number of the reply at which it fails; infinite: behind all of them.
    """

    def __init__(self, reason: str, at: float = math.inf) -> None:
        super().__init__(reason)
        self.at = at


def summarize(action: Action, replies: t.Iterable[t.Mapping[str, t.Any]]) -> Summary:
    """Apply the functions of an action to the data of its replies, also of failed ones.

    :param replies: the data of each reply; names may have the colon of a Symbol.
    """
    rows = [{plain_name(key).lstrip(":"): value for key, value in row.items()} for row in replies]
    results: list[Aggregated] = []
    failed: list[tuple[float, Failure]] = []  # With the number of the reply; before all: -1.
    for aggregate in action.aggregates:
        key = aggregate.args[0] if aggregate.args else None
        output = action.outputs.get(plain_name(key))
        # Ruby's capitalize: "Summary", "SUMMARY" and "summary" are one.
        name = aggregate.function.lower()
        if output is None or not values.same_key(output.key, key):
            why = "the action has no such output"
            failed.append((-1, Failure(values.to_s(key), "create", why)))
        elif name not in _FUNCTIONS:
            why = f"the function {aggregate.function} is not known here"
            failed.append((-1, Failure(output.name, "startup", why)))
        else:
            found = [row.get(output.name) for row in rows]
            try:
                value, default = _FUNCTIONS[name](found, output.name)
            except _Failed as error:
                stage = "summarize" if error.at == math.inf else "process_result"
                failed.append((error.at, Failure(output.name, stage, str(error))))
                continue
            format_ = aggregate.format if values.truthy(aggregate.format) else default
            shown_as = values.to_s(output.display_as)
            results.append(Aggregated(name, output.name, shown_as, value, format_))
    failures = [failure for _at, failure in sorted(failed, key=lambda pair: pair[0])]
    return Summary(sorted(results, key=lambda result: result.output), failures)


_TOO_LARGE = 10**MAX_DIGITS


def _sum(found: list[t.Any], output: str) -> tuple[t.Any, str]:
    """Return the sum of numbers, and its default format."""
    total: t.Any = 0
    for at, value in enumerate(found):
        if not values.is_number(value):
            raise _Failed(f"{values.inspect(value)} is no number", at)
        try:
            total += value
        except OverflowError:
            raise _Failed("an Integer too large for a Float", at) from None
    if isinstance(total, int) and abs(total) >= _TOO_LARGE:
        raise _Failed(f"a sum of more than {MAX_DIGITS} digits")
    return total, f"Sum of {output}: %f"


def _average(found: list[t.Any], output: str) -> tuple[t.Any, str]:
    """Return the mean of numbers. As in MCollective, that of Integers is one, rounded down."""
    total, _format = _sum(found, output)
    if not found:
        raise _Failed("no values")
    mean = total // len(found) if isinstance(total, int) else total / len(found)
    return mean, f"Average of {output}: %f"


def _summary(found: list[t.Any], _output: str) -> tuple[t.Any, str]:
    """Count each value. The items of an Array count each for itself."""
    counts: dict[t.Hashable, list[t.Any]] = {}
    for at, value in enumerate(found):
        for item in value if isinstance(value, list) else [] if value is None else [value]:
            kind, number = values.key_form(item)
            if (_OTHER.get(kind), number) in counts:
                # MCollective looks for 1.0, finds 1, and fails when it counts.
                raise _Failed(f"{values.inspect(item)} and an equal number of another type", at)
            counts.setdefault((kind, number), [item, 0])[1] += 1
    sized = (
        item if isinstance(item, (bytes, list, dict)) else values.to_s(item)
        for item, _n in counts.values()
    )
    width = min(max(map(len, sized), default=0), _PADDING // max(len(counts), 1))
    return [tuple(pair) for pair in counts.values()], f"%{width}s = %s"


_PADDING = 1_000_000
"""Characters to which blanks may fill up all lines of a summary together. One long text makes all lines as long."""
_OTHER = {"Integer": "Float", "Float": "Integer"}
_FUNCTIONS = {"summary": _summary, "average": _average, "sum": _sum}


# --- formats

_FIELD = re.compile(r"%(?:%|(\d\$)?([-+ 0]*\d{0,4}(?:\.\d{1,2})?)([sdiufeEgG]))")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})", re.ASCII)


def fill_in(template: t.Any, arguments: t.Sequence[t.Any]) -> str:
    """Fill in a format of Ruby's ``format``. Further arguments are ignored.

    Python's own formatting fills in the fields that mean the same to both.

    :raises FormatError: Ruby would refuse it, or it is not known here what Ruby makes of it.
    """
    if not values.is_string(template) or "%" in _FIELD.sub("", template):
        raise FormatError(f"{values.inspect(template)[:100]} is no format that is known here")
    numbers = [match[1] for match in _FIELD.finditer(template) if match[3]]
    indexes = iter([int(text[0]) - 1 for text in numbers if text] or range(len(numbers)))
    if len({text is None for text in numbers}) > 1:
        raise FormatError("fields with and without a number")

    def field_of(match: re.Match[str]) -> str:
        if match[3] is None:
            return "%"
        index = next(indexes)
        if not 0 <= index < len(arguments):
            raise FormatError("too few arguments")
        return str(f"%{match[2]}{match[3]}" % _argument(arguments[index], match[3]))

    return _FIELD.sub(field_of, template)


def _argument(value: t.Any, kind: str) -> t.Any:
    if kind == "s":
        return values.to_s(value)
    if values.is_string(value) and _NUMBER.fullmatch(value):
        value = int(value)
    infinite = isinstance(value, float) and not math.isfinite(value)
    if infinite or not values.is_number(value):
        raise FormatError(f"invalid value for a number: {values.inspect(value)}")
    if kind not in "diu" and isinstance(value, int) and abs(value) > 2**53:
        raise FormatError("a number that is too large to be shown exactly")
    return value
