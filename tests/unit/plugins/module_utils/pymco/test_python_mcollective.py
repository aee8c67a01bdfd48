# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""python-mcollective's documented API: its names, their arguments, and what they do."""

from __future__ import annotations

import importlib
import inspect
import os
import pathlib
import socket
import stat
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, utils
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import (
    INFINITE,
    Config,
    lookup_with_default,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.connector import Connector
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.connector.activemq import (
    ActiveMQConnector,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.connector.rabbitmq import (
    RabbitMQConnector,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.connector.stomp import (
    StompConnector,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Filter, Message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.pool import pool
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.rpc import SimpleAction
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.none import (
    NoneProvider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.ssl import (
    SSLProvider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
    Symbol,
    yaml,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.test import ctxt
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.test import (
    utils as test_utils,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Peer,
    ScriptedBroker,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    answer,
    config,
    read,
)

PACKAGE = Config.__module__.rpartition(".")[0]
SOMETHING: t.Any = object()

DOCUMENTED: list[tuple[str, str, tuple[str, ...]]] = [
    ("config", "Config", ("configdict", "logger")),
    ("config", "Config.get", ("key", "default")),
    ("config", "Config.getint", ("key", "default")),
    ("config", "Config.getfloat", ("key", "default")),
    ("config", "Config.getboolean", ("key", "default")),
    ("config", "Config.get_connector", ()),
    ("config", "Config.get_security", ()),
    ("config", "Config.get_serializer", ("key",)),
    ("config", "Config.get_host_and_ports", ()),
    ("config", "Config.get_user_and_password", ("current_host_and_port",)),
    ("config", "Config.get_ssl_params", ()),
    ("config", "Config.get_conn_params", ()),
    ("config", "Config.from_configfile", ("configfile",)),
    ("config", "Config.from_configstr", ("configstr", "section")),
    ("config", "lookup_with_default", ("fnc",)),
    *(
        (module, f"{connector}{method}", arguments)
        for module, connector in (
            ("connector", "BaseConnector"),
            ("connector", "Connector"),
            ("connector.activemq", "ActiveMQConnector"),
            ("connector.rabbitmq", "RabbitMQConnector"),
            ("connector.stomp", "StompConnector"),
        )
        for method, arguments in (
            ("", ("config", "connection", "logger")),
            (".connect", ("wait",)),
            (".disconnect", ()),
            (".send", ("msg", "destination")),
            (".subscribe", ("destination", "id")),
            (".unsubscribe", ("destination",)),
            (".receive", ("timeout",)),
            (".get_target", ("agent", "collective")),
            (".get_reply_target", ("agent", "collective")),
            (".get_current_host_and_port", ()),
            (".set_listeners", ()),
            (".set_ssl", ()),
            (".default_connection", ("config",)),
        )
    ),
    ("connector", "get_target", ("self", "agent", "collective")),
    ("connector", "get_reply_target", ("self", "agent", "collective")),
    ("listener", "CurrentHostPortListener", ("config", "connector")),
    ("listener", "CurrentHostPortListener.on_connecting", ("host_and_port",)),
    ("listener", "CurrentHostPortListener.get_host", ()),
    ("listener", "CurrentHostPortListener.get_port", ()),
    (
        "listener",
        "ResponseListener",
        ("config", "connector", "count", "timeout", "condition", "logger"),
    ),
    ("listener", "ResponseListener.on_message", ("headers", "body")),
    ("listener", "ResponseListener.wait_on_message", ()),
    ("message", "Filter", ()),
    ("message", "Filter.add_cfclass", ("name",)),
    ("message", "Filter.add_agent", ("agent",)),
    ("message", "Filter.add_fact", ("fact", "value", "operator")),
    ("message", "Filter.add_identity", ("identity",)),
    ("message", "Message", ("body", "agent", "config", "filter_")),
    ("rpc", "SimpleAction", ("config", "msg", "agent", "logger")),
    ("rpc", "SimpleAction.get_target", ()),
    ("rpc", "SimpleAction.get_reply_target", ()),
    ("rpc", "SimpleAction.call", ("timeout",)),
    *(
        (module, f"{provider}{method}", arguments)
        for module, provider in (
            ("security", "SecurityProviderBase"),
            ("security", "SecurityProvider"),
            ("security.none", "NoneProvider"),
            ("security.ssl", "SSLProvider"),
        )
        for method, arguments in (
            ("", ("config", "logger")),
            (".serialize", ("msg",)),
            (".deserialize", ("msg",)),
            (".encode", ("msg", "b64")),
            (".decode", ("msg", "b64")),
            (".sign", ("msg",)),
            (".verify", ("msg",)),
        )
    ),
    ("security", "sign", ("self", "msg")),
    ("security", "verify", ("self", "msg")),
    ("security.ssl", "SSLProvider.get_hash", ("msg",)),
    ("serializers", "SerializerBase.serialize", ("msg",)),
    ("serializers", "SerializerBase.deserialize", ("msg",)),
    ("serializers", "serialize", ("self", "msg")),
    ("serializers", "deserialize", ("self", "msg")),
    ("serializers.yaml", "Serializer", ()),
    ("serializers.yaml", "Serializer.serialize", ("msg",)),
    ("serializers.yaml", "Serializer.deserialize", ("msg",)),
    ("serializers.yaml", "RubyCompatibleLoader", ("stream",)),
    ("serializers.yaml", "symbol_constructor", ("loader", "node")),
    ("serializers.yaml", "ruby_object_constructor", ("loader", "suffix", "node")),
    ("test.utils", "get_template", ("name", "package")),
    ("test.utils", "configfile", ("ctxt",)),
    ("utils", "import_class", ("import_path",)),
    ("utils", "import_object", ("import_path",)),
    ("utils", "pem_to_der", ("pem",)),
    ("utils", "load_rsa_key", ("filename",)),
]
"""Module, name, and the arguments that its documentation shows, in their order."""
BY_NAME: list[tuple[str, str, dict[str, t.Any]]] = [
    ("connector", "Connector.send", {"reply-to": "x"}),
    ("message", "Message", {"collective": "x", "ttl": 1}),
    ("rpc", "SimpleAction", {"collective": "x"}),
    ("utils", "import_object", {"anything": 1}),
    *(
        ("connector", f"Connector.{name}", {"anything": 1})
        for name in ("send", "subscribe", "unsubscribe", "receive")
    ),
]
"""Arguments that it has among its "extra keyword arguments"."""
ATTRIBUTES = [
    ("config", "INFINITE"),
    ("connector", "BaseConnector.security"),
    ("listener", "ResponseListener.security"),
    ("listener", "SingleResponseListener"),
    ("rpc", "SimpleAction.connector"),
    ("security.ssl", "SSLProvider.private_key"),
    ("security.ssl", "SSLProvider.server_public_key"),
    ("test.ctxt", "DEFAULT_CTXT"),
    ("test.ctxt", "MSG"),
    ("test.ctxt", "ROOT"),
    ("test.ctxt", "TEST_CFG"),
]
"""What has no arguments. Attributes of instances are looked at below."""
ERRORS = [
    "ImproperlyConfigured",
    "ConfigLookupError",
    "BadFilterFactOperator",
    "TimeoutError",
    "VerificationError",
    "MessageVerificationError",
]


def documented(module: str, name: str) -> tuple[t.Any, list[t.Any]]:
    """What has a name, and the arguments that stand before those that are documented."""
    owner, found = None, importlib.import_module(f"{PACKAGE}.{module}")
    for part in name.split("."):
        owner, found = found, getattr(found, part)
    is_method = inspect.isclass(owner) and not isinstance(
        inspect.getattr_static(owner, part), (staticmethod, classmethod)
    )
    return found, [SOMETHING] * is_method


@pytest.mark.parametrize(
    "module,name,arguments", DOCUMENTED, ids=[f"{entry[0]}.{entry[1]}" for entry in DOCUMENTED]
)
def test_what_is_documented_takes_its_arguments_by_place_and_by_name(
    module: str, name: str, arguments: tuple[str, ...]
) -> None:
    found, before = documented(module, name)
    signature = inspect.signature(found)
    placed = signature.bind(*before, *(argument for argument in arguments))
    named = signature.bind(*before, **{argument: argument for argument in arguments})
    given = dict(list(placed.arguments.items())[len(before) :])
    if not name.startswith("CurrentHostPortListener"):  # it takes whatever it is given
        assert given == {argument: argument for argument in arguments}
        assert dict(list(named.arguments.items())[len(before) :]) == given


@pytest.mark.parametrize(
    "module,name,arguments", BY_NAME, ids=[f"{entry[1]}-{[*entry[2]][0]}" for entry in BY_NAME]
)
def test_extra_arguments_are_taken_by_name(
    module: str, name: str, arguments: dict[str, t.Any]
) -> None:
    found, before = documented(module, name)
    needed = next(entry[2] for entry in DOCUMENTED if entry[:2] == (module, name))
    inspect.signature(found).bind(*before, *needed, **arguments)


@pytest.mark.parametrize("module,name", ATTRIBUTES)
def test_the_attributes_that_are_documented_are_there(module: str, name: str) -> None:
    assert documented(module, name)[0] is not None


@pytest.mark.parametrize("name", ERRORS)
def test_its_errors_are_there(name: str) -> None:
    assert issubclass(getattr(exc, name), exc.PyMcoException)


# -- config --------------------------------------------------------------------------------------


def test_a_configuration_is_a_mapping_that_knows_the_identity() -> None:
    conf = Config({"connector": "activemq", "plugin.activemq.pool.size": "2"})
    assert conf["identity"] == conf.get("identity") == socket.gethostname()
    assert conf.get("missing", default="activemq") == "activemq"
    assert conf.getint("plugin.activemq.pool.size") == 2
    assert conf.getfloat("plugin.activemq.pool.size") == 2.0
    assert conf.getint("missing", default=1) == 1
    assert conf.getfloat("missing", default=1.5) == 1.5
    assert conf.getboolean("missing", default=True) is True
    assert dict(conf) == {key: conf[key] for key in conf}


@pytest.mark.parametrize("method", ["__getitem__", "getint", "getfloat", "getboolean"])
def test_a_missing_option_is_a_key_error(method: str) -> None:
    with pytest.raises(KeyError) as caught:
        getattr(Config({}), method)("missing")
    assert isinstance(caught.value, exc.ConfigLookupError)


@pytest.mark.parametrize(
    "connector,cls",
    [
        ("activemq", ActiveMQConnector),
        ("rabbitmq", RabbitMQConnector),
        ("stomp", StompConnector),
    ],
)
def test_a_configuration_gives_the_parts_that_it_names(
    connector: str, cls: type[Connector], rsa_keys: certificates.KeyPairs
) -> None:
    options = {
        "securityprovider": "ssl",
        "plugin.ssl_client_private": rsa_keys.client_private,
        "plugin.ssl_client_public": rsa_keys.client_public,
        "plugin.ssl_server_public": rsa_keys.server_public,
        "plugin.ssl_serializer": "yaml",
        "plugin.stomp.pool.host1": "127.0.0.1",
        "some.serializer": "marshal",
    }
    conf = Config({**config(1, connector), **options})
    assert isinstance(conf.get_connector(), cls)
    assert isinstance(conf.get_security(), SSLProvider)
    assert isinstance(conf.get_connector().security, SSLProvider)
    assert isinstance(conf.get_serializer("plugin.ssl_serializer"), yaml.Serializer)
    assert isinstance(conf.get_serializer("some.serializer"), MarshalSerializer)


def test_parts_that_are_not_there_are_named() -> None:
    conf = Config({"connector": "x", "securityprovider": "y", "z": "Z"})
    for method, why in (
        (conf.get_connector, "the value of connector is not supported"),
        (conf.get_security, "the value of securityprovider is not supported"),
        (lambda: conf.get_serializer("z"), "the value of z is not supported"),
        (lambda: conf.get_serializer("missing"), "missing is missing"),
    ):
        with pytest.raises(exc.ImproperlyConfigured, match=why):
            method()


def test_the_stomp_connectors_broker() -> None:
    options = {"host": "h.example.com", "port": "6163", "user": "mco", "password": "secret"}
    conf = Config(
        {f"plugin.stomp.{key}": value for key, value in options.items()} | {"connector": "stomp"}
    )
    assert conf.get_host_and_ports() == [("h.example.com", 6163)]
    assert conf.get_user_and_password() == ("mco", "secret")
    assert not conf.get_ssl_params()


def test_options_need_not_be_texts() -> None:
    given = {"ttl": 5, "direct_addressing": False, "collectives": ["a", "b"], "libdir": None}
    conf = Config({**given, "main_collective": "a", "plugin.psk.callertype": ("uid",)})
    assert (conf["ttl"], conf.getint("ttl"), conf.getboolean("direct_addressing")) == (
        "5",
        5,
        False,
    )
    assert (conf["collectives"], conf.collectives) == ("a,b", ["a", "b"])
    assert not conf.given("libdir")
    assert conf["plugin.psk.callertype"] == "uid"


def test_credentials_are_for_brokers_of_the_pool_only() -> None:
    conf = config(61613)
    assert conf.get_user_and_password(("127.0.0.1", 61613)) == ("", "")
    with pytest.raises(exc.ConfigLookupError, match="not in the pool of rabbitmq"):
        conf.get_user_and_password(("127.0.0.1", 61614))


def test_a_connection_can_be_tried_for_as_long_as_there_is_time() -> None:
    conf = Config({**config(61613), "plugin.rabbitmq.max_reconnect_attempts": INFINITE})
    assert conf.get_conn_params()["reconnect_attempts_max"] > INFINITE
    assert next(iter(pool(conf).delays())) == 0.0


def test_a_lookup_can_have_a_default() -> None:
    class Holder(dict[str, int]):
        look = lookup_with_default(fnc=dict.__getitem__)

    assert Holder(a=1).look("a") == Holder().look("a", default=1) == 1
    assert Holder().look("a", default=None) is None
    with pytest.raises(KeyError):
        Holder().look("a")


@pytest.mark.parametrize("section", ["default", "x"])
def test_the_name_of_a_section_makes_no_difference(section: str) -> None:
    assert dict(Config.from_configstr("ttl = 5", section=section)) == dict(
        Config.from_configstr("ttl = 5", section)
    )
    assert Config.from_configstr("ttl = 5", section=section).getint("ttl") == 5


# -- the example of its documentation --------------------------------------------------------------


def ping_node(seen: list[dict[str, t.Any]]) -> t.Callable[[Peer], None]:
    def script(peer: Peer) -> None:
        peer.log_in()
        seen.append(read(peer.expect("SEND")))
        answer(peer, seen[-1], "mco1", "pong")
        peer.log_out()

    return script


@pytest.mark.parametrize("relative", [False, True])
def test_the_three_lines_with_a_path_of_either_kind(
    relative: bool, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, t.Any]] = []
    with ScriptedBroker(ping_node(seen)) as broker:
        lines = "".join(f"{key} = {value}\n" for key, value in config(broker.port).items())
        (tmp_path / "client.cfg").write_text(lines.replace("= key", "= replaced"))
        (tmp_path / "plugin.d").mkdir()
        (tmp_path / "plugin.d" / "rabbitmq.cfg").write_text("vhost = /elsewhere\n")
        monkeypatch.setenv("MCOLLECTIVE_PSK", "key")
        monkeypatch.chdir(tmp_path if relative else "/")
        path = "client.cfg" if relative else str(tmp_path / "client.cfg")
        conf = Config.from_configfile(path)
        msg = Message(body="ping", agent="discovery", config=conf)
        result = SimpleAction(config=conf, msg=msg, agent="discovery").call()
    assert conf["plugin.rabbitmq.vhost"] == "/elsewhere"
    assert result == [
        {
            ":body": "pong",
            ":msgtime": 1395419893,
            ":requestid": msg[":requestid"],
            ":senderagent": "discovery",
            ":senderid": "mco1",
        }
    ]


def test_an_action_takes_a_plain_dict_too() -> None:
    seen: list[dict[str, t.Any]] = []
    with ScriptedBroker(ping_node(seen)) as broker:
        conf = config(broker.port)
        msg = {":body": {":action": "x"}, ":filter": {"fact": [{":fact": "a", ":value": "b"}]}}
        assert len(SimpleAction(config=conf, msg=msg, agent="demo").call()) == 1
    assert list(map(type, seen[0][":body"])) == [Symbol]
    assert list(map(type, seen[0][":filter"]["fact"][0])) == [Symbol, Symbol]
    assert seen[0][":agent"] == "demo"


def test_an_action_tells_where_it_sends_to() -> None:
    conf = config(1, collectives="mcollective,fleet")
    msg = Message("ping", "discovery", conf)
    action = SimpleAction(config=conf, msg=msg, agent="discovery", collective="fleet")
    assert action.get_target() == "/exchange/fleet_broadcast/discovery"
    assert action.get_reply_target() == "/temp-queue/mcollective_reply_discovery"


def test_a_filter_is_a_mapping_and_its_methods_chain() -> None:
    filter_ = Filter()
    chained = (
        filter_.add_agent("package")
        .add_cfclass("web")
        .add_identity("mco1")
        .add_fact("osfamily", "RedHat", "!=")
        .add_fact("cpus", "4")
    )
    assert chained is filter_
    assert dict(filter_)["fact"][0] == {
        ":fact": "osfamily",
        ":value": "RedHat",
        ":operator": "!=",
    }
    assert (filter_["agent"], filter_["cf_class"], filter_["identity"]) == (
        ["package"],
        ["web"],
        ["mco1"],
    )
    with pytest.raises(exc.BadFilterFactOperator):
        filter_.add_fact("a", "b", "<>")


# -- security, serializers, utils ------------------------------------------------------------------


@pytest.mark.parametrize("b64", [False, True])
def test_what_is_encoded_is_decoded(b64: bool) -> None:
    conf = Config({"identity": "me", "securityprovider": "none"})
    provider = NoneProvider(config=conf)
    msg = Message(body="ping", agent="discovery", config=conf)
    encoded = provider.encode(msg, b64=b64)
    assert (b":" in encoded) != b64
    decoded = provider.decode(encoded, b64=b64)
    assert (decoded[":body"], decoded[":callerid"]) == ("ping", "identity=me")
    assert provider.verify(provider.deserialize(provider.serialize(provider.sign(msg)))) == decoded


def test_the_keys_and_the_hash_of_a_provider(rsa_keys: certificates.KeyPairs) -> None:
    conf = Config(
        {
            "identity": "me",
            "securityprovider": "ssl",
            "plugin.ssl_client_private": rsa_keys.client_private,
            "plugin.ssl_client_public": rsa_keys.client_public,
            "plugin.ssl_server_public": rsa_keys.server_public,
        }
    )
    provider = SSLProvider(config=conf)
    msg = Message(body="ping", agent="discovery", config=conf)
    assert provider.get_hash(msg=msg) == provider.sign(msg=msg)[":hash"]
    assert provider.callerid == "cert=alice.admin"
    assert (
        provider.private_key.private_numbers()
        == utils.load_rsa_key(filename=rsa_keys.client_private).private_numbers()
    )
    assert (
        provider.server_public_key.public_numbers()
        == utils.load_rsa_key(filename=rsa_keys.server_public).public_numbers()
    )
    assert isinstance(provider.serializer, MarshalSerializer)


def test_the_constructors_of_the_loader_by_the_names_of_their_arguments() -> None:
    loader = yaml.RubyCompatibleLoader(stream=b"{a: 1}")
    node = loader.get_single_node()
    found = yaml.ruby_object_constructor(loader=loader, suffix="Puppet::Facts", node=node)
    assert found == {"a": 1}
    loader = yaml.RubyCompatibleLoader(stream=b"name")
    symbol = yaml.symbol_constructor(loader=loader, node=loader.get_single_node())
    assert (symbol, type(symbol)) == (":name", Symbol)


def test_the_yaml_loader_with_its_constructors() -> None:
    serializer = yaml.Serializer()
    text = b"---\n!ruby/sym a: !ruby/object:Puppet::Facts\n  b: 1\n:c: ':d'\n"
    assert serializer.deserialize(text) == {":a": {"b": 1}, ":c": ":d"}
    assert serializer.deserialize(serializer.serialize({":a": [1, "x"]})) == {":a": [1, "x"]}


def test_a_class_is_found_by_its_path() -> None:
    assert utils.import_class("collections.OrderedDict").__name__ == "OrderedDict"
    assert utils.import_object("fractions.Fraction", 1, denominator=2) * 2 == 1


@pytest.mark.parametrize("path", ["collections.Nothing", "nosuchmodule.X", "nodots", ""])
def test_a_class_that_is_not_there_is_an_import_error(path: str) -> None:
    with pytest.raises(ImportError):
        utils.import_class(path)


def test_a_certificates_key(authority: certificates.Authority) -> None:
    certificate, _key = authority.issue("pem.example.com")
    der = utils.pem_to_der(pathlib.Path(certificate).read_text())
    from cryptography.hazmat.primitives import serialization

    loaded = serialization.load_der_public_key(der)
    found = utils.load_rsa_key(certificate)
    assert loaded.public_numbers() == found.public_numbers()
    with pytest.raises(exc.CredentialError, match="no X509 certificate"):
        utils.pem_to_der("garbage")


# -- its helpers for tests -------------------------------------------------------------------------


def test_a_configuration_file_for_tests() -> None:
    assert test_utils.configfile() == ctxt.TEST_CFG == os.path.join(ctxt.ROOT, "server.cfg")
    conf = Config.from_configfile(ctxt.TEST_CFG, environ={})
    assert conf["topicprefix"] == "/topic/"
    assert conf.collectives == ["mcollective", "sub1", "sub2"]
    rest = set(ctxt.DEFAULT_CTXT) - {"topicprefix", "collectives"}
    assert {key: conf[key] for key in rest} == {key: str(ctxt.DEFAULT_CTXT[key]) for key in rest}
    assert conf.get_host_and_ports() == [("localhost", 61613)]
    assert stat.S_IMODE(os.stat(ctxt.ROOT).st_mode) == 0o700


def test_a_configuration_of_the_same_options() -> None:
    conf = Config(ctxt.DEFAULT_CTXT)
    assert conf.collectives == ["mcollective", "sub1", "sub2"]
    assert conf.get_connector().get_target("a", "sub1") == "/topic/sub1.a.agent"


def test_a_configuration_file_of_ones_own() -> None:
    given = {"identity": "x", "ttl": 5, "daemonize": None, "collectives": ["a", "b"]}
    path = test_utils.configfile(ctxt=given)
    assert pathlib.Path(path).read_text() == "collectives = a,b\nidentity = x\nttl = 5\n"


def test_a_template_of_another_package(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_tests"
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "templates" / "x.jinja").write_text("a {{ b }}")
    monkeypatch.syspath_prepend(tmp_path)
    assert test_utils.get_template("x.jinja", package="some_tests").render(b=1) == "a 1"
    assert test_utils.get_template(name="server.cfg.jinja").render(config={"a": 1}) == "a = 1\n"


def test_a_message_for_tests() -> None:
    assert set(ctxt.MSG) == {"agent", "body", "msgtime", "requestid"}
