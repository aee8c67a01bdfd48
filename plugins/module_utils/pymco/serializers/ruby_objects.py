# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Ruby's own classes in Marshal data, as the texts that YAML has for them."""

from __future__ import annotations

import datetime
import math
import re
import struct
import typing as t

from .. import exc

MAX_ESCAPED = 65536
"""Bytes of a Symbol or a class's name that are no text, and of a Regexp. Escaping takes long and much memory."""

_SAME_NAMES = (
    *("utf-8", "utf-16", "utf-16le", "utf-16be", "utf-32", "utf-32le", "utf-32be", "tis-620"),
    *("shift_jis", "euc-jp", "euc-jis-2004", "euc-kr", "gbk", "gb18030", "gb2312", "big5"),
    *("big5-hkscs", "koi8-r", "koi8-u", "cp850", "cp852", "cp855", "cp949", "cp950"),
    *("macroman", "macgreek", *(f"iso-8859-{part}" for part in range(1, 17) if part != 12)),
)
_IBM = ("037", 437, 720, 737, 775, 852, 855, 857, *range(860, 867), 869)
_CODECS = {
    **{name: name for name in _SAME_NAMES},
    **{f"ibm{page}": f"cp{page}" for page in _IBM},
    **{f"windows-{page}": f"cp{page}" for page in range(1250, 1259)},
    **{"windows-31j": "cp932", "windows-874": "cp874", "eucjp-ms": "euc-jp"},
}
"""Python's names of Ruby's character sets. Python also knows codecs that are no character sets, some of them slow on
purpose-made input, and never forgets a name that it does not know."""
_LONGEST_CODEC = max(map(len, _CODECS))

_DAYS_BEFORE = 1721425
"""The Julian Day Number of the day before 0001-01-01."""
_GREGORIAN = 2299161
"""The Julian Day Number of 1582-10-15. Ruby counts days before it by another calendar."""
_DAY = 86400
"""Seconds."""
_MANTISSA_BITS = 37
"""How many bits of a Float's mantissa Ruby 1.8 wrote as digits (marshal.c, DECIMAL_MANT)."""


def text_in(data: bytes, attributes: t.Mapping[str, t.Any]) -> str | bytes:
    """Return a String as text in the encoding of its attributes, or its bytes if they are no text."""
    encoding = attributes.get("encoding")
    try:
        if encoding is None:
            return data.decode()
        if not isinstance(encoding, str):
            return data
        # A link can repeat a long name, so it is not copied whole.
        return data.decode(_CODECS[encoding[: _LONGEST_CODEC + 1].lower()])
    except (UnicodeError, LookupError):
        return data


def name_in(data: bytes, attributes: t.Mapping[str, t.Any]) -> str:
    """Return the text of a Symbol or a Regexp. Bytes that are no text in its encoding are escaped."""
    text = text_in(data, attributes)
    if isinstance(text, str):
        return text
    if len(data) > MAX_ESCAPED:
        raise exc.DecodingError(f"refused: a name of {len(data)} bytes that are no text")
    return data.decode("utf-8", "backslashreplace")


def regexp(source: str, options: int) -> str:
    """Return a Regexp as a Ruby programmer writes it. It is never compiled."""
    flags = "".join(
        flag for bit, flag in ((4, "m"), (1, "i"), (2, "x"), (32, "n")) if options & bit
    )
    escaped = re.sub(r"(\\.)|/", lambda match: match[1] or "\\/", source, flags=re.DOTALL)
    return f"/{escaped}/{flags}"


def real(text: bytes) -> float:
    """Return a Float. Ruby 1.8 wrote too few digits, and the missing bits of the mantissa behind them."""
    digits, _mark, rest = text.partition(b"\0")
    number = float(digits)
    if not rest or not math.isfinite(number):
        return number
    fraction, exponent = math.frexp(abs(number))
    mantissa = float(math.floor(math.ldexp(fraction, _MANTISSA_BITS)))
    mantissa += int.from_bytes(rest[:8], "big") / 256.0 ** len(rest[:8])
    return math.copysign(math.ldexp(mantissa, exponent - _MANTISSA_BITS), number)


def time(data: bytes, attributes: t.Mapping[str, t.Any]) -> str | None:
    """Return a Time (Ruby: time.c, time_mdump) as YAML has it, or None if Python cannot represent it."""
    if len(data) != 8 or not data[3] & 0x80:
        return None
    date, clock = struct.unpack("<II", data)
    offset = None if date >> 30 & 1 else attributes.get("offset", 0)
    fraction = attributes.get("nano_num", 0), attributes.get("nano_den", 1)
    try:
        moment = datetime.datetime(
            1900 + (date >> 14 & 0xFFFF),
            1 + (date >> 10 & 0xF),
            date >> 5 & 0x1F,
            date & 0x1F,
            clock >> 26 & 0x3F,
            clock >> 20 & 0x3F,
        )
        moment += datetime.timedelta(seconds=offset or 0)
        return _moment(moment, (clock & 0xFFFFF) * 1000 + fraction[0] // fraction[1], offset)
    except (ArithmeticError, TypeError, ValueError):
        return None


def date(parts: t.Any, with_time: bool) -> str | None:
    """Return a Date or a DateTime as YAML has it, or None if Python cannot represent it.

    :param parts: what their marshal_dump gives: a period of days, the Julian Day Number, seconds and
        nanoseconds of the day in UTC, the offset from UTC in seconds, and the calendar's start.
    """
    try:
        period, day, seconds, nanoseconds, offset, _start = parts
        if period != 0 or day < _GREGORIAN:
            return None
        moment = datetime.datetime.fromordinal(day - _DAYS_BEFORE)
        moment += datetime.timedelta(seconds=_whole(seconds, 0, _DAY - 1) + offset)
        return _moment(moment, nanoseconds, offset or None) if with_time else f"{moment:%Y-%m-%d}"
    except (ArithmeticError, TypeError, ValueError):
        return None


def _whole(number: t.Any, least: int, most: int) -> int:
    """Return a whole number in its range. Raises ValueError for all else, such as a text of megabytes."""
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise ValueError
    return number


def _moment(moment: datetime.datetime, nanoseconds: t.Any, offset: t.Any) -> str:
    """Return a local time as Psych writes it. Without an offset it is in UTC."""
    zone = "Z"
    if offset is not None:
        hours, minutes = divmod(abs(_whole(offset, 1 - _DAY, _DAY - 1)) // 60, 60)
        zone = f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"
    return f"{moment:%Y-%m-%d %H:%M:%S}.{_whole(nanoseconds, 0, 10**9 - 1):09} {zone}"
