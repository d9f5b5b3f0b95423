// SPDX-License-Identifier: Apache-2.0
//! One decision as a support person reads it: what came of it and what is asked for, the rule's reason, and each sign in its own
//! sentence with what it weighs.
//!
//! The sentences are the engine's own: a shadow rule for each score says `{score.top()}` of every event, as a reason would.
//! It is put beside the policy only where words are asked for, since what it says would be kept with every decision.

use super::run::SCORES;
use serde::Serialize;
use wardroom_engine::{Active, Step};
use wardroom_event::{Event, Sight};
use wardroom_policy::{Bundle, Piece, Program};

/// Signs that are named.
const SIGNS: usize = 6;
/// Further rules that are named.
const ALSO: usize = 4;
/// What the rules that let scores speak are called, before the score's name.
const SPEAKS: &str = "signs_in_words_of_";
/// A sign is not worth its number below this: so many times as likely in an attack.
const TELLING: f64 = 1.5;

/// The policy with rules that let its scores speak.
pub(super) fn spoken(mut bundle: Bundle, program: &Program) -> Bundle {
    for (event, id) in SCORES {
        let kind = program.schema.id(event);
        let is_served = kind.is_some_and(|kind| program.plan(kind).serve.iter().any(|s| &*s.id == id));
        if let (true, Some((folder, score))) = (is_served, id.split_once('.')) {
            let text = format!(
                "rule {SPEAKS}{score} on {event}:\n    when    {score} is not missing\n    then    review\n    because \"{{{score}.top({SIGNS})}}\"\n    mode    shadow\n"
            );
            bundle.add(format!("{folder}/{SPEAKS}{score}.ward"), text);
        }
    }
    bundle
}

/// The words of a decision.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Words {
    /// It was asked for more or stopped.
    pub(super) stops: bool,
    event: String,
    account: String,
    time: String,
    verdict: &'static str,
    ask: Option<String>,
    /// The rule that decided, and its reason.
    rule: Option<String>,
    because: Option<String>,
    /// Other rules that had a say, with their reasons.
    also: Vec<(String, String)>,
    /// What speaks for abuse, strongest first.
    signs: Vec<Sign>,
}

/// One sign.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Sign {
    words: String,
    nats: f64,
}

impl Words {
    pub(super) fn of(active: &Active, event: &Event, step: &Step, stops: bool) -> Words {
        let program = &active.program;
        let id = |rule: usize| program.rules.get(rule).map_or_else(String::new, |rule| rule.id.to_string());
        let signals = &step.judgement.signals;
        let mut deciding = signals.iter().filter(|s| s.decides);
        let first = deciding.next();
        let fields = &event.schema.get(event.kind).fields;
        let account = fields.iter().zip(&event.values).find(|(field, _)| &*field.name == "account");
        let speaks = signals.iter().find(|s| id(s.rule).contains(SPEAKS));
        Words {
            stops,
            event: event.type_name().to_owned(),
            account: account.map_or_else(String::new, |(f, value)| value.show(f.kind, Sight::Full)),
            time: event.time.to_string(),
            verdict: step.judgement.verdict.name(),
            ask: first.and_then(|s| s.ask.as_deref()).map(str::to_owned),
            rule: first.map(|s| id(s.rule)),
            because: first.map(|s| Piece::join(&s.because, Sight::Full)),
            also: deciding.take(ALSO).map(|s| (id(s.rule), Piece::join(&s.because, Sight::Full))).collect(),
            signs: speaks.map_or_else(Vec::new, |s| signs(&s.because)),
        }
    }

    /// As lines of text.
    pub(super) fn lines(&self) -> Vec<String> {
        let ask = self.ask.as_ref().map_or(String::new(), |ask| format!(", asks for: {ask}"));
        let mut lines =
            vec![format!("{} of {}, {}: {}{ask}", self.event, self.account, self.time, self.verdict)];
        match (&self.rule, &self.because) {
            (Some(rule), Some(because)) => lines.push(format!("because {because} [{rule}]")),
            _ => lines.push("no rule had anything against it".to_owned()),
        }
        lines.extend(self.also.iter().map(|(rule, because)| format!("also: {because} [{rule}]")));
        if !self.signs.is_empty() {
            lines.push("signs, the strongest first".to_owned());
            lines.extend(self.signs.iter().map(|sign| format!("  - {}: {}", sign.words, weight(sign.nats))));
        }
        lines
    }
}

/// A reason made of signs, taken apart: each ends with its weight, `" (+1.2)"`, and `"; "` stands between two.
fn signs(pieces: &[Piece]) -> Vec<Sign> {
    let mut found = Vec::new();
    let mut begun = 0;
    for (at, piece) in pieces.iter().enumerate() {
        let Piece::Text(text) = piece else { continue };
        let nats = text.strip_prefix(" (+").and_then(|rest| rest.strip_suffix(')')?.parse().ok());
        if let Some(nats) = nats {
            found.push(Sign { words: Piece::join(&pieces[begun..at], Sight::Full), nats });
            begun = at + 1;
        } else if &**text == "; " && begun == at {
            begun = at + 1;
        }
    }
    found
}

/// A weight in plain words.
fn weight(nats: f64) -> String {
    let times = nats.exp();
    if times < TELLING {
        return "says little".to_owned();
    }
    let number = if times < 9.5 { format!("{times:.1}") } else { format!("{times:.0}") };
    format!("{} times as likely in an attack", number.trim_end_matches(".0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_taken_apart() {
        let text = |text: &str| Piece::Text(text.into());
        let pieces =
            [text("a (b); "), text("c"), text(" (+1.2)"), text("; "), text("short name"), text(" (+0.3)")];
        let expect = [("a (b); c", 1.2), ("short name", 0.3)];
        let found = signs(&pieces);
        assert_eq!(found.iter().map(|s| (&*s.words, s.nats)).collect::<Vec<_>>(), expect);
        assert!(signs(&[text("nothing in particular")]).is_empty());
    }

    #[test]
    fn weights_are_plain() {
        assert_eq!(weight(0.2), "says little");
        assert_eq!(weight(0.7), "2 times as likely in an attack");
        assert_eq!(weight(1.2), "3.3 times as likely in an attack");
        assert_eq!(weight(4.0), "55 times as likely in an attack");
    }

    #[test]
    fn the_shipped_scores_speak() {
        let bundle = crate::packs::shipped();
        let program = |bundle: Bundle| crate::command::test::ready(bundle).unwrap();
        let active = program(bundle.clone());
        let speaking = program(spoken(bundle, &active.program));
        let rules = speaking.program.rules.iter().filter(|rule| rule.id.contains(SPEAKS)).count();
        assert_eq!(rules, SCORES.len());
    }
}
