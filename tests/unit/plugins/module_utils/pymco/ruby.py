# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ruby as the judge of what the serializers write, and as the source of what they read."""

from __future__ import annotations

import json
import pathlib
import secrets
import shutil
import struct
import subprocess
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    OtherKey,
    Symbol,
)

DESCRIBE = pathlib.Path(__file__).resolve().parents[4] / "testbed" / "real" / "describe.rb"
SERVER = r"""
require "yaml"
require ARGV.fetch(0)

# MCollective's own way to read YAML (security/ssl.rb, deserialize), in the words of Psych 4.
def load(format, hex)
  bytes = [hex].pack("H*")
  return Marshal.load(bytes) if format == "marshal"
  YAML.safe_load(bytes.force_encoding("UTF-8"), permitted_classes: [Symbol, Regexp], aliases: false)
end

def dump(format, value)
  (format == "marshal" ? Marshal.dump(value) : YAML.dump(value)).unpack1("H*")
end

def answer(call, format, argument)
  case call
  when "describe" then Describe.describe(load(format, argument))
  when "rewrite" then dump(format, load(format, argument))
  when "evaluate" then dump(format, eval(argument, TOPLEVEL_BINDING.dup))
  end
end

$stdout.sync = true
while (line = $stdin.gets)
  number, *question = JSON.parse(line)
  begin
    puts JSON.generate({"number" => number, "value" => answer(*question)}, max_nesting: 0)
  rescue StandardError, SyntaxError => e
    puts JSON.generate({"number" => number, "error" => "#{e.class}: #{e.message.scrub}"})
  end
end
"""


def available() -> bool:
    """Return True if Ruby is installed."""
    return shutil.which("ruby") is not None


class Refused(Exception):
    """Ruby refused it. It cannot read everything that it writes, and it cannot write "0x_"."""


class Ruby:
    """One Ruby process that answers any number of questions, also those of forks, one after the other.

    The formats are "yaml" and "marshal".
    """

    def __enter__(self) -> Ruby:
        self._process = subprocess.Popen(
            ["ruby", "-e", SERVER, str(DESCRIBE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.communicate()

    def describe(self, format_: str, payload: bytes) -> t.Any:
        """What Ruby sees in a payload; compare it with :func:`describe`."""
        return self._ask("describe", format_, payload.hex())

    def rewrite(self, format_: str, payload: bytes) -> bytes:
        """The payload as Ruby writes it once it has read it."""
        return bytes.fromhex(self._ask("rewrite", format_, payload.hex()))

    def evaluate(self, format_: str, source: str) -> bytes:
        """A Ruby expression's value as Ruby writes it."""
        return bytes.fromhex(self._ask("evaluate", format_, source))

    def _ask(self, *question: str) -> t.Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        # A fork that died may have left an answer unread.
        number = secrets.token_hex(8)
        stdin.write(json.dumps([number, *question]).encode() + b"\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        while answer["number"] != number:
            answer = json.loads(stdout.readline())
        if "error" in answer:
            raise Refused(f"{answer['error']} for {question}")
        return answer["value"]


def describe(value: t.Any) -> t.Any:
    """A plain value in the words of tests/testbed/real/describe.rb."""
    if value is None or isinstance(value, bool):
        return {"class": {None: "NilClass", True: "TrueClass", False: "FalseClass"}[value]}
    if isinstance(value, Symbol):
        return {"class": "Symbol", "name": value.name}
    if isinstance(value, (str, bytes)):
        data, encoding = (
            (value.encode(), "UTF-8") if isinstance(value, str) else (value, "ASCII-8BIT")
        )
        return {"class": "String", "encoding": encoding, "hex": data.hex()}
    if isinstance(value, int):
        return {"class": "Integer", "value": str(value)}
    if isinstance(value, float):
        return {"class": "Float", "value": struct.pack(">d", value).hex()}
    if isinstance(value, dict):
        pairs = [[describe(key), describe(item)] for key, item in value.items()]
        return {"class": "Hash", "pairs": pairs}
    if isinstance(value, OtherKey):
        return describe(value.value)
    assert isinstance(value, (list, tuple)), type(value)
    return {"class": "Array", "items": [describe(item) for item in value]}
