// SPDX-License-Identifier: Apache-2.0
//! What a server tells of its work: log lines that name the decision, and traces that a collector understands.

use crate::http::{Answer, Connection};
use crate::process::{run, until, wardroom};
use crate::server::{Server, Shop, signup};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn serve(shop: &Shop, config: &str) -> Server {
    std::fs::write(shop.path().join("wardroom.toml"), config).unwrap();
    // Its address, whatever form its log has.
    let mut process =
        crate::process::Process::start(wardroom(shop.path()).args(["serve", "--listen", "127.0.0.1:0"]));
    let address = process.await_err("an address", |log| {
        let at = log.split("\"address\":\"").nth(1)?;
        at.split('"').next()?.parse().ok()
    });
    Server { process, client: crate::http::Client { address, token: shop.token.clone() } }
}

fn post(server: &Server, path: &str, headers: &str, kind: &str, body: &str) -> Answer {
    Connection::open(&server.client).unwrap().call_with("POST", path, headers, kind, body).unwrap()
}

/// The fields of the log's lines with this message.
fn lines(log: &str, message: &str) -> Vec<Value> {
    let all =
        log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {line}")));
    all.map(|line| line["fields"].clone()).filter(|fields| fields["message"] == message).collect()
}

#[test]
fn every_line_about_a_decision_names_it() {
    let mut shop = Shop::new();
    let key = run(shop.path(), &["key", "new", "desk", "--role", "ingest,read,reveal"]).ended(0);
    shop.token = key.out.trim().to_owned();
    let server = serve(&shop, "log_format = \"json\"\nlog_requests = true\n");
    let event = signup("id \u{202e}1", "alice", "203.0.113.7");
    let first = post(&server, "/v1/decide", "X-Request-Id: edge-7\r\n", "application/json", &event);
    assert!(first.head.to_lowercase().contains("\r\nx-request-id: edge-7\r\n"), "{first:?}");
    let decision = first.ok()["decision"].as_str().unwrap().parse::<u64>().unwrap();
    post(&server, "/v1/decide", "", "application/json", &event).ok();
    post(&server, "/v1/decide", "", "application/json", "{}").problem(422, "bad_event");
    let two = format!("{}\n{}\n", signup("s1", "bob", "203.0.113.8"), signup("s2", "carol", "203.0.113.9"));
    post(&server, "/v1/stream", "X-Request-Id: many\r\n", "application/x-ndjson", &two);
    let seen = Connection::open(&server.client).unwrap().call(
        "GET",
        &format!("/v1/decisions/{decision}?reveal=true"),
        "",
        "",
    );
    seen.unwrap().ok();
    let log = server.stop().err;

    let answered = lines(&log, "answered");
    let of = |request: &str| answered.iter().filter(|l| l["request"] == request).collect::<Vec<_>>();
    let [line] = of("edge-7")[..] else { panic!("one line: {answered:#?}") };
    for (field, expect) in [
        ("method", "POST".into()),
        ("route", "/v1/decide".into()),
        ("status", 200.into()),
        ("decision", decision.into()),
        ("event_id", "id \\u{202e}1".into()),
        ("event_type", "signup".into()),
        ("verdict", "allow".into()),
        ("repeated", Value::Bool(false)),
    ] {
        assert_eq!(line[field], expect, "{field}: {line}");
    }
    assert!(line["took_us"].is_u64() && line["key"].is_string(), "{line}");
    assert!(answered.iter().any(|l| l["repeated"] == true && l["decision"] == decision), "{answered:#?}");
    assert!(answered.iter().any(|l| l["problem"] == "bad_event" && l["status"] == 422), "{answered:#?}");
    let many = of("many");
    let events: Vec<&str> = many.iter().filter_map(|l| l["event_id"].as_str()).collect();
    assert_eq!((many.len(), &*events), (3, &["s1", "s2"][..]), "one of the request, one of each event");
    assert!(many.iter().all(|l| l["key"].is_string()));
    let revealed = lines(&log, "identifiers of people were revealed");
    assert_eq!((revealed.len(), &revealed[0]["decision"]), (1, &Value::from(decision)));
    assert!(
        revealed[0]["request"].as_str().is_some_and(|id| id.len() == 16) && revealed[0]["key"].is_string()
    );
    // Whatever is logged, people's names and addresses are not.
    assert!(!log.contains("alice") && !log.contains("203.0.113"), "{log}");
}

#[test]
fn requests_are_not_logged_unless_somebody_asks() {
    let shop = Shop::new();
    let server = serve(&shop, "log_format = \"json\"\n");
    post(&server, "/v1/decide", "", "application/json", &signup("1", "a", "203.0.113.7")).ok();
    assert_eq!(lines(&server.stop().err, "answered"), [Value::Null; 0]);
}

/// A collector: takes requests, answers each, and gives their paths and bodies.
fn collector() -> (String, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (told, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
            let (head, body) = loop {
                let n = stream.read(&mut piece).unwrap();
                bytes.extend_from_slice(&piece[..n]);
                let text = String::from_utf8_lossy(&bytes);
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head
                    .to_lowercase()
                    .lines()
                    .find_map(|l| l.strip_prefix("content-length: ").map(str::to_owned));
                if body.len() == length.unwrap().parse::<usize>().unwrap() {
                    break (head.to_owned(), body.to_owned());
                }
            };
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
            if told.send((head, serde_json::from_str(&body).unwrap())).is_err() {
                return;
            }
        }
    });
    (url, heard)
}

/// The names of fields that the messages of OTLP's trace.proto, common.proto and resource.proto have in JSON, by the
/// field that holds the message.
fn known(holder: &str) -> &'static [&'static str] {
    match holder {
        "" => &["resourceSpans"],
        "resourceSpans" => &["resource", "scopeSpans", "schemaUrl"],
        "resource" => &["attributes", "droppedAttributesCount", "entityRefs"],
        "scopeSpans" => &["scope", "spans", "schemaUrl"],
        "scope" => &["name", "version", "attributes", "droppedAttributesCount"],
        "spans" => &[
            "traceId",
            "spanId",
            "traceState",
            "parentSpanId",
            "flags",
            "name",
            "kind",
            "startTimeUnixNano",
            "endTimeUnixNano",
            "attributes",
            "droppedAttributesCount",
            "events",
            "droppedEventsCount",
            "links",
            "droppedLinksCount",
            "status",
        ],
        "attributes" => &["key", "value"],
        "value" => &[
            "stringValue",
            "boolValue",
            "intValue",
            "doubleValue",
            "arrayValue",
            "kvlistValue",
            "bytesValue",
        ],
        "status" => &["message", "code"],
        other => panic!("{other} holds no message"),
    }
}

/// Every field is one that the schema has at its place.
fn is_of_schema(holder: &str, value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| is_of_schema(holder, item)),
        Value::Object(fields) => {
            for (name, value) in fields {
                assert!(known(holder).contains(&&**name), "{name} in {holder}");
                is_of_schema(name, value);
            }
        }
        _ => {}
    }
}

#[test]
fn a_collector_understands_the_traces_of_a_server() {
    let shop = Shop::new();
    let (url, heard) = collector();
    let config =
        format!("log_format = \"json\"\n[telemetry]\notlp = \"{url}\"\nsample = 0.0\nservice = \"shop\"\n");
    let server = serve(&shop, &config);
    let parent = format!("traceparent: {PARENT}\r\n");
    let event = signup("1", "alice", "203.0.113.7");
    let decision = post(&server, "/v1/decide", &parent, "application/json", &event).ok()["decision"].clone();
    // Not sampled: neither by its sender nor by the server.
    post(&server, "/v1/decide", "", "application/json", &signup("2", "bob", "203.0.113.7")).ok();
    let (head, said) = heard.recv_timeout(crate::process::DEADLINE).unwrap();
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    is_of_schema("", &said);
    let resource = &said["resourceSpans"][0];
    assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "shop");
    let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
    let names: Vec<&str> = spans.iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["request", "read", "intake", "queue", "judge", "commit", "reply"]);
    let root = &spans[0];
    assert_eq!((&root["kind"], &root["parentSpanId"]), (&Value::from(2), &Value::from("00f067aa0ba902b7")));
    let attribute = |key: &str| {
        let found = root["attributes"].as_array().unwrap().iter().find(|a| a["key"] == key);
        found.unwrap_or_else(|| panic!("{key}: {root}"))["value"].clone()
    };
    assert_eq!(attribute("wardroom.decision")["intValue"], decision);
    assert_eq!(attribute("wardroom.verdict")["stringValue"], "allow");
    assert_eq!(attribute("wardroom.event_type")["stringValue"], "signup");
    let nanos = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
    for span in spans {
        assert_eq!(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(span["spanId"].as_str().unwrap().len(), 16);
        assert!(nanos(span, "startTimeUnixNano") <= nanos(span, "endTimeUnixNano"), "{span}");
        assert!(span == root || span["parentSpanId"] == root["spanId"], "{span}");
    }
    assert!(!said.to_string().contains("alice"), "nobody's name is in it");
    until("seven spans to be counted", || {
        let metrics = server.client.get("/metrics").body;
        metrics.contains("wardroom_spans_sent_total 7\n").then_some(())
    });
    server.stop();
}

/// A collector that is not there costs spans, and nothing else.
#[test]
fn verdicts_go_on_without_the_collector() {
    let shop = Shop::new();
    // A port that nobody listens on.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = serve(
        &shop,
        &format!("log_format = \"json\"\n[telemetry]\notlp = \"http://{gone}\"\nsample = 1.0\n"),
    );
    for n in 0..20 {
        post(&server, "/v1/decide", "", "application/json", &signup(&n.to_string(), "a", "203.0.113.7")).ok();
    }
    until("spans to be let go of", || {
        let metrics = server.client.get("/metrics").body;
        let dropped = metrics.lines().find_map(|l| l.strip_prefix("wardroom_spans_dropped_total "));
        dropped.is_some_and(|n| n.parse::<u64>().unwrap() > 0).then_some(())
    });
    let log = server.stop().err;
    assert_eq!(lines(&log, "stopped; everything accepted is on disk").len(), 1, "{log}");
    assert!(log.contains("the collector takes no traces"), "{log}");
}
