# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The argument specifications that tasks share. The doc fragments client and targets describe them."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import env_fallback

Spec = dict[str, t.Any]


def _env(name: str, **spec: t.Any) -> Spec:
    """An option that an environment variable gives where the task does not."""
    return {**spec, "fallback": (env_fallback, [f"ANSIBLE_MCOLLECTIVE_{name}"])}


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
CLIENT_OPTIONS: Spec = {
    "config_file": _env("CONFIG_FILE", type="path"),
    # It may have secrets. What no_log does to all of its values would hide words such as "1"
    # everywhere; invocation.py hides its secrets, and only where they are shown.
    "config": {"type": "dict", "no_log": False},
    "connector": _env("CONNECTOR", type="str"),
    "brokers": {"type": "list", "elements": "dict", "options": BROKER_OPTIONS},
    "vhost": _env("VHOST", type="str"),
    "security_provider": _env("SECURITY_PROVIDER", type="str"),
    "psk": _env("PSK", type="str", no_log=True),
    "private_key": _env("PRIVATE_KEY", type="path", no_log=False),
    "public_key": _env("PUBLIC_KEY", type="path", no_log=False),
    "server_public_key": _env("SERVER_PUBLIC_KEY", type="path", no_log=False),
    "serializer": _env("SERIALIZER", type="str", choices=["marshal", "yaml"]),
    "ca_cert": _env("CA_CERT", type="path"),
    "client_cert": _env("CLIENT_CERT", type="path"),
    "client_key": _env("CLIENT_KEY", type="path", no_log=False),
    "validate_certs": _env("VALIDATE_CERTS", type="bool", default=True),
    "identity": _env("IDENTITY", type="str"),
    "collective": _env("COLLECTIVE", type="str"),
    "connect_timeout": _env("CONNECT_TIMEOUT", type="float"),
    "max_reply_bytes": _env("MAX_REPLY_BYTES", type="int"),
}
FILTER_OPTIONS: Spec = {
    "fact_filters": {"type": "list", "elements": "str", "default": []},
    "class_filters": {"type": "list", "elements": "str", "default": []},
    "agent_filters": {"type": "list", "elements": "str", "default": []},
    "identity_filters": {"type": "list", "elements": "str", "default": []},
    "compound_filter": {"type": "str"},
}
TARGET_OPTIONS: Spec = {
    "nodes": {"type": "list", "elements": "str"},
    **FILTER_OPTIONS,
    "discovery_method": {"type": "str", "choices": ["mc", "flatfile", "none"]},
    "discovery_options": {"type": "list", "elements": "str"},
    "discovery_timeout": {"type": "float"},
    "expected_nodes": {"type": "int"},
    "limit": {"type": "str"},
    "limit_method": {"type": "str", "choices": ["first", "random"]},
    "limit_seed": {"type": "int"},
}
FAILURES = ["failed", "no_response", "no_nodes"]
"""What can make a task fail, all of it by default."""


def fail_on(*choices: str) -> Spec:
    """The option fail_on."""
    return {"type": "list", "elements": "str", "choices": list(choices), "default": list(choices)}


PROGRESS_OPTIONS: Spec = {"progress": {"type": "float", "default": 5.0}}
