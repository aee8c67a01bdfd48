# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of everything that is started and stopped."""

from __future__ import annotations

import abc
import typing as t


class Service(abc.ABC):
    """Runs between `start` and `close`. As a context manager, it is closed in every path."""

    @abc.abstractmethod
    def start(self) -> None:
        """Start it, and return when it can be used."""

    @abc.abstractmethod
    def close(self) -> None:
        """End it for good. It is harmless to repeat this."""

    def __enter__(self) -> t.Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
