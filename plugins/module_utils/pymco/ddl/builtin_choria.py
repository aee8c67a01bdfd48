# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The DDLs of the agents that every node of Choria has: rpcutil, choria_util and scout.

Names, types and rules are those of version 0.29.4 (Go: internal/fs/ddl/cache/agent); the words are our own.
"""

from __future__ import annotations

from ..ruby_values import RubyClass
from ..serializers import Symbol
from . import model
from .builtin_parts import action, metadata, string, titled

VERSION = "0.29.4"
_URL = "https://choria.io"


def _ddl(name: str, about: str, timeout: float, *actions: model.Action) -> model.AgentDDL:
    found = {str(each.name): each for each in actions}
    made = metadata(name, about, VERSION, _URL, timeout)
    return model.AgentDDL("agent", name, "", made, actions=found)


def _array(name: str, about: str) -> model.Input:
    return model.Input(Symbol(name), titled(name), about, RubyClass("Array"), True)


_COLLECTIVES = (
    "main_collective: The collective that the node belongs to first of all;"
    "collectives: All collectives that the node belongs to"
)
_INVENTORY = (
    "agents: The names of its agents; facts: Its facts, with the types that they have;"
    "classes: The classes that its configuration management has applied;"
    f"version: The version of its Choria; {_COLLECTIVES}; data_plugins: The names of its data plugins;"
    "machines: Its autonomous agents; upgradable: true if it can upgrade itself"
)
_STATS = (
    "threads: Its threads; agents: The names of its agents; pid: Its process number;"
    "times: The processor time that it has used; validated: How many messages had a good signature;"
    "unvalidated: How many messages had none; passed: How many messages were for this node;"
    "filtered: How many messages were for others; starttime: When it was started;"
    "total: How many messages it received; replies: How many replies it sent;"
    "configfile: Its configuration file; version: The version of its Choria;"
    "ttlexpired: How many messages came too late; events: How many events it published"
)
_FACT_LIST = r"^\s*[\w\.\-]+(\s*,\s*[\w\.\-]+)*$"
_RPCUTIL = _ddl(
    *("rpcutil", "What every node tells about itself", 2),
    action("ping", "Ask for the node's time", "pong: Seconds since 1970 by the node's clock"),
    action("inventory", "Ask what the node is and has", _INVENTORY),
    action(
        *("get_fact", "Ask for one fact", "fact: The name of the fact; value: Its value"),
        string("fact", "The fact's name, with dots to go deeper", ".+", 512),
        sums="value",
    ),
    action(
        *("get_facts", "Ask for several facts", "values: Their values by their names"),
        string("facts", "The names of the facts, with a comma between them", _FACT_LIST, 200),
    ),
    action("daemon_stats", "Ask what the server has been doing", _STATS, sums="version agents"),
    action(
        "agent_inventory", "Ask for the metadata of all agents", "agents: Each agent's metadata"
    ),
    action(
        *("get_config_item", "Ask for a setting of the server"),
        "item: The name of the setting; value: Its value",
        string("item", "The name of the setting", "^.+$", 120),
        sums="value",
    ),
    action("collective_info", "Ask for the collectives", _COLLECTIVES, sums="collectives"),
    action(
        *("get_data", "Query a data plugin", ""),
        string("source", "The name of the data plugin", r"^\w+$", 50),
        string("query", "What to ask it", "^.+$", 200, optional=True),
    ),
)

_INFO = (
    "security: The security provider; secure_protocol: true if messages are signed;"
    "connector: The connector; connector_tls: true if the connection is encrypted;"
    "path: The server's PATH; choria_version: The version of its Choria;"
    "client_version: The version of its NATS library; client_flavour: Which NATS library that is;"
    "client_options: The options of its connection; connected_server: The broker that it uses;"
    "client_stats: Figures of its connection; facter_domain: Its domain, as facter knows it;"
    "facter_command: The path of facter; srv_domain: The domain of SRV records;"
    "using_srv: true if SRV records are looked for; middleware_servers: The brokers that it knows"
)
_STATE = (
    "name: Its name; version: Its version; state: The state that it is in; path: Its directory;"
    "id: The number of its instance; start_time: When it was started, in seconds since 1970;"
    "available_transitions: The transitions that it can make now;"
    "scout: true if it is a check of Scout; current_state: What that check says"
)
_STATES = (
    "machine_names: The names of all; machine_ids: The numbers of their instances;"
    "states: The state of each, by the number of its instance"
)
_MACHINE = r"^[a-zA-Z][a-zA-Z0-9_-]+"
_INSTANCE = string("instance", "The number of its instance", "^.+-.+-.+-.+-.+$", 36, optional=True)
_NAME = string("name", "Its name", _MACHINE, 128, optional=True)
_PATH = string("path", "Its directory", ".+", 512, optional=True)
_CHORIA_UTIL = _ddl(
    *("choria_util", "What Choria's server tells about itself, and its autonomous agents", 2),
    action(
        *("info", "Ask for versions, settings and the connection", _INFO),
        sums="choria_version client_version client_flavour connected_server srv_domain using_srv"
        " secure_protocol connector_tls",
        display="failed",
    ),
    action(
        *("machine_state", "Ask for the state of an autonomous agent", _STATE),
        *(_INSTANCE, _NAME, _PATH),
        sums="state name version",
        display="ok",
    ),
    action("machine_states", "Ask for all autonomous agents", _STATES, sums="machine_names"),
    action(
        *("machine_transition", "Make an autonomous agent change its state"),
        "success: true if the agent takes the transition",
        *(_INSTANCE, string("version", "Its version", r"^\d+\.\d+\.\d+$", 20, optional=True)),
        *(_NAME, _PATH, string("transition", "What is to happen", f"{_MACHINE}$", 128)),
        display="failed",
    ),
)

_CHANGED = (
    "failed: Checks that did not change; transitioned: Checks that did; skipped: Checks left alone"
)
_CHECKS = _array("checks", "The names of the checks; without any, all of them")
_VALIDATED = (
    "tests: How many tests were run; failures: How many of them failed; runtime: Seconds that they took;"
    "success: How many of them passed; skipped: How many were left out;"
    "summary: The result, as a sentence; results: All that is known of each test"
)
_GOSS = tuple(
    string(name, about, rule, most, optional=True)
    for name, about, rule, most in (
        ("yaml_rules", "The tests, in YAML", ".", 5120),
        ("file", "The path of a file of tests", ".+", 256),
        ("vars", "The path of a file of variables", ".+", 256),
        ("yaml_vars", "Variables, in YAML", ".+", 5120),
    )
)
_SCOUT = _ddl(
    *("scout", "The checks of Choria Scout", 5),
    action("checks", "Ask for all checks", "checks: Each check and its state", display="ok"),
    action("trigger", "Make checks run now", _CHANGED, _CHECKS, display="failed"),
    action("maintenance", "Make checks pause", _CHANGED, _CHECKS, display="failed"),
    action("resume", "Make checks run again", _CHANGED, _CHECKS, display="failed"),
    action(
        *("goss_validate", "Test the node with Goss", _VALIDATED),
        *_GOSS,
        sums="tests failures success",
        display="failed",
    ),
)
ALL = (_RPCUTIL, _CHORIA_UTIL, _SCOUT)
