# SPDX-License-Identifier: Apache-2.0
"""What calls about the past send, and how they read what they are answered, whatever the server can do itself."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

import wardroom
from wardroom import Client, Column, Table
from wardroom import _limits as limits

from misbehaving import Behaviour, Misbehaving, Peer, answers, closes, reply

UTC = dt.timezone.utc
PREVIEW = {"asked": 3, "items": 2, "changes": 1, "same": 1, "refused": 0, "why": [], "samples": ["account a…: farm"]}


def job(state: str, **more: Any) -> dict[str, Any]:
    counts = {"made": 1, "same": 1, "refused": 0, "restored": 0, "left": 0}
    return {"id": "9", "state": state, "done": 2, "progress": 1.0, "counts": counts, "needs_approval": False, **more}


def sent(body: object, call: Any, *before: Behaviour) -> Any:
    """The body of the request that a call sends, and what it gives."""
    with Misbehaving([*before, answers(200, body)]) as server, Client(server.url, "wk_x", timeout=10) as client:
        given = call(client)
    return server.seen[-1], given


def test_a_question_says_everything_it_is_asked_with() -> None:
    answer = {
        "columns": [{"name": "ip", "type": "ip", "role": "key"}, {"name": "count", "type": "int", "role": "sum"}],
        "rows": [["192.0.2.1", 3]],
        "truncated": True,
        "groups": 7,
        "matched": 30,
        "unknown": 2,
        "from": "2026-11-01T00:00:00Z",
        "to": None,
        "notes": ["an estimate"],
        "took_ms": 3,
    }
    start = dt.datetime(2026, 11, 1, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    body, table = sent(
        answer,
        lambda client: client.query(
            "login by ip show count", start=start, end=dt.date(2026, 11, 8), limit=1, reveal=True
        ),
    )
    assert body == {
        "query": "login by ip show count",
        "from": "2026-10-31T22:00:00Z",
        "to": "2026-11-08",
        "limit": 1,
        "reveal": True,
        "timeout": "60s",
    }
    assert table.rows() == [{"ip": "192.0.2.1", "count": 3}]
    assert (table.truncated, table.groups, table.matched, table.unknown) == (True, 7, 30, 2)
    assert (table.start, table.end, table.notes) == (dt.datetime(2026, 11, 1, tzinfo=UTC), None, ("an estimate",))
    assert "of 7 groups · 30 events · unknown for 2 · more were cut off" in str(table)


def test_a_plan_that_is_sent_twice_is_one() -> None:
    heads: list[dict[bytes, bytes]] = []

    def breaks(peer: Peer) -> None:
        peer.read()
        assert peer.head is not None
        heads.append(dict(peer.head.headers))

    def takes(peer: Peer) -> None:
        breaks(peer)
        peer.send(reply(201, job("preview", preview=PREVIEW)))

    do = wardroom.label("farm", on="account", expires=dt.timedelta(days=14))
    with Misbehaving([breaks, takes]) as server, Client(server.url, "wk_x", timeout=20) as client:
        made = client.act(do, [5, 6], reason="a wave", cap=10)
    assert server.seen[0] == server.seen[1]
    assert server.seen[0] == {
        "do": {"label": {"name": "farm", "on": "account", "says": True, "expires": "1209600s"}},
        "where": {"seqs": ["5", "6"]},
        "reason": "a wave",
        "cap": 10,
    }
    keys = {head[b"idempotency-key"] for head in heads}
    assert (len(heads), len(keys)) == (2, 1)
    assert made.preview is not None
    assert "account a…: farm" in str(made)


def test_a_step_is_not_taken_twice() -> None:
    """Nobody knows whether a step that broke off was taken; the next look at the job says."""
    with Misbehaving([answers(201, job("preview")), closes_behind]) as server, Client(server.url, "wk_x") as client:
        made = client.act(wardroom.again(), "login last '1h'")
        with pytest.raises(wardroom.Unreachable):
            made.run()
    assert len(server.seen) == 2
    assert server.seen[0]["where"] == {"query": "login last '1h'"}


def closes_behind(peer: Peer) -> None:
    peer.read()


@pytest.mark.parametrize(
    ("where", "expect"),
    [
        ([{"account": "ann"}], {"entities": [{"account": "ann"}]}),
        (range(2), {"seqs": ["0", "1"]}),
        (Table([Column("seq", "int")], [(7,)], {}), {"seqs": ["7"]}),
        ([], {"seqs": []}),
    ],
)
def test_what_a_job_is_about(where: Any, expect: dict[str, Any]) -> None:
    body, _ = sent(job("preview"), lambda client: client.act(wardroom.case("sign-ups"), where))
    assert body["where"] == expect
    assert body["do"] == {"case": {"queue": "sign-ups"}}


def test_a_backtest_is_begun_again_where_it_broke_off() -> None:
    body, begun = sent(
        {"id": "b_1"},
        lambda client: client.backtest("rule x", last=dt.timedelta(days=30), limits={"max_new_blocks": 5}, brief=True),
        closes,
    )
    assert begun.id == "b_1"
    assert body == {"rule": "rule x", "last": "2592000s", "limits": {"max_new_blocks": 5}, "brief": True}


def test_a_backtest_that_fails_says_why() -> None:
    states = [{"state": "running", "progress": 0.5}, {"state": "failed", "progress": 0.5, "error": "the disk went"}]
    replies = [answers(200, {"id": "b_1"}), *(answers(200, state) for state in states)]
    with Misbehaving(replies) as server, Client(server.url, "wk_x", timeout=10) as client:
        begun = client.backtest("rule x")
        with pytest.raises(wardroom.BacktestFailed, match="b_1 failed: the disk went"):
            begun.wait(progress=False)


def test_waiting_has_an_end() -> None:
    with Misbehaving([answers(200, {"id": "b_1", "state": "running", "progress": 0.1})]) as server:
        with Client(server.url, "wk_x", timeout=10) as client:
            with pytest.raises(TimeoutError, match="is not done yet"):
                client.backtest("rule x").wait(progress=False, timeout=0.2)


def test_labels_are_said_of_whom_they_are_about() -> None:
    answer = {"labels": [{"act": "5", "before": False, "after": "2026-12-01T00:00:00Z"}]}
    for subject, expect in (
        ("account:a", "account:a"),
        ({"ip": "192.0.2.1"}, {"ip": "192.0.2.1"}),
        (7, {"event": "7"}),
    ):
        body, said = sent(answer, lambda client, subject=subject: client.labels.put(subject, "abuse", note="n"))
        assert body == {"labels": [{"subject": expect, "label": "abuse", "says": True, "note": "n"}]}
        assert (said.act, said.before, said.after) == (5, False, "2026-12-01T00:00:00Z")


def test_a_log_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOG_LINES", 2)
    entries = [{"seq": str(n), "item": n, "outcome": "made"} for n in range(5)]
    pieces = [entries[:2], entries[2:4], entries[4:]]
    replies = [answers(200, "\n".join(json.dumps(entry) for entry in piece).encode()) for piece in pieces]
    with Misbehaving([answers(200, job("done")), *replies]) as server, Client(server.url, timeout=10) as client:
        assert client.job("9").log() == entries
