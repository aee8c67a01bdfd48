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
      - Identities of the nodes to address. They are asked directly, without a discovery before.
      - If there are filters too, only those of them that fit the filters are addressed.
      - Without this option, all nodes that fit the filters and have the agent are found by discovery.
    type: list
    elements: str
  fact_filters:
    description:
      - Facts that a node must have, in the form V(NAME OPERATOR VALUE), as C(mco -F) takes them.
        For example V(os=Debian), V(os=~^Deb), V(os=/^Deb/), V(cpus>=4) or V(env!=production).
      - Values are compared as numbers if both are whole numbers or both are decimal fractions such as V(0.5), and as text otherwise.
    type: list
    elements: str
    default: []
  class_filters:
    description:
      - Configuration management classes that a node must have, by name or as V(/regular expression/), as C(mco -C) takes them.
    type: list
    elements: str
    default: []
  agent_filters:
    description:
      - Agents that a node must have besides the one that is called, by name or as V(/regular expression/), as C(mco -A) takes them.
    type: list
    elements: str
    default: []
  identity_filters:
    description:
      - Identities of which a node must have one, by name or as V(/regular expression/), as C(mco -I) takes them.
      - Unlike C(mco), this never drops the other filters when this one is given. All kinds of filters must fit.
    type: list
    elements: str
    default: []
  compound_filter:
    description:
      - An expression over classes, facts and data functions that must be true of a node, as C(mco -S) takes it.
      - It joins statements with C(and), C(or), C(not) (or C(!)) and parentheses. C(not) binds before C(and), and C(and) before C(or).
      - A statement is a class, by name or as V(/regular expression/); a fact with one of the operators C(= < <= > >=) and a value or,
        after C(=), a V(/regular expression/); or a data function, such as V(fstat("/etc/hosts").md5=/^ba/), with one of
        the operators C(= != < <= > >=).
      - For example V(role::web and not env=production) or V(os="Debian Linux" and (cpus>=8 or /^role::db/)).
      - Names and values with blanks, parentheses or quotes must be quoted.
      - A data function must be compared, and nodes that lack it, or cannot compare its output, do not answer at all, whatever
        the rest of the expression says. See R(the guide,ansible_collections.pymco.mcollective.docsite.rpc_guide).
    type: str
  discovery_timeout:
    description:
      - Discovery ends when no node has answered for this many seconds. As long as answers come it goes on, up to a minute.
      - By default the configuration's C(discovery_timeout), which is 2 if it is not set.
    type: float
"""
