# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of the client share."""

from __future__ import annotations

import contextlib
import os
import threading
import typing as t

import pytest

from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
    ruby,
)

RUBY = pytest.StashKey[ruby.Ruby]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Called by pytest. ansible-test runs each test in a fork, which sets up all fixtures anew, so what takes long to
    make is made here."""
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if wanted & {"authority", "rsa_keys"}:
        certificates.make_shared_keys()
    if "oracle" in wanted and ruby.available():
        running = contextlib.ExitStack()
        session.config.stash[RUBY] = running.enter_context(ruby.Ruby())
        session.config.add_cleanup(running.close)


@pytest.fixture(scope="session")
def oracle(pytestconfig: pytest.Config) -> ruby.Ruby:
    """A Ruby that says what it reads and writes what it is told."""
    if RUBY not in pytestconfig.stash:
        pytest.skip("no ruby on the PATH: nothing can tell what Ruby reads")
    return pytestconfig.stash[RUBY]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> certificates.Authority:
    """A certificate authority for the tests' brokers."""
    return certificates.Authority(
        tmp_path_factory.mktemp("ca"), key=certificates.shared_key("authority")
    )


@pytest.fixture(scope="session")
def rsa_keys(tmp_path_factory: pytest.TempPathFactory) -> certificates.KeyPairs:
    """The key pairs of a client and of the nodes."""
    return certificates.KeyPairs(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def pair(authority: certificates.Authority) -> tuple[str, str]:
    """The files of the certificate and key of Choria's client alice."""
    return authority.issue("alice.mcollective")


@pytest.fixture
def no_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as somebody else than root."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)


@pytest.fixture
def nothing_left() -> t.Iterator[None]:
    """Fails the test when it leaves a thread or a file descriptor behind."""
    threads, descriptors = set(threading.enumerate()), _descriptors()
    yield
    assert set(threading.enumerate()) - threads == set()
    assert _descriptors() - descriptors == set()


def _descriptors() -> set[tuple[str, str]]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the directory's own is closed by now
            found.add((name, os.readlink(f"/proc/self/fd/{name}")))
    return found
