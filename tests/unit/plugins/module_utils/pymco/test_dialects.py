# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose a configuration is, MCollective's or Choria's, and what is set where it says nothing."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings

HOSTS = "plugin.choria.middleware_hosts = choria1.example:4222\n"
MCOLLECTIVE = ("mcollective", "activemq", "psk")
CHORIA = ("choria", "nats", "choria")


def kinds(settings: Settings) -> tuple[str, str, str]:
    return settings.dialect, settings.connector, settings["securityprovider"]


@pytest.mark.parametrize(
    "text,expected",
    [
        ("", MCOLLECTIVE),
        ("plugin.psk = unset\n", MCOLLECTIVE),
        ("connector = rabbitmq\n", ("mcollective", "rabbitmq", "psk")),
        ("connector = rabbitmq\n" + HOSTS, ("mcollective", "rabbitmq", "psk")),
        ("securityprovider = ssl\n" + HOSTS, ("mcollective", "activemq", "ssl")),
        (HOSTS + "plugin.activemq.pool.size = 1\n", MCOLLECTIVE),
        ("plugin.puppet.windows_service = x\n", MCOLLECTIVE),
        (HOSTS, CHORIA),
        (HOSTS + "plugin.psk = unset\n", CHORIA),
        ("plugin.security.provider = file\n", CHORIA),
        ("plugin.nats.user = alice\n", CHORIA),
        ("connector = nats\n", CHORIA),
        ("securityprovider = choria\n", CHORIA),
        ("connector = NATS\nsecurityprovider = Choria\n", ("choria", "nats", "Choria")),
        # They do not go together, which is said when they are used.
        ("connector = nats\nsecurityprovider = psk\n", ("mcollective", "nats", "psk")),
        ("connector = rabbitmq\nsecurityprovider = choria\n", ("choria", "rabbitmq", "choria")),
    ],
)
def test_whose_a_configuration_is(text: str, expected: tuple[str, str, str]) -> None:
    assert kinds(Settings.from_configstr(text)) == expected


@pytest.mark.parametrize(
    "name,expected",
    [
        ("choria/client.conf", CHORIA),
        ("choria/mine.cfg", CHORIA),
        (".choriarc", CHORIA),
        (".mcollective", MCOLLECTIVE),
        ("mcollective/client.cfg", MCOLLECTIVE),
        ("choria/mcollective/client.cfg", MCOLLECTIVE),
    ],
)
def test_a_file_is_chorias_by_its_place(
    name: str, expected: tuple[str, str, str], tmp_path: pathlib.Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("identity = me\n")
    settings = Settings.from_configfile(str(path), {})
    assert kinds(settings) == expected
    assert kinds(settings.altered({"ttl": "30"})) == expected
    path.write_text("connector = rabbitmq\nsecurityprovider = ssl\n")
    assert kinds(Settings.from_configfile(str(path), {})) == ("mcollective", "rabbitmq", "ssl")


def test_a_file_of_plugin_d_makes_a_configuration_chorias(tmp_path: pathlib.Path) -> None:
    (tmp_path / "client.cfg").write_text("identity = me\n")
    (tmp_path / "plugin.d").mkdir()
    (tmp_path / "plugin.d" / "choria.cfg").write_text("middleware_hosts = a:4222\n")
    assert kinds(Settings.from_configfile(str(tmp_path / "client.cfg"), {})) == CHORIA


def test_a_choriarc_has_no_plugin_d(tmp_path: pathlib.Path) -> None:
    (tmp_path / ".choriarc").write_text(HOSTS)
    (tmp_path / ".mcollective").write_text("plugin.psk = key\n")
    (tmp_path / "plugin.d").mkdir()
    (tmp_path / "plugin.d" / "choria.cfg").write_text("middleware_hosts = other:4222\n")
    settings = Settings.from_configfile(environ={"HOME": str(tmp_path)})
    assert settings.source == str(tmp_path / ".choriarc")
    assert settings["plugin.choria.middleware_hosts"] == "choria1.example:4222"


def test_a_choria_conf_of_the_working_directory_is_not_read(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write to it could send our requests and passwords to a broker of their own."""
    (tmp_path / ".choriarc").write_text(HOSTS)
    (tmp_path / "here").mkdir()
    for directory in (tmp_path, tmp_path / "here"):
        (directory / "choria.conf").write_text("plugin.choria.middleware_hosts = evil.example:1\n")
    monkeypatch.chdir(tmp_path / "here")
    settings = Settings.from_configfile(environ={"HOME": str(tmp_path)})
    assert settings["plugin.choria.middleware_hosts"] == "choria1.example:4222"


@pytest.mark.parametrize(
    "text,collectives,main",
    [
        (HOSTS, ["mcollective"], "mcollective"),
        (HOSTS + "collectives = eu, us\n", ["eu", "us"], "eu"),
        (HOSTS + "collectives = eu, us\nmain_collective = us\n", ["eu", "us"], "us"),
        (HOSTS + "collectives = ,\n", ["mcollective"], "mcollective"),
        ("plugin.security.provider = choria\n", ["choria"], "choria"),
        ("plugin.security.provider = choria\ncollectives = eu\n", ["eu"], "eu"),
        ("plugin.security.provider = choria\nmain_collective = m\n", ["choria", "m"], "m"),
        # MCollective takes its own name, whatever the list is.
        ("collectives = eu, us\n", ["eu", "us", "mcollective"], "mcollective"),
    ],
)
def test_collectives(text: str, collectives: list[str], main: str) -> None:
    settings = Settings.from_configstr(text)
    assert (settings.collectives, settings.main_collective) == (collectives, main)


def test_chorias_defaults() -> None:
    settings = Settings.from_configstr(HOSTS)
    assert (settings.getint("ttl"), settings.getfloat("discovery_timeout")) == (60, 2.0)
    assert settings.getfloat("connection_timeout") == 10.0
    assert not settings.given("connector")


def test_an_option_can_turn_a_configuration_over() -> None:
    settings = Settings.from_configstr(HOSTS)
    assert kinds(settings.altered({"securityprovider": "psk", "connector": "rabbitmq"})) == (
        ("mcollective", "rabbitmq", "psk")
    )
    assert settings.altered({"plugin.security.provider": "choria"}).main_collective == "choria"
