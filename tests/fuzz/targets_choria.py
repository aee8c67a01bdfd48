# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Choria's nodes send: JSON, replies of both versions through the intake, and tokens.

An input is a digit and bytes. The digit says which of the documents in each other the bytes stand for, from 0, the outermost.
Everything around them is right: checksums, signatures and tokens too.
"""

from __future__ import annotations

import abc
import json
import re
import tempfile
import typing as t
from pathlib import Path

from testbed.certificates import Authority

from ansible_collections.pymco.mcollective.plugins.module_utils._task.values import to_json
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, json_text, tokens
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.choria import ChoriaOptions
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Intake
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.choria_v1 import (
    ChoriaV1Provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.choria_v2 import (
    ChoriaV2Provider,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    choria_nodes as nodes,
)

from .mutation import NUMBERS, Mutator
from .target import Target
from .targets_serializers import check_plain, shape, wording

if t.TYPE_CHECKING:
    import random

REASONS = {
    *("undecodable", "other_request", "malformed", "unexpected"),
    *("forged", "unsigned", "untrusted", "expired"),
}
WORDS = [
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"\\",
        b'\\"',
        b"\\\\",
        b" ",
        b"\n",
        b"\xef\xbb\xbf",
    ),
    *(b"null", b"true", b"false", b"NaN", b"-Infinity", b"1e999", b"1e-999", b"-0", b"0.1", b"00"),
    *(
        b"\\ud800",
        b"\\udc00",
        b"\\ud83d\\ude00",
        b"\\u0000",
        b"\xed\xa0\x80",
        b"\xff",
        b"\xe2\x80\xa8",
    ),
    *(b'"statuscode":0', b'"data":"{}"', b'"senderid":"web1"', b'"requestid":1', b'"time":1.5'),
    *(b"=", b"-", b"_", b".", b"e30=", b"bnVsbA==", b"pong", b'"pong"', b"\0"),
    *NUMBERS,
]
ODD_VALUES: list[t.Any] = [
    *(None, True, 0, -1, 1.5, 10**30, "", "x", "é", "\ud800", [], {}, [[]], {"": None}, "{}", "[]"),
    *([1] * 1000, "[" * 1000, "A" * 1001, {"protocol": "choria:transport:1"}),
]


def mistype(chance: random.Random, data: bytearray, _corpus: t.Sequence[bytes]) -> None:
    """Give a field of a document a value of another type, or take it away, or have it twice."""
    try:
        document = json.loads(data)
        places = list(_places(document))
        container, key = chance.choice(places)
    except (ValueError, IndexError, RecursionError):
        return
    if chance.random() < 0.1:
        del container[key]
    elif chance.random() < 0.1 and isinstance(container, dict):
        text = json.dumps(document)
        name = json.dumps(key) + ": "
        data[:] = text.replace(
            name, f"{name}{json.dumps(chance.choice(ODD_VALUES))}, {name}"
        ).encode()
        return
    else:
        container[key] = chance.choice(ODD_VALUES)
    data[:] = json.dumps(document).encode()


def _places(value: t.Any) -> t.Iterator[tuple[t.Any, t.Any]]:
    """Yield each field of a document: the object or list that has it, and its key or index."""
    left = [value]
    while left:
        container = left.pop()
        items: t.Iterable[tuple[t.Any, t.Any]] = ()
        if isinstance(container, dict):
            items = container.items()
        elif isinstance(container, list):
            items = enumerate(container)
        for key, item in items:
            yield container, key
            left.append(item)


class DocumentsTarget(Target):
    """Documents in each other."""

    def __init__(self) -> None:
        self._mutator = Mutator(WORDS, [mistype])

    def change(self, chance: random.Random, corpus: t.Sequence[bytes]) -> bytes:
        """Change one of the documents."""
        depth = chance.choice(corpus)[:1]
        if chance.random() < 0.01:
            return depth + chance.choice(WORDS) * chance.choice((100, 1000, 50_000))
        return depth + self._mutator.change(chance, [e[1:] for e in corpus if e[:1] == depth])

    @abc.abstractmethod
    def wrapped(self, depth: int, document: bytes) -> bytes:
        """Return the outermost document, with this one inside."""


class JsonTarget(DocumentsTarget):
    """JSON, compared with Python's own reader."""

    def seeds(self) -> t.Iterable[bytes]:
        """All that JSON has."""
        return [
            b'0{"a": [1, -2.5e3, true, false, null], "b": {"c": "x", "\\u00e9": "\xc3\xa9\\n"}}',
            b"0[]",
            b'0 "\\ud83d\\ude00" ',
            b"0" + nodes.v1_reply(),
        ]

    def wrapped(self, depth: int, document: bytes) -> bytes:
        """It stands alone."""
        return document

    def run(self, payload: bytes) -> str:
        """Read it, and write what was read."""
        document = payload[1:]
        try:
            value = json_text.read(document)
        except exc.DecodingError as error:
            return f"refused {wording(error)}"
        check_plain(value)
        assert json_text.read(json.dumps(value, ensure_ascii=False).encode()) == value
        assert json_text.read_text(json_text.write(value)) == value, "it cannot be written"
        if b"\\u" not in document:
            assert json.loads(document) == value, "Python reads something else"
        return f"accepted {shape(value)}"


class ReplyTarget(DocumentsTarget):
    """Replies of one version: 0 the transport document, 1 the secure one, 2 the reply, 3 the body."""

    good: t.ClassVar[t.Callable[..., bytes]]

    def __init__(self) -> None:
        super().__init__()
        with tempfile.TemporaryDirectory(prefix="mcollective-fuzz-choria-") as directory:
            self._security = self._provider(Path(directory))

    @abc.abstractmethod
    def _provider(self, directory: Path) -> ChoriaV1Provider | ChoriaV2Provider:
        """Return a provider. It may put files into the directory."""

    @abc.abstractmethod
    def documents(self, reply: bytes) -> list[bytes]:
        """Return the documents of a reply, the outermost first."""

    def seeds(self) -> t.Iterable[bytes]:
        """Each document of good replies."""
        good = []
        for body in (nodes.BODY, "pong", {"statuscode": 1, "statusmsg": "no", "data": "{}"}):
            documents = self.documents(type(self).good(body))
            good += [str(depth).encode() + text for depth, text in enumerate(documents)]
        assert all(
            self.run(seed).startswith("accepted") for seed in good
        ), "a good reply is refused"
        return good

    def memory(self, size: int) -> int:
        """Four documents are read, and each has all inner ones as a text."""
        return 4 * super().memory(2 * size)

    def run(self, payload: bytes) -> str:
        """Take in a reply, and turn the result into JSON as for Ansible."""
        reply = self.wrapped(int(payload[:1] or b"0"), payload[1:])
        intake = Intake(self._security, nodes.REQUESTID, ["web1"])
        taken = intake.take(reply)
        rejected = set(intake.outcome.rejected)
        assert taken != bool(rejected), "neither taken nor rejected, or both"
        assert rejected <= REASONS, rejected
        if not taken:
            return f"refused {payload[:1]!r} {rejected}"
        fields = intake.outcome.replies["web1"].fields
        json.dumps(to_json(fields), ensure_ascii=False).encode()
        return f"accepted {payload[:1]!r} {shape(fields)}"


class ChoriaV1Target(ReplyTarget):
    """Replies of version 1."""

    good = staticmethod(nodes.v1_reply)

    def _provider(self, directory: Path) -> ChoriaV1Provider:
        name = "alice.mcollective"
        own = Authority(directory).client(name)
        options = ChoriaOptions(1, (), cert=str(own.path), key=str(own.key), certname=name)
        return ChoriaV1Provider(Config({"securityprovider": "choria"}), options)

    def documents(self, reply: bytes) -> list[bytes]:
        """See :meth:`.ReplyTarget.documents`."""
        return nodes.v1_documents(reply)

    def wrapped(self, depth: int, document: bytes) -> bytes:
        """See :meth:`.DocumentsTarget.wrapped`."""
        return nodes.v1_wrapped(depth, document)


class ChoriaV2Target(ReplyTarget):
    """Replies of version 2."""

    good = staticmethod(nodes.v2_reply)

    def _provider(self, directory: Path) -> ChoriaV2Provider:
        token, seed = directory / "token", directory / "seed"
        token.write_text(nodes.ISSUER.token(nodes.client_claims(exp=None)))
        seed.write_text(nodes.CALLER.seed.hex())
        options = ChoriaOptions(
            2,
            (),
            token_file=str(token),
            seed_file=str(seed),
            issuers={"choria": nodes.ISSUER.public},
        )
        found = ChoriaV2Provider(Config({"securityprovider": "choria"}), options)
        found.now = lambda: nodes.NOW  # type: ignore[method-assign]
        return found

    def documents(self, reply: bytes) -> list[bytes]:
        """See :meth:`.ReplyTarget.documents`."""
        return nodes.v2_documents(reply)

    def wrapped(self, depth: int, document: bytes) -> bytes:
        """See :meth:`.DocumentsTarget.wrapped`."""
        return nodes.v2_wrapped(depth, document)


class TokenTarget(DocumentsTarget):
    """Tokens: 0 the text, 1 the header, 2 the claims. The issuer signs the last two."""

    issuers: t.ClassVar[dict[str, str]] = {"choria": nodes.ISSUER.public}

    def seeds(self) -> t.Iterable[bytes]:
        """Tokens of a caller, of a node and of somebody with a chain."""
        claims = [
            nodes.client_claims(),
            nodes.server_claims(),
            nodes.client_claims(
                iss=f"C-id.{nodes.CALLER.public}", tcs="00.00", issexp=nodes.NOW + 9
            ),
        ]
        return [
            *(b"0" + nodes.ISSUER.token(each).encode() for each in claims),
            b'1{"alg":"EdDSA","typ":"JWT"}',
            *(b"2" + json.dumps(each).encode() for each in claims),
        ]

    def wrapped(self, depth: int, document: bytes) -> bytes:
        """Return the text of a token."""
        if depth == 0:
            return document
        parts = [b'{"alg":"EdDSA"}', json.dumps(nodes.server_claims()).encode()]
        parts[depth - 1] = document
        return nodes.ISSUER.token_of(*parts).encode()

    def run(self, payload: bytes) -> str:
        """Verify it, and ask it for everything."""
        depth = int(payload[:1] or b"0")
        text = self.wrapped(depth, payload[1:]).decode("utf-8", "surrogateescape")
        kinds = []
        for read in (tokens.parse, self._verified):
            try:
                token = read(text)
            except exc.DecodingError as error:
                return f"refused {depth} {wording(error)}"
            except exc.VerificationError as error:
                kinds.append(error.reason)
                continue
            key = tokens.public_key(token.public)
            kinds += [str(token.fault(nodes.NOW)), type(key).__name__]
            kinds += [str(token.permits("fleet_management")), type(token.expires).__name__]
            assert re.fullmatch(
                r"[\w\-]+\.[\w\-]+\.[\w\-]*", token.text, re.ASCII
            ), "odd characters"
        return f"accepted {depth} {kinds}"

    def _verified(self, text: str) -> tokens.Token:
        return tokens.verified(text, self.issuers, now=nodes.NOW)
