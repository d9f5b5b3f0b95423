// SPDX-License-Identifier: Apache-2.0
//! The page of metrics and what a server says are compared both ways: who adds a metric adds its row.

use crate::documents::text_of;
use crate::harness::Server;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wardroom_account::breach::{Breach, Files};
use wardroom_api::{Host, Options, Role, Span, Traces};
use wardroom_history::Past;
use wardroom_journal::Keyring;

const PAGE: &str = "../../docs/src/metrics.md";

/// A metric: its type and its labels.
#[derive(Debug, Default, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
}

/// What the page's table says, by name.
fn on_page() -> BTreeMap<String, Metric> {
    let page = text_of(PAGE);
    let mut all = BTreeMap::new();
    for row in page.lines().filter(|l| l.starts_with("| `wardroom_")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" |").map(str::trim).collect();
        let [name, kind, unit, labels, says, _alert] = cells[..] else { panic!("six cells: {row}") };
        let name = name.trim_matches('`').to_owned();
        let stem = name.trim_end_matches("_total");
        let in_name = ["seconds", "bytes"].into_iter().find(|unit| stem.ends_with(&format!("_{unit}")));
        assert_eq!(in_name.unwrap_or(""), unit, "{name}: the unit stands at its end, before `_total`");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}: what only grows ends in _total");
        assert!(!says.is_empty(), "{name} says nothing");
        let labels = labels.split(", ").map(|l| l.trim_matches('`').to_owned()).filter(|l| !l.is_empty());
        let metric = Metric { kind: kind.to_owned(), labels: labels.collect() };
        assert!(all.insert(name.clone(), metric).is_none(), "{name} is there twice");
    }
    all
}

/// What a server says, by name.
fn said(text: &str) -> BTreeMap<String, Metric> {
    let mut all: BTreeMap<String, Metric> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some((family, kind)) = line.strip_prefix("# TYPE ").and_then(|l| l.split_once(' ')) {
            name = if kind == "counter" { format!("{family}_total") } else { family.to_owned() };
            all.entry(name.clone()).or_default().kind = kind.to_owned();
        } else if let Some((labels, _)) = line.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
            let names =
                labels.split("\",").filter_map(|l| l.split_once('=')).map(|(l, _)| l.trim_start_matches(','));
            all.entry(name.clone())
                .or_default()
                .labels
                .extend(names.filter(|l| *l != "le").map(str::to_owned));
        }
    }
    all
}

struct NoTraces;

impl Traces for NoTraces {
    fn wants(&self, _: [u8; 16]) -> bool {
        false
    }

    fn take(&self, _: Vec<Span>) {}

    fn figures(&self) -> (u64, u64) {
        (0, 0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_every_metric_and_no_other() {
    let host = Host {
        disk_free_bytes: Some(1),
        disk_bytes: Some(2),
        resident_bytes: Some(3),
        journal_segments: Some(4),
        journal_bytes: Some(5),
        clock_offset_seconds: Some(0.0),
        ..Host::default()
    };
    let data = tempfile::tempdir().unwrap();
    let everything = |options: &mut Options| {
        let past = Past::open(data.path(), &Keyring::default(), &wardroom_history::Options::default());
        options.history = Some(Arc::new(past.unwrap()));
        options.host = Some(Arc::new(move || host.clone()));
        options.traces = Some(Arc::new(NoTraces));
        options.breach = Some(Arc::new(Breach::new([1; 16], Files::default(), false)));
    };
    let server = Server::with(everything).await;
    // A family without a member has no line: something of everything.
    let event = r#"{"type":"login","account":"a","ip":"203.0.113.7","ok":false}"#;
    server.decide(event).await.ok();
    server.decide("{}").await.problem(422, "bad_event");
    let said = said(&server.get("/metrics", Role::Read).await.text());
    let page = on_page();
    let names = |of: &BTreeMap<String, Metric>, but: &BTreeMap<String, Metric>| {
        of.keys().filter(|name| !but.contains_key(*name)).cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        names(&said, &page),
        [""; 0],
        "metrics without a row in docs/src/metrics.md: add one for each"
    );
    assert_eq!(names(&page, &said), [""; 0], "rows in docs/src/metrics.md of metrics that no server has");
    assert_eq!(page, said, "types and labels");
}
