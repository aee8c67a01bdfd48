# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guide to execution environments shows: jobs run as AWX runs them, with its credentials, on real nodes."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import ansible_runner
import jinja2
import pytest
import yaml
from conftest import FEW, ROOT
from examples import blocks

from ansible_collections.pymco.mcollective.plugins.module_utils._task.options import (
    CLIENT,
    TARGETS,
    variables,
)

if t.TYPE_CHECKING:
    from testbed.choria.collective import ChoriaCollective
    from testbed.choria.tokens import Credentials
    from testbed.real.collective import Collective

PAGE = ROOT / "docs" / "docsite" / "rst" / "execution_environments.rst"
GUIDE = PAGE.read_text(encoding="utf-8")
EXAMPLES = ROOT / "docs" / "examples" / "ee"
TEXTS = [text for kind, text in blocks(PAGE) if kind == "yaml"]
WEB = ["web1.example.com", "web2.example.com"]
WITHOUT_PREFIX = "ANSIBLE_"
"""AWX refuses a credential type that sets a variable with this beginning."""
UPDATE = {
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_INVENTORY_EXPORT": "True",
    "ANSIBLE_VERBOSE_TO_STDERR": "True",
}
"""What AWX sets for an update of an inventory."""


def text(beginning: str) -> str:
    """Return the block that begins so."""
    (found,) = [each for each in TEXTS if each.startswith(beginning)]
    return found


def block(beginning: str) -> t.Any:
    """Return the data in the block that begins so."""
    return yaml.safe_load(text(beginning))


TASKS = {
    name: arguments
    for task in block("- hosts: localhost\n")[0]["tasks"]
    for name, arguments in task.items()
    if name != "name"
}
"""What the guide has AWX create, by the name of the module."""


@dataclasses.dataclass
class Awx:
    """The directory of a job, with the files of the project, and the variables of the credential."""

    directory: Path
    variables: dict[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lay out the project."""
        for name in ("artifacts", "env", "inventory", "project"):
            (self.directory / name).mkdir()
        for name in ("all.mcollective.yml", "restart.yml"):
            (self.directory / "project" / name).write_text(text(f"# {name}\n"))

    def inject(self, kind: str, given: dict[str, str]) -> None:
        """Write the files of a credential and set its variables."""
        inputs = block(f"# {kind}: input configuration\n")
        assert [field["id"] for field in inputs["fields"]] == inputs["required"] == list(given)
        injectors = block(f"# {kind}: injector configuration\n")
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
        names = {}
        for label, template in injectors["file"].items():
            _handle, path = tempfile.mkstemp(dir=self.directory / "env")
            Path(path).write_text(environment.from_string(template).render(given))
            names[label.partition(".")[2]] = path
        namespace = {**given, "tower": {"filename": names}}
        for name, template in injectors["env"].items():
            self.variables[name] = environment.from_string(template).render(namespace)

    def update(self) -> dict[str, t.Any]:
        """Update the inventory from the source of the guide. Return what AWX then gives to jobs."""
        project = self.directory / "project"
        source = TASKS["awx.awx.inventory_source"]["source_path"]
        output = self.directory / "artifacts" / "update" / "output.json"
        command = f"ansible-inventory --list --export -i {project / source} --output {output}"
        arguments = self.directory / "args"
        arguments.write_text(f"{command} --playbook-dir {project}")
        done = self._run(ident="update", envvars={**self.variables, **UPDATE})
        arguments.unlink()
        assert done.status == "successful", done.stdout.read()
        data: dict[str, t.Any] = json.loads(output.read_text())
        return {**data, "_meta": {"hostvars": data["_meta"]["hostvars"]}}

    def job(self, inventory: dict[str, t.Any]) -> str:
        """Run the job of the guide on the hosts of an inventory, which AWX gives as a program. Return its output."""
        program = self.directory / "inventory" / "hosts"
        program.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(inventory)!r})\n")
        program.chmod(0o700)
        playbook = TASKS["awx.awx.job_template"]["playbook"]
        where = {"playbook": playbook, "inventory": str(program)}
        done = self._run(ident="job", envvars=self.variables, **where)
        output: str = done.stdout.read()
        assert done.status == "successful", output
        return output

    def _run(self, **arguments: t.Any) -> ansible_runner.Runner:
        own = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT.parents[2]), "ANSIBLE_NOCOLOR": "1"}
        arguments["envvars"] = {"HOME": str(self.directory), **own, **arguments["envvars"]}
        return ansible_runner.run(private_data_dir=str(self.directory), quiet=True, **arguments)


@pytest.fixture
def awx(tmp_path: Path) -> Awx:
    """A job that has no credential yet."""
    return Awx(tmp_path)


def restarted(awx: Awx) -> None:
    """Update the inventory, run the job, and look at both."""
    inventory = awx.update()
    assert inventory["class_role__web"]["hosts"] == WEB
    facts = inventory["_meta"]["hostvars"][WEB[0]]["mcollective_facts"]
    assert facts["role"] == {"__ansible_unsafe": "web"}
    output = awx.job(inventory)
    for node in WEB:
        assert f'ok: [{node}] => {{\n    "mcollective_facts.role": "web"' in output
        assert re.search(rf"^{node} +: ok=2 +changed=1 ", output, re.MULTILINE), output


@pytest.mark.parametrize("collective", FEW[1:2], indirect=True, scope="session")
def test_jobs_with_the_credential_for_mcollective(awx: Awx, collective: Collective) -> None:
    lines = collective.client_cfg.read_text().splitlines()
    (private,) = [line for line in lines if line.startswith("plugin.ssl_client_private")]
    lines.remove(private)
    key = collective.directory / private.partition("=")[2].strip()
    awx.inject("MCollective", {"client_cfg": "\n".join(lines), "private_key": key.read_text()})
    restarted(awx)


@pytest.mark.parametrize("choria", ["v2"], indirect=True, scope="session")
def test_jobs_with_the_credential_for_choria(awx: Awx, choria: ChoriaCollective) -> None:
    own = (
        "securityprovider",
        "connector",
        *(f"plugin.security.choria.{n}_file" for n in ("token", "seed")),
    )
    lines = choria.client_conf.read_text().splitlines()
    kept = [line for line in lines if line.partition("=")[0].strip() not in own]
    assert len(kept) < len(lines)
    credentials = t.cast("Credentials", choria.credentials("alice"))
    given = {"token": credentials.token.read_text(), "seed": credentials.seed.read_text()}
    awx.inject("Choria", {"client_conf": "\n".join(kept), **given})
    restarted(awx)


@pytest.mark.parametrize("kind", ["MCollective", "Choria"])
def test_awx_accepts_the_variables_and_the_options_have_them(kind: str) -> None:
    named = set(block(f"# {kind}: injector configuration\n")["env"])
    known = {
        name
        for option, row in {**CLIENT, **TARGETS}.items()
        if row.elsewhere
        for name in variables(option)
    }
    assert named <= known
    assert not [name for name in named if name.startswith(WITHOUT_PREFIX)]
    told = set(re.findall(r"``(PYMCO_\w*[A-Z])``", GUIDE))
    assert told and told <= known


def test_what_awx_creates_fits_together() -> None:
    (kind,) = [TASKS["awx.awx.credential"]["credential_type"]]
    fields = block(f"# {kind}: input configuration\n")["required"]
    assert list(TASKS["awx.awx.credential"]["inputs"]) == fields
    source, job = TASKS["awx.awx.inventory_source"], TASKS["awx.awx.job_template"]
    assert [source["credential"]] == job["credentials"] == [TASKS["awx.awx.credential"]["name"]]
    assert source["inventory"] == job["inventory"] == TASKS["awx.awx.inventory"]["name"]
    assert source["source_project"] == job["project"] == TASKS["awx.awx.project"]["name"]
    image = TASKS["awx.awx.execution_environment"]["name"]
    assert source["execution_environment"] == job["execution_environment"] == image


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("execution-environment.yml", "version: 3\n"),
        ("ansible-navigator.yml", "ansible-navigator:\n"),
    ],
)
def test_the_guide_shows_the_examples(name: str, beginning: str) -> None:
    lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines(keepends=True)
    head = lines.index("\n") + 1
    assert text(beginning).rstrip() == "".join(lines[head:]).rstrip()


def navigator(settings: Path) -> subprocess.CompletedProcess[str]:
    """Let ansible-navigator read its settings, without starting a container."""
    command = [str(Path(sys.executable).with_name("ansible-navigator")), "settings", "--effective"]
    return subprocess.run(
        [*command, "--ee", "false"],
        cwd=settings.parent,
        env={**os.environ, "ANSIBLE_NAVIGATOR_CONFIG": str(settings), "HOME": str(settings.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_ansible_navigator_accepts_the_settings(tmp_path: Path) -> None:
    settings = tmp_path / "ansible-navigator.yml"
    settings.write_bytes((EXAMPLES / "ansible-navigator.yml").read_bytes())
    effective = yaml.safe_load(navigator(settings).stdout)["ansible-navigator"]
    wanted = yaml.safe_load(settings.read_text())["ansible-navigator"]["execution-environment"]
    assert effective["execution-environment"].items() >= wanted.items()
    assert f"--tag {wanted['image']}" in GUIDE
    settings.write_text(settings.read_text().replace("options: ro", "option: ro"))
    done = navigator(settings)
    assert "Configuration failed" in done.stdout + done.stderr
