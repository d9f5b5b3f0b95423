// SPDX-License-Identifier: Apache-2.0
//! `wardroom journal dump`: records in words, or as JSON, one a line.

use super::Journal;
use crate::cli::Dump;
use crate::failure::Usage;
use crate::terminal::{Paint, one_line};
use anyhow::{Result, bail};
use serde_json::{Map, Value, json};
use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::sync::Arc;
use wardroom_engine::{Describer, Description, Detail, kind_name};
use wardroom_event::{Sight, nearest};
use wardroom_journal::{FsDisk, Position, Reader};

pub(super) fn run(journal: &Journal, args: &Dump) -> Result<ExitCode> {
    let kinds = args.kind.iter().map(|name| kind(name)).collect::<Result<Vec<u8>>>()?;
    let reader = Reader::open_on(Arc::new(FsDisk), &journal.dir)?.with_keys(&journal.keys);
    let from = args.from.unwrap_or(0).max(reader.first_seq());
    if args.from.is_some_and(|wanted| wanted > 0 && wanted < from) {
        bail!("the journal begins at record {from}");
    }
    // From the beginning of its segment, for the names that a record refers to may stand before it.
    let begin = reader.segment_of(from).unwrap_or(0);
    let mut reader = reader.from(begin)?;
    let sight = if args.unmask { Sight::Full } else { Sight::Masked };
    let paint = Paint::stdout();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut describer = Describer::new();
    let mut left = args.limit.unwrap_or(u64::MAX);
    while left > 0 {
        let Some(frame) = reader.next_frame()? else { break };
        let at = frame.position;
        if !frame.is_prologue() && at.seq > args.to.unwrap_or(u64::MAX) {
            break;
        }
        let wanted = at.seq >= from && (kinds.is_empty() || kinds.contains(&frame.kind));
        if frame.is_prologue() || !wanted {
            // What cannot be read is said where it is asked for.
            let _ = describer.pass(&frame);
            continue;
        }
        left -= 1;
        let said = describer.describe(&frame, sight);
        if args.json {
            writeln!(out, "{}", to_json(at, frame.kind, said.as_ref()))?;
        } else {
            say(at, frame.kind, said.as_ref(), paint, &mut out)?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// A kind by its name or its number.
fn kind(name: &str) -> Result<u8> {
    let named = |number: &u8| kind_name(*number) == Some(name);
    if let Some(number) = (0..=u8::MAX).find(named).or_else(|| name.parse().ok()) {
        return Ok(number);
    }
    let names: Vec<&str> = (0..=u8::MAX).filter_map(kind_name).collect();
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", names.join(", ")),
    };
    Err(Usage(format!("no kind of record `{name}`; {help}")).into())
}

fn to_json(at: Position, number: u8, said: Result<&Description, &String>) -> Value {
    let mut out = Map::new();
    out.insert("seq".into(), json!(at.seq));
    match said {
        Err(why) => {
            out.insert("kind".into(), json!(kind_name(number).unwrap_or("unknown")));
            out.insert("unreadable".into(), json!(why));
        }
        Ok(said) => {
            out.insert("kind".into(), json!(said.kind));
            if let Some(time) = said.time {
                out.insert("time".into(), json!(time.to_string()));
            }
            out.extend(said.details.iter().map(|(name, detail)| ((*name).to_owned(), detail_json(detail))));
        }
    }
    if kind_name(number).is_none() {
        out.insert("kind_number".into(), json!(number));
    }
    Value::Object(out)
}

fn detail_json(detail: &Detail) -> Value {
    match detail {
        Detail::Number(n) => json!(n),
        Detail::Text(text) => json!(text),
        Detail::Texts(texts) => json!(texts),
        Detail::Values(values) => values.iter().map(|(name, value)| (name.clone(), json!(value))).collect(),
    }
}

fn say(
    at: Position,
    number: u8,
    said: Result<&Description, &String>,
    paint: Paint,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let seq = paint.bold(&format!("{:>8}", at.seq));
    let said = match said {
        Ok(said) => said,
        Err(why) => {
            let kind = kind_name(number).unwrap_or("unknown");
            return writeln!(out, "{seq}  {kind}  {}", paint.bad(&format!("cannot be read: {why}")));
        }
    };
    let kind = match kind_name(number) {
        Some(name) => name.to_owned(),
        None => format!("kind {number}, of a later version"),
    };
    match said.time {
        Some(time) => writeln!(out, "{seq}  {kind}  {time}")?,
        None => writeln!(out, "{seq}  {kind}")?,
    }
    for (name, detail) in &said.details {
        match detail {
            Detail::Number(n) => writeln!(out, "          {name}: {n}")?,
            Detail::Text(text) => writeln!(out, "          {name}: {}", one_line(text))?,
            Detail::Texts(texts) => {
                for text in texts {
                    writeln!(out, "          {name}: {}", one_line(text))?;
                }
            }
            Detail::Values(values) => {
                let known = |(name, value): &(String, Option<String>)| {
                    format!("{name}={}", value.as_deref().map_or_else(|| "?".to_owned(), one_line))
                };
                let all: Vec<String> = values.iter().map(known).collect();
                writeln!(out, "          {name}: {}", all.join("  "))?;
            }
        }
    }
    Ok(())
}
