# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The client's logger.

It gets what the client does, at debug level: names, numbers and addresses. No record has a body, a
password or a key.
"""

from __future__ import annotations

import logging
import typing as t

LOG = logging.getLogger("pymco")
"""The logger where no other is given. Its name is the same wherever the package lies."""


def debug(logger: logging.Logger) -> t.Callable[..., None] | None:
    """Return a logger's method ``debug``, or None if nobody wants its records.

    Code that runs for every reply asks once, and then only looks at the result.
    """
    return logger.debug if logger.isEnabledFor(logging.DEBUG) else None
