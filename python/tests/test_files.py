# SPDX-License-Identifier: Apache-2.0
"""The files of the past, read by others: DuckDB and Polars find in them what the server answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import wardroom

from serving import Server, run

#: Events of each type.
LOGINS, SIGNUPS = 300, 40


@dataclass
class Past:
    """Where the files are, and a client of the server that has them."""

    files: str
    client: wardroom.Client

    def rows(self, query: str) -> list[dict[str, Any]]:
        return self.client.query(query, reveal=True).rows()


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Two types of event, exported by the command between two lives of the server."""
    folder: Path = tmp_path_factory.mktemp("past")
    with Server(folder) as server:
        with wardroom.Client(server.url, server.key, timeout=30) as client:
            logins = (
                {
                    "account": f"a{n % 17}",
                    "ip": f"192.0.2.{n % 9}",
                    "ok": n % 3 == 0,
                    "client": None if n % 2 else "app",
                }
                for n in range(LOGINS)
            )
            signups = (
                {"account": f"n{n}", "ip": "2001:db8::7", "score": n / 8, "form_time": f"{n + 1}s"}
                for n in range(SIGNUPS)
            )
            assert len(list(client.stream(logins, "login"))) == LOGINS
            assert len(list(client.stream(signups, "signup"))) == SIGNUPS
        server.stop()
        run(folder, "history", "export", "--all")
        status = json.loads(run(folder, "history", "status", "--json"))
        assert {t["name"]: t["rows"] for t in status["tables"]}["login"] == LOGINS
        assert json.loads(run(folder, "history", "verify", "--json"))["faults"] == []
        server.start()
        with wardroom.Client(server.url, server.key, timeout=30) as client:
            yield Past(str(folder / "data" / "history" / "**" / "*.parquet"), client)


def asked(past: Past, sql: str) -> list[tuple[Any, ...]]:
    """DuckDB's answer about all files together."""
    files = f"read_parquet('{past.files}', hive_partitioning = true, union_by_name = true)"
    found: list[tuple[Any, ...]] = duckdb.sql(sql.format(files=files)).fetchall()
    return found


def lazily(past: Past, table: str) -> pl.LazyFrame:
    """One table, as Polars has it."""
    return pl.scan_parquet(past.files.replace("*.parquet", f"type={table}/*.parquet"), hive_partitioning=True)


def test_counts_are_the_same(past: Past) -> None:
    of = "login by verdict show count"
    expect = {row["verdict"]: row["count"] for row in past.rows(of)}
    assert sum(expect.values()) == LOGINS
    assert len(expect) > 1
    assert dict(asked(past, "select verdict, count(*) from {files} where type = 'login' group by verdict")) == expect
    counted = lazily(past, "login").group_by("verdict").len().collect()
    assert dict(counted.iter_rows()) == expect
    types = dict(asked(past, "select type, count(*) from {files} group by type"))
    assert (types["login"], types["signup"], types["policies"]) == (LOGINS, SIGNUPS, 1)


def test_sums_are_the_same(past: Past) -> None:
    (row,) = past.rows("signup show sum(score) as total, count")
    ((total, count),) = asked(past, "select sum(score), count(*) from {files} where type = 'signup'")
    assert (row["total"], row["count"]) == (total, count) == (sum(n / 8 for n in range(SIGNUPS)), SIGNUPS)
    assert lazily(past, "signup").select(pl.col("score").sum()).collect().item() == total


def test_a_filter_finds_the_same_events(past: Past) -> None:
    found = past.rows('login where not ok and client == "app" and account == "a4" show seq')
    expect = sorted(row["seq"] for row in found)
    assert expect
    there = asked(
        past,
        "select seq from {files} where type = 'login' and not ok and client = 'app' and account = 'a4'",
    )
    assert sorted(seq for (seq,) in there) == expect
    held = lazily(past, "login").filter(~pl.col("ok"), pl.col("client") == "app", pl.col("account") == "a4")
    assert sorted(held.select("seq").collect()["seq"]) == expect


def test_days_and_signals_are_columns_like_others(past: Past) -> None:
    days = asked(past, "select distinct day, received::date from {files} where type = 'login'")
    assert days
    assert all(day == arrived for day, arrived in days)
    why = asked(
        past,
        "select distinct s.rule, s.verdict from (select unnest(signals) as s from {files} where type = 'login')",
    )
    assert ("brute_force", "block") in why
    signals = lazily(past, "login").select("signals").explode("signals").drop_nulls().unnest("signals").collect()
    assert "brute_force" in set(signals["rule"])
