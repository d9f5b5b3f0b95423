// SPDX-License-Identifier: Apache-2.0
//! `wardroom cases`: what waits for a person, with what there is to know, and what came of it.

use super::{Desk, encoded, print, text};
use crate::cli::{Cases, CasesAction};
use anyhow::Result;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;

/// Writes an answer for a person.
type Say = fn(&Value, &mut dyn Write) -> Result<()>;

pub(crate) fn run(args: &Cases) -> Result<ExitCode> {
    crate::command::block_on_one(async {
        let mut out = std::io::stdout().lock();
        let json = args.asked.json;
        let (said, say): (Value, Say) = match &args.action {
            CasesAction::List { state, queue, reveal } => {
                let queue =
                    queue.as_ref().map_or(String::new(), |queue| format!("&queue={}", encoded(queue)));
                let path = format!("/v1/cases?state={}&limit=1000&reveal={reveal}{queue}", state.name());
                (Desk::of(&args.asked, "read")?.get(&path).await?, list)
            }
            CasesAction::Show { key, reveal } => {
                let path = format!("/v1/cases/{}?reveal={reveal}", encoded(key));
                (Desk::of(&args.asked, "read")?.get(&path).await?, show)
            }
            CasesAction::Claim { key, take_over, note } => {
                let body = json!({ "take_over": take_over, "note": note });
                let path = format!("/v1/cases/{}/claim", encoded(key));
                (Desk::of(&args.asked, "act")?.post(&path, &body).await?, became)
            }
            CasesAction::Close { key, outcome, note } => {
                let body = json!({ "outcome": outcome.name(), "note": note });
                let path = format!("/v1/cases/{}/close", encoded(key));
                (Desk::of(&args.asked, "act")?.post(&path, &body).await?, became)
            }
        };
        if json {
            print(&said)?
        } else {
            say(&said, &mut out)?
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[][..], Vec::as_slice)
}

/// A case in a line.
fn line(case: &Value) -> String {
    let [key, queue, state, account, opened, due] =
        ["key", "queue", "state", "account", "opened", "due"].map(|name| text(&case[name]));
    let late = if case["overdue"] == true { "  OVERDUE" } else { "" };
    let word = |word: &Value| match word.is_null() {
        true => String::new(),
        false => format!(" by {}", text(&word["by"])),
    };
    let whose = match state.as_str() {
        "closed" => format!("{}: {}", word(&case["closed"]), text(&case["closed"]["outcome"])),
        _ => word(&case["claimed"]),
    };
    format!("{key}  {queue}  {account}  opened {opened}, due {due}  {state}{whose}{late}")
}

fn list(said: &Value, out: &mut dyn Write) -> Result<()> {
    let cases = array(&said["cases"]);
    for case in cases {
        writeln!(out, "{}", line(case))?;
    }
    let total = said["total"].as_u64().unwrap_or(0);
    match total.saturating_sub(cases.len() as u64) {
        _ if cases.is_empty() => writeln!(out, "none")?,
        0 => {}
        more => writeln!(out, "and {more} more")?,
    }
    Ok(())
}

fn show(said: &Value, out: &mut dyn Write) -> Result<()> {
    let (case, decision) = (&said["case"], &said["decision"]);
    writeln!(out, "{}", line(case))?;
    let [kind, number, verdict] = [&case["event_type"], &case["decision"], &decision["verdict"]].map(text);
    writeln!(out, "\n{kind}, decision {number}: {verdict}")?;
    for signal in array(&decision["signals"]) {
        writeln!(out, "  {}", spoke(signal))?;
    }
    section("what else happened to the account, the newest first", &said["events"], event, out)?;
    section("what its owner reported", &said["reports"], event, out)?;
    section("what was said of the event", &said["labels"]["event"], label, out)?;
    section("what was said of the account", &said["labels"]["account"], label, out)?;
    section("other cases of the account", &said["cases"], line, out)?;
    for note in array(&said["notes"]) {
        writeln!(out, "\nnote: {}", text(note))?;
    }
    Ok(())
}

/// A rule that fired. One that gives no verdict has effects instead; a shadow has neither effect nor say.
fn spoke(signal: &Value) -> String {
    let [verdict, rule, because] = ["verdict", "rule", "because"].map(|name| text(&signal[name]));
    let effects: Vec<String> = array(&signal["effects"]).iter().map(text).collect();
    match signal["mode"] == "live" {
        true => format!("{verdict} by {rule}: {because}"),
        false if effects.is_empty() => format!("{rule}, which has no say: {because}"),
        false => format!("{} by {rule}: {because}", effects.join(", ")),
    }
}

fn section(title: &str, rows: &Value, row: fn(&Value) -> String, out: &mut dyn Write) -> Result<()> {
    if !array(rows).is_empty() {
        writeln!(out, "\n{title}")?;
    }
    for it in array(rows) {
        writeln!(out, "  {}", row(it))?;
    }
    Ok(())
}

fn event(it: &Value) -> String {
    let [time, kind, verdict, number] = ["time", "type", "verdict", "decision"].map(|name| text(&it[name]));
    let fields = it["fields"].as_object();
    let fields = fields
        .map(|all| all.iter().map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>());
    format!("{time}  {kind} ({number})  {verdict}  {}", fields.unwrap_or_default().join(" "))
}

fn label(it: &Value) -> String {
    let [known, source, label, act] = ["known", "source", "label", "act"].map(|name| text(&it[name]));
    let (says, counts) = (
        if it["says"] == true { "is" } else { "is not" },
        if it["counts"] == true { "" } else { "  (counts no more)" },
    );
    format!("{known}  {source}: {says} `{label}`  act {act}{counts}")
}

fn became(said: &Value, out: &mut dyn Write) -> Result<()> {
    let acts: Vec<String> = array(&said["acts"]).iter().map(text).collect();
    Ok(writeln!(out, "{}\nundone by: wardroom undo act {}", line(&said["case"]), acts.join(", "))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_without_a_verdict_is_named_by_what_it_does() {
        let check = |signal: Value, expect: &str| assert_eq!(spoke(&signal), expect);
        let of = |mode: &str, verdict: &str, effects: Value| json!({ "rule": "a.b", "verdict": verdict, "mode": mode, "because": "so", "effects": effects });
        check(of("live", "challenge", json!(["notify(\"owner\")"])), "challenge by a.b: so");
        check(of("shadow", "allow", json!(["notify(\"owner\")"])), "notify(\"owner\") by a.b: so");
        check(of("shadow", "block", json!(null)), "a.b, which has no say: so");
    }
}
