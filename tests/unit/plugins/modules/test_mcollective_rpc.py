# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task as a module: it returns data unchanged, and shows its options without secrets."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common.parameters import PASS_VARS
from ansible.module_utils.testing import patch_module_args

from ansible_collections.pymco.mcollective.plugins.module_utils._task.invocation import HIDDEN
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.modules import mcollective_rpc
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Peer,
    ScriptedBroker,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    done,
    read,
    sealed,
)

HUSH = "s3cret"
Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what goes into the system's log."""
    lines: list[str] = []

    def log(_module: t.Any, msg: str, log_args: dict[str, t.Any] | None = None) -> None:
        lines.append(f"{msg} {log_args}")

    monkeypatch.setattr(basic.AnsibleModule, "log", log)
    return lines


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], logged: list[str]) -> Run:
    """Run the module with these options; its result."""

    def running(**options: t.Any) -> dict[str, t.Any]:
        named = {"_ansible_module_name": "pymco.mcollective.mcollective_rpc"}
        # Since ansible-core 2.21, options are shown to whoever asks for it.
        known = "inject_invocation" in PASS_VARS
        shows = {"_ansible_inject_invocation": True} if known else {}
        with patch_module_args({**named, **shows, **options}), pytest.raises(SystemExit):
            mcollective_rpc.main()
        result: dict[str, t.Any] = json.loads(capsys.readouterr().out)
        return result

    return running


SAID = {
    "osfamily": "Debian",
    "number": 1,
    "floating": 1.5,
    "Debian": ["Debian 12", {"a": "unset", "mcollective": True}],
}


def options(port: int, secret: str, directory: pathlib.Path) -> dict[str, t.Any]:
    """Those of a task that has this secret everywhere."""
    path = directory / "client.cfg"
    path.write_text(f"connector = rabbitmq\nidentity = me\nplugin.psk = {secret}\n")
    path.chmod(0o600)
    return {
        "config_file": str(path),
        "brokers": [{"host": "127.0.0.1", "port": port, "user": "alice", "password": secret}],
        "psk": secret,
        "config": {"plugin.psk": secret, "plugin.rabbitmq.pool.1.pasword": secret},
        "agent": "unknown",
        "action": "say",
        "nodes": ["Debian"],
    }


@pytest.mark.parametrize("secret", ["Debian", "unset", "mcollective", "1", "D", "0"])
def test_data_come_back_as_they_are(
    secret: str, run: Run, tmp_path: pathlib.Path, logged: list[str]
) -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        request = read(peer.expect("SEND"))
        body = done(0, "1 unset Debian", SAID)
        peer.reply(sealed(request, "Debian", body, secret.encode()))
        peer.log_out()

    with ScriptedBroker(script) as broker:
        result = run(**options(broker.port, secret, tmp_path))
    assert not result.get("failed"), result
    assert result["nodes"] == ["Debian"]
    assert result["reply"] == {
        "agent": "unknown",
        "action": "say",
        "sender": "Debian",
        "statuscode": 0,
        "statusmsg": "1 unset Debian",
        "data": SAID,
    }
    assert result["stats"]["nodes"] == 1
    shown = result["invocation"]["module_args"]
    assert shown["psk"] == shown["brokers"][0]["password"] == HIDDEN
    assert set(shown["config"].values()) == {HIDDEN}
    assert (shown["nodes"], shown["brokers"][0]["user"]) == (["Debian"], "alice")
    (line,) = logged
    assert "agent=unknown" in line and f"psk={HIDDEN}" in line


@pytest.mark.parametrize(
    "given,words",
    [
        ({"connect_timeout": HUSH}, "argument 'connect_timeout' is of type str"),
        ({"config": {"connection_timeout": HUSH}}, "connection_timeout is not a number"),
        ({"config": {"plugin.rabbitmq.pool.size": HUSH}}, "pool.size is not a whole number"),
        ({"config": {"plugin.rabbitmq.pool.1.pasword": HUSH}}, "cannot connect"),
        ({"brokers": [{"host": "a", "port": HUSH}]}, "argument 'port' is of type str"),
        (
            {"brokers": [{"host": "a", "pasword": HUSH}]},
            "the option brokers: brokers.pasword. Supported",
        ),
        (
            {"pks": HUSH},
            "for (pymco.mcollective.mcollective_rpc) module: pks. Supported parameters",
        ),
        ({"private_key": f"BEGIN\n{HUSH}", "psk": None}, "is not the path of a file"),
    ],
)
def test_a_failure_shows_no_password_that_went_astray(
    given: dict[str, t.Any], words: str, run: Run, logged: list[str]
) -> None:
    base = {
        "connector": "rabbitmq",
        "identity": "me",
        "plugin.psk": HUSH,
        "plugin.rabbitmq.pool.size": 1,
        "plugin.rabbitmq.pool.1.host": "127.0.0.1",
        "plugin.rabbitmq.pool.1.port": 1,
    }
    if "private_key" in given:
        base["securityprovider"] = "ssl"
    config = {**base, **given.get("config", {})}
    result = run(agent="rpcutil", action="ping", **{"psk": HUSH, **given, "config": config})
    assert result["failed"]
    assert words in result["msg"]
    # ansible-core 2.22 tells the controller what to mask.
    result.pop("_ansible_new_secrets", None)
    assert HUSH not in json.dumps(result)
    assert HUSH not in str(logged)
    assert result["invocation"]["module_args"]["agent"] == "rpcutil"


def test_all_that_is_wrong_is_told_at_once(run: Run) -> None:
    result = run(agent="a", action="b", timeout="soon", serializer="xml", foo=1)
    assert result["msg"].split("; ") == [
        "argument 'timeout' is of type str and we were unable to convert to float",
        "value of serializer must be one of: marshal, yaml",
        "Unsupported parameters for (pymco.mcollective.mcollective_rpc) module: foo. Supported"
        f" parameters include: {', '.join(sorted(RpcTask.options))} (count).",
    ]
