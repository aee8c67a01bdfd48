# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw the diagrams of the guides: ``python tests/diagrams.py``. It needs Graphviz (Debian: apt install graphviz).

The sources are ``docs/docsite/diagrams/*.dot``, the pictures ``docs/docsite/rst/images/*.svg``. A picture is
light or dark, as the reader's system is, on a forge and on the site. It bears a mark of its source and of
itself, so a test finds one that was not drawn again, without Graphviz.
"""

from __future__ import annotations

import hashlib
import pathlib
import re
import subprocess

DOCSITE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "docsite"
SOURCES = DOCSITE / "diagrams"
PICTURES = DOCSITE / "rst" / "images"
# Checks of licences would take it for that of this file.
LICENCE = "SPDX-License-Identifier"
HEADER = """\
<!--
Copyright (c) 2026, the pymco.mcollective authors
{licence}: GPL-3.0-or-later

Drawn by tests/diagrams.py from docs/docsite/diagrams/{name}.dot. mark: {mark}
-->
"""
LOOK = (
    *("-Gfontname=sans-serif", "-Nfontname=sans-serif", "-Efontname=sans-serif"),
    *("-Gfontsize=14", "-Nfontsize=13", "-Efontsize=12", "-Gpad=0.2", "-Gbgcolor=white"),
    *("-Nshape=box", "-Nstyle=rounded,filled", "-Nmargin=0.18,0.1", "-Gstyle=rounded,filled"),
)
STYLE = """\
<style>
  .graph > polygon { fill: #ffffff; }
  text { fill: #1f2328; }
  .cluster path, .cluster polygon { fill: #f6f8fa; stroke: #d0d7de; }
  .edge path { stroke: #57606a; }
  .edge polygon { stroke: #57606a; fill: #57606a; }
  .ansible path, .ansible polygon { fill: #ddf4ff; stroke: #0969da; }
  .broker path, .broker polygon { fill: #fff8c5; stroke: #9a6700; }
  .node.node path, .node.node polygon { stroke-width: 1.3; }
  .node.machine path, .node.machine polygon { fill: #dafbe1; stroke: #1a7f37; }
  .silent path, .silent polygon { fill: #eaeef2; stroke: #6e7781; stroke-dasharray: 4 3; }
  .request path { stroke: #0969da; stroke-width: 1.6; }
  .request polygon { stroke: #0969da; fill: #0969da; }
  .reply path { stroke: #1a7f37; stroke-width: 1.6; }
  .reply polygon { stroke: #1a7f37; fill: #1a7f37; }
  .weak path { stroke: #cf222e; stroke-width: 1.6; }
  .weak polygon { stroke: #cf222e; fill: #cf222e; }
  .optional path, .weak path { stroke-dasharray: 5 4; }
  @media (prefers-color-scheme: dark) {
    .graph > polygon { fill: #131416; }
    text { fill: #e6edf3; }
    .cluster path, .cluster polygon { fill: #1c1f24; stroke: #444c56; }
    .edge path { stroke: #8b949e; }
    .edge polygon { stroke: #8b949e; fill: #8b949e; }
    .ansible path, .ansible polygon { fill: #0c2d6b; stroke: #58a6ff; }
    .broker path, .broker polygon { fill: #4b2900; stroke: #d29922; }
    .node.machine path, .node.machine polygon { fill: #033a16; stroke: #3fb950; }
    .silent path, .silent polygon { fill: #2d333b; stroke: #8b949e; }
    .request path { stroke: #58a6ff; }
    .request polygon { stroke: #58a6ff; fill: #58a6ff; }
    .reply path { stroke: #3fb950; }
    .reply polygon { stroke: #3fb950; fill: #3fb950; }
    .weak path { stroke: #ff7b72; }
    .weak polygon { stroke: #ff7b72; fill: #ff7b72; }
  }
</style>
"""


def sources() -> list[pathlib.Path]:
    """Return the sources of all diagrams."""
    return sorted(SOURCES.glob("*.dot"))


def picture(source: pathlib.Path) -> pathlib.Path:
    """Return the file of the picture of a source."""
    return PICTURES / f"{source.stem}.svg"


def mark(source: str, body: str) -> str:
    """Return the mark of a picture: the digest of its source, of how it was drawn, and of what was drawn."""
    parts = (source, *LOOK, STYLE, body)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def drawn(source: str) -> str:
    """Return the picture of a source, without its header."""
    done = subprocess.run(
        ["dot", "-Tsvg", *LOOK], input=source, capture_output=True, encoding="utf-8", check=True
    )
    svg = done.stdout[done.stdout.index("<svg") :]
    # The names of its nodes, and comments with them, tell a reader nothing.
    svg = re.sub(r"<!--.*?-->\n|<title>.*?</title>\n", "", svg)
    # The colours are of the style only.
    svg = re.sub(r' (?:fill|stroke|font-family|stroke-dasharray)="[^"]*"', _kept, svg)
    head, gap, rest = svg.partition(">\n")
    return head + gap + STYLE + rest


def _kept(match: re.Match[str]) -> str:
    """Keep what the style does not set: the font, and that a line is not filled."""
    return match[0] if "font-family" in match[0] or 'fill="none"' in match[0] else ""


def agrees(source: pathlib.Path) -> bool:
    """Return True if a picture was drawn from its source as it is now, and is unchanged since."""
    path = picture(source)
    if not path.exists():
        return False
    text = path.read_text(encoding="utf-8")
    body = text[text.find("<svg") :]
    return f"mark: {mark(source.read_text(encoding='utf-8'), body)}\n-->" in text


def draw(source: pathlib.Path) -> None:
    """Write the picture of a source."""
    text = source.read_text(encoding="utf-8")
    body = drawn(text)
    header = HEADER.format(licence=LICENCE, name=source.stem, mark=mark(text, body))
    picture(source).write_text(header + body, encoding="utf-8")


def main() -> None:
    """Draw all diagrams that have changed."""
    for source in sources():
        if not agrees(source):
            draw(source)


if __name__ == "__main__":
    main()
