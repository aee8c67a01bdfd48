# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every option: which values its type takes, and what errors and warnings say about its value and name."""

from __future__ import annotations

import pathlib
import typing as t

import hypothesis
import hypothesis.strategies as st
import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.options import (
    BOOLEAN,
    CORE,
    INTEGER,
    NUMBER,
    boolean,
    integer,
    is_harmless,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.pool import pool
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.rpc import Client, Request
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.ruby import (
    Refused,
    Ruby,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.values import (
    examples,
)

HUSH = "the word that nobody may see"

# -- types ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text,value",
    [
        ("0", 0),
        ("-0", 0),
        ("+5", 5),
        ("1_000", 1000),
        ("0x1f", 31),
        ("0X1F", 31),
        ("-0x1f", -31),
        ("017", 15),
        ("0_17", 15),
        ("0o17", 15),
        ("00", 0),
        ("0b11", 3),
        ("0B11", 3),
        ("0d10", 10),
        ("123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_a_whole_number_in_the_spellings_of_ruby(text: str, value: int) -> None:
    assert integer(text) == value
    assert Config({"keeplogs": text}).getint("keeplogs") == value


@pytest.mark.parametrize(
    "text",
    [
        *("08", "09", "0b2", "0xg", "0x", "_1", "1_", "1__0", "0__7", "0x_1f", "0_x1f", "0_"),
        *("+-5", "+ 5", "1 0", "1.0", "1e3", "5s", "٣", "\u00a05", "", "0o", "9" * 5000),
        *("0x" + "9" * 5000, "0" + "7" * 6000, "0b" + "1" * 20000),
    ],
)
def test_no_whole_number(text: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="is not a whole number$"):
        Config({"ttl": text})


def ruby_integer(oracle: Ruby, text: str) -> int | None:
    """What Ruby's Integer() makes of a text; None if it refuses."""
    codes = ",".join(str(byte) for byte in text.encode())
    source = f"Integer([{codes}].pack('C*').force_encoding('UTF-8'))"
    try:
        return t.cast(int, MarshalSerializer().deserialize(oracle.evaluate("marshal", source)))
    except Refused:
        return None


@hypothesis.settings(max_examples=examples(400), deadline=None)
@hypothesis.given(st.text("0017_89afxXbBoOdD+- \t٣", max_size=7))
def test_whole_numbers_read_as_ruby_reads_them(oracle: Ruby, text: str) -> None:
    try:
        ours: int | None = integer(text)
    except ValueError:
        ours = None
    assert ours == ruby_integer(oracle, text)


@pytest.mark.parametrize("word", ["yes", "Y", " true ", "T\t", "1"])
def test_words_for_yes(word: str) -> None:
    assert boolean(word) is True


@pytest.mark.parametrize("word", ["no", "N", " false ", "F", "0"])
def test_words_for_no(word: str) -> None:
    assert boolean(word) is False


WRONG = {INTEGER: "soon", NUMBER: "soon", BOOLEAN: "maybe"}


@pytest.mark.parametrize("key", sorted(key for key in CORE if CORE[key] in WRONG))
def test_every_option_is_checked_when_it_is_read(key: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    wrong = WRONG[CORE[key]]
    path.write_text(f"# mine\nidentity = me\n\n{key} = {wrong}\n")
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        Config.from_configfile(str(path), {})
    assert str(caught.value) == f"{path}:4: {key} is not {CORE[key].words}"


TYPES = {
    BOOLEAN: "activate_agents color daemonize direct_addressing registration_splay rpcaudit"
    " rpcauthorization soft_shutdown threaded",
    INTEGER: "default_batch_size direct_addressing_threshold fact_cache_time keeplogs max_log_size"
    " registerinterval soft_shutdown_timeout ttl",
    NUMBER: "connection_timeout default_batch_sleep_time discovery_timeout publish_timeout",
}


def test_the_types_are_those_of_the_reference() -> None:
    typed = {kind: sorted(key for key in CORE if CORE[key] == kind) for kind in TYPES}
    assert typed == {kind: names.split() for kind, names in TYPES.items()}


def test_the_first_of_several_wrong_options_is_told() -> None:
    text = "color = maybe\nttl = soon\nkeeplogs = many\n"
    with pytest.raises(exc.ImproperlyConfigured, match="^the given text:1: color is not"):
        Config.from_configstr(text)


def test_a_wrong_option_of_plugin_d_names_its_own_file_and_line(tmp_path: pathlib.Path) -> None:
    (tmp_path / "client.cfg").write_text(
        "connector = rabbitmq\nplugin.rabbitmq.pool.size = 1\nplugin.rabbitmq.pool.1.host = a\n"
    )
    (tmp_path / "plugin.d").mkdir()
    (tmp_path / "plugin.d" / "rabbitmq.cfg").write_text("\nrandomize = perhaps\n")
    config = Config.from_configfile(str(tmp_path / "client.cfg"), {})
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        pool(config)
    assert str(caught.value) == (
        f"{tmp_path}/plugin.d/rabbitmq.cfg:2: plugin.rabbitmq.randomize is not yes or no"
    )


# -- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key,words",
    [
        ("tll", "unknown option tll; is ttl meant?"),
        ("Connector", "unknown option Connector; is connector meant?"),
        ("qqqqqqq", "unknown option qqqqqqq"),
        ("plugin", "unknown option plugin"),
        ("plugin.rabbitmq.pool.1.pasword", "unknown option plugin.rabbitmq.pool.1.pasword"),
        ("plugin.rabbitmq.pool.x.host", "unknown option plugin.rabbitmq.pool.x.host"),
        ("plugin.rabbitmq.priority", "unknown option plugin.rabbitmq.priority"),
        ("plugin.rabbitmq", "unknown option plugin.rabbitmq"),
        (
            "plugin.activemq.use_reply_exchange",
            "unknown option plugin.activemq.use_reply_exchange",
        ),
        ("plugin.stomp.pool.1.host", "unknown option plugin.stomp.pool.1.host"),
        ("plugin.stomp.randomize", "unknown option plugin.stomp.randomize"),
        ("plugin.psk.caller", "unknown option plugin.psk.caller"),
        ("plugin.ssl_client_pubic", "unknown option plugin.ssl_client_pubic"),
        ("plugin.aes.client_pubic", "unknown option plugin.aes.client_pubic"),
        ("plugin.none.serialiser", "unknown option plugin.none.serialiser"),
    ],
)
def test_a_name_that_nobody_heeds_is_a_warning_with_its_line(key: str, words: str) -> None:
    config = Config.from_configstr(f"\n{key} = {HUSH}\n")
    assert config.warnings == [f"the given text:2: {words}"]
    assert config.notes == []


@pytest.mark.parametrize(
    "key", ["topicprefix", "topicsep", "queueprefix", "rpchelptemplate", "helptemplatedir"]
)
def test_what_old_files_have_is_a_note_and_no_warning(key: str) -> None:
    config = Config.from_configstr(f"\n{key} = {HUSH}\n")
    assert config.warnings == []
    words = f"the option {key} is ignored; MCollective has no use for it any more"
    assert config.notes == [f"the given text:2: {words}"]
    assert config.altered({"ttl": "5"}).notes == config.notes


@pytest.mark.parametrize("key", ["topicprefix", "topicsep", "queueprefix"])
def test_the_legacy_connector_heeds_the_legacy_options(key: str) -> None:
    config = Config({"connector": "Stomp", key: "/x/"})
    assert config.warnings == config.notes == []


def test_the_legacy_connector_ignores_what_all_ignore() -> None:
    assert len(Config({"connector": "stomp", "rpchelptemplate": "x"}).notes) == 1


@pytest.mark.parametrize("connector", ["activemq", "rabbitmq"])
def test_the_options_of_the_middleware_are_known(connector: str) -> None:
    names = (
        "pool.size pool.1.host pool.22.port pool.1.user pool.1.password pool.1.ssl pool.1.ssl.ca"
        " pool.1.ssl.cert pool.1.ssl.key pool.1.ssl.ciphers pool.1.ssl.fallback base64 vhost"
        " initial_reconnect_delay max_reconnect_delay use_exponential_back_off back_off_multiplier"
        " max_reconnect_attempts randomize backup timeout connect_timeout heartbeat_interval"
        " stomp_1_0_fallback max_hbread_fails max_hbrlck_fails agents_multiplex prompt_user"
        " prompt_password"
    )
    own = {"activemq": "priority", "rabbitmq": "use_reply_exchange"}[connector]
    keys = [f"plugin.{connector}.{name}" for name in f"{names} {own}".split()]
    assert Config(dict.fromkeys(keys, "1")).warnings == []


@pytest.mark.parametrize(
    "keys",
    [
        # of nodes
        "registerinterval registration registration_collective registration_splay factsource",
        "classesfile fact_cache_time daemonize soft_shutdown soft_shutdown_timeout rpcaudit",
        "rpcauditprovider rpcauthorization rpcauthprovider activate_agents logfacility keeplogs",
        "plugin.ssl_server_private plugin.ssl_client_cert_dir plugin.ssl.enforce_ttl",
        "plugin.aes.server_private plugin.aes.server_public plugin.aes.client_cert_dir",
        "plugin.aes.learn_pubkeys plugin.aes.insecure_learning plugin.aes.ca_cert",
        "plugin.aes.enforce_ttl",
        # of other plugins
        "plugin.yaml plugin.rpc.graph plugin.puppet.command plugin.metadata.name plugin.sshkey.x",
        "plugin.pskx plugin.sslx.y plugin.Rabbitmq.x plugin.rabbitmq2.pool.size",
        # of the legacy connector
        "plugin.stomp.host plugin.stomp.port plugin.stomp.user plugin.stomp.password",
        "plugin.stomp.pool.size plugin.stomp.pool.host1 plugin.stomp.pool.port1",
        "plugin.stomp.pool.user1 plugin.stomp.pool.password1 plugin.stomp.pool.ssl1",
        "plugin.stomp.pool.randomize plugin.stomp.pool.initial_reconnect_delay",
        "plugin.stomp.base64 plugin.stomp.priority",
    ],
)
def test_options_of_nodes_and_of_other_plugins_are_no_warning(keys: str) -> None:
    assert Config(dict.fromkeys(keys.split(), "1")).warnings == []


# -- directories ---------------------------------------------------------------------------------


def test_libdirs_add_up_and_the_last_is_searched_first() -> None:
    config = Config.from_configstr("libdir = /a::/b:\nttl = 5\nlibdir = /c\n")
    assert config.libdirs == ["/c", "/b", "/a"]
    assert Config({}).libdirs == []


def test_a_relative_libdir_is_refused_with_every_line_it_may_be_in() -> None:
    config = Config.from_configstr("libdir = /a\nlibdir = b/c\nlibdir = /d\n")
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        config.libdirs  # noqa: B018
    assert str(caught.value) == (
        "the given text:1,2,3: libdir b/c is relative; it must be absolute"
    )


# -- secrets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key,text",
    [
        ("plugin.psk", HUSH),
        ("plugin.rabbitmq.pool.1.password", HUSH),
        ("plugin.activemq.pool.12.password", HUSH),
        ("plugin.stomp.password", HUSH),
        ("plugin.stomp.pool.password1", HUSH),
        # misspelt
        ("plugin.rabbitmq.pool.1.pasword", HUSH),
        ("plugin.rabbitmq.pool.*.host", HUSH),
        ("plugin.rabbitmq.pool.host1", HUSH),
        ("plugin.rabbitmq.password", HUSH),
        ("plugin.rabbitmq.pool.1.password.file", HUSH),
        ("plugin.pks", HUSH),
        ("plugin.psk.caller", HUSH),
        ("psk", HUSH),
        ("ttll", "60"),
        # of others
        ("plugin.puppet.command", HUSH),
        # in the wrong place
        ("connection_timeout", HUSH),
        ("ttl", HUSH),
        ("direct_addressing", HUSH),
        ("plugin.rabbitmq.pool.size", HUSH),
        ("plugin.rabbitmq.pool.1.port", "65536"),
        ("plugin.rabbitmq.pool.1.ssl", HUSH),
        ("plugin.stomp.pool.port1", HUSH),
        ("plugin.ssl_client_private", f"-----BEGIN RSA PRIVATE KEY-----\n{HUSH}\n"),
        # YAML's ">-" makes blanks of line breaks.
        ("plugin.ssl_client_private", f"-----BEGIN RSA PRIVATE KEY----- {HUSH} -----END"),
        ("plugin.rabbitmq.pool.1.ssl.key", HUSH * 50),
        ("plugin.rabbitmq.pool.1.host", f"stomp://alice:{HUSH}@b.example.com"),
        ("plugin.stomp.pool.host1", f"alice:{HUSH}@b.example.com"),
    ],
)
def test_what_nobody_may_see(key: str, text: str) -> None:
    assert not is_harmless(key, text)


@pytest.mark.parametrize(
    "key,text",
    [
        ("identity", "me"),
        ("ttl", "60"),
        ("connection_timeout", "2.5"),
        ("topicprefix", "/topic/"),
        ("plugin.psk.callertype", "uid"),
        ("plugin.rabbitmq.pool.size", "1"),
        ("plugin.rabbitmq.pool.1.user", "alice"),
        ("plugin.rabbitmq.pool.22.port", "61613"),
        ("plugin.rabbitmq.prompt_password", "no"),
        ("plugin.stomp.pool.host1", "b.example.com"),
        ("plugin.ssl_client_private", "/a/key.pem"),
        ("plugin.rabbitmq.pool.1.ssl.ca", "/a/ca.pem,/b/ca.pem"),
    ],
)
def test_what_everybody_may_see(key: str, text: str) -> None:
    assert is_harmless(key, text)


def test_a_key_where_a_path_belongs_is_refused_unseen() -> None:
    content = f"-----BEGIN RSA PRIVATE KEY-----\n{HUSH}\n"
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        Config({"plugin.ssl_client_private": content})
    assert str(caught.value) == (
        "the given options: plugin.ssl_client_private is not the path of a file"
    )


FOLDED = f"-----BEGIN RSA PRIVATE KEY----- {HUSH} -----END RSA PRIVATE KEY-----"
URL = f"stomp://alice:{HUSH}@b.example.com"
BROKER = {
    "connector": "rabbitmq",
    "plugin.psk": "x",
    "plugin.rabbitmq.pool.size": "1",
    "plugin.rabbitmq.pool.1.host": "b.example.com",
    "plugin.rabbitmq.pool.1.ssl": "1",
}
ELSEWHERE: list[tuple[dict[str, str], dict[str, str], str]] = [
    ({"plugin.ssl_client_private": FOLDED}, {}, "plugin.ssl_client_private is not the path of"),
    ({"plugin.rabbitmq.pool.1.host": URL}, {}, "pool.1.host is not the name or address of a host"),
    (
        {"connector": "stomp"},
        {"STOMP_SERVER": URL},
        "the environment: STOMP_SERVER is not the name",
    ),
    (
        {"securityprovider": "ssl"},
        {"MCOLLECTIVE_SSL_PUBLIC": f"-----BEGIN PUBLIC KEY-----\n{HUSH}\n"},
        "the environment: MCOLLECTIVE_SSL_PUBLIC is not the path of a file",
    ),
    (
        {"securityprovider": "aes_security", "plugin.aes.client_public": "/a.pem"},
        {"MCOLLECTIVE_AES_PRIVATE": FOLDED},
        "the environment: MCOLLECTIVE_AES_PRIVATE is not the path of a file",
    ),
    ({}, {"MCOLLECTIVE_RABBITMQ_POOL1_SSL_KEY": FOLDED}, "POOL1_SSL_KEY is not the path of a file"),
    ({}, {"MCOLLECTIVE_RABBITMQ_POOL1_SSL_CERT": FOLDED}, "POOL1_SSL_CERT is not the path of"),
    (
        {"default_discovery_method": "flatfile", "default_discovery_options": FOLDED},
        {},
        "cannot read the file of identities: there can be no file of this name",
    ),
]


@pytest.mark.parametrize("options,environ,words", ELSEWHERE)
def test_a_file_s_content_and_a_url_with_a_password_are_refused_unseen(
    options: dict[str, str], environ: dict[str, str], words: str
) -> None:
    with pytest.raises(exc.PyMcoException) as caught:
        Client(Config({**BROKER, **options}, environ=environ)).prepare(Request("rpcutil", "ping"))
    assert words in str(caught.value)
    assert HUSH not in str(caught.value)


def test_a_configuration_where_its_path_belongs_is_not_shown() -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        Config.from_configfile(f"plugin.psk = {HUSH}\n", {})
    assert "cannot read the configuration file" in str(caught.value)
    assert HUSH not in str(caught.value)


@pytest.mark.parametrize("host", ["b.example.com", "10.0.0.1", "::1", "fe80::1%eth0", "my_broker."])
def test_what_a_host_may_be_called(host: str) -> None:
    assert is_harmless("plugin.rabbitmq.pool.1.host", host)


@pytest.mark.parametrize("key", [f"tll\x1b[2J{'x' * 3_000_000}", "plugin.rabbitmq.\x9b\u202e"])
def test_the_name_of_an_unknown_option_is_shown_so_that_no_terminal_obeys(key: str) -> None:
    (warning,) = Config({key: HUSH}).warnings
    assert "unknown option" in warning
    assert warning.isprintable() and len(warning) < 300


def messages(options: dict[str, str], action: t.Callable[[Config], object]) -> list[str]:
    """Return all messages about a configuration, including the error in which the action must end."""
    config = Config(options)
    with pytest.raises(exc.PyMcoException) as caught:
        action(config)
    return [*config.warnings, str(caught.value), repr(caught.value)]


@pytest.mark.parametrize(
    "more",
    [
        {"pool.1.port": "x"},
        {"pool.size": "2"},
        {"pool.size": HUSH},
        {"pool.1.port": HUSH},
        {"pool.1.ssl": HUSH},
        {"back_off_multiplier": HUSH},
        {"randomize": HUSH},
        {"max_reconnect_attempts": HUSH},
        {"pool.1.ssl": "maybe"},
        {"randomize": "maybe"},
        {"back_off_multiplier": "-1"},
        {"max_reconnect_delay": "-1"},
    ],
)
def test_no_error_of_a_pool_shows_a_password(more: dict[str, str]) -> None:
    options = {
        "connector": "rabbitmq",
        "plugin.psk": HUSH,
        "plugin.rabbitmq.pool.size": "1",
        "plugin.rabbitmq.pool.1.host": "a",
        "plugin.rabbitmq.pool.1.password": HUSH,
        "plugin.rabbitmq.pool.1.pasword": HUSH,
        **{f"plugin.rabbitmq.{key}": value for key, value in more.items()},
    }
    said = messages(options, pool)
    assert len(said) == 3
    assert not any(HUSH in words for words in said)
