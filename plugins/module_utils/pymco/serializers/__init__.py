# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The serializers, by the name that a configuration uses."""

from __future__ import annotations

import typing as t

from ..choices import Choices
from .base import OtherKey, Regexp, Serializer, Symbol, symbolize, with_symbols

if t.TYPE_CHECKING:
    from .marshal import MarshalSerializer
    from .yaml import YamlSerializer

__all__ = [
    "SERIALIZERS",
    "MarshalSerializer",
    "OtherKey",
    "Regexp",
    "Serializer",
    "SerializerBase",
    "Symbol",
    "YamlSerializer",
    "deserialize",
    "serialize",
    "symbolize",
    "with_symbols",
]

SERIALIZERS: Choices[type[Serializer]] = Choices(
    __name__, {"marshal": ("marshal", "MarshalSerializer"), "yaml": ("yaml", "YamlSerializer")}
)


def __getattr__(name: str) -> t.Any:
    """Return a serializer by the name of its class."""
    for found in ("marshal", "yaml"):
        if name == f"{found.capitalize()}Serializer":
            return SERIALIZERS[found]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# -- python-mcollective's --------------------------------------------------------------------------

SerializerBase = Serializer
"""python-mcollective's name."""

serialize, deserialize = Serializer.serialize, Serializer.deserialize
"""Its documentation has the abstract methods as functions of the module too."""
