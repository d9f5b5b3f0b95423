// SPDX-License-Identifier: Apache-2.0
//! What is refused, and that nothing that is asked takes more than there is.

use super::past::{all, engine, engine_with, lines, many, whole};
use std::time::{Duration, Instant};
use wardroom_sql::{Kind, Options, Session, SqlError, limits};

async fn refused(sql: &str) -> SqlError {
    let (engine, _) = engine();
    lines(&engine, sql, whole()).await.unwrap_err()
}

#[tokio::test]
async fn whatever_writes_is_refused() {
    for sql in [
        "INSERT INTO login VALUES (1)",
        "UPDATE login SET seq = 1",
        "DELETE FROM login",
        "DROP TABLE login",
        "TRUNCATE login",
        "CREATE TABLE t AS SELECT * FROM login",
        "CREATE VIEW v AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "COPY login TO '/tmp/x'",
        "COPY login FROM '/etc/passwd'",
        "COPY (SELECT * FROM login) TO '/tmp/x.csv'",
        "SELECT * INTO t FROM login",
        "WITH x AS (INSERT INTO login VALUES (1) RETURNING 1) SELECT * FROM x",
        "GRANT SELECT ON login TO ann",
        "ALTER TABLE login ADD x int",
        "EXPLAIN ANALYZE INSERT INTO login VALUES (1)",
        "EXPLAIN DELETE FROM login",
        "SELECT * FROM login FOR UPDATE",
        "VACUUM",
        "CALL f()",
        "CREATE FUNCTION f() RETURNS int AS 'x'",
        "LOAD 'x'",
    ] {
        let error = refused(sql).await;
        assert!(matches!(error.kind, Kind::ReadOnly | Kind::Syntax | Kind::Unsupported), "{sql}: {error:?}");
        assert_ne!(error.kind, Kind::Ours, "{sql}: {error:?}");
    }
    assert_eq!(
        refused("INSERT INTO login VALUES (1)").await.to_string(),
        "INSERT is refused: the past can only be read; SELECT, WITH, VALUES, TABLE, EXPLAIN, SHOW and DESCRIBE are taken"
    );
}

#[tokio::test]
async fn no_file_can_be_read() {
    for sql in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM parquet_metadata('/etc/passwd')",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM \"file:///etc/passwd\"",
    ] {
        let error = refused(sql).await;
        assert!(matches!(error.kind, Kind::Name | Kind::Syntax | Kind::Unsupported), "{sql}: {error:?}");
    }
}

#[tokio::test]
async fn faults_are_told_with_their_place_and_what_was_meant() {
    let check = |error: SqlError, said: &str, hint: Option<&str>, position: Option<usize>, code: &str| {
        assert_eq!(
            (error.message.as_str(), error.hint.as_deref(), error.position, error.code()),
            (said, hint, position, code)
        );
    };
    check(
        refused("SELECT *\nFROM logn").await,
        "there is no table \"logn\"",
        Some("did you mean login?"),
        Some(15),
        "42P01",
    );
    check(
        refused("SELECT acount FROM login").await,
        "there is no column \"acount\" here",
        Some("did you mean account?"),
        Some(8),
        "42703",
    );
    check(
        refused("SELECT l.ip.contry FROM login l").await,
        "there is no column \"ip.contry\" here",
        Some("did you mean ip.country?"),
        Some(8),
        "42703",
    );
    check(
        refused("SELECT count(*) FROM login WHERE ip.contry = 'DE'").await,
        "there is no column \"ip.contry\" here",
        Some("did you mean ip.country?"),
        Some(34),
        "42703",
    );
    check(
        refused("SELECT seq FROM login WHERE").await,
        "Expected: an expression, found: EOF",
        None,
        None,
        "42601",
    );
    let error = refused("SELECT sqroot(1)").await;
    assert!(error.message.contains("sqroot") && error.code() == "42883", "{error:?}");
    assert_eq!(refused("SELECT 1; SELECT 2").await.kind, Kind::Unsupported);
    assert_eq!(refused("").await.kind, Kind::Syntax);
    assert_eq!(refused("SELECT CAST('x' AS bigint)").await.kind, Kind::Value);
}

#[tokio::test]
async fn deep_long_and_wide_texts_are_refused_not_run_into() {
    let nest = |n: usize| format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n));
    let chain = |n: usize| format!("SELECT 1{}", " + 1".repeat(n));
    for sql in [
        nest(9_000),
        nest(200),
        format!("SELECT {} 1", "NOT ".repeat(5_000)),
        chain(9_000),
        chain(50_000),
        format!("SELECT '{}'", "x".repeat(limits::SQL_BYTES)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(4_000)),
        "SELECT 1;".repeat(100),
        format!("SELECT * FROM {}login{}", "(SELECT * FROM ".repeat(500), ")".repeat(500)),
        format!("SELECT CAST(1 AS {}int{})", "array<".repeat(900), ">".repeat(900)),
        format!("SELECT 1{}", "::text".repeat(9_000)),
        format!("SELECT {}1", "- ".repeat(9_000)),
        format!("SELECT labels{} FROM login", "[1]".repeat(6_000)),
        format!("SELECT login{} FROM login", ".x".repeat(6_000)),
        format!("SELECT {}1{}", "f(".repeat(25), ")".repeat(24)),
        format!("SELECT {}1", "CASE WHEN ".repeat(50)),
        format!("SELECT CASE {} 1 {}", "WHEN 1 THEN CASE ".repeat(300), "END ".repeat(300)),
    ] {
        let error = refused(&sql).await;
        assert!(matches!(error.kind, Kind::TooLarge | Kind::Syntax), "{:.60}: {error:?}", sql);
    }
    // Thirty lines that would be a billion tables.
    let mut with = "WITH a0 AS (SELECT 1)".to_owned();
    (1..30).for_each(|n| with += &format!(", a{n} AS (SELECT * FROM a{0} x, a{0} y)", n - 1));
    assert_eq!(refused(&format!("{with} SELECT count(*) FROM a29")).await.kind, Kind::TooLarge);
    // As much as may be is answered.
    let (engine, _) = engine();
    let joins = format!(
        "SELECT count(*) FROM login a0 {}",
        (1..16).map(|n| format!("JOIN login a{n} ON a{n}.seq = a0.seq ")).collect::<String>()
    );
    let began = Instant::now();
    assert_eq!(lines(&engine, &joins, whole()).await.unwrap(), ["count", "10"]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let unions = format!("SELECT count(*) FROM (SELECT 1 AS x {}) u", "UNION ALL SELECT 1 ".repeat(80));
    assert_eq!(lines(&engine, &unions, whole()).await.unwrap(), ["count", "81"]);
    let most = lines(&engine, &chain(limits::EXPRESSION_DEPTH - 2), whole()).await.unwrap();
    assert_eq!(most[1], (limits::EXPRESSION_DEPTH - 1).to_string());
    let many = (0..5_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let found =
        lines(&engine, &format!("SELECT count(*) FROM login WHERE seq IN ({many})"), whole()).await.unwrap();
    assert_eq!(found, ["count", "10"]);
}

#[tokio::test]
async fn functions_make_no_more_than_they_may() {
    for sql in [
        "SELECT repeat('x', 1000000000)",
        "SELECT lpad('x', 1000000000)",
        "SELECT length(rpad('x', 2000000000, 'yz'))",
        "SELECT replace(repeat('x', 1000000), 'x', repeat('y', 1000))",
        "SELECT range(0, 1000000000)",
        "SELECT array_repeat(1, 1000000000)",
        "SELECT generate_series(1, 10000000000)",
    ] {
        let error = refused(sql).await;
        assert!(matches!(error.kind, Kind::Value | Kind::Name), "{sql}: {error:?}");
    }
    let mut with = "WITH a0 AS (SELECT repeat('x', 1000) AS x)".to_owned();
    (1..40).for_each(|n| with += &format!(", a{n} AS (SELECT x || x AS x FROM a{})", n - 1));
    let error = refused(&format!("{with} SELECT length(x) FROM a39")).await;
    assert!(matches!(error.kind, Kind::Value | Kind::TooLarge), "{error:?}");
}

#[tokio::test]
async fn memory_rows_and_time_are_bounded() {
    let options = Options { memory: 1024 * 1024, ..Options::default() };
    let (engine, _) = engine_with(many(50_000), options);
    let error = lines(&engine, "SELECT seq, id, count(*) FROM login GROUP BY 1, 2 ORDER BY 3", whole())
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Memory, "{error:?}");

    let session = Session { limit: 5, ..whole() };
    let mut answer = engine.query("SELECT seq FROM login", session.clone()).await.unwrap();
    let mut rows = 0;
    while let Some(batch) = futures_util::StreamExt::next(&mut answer).await {
        rows += batch.unwrap().num_rows();
    }
    assert!(rows == 5 && answer.is_cut());
    let answer = engine.query("SELECT seq FROM login LIMIT 5", session).await.unwrap();
    let cut = answer.is_cut();
    assert!(all(answer).await.unwrap().iter().map(|b| b.num_rows()).sum::<usize>() == 5 && !cut);

    let began = Instant::now();
    let session = Session { timeout: Some(Duration::from_millis(300)), ..whole() };
    let error = lines(&engine, "SELECT count(*) FROM generate_series(1, 10000000000) g", session.clone())
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.code()), (Kind::Timeout, "57014"));
    let error = lines(&engine, "SELECT sum(a.seq * b.seq * c.seq) FROM login a, login b, login c", session)
        .await
        .unwrap_err();
    assert!(matches!(error.kind, Kind::Timeout | Kind::Memory), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let series = lines(&engine, "SELECT sum(value) FROM generate_series(1, 1000)", whole()).await.unwrap();
    assert_eq!(series[1], "500500");
}

/// Whoever drops an answer ends the reading, and gives the place back.
#[tokio::test]
async fn a_dropped_answer_stops_the_scan() {
    let options = Options { statements: 1, ..Options::default() };
    let (engine, memory) = engine_with(many(100_000), options);
    for _ in 0..3 {
        let answer = engine.query("SELECT * FROM login", whole()).await.unwrap();
        drop(answer);
        assert!(memory.asked().pop().unwrap().stop.load(std::sync::atomic::Ordering::SeqCst));
    }
    let session = Session { timeout: Some(Duration::from_secs(10)), ..whole() };
    assert_eq!(lines(&engine, "SELECT count(*) FROM login", session).await.unwrap(), ["count", "800000"]);
}
