// SPDX-License-Identifier: Apache-2.0
//! Files of the data directory that are not the engine's: results that were kept, jobs, whatever lies there. Texts are
//! rewritten; what cannot be looked into is named.

use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use wardroom_engine::{Eraser, Grep, Hits, Met};
use wardroom_history::search_file;
use wardroom_journal::{Disk, FsDisk};

/// Largest file that is read whole, in bytes; a larger one is only searched, piece by piece.
const WHOLE_BYTES: u64 = 256 << 20;
/// Bytes searched at once in a larger one, and how far two pieces overlap.
const PIECE: usize = 4 << 20;
const OVERLAP: usize = 8 << 10;
/// Most files of a data directory, and how deep they may lie.
const FILES: usize = 1_000_000;
const DEPTH: usize = 8;

/// Directories whose texts may be rewritten: what was written there was made from the past.
const OURS: [&str; 3] = ["backtests", "jobs", "exports"];
/// The engine's own, and what has the subject until the end.
const ENGINES: [&str; 5] = ["journal", "snapshots", "LOCK", "erasing", "erasing.tmp"];

/// A file that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Looked {
    /// Below the data directory.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// `text` was read and could be rewritten, `columns` decoded and searched, `bytes` searched as they are.
    pub(crate) as_: &'static str,
    /// Words of it that became the token.
    pub(crate) replaced: u64,
    /// Hits that are the subject and stay.
    pub(crate) alone: u64,
    /// Hits within longer words.
    pub(crate) within: u64,
}

/// Puts the token in the place of the subject in every text of ours, and says what else has it.
pub(crate) fn erase(data: &Path, eraser: &Eraser, grep: &Grep) -> Result<Vec<Looked>> {
    let paths = all(data)?;
    let paths = paths.iter().filter(|path| !is_columns(path));
    paths.filter_map(|path| unless_gone(data, path, erase_one(data, path, eraser, grep))).collect()
}

/// Looks at them all once more, but for those that were `proved`.
pub(crate) fn prove(data: &Path, grep: &Grep, proved: &HashSet<&str>) -> Result<Vec<Looked>> {
    let paths = all(data)?;
    let paths = paths.iter().filter(|path| !proved.contains(&*path.to_string_lossy()));
    paths.filter_map(|path| unless_gone(data, path, look(data, path, grep))).collect()
}

/// Others work in the directory meanwhile: a file that went is not one that cannot be read.
fn unless_gone(data: &Path, path: &Path, looked: Result<Looked>) -> Option<Result<Looked>> {
    let is_gone = looked.is_err() && !data.join(path).exists();
    (!is_gone).then_some(looked)
}

/// Whether it is Parquet: its bytes are compressed, and say nothing.
fn is_columns(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "parquet")
}

fn erase_one(data: &Path, path: &Path, eraser: &Eraser, grep: &Grep) -> Result<Looked> {
    let full = data.join(path);
    let is_ours = path.iter().next().is_some_and(|first| OURS.iter().any(|ours| first == *ours));
    let len = std::fs::metadata(&full).with_context(|| format!("cannot look at {}", path.display()))?.len();
    if !is_ours || len > WHOLE_BYTES {
        return look(data, path, grep);
    }
    let bytes = FsDisk.load(&full, usize::try_from(WHOLE_BYTES)?);
    let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
    let Ok(text) = String::from_utf8(bytes) else { return look(data, path, grep) };
    let mut met = Met::default();
    if let Some(other) = eraser.text(&text, &mut met) {
        let put = FsDisk.replace(&full, other.as_bytes());
        put.with_context(|| format!("cannot rewrite {}", path.display()))?;
    }
    Ok(Looked { as_: "text", replaced: met.words, ..look(data, path, grep)? })
}

fn look(data: &Path, path: &Path, grep: &Grep) -> Result<Looked> {
    let full = data.join(path);
    if is_columns(path)
        && let Ok(found) = search_file(&full, grep)
    {
        let bytes = std::fs::metadata(&full)?.len();
        let (path, hits) = (path.to_string_lossy().into_owned(), found.hits);
        return Ok(Looked {
            path,
            bytes,
            as_: "columns",
            replaced: 0,
            alone: hits.alone,
            within: hits.within,
        });
    }
    let (bytes, hits) = search(&full, grep).with_context(|| format!("cannot read {}", path.display()))?;
    let path = path.to_string_lossy().into_owned();
    Ok(Looked { path, bytes, as_: "bytes", replaced: 0, alone: hits.alone, within: hits.within })
}

/// What a file of any length holds. A hit where two pieces overlap may count twice, and none is missed.
fn search(path: &Path, grep: &Grep) -> io::Result<(u64, Hits)> {
    let mut file = std::fs::File::open(path)?;
    let (mut buffer, mut bytes, mut hits) = (Vec::new(), 0, Hits::default());
    loop {
        let kept = buffer.len();
        let read = (&mut file).take(PIECE as u64).read_to_end(&mut buffer)?;
        bytes += read as u64;
        if read == 0 && kept > 0 && bytes > kept as u64 {
            break;
        }
        hits.add(grep.hits(&buffer));
        if read < PIECE {
            break;
        }
        buffer.drain(..buffer.len() - OVERLAP);
    }
    Ok((bytes, hits))
}

/// Every file that is not the engine's, by its path below the directory, in order.
fn all(data: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk(data, Path::new(""), 0, &mut found)?;
    found.sort();
    Ok(found)
}

fn walk(data: &Path, below: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    let dir = data.join(below);
    let entries = std::fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", dir.display()))?;
        let path = below.join(entry.file_name());
        if depth == 0 && ENGINES.iter().any(|name| path == Path::new(name)) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            if depth == DEPTH {
                bail!("{} lies too deep to be looked at", path.display());
            }
            walk(data, &path, depth + 1, found)?;
        } else if entry.file_type()?.is_file() {
            found.push(path);
            if found.len() > FILES {
                bail!("{} has more than {FILES} files", data.display());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests read back what they wrote themselves")]
mod tests {
    use super::*;
    use wardroom_engine::{Subject, Token};

    #[test]
    fn texts_of_ours_are_rewritten_and_others_named() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, bytes: &[u8]| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        put("backtests/b_1.json", br#"{"top": ["alice", "malice"], "text": "of alice"}"#);
        put("backtests/b_2.bin", b"\xff\xfe alice");
        put("keys.toml", b"name = \"alice\"");
        put("journal/1.wj", b"alice");
        put("erasing", b"alice");
        put("big/file", &[vec![b'x'; PIECE - 3], b" alice ".to_vec(), vec![b'y'; 100]].concat());
        let subject = Subject::parse("account:alice").unwrap();
        let eraser = Eraser::new(subject.clone(), &Token::random().unwrap()).unwrap();
        let grep = Grep::new(&subject).unwrap();
        let said = erase(dir.path(), &eraser, &grep).unwrap();
        let short: Vec<_> =
            said.iter().map(|l| (&*l.path, l.as_, l.replaced, l.alone > 0, l.within)).collect();
        let expect = [
            ("backtests/b_1.json", "text", 2, false, 1),
            ("backtests/b_2.bin", "bytes", 0, true, 0),
            ("big/file", "bytes", 0, true, 0),
            ("keys.toml", "bytes", 0, true, 0),
        ];
        assert_eq!(short, expect);
        let text = std::fs::read_to_string(dir.path().join("backtests/b_1.json")).unwrap();
        assert!(text.contains("\"erased-") && text.contains("malice") && !text.contains("\"alice"), "{text}");
        let proved = prove(dir.path(), &grep, &HashSet::new()).unwrap();
        assert_eq!(proved.iter().filter(|looked| looked.alone > 0).count(), 3);
    }
}
