# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Heart-beats: what the client offers, what both sides agree on, and how the client notices a lost broker."""

from __future__ import annotations

import socket
import statistics
import threading
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire import heartbeat
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    BUSY,
    PATIENCE,
    Peer,
    ScriptedBroker,
    outgoing,
    tls_to,
    to,
    within,
)

pytestmark = pytest.mark.usefixtures("nothing_left")

# -- agreement -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "interval,header",
    [
        ("0", None),
        ("1", "30500,29500"),
        ("29", "30500,29500"),
        ("30", "30500,29500"),
        ("31", "31500,30500"),
        ("0x40", "64500,63500"),
    ],
)
def test_the_header_of_the_login(interval: str, header: str | None) -> None:
    seen: list[dict[str, str]] = []

    def script(peer: Peer) -> None:
        seen.append(peer.log_in().headers)
        peer.log_out()

    with ScriptedBroker(script) as broker, to(broker, heartbeat_interval=interval):
        pass
    assert seen[0].get("heart-beat") == header


def test_no_heartbeats_by_default() -> None:
    assert to(1).login(to(1).pool.brokers[0]).headers().get("heart-beat") is None


NOTHING = (None, None)


@pytest.mark.parametrize(
    "ours,theirs,missed,agreed",
    [
        # the numbers: what one can send, and what one wants to get
        ("30500,29500", "60000,60000", 2, (60.0, 180.0)),
        ("30500,29500", "1000,1000", 2, (30.5, 88.5)),
        ("30500,29500", "1000,60000", 1, (60.0, 59.0)),
        ("30500,29500", "60000,0", 2, (None, 180.0)),
        ("30500,29500", "0,60000", 2, (60.0, None)),
        ("30500,29500", "0,0", 2, NOTHING),
        ("0,29500", "1000,1000", 2, (None, 88.5)),
        ("30500,0", "1000,1000", 2, (30.5, None)),
        ("30500,29500", " 60000 , 60000 ", 2, (60.0, 180.0)),
        # without a bound on what may stay out nobody is ever missed, as with the stomp gem
        ("30500,29500", "60000,60000", 0, (60.0, None)),
        ("30500,29500", "60000,60000", -1, (60.0, None)),
        # what is no such header
        (None, "60000,60000", 2, NOTHING),
        ("30500,29500", None, 2, NOTHING),
        ("30500,29500", "", 2, NOTHING),
        ("30500,29500", "60000", 2, NOTHING),
        ("30500,29500", "60000,60000,1", 2, NOTHING),
        ("30500,29500", "a,b", 2, NOTHING),
        ("30500,29500", "-1,-1", 2, NOTHING),
        ("30500,29500", "1.5,1.5", 2, NOTHING),
        ("30500,29500", "\u00b2,\u00b2", 2, NOTHING),
        ("30500,29500", "9" * 5000 + ",1", 2, NOTHING),
    ],
)
def test_what_both_sides_agree_on(
    ours: str | None, theirs: str | None, missed: int, agreed: tuple[float | None, float | None]
) -> None:
    assert tuple(heartbeat.agree(ours, theirs, missed)) == agreed


# -- on a connection -----------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heart-beats of a fifth of a second in place of half a minute."""
    monkeypatch.setattr(heartbeat, "offer", lambda seconds: "200,200")


def agreeing(theirs: str, then: t.Callable[[Peer], None]) -> t.Callable[[Peer], None]:
    """A broker that wants heart-beats, and then does something."""

    def script(peer: Peer) -> None:
        assert peer.expect("CONNECT").headers["heart-beat"] == "200,200"
        peer.send("CONNECTED", version="1.1", heart_beat=theirs)
        then(peer)

    return script


def beats(peer: Peer, count: int, gaps: list[float]) -> None:
    """Take heart-beats, and note the time from each to the next."""
    last = time.monotonic()
    while count > 0:
        data = peer._socket.recv(100)
        assert data.strip(b"\n") == b"" and data, data
        count -= len(data)
        gaps.append(time.monotonic() - last)
        last = time.monotonic()


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.usefixtures("quick")
def test_we_beat_while_we_wait_and_never_too_late(
    tls: bool, authority: certificates.Authority
) -> None:
    gaps: list[float] = []

    def script(peer: Peer) -> None:
        beats(peer, 5, gaps)
        peer.reply(b"at last")
        peer.log_out()

    context = authority.server_context() if tls else None
    more = {"heartbeat_interval": "30"}
    with (
        ScriptedBroker(agreeing("0,400", script), context=context) as broker,
        tls_to(broker, authority.path, **more) if tls else to(broker, **more) as connected,
    ):
        assert connected.next_payload(3) == b"at last"
    assert len(gaps) == 5
    # Half of the time that was agreed on. A busy machine delays some of them.
    assert 0.1 < statistics.median(gaps) < 0.4


@pytest.mark.usefixtures("quick")
def test_we_beat_between_short_waits_too() -> None:
    gaps: list[float] = []

    def script(peer: Peer) -> None:
        beats(peer, 3, gaps)
        peer.log_out()

    with (
        ScriptedBroker(agreeing("0,200", script)) as broker,
        to(broker, heartbeat_interval="30") as connected,
    ):
        end = within(PATIENCE)
        while time.monotonic() < end and len(gaps) < 3:
            assert connected.next_payload(0.01) is None
    assert statistics.median(gaps) < 0.2


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("theirs", ["0,0", "200,0", ""])
def test_we_do_not_beat_for_a_broker_that_does_not_want_it(theirs: str) -> None:
    over, seen = threading.Event(), threading.Event()

    with (
        ScriptedBroker(agreeing(theirs, quiet_until(over, seen))) as broker,
        to(broker, heartbeat_interval="30", max_hbread_fails="0") as connected,
    ):
        assert connected.next_payload(0.4) is None
        over.set()
        assert seen.wait(PATIENCE)


def quiet_until(over: threading.Event, seen: threading.Event) -> t.Callable[[Peer], None]:
    """A broker that looks, once it is over, whether anything has come."""

    def script(peer: Peer) -> None:
        assert over.wait(PATIENCE)
        peer._socket.settimeout(0.01)
        with pytest.raises(socket.timeout):
            peer._socket.recv(1)
        peer._socket.settimeout(PATIENCE)
        seen.set()
        peer.log_out()

    return script


@pytest.mark.usefixtures("quick")
def test_a_request_is_a_sign_of_life_and_a_beat_is_never_within_it() -> None:
    bodies: list[bytes] = []

    def script(peer: Peer) -> None:
        time.sleep(0.5)  # the request waits in the middle for longer than a beat
        bodies.append(peer.expect("SEND").body)
        peer.log_out()

    payload = b"x" * 2**24
    with (
        ScriptedBroker(agreeing("0,200", script)) as broker,
        to(broker, heartbeat_interval="30") as connected,
    ):
        connected.publish(outgoing(payload, "a", "c", "/temp-queue/x"), within(3))
    assert bodies == [payload]


@pytest.mark.usefixtures("quick")
def test_a_silent_broker_is_noticed_once_enough_beats_stay_out() -> None:
    over = threading.Event()

    def script(peer: Peer) -> None:
        assert over.wait(PATIENCE)

    with (
        ScriptedBroker(agreeing("200,0", script)) as broker,
        to(broker, heartbeat_interval="30", max_hbread_fails="1") as connected,
    ):
        start = time.monotonic()
        for _time in range(2):
            with pytest.raises(exc.ConnectionLost) as caught:
                connected.next_payload(60)
            assert caught.value.broker == f"127.0.0.1:{broker.port}"
        assert 0.35 < time.monotonic() - start < BUSY
        with pytest.raises(exc.ConnectionLost, match="no sign of life"):
            connected.publish(outgoing(b"x", "a", "c", "/temp-queue/x"), within(3))
        over.set()
    assert str(caught.value) == f"127.0.0.1:{broker.port} has given no sign of life for 0 s"


@pytest.mark.usefixtures("quick")
def test_what_came_before_the_silence_is_delivered_first() -> None:
    over = threading.Event()

    def script(peer: Peer) -> None:
        peer.reply(b"one")
        peer.reply(b"two")
        assert over.wait(PATIENCE)

    with (
        ScriptedBroker(agreeing("200,0", script)) as broker,
        to(broker, heartbeat_interval="30", max_hbread_fails="1") as connected,
    ):
        time.sleep(0.6)  # the caller was busy elsewhere
        assert connected.next_payload(1) == b"one"
        assert connected.next_payload(1) == b"two"
        with pytest.raises(exc.ConnectionLost, match="no sign of life"):
            connected.next_payload(1)
        over.set()


@pytest.mark.usefixtures("quick")
def test_what_came_before_a_beat_could_not_be_sent_is_delivered_first() -> None:
    def script(peer: Peer) -> None:
        peer.reply(b"one")
        peer.reply(b"two")

    with (
        ScriptedBroker(agreeing("0,200", script)) as broker,
        to(broker, heartbeat_interval="30") as connected,
    ):
        time.sleep(0.3)  # the broker is gone by now, and a beat is due
        assert connected.next_payload(1) == b"one"
        time.sleep(0.3)
        assert connected.next_payload(1) == b"two"
        with pytest.raises(exc.ConnectionLost):
            connected.next_payload(1)


@pytest.mark.usefixtures("quick")
def test_a_broker_that_beats_is_alive() -> None:
    def script(peer: Peer) -> None:
        for _beat in range(8):
            time.sleep(0.1)  # a quarter of the silence that the client bears
            peer.send_raw(b"\n")
        peer.reply(b"at last")
        peer.log_out()

    with (
        ScriptedBroker(agreeing("100,0", script)) as broker,
        to(broker, heartbeat_interval="30", max_hbread_fails="1") as connected,
    ):
        assert connected.next_payload(60) == b"at last"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("theirs,more", [("0,0", {}), ("200,0", {"max_hbread_fails": "0"})])
def test_silence_is_no_fault_where_nobody_counts(theirs: str, more: dict[str, str]) -> None:
    with (
        ScriptedBroker(agreeing(theirs, Peer.log_out)) as broker,
        to(broker, heartbeat_interval="30", **more) as connected,
    ):
        assert connected.next_payload(0.9) is None


@pytest.mark.usefixtures("quick")
def test_a_broker_of_stomp_1_0_knows_no_beats() -> None:
    over, seen = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.send("CONNECTED", heart_beat="200,200")
        quiet_until(over, seen)(peer)

    with ScriptedBroker(script) as broker, to(broker, heartbeat_interval="30") as connected:
        assert connected.next_payload(0.9) is None
        over.set()
        assert seen.wait(PATIENCE)


@pytest.mark.usefixtures("quick")
def test_a_beat_that_the_broker_does_not_take_holds_us_no_longer_than_we_wait() -> None:
    over = threading.Event()

    def script(peer: Peer) -> None:
        assert over.wait(PATIENCE)

    with (
        ScriptedBroker(agreeing("0,1500", script)) as broker,
        to(broker, heartbeat_interval="30") as connected,
    ):
        sock = connected.session.stream.socket
        _fill(sock)
        time.sleep(0.8)  # a beat is due by now
        _fill(sock)
        start = time.monotonic()
        with pytest.raises(exc.ConnectionLost, match="it takes nothing more"):
            connected.next_payload(0.1)
        assert time.monotonic() - start < BUSY
        over.set()


def _fill(sock: t.Any) -> None:
    """Fill the buffers on the way to the broker."""
    with pytest.raises(BlockingIOError):
        while True:
            sock.send(b"\n" * 65536)
