// SPDX-License-Identifier: Apache-2.0
//! Records with other values in them: each value and each text that an outsider shaped is shown, and may become another.
//!
//! What is not shown is what Wardroom itself wrote: numbers, times, verdicts, names that a policy declares. Where nothing
//! becomes another there is no new payload, so that a record that says nothing of somebody stays as it is, to the byte.

mod acts;
mod forget;

pub use forget::Going;
pub(crate) use forget::forget;

use super::bytes::{Input, put_i64, put_len, put_text, put_u64};
use super::effect::{effect, put_effect};
use super::event::{ASKS, FOLLOWS, SKIPPED, policy_of, take_version};
use super::values::{kind_byte, put_kind_byte, put_value, value};
use super::{Change, Checkpoint, Dictionary, EffectRecord, Happened, Part, Unreadable, kind};
use crate::acts::{ActRecord, AgainRecord, Job, JobHead, JobStep, Part as JobPart, items};
use crate::decision::{StoredEffect, StoredSignal};
use wardroom_event::{Type, Value};
use wardroom_policy::Piece;

/// What is shown, and may give something else for it.
pub(crate) trait Hand {
    /// A value, of that type where it is known.
    fn value(&mut self, kind: Option<Type>, value: &Value) -> Option<Value>;
    /// A value of an event's own field, by its slot.
    fn field(&mut self, _slot: usize, kind: Option<Type>, value: &Value) -> Option<Value> {
        self.value(kind, value)
    }
    /// Words.
    fn text(&mut self, text: &str) -> Option<String>;
    /// What a sender calls an event, or itself: often a name with something before or behind it.
    fn id(&mut self, text: &str) -> Option<String>;
}

/// The payload that a record of this kind has once all that is in it went through `hand`; none where it stays as it is. Of
/// an event, also of one judged again, the dictionary is that of its policy; other kinds need none. A kind that is not known is not looked into.
pub(crate) fn scrub(
    of: u8,
    payload: &[u8],
    dictionary: Option<&Dictionary>,
    hand: &mut dyn Hand,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let mut pen = Pen { out: Vec::with_capacity(payload.len() + 64), changed: false, hand };
    let out = match of {
        kind::DECIDED | kind::RECORDED => {
            let dictionary = dictionary.ok_or("an event before any policy")?;
            pen.event(payload, of == kind::DECIDED, dictionary)?;
            pen.out
        }
        kind::CHANGE => {
            let mut change = Change::decode(payload)?;
            pen.effect(&mut change.effect);
            change.encode(&mut pen.out);
            pen.out
        }
        kind::EFFECT => {
            let mut record = EffectRecord::decode(payload)?;
            if let Happened::Dead(why) = &mut record.happened {
                pen.words(why);
            }
            record.encode()
        }
        kind::OUTBOX => {
            let mut checkpoint = Checkpoint::decode(payload)?;
            checkpoint.dead.iter_mut().for_each(|letter| pen.words(&mut letter.why));
            checkpoint.encode()
        }
        kind::POLICY_PART => {
            let mut part = Part::decode(payload)?;
            pen.words(&mut part.text);
            part.encode()
        }
        kind::ACT => {
            let mut act = ActRecord::decode(payload)?;
            pen.act(&mut act);
            act.encode(&mut pen.out);
            pen.out
        }
        kind::JOB_PART => {
            let mut items = items(payload)?;
            items.iter_mut().for_each(|item| pen.deed(item));
            JobPart::whole(&items)
        }
        kind::JOB => {
            let mut head = JobHead::decode(payload)?;
            pen.job(&mut head);
            head.encode(&mut pen.out);
            pen.out
        }
        kind::JOB_STEP => {
            let mut step = JobStep::decode(payload)?;
            pen.step(&mut step);
            step.encode(&mut pen.out);
            pen.out
        }
        kind::AGAIN => {
            let dictionary = dictionary.ok_or("a decision before any policy")?;
            let (mut again, decided) = AgainRecord::split(payload)?;
            pen.again(&mut again);
            again.encode(&mut pen.out);
            pen.event(decided, true, dictionary)?;
            pen.out
        }
        _ => return Ok(None),
    };
    Ok(pen.changed.then_some(out))
}

/// The policy that a record's names are to be read with; none where it needs none.
pub(crate) fn read_with(of: u8, payload: &[u8]) -> Result<Option<u64>, Unreadable> {
    match of {
        kind::DECIDED | kind::RECORDED => policy_of(payload).map(Some),
        kind::AGAIN => policy_of(AgainRecord::split(payload)?.1).map(Some),
        _ => Ok(None),
    }
}

/// A job with other texts in it; whether any became another.
pub(crate) fn scrub_job(job: &mut Job, hand: &mut dyn Hand) -> bool {
    let mut pen = Pen { out: Vec::new(), changed: false, hand };
    pen.job(&mut job.head);
    pen.words(&mut job.by);
    job.approved.as_mut().into_iter().for_each(|by| pen.words(by));
    pen.changed
}

/// A signal with other values in it; whether there are any.
pub(crate) fn scrub_signal(signal: &mut StoredSignal, hand: &mut dyn Hand) -> bool {
    let mut pen = Pen { out: Vec::new(), changed: false, hand };
    signal.ask.as_mut().into_iter().for_each(|ask| pen.words(ask));
    for piece in &mut signal.because {
        match piece {
            Piece::Text(text) => pen.words(text),
            Piece::Value(kind, value) => pen.shown(Some(*kind), value),
        }
    }
    signal.effects.iter_mut().for_each(|effect| pen.effect(effect));
    pen.changed
}

struct Pen<'a> {
    out: Vec<u8>,
    changed: bool,
    hand: &'a mut dyn Hand,
}

impl Pen<'_> {
    fn event(&mut self, payload: &[u8], judged: bool, dictionary: &Dictionary) -> Result<(), Unreadable> {
        let mut input = Input::new(payload);
        self.out.push(take_version(&mut input)?);
        put_u64(&mut self.out, input.u64()?);
        let number = input.u64()?;
        put_u64(&mut self.out, number);
        let number = usize::try_from(number).ok().filter(|n| *n < dictionary.schema.len());
        let number = number.ok_or("its policy has no such event type")?;
        let kind = wardroom_event::TypeId(u16::try_from(number).map_err(|_| "too many event types")?);
        self.id(&mut input)?;
        self.id(&mut input)?;
        put_i64(&mut self.out, input.i64()?);
        put_i64(&mut self.out, input.i64()?);
        for (slot, field) in dictionary.schema.get(kind).fields.iter().enumerate() {
            let mut value = value(&mut input)?;
            if let Some(other) = self.hand.field(slot, Some(field.kind), &value) {
                (value, self.changed) = (other, true);
            }
            put_value(&mut self.out, &value);
        }
        if judged {
            let served = dictionary.served.get(number).map_or(&[][..], Vec::as_slice);
            for feature in served {
                self.value(&mut input, dictionary.features.get(*feature).map(|(_, kind)| *kind))?;
            }
            self.judged(&mut input)?;
        }
        input.finish()
    }

    fn judged(&mut self, input: &mut Input<'_>) -> Result<(), Unreadable> {
        let (verdict, flags) = (input.byte()?, input.byte()?);
        self.out.extend([verdict, flags]);
        if flags & SKIPPED != 0 {
            put_u64(&mut self.out, input.u64()?);
        }
        let signals = input.len()?;
        put_len(&mut self.out, signals);
        (0..signals).try_for_each(|_| self.signal(input))
    }

    fn signal(&mut self, input: &mut Input<'_>) -> Result<(), Unreadable> {
        put_u64(&mut self.out, input.u64()?);
        let (verdict, flags) = (input.byte()?, input.byte()?);
        self.out.extend([verdict, flags]);
        if flags & ASKS != 0 {
            self.text(input)?;
        }
        let pieces = input.len()?;
        put_len(&mut self.out, pieces);
        for _ in 0..pieces {
            let tag = input.byte()?;
            self.out.push(tag);
            if tag == 0 {
                self.text(input)?;
            } else {
                let kind = kind_byte(input)?;
                put_kind_byte(&mut self.out, kind);
                self.value(input, Some(kind))?;
            }
        }
        if flags & FOLLOWS != 0 {
            let effects = input.len()?;
            put_len(&mut self.out, effects);
            for _ in 0..effects {
                let mut effect = effect(input)?;
                self.effect(&mut effect);
                put_effect(&mut self.out, &effect);
            }
        }
        Ok(())
    }

    fn value(&mut self, input: &mut Input<'_>, kind: Option<Type>) -> Result<(), Unreadable> {
        let mut value = value(input)?;
        self.shown(kind, &mut value);
        put_value(&mut self.out, &value);
        Ok(())
    }

    fn text(&mut self, input: &mut Input<'_>) -> Result<(), Unreadable> {
        let text = input.text()?;
        let other = self.hand.text(text);
        self.put(text, other);
        Ok(())
    }

    fn id(&mut self, input: &mut Input<'_>) -> Result<(), Unreadable> {
        let text = input.text()?;
        let other = self.hand.id(text);
        self.put(text, other);
        Ok(())
    }

    fn put(&mut self, text: &str, other: Option<String>) {
        self.changed |= other.is_some();
        put_text(&mut self.out, other.as_deref().unwrap_or(text));
    }

    fn words(&mut self, text: &mut Box<str>) {
        if let Some(other) = self.hand.text(text) {
            (*text, self.changed) = (other.into(), true);
        }
    }

    fn shown(&mut self, kind: Option<Type>, value: &mut Value) {
        if let Some(other) = self.hand.value(kind, value) {
            (*value, self.changed) = (other, true);
        }
    }

    fn effect(&mut self, effect: &mut StoredEffect) {
        match effect {
            StoredEffect::Label { kind, value, .. } | StoredEffect::List { kind, value, .. } => {
                self.shown(Some(*kind), value);
            }
            StoredEffect::Case(_) | StoredEffect::Notify(_) | StoredEffect::Webhook(_) => {}
        }
    }
}
