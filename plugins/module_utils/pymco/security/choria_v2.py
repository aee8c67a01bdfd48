# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Version 2 of Choria's protocol: ed25519 keys, and JSON Web Tokens that name callers and nodes (Go: protocol/v2).

Nodes sign their replies. Who knows the key of the organisation's issuer can verify them, and then each node can speak
for itself only.
"""

from __future__ import annotations

import binascii
import hashlib
import logging
import typing as t

from .. import exc, tokens
from ..envelope import Received
from ..json_text import is_integer, read_outer, read_text, write
from .choria_provider import (
    ChoriaProvider,
    base64_text,
    body_document,
    filter_document,
    refuse_shape,
)

if t.TYPE_CHECKING:
    from ..choria import ChoriaOptions
    from ..envelope import Envelope
    from ..settings import Settings

_NAME = "io.choria.protocol.v2."
TRANSPORT, REQUEST, REPLY = f"{_NAME}transport", f"{_NAME}request", f"{_NAME}reply"
SECURE_REQUEST, SECURE_REPLY = f"{_NAME}secure_request", f"{_NAME}secure_reply"
_REPLY_PROTOCOLS = (TRANSPORT, SECURE_REPLY, REPLY)
_REQUEST_PROTOCOLS = (TRANSPORT, SECURE_REQUEST, REQUEST)

KNOWN = 16384
"""How many tokens of nodes are remembered, with about 2 KiB each."""


class _Node(t.NamedTuple):
    """What a node's token says, once it is verified.

    :ivar key: the node's public key, one of the cryptography library's.
    :ivar expires: see :attr:`.Token.expires`.
    """

    identity: str
    key: t.Any
    expires: float | None


class ChoriaV2Provider(ChoriaProvider):
    """Signs with the seed of the client's token. The caller is the token's."""

    least_ttl = 1

    def __init__(
        self, config: Settings, options: ChoriaOptions, logger: logging.Logger | None = None
    ) -> None:
        self.config, self.options = config, options
        self._token, self._seed = self._read()
        super().__init__(config, options, logger)
        self._known: dict[str, _Node] = {}
        self._check_keys()
        if self._verifies:
            self._warn_of_stranger(options.token_file or "")

    def _callerid(self) -> str:
        return self._token.claim("callerid")

    def _check_keys(self) -> None:
        """Refuse trusted keys that are none. Warn if there are none at all."""
        options = self.options
        for key in (*options.issuers.values(), *options.trusted_signers):
            if tokens.public_key(key) is None:
                raise exc.ImproperlyConfigured(
                    f"{self.config.source}: the public key of an issuer or a trusted signer must have 64"
                    " hexadecimal digits (plugin.security.issuer.NAME.public,"
                    " plugin.security.choria.trusted_signers)"
                )
        self._verifies = self.verifies_requests = bool(options.issuers or options.trusted_signers)
        if not self._verifies:
            self.warnings.append(
                "no issuer of tokens is configured, so nothing proves which node sent a reply: set"
                " plugin.security.issuer.names = NAME and plugin.security.issuer.NAME.public to the"
                " public key of the nodes' issuer"
            )

    def _read(self) -> tuple[tokens.Token, tokens.Seed]:
        """Return the client's token and its seed. Refuse a token with which nodes would be silent."""
        options, place = self.options, "plugin.security.choria"
        path = self._path(options.token_file, "token_file", f"{place}.token_file")
        token = tokens.read_token(path)
        seed = tokens.read_seed(self._path(options.seed_file, "seed_file", f"{place}.seed_file"))
        fault = token.fault(self.now())
        if token.claim("purpose") != tokens.CLIENT:
            fault = f"is not a client's: its purpose is {token.claim('purpose') or 'missing'}"
        elif fault is not None:
            fault = f"{fault}; get a new one from its issuer"
        elif token.permits("signed_fleet_management"):
            fault = (
                "needs a remote request signer (signed_fleet_management), which is not supported"
            )
        elif not token.permits("fleet_management"):
            fault = "does not permit to call nodes: it lacks the permission fleet_management"
        elif token.public != seed.public:
            fault = f"does not belong to the seed {options.seed_file}"
        if fault is not None:
            raise exc.CredentialError(f"the client's token {path} {fault}", path)
        return token, seed

    def _renew(self) -> None:
        """See :meth:`.ChoriaProvider._renew`. Addresses of replies have the caller's name, so it must stay."""
        if self._token.fault(self.now()) is None:
            return
        token, seed = self._read()
        if token.claim("callerid") != self.callerid:
            path = self.options.token_file or ""
            words = f"the client's token {path} has expired, and the new one is another caller's"
            raise exc.CredentialError(words, path)
        self._token, self._seed = token, seed

    def _warn_of_stranger(self, path: str) -> None:
        options = self.options
        try:
            tokens.verified(
                self._token.text, options.issuers, options.trusted_signers, now=self.now()
            )
        except exc.VerificationError:
            self.warnings.append(
                f"no issuer that is configured signed the client's token {path}. Nodes with the same"
                " issuers silently drop its requests"
            )

    # -- requests ------------------------------------------------------------------------------

    def _request(self, envelope: Envelope) -> str:
        return write(
            {
                "protocol": REQUEST,
                "message": base64_text(write(body_document(envelope)).encode()),
                "id": envelope.requestid,
                "sender": envelope.identity,
                "caller": self.callerid,
                "collective": envelope.collective,
                "agent": envelope.agent,
                "ttl": envelope.ttl,
                "time": envelope.time * 10**9,
                "filter": filter_document(envelope),
            }
        )

    def _secured(self, request: bytes) -> bytes:
        document = {
            "protocol": SECURE_REQUEST,
            "request": base64_text(request),
            "signature": base64_text(self._seed.sign(request)),
            "caller": self._token.text,
        }
        return write(document).encode()

    def address(self, payload: bytes, reply_to: str) -> bytes:
        """Return the transport document. See :meth:`.BaseProvider.address`."""
        headers = {"reply": reply_to, "sender": self.config.identity}
        document = {"protocol": TRANSPORT, "data": base64_text(payload), "headers": headers}
        return write(document).encode()

    # -- replies -------------------------------------------------------------------------------

    def open(self, payload: bytes) -> Received:
        """See :meth:`.BaseProvider.open`."""
        try:
            signed, secure, sender, reply = _opened(payload, "reply", _REPLY_PROTOCOLS)
            found = Received(reply["request"], reply["sender"], reply)
            found.body = signed, secure, sender
        except (KeyError, TypeError, ValueError) as error:
            raise refuse_shape(error) from None
        return found

    def authenticate(self, received: Received) -> None:
        """See :meth:`.BaseProvider.authenticate`.

        With an issuer or a trusted signer, the node's token and signature are verified. Without, any holder of a token
        whom the broker lets publish to our reply address could have made the reply.
        """
        (signed, secure, sender), reply = received.body, received.fields
        received.body = None
        # The very bytes, as they came: to write the document anew would change them.
        if hashlib.sha256(signed).digest() != _bytes(secure.get("hash")):
            raise exc.VerificationError("the reply does not match its checksum")
        if sender != received.sender:
            raise exc.VerificationError("the reply names two senders")
        if self._verifies:
            self._verify(signed, secure, sender, secure.get("sender"))
        self._fill_in(
            received,
            agent=reply.get("agent"),
            moment=_seconds(reply.get("time")),
            message=_message(reply),
        )

    def _verify(self, signed: bytes, secure: dict[str, t.Any], sender: str, text: t.Any) -> None:
        """Verify that a node made a document.

        :param signed: the bytes of the document.
        :param text: the node's token.
        """
        signature = _bytes(secure.get("signature"))
        if not isinstance(text, str) or not text or not signature:
            # Go: plugin.security.choria.sign_replies, which is true unless a node is told otherwise.
            raise exc.VerificationError("the node does not sign what it sends", "unsigned")
        node = self._known.get(text) or self._node(text)
        if node.expires is not None and self.now() >= node.expires:
            raise exc.VerificationError("the node's token has expired", "expired")
        if node.identity != sender:
            raise exc.VerificationError("the reply names another sender than its token")
        try:
            node.key.verify(signature, signed)
        except tokens.invalid_signature():
            raise exc.VerificationError("the reply is not signed with the node's key") from None

    # -- requests of nodes ---------------------------------------------------------------------

    def open_request(self, payload: bytes) -> Received:
        """See :meth:`.BaseProvider.open_request`."""
        try:
            signed, secure, sender, request = _opened(payload, "request", _REQUEST_PROTOCOLS)
            fields = {
                ":agent": request["agent"],
                ":msgtime": _seconds(request["time"]),
                ":ttl": request["ttl"],
            }
            found = Received(request["id"], request["sender"], fields)
            found.body = signed, secure, sender, request
        except (KeyError, TypeError, ValueError) as error:
            raise refuse_shape(error) from None
        return found

    def authenticate_request(self, received: Received) -> None:
        """See :meth:`.BaseProvider.authenticate_request`. Only a node's token counts, so no client can make one."""
        signed, secure, sender, request = received.body
        received.body = None
        if sender != received.sender:
            raise exc.VerificationError("the request names two senders")
        self._verify(signed, secure, sender, secure.get("caller"))
        message = _message(request)
        try:
            body = read_text(message)
        except exc.DecodingError:
            body = message  # a file that a node registers need not be JSON
        received.fill(message.encode(), body)

    def _node(self, text: str) -> _Node:
        """Return what a node's token says, verified."""
        try:
            token = tokens.verified(
                text, self.options.issuers, self.options.trusted_signers, now=self.now()
            )
        except exc.DecodingError as error:
            raise exc.VerificationError(str(error)) from None
        key = tokens.public_key(token.public)
        if token.claim("purpose") != tokens.SERVER or key is None:
            raise exc.VerificationError("the token is not a node's")
        if len(self._known) >= KNOWN:
            del self._known[next(iter(self._known))]
        node = self._known[text] = _Node(token.claim("identity"), key, token.expires)
        return node


def _bytes(text: t.Any) -> bytes:
    """Return what Base64 stands for; nothing if it is not Base64."""
    try:
        return binascii.a2b_base64(text)
    except (TypeError, ValueError):
        return b""


def _opened(
    payload: bytes, kind: str, wanted: tuple[str, str, str]
) -> tuple[bytes, t.Any, t.Any, t.Any]:
    """Return what the documents that are in each other have: the signed bytes, the document around them, the sender
    that the outermost one names, and the document that is signed.

    :param kind: "reply" or "request".
    :param wanted: the protocols of the three documents.
    :raises exc.DecodingError: they are of others.
    :raises KeyError, TypeError, ValueError: they have another shape.
    """
    transport = read_outer(payload)
    secure = read_outer(binascii.a2b_base64(transport["data"]))
    signed = binascii.a2b_base64(secure[kind])
    document = read_outer(signed)
    if (transport["protocol"], secure["protocol"], document["protocol"]) != wanted:
        raise exc.DecodingError(f"the payload is no {kind} of version 2 of Choria's protocol")
    return signed, secure, transport["headers"]["sender"], document


def _message(document: dict[str, t.Any]) -> str:
    """Return the text of a reply's or request's body. Raises :class:`.exc.DecodingError` if there is none."""
    try:
        return str(binascii.a2b_base64(document["message"]), "utf-8")
    except (KeyError, TypeError, ValueError):
        raise exc.DecodingError("a message without a body") from None


def _seconds(nanoseconds: t.Any) -> t.Any:
    """Return a time in whole seconds. What is no integer stays as it is."""
    return nanoseconds // 10**9 if is_integer(nanoseconds) else nanoseconds
