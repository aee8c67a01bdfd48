# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration: how client.cfg is read, what takes precedence, and what is refused."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config_file import parse
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.pool import Broker, pool
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings

POOL = """
connector = rabbitmq
plugin.rabbitmq.pool.size = 2
plugin.rabbitmq.pool.1.host = a.example.com
plugin.rabbitmq.pool.1.user = alice
plugin.rabbitmq.pool.1.password = first%secret
plugin.rabbitmq.pool.2.host = b.example.com
plugin.rabbitmq.pool.2.port = 61614
plugin.rabbitmq.pool.2.user = bob
plugin.rabbitmq.pool.2.password = second=secret#
plugin.rabbitmq.pool.2.ssl = yes
plugin.rabbitmq.pool.2.ssl.ca = /ca1.pem, /ca2.pem
plugin.rabbitmq.pool.2.ssl.cert = /cert.pem
plugin.rabbitmq.pool.2.ssl.key = /key.pem
"""


def test_passwords_may_hold_anything() -> None:
    config = Config.from_configstr("plugin.psk = 50%(x)s = #1 'quoted' \"too\" ; $HOME\n")
    assert config["plugin.psk"] == "50%(x)s = #1 'quoted' \"too\" ; $HOME"


@pytest.mark.parametrize(
    "line,options",
    [
        ("a = b", {"a": "b"}),
        ("a=b", {"a": "b"}),
        ("  a   =   b  c  ", {"a": "b  c"}),
        ("\ta = b\t", {"a": "b"}),
        ("a = b = c", {"a": "b = c"}),
        ("a = b # no comment", {"a": "b # no comment"}),
        ("A = b", {"A": "b"}),
        ("a = b\r", {"a": "b"}),
        ("a = b\x0cc", {"a": "b\x0cc"}),
        ("a = b\u2028c", {"a": "b\u2028c"}),
        ("# a = b", {}),
        ("#a = b", {}),
        ("", {}),
        ("   ", {}),
        ("a", {}),
        ("a =", {}),
        ("a = ", {}),
        ("= b", {}),
        ("==b", {"=": "b"}),
        ("a ==", {"a": "="}),
        ("[section]", {}),
        ("a = ä", {"a": "ä"}),
    ],
)
def test_a_line_reads_as_the_reference_reads_it(line: str, options: dict[str, str]) -> None:
    config = Config.from_configstr(f"ttl = 5\n{line}\nidentity = x\n")
    known = set(Config({})) | {"ttl", "identity"}
    assert {key: value for key, value in config.items() if key not in known} == options


def test_a_line_costs_no_more_than_its_length() -> None:
    assert parse(f"a{' ' * 2**20}b", "x") == {}


def test_the_last_of_several_lines_counts() -> None:
    assert Config.from_configstr("ttl = 1\nttl = 2\n").getint("ttl") == 2


def test_libdirs_and_discovery_options_add_up() -> None:
    text = (
        "libdir = /a\nlibdir = /b:/c\ndefault_discovery_options = x\ndefault_discovery_options = y"
    )
    config = Config.from_configstr(text)
    assert config["libdir"] == "/a:/b:/c"
    assert config["default_discovery_options"] == "x\ny"


def test_files_of_plugin_d_win_over_the_main_file(tmp_path: pathlib.Path) -> None:
    main = tmp_path / "client.cfg"
    main.write_text("plugin.psk = main\nplugin.psk.callertype = user\nttl = 7\n")
    directory = tmp_path / "plugin.d"
    directory.mkdir()
    (directory / "psk.cfg").write_text("callertype = gid\n")
    (directory / "rabbitmq.cfg").write_text("pool.size = 3\n")
    (directory / "not-a-word.cfg").write_text("x = y\n")
    (directory / "psk.cfg.bak").write_text("callertype = group\n")
    config = Config.from_configfile(str(main), {})
    assert config["plugin.psk"] == "main"
    assert config["plugin.psk.callertype"] == "gid"
    assert config["plugin.rabbitmq.pool.size"] == "3"
    assert "plugin.not-a-word.x" not in config


def test_overrides_win_over_all_files(tmp_path: pathlib.Path) -> None:
    (tmp_path / "client.cfg").write_text("ttl = 7\n")
    (tmp_path / "plugin.d").mkdir()
    (tmp_path / "plugin.d" / "psk.cfg").write_text("callertype = gid\n")
    overrides = {"ttl": "9", "plugin.psk.callertype": "user"}
    config = Config.from_configfile(str(tmp_path / "client.cfg"), {}, overrides)
    assert (config.getint("ttl"), config["plugin.psk.callertype"]) == (9, "user")


def test_the_home_directory_is_looked_at_first(tmp_path: pathlib.Path) -> None:
    (tmp_path / ".mcollective").write_text("identity = mine\n")
    (tmp_path / "plugin.d").mkdir()
    (tmp_path / "plugin.d" / "psk.cfg").write_text("callertype = gid\n")
    config = Config.from_configfile(environ={"HOME": str(tmp_path)})
    assert config.identity == "mine"
    assert config.source == str(tmp_path / ".mcollective")
    assert config["plugin.psk.callertype"] == "gid"


HOME_PLACES = ["/home/me/.choriarc", "/home/me/.mcollective"]
SYSTEM_PLACES = [
    *("/etc/choria/client.conf", "/usr/local/etc/choria/client.conf"),
    *("/etc/puppetlabs/mcollective/client.cfg", "/etc/mcollective/client.cfg"),
]


@pytest.mark.parametrize("present", range(6))
def test_the_places_are_tried_in_the_order_of_the_references(
    present: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The system's own files cannot be moved for a test, so the file system says what it is told.
    places = [*HOME_PLACES, *SYSTEM_PLACES]
    monkeypatch.setattr("os.access", lambda path, mode: path in places[present:])
    monkeypatch.setattr("os.open", refuse_to_open)
    with pytest.raises(exc.ImproperlyConfigured, match=f"configuration file {places[present]}:"):
        Config.from_configfile(environ={"HOME": "/home/me"})


def refuse_to_open(path: str, *_options: object, **_more: object) -> None:
    raise PermissionError(13, "Permission denied", path)


@pytest.mark.parametrize(
    "environ,places",
    [({"HOME": "/home/me"}, [*HOME_PLACES, *SYSTEM_PLACES]), ({}, SYSTEM_PLACES)],
)
def test_no_file_anywhere_is_told_with_all_places(
    environ: dict[str, str], places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        Config.from_configfile(environ=environ)
    assert str(caught.value).endswith(f"; looked for {', '.join(places)}")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(exc.ImproperlyConfigured, match=r"/no/such\.cfg: No such file"):
        Config.from_configfile("/no/such.cfg", {})


def test_a_file_that_is_no_text_is_named(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_bytes(b"plugin.psk = \xff\xfe\n")
    with pytest.raises(exc.ImproperlyConfigured, match=str(path)):
        Config.from_configfile(str(path), {})


def test_an_unknown_option_is_a_warning_only() -> None:
    config = Config.from_configstr("color = 1\ntll = 5\nplugin.mine = 1\nlogger_type = console\n")
    assert config.warnings == ["the given text:2: unknown option tll; is ttl meant?"]


@pytest.mark.parametrize("value", ["soon", "1.5", "0x", "10s", "08"])
def test_a_number_that_is_none_names_file_line_and_option(
    value: str, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "client.cfg"
    path.write_text(f"# mine\n\nttl = {value}\n")
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        Config.from_configfile(str(path), {})
    assert str(caught.value) == f"{path}:3: ttl is not a whole number"


def test_a_number_that_is_given_apart_is_not_blamed_on_the_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_text("ttl = 5\n")
    with pytest.raises(exc.ImproperlyConfigured, match="^the given options: ttl is not a"):
        Config.from_configfile(str(path), {}, {"ttl": "x"})


@pytest.mark.parametrize("value", ["x", "nan", "inf", "-inf"])
def test_a_time_that_is_none_names_the_option(value: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="connection_timeout is not a number$"):
        Config({"connection_timeout": value}).getfloat("connection_timeout")


@pytest.mark.parametrize("word", ["1", "yes", "true", "y", "t", "YES", "True", "T"])
def test_words_for_true(word: str) -> None:
    assert Config({"direct_addressing": word}).getboolean("direct_addressing") is True


@pytest.mark.parametrize("word", ["0", "no", "false", "n", "f", "NO", "False", "F"])
def test_words_for_false(word: str) -> None:
    assert Config({"direct_addressing": word}).getboolean("direct_addressing", True) is False


@pytest.mark.parametrize("word", ["on", "off", "2", "yep", "maybe"])
def test_other_words_are_no_truth_values(word: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="direct_addressing is not yes or no$"):
        Config({"direct_addressing": word}).getboolean("direct_addressing")


def test_a_missing_option_is_an_error_of_several_kinds() -> None:
    config = Config.from_configstr("")
    for kind in (exc.ConfigLookupError, KeyError, exc.ImproperlyConfigured):
        with pytest.raises(kind) as caught:
            config["plugin.nothing"]
        assert str(caught.value) == "the given text: the option plugin.nothing is missing"
    assert config.get("plugin.nothing") is None
    assert config.getint("plugin.nothing", 3) == 3


def test_defaults_are_those_of_the_reference() -> None:
    config = Config({})
    assert config.connector == "activemq"
    assert config["securityprovider"] == "psk"
    assert config.main_collective == "mcollective"
    assert config.collectives == ["mcollective"]
    assert config.getint("ttl") == 60
    assert config.getboolean("direct_addressing") is True
    assert config.getint("direct_addressing_threshold") == 10
    assert config.getfloat("discovery_timeout") == 2
    assert config.getfloat("connection_timeout") == 10


def test_collectives_are_a_list() -> None:
    options = {"collectives": "a, b ,c", "main_collective": "b"}
    assert Config(options).collectives == ["a", "b", "c"]


def test_the_main_collective_is_one_of_the_collectives_listed_or_not() -> None:
    options = {"collectives": "a, b", "main_collective": "fleet"}
    assert Config(options).collectives == ["a", "b", "fleet"]
    assert Config({"collectives": ",", "main_collective": "fleet"}).collectives == ["fleet"]


@pytest.mark.parametrize("value", ["0", "-1", "-0.5", "2592000", "1e300"])
def test_a_time_that_nobody_can_wait_for_is_refused(value: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        Config({"discovery_timeout": value}).getseconds("discovery_timeout")
    assert str(caught.value) == (
        f"the given options: discovery_timeout = {value} is not between 0 and 2592000 seconds"
    )


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "soon"])
def test_a_time_that_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="timeout is not a number$"):
        Config({"discovery_timeout": value}).getseconds("discovery_timeout")


def test_a_time_may_be_a_part_of_a_second_or_nearly_a_month() -> None:
    assert Config({"discovery_timeout": "0.01"}).getseconds("discovery_timeout") == 0.01
    assert Config({"discovery_timeout": "2591999"}).getseconds("discovery_timeout") == 2591999


def test_the_identity_is_the_host_name_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "the-host")
    assert Config({}).identity == "the-host"
    assert Config({"identity": "me_1.example-com"}).identity == "me_1.example-com"


@pytest.mark.parametrize("identity", ["a b", "a/b", "a\n", "a:b", "{{ x }}", "a\x00", "ä"])
def test_an_identity_that_nodes_would_refuse_is_refused(identity: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        Config({"identity": identity}).identity  # noqa: B018
    assert str(caught.value) == (
        "the given options: identity may have letters, digits, dots, dashes and underscores only"
    )


def test_brokers_come_in_the_order_of_the_pool() -> None:
    assert list(pool(Config.from_configstr(POOL)).brokers) == [
        Broker("a.example.com", 61613, "alice", "first%secret"),
        Broker(
            "b.example.com",
            61614,
            "bob",
            "second=secret#",
            tls=True,
            ca=("/ca1.pem", "/ca2.pem"),
            cert="/cert.pem",
            key="/key.pem",
        ),
    ]


def test_the_environment_wins_for_credentials_and_tls_files() -> None:
    environ = {
        "STOMP_USER": "eve",
        "STOMP_PASSWORD": "of the environment",
        "MCOLLECTIVE_RABBITMQ_POOL2_SSL_CERT": "/env-cert.pem",
        "MCOLLECTIVE_RABBITMQ_POOL2_SSL_KEY": "/env-key.pem",
        "MCOLLECTIVE_RABBITMQ_POOL1_SSL_KEY": "/of another broker",
        "MCOLLECTIVE_ACTIVEMQ_POOL2_SSL_KEY": "/of another connector",
    }
    first, second = pool(Config.from_configstr(POOL, environ=environ)).brokers
    assert (first.user, first.password) == ("eve", "of the environment")
    assert (second.user, second.password) == ("eve", "of the environment")
    assert (second.cert, second.key) == ("/env-cert.pem", "/env-key.pem")
    assert first.key is None


def test_the_process_environment_is_not_read_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOMP_USER", "intruder")
    assert pool(Config.from_configstr(POOL)).brokers[0].user == "alice"


def test_no_broker_shows_its_password() -> None:
    for broker in pool(Config.from_configstr(POOL)).brokers:
        assert "secret" not in repr(broker)
        assert "secret" not in str(broker)


def test_secrets_in_use_are_known_wherever_they_come_from() -> None:
    config = Config.from_configstr(
        POOL + "plugin.psk = key\nplugin.psk.callertype = user\n",
        environ={
            "STOMP_PASSWORD": "env password",
            "MCOLLECTIVE_PSK": "env key",
            "STOMP_USER": "eve",
        },
    )
    assert config.secrets() == {
        *("first%secret", "second=secret#", "key", "env password", "env key")
    }


@pytest.mark.parametrize(
    "connector,provider,secrets",
    [
        ("rabbitmq", "ssl", {"of rabbitmq"}),
        ("RabbitMQ", "PSK", {"of rabbitmq", "unset"}),
        ("stomp", "none", {"of stomp's pool", "of stomp"}),
        ("activemq", "aes_security", set()),
    ],
)
def test_a_secret_that_is_not_in_use_is_none(
    connector: str, provider: str, secrets: set[str]
) -> None:
    """Debian's client.cfg has ``plugin.psk = unset`` for every provider."""
    options = {
        "plugin.psk": "unset",
        "plugin.psk.callertype": "uid",
        "plugin.rabbitmq.pool.1.password": "of rabbitmq",
        "plugin.rabbitmq.pool.1.pasword": "misspelt",
        "plugin.rabbitmq.pool.1.user": "alice",
        "plugin.stomp.password": "of stomp",
        "plugin.stomp.pool.password1": "of stomp's pool",
        "plugin.activemq.pool.1.password": "",
    }
    config = Config({**options, "connector": connector, "securityprovider": provider})
    assert config.secrets() == secrets


@pytest.mark.parametrize("size", ["0", "-1"])
def test_an_empty_pool_is_refused(size: str) -> None:
    with pytest.raises(
        exc.ImproperlyConfigured, match=r"pool\.size must be from 1 to \d+ brokers, not "
    ):
        pool(Config.from_configstr(POOL + f"plugin.rabbitmq.pool.size = {size}\n"))


def test_a_pool_without_size_names_the_option() -> None:
    with pytest.raises(exc.ConfigLookupError, match=r"plugin\.rabbitmq\.pool\.size is missing"):
        pool(Config({"connector": "rabbitmq"}))


def test_a_broker_without_host_names_the_option() -> None:
    with pytest.raises(exc.ConfigLookupError, match=r"plugin\.rabbitmq\.pool\.3\.host is missing"):
        pool(Config.from_configstr(POOL + "plugin.rabbitmq.pool.size = 3\n"))


def test_a_choice_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        Config({"securityprovider": "Rot13"}).choose("securityprovider", {"ssl": 1, "psk": 2})
    message = str(caught.value)
    assert message.endswith("the value of securityprovider is not supported; there are psk, ssl")


def test_a_choice_takes_any_case() -> None:
    assert Config({"securityprovider": "PSK"}).choose("securityprovider", {"psk": 1}) == 1


def test_the_methods_of_python_mcollective_answer() -> None:
    config = Config.from_configstr(POOL + "plugin.rabbitmq.vhost = /mco\n")
    pool = [("a.example.com", 61613), ("b.example.com", 61614)]
    assert config.get_host_and_ports() == pool
    assert config.get_user_and_password() == ("alice", "first%secret")
    assert config.get_user_and_password(pool[1]) == ("bob", "second=secret#")
    with pytest.raises(exc.ImproperlyConfigured, match="61614 has 2 CA files; stomp.py takes one"):
        config.get_ssl_params()
    single = Config({**config, "plugin.rabbitmq.pool.2.ssl.ca": "/ca.pem"})
    assert single.get_ssl_params() == [
        {
            "for_hosts": [pool[1]],
            "ca_certs": "/ca.pem",
            "cert_file": "/cert.pem",
            "key_file": "/key.pem",
        }
    ]
    assert config.get_conn_params()["host_and_ports"] == pool
    assert config.get_conn_params()["vhost"] == "/mco"


@pytest.mark.parametrize("kind", [Settings, Config])
def test_each_way_to_settings_gives_the_class_that_was_asked(
    kind: type[Settings], tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "client.cfg"
    path.write_text("ttl = 7\n")
    for found in (
        kind.from_configstr("ttl = 7"),
        kind.from_configfile(str(path), {}),
        kind({"ttl": "5"}).altered({"ttl": "7"}),
    ):
        assert (type(found), found.getint("ttl")) == (kind, 7)
