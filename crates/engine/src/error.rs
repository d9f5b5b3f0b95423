// SPDX-License-Identifier: Apache-2.0
//! The world's faults, as the engine meets them.

use crate::queue::Whose;
use std::path::PathBuf;
use wardroom_journal::JournalError;
use wardroom_report::{Diagnostic, Sources};

/// The engine could not be opened, or could not read what it wrote.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file of the data directory beside the journal.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The installation's secret is not what was written.
    #[error("{} does not hold 32 hex digits; remove it and a new one is made: counters are folded again from the journal", path.display())]
    Secret {
        /// Which file.
        path: PathBuf,
    },
    /// The keys that values are hashed under are not what was written.
    #[error("{} does not hold keys, each a number and 32 hex digits; restore it from a backup: with other keys nobody who was hashed is known again", path.display())]
    HashKeys {
        /// Which file.
        path: PathBuf,
    },
    /// There are as many keys as there may be.
    #[error("{} has as many keys as it may, {}", path.display(), crate::limits::HASH_KEYS)]
    ManyHashKeys {
        /// Which file.
        path: PathBuf,
    },
    /// What a restore left in the data directory is not what it writes.
    #[error("{} is not what `wardroom restore` wrote; restore the backup again", path.display())]
    Mark {
        /// Which file.
        path: PathBuf,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// A record that this version cannot read.
    #[error("journal record {seq} cannot be read: {why}")]
    Record {
        /// Its number.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The journal's beginning is gone, and no snapshot goes on where it begins now.
    #[error(
        "the journal begins with record {first}, and no snapshot holds what was counted before it; restore the data \
         directory from a backup, or start once with --rebuild, which counts what is left and loses the rest"
    )]
    PastGone {
        /// The first record there is.
        first: u64,
    },
    /// There is neither a policy in the journal nor one to begin with.
    #[error("there is no policy: the journal holds none and none was given")]
    NoPolicy,
    /// The policy last in force no longer compiles, and no other was given.
    #[error("policy {version}, last in force, cannot be put in force again ({why}); give one that can")]
    OldPolicy {
        /// Its version.
        version: String,
        /// Why not, in one line.
        why: String,
    },
    /// The policy given could not be put in force.
    #[error(transparent)]
    Policy(#[from] SwapError),
    /// The sequencer could not be started.
    #[error("cannot start the sequencer's thread: {0}")]
    Thread(std::io::Error),
}

/// An event was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Too much work waits already, for this client or in all. Nothing was recorded; come back.
    #[error("too much work is waiting; try again in {retry_after_secs} s")]
    Busy {
        /// Whose bound was met.
        whose: Whose,
        /// After how many seconds there will be room, as far as the pace of the last while tells: 1 to 30.
        retry_after_secs: u16,
    },
    /// The disk is full. Nothing was recorded; everything accepted before is safe.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The journal failed, or the engine tripped over a fault of its own, and has stopped. Whether this event was
    /// recorded is not known: send it again under the same id once the engine runs again.
    #[error("the journal failed, and the engine has stopped: {0}")]
    Failed(String),
    /// The policy changed while the event was on its way, and its type is not what it was.
    #[error("event type `{0}` changed while the event was on its way; send it again")]
    TypeChanged(String),
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    Closed,
}

/// A policy was not swapped in; the one before stays.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// The policy has errors.
    #[error("the policy has errors")]
    Policy {
        /// All there is to say about it.
        diagnostics: Vec<Diagnostic>,
        /// The texts it is said about.
        sources: Sources,
    },
    /// A list of it cannot be kept.
    #[error("list `{list}`: {why}")]
    List {
        /// Its id.
        list: String,
        /// Why not.
        why: String,
    },
    /// Its names do not fit into one record.
    #[error("the policy's names take {bytes} bytes; the most is 1 MiB")]
    TooLarge {
        /// How many they take.
        bytes: usize,
    },
    /// Events of one type would have larger records than the journal takes.
    #[error(
        "an event of type `{event}` could take {bytes} bytes in the journal, and the most is 1 MiB: let its rules read \
         fewer features"
    )]
    Record {
        /// The event type.
        event: String,
        /// How many bytes its largest record could have.
        bytes: usize,
    },
    /// It could not be recorded.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// A snapshot that was asked for was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It could not be written. Nothing else is hurt.
    #[error("no snapshot could be made: {0}")]
    Failed(String),
    /// The engine has stopped, or is about to.
    #[error(transparent)]
    Gone(#[from] SubmitError),
}
