# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warnings about files that others can change, or whose secrets everybody can read."""

from __future__ import annotations

import grp
import os
import pathlib
import pwd
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

SECRETS = ["plugin.psk = hush", "plugin.rabbitmq.pool.1.password = hush"]
READ = "everybody on this machine can read the secrets in it"
WRITE = "everybody on this machine can change it"


@pytest.fixture
def cfg(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "client.cfg"
    path.write_text("connector = rabbitmq\n")
    path.chmod(0o644)
    return path


def warnings(path: pathlib.Path, environ: t.Mapping[str, str] | None = None) -> list[str]:
    return Config.from_configfile(str(path), environ or {}).warnings


def told(path: pathlib.Path, mode: str, what: str, cure: str) -> str:
    return f"{path} has mode {mode}: {what}; mend it with: chmod {cure} {path}"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o440, 0o755])
def test_a_file_without_secrets_may_be_read_by_everybody(cfg: pathlib.Path, mode: int) -> None:
    cfg.chmod(mode)
    assert warnings(cfg) == []


@pytest.mark.parametrize("line", SECRETS)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o440, 0o400])
def test_one_with_secrets_by_its_group(cfg: pathlib.Path, line: str, mode: int) -> None:
    """Debian's package writes it as 0600; several operators share one by its group."""
    cfg.write_text(f"{line}\n")
    cfg.chmod(mode)
    assert warnings(cfg) == []


@pytest.mark.parametrize("line", SECRETS)
def test_secrets_that_everybody_can_read(cfg: pathlib.Path, line: str) -> None:
    cfg.write_text(f"{line}\n")
    assert warnings(cfg) == [told(cfg, "0644", READ, "o-r")]


def test_an_empty_psk_is_none(cfg: pathlib.Path) -> None:
    cfg.write_text("plugin.psk =\n")
    assert warnings(cfg) == []


def test_a_file_that_everybody_can_change(cfg: pathlib.Path) -> None:
    cfg.chmod(0o602)
    assert warnings(cfg) == [told(cfg, "0602", WRITE, "o-w")]


def test_all_that_is_wrong_is_said_at_once(cfg: pathlib.Path) -> None:
    cfg.write_text("plugin.psk = hush\n")
    cfg.chmod(0o606)
    assert warnings(cfg) == [told(cfg, "0606", f"{WRITE}, {READ}", "o-w,o-r")]


def members(
    monkeypatch: pytest.MonkeyPatch, name: str, group: str, members: t.Sequence[str]
) -> None:
    """Give the owner of all files and their group this name."""
    user = pwd.struct_passwd((name, "x", os.getuid(), os.getgid(), "", "/", "/bin/sh"))
    monkeypatch.setattr("pwd.getpwuid", lambda _uid: user)
    found = grp.struct_group((group, "x", os.getgid(), list(members)))
    monkeypatch.setattr("grp.getgrgid", lambda _gid: found)


@pytest.mark.parametrize("among", [[], ["alice"]])
def test_a_group_of_ones_own_may_change_it(
    cfg: pathlib.Path, monkeypatch: pytest.MonkeyPatch, among: list[str]
) -> None:
    """As on distributions where each user has a group and the umask is 002."""
    members(monkeypatch, "alice", "alice", among)
    cfg.chmod(0o664)
    assert warnings(cfg) == []


@pytest.mark.parametrize("group,among", [("staff", []), ("alice", ["bob"])])
def test_another_group_can_change_it(
    cfg: pathlib.Path, monkeypatch: pytest.MonkeyPatch, group: str, among: list[str]
) -> None:
    members(monkeypatch, "alice", group, among)
    cfg.chmod(0o660)
    assert warnings(cfg) == [told(cfg, "0660", f"its group {group} can change it", "g-w")]


def test_a_group_without_a_name(cfg: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_number: int) -> t.Any:
        raise KeyError

    monkeypatch.setattr("grp.getgrgid", nobody)
    cfg.chmod(0o660)
    (warning,) = warnings(cfg)
    assert f"its group {os.getgid()} can change it" in warning


def test_a_file_of_plugin_d(cfg: pathlib.Path) -> None:
    """Only the file with the secret is told, though the option is the same for the client."""
    folder = cfg.parent / "plugin.d"
    folder.mkdir(mode=0o755)
    for name in ("rabbitmq", "other"):
        (folder / f"{name}.cfg").write_text("pool.1.host = a\n")
        (folder / f"{name}.cfg").chmod(0o644)
    assert warnings(cfg) == []
    (folder / "rabbitmq.cfg").write_text("pool.1.password = hush\n")
    assert warnings(cfg) == [told(folder / "rabbitmq.cfg", "0644", READ, "o-r")]
    (folder / "rabbitmq.cfg").chmod(0o600)
    (folder / "other.cfg").chmod(0o666)
    assert warnings(cfg) == [told(folder / "other.cfg", "0666", WRITE, "o-w")]


def test_the_directory_plugin_d_itself(cfg: pathlib.Path) -> None:
    """Everybody who can write a file there can override all options."""
    folder = cfg.parent / "plugin.d"
    folder.mkdir()
    folder.chmod(0o757)
    assert warnings(cfg) == [told(folder, "0757", WRITE, "o-w")]


PRIVATE = [
    *("plugin.ssl_client_private", "plugin.aes.client_private"),
    *("plugin.rabbitmq.pool.1.ssl.key", "plugin.activemq.pool.12.ssl.key"),
]
PUBLIC = [
    *("plugin.ssl_client_public", "plugin.ssl_server_public", "plugin.aes.client_public"),
    *("plugin.rabbitmq.pool.1.ssl.ca", "plugin.rabbitmq.pool.1.ssl.cert"),
]


@pytest.fixture
def key(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "key.pem"
    path.touch(0o600)
    return path


@pytest.mark.parametrize("option", PRIVATE)
def test_a_private_key_that_everybody_can_read(key: pathlib.Path, option: str) -> None:
    assert Config({option: str(key)}).warnings == []
    key.chmod(0o644)
    assert Config({option: str(key)}).warnings == [told(key, "0644", READ, "o-r")]
    key.chmod(0o440)
    assert Config({option: str(key)}).warnings == []


@pytest.mark.parametrize(
    "variable",
    ["MCOLLECTIVE_SSL_PRIVATE", "MCOLLECTIVE_AES_PRIVATE", "MCOLLECTIVE_RABBITMQ_POOL1_SSL_KEY"],
)
def test_a_private_key_that_the_environment_names(key: pathlib.Path, variable: str) -> None:
    key.chmod(0o644)
    assert Config({}, environ={variable: str(key)}).warnings == [told(key, "0644", READ, "o-r")]


@pytest.mark.parametrize("option", PUBLIC)
def test_whom_we_trust_must_not_be_for_everybody_to_say(key: pathlib.Path, option: str) -> None:
    key.chmod(0o644)
    assert Config({option: f"{key}"}).warnings == []
    key.chmod(0o646)
    assert Config({option: f"{key}"}).warnings == [told(key, "0646", WRITE, "o-w")]


def test_each_of_several_authorities(key: pathlib.Path, tmp_path: pathlib.Path) -> None:
    key.chmod(0o646)
    option = {"plugin.rabbitmq.pool.1.ssl.ca": f"/nothing.pem, {key}"}
    assert Config(option).warnings == [told(key, "0646", WRITE, "o-w")]


def test_a_file_is_told_once_and_kept_when_options_change(cfg: pathlib.Path) -> None:
    cfg.write_text("plugin.psk = hush\n")
    config = Config.from_configfile(str(cfg), {}, {"plugin.psk": "other"})
    for again in (config, config.altered({"plugin.psk": "third"})):
        assert again.warnings == [told(cfg, "0644", READ, "o-r")]


def test_a_name_that_a_terminal_would_obey(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a b\x1b[2J"
    path.touch()
    path.chmod(0o666)
    (warning,) = Config({"plugin.ssl_client_private": str(path)}).warnings
    assert warning.isprintable() and f"chmod o-w,o-r '{tmp_path}/a b" in warning
