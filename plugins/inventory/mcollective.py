# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All nodes of a collective as an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mcollective
short_description: All nodes of an MCollective collective, with their facts, classes, agents and collectives
version_added: 0.1.0
author: The pymco.mcollective authors (@pymco)
description:
  - Asks all nodes of a collective, or those that fit filters, for their inventory. One broadcast brings everything.
  - The name of its configuration file must end in C(mcollective.yml) or C(mcollective.yaml).
  - Nothing that comes from a node is ever evaluated as a template, and all of it is in variables of our own, below.
    So no node can set C(ansible_host), C(ansible_connection) or any other variable that means something to Ansible.
    Use O(compose) to set such on purpose.
  - Every host has C(mcollective_identity), C(mcollective_version), C(mcollective_facts) (a dictionary), C(mcollective_classes),
    C(mcollective_agents) and C(mcollective_collectives) (lists), as far as O(gather) has them gathered. Facts are text on the nodes.
  - Needs ansible-core 2.19 or newer. With an older one, texts that come from nodes could run as templates, so it refuses to work.
notes:
  - If the broker cannot be reached, or any option is wrong, the inventory fails as a whole, and no host is added. Ansible goes on
    without it by default, and ends with code 0. Set C(any_unparsed_is_failed=true) in the section C([inventory]) of C(ansible.cfg)
    to make it an error.
  - The options of the sections about the client and about targets may have templates. Variables that are given with C(-e)
    can be used in them. O(hostnames), O(include), O(exclude), O(compose), O(groups) and the keys of O(keyed_groups) are expressions.
  - The guide R(From client.cfg to a play,ansible_collections.pymco.mcollective.docsite.inventory_guide) has more.
extends_documentation_fragment:
  - pymco.mcollective.client
  - pymco.mcollective.client.plugins
  - pymco.mcollective.targets
  - pymco.mcollective.targets.plugins
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [pymco.mcollective.mcollective]
  gather:
    description: What to gather of each node, and to put into variables.
    type: list
    elements: str
    choices: [facts, classes, agents, collectives]
    default: [facts, classes, agents, collectives]
  fact_names:
    description:
      - The facts to keep, by the names that they have at the top, as V(os). By default all.
      - With O(gather=facts) they are also all that is asked for. That is less to send, to read and to store
        where nodes have many facts. Nodes before MCollective 2.3.3 are asked for everything then, and the rest is dropped.
    type: list
    elements: str
  discovery_method:
    description:
      - How the nodes to ask are found.
      - By default V(none), unless there are O(nodes), a O(limit) or only O(identity_filters) without regular expressions,
        or the configuration has V(flatfile) as its C(default_discovery_method).
      - With V(none) nobody is looked for. The request goes to all that fit, in one broadcast, and whoever answers is taken in.
        Nobody can tell then who should have answered and did not. O(expected_nodes) and O(minimum_nodes) help.
      - With V(mc) all nodes are asked by broadcast whether they fit, and those that answer are asked for their inventory.
        That takes two rounds, and it is known who did not answer the second.
      - With V(flatfile) they are read from the file in O(discovery_options), one identity to a line.
        Lines that begin with C(#) and empty ones do not count.
  discovery_timeout:
    description:
      - Waiting ends when no node has answered for this many seconds.
      - By default the configuration's C(discovery_timeout), which is 2 if it is not set.
  discovery_options:
    description: What the discovery method needs. For V(flatfile) the path of the file.
  expected_nodes:
    description:
      - How many nodes there should be. Waiting ends at once when so many have answered. That saves the seconds of O(discovery_timeout).
      - What happens if there are fewer is up to O(on_no_response).
  timeout:
    description:
      - How many seconds to wait for replies at the most.
      - By default 60, as long as replies come, and 10 more than O(discovery_timeout) for the first one. Where it is known who
        has been asked, 10 more than O(discovery_timeout) for all.
    type: float
  on_no_response:
    description:
      - What to do about nodes that did not answer though it is known that they were asked, about those whose answer is of no use,
        and if there are fewer than O(expected_nodes).
      - They are never in the inventory. With V(warn) there is a warning, and the others are. With V(fail) the inventory fails as a whole.
    type: str
    choices: [warn, fail, ignore]
    default: warn
  minimum_nodes:
    description: How many nodes must have answered for the inventory not to fail as a whole. With V(0) it may be empty.
    type: int
    default: 1
  hostnames:
    description:
      - What to call hosts. The first of these expressions that gives a name is used.
      - A name has letters, digits, dots, dashes and underscores, does not begin with a dash, and has no meaning to Ansible,
        as C(all), C(localhost) and the names of groups have. A node without such a name is left out, and named in a warning.
        So are all nodes that would have the same name.
    type: list
    elements: str
    default: [mcollective_identity]
  group_by:
    description:
      - Groups to make of what nodes say, without a template. It costs next to nothing, where O(keyed_groups) takes about a
        millisecond for each host and entry, unless its key is a plain path into the variables above.
      - An entry is a key, or a dictionary with C(key) and some of C(prefix), C(separator) and C(parent_group).
      - Keys are V(class), V(agent), V(collective) and V(fact:NAME), where nested facts have dots between the names, as V(fact:os.family).
        A fact that is a list makes a group for each of its values.
      - The groups are called by the prefix, the separator and the value. The prefix is the key by default, that of a fact its name,
        and the separator V(_). Characters that groups cannot have become underscores. So V(fact:os.family) makes C(os_family_Debian).
      - Values that become the same name share the group, and there is a warning. A value makes no group, and there is a warning,
        if it is a dictionary or has more than 200 characters, or if the name is that of a host, of a group that has others below it,
        or means something to Ansible, as C(all), C(ungrouped) and C(localhost) do.
      - Nodes choose their facts. With an empty prefix they also choose in which of your groups they are, and a group can take the name of
        a host that a later inventory source brings.
    type: list
    elements: raw
    default: []
  include:
    description:
      - Conditions of which a host must fulfil one to be in the inventory. One that cannot be evaluated is not fulfilled, unless
        O(strict) makes that an error.
      - They are evaluated here, after all nodes have answered, and take about a millisecond for each host. Filters are evaluated by the
        nodes, and who does not fit does not even answer.
    type: list
    elements: str
    default: []
  exclude:
    description: Conditions of which a host must fulfil none. Everything else is as with O(include).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
# all.mcollective.yml: everything that the client.cfg of this user reaches.
# Try: ansible-inventory -i all.mcollective.yml --graph
plugin: pymco.mcollective.mcollective
group_by:
  - class
  - fact:os.family

---
# zurich.mcollective.yml: the web servers of a site, by a client.cfg of its own, with a password from the environment.
plugin: pymco.mcollective.mcollective
config_file: /etc/mcollective/ansible.cfg
config:
  plugin.rabbitmq.pool.1.password: "{{ lookup('ansible.builtin.env', 'BROKER_PASSWORD') }}"
class_filters:
  - role::web
fact_filters:
  - site=zurich
# SSH reaches the nodes by their addresses.
compose:
  ansible_host: mcollective_facts.ipaddress
group_by:
  - collective
  - key: fact:site
    prefix: site
    parent_group: sites
keyed_groups:
  - key: mcollective_facts.os.release.major
    prefix: release
groups:
  big: mcollective_facts.processorcount | int >= 16
exclude:
  - "'decommissioned' in mcollective_classes"

---
# large.mcollective.yml: for thousands of nodes, of which few facts are needed, kept for ten minutes.
plugin: pymco.mcollective.mcollective
gather:
  - facts
fact_names:
  - os
  - site
  - ipaddress
expected_nodes: 10000
minimum_nodes: 9500
on_no_response: fail
group_by:
  - fact:site
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/mcollective-inventory
cache_timeout: 600
"""

import os
import time
import typing as t

from ansible.errors import AnsibleError, AnsibleOptionsError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable

from ansible_collections.pymco.mcollective.plugins.module_utils._task import words
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.nearest import suggestion
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable
from ansible_collections.pymco.mcollective.plugins.plugin_utils._inventory import cache as caching
from ansible_collections.pymco.mcollective.plugins.plugin_utils._inventory import options
from ansible_collections.pymco.mcollective.plugins.plugin_utils._inventory.constructing import (
    KNOWS_TRUST,
    Constructing,
)
from ansible_collections.pymco.mcollective.plugins.plugin_utils._inventory.grouping import (
    Grouping,
    read_keys,
)
from ansible_collections.pymco.mcollective.plugins.plugin_utils._inventory.planning import (
    Plan,
    variables_of,
)

if t.TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader

    from ansible_collections.pymco.mcollective.plugins.module_utils._task.inventory import (
        InventoryTask,
    )

SUFFIXES = ("mcollective.yml", "mcollective.yaml")
NAMED = 5
"""How many hosts a warning names."""


class InventoryModule(Constructing, BaseInventoryPlugin, Cacheable):
    """Called by Ansible."""

    NAME = "pymco.mcollective.mcollective"

    def verify_file(self, path: str) -> bool:
        """Return True if the name of a source is one of ours."""
        if not super().verify_file(path):
            return False
        if str(path).endswith(SUFFIXES):
            return True
        self.display.vvv(f"{self.NAME}: the name of {path} does not end in {' or '.join(SUFFIXES)}")
        return False

    def set_options(
        self,
        task_keys: t.Any = None,
        var_options: t.Any = None,
        direct: dict[str, t.Any] | None = None,
    ) -> None:
        """Take the options, and evaluate the templates in those of the file."""
        if direct is not None and self._vars is not None:
            self.templar.available_variables = self._vars
            direct = options.templated(direct, self.templar)
            options.refuse_wrong_words(direct, self.option_definitions, os.environ)
        try:
            super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        except AnsibleOptionsError as error:
            raise options.without_value(error, self.option_definitions) from None

    def parse(
        self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True
    ) -> None:
        """Add the nodes of the collective to the inventory: all of them, or none."""
        if not KNOWS_TRUST:
            raise AnsibleParserError(
                f"{self.NAME} needs ansible-core 2.19 or newer: with an older one, what nodes say could"
                " run as templates on this machine"
            )
        super().parse(inventory, loader, path, cache)
        with caching.made_for_us_alone():
            config = self._read_config_data(path)
        try:
            self._refuse_unknown(config)
            self._fill(inventory, path, cache, config)
        except AnsibleError as error:
            raise options.refused(error) from None

    def _fill(
        self, inventory: InventoryData, path: str, cache: bool, config: t.Container[str]
    ) -> None:
        """Add what the options ask for."""
        start = time.monotonic()
        task = options.make_task(self, config, self.warn)
        for note in task.notes:
            self.display.v(note)
        keys = read_keys(self.get_option("group_by") or (), task.wish)
        nodes = self._nodes(task, path, cache)
        gathered = time.monotonic()
        plan = self._plan(nodes, keys, inventory)
        plan = self.construct(plan, inventory, self.get_option("strict"))
        planned = time.monotonic()
        plan.carry_out(inventory)
        self.display.vvv(
            f"{self.NAME}: {len(plan.hosts)} hosts and {len(plan.groups)} groups;"
            f" {gathered - start:.2f} s to gather, {planned - gathered:.2f} s to group,"
            f" {time.monotonic() - planned:.2f} s to add"
        )

    def _refuse_unknown(self, config: dict[str, t.Any]) -> None:
        """Refuse unknown options, which Ansible ignores. A filter with a typo in its name would let every node in."""
        known = self.get_options()
        unknown = [name + suggestion(name, known) for name in map(str, config) if name not in known]
        unknown += [f"{key} in keyed_groups{meant}" for key, meant in options.unknown_keys(self)]
        if unknown:
            names = ", ".join(map(printable, unknown))
            raise AnsibleParserError(f"there is no such option: {names}")

    # -- the nodes -----------------------------------------------------------------------------

    def _nodes(self, task: InventoryTask, path: str, cache: bool) -> caching.Nodes:
        """Return what the nodes say: from the cache, if it has that for these options, or from the nodes."""
        if not self.get_option("cache"):
            return self._collect(task)
        exposed = caching.exposure(self._cache)
        if exposed:
            self.warn(exposed)
        key, fingerprint = self.get_cache_key(path), task.fingerprint()
        if cache:
            entry = caching.kept(self._cache, key, self.warn)
            nodes = caching.unpacked(entry, fingerprint)
            if nodes is not None:
                self.display.vvv(f"{self.NAME}: {len(nodes)} nodes are from the cache")
                return nodes
        nodes = self._collect(task)
        self._cache[key] = caching.packed(nodes, fingerprint)
        return nodes

    def _collect(self, task: InventoryTask) -> caching.Nodes:
        try:
            return task.collect()
        except TaskFailed as failure:
            raise options.as_parser_error(failure) from None

    # -- hosts and groups ----------------------------------------------------------------------

    def _plan(self, nodes: caching.Nodes, keys: list[t.Any], inventory: InventoryData) -> Plan:
        """Return the hosts with their variables, and the groups that need no template."""
        self.prepare()
        hosts = self._hosts(nodes, inventory)
        above = [name for name, group in inventory.groups.items() if group.child_groups]
        taken = hosts.keys() | inventory.hosts.keys()
        grouping = Grouping(keys, taken, above, self.warn)
        plan = Plan()
        for host, node in hosts.items():
            plan.hosts[host] = variables_of(node)
            grouping.add(plan, host, node)
        return plan

    def _hosts(self, nodes: caching.Nodes, inventory: InventoryData) -> dict[str, dict[str, t.Any]]:
        """Return the nodes that become hosts, by the names of the hosts."""
        strict = self.get_option("strict")
        claims: dict[str, list[str]] = {}
        nameless: list[str] = []
        for identity, node in nodes.items():
            variables = variables_of(node)
            try:
                name = self.host_name(variables)
            except AnsibleParserError as error:
                nameless.append(f"{identity} ({error})")
                continue
            if name in inventory.groups:
                nameless.append(f"{identity} ({name} is a group)")
            elif self.is_wanted(variables, strict):
                claims.setdefault(name, []).append(identity)
        self._mention("have no name that a host can have, and are left out", nameless)
        twice = {name: found for name, found in claims.items() if len(found) > 1}
        shared = [f"{name} ({', '.join(found[:NAMED])})" for name, found in twice.items()]
        self._mention("are names that several nodes would have, which are all left out", shared)
        return {name: nodes[found[0]] for name, found in claims.items() if name not in twice}

    def _mention(self, what: str, names: list[str]) -> None:
        if names:
            self.warn(f"{words.named(names, NAMED)} {what}")
