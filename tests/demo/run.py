# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demonstration behind ``make demo``: an embedded collective, and a playbook that works on it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from testbed.embedded.collective import EmbeddedCollective  # noqa: E402
from testbed.embedded.fleet import fleet  # noqa: E402

HERE = Path(__file__).resolve().parent
INVENTORY, PLAYBOOK = HERE / "fleet.mcollective.yml", HERE / "playbook.yml"


def main() -> int:
    """Run the demonstration; return the playbook's exit code."""
    with tempfile.TemporaryDirectory(prefix="mcollective-demo-") as scratch:
        place = Path(scratch, "ansible_collections", "pymco")
        place.mkdir(parents=True)
        (place / "mcollective").symlink_to(ROOT)
        with EmbeddedCollective(fleet(), directory=Path(scratch, "collective")) as collective:
            _introduce(collective)
            options = ["-i", str(INVENTORY), "-e", f"client_cfg={collective.client_cfg}"]
            print(f"\n$ ansible-inventory -i {INVENTORY.name} --graph", flush=True)
            failed = _run(Path(scratch), "ansible-inventory", "--graph", *options)
            print("\n$ ansible-playbook -i", INVENTORY.name, PLAYBOOK.name, flush=True)
            return failed or _run(Path(scratch), "ansible-playbook", str(PLAYBOOK), *options)


def _introduce(collective: EmbeddedCollective) -> None:
    print(
        f"A collective is up on this machine: a message broker and {len(collective.nodes)} nodes,"
        " all emulated in one process.",
        "Requests are signed with RSA keys, as on a real collective. Ansible reads the configuration"
        f"\n{collective.client_cfg}.",
        "First, one broadcast finds the hosts. Then, a playbook works on them."
        f"\nRead along: {INVENTORY.relative_to(ROOT)} and {PLAYBOOK.relative_to(ROOT)}.",
        sep="\n",
        flush=True,
    )


def _run(scratch: Path, name: str, *arguments: str) -> int:
    """Run one of Ansible's programs. It writes only into scratch."""
    command = [str(Path(sys.executable).with_name(name)), *arguments]
    foreign = ("ANSIBLE_", "MCOLLECTIVE_", "STOMP_")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(scratch),
        "ANSIBLE_HOME": str(scratch / "home"),
        "ANSIBLE_REMOTE_TMP": str(scratch / "tmp"),
    }
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
