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


def main() -> int:
    """Run the demonstration; return the playbook's exit code."""
    with tempfile.TemporaryDirectory(prefix="mcollective-demo-") as scratch:
        place = Path(scratch, "ansible_collections", "pymco")
        place.mkdir(parents=True)
        (place / "mcollective").symlink_to(ROOT)
        with EmbeddedCollective(fleet(), directory=Path(scratch, "collective")) as collective:
            _introduce(collective)
            return _play(Path(scratch), collective.client_cfg)


def _introduce(collective: EmbeddedCollective) -> None:
    print(
        f"A collective is up on this machine: a message broker and {len(collective.nodes)} nodes,"
        " all emulated in one process.",
        "Requests are signed with RSA keys, as on a real collective. The playbook knows where they"
        f" are from\n{collective.client_cfg}",
        f"and is {HERE.relative_to(ROOT) / 'playbook.yml'}: read along.",
        sep="\n",
        flush=True,
    )


def _play(scratch: Path, client_cfg: Path) -> int:
    """Run the playbook; all that Ansible writes goes into scratch."""
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [str(program), str(HERE / "playbook.yml"), "-e", f"client_cfg={client_cfg}"]
    foreign = ("ANSIBLE_", "MCOLLECTIVE_", "STOMP_")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(scratch),
        "ANSIBLE_HOME": str(scratch / "home"),
        "ANSIBLE_REMOTE_TMP": str(scratch / "tmp"),
    }
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
