# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Every error that the client raises, in one tree.

An error says what was tried, what happened and what to do. Its parts are attributes too, so that a caller can
decide on them without reading text. No error holds a secret. A message may quote a node, a broker or a file; it
is always one line, and fit for a terminal.
"""

from __future__ import annotations

import typing as t

from .printable import as_message, printable


class PyMcoException(Exception):
    """Base of all errors of this client (the name is python-mcollective's).

    :param message: is shown as :func:`.as_message` makes it.
    """

    def __init__(self, message: t.Any = "") -> None:
        super().__init__(as_message(message))


class MissingDependency(PyMcoException):
    """A third-party library is needed and cannot be imported.

    :ivar package: its name on PyPI.
    :ivar needed_by: the setting that asked for it, as in "securityprovider = ssl".
    """

    def __init__(self, package: str, needed_by: str) -> None:
        super().__init__(f"the Python library {package} is needed for {needed_by}; install it")
        self.package = package
        self.needed_by = needed_by


class ImproperlyConfigured(PyMcoException):
    """The configuration is wrong or incomplete; nothing was sent."""


class ConfigLookupError(ImproperlyConfigured, KeyError):
    """A configuration option that was asked for has neither a value nor a default."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class CredentialError(ImproperlyConfigured):
    """A key file is missing, unreadable or not a key.

    :ivar path: the file.
    """

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


class BadRequest(PyMcoException):
    """The caller asked for something that cannot be sent; nothing was sent."""


class InvalidArgument(BadRequest):
    """An agent's or a data plugin's DDL refuses an argument.

    :ivar agent: the agent, or the data plugin.
    :ivar action: its action; None for a data plugin.
    :ivar input: the input; None if the action itself is unknown.
    :ivar rule: what the DDL demands, in MCollective's words where it has any.
    """

    def __init__(self, agent: str, action: str | None, input_: str | None, rule: str) -> None:
        where = "" if action is None else f", action {action}"
        which = "" if input_ is None else f", input {input_}"
        super().__init__(f"the DDL of {agent}{where}{which} refuses this: {printable(rule)}")
        self.agent = agent
        self.action = action
        self.input = input_
        self.rule = rule


class BadFilter(BadRequest):
    """The text of a filter does not parse."""


class BadFilterFactOperator(BadFilter):
    """A fact filter has an operator that MCollective does not know."""


class UnreadableDDL(PyMcoException):
    """A DDL file cannot be read, or says something that MCollective would refuse.

    :ivar path: the file, or a name if the DDL is in no file.
    :ivar line: counted from 1; None if the error is about the whole file.
    :ivar reason: what is wrong or missing there.
    :param partly: True if the rest of it can be read.
    """

    def __init__(
        self, reason: str, path: str, line: int | None = None, partly: bool = False
    ) -> None:
        where = path if line is None else f"{path}, line {line}"
        words = "can be read in part only" if partly else "cannot be read"
        super().__init__(f"the DDL {words}: {where}: {printable(reason)}")
        self.path = path
        self.line = line
        self.reason = reason


class BadCompoundFilter(BadFilter):
    """The text of a compound filter does not parse, or nodes cannot evaluate it.

    :ivar text: the whole filter.
    :ivar column: where the error is, counted from 1.
    """

    def __init__(self, text: str, position: int, why: str) -> None:
        rest = text[position : position + 20]
        place = f"column {position + 1} (at {rest!r})" if rest else "its end"
        super().__init__(f"compound filter {text!r} is wrong at {place}: {why}")
        self.text = text
        self.column = position + 1


class SerializationError(BadRequest):
    """A value has no form in the serializer's format."""


class DecodingError(PyMcoException):
    """A payload cannot be decoded: it is garbage, truncated, or larger than its bounds."""


class Oversized(DecodingError):
    """A payload is larger than what the client takes. It was dropped unread.

    :ivar sender: the sender that the message's headers name, not verified; None if they name none.
    """

    def __init__(self, message: str, sender: str | None = None) -> None:
        super().__init__(message)
        self.sender = sender


class VerificationError(PyMcoException):
    """Nothing proves that a reply comes from its sender: its signature is missing or wrong.

    :ivar reason: what such a reply is counted as: "forged"; or "unsigned", "untrusted" or "expired", where only
        the proof is missing, its maker is not trusted, or it is too old.
    """

    def __init__(self, message: str, reason: str = "forged") -> None:
        super().__init__(message)
        self.reason = reason


MessageVerificationError = VerificationError
"""The name of it in python-mcollective's documentation of providers."""


class ConnectorError(PyMcoException):
    """The middleware could not be used.

    :ivar broker: "host:port", or the empty string before one was chosen.
    :ivar unsent: the nodes to which a request was certainly not sent, if it goes to single nodes.
    """

    def __init__(self, message: str, broker: str = "") -> None:
        super().__init__(message)
        self.broker = broker
        self.unsent: list[str] = []


class RequestRefused(PyMcoException):
    """The broker did not take the request to one node. The connection goes on, and others may have the request.
    Only NATS tells this.

    :ivar node: its identity.
    """

    def __init__(self, message: str, node: str) -> None:
        super().__init__(message)
        self.node = node


class ConnectFailed(ConnectorError):
    """No connection could be made to any broker of the pool."""


class AuthenticationFailed(ConnectFailed):
    """The broker refused the user, the password or the virtual host."""


class BrokerError(ConnectorError):
    """The broker refused what was sent (STOMP: ERROR, NATS: -ERR): an exchange or a permission is missing."""


class ConnectionLost(ConnectorError):
    """The connection ended while replies were still awaited."""


class TimeoutError(PyMcoException):  # noqa: A001  (python-mcollective's name)
    """No reply came in time."""
