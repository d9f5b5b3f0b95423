// SPDX-License-Identifier: Apache-2.0
//! Snapshots: the state as files, so that a restart need not fold the whole journal.
//!
//! The sequencer hands out the state piece by piece between batches ([`pass`]), and a thread writes it ([`write`]) in a form
//! that shows every fault ([`format`], [`file`]). A snapshot is whole, or a *delta* of what was touched since the one before
//! it ([`chain`]). A restart takes the newest that is good ([`load`]) and folds the journal after its beginning; what that
//! gives is what folding the whole journal gives. What lies before two whole snapshots may go, if so configured
//! ([`retain`]).
//!
//! A snapshot is never needed: the journal is the truth, and nothing waits for one. So whatever fails here is logged,
//! counted and tried again later.
//!
//! Left out: snapshots from a forked process (a fork of a process with threads, and twice the memory under load), and
//! compression (the bottleneck of a restart is filling tables, not reading files).

mod chain;
mod figures;
mod file;
mod format;
mod load;
mod pass;
mod retain;
mod write;

pub(crate) use figures::Figures;
pub use figures::SnapshotStatus;
pub use load::Skipped;
pub(crate) use load::{Fits, Loaded, Stand, newest, policy_text};
pub(crate) use pass::Past;
pub use retain::Retention;

use self::chain::Grown;
use self::format::Header;
use self::pass::Pass;
use self::write::{Opening, Outlet, Place, Published};
use crate::active::Active;
use crate::flow::Flow;
use crate::limits;
use crate::record::Dictionary;
use crate::seen::Seen;
use siphasher::sip::SipHasher13;
use std::collections::VecDeque;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use wardroom_event::Micros;
use wardroom_journal::{Disk, Keyring, Lookup};
use wardroom_state::Secret;

/// The directory of snapshots in a data directory.
pub(crate) fn directory(data: &Path) -> PathBuf {
    data.join("snapshots")
}

/// After which record a snapshot of this name begins; none where it is not the name of one.
pub(crate) fn begins(name: &str) -> Option<u64> {
    format::parse_name(name).map(|(begin, _)| begin)
}

/// Where the older of two whole snapshots begins, if there are two.
pub(crate) fn older(disk: &dyn Disk, dir: &Path) -> std::io::Result<Option<u64>> {
    chain::older(disk, dir)
}

/// Gives what each section of a snapshot holds, decrypted, to `each`. Gives the file's length; or what is wrong with it.
pub(crate) fn each_section(
    disk: &dyn Disk,
    path: &Path,
    keys: &Keyring,
    each: &mut dyn FnMut(&[u8]),
) -> Result<u64, String> {
    let mut sections = file::Sections::open(disk, path, keys)?;
    while let Some((_, payload)) = sections.next()? {
        each(payload);
    }
    Ok(sections.read().bytes)
}

/// When snapshots are made: whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every {
    /// After so many bytes of the journal.
    pub bytes: u64,
    /// After so much time, if anything was recorded.
    pub time: Duration,
}

impl Default for Every {
    fn default() -> Every {
        Every { bytes: limits::SNAPSHOT_JOURNAL_BYTES, time: limits::SNAPSHOT_TIME }
    }
}

/// A snapshot that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record that had been counted when it began: a restart folds the journal after it.
    pub seq: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What the installation's secret makes of a fixed word, so that a snapshot is not used under another.
fn secret_mark(secret: Secret) -> u64 {
    let mut hasher = SipHasher13::new_with_key(&secret.0);
    hasher.write(b"wardroom snapshot");
    hasher.finish()
}

/// What a snapshot shows of the moment it begins in.
pub(crate) struct Moment<'a> {
    pub(crate) flow: &'a mut Flow,
    pub(crate) seen: &'a Seen,
    pub(crate) active: &'a Arc<Active>,
    pub(crate) dictionary: &'a Arc<Dictionary>,
    pub(crate) past: &'a Past,
    /// The last record: all of the state is as after it.
    pub(crate) seq: u64,
    /// When the newest event arrived.
    pub(crate) now: Micros,
    /// Bytes that the state takes, about.
    pub(crate) bytes: u64,
}

/// Who asked for a snapshot.
type Asked = oneshot::Sender<Result<Snapshot, String>>;

/// What the sequencer does about snapshots between two batches.
pub(crate) struct Snapshots {
    place: Place,
    secret: u64,
    every: Option<Every>,
    /// Whether there are no threads.
    by_hand: bool,
    /// Bytes that must stay free on the disk beside a snapshot: the journal's next segment.
    spare: u64,
    under_way: Option<UnderWay>,
    /// What is left of one that was given up: another is begun when it is over, for both have one place.
    leaving: Option<Outlet>,
    /// What the next one may add to; it is whole otherwise.
    chain: Option<Grown>,
    /// Bytes of the journal since the last one began.
    written: u64,
    /// When the last one began or failed.
    last: Instant,
    /// One could not be made: none is begun before this passes.
    resting: bool,
    asked: Vec<Asked>,
    /// Segments of the journal that may go: for each, the record after its last.
    cut: VecDeque<u64>,
    figures: Arc<Figures>,
}

struct UnderWay {
    pass: Pass,
    outlet: Outlet,
    is_whole: bool,
    began: Instant,
    now: Micros,
    pieces: u64,
    /// Whether all pieces have been taken.
    ended: bool,
    /// Whether it may be published: then it is, whatever comes.
    closed: bool,
    /// The state has become another since: the next one adds nothing to it.
    is_apart: bool,
}

/// How snapshots are made.
pub(crate) struct Setup {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) keys: Keyring,
    pub(crate) lookup: Lookup,
    pub(crate) secret: Secret,
    pub(crate) every: Option<Every>,
    pub(crate) retention: Retention,
    pub(crate) by_hand: bool,
    pub(crate) segment_bytes: u64,
}

impl Snapshots {
    /// Begins with what a restart has found: the journal was folded after `seq`, for so many bytes.
    pub(crate) fn new(
        setup: Setup,
        figures: Arc<Figures>,
        found: Option<(u64, Micros)>,
        folded: u64,
    ) -> Snapshots {
        // A kill left it; nobody will finish it.
        let _ = setup.disk.remove(&setup.dir.join(format::UNFINISHED));
        if let Some((seq, time)) = found {
            figures.seq.store(seq, Relaxed);
            figures.time.store(time.0, Relaxed);
        }
        Snapshots {
            place: Place {
                disk: setup.disk,
                dir: setup.dir,
                keys: setup.keys,
                lookup: setup.lookup,
                retention: setup.retention,
                verified: Arc::default(),
            },
            secret: secret_mark(setup.secret),
            every: setup.every,
            by_hand: setup.by_hand,
            spare: setup.segment_bytes,
            under_way: None,
            leaving: None,
            chain: None,
            written: folded,
            last: Instant::now(),
            resting: false,
            asked: Vec::new(),
            cut: VecDeque::new(),
            figures,
        }
    }

    /// The journal has grown by so many bytes.
    pub(crate) fn wrote(&mut self, bytes: u64) {
        self.written = self.written.saturating_add(bytes);
    }

    /// Somebody wants one: the next that is finished is theirs.
    pub(crate) fn ask(&mut self, asked: Asked) {
        self.asked.push(asked);
    }

    /// Whether one is to be begun now.
    pub(crate) fn is_due(&self) -> bool {
        if self.under_way.is_some() || self.leaving.is_some() {
            return false;
        }
        if !self.asked.is_empty() {
            return true;
        }
        let Some(every) = self.every.filter(|_| self.written > 0) else { return false };
        if self.resting && !self.by_hand && self.last.elapsed() < limits::SNAPSHOT_RETRY {
            return false;
        }
        // By hand there is no time, for two runs of one seed are the same.
        self.written >= every.bytes || (!self.by_hand && self.last.elapsed() >= every.time)
    }

    /// Whether one is worth its while at an orderly stop: it saves more than it costs.
    pub(crate) fn is_due_at_stop(&self, state_bytes: u64) -> bool {
        self.every.is_some()
            && self.written >= limits::SNAPSHOT_STOP_BYTES
            && state_bytes <= limits::SNAPSHOT_STOP_STATE
    }

    /// Begins one. Between two batches: all that was appended is committed and counted. `wake` gets the sequencer to look
    /// here again.
    pub(crate) fn begin(&mut self, moment: Moment<'_>, wake: impl Fn() + Send + 'static) {
        // At a stop it is waited for.
        self.leaving = None;
        let parent = self.chain.filter(|chain| chain.takes_another(moment.seq, moment.now));
        let is_whole = moment.flow.tables_mut().begin_pass(parent.is_none());
        let parent = parent.filter(|_| !is_whole);
        let header = Header {
            begin: moment.seq,
            time: moment.now,
            secret: self.secret,
            parent: parent.map(|chain| chain.last),
            seal: None,
        };
        let rest = pass::write_rest(moment.past, moment.flow, moment.seen);
        let after = parent.map(|chain| chain.last.begin);
        let (pass, tables) = Pass::begin(moment.flow, moment.seq, after);
        let opening = Opening {
            header,
            active: moment.active.clone(),
            dictionary: moment.dictionary.clone(),
            rest,
            tables,
            room: self.room(&moment, is_whole) + self.spare,
        };
        self.written = 0;
        self.last = Instant::now();
        let outlet = match Outlet::open(self.place.clone(), opening, self.by_hand, wake) {
            Ok(outlet) => outlet,
            Err(e) => {
                moment.flow.tables_mut().end_pass();
                return self.failed(&e.to_string());
            }
        };
        self.figures.under_way.store(true, Relaxed);
        self.under_way = Some(UnderWay {
            pass,
            outlet,
            is_whole: parent.is_none(),
            began: self.last,
            now: moment.now,
            pieces: 0,
            ended: false,
            closed: false,
            is_apart: false,
        });
    }

    /// Bytes that one may need: those of the state, or as many as what was recorded since the last may have changed.
    fn room(&self, moment: &Moment<'_>, is_whole: bool) -> u64 {
        let changed = self.written.saturating_mul(limits::SNAPSHOT_ROOM);
        if is_whole { moment.bytes } else { moment.bytes.min(changed) }
    }

    /// Whether a piece can be taken now.
    pub(crate) fn wants_piece(&self) -> bool {
        self.under_way.as_ref().is_some_and(|it| !it.ended && it.outlet.has_room())
    }

    /// Whether one is under way.
    pub(crate) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Takes pieces for a moment: the state is as after record `as_of`. True once all of them are taken: then the journal
    /// must be made durable and [`Snapshots::end`] called.
    pub(crate) fn step(&mut self, flow: &mut Flow, seen: &Seen, as_of: u64) -> bool {
        let Some(it) = self.under_way.as_mut().filter(|it| !it.ended) else { return false };
        let began = Instant::now();
        let mut before = Duration::ZERO;
        let mut taken = 0;
        // By hand there is no time, and what comes between two pieces is what is tried out.
        let most = if self.by_hand { limits::SNAPSHOT_PIECES_BY_HAND } else { limits::SNAPSHOT_PIECES };
        while (self.by_hand || before < limits::SNAPSHOT_SLICE) && taken < most && it.outlet.has_room() {
            let mut piece = it.outlet.buffer();
            let kind = it.pass.next(flow, seen, as_of, &mut piece);
            let now = began.elapsed();
            let micros = u64::try_from((now - before).as_micros()).unwrap_or(u64::MAX);
            self.figures.longest.fetch_max(micros, Relaxed);
            before = now;
            taken += usize::from(!self.by_hand || !piece.is_empty());
            let Some(kind) = kind else {
                it.ended = true;
                return true;
            };
            if !piece.is_empty() {
                it.pieces += 1;
                it.outlet.section(kind, piece);
            }
        }
        false
    }

    /// The journal is durable past all that was taken: it may be published.
    pub(crate) fn end(&mut self) {
        if let Some(it) = &mut self.under_way {
            it.outlet.end();
            it.closed = true;
        }
    }

    /// The state becomes another: the next one is whole. One under way that lacks pieces is given up, for those to come
    /// would not be of one state with those it has; one that has all of them is what was before, and goes on. Nothing here
    /// waits for the disk.
    pub(crate) fn abandon(&mut self, flow: &mut Flow) {
        self.chain = None;
        if let Some(it) = self.under_way.as_mut().filter(|it| it.closed) {
            it.is_apart = true;
            return flow.tables_mut().end_pass();
        }
        if let Some(it) = self.under_way.take() {
            flow.tables_mut().end_pass();
            self.leaving = it.outlet.give_up();
            self.figures.under_way.store(false, Relaxed);
            // As much was written as when it began: it is due again.
            self.written = u64::MAX;
        }
    }

    /// The journal can no longer be written, so there will be no more: gives up on the one under way, and tells those who
    /// wait for one.
    pub(crate) fn stop(&mut self, flow: &mut Flow, why: &str) {
        self.look(flow);
        self.abandon(flow);
        for asked in self.asked.drain(..) {
            let _ = asked.send(Err(why.to_owned()));
        }
    }

    /// Looks what became of the one under way.
    pub(crate) fn look(&mut self, flow: &mut Flow) {
        if self.leaving.as_ref().is_some_and(Outlet::is_over) {
            self.leaving = None;
        }
        let outcome = self.under_way.as_ref().and_then(|it| it.outlet.outcome());
        if let Some(outcome) = outcome {
            self.conclude(outcome, flow);
        }
    }

    /// Waits until the one under way is durable, or has failed.
    pub(crate) fn finish(&mut self, flow: &mut Flow) {
        if let Some(it) = &mut self.under_way {
            let outcome = it.outlet.wait();
            self.conclude(outcome, flow);
        }
    }

    fn conclude(&mut self, outcome: Result<Published, String>, flow: &mut Flow) {
        let Some(it) = self.under_way.take() else { return };
        self.figures.under_way.store(false, Relaxed);
        if !it.ended || it.is_apart || outcome.is_err() {
            flow.tables_mut().end_pass();
            self.chain = None;
        }
        match outcome {
            Ok(published) => self.published(&it, published),
            Err(why) => self.failed(&why),
        }
    }

    fn published(&mut self, it: &UnderWay, published: Published) {
        let Published { identity, bytes, cut } = published;
        self.resting = false;
        self.chain = match self.chain.filter(|_| !it.is_whole) {
            _ if it.is_apart => None,
            Some(grown) => Some(grown.with(identity, bytes)),
            None => Some(Grown::whole(identity, bytes, it.now)),
        };
        self.cut = cut.into();
        let took = it.began.elapsed();
        let figures = &self.figures;
        figures.made.fetch_add(1, Relaxed);
        figures.seq.store(identity.begin, Relaxed);
        figures.time.store(it.now.0, Relaxed);
        figures.bytes.store(bytes, Relaxed);
        figures.whole.store(it.is_whole, Relaxed);
        figures.micros.store(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
        figures.pieces.store(it.pieces, Relaxed);
        tracing::info!(seq = identity.begin, bytes, whole = it.is_whole, took = ?took, pieces = it.pieces, "snapshot");
        for asked in self.asked.drain(..) {
            let _ = asked.send(Ok(Snapshot { seq: identity.begin, bytes }));
        }
    }

    /// One could not be made.
    pub(crate) fn failed(&mut self, why: &str) {
        tracing::error!(error = %why, "no snapshot could be made: a restart will take longer; it is tried again later");
        self.figures.failures.fetch_add(1, Relaxed);
        self.resting = true;
        self.last = Instant::now();
        // It is as far behind as before.
        self.written = u64::MAX;
        self.chain = None;
        for asked in self.asked.drain(..) {
            let _ = asked.send(Err(why.to_owned()));
        }
    }

    /// Before which record the journal may be cut now: one segment goes at a time.
    pub(crate) fn take_cut(&mut self) -> Option<u64> {
        self.cut.pop_front()
    }

    /// Nothing is to be cut until after the next snapshot.
    pub(crate) fn drop_cut(&mut self) {
        self.cut.clear();
    }

    /// Whether there are pieces to be taken.
    pub(crate) fn goes_on(&self) -> bool {
        self.under_way.as_ref().is_some_and(|it| !it.ended)
    }

    pub(crate) fn figures(&self) -> &Figures {
        &self.figures
    }
}
