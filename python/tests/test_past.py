# SPDX-License-Identifier: Apache-2.0
"""The past against the real server: queries, backtests, labels, lists and jobs."""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
import io
from pathlib import Path
from typing import Any

import pytest

import wardroom
from wardroom import Client, backtest, jobs, labels, lists
from wardroom.progress import Line
from wardroom.table import moment

FAILURES = 'login where account == "{name}" show seq, time, ip, ok, account'


def fill(client: Client, name: str, count: int, ip: str = "192.0.2.90") -> list[int]:
    """Logins of an account, and their numbers."""
    events = ({"account": name, "ip": ip, "ok": n % 2 == 0} for n in range(count))
    return [answer.seq for answer in client.stream(events, "login") if answer.seq is not None]


def test_a_query_is_a_table(client: Client) -> None:
    numbers = fill(client, "asked", 6)
    table = client.query(FAILURES.format(name="asked"), reveal=True)
    assert sorted(table["seq"]) == numbers
    assert table.matched == 6
    assert set(table["account"]) == {"asked"}
    assert table["ip"] == ["192.0.2.90"] * 6
    assert all(abs(dt.datetime.now(dt.timezone.utc) - when) < dt.timedelta(hours=1) for when in table["time"])
    counted = client.query('login where account == "asked" by ip show count, share(ok) as good')
    assert counted.rows() == [{"ip": "192.0.2.90", "count": 6, "good": 0.5}]
    assert counted.columns[0].role == "key"
    short = client.query(FAILURES.format(name="asked"), limit=2)
    assert (len(short), short.truncated) == (2, True)
    assert not any("asked" in account for account in short["account"])


def test_a_query_with_faults_shows_them_in_place(client: Client) -> None:
    with pytest.raises(wardroom.BadPolicy) as caught:
        client.query("login where okk show count")
    assert caught.value.problem == "bad_question"
    assert "did you mean `ok`?" in str(caught.value)
    assert "^^^" in str(caught.value)


def test_sql_gives_the_same_table(client: Client) -> None:
    numbers = fill(client, "in_sql", 5)
    table = client.sql(
        "select seq, time, ip, ok, account from login where account = 'in_sql' order by seq", reveal=True
    )
    assert table["seq"] == numbers
    assert (set(table["account"]), set(table["ip"])) == ({"in_sql"}, {"192.0.2.90"})
    assert table["ok"] == [True, False, True, False, True]
    assert table["time"] == client.query(FAILURES.format(name="in_sql"))["time"][::-1]
    with pytest.raises(wardroom.BadRequest, match="nowhere"):
        client.sql("select * from nowhere")


def test_a_table_of_sql_is_acted_on(client: Client) -> None:
    fill(client, "sql_acted", 3)
    # What may not be seen whole cannot be asked for whole either: without `reveal` nobody is called that.
    asked = "select seq from login where account = 'sql_acted'"
    assert len(client.sql(asked)) == 0
    table = client.sql(asked, reveal=True)
    job = client.act(wardroom.label("farm", on="account"), table)
    assert job.preview is not None
    assert (job.preview.items, job.preview.changes) == (1, 1)
    job.run().wait(timeout=60)
    assert client.labels.of("account:sql_acted").labels == ("farm",)
    job.undo().wait(timeout=60)
    assert client.labels.of("account:sql_acted").labels == ()


RULE = """\
rule spraying on login:
    when    not ok and failures >= 2
    then    block
    because "{failures} failures from {ip}"
"""


def test_a_backtest_finds_what_a_rule_would_have_hit(client: Client) -> None:
    fill(client, "sprayed", 8, ip="192.0.2.91")
    out = io.StringIO()
    job = client.backtest(RULE, last="1d", title="a <b>bold</b> rule", limits={"max_new_blocks": 0})
    result = job.wait(progress=Line(out, "backtest"), timeout=120)
    # Failures are every other one; the third and the fourth have two before them.
    assert result.hits["all"] >= 2
    assert result.rules[0]["id"] == "spraying"
    assert (result.passes, result.broken[0]["limit"]) == (False, "max_new_blocks")
    assert result.matrix()["allow"]["block"] == result.new_blocks
    assert "100%" in out.getvalue()
    drawn = result._repr_html_()
    assert "&lt;b&gt;bold" in drawn
    assert "<b>bold" not in drawn
    assert "new blocks" in str(result)
    assert "| new blocks |" in result._repr_markdown_()
    assert "spraying" in job.markdown()
    job.remove()
    with pytest.raises(wardroom.NotFound):
        job.status()


def test_a_rule_with_faults_is_no_backtest(client: Client) -> None:
    with pytest.raises(wardroom.BadPolicy, match="did you mean `failures`"):
        client.backtest(RULE.replace("failures >=", "failure >="), last="1d").wait(timeout=120)
    with pytest.raises(ValueError, match="say what is tried"):
        client.backtest(last="1d")


def test_opinions_are_kept_and_known_as_of_a_time(client: Client) -> None:
    before = dt.datetime.now(dt.timezone.utc)
    said = client.labels.put("account:mallory", "abuse", confidence=0.9, note="chargeback", expires="30d")
    assert said.refused is None
    assert said.before is False
    other = client.labels.put({"account": "mallory"}, "good", source="import:partner")
    known = client.labels.of("account:mallory")
    assert [(o.label, o.source, o.confidence) for o in known.opinions] == [
        ("abuse", "key:tests", 0.9),
        ("good", "import:partner", None),
    ]
    assert known.class_ == "disputed"
    assert client.labels.of("account:mallory", as_of=before).opinions == ()
    assert other.act is not None
    client.labels.undo(other.act)
    assert client.labels.of("account:mallory").class_ == "abuse"
    assert client.labels.put("account:mallory", "abuse", source="rule:mine").refused is not None


def test_a_query_knows_what_labels_say_as_of_a_time(client: Client) -> None:
    fill(client, "classed", 2)
    fill(client, "unclassed", 3)
    before = dt.datetime.now(dt.timezone.utc)
    client.labels.put("account:classed", "abuse")
    events = 'login where account == "classed" or account == "unclassed"'
    counted = client.query(f"{events} by class show count")
    assert dict(counted.tuples()) == {"abuse": 2, None: 3}
    assert client.query(f'{events} and class == "abuse" show count')["count"] == [2]
    assert client.query('login where labelled("abuse") and account == "classed" show count')["count"] == [2]
    assert dict(client.query(f"{events} by class show count", as_of=before).tuples()) == {None: 5}
    told = client.sql("select says, source from labels where subject = 'classed'", reveal=True)
    assert told.rows() == [{"says": True, "source": "key:tests"}]


def test_a_file_of_labels_is_a_job(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("subject,label,confidence\naccount:eve,abuse,0.8\nnobody,abuse,1\n", encoding="utf-8")
    imported, job = client.labels.import_file(file, source="import:file")
    assert imported.labels == 1
    assert imported.faults[0][0] == 3
    job.wait(timeout=60)
    assert client.labels.of("account:eve").labels == ("abuse",)
    job.undo().wait(timeout=60)
    assert client.labels.of("account:eve").labels == ()


def test_lists_are_changed_by_people(client: Client) -> None:
    assert any(one["id"] == "blocked" for one in client.lists.all())
    assert client.lists.put("blocked", ["192.0.2.200", "nonsense"], expires="7d")[1].refused is not None
    entry = client.lists.look("blocked", "192.0.2.200")
    assert (entry["in_text"], moment(entry["entry"]) > dt.datetime.now(dt.timezone.utc)) == (False, True)
    assert client.lists.look("blocked", "198.51.100.66")["in_text"] is True
    assert client.lists.remove("blocked", "192.0.2.200")[0].after is False
    assert client.lists.look("blocked", "192.0.2.200")["entry"] is False
    with pytest.raises(wardroom.NotFound, match="did you mean `blocked`"):
        client.lists.look("blockd")


def test_acting_is_previewed_done_and_undone(client: Client) -> None:
    numbers = fill(client, "acted", 4)
    do = wardroom.label("farm", on="account", expires="14d")
    dry = client.act(do, numbers, dry_run=True, reason="to see")
    assert dry.preview is not None
    assert (dry.preview.items, dry.preview.changes, dry.id) == (1, 1, None)
    with pytest.raises(jobs.JobNotDone, match="dry run"):
        dry.run()
    job = client.act(do, numbers, reason="to see")
    assert job.state == "preview"
    assert client.labels.of("account:acted").labels == ()
    with pytest.raises(jobs.JobNotDone, match="to be run"):
        job.wait()
    job.run().wait(timeout=60)
    assert job.state == "done"
    assert job.counts["made"] == 1
    assert client.labels.of("account:acted").labels == ("farm",)
    assert job.log()[0]["outcome"] == "made"
    assert job.undo().wait(timeout=60).state == "undone"
    assert client.labels.of("account:acted").labels == ()
    assert client.job(str(job.id)).state == "undone"
    assert "undone" in job._repr_html_()


def test_acting_on_a_table(client: Client) -> None:
    fill(client, "tabled", 3, ip="192.0.2.92")
    table = client.query(FAILURES.format(name="tabled"))
    job = client.act(wardroom.put_on("blocked", "ip"), table).run().wait(timeout=60)
    assert job.counts["made"] == 1
    assert client.lists.look("blocked", "192.0.2.92")["entry"] is True
    job.undo().wait(timeout=60)
    assert client.lists.look("blocked", "192.0.2.92")["entry"] is False
    with pytest.raises(ValueError, match="no column `seq`"):
        client.act(wardroom.again(), client.query("login by ip show count"))
    with pytest.raises(ValueError, match="cut off"):
        client.act(wardroom.again(), client.query(FAILURES.format(name="tabled"), limit=1))


def test_acting_on_what_a_question_finds(client: Client) -> None:
    fill(client, "found", 4)
    fill(client, "found_too", 2)
    do = wardroom.label("farm", on="account")
    job = client.act(do, 'login where account == "found" or account == "found_too" show seq', reason="by query")
    assert job.preview is not None
    assert (job.preview.items, job.preview.changes) == (2, 2)
    job.run().wait(timeout=60)
    assert client.labels.of("account:found_too").labels == ("farm",)
    # The same events again: all is so already.
    again = client.act(do, sql="select seq from login where account like 'found%'", reveal=True, dry_run=True)
    assert again.preview is not None
    assert (again.preview.items, again.preview.same) == (2, 2)
    job.undo().wait(timeout=60)
    assert client.labels.of("account:found_too").labels == ()
    with pytest.raises(wardroom.BadPolicy, match="did you mean `ok`"):
        client.act(do, "login where okk show seq")


def test_a_large_job_wants_a_second_person(client: Client) -> None:
    accounts = [{"account": f"many{n}"} for n in range(1001)]
    job = client.act(wardroom.label("farm", on="account"), accounts, reason="a wave")
    assert job.needs_approval
    with pytest.raises(jobs.JobNotDone, match="another person's approval"):
        job.wait()
    with pytest.raises(wardroom.Refused):
        job.approve()


def test_the_asynchronous_client_asks_the_same(server: Any) -> None:

    async def ask() -> None:
        async with wardroom.AsyncClient(server.url, server.key) as client:
            decision = await client.decide("login", account="awaited", ip="192.0.2.93", ok=True)
            assert decision.seq is not None
            table = await client.query(FAILURES.format(name="awaited"))
            assert table["seq"] == [decision.seq]
            job = await client.act(wardroom.label("farm", on="account"), table)
            await job.run()
            await job.wait(timeout=60)
            assert (await client.labels.of("account:awaited")).labels == ("farm",)
            assert any(one["id"] == "blocked" for one in await client.lists.all())
            result = await (await client.backtest(RULE, last="1d", brief=True)).wait(timeout=120)
            assert result.report["events"]["all"] > 0

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (backtest.Backtest, backtest.AsyncBacktest),
        (jobs.Job, jobs.AsyncJob),
        (labels.Labels, labels.AsyncLabels),
        (lists.Lists, lists.AsyncLists),
    ],
)
def test_both_kinds_offer_the_same(one: type, other: type) -> None:
    def offers(kind: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(method).parameters) for name, method in methods}

    assert offers(one) == offers(other)
