# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Choria's JSON Web Tokens and ed25519 seeds (Go: choria-io/tokens).

A token is ``HEADER.CLAIMS.SIGNATURE``, each in Base64url without padding. An organisation issuer signs it, or somebody
for whom the issuer vouches in the claims ``iss`` and ``tcs``. Only ed25519 signatures are taken. So whoever can write a
token's header cannot choose a weaker proof.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import re
import typing as t

from . import exc, files, json_text

NEEDED_BY = "version 2 of Choria's protocol"
CLIENT, SERVER = "choria_client_id", "choria_server"
"""What a token is for: its claim ``purpose``."""
MAX_TOKEN = 32 * 1024
"""Characters of a token. Real ones have about 700."""

_PART = re.compile(r"[A-Za-z0-9_-]*")
"""Base64url without padding. Python's decoder takes "+", "/" and "=" too."""
_CHAIN = re.compile(r"C-(?P<holder>(?P<id>[^.]+)\.(?P<key>[0-9a-fA-F]{64}))")
"""The claim ``iss`` of a token that another token's holder signed: the id and the key of that token."""


@dataclasses.dataclass(frozen=True)
class Token:
    """A token.

    :ivar text: as it is sent.
    :ivar claims: what it says.
    """

    text: str = dataclasses.field(repr=False)
    claims: t.Mapping[str, t.Any]

    def claim(self, name: str) -> str:
        """Return a claim; the empty text if it is missing or not a text."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""

    @property
    def public(self) -> str:
        """The holder's public key, 64 hexadecimal digits in lower case; or empty."""
        return self.claim("public_key").lower()

    @property
    def expires(self) -> float | None:
        """When it ends, in seconds since 1970; None: never. The token of the one who signed it may end sooner."""
        times = [self._time(name) for name in ("exp", "issexp")]
        return min((time for time in times if time is not None), default=None)

    def fault(self, now: float) -> str | None:
        """Return why it does not hold at this time, or None.

        :param now: in seconds since 1970.
        """
        expires, begins = self.expires, self._time("nbf")
        if expires is not None and now >= expires:
            return "has expired"
        if begins is not None and now < begins:
            return "is not valid yet"
        return None

    def permits(self, name: str) -> bool:
        """Return True if it has a permission."""
        permissions = self.claims.get("permissions")
        return isinstance(permissions, dict) and permissions.get(name) is True

    def _time(self, name: str) -> float | None:
        value = self.claims.get(name)
        if value is None:
            return None
        # What is no time has passed.
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0


def parse(text: str) -> Token:
    """Read a token. Nothing in it is verified.

    :raises exc.DecodingError: it is not a token.
    """
    return _parts(text)[0]


def _parts(text: str) -> tuple[Token, bytes, bytes]:
    """Return a token, the bytes that are signed, and the signature."""
    if len(text) > MAX_TOKEN:
        raise exc.DecodingError(f"a token of more than {MAX_TOKEN} characters")
    try:
        signed, _dot, signature = text.rpartition(".")
        header, claims = (json_text.read_unique(_decoded(part)) for part in signed.split("."))
        if header["alg"] != "EdDSA" or not isinstance(claims, dict):
            raise ValueError
        return Token(text, claims), signed.encode("ascii"), _decoded(signature)
    except (KeyError, TypeError, ValueError):
        raise exc.DecodingError("it is not a token with an ed25519 signature") from None


def _decoded(part: str) -> bytes:
    if not _PART.fullmatch(part):
        raise ValueError(part)
    padded = part + "=" * (-len(part) % 4)
    return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)


# -- trust -----------------------------------------------------------------------------------------


def verified(
    text: str, issuers: t.Mapping[str, str], signers: t.Iterable[str] = (), *, now: float
) -> Token:
    """Return a token that somebody trusted signed, and that holds now.

    :param issuers: the public key of each organisation. A token names its organisation in the claim ``ou``.
    :param signers: public keys of those who may sign tokens of any organisation.
    :param now: in seconds since 1970.
    :raises exc.DecodingError: it is not a token.
    :raises exc.VerificationError: nobody trusted signed it, or it does not hold now.
    """
    token, signed, signature = _parts(text)
    issuer = issuers.get(token.claim("ou"))
    keys = [*([issuer] if issuer else []), *signers]
    if not any(_is_signed_for(key, token, signed, signature) for key in keys):
        raise exc.VerificationError("nobody trusted signed the token", "untrusted")
    fault = token.fault(now)
    if fault is not None:
        raise exc.VerificationError(f"the token {fault}", "expired")
    return token


def _is_signed_for(key: str, token: Token, signed: bytes, signature: bytes) -> bool:
    """Return True if the holder of a key signed a token, or vouches for the one who did.

    The claims of a token of the second kind are ``iss``, ``C-ID.KEY`` of who signed it, and ``tcs``: the trusted one's
    signature over ``ID.KEY``, a dot, and KEY's signature over the token's own id, a dot and the first signature, both
    in hexadecimal digits (Go: tokens/standard.go, IsSignedByIssuer).
    """
    if not token.claim("iss").startswith("C-"):
        return is_signed(key, signed, signature)
    chain = _CHAIN.fullmatch(token.claim("iss"))
    vouched, _dot, own = token.claim("tcs").partition(".")
    if chain is None or token.claims.get("issexp") is None:
        return False
    return (
        is_signed(key, chain["holder"].encode(), _hexadecimal(vouched))
        and is_signed(chain["key"], f"{token.claim('jti')}.{vouched}".encode(), _hexadecimal(own))
        and is_signed(chain["key"], signed, signature)
    )


def is_signed(key: str, data: bytes, signature: bytes) -> bool:
    """Return True if the holder of a public key signed data. A key that is none has signed nothing."""
    found = public_key(key)
    if found is None:
        return False
    try:
        found.verify(signature, data)
    except invalid_signature():
        return False
    return True


def invalid_signature() -> type[Exception]:
    """Return what a key of the cryptography library raises for a wrong signature."""
    from cryptography.exceptions import InvalidSignature

    return t.cast("type[Exception]", InvalidSignature)


@functools.lru_cache(maxsize=32)
def public_key(digits: str) -> t.Any:
    """Return an ed25519 public key of the cryptography library, or None if these are not 64 hexadecimal digits.

    :raises exc.MissingDependency: the cryptography library is missing.
    """
    raw = _hexadecimal(digits)
    try:
        return _ed25519().Ed25519PublicKey.from_public_bytes(raw) if len(raw) == 32 else None
    except ValueError:
        return None


def _hexadecimal(digits: str) -> bytes:
    """Return what hexadecimal digits stand for, or nothing."""
    try:
        return binascii.unhexlify(digits)
    except ValueError:
        return b""


def _ed25519() -> t.Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise exc.MissingDependency("cryptography", NEEDED_BY) from error
    return ed25519


# -- files -----------------------------------------------------------------------------------------


class Seed:
    """The secret half of the key that a token names.

    :param seed: 32 bytes.
    :raises exc.MissingDependency: the cryptography library is missing.
    :ivar public: the public key, 64 hexadecimal digits in lower case.
    """

    def __init__(self, seed: bytes) -> None:
        from_bytes = _ed25519().Ed25519PrivateKey.from_private_bytes
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self._key = from_bytes(seed)
        self.public: str = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def sign(self, data: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return bytes(self._key.sign(data))

    def answer(self, nonce: str) -> str:
        """Return the signature that a broker wants when somebody logs in, in Base64url without padding.

        :param nonce: the broker's, from INFO.
        """
        return base64.urlsafe_b64encode(self.sign(nonce.encode())).rstrip(b"=").decode()


def read_token(path: str) -> Token:
    """Read a token's file. Nothing in it is verified.

    :raises exc.CredentialError: the file cannot be read, or holds no token. Its content is not shown.
    """
    try:
        return parse(_read(path, "the token").strip())
    except exc.DecodingError as error:
        raise exc.CredentialError(
            f"the file {path} holds no token of Choria: {error}", path
        ) from None


def read_seed(path: str) -> Seed:
    """Read a seed's file: 64 hexadecimal digits.

    :raises exc.CredentialError: the file cannot be read, or holds no seed. Its content is not shown.
    """
    text = _read(path, "the seed").strip()
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        words = (
            f"the file {path} holds no seed: it must have 64 hexadecimal digits and nothing else"
        )
        raise exc.CredentialError(words, path)
    return Seed(bytes.fromhex(text))


def _read(path: str, what: str) -> str:
    try:
        return files.read_bytes(path).decode("ascii")
    except UnicodeDecodeError:
        raise exc.CredentialError(
            f"the file {path} is not {what}: it has binary data", path
        ) from None
    except (OSError, ValueError) as error:
        words = f"cannot read {what} {path}: {files.why(error)}"
        raise exc.CredentialError(words, path) from None
