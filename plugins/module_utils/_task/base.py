# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What every task does: take options, run, and fail in good order.

A task that reaches the collective makes a configuration of its options first.

All messages and warnings of a task pass through here and are made fit for a terminal; see
:mod:`.printable`. The data that it returns is not touched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import filters as texts
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import as_message

from . import restrictions
from .alarms import Received, alarms
from .configuration import configuration
from .options import CLIENT_OPTIONS, TARGET_OPTIONS, Spec

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import Library

Params = t.Mapping[str, t.Any]
Returned = dict[str, t.Any]


class TaskFailed(Exception):
    """The task failed.

    :ivar result: what the task returns all the same.
    :ivar missing: the library that is missing, if that is why.
    """

    def __init__(
        self, msg: str, result: Returned | None = None, missing: str | None = None
    ) -> None:
        super().__init__(as_message(msg))
        self.result = result or {}
        self.missing = missing


class Task:
    """One task: its options, checked, and what they lead to.

    :param params: the options as Ansible has validated them.
    :param warn: is called with what the user should know besides the result.
    :param environ: the environment variables to honour; default: the process's.
    :param progress: see :data:`.rpc.Progress`.
    :raises TaskFailed: an option is wrong; nothing was opened or sent.
    """

    options: t.ClassVar[Spec] = {}
    """Its argument specification."""

    def __init__(
        self,
        params: Params,
        warn: t.Callable[[str], None],
        environ: t.Mapping[str, str] | None = None,
        progress: rpc.Progress | None = None,
    ) -> None:
        self.params = params
        self._warn = warn
        self._progress = progress
        self._environ = os.environ if environ is None else environ
        given = {name: value for name, value in params.items() if value is not None}
        complaint = restrictions.complaint(given, self.options)
        if complaint:
            raise TaskFailed(complaint)

    @property
    def notes(self) -> list[str]:
        """Remarks for users who ask for more (``-v``)."""
        return []

    def run(self, check_mode: bool) -> Returned:
        """Do it.

        :returns: what the task returns.
        :raises TaskFailed: with all that came back.
        """
        with failures():
            return self._run(check_mode)

    def _run(self, check_mode: bool) -> Returned:
        raise NotImplementedError

    def warn(self, message: str) -> None:
        """Warn the user of something."""
        self._warn(as_message(message))


class CollectiveTask(Task):
    """A task that has the options of a client.

    :ivar config: the configuration that they stand for.
    :raises TaskFailed: an option is wrong; nothing was opened or sent.
    """

    def __init__(
        self,
        params: Params,
        warn: t.Callable[[str], None],
        environ: t.Mapping[str, str] | None = None,
        progress: rpc.Progress | None = None,
    ) -> None:
        super().__init__(params, warn, environ, progress)
        with failures():
            self.config = self._configuration(self._environ)
        for warning in self.config.warnings:
            self.warn(warning)

    @property
    def notes(self) -> list[str]:
        """The remarks of the configuration."""
        return [as_message(note) for note in self.config.notes]

    def _configuration(self, environ: t.Mapping[str, str]) -> Config:
        """The configuration that the options stand for."""
        return configuration(self.params, environ)

    # -- for subclasses ------------------------------------------------------------------------

    def client(self) -> rpc.Client:
        """A client that is not connected yet; what is to be said of its connection is said."""
        client = rpc.Client(self.config, progress=self._progress)
        for warning in client.warnings:
            self.warn(warning)
        return client

    def warn_of(self, received: Received) -> None:
        """Warn of replies to a request that did not all come as they should; see :func:`.alarms`."""
        for warning in alarms(received, self.config.max_reply_bytes):
            self.warn(warning)

    def library(self, paths: t.Sequence[str] = ()) -> Library:
        """Where DDLs are. It is loaded when it is needed: that takes longer than a call."""
        from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import Library

        return Library(self.config.libdirs, paths)

    def request(self, agent: str, action: str, **fields: t.Any) -> rpc.Request:
        """A request to the targets that the options name. What cannot be checked is warned of.

        :param fields: fields of the request; they win over options of the same name.
        """
        params = self.params
        filter_ = filters(params)
        self.doubts = self._doubts(filter_)
        for doubt in self.doubts:
            self.warn(doubt)
        shared = fields_of(params, {**CLIENT_OPTIONS, **TARGET_OPTIONS})
        return rpc.Request(agent, action, filter=filter_, **{**shared, **fields})

    def _doubts(self, filter_: Filter) -> list[str]:
        """Check the data functions of compound filters; what cannot be checked is returned."""
        if not filter_.compounds:
            return []
        from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.functions import (
            check_functions,
        )

        return check_functions(filter_, self.library().data)


def fields_of(params: Params, options: t.Iterable[str]) -> Returned:
    """Return those of some options that are fields of a request by the same name."""
    fields = {field.name for field in dataclasses.fields(rpc.Request)}
    return {name: params[name] for name in options if name in fields}


def filters(params: Params) -> Filter:
    """The filter that the options stand for.

    :raises exc.BadFilter: one does not parse.
    """
    found = Filter()
    texts.add_facts(found, params["fact_filters"] or ())
    texts.add_classes(found, params["class_filters"] or ())
    texts.add_agents(found, params["agent_filters"] or ())
    texts.add_identities(found, params["identity_filters"] or ())
    if params["compound_filter"] is not None:
        found.add_compound(params["compound_filter"])
    return found


@contextlib.contextmanager
def failures() -> t.Iterator[None]:
    """Turns the client's errors into the task's."""
    try:
        yield
    except exc.MissingDependency as error:
        raise TaskFailed(str(error), missing=error.package) from error
    except exc.PyMcoException as error:
        raise TaskFailed(str(error)) from error
