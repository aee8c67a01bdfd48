# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The actions of well-known agents that only look: they change nothing on a node.

Names are those of the agents' DDLs: MCollective's and Choria's own agents, and the public ones of both projects.
An action that runs something that a site has written, such as a check of NRPE, is one of them if it is meant to look.
A site's own agent may have the name of a public one. So an agent is in the table only if its name says what it does.
"""

from __future__ import annotations

import typing as t

LOOKS: t.Mapping[str, frozenset[str]] = {
    agent: frozenset(actions.split())
    for agent, actions in {
        # of MCollective and Choria themselves
        "rpcutil": "agent_inventory collective_info daemon_stats get_config_item get_data get_fact get_facts"
        " inventory ping",
        "choria_util": "info machine_state machine_states",
        "choria_registry": "ddl names",
        "scout": "checks goss_validate",
        # for machines
        "service": "status",
        "package": "apt_checkupdates checkupdates count md5 search status yum_checkupdates",
        "puppet": "last_run_summary status",
        "puppetd": "last_run_summary status",
        "puppetca": "list status",
        "nrpe": "runallcommands runcommand",
        "process": "list",
        "filemgr": "status",
        "nettest": "connect ping",
        "iptables": "isblocked listblocked",
        "stomputil": "collective_info peer_info",
    }.items()
}
"""The actions by agent."""


def only_looks(agent: str, action: str) -> bool:
    """Return True if the action of a well-known agent is known to change nothing."""
    return action in LOOKS.get(agent, ())
