// SPDX-License-Identifier: Apache-2.0
//! `wardroom act`: a set, what is to be done with it, a preview that a person can read, and the job.

use super::{Desk, agreed, print, put, put_end, text, usage};
use crate::cli::{Act, ActWhat};
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

/// Largest list of numbers that is read, in bytes.
const MOST: u64 = wardroom_api::limits::ACT_BYTES as u64;

pub(crate) fn run(args: &Act) -> Result<ExitCode> {
    let body = json!({
        "do": what(&args.what),
        "where": set(args)?,
        "cap": args.cap,
        "reason": args.reason.as_deref().unwrap_or_default(),
        "dry_run": args.dry_run,
        "reveal": args.reveal,
    });
    crate::command::block_on_one(planned(args, body))
}

async fn planned(args: &Act, body: Value) -> Result<ExitCode> {
    let (desk, json) = (Desk::of(&args.asked, "act")?, args.asked.json);
    let said = desk.post("/v1/jobs", &body).await?;
    if !args.dry_run {
        return carried_out(&desk, &said, args.yes, json).await;
    }
    match json {
        true => print(&said)?,
        false => preview(&said["preview"], &mut std::io::stderr().lock())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows what a job that was planned would do, asks, starts it and waits for it; where it needs a second person, says so.
pub(super) async fn carried_out(desk: &Desk, said: &Value, yes: bool, json: bool) -> Result<ExitCode> {
    let needs_approval = said["needs_approval"] == true;
    if !json {
        preview(&said["preview"], &mut std::io::stderr().lock())?;
    } else if needs_approval {
        print(said)?;
    }
    let id = text(&said["id"]);
    if needs_approval {
        let items = &said["items"];
        writeln!(
            std::io::stderr(),
            "job {id} has {items} items and waits for a second person: `wardroom jobs approve {id}` with another key, then \
             `wardroom jobs start {id}`"
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    if !yes && !agreed(&format!("job {id}: do it?"))? {
        desk.post(&format!("/v1/jobs/{id}/cancel"), &json!({})).await?;
        writeln!(std::io::stderr(), "nothing was done")?;
        return Ok(ExitCode::from(1));
    }
    desk.post(&format!("/v1/jobs/{id}/start"), &json!({})).await?;
    let mut job = desk.watch(&id, json).await?;
    if json {
        // One document, of what was done and of what was to be.
        job["preview"] = said["preview"].clone();
        print(&job)?;
    } else {
        super::jobs::say(&job, &mut std::io::stdout().lock())?;
        writeln!(std::io::stderr(), "`wardroom undo job {id}` takes it back")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn what(what: &ActWhat) -> Value {
    let of = |name: &str, map: Map<String, Value>| json!({ name: map });
    let mut map = Map::new();
    match what {
        ActWhat::Label { name, on, no, end, confidence, note } => {
            map.insert("name".to_owned(), json!(name));
            map.insert("on".to_owned(), json!(on));
            map.insert("says".to_owned(), json!(!no));
            put_end(&mut map, end);
            put(&mut map, "note", note);
            if let Some(confidence) = confidence {
                map.insert("confidence".to_owned(), json!(confidence));
            }
            of("label", map)
        }
        ActWhat::List { list, value, end } => {
            map.insert("list".to_owned(), json!(list));
            map.insert("value".to_owned(), json!(value));
            put_end(&mut map, end);
            of("list", map)
        }
        ActWhat::Unlist { list, value } => json!({ "unlist": { "list": list, "value": value } }),
        ActWhat::Case { queue } => json!({ "case": { "queue": queue } }),
        ActWhat::Again => json!({ "again": {} }),
        ActWhat::Webhook { name } => json!({ "webhook": { "name": name } }),
    }
}

/// The set that is acted on; the command line allows one way of naming it.
fn set(args: &Act) -> Result<Value> {
    if let Some(file) = &args.seqs {
        return Ok(json!({ "seqs": numbers(file)? }));
    }
    if let Some(query) = &args.query {
        return Ok(json!({ "query": query }));
    }
    if let Some(sql) = &args.sql {
        return Ok(json!({ "sql": sql }));
    }
    if !args.entity.is_empty() {
        let one = |entity: &String| match entity.split_once(':') {
            Some((kind, value)) => Ok(json!({ kind: value })),
            None => Err(usage(format!("`{entity}` is no entity such as account:ann"))),
        };
        return Ok(json!({ "entities": args.entity.iter().map(one).collect::<Result<Vec<_>>>()? }));
    }
    if args.seq.is_empty() {
        return Err(usage("say with what: --seqs FILE, --seq N, --entity account:NAME, --query or --sql"));
    }
    Ok(json!({ "seqs": args.seq.iter().map(u64::to_string).collect::<Vec<_>>() }))
}

/// Numbers of events, one a line; of a line of JSON or CSV its first number in quotes or not.
fn numbers(file: &Path) -> Result<Vec<String>> {
    let mut text = String::new();
    let about = || format!("cannot read {}", file.display());
    match file.to_str() {
        Some("-") => std::io::stdin().lock().take(MOST).read_to_string(&mut text).with_context(about)?,
        _ => std::fs::File::open(file)
            .with_context(about)?
            .take(MOST)
            .read_to_string(&mut text)
            .with_context(about)?,
    };
    let mut numbers = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = line.trim().trim_matches('"');
        match number.parse::<u64>() {
            Ok(number) => numbers.push(number.to_string()),
            // A head names its column.
            Err(_) if at == 0 && number == "seq" => {}
            Err(_) => return Err(usage(format!("line {} is no number of an event: `{number}`", at + 1))),
        }
    }
    Ok(numbers)
}

fn preview(said: &Value, out: &mut impl Write) -> Result<()> {
    let n = |key: &str| said[key].as_u64().unwrap_or(0);
    write!(out, "{} found come to {} items", n("asked"), n("items"))?;
    for (key, what) in
        [("gone", "are no longer kept"), ("without", "lack the value"), ("repeated", "are repeated")]
    {
        if n(key) > 0 {
            write!(out, "; {} {what}", n(key))?;
        }
    }
    writeln!(out)?;
    writeln!(
        out,
        "  would change {}, are so already {}, cannot be done {}",
        n("changes"),
        n("same"),
        n("refused")
    )?;
    for why in said["why"].as_array().into_iter().flatten() {
        writeln!(out, "    {} of them: {}", why[1], text(&why[0]))?;
    }
    let samples = said["samples"].as_array().map_or(&[][..], Vec::as_slice);
    for sample in samples {
        writeln!(out, "  {}", text(sample))?;
    }
    if n("items") > samples.len() as u64 {
        writeln!(out, "  … and {} more", n("items") - samples.len() as u64)?;
    }
    Ok(())
}
