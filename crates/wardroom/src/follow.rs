// SPDX-License-Identifier: Apache-2.0
//! Lines of a file or of standard input, one after another: to its end ([`Lines`]), or on and on ([`Tail`]).
//!
//! A tail looks at its file whenever it is asked and says [`Step::Wait`] when there is nothing new; the caller sleeps. No
//! notification from the kernel is used: it would have to be backed by looking anyway (network file systems, bind
//! mounts), and half a second is soon enough. What happens to log files:
//!
//! - *not there yet*, or gone for a moment: waited for
//! - *renamed, and created anew* (logrotate's default): the old file is read until it has been quiet for
//!   [`Options::grace`], because its writer keeps it open for a while; then the new one from its beginning. A file
//!   that comes and goes between two looks is not seen.
//! - *copied and truncated* (`copytruncate`): noticed by the file having become shorter, or by other bytes standing
//!   before the place where reading stopped. What was written between the last look and the truncation is in the
//!   copy only, and is lost here, as logrotate's manual says it may be.
//! - *a partial last line*: kept until the rest is there. It is given as it is when its file ends or is replaced.
//! - *a hole at the beginning*: a writer that does not append leaves NUL bytes after a truncation; they are skipped.
//!
//! Memory is bounded by [`Options::line_bytes`] and one chunk. Unix only, for file identity (device and inode).

use std::borrow::Cow;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How much is read at once, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;
/// How many bytes before the place of reading are compared to notice a file that was truncated and has grown again.
const MARK_BYTES: usize = 128;

/// One line, without its line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Which line it is, from 1: in its file, or from where a tail began.
    pub(crate) number: u64,
    /// Where it begins in its file, in bytes.
    pub(crate) offset: u64,
    /// Its text; bytes that are not UTF-8 are U+FFFD.
    pub(crate) text: Cow<'a, str>,
    /// It was longer than the bound, and the rest was dropped.
    pub(crate) cut: bool,
    /// It ended with a line end, and not with its file.
    pub(crate) complete: bool,
}

/// How to follow a file.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Most bytes kept of a line; the rest is dropped, and the line says so.
    pub(crate) line_bytes: usize,
    /// Where to begin in a file that is there already; files that appear later are read from their beginning.
    pub(crate) start: Start,
    /// How long a file that was replaced must be quiet before it is left.
    pub(crate) grace: Duration,
}

/// As a service follows a log: 128 KiB a line, what is new, one second.
impl Default for Options {
    fn default() -> Options {
        Options { line_bytes: 128 * 1024, start: Start::End, grace: Duration::from_secs(1) }
    }
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the first line.
    Beginning,
    /// With the first line that is not complete yet.
    End,
}

/// What a look at a followed file gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// The next line.
    Line(Line<'a>),
    /// The file was replaced or truncated, and the lines that follow are counted from 1 again.
    Restart,
    /// Nothing new. Look again later.
    Wait,
}

/// Cuts bytes into lines.
#[derive(Debug)]
struct Splitter {
    line_bytes: usize,
    chunk: Box<[u8]>,
    /// What of the chunk is not cut yet.
    rest: Range<usize>,
    /// The beginning of a line that goes over the end of a chunk.
    carry: Vec<u8>,
    /// Bytes were taken of a line that has not ended.
    open: bool,
    /// Some of them were dropped.
    cut: bool,
    /// Where the next byte to cut, and the line it belongs to, stand in the file.
    offset: u64,
    line_offset: u64,
    number: u64,
}

/// Where a line that was found is kept.
#[derive(Debug)]
enum Found {
    /// In the chunk.
    Chunk(Range<usize>),
    /// In the carry.
    Carry,
}

impl Splitter {
    fn new(line_bytes: usize) -> Splitter {
        Splitter {
            line_bytes,
            chunk: vec![0; CHUNK_BYTES].into_boxed_slice(),
            rest: 0..0,
            carry: Vec::new(),
            open: false,
            cut: false,
            offset: 0,
            line_offset: 0,
            number: 0,
        }
    }

    /// Begins anew at `offset` of another file.
    fn restart(&mut self, offset: u64) {
        self.rest = 0..0;
        self.carry.clear();
        (self.open, self.cut) = (false, false);
        (self.offset, self.line_offset, self.number) = (offset, offset, 0);
    }

    /// The next complete line, if the bytes read hold one.
    fn next(&mut self) -> Option<Found> {
        if !self.open {
            self.line_offset = self.offset;
            self.carry.clear();
            self.cut = false;
        }
        let rest = self.rest.clone();
        let end = self.chunk[rest.clone()].iter().position(|b| *b == b'\n');
        let piece = rest.start..end.map_or(rest.end, |at| rest.start + at);
        let taken = piece.len() + usize::from(end.is_some());
        self.rest.start += taken;
        self.offset += taken as u64;
        if end.is_none() {
            self.open |= !piece.is_empty();
            self.keep(piece);
            return None;
        }
        self.number += 1;
        if !std::mem::take(&mut self.open) {
            return Some(Found::Chunk(self.bounded(piece)));
        }
        self.keep(piece);
        Some(Found::Carry)
    }

    /// A line within the chunk, without a hole before it, and cut to the bound.
    fn bounded(&mut self, piece: Range<usize>) -> Range<usize> {
        let hole = self.chunk[piece.clone()].iter().take_while(|b| **b == 0).count();
        let start = piece.start + hole;
        self.cut = piece.end - start > self.line_bytes;
        start..piece.end.min(start + self.line_bytes)
    }

    /// Puts bytes aside until the rest of their line is read.
    fn keep(&mut self, piece: Range<usize>) {
        let mut bytes = &self.chunk[piece];
        if self.carry.is_empty() {
            bytes = &bytes[bytes.iter().take_while(|b| **b == 0).count()..];
        }
        let room = self.line_bytes - self.carry.len();
        self.cut |= bytes.len() > room;
        self.carry.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The line that the file ended with, if it ended within one.
    fn partial(&mut self) -> Option<Found> {
        if !std::mem::take(&mut self.open) || self.carry.is_empty() {
            return None;
        }
        self.number += 1;
        Some(Found::Carry)
    }

    fn line(&self, found: Found, complete: bool) -> Line<'_> {
        let bytes = match found {
            Found::Chunk(range) => &self.chunk[range],
            Found::Carry => &self.carry,
        };
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let text = String::from_utf8_lossy(bytes);
        Line { number: self.number, offset: self.line_offset, text, cut: self.cut, complete }
    }

    /// Reads the next chunk; how many bytes came.
    fn fill(&mut self, source: &mut impl Read) -> io::Result<usize> {
        debug_assert!(self.rest.is_empty(), "what was read before is cut first");
        loop {
            match source.read(&mut self.chunk) {
                Ok(n) => {
                    self.rest = 0..n;
                    return Ok(n);
                }
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
    }
}

/// The lines of something that ends: a file, a pipe, standard input. Blocks while a pipe is silent.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    source: R,
    splitter: Splitter,
}

impl<R: Read> Lines<R> {
    /// Reads `source` from where it stands, which is called the beginning.
    pub(crate) fn new(source: R, line_bytes: usize) -> Lines<R> {
        Lines { source, splitter: Splitter::new(line_bytes) }
    }

    /// The next line; `None` at the end. A last line without line end is given too.
    ///
    /// # Errors
    /// What reading the source gives. Reading may go on after it.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let (found, complete) = loop {
            if let Some(found) = self.splitter.next() {
                break (Some(found), true);
            }
            if self.splitter.fill(&mut self.source)? == 0 {
                break (self.splitter.partial(), false);
            }
        };
        Ok(found.map(|found| self.splitter.line(found, complete)))
    }
}

/// The lines of a file that goes on.
#[derive(Debug)]
pub(crate) struct Tail {
    path: PathBuf,
    options: Options,
    splitter: Splitter,
    open: Option<Open>,
    /// Whether a file that appears is the first.
    fresh: bool,
}

/// The file being read.
#[derive(Debug)]
struct Open {
    file: File,
    /// Device and inode.
    identity: (u64, u64),
    /// The last bytes read before the end was met, to notice that others stand there now.
    mark: Vec<u8>,
    /// Since when another file has been standing at the path and this one been quiet.
    replaced: Option<Instant>,
}

/// What to do when a file has no more bytes.
enum AtEnd {
    /// Nothing: more may come.
    Stay,
    /// It was truncated: begin again.
    Rewind,
    /// Another has taken its place: go there.
    Leave,
}

impl Tail {
    /// Follows `path`, which need not exist yet.
    pub(crate) fn new(path: impl AsRef<Path>, options: Options) -> Tail {
        let splitter = Splitter::new(options.line_bytes);
        Tail { path: path.as_ref().to_owned(), options, splitter, open: None, fresh: true }
    }

    /// The next line, or that there is none now. Does not block on regular files.
    ///
    /// # Errors
    /// What opening or reading the file gives, except that it is not there. Asking again tries again.
    pub(crate) fn next(&mut self) -> io::Result<Step<'_>> {
        loop {
            if let Some(found) = self.splitter.next() {
                return Ok(Step::Line(self.splitter.line(found, true)));
            }
            let Some(open) = &mut self.open else {
                if self.appear()? {
                    continue;
                }
                return Ok(Step::Wait);
            };
            // Before the read: after a truncation the place of reading holds another line's middle.
            let rewound = open.rewound(self.splitter.offset)?;
            if !rewound && self.splitter.fill(&mut open.file)? > 0 {
                open.note(&self.splitter.chunk[self.splitter.rest.clone()]);
                continue;
            }
            let then = if rewound { AtEnd::Rewind } else { open.at_end(&self.path, self.options.grace)? };
            if matches!(then, AtEnd::Stay) {
                return Ok(Step::Wait);
            }
            // The line that was never finished belongs to the old file and comes before the new one's.
            if let Some(found) = self.splitter.partial() {
                return Ok(Step::Line(self.splitter.line(found, false)));
            }
            self.begin_again(matches!(then, AtEnd::Rewind))?;
            return Ok(Step::Restart);
        }
    }

    /// The partial line at the end, when nobody will wait for its rest: at shutdown.
    pub(crate) fn finish(&mut self) -> Option<Line<'_>> {
        let found = self.splitter.partial()?;
        Some(self.splitter.line(found, false))
    }

    /// Opens the file if it is there.
    fn appear(&mut self) -> io::Result<bool> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(fault) if fault.kind() == ErrorKind::NotFound => {
                // Whatever comes now has nothing in it that was there when following began.
                self.fresh = false;
                return Ok(false);
            }
            Err(fault) => return Err(fault),
        };
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(ErrorKind::IsADirectory, "a directory has no lines"));
        }
        let from_end = self.fresh && self.options.start == Start::End && metadata.is_file();
        let offset = if from_end { last_line(&file, metadata.len())? } else { 0 };
        let mut mark = vec![0; MARK_BYTES.min(usize::try_from(offset).unwrap_or(MARK_BYTES))];
        if offset > 0 {
            let from = offset - mark.len() as u64;
            file.read_exact_at(&mut mark, from)?;
            file.seek(SeekFrom::Start(offset))?;
        }
        self.splitter.restart(offset);
        self.fresh = false;
        self.open = Some(Open { file, identity: identity(&metadata), mark, replaced: None });
        Ok(true)
    }

    fn begin_again(&mut self, same_file: bool) -> io::Result<()> {
        self.splitter.restart(0);
        match &mut self.open {
            Some(open) if same_file => {
                open.mark.clear();
                open.file.seek(SeekFrom::Start(0))?;
            }
            _ => self.open = None,
        }
        Ok(())
    }
}

impl Open {
    /// Whether the file no longer holds what was read of it, up to `offset`.
    fn rewound(&self, offset: u64) -> io::Result<bool> {
        let metadata = self.file.metadata()?;
        if !metadata.is_file() {
            return Ok(false);
        }
        if metadata.len() < offset {
            return Ok(true);
        }
        let mut now = [0; MARK_BYTES];
        let now = &mut now[..self.mark.len()];
        match self.file.read_exact_at(now, offset - self.mark.len() as u64) {
            Ok(()) => Ok(*now != *self.mark),
            // Truncated between the two looks.
            Err(fault) if fault.kind() == ErrorKind::UnexpectedEof => Ok(true),
            Err(fault) => Err(fault),
        }
    }

    /// Keeps the end of what was read.
    fn note(&mut self, read: &[u8]) {
        self.replaced = None;
        let from = read.len().saturating_sub(MARK_BYTES);
        self.mark.clear();
        self.mark.extend_from_slice(&read[from..]);
    }

    /// What a file without more bytes calls for, by what stands at its path now.
    fn at_end(&mut self, path: &Path, grace: Duration) -> io::Result<AtEnd> {
        let there = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            // Renamed, and not yet created: the old file may still be written to.
            Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(AtEnd::Stay),
            Err(fault) => return Err(fault),
        };
        if identity(&there) == self.identity {
            self.replaced = None;
            return Ok(AtEnd::Stay);
        }
        let since = *self.replaced.get_or_insert_with(Instant::now);
        Ok(if since.elapsed() >= grace { AtEnd::Leave } else { AtEnd::Stay })
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Where the line begins that the file's end is in: after the last line end. A line longer than a chunk is not looked
/// for, and the end itself given.
fn last_line(file: &File, len: u64) -> io::Result<u64> {
    let mut end = vec![0; usize::try_from(len).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES)];
    let from = len - end.len() as u64;
    file.read_exact_at(&mut end, from)?;
    let after = end.iter().rposition(|b| *b == b'\n').map(|at| from + at as u64 + 1);
    Ok(after.unwrap_or(if from == 0 { 0 } else { len }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A source that gives a few bytes at a time, and is interrupted in between.
    struct Trickle<'a>(&'a [u8], usize, bool);

    impl Read for Trickle<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.2 = !self.2;
            if self.2 {
                return Err(ErrorKind::Interrupted.into());
            }
            let n = self.1.min(self.0.len()).min(buf.len());
            buf[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    /// A line as `number@offset text`, `…` where cut and `$` where it ended with the file.
    fn show(line: &Line<'_>) -> String {
        let (cut, end) = (if line.cut { "…" } else { "" }, if line.complete { "" } else { "$" });
        format!("{}@{} {}{cut}{end}", line.number, line.offset, line.text)
    }

    #[test]
    fn a_source_is_cut_into_lines() {
        let check = |bytes: &[u8], expect: &[&str]| {
            for step in [1, 2, 3, 7, 1000] {
                let mut lines = Lines::new(Trickle(bytes, step, false), 8);
                let mut got = Vec::new();
                while let Some(line) = lines.next().unwrap() {
                    got.push(show(&line));
                }
                assert_eq!(got, expect, "{} in steps of {step}", bytes.escape_ascii());
            }
        };
        check(b"", &[]);
        check(b"a\nbc\n", &["1@0 a", "2@2 bc"]);
        check(b"a\r\n\nb", &["1@0 a", "2@3 ", "3@4 b$"]);
        check(b"12345678\n123456789\n1\n", &["1@0 12345678", "2@9 12345678…", "3@19 1"]);
        check(b"123456789012345", &["1@0 12345678…$"]);
        check(b"\xff\xc3\xa9\n", &["1@0 \u{fffd}é"]);
        check(b"\0\0\0\0\0\0\0\0\0\0a\0b\n\0", &["1@0 a\0b"]);
        check(b"\n\n", &["1@0 ", "2@1 "]);
    }

    #[test]
    fn lines_over_many_chunks_are_bounded() {
        let bytes = [vec![b'x'; 5 * CHUNK_BYTES], b"\ny\n".to_vec()].concat();
        let mut lines = Lines::new(&*bytes, 100);
        let first = lines.next().unwrap().map(|line| (line.text.len(), line.cut));
        assert_eq!(first, Some((100, true)));
        assert!(lines.splitter.carry.capacity() < 1000);
        let second = lines.next().unwrap().map(|line| show(&line));
        assert_eq!(second, Some(format!("2@{} y", 5 * CHUNK_BYTES + 1)));
    }

    /// A folder of its own for one test, removed at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let name =
                format!("wardroom-follow-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir(&path).unwrap();
            Folder(path)
        }

        fn log(&self) -> PathBuf {
            self.0.join("log")
        }

        fn append(&self, text: &str) {
            let mut file = File::options().create(true).append(true).open(self.log()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn tail(&self, start: Start) -> Tail {
            Tail::new(self.log(), Options { line_bytes: 100, start, grace: Duration::ZERO })
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// All that a tail has to say now; `R` is a restart.
    fn drain(tail: &mut Tail) -> Vec<String> {
        let mut got = Vec::new();
        loop {
            match tail.next().unwrap() {
                Step::Line(line) => got.push(show(&line)),
                Step::Restart => got.push("R".to_owned()),
                Step::Wait => return got,
            }
        }
    }

    #[test]
    fn a_file_that_is_not_there_yet_is_waited_for() {
        let folder = Folder::new();
        let mut tail = folder.tail(Start::End);
        assert_eq!(drain(&mut tail), [""; 0]);
        folder.append("a\nb");
        assert_eq!(drain(&mut tail), ["1@0 a"]);
        folder.append("c\n");
        assert_eq!(drain(&mut tail), ["2@2 bc"]);
    }

    #[test]
    fn a_tail_begins_where_it_is_told() {
        let folder = Folder::new();
        folder.append("old\npart");
        let (mut all, mut new) = (folder.tail(Start::Beginning), folder.tail(Start::End));
        assert_eq!(drain(&mut all), ["1@0 old"]);
        assert_eq!(drain(&mut new), [""; 0]);
        folder.append("ial\n");
        assert_eq!(drain(&mut all), ["2@4 partial"]);
        assert_eq!(drain(&mut new), ["1@4 partial"]);
        folder.append("rest");
        assert_eq!(drain(&mut new), [""; 0]);
        assert_eq!(new.finish().map(|line| show(&line)), Some("2@12 rest$".to_owned()));
        assert_eq!(new.finish(), None);
    }

    #[test]
    fn a_renamed_file_is_read_to_its_end_before_the_new_one() {
        let folder = Folder::new();
        folder.append("a\n");
        let mut tail = folder.tail(Start::Beginning);
        tail.options.grace = Duration::from_secs(3600);
        assert_eq!(drain(&mut tail), ["1@0 a"]);
        let mut writer = File::options().append(true).open(folder.log()).unwrap();
        std::fs::rename(folder.log(), folder.0.join("log.1")).unwrap();
        writer.write_all(b"b\n").unwrap();
        assert_eq!(drain(&mut tail), ["2@2 b"], "the path is empty");
        folder.append("new\n");
        assert_eq!(drain(&mut tail), [""; 0], "the writer may still write to the old one");
        writer.write_all(b"c\npart").unwrap();
        assert_eq!(drain(&mut tail), ["3@4 c"]);
        tail.options.grace = Duration::ZERO;
        assert_eq!(drain(&mut tail), ["4@6 part$", "R", "1@0 new"]);
        folder.append("newer\n");
        assert_eq!(drain(&mut tail), ["2@4 newer"]);
    }

    #[test]
    fn a_truncated_file_is_read_again() {
        let folder = Folder::new();
        folder.append("first\nsecond\npart");
        let mut tail = folder.tail(Start::Beginning);
        assert_eq!(drain(&mut tail), ["1@0 first", "2@6 second"]);
        let truncate = || File::options().write(true).open(folder.log()).unwrap().set_len(0).unwrap();
        truncate();
        assert_eq!(drain(&mut tail), ["3@13 part$", "R"]);
        folder.append("third\n");
        assert_eq!(drain(&mut tail), ["1@0 third"]);
        truncate();
        folder.append("grown longer than before\n");
        assert_eq!(drain(&mut tail), ["R", "1@0 grown longer than before"], "only other bytes tell");
        truncate();
        folder.append("x\n");
        assert_eq!(drain(&mut tail), ["R", "1@0 x"]);
    }

    #[test]
    fn a_file_truncated_before_anything_was_read_of_it_is_read_again() {
        for after in ["x\n", "another line, and longer\n"] {
            let folder = Folder::new();
            folder.append("first\nsecond\n");
            let mut tail = folder.tail(Start::End);
            assert_eq!(drain(&mut tail), [""; 0]);
            File::options().write(true).open(folder.log()).unwrap().set_len(0).unwrap();
            folder.append(after);
            assert_eq!(drain(&mut tail), ["R".to_owned(), format!("1@0 {}", after.trim_end())]);
        }
    }

    #[test]
    fn a_writer_that_does_not_append_leaves_a_hole() {
        let folder = Folder::new();
        let mut writer = File::create(folder.log()).unwrap();
        writer.write_all(b"first\n").unwrap();
        let mut tail = folder.tail(Start::Beginning);
        assert_eq!(drain(&mut tail), ["1@0 first"]);
        writer.set_len(0).unwrap();
        writer.write_all(b"second\n").unwrap();
        assert_eq!(drain(&mut tail), ["R", "1@0 second"]);
    }

    #[test]
    fn many_rotations_lose_and_repeat_nothing() {
        let folder = Folder::new();
        let mut tail = folder.tail(Start::Beginning);
        let (mut got, mut written) = (Vec::new(), Vec::new());
        for n in 0..200 {
            let text = format!("line {n}");
            folder.append(&format!("{text}\n"));
            written.push(text);
            if n % 3 == 0 {
                got.extend(drain(&mut tail));
            }
            if n % 7 == 0 {
                got.extend(drain(&mut tail));
                std::fs::rename(folder.log(), folder.0.join("log.1")).unwrap();
            }
        }
        got.extend(drain(&mut tail));
        got.retain(|line| line != "R");
        let texts: Vec<&str> =
            got.iter().filter_map(|line| line.split_once(' ')).map(|(_, text)| text).collect();
        assert_eq!(texts, written);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let folder = Folder::new();
        std::fs::create_dir(folder.log()).unwrap();
        let fault = folder.tail(Start::Beginning).next().unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::IsADirectory);
    }
}
