# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets OpenSSL load what signatures need before Ansible forks.

OpenSSL builds its tables of algorithms when they are first used. In a task for one node this takes longer than
everything that the task then does with keys. Note that this plugin util is **PRIVATE** to the collection. It can have
breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import importlib

try:
    # Version 3.4.0 cannot import padding before this.
    importlib.import_module("cryptography.x509")
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False

_ANY_MODULUS = 2**1023 + 1


def warm_up() -> None:
    """Use each algorithm once: a reader of keys, random numbers, and RSA, each with a value that means nothing.

    A library that refuses this, as in FIPS mode, may refuse a task's keys as well. That is for the task to say.
    """
    if not HAS_CRYPTOGRAPHY:
        return
    with contextlib.suppress(Exception):
        pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        serialization.load_pem_private_key(pem, None)
        public = rsa.RSAPublicNumbers(65537, _ANY_MODULUS).public_key()
        with contextlib.suppress(InvalidSignature):
            public.verify(bytes(128), b"", padding.PKCS1v15(), hashes.SHA1())
