// SPDX-License-Identifier: Apache-2.0
//! Where labelled mail lies: a manifest, folders of files, mailboxes in one file (mbox) and Maildirs.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::limits::{self, Budget};
use crate::read::read;

/// What can go wrong with files.
#[derive(Debug)]
pub enum SourceError {
    /// A file or folder cannot be read.
    Io(PathBuf, io::Error),
    /// A line of a manifest is not what it should be.
    Line(PathBuf, usize, &'static str),
    /// More messages than are taken at once.
    Many(PathBuf),
}

impl std::fmt::Display for SourceError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(path, _) => write!(out, "cannot read {}", path.display()),
            Self::Line(path, line, what) => write!(out, "{}:{line}: {what}", path.display()),
            Self::Many(path) => {
                write!(out, "{} holds more than {} messages", path.display(), limits::EVAL_MESSAGES)
            }
        }
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, source) => Some(source),
            Self::Line(..) | Self::Many(_) => None,
        }
    }
}

/// A labelled message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The file it lies in.
    pub path: PathBuf,
    /// Which bytes of the file; all where there is nothing.
    pub at: Option<Range<u64>>,
    /// Whether it is abuse.
    pub abuse: bool,
    /// Where it is from.
    pub source: String,
    /// Whether it may be trained on.
    pub train: bool,
    /// When it came, in a form whose order is that of time.
    pub time: String,
}

impl Entry {
    /// The bytes of the message, as far as a message is read at all.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn load(&self) -> Result<Vec<u8>, SourceError> {
        let load = || {
            let mut bytes = Vec::new();
            let mut file = File::open(&self.path)?;
            let mut most = limits::BYTES as u64;
            if let Some(at) = &self.at {
                io::Seek::seek(&mut file, io::SeekFrom::Start(at.start))?;
                most = most.min(at.end - at.start);
            }
            file.take(most).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        load().map_err(|fault| SourceError::Io(self.path.clone(), fault))
    }
}

/// The entries of a manifest: tab separated, a first line with the names of columns. `path` (relative to the manifest) and
/// `label` (`ham` or `spam`) are needed; `source`, `split` (`train` or `test`; others are left out) and `delivered_utc` are
/// used where they are there. A path may be a message, a folder or Maildir of them, or a mailbox in one file.
///
/// # Errors
/// When the manifest or what it names cannot be read, or says what it should not.
pub fn manifest(path: &Path) -> Result<Vec<Entry>, SourceError> {
    let text = text(path)?;
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim_end_matches('\r')));
    let names: Vec<&str> = lines.next().map(|(_, line)| line.split('\t').collect()).unwrap_or_default();
    let column = |name: &str| names.iter().position(|known| *known == name);
    let fault = |line, what| SourceError::Line(path.to_owned(), line, what);
    let path_at = column("path").ok_or_else(|| fault(1, "no column `path`"))?;
    let label_at = column("label").ok_or_else(|| fault(1, "no column `label`"))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut entries = Vec::new();
    for (line, fields) in lines.filter(|(_, line)| !line.is_empty()) {
        let fields: Vec<&str> = fields.split('\t').collect();
        let field = |at: Option<usize>| at.and_then(|at| fields.get(at)).copied().unwrap_or_default();
        let abuse = match field(Some(label_at)) {
            "spam" => true,
            "ham" => false,
            _ => return Err(fault(line, "a label is `ham` or `spam`")),
        };
        let train = match field(column("split")) {
            "" | "train" => true,
            "test" => false,
            _ => continue,
        };
        let entry = Entry {
            path: folder.join(field(Some(path_at))),
            abuse,
            source: field(column("source")).to_owned(),
            train,
            time: field(column("delivered_utc")).to_owned(),
            at: None,
        };
        gather(&entry, &mut entries, 0)?;
    }
    Ok(entries)
}

fn text(path: &Path) -> Result<String, SourceError> {
    let mut text = String::new();
    let read = |text: &mut String| File::open(path)?.take(limits::EVAL_MANIFEST_BYTES).read_to_string(text);
    read(&mut text).map_err(|fault| SourceError::Io(path.to_owned(), fault))?;
    Ok(text)
}

/// Adds the messages that lie under a path: the file itself, those of a folder, those of a mailbox.
fn gather(from: &Entry, entries: &mut Vec<Entry>, depth: usize) -> Result<(), SourceError> {
    let io = |fault| SourceError::Io(from.path.clone(), fault);
    if from.path.is_dir() && depth < limits::EVAL_DEPTH {
        let mut paths = Vec::new();
        for found in fs::read_dir(&from.path).map_err(io)? {
            paths.push(found.map_err(io)?.path());
        }
        // What the file system happens to list first must not show.
        paths.sort();
        for path in paths.into_iter().filter(|path| is_mail(path)) {
            gather(&Entry { path, ..from.clone() }, entries, depth + 1)?;
        }
        return Ok(());
    }
    if entries.len() >= limits::EVAL_MESSAGES {
        return Err(SourceError::Many(from.path.clone()));
    }
    match mailbox(&from.path).map_err(io)? {
        None => entries.push(from.clone()),
        Some(places) => {
            entries.extend(places.into_iter().map(|at| Entry { at: Some(at), ..from.clone() }));
        }
    }
    Ok(())
}

/// Not what Maildir servers keep beside the mail, and not what is half delivered.
fn is_mail(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let kept = ["dovecot", "maildirfolder", "subscriptions", "courier"];
    !(name.starts_with('.') && path.is_file())
        && name != "tmp"
        && !kept.iter().any(|kept| name.starts_with(kept))
}

/// Where the messages of a mailbox in one file lie, or nothing if it is none: a line `From ` before each, an empty line
/// before that.
fn mailbox(path: &Path) -> io::Result<Option<Vec<Range<u64>>>> {
    let mut file = io::BufReader::new(File::open(path)?);
    let mut begin = [0; 5];
    let got = file.by_ref().take(5).read(&mut begin)?;
    if &begin[..got] != b"From " {
        return Ok(None);
    }
    io::Seek::seek(&mut file, io::SeekFrom::Start(0))?;
    let mut places: Vec<Range<u64>> = Vec::new();
    let (mut at, mut empty) = (0, true);
    let mut line = Vec::new();
    loop {
        line.clear();
        let bytes =
            io::BufRead::read_until(&mut file.by_ref().take(limits::EVAL_LINE_BYTES), b'\n', &mut line)?
                as u64;
        if bytes == 0 {
            break;
        }
        if empty && line.starts_with(b"From ") {
            if let Some(last) = places.last_mut() {
                last.end = at;
            }
            if places.len() >= limits::EVAL_MESSAGES {
                break;
            }
            places.push(at + bytes..u64::MAX);
        }
        empty = line == b"\n" || line == b"\r\n";
        at += bytes;
    }
    if let Some(last) = places.last_mut() {
        last.end = last.end.min(at);
    }
    Ok(Some(places))
}

/// A number that messages of one conversation share: made of the letters of the subject, without `Re:`, `Fwd:` and tags; of
/// all bytes where there are none.
pub fn conversation(raw: &[u8]) -> u64 {
    let reading = read(raw, &mut Budget::default());
    let subject = reading.subject.to_lowercase();
    let mut letters = String::new();
    let mut depth = 0usize;
    for char in subject.replace("re:", "").replace("fwd:", "").replace("fw:", "").chars() {
        match char {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 && char.is_alphabetic() => letters.push(char),
            _ => {}
        }
    }
    let bytes = if letters.is_empty() { raw } else { letters.as_bytes() };
    // FNV-1a, mixed: the low bits choose folds.
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ (hash >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16
}

/// A message without its headers, but for those without which its body cannot be read.
pub fn without_headers(raw: &[u8]) -> Vec<u8> {
    let reading = read(raw, &mut Budget::default());
    let needed = ["content-type", "content-transfer-encoding", "mime-version"];
    let mut out = Vec::with_capacity(raw.len());
    for header in &reading.headers {
        if needed.iter().any(|name| header.is(name)) {
            out.extend_from_slice(raw.get(header.at.clone()).unwrap_or_default());
        }
    }
    let body = reading.headers.last().map_or(0, |last| last.at.end);
    out.extend_from_slice(&raw[body.min(raw.len())..]);
    out
}
