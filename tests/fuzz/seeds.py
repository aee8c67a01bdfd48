# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Good data to begin with. Ruby writes them, or we do if there is no Ruby."""

from __future__ import annotations

import base64
import functools
import json
import shutil
import subprocess
from pathlib import Path

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    SERIALIZERS,
    Symbol,
)

SCRIPT = Path(__file__).with_name("seeds.rb")
OWN = [
    *(
        None,
        True,
        -1,
        2**31,
        2**64,
        1.5,
        float("inf"),
        "",
        "1,000",
        ":a",
        "a\nb",
        "é\u2603",
        b"\xff",
    ),
    *(Symbol("a"), Symbol("a b"), [], {}, [[1, [2]], {"a": Symbol("a"), Symbol("a"): 1, 3: None}]),
    {Symbol("statuscode"): 0, Symbol("data"): {Symbol("facts"): {"os": {"family": "Debian"}}}},
]


@functools.cache
def seeds(format_: str) -> tuple[bytes, ...]:
    """Data in "yaml" or "marshal"."""
    own = [SERIALIZERS[format_]().serialize(value) for value in OWN]
    return (*own, *_from_ruby().get(format_, ()))


@functools.cache
def _from_ruby() -> dict[str, list[bytes]]:
    if not shutil.which("ruby"):
        return {}
    done = subprocess.run(["ruby", str(SCRIPT)], capture_output=True, check=True)
    return {
        format_: [base64.b64decode(text) for text in texts]
        for format_, texts in json.loads(done.stdout).items()
    }
