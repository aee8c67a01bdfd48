# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON of strangers is bounded, and what is written is JSON."""

from __future__ import annotations

import json
import sys
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, json_text
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.base import (
    MAX_DEPTH,
    MAX_VALUES,
    OtherKey,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, -2.5, true, null, "é"]}', {"a": [1, -2.5, True, None, "é"]}),
        (' \r\n\t"x" \n', "x"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('{"a":1,"a":2}', {"a": 2}),
        ("1e300", 1e300),
    ],
)
def test_json_is_read(text: str, value: t.Any) -> None:
    assert json_text.read(text.encode()) == value
    assert json_text.read_text(text) == value


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "not JSON"),
        (b" ", "not JSON"),
        (b"[1", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'"a\x01"', "not JSON"),
        ("\ufeff1".encode(), "not JSON"),
        (b'{"a":1}x', "follows"),
        (b'"\xff"', "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"1e309", "too large"),
        (b"[" + b"9" * 400 + b".0]", "too large"),
    ],
)
def test_what_is_no_json_is_refused(payload: bytes, words: str) -> None:
    with pytest.raises(exc.DecodingError, match=words):
        json_text.read(payload)


def nested(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * depth + "1" + closing * depth).encode()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_bounded(opening: str, closing: str) -> None:
    json_text.read(nested(MAX_DEPTH, opening, closing))
    for depth in (MAX_DEPTH + 1, 900, 100_000):
        with pytest.raises(exc.DecodingError, match="deeper"):
            json_text.read(nested(depth, opening, closing))


def test_many_shallow_objects_are_not_deep() -> None:
    value = {str(number): {"a": []} for number in range(500)}
    assert json_text.read(json.dumps(value).encode()) == value
    assert json_text.read(json.dumps("[" * 500).encode()) == "[" * 500


@pytest.mark.parametrize("many", ["[{}]", "[0,{}]", '["",{}]', '{{"a":1{}}}'])
def test_the_number_of_values_is_bounded(many: str) -> None:
    rest = ",".join(["{}", '"b"', "[]"][number % 3] for number in range(MAX_VALUES + 2))
    text = many.replace("{}", rest) if "a" not in many else f'[{rest},{{"a":1}}]'
    with pytest.raises(exc.DecodingError, match="values"):
        json_text.read(text.encode())


def test_commas_and_brackets_in_texts_are_no_values() -> None:
    text = 'a,[{"\\' * MAX_VALUES
    assert json_text.read(json.dumps([text, "\\", text]).encode()) == [text, "\\", text]


def digits_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read as under a Python that does not bound integers."""
    monkeypatch.setattr(sys, "get_int_max_str_digits", lambda: 0, raising=False)
    monkeypatch.setattr(json_text, "_scan", json_text._scanner())


@pytest.mark.parametrize("bounded", [True, False])
def test_integers_are_bounded(monkeypatch: pytest.MonkeyPatch, bounded: bool) -> None:
    if not bounded:
        digits_only(monkeypatch)
    for sign in ("", "-"):
        most = sign + "9" * json_text.MAX_DIGITS
        assert json_text.write(json_text.read_text(most)) == most
        with pytest.raises(exc.DecodingError, match="integer"):
            json_text.read_text(most + "9")


@pytest.mark.parametrize("bounded", [True, False])
def test_a_huge_integer_takes_no_time(monkeypatch: pytest.MonkeyPatch, bounded: bool) -> None:
    if not bounded:
        digits_only(monkeypatch)
    start = time.process_time()
    with pytest.raises(exc.DecodingError, match="integer"):
        json_text.read(b"9" * 2_000_000)
    assert time.process_time() - start < 5  # reading it takes a minute


def test_half_of_a_surrogate_pair_is_mended() -> None:
    value = json_text.read(b'{"\\ud800a":["\\uDC00",{"b":"x\\udfff"}],"c":1}')
    assert value == {"\ufffda": ["\ufffd", {"b": "x\ufffd"}], "c": 1}
    json.dumps(value, ensure_ascii=False).encode()


def test_a_text_with_half_of_a_surrogate_pair_is_none() -> None:
    assert json_text.read_text('"é\U0001f600"') == "é\U0001f600"
    with pytest.raises(exc.DecodingError, match="not Unicode"):
        json_text.read_text('"\udcc1"')


def test_a_key_that_comes_twice() -> None:
    assert json_text.read(b'{"a":1,"b":0,"a":[2]}') == {"a": [2], "b": 0}
    assert json_text.read_unique(b'{"a":1,"b":{"a":1}}') == {"a": 1, "b": {"a": 1}}
    with pytest.raises(exc.DecodingError, match="twice"):
        json_text.read_unique(b'[{"b":{"a":1,"a":1}}]')


def test_an_outer_document_is_read_with_less_care() -> None:
    deep = nested(MAX_DEPTH + 1)
    for read in (json_text.read_outer, lambda payload: json_text.read_outer_text(payload.decode())):
        assert len(read(deep)) == 1
        assert read(b'"\\ud800"') == "\ud800"
        for payload in (b"[1", nested(100_000), b"[" + b"1," * MAX_VALUES + b"1,1]", b"9" * 9999):
            with pytest.raises(exc.DecodingError):
                read(payload)
    with pytest.raises(exc.DecodingError, match="UTF-8"):
        json_text.read_outer(b"\xff")


# -- writing ---------------------------------------------------------------------------------------


def test_symbols_lose_their_colon() -> None:
    body = {Symbol("action"): Symbol("ping"), "data": {":a": ":b", "l": (1, 1.5, True, None)}}
    assert json_text.write(body) == ('{"action":"ping","data":{":a":":b","l":[1,1.5,true,null]}}')


def test_a_filter_is_an_object() -> None:
    written = json.loads(json_text.write(Filter().add_fact("os", "Debian").add_agent("rpcutil")))
    assert written["fact"] == [{"fact": "os", "value": "Debian", "operator": "=="}]
    assert written["agent"] == ["rpcutil"]


def test_what_is_written_is_utf_8() -> None:
    assert json_text.write("é\u2028\0\U0001f600").encode() == '"é\u2028\\u0000\U0001f600"'.encode()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"data": {"a": [0, b"\xff"]}}, r"bytes .* at data\.a\[1\]"),
        ({"a": float("nan")}, "nan at a"),
        ([float("-inf")], r"-inf at \[0\]"),
        ({"a": {1: 2}}, "key 1, .* at a"),
        ({OtherKey("a"): 1}, "key .*OtherKey"),
        ({"a": 1, Symbol("a"): 2}, "key 'a' twice"),
        ("\ud800", "not Unicode"),
        ({"\udfff": 1}, "not Unicode"),
        ({"a": 10**5000}, "integer .* at a"),
        ([10**4300], "integer"),
        ({"a": {1, 2}}, "a set at a"),
    ],
)
def test_what_has_no_form_is_refused_with_its_place(value: t.Any, words: str) -> None:
    with pytest.raises(exc.SerializationError, match=words):
        json_text.write(value)


def test_the_depth_of_what_is_written_is_bounded() -> None:
    value: t.Any = []
    for _level in range(MAX_DEPTH - 1):
        value = [value]
    assert json_text.read_text(json_text.write(value)) == value
    endless: list[t.Any] = []
    endless.append(endless)
    for deep in ([[value]], endless):
        with pytest.raises(exc.SerializationError, match="levels"):
            json_text.write(deep)
