# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brokers as URLs: what they stand for, which are refused, and what is shown of them."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task import brokers
from ansible_collections.pymco.mcollective.plugins.module_utils._task.configuration import (
    configuration,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.invocation import (
    HIDDEN,
    shown,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.options import CLIENT_OPTIONS
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc

HUSH = "s3cret"


def read(*entries: t.Any, dialect: str = "mcollective") -> list[dict[str, t.Any]] | None:
    """What entries stand for, without what they do not set."""
    found = brokers.read(list(entries), dialect)
    if found is None:
        return None
    return [{name: each[name] for name in each if each[name] is not None} for each in found]


@pytest.mark.parametrize(
    "url,broker",
    [
        ("stomp://b", {"host": "b"}),
        ("stomp://b.example.com:61613/", {"host": "b.example.com", "port": 61613}),
        ("stomp+tls://b", {"host": "b", "port": 61614, "tls": True}),
        (" stomp+tls://u@b:1 ", {"host": "b", "port": 1, "tls": True, "user": "u"}),
        ("stomp://u:p@b", {"host": "b", "user": "u", "password": "p"}),
        ("stomp://u%40x:%3A%2F%40%2C%25@b", {"host": "b", "user": "u@x", "password": ":/@,%"}),
        ("stomp://[2001:db8::1]:61613", {"host": "2001:db8::1", "port": 61613}),
    ],
)
def test_a_url_stands_for_a_broker(url: str, broker: dict[str, t.Any]) -> None:
    assert read(url) == [broker]


@pytest.mark.parametrize("scheme,more", [("nats", {}), ("nats+tls", {"tls": True})])
def test_choria_has_schemes_of_its_own(scheme: str, more: dict[str, t.Any]) -> None:
    assert read(f"{scheme}://b:4222", dialect="choria") == [{"host": "b", "port": 4222, **more}]


def test_urls_and_dictionaries_stand_side_by_side() -> None:
    assert read({"host": "a", "port": "7"}, "stomp://b") == [
        {"host": "a", "port": 7},
        {"host": "b"},
    ]


@pytest.mark.parametrize("entries", [[""], [" ", ""]])
def test_an_empty_text_is_no_broker(entries: list[str]) -> None:
    assert read(*entries) is None


def test_an_empty_list_names_no_broker() -> None:
    assert brokers.read(None, "mcollective") is None
    assert read() == []


@pytest.mark.parametrize(
    "entry,why",
    [
        (HUSH, "entry 1 is no URL of the form SCHEME://USER:PASSWORD@HOST:PORT"),
        (f"stomp://u:{HUSH}", "is no URL"),
        (f"stomp://u:x@{HUSH}@b", "is no URL"),
        (f"stomp://u:x/{HUSH}@b", "is no URL"),
        (f"stomp://b/{HUSH}", "is no URL"),
        (f"stomp://b?{HUSH}", "is no URL"),
        ("stomp://", "is no URL"),
        (f"http://u:{HUSH}@b", "a URL begins with stomp:// or stomp[+]tls://"),
        (f"nats://u:{HUSH}@b", "a URL begins with stomp:// or stomp[+]tls://"),
        ({"port": 1}, "missing required arguments: host found in brokers"),
        ({"host": "b", "pasword": HUSH}, "parameters for the option brokers: brokers.pasword"),
        ({"host": "b", "port": HUSH}, "argument 'port' is of type str found in 'brokers'"),
        (7, "'brokers' is of type int"),
    ],
)
def test_a_wrong_entry_is_refused_and_not_shown(entry: t.Any, why: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match=why) as caught:
        read(entry)
    assert HUSH not in str(caught.value)


def test_stomp_is_no_scheme_of_choria() -> None:
    with pytest.raises(exc.ImproperlyConfigured, match=r"begins with nats:// or nats\+tls://"):
        read("stomp://b", dialect="choria")


@pytest.mark.parametrize(
    "entry,visible",
    [
        (f"stomp+tls://u:{HUSH}@b:1", f"stomp+tls://u:{HIDDEN}@b:1"),
        ("stomp://u@b", "stomp://u@b"),
        (f"stomp://u:{HUSH}@b,nats://c", f"stomp://u:{HIDDEN}@b,nats://c"),
        (f"stomp://u:{HUSH}", HIDDEN),
        (f"stomp://u:x@{HUSH}@b", HIDDEN),
        (HUSH, HIDDEN),
        ({"host": "b", "password": HUSH}, {"host": "b", "password": HIDDEN}),
        (7, HIDDEN),
    ],
)
def test_a_password_in_a_url_is_not_shown(entry: t.Any, visible: t.Any) -> None:
    assert shown(CLIENT_OPTIONS, {"brokers": [entry]}) == {"brokers": [visible]}
    if isinstance(entry, str):
        # An option that Ansible refuses is as it was given.
        assert shown(CLIENT_OPTIONS, {"brokers": entry}) == {"brokers": visible}


def test_a_url_wins_over_the_environment_and_is_no_secret_by_itself() -> None:
    params = dict.fromkeys(CLIENT_OPTIONS) | {
        "connector": "rabbitmq",
        "brokers": [f"stomp+tls://u:{HUSH}@b"],
        "validate_certs": True,
    }
    config = configuration(params, {"STOMP_USER": "other", "STOMP_PASSWORD": "other"})
    assert not {"STOMP_USER", "STOMP_PASSWORD"} & config.environ.keys()
    prefix = "plugin.rabbitmq.pool"
    assert (config[f"{prefix}.size"], config[f"{prefix}.1.port"]) == ("1", "61614")
    assert (config[f"{prefix}.1.user"], config[f"{prefix}.1.password"]) == ("u", HUSH)
    assert config.getboolean(f"{prefix}.1.ssl")
