// SPDX-License-Identifier: Apache-2.0
//! What the world can do to a journal: one error type whose messages say what, where and what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::format::{FORMAT_PLAIN, FORMAT_SEALED};
use crate::seal::SealError;

/// A fault of the disk, of another process, or of the bytes found on disk; or a call out of order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// An operation of the file system failed. From a commit or a sync it also poisons the writer.
    #[error("could not {doing} `{}`: {source}", path.display())]
    Io {
        /// The operation, as a verb phrase that the path completes.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// No room for the next segment: disk, quota or file-size limit. Nothing was written and the journal stays
    /// usable; a later reserve succeeds once there is room.
    #[error(
        "no room for {wanted} bytes at `{}`: {source}; free space or raise the quota, then try again: nothing was lost",
        path.display()
    )]
    Full {
        /// The segment that could not be allocated.
        path: PathBuf,
        /// Its size in bytes.
        wanted: u64,
        /// What the system said.
        source: io::Error,
    },

    /// Another writer has the journal open.
    #[error(
        "the journal is in use{}: `{}` is locked; stop that process, or use another data directory",
        by(*pid), path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that holds it, when the lock file says so.
        pid: Option<u32>,
    },

    /// A segment was written by an incompatible format. It has not been touched.
    #[error(
        "`{}` has journal format {found}, and this program reads formats {FORMAT_PLAIN} and {FORMAT_SEALED}; use the \
         version that wrote it",
        path.display()
    )]
    Version {
        /// The segment.
        path: PathBuf,
        /// Its major version.
        found: u16,
    },

    /// A segment is encrypted with a key that was not given, or the system gives no randomness to encrypt one. Nothing
    /// is damaged and nothing was changed.
    #[error("cannot {doing} `{}`: {source}; nothing was changed", path.display())]
    Seal {
        /// The operation, as a verb phrase that the path completes.
        doing: &'static str,
        /// The segment.
        path: PathBuf,
        /// What is missing.
        source: SealError,
    },

    /// Acknowledged records are damaged or missing. Nothing was changed on disk.
    #[error(
        "journal segment `{}` is damaged at byte {offset}, where record {seq} belongs: {damage}; nothing was changed: \
         check the disk, and restore this file from a copy",
        segment.display()
    )]
    Corrupt {
        /// The segment file.
        segment: PathBuf,
        /// Byte offset in that file.
        offset: u64,
        /// The record expected there.
        seq: u64,
        /// What is wrong.
        damage: Damage,
    },

    /// A payload, prologue, batch or segment beyond its named limit (see [`limits`](crate::limits)).
    #[error("{what} of {bytes} bytes is larger than the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },

    /// An append without room reserved for it. Nothing was written; reserve first.
    #[error("a frame of {needed} bytes was appended with {reserved} bytes reserved; call `reserve` first")]
    NotReserved {
        /// Bytes the frame takes, see [`frame_bytes`](crate::frame_bytes).
        needed: u64,
        /// Bytes still reserved.
        reserved: u64,
    },

    /// A rotation was needed while frames waited for their commit. Commit or abandon them first.
    #[error("{frames} appended frames wait for a commit; commit or abandon them before a new segment begins")]
    Uncommitted {
        /// How many frames wait.
        frames: u64,
    },

    /// An earlier write or sync failed, so what is on disk is unknown until the journal is opened anew.
    #[error("the journal in `{}` stopped after a failure ({reason}); open it again", path.display())]
    Poisoned {
        /// The journal's directory.
        path: PathBuf,
        /// The first failure, in words.
        reason: String,
    },

    /// The record asked for lies before the first segment kept.
    #[error("record {seq} is no longer in the journal, which begins at record {first}")]
    Gone {
        /// The record asked for.
        seq: u64,
        /// The first record kept.
        first: u64,
    },
}

/// What is wrong with the bytes at one place of a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// No frame begins here: only zeros, or the end of the file.
    #[error("there is nothing here")]
    Nothing,
    /// The header of the segment is not one, or is not this file's.
    #[error("the segment header is not valid")]
    Header,
    /// The length field exceeds the limit or the file.
    #[error("a length of {0} bytes cannot be right")]
    Length(u32),
    /// The checksum does not match.
    #[error("the checksum does not match")]
    Checksum,
    /// It was not written with the key of its segment: exchanged or forged, with a checksum to match.
    #[error("the checksum matches, and yet it is not what was encrypted with the segment's key")]
    Sealed,
    /// A frame marked as a filler that says it is a record.
    #[error("it is marked as the filler of a repair and says that it is a record")]
    Filler,
    /// A whole frame with another number than the one that belongs here.
    #[error("record {0} was found instead")]
    Sequence(u64),
    /// Bytes that are no frame follow the last one of a sealed segment.
    #[error("bytes that are no record follow")]
    Trailing,
    /// Reading stopped here, although the record at `witness` was written after this one was durable.
    #[error("the record at byte {witness} was written after this one was made durable")]
    Lost {
        /// Offset of the later, valid frame.
        witness: u64,
    },
    /// The bytes after this place hold too many things that look like frames to say whether acknowledged ones are lost.
    #[error("the bytes after it look like records too often to tell a torn tail from damage")]
    Undecided,
}

impl JournalError {
    /// Wraps a system error with what was being done to which path.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        move |source| JournalError::Io { doing, path: path.to_owned(), source }
    }

    /// True for a lack of room, which passes: the caller may answer "try later" instead of stopping.
    pub fn is_full(&self) -> bool {
        matches!(self, JournalError::Full { .. })
    }
}

/// True if the system refused for want of room: disk, quota or file-size limit.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::NOSPC, Errno::DQUOT, Errno::FBIG].iter().any(|e| error.raw_os_error() == Some(e.raw_os_error()))
}

fn by(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" by process {pid}")).unwrap_or_default()
}
