# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Emulated nodes of Choria take the requests that real nodes take, and drop those that real nodes drop.

The requests are written here, not by the client: version 1, document by document.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
import typing as t

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from testbed.choria_fleet.fleet import ChoriaFleet

if t.TYPE_CHECKING:
    from testbed.certificates import Authority, Certificate
    from testbed.choria.broker import Broker, NatsServer
    from testbed.choria.collective import ChoriaCollective

Change = t.Callable[[dict[str, t.Any]], t.Any]
QUIET = 2.0
"""Seconds without an answer after which there will be none. Only what must be silent depends on it."""
PATIENCE = 10.0
"""Seconds to wait for an answer that must come."""
FACT = {"fact": "nosuch", "operator": "==", "value": "x"}

# Where a request is changed, how, and whether nodes answer it all the same.
CASES: dict[str, tuple[str, Change, bool]] = {
    "nothing": ("envelope", lambda _it: None, True),
    "a shorter requestid": ("envelope", lambda it: it.update(requestid="0" * 31), False),
    "ttl of 29": ("envelope", lambda it: it.update(ttl=29), False),
    "ttl of 30": ("envelope", lambda it: it.update(ttl=30), True),
    "ttl as text": ("envelope", lambda it: it.update(ttl="60"), False),
    "a time with a fraction": ("envelope", lambda it: it.update(time=time.time()), False),
    "an old time": ("envelope", lambda it: it.update(time=int(time.time()) - 90), False),
    "a time to come": ("envelope", lambda it: it.update(time=int(time.time()) + 90), False),
    "an unknown collective": ("envelope", lambda it: it.update(collective="nosuch"), False),
    "an unknown agent": ("envelope", lambda it: it.update(agent="nosuch"), False),
    "a further key": ("envelope", lambda it: it.update(further=1), True),
    "another caller": ("envelope", lambda it: it.update(callerid="choria=eve.mcollective"), False),
    "a caller of another kind": (
        "envelope",
        lambda it: it.update(callerid=it["callerid"].replace("choria=", "up=")),
        True,
    ),
    "no senderid": ("envelope", lambda it: it.pop("senderid"), False),
    "an unknown fact": ("filter", lambda it: it["fact"].append(FACT), False),
    "a fact without a value": (
        "filter",
        lambda it: it["fact"].append({**FACT, "value": ""}),
        False,
    ),
    "no facts": ("filter", lambda it: it.pop("fact"), False),
    "identities of which one fits": (
        "filter",
        lambda it: it["identity"].extend(["x", "/./"]),
        True,
    ),
    "a class of another case": ("filter", lambda it: it["cf_class"].append("COMMON"), True),
    "an unknown class": ("filter", lambda it: it["cf_class"].append("nosuch"), False),
    "an expression": (
        "filter",
        lambda it: it["compound"].append([{"expr": "!with('nosuch') && with('rpcutil')"}]),
        True,
    ),
    "a broken expression": ("filter", lambda it: it["compound"].append([{"expr": "with("}]), False),
    "a compound of MCollective": (
        "filter",
        lambda it: it["compound"].append([{"statement": "rpcutil"}]),
        False,
    ),
    "another protocol": ("request", lambda it: it.update(protocol="choria:request:9"), False),
    "a signature of other bytes": (
        "secure",
        lambda it: it.update(message=it["message"] + " "),
        False,
    ),
    "no signature": ("secure", lambda it: it.update(signature=""), False),
    "no certificate": ("secure", lambda it: it.update(pubcert=""), False),
    "no inbox": ("headers", lambda it: it.pop("reply-to"), False),
}


class Caller:
    """Writes requests of its own."""

    def __init__(self, own: Certificate, collective: str) -> None:
        self._pem = own.path.read_text()
        self._name = own.path.stem
        self._collective = collective
        key = serialization.load_pem_private_key(own.key.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key

    def request(self, case: str, inbox: str) -> bytes:
        """Return the payload of a case."""
        where, change, _answered = CASES[case]
        changes: dict[str, Change] = {where: change}

        def changed(name: str, document: dict[str, t.Any]) -> dict[str, t.Any]:
            changes.get(name, lambda _it: None)(document)
            return document

        filter_: dict[str, t.Any] = {
            name: [] for name in ("fact", "cf_class", "agent", "identity", "compound")
        }
        envelope = {
            "requestid": secrets.token_hex(16),
            "senderid": "caller.example.com",
            "callerid": f"choria={self._name}",
            "collective": self._collective,
            "agent": "rpcutil",
            "ttl": 60,
            "time": int(time.time()),
            "filter": changed("filter", filter_),
        }
        body = json.dumps({"agent": "rpcutil", "action": "ping", "data": {}})
        request = {
            "protocol": "choria:request:1",
            "message": body,
            "envelope": changed("envelope", envelope),
        }
        message = json.dumps(changed("request", request))
        signature = self._key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
        secure = {
            "protocol": "choria:secure:request:1",
            "message": message,
            "signature": base64.b64encode(signature).decode(),
            "pubcert": self._pem,
        }
        headers = {"mc_sender": "caller.example.com", "reply-to": inbox}
        data = json.dumps(changed("secure", secure)).encode()
        transport = {
            "protocol": "choria:transport:1",
            "data": base64.b64encode(data).decode(),
            "headers": changed("headers", headers),
        }
        return json.dumps(transport).encode()


def answered(broker: Broker, authority: Authority, collective: str, node: str) -> set[str]:
    """Return the cases that a node answers.

    What must be answered is waited for, since a real node drops requests while more than ten wait (Go:
    server/instance.go, requests).
    """
    caller = Caller(authority.member("alice.mcollective"), collective)
    prefix = f"{collective}.reply.{secrets.token_hex(8)}"
    names = {f"{prefix}.{number}": case for number, case in enumerate(CASES)}
    heard: set[str] = set()
    with broker.connect() as connection:
        connection.subscribe(f"{prefix}.>")
        for inbox, case in names.items():
            connection.publish(f"{collective}.node.{node}", caller.request(case, inbox))
            while CASES[case][2] and case not in heard:
                message = connection.poll(PATIENCE)
                if message is None:
                    break
                heard.add(names[message.subject])
        heard.update(names[message.subject] for message in connection.take(QUIET))
    return heard


EXPECTED = {case for case, (_where, _change, answer) in CASES.items() if answer}


def test_emulated_nodes(nats_v1: NatsServer, authority: Authority) -> None:
    with ChoriaFleet(nats_v1, 1) as fleet:
        found = answered(nats_v1, authority, fleet.collective, fleet.identities[0])
    assert found == EXPECTED


@pytest.mark.parametrize("choria", ["v1"], indirect=True, ids=["choria-v1"], scope="session")
def test_real_nodes(choria: ChoriaCollective, authority: Authority) -> None:
    found = answered(choria.broker, authority, "mcollective", "web1.example.com")
    assert found == EXPECTED
