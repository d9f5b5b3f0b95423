// SPDX-License-Identifier: Apache-2.0
//! Jobs: acts on many events or entities, planned as a whole before any is done.
//!
//! A plan is on record before anything follows from it: its items in parts, then a head. What may be done with a job follows
//! from the steps on record, and each of its acts names its item. So where a job stands is a fold over the journal, and a
//! restart knows it from the last snapshot on: which items are done, and which are next.
//!
//! Items are done in order, each once, and undone in the opposite order, so that of two changes of one label the first is
//! undone last.

use super::record::{deed, put_deed, small, version};
use super::{ActError, Body, Deed, JobItem};
use crate::erase::Token;
use crate::limits;
use crate::record::{Hand, Input, Unreadable, many, put_i64, put_len, put_text, put_u64, scrub_job};
use std::collections::BTreeMap;
use wardroom_event::Micros;

const VERSION: u8 = 1;

/// What a job is to do, and why; its items are records of their own before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobHead {
    /// When it was planned.
    pub at: Micros,
    /// Who planned it.
    pub by: Box<str>,
    /// Whose word its acts are.
    pub source: Box<str>,
    /// What asking for it twice is known by; empty where it is not.
    pub key: Box<str>,
    /// What is to be done, as it was asked for.
    pub what: Box<str>,
    /// What the items were found by, as it was asked for.
    pub from: Box<str>,
    /// Why.
    pub reason: Box<str>,
    /// How many items it has.
    pub items: u32,
    /// The records of its parts, in order.
    pub parts: Vec<u64>,
    /// Whether somebody other than who planned it has to approve.
    pub second: bool,
}

/// A step of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody else approves.
    Approve,
    /// Its items are done from here on.
    Start,
    /// All of them were.
    Finish,
    /// No more are done; what was done stays.
    Stop,
    /// No more are done, and what was done is undone from here on, the last first.
    Undo,
    /// All of it was.
    Undone,
}

impl Step {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Step::Approve => "approve",
            Step::Start => "start",
            Step::Finish => "finish",
            Step::Stop => "stop",
            Step::Undo => "undo",
            Step::Undone => "undone",
        }
    }
}

/// A step, when and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobStep {
    /// The job.
    pub job: u64,
    /// Which step.
    pub step: Step,
    /// When.
    pub at: Micros,
    /// By whom; empty for what the program does by itself.
    pub by: Box<str>,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is done yet.
    Preview,
    /// Its items are being done.
    Running,
    /// All were done.
    Done,
    /// It was stopped; what was done stays.
    Stopped,
    /// What was done is being undone.
    Undoing,
    /// All that could be was undone.
    Undone,
}

impl Phase {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Preview => "preview",
            Phase::Running => "running",
            Phase::Done => "done",
            Phase::Stopped => "stopped",
            Phase::Undoing => "undoing",
            Phase::Undone => "undone",
        }
    }

    /// Whether something is being done.
    pub fn is_under_way(self) -> bool {
        matches!(self, Phase::Running | Phase::Undoing)
    }
}

/// How many items came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// They changed something, or something goes out.
    pub made: u32,
    /// All was as it was to be already.
    pub same: u32,
    /// They could not be done.
    pub refused: u32,
    /// They were undone, and all is what it was.
    pub restored: u32,
    /// They were undone, and something is not what it was.
    pub left: u32,
}

/// A job, as far as its records tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number: that of its head's record.
    pub id: u64,
    /// What it is.
    pub head: JobHead,
    /// Where it stands.
    pub phase: Phase,
    /// Who has it done, or undone: who planned it, started it, or asked for its undoing, whoever was last.
    pub by: Box<str>,
    /// Who approved it.
    pub approved: Option<Box<str>>,
    /// The item to be done next: those before it were.
    pub next: u32,
    /// While it is undone and after it: the items before this one are not undone yet.
    pub left: u32,
    /// How its items came out.
    pub tally: Tally,
    /// The records of the first and the last of its acts; both 0 where there are none.
    pub acts: (u64, u64),
    /// The newest step.
    pub stepped: Micros,
}

/// What is asked of a job's head before it is on record.
pub(crate) fn check(head: &JobHead) -> Result<(), ActError> {
    if head.items == 0 || head.items as usize > limits::JOB_ITEMS {
        return Err(ActError::Items { items: head.items as usize, most: limits::JOB_ITEMS });
    }
    let texts = [
        ("the name of who plans it", &head.by, limits::ACT_NAME_BYTES),
        ("whose word it is", &head.source, limits::ACT_NAME_BYTES),
        ("the key", &head.key, limits::ACT_NAME_BYTES),
        ("what is to be done", &head.what, limits::JOB_TEXT_BYTES),
        ("what items are found by", &head.from, limits::JOB_TEXT_BYTES),
        ("the reason", &head.reason, limits::JOB_TEXT_BYTES),
    ];
    texts.into_iter().try_for_each(|(what, text, most)| match text.len() {
        bytes if bytes > most => Err(ActError::TooLong { what, bytes, most }),
        _ => Ok(()),
    })
}

impl JobHead {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_i64(out, self.at.0);
        for text in [&self.by, &self.source, &self.key, &self.what, &self.from, &self.reason] {
            put_text(out, text);
        }
        put_u64(out, self.items.into());
        put_len(out, self.parts.len());
        self.parts.iter().for_each(|part| put_u64(out, *part));
        out.push(u8::from(self.second));
    }

    /// Reads the payload of a record of kind 12.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub fn decode(payload: &[u8]) -> Result<JobHead, String> {
        let mut input = Input::new(payload);
        let head = JobHead::read(&mut input)?;
        input.finish()?;
        Ok(head)
    }

    fn read(input: &mut Input<'_>) -> Result<JobHead, Unreadable> {
        version(input, "a job", VERSION)?;
        let at = Micros(input.i64()?);
        let mut text = || input.text().map(Box::<str>::from);
        let [by, source, key] = [text()?, text()?, text()?];
        let [what, from, reason] = [text()?, text()?, text()?];
        let items = small(input)?;
        let parts = many(input, Input::u64)?;
        let second = input.byte()? != 0;
        Ok(JobHead { at, by, source, key, what, from, reason, items, parts, second })
    }
}

impl JobStep {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_u64(out, self.job);
        out.push(match self.step {
            Step::Approve => 1,
            Step::Start => 2,
            Step::Finish => 3,
            Step::Stop => 4,
            Step::Undo => 5,
            Step::Undone => 6,
        });
        put_i64(out, self.at.0);
        put_text(out, &self.by);
    }

    /// Reads the payload of a record of kind 13.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub fn decode(payload: &[u8]) -> Result<JobStep, String> {
        let mut input = Input::new(payload);
        version(&mut input, "a step of a job", VERSION)?;
        let job = input.u64()?;
        let step = match input.byte()? {
            1 => Step::Approve,
            2 => Step::Start,
            3 => Step::Finish,
            4 => Step::Stop,
            5 => Step::Undo,
            6 => Step::Undone,
            byte => return Err(format!("an unknown step {byte}")),
        };
        let (at, by) = (Micros(input.i64()?), input.text()?.into());
        input.finish()?;
        Ok(JobStep { job, step, at, by })
    }
}

/// Items of a job, in order.
pub(crate) struct Part;

impl Part {
    /// Items as one record, however large: what a part becomes where its values are others.
    pub(crate) fn whole(items: &[Deed]) -> Vec<u8> {
        let mut part = vec![VERSION];
        put_len(&mut part, items.len());
        items.iter().for_each(|item| put_deed(&mut part, item));
        part
    }

    /// Items as records of kind 11, none of them larger than [`limits::JOB_PART_BYTES`] by more than an item.
    pub(crate) fn encode(items: &[Deed]) -> Vec<Vec<u8>> {
        let mut parts = Vec::new();
        let (mut count, mut bytes) = (0, Vec::new());
        let mut close = |count: &mut usize, bytes: &mut Vec<u8>| {
            let mut part = vec![VERSION];
            put_len(&mut part, std::mem::take(count));
            part.append(bytes);
            parts.push(part);
        };
        for item in items {
            put_deed(&mut bytes, item);
            count += 1;
            if bytes.len() >= limits::JOB_PART_BYTES {
                close(&mut count, &mut bytes);
            }
        }
        if count > 0 {
            close(&mut count, &mut bytes);
        }
        parts
    }
}

/// Reads the payload of a record of kind 11: items of a job.
///
/// # Errors
/// Why it cannot be read, in words.
pub fn items(payload: &[u8]) -> Result<Vec<Deed>, String> {
    let mut input = Input::new(payload);
    version(&mut input, "items of a job", VERSION)?;
    let items = many(&mut input, deed)?;
    input.finish()?;
    Ok(items)
}

impl Job {
    fn new(id: u64, head: JobHead) -> Job {
        Job {
            id,
            stepped: head.at,
            by: head.by.clone(),
            head,
            phase: Phase::Preview,
            approved: None,
            next: 0,
            left: 0,
            tally: Tally::default(),
            acts: (0, 0),
        }
    }

    /// Whether a step may be taken now.
    pub(crate) fn may(&self, step: &JobStep) -> Result<(), ActError> {
        let no = |state| Err(ActError::State { job: self.id, state });
        match (step.step, self.phase) {
            (Step::Approve, Phase::Preview) if !self.head.second => no("needs nobody's approval"),
            (Step::Approve, Phase::Preview) if *step.by == *self.head.by => {
                no("is approved by another than who planned it")
            }
            // Nobody can tell whether it is the same person.
            (Step::Approve, Phase::Preview) if Token::parse(&self.head.by).is_some() => {
                no("was planned by somebody who was erased since; plan it anew")
            }
            (Step::Approve, Phase::Preview) if self.approved.is_some() => no("is approved already"),
            (Step::Approve, Phase::Preview) => Ok(()),
            (Step::Start, Phase::Preview) if self.is_stale(step.at) => {
                no("was planned too long ago: its items may no longer be what was looked for; plan it anew")
            }
            (Step::Start, Phase::Preview) if self.head.second && self.approved.is_none() => {
                no("waits for a second person's approval")
            }
            (Step::Start, Phase::Preview) | (Step::Stop, Phase::Preview | Phase::Running) => Ok(()),
            (Step::Undo, Phase::Running | Phase::Done | Phase::Stopped) => Ok(()),
            (Step::Finish, Phase::Running) if self.next == self.head.items => Ok(()),
            (Step::Undone, Phase::Undoing) if self.left == 0 => Ok(()),
            (Step::Finish | Step::Undone, _) => no("has items that are not done"),
            (Step::Approve, _) => no("is no longer to be approved"),
            (Step::Start, _) => no("was started before"),
            (Step::Stop, _) => no("is not under way"),
            (Step::Undo, _) => no("has nothing to be undone"),
        }
    }

    /// Whether an item is the next in its turn; false where it was done before. One behind the next has to wait: where an
    /// item could neither be done nor refused, those that were handed over with it must not go past it.
    pub(crate) fn takes(&self, item: u32, is_undo: bool) -> Result<bool, ActError> {
        let no = |state| Err(ActError::State { job: self.id, state });
        match (self.phase, is_undo) {
            _ if item >= self.head.items => no("has no such item"),
            (Phase::Running, false) if item > self.next => no("has items before this one that are not done"),
            (Phase::Running, false) => Ok(item == self.next),
            (Phase::Undoing, true) if item + 1 < self.left => {
                no("has items behind this one that are not undone")
            }
            (Phase::Undoing, true) => Ok(item < self.left),
            _ => no("is not under way"),
        }
    }

    fn step(&mut self, step: &JobStep) {
        self.stepped = step.at;
        if matches!(step.step, Step::Start | Step::Undo) {
            self.by = step.by.clone();
        }
        match step.step {
            Step::Approve => self.approved = Some(step.by.clone()),
            Step::Start => self.phase = Phase::Running,
            Step::Finish => self.phase = Phase::Done,
            Step::Stop => self.phase = Phase::Stopped,
            Step::Undo => (self.phase, self.left) = (Phase::Undoing, self.next),
            Step::Undone => self.phase = Phase::Undone,
        }
    }

    fn act(&mut self, seq: u64, item: u32, outcome: Counted) {
        self.acts = (if self.acts.0 == 0 { seq } else { self.acts.0 }, seq);
        let tally = &mut self.tally;
        let count = match outcome {
            Counted::Made => &mut tally.made,
            Counted::Same => &mut tally.same,
            Counted::Refused if self.phase == Phase::Undoing => &mut tally.left,
            Counted::Refused => &mut tally.refused,
            Counted::Restored => &mut tally.restored,
            Counted::Left => &mut tally.left,
        };
        *count += 1;
        if self.phase == Phase::Undoing { self.left = item } else { self.next = item + 1 }
    }

    /// Whether its plan is too old to be begun.
    fn is_stale(&self, now: Micros) -> bool {
        now > self.head.at.plus(limits::JOB_PREVIEW)
    }

    /// Whether nothing can come of it any more by itself.
    fn is_over(&self, now: Micros) -> bool {
        match self.phase {
            Phase::Preview => self.is_stale(now),
            phase => !phase.is_under_way(),
        }
    }
}

/// How an item came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    Made,
    Same,
    Refused,
    Restored,
    Left,
}

impl Counted {
    pub(crate) fn of(body: &Body) -> Counted {
        match body {
            // What somebody says of an event changes nothing that rules see, and is said.
            Body::Made { deed, before, after } if before == after && deed.mark().is_some() => Counted::Same,
            Body::Made { .. } | Body::Sent(_) => Counted::Made,
            Body::Undone { left, .. } if left.is_empty() => Counted::Restored,
            Body::Undone { .. } => Counted::Left,
            Body::Refused(_) => Counted::Refused,
        }
    }
}

/// The jobs that are open, and the newest of the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Jobs {
    jobs: BTreeMap<u64, Job>,
}

impl Jobs {
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &Job> {
        self.jobs.values()
    }

    /// Puts other words into what is said of each; gives those that became others.
    pub(crate) fn scrub(&mut self, hand: &mut dyn Hand) -> Vec<u64> {
        self.jobs.values_mut().filter_map(|job| scrub_job(job, hand).then_some(job.id)).collect()
    }

    pub(crate) fn get(&self, id: u64) -> Result<&Job, ActError> {
        self.jobs.get(&id).ok_or(ActError::NoJob(id))
    }

    /// The newest job that the same person asked for by the same key.
    pub(crate) fn same(&self, head: &JobHead) -> Option<&Job> {
        let same = |job: &&Job| job.head.key == head.key && job.head.by == head.by;
        self.jobs.values().rev().find(same).filter(|_| !head.key.is_empty())
    }

    /// Whether there is a place for one more.
    pub(crate) fn has_room(&self, now: Micros) -> Result<(), ActError> {
        let open = self.jobs.values().filter(|job| !job.is_over(now)).count();
        if open >= limits::JOBS { Err(ActError::TooManyJobs(open)) } else { Ok(()) }
    }

    /// A job was planned. Of those that are over the oldest are let go of.
    pub(crate) fn begin(&mut self, seq: u64, head: JobHead) {
        let now = head.at;
        self.jobs.insert(seq, Job::new(seq, head));
        while self.jobs.len() > limits::JOBS {
            let over = self.jobs.values().find(|job| job.is_over(now)).map(|job| job.id);
            let Some(over) = over else { return };
            self.jobs.remove(&over);
        }
    }

    pub(crate) fn step(&mut self, step: &JobStep) {
        if let Some(job) = self.jobs.get_mut(&step.job) {
            job.step(step);
        }
    }

    pub(crate) fn act(&mut self, seq: u64, item: Option<JobItem>, outcome: Counted) {
        let Some(JobItem { job, item }) = item else { return };
        if let Some(job) = self.jobs.get_mut(&job) {
            job.act(seq, item, outcome);
        }
    }

    /// The first record that a job which is not over still needs.
    pub(crate) fn needs(&self, now: Micros) -> u64 {
        let open = self.jobs.values().filter(|job| !job.is_over(now));
        open.map(|job| job.head.parts.first().copied().unwrap_or(job.id)).min().unwrap_or(u64::MAX)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_len(out, self.jobs.len());
        for job in self.jobs.values() {
            put_u64(out, job.id);
            job.head.encode(out);
            out.push(job.phase as u8);
            put_text(out, &job.by);
            out.push(u8::from(job.approved.is_some()));
            put_text(out, job.approved.as_deref().unwrap_or_default());
            let Tally { made, same, refused, restored, left } = job.tally;
            for n in [job.next, job.left, made, same, refused, restored, left] {
                put_u64(out, n.into());
            }
            put_u64(out, job.acts.0);
            put_u64(out, job.acts.1);
            put_i64(out, job.stepped.0);
        }
    }

    pub(crate) fn decode(input: &mut Input<'_>) -> Result<Jobs, Unreadable> {
        const PHASES: [Phase; 6] =
            [Phase::Preview, Phase::Running, Phase::Done, Phase::Stopped, Phase::Undoing, Phase::Undone];
        let jobs = many(input, |i| {
            let (id, head) = (i.u64()?, JobHead::read(i)?);
            let phase = PHASES.get(usize::from(i.byte()?)).copied().ok_or("an unknown phase of a job")?;
            let by = i.text()?.into();
            let approved = i.byte()? != 0;
            let approved = Some(Box::<str>::from(i.text()?)).filter(|_| approved);
            let (next, undone) = (small(i)?, small(i)?);
            let [made, same, refused, restored, left] =
                [small(i)?, small(i)?, small(i)?, small(i)?, small(i)?];
            let tally = Tally { made, same, refused, restored, left };
            let (acts, stepped) = ((i.u64()?, i.u64()?), Micros(i.i64()?));
            Ok((id, Job { id, head, phase, by, approved, next, left: undone, tally, acts, stepped }))
        })?;
        Ok(Jobs { jobs: jobs.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::any_deed;
    use super::*;
    use proptest::prelude::*;
    use wardroom_event::Span;

    fn head(second: bool) -> JobHead {
        JobHead {
            at: Micros(5),
            by: "ann".into(),
            source: "key:ann".into(),
            key: "k".into(),
            what: "{}".into(),
            from: "login".into(),
            reason: "a wave".into(),
            items: 3,
            parts: vec![7, 8],
            second,
        }
    }

    fn step(job: u64, step: Step, by: &str) -> JobStep {
        JobStep { job, step, at: Micros(9), by: by.into() }
    }

    #[test]
    fn a_large_job_needs_another_person() {
        let mut jobs = Jobs::default();
        jobs.begin(9, head(true));
        let check = |jobs: &Jobs, of: Step, by: &str, expect: bool| {
            assert_eq!(jobs.get(9).unwrap().may(&step(9, of, by)).is_ok(), expect, "{of:?} by {by}");
        };
        check(&jobs, Step::Start, "ann", false);
        check(&jobs, Step::Approve, "ann", false);
        check(&jobs, Step::Approve, "bob", true);
        jobs.step(&step(9, Step::Approve, "bob"));
        check(&jobs, Step::Approve, "eve", false);
        check(&jobs, Step::Start, "ann", true);
        let late =
            JobStep { at: Micros(5).plus(limits::JOB_PREVIEW).plus(Span(1)), ..step(9, Step::Start, "ann") };
        assert!(jobs.get(9).unwrap().may(&late).is_err(), "what was found so long ago may be another");
        jobs.begin(10, head(false));
        assert!(jobs.get(10).unwrap().may(&step(10, Step::Approve, "bob")).is_err());
        assert!(jobs.get(10).unwrap().may(&step(10, Step::Start, "ann")).is_ok());
    }

    #[test]
    fn items_are_done_once_and_undone_backwards() {
        let mut jobs = Jobs::default();
        jobs.begin(9, head(false));
        let takes = |jobs: &Jobs, item, undo| jobs.get(9).unwrap().takes(item, undo);
        assert!(takes(&jobs, 0, false).is_err(), "it has not begun");
        jobs.step(&step(9, Step::Start, "ann"));
        let item = |item| Some(JobItem { job: 9, item });
        jobs.act(20, item(0), Counted::Made);
        jobs.act(21, item(1), Counted::Refused);
        assert_eq!((takes(&jobs, 1, false), takes(&jobs, 2, false)), (Ok(false), Ok(true)));
        assert!(takes(&jobs, 3, false).is_err() && takes(&jobs, 0, true).is_err());
        let running = Job { next: 1, ..jobs.get(9).unwrap().clone() };
        assert!(running.takes(2, false).is_err(), "the one before it is not done");
        assert!(jobs.get(9).unwrap().may(&step(9, Step::Finish, "")).is_err());
        jobs.step(&step(9, Step::Undo, "ann"));
        assert_eq!((takes(&jobs, 1, true), takes(&jobs, 2, true)), (Ok(true), Ok(false)));
        assert!(takes(&jobs, 0, true).is_err(), "the one behind it is not undone");
        jobs.act(30, item(1), Counted::Left);
        assert!(jobs.get(9).unwrap().may(&step(9, Step::Undone, "")).is_err());
        jobs.act(31, item(0), Counted::Restored);
        assert!(jobs.get(9).unwrap().may(&step(9, Step::Undone, "")).is_ok());
        let mut bytes = Vec::new();
        jobs.encode(&mut bytes);
        assert_eq!(Jobs::decode(&mut Input::new(&bytes)).unwrap(), jobs);
        let job = jobs.get(9).unwrap();
        assert_eq!((job.acts, job.next, job.left), ((20, 31), 2, 0));
        assert_eq!(job.tally, Tally { made: 1, refused: 1, left: 1, restored: 1, same: 0 });
        assert_eq!(jobs.needs(Micros(9)), 7);
        jobs.step(&step(9, Step::Undone, ""));
        assert_eq!(jobs.needs(Micros(9)), u64::MAX);
    }

    #[test]
    fn jobs_are_bounded_and_open_ones_stay() {
        let mut jobs = Jobs::default();
        for n in 0..limits::JOBS as u64 {
            assert_eq!(jobs.has_room(Micros(9)), Ok(()));
            jobs.begin(n + 1, head(false));
        }
        assert!(jobs.has_room(Micros(9)).is_err());
        jobs.step(&step(4, Step::Stop, "ann"));
        assert_eq!(jobs.has_room(Micros(9)), Ok(()));
        jobs.begin(1000, head(false));
        assert!(jobs.get(4).is_err() && jobs.get(1).is_ok() && jobs.all().count() == limits::JOBS);
        assert_eq!(jobs.same(&head(false)).map(|job| job.id), Some(1000));
        assert_eq!(jobs.same(&JobHead { by: "bob".into(), ..head(false) }), None);
    }

    proptest! {
        #[test]
        fn a_plan_comes_back(deeds in prop::collection::vec(any_deed(), 0..40), at in any::<i64>(), junk in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut read = Vec::new();
            for part in Part::encode(&deeds) {
                read.append(&mut items(&part).unwrap());
            }
            prop_assert_eq!(format!("{read:?}"), format!("{deeds:?}"));
            let head = JobHead { at: Micros(at), ..head(true) };
            let mut bytes = Vec::new();
            head.encode(&mut bytes);
            prop_assert_eq!(JobHead::decode(&bytes), Ok(head));
            for of in [Step::Approve, Step::Start, Step::Finish, Step::Stop, Step::Undo, Step::Undone] {
                let (step, mut bytes) = (step(7, of, "x"), Vec::new());
                step.encode(&mut bytes);
                prop_assert_eq!(JobStep::decode(&bytes), Ok(step));
            }
            let _ = (items(&junk), JobHead::decode(&junk), JobStep::decode(&junk));
        }
    }
}
