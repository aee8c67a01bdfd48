# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brokers that SRV records name. Most tests play the library dnspython; the last ones use it, if it is there."""

from __future__ import annotations

import collections
import importlib
import socket
import sys
import threading
import types
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import choria, exc, srv
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings

FILES = {
    "plugin.security.provider": "file",
    "plugin.security.file.certificate": "/cert",
    "plugin.security.file.key": "/key",
    "plugin.security.file.ca": "/ca",
}


class Name:
    def __init__(self, text: str) -> None:
        self._text = text

    def to_text(self, omit_final_dot: bool) -> str:
        assert omit_final_dot
        return self._text


class Answer(t.NamedTuple):
    priority: int
    weight: int
    target: Name
    port: int


class Resolver:
    """What dnspython is asked.

    :ivar records: by the name that is asked for; an exception is raised.
    """

    def __init__(self) -> None:
        self.records: dict[str, t.Any] = {}
        self.asked: list[tuple[str, float]] = []
        self.search: list[Name] = []

    def resolve(self, name: str, kind: str, lifetime: float, search: bool) -> t.Any:
        assert (kind, search) == ("SRV", False)
        self.asked.append((name, lifetime))
        found = self.records.get(name, NXDOMAIN("no such name"))
        if isinstance(found, Exception):
            raise found
        return found


class DNSException(Exception):
    """dns.exception.DNSException."""


class NXDOMAIN(DNSException):
    """dns.resolver.NXDOMAIN."""


class NoAnswer(DNSException):
    """dns.resolver.NoAnswer."""


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """Install a dnspython of our own."""
    found = Resolver()
    package, exception = types.ModuleType("dns"), types.ModuleType("dns.exception")
    module = types.ModuleType("dns.resolver")
    vars(exception).update(DNSException=DNSException)
    vars(module).update(
        NXDOMAIN=NXDOMAIN,
        NoAnswer=NoAnswer,
        resolve=found.resolve,
        get_default_resolver=lambda: found,
    )
    vars(package).update(exception=exception, resolver=module)
    for name, each in (("dns", package), ("dns.exception", exception), ("dns.resolver", module)):
        monkeypatch.setitem(sys.modules, name, each)
    return found


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make dnspython impossible to import."""
    monkeypatch.setitem(sys.modules, "dns", None)
    monkeypatch.setitem(sys.modules, "dns.resolver", None)


def settings(environ: dict[str, str] | None = None, **more: str) -> Settings:
    given = {f"plugin.choria.{key}": value for key, value in more.items()}
    return Settings({"connector": "nats", **FILES, **given}, environ=environ)


NEW, OLD = "_mcollective-server._tcp.x.example.", "_x-puppet-mcollective._tcp.x.example."


def test_the_first_service_with_records_counts(resolver: Resolver) -> None:
    resolver.records = {
        NEW: NoAnswer("none"),
        OLD: [Answer(20, 0, Name("b.x.example"), 4223), Answer(10, 0, Name("a.x.example"), 4222)],
    }
    found = choria.located(settings(srv_domain="x.example"))
    assert found.hosts == (("a.x.example", 4222), ("b.x.example", 4223))
    assert not found.randomize, "their order has a meaning"
    assert [name for name, _seconds in resolver.asked] == [NEW, OLD]
    resolver.records[NEW] = [Answer(1, 1, Name("c.x.example"), 1)]
    assert choria.located(settings(srv_domain="x.example")).hosts == (("c.x.example", 1),)


def test_the_time_for_all_questions_is_bounded(resolver: Resolver) -> None:
    srv.hosts(choria.SERVICES, "x.example", 5.0)
    assert all(0 < seconds <= 5.0 for _name, seconds in resolver.asked)
    resolver.asked = []
    srv.hosts(choria.SERVICES, "x.example", -1.0)
    assert [seconds for _name, seconds in resolver.asked] == [0.001, 0.001]


def test_configured_hosts_need_no_question(missing: None) -> None:
    found = choria.located(settings(middleware_hosts="a:1"))
    assert (found.hosts, found.randomize) == ((("a", 1),), True)


def test_options_alone_ask_nobody(missing: None) -> None:
    assert choria.options(settings()).hosts == ()


def test_without_the_library_the_ways_out_are_named(missing: None) -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        choria.located(settings(srv_domain="x.example"))
    assert str(caught.value) == (
        "the given options: plugin.choria.middleware_hosts is missing, and without the Python library"
        " dnspython the client cannot look for SRV records of brokers: name the brokers with"
        " plugin.choria.middleware_hosts, or with the option brokers of a task; or install dnspython"
    )


@pytest.mark.parametrize(
    "environ,more,host,search,asked",
    [
        ({"CHORIA_SRV_DOMAIN": "e"}, {"srv_domain": "o"}, "h.d", "s", "e"),
        ({}, {"srv_domain": "o"}, "h.d", "s", "o"),
        ({}, {}, "h.d.example", "s", "d.example"),
        ({}, {}, "h", "s", "s"),
    ],
)
def test_the_domain(
    environ: dict[str, str],
    more: dict[str, str],
    host: str,
    search: str,
    asked: str,
    resolver: Resolver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    resolver.search = [Name(search)]
    choria.located(settings(environ, **more))
    assert resolver.asked[0][0] == f"_mcollective-server._tcp.{asked}."


def test_without_a_domain_nobody_is_asked(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "h")
    with pytest.raises(exc.ImproperlyConfigured, match=r"no domain .* plugin\.choria\.srv_domain"):
        choria.located(settings())
    assert resolver.asked == []


@pytest.mark.parametrize(
    "more,why",
    [
        (
            {"srv_domain": "x.example"},
            "x.example has no SRV records _mcollective-server._tcp or _x-puppet-mcollective._tcp",
        ),
        ({"use_srv": "false"}, "SRV records are not asked for"),
    ],
)
def test_without_records_chorias_own_host_is_taken_and_told(
    more: dict[str, str], why: str, resolver: Resolver
) -> None:
    found = choria.located(settings(**more))
    assert found.hosts == (("puppet", 4222),)
    (warning,) = found.warnings
    assert warning == (
        f"the given options: plugin.choria.middleware_hosts is missing and {why}: the broker is taken to"
        " be puppet:4222"
    )


def test_no_library_is_needed_where_records_are_not_asked_for(missing: None) -> None:
    assert choria.located(settings(use_srv="no")).hosts == (("puppet", 4222),)


def test_a_service_that_there_is_not_on_purpose(resolver: Resolver) -> None:
    resolver.records = {NEW: [Answer(0, 0, Name("."), 0)]}
    assert choria.located(settings(srv_domain="x.example")).hosts == (("puppet", 4222),)


def test_name_servers_that_do_not_answer_are_told(resolver: Resolver) -> None:
    resolver.records = {NEW: DNSException("The resolution lifetime expired")}
    with pytest.raises(
        exc.ImproperlyConfigured,
        match=rf"cannot look for the SRV records {NEW}: The resolution lifetime expired",
    ):
        choria.located(settings(srv_domain="x.example"))


def test_priorities_hold_and_weights_share_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [(2, 100, "last", 1), (1, 90, "often", 1), (1, 10, "seldom", 1), (1, 0, "never", 1)]
    first: collections.Counter[str] = collections.Counter()
    for _turn in range(2000):
        names = [name for name, _port in srv.in_order(records)]
        assert names[3] == "last"
        first[names[0]] += 1
    assert 1650 < first["often"] < 1930
    assert first["never"] < 20


# -- the real library ------------------------------------------------------------------------------


class NameServer(threading.Thread):
    """A name server on a port of its own. It has records for one name, and is silent for names with "silent".

    :ivar records: for :data:`NEW`.
    """

    def __init__(self, dns: t.Any, records: list[str]) -> None:
        super().__init__(daemon=True)
        self._dns, self.records = dns, records
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def run(self) -> None:
        while True:
            wire, sender = self.socket.recvfrom(4096)
            if not wire:
                return
            query = self._dns.message.from_wire(wire)
            name = query.question[0].name
            if "silent" in name.to_text():
                continue
            answer = self._dns.message.make_response(query)
            if name.to_text() == NEW:
                answer.answer.append(
                    self._dns.rrset.from_text(name, 60, "IN", "SRV", *self.records)
                )
            else:
                answer.set_rcode(self._dns.rcode.NXDOMAIN)
            self.socket.sendto(answer.to_wire(), sender)

    def stop(self) -> None:
        self.socket.sendto(b"", ("127.0.0.1", self.port))
        self.join()
        self.socket.close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[NameServer]:
    """Make the real library ask a name server of our own."""
    dns = pytest.importorskip("dns")
    for name in ("message", "rcode", "resolver", "rrset"):
        importlib.import_module(f"dns.{name}")
    running = NameServer(dns, ["20 0 4223 b.x.example.", "10 5 4222 a.x.example."])
    running.start()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], running.port
    monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
    yield running
    running.stop()


def test_records_by_the_real_library(server: NameServer) -> None:
    assert srv.available()
    found = choria.located(settings(srv_domain="x.example"))
    assert found.hosts == (("a.x.example", 4222), ("b.x.example", 4223))


def test_no_records_by_the_real_library(server: NameServer) -> None:
    assert srv.hosts(choria.SERVICES, "other.example", 5.0) == []


def test_a_name_server_that_is_silent_is_given_up(server: NameServer) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="cannot look for the SRV records"):
        srv.hosts(choria.SERVICES, "silent.example", 0.2)


def test_what_is_no_domain_by_the_real_library(server: NameServer) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="cannot look for the SRV records"):
        srv.hosts(choria.SERVICES, "x" * 64, 1.0)


def test_the_domain_of_the_real_resolver(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dns.name
    import dns.resolver

    monkeypatch.setattr("socket.gethostname", lambda: "h")
    assert srv.domain() == ""
    dns.resolver.get_default_resolver().search = [dns.name.from_text("x.example.")]
    assert srv.domain() == "x.example"
