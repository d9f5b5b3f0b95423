// SPDX-License-Identifier: Apache-2.0
//! From the engine's outcomes to answers: the same for one event and for a line of a stream.
//!
//! Identifiers of people are masked in reasons. Who sent the event knows them, and who only knows its id and sends
//! that again must not learn them from the stored decision.

use crate::api::Api;
use crate::passage;
use crate::problem::{ONLY_RECORDED, Problem, ProblemBody};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use wardroom_account::Step;
use wardroom_account::limits::SLOW_DOWN_SECS;
use wardroom_engine::{EngineError, Outcome, Stored, StoredEffect, StoredSignal, Why, Work};
use wardroom_event::{EventId, Sight};
use wardroom_policy::{Piece, Verdict};

/// A journal number. Written as a string: JSON numbers of 64 bits do not survive every reader.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(value_type = String, example = "123")]
pub(crate) struct Seq(pub(crate) u64);

impl Serialize for Seq {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A verdict by its name.
#[derive(Clone, Copy, ToSchema)]
#[schema(as = Verdict, value_type = String, pattern = "^(allow|limit|challenge|review|block)$", example = "block")]
pub(crate) struct VerdictName(pub(crate) Verdict);

impl Serialize for VerdictName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

/// A rule that fired, with its reason.
#[derive(Serialize, ToSchema)]
#[schema(as = Signal)]
pub(crate) struct SignalBody<'a> {
    /// The rule's id.
    #[schema(example = "ssh.brute_force")]
    rule: &'a str,
    /// What it says.
    #[schema(value_type = VerdictName)]
    verdict: VerdictName,
    /// `live` when it had a say, `shadow` when it was only watched.
    #[schema(value_type = String, pattern = "^(live|shadow)$")]
    mode: &'static str,
    /// Its reason, in words.
    because: String,
    /// Its condition is unknown, and it says what that means.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    missing: bool,
    /// What follows beyond the answer, such as `label(203.0.113.0/24, "farm")`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    effects: Vec<String>,
}

fn is_false(b: &bool) -> bool {
    !b
}

/// Signals as they are shown, in the engine's order: deciding ones first, strongest first.
pub(crate) fn signals(signals: &[StoredSignal], sight: Sight) -> Vec<SignalBody<'_>> {
    let mut shown = Vec::with_capacity(signals.len());
    for signal in signals {
        shown.push(SignalBody {
            rule: &signal.rule,
            verdict: VerdictName(signal.verdict),
            mode: if signal.decides { "live" } else { "shadow" },
            because: Piece::join(&signal.because, sight),
            missing: signal.why == Why::Missing,
            effects: signal.effects.iter().map(|e| e.show(sight)).collect(),
        });
    }
    shown
}

/// What a judged event is answered with.
#[derive(Serialize, ToSchema)]
#[schema(as = Decision, example = json!({
    "decision": "123",
    "event_id": "7f1c",
    "verdict": "block",
    "ask": null,
    "policy": "5ae36b1c90fd",
    "signals": [{
        "rule": "ssh.brute_force",
        "verdict": "block",
        "mode": "live",
        "because": "30 failed logins from 203.0.113.7 in the last hour"
    }],
    "repeated": false
}))]
pub(crate) struct DecisionBody<'a> {
    /// The number of the input's line; in streams only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    line: Option<u64>,
    /// The decision's number, for `/v1/decisions/{id}`.
    #[schema(value_type = Seq)]
    decision: Seq,
    /// The event's id: the one sent, or the one it was given.
    event_id: &'a str,
    /// What to do with the event.
    #[schema(value_type = VerdictName)]
    verdict: VerdictName,
    /// What to ask the person for, with `challenge`.
    #[schema(example = "second factor")]
    ask: Option<&'a str>,
    /// The version of the policy that decided.
    policy: &'a str,
    /// Every rule that fired, deciding ones first, strongest first.
    #[schema(value_type = Vec<SignalBody>)]
    signals: Vec<SignalBody<'a>>,
    /// The same id came before; this is what was answered then.
    repeated: bool,
    /// What the verdict lacks: `judge` where that tripped over a fault of the server, `budget` where rules were not asked
    /// since judging would have cost more than the event type's budget.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    degraded: &'static [&'static str],
    /// What the product does now; at the doors for logins only.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    step: Option<StepBody<'a>>,
}

/// What a product does now, in its own words.
#[derive(Serialize, ToSchema)]
#[schema(as = Step, example = json!({"action": "step_up", "ask": "second factor"}))]
pub(crate) struct StepBody<'a> {
    /// Let them in, let them in and tell the owner, ask for something first, hold until somebody has looked, refuse, or go on
    /// as ever in a while.
    #[schema(value_type = String, pattern = "^(let_in|let_in_and_tell|step_up|hold|refuse|slow_down)$")]
    action: &'static str,
    /// With `step_up`: for what.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ask: Option<&'a str>,
    /// With `slow_down`: in how many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seconds: Option<u16>,
}

impl<'a> From<Step<'a>> for StepBody<'a> {
    fn from(step: Step<'a>) -> StepBody<'a> {
        let (ask, seconds) = match step {
            Step::StepUp { ask } => (Some(ask), None),
            Step::SlowDown { seconds } => (None, Some(seconds)),
            Step::LetIn | Step::LetInAndTell | Step::Hold | Step::Refuse => (None, None),
        };
        StepBody { action: step.name(), ask, seconds }
    }
}

/// What a recorded event is answered with.
#[derive(Serialize, ToSchema)]
#[schema(as = Record, example = json!({"record": "124", "event_id": "7f1d", "repeated": false}))]
pub(crate) struct RecordBody<'a> {
    /// The number of the input's line; in streams only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    line: Option<u64>,
    /// The record's number.
    #[schema(value_type = Seq)]
    record: Seq,
    /// The event's id: the one sent, or the one it was given.
    event_id: &'a str,
    /// The same id came before; this is the number it was given then.
    repeated: bool,
}

/// A line of a stream that could not be taken.
#[derive(Serialize, ToSchema)]
#[schema(as = LineProblem)]
pub(crate) struct LineProblem<'a> {
    /// The number of the input's line.
    line: u64,
    /// What is wrong with it.
    #[schema(value_type = ProblemBody)]
    problem: ProblemBody<'a>,
}

/// One line of a stream's answer.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = StreamAnswer)]
#[allow(dead_code, reason = "describes what is written piece by piece")]
pub(crate) enum StreamAnswer<'a> {
    /// With `mode=decide`.
    Decision(DecisionBody<'a>),
    /// With `mode=record`.
    Record(RecordBody<'a>),
    /// A line that was not taken.
    Problem(LineProblem<'a>),
}

/// An event's outcome with what answering it takes.
pub(crate) enum Settled {
    Decided { decided: Decided, repeated: bool },
    Recorded { seq: u64, repeated: bool },
}

pub(crate) struct Decided {
    seq: u64,
    policy: Arc<str>,
    verdict: Verdict,
    signals: Vec<StoredSignal>,
    fault: bool,
    skipped: u64,
}

impl Decided {
    /// What to do with the event.
    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What fired, deciding signals first, strongest first.
    pub(crate) fn signals(&self) -> &[StoredSignal] {
        &self.signals
    }

    /// What the caller should ask for: what the signal that gave the verdict says.
    pub(crate) fn ask(&self) -> Option<&str> {
        self.signals.first().filter(|s| s.decides)?.ask.as_deref()
    }

    /// What a product does with somebody who wants in.
    fn step(&self) -> Step<'_> {
        match self.verdict {
            Verdict::Allow if self.tells() => Step::LetInAndTell,
            Verdict::Allow => Step::LetIn,
            Verdict::Limit => Step::SlowDown { seconds: SLOW_DOWN_SECS },
            Verdict::Challenge => Step::StepUp { ask: self.ask().unwrap_or(ASK) },
            Verdict::Review => Step::Hold,
            Verdict::Block => Step::Refuse,
        }
    }

    /// Whether somebody is told of it.
    fn tells(&self) -> bool {
        let effects = self.signals.iter().filter(|s| s.decides).flat_map(|s| &s.effects);
        effects.into_iter().any(|e| matches!(e, StoredEffect::Notify(_) | StoredEffect::Webhook(_)))
    }
}

/// What is asked for where a challenge does not say.
const ASK: &str = "second factor";

impl Settled {
    /// In short, for log lines and traces.
    pub(crate) fn outline(&self, id: &EventId, event_type: Option<&str>) -> passage::Decided {
        let (seq, verdict, repeated) = match self {
            Settled::Decided { decided, repeated } => (decided.seq, Some(decided.verdict), *repeated),
            Settled::Recorded { seq, repeated } => (*seq, None, *repeated),
        };
        passage::Decided::new(seq, id, event_type, verdict, repeated)
    }

    /// What was decided; nothing where it was only recorded.
    pub(crate) fn decided(self) -> Option<Decided> {
        match self {
            Settled::Decided { decided, .. } => Some(decided),
            Settled::Recorded { .. } => None,
        }
    }

    /// The record's number.
    pub(crate) fn seq(&self) -> u64 {
        match self {
            Settled::Decided { decided, .. } => decided.seq,
            Settled::Recorded { seq, .. } => *seq,
        }
    }

    /// What a product does with somebody who wants in; nothing where it was only recorded.
    pub(crate) fn step(&self) -> Option<Step<'_>> {
        match self {
            Settled::Decided { decided, .. } => Some(decided.step()),
            Settled::Recorded { .. } => None,
        }
    }

    /// The answer as JSON.
    pub(crate) fn write(&self, line: Option<u64>, id: &EventId, out: &mut Vec<u8>) -> Result<(), Problem> {
        self.write_with(line, id, None, out)
    }

    /// As [`Settled::write`], with what to do.
    pub(crate) fn write_with(
        &self,
        line: Option<u64>,
        id: &EventId,
        step: Option<Step<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), Problem> {
        let written = match self {
            Settled::Decided { decided, repeated } => {
                let body = DecisionBody {
                    line,
                    decision: Seq(decided.seq),
                    event_id: &id.id,
                    verdict: VerdictName(decided.verdict),
                    ask: decided.ask(),
                    policy: &decided.policy,
                    signals: signals(&decided.signals, Sight::Masked),
                    repeated: *repeated,
                    degraded: degraded(decided.fault, decided.skipped),
                    step: step.map(StepBody::from),
                };
                serde_json::to_writer(out, &body)
            }
            Settled::Recorded { seq, repeated } => {
                let body = RecordBody { line, record: Seq(*seq), event_id: &id.id, repeated: *repeated };
                serde_json::to_writer(out, &body)
            }
        };
        written.map_err(|e| Problem::ours("write an answer", &e))
    }
}

/// What a verdict lacks.
pub(crate) fn degraded(fault: bool, skipped: u64) -> &'static [&'static str] {
    match (fault, skipped > 0) {
        (false, false) => &[],
        (true, false) => &["judge"],
        (false, true) => &["budget"],
        (true, true) => &["judge", "budget"],
    }
}

/// A problem as a line of a stream.
pub(crate) fn write_problem(line: u64, problem: &Problem, out: &mut Vec<u8>) {
    // Strings, numbers and ready JSON: writing them to memory cannot fail.
    let _ = serde_json::to_writer(out, &LineProblem { line, problem: problem.body() });
}

/// What to answer for each outcome; events that came before are looked up in the journal, away from the threads that
/// answer requests. `ids` are those of the events, in the same order.
pub(crate) async fn settle(
    api: &Api,
    work: Work,
    ids: &[&EventId],
    outcomes: Vec<Outcome>,
) -> Vec<Result<Settled, Problem>> {
    let asked = outcomes.iter().zip(ids).filter_map(|(o, id)| match o {
        Outcome::Repeated { seq } => Some((*seq, EventId::clone(id))),
        _ => None,
    });
    let asked: Vec<(u64, EventId)> = asked.collect();
    let mut before = if asked.is_empty() { Vec::new() } else { look_up(api, work, asked).await }.into_iter();
    let settle_one = |(outcome, id): (Outcome, &EventId)| match outcome {
        Outcome::Decided { seq, policy, verdict, signals, fault, skipped } => {
            api.metrics().signals(&signals);
            if fault {
                let (request, event_id) = (passage::id(), passage::printable(&id.id));
                tracing::error!(%request, decision = seq, event_id, "judging tripped over a fault of the server");
            }
            Ok(Settled::Decided {
                decided: Decided { seq, policy, verdict, signals, fault, skipped },
                repeated: false,
            })
        }
        Outcome::Recorded { seq } => Ok(Settled::Recorded { seq, repeated: false }),
        Outcome::Repeated { seq } => before.next().unwrap_or_else(|| {
            Err(Problem::ours("look up", &format_args!("record {seq} was not asked for")))
        }),
        Outcome::Refused(error) => Err(api.refused(error)),
    };
    outcomes.into_iter().zip(ids.iter().copied()).map(settle_one).collect()
}

/// What was answered when these ids came before.
async fn look_up(api: &Api, work: Work, asked: Vec<(u64, EventId)>) -> Vec<Result<Settled, Problem>> {
    let engine = api.engine().clone();
    let count = asked.len();
    let passage = passage::current();
    let read = tokio::task::spawn_blocking(move || {
        let read = || asked.iter().map(|(seq, id)| earlier(work, *seq, id, engine.decision(*seq))).collect();
        match &passage {
            Some(passage) => passage.sync_scope(read),
            None => read(),
        }
    });
    read.await.unwrap_or_else(|e| (0..count).map(|_| Err(Problem::ours("look up", &e))).collect())
}

fn earlier(
    work: Work,
    seq: u64,
    id: &EventId,
    found: Result<Option<Stored>, EngineError>,
) -> Result<Settled, Problem> {
    let stored = found?.ok_or_else(|| Problem::ours("look up", &format_args!("record {seq} is gone")))?;
    if stored.id != *id {
        return Err(Problem::ours("look up", &format_args!("record {seq} has another event's id")));
    }
    if work == Work::Record {
        return Ok(Settled::Recorded { seq, repeated: true });
    }
    let Some(judged) = stored.judged else {
        let detail = format!("record {seq} holds it; an event is judged when it first comes, or not at all");
        return Err(Problem::new(ONLY_RECORDED, detail));
    };
    let decided = Decided {
        seq,
        policy: stored.policy.into(),
        verdict: judged.verdict,
        signals: judged.signals,
        fault: judged.fault,
        skipped: judged.skipped,
    };
    Ok(Settled::Decided { decided, repeated: true })
}
