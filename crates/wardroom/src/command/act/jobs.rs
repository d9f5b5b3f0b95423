// SPDX-License-Identifier: Apache-2.0
//! `wardroom jobs` and `wardroom undo`.

use super::{Desk, agreed, print, text};
use crate::cli::{Jobs, JobsAction, Undo, UndoWhat};
use anyhow::Result;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &Jobs) -> Result<ExitCode> {
    let json = args.asked.json;
    crate::command::block_on_one(async {
        let step = async |role: &str, id: &u64, step: &str| -> Result<()> {
            let desk = Desk::of(&args.asked, role)?;
            shown(&desk.post(&format!("/v1/jobs/{id}/{step}"), &json!({})).await?, json)
        };
        match args.action.as_ref().unwrap_or(&JobsAction::List) {
            JobsAction::List => {
                let said = Desk::of(&args.asked, "read")?.get("/v1/jobs").await?;
                list(&said, json)?;
            }
            JobsAction::Show { id } => {
                let said = Desk::of(&args.asked, "read")?.get(&format!("/v1/jobs/{id}")).await?;
                shown(&said, json)?;
            }
            JobsAction::Log { id, reveal } => {
                log(&Desk::of(&args.asked, "read")?, *id, *reveal, json).await?
            }
            JobsAction::Approve { id } => step("approve", id, "approve").await?,
            JobsAction::Start { id } => step("act", id, "start").await?,
            JobsAction::Cancel { id, undo: false } => step("act", id, "cancel").await?,
            JobsAction::Cancel { id, undo: true } => step("act", id, "cancel?done=undo").await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn list(said: &Value, json: bool) -> Result<()> {
    if json {
        return print(said);
    }
    let mut out = std::io::stdout().lock();
    let jobs = said["jobs"].as_array().map_or(&[][..], Vec::as_slice);
    for job in jobs {
        say(job, &mut out)?;
    }
    if jobs.is_empty() {
        writeln!(out, "none")?;
    }
    Ok(())
}

fn shown(job: &Value, json: bool) -> Result<()> {
    if json { print(job) } else { say(job, &mut std::io::stdout().lock()) }
}

/// A job in a line, and what came of its items in another.
pub(super) fn say(job: &Value, out: &mut impl Write) -> Result<()> {
    let n = |key: &str| job["counts"][key].as_u64().unwrap_or(0);
    let [id, state, items, by, planned] =
        ["id", "state", "items", "planned_by", "planned"].map(|key| text(&job[key]));
    let waits = if job["needs_approval"] == true { ", waits for a second person" } else { "" };
    let what = text(&Value::String(job["do"].to_string()));
    writeln!(out, "{id}  {state}{waits}  {} of {items} items  {what}  by {by}, {planned}", job["done"])?;
    let reason = text(&job["reason"]);
    if !reason.is_empty() {
        writeln!(out, "    {reason}")?;
    }
    if job["done"].as_u64().unwrap_or(0) > 0 {
        writeln!(
            out,
            "    changed {}, were so already {}, could not be done {}; undone {}, not wholly {}",
            n("made"),
            n("same"),
            n("refused"),
            n("restored"),
            n("left")
        )?;
    }
    Ok(())
}

async fn log(desk: &Desk, id: u64, reveal: bool, json: bool) -> Result<()> {
    let (mut after, mut out) = ("0".to_owned(), std::io::stdout().lock());
    loop {
        let path = format!("/v1/jobs/{id}/log?after={after}&reveal={reveal}");
        let lines = desk.server.get(&path, &desk.key).await?.lines(desk.server.url())?;
        if lines.is_empty() {
            return Ok(());
        }
        for line in &lines {
            after = text(&line["seq"]);
            if json {
                writeln!(out, "{line}")?;
                continue;
            }
            let [item, outcome, what] = ["item", "outcome", "what"].map(|key| text(&line[key]));
            writeln!(out, "{item}  {outcome}  {what}")?;
            for said in
                ["changes", "left"].into_iter().flat_map(|key| line[key].as_array().into_iter().flatten())
            {
                writeln!(out, "      {}", text(said))?;
            }
        }
    }
}

pub(crate) fn undo(args: &Undo) -> Result<ExitCode> {
    let json = args.asked.json;
    crate::command::block_on_one(async {
        let desk = Desk::of(&args.asked, "act")?;
        match &args.what {
            UndoWhat::Act { act } => {
                let said = desk.post(&format!("/v1/acts/{act}/undo"), &json!({})).await?;
                if json {
                    print(&said)?;
                    return Ok(ExitCode::SUCCESS);
                }
                let mut out = std::io::stdout().lock();
                writeln!(out, "act {act}: {} restored", said["restored"])?;
                for left in said["left"].as_array().into_iter().flatten() {
                    writeln!(out, "  left: {}", text(left))?;
                }
            }
            UndoWhat::Job { id, yes } => {
                if !yes && !agreed(&format!("undo job {id}?"))? {
                    return Ok(ExitCode::from(1));
                }
                desk.post(&format!("/v1/jobs/{id}/undo"), &json!({})).await?;
                let job = desk.watch(&id.to_string(), json).await?;
                shown(&job, json)?;
                if job["counts"]["left"].as_u64().unwrap_or(0) > 0 && !json {
                    writeln!(std::io::stderr(), "`wardroom jobs log {id}` says what was left, and why")?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}
