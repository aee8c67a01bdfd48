# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Makes foreign text (of a node, a broker, a file) fit for a message to people.

A terminal obeys the text that it shows: ESC moves the cursor and sets titles, a bidirectional override makes one line
read as another. So all foreign text in a message passes through here. The data that a caller gets is never touched.
"""

from __future__ import annotations

import math
import re
import typing as t

LONGEST_QUOTE = 200
"""Characters of one foreign text, as in a node's statusmsg."""
LONGEST_MESSAGE = 4000
"""Characters of a whole message or warning."""

MASK = "********"
SHORT_SECRET = 6
"""Characters. A shorter secret is masked only where it is a whole word, since it may be part of many others."""


def as_message(text: t.Any) -> str:
    """Return a whole message or warning as :func:`printable` makes it, at most :data:`LONGEST_MESSAGE` long."""
    return printable(text, LONGEST_MESSAGE)


def masked(text: str, secrets: t.Iterable[str], kept: float = math.inf) -> str:
    """Return a text without the secrets that somebody repeats in it.

    Call it before anything of the text is cut off or escaped.

    :param kept: how many bytes of the text were kept, if it had more. Then its end may be a part of a secret,
        which cannot be recognized, so as much as a secret has is cut off.

    >>> masked("no user web1 with password hunter2", ["hunter2", "1"])
    'no user web1 with password ********'
    """
    cut = len(text.encode("utf-8", "surrogatepass")) >= kept
    longest_first = sorted(filter(None, secrets), key=len, reverse=True)
    for secret in longest_first:
        pattern = re.escape(secret)
        if len(secret) < SHORT_SECRET:
            pattern = rf"(?<!\w){pattern}(?!\w)"
        text = re.sub(pattern, MASK, text)
    if cut and longest_first:
        text = text[: -len(longest_first[0])]
    return text


def printable(text: t.Any, most: int = LONGEST_QUOTE) -> str:
    """Return a text without anything that a terminal obeys, in one line and of bounded length.

    :param text: any value; other values than texts are shown as Python writes them.
    :param most: characters to show; a longer text ends in "...".
    :returns: printable characters only (:meth:`str.isprintable`); others are escaped as in Python: ``\\x1b``,
        ``\\u202e``, ``\\n``.

    >>> printable("fine\\x1b[2J")
    'fine\\\\x1b[2J'
    """
    shown = text if isinstance(text, str) else repr(text)
    # Cut first, so that nobody waits for megabytes to be escaped.
    cut = shown[: most + 1]
    if not cut.isprintable():
        cut = "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
            for char in cut
        )
    return cut if len(cut) <= most else cut[: max(most - 3, 0)] + "..."
