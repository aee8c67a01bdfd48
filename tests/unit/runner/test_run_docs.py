# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""tests/run_docs.py lets pass only what another site would know."""

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run_docs() -> t.Iterator[t.Any]:
    """The module, which is no part of a package."""
    sys.path.insert(0, str(TESTS))
    try:
        import run_docs as module

        yield module
    finally:
        sys.path.remove(str(TESTS))
        for name in ("run_docs", "run_prepare", "run_process"):
            sys.modules.pop(name, None)


HERE = "/site/rst/rpc_guide.rst:1: WARNING: "
UNREACHED = "WARNING: failed to reach any of the inventories with the following issues:\n"
FOREIGN = [
    "undefined label: 'common_return_values' [ref.ref]",
    "undefined label: 'ansible_collections.ansible.builtin.slurp_module' [ref.ref]",
    "'envvar' reference target not found: ANSIBLE_CACHE_PLUGIN [ref.envvar]",
]
OURS = [
    "undefined label: 'ansible_collections.pymco.mcollective.mcollective_rcp_module' [ref.ref]",
    "undefined label: 'rpc_guide' [ref.ref]",
    "'envvar' reference target not found: ANSIBLE_MCOLLECTIVE_PSKK [ref.envvar]",
    "image file not readable: docsite/images/call.svg [image.not_readable]",
    "Title underline too short.",
]


@pytest.mark.parametrize("words", OURS)
@pytest.mark.parametrize("before", ["", UNREACHED], ids=["online", "offline"])
def test_our_mistakes_count(run_docs: t.Any, before: str, words: str) -> None:
    assert run_docs.warnings(f"{before}{HERE}{words}\n") == [HERE + words]


@pytest.mark.parametrize("words", FOREIGN)
def test_pages_of_another_site_count_only_if_it_was_reached(run_docs: t.Any, words: str) -> None:
    assert run_docs.warnings(f"{UNREACHED}{HERE}{words}\n") == []
    assert run_docs.warnings(f"{HERE}{words}\n") == [HERE + words]


def test_an_error_counts(run_docs: t.Any) -> None:
    text = "/site/rst/rpc_guide.rst:1: ERROR: Unknown directive type\n"
    assert run_docs.warnings(UNREACHED + text) == [text.strip()]
