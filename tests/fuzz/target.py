# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of targets, and what each target must have."""

from __future__ import annotations

import abc
import functools
import importlib
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.base import (
    MAX_VALUES,
)

if t.TYPE_CHECKING:
    import random

PER_VALUE, PER_BYTE = 640, 16
"""Bytes of memory that a serializer may take, as its docstring (Serializer.deserialize) states."""


class Target(abc.ABC):
    """Something that reads inputs."""

    @abc.abstractmethod
    def seeds(self) -> t.Iterable[bytes]:
        """Return good inputs to begin with."""

    @abc.abstractmethod
    def change(self, chance: random.Random, corpus: t.Sequence[bytes]) -> bytes:
        """Return a new input, made from others or at random."""

    @abc.abstractmethod
    def run(self, payload: bytes) -> str:
        """Read an input. Returns "accepted" or "refused" and what else tells its kind from others; raises
        what it must not raise."""

    def memory(self, size: int) -> int:
        """Return the bytes of memory that reading an input of this size may take, in addition to a constant."""
        return PER_VALUE * min(size, MAX_VALUES) + PER_BYTE * size


def _payloads() -> dict[str, t.Callable[[], Target]]:
    from . import targets_payloads

    return {
        f"payload-{variant.name}": functools.partial(targets_payloads.PayloadTarget, variant)
        for variant in targets_payloads.variants()
    }


def _from(module: str, name: str) -> Target:
    found = importlib.import_module(f".targets_{module}", __package__)
    return t.cast(Target, getattr(found, name)())


DECODERS: dict[str, t.Callable[[], Target]] = {
    "yaml": lambda: _from("serializers", "YamlTarget"),
    "marshal": lambda: _from("serializers", "MarshalTarget"),
    "frames": lambda: _from("frames", "FramesTarget"),
    "nats": lambda: _from("nats", "NatsTarget"),
}
CHORIA: dict[str, t.Callable[[], Target]] = {
    "json": lambda: _from("choria", "JsonTarget"),
    "choria-v1": lambda: _from("choria", "ChoriaV1Target"),
    "choria-v2": lambda: _from("choria", "ChoriaV2Target"),
    "token": lambda: _from("choria", "TokenTarget"),
}
TEXTS: dict[str, t.Callable[[], Target]] = {
    "config": lambda: _from("texts", "ConfigTarget"),
    "filters": lambda: _from("texts", "FiltersTarget"),
    "ddl": lambda: _from("ddl", "DdlTarget"),
}


def names() -> list[str]:
    """All targets, the longest first."""
    return [*DECODERS, *CHORIA, *_payloads(), *TEXTS]


def target_named(name: str) -> Target:
    """A target, ready for use."""
    return ({**DECODERS, **CHORIA, **TEXTS}.get(name) or _payloads()[name])()


def share(name: str) -> float:
    """Which part of a decoder's time a target gets. All of Choria's together get as much as one, since a decoder in C is
    below them. All payloads together get twice a decoder's: below
    their signatures are the decoders again. Parsers of local text get little."""
    if name in DECODERS:
        return 1
    if name in CHORIA:
        return 1 / len(CHORIA)
    return 1 / 6 if name in TEXTS else 2 / len(_payloads())
