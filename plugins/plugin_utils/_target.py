# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides whether a task is about the node of its host or about a collective.

Only the controller knows the host that a task is for. With ``delegate_to``, this is not the host that the task runs
on. Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible import constants as C

from ansible_collections.pymco.mcollective.plugins.module_utils._task.options import SELECTING

if t.TYPE_CHECKING:
    from ansible.template import Templar

Arguments = dict[str, t.Any]
_HOST = "target: host, if it is about the node of each host"
_COLLECTIVE = "target: collective with run_once: true, if it is about all nodes"


class Undecided(Exception):
    """The options and the play do not tell which nodes a task is about."""


@dataclasses.dataclass(frozen=True)
class Host:
    """The host that a task is for.

    :ivar name: its name in the inventory.
    :ivar identity: the variable mcollective_identity, which our inventory plugin sets; "" if there is none.
    :ivar hosts: the number of hosts in the play.
    :ivar limited: True if the option --limit has left hosts out of the play, or may have done so.
    :ivar run_once: True if the task runs for one host in place of all.
    :ivar delegated: the other host that the task runs on, if this host stands for a node too; "" otherwise.
    :ivar others: True if the inventory has other hosts than this one and localhost.
    """

    name: str
    identity: str = ""
    hosts: int = 1
    limited: bool = False
    run_once: bool = False
    delegated: str = ""
    others: bool = False

    @classmethod
    def of(
        cls,
        variables: t.Mapping[str, t.Any],
        templar: Templar,
        *,
        run_once: bool = False,
        delegate_to: str | None = None,
    ) -> Host:
        """Return the host that has these variables.

        :param delegate_to: the keyword of the task.
        """
        other = variables.get("hostvars", {}).get(delegate_to) if delegate_to else None
        stands = bool(other and other.get("mcollective_identity"))
        name = str(variables.get("inventory_hostname") or "localhost")
        known = variables.get("groups", {}).get("all", ())
        return cls(
            name,
            str(templar.template(variables.get("mcollective_identity")) or ""),
            len(variables.get("ansible_play_hosts_all") or "1"),
            bool(variables.get("ansible_limit")),
            run_once,
            str(delegate_to) if stands else "",
            not {name, *C.LOCALHOST}.issuperset(known),
        )

    @property
    def node(self) -> str:
        """The identity of its node."""
        return self.identity or self.name

    @property
    def is_control_host(self) -> bool:
        """True if it is localhost, which stands for no node."""
        return self.name in C.LOCALHOST

    @property
    def is_one_of_many(self) -> bool:
        """True if the play has other hosts, or would have them without --limit."""
        return self.hosts > 1 or self.limited


def aimed(arguments: Arguments, host: Host) -> Arguments:
    """Return a task's options, with the node of the task's host if the task is about this node only.

    :raises Undecided: the options do not say it, or contradict each other.
    """
    target = arguments.get("target") or "auto"
    if target == "auto" and not any(name in arguments for name in SELECTING):
        target = _likely(host)
    if target != "host":
        return arguments
    if "nodes" in arguments:
        raise Undecided(
            "target = host and nodes exclude each other: with target = host, the task is about the node of its host."
            " Leave one of them out, or write target: collective if module_defaults sets target"
        )
    if host.is_control_host and not host.identity:
        raise Undecided(
            f"target = host needs a host that stands for a node, but this task is for {host.name}: run the play for"
            " hosts of the inventory, or set nodes"
        )
    return {**arguments, "target": "host", "nodes": [host.node]}


def _likely(host: Host) -> str:
    """Return what a task is about that does not say it."""
    if host.is_control_host and host.delegated:
        raise Undecided(
            f"delegate_to: {host.delegated} says where this task runs, not which nodes it is about, and no option selects"
            f" nodes. Write nodes: [{host.delegated}], if it is about this node, or target: collective, if it is about all"
            " nodes of the collective"
        )
    if host.is_control_host:
        return "collective"
    if host.run_once and host.is_one_of_many:
        raise Undecided(
            "with run_once, it is not clear which nodes this task is about. Write target: collective, if it is about"
            " all nodes of the collective; nodes: \"{{ ansible_play_batch | map('extract', hostvars,"
            " 'mcollective_identity') }}\", if it is about the hosts of the play; or target: host, if it is about the"
            f" node of {host.name} only"
        )
    if host.identity:
        return "host"
    if host.is_one_of_many or host.others:
        # Also if it is the only one of the play: a group may have one host today, and two tomorrow.
        raise Undecided(
            f"no option selects nodes, so this task would address the whole collective, and not only {host.name}. Write"
            f" {_HOST} (its variable mcollective_identity, or else its name); {_COLLECTIVE};"
            " or select nodes by the option nodes or by filters"
        )
    return "collective"
