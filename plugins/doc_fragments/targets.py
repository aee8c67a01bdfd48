# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that select nodes."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of plugins that address nodes."""

    DOCUMENTATION = r"""
options:
  nodes:
    description:
      - The identities of the nodes to address, in this order. The request goes directly to them, without discovery.
      - With filters, the request goes only to those of O(nodes) that fit. The client asks them first whether they fit, unless all
        filters are about identities.
      - Without this option, O(discovery_method) determines how the client finds the nodes.
      - An empty value of this option, a filter, O(discovery_options), O(limit) or O(collective) is an error, because it would address no
        node. Empty values are V([]), V(null), an empty string, and a list with such an entry. To set no restriction, leave the option
        out or give it the value C(omit).
    type: list
    elements: str
  fact_filters:
    description:
      - Facts that a node must have, in the form V(NAME OPERATOR VALUE), as for C(mco -F).
        For example V(os=Debian), V(os=~^Deb), V(os=/^Deb/), V(cpus>=4) or V(env!=production).
      - Nodes compare values as numbers if both are integers or both are decimal fractions such as V(0.5). They compare all other values
        as text.
    type: list
    elements: str
  class_filters:
    description:
      - Configuration management classes that a node must have, by name or as V(/regular expression/), as for C(mco -C).
    type: list
    elements: str
  agent_filters:
    description:
      - Agents that a node must have in addition to the called agent, by name or as V(/regular expression/), as for C(mco -A).
    type: list
    elements: str
  identity_filters:
    description:
      - A node must have one of these identities, by name or as V(/regular expression/), as for C(mco -I).
      - If no entry is a regular expression, the client needs no discovery and treats the names like O(nodes).
      - This filter does not disable the other filters, as it does with C(mco). A node must fit all kinds of filters.
    type: list
    elements: str
  compound_filter:
    description:
      - An expression of classes, facts and data functions that must be true for a node, as for C(mco -S).
      - The expression joins statements with C(and), C(or), C(not) (or C(!)) and parentheses. C(not) binds tighter than C(and), and C(and)
        tighter than C(or).
      - A statement is a class, a fact or a data function. A class is a name or a V(/regular expression/). A fact has one of the operators
        C(= < <= > >=) and a value, or C(=) and a V(/regular expression/). A data function, such as V(fstat("/etc/hosts"\).md5=/^ba/),
        has one of the operators C(= != < <= > >=).
      - For example V(role::web and not env=production) or V(os="Debian Linux" and (cpus>=8 or /^role::db/\)).
      - Quote names and values that contain spaces, parentheses or quotes.
      - A data function needs an operator. A node does not answer at all if it lacks the function (as all nodes of MCollective 2.0 do) or
        cannot compare its output, even if the rest of the expression is true.
        See R(the guide,ansible_collections.pymco.mcollective.docsite.rpc_guide).
      - Nodes of Choria have another language, which is sent as it is written. For example
        V(with("role::web"\) && !with("env=production"\)), V(fact("os.family"\) == "Debian") or V("apache" in classes).
    type: str
  discovery_method:
    description:
      - How to find the nodes to address. The default is the configuration's C(default_discovery_method), or V(mc) if that is not set.
      - V(mc) asks all nodes by broadcast whether they fit. The request goes to the nodes that answer. V(broadcast) is another name for it.
      - V(flatfile) reads the nodes from the file in O(discovery_options), one identity per line. Empty lines and lines that begin
        with C(#) are ignored. V(file) is another name for it.
      - V(none) looks for no nodes. The request goes out in one broadcast, and every node that fits may answer. This is the quickest
        method, but the client cannot know which nodes should have answered and did not.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_DISCOVERY_METHOD) sets this option too.
    type: str
    choices: [mc, broadcast, flatfile, file, none]
  discovery_options:
    description:
      - The options of the discovery method. For V(flatfile), this is the path of one file on the host where the task runs. The default is the
        configuration's C(default_discovery_options).
      - With any other method, this option is an error, unless O(nodes) is set.
    type: list
    elements: str
  discovery_timeout:
    description:
      - Discovery ends when no node has answered for this many seconds. It continues as long as answers arrive, for at most a minute,
        or for this many seconds if that is longer.
        C(mco) always stops after this time.
      - With O(discovery_method=none), the call ends when no reply has arrived for this many seconds after an earlier one.
      - The default is the configuration's C(discovery_timeout), or V(2) if that is not set.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_DISCOVERY_TIMEOUT) sets this option too.
    type: float
  expected_nodes:
    description:
      - The expected number of nodes. Discovery ends when this many nodes have answered, and none for a further 0.2 seconds (or for
        O(discovery_timeout) seconds, if that is shorter).
      - If more nodes answer, the task uses all of them and warns. Nodes that answer even later are lost if the number is too low.
      - If there are fewer nodes in the end, the task fails before it sends anything, unless O(fail_on) does not include C(no_nodes).
      - This option cannot be combined with O(discovery_method=none).
    type: int
    aliases: [count]
  limit:
    description:
      - The maximum number of nodes to address, as a number or as a percentage such as V(10%). A percentage is rounded down, but to at
        least one node.
    type: str
  limit_method:
    description:
      - Which nodes O(limit) selects. V(first) selects those that answered first or are first in O(nodes). V(random) selects at random.
      - The default is the configuration's C(rpclimitmethod), or V(first) if that is not set.
    type: str
    choices: [first, random]
  limit_seed:
    description:
      - A number that makes V(random) select the same nodes each time, if the nodes to choose from are the same. C(mco --limit-seed)
        selects the same nodes.
    type: int
"""

    PLUGINS = r"""
# Generated from _task/options.py by tests/doc_options.py.
options:
  discovery_method:
    env: [{name: PYMCO_DISCOVERY_METHOD}, {name: ANSIBLE_MCOLLECTIVE_DISCOVERY_METHOD}]
    ini: [{section: mcollective_collection, key: discovery_method}]
  discovery_timeout:
    env: [{name: PYMCO_DISCOVERY_TIMEOUT}, {name: ANSIBLE_MCOLLECTIVE_DISCOVERY_TIMEOUT}]
    ini: [{section: mcollective_collection, key: discovery_timeout}]
"""
    # Environment variables and keys of ansible.cfg for plugins, in addition to the documentation above.
