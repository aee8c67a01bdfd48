# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The serializers, by the name that a configuration uses."""

from __future__ import annotations

from .base import Serializer, Symbol, symbolize
from .marshal import MarshalSerializer
from .yaml import YamlSerializer

__all__ = [
    "SERIALIZERS",
    "MarshalSerializer",
    "Serializer",
    "Symbol",
    "YamlSerializer",
    "symbolize",
]

SERIALIZERS: dict[str, type[Serializer]] = {
    "marshal": MarshalSerializer,
    "yaml": YamlSerializer,
}
