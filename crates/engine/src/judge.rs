// SPDX-License-Identifier: Apache-2.0
//! Judging: a pure function of the event, its served features and the policy.
//!
//! Only rules whose guard holds are asked, in the order written. Of those that decide, an `allow` goes first: it ends the
//! matter whatever else fired. Otherwise the strongest verdict wins; of equals the one that asks for the strongest proof, and
//! of those the rule written first. So what is asked for does not hang on how files are called.
//!
//! An event type has a budget of static cost. Where the rules to be asked would go beyond it, those that matter least are
//! left out, and the judgement says how many: shadows first, then the weakest verdicts, of equals the dearest.
//!
//! What a rule says goes into the journal with every event it fires on, so it is bounded here and not where it is
//! written: `limits` has the bytes.

use crate::decision::{Signal, StoredEffect, Why};
use crate::limits;
use std::cmp::Reverse;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wardroom_event::Value;
use wardroom_policy::{Deed, Effect, Missing, Mode, Piece, Plan, Program, Row, Rule, Tri, Verdict};

/// What judging an event gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// Why: every rule that fired, deciding ones first, strongest first.
    pub signals: Vec<Signal>,
    /// Judging tripped over a fault of our own; the verdict is `allow` for want of another.
    pub fault: bool,
    /// How many rules were not asked, for want of budget.
    pub skipped: u64,
}

/// Judges one event. With `promote`, that rule decides whatever its mode: tests of a draft ask for it.
pub fn judge(program: &Program, plan: &Plan, row: &Row<'_>, promote: Option<usize>) -> Judgement {
    // One event's fault must not take the others down.
    match catch_unwind(AssertUnwindSafe(|| signals(program, plan, row, promote))) {
        Ok((signals, skipped)) => Judgement { verdict: strongest(&signals), signals, fault: false, skipped },
        Err(_) => Judgement { verdict: Verdict::Allow, signals: Vec::new(), fault: true, skipped: 0 },
    }
}

fn signals(program: &Program, plan: &Plan, row: &Row<'_>, promote: Option<usize>) -> (Vec<Signal>, u64) {
    let mut asked = Vec::new();
    plan.candidates(row, &mut asked);
    let skipped = within_budget(program, plan.budget.saturating_sub(plan.cost), &mut asked);
    // A draft is in no plan: nothing runs it but the test that asks for it.
    asked.extend(promote.filter(|n| !asked.contains(n) && asked_for(program, row, *n)));
    let mut signals: Vec<Signal> =
        asked.into_iter().filter_map(|number| signal(program, row, number, promote)).collect();
    signals.sort_by_key(|s| {
        let strength = (Reverse(s.verdict), Reverse(strength(s.ask.as_deref())));
        (!s.decides, s.decides && s.verdict != Verdict::Allow, strength, s.rule)
    });
    signals.truncate(limits::SIGNALS);
    let mut room = limits::EFFECTS;
    for signal in &mut signals {
        signal.effects.truncate(room);
        room -= signal.effects.len();
    }
    (signals, skipped)
}

/// What one rule has to say, if it fires.
fn signal(program: &Program, row: &Row<'_>, number: usize, promote: Option<usize>) -> Option<Signal> {
    let rule = program.rules.get(number)?;
    let promoted = promote == Some(number);
    if !(promoted || rule.mode.runs() && rule.is_valid(row.event.counted_at())) {
        return None;
    }
    let (verdict, why) = match rule.holds(row) {
        Tri::False => return None,
        Tri::True => (rule.verdict, Why::Holds),
        Tri::Unknown => match rule.missing {
            Missing::Nothing => return None,
            Missing::Holds => (rule.verdict, Why::Missing),
            Missing::Review => (Some(Verdict::Review), Why::Missing),
        },
    };
    let decides = promoted || rule.decides(row);
    // Where a person is to decide, nothing follows yet.
    let follows = decides && (why == Why::Holds || rule.missing == Missing::Holds);
    let effects = if follows { effects(program, rule, row) } else { Vec::new() };
    Some(Signal {
        rule: number,
        // A rule without a verdict has effects, and no say in the answer.
        verdict: verdict.unwrap_or(Verdict::Allow),
        decides: decides && verdict.is_some(),
        why,
        ask: ask(rule, why),
        because: because(rule, row),
        effects,
    })
}

/// Leaves out the rules that matter least until the rest costs no more than the budget; gives how many went.
fn within_budget(program: &Program, budget: u64, asked: &mut Vec<usize>) -> u64 {
    let cost = |n: &usize| u64::from(program.rules[*n].cost);
    let mut sum: u64 = asked.iter().map(cost).sum();
    if sum <= budget {
        return 0;
    }
    let weight = |n: &usize| {
        let rule = &program.rules[*n];
        (
            rule.mode != Mode::Shadow,
            rule.verdict == Some(Verdict::Allow),
            rule.verdict,
            Reverse(rule.cost),
            Reverse(*n),
        )
    };
    let mut by_weight = asked.clone();
    by_weight.sort_by_key(weight);
    let mut gone = Vec::new();
    for number in by_weight {
        if sum <= budget {
            break;
        }
        sum -= cost(&number);
        gone.push(number);
    }
    gone.sort_unstable();
    asked.retain(|n| gone.binary_search(n).is_err());
    gone.len() as u64
}

/// What follows beyond the answer. An effect on what is not known is none.
fn effects(program: &Program, rule: &Rule, row: &Row<'_>) -> Vec<StoredEffect> {
    rule.effects.iter().filter_map(|effect| follows(program, effect, row)).collect()
}

fn follows(program: &Program, effect: &Effect, row: &Row<'_>) -> Option<StoredEffect> {
    let at = row.event.counted_at();
    let known = |value: Value| (!value.is_missing()).then_some(value);
    Some(match &effect.what {
        Deed::Label { of, kind, name, lasts } => StoredEffect::Label {
            kind: *kind,
            value: known(of.of(row.event))?,
            name: name.clone(),
            until: lasts.map(|span| at.plus(span)),
        },
        Deed::List { of, kind, list, lasts } => StoredEffect::List {
            list: program.lists.get(list.0)?.id.clone(),
            kind: *kind,
            value: known(of.of(row.event))?,
            until: lasts.map(|span| at.plus(span)),
        },
        Deed::Case(queue) => StoredEffect::Case(queue.clone()),
        Deed::Notify(whom) => StoredEffect::Notify(whom.clone()),
        Deed::Webhook(hook) => StoredEffect::Webhook(hook.clone()),
    })
}

/// Whether a promoted rule is about this event.
fn asked_for(program: &Program, row: &Row<'_>, number: usize) -> bool {
    program.rules.get(number).is_some_and(|rule| rule.on == row.event.kind)
}

fn ask(rule: &Rule, why: Why) -> Option<Box<str>> {
    if why == Why::Holds { rule.ask.as_deref().map(|ask| cut(ask, limits::ASK_BYTES)) } else { None }
}

/// How much what is asked for proves: the words that the book names, from the strongest on; any other words; and none.
fn strength(ask: Option<&str>) -> usize {
    const WEAKEST_FIRST: [&str; 5] =
        ["captcha", "email link", "second factor", "app password", "security key"];
    const OTHERS: usize = 1;
    let known = |ask: &str| WEAKEST_FIRST.iter().position(|known| *known == ask);
    ask.map_or(0, |ask| known(ask).map_or(OTHERS, |place| OTHERS + 1 + place))
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
