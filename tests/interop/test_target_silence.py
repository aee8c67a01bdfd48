# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a host whose node is silent, in plays on an embedded collective."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from plays import ALONE, MODULE, PING, Stage, rpc

SILENT = [
    ("rpc", {**PING, **ALONE}),
    ("ping", {"discovery_timeout": 1}),
    ("node_info", ALONE),
    ("facts", ALONE),
]


@pytest.mark.parametrize("keywords", [{}, {"become": True, "become_user": "root"}])
@pytest.mark.parametrize("name,options", SILENT)
def test_a_silent_node_makes_its_host_unreachable(
    stage: Stage, name: str, options: dict[str, t.Any], keywords: dict[str, t.Any]
) -> None:
    task = {f"pymco.mcollective.mcollective_{name}": options, **keywords}
    after = {"ansible.builtin.debug": {"msg": "on {{ inventory_hostname }}"}}
    recap = stage.play(task, after, hosts="one,dead")
    assert (recap["dead"]["unreachable"], recap["dead"]["failed"]) == (1, 0), stage.output
    assert (recap["one"]["ok"], recap["one"]["unreachable"]) == (2, 0), stage.output
    assert re.search("UNREACHABLE!.*1 of 1 nodes did not answer.*: nosuch", stage.output)
    assert "on dead" not in stage.output


def test_that_a_host_is_unreachable_can_be_ignored(stage: Stage) -> None:
    after = {"ansible.builtin.debug": {"msg": "on {{ inventory_hostname }}"}}
    recap = stage.play(rpc(**ALONE, ignore_unreachable=True), after, hosts="one,dead")
    assert (recap["dead"]["unreachable"], recap["dead"]["failed"]) == (0, 0), stage.output
    assert "on dead" in stage.output


def test_it_is_unreachable_in_the_background_too(stage: Stage) -> None:
    recap = stage.play(rpc(**ALONE, **MODULE), hosts="one,dead")
    assert (recap["dead"]["unreachable"], recap["dead"]["failed"]) == (1, 0), stage.output
    assert recap["one"]["ok"] == 1


@pytest.mark.parametrize(
    "hosts,node,unreachable",
    [("localhost", "nosuch", 0), ("one", "nosuch", 0), ("dead", "nosuch", 1)],
)
def test_facts_of_another_node_make_nobody_unreachable(
    stage: Stage, hosts: str, node: str, unreachable: int
) -> None:
    facts = {"pymco.mcollective.mcollective_facts": {**ALONE, "node": node}}
    recap = stage.play(facts, hosts=hosts)
    counts = recap[hosts]["unreachable"], recap[hosts]["failed"]
    assert counts == (unreachable, 1 - unreachable), stage.output


@pytest.mark.parametrize("both", [False, True])
def test_gather_facts_through_our_action_is_like_a_task(stage: Stage, both: bool) -> None:
    """It knows the host, reads ansible.cfg, and leaves other modules to Ansible's action."""
    cfg = Path(stage.path("ansible.cfg"))
    path = stage.environment.pop("ANSIBLE_MCOLLECTIVE_CONFIG_FILE")
    cfg.write_text(f"[mcollective_collection]\nconfig_file = {path}\n")
    stage.environment["ANSIBLE_CONFIG"] = str(cfg)
    show = {
        "ansible.builtin.debug": {
            "msg": "<{{ inventory_hostname }} about {{ ansible_facts.mcollective.identity }}>"
            "{{ ansible_facts.pkg_mgr | default('no') }}-manager"
        }
    }
    recap = stage.play(
        show,
        gather_facts=True,
        collections=["pymco.mcollective"],
        vars={
            "ansible_facts_modules": [
                "mcollective_facts",
                *(["ansible.builtin.setup"] if both else []),
            ]
        },
        module_defaults={
            # Only some modules of the group have the second one.
            "group/pymco.mcollective.mcollective": {"timeout": 2, "fail_on": ["failed"]},
            "ansible.builtin.setup": {"gather_subset": ["!all", "!min", "pkg_mgr"]},
        },
    )
    assert stage.results == {"one": ["web1"], "two": ["web2"]}, stage.output
    assert ("no-manager" in stage.output) is not both
    assert recap["dead"]["unreachable"] == 1, stage.output
    assert "1 of 1 nodes did not answer: nosuch within 2 s" in stage.output


def test_gather_facts_fails_for_a_silent_node(stage: Stage) -> None:
    recap = stage.play(
        hosts="dead",
        gather_facts=True,
        vars={"ansible_facts_modules": ["pymco.mcollective.mcollective_facts"]},
        module_defaults={
            "pymco.mcollective.mcollective_facts": {**ALONE, "node": "{{ mcollective_identity }}"}
        },
    )
    assert recap["dead"]["failed"] == 1, stage.output


def test_silence_that_the_task_allows_is_no_failure(stage: Stage) -> None:
    recap = stage.play(rpc(**ALONE, fail_on=["failed"]), hosts="dead")
    assert (recap["dead"]["unreachable"], recap["dead"]["ok"]) == (0, 1), stage.output


def test_a_selection_of_silent_nodes_makes_nobody_unreachable(stage: Stage) -> None:
    recap = stage.play(rpc(**ALONE, nodes=["nosuch"]), hosts="one,dead")
    for host in ("one", "dead"):
        assert (recap[host]["unreachable"], recap[host]["failed"]) == (0, 1), stage.output


@pytest.mark.parametrize("name", ["rpc", "facts"])
def test_a_broker_that_is_down_is_a_failure_of_the_control_host(stage: Stage, name: str) -> None:
    options = {"brokers": [{"host": "127.0.0.1", "port": 1}], "connect_timeout": 1}
    task = {f"pymco.mcollective.mcollective_{name}": options}
    if name == "rpc":
        task = rpc(**options)
    recap = stage.play(task, hosts="one")
    assert (recap["one"]["unreachable"], recap["one"]["failed"]) == (0, 1), stage.output
    assert "cannot connect" in stage.output
