# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter from_mco."""

from __future__ import annotations

DOCUMENTATION = r"""
name: from_mco
short_description: Read what mco rpc -j and choria req --json print
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Turns the output of C(mco rpc -j), or of C(choria req --json), into a list like
    RV(pymco.mcollective.mcollective_rpc#module:replies) of M(pymco.mcollective.mcollective_rpc). So a play that calls one of these commands
    can use the rest of this collection, and can change to the module step by step.
options:
  _input:
    description: The standard output of the command.
    type: str
    required: true
seealso:
  - plugin: pymco.mcollective.by_sender
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Call an agent by the command of MCollective
  ansible.builtin.command: mco rpc -j service status service=nginx
  register: mco
  changed_when: false

- name: Show the state on each node
  ansible.builtin.debug:
    msg: "{{ mco.stdout | pymco.mcollective.from_mco | pymco.mcollective.by_sender('data.status') }}"
"""

RETURN = r"""
_value:
  description: The replies, sorted by C(sender), with the keys C(agent), C(action), C(sender), C(statuscode), C(statusmsg) and C(data).
  type: list
  elements: dict
  sample:
    - {agent: rpcutil, action: ping, sender: web1.example.com, statuscode: 0, statusmsg: OK, data: {pong: 1395419893}}
"""

import json
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils._task.values import to_json
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.json_text import mended
from ansible_collections.pymco.mcollective.plugins.plugin_utils._entries import entries_of, refused

NAME = "from_mco"
KEYS = ("agent", "action", "sender", "statuscode", "statusmsg", "data")
_COMMANDS = "mco rpc -j or choria req --json"


def from_mco(text: str) -> list[dict[str, t.Any]]:
    """Return the replies in what mco or choria has printed, as data that Ansible can carry.

    mco prints a list of replies with six keys (MC:rpc/helpers.rb). choria prints a dictionary, in which agent and
    action stand once (Go: cmd/req.go).
    """
    try:
        read = to_json(mended(json.loads(text)))
    except (TypeError, ValueError, RecursionError):
        raise refused(
            NAME,
            f"the input is not JSON, or has too many levels, so it is not what {_COMMANDS} prints",
        ) from None
    common = {}
    if isinstance(read, dict) and isinstance(read.get("replies"), list):
        common = {key: read[key] for key in ("agent", "action") if key in read}
        read = read["replies"]
    if not isinstance(read, list):
        raise refused(NAME, f"the input is not what {_COMMANDS} prints")
    entries = entries_of(read, NAME)
    return [_reply({**common, **entry}) for entry in entries.values()]


def _reply(entry: dict[str, t.Any]) -> dict[str, t.Any]:
    missing = [key for key in KEYS if key not in entry and key != "data"]
    if missing:
        raise refused(
            NAME, f"a reply has no {missing[0]}, so the input is not what {_COMMANDS} prints"
        )
    data = entry.get("data")
    return {
        **{key: entry[key] for key in KEYS if key != "data"},
        "data": {} if data is None else data,
    }


class FilterModule:
    """Called by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file by their names."""
        return {"from_mco": from_mco}
