# SPDX-License-Identifier: Apache-2.0
"""Deciding and recording against the real server."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import inspect
import ipaddress
import logging
import pickle
import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wardroom
from wardroom import Client, Verdict
from wardroom.events import span

from serving import Server


def test_a_verdict_comes_with_its_reasons(client: Client) -> None:
    for n in range(4):
        last = client.decide("login", account=f"reason{n}", ip="203.0.113.7", ok=False)
    assert last.verdict == "block"
    assert last.verdict >= "challenge"
    assert last.verdict is Verdict.BLOCK
    assert last.reasons == ("3 failed logins from 203.0.113.7; now for re…",)
    assert last.signals[0].rule == "brute_force"
    assert last.seq is not None
    assert not last.fallback
    assert not last.repeated
    assert "brute_force" in last._repr_html_()


def test_shadow_rules_are_signals_and_no_reasons(client: Client) -> None:
    decision = client.decide("signup", account="shadow", ip="192.0.2.1", username="watched")
    assert decision.allowed
    assert decision.reasons == ()
    assert [(s.rule, s.live) for s in decision.signals] == [("watched", False)]


def test_a_challenge_says_what_to_ask_for(client: Client) -> None:
    answers = [client.decide("signup", account=f"burst{n}", ip="198.51.100.9") for n in range(11)]
    assert [str(a.verdict) for a in answers] == ["allow"] * 10 + ["challenge"]
    assert answers[-1].ask == "captcha"


def test_the_same_id_is_the_same_decision(client: Client) -> None:
    first = client.decide("login", id="twice", account="a", ip="192.0.2.2", ok=True)
    again = client.decide("login", id="twice", account="a", ip="192.0.2.2", ok=True)
    assert (first.repeated, again.repeated) == (False, True)
    assert first.seq == again.seq


def test_python_values_become_what_the_server_reads(client: Client) -> None:
    when = dt.datetime(2026, 1, 5, 13, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    event_id = str(uuid.uuid4())
    client.decide(
        {"type": "signup", "account": "values"},
        id=event_id,
        time=when,
        ip=ipaddress.ip_address("2001:db8::1"),
        form_time=dt.timedelta(seconds=4, microseconds=200_000),
        score=0.25,
        username=None,
    )
    told = client.explain(event=event_id, reveal=True)
    fields = {field["name"]: field["value"] for field in told["fields"]}
    assert told["time"] == "2026-01-05T12:00:00Z"
    assert (fields["account"], fields["ip"], fields["form_time"]) == ("values", "2001:db8::1", "4s200ms")
    assert (fields["score"], fields["username"]) == (0.25, None)
    assert client.explain(int(told["decision"]))["event_id"] == event_id


def test_recording_gives_a_number(client: Client) -> None:
    record = client.record("login", id="rec", account="a", ip="192.0.2.3", ok=True)
    assert record.seq > 0
    assert client.record("login", id="rec", account="a", ip="192.0.2.3", ok=True).repeated
    with pytest.raises(wardroom.Conflict, match="recorded") as caught:
        client.decide("login", id="rec", account="a", ip="192.0.2.3", ok=True)
    assert caught.value.problem == "only_recorded"


def test_faults_say_where_and_what_would_be_right(client: Client) -> None:
    with pytest.raises(wardroom.BadEvent) as caught:
        client.decide("login", acount="alice", ip="203.0.113", ok=False)
    error = caught.value
    assert error.problem == "bad_event"
    assert {fault.pointer for fault in error.faults} >= {"/acount", "/ip"}
    assert "did you mean `account`?" in str(error)
    assert "/ip: " in str(error)
    assert client.counts.fallbacks == 0
    assert pickle.loads(pickle.dumps(error)).faults == error.faults


def test_a_key_that_may_not_is_named_by_the_role_it_lacks(server: Server) -> None:
    with Client(server.url, server.weak_key) as weak, pytest.raises(wardroom.KeyRefused, match="read"):
        weak.status()
    with Client(server.url, "wk_nobody") as nobody, pytest.raises(wardroom.KeyRefused):
        nobody.decide("login", account="a", ip="192.0.2.3", ok=True)


def test_a_key_shows_nowhere(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "wk_0123456789secret"
    client = Client(server.url, secret, timeout=5)
    shown = [repr(client), str(client), repr(vars(client)), repr(vars(client._link))]
    with pytest.raises(wardroom.KeyRefused) as caught:
        client.status()
    shown += [repr(caught.value), str(caught.value), repr(vars(caught.value)), caplog.text]
    assert not any("secret" in text for text in shown)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(client)
    client.close()


def test_a_decision_is_neither_true_nor_false(client: Client) -> None:
    decision = client.decide("login", account="a", ip="192.0.2.4", ok=True)
    with pytest.raises(TypeError, match=r"\.verdict"):
        bool(decision)


def test_the_asynchronous_client_says_the_same(server: Server) -> None:
    async def ask() -> list[wardroom.Decision]:
        async with wardroom.AsyncClient(server.url, server.key, timeout=30) as client:
            one = client.decide("login", id="async", account="a", ip="192.0.2.5", ok=True)
            other = client.decide("login", account="b", ip="192.0.2.5", ok=True)
            first = list(await asyncio.gather(one, other))
            with pytest.raises(wardroom.BadEvent, match="no event type"):
                await client.decide("logn")
            await client.record("login", account="c", ip="192.0.2.5", ok=True)
            assert (await client.status())["policy"]
            assert client.counts.answered == 3
            return [*first, await client.decide("login", id="async", account="a", ip="192.0.2.5", ok=True)]

    first, _, again = asyncio.run(ask())
    assert (again.repeated, again.seq) == (True, first.seq)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_an_asynchronous_client_moves_to_another_loop(server: Server) -> None:
    client = wardroom.AsyncClient(server.url, server.key, timeout=30)

    async def ask(*, last: bool) -> bool:
        decision = await client.decide("login", account="a", ip="192.0.2.6", ok=True)
        if last:
            await client.close()
        return decision.seq is not None

    assert asyncio.run(ask(last=False))
    assert asyncio.run(ask(last=True))
    gc.collect()  # The first loop's transport tells here that it was never closed, and is.


def test_values_without_a_form_are_named() -> None:
    with pytest.raises(ValueError, match="`seen` has no time zone"):
        wardroom.event("login", seen=dt.datetime(2026, 1, 5))
    with pytest.raises(ValueError, match="`score` is nan"):
        wardroom.event("login", score=float("nan"))
    with pytest.raises(TypeError, match=r"`to\[1\]` is a object"):
        wardroom.event("mail", to=["a", object()])
    with pytest.raises(ValueError, match="needs its type"):
        wardroom.event({"account": "a"})
    with pytest.raises(ValueError, match="CloudEvent"):
        wardroom.event({"specversion": "1.0", "type": "login"})


@given(st.timedeltas(min_value=dt.timedelta(0), max_value=dt.timedelta(days=30000)))
def test_durations_are_exact(value: dt.timedelta) -> None:
    assert dt.timedelta(microseconds=int(Decimal(span(value).removesuffix("s")) * 1_000_000)) == value


def test_both_clients_offer_the_same() -> None:
    """Whatever one client has, the other has, with the same parameters."""

    def offers(client: type) -> dict[str, list[str]]:
        names = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}
        methods = inspect.getmembers(client, inspect.isfunction)
        return {names.get(name, name): list(inspect.signature(method).parameters) for name, method in methods}

    assert offers(wardroom.Client) == offers(wardroom.AsyncClient)
