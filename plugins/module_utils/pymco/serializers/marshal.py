# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Ruby's Marshal format 4.8, the default on MCollective's wire.

Own code, since rubymarshal (1.2.10), the library for it, fails where a client must not: it writes
integers from 2**32 on so that Ruby reads other numbers, writes wrong links when a list is there
twice, knows neither subclasses of Hash and String nor Structs, garbles Strings that are not in
their encoding, and, on hostile input, compiles regexps, creates classes and takes quadratic time.

The format is described in Ruby's own documentation (doc/marshal.rdoc).
"""

from __future__ import annotations

import typing as t

from .. import exc
from .base import Serializer
from .marshal_reader import Reader
from .marshal_writer import Writer


def _read(payload: bytes) -> t.Any:
    reader = Reader(payload)
    value = reader.load()
    if reader.encoded or not reader.doubtful:
        return value
    del reader, value
    return Reader(payload, old=True).load()


class MarshalSerializer(Serializer):
    """``securityprovider = psk``, and ``ssl`` by default."""

    def serialize(self, msg: t.Any) -> bytes:
        """See :meth:`.Serializer.serialize`."""
        try:
            return Writer().dump(msg)
        except RecursionError as error:
            raise exc.SerializationError("cannot be written: it is nested too deeply") from error

    def deserialize(self, msg: bytes) -> t.Any:
        """See :meth:`.Serializer.deserialize`."""
        try:
            return _read(msg)
        except (ArithmeticError, IndexError, ValueError, RecursionError) as error:
            raise exc.DecodingError(f"no valid Marshal data: {error}") from error

    def embed(self, serialized: bytes) -> bytes:
        """Marshal data travel inside Marshal data as a binary String."""
        return serialized
