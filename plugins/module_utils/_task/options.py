# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The options that tasks share. One table says everything about each of them except its description.

To add an option:

1. Add a row to a table below. An option of a single task goes into that task's own ``options``.
2. Describe it in ``plugins/doc_fragments``, or in the documentation of the one module: only its name
   and its ``description``.
3. Use it. An option with the name of a field of :class:`.request.Request` becomes that field by itself.
4. Explain its purpose in a guide.

Then run ``python tests/doc_options.py``. It copies types, defaults, choices, environment variables and keys
of ansible.cfg from the table into the documentation. Unit tests fail if it was not run.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.module_utils.basic import env_fallback

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import METHODS

Spec = dict[str, t.Any]
SECTION = "mcollective_collection"
"""The section of ansible.cfg in which plugins find options."""


@dataclasses.dataclass(frozen=True)
class Option:
    """A row of a table.

    :ivar spec: its part of the argument specification.
    :ivar elsewhere: True if an environment variable or ansible.cfg gives it, where it is not given.
    :ivar restricts: True if it leaves nodes out, and so must not be empty.
    """

    spec: Spec
    elsewhere: bool = False
    restricts: bool = False


Table = dict[str, Option]


def variables(name: str) -> list[str]:
    """Return the environment variables of an option. An earlier one takes precedence.

    AWX does not let a credential set a variable whose name begins with ``ANSIBLE_``. The second one is for it.
    """
    return [f"ANSIBLE_MCOLLECTIVE_{name.upper()}", f"PYMCO_{name.upper()}"]


def specs(table: Table) -> Spec:
    """Return the argument specification that a table stands for."""
    return {name: _spec(name, option) for name, option in table.items()}


def _spec(name: str, option: Option) -> Spec:
    if not option.elsewhere:
        return option.spec
    return {**option.spec, "fallback": (env_fallback, variables(name))}


BROKER_OPTIONS: Spec = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int"},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "tls": {"type": "bool"},
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "validate_certs": {"type": "bool"},
}
CLIENT: Table = {
    "config_file": Option({"type": "path"}, elsewhere=True),
    # It may have secrets. With no_log, Ansible would hide all of its values in every text, also words such
    # as "1". So invocation.py hides the secrets, and only where options are shown.
    "config": Option({"type": "dict", "no_log": False}),
    "connector": Option({"type": "str"}, elsewhere=True),
    # An entry is a dictionary or a URL, which Ansible cannot check. So brokers.py does.
    "brokers": Option(
        {"type": "list", "elements": "raw", "options": BROKER_OPTIONS, "no_log": False},
        elsewhere=True,
    ),
    "vhost": Option({"type": "str"}, elsewhere=True),
    "security_provider": Option({"type": "str"}, elsewhere=True),
    "psk": Option({"type": "str", "no_log": True}, elsewhere=True),
    "private_key": Option({"type": "path", "no_log": False}, elsewhere=True),
    "public_key": Option({"type": "path", "no_log": False}, elsewhere=True),
    "server_public_key": Option({"type": "path", "no_log": False}, elsewhere=True),
    "serializer": Option({"type": "str", "choices": ["marshal", "yaml"]}, elsewhere=True),
    "certname": Option({"type": "str"}, elsewhere=True),
    "token_file": Option({"type": "path", "no_log": False}, elsewhere=True),
    "seed_file": Option({"type": "path", "no_log": False}, elsewhere=True),
    "issuers": Option({"type": "dict"}),
    "ca_cert": Option({"type": "path"}, elsewhere=True),
    "client_cert": Option({"type": "path"}, elsewhere=True),
    "client_key": Option({"type": "path", "no_log": False}, elsewhere=True),
    "validate_certs": Option({"type": "bool", "default": True}, elsewhere=True),
    "identity": Option({"type": "str"}, elsewhere=True),
    "collective": Option({"type": "str"}, elsewhere=True, restricts=True),
    "connect_timeout": Option({"type": "float"}, elsewhere=True),
    "max_reply_bytes": Option({"type": "int"}, elsewhere=True),
}
"""How to reach the collective."""
TARGETS: Table = {
    "nodes": Option({"type": "list", "elements": "str"}, restricts=True),
    "fact_filters": Option({"type": "list", "elements": "str"}, restricts=True),
    "class_filters": Option({"type": "list", "elements": "str"}, restricts=True),
    "agent_filters": Option({"type": "list", "elements": "str"}, restricts=True),
    "identity_filters": Option({"type": "list", "elements": "str"}, restricts=True),
    "compound_filter": Option({"type": "str"}, restricts=True),
    "discovery_method": Option({"type": "str", "choices": list(METHODS)}, elsewhere=True),
    "discovery_options": Option({"type": "list", "elements": "str"}, restricts=True),
    "discovery_timeout": Option({"type": "float"}, elsewhere=True),
    "expected_nodes": Option({"type": "int", "aliases": ["count"]}),
    "limit": Option({"type": "str"}, restricts=True),
    "limit_method": Option({"type": "str", "choices": ["first", "random"]}),
    "limit_seed": Option({"type": "int"}),
}
"""Which nodes to address."""
DESIRED: Table = {
    "timeout": Option({"type": "float"}),
    "publish_timeout": Option({"type": "float"}),
    "ttl": Option({"type": "int"}),
}
"""How patiently a task asks and acts that brings nodes to a state."""
BATCHES: Table = {
    "batch_size": Option({"type": "str"}),
    "batch_sleep": Option({"type": "float"}),
    "max_fail_percentage": Option({"type": "float"}),
}
"""How such a task acts on some nodes after the others."""
PER_HOST: Table = {
    "target": Option({"type": "str", "choices": ["auto", "host", "collective"], "default": "auto"}),
}
"""Whether a task is about the node of its host."""
PROGRESS: Table = {"progress": Option({"type": "float", "default": 5.0})}
"""What a task tells while it runs."""

CLIENT_OPTIONS = specs(CLIENT)
SELECTION_OPTIONS = specs(TARGETS)
TARGET_OPTIONS = {**specs(PER_HOST), **SELECTION_OPTIONS}
DESIRED_OPTIONS = specs(DESIRED)
BATCH_OPTIONS = specs(BATCHES)
PROGRESS_OPTIONS = specs(PROGRESS)
SELECTING = tuple(name for name, option in TARGETS.items() if option.restricts)
"""Options that select nodes of a collective."""
RESTRICTING = (*SELECTING, *(name for name, option in CLIENT.items() if option.restricts))
"""Options that leave nodes out."""
FAILURES = ["failed", "no_response", "no_nodes"]
"""The conditions that can make a task fail; by default all of them do."""


def fail_on(*choices: str) -> Spec:
    """Return the specification of the option fail_on."""
    return {"type": "list", "elements": "str", "choices": list(choices), "default": list(choices)}
