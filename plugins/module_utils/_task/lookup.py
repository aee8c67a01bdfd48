# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The lookup plugin's task: a quick question to nodes."""

from __future__ import annotations

import typing as t

from .base import Returned, TaskFailed
from .options import CLIENT_OPTIONS, TARGET_OPTIONS, Spec
from .rpc import RpcTask
from .values import to_json


class LookupTask(RpcTask):
    """Calls an action that only looks. It does the same in check mode."""

    options: t.ClassVar[Spec] = {
        **CLIENT_OPTIONS,
        **TARGET_OPTIONS,
        **{
            name: RpcTask.options[name]
            for name in (
                *("agent", "action", "arguments", "timeout", "ttl"),
                *("validate", "ddl_path", "read_only", "fail_on"),
            )
        },
        "return_format": {
            "type": "str",
            "choices": ["data", "replies", "by_sender"],
            "default": "data",
        },
    }

    def _prepare(self) -> None:
        super()._prepare()
        self.params = {**self.params, "return_replies": "all"}
        if not self._only_looks():
            agent, action = self.params["agent"], self.params["action"]
            raise TaskFailed(
                f"the action {action} of the agent {agent} may change something, and nobody knows how often Ansible"
                " evaluates an expression. Use the module mcollective_rpc, or read_only=true if the action changes"
                " nothing"
            )

    def ask(self) -> list[t.Any]:
        """Return what the nodes say, in the form that the option return_format names.

        :raises TaskFailed: by the option fail_on.
        """
        returned = self.run(check_mode=False)
        replies = _replies(returned)
        if self.params["return_format"] == "replies":
            return replies
        if self.params["return_format"] == "by_sender":
            return [to_json({reply["sender"]: reply["data"] for reply in replies})]
        return [reply["data"] for reply in replies]


def _replies(returned: Returned) -> list[Returned]:
    """Return the replies. A task about one host returns one only, and none if its node is silent."""
    if "replies" in returned:
        return t.cast("list[Returned]", returned["replies"])
    return [returned["reply"]] if "reply" in returned else []
