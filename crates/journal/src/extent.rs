// SPDX-License-Identifier: Apache-2.0
//! How far a segment file reaches: what a copy of the journal has to hold, and what somebody who only looks may say.
//!
//! No lock is taken and nothing is changed, so this works beside a live writer: a segment that is being written has its
//! end where the last whole frame was when it was looked at. Bytes up to there no longer move, so a copy of them, with
//! the segments before, is a journal of its own: it opens as after a crash at that record.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cursor::{Cursor, Step};
use crate::disk::{Access, Disk, DiskFile, FsDisk};
use crate::error::JournalError;
use crate::format::{parse_segment_name, segment_path};
use crate::limits::READ_BUFFER;
use crate::reader::{End, open_end, sealed_end};
use crate::segment::Layout;
use crate::tail::Torn;

/// A segment, walked to its end: every frame in it is whole. No key is needed: payloads are not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// The number of its first record, which its file is named after.
    pub first_seq: u64,
    /// The number of its last record; one less than the first where it has none.
    pub last_seq: u64,
    /// Bytes of the header and all whole frames: what follows holds no record.
    pub bytes: u64,
    /// When it was begun, UTC microseconds by the writer's clock.
    pub created_micros: i64,
    /// What was written after them and never made durable.
    pub torn: Option<Torn>,
}

impl Extent {
    /// Walks the segment in `dir` that begins with record `first_seq`. `next` is the first record of the segment after
    /// it, which it must reach; `None` for the newest, which may be written meanwhile.
    ///
    /// # Errors
    /// `Corrupt` where acknowledged records are damaged or missing, `Version` for another major format, `Io` if the
    /// disk fails or the segment is gone.
    pub fn walk(dir: impl AsRef<Path>, first_seq: u64, next: Option<u64>) -> Result<Extent, JournalError> {
        let path = segment_path(dir.as_ref(), first_seq);
        let file = FsDisk.open(&path, Access::Read).map_err(JournalError::io("open", &path))?;
        Extent::walk_file(file.into(), path, first_seq, next)
    }

    /// The same over a file that is open already, such as a part of an archive. `path` only names it in errors.
    ///
    /// # Errors
    /// As [`Extent::walk`].
    pub fn walk_file(
        file: Arc<dyn DiskFile>,
        path: PathBuf,
        first_seq: u64,
        next: Option<u64>,
    ) -> Result<Extent, JournalError> {
        to_end(Cursor::over(file, path, first_seq, READ_BUFFER)?, next)
    }
}

/// The numbers of the first records of all segments in `dir`, ascending. Files of rotations that never finished are
/// none.
///
/// # Errors
/// `Io` if the directory cannot be read; `Version` or `Corrupt` if the last segment's header is refused.
pub fn segments(dir: impl AsRef<Path>) -> Result<Vec<u64>, JournalError> {
    Ok(Layout::read(&FsDisk as &dyn Disk, dir.as_ref())?.segments)
}

/// The file name of the segment that begins with this record.
pub fn segment_name(first_seq: u64) -> String {
    segment_path(Path::new(""), first_seq).display().to_string()
}

/// The number of the first record of the segment in a file of this name; `None` for a file that is no segment's.
pub fn segment_of(name: &str) -> Option<u64> {
    parse_segment_name(name)
}

fn to_end(mut cursor: Cursor, next: Option<u64>) -> Result<Extent, JournalError> {
    let torn = loop {
        let Step::End(damage) = cursor.step()? else { continue };
        if let Some(next) = next {
            sealed_end(&cursor, damage, next)?;
            break None;
        }
        match open_end(&mut cursor)? {
            End::At(torn) => break torn,
            End::GrewMeanwhile => {}
        }
    };
    let header = cursor.header();
    Ok(Extent {
        first_seq: header.first_seq,
        last_seq: cursor.expect() - 1,
        bytes: cursor.offset(),
        created_micros: header.created_micros,
        torn,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Durability, Journal, Options, Reader, frame_bytes};
    use std::fs;

    /// A journal of some small segments, and how many records it has.
    fn journal(dir: &Path, records: u64) {
        let options = Options { segment_bytes: 4096, now_micros: 7, ..Options::default() };
        let (mut writer, _) = Journal::open(dir, options).unwrap();
        for n in 0..records {
            writer.reserve(frame_bytes(300)).unwrap();
            writer.append(1, &[n as u8; 300]).unwrap();
            writer.commit(Durability::Sync).unwrap();
        }
    }

    #[test]
    fn the_bytes_up_to_each_end_are_a_journal() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        journal(&from, 40);
        fs::create_dir(&to).unwrap();
        let all = segments(&from).unwrap();
        assert!(all.len() > 2, "{all:?}");
        let mut expect = 1;
        for (i, &first) in all.iter().enumerate() {
            let extent = Extent::walk(&from, first, all.get(i + 1).copied()).unwrap();
            assert_eq!((extent.first_seq, extent.created_micros, extent.torn), (expect, 7, None));
            expect = extent.last_seq + 1;
            let name = segment_name(first);
            assert_eq!(segment_of(&name), Some(first));
            let bytes = fs::read(from.join(&name)).unwrap();
            fs::write(to.join(&name), &bytes[..extent.bytes as usize]).unwrap();
        }
        assert_eq!(expect, 41);
        journal(&to, 1);
        let mut seen = 0;
        let each = |frame: crate::Frame<'_>| {
            seen = frame.position.seq;
            Ok::<(), JournalError>(())
        };
        Reader::open(&to).unwrap().for_each(each).unwrap();
        assert_eq!(seen, 41, "the copy opens, and is written on");
    }

    #[test]
    fn what_is_no_record_is_told_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        journal(dir.path(), 40);
        let all = segments(dir.path()).unwrap();
        let (first, last) = (all[0], all[all.len() - 1]);
        let whole = Extent::walk(dir.path(), last, None).unwrap();
        let path = dir.path().join(segment_name(last));
        let mut bytes = fs::read(&path).unwrap();
        let at = whole.bytes as usize - 8;
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let torn = Extent::walk(dir.path(), last, None).unwrap();
        assert!(torn.torn.is_some() && torn.last_seq + 1 == whole.last_seq, "{torn:?}");
        // A sealed one must be whole, and reach the next.
        let refused = |next| {
            Extent::walk(dir.path(), first, Some(next))
                .is_err_and(|e| matches!(e, JournalError::Corrupt { .. }))
        };
        assert!(refused(all[1] + 1));
        let path = dir.path().join(segment_name(first));
        let mut bytes = fs::read(&path).unwrap();
        bytes[200] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(refused(all[1]));
    }
}
