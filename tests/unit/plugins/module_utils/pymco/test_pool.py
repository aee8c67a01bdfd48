# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pool: which brokers a configuration names, and how often and how long the client tries them."""

from __future__ import annotations

import itertools
import math
import pathlib

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.pool import Broker, Pool
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.pool import pool as pool_of
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)


def pool(
    connector: str = "rabbitmq", environ: dict[str, str] | None = None, /, **more: str
) -> Pool:
    """A pool of brokers h1, h2, …; one, unless "size" says otherwise. In names of options two
    underscores stand for a dot."""
    size = more.pop("size", "1")
    options = {f"pool.{number}.host": f"h{number}" for number in range(1, int(size) + 1)}
    options.update({key.replace("__", "."): value for key, value in more.items()})
    options["pool.size"] = size
    prefixed = {f"plugin.{connector}.{key}": value for key, value in options.items()}
    return pool_of(Config({"connector": connector, **prefixed}, environ=environ))


# -- patience ------------------------------------------------------------------------------------


def test_each_broker_is_tried_once_unless_the_configuration_sets_a_number() -> None:
    assert pool(size="3").attempts == 3
    assert pool(size="3", max_reconnect_attempts="0").attempts == 3
    assert pool(size="3", max_reconnect_attempts="1").attempts == 2
    assert pool(size="1", max_reconnect_attempts="4").attempts == 5


def test_waits_grow_up_to_the_longest() -> None:
    found = pool(
        max_reconnect_attempts="6",
        initial_reconnect_delay="0.5",
        max_reconnect_delay="5",
        back_off_multiplier="3",
    )
    assert list(found.delays()) == [0.0, 0.5, 1.5, 4.5, 5.0, 5.0, 5.0]


def test_waits_begin_with_a_hundredth_of_a_second_and_double() -> None:
    found = pool(max_reconnect_attempts="20")
    assert list(itertools.islice(found.delays(), 4)) == [0.0, 0.01, 0.02, 0.04]
    assert list(found.delays())[-1] == 30.0


def test_waits_stay_the_same_without_back_off() -> None:
    found = pool(max_reconnect_attempts="3", use_exponential_back_off="no", back_off_multiplier="9")
    assert list(found.delays()) == [0.0, 0.01, 0.01, 0.01]


def test_the_first_wait_may_be_none_or_longer_than_the_longest() -> None:
    assert list(pool(size="3", initial_reconnect_delay="0").delays()) == [0.0, 0.0, 0.0]
    found = pool(size="3", initial_reconnect_delay="60", max_reconnect_delay="2")
    assert list(found.delays()) == [0.0, 2.0, 2.0]


def test_a_very_large_factor_does_not_overflow() -> None:
    found = pool(max_reconnect_attempts="9", back_off_multiplier="1e300")
    assert list(found.delays())[-1] == 30.0


@pytest.mark.parametrize(
    "option,value,why",
    [
        ("back_off_multiplier", "-2", "is negative"),
        ("back_off_multiplier", "much", "is not a number"),
        ("initial_reconnect_delay", "-1", "is not between 0 and"),
        ("max_reconnect_delay", "-1", "is not between 0 and"),
        ("max_reconnect_delay", "2592000", "is not between 0 and"),
        ("connect_timeout", "-1", "is not between 0 and"),
        ("max_reconnect_attempts", "few", "is not a whole number"),
        ("randomize", "maybe", "is not yes or no"),
        ("use_exponential_back_off", "maybe", "is not yes or no"),
    ],
)
def test_patience_that_makes_no_sense_is_refused(option: str, value: str, why: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        pool(**{option: value})
    message = str(caught.value)
    assert message.startswith(f"the given options: plugin.rabbitmq.{option} ")
    assert why in message
    # What is no number may be a password that went astray.
    assert (value in message) is value.lstrip("-").isdigit()


def test_one_attempt_may_take_half_a_minute_or_what_the_configuration_says() -> None:
    assert pool().attempt_timeout == 30
    assert pool(connect_timeout="3").attempt_timeout == 3
    assert pool(connect_timeout="0").attempt_timeout == math.inf  # as the stomp gem takes it


def test_the_order_is_kept_unless_the_configuration_says_otherwise() -> None:
    assert pool().randomize is False
    assert pool(randomize="yes").randomize is True


# -- ports and credentials -----------------------------------------------------------------------


@pytest.mark.parametrize("connector", ["activemq", "rabbitmq"])
def test_the_port_is_that_of_stomp_unless_set(connector: str) -> None:
    assert pool(connector).brokers[0].port == 61613
    assert pool(connector, pool__1__port="7").brokers[0].port == 7


def test_a_port_is_decimal_however_it_begins() -> None:
    assert pool(pool__1__port="01234").brokers[0].port == 1234


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999999999", "0x1f", "stomp", "٣", "1.0"])
def test_what_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        pool(pool__1__port=port)
    assert str(caught.value) == ("the given options: plugin.rabbitmq.pool.1.port is not a port")


def test_the_environment_wins_for_every_broker() -> None:
    environ = {"STOMP_USER": "eve", "STOMP_PASSWORD": "apple"}
    found = pool("activemq", environ, size="2", pool__1__user="a", pool__2__password="b").brokers
    assert [(broker.user, broker.password) for broker in found] == [("eve", "apple")] * 2


def test_an_empty_variable_is_as_none() -> None:
    environ = {"STOMP_USER": "", "STOMP_PASSWORD": ""}
    (found,) = pool("activemq", environ, pool__1__user="a", pool__1__password="b").brokers
    assert (found.user, found.password) == ("a", "b")


def test_no_credentials_are_empty_ones() -> None:
    (found,) = pool().brokers
    assert (found.user, found.password) == ("", "")


@pytest.mark.parametrize("part", ["user", "password"])
def test_nobody_can_be_asked_for_credentials(part: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        pool("activemq", **{f"prompt_{part}": "yes"})
    assert str(caught.value) == (
        f"the given options: plugin.activemq.prompt_{part} wants somebody to be asked, which this"
        f" client does not do; set plugin.activemq.pool.1.{part} or STOMP_{part.upper()}"
    )


@pytest.mark.parametrize("part", ["user", "password"])
def test_nobody_has_to_be_asked_for_credentials_that_are_there(part: str) -> None:
    prompt = {f"prompt_{part}": "yes"}
    environ = {f"STOMP_{part.upper()}": "eve"}
    assert getattr(pool("activemq", environ, **prompt).brokers[0], part) == "eve"
    given = pool("activemq", **prompt, **{f"pool__1__{part}": "alice"})
    assert getattr(given.brokers[0], part) == "alice"


# -- TLS -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("connector", ["activemq", "rabbitmq"])
def test_the_environment_names_certificate_and_key_of_each_broker(connector: str) -> None:
    prefix = f"MCOLLECTIVE_{connector.upper()}_POOL"
    environ = {f"{prefix}2_SSL_CERT": "/env/cert", f"{prefix}2_SSL_KEY": "/env/key"}
    files = {"pool__1__ssl__cert": "/1/cert", "pool__1__ssl__key": "/1/key"}
    first, second = pool(
        connector,
        environ,
        size="2",
        pool__1__ssl="1",
        pool__2__ssl="1",
        pool__2__ssl__key="/2/k",
        **files,
    ).brokers
    assert (first.cert, first.key) == ("/1/cert", "/1/key")
    assert (second.cert, second.key) == ("/env/cert", "/env/key")


def test_several_authorities_are_a_list_and_ciphers_are_kept() -> None:
    (broker,) = pool(
        pool__1__ssl="1", pool__1__ssl__ca="/a, /b ,,/c", pool__1__ssl__ciphers="HIGH:!MD5"
    ).brokers
    assert broker.ca == ("/a", "/b", "/c")
    assert broker.ciphers == "HIGH:!MD5"


def test_options_of_tls_do_nothing_where_it_is_off() -> None:
    found = pool(pool__1__ssl__ca="/a", pool__1__ssl__cert="/c", pool__1__ssl__fallback="1")
    assert found.brokers == (Broker("h1", 61613, "", ""),)
    assert found.warnings == ()


def fallback(authority: certificates.Authority, change: dict[str, str], on: str = "yes") -> Pool:
    """Return a pool whose TLS options are complete, with one change."""
    cert, key = authority.issue("client")
    files = {"ca": authority.path, "cert": cert, "key": key, **change}
    options = {f"pool__1__ssl__{name}": path for name, path in files.items() if path}
    return pool(pool__1__ssl="1", pool__1__ssl__fallback=on, **options)


INCOMPLETE = [{"ca": ""}, {"cert": ""}, {"key": ""}, {"ca": "", "cert": "", "key": ""}]


@pytest.mark.parametrize("change", INCOMPLETE)
def test_the_fallback_is_unverified_where_a_file_is_not_set(
    change: dict[str, str], authority: certificates.Authority
) -> None:
    found = fallback(authority, change)
    (broker,) = found.brokers
    assert (broker.tls, broker.verified) == (True, False)
    assert found.warnings == (
        "the given options: the TLS connection to h1:61613 is not verified, because ssl.ca,"
        " ssl.cert and ssl.key are not all set and ssl.fallback is set: anybody on the way can"
        " read and change everything. Without ssl.fallback it is verified, for which ssl.ca is enough"
        " here",
    )


@pytest.mark.parametrize("part", ["ca", "cert", "key"])
def test_the_fallback_is_unverified_where_a_file_does_not_exist(
    part: str, authority: certificates.Authority
) -> None:
    found = fallback(authority, {part: "/no/such/file"})
    assert found.brokers[0].verified is False
    (warning,) = found.warnings
    assert "because /no/such/file does not exist and ssl.fallback is set" in warning


def test_one_missing_authority_of_several_is_enough_for_the_fallback(
    authority: certificates.Authority,
) -> None:
    found = fallback(authority, {"ca": f"{authority.path},/no/such/ca"})
    assert found.brokers[0].verified is False


def test_the_fallback_is_not_used_where_nothing_is_wrong(
    authority: certificates.Authority,
) -> None:
    found = fallback(authority, {})
    assert (found.brokers[0].tls, found.brokers[0].verified) == (True, True)
    assert found.brokers[0].ca == (authority.path,)
    assert found.warnings == ()


def test_a_file_that_is_no_certificate_is_no_reason_for_the_fallback(
    authority: certificates.Authority, tmp_path: pathlib.Path
) -> None:
    garbage = tmp_path / "ca.pem"
    garbage.write_text("garbage")
    assert fallback(authority, {"ca": str(garbage)}).brokers[0].verified is True


@pytest.mark.parametrize("change", [*INCOMPLETE, {"ca": "/no/such/file"}])
def test_without_the_fallback_every_connection_is_verified(
    change: dict[str, str], authority: certificates.Authority
) -> None:
    found = fallback(authority, change, on="no")
    assert (found.brokers[0].tls, found.brokers[0].verified) == (True, True)
    assert found.warnings == ()


# -- the legacy connector ------------------------------------------------------------------------


def stomp(environ: dict[str, str] | None = None, /, **more: str) -> Pool:
    options = {f"plugin.stomp.{key.replace('__', '.')}": value for key, value in more.items()}
    return pool_of(Config({"connector": "stomp", **options}, environ=environ))


def test_the_legacy_connector_has_one_broker() -> None:
    found = stomp(host="h", user="alice", password="secret")
    assert found.brokers == (Broker("h", 6163, "alice", "secret"),)
    assert found.attempts == 1
    assert stomp(host="h", port="61613").brokers[0].port == 61613


def test_the_environment_names_the_legacy_broker() -> None:
    environ = {"STOMP_SERVER": "e", "STOMP_PORT": "7", "STOMP_USER": "u", "STOMP_PASSWORD": "p"}
    assert stomp(environ, host="h", port="1").brokers == (Broker("e", 7, "u", "p"),)
    assert stomp(environ).brokers == (Broker("e", 7, "u", "p"),)


def test_a_port_of_the_environment_is_not_blamed_on_the_file() -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        stomp({"STOMP_PORT": "x"}, host="h", port="1")
    assert str(caught.value) == "the environment: STOMP_PORT is not a port"


def test_a_legacy_broker_without_host_is_refused() -> None:
    with pytest.raises(exc.ConfigLookupError, match=r"plugin\.stomp\.host is missing"):
        stomp(port="1")


def test_a_legacy_pool_numbers_its_options_at_their_end() -> None:
    numbered = {"pool__host1": "a", "pool__port1": "1", "pool__user1": "u", "pool__password1": "p"}
    found = stomp(
        {"STOMP_SERVER": "e", "STOMP_PORT": "7"},
        pool__size="2",
        pool__host2="b",
        pool__ssl2="true",
        **numbered,
    )
    assert found.brokers == (Broker("a", 1, "u", "p"), Broker("b", 6163, "", "", tls=True))


def test_the_patience_with_a_legacy_pool_is_named_with_it() -> None:
    found = stomp(
        host="h",
        pool__max_reconnect_attempts="2",
        pool__initial_reconnect_delay="1",
        pool__back_off_multiplier="4",
        pool__randomize="1",
    )
    assert list(found.delays()) == [0.0, 1.0, 4.0]
    assert found.randomize is True
    assert stomp(host="h", max_reconnect_attempts="9").attempts == 1


@pytest.mark.parametrize("connector", ["{", "{x}", "{0}"])
def test_a_connector_with_braces_is_a_name_like_others(connector: str) -> None:
    assert pool(connector).brokers == (Broker("h1", 61613, "", ""),)
