// SPDX-License-Identifier: Apache-2.0
//! `wardroom label`: say one, show all, import many.

use super::{Desk, encoded, print, put, put_end, text, usage};
use crate::cli::{Label, LabelAction, LabelSaid};
use crate::failure::Refused;
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

/// Largest file that is sent, in bytes.
const MOST: u64 = wardroom_api::limits::IMPORT_BYTES as u64;

pub(crate) fn run(args: &Label) -> Result<ExitCode> {
    crate::command::block_on_one(async {
        match &args.action {
            Some(LabelAction::Show { subject, as_of }) => {
                show(&Desk::of(&args.asked, "read")?, subject, as_of.as_deref(), args.asked.json).await
            }
            Some(LabelAction::Import { file, source, key }) => {
                let desk = Desk::of(&args.asked, "act")?;
                import(&desk, file, source.as_deref(), key.as_deref(), args.asked.json).await
            }
            None => say(&Desk::of(&args.asked, "act")?, &args.said, args.asked.json).await,
        }
    })
}

async fn say(desk: &Desk, said: &LabelSaid, json: bool) -> Result<ExitCode> {
    let (Some(subject), Some(label)) = (&said.subject, &said.label) else {
        return Err(usage("a label needs a subject and a name"));
    };
    let mut row = Map::new();
    row.insert("subject".to_owned(), json!(subject));
    row.insert("label".to_owned(), json!(label));
    row.insert("says".to_owned(), json!(!said.no));
    put_end(&mut row, &said.end);
    put(&mut row, "note", &said.note);
    put(&mut row, "time", &said.time);
    put(&mut row, "source", &said.source);
    if let Some(confidence) = said.confidence {
        row.insert("confidence".to_owned(), json!(confidence));
    }
    let answer = desk.post("/v1/labels", &json!({ "labels": [row] })).await?;
    let became = &answer["labels"][0];
    if json {
        print(became)?;
    }
    if let Some(why) = became["refused"].as_str() {
        return Err(Refused(crate::terminal::one_line(why)).into());
    }
    if !json {
        let end = match &became["after"] {
            Value::String(end) => format!(" until {end}"),
            _ => String::new(),
        };
        let not = if said.no { "not " } else { "" };
        let before = match &became["before"] {
            Value::Bool(false) => "it was not".to_owned(),
            Value::Bool(true) => "it was, for good".to_owned(),
            other => format!("it was, until {}", text(other)),
        };
        let act = text(&became["act"]);
        writeln!(std::io::stdout(), "{subject} is {not}`{label}`{end} (act {act}; {before})")?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(desk: &Desk, subject: &str, as_of: Option<&str>, json: bool) -> Result<ExitCode> {
    let mut path = format!("/v1/labels?subject={}", encoded(subject));
    if let Some(as_of) = as_of {
        path += &format!("&as_of={}", encoded(as_of));
    }
    let said = desk.get(&path).await?;
    if json {
        print(&said)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = std::io::stdout().lock();
    let opinions = said["opinions"].as_array().map_or(&[][..], Vec::as_slice);
    for opinion in opinions {
        let says = if opinion["says"] == true { "is" } else { "is not" };
        let counts = if opinion["counts"] == true { "" } else { "  (counts no more)" };
        let until = match text(&opinion["until"]) {
            until if until.is_empty() => until,
            until => format!(" until {until}"),
        };
        let [known, source, label, act] = ["known", "source", "label", "act"].map(|key| text(&opinion[key]));
        writeln!(out, "{known}  {source}: {says} `{label}`{until}  act {act}{counts}")?;
    }
    match said["class"].as_str() {
        _ if opinions.is_empty() => writeln!(out, "nobody has said anything of {subject}")?,
        Some(class) => writeln!(out, "{subject} is {class}")?,
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn import(
    desk: &Desk,
    file: &Path,
    source: Option<&str>,
    key: Option<&str>,
    json: bool,
) -> Result<ExitCode> {
    let kind = match file.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => "text/csv",
        Some("ndjson" | "jsonl") => "application/x-ndjson",
        _ => return Err(usage("a file of labels ends in .csv, .ndjson or .jsonl")),
    };
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    opened.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        anyhow::bail!("{} is larger than {MOST} bytes: split it", file.display());
    }
    let query = source.map_or(String::new(), |source| format!("?source={}", encoded(source)));
    let path = format!("/v1/labels/import{query}");
    let sent = desk.server.send(&path, &desk.key, kind, key, bytes.into());
    let said = sent.await?.ok(desk.server.url())?;
    let id = text(&said["job"]);
    let job = desk.watch(&id, json).await?;
    if json {
        print(&json!({ "import": said, "job": job }))?;
    }
    let faults = said["faults"].as_array().map_or(&[][..], Vec::as_slice);
    for fault in faults {
        writeln!(std::io::stderr(), "line {}: {}", fault["line"], text(&fault["why"]))?;
    }
    let more = said["more_faults"].as_u64().unwrap_or(0);
    if more > 0 {
        writeln!(std::io::stderr(), "and {more} more lines with faults")?;
    }
    if !json {
        let labels = &said["labels"];
        writeln!(
            std::io::stdout(),
            "{labels} labels are said (job {id}; `wardroom undo job {id}` takes them back)"
        )?;
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
