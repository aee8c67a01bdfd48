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


@pytest.fixture(scope="session")
def oracle() -> t.Iterator[ruby.Ruby]:
    """A Ruby that says what it reads and writes what it is told."""
    if not ruby.available():
        pytest.skip("no ruby on the PATH: nothing can tell what Ruby reads")
    with ruby.Ruby() as process:
        yield process


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> certificates.Authority:
    """A certificate authority for the tests' brokers."""
    return certificates.Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def rsa_keys(tmp_path_factory: pytest.TempPathFactory) -> certificates.KeyPairs:
    """The key pairs of a client and of the nodes."""
    return certificates.KeyPairs(tmp_path_factory.mktemp("keys"))


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
