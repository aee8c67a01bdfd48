# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task's shown options contain no secret, in whatever option it stands."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import ArgumentTypeError

from ansible_collections.pymco.mcollective.plugins.module_utils._task import brokers
from ansible_collections.pymco.mcollective.plugins.module_utils._task.invocation import (
    HIDDEN,
    WRONG,
    refusal,
    shown,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.ping import PingTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc

HUSH = "s3cret"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{HUSH}\n-----END RSA PRIVATE KEY-----\n"
RPC = {"agent": "rpcutil", "action": "ping"}


def broker(**fields: t.Any) -> dict[str, t.Any]:
    """The option brokers with one broker."""
    return {"brokers": [{"host": "b.example.com", **fields}]}


def of_brokers(given: t.Any) -> str:
    """Why the option brokers is refused, whose entries Ansible does not check."""
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        brokers.read([given] if isinstance(given, str) else given, "mcollective")
    return str(caught.value)


MISPLACED: list[tuple[dict[str, t.Any], str]] = [
    # of another type
    ({"connect_timeout": HUSH}, "argument 'connect_timeout' is of type str and we were unable to"),
    ({"connect_timeout": [HUSH]}, "'connect_timeout' is of type list"),
    ({"validate_certs": HUSH}, "unable to convert to bool"),
    ({"limit_seed": HUSH}, "unable to convert to int"),
    ({"serializer": HUSH}, "value of serializer must be one of: marshal, yaml"),
    ({"fail_on": [HUSH]}, "value of fail_on must be one or more of: failed, no_response, no_nodes"),
    ({"fail_on": {"a": HUSH}}, "'fail_on' is of type dict"),
    ({"nodes": {"a": HUSH}}, "'nodes' is of type dict"),
    ({"arguments": HUSH}, "'arguments' is of type str"),
    ({"arguments": [HUSH]}, "'arguments' is of type list"),
    ({"config": HUSH}, "'config' is of type str"),
    ({"config": [HUSH]}, "'config' is of type list"),
    ({"config": '{"a": ' + HUSH}, "'config' is of type str"),
    # within an option
    (broker(port=HUSH), "argument 'port' is of type str found in 'brokers'. and we were unable"),
    (broker(port={HUSH: HUSH}), "argument 'port' is of type dict found in 'brokers'."),
    (broker(tls=HUSH), "argument 'tls' is of type str found in 'brokers'."),
    ({"brokers": HUSH}, "the option brokers: entry 1 is no URL of the form"),
    ({"brokers": [HUSH]}, "the option brokers: entry 1 is no URL of the form"),
    ({"brokers": f"host=a password={HUSH} port={HUSH}"}, "entry 1 is no URL of the form"),
    ({"brokers": [["a", HUSH]]}, "Elements value for option 'brokers' is of type list"),
    # misspelt
    ({"pks": HUSH}, "Unsupported parameters for (a.b.c) module: pks. Supported parameters include"),
    (broker(pasword=HUSH), "parameters for the option brokers: brokers.pasword. Supported"),
]


@pytest.mark.parametrize("given,words", MISPLACED)
def test_a_password_that_went_astray_is_not_shown(given: dict[str, t.Any], words: str) -> None:
    checked = ArgumentSpecValidator(RpcTask.options).validate({**RPC, **given})
    refused = refusal(checked, "(a.b.c) module") or of_brokers(given["brokers"])
    assert words in refused
    assert HUSH not in refused
    # Neither in the given form nor in the form that Ansible has changed.
    for params in (given, checked.validated_parameters):
        assert HUSH not in json.dumps(shown(RpcTask.options, params))


@pytest.mark.parametrize(
    "given",
    [
        {"psk": HUSH},
        {"psk": [HUSH]},
        broker(password=HUSH),
        {"private_key": KEY},
        broker(client_key=KEY),
        broker(client_key=KEY.replace("\n", " ")),
        broker(host=f"stomp://alice:{HUSH}@b.example.com"),
        {"config": {"plugin.psk": HUSH}},
        {"config": {"plugin.rabbitmq.pool.1.password": HUSH}},
        {"config": {"plugin.rabbitmq.pool.1.pasword": HUSH}},
        {"config": {"connection_timeout": HUSH, "plugin.rabbitmq.pool.size": HUSH}},
        {"config": {"plugin.psk": [HUSH], "ttl": {"a": HUSH}}},
        {"config": f"plugin.psk={HUSH} ttl={HUSH}"},
        {"config": {"plugin.ssl_client_private": KEY}},
    ],
)
def test_a_secret_is_not_shown(given: dict[str, t.Any]) -> None:
    checked = ArgumentSpecValidator(RpcTask.options).validate({**RPC, **given})
    for params in ({**RPC, **given}, checked.validated_parameters):
        visible = shown(RpcTask.options, params)
        assert HUSH not in json.dumps(visible)
        assert HIDDEN in json.dumps(visible)
        assert visible["agent"] == "rpcutil"


def test_whatever_is_no_secret_is_shown() -> None:
    given = {
        **RPC,
        "arguments": {"a": [1, {"b": None}]},
        "timeout": 2.5,
        "nodes": ["a", "b"],
        "fail_on": ["failed"],
        "private_key": "/a/key.pem",
        "psk": None,
        "read_only": False,
        "config": {"plugin.rabbitmq.pool.size": 1, "identity": "me", "ttl": None, "color": True},
        **broker(port=61613, user="alice", tls=True, password=None),
    }
    checked = ArgumentSpecValidator(RpcTask.options).validate(given)
    assert refusal(checked, "(a.b.c) module") == ""
    params = checked.validated_parameters
    assert params["batch_size"] is None
    assert shown(RpcTask.options, params) == params


def test_an_alias_is_shown_as_its_option_is() -> None:
    assert shown(PingTask.options, {"count": 5}) == {"count": 5}
    assert shown(PingTask.options, {"count": HUSH}) == {"count": HIDDEN}


def test_what_is_shown_does_not_depend_on_what_else_is_secret() -> None:
    """A password that is a common word hides nothing but itself."""
    params = {**RPC, "psk": "ping", "nodes": ["ping"]}
    assert shown(RpcTask.options, params) == {**params, "psk": HIDDEN}


def test_words_of_ansible_that_are_new_show_nothing() -> None:
    checked = ArgumentSpecValidator(RpcTask.options).validate(RPC)
    checked.errors.append(ArgumentTypeError(f"{HUSH} makes no sense as timeout"))
    assert refusal(checked, "(a.b.c) module") == WRONG
    checked.errors.append(ArgumentTypeError(f"argument 'timeout' cannot be {HUSH}"))
    assert refusal(checked, "(a.b.c) module") == WRONG
