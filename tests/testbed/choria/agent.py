# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agents of the tests as an external agent of Choria: one process for each request.

They do what the Ruby agents of these names do on MCollective. Services, packages and Puppet exist in a file only. A node names the files of request and
reply in the environment (Go: providers/agent/mcorpc/external/agent.go). Python starts in isolated
mode, without site-packages, since a node waits for two seconds only when it asks who is there.
"""

import fcntl
import json
import os
import re
import sys
import time
from pathlib import Path

# A node's plugin.d is beside its facts, in a directory that has the node's name.
IDENTITY = Path(os.environ["CHORIA_EXTERNAL_CONFIG"]).parents[1].name


class Failed(Exception):
    """The action fails: arguments are the message, the status code and perhaps outputs."""


def echo(inputs):
    return {**inputs, "request": json.dumps(inputs, sort_keys=True)}


def produce(inputs):
    return {
        **{"integer": 42, "negative": -17, "float": 1.5, "tiny": 5e-324},
        **{"text": "Zürich ☃", "lines": "first\n  second\n\nlast\n", "empty": ""},
        **{"symbol": ":notasymbol", "yes": "yes", "thousand": "1,000", "date": "2001-01-01"},
        **{
            "true": True,
            "false": False,
            "null": None,
            "hex": "0x1f",
            "control": "\u0000\u001b[31m",
        },
        **{"template": "{{ 6 * 7 }}", "rocket": "🚀", "largest": 2**53},
        "nested": {"string key": {"deep": [1, "two", None]}, "4": 5.5},
        "array": [1, [2, [3, []]], {}, "Zürich ☃"],
    }


def big(inputs):
    return {"text": "x" * inputs["size"]}


def mark(inputs):
    time.sleep(inputs.get("seconds", 0))
    with open(inputs["path"], "a", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.write(f"{IDENTITY} {time.time()}\n")
    return {}


def tally(inputs):
    kind = re.match("[a-z]+", IDENTITY)[0]
    return {"kind": kind, "letters": len(kind), "tags": ["all", kind]}


def fail(inputs):
    raise Failed(inputs.get("message", "failed on request"), inputs.get("code", 1))


def crash(inputs):
    raise RuntimeError("crashed on request")


def partial(inputs):
    if re.search(inputs["match"], IDENTITY):
        raise Failed("failed on a node that matches", 1)
    return {"spared": True}


def sleep(inputs):
    time.sleep(inputs["seconds"])
    return {"seconds": inputs["seconds"]}


def touch(inputs):
    with open(inputs["path"], "a", encoding="utf-8") as stream:
        stream.write(f"{IDENTITY}\n")
    return {"path": inputs["path"]}


def linger(inputs):
    return {**touch(inputs), **sleep(inputs)}


class Machine(dict):
    """What a node has, by kind and name, in a file beside its facts."""

    def __init__(self):
        self._path = Path(os.environ["CHORIA_EXTERNAL_CONFIG"]).parents[1] / "machine.json"
        super().__init__(json.loads(self._path.read_text()) if self._path.exists() else {})

    def put(self, key, value):
        self[key] = value
        self._path.write_text(json.dumps(self))
        with open(self._path.with_name("machine.log"), "a", encoding="utf-8") as stream:
            stream.write(f"{key} {value}\n")


def service_status(inputs):
    return {"status": Machine().get(f"service {inputs['service']}", "running")}


def set_service(inputs, wanted, always=False):
    if service_status(inputs)["status"] == wanted and not always:
        raise Failed(f"Service is already {wanted}", 1, {"status": wanted})
    reached = "stopped" if inputs["service"] == "brittle" else wanted
    Machine().put(f"service {inputs['service']}", reached)
    return {"status": reached}


def package_status(inputs):
    ensure = Machine().get(f"package {inputs['package']}", "absent")
    return {"name": inputs["package"], "ensure": ensure}


def set_package(inputs, version):
    if package_status(inputs)["ensure"] == version:
        raise Failed("There is nothing to do", 5, package_status(inputs))
    Machine().put(f"package {inputs['package']}", version)
    return package_status(inputs)


def puppet_status(inputs):
    ends = Machine().get("puppet", 1000)
    applying = ends > time.time()
    word = "applying a catalog" if applying else "stopped"
    last = {"lastrun": 1000 if applying else int(ends), "disable_message": ""}
    return {"applying": applying, "enabled": True, "status": word, **last}


def run_puppet(inputs):
    Machine().put("puppet", time.time() + 1)
    return {"summary": "Started a Puppet run", "initiated_at": int(time.time())}


def puppet_summary(inputs):
    resources = {"total": 20, "changed": 1, "failed": 0, "out_of_sync": 1}
    counts = {f"{name}_resources": count for name, count in resources.items()}
    return {**counts, "lastrun": puppet_status(inputs)["lastrun"]}


MACHINES = {
    "service": {
        "status": service_status,
        "start": lambda inputs: set_service(inputs, "running"),
        "stop": lambda inputs: set_service(inputs, "stopped"),
        "restart": lambda inputs: set_service(inputs, "running", always=True),
    },
    "package": {
        "status": package_status,
        "install": lambda inputs: set_package(inputs, inputs.get("version", "1.0-1")),
        "uninstall": lambda inputs: set_package(inputs, "absent"),
    },
    "puppet": {
        "status": puppet_status,
        "runonce": run_puppet,
        "last_run_summary": puppet_summary,
    },
}
ACTIONS = {
    "probe": (echo, produce, big, mark, tally),
    "failer": (fail, crash, partial),
    "sleeper": (sleep, touch, linger),
}


def answer(request):
    """Return the reply to a request of the node."""
    if os.environ["CHORIA_EXTERNAL_PROTOCOL"].endswith("activation_request"):
        return {"activate": True}
    agent = request["agent"]
    actions = MACHINES.get(agent) or {action.__name__: action for action in ACTIONS[agent]}
    try:
        data = actions[request["action"]](request["data"])
    except Failed as error:
        message, code, *data = error.args
        return {"statuscode": code, "statusmsg": message, "data": data[0] if data else {}}
    return {"statuscode": 0, "statusmsg": "OK", "data": data}


def main():
    request = json.loads(Path(os.environ["CHORIA_EXTERNAL_REQUEST"]).read_text(encoding="utf-8"))
    # In ASCII: half of a character pair would be no UTF-8.
    Path(os.environ["CHORIA_EXTERNAL_REPLY"]).write_text(json.dumps(answer(request)))


if __name__ == "__main__":
    sys.exit(main())
