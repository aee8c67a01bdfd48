# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tasks run in the controller's process, with which options, and what they show."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import sys
import types
import typing as t

import pytest
from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task as AnsibleTask
from ansible.plugins.loader import get_shell_plugin
from ansible.template import Templar, trust_as_template
from ansible.utils.display import Display

from ansible_collections.pymco.mcollective.plugins.action.mcollective_rpc import ActionModule
from ansible_collections.pymco.mcollective.plugins.module_utils._task import base
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.invocation import HIDDEN
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.plugin_utils import _action
from ansible_collections.pymco.mcollective.plugins.plugin_utils._progress import ProgressLines
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Peer,
    ScriptedBroker,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    done,
    read,
    sealed,
)

PSK = "a-psk-SECRET"
PASSWORD = "a-password-SECRET"
CONFIG = {
    "connector": "rabbitmq",
    "identity": "me",
    "plugin.rabbitmq.pool.size": 1,
    "plugin.rabbitmq.pool.1.host": "127.0.0.1",
    "plugin.rabbitmq.pool.1.port": 1,
}


@pytest.fixture(autouse=True)
def invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results have an invocation. Since ansible-core 2.21 they have it only on request."""
    monkeypatch.setenv("ANSIBLE_INJECT_INVOCATION", "true")


class Action(ActionModule):
    """The action without its module. It records that it would run the module."""

    def _execute_module(self, *_arguments: t.Any, **options: t.Any) -> dict[str, t.Any]:
        return {"by_module": True, "wrap_async": options["wrap_async"]}


def action(
    arguments: dict[str, t.Any] | None = None,
    transport: str = "local",
    become: t.Any = None,
    **fields: t.Any,
) -> Action:
    """The action for a task with these options."""
    task = AnsibleTask()
    task.name, task.action = "Ask all", "pymco.mcollective.mcollective_rpc"
    task.args = {"agent": "rpcutil", "action": "ping", **(arguments or {})}
    for name, value in fields.items():
        setattr(task, name, value)
    connection = types.SimpleNamespace(
        transport=transport,
        become=become,
        has_native_async=False,
        _shell=get_shell_plugin("sh"),
    )
    loader = DataLoader()
    return Action(task, connection, None, loader, Templar(loader, variables={"here": 1}), None)


def ran(arguments: dict[str, t.Any], **fields: t.Any) -> dict[str, t.Any]:
    """The result of a task that does not reach a broker, or what is given as `config` does."""
    return action({"config": CONFIG, **arguments}, **fields).run(task_vars={})


# -- which of them -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given,here",
    [
        ({}, True),
        ({"transport": "ansible.builtin.local"}, True),
        ({"transport": "ssh"}, False),
        ({"transport": "community.docker.docker"}, False),
        ({"become": object()}, False),
        ({"async_val": 30}, False),
    ],
)
def test_only_what_would_be_the_same_there_runs_here(given: dict[str, t.Any], here: bool) -> None:
    result = ran({"psk": PSK}, **given)
    assert ("by_module" not in result) is here
    if not here:
        assert result == {"by_module": True, "wrap_async": "async_val" in given}


def test_the_interpreter_of_modules_is_asked_where_a_library_is_missing_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def client(_config: t.Any, progress: t.Any = None) -> t.NoReturn:
        raise exc.MissingDependency("stomp.py", "connections to a broker")

    monkeypatch.setattr(base, "Client", client)
    task = action({"config": CONFIG, "psk": PSK})
    # Where none is named, one is looked for, and that may be another.
    for variables in ({}, {"ansible_python_interpreter": "/usr/bin/python9"}):
        assert task.run(task_vars=variables)["by_module"]
    result = task.run(task_vars={"ansible_python_interpreter": sys.executable})
    assert result["failed"]
    assert "stomp.py" in result["msg"] and sys.executable in result["msg"]


# -- options -------------------------------------------------------------------------------------


def test_options_are_what_a_module_would_get() -> None:
    class Text(str):
        """As Ansible's own strings, which know where they come from."""

    arguments = {
        "arguments": {"day": datetime.date(2001, 1, 2), "n": 1, "t": (1, Text("x")), 5: None},
        "timeout": Text("2.5"),
        "nodes": Text("a,b"),
        "read_only": "yes",
        "batch_size": 10,
        "config": CONFIG,
        "psk": PSK,
    }
    checked = action(arguments)._validated()
    assert checked["arguments"] == {"day": "2001-01-02", "n": 1, "t": [1, "x"], "5": None}
    assert not isinstance(checked["arguments"]["t"][1], Text)
    assert (checked["timeout"], checked["nodes"]) == (2.5, ["a", "b"])
    assert (checked["read_only"], checked["batch_size"]) == (True, "10")
    assert (checked["fail_on"], checked["validate"]) == (
        ["failed", "no_response", "no_nodes"],
        "auto",
    )


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object()])
def test_what_json_has_no_form_for_is_refused(value: t.Any) -> None:
    with pytest.raises(TaskFailed, match=f"JSON: .* cannot be of type {type(value).__name__}"):
        action({"arguments": {"a": value}})._validated()


@pytest.mark.parametrize(
    "arguments,why",
    [
        ({"no_such": 1}, "no_such"),
        ({"timeout": "soon"}, "'timeout'"),
        ({"fail_on": ["all"]}, "value of fail_on must be one or more of"),
        ({"brokers": [{"port": 1}]}, "missing required arguments: host found in brokers"),
        ({"config": "no dictionary"}, "'config'"),
    ],
)
def test_a_wrong_option_is_refused_as_by_a_module(arguments: dict[str, t.Any], why: str) -> None:
    result = ran(arguments)
    assert result["failed"]
    assert why in result["msg"]


def test_an_unknown_option_is_refused_in_the_words_of_a_module() -> None:
    assert ran({"foo": 1})["msg"].startswith(
        "Unsupported parameters for (pymco.mcollective.mcollective_rpc) module: foo. Supported"
        " parameters include: action, agent,"
    )


@pytest.mark.parametrize(
    "given,words",
    [
        ({"brokers": [{"host": "a", "port": PASSWORD, "password": PASSWORD}]}, "'port'"),
        ({"brokers": [{"host": "a", "pasword": PASSWORD}]}, "brokers.pasword"),
        ({"connect_timeout": PASSWORD}, "'connect_timeout'"),
        ({"config": {**CONFIG, "connection_timeout": PASSWORD}}, "connection_timeout is not a"),
        ({"config": {**CONFIG, "plugin.rabbitmq.pool.size": PASSWORD}}, "pool.size is not a whole"),
        ({"config": {**CONFIG, "plugin.rabbitmq.pool.1.pasword": PASSWORD}}, "cannot connect"),
        ({"config": PASSWORD}, "'config'"),
        ({"passwort": PASSWORD}, "module: passwort. Supported parameters include"),
    ],
)
def test_a_failure_shows_no_password_that_went_astray(given: dict[str, t.Any], words: str) -> None:
    result = ran({"psk": PSK, **given})
    assert result["failed"]
    assert words in result["msg"]
    assert "SECRET" not in json.dumps(result)
    assert result["invocation"]["module_args"]["agent"] == "rpcutil"


@pytest.mark.parametrize("transport", ["local", "ssh"])
@pytest.mark.parametrize(
    "given", [{"nodes": None}, {"identity_filters": []}, {"fact_filters": ""}, {"limit": None}]
)
def test_an_option_that_is_empty_is_an_error_wherever_the_task_runs(
    given: dict[str, t.Any], transport: str
) -> None:
    (name,) = given
    result = ran(given, transport=transport)
    assert result["failed"]
    assert result["msg"].startswith(f"{name} is empty, or has an empty entry")


# -- notes ---------------------------------------------------------------------------------------


def test_what_old_files_have_is_told_to_those_who_want_to_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noted: list[str] = []
    monkeypatch.setattr(Display, "v", lambda _self, message: noted.append(message))
    result = ran({"config": {**CONFIG, "topicprefix": "/topic/"}, "psk": PSK})
    assert "warnings" not in result
    assert [words for words in noted if "topicprefix is ignored" in words]


# -- environment ---------------------------------------------------------------------------------


def test_the_keyword_environment_holds_for_the_task_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STOMP_USER", "before")
    monkeypatch.delenv("ANSIBLE_MCOLLECTIVE_IDENTITY", raising=False)
    before = dict(os.environ)
    given = {
        "ANSIBLE_MCOLLECTIVE_IDENTITY": trust_as_template("of the environment {{ here }}"),
        "STOMP_USER": "task",
    }
    result = ran({"config": {**CONFIG, "identity": None}, "psk": PSK}, environment=[given])
    assert result["invocation"]["module_args"]["identity"] == "of the environment 1"
    # The next item of a loop runs in the same process.
    assert dict(os.environ) == before


def test_the_environment_is_as_before_after_a_refusal_too() -> None:
    before = dict(os.environ)
    assert ran({"no_such": 1}, environment=[{"ANSIBLE_MCOLLECTIVE_PSK": PSK}])["failed"]
    assert dict(os.environ) == before


# -- secrets -------------------------------------------------------------------------------------


def test_no_secret_is_in_a_result_its_invocation_or_its_warnings(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "client.cfg"
    path.write_text(
        "connector = rabbitmq\nidentity = me\nplugin.psk = of-the-file-SECRET\n"
        f"no_such_option = {PASSWORD}\n"
    )
    os.chmod(path, 0o600)
    variable = {"STOMP_PASSWORD": "of-the-environment-SECRET"}
    brokers = [{"host": "127.0.0.1", "port": 1, "user": "alice"}]
    for arguments in (
        {"brokers": [{**brokers[0], "password": PASSWORD}]},
        {"brokers": brokers, "psk": PSK},
        {"brokers": brokers, "config": {"plugin.rabbitmq.pool.1.password": PASSWORD}},
        {"brokers": brokers, "config": {"plugin.psk": PSK}},
        {"brokers": brokers, "config": {"plugin.psk": PSK, "plugin.pks": PASSWORD}},
        {"brokers": brokers},
    ):
        result = ran(
            {"config_file": str(path), "config": None, **arguments}, environment=[variable]
        )
        assert result["failed"], result
        assert "SECRET" not in json.dumps(result)
        # Only secrets are hidden.
        assert result["invocation"]["module_args"]["agent"] == "rpcutil"
        assert "alice" in json.dumps(result["invocation"])
        assert any("unknown option no_such_option" in word for word in result["warnings"])


@pytest.mark.parametrize("secret", ["Debian", "unset", "mcollective", "1", "D", "0"])
def test_data_come_back_as_they_are(secret: str) -> None:
    """Also if they contain the same words as the secrets of the task."""
    said = {"osfamily": "Debian", "number": 1, "Debian": [1.5, {"mcollective": "unset 10"}]}

    def script(peer: Peer) -> None:
        peer.log_in()
        request = read(peer.expect("SEND"))
        peer.reply(sealed(request, "Debian", done(0, "1 unset", said), secret.encode()))
        peer.log_out()

    with ScriptedBroker(script) as broker:
        entry = {"host": "127.0.0.1", "port": broker.port, "password": secret, "user": "u"}
        config = {"connector": "rabbitmq", "identity": "me", "plugin.psk": secret}
        task = {"agent": "unknown", "config": config, "brokers": [entry], "nodes": ["Debian"]}
        result = action({**task, "psk": secret}).run(task_vars={})
    assert not result.get("failed"), result
    assert result["reply"]["sender"] == "Debian"
    assert result["reply"]["statusmsg"] == "1 unset"
    assert result["reply"]["statuscode"] == 0
    assert result["reply"]["data"] == said
    shown = result["invocation"]["module_args"]
    assert shown["psk"] == shown["brokers"][0]["password"] == HIDDEN
    assert shown["config"] == {**config, "plugin.psk": HIDDEN}
    assert shown["nodes"] == ["Debian"]


@pytest.mark.parametrize("wanted", [True, False])
def test_options_are_shown_where_ansible_shows_them(
    monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    others = C.config.get_config_value

    def value(name: str, *given: t.Any, **more: t.Any) -> t.Any:
        return wanted if name == "INJECT_INVOCATION" else others(name, *given, **more)

    monkeypatch.setattr(C.config, "get_config_value", value)
    assert ("invocation" in ran({"psk": PSK})) is wanted


def test_no_plugin_needs_what_ansible_gives_up() -> None:
    """``remove_values`` is deprecated in ansible-core 2.22, and gone in 2.25."""
    plugins = pathlib.Path(_action.__file__).parents[1]
    users = [path for path in plugins.rglob("*.py") if "remove_values" in path.read_text()]
    assert not users


# -- progress ------------------------------------------------------------------------------------


@pytest.mark.parametrize("every,wanted", [(5.0, True), (0, False), (-1, False), (None, False)])
def test_progress_is_shown_to_whoever_wants_it(
    monkeypatch: pytest.MonkeyPatch, every: float | None, wanted: bool
) -> None:
    monkeypatch.setattr(ProgressLines, "wanted", staticmethod(lambda: True))
    assert (action()._progress({"progress": every}) is not None) is wanted
    monkeypatch.setattr(ProgressLines, "wanted", staticmethod(lambda: False))
    assert action()._progress({"progress": every}) is None


# -- ansible.cfg ---------------------------------------------------------------------------------


def in_ansible_cfg(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, text: str) -> None:
    """Let Ansible have an ansible.cfg with this section of ours."""
    path = tmp_path / "ansible.cfg"
    path.write_text(f"[mcollective_collection]\n{text}")
    monkeypatch.setattr(C.config, "_config_file", str(path))


@pytest.mark.parametrize("transport", ["local", "ssh"])
def test_what_ansible_cfg_says_reaches_a_task_wherever_it_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, transport: str
) -> None:
    in_ansible_cfg(
        monkeypatch,
        tmp_path,
        "psk = {{ here }}\nprivate_key = key.pem\nidentity = of the file\ncertname = c\nnodes = n\n",
    )
    monkeypatch.setenv("ANSIBLE_MCOLLECTIVE_IDENTITY", "of this process")
    environment = [{"ANSIBLE_MCOLLECTIVE_CERTNAME": "of the task"}]
    task = action({"vhost": "v"}, transport, environment=environment)
    expected = {
        **{"agent": "rpcutil", "action": "ping", "vhost": "v"},
        **{"psk": 1, "private_key": str(tmp_path / "key.pem")},
    }
    if transport == "ssh":
        expected["identity"] = "of the file"  # the environment there is not known here
    assert task._completed({}) == expected


def test_a_task_wins_over_ansible_cfg(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    in_ansible_cfg(monkeypatch, tmp_path, "psk = of the file\nvhost = of the file\n")
    completed = action({"psk": "own", "vhost": None})._completed({})
    assert (completed["psk"], completed["vhost"]) == ("own", None)


def test_ansible_cfg_is_looked_up_once_for_all_tasks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    in_ansible_cfg(monkeypatch, tmp_path, "vhost = of the file\n")
    assert action()._completed({})["vhost"] == "of the file"
    monkeypatch.setattr(C.config, "_get_ini_config_value", pytest.fail)
    assert action()._completed({})["vhost"] == "of the file"


def test_a_template_in_ansible_cfg_that_fails_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    in_ansible_cfg(monkeypatch, tmp_path, "psk = s3cret{{ no_such }}\n")
    with pytest.raises(AnsibleActionFail, match="option psk in ansible.cfg cannot be") as caught:
        action()._completed({})
    assert "s3cret" not in str(caught.value)


def test_a_word_of_ansible_cfg_that_is_neither_yes_nor_no_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    in_ansible_cfg(monkeypatch, tmp_path, "validate_certs = ture\n")
    result = ran({"psk": PSK})
    assert result["failed"] and "'validate_certs' is of type" in result["msg"]
