# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options with names of their own, as a configuration of Choria."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.configuration import (
    local_configuration,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import choria, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings

Options = dict[str, t.Any]

FILES: Options = {"ca_cert": "/ca", "client_cert": "/cert", "client_key": "/key"}
TOKENS: Options = {"ca_cert": "/ca", "token_file": "/token", "seed_file": "/seed"}
GO = """\
plugin.security.provider = file
plugin.security.file.certificate = /file/cert
plugin.security.file.key = /file/key
plugin.security.file.ca = /file/ca
plugin.choria.middleware_hosts = file:4222, other:4222
"""


def params(**given: t.Any) -> Options:
    """Return a task's options as Ansible hands them over."""
    defaults = {name: spec.get("default") for name, spec in RpcTask.options.items()}
    found = {**defaults, "agent": "rpcutil", "action": "ping", **given}
    if found["brokers"] is not None:
        names = RpcTask.options["brokers"]["options"]
        found["brokers"] = [{**dict.fromkeys(names), **broker} for broker in found["brokers"]]
    return found


def configured(environ: dict[str, str] | None = None, **given: t.Any) -> Settings:
    return RpcTask(params(**given), lambda warning: None, environ=environ or {}).config


def read(environ: dict[str, str] | None = None, **given: t.Any) -> choria.ChoriaOptions:
    return choria.options(configured(environ, **given))


def refused(**given: t.Any) -> str:
    with pytest.raises((TaskFailed, exc.ImproperlyConfigured)) as caught:
        read(**given)
    return str(caught.value)


@pytest.fixture
def client_conf(tmp_path: pathlib.Path) -> str:
    path = tmp_path / "client.conf"
    path.write_text(GO)
    return str(path)


# -- where from ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "named",
    [
        {"connector": "nats"},
        {"security_provider": "choria"},
        {"connector": "NATS", "security_provider": "Choria"},
        {"config": {"connector": "nats"}},
        {"config": {"securityprovider": "choria"}},
    ],
)
def test_options_alone_are_enough(named: Options) -> None:
    brokers = [{"host": "a"}, {"host": "2001:db8::1", "port": 4223}]
    found = read(brokers=brokers, certname="me.mcollective", **FILES, **named)
    assert found == choria.ChoriaOptions(
        version=1,
        hosts=(("a", 4222), ("2001:db8::1", 4223)),
        randomize=False,
        ca="/ca",
        cert="/cert",
        key="/key",
        certname="me.mcollective",
    )


def test_tokens() -> None:
    found = read(security_provider="choria", brokers=[{"host": "a"}], **TOKENS)
    assert found == choria.ChoriaOptions(
        version=2,
        hosts=(("a", 4222),),
        randomize=False,
        ca="/ca",
        token_file="/token",
        seed_file="/seed",
    )
    settings = configured(security_provider="choria", brokers=[{"host": "a"}], **TOKENS)
    assert (settings.connector, settings.main_collective) == ("nats", "choria")


PUBLIC = "0123456789abcdef" * 4


def test_issuers() -> None:
    issuers = {"choria": PUBLIC, "my-org": PUBLIC[::-1]}
    known = {"security_provider": "choria", "brokers": [{"host": "a"}], **TOKENS}
    assert read(**known, issuers=issuers).issuers == issuers
    assert read(**known, issuers={}).issuers == {}
    config = {
        "plugin.security.issuer.names": "other",
        "plugin.security.issuer.other.public": PUBLIC,
    }
    assert read(**known, config=config, issuers=issuers).issuers == issuers


def test_a_file_alone_is_the_configuration(client_conf: str) -> None:
    found = read(config_file=client_conf)
    assert found.hosts == (("file", 4222), ("other", 4222))
    assert (found.cert, found.key, found.ca, found.randomize) == (
        *("/file/cert", "/file/key", "/file/ca"),
        True,
    )


def test_options_win_over_config_and_that_over_the_file(client_conf: str) -> None:
    found = read(
        config_file=client_conf,
        config={"plugin.security.file.key": "/config", "plugin.security.file.ca": "/config"},
        ca_cert="/option",
        brokers=[{"host": "option"}],
        identity="me",
    )
    assert (found.cert, found.key, found.ca) == ("/file/cert", "/config", "/option")
    assert found.hosts == (("option", 4222),)


def test_a_file_of_the_home_directory(tmp_path: pathlib.Path) -> None:
    (tmp_path / ".choriarc").write_text(GO)
    environ = {"HOME": str(tmp_path)}
    settings = configured(environ, client_key="/option")
    assert (settings.source, settings.dialect) == (f"{tmp_path}/.choriarc", "choria")
    assert choria.options(settings).key == "/option"
    assert local_configuration(params(), environ).source == f"{tmp_path}/.choriarc"


@pytest.mark.parametrize("named", [{"connector": "nats"}, {"security_provider": "choria"}])
def test_who_names_the_connector_reads_no_file(tmp_path: pathlib.Path, named: Options) -> None:
    (tmp_path / ".choriarc").write_text(GO)
    assert configured({"HOME": str(tmp_path)}, **named).source == "the given options"


def test_a_file_of_mcollective_is_not_made_chorias_in_part(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_text("connector = rabbitmq\nsecurityprovider = psk\nplugin.psk = key\n")
    assert "connector = rabbitmq and securityprovider = choria do not go together" in refused(
        config_file=str(path), security_provider="choria", **FILES
    )
    found = read(
        config_file=str(path), connector="nats", security_provider="choria", certname="me", **FILES
    )
    assert found.certname == "me"


# -- brokers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "brokers,expected",
    [
        ([{"user": "u", "password": "p"}], {"user": "u", "password": "p"}),
        ([{"user": "u", "password": "p"}] * 2, {"user": "u", "password": "p"}),
        ([{"tls": True}], {"tls": True}),
        ([{"tls": False}], {"tls": False}),
        ([{"ca_cert": "/mine"}], {"ca": "/mine"}),
        ([{"ca_cert": "/ca"}, {}], {"ca": "/ca"}),
        ([{"client_cert": "/mine", "client_key": "/own"}], {"cert": "/mine", "key": "/own"}),
    ],
)
def test_what_brokers_have_in_common(brokers: list[Options], expected: Options) -> None:
    entries = [{"host": "a", **broker} for broker in brokers]
    found = read(connector="nats", brokers=entries, **FILES)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    "brokers,name",
    [
        ([{"user": "u"}, {"user": "v"}], "user"),
        ([{"password": "hush"}, {}], "password"),
        ([{"tls": False}, {}], "tls"),
        ([{"ca_cert": "/other"}, {}], "ca_cert"),
        ([{"client_key": "/a"}, {"client_key": "/b"}], "client_key"),
    ],
)
def test_brokers_that_differ_are_refused(brokers: list[Options], name: str) -> None:
    entries = [{"host": "a", **broker} for broker in brokers]
    assert refused(connector="nats", brokers=entries, **FILES) == (
        f"the option brokers: with connector = nats, {name} must be the same for all brokers"
    )


def test_tls_that_is_off_is_told() -> None:
    found = read(connector="nats", brokers=[{"host": "a", "tls": False}], **FILES)
    assert not found.tls
    (warning,) = found.warnings
    assert "turns TLS off" in warning


@pytest.mark.parametrize(
    "given,words",
    [
        ({"brokers": []}, "the option brokers names no broker"),
        ({"brokers": [{"host": "a", "port": 0}]}, "is not a list of hosts with their ports"),
        ({"brokers": [{"host": "a,b"}]}, "is not a list of hosts with their ports"),
        ({"brokers": [{"host": "u:p@a"}]}, "is not a list of hosts with their ports"),
        ({"vhost": "/x"}, "the option vhost has no use with connector = nats"),
        ({"validate_certs": False}, "the option validate_certs has no use with connector = nats"),
        (
            {"brokers": [{"host": "a", "validate_certs": False}]},
            "the option brokers: validate_certs has no use with connector = nats",
        ),
        ({"connector": "rabbitmq"}, "connector = rabbitmq and securityprovider = choria do not go"),
        ({"psk": "key"}, "the option psk has no use with security_provider = choria, which takes"),
        (
            {"serializer": "yaml"},
            "the option serializer has no use with security_provider = choria",
        ),
        ({"certname": "x y"}, "plugin.pymco.certname may have letters, digits, dots"),
        ({"certname": "x", "token_file": "/t", "seed_file": "/s"}, "certname has no use with"),
        ({"token_file": "/t"}, "plugin.security.choria.seed_file is missing"),
        ({"client_key": None}, "plugin.security.file.key is missing"),
        (
            {**TOKENS, "issuers": {"a": "b"}},
            "plugin.security.issuer.a.public is not a public key of",
        ),
        (
            {**TOKENS, "issuers": {"a": None}},
            "plugin.security.issuer.a.public is not a public key of",
        ),
        ({**TOKENS, "issuers": {"a,b": PUBLIC}}, "plugin.security.issuer.a.public is missing"),
    ],
)
def test_what_is_refused(given: Options, words: str) -> None:
    known = {"security_provider": "choria", "brokers": [{"host": "a"}], **FILES}
    assert words in refused(**{**known, **given})


@pytest.mark.parametrize("option", ["certname", "token_file", "seed_file", "issuers"])
@pytest.mark.parametrize("provider", ["psk", "ssl", "aes_security", "none"])
def test_chorias_options_have_no_use_with_the_providers_of_mcollective(
    option: str, provider: str
) -> None:
    value = {"a": PUBLIC} if option == "issuers" else "/x"
    words = refused(connector="rabbitmq", security_provider=provider, **{option: value})
    assert words.startswith(f"the option {option} has no use with security_provider = {provider}")


# -- TLS files -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config,given,provider,files",
    [
        ({}, {}, "puppet", {}),
        ({}, FILES, "file", {"ca": "/ca", "certificate": "/cert", "key": "/key"}),
        ({"plugin.security.provider": "puppet"}, {"ca_cert": "/ca"}, "file", {"ca": "/ca"}),
        ({"plugin.security.provider": "choria"}, {"ca_cert": "/ca"}, "choria", {"ca": "/ca"}),
        (
            {"plugin.security.provider": "file"},
            {"token_file": "/t"},
            "choria",
            {"token_file": "/t"},
        ),
        (
            {},
            {**FILES, "seed_file": "/s"},
            "choria",
            {"ca": "/ca", "certificate": "/cert", "key": "/key", "seed_file": "/s"},
        ),
    ],
)
def test_the_provider_that_files_stand_for(
    config: dict[str, str], given: Options, provider: str, files: dict[str, str]
) -> None:
    found = configured(connector="nats", config=config, **given)
    assert found.get("plugin.security.provider", "puppet") == provider
    places = {key: found[key] for key in found if key.startswith(f"plugin.security.{provider}.")}
    assert places == {f"plugin.security.{provider}.{name}": path for name, path in files.items()}


# -- environment -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options,environ",
    [
        ({"certname": "given"}, {"MCOLLECTIVE_CERTNAME": "environment"}),
        (
            {"brokers": [{"host": "a", "user": "given", "password": "given"}]},
            {"MCOLLECTIVE_NATS_USERNAME": "of env", "MCOLLECTIVE_NATS_PASSWORD": "of env"},
        ),
    ],
)
def test_the_references_variables_lose_to_an_option_and_win_without(
    options: Options, environ: dict[str, str]
) -> None:
    more: Options = {"brokers": [{"host": "a"}], "connector": "nats", **FILES}
    found = read(environ, **{**more, **options})
    assert "given" in (found.certname, found.user)
    assert configured(environ, **{**more, **options}).environ == {}
    found = read(environ, **more)
    assert "environment" in (found.certname, found.user) or found.password == "of env"


def test_secrets_of_options_are_secrets() -> None:
    login = {"host": "a", "user": "u", "password": "of the broker"}
    assert configured(connector="nats", brokers=[login]).secrets() == {"of the broker"}
