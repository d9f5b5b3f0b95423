// SPDX-License-Identifier: Apache-2.0
//! The server's figures, in the OpenMetrics text format.
//!
//! What the API itself sees is counted here; what the engine knows is asked when somebody reads. Every label has a
//! bounded set of values: routes, statuses, types of problem, verdicts, and the rules of the policy in force.

use crate::api::Api;
use crate::problem::ProblemType;
use crate::status::Host;
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use wardroom_account::breach::Breach;
use wardroom_engine::{ChannelStatus, Distribution, Engine, Latencies, OutboxStatus, Status, StoredSignal};
use wardroom_event::Micros;
use wardroom_history::Past;

/// The paths there are, as labels. A request for any other is counted as `other`.
pub(crate) const ROUTES: [&str; 47] = [
    "/v1/decide",
    "/v1/record",
    "/v1/stream",
    "/v1/account/attempt",
    "/v1/account/login",
    "/v1/account/keycloak",
    "/v1/account/authentik",
    "/auth-policy",
    "/v1/decisions",
    "/v1/decisions/{id}",
    "/v1/policy",
    "/v1/policy/files",
    "/v1/policy/check",
    "/v1/status",
    "/v1/effects",
    "/v1/effects/retry",
    "/v1/effects/{key}/retry",
    "/v1/cases",
    "/v1/cases/{key}",
    "/v1/cases/{key}/claim",
    "/v1/cases/{key}/close",
    "/v1/accounts/{account}/log",
    "/v1/not-me/{token}",
    "/v1/backtests",
    "/v1/backtests/{id}",
    "/v1/query",
    "/v1/history",
    "/v1/campaigns",
    "/v1/campaigns/sweep",
    "/v1/campaigns/{name}",
    "/v1/erasures",
    "/v1/erasures/{id}",
    "/v1/labels",
    "/v1/labels/import",
    "/v1/acts/{act}/undo",
    "/v1/lists",
    "/v1/lists/{id}",
    "/v1/lists/{id}/entries",
    "/v1/jobs",
    "/v1/jobs/{id}",
    "/v1/jobs/{id}/log",
    "/v1/jobs/{id}/{step}",
    "/range/{prefix}",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
];

/// The doors at which things come that make no event.
const DOORS: [&str; 3] = ["auth_policy", "keycloak", "authentik"];

/// The number of a path in [`ROUTES`]; their count for any other.
pub(crate) fn route(path: &str) -> usize {
    let exact = ROUTES.iter().position(|r| *r == path && !path.contains('{'));
    let parts = path.split('/').count();
    let same = |route: &&str| {
        let each = route.split('/').zip(path.split('/'));
        let mut each = each.map(|(part, given)| part == given || is_open(part) && !given.is_empty());
        route.split('/').count() == parts && each.all(|same| same)
    };
    exact.or_else(|| ROUTES.iter().position(same)).unwrap_or(ROUTES.len())
}

/// Whether a part of a path stands for any.
fn is_open(part: &str) -> bool {
    part.starts_with('{')
}

/// A path by its number.
pub(crate) fn label(route: usize) -> &'static str {
    ROUTES.get(route).copied().unwrap_or("other")
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabels {
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SignalLabels {
    rule: String,
    mode: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EffectLabels {
    effect: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhyLabels {
    why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DoorLabels {
    door: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

/// How often a rule fired.
#[derive(Default)]
struct Fired {
    live: AtomicU64,
    shadow: AtomicU64,
}

/// The API's own figures.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    /// By route, `other` last: found without hashing.
    seconds: Vec<Histogram>,
    refused: Family<WhyLabels, Counter>,
    connections: Gauge,
    turned_away: Counter,
    ignored: Family<DoorLabels, Counter>,
    fired: RwLock<HashMap<Box<str>, Fired>>,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let mut registry = Registry::default();
        let requests = Family::<RequestLabels, Counter>::default();
        // From half a millisecond to four seconds.
        let seconds = Family::<RouteLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.0005, 2.0, 14))
        });
        let by_route =
            (0..=ROUTES.len()).map(|r| seconds.get_or_create_owned(&RouteLabels { route: label(r) }));
        let by_route = by_route.collect();
        let refused = Family::<WhyLabels, Counter>::default();
        let connections = Gauge::default();
        registry.register("wardroom_requests", "Requests answered", requests.clone());
        registry.register("wardroom_request_seconds", "Time until the answer began", seconds);
        registry.register(
            "wardroom_events_refused",
            "Events that were not taken, by type of problem",
            refused.clone(),
        );
        registry.register("wardroom_connections", "Open connections", connections.clone());
        let turned_away = Counter::default();
        registry.register(
            "wardroom_connections_turned_away",
            "Connections closed at once, since their address had as many as it may have",
            turned_away.clone(),
        );
        let ignored = Family::<DoorLabels, Counter>::default();
        for door in DOORS {
            ignored.get_or_create(&DoorLabels { door }).inc_by(0);
        }
        registry.register(
            "wardroom_door_ignored",
            "What came to a door for accounts and tells nothing that a policy is asked about",
            ignored.clone(),
        );
        Metrics {
            registry,
            requests,
            seconds: by_route,
            refused,
            connections,
            turned_away,
            ignored,
            fired: RwLock::default(),
        }
    }

    /// Counts a request that was answered.
    pub(crate) fn request(&self, route: usize, status: u16, took: Duration) {
        self.requests.get_or_create(&RequestLabels { route: label(route), status }).inc();
        if let Some(seconds) = self.seconds.get(route) {
            seconds.observe(took.as_secs_f64());
        }
    }

    /// Counts an event that was not taken.
    pub(crate) fn refused(&self, problem: &ProblemType) {
        self.refused.get_or_create(&WhyLabels { why: problem.slug }).inc();
    }

    /// Counts what came to a door and makes no event.
    pub(crate) fn ignored(&self, door: &'static str) {
        self.ignored.get_or_create(&DoorLabels { door }).inc();
    }

    /// Counts a connection that was closed at once.
    pub(crate) fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// Counts a connection for as long as what it gives lives.
    pub(crate) fn connection(&self) -> Connection {
        self.connections.inc();
        Connection(self.connections.clone())
    }

    /// Counts the rules that fired on an event.
    pub(crate) fn signals(&self, signals: &[StoredSignal]) {
        if signals.is_empty() {
            return;
        }
        let fired = self.fired.read().unwrap_or_else(PoisonError::into_inner);
        if signals.iter().all(|s| fired.contains_key(&s.rule)) {
            signals.iter().filter_map(|s| Some((fired.get(&s.rule)?, s))).for_each(|(f, s)| f.count(s));
            return;
        }
        drop(fired);
        let mut fired = self.fired.write().unwrap_or_else(PoisonError::into_inner);
        for signal in signals {
            fired.entry(signal.rule.clone()).or_default().count(signal);
        }
    }

    /// All figures as text. `host` is what the edge sees; `cases` is how many wait for a person, and how many of them for too long.
    pub(crate) fn text(&self, api: &Api, host: &Host, cases: (u64, u64)) -> Result<String, fmt::Error> {
        let (engine, now) = (api.engine(), api.now());
        let mut out = String::new();
        text::encode_registry(&mut out, &self.registry)?;
        text::encode_registry(&mut out, &self.of_engine(engine))?;
        text::encode_registry(&mut out, &of_durability(&engine.status()))?;
        text::encode_registry(&mut out, &of_outbox(&engine.outbox().status(now), now))?;
        text::encode_registry(&mut out, &of_cases(cases))?;
        text::encode_registry(&mut out, &of_host(api.uptime(), host))?;
        if let Some(traces) = &api.options().traces {
            text::encode_registry(&mut out, &of_traces(traces.figures()))?;
        }
        if let Some(past) = &api.options().history {
            text::encode_registry(&mut out, &of_history(past))?;
        }
        if let Some(breach) = &api.options().breach {
            text::encode_registry(&mut out, &of_breach(breach))?;
        }
        text::encode_eof(&mut out)?;
        Ok(out)
    }

    /// The engine's figures of this moment, in a registry made for one reading.
    fn of_engine(&self, engine: &Engine) -> Registry {
        let mut registry = Registry::default();
        let status = engine.status();
        let mut counter = |name: &str, help: &str, value: u64| {
            let counter = Counter::<u64>::default();
            counter.inc_by(value);
            registry.register(name, help, counter);
        };
        counter("wardroom_events", "Events recorded", status.events);
        counter("wardroom_events_repeated", "Events whose id came before", status.repeated);
        counter("wardroom_batches", "Batches made durable", status.batches);
        counter(
            "wardroom_judge_faults",
            "Events on which judging tripped over a fault of the server",
            status.faults,
        );
        counter(
            "wardroom_marks_refused",
            "Labels and list entries that found no room and were not made",
            status.marks_refused,
        );
        counter(
            "wardroom_events_backfilled",
            "Events of the journal counted for features that were warming",
            status.backfilled,
        );
        let mut gauge = |name: &str, help: &str, value: u64| {
            let gauge = Gauge::<i64>::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            registry.register(name, help, gauge);
        };
        gauge("wardroom_queue_waiting", "Pieces of work waiting for the sequencer", status.waiting as u64);
        let waiting = status.backlog;
        gauge("wardroom_queue_events", "Events waiting for the sequencer", waiting.events as u64);
        gauge("wardroom_queue_bytes", "Bytes of memory that these hold, about", waiting.bytes as u64);
        gauge("wardroom_queue_clients", "Keys that have work waiting", waiting.clients as u64);
        gauge("wardroom_queue_outside", "Streams that wait for a place in the queue", waiting.outside as u64);
        gauge("wardroom_state_bytes", "Bytes held by counters, labels and lists", status.state_bytes);
        gauge("wardroom_marks_bytes", "Those of them held by labels and lists", status.marks_bytes);
        gauge("wardroom_state_keys", "Keys counted under", status.state_keys);
        gauge(
            "wardroom_memory_bytes",
            "Most that counters, labels, lists and event ids may take",
            status.memory_bytes,
        );
        gauge("wardroom_state_pairs", "Keys counted under, for each counter", status.state_pairs);
        gauge("wardroom_event_ids", "Event ids remembered", status.ids);
        gauge("wardroom_event_ids_bytes", "Memory that event ids take", status.ids_bytes);
        gauge("wardroom_event_ids_files", "Files that hold event ids", status.ids_files);
        gauge(
            "wardroom_features_warming",
            "Features whose past is being counted; they are unknown until then",
            status.warming as u64,
        );
        gauge("wardroom_journal_seq", "Number of the newest record", status.seq);
        gauge(
            "wardroom_journal_failed",
            "1 when no more events are taken",
            u64::from(status.failed.is_some()),
        );
        let decisions = Family::<VerdictLabels, Counter>::default();
        for (verdict, count) in status.verdicts {
            decisions.get_or_create(&VerdictLabels { verdict: verdict.name() }).inc_by(count);
        }
        registry.register("wardroom_decisions", "Decisions, by verdict", decisions);
        latencies(engine.latencies(), &mut registry);
        registry.register("wardroom_signals", "Rules that fired on events of the API", self.fired(engine));
        registry
    }

    /// How often each rule of the policy in force fired; those of policies before are forgotten.
    fn fired(&self, engine: &Engine) -> Family<SignalLabels, Counter> {
        let active = engine.active();
        let mut fired = self.fired.write().unwrap_or_else(PoisonError::into_inner);
        let rules: std::collections::HashSet<&str> = active.program.rules.iter().map(|r| &*r.id).collect();
        fired.retain(|rule, _| rules.contains(&**rule));
        let family = Family::<SignalLabels, Counter>::default();
        for (rule, fired) in &*fired {
            for (mode, count) in [("live", &fired.live), ("shadow", &fired.shadow)] {
                let count = count.load(Relaxed);
                if count > 0 {
                    family.get_or_create(&SignalLabels { rule: rule.to_string(), mode }).inc_by(count);
                }
            }
        }
        family
    }
}

/// Spans of traces: sent, and let go of.
fn of_traces((sent, dropped): (u64, u64)) -> Registry {
    let mut registry = Registry::default();
    let mut counter = |name: &str, help: &str, value: u64| {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    };
    counter("wardroom_spans_sent", "Spans of traces that were sent", sent);
    counter("wardroom_spans_dropped", "Spans that nobody took, or there was no room for", dropped);
    registry
}

/// The files of breached passwords.
fn of_breach(breach: &Breach) -> Registry {
    let mut registry = Registry::default();
    let failed = Counter::<u64>::default();
    failed.inc_by(breach.failures());
    let help = "Times that a file of breached passwords could not be read";
    registry.register("wardroom_breach_failures", help, failed);
    registry
}

/// The files of the past. Where the manifest cannot be read there is only how often that went wrong.
fn of_history(past: &Past) -> Registry {
    let mut registry = Registry::default();
    let failed = Counter::<u64>::default();
    failed.inc_by(past.store().failures());
    let help = "Times that files of the past could not be written";
    registry.register("wardroom_history_export_failures", help, failed);
    let Ok(files) = past.store().files() else { return registry };
    let mut gauge = |name: &str, help: &str, value: u64| {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    };
    gauge("wardroom_history_exported_seq", "The record up to which the past lies in files", files.exported());
    gauge("wardroom_history_files", "Files of the past", files.all().len() as u64);
    gauge("wardroom_history_bytes", "What they take on the disk", files.all().iter().map(|f| f.bytes).sum());
    registry
}

/// What the edge sees: the process, the disk, the files. What it cannot see has no line.
fn of_host(uptime: Duration, host: &Host) -> Registry {
    let mut registry = Registry::default();
    let build = Family::<BuildLabels, Gauge>::default();
    build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
    registry.register("wardroom_build_info", "1, with the version as a label", build);
    let mut gauge = |name: &str, help: &str, value: Option<u64>| {
        if let Some(value) = value {
            let gauge = Gauge::<i64>::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            registry.register(name, help, gauge);
        }
    };
    gauge("wardroom_uptime_seconds", "How long the server runs", Some(uptime.as_secs()));
    gauge("wardroom_resident_bytes", "Memory that the process holds", host.resident_bytes);
    gauge("wardroom_disk_free_bytes", "Room left on the data directory's disk", host.disk_free_bytes);
    gauge("wardroom_disk_bytes", "Size of the data directory's disk", host.disk_bytes);
    gauge("wardroom_journal_segments", "Segments of the journal", host.journal_segments);
    gauge("wardroom_journal_bytes", "What they take on the disk", host.journal_bytes);
    if let Some(offset) = host.clock_offset_seconds {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(offset);
        let help = "How far the machine's clock is ahead of the time gone by";
        registry.register("wardroom_clock_offset_seconds", help, gauge);
    }
    registry
}

/// What was written, snapshots, and what was forgotten for lack of memory.
fn of_durability(status: &Status) -> Registry {
    let mut registry = Registry::default();
    let (journal, snapshots) = (&status.journal, &status.snapshots);
    let mut seconds = |name: &str, help: &str, value: f64| {
        let counter = Counter::<f64, AtomicU64>::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    };
    seconds(
        "wardroom_journal_sync_seconds",
        "Time in which the journal was synced",
        journal.sync_time.as_secs_f64(),
    );
    let mut counter = |name: &str, help: &str, value: u64| {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    };
    counter("wardroom_journal_records", "Records written", journal.records);
    counter("wardroom_journal_written_bytes", "Bytes of their frames", journal.bytes);
    counter("wardroom_journal_syncs", "Syncs that made records durable", journal.syncs);
    counter(
        "wardroom_journal_removed_bytes",
        "Bytes of segments that retention removed",
        snapshots.bytes_removed,
    );
    counter("wardroom_snapshots", "Snapshots made", snapshots.made);
    counter("wardroom_snapshots_failed", "Snapshots that could not be made", snapshots.failures);
    counter("wardroom_forgets", "Counters that forgot keys for lack of memory", status.forgets);
    counter("wardroom_forgotten_keys", "Keys forgotten for lack of memory", status.forgotten);
    let mut gauge = |name: &str, help: &str, value: f64| {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    gauge("wardroom_snapshot_seq", "The record after which a restart begins to fold", snapshots.seq as f64);
    gauge("wardroom_snapshot_bytes", "Size of the last snapshot", snapshots.bytes as f64);
    gauge("wardroom_snapshot_seconds", "Time that the last snapshot took", snapshots.micros as f64 / 1e6);
    gauge(
        "wardroom_snapshot_longest_piece_seconds",
        "Longest time that a piece of a snapshot kept the sequencer",
        snapshots.longest_piece_micros as f64 / 1e6,
    );
    registry
}

/// How long events took, as the engine measured it.
fn latencies(of: Latencies, registry: &mut Registry) {
    let busy = Counter::<f64, AtomicU64>::default();
    busy.inc_by(of.sequencer_busy.as_secs_f64());
    registry.register("wardroom_sequencer_busy_seconds", "Time in which the sequencer had work", busy);
    let mut histogram = |name: &str, help: &str, of| registry.register(name, help, Measured(of));
    histogram("wardroom_queue_wait_seconds", "Time of each event in the queue", of.queue_wait);
    histogram(
        "wardroom_sequencer_event_seconds",
        "Time of each event in the sequencer, without making it durable",
        of.sequencer_event,
    );
    histogram("wardroom_commit_seconds", "Time in which a batch was written and synced", of.commit);
    histogram(
        "wardroom_decision_seconds",
        "Time of each event from its place in the queue until its answer was given",
        of.decision,
    );
}

/// A histogram that was counted elsewhere.
#[derive(Debug)]
struct Measured(Distribution);

impl EncodeMetric for Measured {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let Distribution { buckets, sum_secs } = &self.0;
        encoder.encode_histogram::<NoLabelSet>(*sum_secs, self.0.count(), buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// The outbox's figures of this moment.
/// Cases: what waits for a person.
fn of_cases((waiting, overdue): (u64, u64)) -> Registry {
    let mut registry = Registry::default();
    let mut gauge = |name: &str, help: &str, value: u64| {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    };
    gauge("wardroom_cases_waiting", "Cases that nobody has closed, of the newest 1024", waiting);
    gauge("wardroom_cases_overdue", "Those of them whose deadline is over", overdue);
    registry
}

fn of_outbox(status: &OutboxStatus, now: Micros) -> Registry {
    let mut registry = Registry::default();
    let mut counter = |name: &str, help: &str, of: fn(&ChannelStatus) -> u64| {
        let family = Family::<EffectLabels, Counter>::default();
        for channel in &status.channels {
            family.get_or_create(&EffectLabels { effect: channel.channel.name() }).inc_by(of(channel));
        }
        registry.register(name, help, family);
    };
    counter("wardroom_effects_delivered", "Effects that arrived", |c| c.delivered);
    counter("wardroom_effects_failed", "Attempts to deliver an effect that failed", |c| c.failed);
    counter("wardroom_effects_dead", "Effects given up", |c| c.dead);
    counter("wardroom_effects_opened", "Cases opened", |c| c.opened);
    let pending = Family::<EffectLabels, Gauge>::default();
    for channel in &status.channels {
        let count = i64::try_from(channel.pending).unwrap_or(i64::MAX);
        pending.get_or_create(&EffectLabels { effect: channel.channel.name() }).set(count);
    }
    registry.register("wardroom_effects_pending", "Effects on their way", pending);
    let mut gauge = |name: &str, help: &str, value: u64| {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    };
    let oldest = status.oldest.map_or(0, |since| now.since(since).0.max(0) / 1_000_000);
    gauge("wardroom_effects_oldest_seconds", "Age of the oldest effect on its way", oldest.unsigned_abs());
    gauge("wardroom_dead_letters", "Effects given up that are listed", status.dead_letters as u64);
    gauge("wardroom_outbox_unread", "Records that the outbox has not looked at", status.unread);
    gauge(
        "wardroom_destinations_paused",
        "Destinations left alone for now, after failures",
        status.paused as u64,
    );
    gauge(
        "wardroom_destinations_behind",
        "Destinations with more effects than are taken up at once",
        status.behind as u64,
    );
    registry
}

impl Fired {
    fn count(&self, signal: &StoredSignal) {
        let count = if signal.decides { &self.live } else { &self.shadow };
        count.fetch_add(1, Relaxed);
    }
}

/// An open connection.
pub(crate) struct Connection(Gauge);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_bounded_labels() {
        let check = |path: &str, expect: &str| assert_eq!(label(route(path)), expect, "{path}");
        check("/v1/decide", "/v1/decide");
        check("/v1/decisions", "/v1/decisions");
        check("/v1/decisions/12", "/v1/decisions/{id}");
        check("/v1/decisions/", "other");
        check("/v1/decisions/1/2", "other");
        check("/v1/effects", "/v1/effects");
        check("/v1/effects/a-1-0/retry", "/v1/effects/{key}/retry");
        check("/v1/effects//retry", "other");
        check("/v1/effects/a/b/retry", "other");
        check("/v1/effects/a", "other");
        check("/metrics", "/metrics");
        check("/etc/passwd", "other");
    }
}
