// SPDX-License-Identifier: Apache-2.0
//! What a mail server asks becomes an event, and what is decided of it a judgement.
//!
//! Verdicts say what becomes of mail: `allow` delivers it, `limit` puts it off, `review` holds it, `block` refuses it, and
//! `challenge` marks it as what it asks for: `challenge("doubt")`, `challenge("spam")`, `challenge("phish")`.

use super::Door;
use crate::answer::Decided;
use crate::doors::judge;
use crate::limits;
use crate::problem::{CLOSING, Problem};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use wardroom_engine::Client;
use wardroom_event::Sight;
use wardroom_mail::door::{
    Answer, Case, Class, Drafted, Figures, Judgement, Learned, Lesson, Message, Question, Reason, Scored, Why,
};
use wardroom_mail::limits::Budget;
use wardroom_mail::read::{Reading, read};
use wardroom_policy::{Piece, Verdict};

impl Door {
    /// Answers a question, always, and in time.
    pub(super) async fn answer(&self, question: Question) -> Answer {
        let case = self.case();
        match question {
            Question::Message(message) => {
                Answer::Judged(self.settle(case, self.message(message, case)).await)
            }
            Question::Recipient(envelope) => {
                let drafted = Drafted::recipient(&envelope, &self.options.name, case);
                let asked = async { Ok(judgement(&self.decide("mail_rcpt", drafted).await?, case, None)) };
                Answer::Judged(self.settle(case, asked).await)
            }
            Question::Lesson(lesson) => Answer::Learned(self.lesson(lesson, case).await),
            Question::Figures => Answer::Figures(self.figures()),
        }
    }

    /// What is judged, or why it was not; counted and in the log.
    async fn settle(&self, case: Case, asked: impl Future<Output = Result<Judgement, Why>>) -> Judgement {
        let began = self.api.now();
        let judged = timeout(self.options.timeout, asked).await.unwrap_or(Err(Why::Late));
        let fail = self.options.fail;
        let mut judged = judged.unwrap_or_else(|why| Judgement::not_scanned(why, fail, case));
        judged.took = Duration::from_micros(u64::try_from(self.api.now().0 - began.0).unwrap_or(0));
        let (listener, class) = (&self.options.name, judged.class.name());
        match judged.missed() {
            Some(why) => {
                self.counts.not_scanned.fetch_add(1, Relaxed);
                tracing::warn!(%listener, %case, then = class, "mail was not scanned: {}", why.words());
            }
            None => {
                let at = Class::ALL.iter().position(|c| *c == judged.class).unwrap_or(0);
                self.counts.classes[at].fetch_add(1, Relaxed);
                tracing::info!(%listener, %case, class, took_us = judged.took.as_micros(), "mail");
            }
        }
        judged
    }

    async fn message(&self, message: Message, case: Case) -> Result<Judgement, Why> {
        let turn = self.turn().await?;
        let (name, scorer) = (self.options.name.clone(), self.options.scorer.clone());
        let made = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let reading = read(&message.bytes, &mut Budget::default());
            let scored = scorer.and_then(|scorer| scorer(&message.envelope, &reading));
            (Drafted::message(&message, &reading, scored.as_ref(), &name, case), scored)
        });
        let (drafted, scored) = made.await.map_err(|_| Why::Failed)?;
        Ok(judgement(&self.decide("mail", drafted).await?, case, scored))
    }

    /// Room for one message to be read. It goes with the reading, which nobody can cut short: what is late is read to its end.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, Why> {
        let turn = timeout(limits::MAIL_TURN, self.turns.clone().acquire_owned()).await;
        turn.map_err(|_| Why::Busy)?.map_err(|_| Why::Stopping)
    }

    async fn lesson(&self, lesson: Lesson, case: Case) -> Learned {
        if !self.options.teaches {
            return Learned::Forbidden;
        }
        let turn = match self.turn().await {
            Ok(turn) => turn,
            Err(why) => return Learned::Refused(why.words().to_owned()),
        };
        let name = self.options.name.clone();
        let made = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let reading: Reading = read(&lesson.message.bytes, &mut Budget::default());
            Drafted::lesson(&lesson, &reading, &name, case)
        });
        let Ok(drafted) = made.await else { return Learned::Refused(Why::Failed.words().to_owned()) };
        match timeout(self.options.timeout, self.decide("mail_feedback", drafted))
            .await
            .unwrap_or(Err(Why::Late))
        {
            Ok(_) => {
                self.counts.learned.fetch_add(1, Relaxed);
                Learned::Taken
            }
            Err(why) => Learned::Refused(why.words().to_owned()),
        }
    }

    /// Has an event decided.
    async fn decide(&self, kind: &str, mut drafted: Drafted) -> Result<Decided, Why> {
        let active = self.api.engine().active();
        let schema = &active.program.schema;
        let id = schema.id(kind).ok_or(Why::NoRules)?;
        drafted.keep(|name| schema.get(id).slot(name).is_some());
        // What is wrong is left out, once: what is wrong then is the policy's, which needs what mail does not have.
        if let Err(faults) = self.api.engine().intake_draft(drafted.draft(), self.api.now())
            && !drafted.without(&faults)
        {
            // Which fields, and not what is said of them: that quotes addresses.
            let fields: Vec<&str> = faults.list().iter().map(|fault| fault.pointer.as_str()).collect();
            tracing::warn!(listener = %self.options.name, ?fields, "the policy's `{kind}` is none that mail can be");
            return Err(Why::NoRules);
        }
        let judged =
            judge(&self.api, Client::LOCAL, drafted.draft()).await.map_err(|problem| self.why(&problem))?;
        judged.settled.decided().ok_or(Why::Failed)
    }

    fn why(&self, problem: &Problem) -> Why {
        self.api.metrics().refused(problem.kind());
        match problem.kind().status {
            _ if problem.kind().slug == CLOSING.slug => Why::Stopping,
            429 | 503 => Why::Busy,
            _ => Why::Failed,
        }
    }

    /// A case of its own for each question, which nobody can guess from another.
    fn case(&self) -> Case {
        let number = self.counts.cases.fetch_add(1, Relaxed).to_string();
        let now = self.api.now().0.to_string();
        let tags = wardroom_account::Tags::new(self.api.options().secret);
        let tag = tags.tag("mail.case", &[&self.options.name, &now, &number]);
        Case::of(u64::from_str_radix(&tag, 16).unwrap_or(0))
    }

    fn figures(&self) -> Figures {
        let counts = &self.counts;
        let up = (self.api.now().0 - counts.since.0) / 1_000_000;
        Figures {
            classes: std::array::from_fn(|at| counts.classes[at].load(Relaxed)),
            not_scanned: counts.not_scanned.load(Relaxed),
            learned: counts.learned.load(Relaxed),
            up_secs: u64::try_from(up).unwrap_or(0),
        }
    }
}

/// A decision in the words of mail.
fn judgement(decided: &Decided, case: Case, scored: Option<Scored>) -> Judgement {
    let class = class(decided.verdict(), decided.ask());
    let mut made = Judgement::new(class, case);
    let rules = decided.signals().iter().filter(|signal| signal.decides);
    made.reasons = rules
        .map(|signal| Reason {
            id: signal.rule.to_string(),
            // It is shown to whoever reads the message's headers, and that may be anybody.
            words: Piece::join(&signal.because, Sight::Masked),
            weight: None,
        })
        .collect();
    if class == Class::Reject
        && let Some(first) = made.reasons.first()
    {
        made.say = Some(format!("Refused as unwanted mail [{}]", first.id));
    }
    if let Some(scored) = scored {
        made.probability = Some(scored.spam);
        made.reasons.extend(scored.reasons);
    }
    made
}

/// What a verdict means for mail.
fn class(verdict: Verdict, ask: Option<&str>) -> Class {
    match (verdict, ask) {
        (Verdict::Allow, _) => Class::Inbox,
        (Verdict::Limit, _) => Class::Tempfail,
        (Verdict::Challenge, Some("spam")) => Class::Spam,
        (Verdict::Challenge, Some("phish")) => Class::Phish,
        (Verdict::Challenge, _) => Class::Doubt,
        (Verdict::Review, _) => Class::Hold,
        (Verdict::Block, _) => Class::Reject,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verdict_is_a_class() {
        let table = [
            (Verdict::Allow, None, Class::Inbox),
            (Verdict::Limit, None, Class::Tempfail),
            (Verdict::Challenge, Some("spam"), Class::Spam),
            (Verdict::Challenge, Some("phish"), Class::Phish),
            (Verdict::Challenge, Some("doubt"), Class::Doubt),
            (Verdict::Challenge, Some("second factor"), Class::Doubt),
            (Verdict::Challenge, None, Class::Doubt),
            (Verdict::Review, None, Class::Hold),
            (Verdict::Block, None, Class::Reject),
        ];
        for (verdict, ask, expect) in table {
            assert_eq!(class(verdict, ask), expect, "{verdict:?} {ask:?}");
        }
    }
}
