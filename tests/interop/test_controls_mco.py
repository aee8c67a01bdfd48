# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controls of a call select the nodes, and treat the replies, as the reference client's do."""

from __future__ import annotations

import json
import subprocess
import typing as t

import pytest
from calling import call, config_of, senders, task
from marks import Marks, mco
from testbed.real import programs
from testbed.real.collective import Collective
from testbed.real.nodes import Node

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import filters, message, rpc

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from testbed.real.rabbitmq import RabbitMQ

WEB, DB = "web1.example.com", "db1.example.com"


def on(*settings: str) -> pytest.MarkDecorator:
    """Run a test only on these collectives, since the reference needs seconds for each call."""
    return pytest.mark.parametrize("collective", settings, indirect=True, scope="session")


here = on("rabbitmq-ssl-yaml")


def answered(collective: Collective, *words: str, config: Path | None = None) -> list[str]:
    """Who answers the reference."""
    arguments = ("rpc", "rpcutil", "ping", "-j", "--dt", "1", *words)
    found = json.loads(collective.mco(*arguments, config=config).stdout)
    return sorted(reply["sender"] for reply in found)


# -- limits --------------------------------------------------------------------------------------


@here
@pytest.mark.parametrize("seed,limit", [(0, "2"), (42, "3"), (2**32 - 1, "50%"), (7, "1%")])
def test_a_seed_chooses_whom_the_reference_chooses(
    collective: Collective, seed: int, limit: str
) -> None:
    random = {"rpclimitmethod": "random"}
    path = collective.write_client_cfg("random.cfg", random)
    theirs = answered(collective, "--limit", limit, "--limit-seed", str(seed), config=path)
    ours = call(config_of(collective, random), "rpcutil", "ping", limit=limit, limit_seed=seed)
    again = call(
        config_of(collective),
        *("rpcutil", "ping"),
        limit=limit,
        limit_method="random",
        limit_seed=seed,
    )
    assert theirs == senders(ours) == senders(again)


@here
@pytest.mark.parametrize("limit", ["1", "74%", "9"])
def test_a_limit_leaves_as_many_as_the_references(collective: Collective, limit: str) -> None:
    ours = call(config_of(collective), "rpcutil", "ping", limit=limit)
    assert len(ours.replies) == len(answered(collective, "--limit", limit))


# -- who is known by name ------------------------------------------------------------------------


@here
@pytest.mark.parametrize("pattern", [None, "/^web/", DB])
def test_a_file_names_whom_the_reference_reads_in_it(
    collective: Collective, tmp_path: Path, pattern: str | None
) -> None:
    path = tmp_path / "nodes.txt"
    path.write_text(f"# all but one\n\n{WEB}\n  {DB}\nweb2.example.com\n")
    words = ["-I", pattern] if pattern else []
    filter_ = message.Filter()
    filters.add_identities(filter_, [pattern] if pattern else [])
    for theirs in (["--nodes", str(path)], ["--dm", "flatfile", "--do", str(path)]):
        options: dict[str, t.Any] = {"discovery_method": "flatfile", "filter": filter_}
        ours = call(
            config_of(collective), "rpcutil", "ping", discovery_options=[str(path)], **options
        )
        assert senders(ours) == answered(collective, *theirs, *words)


@here
def test_a_file_is_named_in_the_configuration(collective: Collective, tmp_path: Path) -> None:
    path = tmp_path / "nodes.txt"
    path.write_text(f"{WEB}\n{DB}\n")
    settings = {"default_discovery_method": "flatfile", "default_discovery_options": str(path)}
    written = collective.write_client_cfg("flatfile.cfg", settings)
    ours = call(config_of(collective, settings), "rpcutil", "ping")
    assert senders(ours) == answered(collective, config=written) == [DB, WEB]


@here
def test_where_the_reference_drops_a_filter_ours_does_not(collective: Collective) -> None:
    filter_ = message.Filter().add_identity(WEB).add_fact("role", "db")
    assert answered(collective, "-I", WEB, "-F", "role=db") == [WEB]
    assert call(config_of(collective), "rpcutil", "ping", filter=filter_).nodes == []


# -- the DDL -------------------------------------------------------------------------------------


@here
@pytest.mark.parametrize(
    "action,arguments",
    [
        ("probe tally", {}),
        ("rpcutil get_fact", {"fact": "interfaces"}),
        ("rpcutil get_fact", {"fact": "nosuch"}),
        ("rpcutil collective_info", {}),
    ],
)
def test_summaries_are_the_references(
    collective: Collective, action: str, arguments: dict[str, str]
) -> None:
    words = [f"{name}={value}" for name, value in arguments.items()]
    printed = collective.mco("rpc", *action.split(), *words, "--dt", "1").stdout
    paragraphs = [part.strip("\n").split("\n") for part in printed.split("\n\n")]
    heads = [lines[0].startswith("Summary of ") for lines in paragraphs]
    # A paragraph for each, after its heading; what is there as often has no order.
    theirs = [
        sorted(line.strip() for line in paragraphs[index + 1])
        for index, head in enumerate(heads)
        if head and "Finished" not in paragraphs[index + 1][0]
    ]
    summary = task(collective, *action.split(), arguments=arguments).get("summary", [])
    ours = [sorted(line.strip() for line in entry["lines"]) for entry in summary]
    assert theirs == [lines for lines in ours if lines]


@here
def test_figures_of_a_summary(collective: Collective) -> None:
    summary = task(collective, "probe", "tally")["summary"]
    found = {(entry["function"], entry["output"]): entry for entry in summary}
    assert found["summary", "kind"]["counts"][0] == {"value": "web", "count": 2}
    assert found["summary", "tags"]["counts"][0] == {"value": "all", "count": 4}
    assert found["sum", "letters"]["value"] == 11
    # Ruby divides whole numbers into whole numbers.
    assert found["average", "letters"]["value"] == 2


CASTS: list[dict[str, str]] = [
    {"int": "5", "float": "2.5", "number": "7", "bool": "yes", "string": "1,000"},
    {"number": "2.50", "bool": "F", "string": "5"},
    {"bool": "1", "undeclared": "5", "number": "007"},
    {"int": "abc"},
    {"int": "-5"},
    {"int": "2.5"},
    {"float": "2"},
    {"bool": "maybe"},
    {"number": "1e3"},
]


@here
@pytest.mark.parametrize("arguments", CASTS, ids=str)
def test_text_becomes_what_the_reference_makes_of_it(
    collective: Collective, arguments: dict[str, str]
) -> None:
    words = [f"{name}={value}" for name, value in arguments.items()]
    done = collective.mco("rpc", "probe", "echo", *words, "-I", WEB, "-j")
    theirs = json.loads(done.stdout)[0]["data"]["request"] if done.returncode == 0 else None
    try:
        reply = task(collective, "probe", "echo", arguments=arguments, nodes=[WEB])["reply"]
    except TaskFailed as failure:
        assert failure.result == {}, "refused before anything was sent"
        assert theirs is None
    else:
        assert _pairs(reply["data"]["request"]) == _pairs(theirs)


def _pairs(described: str) -> list[str]:
    """The pairs of a described Hash, in an order of their own."""
    return sorted(json.dumps(pair) for pair in json.loads(described)["pairs"])


@here
@pytest.mark.parametrize(
    "action,arguments",
    [
        ("rpcutil get_fact", {}),
        ("rpcutil get_fact", {"fact": "a b"}),
        ("rpcutil get_fact", {"fact": "x" * 41}),
        ("rpcutil nosuch", {}),
        ("probe mark", {"path": "relative"}),
    ],
)
def test_what_the_reference_refuses_is_refused(
    collective: Collective, action: str, arguments: dict[str, str]
) -> None:
    words = [f"{name}={value}" for name, value in arguments.items()]
    assert collective.mco("rpc", *action.split(), *words).returncode == 1
    with pytest.raises(TaskFailed, match=f"the DDL of {action.split()[0]}, action .* refuses this"):
        task(collective, *action.split(), arguments=arguments)


# -- times ---------------------------------------------------------------------------------------

_ASK = """
require "mcollective"
include MCollective::RPC
ARGV.replace(ENV["WORDS"].split)
parser = MCollective::Optionparser.new({:discovery_options => []}, "filter")
options = parser.parse { |rest, found| Helpers.add_simplerpc_options(rest, found) }
puts(ENV["AGENTS"].split.map do |agent|
  rpcclient(agent, :options => options, :exit_on_failure => false).timeout
end)
"""
AGENTS = {"rpcutil": "ping", "probe": "tally", "failer": "crash"}


def their_timeouts(collective: Collective, path: Path, *words: str) -> list[float]:
    """How long the reference waits for these agents."""
    done = subprocess.run(
        [str(programs.require("ruby")), "-W0", "-r", str(programs.SHIM), "-e", _ASK],
        env=programs.environment(
            collective.directory, AGENTS=" ".join(AGENTS), WORDS=" ".join(["-c", str(path), *words])
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()]


@here
@pytest.mark.parametrize(
    "words,options,settings",
    [
        ([], {}, {}),
        (["--dt", "5"], {"discovery_timeout": 5.0}, {}),
        (["-t", "7"], {"timeout": 7.0}, {}),
        ([], {}, {"discovery_timeout": "4"}),
        (["--dm", "flatfile", "--do", "{file}"], {"discovery_method": "flatfile"}, {}),
        (
            ["--dm", "flatfile", "--do", "{file}", "--dt", "3"],
            {"discovery_method": "flatfile", "discovery_timeout": 3.0},
            {},
        ),
    ],
    ids=str,
)
def test_a_call_waits_as_long_as_the_references(
    collective: Collective,
    tmp_path: Path,
    words: list[str],
    options: dict[str, t.Any],
    settings: Mapping[str, str],
) -> None:
    file = tmp_path / "nodes.txt"
    file.write_text(f"{WEB}\n")
    path = collective.write_client_cfg("times.cfg", settings)
    theirs = their_timeouts(collective, path, *(word.format(file=file) for word in words))
    more: dict[str, t.Any] = {"config": None, "fail_on": [], **options}
    if "discovery_method" in options:
        more["discovery_options"] = [str(file)]
    ours = [
        task(collective, *call_, config_file=str(path), identity_filters=[WEB], **more)
        for call_ in AGENTS.items()
    ]
    assert [result["stats"]["timeout"] for result in ours] == theirs
    assert len(set(theirs)) == (1 if "-t" in words else 2)


# -- sub-collectives -----------------------------------------------------------------------------


def test_a_sub_collective_is_all_that_is_asked(rabbitmq: RabbitMQ, tmp_path: Path) -> None:
    marks = Marks(tmp_path / "marks")
    nodes = [Node(WEB, collectives=["mcollective", "eu"]), Node(DB)]
    with Collective(rabbitmq, "subs", "psk", nodes) as parts:
        mco(parts, marks, "-T", "eu")
        assert marks.who() == [WEB]
        fields: dict[str, t.Any]
        for fields in ({}, {"process_results": False}, {"batch_size": 1}, {"limit": 5}):
            call(
                config_of(parts),
                *("probe", "mark"),
                arguments=marks.arguments,
                collective="eu",
                **fields,
            )
        assert marks.wait_for(5) == [WEB] * 5
        with rpc.Client(config_of(parts)) as client:
            everybody = rpc.Request("probe", "mark", marks.arguments)
            assert client.targets(everybody).nodes == [DB, WEB]


# -- no replies, and no way to the nodes ---------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, {"nodes": [WEB]}], ids=["all", "one"])
def test_fire_and_forget_into_nothing_is_told(rabbitmq: RabbitMQ, fields: dict[str, t.Any]) -> None:
    """The broker says so only after the request has left, when nobody listens for replies."""
    with Collective(rabbitmq, "lone", "psk", []) as somewhere:
        bare = rabbitmq.places["bare"]
        changes = {
            somewhere.option("vhost"): bare.name,
            somewhere.option("pool.1.user"): bare.user,
            somewhere.option("pool.1.password"): bare.password,
        }
        with pytest.raises(TaskFailed, match=r"no exchange 'mcollective_\w+' in vhost 'bare'"):
            task(somewhere, "rpcutil", "ping", process_results=False, config=changes, **fields)
