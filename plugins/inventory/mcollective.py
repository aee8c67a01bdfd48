# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin: all nodes of a collective as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mcollective
short_description: All nodes of an MCollective collective with their facts, classes, agents and collectives
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Asks all nodes of a collective, or the nodes that fit filters, for their inventory. One broadcast brings all data.
  - The name of the inventory file must end in C(mcollective.yml) or C(mcollective.yaml).
  - Every host has the variables C(mcollective_identity), C(mcollective_version), C(mcollective_facts) (a dictionary),
    C(mcollective_classes), C(mcollective_agents) and C(mcollective_collectives) (lists). O(gather) selects them. Nodes store facts as text.
  - Ansible never evaluates data of a node as a template, and all data is in these variables. So no node can set C(ansible_host),
    C(ansible_connection) or any other variable with a meaning to Ansible. Use O(compose) to set such a variable on purpose.
  - The plugin requires ansible-core 2.19 or newer. It refuses to work with an older version, which could run text from nodes as templates.
notes:
  - If the plugin cannot reach the broker, or an option is wrong, it adds no host. By default, Ansible then continues without this inventory
    and ends with code 0. Set C(any_unparsed_is_failed=true) in the section C([inventory]) of C(ansible.cfg) to make this an error.
  - The options for the client and for targets may contain templates, which may use variables from C(-e). O(hostnames), O(include),
    O(exclude), O(compose), O(groups) and the keys of O(keyed_groups) are expressions.
  - The guide R(From client.cfg to a play,ansible_collections.pymco.mcollective.docsite.inventory_guide) has examples and background.
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
    description: The data to gather from each node and to store in variables.
    type: list
    elements: str
    choices: [facts, classes, agents, collectives]
    default: [facts, classes, agents, collectives]
  fact_names:
    description:
      - The facts to keep, by their top-level names, such as V(os). The default is all facts.
      - With O(gather=facts), the plugin asks for these facts only. This saves time, traffic and memory where nodes have many facts. Nodes
        older than MCollective 2.3.3 still send everything, and the plugin drops the rest.
    type: list
    elements: str
  discovery_method:
    description:
      - How to find the nodes to ask.
      - The default is V(none). If O(nodes) or O(limit) is set, if O(identity_filters) has no regular expression, or if the configuration's
        C(default_discovery_method) is V(flatfile), the default is the configuration's C(default_discovery_method).
      - V(none) looks for no nodes. The request goes out in one broadcast, and every node that fits may answer. The plugin cannot know which
        nodes should have answered and did not. O(expected_nodes) and O(minimum_nodes) help to notice this.
      - V(mc) asks all nodes by broadcast whether they fit, and then asks those that answer for their inventory. This takes two rounds,
        and the plugin knows which nodes did not answer the second one. V(broadcast) is another name for it.
      - V(flatfile) reads the nodes from the file in O(discovery_options), one identity per line. Empty lines and lines that begin
        with C(#) are ignored. V(file) is another name for it.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_DISCOVERY_METHOD) sets this option too.
  discovery_timeout:
    description:
      - The plugin stops waiting when no node has answered for this many seconds.
      - The default is the configuration's C(discovery_timeout), or V(2) if that is not set.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_DISCOVERY_TIMEOUT) sets this option too.
  discovery_options:
    description: The options of the discovery method. For V(flatfile), this is the path of the file.
  expected_nodes:
    description:
      - The expected number of nodes. The plugin stops waiting when this many nodes have answered, and none for a further 0.2 seconds. So it
        saves O(discovery_timeout).
      - If more nodes answer, the plugin uses all of them and warns.
      - O(on_no_response) determines what happens if fewer nodes answer.
  timeout:
    description:
      - The maximum number of seconds to wait for replies.
      - If the plugin knows which nodes it has asked, the default is O(discovery_timeout) plus 10. Otherwise the default is V(60), and
        the first reply must arrive within O(discovery_timeout) plus 10 seconds.
    type: float
  on_no_response:
    description:
      - What to do if a node that the plugin asked by name does not answer, if the answer of a node cannot be used, or if there are fewer
        nodes than O(expected_nodes).
      - Such nodes are never in the inventory. V(warn) shows a warning and adds the other nodes. V(ignore) adds them without a warning.
        With V(fail), the whole inventory fails.
    type: str
    choices: [warn, fail, ignore]
    default: warn
  minimum_nodes:
    description: The whole inventory fails if fewer nodes than this answer. With V(0), the inventory may be empty.
    type: int
    default: 1
  hostnames:
    description:
      - Expressions for the name of a host. The plugin uses the first expression that results in a valid name.
      - A valid name consists of letters, digits, dots, dashes and underscores, and does not begin with a dash. It must not have a meaning
        to Ansible, as C(all), C(localhost) and the names of groups have.
      - The plugin leaves out a node without a valid name, and all nodes that would get the same name. Warnings name these nodes.
    type: list
    elements: str
    default: [mcollective_identity]
  group_by:
    description:
      - Groups to create from the data of the nodes, without templates. This takes almost no time. O(keyed_groups) takes about a
        millisecond for each host and entry, unless its key is a plain path into the variables above.
      - An entry is a key, or a dictionary with C(key) and any of C(prefix), C(separator) and C(parent_group).
      - A key is V(class), V(agent), V(collective) or V(fact:NAME). The name of a nested fact has dots, as in V(fact:os.family). A fact that
        is a list creates a group for each of its values.
      - The name of a group consists of the prefix, the separator and the value. The default prefix is the key or the name of the fact,
        and the default separator is V(_). Underscores replace invalid characters. So V(fact:os.family) creates C(os_family_Debian).
      - Values that lead to the same name share one group, and a warning appears. A value creates no group, and a warning appears, if it is
        a dictionary or has more than 200 characters, or if the name is the name of a host, the name of a group with child groups, or a name
        with a meaning to Ansible, such as C(all), C(ungrouped) and C(localhost).
      - An entry of O(group_by) or O(keyed_groups) makes groups of the first 2000 values of a node. A warning names nodes with more.
      - Nodes choose their facts. With an empty prefix, they also choose which of your groups they join, and a group can take the name of
        a host of a later inventory source.
    type: list
    elements: raw
    default: []
  include:
    description:
      - A host is in the inventory only if it fulfills at least one of these conditions. A condition that cannot be evaluated counts as not
        fulfilled, unless O(strict) makes this an error.
      - Ansible evaluates the conditions here, after all nodes have answered. This takes about a millisecond for each host. Filters are
        cheaper, because nodes evaluate them, and nodes that do not fit do not answer.
    type: list
    elements: str
    default: []
  exclude:
    description: A host is not in the inventory if it fulfills one of these conditions. In all other respects, they work as those of O(include).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
# all.mcollective.yml: all nodes that the client.cfg of this user reaches.
# Try: ansible-inventory -i all.mcollective.yml --graph
plugin: pymco.mcollective.mcollective
group_by:
  - class
  - fact:os.family

---
# zurich.mcollective.yml: the web servers of one site, with a separate client.cfg and a password from the environment.
plugin: pymco.mcollective.mcollective
config_file: ~/zurich/client.cfg
config:
  plugin.rabbitmq.pool.1.password: "{{ lookup('ansible.builtin.env', 'BROKER_PASSWORD') }}"
class_filters:
  - role::web
fact_filters:
  - site=zurich
# SSH reaches the nodes by their addresses. So the nodes choose where SSH connects to: let it check the keys of the hosts.
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
# large.mcollective.yml: thousands of nodes with a few facts each, in the cache for ten minutes.
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
        """Return True if the name of a source is one of ours.

        :raises AnsibleParserError: it is not, although it is the name of a YAML file.
        """
        if not super().verify_file(path):
            return False
        if str(path).endswith(SUFFIXES):
            return True
        rule = (
            f"the name of {path} does not end in {' or '.join(SUFFIXES)}, as {self.NAME} requires"
        )
        if str(path).endswith((".yml", ".yaml")):
            # The plugin auto shows the error of a file that names this plugin. For all others, an error means no.
            raise AnsibleParserError(rule)
        self.display.vvv(rule)
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
        known = {*self.get_options(), *options.ALIASES}
        unknown = [name + suggestion(name, known) for name in map(str, config) if name not in known]
        unknown += [f"{key} in keyed_groups{meant}" for key, meant in options.unknown_keys(self)]
        if unknown:
            names = ", ".join(map(printable, unknown))
            raise AnsibleParserError(f"there is no such option: {names}")
        options.refuse_wrong_entries(self.get_option("keyed_groups") or ())

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
        grouping = Grouping(keys, taken, above, self.complaints)
        plan = Plan()
        for host, node in hosts.items():
            plan.hosts[host] = variables_of(node)
            grouping.add(plan, host, node)
        self.complaints.tell()
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
