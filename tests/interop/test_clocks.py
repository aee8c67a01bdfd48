# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real nodes treat a client whose clock is wrong as our messages and guides say."""

from __future__ import annotations

import functools
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task.silence import UNTRUSTED
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import (
    conversation,
    exc,
    message,
    rpc,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

if t.TYPE_CHECKING:
    from testbed.real.collective import Collective

YEAR = 365 * 24 * 3600


@pytest.mark.parametrize("ahead", [YEAR, 600, -30, -600])
def test_nodes_ignore_a_client_whose_clock_is_behind_and_no_other(
    lone: Collective, ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config.from_configfile(str(lone.client_cfg), environ={})
    wrong = functools.partial(conversation.Line, now=lambda: time.time() + ahead)
    monkeypatch.setattr(rpc, "Line", wrong)
    msg = message.Message("ping", "discovery", config, ttl=60)
    action = rpc.SimpleAction(config=config, msg=msg, agent="discovery")
    if ahead < -60:
        with pytest.raises(exc.TimeoutError):
            action.call(timeout=2)
    else:
        assert [reply[":body"] for reply in action.call(timeout=20)] == ["pong"]


def test_the_usual_causes_of_silence_name_the_clock_that_matters() -> None:
    assert "our clock is behind theirs by more than the ttl" in UNTRUSTED["mcollective"]
