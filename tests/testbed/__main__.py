# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start a collective and keep it until Ctrl-C: ``python tests/testbed embedded|real|fleet|choria --help``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

SECURITIES = ("psk", "ssl-marshal", "ssl-yaml", "aes-marshal", "aes-yaml")


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="tests/testbed", description=__doc__)
    parser.add_argument(
        "kind",
        choices=("embedded", "real", "fleet", "choria"),
        help="embedded: one process, no broker needed; real: a broker and mcollectived;"
        " fleet: thousands of emulated nodes on a real RabbitMQ;"
        " choria: the real choria as broker and nodes",
    )
    parser.add_argument("--security", choices=SECURITIES, default="ssl-yaml")
    parser.add_argument("--broker", choices=("rabbitmq", "activemq"), default="rabbitmq")
    parser.add_argument("--nodes", type=int, help="how many nodes")
    parser.add_argument("--directory", type=Path, help="where to put client.cfg, keys and logs")
    parser.add_argument(
        "--spread", type=float, default=0.0, help="seconds within which a fleet answers"
    )
    parser.add_argument("--protocol", type=int, choices=(1, 2), default=1, help="of Choria")
    parser.add_argument("--brokers", type=int, default=1, help="members of Choria's broker")
    arguments = parser.parse_args()
    if arguments.kind == "choria":
        from testbed.choria.cli import run as run_choria

        own = (arguments.protocol, arguments.brokers, arguments.nodes, arguments.directory)
        return run_choria(*own, sys.stdout)
    common = (arguments.security, arguments.nodes, arguments.directory)
    if arguments.kind != "real" and (
        arguments.broker != "rabbitmq" or arguments.security.startswith("aes")
    ):
        parser.error("emulated nodes know no broker but RabbitMQ, and no aes")
    if arguments.spread and arguments.kind != "fleet":
        parser.error("only a fleet answers within --spread seconds")
    if arguments.kind == "embedded":
        from testbed.embedded.cli import run

        return run(*common, sys.stdout)
    if arguments.kind == "fleet":
        from testbed.fleet.cli import run as run_fleet

        return run_fleet(*common, arguments.spread, sys.stdout)
    from testbed.real.cli import run as run_real

    return run_real(arguments.broker, *common, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
