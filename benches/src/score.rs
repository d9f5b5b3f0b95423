// SPDX-License-Identifier: Apache-2.0
//! Evidence that adds up to a score: twenty pieces for each event, served, summed up and compared.
//!
//! Two kinds of evidence: a choice between two weights, which the other engines can say too; and the logarithm of a
//! ratio between bounds, which they cannot.

use crate::harness::Harness;
use crate::peers::{Cel, Zen};
use crate::people::typed;
use crate::policy::flow;
use crate::table::Table;
use anyhow::{Result, anyhow, ensure};
use serde_json::{Map, Value as Json, json};
use std::fmt::Write as _;
use std::hint::black_box;
use wardroom_event::{Event, Schema};
use wardroom_policy::{Bundle, Verdict};

/// Pieces of evidence in a score.
const EVIDENCE: usize = 20;
/// What speaks for abuse before anything is known, in nats.
const PRIOR: f64 = -4.6;
/// From which score on a rule fires.
const LEAST: f64 = 4.5;

/// What a piece of evidence weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weigh {
    Choice,
    Ratio,
}

fn policy(weigh: Weigh) -> Bundle {
    let mut text = "event login:\n".to_owned();
    for n in 0..EVIDENCE {
        let _ = writeln!(text, "    f{n}: number");
    }
    for n in 0..EVIDENCE {
        let weight = match weigh {
            Weigh::Choice => format!("0.8 if f{n} > 3.5 else -0.2"),
            Weigh::Ratio => format!("log((f{n} + 0.5) / (f{} + 0.5)) capped -2 to 6", (n + 1) % EVIDENCE),
        };
        let _ = write!(
            text,
            "\nevidence e{n} on login:\n    weigh   {weight}\n    because \"f{n} is {{f{n}}}\"\n"
        );
    }
    let names: Vec<String> = (0..EVIDENCE).map(|n| format!("e{n}")).collect();
    let _ = write!(
        text,
        "\nscore risk on login = sum(prior({PRIOR}), {})\n\nrule high on login:\n    when    risk > {LEAST}\n    \
         then    block\n    because \"{{risk.top(3)}}\"\n",
        names.join(", ")
    );
    Bundle::single("score.ward", &text)
}

/// Values of an event in which the first so many pieces of evidence speak for abuse.
fn values(high: usize) -> [f64; EVIDENCE] {
    std::array::from_fn(|n| if n < high { 5.5 + n as f64 } else { 1.25 })
}

fn json(values: &[f64]) -> Map<String, Json> {
    values.iter().enumerate().map(|(n, v)| (format!("f{n}"), json!(v))).collect()
}

fn event(values: &[f64], schema: &std::sync::Arc<Schema>) -> Result<Event> {
    let mut json = json(values);
    json.extend([("type".to_owned(), json!("login")), ("id".to_owned(), json!("1"))]);
    typed(&Json::Object(json).to_string(), schema).map_err(|f| anyhow!("{f}"))
}

#[inline(never)]
fn by_hand(weigh: Weigh, f: &[f64; EVIDENCE]) -> bool {
    let one = |n: usize| match weigh {
        Weigh::Choice if f[n] > 3.5 => 0.8,
        Weigh::Choice => -0.2,
        Weigh::Ratio => ((f[n] + 0.5) / (f[(n + 1) % EVIDENCE] + 0.5)).ln().clamp(-2.0, 6.0),
    };
    PRIOR + (0..EVIDENCE).map(one).sum::<f64>() > LEAST
}

pub(crate) fn run(harness: &mut Harness) -> Result<()> {
    harness.table(
        Table::new(format!("A score of {EVIDENCE} pieces of evidence"), "event")
            .note("ours: each piece and the score served and kept for the record, then judged by one rule"),
    );
    for weigh in [Weigh::Choice, Weigh::Ratio] {
        one(harness, weigh)?;
    }
    Ok(())
}

fn one(harness: &mut Harness, weigh: Weigh) -> Result<()> {
    let words = match weigh {
        Weigh::Choice => "a choice of two weights",
        Weigh::Ratio => "logarithm of a ratio, capped",
    };
    let low = values(10);
    ensure!(!by_hand(weigh, &low), "by hand");
    harness.time(&format!("{words}: by hand"), || by_hand(weigh, black_box(&low)));
    let mut flow = flow(policy(weigh))?;
    let schema = flow.active().program.schema.clone();
    let quiet = event(&low, &schema)?;
    let step = flow.judge(&quiet);
    ensure!(step.judgement.verdict == Verdict::Allow && !step.judgement.fault, "{step:?}");
    ensure!(step.served.iter().all(|v| !v.is_missing()), "{:?}", step.served);
    harness.time(&format!("{words}: wardroom"), || flow.judge(black_box(&quiet)));
    if weigh == Weigh::Ratio {
        return Ok(());
    }
    let loud = event(&values(EVIDENCE), &schema)?;
    ensure!(by_hand(weigh, &values(EVIDENCE)), "by hand");
    ensure!(flow.judge(&loud).judgement.verdict == Verdict::Block, "the rule fires");
    harness.time(&format!("{words}: wardroom, fires and names three"), || flow.judge(black_box(&loud)));
    let terms: Vec<String> = (0..EVIDENCE).map(|n| format!("(f{n} > 3.5 ? 0.8 : -0.2)")).collect();
    let source = [format!("{PRIOR} + {} > {LEAST}", terms.join(" + "))];
    let given = Json::Object(json(&low));
    let cel = Cel::new(&source, &given)?;
    ensure!(cel.checked()? == 0, "cel");
    harness.time(&format!("{words}: cel 0.15, context ready"), || cel.holding());
    let mut zen = Zen::new(&source, &given)?;
    ensure!(zen.checked()? == 0, "zen");
    harness.time(&format!("{words}: zen-expression 2.1, context ready"), || zen.holding());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Pace;

    #[test]
    fn it_runs() {
        let mut harness = Harness::new(Pace::Quick);
        run(&mut harness).unwrap();
        assert_eq!(harness.tables[0].rows.len(), 7);
    }

    #[test]
    fn every_piece_weighs() {
        let verdict = |high: usize| {
            let mut flow = flow(policy(Weigh::Choice)).unwrap();
            let event = event(&values(high), &flow.active().program.schema.clone()).unwrap();
            (flow.judge(&event).judgement.verdict == Verdict::Block, by_hand(Weigh::Choice, &values(high)))
        };
        // 13 pieces of 0.8 and 7 of -0.2 over a prior of -4.6 are 4.4, 14 and 6 are 5.4.
        assert_eq!((verdict(13), verdict(14)), ((false, false), (true, true)));
    }
}
