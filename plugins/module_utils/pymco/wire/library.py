# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What is used of stomp.py, loaded without its side effects."""

from __future__ import annotations

import logging
import os

# On import, stomp.py looks its own host up in the DNS, for a feature that we do not use.
_SCAN = "STOMP_SKIP_HOSTNAME_SCAN"
_scan_before = os.environ.get(_SCAN)
os.environ[_SCAN] = "1"
try:
    from stomp.utils import Frame, convert_frame, parse_frame

    HAS_STOMP = True
except (ImportError, AttributeError):
    # AttributeError: 6.0 and 8.0 load pyOpenSSL, and one that is too old for cryptography breaks so.
    Frame = convert_frame = parse_frame = None
    HAS_STOMP = False
finally:
    if _scan_before is None:
        del os.environ[_SCAN]
    else:
        os.environ[_SCAN] = _scan_before

logging.getLogger("stomp.py").addHandler(logging.NullHandler())

__all__ = ["HAS_STOMP", "Frame", "convert_frame", "parse_frame"]
