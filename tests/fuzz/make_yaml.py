# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes random YAML, and changes YAML so that most of it stays readable."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    import random

TAGS = [
    *(
        "!!int",
        "!!float",
        "!!bool",
        "!!null",
        "!!binary",
        "!!timestamp",
        "!!set",
        "!!omap",
        "!!str",
    ),
    *("!!pairs", "!!map", "!!seq", "!!merge", "!!value", "!!python/name:os.system", "!ruby/sym"),
    *("!ruby/symbol", "!ruby/object:A", "!ruby/hash:A", "!ruby/struct:A", "!ruby/range", "!binary"),
    *("!ruby/regexp", "!ruby/array:A", "!ruby/string:A", "!ruby/hash-with-ivars", "!ruby/class"),
    *("!str", "!float", "!ruby/exception:A", "!ruby/object:Set", "!", "!<x>", "!a%21", "!str:A"),
]
SCALARS = [
    *(
        "a",
        "1",
        "-0",
        "0x1f",
        "0o17",
        "017",
        "0b11",
        "1_000",
        "1,000",
        "1:30",
        "190:20:30.5",
        "1e3",
    ),
    *("1.5", ".5", "1.", ".inf", "-.INF", ".NaN", "~", "null", "", "yes", "tRue", "on", ":a", ":"),
    *(
        ':"a b"',
        ":'a'",
        "'a'",
        '"a\\u00e9\\x00"',
        "2001-01-01",
        "2001-01-01 00:00:00.5 +01:00",
        "=",
    ),
    *(
        "<<",
        "|\n  a\n  b",
        ">-\n  a\n\n  b",
        "!binary |\n  /w==",
        "é",
        "\u2028",
        "\x85",
        "9" * 1200,
    ),
    *("1e999", "&", "*", "? a", "@", "%", "\\", "'", '"', "/a/", "1..3", "0." + "1" * 400, "+1"),
]
WORDS = [
    *(f"{tag} " for tag in TAGS),
    *SCALARS,
    *("&a ", "*a", "&b ", "*b", "<<: ", "<<: *a", "? ", ": ", "- ", "[", "]", "{", "}", ", ", "\n"),
    *(
        "---",
        "...",
        "--- ",
        "%YAML 1.1\n",
        "%TAG ! !a\n",
        "%TAG !a! b\n",
        "#",
        "\t",
        "\0",
        "\ufeff",
    ),
]
ENCODED = [word.encode() for word in WORDS] + [b"\xff\xfe", b"\xfe\xff", b"\xc3", b"\xed\xa0\x80"]


class Maker:
    """Makes one document."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.room = chance.choice((3, 10, 40, 150))
        self.anchors = 0

    def make(self) -> bytes:
        """A document, in block style outside and any style inside."""
        start = self.chance.choice(("---\n", "--- ", "", "%YAML 1.1\n---\n"))
        text = start + self.block("").lstrip("\n" if start.endswith("\n") else "")
        encoding = self.chance.choice(("utf-8",) * 20 + ("utf-16", "utf-8-sig", "latin-1"))
        return text.encode(encoding, "replace")

    def decorated(self) -> str:
        """Perhaps an anchor, perhaps a tag."""
        text = ""
        if self.chance.random() < 0.15:
            self.anchors += 1
            text += f"&a{self.anchors} "
        if self.chance.random() < 0.15:
            text += self.chance.choice(TAGS) + " "
        return text

    def scalar(self) -> str:
        if self.anchors and self.chance.random() < 0.15:
            return f"*a{self.chance.randrange(self.anchors + 1)}"
        text = self.decorated() + self.chance.choice(SCALARS)
        return text.replace("\n", "\n" + " " * 60)

    def flow(self) -> str:
        self.room -= 1
        kind = self.chance.random()
        if kind < 0.6 or self.room <= 0:
            return self.scalar().partition("\n")[0]
        inner = range(self.chance.randrange(5))
        if kind < 0.8:
            return self.decorated() + "[" + ", ".join(self.flow() for _item in inner) + "]"
        pairs = (f"{self.key()}: {self.flow()}" for _pair in inner)
        return self.decorated() + "{" + ", ".join(pairs) + "}"

    def key(self) -> str:
        keys = ("a", ":a", '"a"', "1", "~", "<<", "=", "? a", ":body", "'b'", "*a1", "&k k", "1.5")
        return self.chance.choice(keys)

    def block(self, indent: str) -> str:
        self.room -= 1
        kind = self.chance.random()
        if kind < 0.3 or self.room <= 0:
            return self.scalar()
        if kind < 0.5:
            return self.flow()
        inner = range(self.chance.randrange(1, 6))
        head = self.decorated()
        if kind < 0.7:
            items = (f"\n{indent}- {self.block(indent + '  ')}" for _item in inner)
            return head + "".join(items)
        pairs = (f"\n{indent}{self.key()}: {self.block(indent + '  ')}" for _pair in inner)
        return head + "".join(pairs)


PUMPS: list[t.Callable[[int], bytes]] = [
    lambda n: b"- 1\n" * n,
    lambda n: b"[" + b"[]," * n + b"]",
    lambda n: b"".join(b"%d: 1\n" % i for i in range(n)),
    lambda n: b"".join(b"%d: 1\n" % (i * (2**61 - 1)) for i in range(n)),
    lambda n: b"".join(b"%d.0: 1\n" % (i << 70) for i in range(n)),
    lambda n: b"".join(b"- &a%d x\n" % i for i in range(n)),
    lambda n: b"- &a x\n" + b"- *a\n" * n,
    lambda n: b"".join(b"%%TAG !a%d! b\n" % i for i in range(n)) + b"--- 1\n",
    lambda n: b"".join(b"--- !a%d\n" % i for i in range(n)),
    lambda n: b"[" * n,
    lambda n: b"[" * (n // 20) + b"]" * (n // 20),
    lambda n: b"[? " * n,
    lambda n: b"- " * n,
    lambda n: b"? " * n,
    lambda n: b"a: " * n,
    lambda n: b"!!a " * n,
    lambda n: b"&a " * n,
    lambda n: b"'" * n,
    lambda n: b'"' + b"\\\n" * n + b'"',
    lambda n: b"|\n" + b" \n" * n,
    lambda n: b"a\n\n" * n,
    lambda n: b"#\n" * n,
    lambda n: b"{<<: [" + b"{a: 1}," * n + b"]}",
    lambda n: b"- {&a a: 1}\n" + b"- {<<: *a}\n" * n,
    lambda n: b"- !!float " + b"1:" * n,
    lambda n: b"- !!int " + b"1" * n,
    lambda n: b"- " + b"1," * n,
    lambda n: b"- " + b"1:" * n + b"1",
    lambda n: b"- " + b"1" * n + b".",
    lambda n: b"- " + b"2001-01-01 " * n,
    lambda n: b"- !" + b"%41" * n + b" x",
]
"""Simple text of any size, to see what grows faster than its size."""


def change_lines(chance: random.Random, data: bytearray, corpus: t.Sequence[bytes]) -> None:
    """Move, repeat, indent or put in whole lines."""
    lines = bytes(data).split(b"\n")
    place = chance.randrange(len(lines))
    kind = chance.randrange(5)
    if kind == 0:
        lines[place] = chance.choice((b" ", b"  ", b"\t", b"- ", b"a: ", b"? ")) + lines[place]
    elif kind == 1:
        lines.insert(place, chance.choice(bytes(chance.choice(corpus)).split(b"\n")))
    elif kind == 2:
        lines[place] = lines[place].lstrip()
    elif kind == 3:
        lines.insert(place, lines[chance.randrange(len(lines))])
    else:
        lines[place:] = [b"  " + line for line in lines[place:]]
    data[:] = b"\n".join(lines)


def change_nodes(chance: random.Random, data: bytearray, _corpus: t.Sequence[bytes]) -> None:
    """Give a value a tag or an anchor, or replace it by another one."""
    places = [match.end() for match in re.finditer(rb"(?:[:\-?\[,{] ?| )(?=\S)", data)]
    if not places:
        return
    start = chance.choice(places)
    end = start
    if chance.random() < 0.5:
        match = re.compile(rb"[^\n,\]}]*").match(data, start)
        end = match.end() if match else start
    new = (chance.choice(WORDS), Maker(chance).flow(), Maker(chance).scalar())
    data[start:end] = chance.choice(new).encode()
