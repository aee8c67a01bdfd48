# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""An agent's DDL as a text that people read."""

from __future__ import annotations

import textwrap
import typing as t

Data = t.Mapping[str, t.Any]
_WIDTH = 100


def help_of(agent: Data) -> str:
    """Return a text about an agent: what it is, and its actions with their inputs and outputs.

    :param agent: its DDL as :func:`.agent_info.agent_of` returns it.
    """
    about = agent["metadata"]
    lines = [f"{agent['name']} {about['version'] or ''}".rstrip()]
    lines += _wrapped(about["description"], "  ")
    origin = [f"by {about['author']}" if about["author"] else "", about["license"], about["url"]]
    timeout = f"timeout {about['timeout']:g} s" if about["timeout"] else ""
    lines += _wrapped(", ".join(str(each) for each in [*origin, timeout] if each), "  ")
    lines += _wrapped(agent["usage"], "  ")
    for action in agent["actions"]:
        lines += ["", str(action["name"]), *_wrapped(action["description"], "  ")]
        lines += _listed("inputs", [(each, _rules(each)) for each in action["inputs"]])
        lines += _listed("outputs", [(each, []) for each in action["outputs"]])
    return "\n".join(lines) + "\n"


def _listed(title: str, items: t.Sequence[tuple[Data, list[str]]]) -> t.Iterator[str]:
    if items:
        yield f"  {title}:"
    for item, rules in items:
        of = f" ({', '.join(rules)})" if rules else ""
        yield from _wrapped(f"{item['name']}{of}: {item['description'] or ''}", "    ", "      ")


def _rules(item: Data) -> list[str]:
    """Return what an input must be, in words."""
    rules = [str(item["type"]), "optional" if item["optional"] else "required"]
    if item["default"] is not None:
        rules.append(f"default {item['default']}")
    if item["list"]:
        rules.append(f"one of {', '.join(map(str, item['list']))}")
    if item["validator"]:
        rules.append(f"validated by {item['validator']}")
    elif item["validation"]:
        rules.append(f"must fit {item['validation']}")
    if item["maxlength"]:
        rules.append(f"at most {item['maxlength']} characters")
    return rules


def _wrapped(text: t.Any, indent: str, following: str = "") -> t.Iterator[str]:
    """Yield the lines of a text; nothing of an absent one."""
    for line in str(text or "").strip().splitlines():
        yield from textwrap.wrap(
            line.rstrip(": "),
            _WIDTH,
            initial_indent=indent,
            subsequent_indent=following or indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        indent = following or indent
