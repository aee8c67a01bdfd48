# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs MCollective's own DDL code in Ruby, as the judge of ours."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import typing as t
from pathlib import Path

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ruby_values as values
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

SCRIPT = Path(__file__).with_suffix(".rb")


class Refused(Exception):
    """MCollective or Ruby refused it."""


class Oracle:
    """One Ruby process that answers any number of questions."""

    def __enter__(self) -> Oracle:
        # Warnings off: the code is older than this Ruby, and warns of every odd literal.
        self._process = subprocess.Popen(
            ["ruby", "-W0", str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.communicate()

    def ask(self, *question: t.Any) -> t.Any:
        """Return the answer of the method of module Oracle that is the first word of the question."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps(question).encode() + b"\n")
        stdin.flush()
        line = stdout.readline()
        assert line, f"Ruby is gone after {question}"
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["value"]


def missing() -> str:
    """Return why there is no oracle here, or "" if there is one."""
    if shutil.which("ruby") is None:
        return "no ruby on the PATH"
    done = subprocess.run(
        ["ruby", "-W0", "-e", 'require "mcollective"'], capture_output=True, check=False
    )
    return "" if done.returncode == 0 else "no MCollective for ruby to load"


def wire(value: t.Any) -> t.Any:
    """A value as the module Wire has it."""
    if value is None or isinstance(value, bool):
        return ["nil"] if value is None else ["bool", value]
    if isinstance(value, Symbol):
        return ["sym", value.name]
    if isinstance(value, str):
        return ["str", value]
    if isinstance(value, int):
        return ["int", str(value)]
    if isinstance(value, float):
        return ["float", struct.pack(">d", value).hex()]
    if isinstance(value, (list, tuple)):
        return ["arr", [wire(item) for item in value]]
    if isinstance(value, ddl.Regexp):
        return ["re", value.source, value.flags]
    if isinstance(value, ddl.RubyClass):
        return ["class", value.name]
    assert isinstance(value, dict), type(value)
    return ["hash", [[wire(key), wire(item)] for key, item in value.items()]]


def unwire(value: t.Any) -> t.Any:
    """The way back, with a Hash as a list of pairs."""
    kind = value[0]
    if kind == "nil":
        return None
    if kind == "int":
        return int(value[1])
    if kind == "float":
        return struct.unpack(">d", bytes.fromhex(value[1]))[0]
    if kind == "sym":
        return Symbol(value[1])
    if kind == "arr":
        return [unwire(item) for item in value[1]]
    if kind == "hash":
        return [(unwire(key), unwire(item)) for key, item in value[1]]
    return value[1]


def described(found: ddl.DDL) -> dict[str, t.Any]:
    """Our DDL as the oracle describes its own."""
    metadata = found.metadata
    names = ("name", "description", "author", "license", "version", "url", "timeout")
    meta = {**{name: getattr(metadata, name) for name in names}, **metadata.extra}
    return {
        "meta": {name: wire(value) for name, value in meta.items()},
        "usage": wire(found.usage),
        "requirements": wire({Symbol(k): v for k, v in found.requires.items()}),
        "entities": wire(_entities(found)),
    }


def comparable(answer: dict[str, t.Any]) -> dict[str, t.Any]:
    """What the oracle says of a DDL, in the form of :func:`described`."""
    meta = {key[1]: value for key, value in answer["meta"][1]}
    for name in set(meta) & {"name", "description", "author", "license", "version", "url"}:
        meta[name] = ["str", values.to_s(unwire(meta[name]))]
    return {**answer, "meta": meta, "entities": _with_true_or_false(answer["entities"])}


def _with_true_or_false(entities: t.Any) -> t.Any:
    """The model has true or false for `optional`, and Ruby has the DDL's own value."""
    if isinstance(entities, list) and entities[:1] == [["sym", "optional"]] and len(entities) == 2:
        return [entities[0], ["bool", entities[1] not in (["nil"], ["bool", False])]]
    if isinstance(entities, list):
        return [_with_true_or_false(item) for item in entities]
    return entities


def _entities(found: ddl.DDL) -> dict[t.Any, t.Any]:
    if isinstance(found, ddl.AgentDDL):
        return {name: _action(action) for name, action in found.actions.items()}
    if isinstance(found, ddl.DiscoveryDDL):
        capabilities = [Symbol(name) for name in found.capabilities]
        return {Symbol("discovery"): _symbols(capabilities=capabilities)} if capabilities else {}
    if isinstance(found, ddl.DataDDL) and found.defined:
        query = {} if found.query is None else {found.query.key: _input(found.query)}
        outputs = {item.key: _output(item) for item in found.outputs.values()}
        entity = _symbols(description=found.description, input=query, output=outputs)
        return {Symbol("data"): entity}
    return {}


def _symbols(**table: t.Any) -> dict[str, t.Any]:
    return {Symbol(name): value for name, value in table.items()}


def _action(action: ddl.Action) -> dict[str, t.Any]:
    table = _symbols(
        action=action.name,
        input={item.key: _input(item) for item in action.inputs.values()},
        output={item.key: _output(item) for item in action.outputs.values()},
        display=Symbol(action.display),
        description=action.description,
    )
    if action.aggregates:
        table[Symbol("aggregate")] = [_aggregate(item) for item in action.aggregates]
    return table


def _input(item: ddl.Input) -> dict[str, t.Any]:
    names = ["prompt", "description", "type", "default", "optional"]
    if item.type == Symbol("string") and isinstance(item.type, Symbol):
        names += ["validation", "maxlength"]
    if item.type == Symbol("list") and isinstance(item.type, Symbol):
        names += ["list"]
    return {Symbol(name): getattr(item, name) for name in names}


def _output(item: ddl.Output) -> dict[str, t.Any]:
    return {Symbol(name): getattr(item, name) for name in ("description", "display_as", "default")}


def _aggregate(item: ddl.Aggregate) -> dict[str, t.Any]:
    table = _symbols(function=Symbol(item.function), args=list(item.args))
    if item.outer_format is not None:
        table[Symbol("format")] = item.outer_format
    return table
