# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The client's data as data that JSON, and so Ansible, can carry."""

from __future__ import annotations

import base64
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

_PLAIN = frozenset((str, int, float, bool, type(None)))


def to_json(value: t.Any) -> t.Any:
    """Plain data of the client as data that JSON can carry.

    A Symbol becomes its name. Bytes that are no text become a dict with content and encoding, as
    the module ansible.builtin.slurp returns them.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, dict):
        return _named(value)
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, Symbol):
        return value.name
    if isinstance(value, bytes):
        return {"content": base64.b64encode(value).decode("ascii"), "encoding": "base64"}
    return value


def _named(mapping: dict[t.Any, t.Any]) -> dict[str, t.Any]:
    """A dict with texts as keys. Where a Symbol and a String have the same name, the Symbol keeps
    its colon, so that nothing is lost."""
    kinds = set(map(type, mapping))
    if kinds == {Symbol}:
        return {key[1:]: to_json(item) for key, item in mapping.items()}
    if kinds == {str}:
        return {key: to_json(item) for key, item in mapping.items()}
    texts = {_key(key) for key in mapping if not isinstance(key, Symbol)}

    def name(key: t.Any) -> str:
        if isinstance(key, Symbol) and key.name not in texts:
            return key.name
        return _key(key)

    return {name(key): to_json(item) for key, item in mapping.items()}


def _key(key: t.Any) -> str:
    if isinstance(key, bytes):
        return key.decode("utf-8", "backslashreplace")
    if isinstance(key, bool):
        return "true" if key else "false"
    return "" if key is None else str(key)
