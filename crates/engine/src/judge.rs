// SPDX-License-Identifier: Apache-2.0
//! Judging: a pure function of the event, its served features and the policy.
//!
//! Rules are asked in the order written. Of those that decide, an `allow` goes first: it ends the matter whatever else
//! fired. Otherwise the strongest verdict wins, and of equals the rule written first.
//!
//! What a rule says goes into the journal with every event it fires on, so it is bounded here and not where it is
//! written: `limits` has the bytes.

use crate::decision::{Signal, Why};
use crate::limits;
use std::cmp::Reverse;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wardroom_event::Value;
use wardroom_policy::{Mode, Piece, Plan, Program, Row, Rule, Tri, Verdict};

/// What judging an event gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// Why: every rule that fired, deciding ones first, strongest first.
    pub signals: Vec<Signal>,
    /// Judging tripped over a fault of our own; the verdict is `allow` for want of another.
    pub fault: bool,
}

/// Judges one event. With `promote`, that rule decides whatever its mode: tests of a draft ask for it.
pub fn judge(program: &Program, plan: &Plan, row: &Row<'_>, promote: Option<usize>) -> Judgement {
    // One event's fault must not take the others down.
    match catch_unwind(AssertUnwindSafe(|| signals(program, plan, row, promote))) {
        Ok(signals) => Judgement { verdict: strongest(&signals), signals, fault: false },
        Err(_) => Judgement { verdict: Verdict::Allow, signals: Vec::new(), fault: true },
    }
}

fn signals(program: &Program, plan: &Plan, row: &Row<'_>, promote: Option<usize>) -> Vec<Signal> {
    let mut signals: Vec<Signal> = Vec::new();
    // A draft is in no plan: nothing runs it but the test that asks for it.
    let promoted = promote.filter(|n| asked_for(program, plan, row, *n));
    for number in plan.rules.iter().copied().chain(promoted) {
        let rule = &program.rules[number];
        let decides = rule.mode == Mode::Live || promote == Some(number);
        if !decides && rule.mode != Mode::Shadow {
            continue;
        }
        let (verdict, why) = match rule.holds(row) {
            Tri::False => continue,
            Tri::True => (rule.verdict, Why::Holds),
            Tri::Unknown => match rule.missing {
                Some(verdict) => (verdict, Why::Missing),
                None => continue,
            },
        };
        signals.push(Signal {
            rule: number,
            verdict,
            decides,
            why,
            ask: ask(rule, why),
            because: because(rule, row),
        });
    }
    signals
        .sort_by_key(|s| (!s.decides, s.decides && s.verdict != Verdict::Allow, Reverse(s.verdict), s.rule));
    signals.truncate(limits::SIGNALS);
    signals
}

/// Whether a promoted rule has to be asked beside those of the plan.
fn asked_for(program: &Program, plan: &Plan, row: &Row<'_>, number: usize) -> bool {
    program.rules.get(number).is_some_and(|rule| rule.on == row.event.kind) && !plan.rules.contains(&number)
}

fn ask(rule: &Rule, why: Why) -> Option<Box<str>> {
    if why == Why::Holds { rule.ask.as_deref().map(|ask| cut(ask, limits::ASK_BYTES)) } else { None }
}

/// The reason, bounded piece by piece and as a whole.
fn because(rule: &Rule, row: &Row<'_>) -> Vec<Piece> {
    let mut pieces = rule.because(row);
    pieces.truncate(limits::REASON_PIECES);
    let mut room = limits::REASON_BYTES;
    for piece in &mut pieces {
        let (text, most) = match piece {
            Piece::Text(text) => (text, room),
            Piece::Value(_, Value::Text(text)) => (text, room.min(limits::REASON_VALUE_BYTES)),
            Piece::Value(..) => continue,
        };
        if text.len() > most {
            *text = cut(text, most);
        }
        room = room.saturating_sub(text.len());
    }
    pieces
}

/// At most `most` bytes of a text, and a sign that there was more.
fn cut(text: &str, most: usize) -> Box<str> {
    if text.len() <= most {
        return text.into();
    }
    format!("{}…", &text[..text.floor_char_boundary(most)]).into()
}

/// The first of the sorted signals that decides gives the verdict.
fn strongest(signals: &[Signal]) -> Verdict {
    signals.first().filter(|s| s.decides).map_or(Verdict::Allow, |s| s.verdict)
}
