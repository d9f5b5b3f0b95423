// SPDX-License-Identifier: Apache-2.0
//! Questions about the past: forms of an answer, what is masked, what goes wrong.

use crate::harness::{NOW, PATH, POLICY, Server};
use arrow_schema::SchemaRef;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use wardroom_api::{Role, Sql, SqlError, SqlQuestion};
use wardroom_event::{Event, EventId, Micros, Span, Value};
use wardroom_history::query::{Answer, Answered, Column, Counts, Part, QueryError, Rows, Source, Wants};
use wardroom_policy::{Bundle, Program};

/// A past of six logins; with `endless` one that only ends when it is stopped.
struct Past {
    program: Program,
    endless: bool,
}

impl Past {
    fn new(endless: bool) -> Arc<Past> {
        let program = wardroom_policy::compile(&Bundle::single(PATH, POLICY)).program.unwrap();
        Arc::new(Past { program, endless })
    }

    fn batch(&self) -> arrow_array::RecordBatch {
        let kind = self.program.schema.id("login").unwrap();
        let text = |t: &str| Value::Text(t.into());
        let event = |(n, account, ip, ok): (i64, &str, &str, bool)| Event {
            schema: self.program.schema.clone(),
            kind,
            id: EventId { source: "".into(), id: n.to_string().into() },
            time: NOW.minus(Span::from_secs(600 * n + 60)),
            received: NOW,
            values: [
                text(account),
                Value::Ip(ip.parse().unwrap()),
                Value::Bool(ok),
                Value::Missing,
                Value::Missing,
            ]
            .into(),
        };
        let events: Vec<Event> = [
            (0, "alice", "192.0.2.1", false),
            (1, "alina", "192.0.2.2", false),
            (2, "alice", "192.0.2.1", false),
            (3, "bo", "198.51.100.7", true),
            (4, "alice", "198.51.100.8", true),
            (5, "=cmd", "198.51.100.8", false),
        ]
        .map(event)
        .into();
        let plan = self.program.columns(kind);
        let served = vec![vec![Value::Int(2); self.program.plan(kind).serve.len()]; events.len()];
        plan.batch(&events, &served).unwrap()
    }
}

impl Source for Past {
    fn schema(&self, event: &str) -> Result<Option<SchemaRef>, QueryError> {
        Ok((event == "login").then(|| self.batch().schema()))
    }

    fn parts(
        &self,
        _: &str,
        wants: &Wants,
        _: Option<Micros>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Vec<Part>, QueryError> {
        let (batch, stop, endless) = (self.batch(), stop.clone(), self.endless);
        assert!(wants.columns.contains(&"time".into()));
        let again = move || endless && !stop.load(Relaxed);
        let batches = std::iter::once(Ok(batch.clone()))
            .chain(std::iter::from_fn(move || again().then(|| Ok(batch.clone()))));
        Ok(vec![Part { rows: 6, open: Box::new(move || Box::new(batches)) }])
    }
}

/// Answers any text with one row, and what is no text at all with a fault.
struct Fixed;

impl Sql for Fixed {
    fn ask(&self, question: SqlQuestion) -> Result<Box<dyn Rows>, SqlError> {
        if question.text.is_empty() {
            return Err(SqlError::Fault("there is nothing here".to_owned()));
        }
        let field = wardroom_event::Field::plain("one", wardroom_event::Type::Int, true);
        let column = Column { field, role: wardroom_history::query::Role::Plain, error: None, unknown: 0 };
        let answer = Answer {
            columns: vec![column],
            rows: vec![vec![Value::Int(question.limit as i64)]],
            truncated: false,
            groups: None,
            counts: Counts::default(),
            period: (None, None),
            notes: Vec::new(),
        };
        Ok(Box::new(Answered::new(answer, question.look)))
    }
}

async fn server(endless: bool) -> Server {
    Server::with(|options| {
        options.past = Some(Past::new(endless));
        options.secret = [3; 16];
    })
    .await
}

async fn ask(server: &Server, token: &str, accept: &str, body: Json) -> crate::harness::Answer {
    let bytes = body.to_string();
    let head = format!(
        "POST /v1/query HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nAccept: {accept}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{bytes}",
        bytes.len()
    );
    server.raw(head.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_answered_as_json() {
    let server = server(false).await;
    let token = server.token(Role::Read).to_owned();
    let query = "login where not ok by account show count, last(ip) as ip, first(time) as since top 2";
    let got = ask(&server, &token, "*/*", json!({"query": query})).await.ok();
    assert_eq!(got["columns"][0], json!({"name": "account", "type": "account", "role": "key"}));
    assert_eq!((&got["rows"][0][1], &got["rows"][0][2]), (&json!(2), &json!("192.0.2.1")));
    let account = got["rows"][0][0].as_str().unwrap();
    assert!(account.starts_with("al…·"), "{account}");
    assert_eq!(
        (&got["truncated"], &got["groups"], &got["matched"], &got["unknown"]),
        (&json!(false), &json!(3), &json!(4), &json!(0))
    );
    assert_eq!(got["rows"][0][3], json!("2026-01-05T11:39:00Z"));

    let whole = server.token_of(&[Role::Read, Role::Reveal]);
    let got = ask(&server, &whole, "*/*", json!({"query": query, "reveal": true, "limit": 1})).await.ok();
    assert_eq!((&got["rows"][0][0], &got["truncated"]), (&json!("alice"), &json!(true)));
    let got =
        ask(&server, &whole, "*/*", json!({"query": "login show count", "from": "2026-01-05T11:45:00Z"}))
            .await
            .ok();
    assert_eq!((&got["rows"], &got["from"]), (&json!([[2]]), &json!("2026-01-05T11:45:00Z")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_in_other_forms() {
    let server = server(false).await;
    let token = server.token_of(&[Role::Read, Role::Reveal]);
    let body = || json!({"query": "login by account show count", "reveal": true});
    let csv = ask(&server, &token, "text/csv", body()).await;
    assert_eq!((csv.status, csv.header("content-type").unwrap().starts_with("text/csv")), (200, true));
    assert_eq!(
        String::from_utf8(csv.body).unwrap(),
        "account,count\r\nalice,3\r\n'=cmd,1\r\nalina,1\r\nbo,1\r\n"
    );
    let lines = ask(&server, &token, "application/x-ndjson", body()).await;
    assert_eq!(
        String::from_utf8(lines.body).unwrap().lines().next(),
        Some("{\"account\":\"alice\",\"count\":3}")
    );
    let arrow = ask(&server, &token, "application/vnd.apache.arrow.stream", body()).await;
    let mut stream =
        arrow_ipc::reader::StreamReader::try_new(std::io::Cursor::new(arrow.body), None).unwrap();
    assert_eq!(stream.next().unwrap().unwrap().num_rows(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_question_is_said() {
    let server = server(false).await;
    let token = server.token(Role::Read).to_owned();
    let check = async |body: Json, accept: &str, status: u16, slug: &str, words: &str| {
        let answer = ask(&server, &token, accept, body.clone()).await;
        let said: Json = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (answer.status, said["type"].as_str()),
            (status, Some(&*format!("/problems/{slug}"))),
            "{body}"
        );
        assert!(said.to_string().contains(words), "{said}");
    };
    check(json!({"query": "login where okk"}), "*/*", 422, "bad_question", "did you mean `ok`?").await;
    check(json!({"query": "login", "sql": "select 1"}), "*/*", 400, "bad_body", "one of them").await;
    check(json!({"question": "login"}), "*/*", 400, "bad_body", "question").await;
    check(json!({"query": "login", "limit": 0}), "*/*", 400, "bad_body", "limit").await;
    check(json!({"query": "login", "from": "yesterday"}), "*/*", 400, "bad_body", "from").await;
    check(json!({"query": "login", "timeout": "2h"}), "*/*", 400, "bad_body", "timeout").await;
    check(json!({"query": "login", "reveal": true}), "*/*", 403, "missing_role", "reveal").await;
    check(json!({"query": "login"}), "image/png", 406, "wrong_accept", "text/csv").await;
    check(json!({"sql": "select 1"}), "*/*", 501, "sql_left_out", "features sql").await;
    let no_history = Server::start().await;
    let token = no_history.token(Role::Read).to_owned();
    assert_eq!(ask(&no_history, &token, "*/*", json!({"query": "login"})).await.status, 501);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_takes_too_long_is_ended() {
    let server = server(true).await;
    let token = server.token(Role::Read).to_owned();
    let answer = ask(&server, &token, "*/*", json!({"query": "login show count", "timeout": "50ms"})).await;
    assert_eq!(answer.status, 504);
    // Nor does one whose asker is gone keep its place.
    for _ in 0..8 {
        let body = json!({"query": "login show count", "timeout": "20s"});
        let asked = ask(&server, &token, "*/*", body);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(100), asked).await.is_err());
    }
    let answer = ask(&server, &token, "*/*", json!({"query": "login show count", "timeout": "50ms"})).await;
    assert_eq!(answer.status, 504);
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_is_answered_by_who_can() {
    let server = Server::with(|options| options.sql = Some(Arc::new(Fixed))).await;
    let token = server.token(Role::Read).to_owned();
    let got = ask(&server, &token, "*/*", json!({"sql": "select 1", "limit": 7})).await.ok();
    assert_eq!((&got["columns"][0]["name"], &got["rows"]), (&json!("one"), &json!([[7]])));
    let bad = ask(&server, &token, "*/*", json!({"sql": ""})).await;
    assert_eq!(
        (bad.status, String::from_utf8(bad.body).unwrap().contains("there is nothing here")),
        (422, true)
    );
}
