# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""No security at all: for tests, and for networks that are secured otherwise."""

from __future__ import annotations

import typing as t

from ..serializers import SERIALIZERS, Serializer
from .base import SecurityProvider, body_bytes


class NoneProvider(SecurityProvider):
    """``securityprovider = none``; ``plugin.none.serializer`` is yaml (default) or marshal."""

    def _serializer(self) -> type[Serializer]:
        return t.cast(
            "type[Serializer]",
            self.config.choose("plugin.none.serializer", SERIALIZERS, default="yaml"),
        )

    def _callerid(self) -> str:
        return f"identity={self.config.identity}"

    def sign(self, msg: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """See :meth:`.SecurityProvider.sign`."""
        return self._signed(msg, self.serializer.serialize(msg[":body"]))

    def _verified(self, msg: t.Mapping[str, t.Any]) -> bytes:
        """See :meth:`.SecurityProvider._verified`. Every message is accepted."""
        return body_bytes(msg)
