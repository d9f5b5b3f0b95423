# SPDX-License-Identifier: Apache-2.0
"""Counts the rows that match each rule, with DuckDB or Polars, and says how long that took each time."""

import json
import sys
import time

asked = json.loads(sys.argv[1])
files = asked["dir"] + "/*.parquet"


def duckdb_counts():
    import duckdb

    duckdb.sql("set enable_progress_bar = false")
    tests = [
        f"count(*) filter (where tries >= {tries} and score < {score} and seen > {seen} and kind = '{kind}' and not ok)"
        for tries, score, seen, kind in asked["rules"]
    ]
    return list(duckdb.sql(f"select {', '.join(tests)} from read_parquet('{files}')").fetchall()[0])


def polars_counts():
    import polars as pl

    c = pl.col
    tests = [
        ((c("tries") >= tries) & (c("score") < score) & (c("seen") > seen) & (c("kind").cast(pl.String) == kind) & ~c("ok"))
        .sum()
        .alias(str(n))
        for n, (tries, score, seen, kind) in enumerate(asked["rules"])
    ]
    return list(pl.scan_parquet(files).select(tests).collect().row(0))


def duckdb_windows():
    import duckdb

    duckdb.sql("set enable_progress_bar = false")
    before = "range between interval {} preceding and interval 1 microsecond preceding"
    found = duckdb.sql(
        f"""select count(*) from (
            select count(*) filter (where not ok) over (partition by account order by moment {before.format("1 hour")}) as fails,
                   count(distinct kind) over (partition by account order by moment {before.format("1 day")}) as kinds,
                   sum(tries) over (partition by kind order by moment {before.format("10 minutes")}) as tried
            from (select *, time::timestamp as moment from read_parquet('{files}'))
        ) where fails >= 3 and kinds >= 3 and tried > 100"""
    )
    return list(found.fetchall()[0])


def polars_windows():
    import polars as pl

    rows = pl.read_parquet(files).sort("time").with_columns(pl.col("kind").cast(pl.String))

    def over(key, period, what):
        return rows.rolling("time", period=period, closed="left", group_by=key).agg(what)

    fails = over("account", "1h", (~pl.col("ok")).sum().alias("fails"))
    kinds = over("account", "1d", pl.col("kind").n_unique().alias("kinds"))
    tried = over("kind", "10m", pl.col("tries").sum().alias("tried"))
    both = fails.hstack(kinds.select("kinds"))
    all = rows.join(both, on=["account", "time"]).join(tried, on=["kind", "time"])
    c = pl.col
    return [all.filter((c("fails") >= 3) & (c("kinds") >= 3) & (c("tried") > 100)).height]


count = {"duckdb windows": duckdb_windows, "polars windows": polars_windows, "duckdb": duckdb_counts, "polars": polars_counts}[asked["peer"]]
nanos = []
# The first round is for the caches.
for _ in range(asked["rounds"] + 1):
    began = time.perf_counter_ns()
    hits = count()
    nanos.append(time.perf_counter_ns() - began)
json.dump({"hits": hits, "nanos": nanos[1:]}, sys.stdout)
