# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choria's options: what each of its security providers takes, and what is refused."""

from __future__ import annotations

import pathlib
import ssl
import typing as t

import hypothesis
import hypothesis.strategies as st
import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import choria, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.options import (
    hosts as hosts_of,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settle import settle
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.choria_settings import (
    FILE,
    HOSTS,
    TOKENS,
    puppet,
    read,
    refused,
    settings,
)

pytestmark = pytest.mark.usefixtures("no_root")

PUBLIC = "0123456789abcdef" * 4


# -- files as they occur ---------------------------------------------------------------------------

RUBY = """\
# What Choria's Puppet module writes for the Ruby client.
classesfile = /opt/puppetlabs/puppet/cache/state/classes.txt
collectives = mcollective
connector = nats
direct_addressing = 1
factsource = yaml
libdir = /opt/puppetlabs/mcollective/plugins
logger_type = console
loglevel = error
main_collective = mcollective
plugin.choria.middleware_hosts = choria1.example:4222, choria2.example:4222
plugin.yaml = /etc/puppetlabs/mcollective/generated-facts.yaml
rpcaudit = 1
securityprovider = choria
"""
GO = """\
collectives = mcollective,other
main_collective = mcollective
plugin.security.provider = file
plugin.security.file.certificate = ca/certs/alice.mcollective.pem
plugin.security.file.key = ca/alice.mcollective-key.pem
plugin.security.file.ca = ca/certs/ca.pem
plugin.choria.use_srv = false
plugin.choria.middleware_hosts = nats://localhost:4222
plugin.choria.discovery.broadcast.windowed_timeout = true
logfile = discard
loglevel = warn"""
GO_TOKENS = f"""\
plugin.security.provider = choria
plugin.security.choria.token_file = ~/.config/choria/client.jwt
plugin.security.choria.seed_file = ~/.config/choria/client.key
plugin.security.choria.ca = /etc/choria/tls/ca.pem
plugin.security.issuer.names = choria, my-org
plugin.security.issuer.choria.public = {PUBLIC}
plugin.security.issuer.my-org.public = {PUBLIC.upper()}
plugin.choria.middleware_hosts=broker.choria.local:4222
"""
NODE = """\
identity = n1.example
plugin.choria.machine.store = /etc/choria/machines
plugin.choria.network.listen_address = 0.0.0.0
plugin.choria.network.client_port = 4222
plugin.choria.broker_network = true
plugin.choria.stats_port = 8222
plugin.choria.registration.file_content.data = /tmp/data.json
plugin.choria.status_file_path = /var/log/choria-status.json
plugin.rpcaudit.logfile = /var/log/choria-audit.log
plugin.scout.overrides = /etc/choria/overrides.json
plugin.choria.security.certname_whitelist = \\.mcollective$
plugin.login.aaasvc.login.url = https://aaa.example/login
"""


@pytest.mark.parametrize("text", [RUBY, GO, GO_TOKENS, NODE])
def test_files_as_they_occur_bring_no_warning(text: str) -> None:
    assert Settings.from_configstr(text).warnings == []
    assert Settings.from_configstr(text).dialect == "choria"


def test_a_file_of_the_ruby_client(tmp_path: pathlib.Path) -> None:
    puppet(tmp_path / ".puppetlabs/etc/puppet/ssl", "alice.mcollective")
    found = choria.options(
        Settings.from_configstr(RUBY, environ={"HOME": str(tmp_path), "USER": "alice"})
    )
    assert found.hosts == (("choria1.example", 4222), ("choria2.example", 4222))
    assert (found.version, found.certname, found.randomize) == (1, "alice.mcollective", True)


def test_a_file_of_the_go_client_with_certificates() -> None:
    found = choria.options(Settings.from_configstr(GO, environ={"USER": "alice"}))
    assert found == choria.ChoriaOptions(
        version=1,
        hosts=(("localhost", 4222),),
        ca="ca/certs/ca.pem",
        cert="ca/certs/alice.mcollective.pem",
        key="ca/alice.mcollective-key.pem",
        certname="alice.mcollective",
    )


def test_a_file_of_the_go_client_with_tokens() -> None:
    found = choria.options(Settings.from_configstr(GO_TOKENS, environ={"HOME": "/home/alice"}))
    assert found == choria.ChoriaOptions(
        version=2,
        hosts=(("broker.choria.local", 4222),),
        ca="/etc/choria/tls/ca.pem",
        token_file="/home/alice/.config/choria/client.jwt",
        seed_file="/home/alice/.config/choria/client.key",
        issuers={"choria": PUBLIC, "my-org": PUBLIC},
    )


@pytest.mark.parametrize(
    "key",
    [
        *("plugin.choria.middlewarehosts", "plugin.security.file.cert", "plugin.nats.password"),
        *("plugin.security.choria.tokenfile", "plugin.security.issuer.*.public"),
        *("plugin.security.issuer.public", "plugin.pymco.tls", "colectives"),
    ],
)
def test_a_misspelt_name_is_told(key: str) -> None:
    (warning,) = Settings({**FILE, key: "x"}).warnings
    assert warning.startswith(f"the given options: unknown option {key}")


def test_a_choice_of_curves_is_noted_as_ignored() -> None:
    found = Settings({**FILE, "plugin.security.ecc_curves": "P256"})
    assert found.warnings == []
    assert found.notes == [
        "the given options: the option plugin.security.ecc_curves is ignored; OpenSSL chooses the curve"
    ]


# -- hosts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text,hosts",
    [
        ("a:4222", [("a", 4222)]),
        (" a:1 ,b:2, ", [("a", 1), ("b", 2)]),
        ("nats://a:1,tls://b:2/", [("a", 1), ("b", 2)]),
        ("10.0.0.1:4222,[2001:db8::1]:4222", [("10.0.0.1", 4222), ("2001:db8::1", 4222)]),
    ],
)
def test_hosts(text: str, hosts: list[tuple[str, int]]) -> None:
    assert list(read({**FILE, HOSTS: text}).hosts) == hosts


@hypothesis.given(st.text("a:/[]@,0142 .\0", max_size=12))
def test_any_text_is_a_list_of_hosts_or_none(text: str) -> None:
    try:
        found = hosts_of(text)
    except ValueError:
        return
    assert all(name and "@" not in name and 0 < port < 2**16 for name, port in found)


@pytest.mark.parametrize(
    "text",
    ["a", "a:", ":4222", "a:0", "a:65536", "a:x", "a:1 b:2", "2001:db8::1:4222", "nats://u:p@a:1"],
)
def test_hosts_that_are_none(text: str) -> None:
    assert refused({**FILE, HOSTS: text}) == (
        f"the given options: {HOSTS} is not a list of hosts with their ports, such as"
        " choria1.example:4222, choria2.example:4222"
    )


# -- what there must be ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base,key,option",
    [
        (FILE, "plugin.security.file.certificate", "client_cert"),
        (FILE, "plugin.security.file.key", "client_key"),
        (FILE, "plugin.security.file.ca", "ca_cert"),
        (TOKENS, "plugin.security.choria.token_file", "token_file"),
        (TOKENS, "plugin.security.choria.seed_file", "seed_file"),
        (TOKENS, "plugin.security.choria.ca", "ca_cert"),
    ],
)
def test_what_is_missing_is_named(base: dict[str, str], key: str, option: str) -> None:
    words = refused({**base, key: ""})
    assert words.startswith(
        f"the given options: the option {key} is missing. It names the file with the "
    )
    assert words.endswith(f"; the option {option} of a task names it too")


def test_a_missing_option_of_a_file_names_the_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / ".choriarc").write_text("plugin.security.provider = file\n")
    with pytest.raises(exc.ConfigLookupError) as caught:
        choria.options(Settings.from_configfile(environ={"HOME": str(tmp_path)}))
    assert str(caught.value).startswith(f"{tmp_path}/.choriarc: the option plugin.security.file.")


def test_tokens_need_no_certificate_but_its_key_and_it_go_together() -> None:
    place = "plugin.security.choria"
    found = read({**TOKENS, f"{place}.certificate": "/c", f"{place}.key": "/k"})
    assert (found.cert, found.key) == ("/c", "/k")
    for one in ("certificate", "key"):
        assert refused({**TOKENS, f"{place}.{one}": "/x"}) == (
            "the given options: set both plugin.security.choria.certificate and"
            " plugin.security.choria.key, or neither"
        )


def test_trusted_signers() -> None:
    key = "plugin.security.choria.trusted_signers"
    assert read({**TOKENS, key: f"{PUBLIC}, {PUBLIC[::-1]}"}).trusted_signers == (
        PUBLIC,
        PUBLIC[::-1],
    )
    assert refused({**TOKENS, key: PUBLIC[1:]}) == (
        f"the given options: {key} is not a list of public keys of ed25519, which have 64 hexadecimal"
        " digits"
    )


def test_an_issuer_without_its_key_is_named() -> None:
    names = {"plugin.security.issuer.names": "choria"}
    assert refused({**TOKENS, **names}) == (
        "the given options: plugin.security.issuer.choria.public is missing; it is the issuer's public"
        " key in hexadecimal digits"
    )
    for wrong in ("abc", f"{PUBLIC},{PUBLIC}", f"{PUBLIC}0", "g" * 64):
        assert "public is not a public key of ed25519, which has 64 hexadecimal digits" in refused(
            {**TOKENS, **names, "plugin.security.issuer.choria.public": wrong}
        )


def test_the_name_of_a_caller_with_a_token_is_in_the_token() -> None:
    assert "the caller's name is in the token" in refused({**TOKENS, "plugin.pymco.certname": "x"})


# -- logins and TLS --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given,environ,login",
    [
        ({}, {}, ("", "")),
        ({"user": "alice", "pass": "hush"}, {}, ("alice", "hush")),
        (
            {"user": "alice", "pass": "hush"},
            {"MCOLLECTIVE_NATS_USERNAME": "bob", "MCOLLECTIVE_NATS_PASSWORD": "hush hush"},
            ("bob", "hush hush"),
        ),
    ],
)
def test_logins(given: dict[str, str], environ: dict[str, str], login: tuple[str, str]) -> None:
    options = {**FILE, **{f"plugin.nats.{key}": value for key, value in given.items()}}
    found = read(options, environ)
    assert (found.user, found.password) == login
    assert "hush" not in repr(found)
    secrets = {given.get("pass"), environ.get("MCOLLECTIVE_NATS_PASSWORD")} - {None}
    assert settings(options, environ).secrets() == secrets


@pytest.mark.parametrize("key", ["plugin.nats.user", "plugin.nats.pass"])
def test_half_a_login_is_refused(key: str) -> None:
    assert refused({**FILE, key: "hush"}) == (
        "the given options: set both plugin.nats.user and plugin.nats.pass, or neither"
    )


@pytest.mark.parametrize("base", [FILE, TOKENS])
def test_tls_is_off_only_when_somebody_says_so_and_then_told(base: dict[str, str]) -> None:
    assert read(base).tls
    place = base["plugin.security.provider"]
    found = read({**base, "plugin.pymco.nats_tls": "no", f"plugin.security.{place}.ca": ""})
    assert not found.tls
    assert found.warnings == (
        "the given options: plugin.pymco.nats_tls turns TLS off: anybody between the client and the"
        " brokers can read and change everything, and answer in the nodes' place; use it only for tests",
    )


@pytest.mark.parametrize(
    "text,ciphers",
    [
        ("", None),
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
        (
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_RSA_WITH_AES_128_CBC_SHA",
            "ECDHE-ECDSA-AES256-GCM-SHA384:AES128-SHA",
        ),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
        ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"),
    ],
)
def test_cipher_suites_have_openssls_names(text: str, ciphers: str | None) -> None:
    found = read({**FILE, "plugin.security.cipher_suites": text}).ciphers
    assert found == ciphers
    if found:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_ciphers(found)
        known = {cipher["name"] for cipher in context.get_ciphers()}
        assert set(found.split(":")) <= known


def test_a_cipher_suite_that_is_none() -> None:
    assert "a cipher suite that this client does not know" in refused(
        {**FILE, "plugin.security.cipher_suites": "TLS_ROT13"}
    )


def test_legacy_certificates_are_taken_when_asked_for() -> None:
    assert not read(FILE).legacy_certificates
    assert read({**FILE, "plugin.security.support_legacy_certificates": "1"}).legacy_certificates


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given,environ,words",
    [
        (
            {"plugin.choria.federation.collectives": "prod"},
            {},
            "plugin.choria.federation.collectives is set: this client does not speak to federation brokers",
        ),
        ({}, {"CHORIA_FED_COLLECTIVE": "prod"}, "CHORIA_FED_COLLECTIVE is set: this client does"),
        (
            {"plugin.choria.security.request_signer.url": "https://x"},
            {},
            "plugin.choria.security.request_signer.url is set: this client does not send requests to a",
        ),
        (
            {"plugin.choria.security.request_signer.service": "true"},
            {},
            "plugin.choria.security.request_signer.service is set",
        ),
        ({"plugin.security.client_anon_tls": "1"}, {}, "plugin.security.client_anon_tls is set"),
        ({"plugin.nats.credentials": "/x"}, {}, "plugin.nats.credentials is set"),
        ({}, {"MCOLLECTIVE_NATS_CREDENTIALS": "/x"}, "MCOLLECTIVE_NATS_CREDENTIALS is set"),
        ({"plugin.nats.ngs": "yes"}, {}, "plugin.nats.ngs is set"),
        (
            {"plugin.security.provider": "pkcs11"},
            {},
            "pkcs11 is not supported; there are choria, file, puppet.",
        ),
        (
            {"plugin.security.provider": "certmanager"},
            {},
            "certmanager is not supported; there are",
        ),
        (
            {"plugin.security.provider": "hush"},
            {},
            "the value of plugin.security.provider is not supported; there are choria, file, puppet",
        ),
    ],
)
def test_what_this_client_cannot_do_is_refused(
    given: dict[str, str], environ: dict[str, str], words: str
) -> None:
    found = refused({**FILE, **given}, environ)
    assert words in found
    assert "hush" not in found


@pytest.mark.parametrize(
    "key",
    [
        "plugin.choria.security.request_signer.service",
        "plugin.security.client_anon_tls",
        "plugin.nats.ngs",
    ],
)
def test_what_is_turned_off_is_not_refused(key: str) -> None:
    assert read({**FILE, key: "false"}).version == 1


@pytest.mark.parametrize(
    "connector,provider", [("nats", "psk"), ("nats", "ssl"), ("rabbitmq", "choria")]
)
def test_connectors_and_providers_that_do_not_go_together(connector: str, provider: str) -> None:
    assert refused({**FILE, "connector": connector, "securityprovider": provider}) == (
        f"the given options: connector = {connector} and securityprovider = {provider} do not go together:"
        " Choria's nodes need nats and choria"
    )


@pytest.mark.parametrize(
    "given,words",
    [
        ({"plugin.choria.randomize_middleware_hosts": "maybe"}, "is not yes or no"),
        ({"plugin.pymco.nats_tls": "maybe"}, "is not yes or no"),
    ],
)
def test_values_of_the_wrong_type(given: dict[str, str], words: str) -> None:
    found = refused({**FILE, **given})
    assert words in found
    assert "maybe" not in found


@pytest.mark.parametrize(
    "name", ["file.key", "choria.key", "choria.seed_file", "choria.token_file"]
)
def test_the_content_of_a_key_file_in_place_of_its_path_is_not_shown(name: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        settings({**FILE, f"plugin.security.{name}": "-----BEGIN hush"})
    assert (
        str(caught.value) == f"the given options: plugin.security.{name} is not the path of a file"
    )


@pytest.mark.parametrize(
    "name,mode,warned",
    [
        ("file.key", 0o644, True),
        ("choria.key", 0o644, True),
        ("choria.seed_file", 0o644, True),
        ("choria.seed_file", 0o600, False),
        ("choria.token_file", 0o644, False),
        ("choria.token_file", 0o666, True),
        ("file.ca", 0o644, False),
        ("file.ca", 0o666, True),
        ("choria.ca", 0o666, True),
        ("file.certificate", 0o666, True),
        ("choria.certificate", 0o666, True),
    ],
)
def test_permissions_of_files(name: str, mode: int, warned: bool, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "it"
    path.write_text("x")
    path.chmod(mode)
    for given, environ in ((str(path), {}), ("~/it", {"HOME": str(tmp_path)})):
        assert bool(settings({f"plugin.security.{name}": given}, environ).warnings) is warned


def test_a_file_with_the_password_of_nats_holds_secrets(tmp_path: pathlib.Path) -> None:
    path = tmp_path / ".choriarc"
    path.write_text("plugin.nats.pass = hush\n")
    path.chmod(0o644)
    (warning,) = Settings.from_configfile(str(path), {}).warnings
    assert "everybody on this machine can read the secrets in it" in warning


# -- requests to all nodes -------------------------------------------------------------------------

ASKING = "plugin.choria.require_client_filter"


@pytest.mark.parametrize(
    "more",
    [
        {"nodes": ["n1.example"]},
        {"filter": Filter().add_fact("os", "Debian")},
        {"filter": Filter().add_identity("/n/")},
        {"filter": Filter().add_cfclass("web")},
        {"discovery_method": "flatfile", "discovery_options": ["/nodes"]},
    ],
)
def test_requests_to_all_nodes_are_refused_where_the_configuration_does(
    more: dict[str, t.Any],
) -> None:
    asking = settings({**FILE, ASKING: "true"})
    settle(Request("rpcutil", "ping", **more), asking)
    for method in ("mc", "none"):
        with pytest.raises(exc.BadRequest) as caught:
            settle(Request("rpcutil", "ping", discovery_method=method), asking)
        assert str(caught.value) == (
            f"the given options: {ASKING} refuses requests to all nodes; name the nodes, or set a filter"
        )


@pytest.mark.parametrize(
    "given", [FILE, {**FILE, ASKING: "0"}, {ASKING: "1", "connector": "rabbitmq"}]
)
def test_requests_to_all_nodes_are_usual(given: dict[str, str]) -> None:
    settle(Request("rpcutil", "ping"), settings(given))
