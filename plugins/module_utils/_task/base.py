# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What every task does: it takes options, runs, and reports its failures in one form.

A task that reaches the collective makes a configuration of its options first.

All messages and warnings of a task pass through here and are made fit for a terminal; see
:mod:`.printable`. The data that it returns is not touched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.client import Client
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import (
    Filter,
    add_agents,
    add_classes,
    add_facts,
    add_identities,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import (
    as_message,
    printable,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request

from . import restrictions, words
from .configuration import configuration
from .options import Spec
from .silence import Silence

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.conversation import (
        Progress,
    )
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import Library
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.diagnosis import Diagnosis
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import Gathered
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Reception
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Prepared
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import Result
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings

Params = t.Mapping[str, t.Any]
Returned = dict[str, t.Any]

NO_HOST = (
    "target = host needs one name in the option nodes, since a module does not know the host that its task is for."
    " Tasks of a play and of the command ansible set it; other callers must do so themselves"
)
_USUAL = {"batches": (0, 1), "unsent": (0,)}
"""Values of figures that go without saying."""
_FIELDS = frozenset(field.name for field in dataclasses.fields(Request))


class TaskFailed(Exception):
    """The task failed.

    :ivar result: what the task returns nevertheless.
    :ivar missing: the missing library, if that is the reason.
    :ivar unreachable: True if the node that the task is about stays silent.
    """

    def __init__(
        self,
        msg: str,
        result: Returned | None = None,
        *,
        missing: str | None = None,
        unreachable: bool = False,
    ) -> None:
        super().__init__(as_message(msg))
        self.result = result or {}
        self.missing = missing
        self.unreachable = unreachable


class Task:
    """One task with its options.

    :param params: the options as Ansible has validated them.
    :param warn: is called with each warning for the user.
    :param environ: the environment variables to honour; default: those of the process.
    :param progress: see :data:`.conversation.Progress`.
    :raises TaskFailed: an option is wrong; nothing was opened or sent.
    """

    options: t.ClassVar[Spec] = {}
    """Its argument specification."""
    diff = False

    def __init__(
        self,
        params: Params,
        warn: t.Callable[[str], None],
        *,
        environ: t.Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.params = params
        self._warn = warn
        self._progress = progress
        self._environ = os.environ if environ is None else environ
        given = {name: value for name, value in params.items() if value is not None}
        complaint = restrictions.complaint(given, self.options)
        if complaint:
            raise TaskFailed(complaint)
        with failures():
            self._prepare()

    @property
    def notes(self) -> list[str]:
        """Remarks for users who ask for more (``-v``)."""
        return []

    @classmethod
    def idle(cls, given: Params) -> t.Collection[str]:
        """Return the names of options that have no use beside these. A default of the action group for one of them must
        not make the task fail.

        :param given: the options as they were given, with the defaults of the action group.
        """
        return ()

    def run(self, check_mode: bool, *, diff: bool = False) -> Returned:
        """Run the task.

        :param diff: the user wants to see differences.
        :returns: the task's result.
        :raises TaskFailed: it has everything that came back.
        """
        self.diff = diff
        with failures(self._source):
            return self._run(check_mode)

    def warn(self, message: str) -> None:
        """Warn the user of something."""
        self._warn(as_message(message))

    # -- for subclasses ------------------------------------------------------------------------

    @property
    def _source(self) -> str:
        """Where the configuration was read, for messages; "" if there is none."""
        return ""

    def _prepare(self) -> None:
        """Check the options, without opening or sending anything."""

    def _run(self, check_mode: bool) -> Returned:
        raise NotImplementedError


class CollectiveTask(Task):
    """A task that has the options of a client.

    :ivar config: the configuration of these options.
    :ivar doubts: what could not be checked of the last request.
    :ivar diagnosis: why it found no node, if a look has shown that.
    """

    config: Settings
    doubts: t.Sequence[str] = ()
    diagnosis: Diagnosis | None = None
    _filter: Filter | None = None

    def _prepare(self) -> None:
        if self.params.get("target") == "host" and len(self.params["nodes"] or ()) != 1:
            raise TaskFailed(NO_HOST)
        self.config = self._configuration()
        for warning in self.config.warnings:
            self.warn(warning)

    def _configuration(self) -> Settings:
        return configuration(self.params, self._environ)

    @property
    def _source(self) -> str:
        return self.config.source

    @property
    def notes(self) -> list[str]:
        """The remarks of the configuration."""
        return [as_message(note) for note in self.config.notes]

    @property
    def silence(self) -> Silence:
        """The causes of nodes' silence, for messages."""
        return Silence(self.config.dialect, self.config.source, self._filter, self.diagnosis)

    @property
    def own_node(self) -> str | None:
        """The node of the task's host, if the task is about this node only."""
        if self.params.get("target") != "host":
            return None
        return str(self.params["nodes"][0])

    def is_unreachable(self, received: Reception, silent: t.Collection[str]) -> bool:
        """Return True if the task is about one node, which was asked and said nothing at all.

        If the connection to the broker was lost, or the broker refused the request, that is not the node's fault. And a
        node whose reply was dropped can be reached.

        :param silent: the nodes that were asked and did not answer.
        """
        if self.own_node not in silent or received.lost or self.own_node in received.refused:
            return False
        return not any(self.own_node in senders for senders in received.culprits.values())

    def client(self) -> Client:
        """Return a client that is not connected yet, and warn of what it says of its connection."""
        client = Client(self.config, progress=self._progress)
        for warning in client.warnings:
            self.warn(warning)
        return client

    def warn_of(self, received: Reception, count: int = 0) -> None:
        """Warn of replies that did not all come as they should; see :func:`.words.alarms`.

        :param count: how many nodes answered the question who is there.
        """
        for warning in words.alarms(received, self.config.max_reply_bytes):
            self.warn(warning)
        surplus = words.surplus(count, self.params.get("expected_nodes"))
        if surplus:
            self.warn(surplus)

    def look(
        self, client: Client, prepared: Prepared, result: Result, on: t.Container[str]
    ) -> None:
        """If no node was found and that is a failure, look why. The client is connected.

        :param on: what the task fails on.
        """
        if result.nodes or not result.awaited or "no_nodes" not in on:
            return
        from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.diagnosis import (
            diagnose,
            seconds_for,
        )

        seconds = seconds_for(prepared, result)
        if seconds:
            self.diagnosis = diagnose(client, prepared, seconds)

    def warn_once(self, causes: str) -> str:
        """Make the causes of one node's silence a warning, and return nothing for the message. Many hosts may have the
        same ones, and Ansible shows equal warnings once."""
        self.warn(f"Why a node may stay silent:{causes}")
        return ""

    def silent(
        self, result: Result, gathered: Gathered | None = None, *, heard: Result | None = None
    ) -> str:
        """Return which nodes did not answer, and why.

        :param heard: see :meth:`.Silence.of_silent`.
        """
        causes = self.silence.of_silent(result, heard)
        if len(result.nodes) == 1 and not result.discovered and not (gathered or result).lost:
            causes = self.warn_once(f" {causes}.")
        return words.silent(result, causes, gathered)

    def library(self, paths: t.Sequence[str] = ()) -> Library:
        """Return the DDLs of these directories and of the configuration.

        The code is loaded here, when it is needed, since loading takes longer than a call.
        """
        from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import Library

        return Library(self.libdirs, paths, self.config.dialect)

    @property
    def libdirs(self) -> list[str]:
        """The directories of plugins, in the order of the search."""
        if self.config.dialect != "choria":
            return self.config.libdirs
        from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.choria import libdirs

        return libdirs(self.config)

    def request(self, **fields: t.Any) -> Request:
        """Return the request that the options stand for, and warn of what cannot be checked.

        An option with the name of a field of the request becomes that field, unless it is null.

        :param fields: fields that win over options of the same name.
        :raises exc.BadFilter: a filter does not parse.
        """
        params = self.params
        self._filter = filter_ = _filter(params).in_dialect(self.config.dialect)
        self.doubts = self._unchecked_functions(filter_)
        for doubt in self.doubts:
            self.warn(doubt)
        names = _FIELDS.intersection(self.options)
        own = {name: params[name] for name in names if params[name] is not None}
        if "no_nodes" in params.get("fail_on", ()) and params["expected_nodes"]:
            own["minimum_nodes"] = params["expected_nodes"]
        return Request(**{**own, "filter": filter_, **fields})

    def shortage(self, result: Result, agent: str, *, sent: bool = True) -> str:
        """Return why there are too few nodes; "" if there are enough, or the option fail_on allows too few.

        :param sent: the request was to be sent to the nodes that were found.
        """
        if "no_nodes" not in self.params["fail_on"]:
            return ""
        if not result.nodes and (result.known or (sent and result.awaited)):
            return words.nobody(result, agent, self.doubts, self.silence)
        expected = self.params["expected_nodes"] or 0
        if (result.known or sent) and result.found < expected:
            return words.too_few(result, expected, self.silence, sent=sent)
        return ""

    def _unchecked_functions(self, filter_: Filter) -> list[str]:
        """Check the data functions of compound filters, and tell of those that have no DDL."""
        if not filter_.compounds or filter_.dialect == "choria":
            return []  # Choria's data functions have no DDL that a client could read
        from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.functions import (
            check_functions,
        )

        return check_functions(filter_, self.library().data)


def concluded(
    returned: Returned, complaints: t.Iterable[str], *, unreachable: bool = False
) -> Returned:
    """Return a task's result, or fail with it if there are complaints. Empty ones do not count.

    :param unreachable: see :class:`TaskFailed`.
    :raises TaskFailed: with all complaints in one message.
    """
    message = "; ".join(filter(None, complaints))
    if message:
        raise TaskFailed(message, returned, unreachable=unreachable)
    return returned


def concise(stats: Returned) -> Returned:
    """Return figures without those that have nothing to tell: null, empty lists and dictionaries, and usual counts.

    Numbers of nodes stay, also those that are zero, since plays compare them.
    """
    return {
        name: value
        for name, value in stats.items()
        if value not in (None, [], {}) and not (name in _USUAL and value in _USUAL[name])
    }


def stats_of(result: Result, config: Settings) -> Returned:
    """Return the figures that each request has: where the configuration was read, which broker was used, what was
    rejected, how long it took."""
    return {
        "configuration": config.source,
        "broker": result.broker,
        "passed_over": result.passed_over,
        "rejected": dict(result.rejected),
        "seconds": result.seconds,
    }


def _filter(params: Params) -> Filter:
    found = Filter()
    add_facts(found, params.get("fact_filters") or ())
    add_classes(found, params.get("class_filters") or ())
    add_agents(found, params.get("agent_filters") or ())
    add_identities(found, params.get("identity_filters") or ())
    if params.get("compound_filter") is not None:
        found.add_compound(params["compound_filter"])
    return found


@contextlib.contextmanager
def failures(source: str = "") -> t.Iterator[None]:
    """Turn the client's errors into the task's failure.

    :param source: where the configuration was read. Errors of the connection name it.
    """
    try:
        yield
    except exc.MissingDependency as error:
        raise TaskFailed(str(error), missing=error.package) from error
    except exc.ConnectorError as error:
        end = "" if str(error).endswith(("?", ".")) else "."
        where = f"{end} The configuration is {printable(source)}" if source else ""
        raise TaskFailed(f"{error}{where}") from error
    except exc.PyMcoException as error:
        raise TaskFailed(str(error)) from error
