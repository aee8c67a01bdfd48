# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS on real brokers: which certificates the client trusts, which it refuses, and what it says."""

from __future__ import annotations

import typing as t

import pytest
from calling import call, config_of, senders
from testbed.certificates import Authority
from testbed.real.broker import Broker, Tls
from testbed.real.brokers import BROKERS
from testbed.real.collective import Collective
from testbed.real.default_nodes import DEFAULT_NODES

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from conftest import Ansible

WEB = DEFAULT_NODES[0]
BOTH = ("rabbitmq", "activemq")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that the brokers do not know."""
    return Authority(tmp_path_factory.mktemp("other-authority"), "Other CA")


def refused(lone: Collective, settings: Mapping[str, str]) -> str:
    """Why there is no connection, which is told within the time that it may take."""
    config = config_of(lone, {**settings, "connection_timeout": "3"})
    with pytest.raises(exc.ConnectFailed) as caught, rpc.Client(config):
        pass
    assert "SECRET" not in str(caught.value)
    return str(caught.value)


def reaches(lone: Collective, settings: Mapping[str, str]) -> bool:
    return senders(call(config_of(lone, settings), "rpcutil", "ping")) == [WEB.identity]


def test_a_trusted_broker(lone: Collective, authority: Authority) -> None:
    assert reaches(lone, lone.tls_settings(authority.path))


def test_one_of_several_authorities_suffices(
    lone: Collective, authority: Authority, other: Authority
) -> None:
    settings = lone.tls_settings(other.path)
    name = lone.option("pool.1.ssl.ca")
    assert reaches(lone, {**settings, name: f"{other.path}, {authority.path}"})


def test_a_client_certificate_that_nobody_asked_for(lone: Collective, authority: Authority) -> None:
    client = authority.client("operator")
    assert reaches(lone, lone.tls_settings(authority.path, client))


def test_a_large_call_goes_through_tls(lone: Collective, authority: Authority) -> None:
    config = config_of(lone, lone.tls_settings(authority.path))
    arguments = {"size": 2_000_000}
    result = call(config, "probe", "big", arguments=arguments, nodes=[WEB.identity])
    assert result.replies[0].data[":text"] == "x" * 2_000_000


def test_a_broker_that_another_authority_certified(lone: Collective, other: Authority) -> None:
    said = refused(lone, lone.tls_settings(other.path))
    assert f"no TLS connection to localhost:{lone.broker.tls_port}" in said
    assert "its certificate is not accepted" in said
    assert "name the authority that signed it in ssl.ca" in said


def test_a_broker_of_another_name(lone: Collective, authority: Authority) -> None:
    said = refused(lone, lone.tls_settings(authority.path, host="127.0.0.1"))
    assert f"no TLS connection to 127.0.0.1:{lone.broker.tls_port}" in said
    assert "not valid for '127.0.0.1'" in said
    assert "give the broker a name in the configuration that is among the certificate's" in said


def test_a_fallback_connects_to_anybody_and_warns(
    lone: Collective, other: Authority, tmp_path: Path
) -> None:
    settings = lone.tls_settings(other.path, host="127.0.0.1")
    settings[lone.option("pool.1.ssl.fallback")] = "1"
    config = config_of(lone, settings)
    with rpc.Client(config) as client:
        assert ["is not verified" in warning for warning in client.warnings] == [True]
        result = client.call(rpc.Request("rpcutil", "ping", nodes=[WEB.identity]))
    assert senders(result) == [WEB.identity]


def test_plain_text_to_the_tls_port(lone: Collective, authority: Authority) -> None:
    settings = lone.tls_settings(authority.path)
    said = refused(lone, {**settings, lone.option("pool.1.ssl"): "no"})
    assert f"localhost:{lone.broker.tls_port}" in said


def test_the_module_tells_what_is_wrong(
    ansible: Ansible, lone: Collective, other: Authority
) -> None:
    result = ansible.failure(lone, config=lone.tls_settings(other.path))
    assert f"no TLS connection to localhost:{lone.broker.tls_port}" in result["msg"]


# -- brokers that want more, or offer less ---------------------------------------------------------


@pytest.fixture(scope="module", params=BOTH)
def strict(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Collective]:
    """A node on a broker that wants a certificate of every client that comes with TLS."""
    tls = Tls(authority.path, authority.server(), demands_client=True)
    kind: type[Broker] = BROKERS[request.param]
    with kind(["strict"], tls) as broker, Collective(broker, "strict", "psk", [WEB]) as running:
        yield running


def test_a_certificate_that_is_demanded(strict: Collective, authority: Authority) -> None:
    client = authority.client("operator")
    assert reaches(strict, strict.tls_settings(authority.path, client))


def test_a_certificate_from_the_environment(
    strict: Collective, authority: Authority, other: Authority
) -> None:
    """It takes precedence over the certificate of the file, which the broker does not accept."""
    client = authority.client("operator")
    prefix = f"MCOLLECTIVE_{strict.broker.connector.upper()}_POOL1_SSL_"
    environ = {f"{prefix}CERT": str(client.path), f"{prefix}KEY": str(client.key)}
    settings = strict.tls_settings(authority.path, other.client("stranger"))
    config = config_of(strict, settings, environ)
    assert senders(call(config, "rpcutil", "ping")) == [WEB.identity]


@pytest.mark.parametrize("theirs", [False, True], ids=["none", "another authority's"])
def test_a_certificate_that_does_not_do(
    strict: Collective, authority: Authority, other: Authority, theirs: bool
) -> None:
    client = other.client("stranger") if theirs else None
    said = refused(strict, strict.tls_settings(authority.path, client))
    assert f"localhost:{strict.broker.tls_port}" in said
    assert "certificate" in said
    assert "ssl.cert" in said


@pytest.mark.parametrize("kind", BOTH)
def test_an_expired_certificate(kind: str, authority: Authority) -> None:
    tls = Tls(authority.path, authority.server(days=-1))
    # It has no node, and needs none.
    with BROKERS[kind](["bare"], tls) as broker, Collective(broker, "bare", "psk", []) as nobody:
        said = refused(nobody, nobody.tls_settings(authority.path))
    assert f"no TLS connection to localhost:{broker.tls_port}" in said
    assert "certificate has expired; have it renewed" in said
