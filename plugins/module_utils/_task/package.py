# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_package: packages that are to be there, or not, or to have a version.

The agent ``package`` of the Puppet and Choria projects tells the installed version as ``ensure``, or ``absent`` or
``purged``. With its provider for yum it tells the ``status`` "Not installed" instead. It fails to install a package
that is installed, and to remove one that is not. Its action ``checkupdates`` lists the packages that have updates.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ruby_values import to_s

from . import words
from .acting import ActingTask
from .base import TaskFailed
from .options import (
    BATCH_OPTIONS,
    CLIENT_OPTIONS,
    DESIRED_OPTIONS,
    FAILURES,
    PROGRESS_OPTIONS,
    TARGET_OPTIONS,
    Spec,
    fail_on,
)
from .report import Node, Report, outputs

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.client import Client
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import (
        Reply,
        Result,
    )

ABSENT = "absent"
_MISSING = frozenset((ABSENT, "purged", "not installed"))
"""What nodes call the state of a package that is not there."""
_ARCHITECTURES = frozenset(
    (
        "noarch",
        "x86_64",
        "i386",
        "i486",
        "i586",
        "i686",
        "aarch64",
        "armv7hl",
        "ppc64",
        "ppc64le",
        "s390x",
    )
)
"""What yum writes behind the name of a package."""
_ACTIONS = {"present": ["install"], "latest": ["install", "update"], "absent": ["uninstall"]}


class PackageTask(ActingTask):
    """Installs, updates or removes a package where it is needed."""

    options: t.ClassVar[Spec] = {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": list(_ACTIONS), "default": "present"},
        "version": {"type": "str"},
        **CLIENT_OPTIONS,
        **TARGET_OPTIONS,
        **DESIRED_OPTIONS,
        **BATCH_OPTIONS,
        **PROGRESS_OPTIONS,
        "fail_on": fail_on(*FAILURES),
    }
    agent = "package"
    agent_timeout = 180.0

    def _prepare(self) -> None:
        self._updates: dict[str, str] = {}
        version, state = self.params["version"], self.params["state"]
        if version is not None and state != "present":
            raise TaskFailed(f"version is of use with state = present only, not with {state}")
        if version is not None and not version.strip():
            raise TaskFailed("version is empty; leave it out, and any version will do")
        super()._prepare()

    @property
    def what(self) -> str:
        return f"the package {self.params['name']}"

    @property
    def _inputs(self) -> dict[str, t.Any]:
        return {"package": self.params["name"]}

    @property
    def _actions(self) -> dict[str, dict[str, t.Any]]:
        version = self.params["version"]
        more = {} if version is None else {"version": version}
        return {action: {**self._inputs, **more} for action in _ACTIONS[self.params["state"]]}

    def _ask(self, client: Client, result: Result) -> Report:
        report = self._report(result)
        there = [name for name, node in report.nodes.items() if _is_there(node)]
        if self.params["state"] != "latest" or not there:
            return report
        if report.stopped:
            self._leave_out(report, there, report.stopped)
            return report
        updates = client.call(self._to(there, "checkupdates", {}))
        report.ask(updates)
        for reply in updates.replies:
            self._take_update(report.nodes[reply.sender], reply)
        for name in updates.no_response:
            report.nodes[name].fail("did not answer the question for updates")
        for name in updates.unsent:
            self._leave_out(report, [name], words.not_sent(updates, name))
        report.stopped = self._stopped(report)
        return report

    def _take_update(self, node: Node, reply: Reply) -> None:
        """Note the update that a node has of the package."""
        listed = outputs(reply).get("outdated_packages")
        if not reply.ok or not isinstance(listed, list):
            said = f"{reply.statuscode}: {reply.statusmsg}" if not reply.ok else "it lists none"
            node.fail(f"the node cannot tell which packages have updates ({said})")
            return
        for entry in listed:
            if isinstance(entry, dict) and _is_named(entry.get("package"), self.params["name"]):
                self._updates[node.sender] = to_s(entry.get("version") or "newer")

    def _state(self, reply: Reply) -> str | None:
        told = outputs(reply)
        ensure, status = told.get("ensure") or told.get("version"), told.get("status")
        if isinstance(ensure, str):
            return ABSENT if ensure.lower() in _MISSING else ensure
        return ABSENT if isinstance(status, str) and status.lower() in _MISSING else None

    def _action_for(self, node: Node) -> str:
        state, there = self.params["state"], _is_there(node)
        if state == "absent":
            return "uninstall" if there else ""
        if state == "latest" and there:
            return "update" if node.sender in self._updates else ""
        return "" if there and self._fits(node.before) else "install"

    def _fits(self, state: str | None) -> bool:
        version = self.params["version"]
        return version is None or fits_version(state or "", version)

    def _foretold(self, node: Node, action: str) -> str:
        if action == "uninstall":
            return ABSENT
        known = self.params["version"] or self._updates.get(node.sender)
        return known or ("latest" if self.params["state"] == "latest" else "present")

    def _changes(self, node: Node, reply: Reply, state: str | None) -> bool:
        return reply.ok if state is None else state != node.before

    def _confirmed(self, client: Client, report: Report, result: Result) -> dict[str, Reply]:
        """Ask nodes again that succeeded, but do not tell the wanted state. Puppet's providers remember the state, so
        such a reply may have that of before the action."""
        doubtful = {
            reply.sender: reply
            for reply in result.replies
            if reply.ok and self._state(reply) is not None and not self._reached(reply)
        }
        if not doubtful or result.lost:
            return {}
        try:
            again = client.call(self._to(list(doubtful), self.question, self._inputs))
        except exc.BadRequest:  # the client's credentials have expired
            return {}
        report.ask(again)
        return {
            reply.sender: dataclasses.replace(reply, action=doubtful[reply.sender].action)
            for reply in again.replies
            if reply.ok
        }

    def _good(self, reply: Reply) -> bool:
        """A reply of success is good enough for the next batch. Afterwards it is looked at more closely."""
        return reply.ok or self._reached(reply)

    def _reached(self, reply: Reply) -> bool:
        """Return True if a node tells the wanted state, or no state but success."""
        state = self._state(reply)
        if state is None:
            return reply.ok
        if self.params["state"] == "absent":
            return state == ABSENT
        if reply.action == "update":
            return reply.ok and state not in (ABSENT, self._nodes[reply.sender].before)
        return state != ABSENT and self._fits(state)


def _is_there(node: Node) -> bool:
    return not node.failed and node.before != ABSENT


def _is_named(listed: t.Any, name: str) -> bool:
    """Return True if a listed package has this name. Lists may have the architecture too: bash.x86_64, libc6:i386."""
    if not isinstance(listed, str):
        return False
    plain, _dot, architecture = listed.rpartition(".")
    if architecture in _ARCHITECTURES and plain == name:
        return True
    return listed == name or listed.partition(":")[0] == name


def fits_version(installed: str, wanted: str) -> bool:
    """Return True if an installed version is the wanted one.

    A wanted version without a release (``1.2`` of ``1.2-3.el9``) or without an epoch fits any of them. Nodes may leave
    out the epoch.
    """
    forms = {installed, installed.partition(":")[2] or installed}
    forms |= {form.rpartition("-")[0] or form for form in forms}
    return wanted in forms or (":" not in installed and wanted.partition(":")[2] in forms)
