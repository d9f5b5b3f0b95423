// SPDX-License-Identifier: Apache-2.0
//! Which files of a directory are the journal's segments, and which is a rotation that never finished.
//!
//! A rotation writes the new segment's header last, after the old segment is sealed and synced, and no record is
//! appended before that header is durable. A last file without a header therefore holds nothing acknowledged.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::cursor::{accept_header, read_header};
use crate::disk::{Access, Disk, DiskFile};
use crate::error::JournalError;
use crate::format::{BadHeader, parse_segment_name, segment_path};
use crate::tail;

/// The segments of a directory, by the number of their first record, ascending.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) segments: Vec<u64>,
    /// Files of rotations that never finished; not part of the journal.
    pub(crate) unfinished: Vec<u64>,
}

impl Layout {
    /// Reads the directory and looks at the headers of the last files.
    pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> Result<Layout, JournalError> {
        let names = disk.list(dir).map_err(JournalError::io("list", dir))?;
        let mut segments: Vec<u64> = names.iter().filter_map(|name| parse_segment_name(name)).collect();
        segments.sort_unstable();
        let mut layout = Layout { segments, unfinished: Vec::new() };
        while let Some(&last) = layout.segments.last() {
            if !is_unfinished(disk, dir, last)? {
                break;
            }
            layout.segments.pop();
            layout.unfinished.push(last);
        }
        Ok(layout)
    }

    /// Index of the segment that holds record `seq`, if the journal reaches that far back.
    pub(crate) fn holding(&self, seq: u64) -> Option<usize> {
        self.segments.partition_point(|&first| first <= seq).checked_sub(1)
    }
}

/// Refuses a segment that is neither whole nor unfinished: damaged, foreign, of another version.
fn is_unfinished(disk: &dyn Disk, dir: &Path, first_seq: u64) -> Result<bool, JournalError> {
    let path = segment_path(dir, first_seq);
    let file: Arc<dyn DiskFile> = match disk.open(&path, Access::Read) {
        Ok(file) => file.into(),
        // A writer at work may remove a rotation that found the disk full.
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(e) => return Err(JournalError::io("open", &path)(e)),
    };
    let header = read_header(&*file, &path)?;
    if matches!(header, Err(BadHeader::Blank | BadHeader::Damaged)) {
        let used = tail::holds_records(&file, first_seq).map_err(JournalError::io("read", &path))?;
        if !used {
            return Ok(true);
        }
    }
    accept_header(header, &path, first_seq).map(|_| false)
}
