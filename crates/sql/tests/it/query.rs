// SPDX-License-Identifier: Apache-2.0
//! What is answered: values as people read them, hints passed down, masks that cannot be looked behind.

use super::past::{NOON, account, engine, lines, masked, whole};
use std::collections::BTreeSet;
use wardroom_event::{Micros, Value};

async fn check(sql: &str, expect: &[&str]) {
    let (engine, _) = engine();
    assert_eq!(lines(&engine, sql, whole()).await.unwrap(), expect, "{sql}");
}

#[tokio::test]
async fn values_are_shown_as_people_read_them() {
    check(
        "SELECT seq, time, account, ip, ok, age, \"ip.country\", failures FROM login WHERE seq IN (2, 8) ORDER BY seq",
        &[
            "seq|time|account|ip|ok|age|ip.country|failures",
            "2|2026-01-05T12:01:00Z|alina|203.0.113.1|false|90.5|FR|1",
            "8|2026-01-05T12:01:00Z|alina|203.0.113.1|false|90.5|FR|1",
        ],
    )
    .await;
    // A name with a dot needs no quotes, with or without the table's own.
    check(
        "SELECT ip.country, count(*) FROM login GROUP BY 1 ORDER BY 1",
        &["ip.country|count", "DE|5", "FR|5"],
    )
    .await;
    check("SELECT l.ip.country FROM login l WHERE l.seq = 1", &["ip.country", "DE"]).await;
    check(
        "SELECT count(*) AS n, sum(age), max(score) FROM login WHERE ip_in(ip, '203.0.113.0/30') AND net(ip, 24) = '203.0.113.0/24'",
        &["n|sum|max", "9|814.5|2.5"],
    )
    .await;
    check("SELECT 'a' || NULL || 'b' AS none, 'a' || 1 AS one, 1 + 1", &["none|one|?column?", "-|a1|2"])
        .await;
    check("SELECT count(*) FROM login WHERE account = ANY (ARRAY['bob', 'eve'])", &["count", "3"]).await;
    check("VALUES (1), (2)", &["column1", "1", "2"]).await;
    check("SELECT now() - interval '1 hour' AS then", &["then", "2026-01-05T11:00:00Z"]).await;
}

#[tokio::test]
async fn all_events_are_one_table_and_all_signals_another() {
    check(
        "SELECT type, count(*) AS n, min(seq) FROM events GROUP BY type ORDER BY 1",
        &["type|n|min", "login|10|1", "signup|4|100"],
    )
    .await;
    check("SELECT fields FROM events WHERE seq = 101", &["fields", r#"{"account":"alina","plan":"paid"}"#])
        .await;
    check(
        "SELECT type, rule, verdict, because FROM signals WHERE seq >= 8 ORDER BY seq LIMIT 2",
        &[
            "type|rule|verdict|because",
            "login|core.bruteforce|block|account alina failed",
            "login|core.bruteforce|block|account alice failed",
        ],
    )
    .await;
    check("SELECT count(*) FROM signals", &["count", "7"]).await;
    let (engine, memory) = engine();
    lines(&engine, "SELECT seq FROM events WHERE type = 'signup'", whole()).await.unwrap();
    let asked = memory.asked();
    assert_eq!(asked.iter().map(|ask| &*ask.table).collect::<Vec<_>>(), ["signup"]);
}

#[tokio::test]
async fn filters_are_passed_down_as_they_are_stored() {
    let (engine, memory) = engine();
    let sql = "SELECT account FROM login WHERE time >= '2026-01-05 12:01:00Z' AND time < timestamptz '2026-01-05 12:03:00Z'
               AND ip = '203.0.113.1' AND account = 'alina' AND seq BETWEEN 2 AND 9 AND failures = 1 AND NOT ok";
    assert_eq!(lines(&engine, sql, whole()).await.unwrap(), ["account", "alina", "alina"]);
    let ask = memory.asked().pop().unwrap();
    assert_eq!((ask.from, ask.to), (Some(Micros(NOON + 60_000_000)), Some(Micros(NOON + 180_000_000))));
    assert_eq!(ask.seqs, Some((2, 9)));
    let equal: BTreeSet<String> = ask.equal.iter().map(|(name, value)| format!("{name} {value:?}")).collect();
    let expect = [
        format!("account {:?}", Value::Text("alina".into())),
        "failures Int(1)".to_owned(),
        format!("ip {:?}", Value::Ip("203.0.113.1".parse().unwrap())),
        "ok Bool(false)".to_owned(),
    ];
    assert_eq!(equal, expect.into());
    // What is not asked for is not read: the filters' columns and what is shown.
    let columns: BTreeSet<&str> = ask.columns.iter().map(|c| &**c).collect();
    assert_eq!(columns, ["account", "failures", "ip", "ok", "seq", "time"].into());
    lines(&engine, "SELECT count(*) FROM login", whole()).await.unwrap();
    assert_eq!(memory.asked().pop().unwrap().columns, ["seq".into()]);
    let session = wardroom_sql::Session { as_of: Some(Micros(5)), ..whole() };
    lines(&engine, "SELECT seq FROM login", session).await.unwrap();
    assert_eq!(memory.asked().pop().unwrap().as_of, Some(Micros(5)));
}

#[tokio::test]
async fn a_masked_session_sees_and_compares_masked_values_only() {
    let (engine, memory) = engine();
    let ask = |sql: &'static str| {
        let engine = engine.clone();
        async move { lines(&engine, sql, masked()).await.unwrap() }
    };
    let shown = ask("SELECT account, email, peers, ip FROM login WHERE seq = 2").await;
    assert!(shown[1].starts_with("al…·") && shown[1].contains("al…@example.org·"), "{shown:?}");
    assert!(shown[1].ends_with("|203.0.113.1") && shown[1].contains("[al…·"), "{shown:?}");
    // Whole values match nothing, whichever way they are asked about, and none is passed down.
    for condition in ["= 'alice'", "LIKE 'alice%'", "IN ('alice', 'bob')", "~ '^alice$'", "= 'ali' || 'ce'"] {
        let sql = format!("SELECT count(*) FROM login WHERE account {condition}");
        assert_eq!(lines(&engine, &sql, masked()).await.unwrap(), ["count", "0"], "{condition}");
        assert!(memory.asked().iter().all(|ask| ask.equal.is_empty()));
    }
    // Two that look alike are two, and joining finds the same ones.
    assert_eq!(
        ask(
            "SELECT count(DISTINCT account), count(DISTINCT split_part(account, '·', 1)) AS heads FROM login"
        )
        .await,
        ["count|heads", "3|2"]
    );
    assert_eq!(
        ask("SELECT count(*) FROM login l JOIN signup s ON l.account = s.account").await,
        lines(&engine, "SELECT count(*) FROM login l JOIN signup s ON l.account = s.account", whole())
            .await
            .unwrap()
    );
    assert_eq!(ask("SELECT because FROM signals LIMIT 1").await, ["because", "-"]);
    assert_eq!(ask("SELECT note FROM labels LIMIT 1").await, ["note", "-"]);
    let subjects = ask("SELECT subject FROM labels ORDER BY seq").await;
    assert!(subjects[1].starts_with("al…·") && subjects[4].starts_with("al…·"), "{subjects:?}");
    assert_eq!(subjects[2..4], ["203.0.113.4", "3"]);
}

/// Nothing that a masked session is told holds a whole identifier: not a value, a plan, or an error.
#[tokio::test]
async fn no_answer_to_a_masked_session_holds_a_whole_identifier() {
    let (engine, _) = engine();
    for sql in [
        "SELECT * FROM login",
        "SELECT * FROM signup",
        "SELECT * FROM labels",
        "SELECT * FROM events",
        "SELECT * FROM signals",
        "SELECT unnest(signals) FROM login",
        "SELECT string_agg(account, ',') FROM login",
        "SELECT min(email), max(email) FROM login",
        "EXPLAIN SELECT * FROM login WHERE account > 'a'",
        "EXPLAIN ANALYZE SELECT * FROM login WHERE account > 'a'",
        "SELECT CAST(account AS bigint) FROM login",
        "SELECT array_agg(account) FROM login",
        "SELECT to_timestamp(account) FROM login",
        "SELECT fields FROM events",
        "SELECT arrow_typeof(account), reverse(account) FROM login",
    ] {
        let said = match lines(&engine, sql, masked()).await {
            Ok(lines) => {
                assert!(lines.len() > 1, "{sql}");
                lines.join("\n")
            }
            Err(error) => {
                assert!(sql.contains("AS bigint") || sql.contains("to_timestamp"), "{sql}: {error}");
                error.to_string()
            }
        };
        for row in 0..3 {
            let whole = account(row);
            let reversed: String = whole.chars().rev().collect();
            assert!(!said.contains(&whole) && !said.contains(&reversed), "{sql}: {said}");
        }
    }
}
