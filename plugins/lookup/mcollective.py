# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup plugin: a quick question to nodes inside an expression."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mcollective
short_description: A quick question to the nodes of a collective
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Calls an action of an agent inside an expression, and returns the data of the replies.
  - It only calls actions that change nothing, since nobody knows how often Ansible evaluates an expression. So it does the same in check mode.
  - The question goes out from the control host. Each evaluation is a call of its own. Ask once with M(pymco.mcollective.mcollective_rpc) and
    C(register) if you need the answer several times.
notes:
  - With one reply, C(lookup) returns its data, and with several a list. C(query) always returns a list.
  - Ansible never evaluates data of a node as a template.
extends_documentation_fragment:
  - pymco.mcollective.client
  - pymco.mcollective.client.plugins
  - pymco.mcollective.per_host
  - pymco.mcollective.targets
  - pymco.mcollective.targets.plugins
options:
  _terms:
    description: The agent and the action. The options O(agent) and O(action) can take their place.
    type: list
    elements: str
  agent:
    description: The agent to call.
    type: str
    required: true
  action:
    description: The action to call.
    type: str
    required: true
  arguments:
    description: The inputs of the action, by name.
    type: dict
    default: {}
  timeout:
    description: How many seconds nodes have to answer. The default is that of M(pymco.mcollective.mcollective_rpc).
    type: float
  ttl:
    description: How many seconds a request is valid. The default is that of M(pymco.mcollective.mcollective_rpc).
    type: int
  validate:
    description: Whether to check O(arguments) against the agent's DDL. M(pymco.mcollective.mcollective_rpc) describes the values.
    type: str
    choices: [auto, strict, 'off']
    default: auto
  ddl_path:
    description: Where to look for DDLs first, as in M(pymco.mcollective.mcollective_rpc).
    type: list
    elements: path
    default: []
  read_only:
    description:
      - Whether the action changes nothing. The plugin knows it of all actions of C(rpcutil), and of actions that only look of well-known agents.
      - Set V(true) to allow another action that changes nothing.
    type: bool
  fail_on:
    description:
      - What makes the lookup fail. V(failed) means that the action failed on a node, V(no_response) that an addressed node did not
        answer, and V(no_nodes) that there is no node to address, or that there are fewer than O(expected_nodes).
    type: list
    elements: str
    choices: [failed, no_response, no_nodes]
    default: [failed, no_response, no_nodes]
  return_format:
    description:
      - What to return. V(data) is a list with the data of each reply, sorted by the identities of the nodes. V(replies) is a list of replies, as
        RV(pymco.mcollective.mcollective_rpc#module:replies). V(by_sender) is a dictionary with the identities as keys and the data as values.
    type: str
    choices: [data, replies, by_sender]
    default: data
seealso:
  - module: pymco.mcollective.mcollective_rpc
  - plugin: pymco.mcollective.by_sender
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the version of a package on each database server
  ansible.builtin.debug:
    msg: >-
      {{ lookup('pymco.mcollective.mcollective', 'package', 'status', arguments={'package': 'postgresql'},
                class_filters=['role::db'], return_format='by_sender') }}

- name: Wait for the end of maintenance, which a fact of one node tells
  ansible.builtin.debug:
    msg: The maintenance is over.
  until: >-
    lookup('pymco.mcollective.mcollective', 'rpcutil', 'get_fact', arguments={'fact': 'maintenance'},
           nodes=['db1.example.com']).value != 'yes'
  retries: 10
  delay: 60
"""

RETURN = r"""
_raw:
  description: The data of the replies, or what O(return_format) names.
  type: list
  elements: raw
"""

import json
import os
import typing as t

from ansible.errors import AnsibleError, AnsibleLookupError, AnsibleOptionsError
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.pymco.mcollective.plugins.module_utils._task import restrictions
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.invocation import refusal
from ansible_collections.pymco.mcollective.plugins.module_utils._task.lookup import LookupTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.nearest import suggestion
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import as_message
from ansible_collections.pymco.mcollective.plugins.plugin_utils import _target
from ansible_collections.pymco.mcollective.plugins.plugin_utils._inventory.options import (
    refuse_wrong_words,
    without_value,
)

NAME = "pymco.mcollective.mcollective"
Options = dict[str, t.Any]


class LookupModule(LookupBase):
    """Called by Ansible."""

    def run(
        self, terms: list[t.Any], variables: Options | None = None, **kwargs: t.Any
    ) -> list[t.Any]:
        """Ask the nodes, and return what they say."""
        variables = variables or {}
        try:
            given = _given(terms, kwargs)
            options = self._completed(given, variables)
            host = _target.Host.of(variables, self._templar)
            return _task(_target.aimed(options, host)).ask()
        except TaskFailed as failure:
            why = missing_required_lib(failure.missing) if failure.missing else str(failure)
            raise _refused(why) from None
        except _target.Undecided as reason:
            raise _refused(str(reason)) from None

    def _completed(self, given: Options, variables: Options) -> Options:
        """Return all options that have a value, also those of ansible.cfg and of the environment."""
        try:
            self.set_options(var_options=variables, direct=given)
            refuse_wrong_words(given, self.option_definitions, os.environ)
            found = {name: self.get_option(name) for name in LookupTask.options}
        except AnsibleOptionsError as error:
            why = without_value(error, self.option_definitions)
            raise _refused(str(why)) from None
        except AnsibleError as error:
            raise _refused(str(error)) from None
        return {name: value for name, value in found.items() if value is not None}


def _given(terms: list[t.Any], kwargs: Options) -> Options:
    """Return the options in an expression.

    :raises AnsibleLookupError: one of them is unknown, or would address no node.
    """
    names = ("agent", "action")
    if len(terms) > len(names):
        raise _refused("there are more terms than the agent and the action")
    given = {**dict(zip(names, terms)), **kwargs}
    known = {alias for each in LookupTask.options.values() for alias in each.get("aliases", ())}
    known.update(LookupTask.options)
    unknown = [f"{name}{suggestion(name, known)}" for name in given if name not in known]
    if unknown:
        # Ansible ignores them, and a filter with a typo in its name would let every node in.
        raise _refused(f"there is no such option: {', '.join(unknown)}")
    missing = [name for name in names if not given.get(name)]
    if missing:
        raise _refused(f"the {missing[0]} is missing")
    complaint = restrictions.refusal(given, LookupTask.options)
    if complaint:
        raise _refused(complaint)
    return given


def _task(options: Options) -> LookupTask:
    """Return the task that options stand for. They go through JSON, as those of a module do.

    :raises TaskFailed: an option is wrong; nothing was opened or sent.
    """
    try:
        plain = json.loads(json.dumps(options))
    except (TypeError, ValueError) as error:
        raise TaskFailed(f"the options cannot be written as JSON: {error}") from error
    checked = ArgumentSpecValidator(LookupTask.options).validate(plain)
    why = refusal(checked, f"({NAME}) lookup plugin")
    if why:
        raise TaskFailed(why)
    return LookupTask(checked.validated_parameters, Display().warning)


def _refused(why: str) -> AnsibleLookupError:
    return AnsibleLookupError(as_message(why))
