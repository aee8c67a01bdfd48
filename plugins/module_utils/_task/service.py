# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_service: services that are to run, or not.

The agent ``service`` of the Puppet and Choria projects fails to start a service that runs, and tells its status also
when it fails. It takes half a second to look at a service after it has acted. A service that ends at once is seen so:
the action then succeeds, and the status says ``stopped``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ruby_values import to_s

from .acting import ActingTask
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
from .report import Node, outputs

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import Reply

_ACTIONS = {"started": "start", "stopped": "stop", "restarted": "restart"}
_STATUS = {"started": "running", "stopped": "stopped", "restarted": "running"}


class ServiceTask(ActingTask):
    """Starts, stops or restarts a service where it is needed. A restart is always needed."""

    options: t.ClassVar[Spec] = {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "required": True, "choices": list(_ACTIONS)},
        **CLIENT_OPTIONS,
        **TARGET_OPTIONS,
        **DESIRED_OPTIONS,
        **BATCH_OPTIONS,
        **PROGRESS_OPTIONS,
        "fail_on": fail_on(*FAILURES),
    }
    agent = "service"
    agent_timeout = 60.0

    @property
    def what(self) -> str:
        return f"the service {self.params['name']}"

    @property
    def _inputs(self) -> dict[str, t.Any]:
        return {"service": self.params["name"]}

    @property
    def _actions(self) -> dict[str, dict[str, t.Any]]:
        return {_ACTIONS[self.params["state"]]: self._inputs}

    def _state(self, reply: Reply) -> str | None:
        status = outputs(reply).get("status")
        # The DDL's default, which comes when an action fails before it looks, is "unknown".
        return None if status in (None, "unknown") else to_s(status)

    def _action_for(self, node: Node) -> str:
        state = self.params["state"]
        needed = state == "restarted" or node.before != _STATUS[state]
        return _ACTIONS[state] if needed else ""

    def _foretold(self, node: Node, action: str) -> str:
        return _STATUS[self.params["state"]]

    def _good(self, reply: Reply) -> bool:
        state = self.params["state"]
        reached = self._state(reply) == _STATUS[state]
        return reached and (reply.ok or state != "restarted")
