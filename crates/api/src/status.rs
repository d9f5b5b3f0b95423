// SPDX-License-Identifier: Apache-2.0
//! How the server is, in one answer: for `wardroom status` and for a person with a browser.
//!
//! The same figures as `/metrics` have, as they are now and with a judgement: healthy, or why not. What only the edge
//! can see (the disk, the process, the data directory) it looks up itself and hands over as [`Host`].

use crate::api::{Api, json_of};
use crate::keys::Role;
use crate::limits;
use crate::problem::{Problem, ProblemBody};
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use wardroom_engine::{OutboxStatus, Status};

/// Looks at the machine and the data directory.
pub type LookAtHost = Arc<dyn Fn() -> Host + Send + Sync>;

/// What the edge sees of the machine and the data directory; what it cannot see is `None`, and then not told.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = Host)]
pub struct Host {
    /// Bytes that the server may still write on the disk of the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_free_bytes: Option<u64>,
    /// Bytes of that disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// Bytes of memory that the process holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<u64>,
    /// Segments of the journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_segments: Option<u64>,
    /// Bytes that they take on the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_bytes: Option<u64>,
    /// Files of snapshots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_files: Option<u64>,
    /// Bytes that they take on the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_bytes: Option<u64>,
    /// When the newest of them was written, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_newest: Option<String>,
    /// When events are answered: `sync`, or how often the disk is synced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub durability: Option<String>,
    /// Seconds that the machine's clock is ahead of the time gone by: 0, unless it jumped ahead and is not followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_offset_seconds: Option<f64>,
}

/// How the server is.
#[derive(Serialize, ToSchema)]
#[schema(as = ServerStatus)]
pub(crate) struct StatusBody {
    /// Whether all is well; `reasons` says why not.
    healthy: bool,
    /// What is not well, each in a sentence.
    reasons: Vec<String>,
    /// The server's version.
    #[schema(value_type = String)]
    version: &'static str,
    /// Seconds since it started.
    uptime_seconds: u64,
    /// The policy in force.
    policy: PolicyInForce,
    /// Events since it started.
    events: Events,
    /// Decisions since it started, by verdict.
    #[schema(value_type = BTreeMap<String, u64>)]
    decisions: BTreeMap<&'static str, u64>,
    /// Events a second.
    rates: RatesBody,
    /// Work waiting for the sequencer.
    queue: Queue,
    /// The journal.
    journal: Journal,
    /// What is counted.
    state: Counted,
    /// Effects: on their way, given up and listed, destinations that are left alone for now.
    #[schema(value_type = BTreeMap<String, u64>)]
    effects: BTreeMap<&'static str, u64>,
    /// The machine and the data directory.
    host: Host,
}

#[derive(Serialize, ToSchema)]
struct PolicyInForce {
    /// Its version.
    version: String,
    /// `directory` or `api`.
    #[schema(value_type = String)]
    origin: &'static str,
    /// How many rules it has.
    rules: usize,
    /// How many features it has.
    features: usize,
    /// How many of them are warming.
    warming: usize,
}

#[derive(Serialize, ToSchema)]
struct Events {
    /// Recorded.
    recorded: u64,
    /// Their id had come before.
    repeated: u64,
    /// Refused since the disk was full.
    refused_full: u64,
    /// Judging or counting tripped over a fault of the server.
    faults: u64,
}

#[derive(Serialize, ToSchema)]
struct RatesBody {
    /// Over the last ten seconds.
    last_10s: f64,
    /// Over the last minute.
    last_60s: f64,
}

#[derive(Serialize, ToSchema)]
struct Queue {
    /// Pieces of work that wait.
    waiting: usize,
    /// How many may.
    limit: usize,
}

#[derive(Serialize, ToSchema)]
struct Journal {
    /// The newest record's number.
    seq: u64,
    /// Batches made durable.
    batches: u64,
    /// Whether no more events are taken until a restart.
    failed: bool,
}

#[derive(Serialize, ToSchema)]
struct Counted {
    /// Bytes held by counters.
    bytes: u64,
    /// Keys counted under.
    keys: u64,
}

/// How is the server?
///
/// Healthy, or why not; what it does, how fast, and what it holds.
#[utoipa::path(
    get, path = "/v1/status", tag = "health", security(("key" = ["read"])),
    responses((status = 200, description = "Its figures, whether healthy or not", body = StatusBody),
        (status = 403, description = "The key lacks the role", body = ProblemBody, content_type = "application/problem+json"))
)]
pub(crate) async fn status(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    api.admit(request.headers(), Role::Read)?;
    let host = host(&api).await;
    json_of(&body(&api, host))
}

/// What the edge sees now.
pub(crate) async fn host(api: &Api) -> Host {
    match api.options().host.clone() {
        // It asks the disk, which may be slow: not on a thread that answers requests.
        Some(look) => tokio::task::spawn_blocking(move || look()).await.unwrap_or_default(),
        None => Host::default(),
    }
}

fn body(api: &Api, host: Host) -> StatusBody {
    let status = api.engine().status();
    let active = api.engine().active();
    let uptime = api.uptime();
    let rate = |secs| {
        let rate = api.rates().over(Duration::from_secs(secs), uptime, status.events);
        (rate * 10.0).round() / 10.0
    };
    let reasons = reasons(&status, &host, *api.closing().borrow());
    StatusBody {
        healthy: reasons.is_empty(),
        reasons,
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: uptime.as_secs(),
        policy: PolicyInForce {
            version: active.program.version.to_string(),
            origin: active.origin.name(),
            rules: active.program.rules.len(),
            features: active.program.features.len(),
            warming: status.warming,
        },
        events: Events {
            recorded: status.events,
            repeated: status.repeated,
            refused_full: status.full,
            faults: status.faults,
        },
        decisions: status.verdicts.iter().map(|(verdict, count)| (verdict.name(), *count)).collect(),
        rates: RatesBody { last_10s: rate(10), last_60s: rate(60) },
        queue: Queue { waiting: status.waiting, limit: wardroom_engine::limits::QUEUE },
        journal: Journal { seq: status.seq, batches: status.batches, failed: status.failed.is_some() },
        state: Counted { bytes: status.state_bytes, keys: status.state_keys },
        effects: effects(&api.engine().outbox().status(api.now())),
        host,
    }
}

fn effects(outbox: &OutboxStatus) -> BTreeMap<&'static str, u64> {
    let pending: u64 = outbox.channels.iter().map(|channel| channel.pending).sum();
    BTreeMap::from([
        ("pending", pending),
        ("dead_letters", outbox.dead_letters as u64),
        ("paused_destinations", outbox.paused as u64),
    ])
}

/// What is not well, most urgent first.
fn reasons(status: &Status, host: &Host, closing: bool) -> Vec<String> {
    let mut reasons = Vec::new();
    if status.failed.is_some() {
        reasons.push(
            "the journal can no longer be written: no events are taken until a restart; the log has the reason"
                .to_owned(),
        );
    }
    if closing {
        reasons.push("the server is shutting down".to_owned());
    }
    if let Some(free) = host.disk_free_bytes.filter(|free| *free < limits::DISK_LOW_BYTES) {
        let (mib, low) = (free >> 20, limits::DISK_LOW_BYTES >> 20);
        reasons.push(format!("the disk has {mib} MiB left, less than {low} MiB: free some"));
    }
    if let Some(offset) = host.clock_offset_seconds.filter(|offset| offset.abs() >= 1.0) {
        reasons.push(format!(
            "the machine's clock jumped ahead by {offset:.0} s, which is not followed for now: set it right if it is wrong"
        ));
    }
    let (waiting, limit) = (status.waiting, wardroom_engine::limits::QUEUE);
    if waiting > limit / 2 {
        reasons.push(format!("{waiting} of {limit} places in the queue are taken: more comes than is done"));
    }
    if status.faults > 0 {
        let count = status.faults;
        reasons
            .push(format!("judging tripped over a fault of the server on {count} events: the log has them"));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Status {
        let dir = tempfile::tempdir().unwrap();
        let bundle = wardroom_policy::Bundle::single("a.ward", "event hit:\n    ip: ip\n");
        let config = wardroom_engine::Config::new(dir.path());
        let (engine, _) =
            wardroom_engine::Engine::open(&config, Some(bundle), wardroom_event::Micros(0)).unwrap();
        engine.status()
    }

    #[test]
    fn what_is_not_well_is_told() {
        let well = well();
        let free = |bytes| Host { disk_free_bytes: Some(bytes), ..Host::default() };
        let check = |status: Status, host: Host, closing: bool, expect: &[&str]| {
            let said = reasons(&status, &host, closing);
            assert_eq!(said.len(), expect.len(), "{said:?}");
            assert!(said.iter().zip(expect).all(|(said, part)| said.contains(part)), "{said:?}");
        };
        check(well.clone(), Host::default(), false, &[]);
        check(well.clone(), free(limits::DISK_LOW_BYTES), false, &[]);
        check(well.clone(), free(5 << 20), false, &["has 5 MiB left"]);
        let clock = |offset| Host { clock_offset_seconds: Some(offset), ..Host::default() };
        check(well.clone(), clock(0.0), false, &[]);
        check(well.clone(), clock(3601.5), false, &["clock jumped ahead by 3602 s"]);
        check(well.clone(), Host::default(), true, &["shutting down"]);
        let half = wardroom_engine::limits::QUEUE / 2;
        check(Status { waiting: half, ..well.clone() }, Host::default(), false, &[]);
        check(Status { waiting: half + 1, ..well.clone() }, Host::default(), false, &["places in the queue"]);
        let failed = Status { failed: Some("/secret/path".to_owned()), faults: 3, ..well };
        check(failed, free(0), false, &["journal", "0 MiB", "on 3 events"]);
    }
}
