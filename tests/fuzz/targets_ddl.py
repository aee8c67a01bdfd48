# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The readers of DDLs, in Ruby's form and in JSON: they understand, or raise their one error. What they have
understood can be used to check a request.

An input is two letters and the text: R or J for the form, and a, d or s for the kind of plugin.
"""

from __future__ import annotations

import tempfile
import typing as t
from pathlib import Path

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc

from .targets_texts import TextTarget

if t.TYPE_CHECKING:
    import random

AGENTS = Path(__file__).resolve().parents[1] / "testbed" / "real" / "agents"
KINDS = {b"a": "agent", b"d": "data", b"s": "discovery"}
METADATA = "".join(
    f":{name} => '{value}', "
    for name, value in (
        *(("name", "x"), ("description", "x"), ("author", "x"), ("license", "x"), ("version", "1")),
        ("url", "x"),
    )
)
ARGUMENTS: t.Sequence[t.Any] = (
    "a",
    "",
    "/etc/hosts",
    1,
    -1.5,
    True,
    None,
    [1],
    {"a": 1},
    "127.0.0.1",
    "x;y",
)
WORK = 64 * 2**20
"""Bytes that a DDL may take; the work that one may ask for is bounded (ddl/ruby_form.py, STEPS)."""


class DdlTarget(TextTarget):
    """Both forms, and the checks of requests."""

    errors = exc.UnreadableDDL
    examples: t.ClassVar[t.Sequence[str]] = [
        *(f"Ra{path.read_text()}" for path in sorted(AGENTS.rglob("*.ddl"))),
        f"Rdmetadata {METADATA} :timeout => 5\ndataquery :description => 'x' do\n  input :query, :prompt => 'x',"
        " :description => 'x', :type => :string, :validation => '^\\w+$', :maxlength => 9\n"
        "  output :a, :description => 'x', :display_as => 'x'\nend\n",
        f"Rsmetadata {METADATA} :timeout => 1.5\ndiscovery do\n  capabilities [:classes, :facts]\nend\n",
        f"Rametadata({METADATA} :timeout => 60 * 2)\n['a', :b].each_with_index do |x, i|\n"
        '  action x, :description => "do #{x} #{i}" do\n    display :always\n    %w{c d}.each { |y|\n'
        "      input y.to_sym, :prompt => y.capitalize, :description => 'x', :type => :list, :optional => true,"
        " :list => (1..3).map(&:to_s), :default => '1' if y != 'd' }\n    output :z, :description => 'x',"
        " :display_as => 'Z'\n    summarize do\n      aggregate summary(:z, :format => '%s: %d')\n    end\n  end\nend\n",
        'Ja{"metadata": {"name": "x", "description": "x", "author": "x", "license": "x", "version": "1", "url": "x",'
        ' "timeout": 5}, "actions": [{"action": "a", "description": "x", "input": {"b": {"prompt": "x", "description":'
        ' "x", "type": "string", "validation": "^.+$", "maxlength": 5, "optional": true, "default": "c"}}, "output":'
        ' {"d": {"description": "x", "display_as": "x", "default": 1}}, "aggregate": [{"function": "summary", "args":'
        ' ["d"]}]}]}',
    ]
    words: t.ClassVar[t.Sequence[str]] = [
        *(
            "metadata",
            "action",
            "input",
            "output",
            "do\n",
            "end\n",
            "{",
            "}",
            "|x|",
            "=>",
            ":a",
            "'a'",
            '"#{',
            "}",
        ),
        *(
            "%w{",
            "%q(",
            "<<-EOS\n",
            "<<~X\n",
            "EOS\n",
            "/x/mi",
            "(",
            ")",
            "[",
            "]",
            ",",
            "\n",
            ";",
            "#",
            "=begin\n",
        ),
        *(
            ".each",
            ".map",
            "&:to_s",
            "..",
            "...",
            "*",
            "+",
            "-",
            "<<",
            "%",
            "**",
            "==",
            "?",
            ":",
            "!",
            "&&",
            "||",
            "if ",
        ),
        *(
            "unless ",
            "else\n",
            "case ",
            "when ",
            "while true",
            "def ",
            "lambda",
            "->",
            "nil",
            "true",
            "1_000",
            "0x1f",
        ),
        *(
            "1e3",
            "1.5",
            "9" * 400,
            "\\",
            "\\u{1F600}",
            "'",
            '"',
            "`ls`",
            "$x",
            "@x",
            "__END__\n",
            "\0",
            "é",
            "null",
            "^\\w+$",
        ),
        *(
            ":validation",
            ":type",
            ":boolean",
            ":list",
            ":optional",
            ":maxlength",
            "summary(:a)",
            '"a": ',
            "(?<=a)",
            "(a+)+$",
        ),
        *(
            "\\A[[:alpha:]]+\\z",
            "requires ",
            ":mcollective",
            "'2.2'",
            "* 1000000",
            "<< x",
            ".times { ",
            "99999999",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._scratch = tempfile.TemporaryDirectory(prefix="mcollective-fuzz-")
        self._directory = Path(self._scratch.name)

    def memory(self, size: int) -> int:
        """Return the memory that a small program may take."""
        return WORK + super().memory(size)

    def change(self, chance: random.Random, corpus: t.Sequence[bytes]) -> bytes:
        """Change an input. The two letters mostly stay the same."""
        if chance.random() < 0.1:
            return super().change(chance, corpus)
        seed = chance.choice(corpus)
        return seed[:2] + super().change(chance, [seed[2:]])

    def parse(self, payload: bytes) -> str:
        """Read a DDL, and check requests by it."""
        path = self._directory / ("fuzzed.json" if payload[:1] == b"J" else "fuzzed.ddl")
        path.write_bytes(payload[2:])
        found = ddl.read_file(str(path), KINDS.get(payload[1:2], "agent"), "fuzzed")
        kinds = {type(found).__name__}
        for action in list(getattr(found, "actions", ()))[:5]:
            for value in ARGUMENTS:
                kinds.add(self._checked(found, action, value))
        return str(sorted(kinds))

    def _checked(self, found: t.Any, action: str, value: t.Any) -> str:
        inputs = list(found.actions[action].inputs)
        arguments = {input_.lstrip(":"): value for input_ in inputs}
        try:
            return type(ddl.check_request(found, action, arguments)).__name__
        except exc.InvalidArgument as error:
            return error.rule[:10]
