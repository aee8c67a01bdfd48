# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The bridge: Ansible's options to the client, and the client's results to Ansible.

Nothing else knows both. Note that this module util is **PRIVATE** to the collection. It can have
breaking changes at any time.
"""

from __future__ import annotations

import base64
import contextlib
import os
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, matching, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.options import is_secret
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

CLIENT_OPTIONS: dict[str, t.Any] = {
    "config_file": {"type": "path"},
    # It may hold passwords; only those are kept out of results, see visible_values().
    "config": {"type": "dict", "no_log": True},
    "collective": {"type": "str"},
}
TARGET_OPTIONS: dict[str, t.Any] = {
    "nodes": {"type": "list", "elements": "str"},
    "fact_filters": {"type": "list", "elements": "str", "default": []},
    "class_filters": {"type": "list", "elements": "str", "default": []},
    "agent_filters": {"type": "list", "elements": "str", "default": []},
    "identity_filters": {"type": "list", "elements": "str", "default": []},
    "compound_filter": {"type": "str"},
    "discovery_timeout": {"type": "float"},
}
RPC_OPTIONS: dict[str, t.Any] = {
    "agent": {"type": "str", "required": True},
    "action": {"type": "str", "required": True},
    "arguments": {"type": "dict", "default": {}},
    "timeout": {"type": "float", "default": rpc.DEFAULT_TIMEOUT},
    "ttl": {"type": "int"},
    "read_only": {"type": "bool", "default": False},
    "fail_on": {
        "type": "list",
        "elements": "str",
        "choices": ["failed", "no_response", "no_nodes"],
        "default": ["failed", "no_response", "no_nodes"],
    },
}

SILENCE = (
    "Nodes say nothing about requests that they refuse. The usual causes: they lack the agent or do"
    " not fit the filters, are down or in another collective, do not know our key (or we use another"
    " pre-shared key, security provider or serializer), or their clock differs by more than the ttl"
)
NAMED = 3
"""How many nodes a message names."""


class TaskFailed(Exception):
    """The task failed.

    :ivar result: what the task returns all the same.
    :ivar missing: the library that is missing, if that is why.
    """

    def __init__(
        self, msg: str, result: dict[str, t.Any] | None = None, missing: str | None = None
    ) -> None:
        super().__init__(msg)
        self.result = result or {}
        self.missing = missing


class Task:
    """One task: its options, checked, and what they lead to.

    :param params: the options as Ansible has validated them.
    :param warn: is called with what the user should know besides the result.
    :param environ: the environment variables to honour; default: the process's.
    :raises TaskFailed: an option is wrong; nothing was opened or sent.
    """

    def __init__(
        self,
        params: t.Mapping[str, t.Any],
        warn: t.Callable[[str], None],
        environ: t.Mapping[str, str] | None = None,
    ) -> None:
        self.params = params
        self._warn = warn
        with _failures():
            self.config = _config(params, os.environ if environ is None else environ)
        for warning in self.config.warnings:
            warn(warning)

    def secrets(self) -> set[str]:
        """The values that must not be seen, wherever they come from."""
        return set(self.config.secrets())

    def call(self, check_mode: bool) -> dict[str, t.Any]:
        """Run the module mcollective_rpc.

        In check mode an action that changes something is not sent; whom it would reach is found
        out all the same.

        :raises TaskFailed: as the option fail_on has it, or because nothing could be sent.
        """
        with _failures():
            request = _request(self.params)
            doubts = _doubts(request.filter, self.config)
            for doubt in doubts:
                self._warn(doubt)
            client = rpc.Client(self.config)
            for warning in client.warnings:
                self._warn(warning)
            client.check(request)
            send = self.params["read_only"] or not check_mode
            with client:
                result = client.call(request) if send else client.targets(request)
        changed = bool(result.nodes) and not self.params["read_only"]
        if result.lost:
            self._warn(f"the connection ended before all replies were in: {result.lost}")
        returned = _returned(result, changed)
        _judge_targets(result, returned, self.params, doubts)
        if send:
            _judge(result, returned, self.params)
        return returned


def visible_values(params: t.Mapping[str, t.Any]) -> set[str]:
    """The values of the option config that may be seen.

    The option as a whole is kept out of logs. Were all its values scrubbed from results too, words
    such as "mcollective" would vanish from every reply.
    """
    given = params["config"] or {}
    secret = {str(value) for key, value in given.items() if is_secret(key)}
    return {str(value) for value in given.values()} - secret


@contextlib.contextmanager
def _failures() -> t.Iterator[None]:
    """Turns the client's errors into the task's."""
    try:
        yield
    except exc.MissingDependency as error:
        raise TaskFailed(str(error), missing=error.package) from error
    except exc.PyMcoException as error:
        raise TaskFailed(str(error)) from error


def _config(params: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> Config:
    overrides = _overrides(params["config"] or {})
    if params["config_file"] is None and "connector" in overrides:
        return Config(overrides, environ, "the option config")
    return Config.from_configfile(params["config_file"], environ, overrides)


def _overrides(given: t.Mapping[str, t.Any]) -> dict[str, str]:
    """The option config as texts; null means that an option is not set there."""
    for key, value in given.items():
        if isinstance(value, (dict, list)):
            raise exc.ImproperlyConfigured(f"the option config: {key} must be a single value")
    return {key: str(value) for key, value in given.items() if value is not None}


def _request(params: t.Mapping[str, t.Any]) -> rpc.Request:
    filter_ = Filter()
    matching.add_facts(filter_, params["fact_filters"])
    matching.add_classes(filter_, params["class_filters"])
    matching.add_agents(filter_, params["agent_filters"])
    matching.add_identities(filter_, params["identity_filters"])
    if params["compound_filter"] is not None:
        filter_.add_compound(params["compound_filter"])
    return rpc.Request(
        agent=params["agent"],
        action=params["action"],
        arguments=params["arguments"],
        nodes=params["nodes"],
        filter=filter_,
        collective=params["collective"],
        timeout=params["timeout"],
        discovery_timeout=params["discovery_timeout"],
        ttl=params["ttl"],
    )


def _doubts(filter_: Filter, config: Config) -> list[str]:
    """Check the data functions of compound filters; what cannot be checked is returned."""
    if not filter_.compounds:
        return []
    # The reader of DDLs takes longer to load than a call to answer.
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import Library
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.functions import (
        check_functions,
    )

    return check_functions(filter_, Library(config.libdirs).data)


def _returned(result: rpc.Result, changed: bool) -> dict[str, t.Any]:
    replies = [_reply(reply) for reply in result.replies]
    returned: dict[str, t.Any] = {
        "changed": changed,
        "replies": replies,
        "nodes": result.nodes,
        "no_response": result.no_response if result.requestid else [],
        "unexpected": result.unexpected,
        "stats": {
            "requestid": result.requestid,
            "broker": result.broker,
            "passed_over": result.passed_over,
            "nodes": len(result.nodes),
            "responses": len(replies),
            "ok": len(replies) - len(result.failed),
            "failed": len(result.failed),
            "no_response": len(result.no_response) if result.requestid else 0,
            "rejected": dict(result.rejected),
            "lost": None if result.lost is None else str(result.lost),
            "seconds": result.seconds,
        },
    }
    if len(result.nodes) == 1 and replies:
        returned["reply"] = replies[0]
    return returned


def _reply(reply: rpc.Reply) -> dict[str, t.Any]:
    return {
        "agent": reply.agent,
        "action": reply.action,
        "sender": reply.sender,
        "statuscode": reply.statuscode,
        "statusmsg": reply.statusmsg,
        "data": to_json(reply.data),
    }


def to_json(value: t.Any) -> t.Any:
    """Plain data of the client as data that JSON can carry.

    A Symbol becomes its name. Bytes that are no text become a dict with content and encoding, as
    the module ansible.builtin.slurp returns them.
    """
    if isinstance(value, dict):
        return _named(value)
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, Symbol):
        return value.name
    if isinstance(value, bytes):
        return {"content": base64.b64encode(value).decode("ascii"), "encoding": "base64"}
    return value


def _named(mapping: dict[t.Any, t.Any]) -> dict[str, t.Any]:
    """A dict with texts as keys. Where a Symbol and a String have the same name, the Symbol keeps
    its colon, so that nothing is lost."""
    texts = {_key(key) for key in mapping if not isinstance(key, Symbol)}

    def name(key: t.Any) -> str:
        if isinstance(key, Symbol) and key.name not in texts:
            return key.name
        return _key(key)

    return {name(key): to_json(item) for key, item in mapping.items()}


def _key(key: t.Any) -> str:
    if isinstance(key, bytes):
        return key.decode("utf-8", "backslashreplace")
    if isinstance(key, bool):
        return "true" if key else "false"
    return "" if key is None else str(key)


def _judge(result: rpc.Result, returned: dict[str, t.Any], params: t.Mapping[str, t.Any]) -> None:
    """Fail as fail_on has it, with everything that came back."""
    complaints = []
    if "failed" in params["fail_on"] and result.failed:
        complaints.append(_told_failed(result))
    if "no_response" in params["fail_on"] and result.no_response:
        complaints.append(_told_silent(result, params))
    if complaints:
        raise TaskFailed("; ".join(complaints), returned)


def _judge_targets(
    result: rpc.Result,
    returned: dict[str, t.Any],
    params: t.Mapping[str, t.Any],
    doubts: t.Sequence[str],
) -> None:
    if "no_nodes" not in params["fail_on"] or result.nodes:
        return
    if params["nodes"] == []:
        raise TaskFailed("nodes is an empty list, so nobody was addressed", returned)
    raise TaskFailed(
        f"no node answered the discovery for agent {params['agent']}"
        f"{_told_rejected(result)}. {SILENCE}.{''.join(f' Also: {doubt}.' for doubt in doubts)}",
        returned,
    )


def _told_failed(result: rpc.Result) -> str:
    failed = result.failed
    named = ", ".join(
        f"{reply.sender} ({reply.statuscode}: {reply.statusmsg})" for reply in failed[:NAMED]
    )
    return f"{len(failed)} of {len(result.nodes)} nodes failed: {named}{_more(failed)}"


def _told_silent(result: rpc.Result, params: t.Mapping[str, t.Any]) -> str:
    silent = result.no_response
    if result.lost:
        why = f"because the connection was lost: {result.lost}"
    else:
        why = (
            f"within {params['timeout']:g} s{_told_rejected(result)}. {SILENCE}, or the action takes"
            " longer than the timeout"
        )
    return (
        f"{len(silent)} of {len(result.nodes)} nodes did not answer:"
        f" {', '.join(silent[:NAMED])}{_more(silent)} {why}."
    )


def _told_rejected(result: rpc.Result) -> str:
    if not result.rejected:
        return ""
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(result.rejected.items()))
    return f" (replies that were rejected: {reasons})"


def _more(items: t.Sequence[t.Any]) -> str:
    return f" and {len(items) - NAMED} more" if len(items) > NAMED else ""
