# SPDX-License-Identifier: Apache-2.0
"""When the server does not answer as it should: time-outs, repetitions, and the fallback verdict."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable

import pytest

import wardroom
from wardroom import Client, Decision

from misbehaving import (
    ANSWER,
    Behaviour,
    Misbehaving,
    answers,
    closes,
    drips,
    is_silent,
    keeps_answering,
    reply,
    says,
)

#: A call with a time-out of a third of a second that takes as long has none.
HANGING_SECS = 15.0

BUSY = {"type": "/problems/busy", "title": "Too much work is waiting", "status": 503, "detail": "come back"}
WHOLE = reply(200, ANSWER)

Ask = Callable[[str, float, int, "str | None"], Decision]


def ask_sync(url: str, timeout: float, retries: int, fallback: str | None) -> Decision:
    with Client(url, "wk_x", timeout=timeout, retries=retries, fallback=fallback) as client:
        return client.decide("login", account="a")


def ask_async(url: str, timeout: float, retries: int, fallback: str | None) -> Decision:
    async def ask() -> Decision:
        async with wardroom.AsyncClient(url, "wk_x", timeout=timeout, retries=retries, fallback=fallback) as client:
            return await client.decide("login", account="a")

    return asyncio.run(ask())


both = pytest.mark.parametrize("ask", [ask_sync, ask_async])


@both
@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        pytest.param(is_silent, wardroom.TimedOut, id="silent"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1000), wardroom.TimedOut, id="drips its head"),
        pytest.param(drips(WHOLE[:-5] + b" " * 1000), wardroom.TimedOut, id="drips its body"),
        pytest.param(closes, wardroom.Unreachable, id="closes"),
        pytest.param(says(WHOLE[: len(WHOLE) // 2]), wardroom.Unreachable, id="half a head"),
        pytest.param(says(WHOLE[:-3]), wardroom.Unreachable, id="half a body"),
        pytest.param(says(b"SSH-2.0-OpenSSH_9.2\r\n"), wardroom.Unreadable, id="another protocol"),
        pytest.param(answers(200, b"<html>hello"), wardroom.Unreadable, id="no JSON"),
        pytest.param(answers(200, [1]), wardroom.Unreadable, id="no object"),
        pytest.param(answers(200, {"verdict": "block"}), wardroom.Unreadable, id="half a decision"),
        pytest.param(answers(200, {**ANSWER, "verdict": "maybe"}), wardroom.Unreadable, id="unknown verdict"),
        pytest.param(answers(502, b"<html>bad gateway"), wardroom.ServerFault, id="a proxy's page"),
        pytest.param(answers(503, BUSY), wardroom.Busy, id="busy"),
        pytest.param(answers(429, {**BUSY, "status": 429}), wardroom.Busy, id="limited"),
    ],
)
def test_the_fallback_stands_in_for_every_kind_of_absence(
    ask: Ask, behaviour: Behaviour, error: type[wardroom.Unavailable]
) -> None:
    with Misbehaving([behaviour]) as server:
        began = time.monotonic()
        decision = ask(server.url, 0.3, 2, "review")
        with pytest.raises(error):
            ask(server.url, 0.3, 0, None)
        assert time.monotonic() - began < HANGING_SECS
    assert decision.fallback is True
    assert decision.verdict == "review"
    assert decision.seq is None
    assert isinstance(decision.problem, error)
    assert decision.event_id in (seen["id"] for seen in server.seen) or behaviour is closes


@both
def test_nobody_listens(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    decision = ask(url, 2.0, 2, "allow")
    assert isinstance(decision.problem, wardroom.Unreachable)
    assert decision.problem.attempts == 3


@both
@pytest.mark.parametrize("trouble", [closes, says(WHOLE[:-3]), answers(503, BUSY), answers(500, {"title": "ours"})])
def test_a_repetition_keeps_the_event(ask: Ask, trouble: Behaviour) -> None:
    with Misbehaving([trouble, trouble, keeps_answering]) as server:
        decision = ask(server.url, 20, 2, None)
    assert decision.verdict == "block"
    assert not decision.fallback
    assert len({seen["id"] for seen in server.seen}) == 1
    assert server.connections == 3


@both
def test_attempts_are_bounded(ask: Ask) -> None:
    with Misbehaving([answers(503, BUSY)]) as server:
        decision = ask(server.url, 20, 3, "allow")
        assert server.connections == 4
    assert isinstance(decision.problem, wardroom.Busy)
    assert decision.problem.attempts == 4


@both
def test_who_is_told_to_come_back_later_than_the_time_out_does_not_wait_for_that(ask: Ask) -> None:
    with Misbehaving([answers(503, BUSY, {"retry-after": "3600"})]) as server:
        decision = ask(server.url, 5, 5, "allow")
        assert server.connections == 1
    assert isinstance(decision.problem, wardroom.Busy)
    assert decision.problem.retry_after == 3600


@both
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_a_refusal_is_neither_repeated_nor_hidden(ask: Ask, status: int) -> None:
    problem = {"type": "/problems/x", "title": "No", "status": status, "detail": "mend it"}
    with Misbehaving([answers(status, problem)]) as server:
        with pytest.raises(wardroom.Refused, match="No: mend it") as caught:
            ask(server.url, 5, 5, "allow")
        assert server.connections == 1
    assert (caught.value.status, caught.value.problem) == (status, "x")


@both
def test_a_key_follows_no_redirect(ask: Ask) -> None:
    with Misbehaving([keeps_answering]) as other, Misbehaving([answers(307, {}, {"location": other.url})]) as server:
        with pytest.raises(wardroom.Refused, match="final address"):
            ask(server.url, 5, 5, "allow")
        assert other.connections == 0


@both
def test_a_connection_that_grew_old_is_no_failure(ask: Ask) -> None:
    """The first call's connection is closed behind its answer, which only the second call finds out."""

    def once(peer: object) -> None:
        answers()(peer)  # type: ignore[arg-type]

    with Misbehaving([once, once]) as server:
        if ask is ask_sync:
            with Client(server.url, "wk_x", timeout=10, retries=0, fallback=None) as client:
                verdicts = [client.decide("login").verdict for _ in range(2)]
        else:

            async def twice() -> list[wardroom.Verdict]:
                async with wardroom.AsyncClient(server.url, timeout=10, retries=0, fallback=None) as client:
                    return [(await client.decide("login")).verdict for _ in range(2)]

            verdicts = asyncio.run(twice())
    assert verdicts == ["block", "block"]


def test_connections_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    with Misbehaving([keeps_answering]) as server, Client(server.url, "wk_x", timeout=10) as client:
        for _ in range(20):
            client.decide("login")
        assert server.connections == 1
        assert client.counts.answered == 20


def test_an_outage_is_logged_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wardroom")
    with Misbehaving([closes] * 5 + [keeps_answering]) as server:
        with Client(server.url, "wk_x", timeout=5, retries=0, fallback="limit") as client:
            verdicts = [str(client.decide("login").verdict) for _ in range(7)]
            assert client.counts == type(client.counts)(answered=2, fallbacks=5)
    assert verdicts == ["limit"] * 5 + ["block"] * 2
    lines = [record.getMessage() for record in caplog.records if record.name == "wardroom"]
    assert len(lines) == 2
    assert "does not answer: the fallback verdict is `limit`" in lines[0]
    assert "answers again, after 5 fallback verdicts" in lines[1]


def test_a_fallback_is_a_verdict() -> None:
    with pytest.raises(ValueError, match="must be one of allow, limit"):
        Client(fallback="alow")


def test_recording_has_no_fallback() -> None:
    with Misbehaving([closes]) as server, Client(server.url, "wk_x", timeout=2) as client:
        with pytest.raises(wardroom.Unreachable):
            client.record("login")


def test_a_cancelled_call_leaves_nothing_for_the_next() -> None:
    """Half an answer to one event must not be taken for the answer to another."""

    async def cancel_then_ask(url: str) -> Decision:
        async with wardroom.AsyncClient(url, "wk_x", timeout=10, fallback=None) as client:
            slow = asyncio.ensure_future(client.decide("login", account="slow"))
            await asyncio.sleep(0.1)
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            return await client.decide("login", account="quick")

    with Misbehaving([is_silent, answers(200, {**ANSWER, "verdict": "allow"})]) as server:
        assert asyncio.run(cancel_then_ask(server.url)).verdict == "allow"
        assert server.connections == 2
