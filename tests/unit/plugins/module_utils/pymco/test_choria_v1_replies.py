# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replies in version 1 of Choria's protocol: which are accepted, and which are refused."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Intake
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import reply_of
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.choria_v1 import (
    ChoriaV1Provider,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.choria_clients import (
    envelope,
    made,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.choria_nodes import (
    FIELDS,
    RECORDED,
    REQUESTID,
    SHAPED,
    v1_reply,
    vector,
)


@pytest.fixture(scope="module")
def provider(pair: tuple[str, str]) -> ChoriaV1Provider:
    return made(pair)


def read(provider: ChoriaV1Provider, payload: bytes) -> t.Any:
    received = provider.open(payload)
    provider.authenticate(received)
    return received


def test_a_reply_of_a_real_node_is_read(provider: ChoriaV1Provider) -> None:
    exchange = vector("go-v1-exchange.json")
    received = read(provider, exchange["reply"].encode())
    assert (received.requestid, received.sender) == (exchange["requestid"], "g1.example")
    assert received.body == RECORDED


def test_a_reply_is_read(provider: ChoriaV1Provider) -> None:
    received = read(provider, v1_reply())
    assert received.body == SHAPED
    assert received.fields == FIELDS
    reply = reply_of("web1", received.body, Request("rpcutil", "get_fact"))
    assert (reply.statuscode, reply.statusmsg, reply.data) == (0, "OK", SHAPED[":data"])


def test_base64_may_have_line_breaks(provider: ChoriaV1Provider) -> None:
    transport = json.loads(v1_reply())
    data = transport["data"]
    transport["data"] = "".join(data[at : at + 60] + "\n" for at in range(0, len(data), 60))
    assert read(provider, json.dumps(transport).encode()).body == SHAPED


def test_additional_keys_are_ignored(provider: ChoriaV1Provider) -> None:
    more = {"x": [1]}
    payload = v1_reply(envelope=more, reply=more, secure=more, headers=more, transport=more)
    assert read(provider, payload).body == SHAPED


@pytest.mark.parametrize(
    ("body", "shaped"),
    [
        ("pong", "pong"),
        ('"pong"', "pong"),
        (
            {"statuscode": 1, "statusmsg": "no", "data": "{}", "action": ""},
            {":statuscode": 1, ":statusmsg": "no", ":data": {}},
        ),
        ({"statuscode": 5}, {":statuscode": 5, ":statusmsg": None, ":data": None}),
        ({"x": 1}, {"x": 1}),
        ("[1]", [1]),
    ],
)
def test_bodies(provider: ChoriaV1Provider, body: t.Any, shaped: t.Any) -> None:
    assert read(provider, v1_reply(body)).body == shaped


@pytest.mark.parametrize(
    "change",
    [
        {"transport": {"protocol": "choria:transport:2"}},
        {"transport": {"protocol": None}},
        {"transport": {"data": None}},
        {"transport": {"data": 5}},
        {"transport": {"data": "é"}},
        {"transport": {"data": "A"}},
        {"transport": {"data": ["a"]}},
        {"transport": {"headers": None}},
        {"transport": {"headers": ["mc_sender"]}},
        {"headers": {"mc_sender": None}},
        {"secure": {"protocol": "choria:secure:request:1"}},
        {"secure": {"message": None}},
        {"secure": {"message": {"a": 1}}},
        {"secure": {"message": ["{}"]}},
        {"secure": {"message": "[]"}},
        {"secure": {"message": "{"}},
        {"reply": {"protocol": "choria:request:1"}},
        {"reply": {"protocol": ["choria:reply:1"]}},
        {"reply": {"message": None}},
        {"reply": {"envelope": None}},
        {"reply": {"envelope": "x"}},
        {"reply": {"envelope": [1]}},
        {"envelope": {"requestid": None}},
        {"envelope": {"requestid": []}},
        {"envelope": {"requestid": {}}},
        {"envelope": {"requestid": 5}},
        {"envelope": {"requestid": "\ud800"}},
        {"envelope": {"senderid": None}},
    ],
)
def test_a_payload_that_is_no_reply_is_refused(
    provider: ChoriaV1Provider, change: dict[str, t.Any]
) -> None:
    with pytest.raises(exc.DecodingError):
        provider.open(v1_reply(**change))


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[]", b"5", b'"x"', b"null", b"[" * 9999])
def test_garbage_is_no_reply(provider: ChoriaV1Provider, payload: bytes) -> None:
    with pytest.raises(exc.DecodingError):
        provider.open(payload)


@pytest.mark.parametrize(
    "change",
    [
        {"body": "no JSON"},
        {"body": ""},
        {"body": "cGluZw=="},
        {"body": '"\udcc1"'},
        {"reply": {"message": 5}},
        {"reply": {"message": {"statuscode": 0}}},
        {"envelope": {"time": None}},
        {"envelope": {"time": 1.5}},
        {"envelope": {"time": True}},
        {"envelope": {"time": "1"}},
        {"envelope": {"time": 2**63}},
        {"envelope": {"agent": None}},
        {"envelope": {"agent": ["rpcutil"]}},
        {"envelope": {"agent": "\ud800"}},
    ],
)
def test_a_reply_without_its_parts_is_refused(
    provider: ChoriaV1Provider, change: dict[str, t.Any]
) -> None:
    with pytest.raises(exc.DecodingError):
        read(provider, v1_reply(**change))


def test_a_time_far_away_is_no_reason_to_refuse(provider: ChoriaV1Provider) -> None:
    assert read(provider, v1_reply(envelope={"time": 5})).fields[":msgtime"] == 5


@pytest.mark.parametrize(
    "change",
    [
        {"secure": {"hash": None}},
        {"secure": {"hash": ""}},
        {"secure": {"hash": 5}},
        {"secure": {"hash": "é"}},
        {"secure": {"hash": "P3lwvWQgIhh/63I0m7lz42tPzOVqDROXj6PJZrewxpw="}},
        {"headers": {"mc_sender": "web2"}},
        {"headers": {"mc_sender": ["web1"]}},
        {"headers": {"mc_sender": "web1 "}},
        {"envelope": {"senderid": "web2"}},
    ],
)
def test_a_forged_reply_is_refused(provider: ChoriaV1Provider, change: dict[str, t.Any]) -> None:
    with pytest.raises(exc.VerificationError) as caught:
        read(provider, v1_reply(**change))
    assert caught.value.reason == "forged"


def test_the_checksum_is_of_the_bytes_that_came(provider: ChoriaV1Provider) -> None:
    message = json.dumps(
        json.loads(json.loads(base64.b64decode(json.loads(v1_reply())["data"]))["message"]),
        indent=1,
    )
    with pytest.raises(exc.VerificationError):
        read(provider, v1_reply(secure={"message": message}))


def test_what_counts_of_a_key_that_comes_twice_is_what_is_checked(
    provider: ChoriaV1Provider,
) -> None:
    payload = v1_reply().replace(b'"mc_sender": "web1"', b'"mc_sender": "web1", "mc_sender": "w"')
    with pytest.raises(exc.VerificationError):
        read(provider, payload)
    payload = v1_reply().replace(b'"mc_sender": "web1"', b'"mc_sender": "w", "mc_sender": "web1"')
    assert read(provider, payload).sender == "web1"


def test_half_a_surrogate_pair_harms_nobody(provider: ChoriaV1Provider) -> None:
    body = r'{"statuscode":0,"statusmsg":"\ud800","data":{"\udfff":1}}'
    received = read(provider, v1_reply(body))
    assert received.body[":statusmsg"] == "\ufffd"
    json.dumps(received.fields, ensure_ascii=False).encode()
    for change in ({"requestid": "\ud800"}, {"senderid": "\ud800"}, {"x": "\ud800"}):
        assert REQUESTID not in taken(provider, v1_reply(envelope=change)).outcome.replies
    message = '{"protocol":"choria:reply:1","message":"\ud800","envelope":{"requestid":"","senderid":"web1"}}'
    with pytest.raises(exc.VerificationError):
        read(provider, v1_reply(secure={"message": message}))


# -- as the client does it -------------------------------------------------------------------------


def taken(provider: ChoriaV1Provider, *payloads: bytes) -> Intake:
    intake = Intake(provider, REQUESTID, ["web1", "web2"])
    for payload in payloads:
        intake.take(payload)
    return intake


def test_the_intake_counts_replies_by_reason(provider: ChoriaV1Provider) -> None:
    outcome = taken(
        provider,
        v1_reply(),
        v1_reply(),
        v1_reply({"statuscode": 1}),
        v1_reply(envelope={"requestid": "f" * 32}),
        v1_reply(envelope={"senderid": "a b"}, headers={"mc_sender": "a b"}),
        v1_reply(envelope={"senderid": 5}, headers={"mc_sender": 5}),
        v1_reply(headers={"mc_sender": "web2"}),
        v1_reply(envelope={"senderid": "x"}, headers={"mc_sender": "x"}),
        b"{}",
    ).outcome
    assert list(outcome.replies) == ["web1"]
    assert outcome.rejected == {
        "duplicate": 1,
        "contradictory": 1,
        "other_request": 1,
        "malformed": 2,
        "forged": 1,
        "unexpected": 1,
        "undecodable": 1,
    }


@pytest.mark.parametrize(
    "payload",
    [
        v1_reply(envelope={"agent": "puppet"}),
        v1_reply({"statuscode": 0, "action": "ping", "data": {}}),
    ],
)
def test_a_node_s_reply_to_somebody_else_s_request_is_not_ours(
    pair: tuple[str, str], payload: bytes
) -> None:
    provider = made(pair)
    assert not taken(provider, payload).outcome.rejected  # it does not know what was sent
    provider.seal(envelope())
    assert taken(provider, payload).outcome.rejected == {"forged": 1}
    for fine in ("get_fact", "", None):
        body = {"statuscode": 0, "action": fine, "data": {}}
        assert not taken(provider, v1_reply(body)).outcome.rejected


def test_requests_are_not_remembered_for_ever(pair: tuple[str, str]) -> None:
    provider = made(pair)
    for number in range(200):
        provider.seal(envelope(requestid=f"{number:032}"))
    assert len(provider._sent) < 100
