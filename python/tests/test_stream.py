# SPDX-License-Identifier: Apache-2.0
"""Streams: order, back-pressure and broken connections, against a server that breaks them at will and against the real one."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import h11
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import wardroom
from wardroom import Client, Decision
from wardroom import _limits as limits

from misbehaving import Misbehaving, Peer, answers
from serving import Server

#: How one connection of a stream ends after so many answers.
ENDS = ("closed", "torn", "properly", "closing", "type_changed", "nonsense", "wrong line")


class Ledger:
    """What a server of streams remembers over its connections: every id has one number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def answer(self, line: int, event: dict[str, Any]) -> dict[str, Any]:
        repeated = event["id"] in self.numbers
        number = self.numbers.setdefault(event["id"], len(self.numbers) + 1)
        if event.get("bad"):
            return problem(line, "bad_event", 422)
        return {
            "line": line, "decision": str(number), "event_id": event["id"], "verdict": "allow", "ask": None,
            "policy": "p", "signals": [], "repeated": repeated,
        }  # fmt: skip


def problem(line: int, slug: str, status: int) -> dict[str, Any]:
    return {"line": line, "problem": {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": ""}}


def streaming(ledger: Ledger, most: int | None = None, end: str = "properly") -> Callable[[Peer], None]:
    """Answers line by line, `most` lines; then the connection ends so."""

    def behave(peer: Peer) -> None:
        for line, event in enumerate(lines(peer), 1):
            if most is not None and line > most:
                break_off(peer, line, end)
                return
            send(peer, ledger.answer(line, event))
        peer.send(peer.http.send(h11.EndOfMessage()) or b"")

    return behave


def lines(peer: Peer) -> Iterator[dict[str, Any]]:
    """The events of a streamed request."""
    rest = b""
    while not isinstance(event := peer.event(), h11.EndOfMessage):
        if isinstance(event, h11.Request):
            peer.send(peer.http.send(h11.Response(status_code=200, headers=[("transfer-encoding", "chunked")])) or b"")
        elif isinstance(event, h11.Data):
            *whole, rest = (rest + event.data).split(b"\n")
            yield from map(json.loads, whole)
        else:
            return


def send(peer: Peer, answer: dict[str, Any]) -> None:
    peer.send(peer.http.send(h11.Data(data=json.dumps(answer).encode() + b"\n")) or b"")


def break_off(peer: Peer, line: int, end: str) -> None:
    if end == "torn":
        peer.send(peer.http.send(h11.Data(data=b'{"line":' + str(line).encode() + b',"decision":"1')) or b"")
    elif end == "properly":
        peer.send(peer.http.send(h11.EndOfMessage()) or b"")
    elif end == "closing":
        send(peer, problem(line, "closing", 503))
    elif end == "type_changed":
        send(peer, problem(line, "type_changed", 409))
    elif end == "nonsense":
        peer.send(peer.http.send(h11.Data(data=b"<html>\n")) or b"")
    elif end == "wrong line":
        send(peer, {**Ledger().answer(line + 1, {"id": "x"})})


def stream_sync(url: str, events: list[dict[str, Any]], refused: list[str] | None) -> list[Decision]:
    def tell(event: dict[str, Any], why: wardroom.Refused) -> None:
        assert refused is not None
        refused.append(event["id"])

    with Client(url, "wk_x", timeout=20) as client:
        return list(client.stream(events, "login", refused=tell if refused is not None else None))


def stream_async(url: str, events: list[dict[str, Any]], refused: list[str] | None) -> list[Decision]:
    async def source() -> AsyncIterator[dict[str, Any]]:
        for event in events:
            yield event

    def tell(event: dict[str, Any], why: wardroom.Refused) -> None:
        assert refused is not None
        refused.append(event["id"])

    async def ask() -> list[Decision]:
        async with wardroom.AsyncClient(url, "wk_x", timeout=20) as client:
            stream = client.stream(source(), "login", refused=tell if refused is not None else None)
            return [decision async for decision in stream]

    return asyncio.run(ask())


both = pytest.mark.parametrize("stream", [stream_sync, stream_async])


@both
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bad=st.lists(st.booleans(), max_size=60),
    breaks=st.lists(st.tuples(st.integers(0, 12), st.sampled_from(ENDS)), max_size=8),
)
def test_whatever_breaks_each_event_is_answered_once_and_in_order(
    stream: Callable[..., list[Decision]],
    bad: list[bool],
    breaks: list[tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "BACKOFF_FIRST_SECS", 0.0005)
    monkeypatch.setattr(limits, "STREAM_RETRIES", len(breaks))
    events = [{"id": f"e{n}", "bad": is_bad, "account": "a"} for n, is_bad in enumerate(bad)]
    ledger, refused = Ledger(), list[str]()
    behaviours = [streaming(ledger, most, end) for most, end in breaks]
    with Misbehaving([*behaviours, streaming(ledger)]) as server:
        decisions = stream(server.url, events, refused)
    assert [d.event_id for d in decisions] == [e["id"] for e in events if not e["bad"]]
    assert refused == [e["id"] for e in events if e["bad"]]
    assert set(ledger.numbers) == {e["id"] for e in events}
    assert [d.seq for d in decisions] == [ledger.numbers[d.event_id] for d in decisions]


@both
def test_a_refused_line_raises_with_its_event_behind_the_answers_before_it(
    stream: Callable[..., list[Decision]],
) -> None:
    events = [{"id": "a"}, {"id": "b"}, {"id": "c", "bad": True}, {"id": "d"}]
    with Misbehaving([streaming(Ledger())]) as server, pytest.raises(wardroom.BadEvent) as caught:
        stream(server.url, events, None)
    assert caught.value.event is not None
    assert caught.value.event["id"] == "c"


@both
def test_a_stream_gives_up_in_the_end(stream: Callable[..., list[Decision]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STREAM_RETRIES", 2)
    with Misbehaving([streaming(Ledger(), 0, "closed")]) as server:
        with pytest.raises(wardroom.Unavailable) as caught:
            stream(server.url, [{"id": "a"}], None)
        assert server.connections == 3
    assert caught.value.attempts == 3


@both
def test_a_stream_that_falls_silent_is_taken_for_dead(
    stream: Callable[..., list[Decision]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STREAM_QUIET_SECS", 0.2)
    ledger = Ledger()

    def falls_silent(peer: Peer) -> None:
        for line, event in enumerate(lines(peer), 1):
            if line <= 2:
                send(peer, ledger.answer(line, event))

    with Misbehaving([falls_silent, streaming(ledger)]) as server:
        decisions = stream(server.url, [{"id": f"{n}"} for n in range(5)], None)
        assert server.connections == 2
    assert [d.event_id for d in decisions] == ["0", "1", "2", "3", "4"]


@both
def test_a_key_that_may_not_stream_is_told(stream: Callable[..., list[Decision]]) -> None:
    refusal = {"type": "/problems/no_key", "title": "A valid key is required", "status": 401, "detail": "none"}
    with Misbehaving([answers_at_once(refusal)]) as server, pytest.raises(wardroom.KeyRefused):
        stream(server.url, [{"id": "a"}], None)


def answers_at_once(refusal: dict[str, Any]) -> Callable[[Peer], None]:
    def behave(peer: Peer) -> None:
        while not isinstance(peer.event(), h11.Request):
            pass
        body = json.dumps(refusal).encode()
        kind = b"content-type: application/problem+json\r\n"
        peer.send(b"HTTP/1.1 401 No\r\n" + kind + f"content-length: {len(body)}\r\n\r\n".encode() + body)
        while peer.sock.recv(65536):
            pass

    return behave


def logins(name: str, count: int) -> Iterator[dict[str, Any]]:
    return ({"id": f"{name}{n}", "account": f"a{n}", "ip": "192.0.2.77", "ok": True} for n in range(count))


def test_thousands_of_events_through_the_real_server(client: Client) -> None:
    decisions = list(client.stream(logins("many", 5000), "login"))
    assert [d.event_id for d in decisions] == [f"many{n}" for n in range(5000)]
    numbers = [d.seq for d in decisions if d.seq is not None]
    assert len(numbers) == 5000
    assert sorted(numbers) == numbers
    records = list(client.stream(logins("rec", 100), "login", mode="record"))
    assert [r.event_id for r in records] == [f"rec{n}" for n in range(100)]


def test_thousands_of_events_through_the_real_server_asynchronously(server: Server) -> None:
    async def ask() -> list[Decision]:
        async with wardroom.AsyncClient(server.url, server.key) as client:
            return [decision async for decision in client.stream(logins("amany", 5000), "login")]

    assert [d.event_id for d in asyncio.run(ask())] == [f"amany{n}" for n in range(5000)]


def test_faults_of_lines_are_told_and_the_stream_goes_on(client: Client) -> None:
    events: list[dict[str, Any]] = [*logins("good", 2), {"id": "bad", "acount": "x"}, *logins("better", 2)]
    told: list[tuple[str, str]] = []
    stream = client.stream(
        events, "login", refused=lambda event, why: told.append((event["id"], why.faults[0].pointer))
    )
    assert [d.event_id for d in stream] == ["good0", "good1", "better0", "better1"]
    assert told == [("bad", "/acount")]


def test_the_source_is_not_read_ahead_of_the_reader(client: Client) -> None:
    pulled = itertools.count()
    last = [0]

    def endless() -> Iterator[dict[str, Any]]:
        for n in pulled:
            last[0] = n
            yield {"account": f"e{n}", "ip": "192.0.2.78", "ok": True}

    with client.stream(endless(), "login") as stream:
        for _ in range(3):
            next(stream)
    # What is under way, what waits to be, and what one read of the socket answered.
    assert last[0] <= 2 * limits.STREAM_LINES + limits.STREAM_AHEAD + 8


def test_a_source_may_wait_for_the_answer_to_what_it_gave(client: Client) -> None:
    answered = threading.Semaphore(0)

    def in_step() -> Iterator[dict[str, Any]]:
        for event in logins("step", 20):
            yield event
            assert answered.acquire(timeout=60)

    seen = 0
    for _ in client.stream(in_step(), "login"):
        seen += 1
        answered.release()
    assert seen == 20


def test_what_the_source_raises_arrives_behind_the_answers(client: Client) -> None:
    def breaks() -> Iterator[dict[str, Any]]:
        yield from logins("broken", 3)
        raise LookupError("the source broke")

    seen: list[str] = []
    with pytest.raises(LookupError, match="the source broke"):
        seen.extend(d.event_id for d in client.stream(breaks(), "login"))
    assert seen == ["broken0", "broken1", "broken2"]


def test_an_asynchronous_source_that_raises(server: Server) -> None:
    async def breaks() -> AsyncIterator[dict[str, Any]]:
        for event in logins("abroken", 3):
            yield event
        raise LookupError("the source broke")

    async def ask() -> list[str]:
        seen: list[str] = []
        async with wardroom.AsyncClient(server.url, server.key) as client:
            with pytest.raises(LookupError, match="the source broke"):
                async for decision in client.stream(breaks(), "login"):
                    seen.append(decision.event_id)
            async with client.stream(logins("left", 5000), "login") as left:
                async for _ in left:
                    break
        return seen

    assert asyncio.run(ask()) == ["abroken0", "abroken1", "abroken2"]


def test_a_server_that_is_killed_and_comes_back_has_each_event_once(own_server: Server) -> None:
    count, seen = 6000, list[Decision]()
    port = own_server.port
    with Client(own_server.url, own_server.key, timeout=60) as client:
        for decision in client.stream(logins("kill", count), "login"):
            seen.append(decision)
            if len(seen) in (500, 3000):
                own_server.stop(signal.SIGKILL)
                own_server.start(port)
        assert [d.event_id for d in seen] == [f"kill{n}" for n in range(count)]
        assert len({d.seq for d in seen}) == count
        assert client.explain(event=f"kill{count - 1}")["decision"] == str(seen[-1].seq)


def test_an_event_without_an_id_gets_one_before_it_is_sent() -> None:
    with Misbehaving([answers(200, {"record": "1", "event_id": "x", "repeated": False})]) as server:
        with Client(server.url, timeout=10) as client:
            client.record({"type": "login"})
    assert len(server.seen[0]["id"]) == 32
