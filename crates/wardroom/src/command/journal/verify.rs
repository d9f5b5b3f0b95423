// SPDX-License-Identifier: Apache-2.0
//! `wardroom journal verify`: every segment, every frame, every record.

use super::{Journal, fault_json, fault_line, name, remedy};
use crate::terminal::{Paint, Progress, grouped};
use anyhow::Result;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use wardroom_engine::{Describer, kind_name};
use wardroom_event::{Micros, Sight};
use wardroom_journal::{Checked, Frame, FsDisk, check, frame_bytes};

/// Most records that cannot be read which are named.
const NAMED: usize = 20;

/// What all records together say.
#[derive(Default)]
struct Tally {
    describer: Describer,
    /// By kind: how many, and bytes of their frames.
    kinds: BTreeMap<u8, (u64, u64)>,
    first: Option<Micros>,
    last: Option<Micros>,
    unreadable: u64,
    /// The first of them: number and why.
    named: Vec<(u64, String)>,
}

impl Tally {
    fn see(&mut self, frame: &Frame<'_>) {
        let described = self.describer.describe(frame, Sight::Masked);
        if !frame.is_prologue() {
            let (count, bytes) = self.kinds.entry(frame.kind).or_default();
            *count += 1;
            *bytes += frame_bytes(frame.payload.len());
        }
        match described {
            Ok(said) => {
                // A policy's time says nothing about the events, and a prologue repeats it.
                if let (Some(time), "decided" | "recorded") = (said.time, said.kind) {
                    self.first = Some(self.first.map_or(time, |first| first.min(time)));
                    self.last = Some(self.last.map_or(time, |last| last.max(time)));
                }
            }
            Err(why) => {
                self.unreadable += 1;
                if self.named.len() < NAMED {
                    self.named.push((frame.position.seq, why));
                }
            }
        }
    }

    /// Events, and bytes of their frames.
    fn events(&self) -> (u64, u64) {
        let events =
            self.kinds.iter().filter(|(kind, _)| matches!(kind_name(**kind), Some("decided" | "recorded")));
        events.fold((0, 0), |(count, bytes), (_, (c, b))| (count + c, bytes + b))
    }
}

pub(super) fn run(journal: &Journal, as_json: bool) -> Result<ExitCode> {
    let mut tally = Tally::default();
    let mut progress = Progress::new("verifying");
    let checked = check(
        &FsDisk,
        &journal.dir,
        &journal.keys,
        |frame| tally.see(&frame),
        |done, all| progress.at(done, all),
    )?;
    progress.finish();
    let sound =
        tally.unreadable == 0 && checked.iter().all(|segment| segment.faults.is_empty() && segment.opened);
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{}", serde_json::to_string_pretty(&to_json(&checked, &tally, sound))?)?;
    } else {
        say(journal, &checked, &tally, sound, &mut out)?;
    }
    Ok(ExitCode::from(u8::from(!sound)))
}

fn kind_of(number: u8) -> String {
    kind_name(number).map_or_else(|| format!("kind {number}"), str::to_owned)
}

fn say(
    journal: &Journal,
    checked: &[Checked],
    tally: &Tally,
    sound: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let paint = Paint::stdout();
    let segments: Vec<&Checked> = checked.iter().filter(|segment| !segment.unfinished).collect();
    let records: u64 = segments.iter().map(|segment| segment.records).sum();
    let bytes: u64 = segments.iter().map(|segment| segment.used).sum();
    writeln!(
        out,
        "{}: {} segments, {} records, {} bytes",
        journal.dir.display(),
        grouped(segments.len() as u64),
        grouped(records),
        grouped(bytes)
    )?;
    for (kind, (count, bytes)) in &tally.kinds {
        writeln!(
            out,
            "  {:<12} {:>14}   {} bytes each",
            kind_of(*kind),
            grouped(*count),
            grouped(bytes / count)
        )?;
    }
    if let (Some(first), Some(last)) = (tally.first, tally.last) {
        writeln!(out, "events from {first} to {last}")?;
    }
    for (key, count) in encrypted(&segments) {
        writeln!(out, "{count} segments are encrypted with the key {key}")?;
    }
    for segment in checked {
        if segment.unfinished {
            writeln!(out, "{} was never finished; the next start removes it", name(&segment.path))?;
        }
        if let Some(torn) = segment.torn {
            writeln!(
                out,
                "{} ends in {} bytes from byte {} on that are no whole batch: a crash came in the middle of it, or the last \
                 batch of all is damaged; the next start cuts them",
                name(&segment.path),
                torn.bytes,
                torn.offset
            )?;
        }
        if !segment.opened {
            writeln!(out, "{} {}", paint.bad("not read:"), not_read(segment))?;
        }
        for fault in &segment.faults {
            writeln!(out, "{} {}", paint.bad("damaged:"), fault_line(segment, fault))?;
            writeln!(out, "    to repair it: {}", remedy(fault.remedy))?;
        }
    }
    for (seq, why) in &tally.named {
        writeln!(out, "{} record {seq} is whole and cannot be read: {why}", paint.bad("unreadable:"))?;
    }
    if tally.unreadable > tally.named.len() as u64 {
        writeln!(out, "    and {} more", grouped(tally.unreadable - tally.named.len() as u64))?;
    }
    writeln!(out, "{}", if sound { paint.good("sound") } else { paint.bad("not sound") })
}

fn not_read(segment: &Checked) -> String {
    let key = segment.key.map_or_else(String::new, |key| key.to_string());
    format!(
        "{} is encrypted with the key {key}, which was not given; its frames are whole",
        name(&segment.path)
    )
}

fn encrypted(segments: &[&Checked]) -> BTreeMap<String, u64> {
    let mut keys = BTreeMap::new();
    for key in segments.iter().filter_map(|segment| segment.key) {
        *keys.entry(key.to_string()).or_default() += 1;
    }
    keys
}

fn to_json(checked: &[Checked], tally: &Tally, sound: bool) -> Value {
    let segment = |segment: &Checked| {
        json!({
            "file": name(&segment.path),
            "first": segment.first_seq,
            "records": segment.records,
            "lost_before": segment.lost_before,
            "prologue": segment.prologue,
            "bytes": segment.bytes,
            "used": segment.used,
            "created": segment.created_micros.map(|at| Micros(at).to_string()),
            "key": segment.key.map(|key| key.to_string()),
            "read": segment.opened,
            "unfinished": segment.unfinished,
            "torn_bytes": segment.torn.map(|torn| torn.bytes),
            "faults": segment.faults.iter().map(|fault| fault_json(segment, fault)).collect::<Vec<_>>(),
        })
    };
    let kinds: Map<String, Value> = tally
        .kinds
        .iter()
        .map(|(kind, (count, bytes))| (kind_of(*kind), json!({ "records": count, "bytes": bytes })))
        .collect();
    let (events, bytes) = tally.events();
    let unreadable = tally.named.iter().map(|(seq, why)| json!({ "record": seq, "why": why }));
    json!({
        "sound": sound,
        "records": checked.iter().map(|segment| segment.records).sum::<u64>(),
        "lost": checked.iter().flat_map(|segment| &segment.faults).map(|fault| fault.lost).sum::<u64>(),
        "events": events,
        "bytes_per_event": bytes.checked_div(events),
        "first_event": tally.first.map(|at| at.to_string()),
        "last_event": tally.last.map(|at| at.to_string()),
        "kinds": kinds,
        "unreadable": tally.unreadable,
        "first_unreadable": unreadable.collect::<Vec<_>>(),
        "segments": checked.iter().map(segment).collect::<Vec<_>>(),
    })
}
