# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The X.509 certificate of a caller of Choria. Whatever would make nodes silent is refused here, in words."""

from __future__ import annotations

import calendar
import functools
import re
import typing as t

from .. import exc, files

_BLOCK = re.compile(
    r"-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\r?\n?"
)


class Certificate:
    """A certificate, with the certificates of the authorities between it and the nodes' authority.

    :ivar path: its file.
    :ivar pem: what nodes get. It has the file's certificates and nothing else: a private key may stand beside them.
    """

    def __init__(self, path: str, pem: str, leaf: t.Any) -> None:
        self.path, self.pem, self._leaf = path, pem, leaf

    def check_name(self, name: str) -> None:
        """Refuse a certificate that is not for this caller. Raises :class:`.exc.CredentialError`."""
        if name not in self.names:
            raise self._fault(
                f"is not for {name}, but for {', '.join(self.names) or 'nobody'}; set the option certname"
                " to the name that it is for, or use another certificate"
            )

    def check_time(self, now: float) -> None:
        """Refuse a certificate that does not hold now. Raises :class:`.exc.CredentialError`.

        :param now: in seconds since 1970.
        """
        begins, ends = (self._time(f"not_valid_{word}") for word in ("before", "after"))
        if now < begins:
            raise self._fault("is not valid yet; is our clock right?")
        if now >= ends:
            raise self._fault("has expired; get a new one from your authority")

    def check_key(self, private_key: t.Any) -> None:
        """Refuse a private key of another certificate. Raises :class:`.exc.CredentialError`."""
        ours, its = private_key.public_key(), self._leaf.public_key()
        if not hasattr(its, "public_numbers") or ours.public_numbers() != its.public_numbers():
            raise self._fault("does not belong to the private key; set client_cert and client_key")

    @functools.cached_property
    def names(self) -> list[str]:
        """The names that nodes look at: the CN, and the alternative names that are host names."""
        from cryptography import x509

        found = [
            str(attribute.value)
            for attribute in self._leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        ]
        try:
            extensions = self._leaf.extensions
            others = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            found += others.get_values_for_type(x509.DNSName)
        except (x509.ExtensionNotFound, ValueError):
            pass
        return list(dict.fromkeys(found))

    def _time(self, name: str) -> float:
        """Return one end of the time in which it holds, in seconds since 1970."""
        # Before version 42, it has no other than those without a zone, which are UTC too.
        moment = getattr(self._leaf, f"{name}_utc", None) or getattr(self._leaf, name)
        return float(calendar.timegm(moment.utctimetuple()))

    def _fault(self, words: str) -> exc.CredentialError:
        return exc.CredentialError(f"the client's certificate {self.path} {words}", self.path)


def read(path: str) -> Certificate:
    """Read a certificate's file in PEM form. The first certificate is the caller's.

    :raises exc.CredentialError: the file cannot be read, or its first certificate is none. The content is not shown.
    """
    from cryptography import x509

    try:
        text = files.read_bytes(path).decode("latin-1")
    except (OSError, ValueError) as error:
        words = f"cannot read the client's certificate {path}: {files.why(error)}"
        raise exc.CredentialError(words, path) from None
    pem = "".join(block if block.endswith("\n") else block + "\n" for block in _BLOCK.findall(text))
    try:
        leaf = x509.load_pem_x509_certificate(pem.encode("ascii"))
    except ValueError:
        words = f"{path} holds no X.509 certificate in PEM form; see the option client_cert"
        raise exc.CredentialError(words, path) from None
    return Certificate(path, pem, leaf)
