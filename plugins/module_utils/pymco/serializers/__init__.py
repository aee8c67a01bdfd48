# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The serializers, by the name that a configuration uses."""

from __future__ import annotations

from .base import OtherKey, Regexp, Serializer, Symbol, symbolize, with_symbols
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

SERIALIZERS: dict[str, type[Serializer]] = {
    "marshal": MarshalSerializer,
    "yaml": YamlSerializer,
}


# -- python-mcollective's --------------------------------------------------------------------------

SerializerBase = Serializer
"""python-mcollective's name."""

serialize, deserialize = Serializer.serialize, Serializer.deserialize
"""Its documentation has the abstract methods as functions of the module too."""
