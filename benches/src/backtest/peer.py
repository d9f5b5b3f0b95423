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


count = {"duckdb": duckdb_counts, "polars": polars_counts}[asked["peer"]]
nanos = []
# The first round is for the caches.
for _ in range(asked["rounds"] + 1):
    began = time.perf_counter_ns()
    hits = count()
    nanos.append(time.perf_counter_ns() - began)
json.dump({"hits": hits, "nanos": nanos[1:]}, sys.stdout)
