# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Turns the client's data into data that JSON, and so Ansible, can carry. Nothing is lost."""

from __future__ import annotations

import base64
import collections
import itertools
import json
import math
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    OtherKey,
    Symbol,
)

_ANSIBLE_S = frozenset(("__ansible_type", "__ansible_unsafe", "__ansible_vault"))
"""Keys that mark an object of Ansible's own in the JSON of modules and caches. If a node sent such a key, the task
would end, or Ansible would take the node's data for something else."""
_MARKS = _ANSIBLE_S.union(f":{name}" for name in _ANSIBLE_S)
"""The same as keys of a dict, where a Symbol has its colon."""
_PLAIN = frozenset((str, int, bool, type(None)))


def to_json(value: t.Any) -> t.Any:
    """Return plain data of the client as data that JSON can carry.

    A Symbol becomes its name. Bytes that are not a text become a dict with content and encoding, as
    the module ansible.builtin.slurp returns them. A Float that JSON has no number for becomes Ruby's word
    for it. Keys become texts; see :func:`_names`.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return value if math.isfinite(value) else _real(value)
    if isinstance(value, dict):
        return _named(value)
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, Symbol):
        return value.name
    if isinstance(value, bytes):
        return {"content": base64.b64encode(value).decode("ascii"), "encoding": "base64"}
    return value


def _real(number: float) -> str:
    """Return a Float as a text: Ruby's word for it, if JSON has no number for it."""
    if math.isfinite(number):
        return str(number)
    return "NaN" if math.isnan(number) else f"{'-' if number < 0 else ''}Infinity"


def _named(mapping: dict[t.Any, t.Any]) -> dict[str, t.Any]:
    """Return a dict with texts as keys."""
    kinds = set(map(type, mapping))
    if _MARKS.isdisjoint(mapping):
        if kinds == {Symbol}:
            return {key[1:]: to_json(item) for key, item in mapping.items()}
        if kinds == {str}:
            return {key: to_json(item) for key, item in mapping.items()}
    keys = [key.value if isinstance(key, OtherKey) else key for key in mapping]
    return dict(zip(_names(keys), map(to_json, mapping.values())))


# -- keys ------------------------------------------------------------------------------------------


def _names(keys: list[t.Any]) -> list[str]:
    """Return the names of the keys of one Hash, all different.

    A name is plain if possible: a Symbol without its colon, "" for nil, "true" for true. Keys with the same
    plain name, and keys that would be one of Ansible's marks, get other names in steps until all differ. First
    a Symbol gets its colon. Then a key that is not a text gets the form of Ruby's inspect (1, nil). Then a text
    gets it too ("1" in quotes). If some names are still the same, all keys of the Hash get this form and a number.
    """
    names = [_plain(key) for key in keys]
    for again in (_marked_symbol, _inspected_other, _inspected):
        shared = _shared(names) | _ANSIBLE_S.intersection(names)
        if not shared:
            return names
        names = [again(key, name) if name in shared else name for key, name in zip(keys, names)]
    return names if not _shared(names) else numbered([_inspected(key, "") for key in keys])


def _shared(names: list[str]) -> set[str]:
    if len(set(names)) == len(names):
        return set()
    return {name for name, count in collections.Counter(names).items() if count > 1}


def _plain(key: t.Any) -> str:
    if isinstance(key, Symbol):
        return key.name
    if isinstance(key, bytes):
        return key.decode("utf-8", "backslashreplace")
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, float):
        return _real(key)
    return "" if key is None else str(key)


def _marked_symbol(key: t.Any, name: str) -> str:
    return str(key) if isinstance(key, Symbol) else name


def _inspected_other(key: t.Any, name: str) -> str:
    return name if isinstance(key, str) else _inspected(key, name)


def _inspected(key: t.Any, _name: str) -> str:
    """Return a key about as Ruby's inspect writes it. Keys of different types never have the same form."""
    if isinstance(key, Symbol):
        return str(key) if key.name.isidentifier() else f":{_quoted(key.name)}"
    if isinstance(key, bytes):
        return '"' + "".join(_byte(byte) for byte in key) + '"'
    if isinstance(key, str):
        return _quoted(key)
    return "nil" if key is None else _plain(key)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _byte(byte: int) -> str:
    char = chr(byte)
    return char if 32 <= byte < 127 and char not in '"\\' else f"\\x{byte:02X}"


def numbered(names: list[str]) -> list[str]:
    """Number the names that occur again: several NaN, or a text in two encodings. All that are returned differ."""
    more: dict[str, t.Iterator[str]] = {}
    taken, found = set(names), []
    for name in names:
        if name in more:
            found.append(next(more[name]))
        else:
            found.append(name)
            others = map("{} ({})".format, itertools.repeat(name), itertools.count(2))
            more[name] = itertools.filterfalse(taken.__contains__, others)
    return found
