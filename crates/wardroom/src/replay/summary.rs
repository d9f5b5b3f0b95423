// SPDX-License-Identifier: Apache-2.0
//! What a replay found: by rule, and by address with the reason.

use super::sink::Judged;
use super::source::Source;
use crate::terminal::{Paint, fit, grouped, size};
use anyhow::Result;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::io::{IsTerminal, Write};
use std::net::IpAddr;
use wardroom_engine::StoredSignal;
use wardroom_event::{Event, Micros, Sight, Type, Value};
use wardroom_policy::{Piece, Verdict};

/// Most addresses remembered; beyond it further ones are only counted.
const ADDRESSES: usize = 1_000_000;

/// How signals are printed as they come.
pub(crate) struct Show {
    pub(crate) json: bool,
    pub(crate) paint: Paint,
}

/// What a replay found so far.
pub(crate) struct Summary {
    sight: Sight,
    events: u64,
    repeated: u64,
    verdicts: [u64; 5],
    rules: BTreeMap<Box<str>, RuleHits>,
    addresses: HashMap<IpAddr, Address>,
    unknown_types: BTreeMap<String, u64>,
    faulty: Vec<(u64, String)>,
    /// Events of a log that intake refused, and the first reason.
    refused: u64,
    refused_first: Option<String>,
    first: Option<Micros>,
    last: Option<Micros>,
}

struct RuleHits {
    verdict: Verdict,
    decides: bool,
    hits: u64,
    addresses: std::collections::HashSet<IpAddr>,
}

#[derive(Default)]
struct Address {
    events: u64,
    /// By strength of verdict.
    verdicts: [u64; 5],
    /// The first signal of the strongest verdict so far: the rule, when, and its reason.
    strongest: Option<(Verdict, Box<str>, Micros, String)>,
    /// The last of that strength: the rule and its reason.
    last: (Box<str>, String),
}

impl Summary {
    pub(crate) fn new(sight: Sight) -> Summary {
        Summary {
            sight,
            events: 0,
            repeated: 0,
            verdicts: [0; 5],
            rules: BTreeMap::new(),
            addresses: HashMap::new(),
            unknown_types: BTreeMap::new(),
            faulty: Vec::new(),
            refused: 0,
            refused_first: None,
            first: None,
            last: None,
        }
    }

    /// Takes in a judged event, and prints its signals where that is wanted.
    pub(crate) fn add(&mut self, judged: &Judged, show: Option<&Show>) -> Result<()> {
        match judged {
            Judged::Event { event, verdict, signals, repeated } => {
                self.event(event, *verdict, signals, *repeated);
                match show {
                    Some(show) if !repeated => self.show(show, event, *verdict, signals)?,
                    _ => {}
                }
            }
            Judged::Refused { line: Some(line), faults } => self.faulty.push((*line, faults.to_string())),
            Judged::Refused { line: None, faults } => {
                self.refused += 1;
                self.refused_first.get_or_insert_with(|| faults.to_string());
            }
            Judged::Unknown(kind) => *self.unknown_types.entry(kind.clone()).or_default() += 1,
        }
        Ok(())
    }

    /// Lines refused since this was asked last, with why.
    pub(crate) fn take_faulty(&mut self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.faulty)
    }

    fn event(&mut self, event: &Event, verdict: Verdict, signals: &[StoredSignal], repeated: bool) {
        self.events += 1;
        self.repeated += u64::from(repeated);
        self.verdicts[verdict as usize] += 1;
        self.first = Some(self.first.map_or(event.time, |t| t.min(event.time)));
        self.last = Some(self.last.map_or(event.time, |t| t.max(event.time)));
        let ip = address(event);
        for signal in signals {
            let hits = self.rules.entry(signal.rule.clone()).or_insert_with(|| RuleHits {
                verdict: signal.verdict,
                decides: signal.decides,
                hits: 0,
                addresses: Default::default(),
            });
            hits.hits += 1;
            if hits.addresses.len() < ADDRESSES {
                hits.addresses.extend(ip);
            }
        }
        let Some(ip) = ip else {
            return;
        };
        if self.addresses.len() >= ADDRESSES && !self.addresses.contains_key(&ip) {
            return;
        }
        let entry = self.addresses.entry(ip).or_default();
        entry.events += 1;
        entry.verdicts[verdict as usize] += 1;
        if let Some(signal) = signals.first().filter(|s| s.decides && s.verdict != Verdict::Allow) {
            let reason = Piece::join(&signal.because, self.sight);
            let stronger = entry.strongest.as_ref().is_none_or(|(v, ..)| signal.verdict > *v);
            if stronger {
                entry.strongest = Some((signal.verdict, signal.rule.clone(), event.time, reason.clone()));
            }
            if entry.strongest.as_ref().is_some_and(|(v, ..)| signal.verdict == *v) {
                entry.last = (signal.rule.clone(), reason);
            }
        }
    }

    fn show(&self, show: &Show, event: &Event, verdict: Verdict, signals: &[StoredSignal]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        for signal in signals.iter().filter(|s| s.verdict != Verdict::Allow) {
            let because = Piece::join(&signal.because, self.sight);
            if show.json {
                let line = json!({
                    "time": event.time.to_string(), "event": event.type_name(), "verdict": verdict.name(),
                    "rule": signal.rule, "says": signal.verdict.name(),
                    "mode": if signal.decides { "live" } else { "shadow" }, "because": because,
                });
                writeln!(out, "{line}")?;
            } else {
                let shadow = if signal.decides { "" } else { " (shadow)" };
                let line = format!("{}{shadow}  {because}", signal.rule);
                writeln!(out, "{}  {} {line}", event.time, show.paint.verdict(signal.verdict))?;
            }
        }
        Ok(())
    }

    /// Prints what was found.
    pub(crate) fn print(&self, source: &Source, top: usize, as_json: bool) -> Result<()> {
        if as_json { self.print_json(source, top) } else { self.print_text(source, top) }
    }

    /// Addresses with a signal, the worst first: strength, then how often, then the address.
    fn worst(&self) -> Vec<(&IpAddr, &Address, &Verdict)> {
        let mut list: Vec<_> = self
            .addresses
            .iter()
            .filter_map(|(ip, a)| a.strongest.as_ref().map(|(v, ..)| (ip, a, v)))
            .collect();
        list.sort_by_key(|(ip, a, v)| (std::cmp::Reverse(**v), std::cmp::Reverse(a.events), **ip));
        list
    }

    fn print_text(&self, source: &Source, top: usize) -> Result<()> {
        let paint = Paint::stdout();
        let mut out = std::io::stdout().lock();
        let width = if std::io::stdout().is_terminal() { size().0 } else { 160 };
        writeln!(out, "{}  {}", paint.bold("read"), source.tally_text())?;
        for fault in source.faults() {
            writeln!(out, "  {}", fit(&fault, width.saturating_sub(2)))?;
        }
        if let Some(first) = &self.refused_first {
            let what = if self.refused == 1 { "event was" } else { "events were" };
            writeln!(out, "  {} {what} refused; the first: {first}", self.refused)?;
        }
        for (kind, n) in &self.unknown_types {
            writeln!(out, "  {n} events of type `{kind}` are not in the policy and were passed over")?;
        }
        let span = match (self.first, self.last) {
            (Some(first), Some(last)) => format!(" from {first} to {last}"),
            _ => String::new(),
        };
        let again =
            if self.repeated > 0 { format!(", {} judged before", self.repeated) } else { String::new() };
        writeln!(out, "{}  {} events{span}{again}", paint.bold("judged"), grouped(self.events))?;
        let verdicts: Vec<String> =
            Verdict::ALL.iter().map(|v| format!("{v} {}", grouped(self.verdicts[*v as usize]))).collect();
        writeln!(out, "  {}\n", verdicts.join(" · "))?;
        if self.rules.is_empty() {
            if self.events == 0 && !self.unknown_types.is_empty() {
                writeln!(out, "the policy knows none of these events; --policy names another")?;
            }
            writeln!(out, "no rule fired")?;
            return Ok(());
        }
        writeln!(
            out,
            "{}",
            paint.bold(&format!("{:<30} {:<11} {:>8} {:>10}", "rule", "says", "events", "addresses"))
        )?;
        for (rule, hits) in &self.rules {
            let shadow = if hits.decides { "" } else { "  (shadow)" };
            writeln!(
                out,
                "{rule:<30} {} {:>9} {:>10}{shadow}",
                paint.verdict(hits.verdict),
                hits.hits,
                hits.addresses.len()
            )?;
        }
        let worst = self.worst();
        writeln!(
            out,
            "\n{}",
            paint.bold(&format!("{:<24} {:<10} {:>7}  why", "address", "strongest", "events"))
        )?;
        for (ip, address, verdict) in worst.iter().take(top) {
            let (rule, because) = &address.last;
            let why = fit(&format!("{rule}: {because}"), width.saturating_sub(45).max(40));
            writeln!(
                out,
                "{:<24} {} {:>7}  {why}",
                ip.to_string(),
                paint.verdict(**verdict),
                address.events
            )?;
        }
        if worst.len() > top {
            writeln!(out, "… and {} more; --top N shows them", worst.len() - top)?;
        }
        Ok(())
    }

    fn print_json(&self, source: &Source, top: usize) -> Result<()> {
        let rules: Vec<_> = self
            .rules
            .iter()
            .map(|(rule, h)| {
                json!({
                    "rule": rule, "verdict": h.verdict.name(), "mode": if h.decides { "live" } else { "shadow" },
                    "events": h.hits, "addresses": h.addresses.len(),
                })
            })
            .collect();
        let addresses: Vec<_> = self
            .worst()
            .iter()
            .take(top)
            .map(|(ip, a, v)| {
                let (rule, since, first) =
                    a.strongest.as_ref().map_or(("", None, ""), |(_, r, t, why)| (&**r, Some(t.to_string()), why));
                json!({
                    "ip": ip.to_string(), "strongest": v.name(), "events": a.events, "rule": rule, "since": since,
                    "because_first": first, "rule_last": a.last.0, "because_last": a.last.1,
                    "verdicts": counts(&a.verdicts),
                })
            })
            .collect();
        let summary = json!({
            "read": source.tally_json(), "faults": source.faults(), "refused": self.refused, "unknown_types": self.unknown_types,
            "events": self.events, "repeated": self.repeated, "verdicts": counts(&self.verdicts),
            "rules": rules, "addresses_with_signals": self.worst().len(), "addresses": addresses,
        });
        writeln!(std::io::stdout(), "{summary}")?;
        Ok(())
    }
}

fn counts(verdicts: &[u64; 5]) -> serde_json::Value {
    Verdict::ALL
        .iter()
        .map(|v| (v.name().to_owned(), json!(verdicts[*v as usize])))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// The first field that is an address.
fn address(event: &Event) -> Option<IpAddr> {
    let fields = &event.schema.get(event.kind).fields;
    fields.iter().zip(&event.values).find_map(|(field, value)| match value {
        Value::Ip(ip) if field.kind == Type::Ip => Some(*ip),
        _ => None,
    })
}
