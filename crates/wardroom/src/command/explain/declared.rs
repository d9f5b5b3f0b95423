// SPDX-License-Identifier: Apache-2.0
//! What a policy declares under an id: a rule term by term, or a feature, list, table, evidence, score or model with
//! those who read it.

use crate::cli::Explain;
use crate::command::check::plural;
use crate::terminal::Paint;
use anyhow::Result;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use wardroom_engine::{Active, CaseResult, rehearse_some};
use wardroom_facts::Library;
use wardroom_policy::{Cover, Declared, Missing, Program, Rule};

/// The id that a name stands for: itself, or the one that ends with it.
pub(super) fn named(program: &Program, what: &str) -> Option<Box<str>> {
    let declared = program.declared();
    let whole = declared.iter().find(|d| *d.id == *what);
    let ends = |d: &&Declared| d.id.rsplit_once('.').is_some_and(|(_, name)| name == what);
    let mut ending = declared.iter().filter(ends);
    let only = ending.next().filter(|_| ending.next().is_none());
    whole.or(only).map(|d| d.id.clone())
}

pub(super) fn run(active: &Arc<Active>, id: &str, args: &Explain) -> Result<ExitCode> {
    let said = about(active, id);
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&said)?)?;
    } else {
        say(&said, Paint::stdout(), &mut out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything there is to say of it, as JSON: people read the same.
fn about(active: &Arc<Active>, id: &str) -> Value {
    let program = &active.program;
    let Some(declared) = program.declared().iter().find(|d| *d.id == *id) else { return Value::Null };
    let mut said = json!({
        "id": declared.id, "what": declared.what, "file": declared.place.0, "line": declared.place.1,
        "text": declared.text,
        "reads": program.reads(id).into_iter().map(|d| beside(program, d)).collect::<Vec<_>>(),
        "read_by": program.readers(id).into_iter().map(|d| beside(program, d)).collect::<Vec<_>>(),
    });
    if let Some(number) = program.rules.iter().position(|r| *r.id == *id) {
        said["rule"] = rule(active, number);
    }
    if let Some(definition) = definition(program, id) {
        said["definition"] = definition.into();
    }
    if let Some(feature) = program.features.iter().find(|f| *f.id == *id) {
        said["window"] = json!(feature.window.map(|w| w.to_string()));
        said["type"] = feature.kind.name().into();
        said["including_self"] = feature.including_self.into();
    }
    if let Some(list) = program.lists.iter().find(|l| *l.id == *id) {
        said["type"] = list.kind.name().into();
        said["entries"] = list.entries.len().into();
        said["changes"] = list.changes.into();
    }
    said
}

/// What it counts or computes, in one line.
fn definition(program: &Program, id: &str) -> Option<String> {
    let feature = program.features.iter().find(|f| *f.id == *id).map(|f| f.text.to_string());
    let defined = || program.defined.iter().find(|d| *d.id == *id).map(|d| d.text.to_string());
    let list = || {
        let list = program.lists.iter().find(|l| *l.id == *id)?;
        Some(format!("{} of type {}", plural(list.entries.len(), "value"), list.kind))
    };
    feature.or_else(defined).or_else(list)
}

fn beside(program: &Program, declared: &Declared) -> Value {
    json!({
        "id": declared.id, "what": declared.what, "file": declared.place.0, "line": declared.place.1,
        "definition": definition(program, &declared.id),
    })
}

fn rule(active: &Arc<Active>, number: usize) -> Value {
    let program = &active.program;
    let rule = &program.rules[number];
    let costs = program.costs(number);
    let terms = rule.terms.iter().zip(&costs.terms);
    let plan = program.plan(rule.on);
    json!({
        "on": program.schema.get(rule.on).name,
        "doc": rule.doc,
        "terms": terms.map(|(t, cost)| json!({ "text": t.text, "cost": cost })).collect::<Vec<_>>(),
        "verdict": rule.verdict.map(|v| v.name()), "ask": rule.ask,
        "effects": rule.effects.iter().map(|e| &e.text).collect::<Vec<_>>(),
        "because": rule.reason,
        "mode": mode(rule), "missing": rule.missing.name(), "owner": rule.owner,
        "expires": rule.expires.map(|at| at.to_string()), "was": rule.was,
        "cost": rule.cost, "budget": plan.budget, "serving": plan.cost,
        "dearest": costs.dearest.map(|(text, cost)| json!({ "text": text, "cost": cost })),
        "tests": tests(active, number),
    })
}

fn mode(rule: &Rule) -> String {
    match rule.share {
        Some((share, _)) => format!("{} {}%", rule.mode.name(), f64::from(share) / 10_000.0),
        None => rule.mode.name().to_owned(),
    }
}

/// The tests that make it fire or are about it, and how much of it they reach.
fn tests(active: &Arc<Active>, number: usize) -> Value {
    let (results, cover): (Vec<CaseResult>, Cover) = rehearse_some(active, &Library::default(), |_| true);
    let id = &active.program.rules[number].id;
    let cases = &active.program.cases;
    let fires = |r: &CaseResult| r.fired.iter().any(|(rule, ..)| rule == id);
    let about = |r: &CaseResult| cases[r.case].id == *id || cases[r.case].expect.by == Some(number);
    let shown = results.iter().filter(|r| fires(r) || about(r)).map(|r| {
        let case = &cases[r.case];
        json!({
            "test": case.id, "title": case.title, "file": case.place.0, "line": case.place.1,
            "fires": fires(r), "passed": r.failure.is_none(),
        })
    });
    let covered = cover.covered.iter().find(|c| c.what == "rule" && c.id == *id);
    json!({ "run": shown.collect::<Vec<_>>(), "percent": covered.map(|c| c.percent().floor()) })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn say(said: &Value, paint: Paint, out: &mut impl Write) -> Result<()> {
    let place = format!("{}:{}", text(&said["file"]), said["line"]);
    let rule = &said["rule"];
    let on = if rule.is_null() { String::new() } else { format!(" on {}", text(&rule["on"])) };
    writeln!(out, "{}  {}{on}  {}", paint.bold(text(&said["id"])), text(&said["what"]), paint.dim(&place))?;
    if rule.is_null() {
        writeln!(out)?;
        text(&said["text"]).lines().try_for_each(|line| writeln!(out, "    {line}"))?;
        facts(said, out)?;
    } else {
        say_rule(rule, paint, out)?;
    }
    say_beside("reads", items(&said["reads"]), paint, out)?;
    say_beside("read by", items(&said["read_by"]), paint, out)?;
    if rule.is_null() { Ok(()) } else { say_tests(&rule["tests"], out) }
}

fn facts(said: &Value, out: &mut impl Write) -> Result<()> {
    let mut facts = Vec::new();
    facts.extend(said["type"].as_str().map(|kind| format!("of type {kind}")));
    facts.extend(said["window"].as_str().map(|window| format!("over {window}")));
    facts.extend(
        said["entries"]
            .as_u64()
            .map(|n| plural(usize::try_from(n).unwrap_or(0), "entry").replace("entrys", "entries")),
    );
    facts.extend((said["including_self"] == true).then(|| "the event in hand included".to_owned()));
    facts.extend((said["changes"] == true).then(|| "rules add to it".to_owned()));
    if facts.is_empty() { Ok(()) } else { Ok(writeln!(out, "\n{}", facts.join(", "))?) }
}

fn say_rule(rule: &Value, paint: Paint, out: &mut impl Write) -> Result<()> {
    for line in text(&rule["doc"]).lines() {
        writeln!(out, "  {}", paint.dim(line))?;
    }
    writeln!(out, "\nwhen all of these hold")?;
    items(&rule["terms"]).iter().try_for_each(|term| writeln!(out, "  {}", text(&term["text"])))?;
    writeln!(out, "then")?;
    if let Some(verdict) = rule["verdict"].as_str() {
        let ask = rule["ask"].as_str().map_or(String::new(), |ask| format!("(\"{ask}\")"));
        writeln!(out, "  {verdict}{ask}")?;
    }
    items(&rule["effects"]).iter().try_for_each(|effect| writeln!(out, "  {}", text(effect)))?;
    writeln!(out, "because\n  {}", text(&rule["because"]))?;
    let mut line = |name: &str, value: &str| writeln!(out, "{name:<9} {value}");
    line("mode", text(&rule["mode"]))?;
    let missing = match text(&rule["missing"]) {
        name if name == Missing::Holds.name() => "it fires",
        name if name == Missing::Review.name() => "a person decides",
        _ => "it does not fire",
    };
    line("unknown", missing)?;
    for name in ["owner", "expires", "was"] {
        rule[name].as_str().map_or(Ok(()), |value| line(name, value))?;
    }
    let dearest = match rule["dearest"]["text"].as_str() {
        Some(text) => format!("; the dearest of it is `{text}` with {}", rule["dearest"]["cost"]),
        None => String::new(),
    };
    line("cost", &format!("at most {}, in about nanoseconds{dearest}", rule["cost"]))?;
    line(
        "",
        &format!("serving an event of its type costs {}, of a budget of {}", rule["serving"], rule["budget"]),
    )?;
    Ok(())
}

fn say_beside(head: &str, all: &[Value], paint: Paint, out: &mut impl Write) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "{head}")?;
    let width = |d: &Value| text(&d["id"]).len() + text(&d["what"]).len();
    let widest = all.iter().map(width).max().unwrap_or(0);
    for one in all {
        let gap = widest - width(one);
        let definition = crate::terminal::fit(text(&one["definition"]), 120);
        let line =
            format!("  {} {}{:gap$}  {}", text(&one["what"]), text(&one["id"]), "", paint.dim(&definition));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn say_tests(tests: &Value, out: &mut impl Write) -> Result<()> {
    let percent = tests["percent"].as_f64().map_or(String::new(), |n| format!(", which reach {n} % of it"));
    let run = items(&tests["run"]);
    if run.is_empty() {
        writeln!(out, "tests\n  none is about it{percent}")?;
        return Ok(());
    }
    writeln!(out, "tests{percent}")?;
    for test in run {
        let fires = if test["fires"] == true { "fires" } else { "quiet" };
        let title = test["title"].as_str().map_or(String::new(), |t| format!("  {t}"));
        let failed = if test["passed"] == true { "" } else { "  FAILS" };
        writeln!(
            out,
            "  {fires}  {} ({}:{}){title}{failed}",
            text(&test["test"]),
            text(&test["file"]),
            test["line"]
        )?;
    }
    Ok(())
}
