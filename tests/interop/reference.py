# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the reference's own code for filters as the judge of ours, without a broker or a daemon."""

from __future__ import annotations

import json
import subprocess
import typing as t
from dataclasses import asdict, dataclass, field
from pathlib import Path

from testbed.real import programs

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import compound
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
    Regexp,
    Symbol,
)

_HERE = Path(__file__).resolve().parent
_SETTINGS = {
    "logger_type": "console",
    "loglevel": "fatal",
    "connector": "activemq",
    "securityprovider": "psk",
    "plugin.psk": "unused",
    "color": "0",
}
_LOAD_DDL = """
metadata :name => "Load", :description => "Load", :author => "us", :license => "none",
         :version => "1", :url => "https://example.com/", :timeout => 7
dataquery :description => "The load over some minutes" do
  input :query, :prompt => "Minutes", :description => "Minutes", :type => :integer, :optional => true
  output :average, :description => "Processes that wanted to run", :display_as => "Average"
end
"""


class Refused(Exception):
    """The reference raised an error. On a node that means: no answer, whatever the filter says."""


@dataclass(frozen=True)
class NodeData:
    """What filters ask about."""

    facts: dict[str, t.Any] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    identity: str = "node.example.com"


class Reference:
    """One Ruby process with MCollective's own code; see filters.rb."""

    def __init__(self, directory: Path) -> None:
        #: A libdir with a data plugin's DDL whose input is no text, as no core plugin's.
        self.libdir = directory / "lib"
        (self.libdir / "mcollective" / "data").mkdir(parents=True)
        (self.libdir / "mcollective" / "data" / "demand_data.ddl").write_text(_LOAD_DDL)
        config = directory / "client.cfg"
        settings = {**_SETTINGS, "libdir": str(self.libdir)}
        config.write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
        script = [str(_HERE / "filters.rb"), str(programs.SHIM.with_name("describe.rb"))]
        self._process = subprocess.Popen(
            [
                *(str(programs.require("ruby")), "-W0", "-r", str(programs.SHIM)),
                *(*script, str(config), str(directory / "classes.txt")),
            ],
            env=programs.environment(directory),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=30)

    def filter(self, *arguments: str) -> dict[str, t.Any]:
        """The filter that mco makes of a command line such as ``-F os=Debian``."""
        return t.cast("dict[str, t.Any]", _value(self._ask("filter", *arguments)))

    def request(self, *arguments: str) -> dict[str, t.Any]:
        """Return the same filter, checked by the DDLs of data functions as before sending."""
        return t.cast("dict[str, t.Any]", _value(self._ask("request", *arguments)))

    def compound(self, text: str) -> list[dict[str, t.Any]]:
        """The tokens that mco makes of an expression."""
        (tokens,) = self.filter("-S", text)["compound"]
        return t.cast("list[dict[str, t.Any]]", tokens)

    def fact(self, text: str) -> dict[str, str]:
        """What mco makes of one -F; the keys are Symbols."""
        return t.cast("dict[str, str]", _value(self._ask("fact", text)))

    def verdict(self, filter_: t.Mapping[str, t.Any], node: NodeData) -> bool:
        """Return True if a node takes a request with this filter."""
        payload = MarshalSerializer().serialize(dict(filter_)).hex()
        return t.cast("bool", self._ask("verdict", "marshal", payload, asdict(node)))

    def ruby_methods(self) -> set[str]:
        """Return the methods that Ruby calls for a data function of this name."""
        return {name for name in self._ask("methods") if name.isidentifier()}

    def _ask(self, *question: t.Any) -> t.Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps(question).encode() + b"\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["value"]


def verdict(reference: Reference, tokens: list[dict[str, t.Any]], node: NodeData) -> bool | None:
    """What a node decides on a compound filter; None if it fails and stays silent."""
    try:
        return reference.verdict(Filter().add_compound(tokens), node)
    except Refused:
        return None


def _value(described: dict[str, t.Any]) -> t.Any:
    """A value of the client's, from the words of describe.rb."""
    kind = described["class"]
    if kind == "Hash":
        return {_value(key): _value(item) for key, item in described["pairs"]}
    if kind == "Array":
        return [_value(item) for item in described["items"]]
    if kind == "String":
        return bytes.fromhex(described["hex"]).decode()
    if kind == "Symbol":
        return Symbol(described["name"])
    if kind == "Regexp":
        return Regexp(described["source"])
    if kind == "Integer":
        return int(described["value"])
    return {"NilClass": None, "TrueClass": True, "FalseClass": False}[kind]


def typed(value: t.Any) -> t.Any:
    """Return a value that equals no value of another type or in another order."""
    if isinstance(value, dict):
        return [(typed(key), typed(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value).__name__, value


def bare(tokens: list[compound.Token]) -> list[compound.Token]:
    """Tokens without the parentheses around a single data function, which we leave out."""
    found: list[compound.Token] = []
    for token in tokens:
        if ")" in token and "fstatement" in found[-1] and found[-2:-1] == [{"(": "("}]:
            del found[-2]
        else:
            found.append(token)
    return found


def theirs(reference: Reference, text: str) -> list[compound.Token] | None:
    """The reference's tokens of a compound filter; None if it refuses it."""
    try:
        return reference.compound(text)
    except Refused:
        return None
