# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An event source for Event-Driven Ansible: what nodes of MCollective and Choria send without being asked."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import importlib
import logging
import re
import sys
import threading
import time
import typing as t
from pathlib import Path

DOCUMENTATION = r"""
---
author:
  - pymco.mcollective authors (@pymco)
short_description: Receive registrations of nodes, and replies that were sent elsewhere
description:
  - An ansible-rulebook event source that listens at a broker of MCollective or Choria, and sends no request.
  - With O(listen=registration), each registration of a node is an event. Nodes register every C(registerinterval)
    seconds.
  - With O(listen=replies), each reply to a request whose C(reply_to) is O(reply_to) is an event. The module
    P(pymco.mcollective.mcollective_rpc#module) sends such requests, and does not wait for replies.
  - The client of the collection verifies each message before it becomes an event. It rejects messages whose signature is
    missing or wrong, that are too large, that are too old, that come twice, or that it cannot read. The log tells how many
    messages were rejected, by reason.
  - A lost connection is replaced by one to the next broker of the pool. The pause between two attempts doubles from 1 s to
    60 s.
  - Text from nodes could be evaluated as a template where a rulebook or a playbook uses the event. So the source puts a
    blank into each C({{), C({%) and C({#), and before C(#jinja2:), and C(altered) in the event is then C(true).
    If two keys of a dict become the same, the second one gets a number, as in C(key (2)).
requirements:
  - ansible-core
  - stomp.py, for all connectors but C(nats)
  - PyYAML, for the serializer C(yaml)
  - cryptography, for the security providers C(ssl), C(aes_security) and C(choria)
options:
  listen:
    description:
      - What to listen to.
      - The security provider C(aes_security), and Choria's protocol 1, can verify replies, but not registrations.
    type: str
    choices: [registration, replies]
    default: registration
  reply_to:
    description:
      - Where the replies are sent, as the broker names the place. For RabbitMQ, V(/queue/NAME) keeps replies while
        nobody listens.
      - Required with O(listen=replies), and refused without.
    type: str
  collective:
    description:
      - The collective whose nodes register. The default is the main collective of the configuration.
    type: str
  config_file:
    description:
      - The configuration of a client, a C(client.cfg) or Choria's C(client.conf). The default is the first readable
        file of the usual places. There must be one. The source reads neither F(ansible.cfg) nor environment variables
        that begin with C(ANSIBLE_MCOLLECTIVE_) or C(PYMCO_).
    type: path
  config:
    description:
      - Options of C(client.cfg) that win over the file.
    type: dict
    default: {}
  max_bytes:
    description:
      - Larger messages are rejected. A message of more than 16 MiB is always rejected.
    type: int
    default: 1048576
"""

EXAMPLES = r"""
- name: Nodes register every five minutes
  hosts: localhost
  sources:
    - name: Registrations
      pymco.mcollective.mcollective:
        config_file: /etc/mcollective/client.cfg
  rules:
    - name: Tell which node has no agent for packages
      condition: event.mcollective.body is not contains "package"
      action:
        debug:
          msg: "{{ event.mcollective.sender }} has no package agent"

- name: Replies to requests that nobody waits for
  hosts: localhost
  sources:
    - name: Replies
      pymco.mcollective.mcollective:
        listen: replies
        reply_to: /queue/eda.replies
  rules:
    - name: Tell which node failed
      condition: event.mcollective.statuscode != 0
      action:
        debug:
          msg: "{{ event.mcollective.sender }}: {{ event.mcollective.statusmsg }}"
"""

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.subscription import (
        Heard,
        Subscription,
    )

    Event = dict[str, t.Any]

LOGGER = logging.getLogger(__name__)
COLLECTION = "ansible_collections.pymco.mcollective"
CLIENT = f"{COLLECTION}.plugins.module_utils.pymco"
TASKS = f"{COLLECTION}.plugins.module_utils._task"
TICK = 1.0
"""Seconds after which the thread looks whether it has to end, and logs what was rejected meanwhile."""
_TEMPLATE = re.compile(r"\{(?=[{%#])")
_HEADER = "#jinja2:"
"""A text that begins so chooses other marks for templates."""


@dataclasses.dataclass(frozen=True)
class Options:
    """The arguments of the source. The documentation tells what they mean."""

    listen: str = "registration"
    reply_to: str | None = None
    collective: str | None = None
    config_file: str | None = None
    config: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    max_bytes: int = 2**20

    @classmethod
    def of(cls, args: t.Mapping[str, t.Any]) -> Options:
        """Return checked options. Raises ValueError with what is wrong."""
        known = {field.name for field in dataclasses.fields(cls)}
        given = {name: value for name, value in args.items() if value is not None}
        if unknown := sorted(set(given) - known):
            raise ValueError(
                f"unknown options: {', '.join(unknown)}; known: {', '.join(sorted(known))}"
            )
        options = cls(**given)
        for name in ("listen", "reply_to", "collective", "config_file"):
            if not isinstance(given.get(name, ""), str):
                raise ValueError(f"{name} must be a text, not {given[name]!r}")
        if options.listen not in ("registration", "replies"):
            raise ValueError(f"listen must be registration or replies, not {options.listen!r}")
        if (options.listen == "replies") != bool(options.reply_to):
            raise ValueError("listen: replies needs reply_to, and nothing else takes it")
        if not isinstance(options.config, dict):
            raise ValueError("config must be a dict with options of client.cfg")
        number: t.Any = options.max_bytes
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ValueError(f"max_bytes must be a number from 1, not {number!r}")
        return options


async def main(queue: asyncio.Queue[Event], args: dict[str, t.Any]) -> None:
    """Put events into the queue until the source is cancelled.

    A full queue makes the source wait. Then further messages wait at the broker.
    """
    subscription = subscribe(Options.of(args))
    loop, stop = asyncio.get_running_loop(), threading.Event()
    # A thread of its own: the threads that the program has for everything else are few, and a source never ends.
    thread = concurrent.futures.ThreadPoolExecutor(1)

    def put(event: Event) -> None:
        if stop.is_set():
            return
        future = asyncio.run_coroutine_threadsafe(queue.put(event), loop)
        while not stop.is_set():
            with contextlib.suppress(concurrent.futures.TimeoutError):
                future.result(TICK)
                return
        future.cancel()

    try:
        await loop.run_in_executor(thread, listen, subscription, put, stop)
    finally:
        stop.set()
        thread.shutdown(wait=False)


def subscribe(options: Options) -> Subscription:
    """Return the subscription of the options. Nothing is opened yet. Raises the client's errors for wrong options."""
    make_importable()
    overrides = importlib.import_module(f"{TASKS}.configuration").texts(options.config)
    settings = importlib.import_module(f"{CLIENT}.settings").Settings.from_configfile(
        options.config_file, overrides=overrides
    )
    for warning in settings.warnings:
        LOGGER.warning("%s", warning)
    found: Subscription = importlib.import_module(f"{CLIENT}.subscription").Subscription(
        settings,
        "reply" if options.listen == "replies" else "registration",
        options.reply_to,
        collective=options.collective,
        most_bytes=options.max_bytes,
    )
    return found


def make_importable() -> None:
    """Let this process import the collection. ansible-rulebook finds this file only."""
    root = Path(__file__).absolute().parents[7]
    if str(root) not in sys.path:
        sys.path.append(str(root))
    try:
        importlib.import_module(CLIENT)
    except ModuleNotFoundError:
        # The package "ansible" on PyPI has a directory of this name, which is no namespace.
        for number, name in enumerate(("ansible_collections", "ansible_collections.pymco")):
            with contextlib.suppress(ModuleNotFoundError):
                place = str(root.joinpath("ansible_collections", *["pymco"][:number]))
                importlib.import_module(name).__path__.append(place)
        importlib.import_module(CLIENT)


def listen(
    subscription: Subscription, put: t.Callable[[Event], None], stop: threading.Event
) -> None:
    """Hand over the events of a subscription until told to stop. To be called in a thread of its own."""
    report = Report(subscription)
    for warning in subscription.warnings:
        LOGGER.warning("%s", warning)
    with subscription:
        while not stop.is_set():
            heard = subscription.next(TICK)
            report.tell()
            if heard is not None:
                put({"mcollective": event_of(heard)})
    report.tell(last=True)


class Report:
    """Logs what changes: connections, and how many messages were rejected, once in a :data:`TICK` at most."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._broker, self._rejected, self._told = "", 0, -TICK
        self._losses = subscription.outcome.resumed

    def tell(self, *, last: bool = False) -> None:
        """Log what is new.

        :param last: the source ends, so nothing can be told later.
        """
        subscription, outcome = self._subscription, self._subscription.outcome
        if outcome.resumed is not self._losses:
            self._losses, self._broker = outcome.resumed, ""
            LOGGER.warning("not connected, trying again: %s", outcome.resumed[-1])
        if subscription.broker != self._broker and not last:
            self._broker = subscription.broker
            LOGGER.info("listening at %s of %s", subscription.address, self._broker)
        rejected, now = sum(outcome.rejected.values()), time.monotonic()
        if rejected != self._rejected and (last or now - self._told >= TICK):
            self._rejected, self._told = rejected, now
            LOGGER.warning("messages rejected so far: %s", dict(outcome.rejected))


def event_of(heard: Heard) -> Event:
    """Return a message as JSON has it, in which no text can be a template."""
    to_json = _values().to_json
    event: Event = {
        "kind": heard.kind,
        "sender": heard.sender,
        "agent": heard.agent,
        "requestid": heard.requestid,
        "time": heard.time,
    }
    if heard.kind == "reply":
        reply_of = importlib.import_module(f"{CLIENT}.result").reply_of
        request = importlib.import_module(f"{CLIENT}.request").Request(heard.agent, "")
        reply = reply_of(heard.sender, heard.body, request)
        event.update(
            statuscode=reply.statuscode, statusmsg=reply.statusmsg, data=to_json(reply.data)
        )
    else:
        event["body"] = to_json(heard.body)
    found: Event = inert(event)
    return {**found, "altered": found != event}


def _values() -> t.Any:
    return importlib.import_module(f"{TASKS}.values")


def inert(value: t.Any) -> t.Any:
    """Return plain data with a blank in each mark that begins a template. Keys are texts too. Those that become equal get
    numbers."""
    if isinstance(value, str):
        return _TEMPLATE.sub("{ ", f" {value}" if value.startswith(_HEADER) else value)
    if isinstance(value, list):
        return [inert(item) for item in value]
    if isinstance(value, dict):
        names = list(map(inert, value))
        if len(set(names)) < len(names):
            names = _values().numbered(names)
        return dict(zip(names, map(inert, value.values())))
    return value
