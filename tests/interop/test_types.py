# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Data keep their types between Python and the Ruby of real nodes, in both directions."""

from __future__ import annotations

import json
import struct
import typing as t

import hypothesis
import hypothesis.strategies as st

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

NODE = "web1.example.com"

STRINGS = """1,000|80,443|1,234.5|0,1|yes|no|on|off|tRue|null|~|:foo|::|2001-01-01|2001-1-1|0x1f|0o17|010|1_000|1:30
=|<<|- a|a: b|#x|{a}|[a]|`|@|%|!x|&x|*x|'|"|\\|\\n| lead|trail |é|Zürich ☃|🚀""".replace(
    "\n", "|"
).split(
    "|"
)
STRINGS += [
    "",
    "two\nlines\n",
    "crlf\r\n",
    "tab\there",
    "\0",
    "\x1b[0m",
    "\x85",
    "\u2028",
    "\ufeff",
]
STRINGS += ["long " * 400, "|"]
NUMBERS = [0, -1, 2**30 - 1, 2**30, -(2**30) - 1, 2**31, 2**32, 2**62, 2**64, -(2**70)]
FLOATS = [0.0, -0.0, 1.5, 0.1, 1e-7, 1e20, 1.7976931348623157e308, float("inf")]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(STRINGS)
    | st.builds(Symbol, st.from_regex(r"[a-z_]\w{0,8}", fullmatch=True))
    | st.binary()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4
    ),
    max_leaves=8,
)


def described(value: t.Any) -> dict[str, t.Any]:
    """What Ruby must say of a value; the counterpart of describe.rb in the testbed."""
    if value is None or isinstance(value, bool):
        return {"class": {None: "NilClass", True: "TrueClass", False: "FalseClass"}[value]}
    if isinstance(value, Symbol):
        return {"class": "Symbol", "name": value.name}
    if isinstance(value, str):
        return {"class": "String", "encoding": "UTF-8", "hex": value.encode().hex()}
    if isinstance(value, bytes):
        return {"class": "String", "encoding": "ASCII-8BIT", "hex": value.hex()}
    if isinstance(value, int):
        return {"class": "Integer", "value": str(value)}
    if isinstance(value, float):
        return {"class": "Float", "value": struct.pack(">d", value).hex()}
    if isinstance(value, list):
        return {"class": "Array", "items": [described(item) for item in value]}
    pairs = [[described(key), described(item)] for key, item in value.items()]
    return {"class": "Hash", "pairs": pairs}


def echo(config: Config, value: t.Any) -> tuple[t.Any, t.Any]:
    """What the node says of the value, and the value as it came back."""
    request = rpc.Request("probe", "echo", {"value": value}, nodes=[NODE])
    with rpc.Client(config) as client:
        result = client.call(request)
    assert result.no_response == []
    data = result.replies[0].data
    return json.loads(data[":types"]), data[":value"]


def returned(value: t.Any) -> t.Any:
    """A value after its way to Ruby and back: bytes that are plain ASCII are text there."""
    if isinstance(value, bytes) and value.isascii():
        return value.decode()
    if isinstance(value, list):
        return [returned(item) for item in value]
    if isinstance(value, dict):
        return {key: returned(item) for key, item in value.items()}
    return value


def test_nasty_values_arrive_and_come_back_as_they_are(config: Config) -> None:
    nasty = [*STRINGS, *NUMBERS, *FLOATS, True, False, None, [], {}, {"a": {"b": [1, {"c": None}]}}]
    nasty += [{":key": ":value"}, bytes(range(256)), Symbol("symbol"), {"1": 1, "true": True}]
    types, back = echo(config, nasty)
    for position, value in enumerate(nasty):
        assert types["items"][position] == described(value), repr(value)
        assert back[position] == returned(value), repr(value)
        assert type(back[position]) is type(returned(value)), repr(value)


@hypothesis.settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    database=None,
    derandomize=True,
)
@hypothesis.given(st.lists(values, min_size=60, max_size=80))
def test_generated_values_arrive_and_come_back_as_they_are(
    config: Config, generated: list[t.Any]
) -> None:
    types, back = echo(config, generated)
    assert types == described(generated)
    assert back == returned(generated)


def test_declared_inputs_keep_their_types(config: Config) -> None:
    arguments = {"string": "1,000", "int": 7, "float": 2.5, "number": 3, "bool": False}
    request = rpc.Request("probe", "echo", arguments, nodes=[NODE])
    with rpc.Client(config) as client:
        reply = client.call(request).replies[0]
    assert reply.statuscode == 0, reply.statusmsg
    for name, value in arguments.items():
        assert reply.data[f":{name}"] == value
        assert type(reply.data[f":{name}"]) is type(value)


def test_what_ruby_produces_comes_as_what_it_was(config: Config) -> None:
    with rpc.Client(config) as client:
        data = client.call(rpc.Request("probe", "produce", nodes=[NODE])).replies[0].data
    expected = {
        "integer": 42,
        "big_integer": 2**70,
        "negative": -17,
        "negative_big_integer": -(2**70),
        "float": 1.5,
        "text": "Zürich ☃",
        "lines": "first\n  second\n\nlast\n",
        "empty": "",
        "symbol": Symbol("a_symbol"),
        "not_a_symbol": ":notasymbol",
        "yes": "yes",
        "thousand": "1,000",
        "date": "2001-01-01",
        "hex": "0x1f",
        "template": "{{ 6 * 7 }}",
        "true": True,
        "false": False,
        "nil": None,
        "nested": {"string key": {Symbol("symbol_key"): [1, "two", Symbol("three"), None]}, 4: 5.5},
        "array": [1, [2, [3, []]], {}, "Zürich ☃"],
        "binary": bytes(range(256)),
    }
    for name, value in expected.items():
        assert data[f":{name}"] == value, name
        assert type(data[f":{name}"]) is type(value), name
    assert isinstance(data[":symbol"], Symbol)
    assert not isinstance(data[":not_a_symbol"], Symbol)


def test_what_a_node_shares_between_two_outputs_is_read(config: Config) -> None:
    """Nodes make an alias of it in YAML, which the reference client refuses."""
    with rpc.Client(config) as client:
        data = client.call(rpc.Request("probe", "produce_alias", nodes=[NODE])).replies[0].data
    assert data[":first"] == data[":second"] == ["one", "two"]


def test_a_large_reply_is_read(config: Config) -> None:
    size = 2_000_000
    request = rpc.Request("probe", "big", {"size": size}, nodes=[NODE])
    with rpc.Client(config) as client:
        data = client.call(request).replies[0].data
    assert data[":text"] == "x" * size
