# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What Ruby's Psych reads a plain scalar as (psych/scalar_scanner.rb). Times and dates stay texts."""

from __future__ import annotations

import re
import typing as t

from ... import exc
from ..base import MAX_INTEGER_BITS, Symbol, checked_integer

_WORDS: dict[str, t.Any] = {
    **{"": None, "~": None, "null": None},
    **{"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False},
    **{".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")},
}
"""In any case."""
LONGEST_WORD = max(map(len, _WORDS))
_NUMERIC = frozenset("+-.0123456789")
_SYMBOL = re.compile(r""":(["'])(.*)\1""")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][-+][0-9]+)?", re.ASCII)
_INTEGER = re.compile(
    r"""(?P<sign>[-+]?)
    (?: 0b(?P<binary>[01_,]+)
      | 0x(?P<hexadecimal>[0-9a-fA-F_,]+)
      | 0(?P<octal>[0-7_,]+)
      | (?P<decimal>0|[1-9](?:[,_]?[0-9])*) )""",
    re.VERBOSE | re.ASCII,
)
_BASES = {"binary": 2, "octal": 8, "decimal": 10, "hexadecimal": 16}
_NUMBERLIKE = re.compile(
    r"[-+]?(?:0[xb][0-9a-fA-F_,]+|[0-9.][0-9_,.:]*(?:[eE][-+][0-9]+)?)", re.ASCII
)
"""What may be a number. Most identifiers are not."""
_LONGEST_TIME = 100
_SEXAGESIMAL = re.compile(
    r"[-+]?[0-9](?:_?[0-9])*(?::[0-5]?[0-9]){1,2}(?P<fraction>\.[0-9_]*)?", re.ASCII
)


def plain_scalar(text: str) -> t.Any:
    """Return the value of a plain scalar.

    :raises exc.DecodingError: it is an integer of more than :data:`MAX_INTEGER_BITS` bits.
    """
    first = text[:1]
    if first == ":" and text != ":":
        return _symbol(text)
    if len(text) <= LONGEST_WORD and text.lower() in _WORDS:
        return _WORDS[text.lower()]
    return _number(text) if first in _NUMERIC else text


def _symbol(text: str) -> Symbol:
    if text[1] not in "\"'":
        return Symbol(text[1:])
    quoted = _SYMBOL.match(text)
    if quoted is None:
        return Symbol(text[1:])
    return Symbol(re.sub("^:", "", quoted[2]))


def _number(text: str) -> t.Any:
    if not _NUMBERLIKE.fullmatch(text):
        return text
    integer = _INTEGER.fullmatch(text)
    if integer is not None:
        return _integer(text, integer)
    if _FLOAT.fullmatch(text):
        try:
            return float(re.sub(r"[,_]", "", text))
        except ValueError:
            return text
    sexagesimal = _SEXAGESIMAL.fullmatch(text)
    if sexagesimal is None or len(text) > _LONGEST_TIME:
        return text
    number: t.Callable[[str], float] = float if sexagesimal["fraction"] else int
    parts = [number(part) for part in text.replace("_", "").split(":")]
    return sum(part * 60 ** (2 - place) for place, part in enumerate(parts))


def _integer(text: str, match: re.Match[str]) -> t.Any:
    if len(text) > MAX_INTEGER_BITS:  # whatever the base
        raise exc.DecodingError(f"refused: an integer of {len(text)} digits")
    base = t.cast(str, match.lastgroup)
    digits = re.sub(r"[,_]", "", match[base]) or ("0" if base == "octal" else "")
    if not digits:
        return text
    try:
        return checked_integer(int(match["sign"] + digits, _BASES[base]))
    except ValueError:  # Python makes no integer of more than some thousand decimal digits
        raise exc.DecodingError(f"refused: an integer of {len(digits)} digits") from None
