# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the page trust_model says of requests, tried on real nodes by somebody who has no key.

A limit of the protocol is a test too: where nodes turn out to be better than the page says, correct
the page. What it says of replies is in the unit tests of the same name.
"""

from __future__ import annotations

import base64
import shutil
import time
import typing as t

import pytest
from attacker import Attacker
from calling import config_of
from testbed.real.stomp import Frame

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Intake
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    aes,
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.utils import (
    base64_lines,
    load_rsa_key,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testbed.keys import KeyPair
    from testbed.real.collective import Collective

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
        SecurityProvider,
    )

PSK = ["rabbitmq-psk"]
SSL = ["rabbitmq-ssl-marshal", "rabbitmq-ssl-yaml"]
AES = ["rabbitmq-aes-marshal", "rabbitmq-aes-yaml"]
MARSHAL = ["rabbitmq-psk", "rabbitmq-ssl-marshal", "rabbitmq-aes-marshal"]
YAML = ["rabbitmq-ssl-yaml", "rabbitmq-aes-yaml"]
NODES = ["db1.example.com", "old1.example.com", "web1.example.com", "web2.example.com"]
WEB1, WEB2 = "web1.example.com", "web2.example.com"
DAY = 24 * 3600
YEAR = 365 * DAY


def with_(*settings: list[str]) -> pytest.MarkDecorator:
    """On collectives with these security settings."""
    names = [name for group in settings for name in group]
    return pytest.mark.parametrize("collective", names, indirect=True, scope="session")


class Client:
    """What a legitimate client puts on the wire, where an attacker sees it."""

    def __init__(self, collective: Collective, pair: KeyPair | None = None) -> None:
        own = collective.secrets.client(pair) if pair else {}
        self.config: Config = config_of(collective, own)
        self.security: SecurityProvider = security_provider(self.config)

    def request(
        self,
        agent: str = "rpcutil",
        action: str = "ping",
        node: str | None = None,
        now: Callable[[], float] = time.time,
        ttl: int = 60,
        **arguments: t.Any,
    ) -> tuple[str, bytes]:
        """A request for all nodes or for one; its identifier and its payload."""
        body = {
            Symbol("agent"): agent,
            Symbol("action"): action,
            Symbol("caller"): self.security.callerid,
            Symbol("data"): {Symbol(name): value for name, value in arguments.items()},
        }
        filter_ = message.Filter().add_agent(agent)
        if node is not None:
            filter_.add_identity(node)
        found = message.Message(body, agent, self.config, filter_, ttl=ttl, now=now)
        return found[":requestid"], self.security.encode(found)


@pytest.fixture
def client(collective: Collective) -> Client:
    """The operator. All nodes know him."""
    return Client(collective)


@pytest.fixture
def attacker(collective: Collective) -> Iterator[Attacker]:
    """The attacker, who has seen what the client sent."""
    with Attacker(collective) as found:
        yield found


def refusal(attacker: Attacker, client: Client, payload: bytes, node: str = WEB1) -> str:
    """What a node's log says of a request that the node must refuse.

    A node takes requests one by one, so it is through with this one when it answers the next.
    """
    log = attacker.collective.daemons.log(node)
    start = log.stat().st_size
    later, witness = client.request(node=node)
    attacker.direct(payload, node)
    attacker.direct(witness, node)
    (reply,) = attacker.replies(1)
    assert attacker.opened(reply)[":requestid"] == later, "the node obeyed"
    words = log.read_bytes()[start:].decode("utf-8", "replace")
    assert f"Handling message {attacker.requestid(payload)} " not in words
    return words


# -- limits of the protocol: the envelope ---------------------------------------------------------


@with_(PSK, SSL, AES)
def test_the_filter_of_a_captured_request_can_be_changed(
    client: Client, attacker: Attacker
) -> None:
    _requestid, payload = client.request(node=WEB1)
    elsewhere = {**attacker.opened(payload)[":filter"], "identity": [WEB2]}
    attacker.broadcast(attacker.changed(payload, filter=elsewhere))
    assert attacker.senders(1) == [WEB2]


@with_(PSK, SSL, AES)
def test_a_directed_request_can_be_published_to_all(client: Client, attacker: Attacker) -> None:
    """Only the queue says which node a message is for."""
    _requestid, payload = client.request()
    attacker.broadcast(payload)
    assert attacker.senders(4) == NODES


@with_(PSK, SSL, AES)
def test_a_captured_request_is_obeyed_again(client: Client, attacker: Attacker) -> None:
    """Under its own identifier and under another: nodes keep no list of those that they have seen."""
    requestid, payload = client.request(node=WEB1)
    attacker.direct(payload, WEB1)
    attacker.direct(payload, WEB1)
    attacker.direct(attacker.changed(payload, requestid="f" * 32), WEB1)
    seen = sorted(attacker.opened(reply)[":requestid"] for reply in attacker.replies(3))
    assert seen == sorted([requestid, requestid, "f" * 32])


@with_(PSK, SSL, AES)
def test_a_captured_request_can_be_given_to_another_agent(
    client: Client, attacker: Attacker
) -> None:
    """The body says rpcutil, and the agent of the envelope acts."""
    _requestid, payload = client.request(node=WEB1)
    attacker.direct(attacker.changed(payload, agent="probe"), WEB1)
    (reply,) = attacker.replies(1)
    assert attacker.opened(reply)[":senderagent"] == "probe"


@with_(PSK, SSL)
def test_replies_go_wherever_the_request_says_and_can_be_read_there(
    client: Client, attacker: Attacker
) -> None:
    _requestid, payload = client.request(action="get_fact", node=WEB1, fact="role")
    attacker.direct(payload, WEB1)
    (reply,) = attacker.replies(1)
    body = attacker.serializer.deserialize(attacker.body(reply))
    assert body[":data"][":value"] == "web"


@with_(AES)
def test_with_aes_only_the_caller_reads_the_replies(client: Client, attacker: Attacker) -> None:
    _requestid, payload = client.request(action="get_fact", node=WEB1, fact="role")
    attacker.direct(payload, WEB1)
    (reply,) = attacker.replies(1)
    assert b"web" not in base64.b64decode(attacker.body(reply))
    assert client.security.decode(reply)[":body"][":data"][":value"] == "web"


@with_(PSK, SSL, AES)
def test_who_sends_is_only_said(client: Client, attacker: Attacker) -> None:
    """The senderid of a request is in the node's log, and is anybody's word."""
    _requestid, payload = client.request(node=WEB1)
    attacker.direct(attacker.changed(payload, senderid="ceo.example.com"), WEB1)
    attacker.replies(1)
    assert "@ceo.example.com" in attacker.collective.daemons.log(WEB1).read_text("utf-8")


@with_(PSK)
def test_with_psk_the_caller_is_only_said(client: Client, attacker: Attacker) -> None:
    _requestid, payload = client.request(node=WEB1)
    attacker.direct(attacker.changed(payload, callerid="uid=4711"), WEB1)
    attacker.replies(1)
    assert "from uid=4711@" in attacker.collective.daemons.log(WEB1).read_text("utf-8")


@with_(SSL, AES)
def test_with_keys_the_caller_chooses_the_key_and_no_more(
    client: Client, attacker: Attacker
) -> None:
    """Another name is refused, unless it leads to the same key: nodes look for cert=NAME in any line."""
    _requestid, payload = client.request(node=WEB1)
    refusal(attacker, client, attacker.changed(payload, callerid="cert=nobody"))
    name = "x=1\ncert=operator"
    attacker.direct(attacker.changed(payload, callerid=name), WEB1)
    attacker.replies(1)


# -- limits of the protocol: time -------------------------------------------------------------------


@with_(PSK, SSL, AES)
def test_nodes_obey_a_client_whose_clock_is_ahead(client: Client, attacker: Attacker) -> None:
    _requestid, payload = client.request(node=WEB1, now=lambda: time.time() + 10 * YEAR)
    attacker.direct(payload, WEB1)
    assert attacker.senders(1) == [WEB1]


@with_(PSK, SSL, AES)
def test_nodes_ignore_a_client_whose_clock_is_behind_by_more_than_the_ttl(
    client: Client, attacker: Attacker
) -> None:
    _requestid, payload = client.request(node=WEB1, now=lambda: time.time() - 3600)
    assert "TTL is 60" in refusal(attacker, client, payload)


@with_(PSK, SSL, AES)
def test_the_client_alone_decides_for_how_long_a_request_is_good(
    client: Client, attacker: Attacker
) -> None:
    _requestid, payload = client.request(
        node=WEB1, now=lambda: time.time() - 20 * DAY, ttl=21 * DAY
    )
    attacker.direct(payload, WEB1)
    assert attacker.senders(1) == [WEB1]


@with_(PSK)
def test_with_psk_a_captured_request_never_ends(client: Client, attacker: Attacker) -> None:
    _requestid, payload = client.request(node=WEB1, now=lambda: time.time() - 3600)
    attacker.direct(attacker.changed(payload, msgtime=int(time.time())), WEB1)
    assert attacker.senders(1) == [WEB1]


@with_(SSL, AES)
@pytest.mark.parametrize("field", ["ttl", "msgtime"])
def test_with_keys_nobody_makes_a_request_last_longer(
    client: Client, attacker: Attacker, field: str
) -> None:
    """A protection, which plugin.ssl.enforce_ttl = 0 and plugin.aes.enforce_ttl = 0 take away."""
    _requestid, payload = client.request(node=WEB1)
    value = attacker.opened(payload)[f":{field}"] + 1
    words = refusal(attacker, client, attacker.changed(payload, **{field: value}))
    assert "possible tampering" in words or "Could not decrypt message" in words


# -- limits of the protocol: keys -------------------------------------------------------------------


@with_(PSK)
def test_with_psk_every_node_can_give_orders(attacker: Attacker, collective: Collective) -> None:
    """The nodes' server.cfg has all that a client needs."""
    text = (collective.directory / "nodes" / WEB2 / "server.cfg").read_text()
    settings = dict(line.split(" = ", 1) for line in text.splitlines())
    node = Client(collective)
    node.security = security_provider(
        Config({"identity": WEB2, "plugin.psk": settings["plugin.psk"]})
    )
    attacker.direct(node.request(node=WEB1)[1], WEB1)
    assert attacker.senders(1) == [WEB1]


@with_(SSL, AES)
def test_with_keys_the_nodes_key_gives_no_orders(
    client: Client, attacker: Attacker, collective: Collective
) -> None:
    """A protection, as long as nobody puts it among the clients' keys."""
    node = Client(collective, collective.keys.server)
    assert node.security.callerid == "cert=server"
    refusal(attacker, client, node.request(node=WEB1)[1])


@with_(SSL, AES)
def test_with_the_nodes_key_among_the_clients_every_node_gives_orders(
    attacker: Attacker, collective: Collective
) -> None:
    node = Client(collective, collective.keys.server)
    added = collective.directory / "clients" / "server.pem"
    shutil.copy(collective.keys.server.public, added)
    try:
        attacker.direct(node.request(node=WEB1)[1], WEB1)
        assert attacker.senders(1) == [WEB1]
    finally:
        added.unlink()


@with_(AES)
def test_with_aes_one_captured_request_and_the_public_key_make_any_other(
    client: Client, attacker: Attacker, collective: Collective
) -> None:
    """The client's key proves the random key, and nothing binds the body to that. Every node has
    the public key, so every node can give the client's orders, for ever."""
    _requestid, captured = client.request(node=WEB1, now=lambda: time.time() - YEAR)
    envelope = attacker.opened(captured)
    secret = recovered(envelope[":sslkey"], collective.keys.operator)
    now = int(time.time())
    action = {Symbol("agent"): "rpcutil", Symbol("action"): "get_fact", Symbol("caller"): "x"}
    order = {**action, Symbol("data"): {Symbol("fact"): "site"}}
    body = {Symbol("aes_msg"): order, Symbol("aes_ttl"): 60, Symbol("aes_msgtime"): now}
    sealed = aes._encrypt(attacker.serializer.serialize(body), secret, len(secret))
    attacker.direct(
        attacker.changed(captured, body=base64_lines(sealed), msgtime=now, ttl=60), WEB1
    )
    (reply,) = attacker.replies(1)
    assert client.security.decode(reply)[":body"][":data"][":value"] == "Zürich ☃"


def recovered(sealed: str, pair: KeyPair) -> bytes:
    """What a private key has encrypted, by the public one alone (RFC 8017, 9.2)."""
    numbers = load_rsa_key(str(pair.public)).public_numbers()
    padded = pow(int.from_bytes(base64.b64decode(sealed), "big"), numbers.e, numbers.n)
    plain = padded.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    return plain[plain.index(b"\0", 2) + 1 :]


@with_(["rabbitmq-aes-marshal"])
def test_with_aes_somebody_without_any_key_changes_an_argument(
    client: Client, attacker: Attacker
) -> None:
    """CBC without a code of authentication: a flipped bit garbles its own block, and flips the same bit
    of the next one. In YAML the garbled block is hardly ever a text, and the node refuses it."""
    _requestid, payload = client.request("probe", "echo", node=WEB1, value="a" * 400)
    data = bytearray(base64.b64decode(attacker.body(payload)))
    block = len(data) // 16 // 2 * 16
    data[block + 8] ^= ord("a") ^ ord("b")
    attacker.direct(attacker.changed(payload, body=base64_lines(bytes(data))), WEB1)
    (reply,) = attacker.replies(1)
    value = client.security.decode(reply)[":body"][":data"][":value"]
    assert b"aaaaaaaabaaaaaaa" in (value if isinstance(value, bytes) else value.encode())


# -- limits of the protocol: before anything is verified ---------------------------------------------


@with_(MARSHAL)
def test_nodes_load_ruby_objects_of_anybody(client: Client, attacker: Attacker) -> None:
    """Marshal.load comes before the signature is looked at, and makes objects of the classes that the
    bytes name."""
    words = refusal(attacker, client, b"\x04\x08o:\x10NoSuchClass\0")
    assert "undefined class/module" in words


@with_(YAML)
def test_with_yaml_nodes_load_plain_data_only(client: Client, attacker: Attacker) -> None:
    """A protection, of nodes from 2.10.4 on."""
    words = refusal(attacker, client, b"--- !ruby/object:Object {}\n")
    assert "unspecified class: Object" in words or "Could not decrypt message" in words


# -- protections -----------------------------------------------------------------------------------


@with_(PSK, SSL)
def test_nodes_refuse_a_changed_body(client: Client, attacker: Attacker) -> None:
    _requestid, payload = client.request(node=WEB1)
    _other, longer = client.request(action="inventory", node=WEB1)
    swapped = attacker.changed(payload, body=attacker.opened(longer)[":body"])
    assert "invalid signature" in refusal(attacker, client, swapped)


@with_(PSK, SSL, AES)
def test_nodes_refuse_a_request_of_an_unknown_key(
    client: Client, attacker: Attacker, collective: Collective
) -> None:
    rogue = Client(collective, collective.keys.rogue)
    if collective.security == "psk":
        options = {"identity": "rogue", "plugin.psk": "another key"}
        rogue.security = security_provider(Config(options))
    refusal(attacker, client, rogue.request(node=WEB1)[1])
    named = attacker.changed(rogue.request(node=WEB1)[1], callerid=client.security.callerid)
    refusal(attacker, client, named)


# -- limits of the protocol: the broker -------------------------------------------------------------


@with_(["activemq-psk"])
def test_on_activemq_a_node_can_take_requests_for_others_off_the_queue(
    collective: Collective,
) -> None:
    """Each node chooses the selector of its own messages."""
    name = collective.nodes[0].collectives[0]
    destination = f"/queue/{name}.nodes"
    with collective.broker.connect(collective.place) as node:
        node.subscribe(destination)
        headers = {"destination": destination, "mc_identity": "absent.example.com"}
        node.send_raw(Frame("SEND", headers, b"a request").encode())
        # Those for absent nodes of other tests may still be there.
        while (taken := node.receive()).headers.get("mc_identity") != "absent.example.com":
            pass
        assert taken.body == b"a request"


# -- replies of real nodes -------------------------------------------------------------------------


@with_(PSK, SSL, AES)
def test_a_real_reply_is_good_for_another_node_and_another_request(
    client: Client, attacker: Attacker
) -> None:
    _requestid, payload = client.request(action="get_fact", node=WEB1, fact="role")
    attacker.direct(payload, WEB1)
    (old,) = attacker.replies(1)
    present, _payload = client.request(action="get_fact", node="db1.example.com", fact="role")
    intake = Intake(client.security, present, ["db1.example.com"])
    forged = attacker.changed(old, requestid=present, senderid="db1.example.com")
    assert intake.take(forged)
    reply = intake.outcome.replies["db1.example.com"]
    assert reply.body[":data"][":value"] == "web"
