# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the cache keeps from one run to the next."""

from __future__ import annotations

import json
import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.pymco.mcollective.tests.testbed.embedded.collective import (
    EmbeddedCollective,
)

from .conftest import Source, hosts, web


@pytest.fixture
def living() -> t.Iterator[EmbeddedCollective]:
    """A collective that a test may change."""
    with EmbeddedCollective([web(1), web(2)], "psk") as collective:
        yield collective


class Cached:
    """The plugin with a cache; counts how often it asks the nodes."""

    def __init__(self, source: Source, collective: EmbeddedCollective) -> None:
        self.directory = source.path.parent / "cache"
        self._source, self._collective = source, collective

    def asked(self, cache: bool = True, **options: t.Any) -> bool:
        """Return True if the plugin has asked the nodes. The hosts are always the same two."""
        node = self._collective.nodes[0]
        before = node.requests
        kept = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile"}
        kept |= {"cache_connection": str(self.directory), "cache_timeout": 100}
        self._source.write(self._collective, **{**kept, **options})
        assert hosts(self._source.parse(cache=cache)) == ["web1", "web2"]
        return node.requests > before

    @property
    def file(self) -> Path:
        """The one file that there is."""
        (found,) = self.directory.iterdir()
        return found


@pytest.fixture
def cached(source: Source, living: EmbeddedCollective) -> Cached:
    """The plugin with a cache."""
    return Cached(source, living)


def test_a_miss_then_hits(cached: Cached) -> None:
    assert cached.asked()
    assert not cached.asked()
    assert not cached.asked()


def test_without_the_option_nothing_is_kept(cached: Cached) -> None:
    assert cached.asked(cache=False, **{"cache_plugin": None}) and cached.asked(cache_plugin=None)
    assert cached.asked(**{"cache_plugin": "ansible.builtin.jsonfile"})


def test_a_flush_asks_and_keeps_what_is_new(cached: Cached, living: EmbeddedCollective) -> None:
    """--flush-cache and meta: refresh_inventory come as cache=False."""
    assert cached.asked()
    living.nodes[0].facts["role"] = "changed"
    assert not cached.asked()
    assert "changed" not in cached.file.read_text()
    assert cached.asked(cache=False)
    assert "changed" in cached.file.read_text()
    assert not cached.asked()


def test_it_expires(cached: Cached) -> None:
    assert cached.asked()
    stat = cached.file.stat()
    import os

    os.utime(cached.file, (stat.st_atime, stat.st_mtime - 200))
    assert cached.asked()


def test_a_hit_does_not_make_it_younger(cached: Cached) -> None:
    assert cached.asked()
    before = cached.file.stat().st_mtime_ns
    assert not cached.asked()
    assert cached.file.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "options",
    [
        {"class_filters": ["common"]},
        {"fact_filters": ["role=web"]},
        {"compound_filter": "common"},
        {"identity_filters": ["/web/"]},
        {"nodes": ["web1.example.com", "web2.example.com"]},
        {"agent_filters": ["service"]},
        {"gather": ["facts"]},
        {"fact_names": ["role"]},
        {"minimum_nodes": 2},
        {"config": {"registration": "x"}},
        {"identity": "somebody.else"},
    ],
)
def test_another_option_is_a_miss(cached: Cached, options: dict[str, t.Any]) -> None:
    assert cached.asked()
    assert cached.asked(**options)
    assert not cached.asked(**options)
    assert cached.asked()


def test_another_client_cfg_is_a_miss(cached: Cached, living: EmbeddedCollective) -> None:
    assert cached.asked()
    living.write_client_cfg("client.cfg", {"ttl": "61"})
    assert cached.asked()


def test_how_hosts_are_shown_is_none_of_its_business(cached: Cached) -> None:
    assert cached.asked()
    assert not cached.asked(group_by=["class"], compose={"x": "1"}, exclude=["false"])


def test_no_secret_is_in_it(cached: Cached, living: EmbeddedCollective) -> None:
    """The cache cannot confirm a guessed secret either: other secrets make no difference."""

    def secrets(psk: str, password: str) -> dict[str, t.Any]:
        broker = {"host": "127.0.0.1", "port": living._face.port, "user": living.login.user}
        config = {"plugin.psk": psk, "plugin.rabbitmq.pool.1.password": password}
        return {"psk": psk, "config": config, "brokers": [{**broker, "password": password}]}

    assert cached.asked(**secrets(living.psk, living.login.password))
    assert "SECRET" not in cached.file.read_text()
    living.write_client_cfg("client.cfg", {"plugin.psk": "other-SECRET"})
    assert not cached.asked(**secrets("other-SECRET", "other-SECRET"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: {**entry, "nodes": "{"},
        lambda entry: {**entry, "nodes": "[" * 100_000},
        lambda entry: {**entry, "nodes": "[]"},
        lambda entry: {**entry, "nodes": None},
        lambda entry: {**entry, "nodes": '{"-x": {"identity": "-x"}}'},
        lambda entry: {**entry, "nodes": '{"web1": {"identity": "web2"}}'},
        lambda entry: {**entry, "version": 0},
        lambda entry: [],
        lambda entry: "text",
    ],
)
def test_a_damaged_cache_is_a_miss(cached: Cached, damage: t.Callable[[t.Any], t.Any]) -> None:
    assert cached.asked()
    content = json.loads(cached.file.read_text())
    wrapped = "__payload__" in content  # ansible-core's own envelope around what it keeps
    damaged = damage(json.loads(content["__payload__"]) if wrapped else content)
    kept = {**content, "__payload__": json.dumps(damaged)} if wrapped else damaged
    cached.file.write_text(json.dumps(kept))
    assert cached.asked()
    assert not cached.asked()


@pytest.mark.parametrize(
    "content",
    [
        *("null", "1", "[]", '"text"', "{}", "{", "", "\x00"),
        *('{"__payload__": null}', '{"__payload__": 1}', '{"__payload__": "{"}'),
        *('{"__payload__": "null"}', '{"__payload__": "[1]"}', '{"__payload__": {"version": 1}}'),
    ],
)
def test_a_file_that_is_no_cache_is_a_miss(cached: Cached, content: str) -> None:
    """Neither Ansible nor its cache plugin could make anything of it."""
    assert cached.asked()
    cached.file.write_text(content)
    assert cached.asked()
    assert not cached.asked()


def test_a_file_that_cannot_be_read_is_a_miss(cached: Cached, source: Source) -> None:
    assert cached.asked()
    cached.file.write_bytes(b"\xff\xfe{}")
    assert cached.asked()
    assert any("the cache cannot be read" in warning for warning in source.screen.warnings)
    assert not cached.asked()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o000])
def test_nobody_else_gets_into_the_directory_of_the_cache(
    cached: Cached, source: Source, umask: int
) -> None:
    """Ansible's own cache plugins write their files for everybody to read."""
    before = os.umask(umask)
    try:
        assert cached.asked()
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert mode(cached.directory) == 0o700
    assert source.screen.warnings == []


@pytest.mark.parametrize("permissions", [0o755, 0o711, 0o701, 0o777, 0o1777])
def test_a_directory_that_lets_everybody_in_is_told(
    cached: Cached, source: Source, permissions: int
) -> None:
    cached.directory.mkdir()
    cached.directory.chmod(permissions)
    assert cached.asked()
    assert mode(cached.directory) == permissions, "it is not ours to change"
    (warning,) = source.screen.warnings
    assert (
        f"{cached.directory} has mode {permissions:04o}: everybody on this machine can " in warning
    )
    assert f"mend it with: chmod o-rwx {cached.directory}" in warning


@pytest.mark.parametrize("permissions", [0o700, 0o750, 0o770])
def test_a_directory_for_a_group_is_as_it_is_wanted(
    cached: Cached, source: Source, permissions: int
) -> None:
    cached.directory.mkdir()
    cached.directory.chmod(permissions)
    assert cached.asked()
    assert source.screen.warnings == []


def test_a_directory_of_somebody_else(
    cached: Cached, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached.directory.mkdir()
    cached.directory.chmod(0o755)
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    assert cached.asked()
    (warning,) = source.screen.warnings
    assert "mend it by naming a directory of your own in cache_connection" in warning


@pytest.mark.parametrize(
    "options", [{"cache": False}, {"cache": True, "cache_plugin": "ansible.builtin.memory"}]
)
def test_where_no_file_is_written_nothing_is_said(
    source: Source, living: EmbeddedCollective, tmp_path: Path, options: dict[str, t.Any]
) -> None:
    tmp_path.chmod(0o755)
    source.write(living, cache_connection=str(tmp_path), **options).parse()
    assert source.screen.warnings == []


def test_a_failure_keeps_nothing(
    source: Source, cached: Cached, living: EmbeddedCollective
) -> None:
    from ansible.errors import AnsibleError

    with pytest.raises(AnsibleError):
        cached.asked(minimum_nodes=3)
    assert not cached.directory.exists() or not list(cached.directory.iterdir())
