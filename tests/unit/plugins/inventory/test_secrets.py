# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No message of the plugin shows a password, in whatever option it stands."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleOptionsError

from ansible_collections.pymco.mcollective.plugins.module_utils._task.invocation import WRONG
from ansible_collections.pymco.mcollective.plugins.plugin_utils._inventory.options import (
    without_value,
)
from ansible_collections.pymco.mcollective.tests.testbed.embedded.collective import (
    EmbeddedCollective,
)
from ansible_collections.pymco.mcollective.tests.testbed.embedded.nodes import Node

from .conftest import Source, hosts

HUSH = "s3cret"


@pytest.mark.parametrize(
    "options,message",
    [
        ({"connect_timeout": HUSH}, "the option connect_timeout must be of type float"),
        ({"validate_certs": HUSH}, "the option validate_certs must be of type bool"),
        ({"serializer": HUSH}, "the option serializer must be one of: marshal, yaml"),
        ({"config": HUSH}, "the option config must be of type dict"),
        ({"config": {"connection_timeout": HUSH}}, "connection_timeout is not a number"),
        ({"config": {"plugin.rabbitmq.pool.size": HUSH}}, "pool.size is not a whole number"),
        ({"config": {"plugin.rabbitmq.pool.1.pasword": HUSH, "ttl": "x"}}, "ttl is not a whole"),
        ({"brokers": HUSH}, "the option brokers: entry 1 is no URL of the form"),
        ({"brokers": [{"host": "a", "port": HUSH}]}, "argument 'port' is of type str found in"),
        (
            {"brokers": [{"host": "a", "pasword": HUSH}]},
            "Unsupported parameters for the option brokers: brokers.pasword. Supported parameters include:",
        ),
        (
            {"vhost": "{{ no_such_variable }}"},
            "the templates of the option vhost cannot be evaluated",
        ),
    ],
)
def test_a_refusal_shows_no_password_that_went_astray(
    source: Source, collective: EmbeddedCollective, options: dict[str, t.Any], message: str
) -> None:
    source.write(collective, psk=HUSH, **options)
    with pytest.raises(AnsibleError) as caught:
        source.parse()
    assert message in str(caught.value)
    # Ansible shows causes too, and the lines of the file around what a cause is about.
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    for words in (str(caught.value), *source.screen.warnings, *source.screen.told):
        assert HUSH not in words


def test_a_variable_of_the_wrong_type_is_not_shown(
    source: Source, collective: EmbeddedCollective, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_MCOLLECTIVE_CONNECT_TIMEOUT", HUSH)
    with pytest.raises(AnsibleError) as caught:
        source.write(collective).parse()
    assert "the option connect_timeout must be of type float" in str(caught.value)
    assert HUSH not in str(caught.value)


@pytest.mark.parametrize("word", ["ture", "fasle", "s3cret"])
def test_a_variable_that_is_neither_yes_nor_no_is_refused(
    source: Source, collective: EmbeddedCollective, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """Ansible would read it as no, and would verify no certificate."""
    monkeypatch.setenv("ANSIBLE_MCOLLECTIVE_VALIDATE_CERTS", word)
    with pytest.raises(AnsibleError) as caught:
        source.write(collective).parse()
    assert str(caught.value) == "the option validate_certs must be of type bool"


def test_words_of_ansible_that_are_new_show_no_value() -> None:
    for words in (
        f"{HUSH} makes no sense for 'timeout'",
        f"Config '{HUSH}' for 'x' has an invalid value",
    ):
        error = without_value(AnsibleOptionsError(words), {"timeout": {"type": "float"}})
        assert str(error) == WRONG


def test_a_warning_of_a_configuration_shows_no_value(
    source: Source, collective: EmbeddedCollective
) -> None:
    config = {"plugin.rabbitmq.pool.1.pasword": HUSH}
    assert len(hosts(source.write(collective, config=config).parse())) == 4
    assert source.screen.warnings == [
        "the given options: unknown option plugin.rabbitmq.pool.1.pasword"
    ]


@pytest.mark.parametrize("word", ["ture", HUSH])
def test_a_word_of_ansible_cfg_that_is_neither_yes_nor_no_is_refused(
    source: Source,
    collective: EmbeddedCollective,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    word: str,
) -> None:
    path = tmp_path / "ansible.cfg"
    path.write_text(f"[mcollective_collection]\nvalidate_certs = {word}\n")
    monkeypatch.setattr(C.config, "_config_file", str(path))
    with pytest.raises(AnsibleError, match="the option validate_certs must be of type bool"):
        source.write(collective).parse()


def test_data_come_back_as_they_are(source: Source) -> None:
    """Also if they contain the same words as the secrets in use."""
    node = Node("n1")
    with EmbeddedCollective([node], "psk") as own:
        node.facts["word"], node.classes = own.psk, [own.login.password]
        inventory = source.write(own, psk=own.psk).parse()
    variables = inventory.hosts["n1"].vars
    assert variables["mcollective_facts"] == {"word": own.psk}
    assert variables["mcollective_classes"] == [own.login.password]
