# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marshal's reader without its quick ways, which they are compared with."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import OtherKey
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.marshal_reader import (
    KEY,
    Reader,
)


class PlainReader(Reader):
    """It calls a method for each value."""

    def container(self, into: t.Any) -> t.Any:
        values, limits = self.opened(into)
        for limit in limits:
            value = self.value()
            values.append(self.keys.checked(value) if limit == KEY else value)
        if values is not into:
            assert len(values) % 2 == 0
            for key, value in zip(values[::2], values[1::2]):
                into[OtherKey(key) if key in into else key] = value
        return into

    def _is_utf8(self) -> bool:
        return False
