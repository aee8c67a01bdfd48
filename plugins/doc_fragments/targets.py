# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes to address."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of everything that addresses nodes."""

    DOCUMENTATION = r"""
options:
  nodes:
    description:
      - Identities of the nodes to address, in this order. They are asked directly, without a discovery before.
      - If there are filters too, only those of them that fit the filters are addressed. To find out who does, these nodes are
        asked first, unless the filters are about identities only.
      - Without this option, O(discovery_method) tells how nodes are found.
      - It is an error if this option, a filter, O(discovery_options), O(limit) or O(collective) is given and empty (V([]), V(null), an empty
        text, or a list with such an entry), since it would address nobody. Leave such an option out, or give it the value C(omit), to
        restrict nothing by it.
    type: list
    elements: str
  fact_filters:
    description:
      - Facts that a node must have, in the form V(NAME OPERATOR VALUE), as C(mco -F) takes them.
        For example V(os=Debian), V(os=~^Deb), V(os=/^Deb/), V(cpus>=4) or V(env!=production).
      - Values are compared as numbers if both are whole numbers or both are decimal fractions such as V(0.5), and as text otherwise.
    type: list
    elements: str
  class_filters:
    description:
      - Configuration management classes that a node must have, by name or as V(/regular expression/), as C(mco -C) takes them.
    type: list
    elements: str
  agent_filters:
    description:
      - Agents that a node must have besides the one that is called, by name or as V(/regular expression/), as C(mco -A) takes them.
    type: list
    elements: str
  identity_filters:
    description:
      - Identities of which a node must have one, by name or as V(/regular expression/), as C(mco -I) takes them.
      - Names without a regular expression are as good as O(nodes). Nobody has to be discovered then.
      - Unlike C(mco), this never drops the other filters when this one is given. All kinds of filters must fit.
    type: list
    elements: str
  compound_filter:
    description:
      - An expression over classes, facts and data functions that must be true of a node, as C(mco -S) takes it.
      - It joins statements with C(and), C(or), C(not) (or C(!)) and parentheses. C(not) binds before C(and), and C(and) before C(or).
      - A statement is a class, by name or as V(/regular expression/); a fact with one of the operators C(= < <= > >=) and a value or,
        after C(=), a V(/regular expression/); or a data function, such as V(fstat("/etc/hosts").md5=/^ba/), with one of
        the operators C(= != < <= > >=).
      - For example V(role::web and not env=production) or V(os="Debian Linux" and (cpus>=8 or /^role::db/)).
      - Names and values with blanks, parentheses or quotes must be quoted.
      - A data function must be compared. Nodes that lack it (as all of MCollective 2.0 do), or that cannot compare its output, do not answer
        at all, whatever the rest of the expression says. See R(the guide,ansible_collections.pymco.mcollective.docsite.rpc_guide).
    type: str
  discovery_method:
    description:
      - How the nodes to address are found. By default the configuration's C(default_discovery_method), which is V(mc) if it is not set.
      - With V(mc) all nodes are asked by broadcast whether they fit, and those that answer are addressed.
      - With V(flatfile) they are read from the file in O(discovery_options), one identity to a line.
        Lines that begin with C(#) and empty ones do not count.
      - With V(none) nobody is looked for. The request goes to all that fit, in one broadcast, and whoever answers is taken in.
        That is quickest, but nobody can tell who should have answered and did not.
    type: str
    choices: [mc, flatfile, none]
  discovery_options:
    description:
      - What the discovery method needs. For V(flatfile) the path of one file, on the host that the task runs on.
      - It is an error to give it with another method, unless O(nodes) are given.
    type: list
    elements: str
  discovery_timeout:
    description:
      - Discovery ends when no node has answered for this many seconds. As long as answers come it goes on, up to a minute.
        C(mco) stops after that time, answers or not.
      - With O(discovery_method=none) the call ends when no reply has come for this many seconds, once there was one.
      - By default the configuration's C(discovery_timeout), which is 2 if it is not set.
    type: float
  expected_nodes:
    description:
      - How many nodes there should be. Discovery ends at once when so many have answered.
        If there are fewer in the end, the task fails, before anything is sent, unless O(fail_on) leaves C(no_nodes) out.
    type: int
  limit:
    description:
      - How many of the nodes to address at the most, as a number or as a percentage such as V(10%), which is rounded down, but to no less than one.
    type: str
  limit_method:
    description:
      - Which of the nodes a O(limit) takes. V(first) are those that answered first, or stand first in O(nodes), V(random) are any.
      - By default the configuration's C(rpclimitmethod), which is V(first) if it is not set.
    type: str
    choices: [first, random]
  limit_seed:
    description:
      - A number with which V(random) takes the same nodes each time, as long as there are the same to choose from. They are those
        that C(mco --limit-seed) takes.
    type: int
"""

    PLUGINS = r"""
# Made of _task/options.py by tests/doc_options.py.
options:
  discovery_method:
    env:
      - name: ANSIBLE_MCOLLECTIVE_DISCOVERY_METHOD
    ini:
      - section: mcollective_collection
        key: discovery_method
  discovery_timeout:
    env:
      - name: ANSIBLE_MCOLLECTIVE_DISCOVERY_TIMEOUT
    ini:
      - section: mcollective_collection
        key: discovery_timeout
"""
    # Where plugins find the options besides, to be used together with the documentation above.
