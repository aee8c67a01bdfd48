# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client put on the wire, in a form in which two clients' words can be compared.

What changes from call to call is checked and then masked; what is signed or encrypted is read by a
real node's code, see wire.rb. Nothing else is left out.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from recorder import Frame, Recorder
from testbed.real import programs

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.real.collective import Collective

_DESCRIBE = Path(programs.__file__).with_name("describe.rb")
_ORACLE = Path(__file__).with_name("wire.rb")
_RECENT = 60.0
"""Seconds that a call may have taken by the time its frames are looked at."""
_LINE_OF_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")


class Refused(AssertionError):
    """A node would not take this request."""


class Oracle:
    """A node's code with a node's configuration. To be called from any thread."""

    def __init__(self, collective: Collective) -> None:
        node = collective.directory / "nodes" / collective.nodes[0].identity
        command = [str(programs.require("ruby")), "-W0", "-r", str(programs.SHIM)]
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [*command, str(_ORACLE), str(_DESCRIBE), str(node / "server.cfg")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=programs.environment(node),
        )

    def __enter__(self) -> Oracle:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.communicate()

    def read(self, payload: bytes, base64: bool) -> dict[str, t.Any]:
        """The envelope of a request, and what in it is protected, both as `ruby_value` says."""
        question = json.dumps([payload.hex(), base64]).encode() + b"\n"
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        with self._lock:
            stdin.write(question)
            stdin.flush()
            answer = json.loads(stdout.readline())
        if "error" in answer:
            raise Refused(f"{answer['error']} for {payload!r}")
        return {name: ruby_value(value) for name, value in answer["value"].items()}


def ruby_value(described: t.Any) -> t.Any:
    """What describe.rb said: containers as they are, all else as the text that Ruby shows.

    The encoding of a String counts where its bytes are not plain ASCII.
    """
    kind = described["class"]
    if kind == "Hash":
        return {str(ruby_value(key)): ruby_value(value) for key, value in described["pairs"]}
    if kind == "Array":
        return [ruby_value(item) for item in described["items"]]
    if kind == "String":
        return _ruby_string(bytes.fromhex(described["hex"]), described["encoding"])
    if kind == "Symbol":
        return f":{described['name']}"
    return f"{kind} {described.get('value', described.get('inspect', ''))}".strip()


def _ruby_string(content: bytes, encoding: str) -> str:
    if content.isascii():
        return json.dumps(content.decode())
    return f"{content!r} in {encoding}"


@dataclass
class Spoken:
    """One frame of a client, masked.

    :ivar payload: what a node reads in a SEND.
    """

    command: str
    headers: dict[str, str]
    payload: dict[str, t.Any] = field(default_factory=dict)


def spoken(recorder: Recorder, pid: int, oracle: Oracle, base64: bool) -> list[Spoken]:
    """All that a client with this process id said; requests to single nodes sorted by node."""
    assert len(recorder.wires) == 1, "a call takes one connection"
    names = _Names(pid)
    frames = [_masked(frame, names, oracle, base64) for frame in recorder.wires[0].requests()]
    requestids = [frame.payload.pop("requestid") for frame in frames if frame.payload]
    sends = [frame for frame in frames if frame.command == "SEND"]
    # A request has one id, whatever the number of frames in which it travels.
    for index, requestid in enumerate(requestids):
        number = list(dict.fromkeys(requestids)).index(requestid) + 1
        sends[index].payload["requestid"] = number
    return _sorted_by_node(frames)


def _sorted_by_node(frames: list[Spoken]) -> list[Spoken]:
    def key(frame: Spoken) -> str:
        return frame.headers["destination"] + frame.headers.get("mc_identity", "")

    ordered: list[Spoken] = []
    for frame in frames:
        place = len(ordered)
        while place and _same_request(ordered[place - 1], frame):
            if key(ordered[place - 1]) <= key(frame):
                break
            place -= 1
        ordered.insert(place, frame)
    return ordered


def _same_request(one: Spoken, other: Spoken) -> bool:
    return bool(one.payload) and one.payload == other.payload


class _Names:
    """Masks the names that a client thinks up: of them only counts which are the same.

    In IDENTITY_PID.NUMBER and its like, in addresses of replies, the process must be right.
    """

    def __init__(self, pid: int) -> None:
        self._address = re.compile(rf"_{pid}([._])(\d+)$")
        self._seen: dict[str, list[str]] = {"number": [], "id": [], "receipt": []}

    def mask(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: self._masked(name, text) for name, text in headers.items()}

    def _masked(self, name: str, text: str) -> str:
        if name in self._seen:
            return f"{name} {self._ordinal(name, text)}"
        return self._address.sub(
            lambda match: f"_PID{match[1]}{self._ordinal('number', match[2])}", text
        )

    def _ordinal(self, kind: str, name: str) -> int:
        seen = self._seen[kind]
        if name not in seen:
            seen.append(name)
        return seen.index(name) + 1


def _masked(frame: Frame, names: _Names, oracle: Oracle, base64: bool) -> Spoken:
    headers = frame.fields()
    length = headers.pop("content-length", None)
    if frame.command != "SEND":
        assert frame.body == b"", frame
        assert length in (None, "0"), frame
        return Spoken(frame.command, names.mask(headers))
    assert length == str(len(frame.body)), frame
    payload = _masked_payload(oracle.read(frame.body, base64))
    if base64:
        payload["base64"] = _base64_form(frame.body.decode("ascii"))
    _mask_times(headers, int(payload["envelope"][":ttl"].removeprefix("Integer ")))
    return Spoken(frame.command, names.mask(headers), payload)


def _mask_times(headers: dict[str, str], ttl: int) -> None:
    """ActiveMQ's absolute times: milliseconds, of which only whole seconds are used."""
    if "timestamp" in headers:
        sent, expires = int(headers["timestamp"]), int(headers["expires"])
        _check_recent(sent / 1000)
        assert sent % 1000 == expires % 1000 == 0, headers
        headers["timestamp"] = "NOW"
        headers["expires"] = f"NOW + ttl + {(expires - sent) // 1000 - ttl} s"


def _check_recent(moment: float) -> None:
    assert -1 <= time.time() - moment < _RECENT, f"{moment} is not now"


def _masked_payload(read: dict[str, t.Any]) -> dict[str, t.Any]:
    envelope, inner = read["envelope"], read["protected"]
    requestid = json.loads(envelope[":requestid"])
    assert re.fullmatch("[0-9a-f]{32}", requestid), requestid
    for holder in (envelope, inner if isinstance(inner, dict) else {}):
        for name in (":msgtime", ":ssl_msgtime", ":aes_msgtime"):
            if name in holder:
                _check_recent(int(holder[name].removeprefix("Integer ")))
                holder[name] = "NOW"
    envelope[":requestid"] = "see requestid"
    if ":sslkey" in envelope:
        envelope[":body"] = _base64_form(json.loads(envelope[":body"]))
        envelope[":sslkey"] = _base64_form(json.loads(envelope[":sslkey"]))
    else:
        envelope[":body"] = "see protected"
        envelope[":hash"] = _hash_form(json.loads(envelope[":hash"]))
    return {"requestid": requestid, "envelope": envelope, "protected": inner}


def _hash_form(text: str) -> str:
    """A digest or a signature is right, or the node had refused it; here its form counts."""
    if re.fullmatch("[0-9a-f]{32}", text):
        return "32 hexadecimal digits"
    return _base64_form(text)


def _base64_form(text: str) -> str:
    *lines, last = text.split("\n")
    assert all(_LINE_OF_BASE64.fullmatch(line) for line in lines), text
    widths = {len(line) for line in lines[:-1]} or {len(line) for line in lines}
    return f"Base64 in lines of {sorted(widths)}, ended by a newline: {last == ''}"
