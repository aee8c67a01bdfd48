# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_rpc: calls an action of an agent on many nodes."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable

from . import words
from .base import CollectiveTask, Params, Returned, concise, concluded, stats_of
from .looks import only_looks
from .options import (
    BATCH_OPTIONS,
    CLIENT_OPTIONS,
    FAILURES,
    PROGRESS_OPTIONS,
    TARGET_OPTIONS,
    Spec,
    fail_on,
)
from .values import to_json

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import Action
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import (
        Reply,
        Result,
    )
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings


class RpcTask(CollectiveTask):
    """Calls the action that the options name.

    In check mode it does not send an action that changes something, but finds the nodes that it would reach.
    """

    options: t.ClassVar[Spec] = {
        **CLIENT_OPTIONS,
        **TARGET_OPTIONS,
        "agent": {"type": "str", "required": True},
        "action": {"type": "str", "required": True},
        "arguments": {"type": "dict", "default": {}},
        "timeout": {"type": "float"},
        "publish_timeout": {"type": "float"},
        "ttl": {"type": "int"},
        **BATCH_OPTIONS,
        "process_results": {"type": "bool", "default": True},
        "reply_to": {"type": "str"},
        "validate": {"type": "str", "choices": ["auto", "strict", "off"], "default": "auto"},
        "ddl_path": {"type": "list", "elements": "path", "default": []},
        "read_only": {"type": "bool"},
        "return_replies": {"type": "str", "choices": ["all", "failed", "none"], "default": "all"},
        **PROGRESS_OPTIONS,
        "fail_on": fail_on(*FAILURES),
    }

    @classmethod
    def idle(cls, given: Params) -> t.Collection[str]:
        if given.get("discovery_method") == "none" and not given.get("nodes"):
            return (*BATCH_OPTIONS, "expected_nodes", "count")
        awaited = boolean(given.get("process_results", True), strict=False)
        return () if awaited and not given.get("reply_to") else tuple(BATCH_OPTIONS)

    def _run(self, check_mode: bool) -> Returned:
        request, action = self._described(self.request())
        client = self.client()
        looks = self._only_looks()
        send = looks or not check_mode
        prepared = client.prepare(request)
        with client:
            result = client.call(prepared) if send else client.targets(prepared)
            self.look(client, prepared, result, self.params["fail_on"])
        self.warn_of(result, result.found if result.discovered or not result.known else 0)
        if result.lost and request.awaits_replies:
            self.warn(words.cut_short(result.lost))
        reached = result.requestid if send else result.nodes or not result.known
        returned = self._returned(result, action)
        returned["changed"] = bool(reached) and not looks
        if self.diff and returned["changed"]:
            returned["diff"] = self._diff(result)
        unreachable = self.is_unreachable(result, returned["no_response"])
        return concluded(returned, self._complaints(result, send), unreachable=unreachable)

    def _diff(self, result: Result) -> Returned:
        """Return which nodes the action was, or would be, called on, as Ansible shows differences."""
        unsent = set(result.unsent)
        called = [node for node in result.nodes if node not in unsent]
        what = printable(f"{self.params['agent']} {self.params['action']}")
        lines = [f"{printable(node)}: {what}\n" for node in called] or [
            f"all nodes that fit: {what}\n"
        ]
        return {"before": "", "after": "".join(lines)}

    def _only_looks(self) -> bool:
        """Return True if the action changes nothing: the option says so, or it is known."""
        params = self.params
        if params["read_only"] is not None:
            return bool(params["read_only"])
        return only_looks(params["agent"], params["action"])

    def _described(self, request: Request) -> tuple[Request, Action | None]:
        """Return the request as the agent's DDL completes it, and the action's part of the DDL."""
        validate = self.params["validate"]
        if validate == "off":
            return request, None
        from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.described import (
            describe,
        )

        library = self.library(self.params["ddl_path"])
        description = describe(request, library, strict=validate == "strict")
        for doubt in description.doubts:
            self.warn(doubt)
        return description.request, description.action

    def _returned(self, result: Result, action: Action | None) -> Returned:
        wanted = self.params["return_replies"]
        replies = result.replies if wanted == "all" else result.failed
        shown = [] if wanted == "none" else [reply_of(reply) for reply in replies]
        returned = outcome_of(result, shown, self.config)
        if len(result.nodes) == 1 and shown:
            returned["reply"] = shown[0]
        if self.own_node is not None:
            del returned["replies"]  # it would be shown twice
        summarized = action is not None and action.aggregates and result.awaited
        if action is not None and summarized and any(reply.ok for reply in result.replies):
            returned["summary"] = summary_of(action, result)
        return returned

    def _complaints(self, result: Result, sent: bool) -> t.Iterator[str]:
        on = self.params["fail_on"]
        short = self.shortage(result, self.params["agent"], sent=sent)
        yield short
        if not sent or (short and (result.stopped or not result.nodes)):
            return
        if result.stopped:
            yield words.stopped(result)
        if "failed" in on and result.failed:
            said = {
                reply.sender: f"{reply.statuscode}: {reply.statusmsg}" for reply in result.failed
            }
            yield words.failed(said, len(result.nodes))
        if "no_response" in on and result.no_response and result.requestid:
            yield self.silent(result)
        if "no_response" in on and result.unsent and not result.stopped:
            yield words.unsent(result)
        elif result.lost and not (result.awaited and result.known):
            # The nodes that have not got the request, or have not answered, are not known.
            yield words.lost(result.lost)


def outcome_of(result: Result, replies: list[Returned], config: Settings) -> Returned:
    """Return what every call returns."""
    failed, silent = len(result.failed), result.no_response if result.requestid else []
    return {
        "replies": replies,
        "nodes": result.nodes,
        "no_response": silent,
        "unsent": result.unsent,
        "unexpected": result.unexpected,
        "stats": concise(
            {
                **stats_of(result, config),
                "requestid": result.requestid,
                "nodes": len(result.nodes),
                "responses": len(result.replies),
                "ok": len(result.replies) - failed,
                "failed": failed,
                "no_response": len(silent),
                "unsent": len(result.unsent),
                "batches": result.batches,
                "lost": None if result.lost is None else str(result.lost),
                "resumed": result.resumed,
                "timeout": result.timeout,
            }
        ),
    }


def reply_of(reply: Reply) -> Returned:
    """Return one reply, with the six keys of ``mco rpc -j``."""
    return {
        "agent": reply.agent,
        "action": reply.action,
        "sender": reply.sender,
        "statuscode": reply.statuscode,
        "statusmsg": reply.statusmsg,
        "data": to_json(reply.data),
    }


def summary_of(action: Action, result: Result) -> list[Returned]:
    """Return what the DDL's aggregate functions make of the replies."""
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import summarize

    summary = summarize(action, (reply.data for reply in result.replies))
    found: list[Returned] = []
    for item in summary.results:
        entry: Returned = {
            "output": item.output,
            "function": item.function,
            "display_as": item.display_as,
            "lines": item.shown(),
        }
        if isinstance(item.value, list):
            pairs = sorted(item.value, key=lambda pair: -pair[1])
            entry["counts"] = [{"value": to_json(value), "count": count} for value, count in pairs]
        else:
            entry["value"] = to_json(item.value)
        found.append(entry)
    found += [{"output": item.output, "error": printable(item.reason)} for item in summary.failures]
    return found
