// SPDX-License-Identifier: Apache-2.0
//! A decision, asked of its server or read from its data directory: what each part was, which rules fired, what would
//! turn the verdict.

use crate::ask::Server;
use crate::cli::Explain;
use crate::clock;
use crate::command::tree::{Part, draw, draw_flips, shown};
use crate::config::Config;
use crate::failure::Usage;
use crate::terminal::{Paint, one_line};
use anyhow::{Result, bail};
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use wardroom_engine::Engine;
use wardroom_event::Sight;
use wardroom_policy::{Tri, Verdict};

pub(super) fn run(number: u64, args: &Explain) -> Result<ExitCode> {
    let said = match &args.data {
        Some(data) => from_data(number, data, args)?,
        None => crate::command::block_on_one(from_server(number, args))?,
    };
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&said)?)?;
    } else {
        say(&said, Paint::stdout(), &mut out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn from_data(number: u64, data: &Path, args: &Explain) -> Result<Value> {
    if !data.join("journal").is_dir() {
        bail!("{} holds no journal", data.display());
    }
    let mut config = Config::load(args.config.as_deref())?;
    config.data.or_given(Some(data.to_owned()));
    let (engine, _) = Engine::open(&config.engine_to_look()?, None, clock::now())?;
    let Some(stored) = engine.decision(number)? else {
        return Err(Usage(format!("{} holds no decision {number}", data.display())).into());
    };
    let sight = if args.reveal { Sight::Full } else { Sight::Masked };
    Ok(wardroom_api::explained(&stored, &engine.active(), sight))
}

async fn from_server(number: u64, args: &Explain) -> Result<Value> {
    let key = crate::ask::key("a decision is asked of its server")?;
    let server = match &args.server {
        Some(url) => Server::named(url)?,
        None => Server::configured(&Config::load(args.config.as_deref())?)?,
    };
    let reveal = if args.reveal { "?reveal=true" } else { "" };
    let said = server.get(&format!("/v1/decisions/{number}{reveal}"), &key).await?;
    said.ok(server.url())
}

fn text(value: &Value) -> String {
    one_line(value.as_str().unwrap_or_default())
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn truth(value: &Value) -> Tri {
    match value.as_str() {
        Some("true") => Tri::True,
        Some("false") => Tri::False,
        _ => Tri::Unknown,
    }
}

fn say(said: &Value, paint: Paint, out: &mut impl Write) -> Result<()> {
    let verdict = Verdict::named(&text(&said["verdict"]));
    let shown_verdict =
        verdict.map_or("only recorded".to_owned(), |v| paint.verdict(v).trim_end().to_owned());
    let ask = said["ask"].as_str().map_or(String::new(), |ask| format!(" ({})", one_line(ask)));
    writeln!(
        out,
        "{}  {} of {}: {shown_verdict}{ask}",
        paint.bold(&format!("decision {}", text(&said["decision"]))),
        text(&said["event_type"]),
        text(&said["time"])
    )?;
    for field in items(&said["fields"]).iter().filter(|f| !f["value"].is_null()) {
        writeln!(out, "  {:<16} {}", text(&field["name"]), shown(&field["value"]))?;
    }
    for signal in items(&said["signals"]) {
        let (verdict, rule) = (text(&signal["verdict"]), text(&signal["rule"]));
        let effects: Vec<String> = items(&signal["effects"]).iter().map(text).collect();
        // Without a say and with effects: a rule that gives no verdict.
        let head = match (signal["mode"] == "live", effects.is_empty()) {
            (true, _) => format!("{verdict} by {rule}"),
            (false, true) => format!("{verdict} by {rule} (shadow)"),
            (false, false) => format!("{} by {rule}", effects.join(", ")),
        };
        writeln!(out, "{head}: {}", text(&signal["because"]))?;
    }
    if items(&said["signals"]).is_empty() {
        writeln!(out, "no rule fired")?;
    }
    items(&said["effects"]).iter().try_for_each(|e| writeln!(out, "then {}", text(&e["text"])))?;
    let Some(rules) = said["rules"].as_array() else {
        writeln!(
            out,
            "\njudged by policy {}, which is not in force: its rules are not at hand",
            text(&said["policy"])
        )?;
        return Ok(());
    };
    let fired = fired(said);
    let (loud, quiet): (Vec<&Value>, Vec<&Value>) =
        rules.iter().partition(|r| fired.contains(&text(&r["rule"])));
    for rule in &loud {
        say_rule(rule, paint, out)?;
    }
    say_quiet(&quiet, out)?;
    turn(verdict, &loud, &quiet, out)
}

/// The rules that fired.
fn fired(said: &Value) -> Vec<String> {
    items(&said["signals"]).iter().map(|s| text(&s["rule"])).collect()
}

fn flips(rule: &Value) -> Vec<(String, bool)> {
    items(&rule["flips"]).iter().map(|f| (text(&f["text"]), f["alone"] == true)).collect()
}

/// A rule that fired, with all its parts.
fn say_rule(rule: &Value, paint: Paint, out: &mut impl Write) -> Result<()> {
    writeln!(out, "\n{}: its condition is {}", paint.bold(&text(&rule["rule"])), text(&rule["holds"]))?;
    let terms: Vec<Part> = items(&rule["terms"]).iter().map(Part::term).collect();
    draw(&terms, 2, paint, out)?;
    Ok(())
}

/// The rules that stayed quiet, each with the terms that kept it so.
fn say_quiet(rules: &[&Value], out: &mut impl Write) -> Result<()> {
    if !rules.is_empty() {
        writeln!(out, "\nquiet")?;
    }
    for rule in rules {
        let kept: Vec<String> = items(&rule["terms"])
            .iter()
            .filter(|t| t["holds"] != "true")
            .map(|t| format!("{} is {}", text(&t["text"]), text(&t["holds"])))
            .collect();
        writeln!(out, "  {}: {}", text(&rule["rule"]), kept.join(", "))?;
    }
    Ok(())
}

/// What would turn the verdict: the rules that gave it would have to be quiet, or a stronger one would have to fire.
fn turn(verdict: Option<Verdict>, loud: &[&Value], quiet: &[&Value], out: &mut impl Write) -> Result<()> {
    let Some(verdict) = verdict else { return Ok(()) };
    let says = |rule: &Value| Verdict::named(&text(&rule["verdict"]));
    let decides = |rule: &&&Value| rule["mode"] != "shadow";
    let gave: Vec<&&Value> = loud.iter().filter(|r| says(r) == Some(verdict)).filter(decides).collect();
    // What allows goes before all else, and nothing goes before what allows.
    let is_let = verdict == Verdict::Allow && !gave.is_empty();
    let other = |r: &&&Value| {
        says(r).is_some_and(|v| !is_let && (v > verdict || v == Verdict::Allow) && v != verdict)
    };
    let others: Vec<&&Value> = quiet.iter().filter(other).filter(decides).collect();
    writeln!(out, "\nwhat would turn the verdict")?;
    if gave.len() > 1 {
        writeln!(out, "  {} rules say {verdict}; all of them would have to stay quiet", gave.len())?;
    }
    for rule in &gave {
        writeln!(out, "  {}", text(&rule["rule"]))?;
        draw_flips(truth(&rule["holds"]), &flips(rule), 4, out)?;
    }
    let mut any = !gave.is_empty();
    for rule in &others {
        let holds = truth(&rule["holds"]);
        let (mut shown, rest): (Vec<_>, Vec<_>) = flips(rule).into_iter().partition(|(_, alone)| *alone);
        // Where nothing is certain, what it hangs on is all there is to say.
        let certain = !shown.is_empty() || holds != Tri::Unknown;
        if !certain {
            shown = rest;
        }
        if !shown.is_empty() {
            any = true;
            let to = says(rule).map_or("", Verdict::name);
            let how = if certain { "to" } else { "perhaps to" };
            writeln!(out, "  {}, {how} {to}", text(&rule["rule"]))?;
            draw_flips(if certain { Tri::False } else { Tri::Unknown }, &shown, 4, out)?;
        }
    }
    if !any {
        writeln!(out, "  no single change")?;
    }
    Ok(())
}
