# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client refuses files that are not regular or too large, and never shows their content."""

from __future__ import annotations

import os
import pathlib
import signal
import types
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc, files
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import lookup
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.find import read_flatfile
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    closed_port,
    to,
)

PATIENCE = 60
"""Seconds after which a reader that waits for ever fails the test instead."""
Reader = t.Callable[[pathlib.Path, certificates.KeyPairs], object]
pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
def impatient() -> t.Iterator[None]:
    """Ends a test whose reader waits for a file's other end."""

    def give_up(_signal: int, _frame: types.FrameType | None) -> None:
        raise AssertionError("the file is still waited for")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def client_cfg(path: pathlib.Path, _keys: certificates.KeyPairs) -> object:
    return Config.from_configfile(str(path), {})


def plugin_file(path: pathlib.Path, _keys: certificates.KeyPairs) -> object:
    main = path.parent / "client.cfg"
    main.write_text("connector = rabbitmq\n")
    (path.parent / "plugin.d").mkdir(exist_ok=True)
    (path.parent / "plugin.d" / "rabbitmq.cfg").symlink_to(path)
    return Config.from_configfile(str(main), {})


def flatfile(path: pathlib.Path, _keys: certificates.KeyPairs) -> object:
    return read_flatfile(str(path))


def ddl_file(path: pathlib.Path, _keys: certificates.KeyPairs) -> object:
    named = path.parent / "x.ddl"
    named.symlink_to(path)
    return ddl.read_file(str(named), "agent", "x")


def provider(option: str) -> Reader:
    """Reads the key that an option of a security provider names."""

    def read(path: pathlib.Path, keys: certificates.KeyPairs) -> object:
        options = {
            "identity": "me",
            "plugin.ssl_client_private": keys.client_private,
            "plugin.ssl_client_public": keys.client_public,
            "plugin.ssl_server_public": keys.server_public,
            "plugin.aes.client_private": keys.client_private,
            "plugin.aes.client_public": keys.client_public,
        }
        name = "aes_security" if option.startswith("plugin.aes") else "ssl"
        return Config({**options, "securityprovider": name, option: str(path)}).get_security()

    return read


def tls(option: str) -> Reader:
    """Hands OpenSSL the file that an option of a broker names."""

    def read(path: pathlib.Path, keys: certificates.KeyPairs) -> object:
        given = {"ca": "", "cert": keys.client_public, "key": keys.client_private}
        given[option] = str(path)
        more = {f"pool__1__ssl__{name}": value for name, value in given.items()}
        return to(closed_port(), pool__1__ssl="1", **more).connect()

    return read


READERS: dict[str, tuple[Reader, int]] = {
    "client.cfg": (client_cfg, files.MAX_SIZE),
    "plugin.d": (plugin_file, files.MAX_SIZE),
    "flatfile": (flatfile, files.MAX_LIST_SIZE),
    "DDL": (ddl_file, lookup.MAX_SIZE),
    "ssl client_private": (provider("plugin.ssl_client_private"), files.MAX_SIZE),
    "ssl server_public": (provider("plugin.ssl_server_public"), files.MAX_SIZE),
    "aes client_private": (provider("plugin.aes.client_private"), files.MAX_SIZE),
    "aes client_public": (provider("plugin.aes.client_public"), files.MAX_SIZE),
    "ssl.ca": (tls("ca"), files.MAX_LIST_SIZE),
    "ssl.cert": (tls("cert"), files.MAX_SIZE),
    "ssl.key": (tls("key"), files.MAX_SIZE),
}


@pytest.fixture(params=sorted(READERS))
def reader(request: pytest.FixtureRequest) -> tuple[Reader, int]:
    """What reads a file, and the bytes that it takes at the most."""
    return READERS[request.param]


def refusal(read: Reader, path: pathlib.Path, keys: certificates.KeyPairs) -> str:
    """Why a file is refused; the file is named."""
    with pytest.raises((exc.ImproperlyConfigured, exc.BadRequest, exc.UnreadableDDL)) as caught:
        read(path, keys)
    message = str(caught.value)
    assert str(path.parent) in message
    return message


def test_a_fifo(
    reader: tuple[Reader, int], rsa_keys: certificates.KeyPairs, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "file"
    os.mkfifo(path)
    assert "it is a fifo, and only regular files are read" in refusal(reader[0], path, rsa_keys)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full"])
def test_a_device(
    device: str, reader: tuple[Reader, int], rsa_keys: certificates.KeyPairs, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "file"
    path.symlink_to(device)
    assert "it is a device, and only regular files are read" in refusal(reader[0], path, rsa_keys)


def test_a_directory(
    reader: tuple[Reader, int], rsa_keys: certificates.KeyPairs, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "file"
    path.mkdir()
    message = refusal(reader[0], path, rsa_keys)
    assert "it is a directory, and only regular files are read" in message


def test_a_file_that_is_too_large(
    reader: tuple[Reader, int], rsa_keys: certificates.KeyPairs, tmp_path: pathlib.Path
) -> None:
    """It is sparse, so that it takes no room itself."""
    read, most = reader
    path = tmp_path / "file"
    path.touch()
    os.truncate(path, most + 1)
    assert f"it has more than {most} bytes" in refusal(read, path, rsa_keys)


def test_a_file_of_zeros_that_is_just_small_enough_is_read(
    reader: tuple[Reader, int], rsa_keys: certificates.KeyPairs, tmp_path: pathlib.Path
) -> None:
    read, most = reader
    path = tmp_path / "file"
    path.touch()
    os.truncate(path, most)
    try:
        read(path, rsa_keys)
    except exc.PyMcoException as error:
        assert "bytes" not in str(error)


def test_a_file_that_grows_is_cut_off(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    descriptor = files.open_regular(str(path), most=10)
    path.write_bytes(b"x" * 11)
    with pytest.raises(OSError, match="more than 10 bytes"):
        files.read_descriptor(descriptor, str(path), most=10)


def test_an_error_shows_nothing_of_a_file(
    reader: tuple[Reader, int], rsa_keys: certificates.KeyPairs, tmp_path: pathlib.Path
) -> None:
    """As for a key that is named in place of the intended file."""
    path = tmp_path / "file"
    path.write_bytes(b"\xf1SECRET \xf2\n")
    message = refusal(reader[0], path, rsa_keys)
    assert "SECRET" not in message and "xf1" not in message.lower()


def test_a_device_is_not_opened(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some devices begin to act when they are opened, such as a watchdog."""

    def opened(*_arguments: object, **_options: object) -> int:
        raise AssertionError("it was opened")

    monkeypatch.setattr("os.open", opened)
    with pytest.raises(OSError, match="a device"):
        files.read_bytes("/dev/null")


def test_a_swapped_file_is_refused_too(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fifo that takes the file's place between the look and the opening."""
    path, found = tmp_path / "file", os.stat(__file__)
    os.mkfifo(path)
    monkeypatch.setattr("os.stat", lambda *_arguments, **_options: found)
    with pytest.raises(OSError, match="a fifo"):
        files.read_bytes(str(path))


def test_a_name_that_no_file_has() -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="there can be no file of this name"):
        files.read_text("a\0b", "the configuration file")
