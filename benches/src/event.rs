// SPDX-License-Identifier: Apache-2.0
//! One event under 100 rules and 50 features: what the sequencer's thread spends on it, without intake and journal.
//!
//! Three policies with the same features and as many rules, because the answer depends on what the rules find: mostly
//! nothing, as on a quiet day; a rule's last term alone false, so that all is evaluated; everything, with its reasons.
//!
//! The other engines count nothing and serve nothing: they are given the figures, and evaluate the conditions of the
//! second policy. They have no points in time to subtract without parsing them, so those are numbers of seconds.

use crate::harness::Harness;
use crate::peers::{Cel, Zen};
use crate::people::{TYPES, events};
use crate::policy::flow;
use crate::table::Table;
use anyhow::{Result, anyhow, ensure};
use serde_json::{Map, Value as Json, json};
use std::fmt::Write as _;
use std::hint::black_box;
use wardroom_engine::judge;
use wardroom_event::{Event, Value};
use wardroom_policy::{Bundle, Row};

/// How many rules judge each event.
const RULES: usize = 100;
/// How many features each event is given and counted in.
const FEATURES: usize = 50;
/// What one event after another is read from, and thrown away with its batch.
const EVENTS: usize = 60_000;

/// What the rules find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Find {
    /// The first of three terms is hardly ever true.
    Little,
    /// Four of five terms are true; nothing fires.
    Nearly,
    /// Every rule fires, with a reason of two values.
    All,
}

/// The policy: [`FEATURES`] features on both event types, and [`RULES`] rules on each.
fn policy(find: Find) -> Bundle {
    let mut text = TYPES.to_owned();
    for number in 0..FEATURES {
        let key = ["account", "ip", "ip.net", "device", "(account, ip.net)"][number % 5];
        let window = ["1m", "10m", "1h", "6h", "1d", "7d", "30d"][number % 7];
        let what = match number % 10 {
            0..7 => "count([signup, login], ",
            7 | 8 => "distinct(account, of=[signup, login], ",
            _ => "first_seen([signup, login], ",
        };
        let _ = writeln!(text, "feature f{number} = {what}by={key}, last=\"{window}\")");
    }
    for (event, name) in [("signup", "s"), ("login", "l")] {
        for number in 0..RULES {
            let condition = condition(find, number);
            let (a, b) = (read(number), read(number + 13));
            let reason = format!("{{{a}}} and {{{b}}} from {{ip.net}}");
            let _ = write!(
                text,
                "\nrule {name}{number} on {event}:\n    when {condition}\n    then review\n    because \"{reason}\"\n"
            );
        }
    }
    Bundle::single("bench.ward", &text)
}

/// The feature that a rule reads: one that counts.
fn read(number: usize) -> String {
    let number = number % FEATURES;
    format!("f{}", if number % 10 == 9 { number - 1 } else { number })
}

fn condition(find: Find, number: usize) -> String {
    let (a, b, c) = (read(number), read(number + 13), read(number + 29));
    let seen = format!("f{}", number % 5 * 10 + 9);
    let since = format!("({seen} is missing or time - {seen} >= \"0s\")");
    match find {
        Find::Little => format!("{a} > 4000 and {b} > 3 and {since}"),
        Find::Nearly => {
            format!("{a} >= 0 and {b} >= 0 and {since} and device.startswith(\"dev-\") and {c} > 4000")
        }
        Find::All => {
            format!("{a} >= 0 and {b} >= 0 and {since} and device.startswith(\"dev-\") and {c} < 4000")
        }
    }
}

pub(crate) fn run(harness: &mut Harness) -> Result<()> {
    let count = harness.pace.scaled(EVENTS);
    let table =
        Table::new(format!("An event under {RULES} rules and {FEATURES} features, one thread"), "event")
            .note(format!("{count} different events, 5 a second by their own time; the second half measured"))
            .note("without intake, record and journal");
    harness.table(table);
    for find in [Find::Little, Find::Nearly, Find::All] {
        one_policy(harness, find, count)?;
    }
    others(harness)
}

/// The figures of an event, as the other engines are given them.
fn figures() -> Json {
    let feature = |n: usize| (format!("f{n}"), if n % 10 == 9 { json!(1_767_614_000) } else { json!(n % 7) });
    let mut all: Map<String, Json> = (0..FEATURES).map(feature).collect();
    all.extend([
        ("now".to_owned(), json!(1_767_614_400)),
        ("device".to_owned(), json!("dev-0123456789abcdef")),
    ]);
    Json::Object(all)
}

/// The conditions of [`Find::Nearly`] in other words.
fn conditions(and: &str, or: &str, starts: &str) -> Vec<String> {
    let one = |number: usize| {
        let (a, b, c) = (read(number), read(number + 13), read(number + 29));
        let seen = format!("f{}", number % 5 * 10 + 9);
        let since = format!("({seen} == 0 {or} now - {seen} >= 0)");
        format!("{a} >= 0 {and} {b} >= 0 {and} {since} {and} {starts} {and} {c} > 4000")
    };
    (0..RULES).map(one).collect()
}

/// Features' numbers and a first part, for each rule of [`Find::Nearly`].
struct ByHand(Vec<([usize; 4], &'static str)>);

impl ByHand {
    fn new() -> ByHand {
        let slot = |number: usize| {
            let number = number % FEATURES;
            if number % 10 == 9 { number - 1 } else { number }
        };
        let one = |n: usize| ([slot(n), slot(n + 13), n % 5 * 10 + 9, slot(n + 29)], "dev-");
        ByHand((0..RULES).map(one).collect())
    }

    /// How many rules hold.
    #[inline(never)]
    fn fired(&self, figures: &[Option<i64>], now: i64, device: &str) -> usize {
        let at_least = |slot: usize, least: i64| figures[slot].is_some_and(|n| n >= least);
        let holds = |([a, b, seen, c], start): &&([usize; 4], &str)| {
            at_least(*a, 0)
                && at_least(*b, 0)
                && figures[*seen].is_none_or(|seen| now - seen >= 0)
                && device.starts_with(start)
                && at_least(*c, 4001)
        };
        self.0.iter().filter(holds).count()
    }
}

fn others(harness: &mut Harness) -> Result<()> {
    let given = figures();
    let plain: Vec<Option<i64>> = (0..FEATURES).map(|n| given[format!("f{n}")].as_i64()).collect();
    let by_hand = ByHand::new();
    ensure!(by_hand.fired(&plain, 1_767_614_400, "dev-1") == 0, "by hand");
    harness.time("rules of 5 terms, last false: by hand, figures ready", || {
        by_hand.fired(black_box(&plain), 1_767_614_400, black_box("dev-0123456789abcdef"))
    });
    let cel = Cel::new(&conditions("&&", "||", "device.startsWith(\"dev-\")"), &given)?;
    ensure!(cel.checked()? == 0, "cel");
    harness.time("rules of 5 terms, last false: cel 0.15, figures ready", || cel.holding());
    let mut zen = Zen::new(&conditions("and", "or", "startsWith(device, \"dev-\")"), &given)?;
    ensure!(zen.checked()? == 0, "zen");
    harness.time("rules of 5 terms, last false: zen-expression 2.1, figures ready", || zen.holding());
    Ok(())
}

fn one_policy(harness: &mut Harness, find: Find, count: usize) -> Result<()> {
    let words = match find {
        Find::Little => "rules of 3 terms, first false",
        Find::Nearly => "rules of 5 terms, last false",
        Find::All => "rules of 5 terms, all fire",
    };
    let mut flow = flow(policy(find))?;
    let schema = flow.active().program.schema.clone();
    let events = events(count, &schema).map_err(|f| anyhow!("{f}"))?;
    for event in events.iter().take(100) {
        let plan = flow.active().program.plan(event.kind);
        ensure!(plan.rules.len() == RULES, "{} rules judge", plan.rules.len());
        ensure!(plan.count.len() == FEATURES, "{} features count", plan.count.len());
        ensure!(plan.serve.len() == FEATURES, "{} features are served", plan.serve.len());
    }
    harness.time_each(&format!("{words}: read, count, judge"), &events, |event| Ok(flow.judge(event)))?;
    // The last events again, with what they are served now: judging reads only the row.
    let rows: Vec<(&Event, Vec<Value>)> =
        events.iter().rev().take(1024).map(|event| (event, flow.judge(event).served)).collect();
    let active = flow.active().clone();
    let mut next = 0;
    harness.time(&format!("{words}: judge alone"), || {
        let (event, served) = &rows[next % rows.len()];
        next += 1;
        let row = Row::new(event, served, &*active);
        judge(&active.program, active.program.plan(event.kind), &row, None)
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Pace;

    #[test]
    fn the_policies_find_what_they_are_named_for() {
        let check = |find: Find, expect: usize| {
            let mut flow = flow(policy(find)).unwrap();
            let events = events(50, &flow.active().program.schema).unwrap();
            let signals: usize = events.iter().map(|e| flow.judge(e).judgement.signals.len()).sum();
            assert_eq!(signals, expect, "{find:?}");
        };
        check(Find::Little, 0);
        check(Find::Nearly, 0);
        // The engine keeps the strongest 64 signals of an event.
        check(Find::All, 50 * 64);
    }

    #[test]
    fn it_runs() {
        let mut harness = Harness::new(Pace::Quick);
        run(&mut harness).unwrap();
        assert_eq!(harness.tables[0].rows.len(), 9);
    }

    #[test]
    fn every_feature_is_served_and_counted() {
        for find in [Find::Little, Find::Nearly, Find::All] {
            let flow = flow(policy(find)).unwrap();
            let program = &flow.active().program;
            for (kind, _) in program.schema.iter() {
                let plan = program.plan(kind);
                assert_eq!((plan.serve.len(), plan.count.len()), (FEATURES, FEATURES), "{find:?}");
            }
        }
    }
}
