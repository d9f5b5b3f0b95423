// SPDX-License-Identifier: Apache-2.0
//! A backup as it lies somewhere: a directory, or one tar file. Written file after file, read in any order.

use super::limits;
use super::manifest::{self, Entry, Manifest};
use super::tar;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use wardroom_journal::DiskFile;

/// Where a backup is written.
pub(crate) enum Sink {
    /// A directory, whose manifest comes last.
    Dir(PathBuf),
    /// A tar file, under another name until it is whole.
    Tar { out: Box<BufWriter<File>>, aside: PathBuf, path: PathBuf, made: u64 },
    /// A tar archive on standard output.
    Out { out: Box<dyn Write>, made: u64 },
}

impl Sink {
    /// Begins a backup at `path`: `-` is standard output, a name that ends in `.tar` one file, any other a directory.
    /// `made` is the time, in seconds since 1970.
    pub(crate) fn create(path: &Path, made: u64) -> Result<Sink> {
        if path == Path::new("-") {
            let out = Box::new(BufWriter::with_capacity(limits::COPY_BYTES, io::stdout()));
            return Ok(Sink::Out { out, made });
        }
        if path.extension().is_some_and(|e| e == "tar") {
            if path.exists() {
                bail!("{} is there already; a backup never replaces another", path.display());
            }
            let aside = aside(path, "partial");
            // What an earlier one that was cut off left.
            let _ = fs::remove_file(&aside);
            let out = Box::new(BufWriter::with_capacity(limits::COPY_BYTES, create(&aside)?));
            return Ok(Sink::Tar { out, aside, path: path.to_owned(), made });
        }
        empty_dir(path)?;
        Ok(Sink::Dir(path.to_owned()))
    }

    /// Copies a file of exactly `bytes` bytes, and gives its SHA-256 in hex.
    pub(crate) fn put(&mut self, name: &str, bytes: u64, from: impl Read) -> Result<String> {
        let about = || format!("cannot copy {name}");
        match self {
            Sink::Dir(dir) => put_file(&dir.join(name), bytes, from),
            Sink::Tar { out, made, .. } => put_part(out, name, bytes, *made, from).with_context(about),
            Sink::Out { out, made } => put_part(out, name, bytes, *made, from).with_context(about),
        }
    }

    /// Writes the manifest, and makes all of it durable.
    pub(crate) fn finish(mut self, manifest: &Manifest) -> Result<()> {
        let json = serde_json::to_vec_pretty(manifest)?;
        self.put(manifest::NAME, json.len() as u64, &*json)?;
        match self {
            Sink::Dir(dir) => sync_dirs(&dir),
            Sink::Tar { mut out, aside, path, .. } => {
                tar::end(&mut out)?;
                let about = || format!("cannot write {}", path.display());
                out.into_inner()
                    .map_err(io::IntoInnerError::into_error)
                    .and_then(|f| f.sync_all())
                    .with_context(about)?;
                fs::rename(&aside, &path).with_context(about)?;
                sync_dir(parent(&path))
            }
            Sink::Out { mut out, .. } => {
                tar::end(&mut out)?;
                Ok(out.flush()?)
            }
        }
    }
}

/// A name beside a path, on the same disk.
pub(crate) fn aside(path: &Path, ending: &str) -> PathBuf {
    // Without a slash at its end, which would make it a name within.
    let mut name = path.components().collect::<PathBuf>().into_os_string();
    name.push(".");
    name.push(ending);
    name.into()
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new file, for its owner alone: a backup says who did what, and holds the secret.
fn create(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).with_context(|| format!("cannot make {}", path.display()))
}

/// Makes a directory, for its owner alone, or takes one that is empty.
pub(crate) fn empty_dir(path: &Path) -> Result<()> {
    match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => bail!("{} is not empty; name a directory that is not there yet", path.display()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.with_context(|| format!("cannot make the directory {}", path.display()))
        }
        Err(e) => Err(e).with_context(|| format!("cannot write a directory at {}", path.display())),
    }
}

/// Copies into a new file, with the folders above it, and makes its bytes durable.
pub(crate) fn put_file(path: &Path, bytes: u64, from: impl Read) -> Result<String> {
    let folder = parent(path);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the directory {}", folder.display()))?;
    let mut file = create(path)?;
    let about = || format!("cannot write {}", path.display());
    let sha256 = copy(from, bytes, &mut file).with_context(about)?;
    file.sync_all().with_context(about)?;
    Ok(sha256)
}

fn put_part(out: &mut impl Write, name: &str, bytes: u64, made: u64, from: impl Read) -> Result<String> {
    out.write_all(&tar::head(name, bytes, made)?)?;
    let sha256 = copy(from, bytes, out)?;
    tar::pad(out, bytes)?;
    Ok(sha256)
}

/// Copies exactly `bytes` bytes; fewer are an error. Gives their SHA-256 in hex.
pub(crate) fn copy(mut from: impl Read, bytes: u64, out: &mut impl Write) -> Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; limits::COPY_BYTES];
    let mut left = bytes;
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let n = match from.read(&mut buffer[..most]) {
            Ok(0) => bail!("{left} bytes are missing at its end"),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        hash.update(&buffer[..n]);
        out.write_all(&buffer[..n])?;
        left -= n as u64;
    }
    Ok(hex(&hash.finalize()))
}

/// Bytes as hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Makes the entries of a directory and of all below it durable.
pub(crate) fn sync_dirs(dir: &Path) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_dirs(&entry.path())?;
        }
    }
    sync_dir(dir)?;
    sync_dir(parent(dir))
}

fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|d| d.sync_all()).with_context(|| format!("cannot write {}", dir.display()))
}

/// A backup to read from.
#[derive(Debug)]
pub(crate) struct Archive {
    pub(crate) path: PathBuf,
    pub(crate) manifest: Manifest,
    /// Of a tar file: its parts by name.
    parts: Option<BTreeMap<String, tar::Part>>,
}

impl Archive {
    /// Opens a directory or a tar file and reads its manifest; what that names is looked at later.
    pub(crate) fn open(path: &Path) -> Result<Archive> {
        Archive::read(path).with_context(|| format!("{} cannot be used as a backup", path.display()))
    }

    fn read(path: &Path) -> Result<Archive> {
        let none = Manifest::new(String::new(), None);
        let mut archive = Archive { path: path.to_owned(), manifest: none, parts: None };
        if !fs::metadata(path)?.is_dir() {
            let parts = tar::parts(&mut File::open(path)?, limits::FILES + 1)?;
            let by_name = parts.into_iter().map(|part| (part.name.clone(), part)).collect();
            archive.parts = Some(by_name);
        }
        let Ok(found) = archive.file(manifest::NAME) else {
            bail!("it has no {}: it was never finished, or is something else", manifest::NAME);
        };
        let mut json = Vec::new();
        found.reader().take(limits::MANIFEST_BYTES + 1).read_to_end(&mut json)?;
        if json.len() as u64 > limits::MANIFEST_BYTES {
            bail!("its manifest is larger than {} bytes", limits::MANIFEST_BYTES);
        }
        archive.manifest = Manifest::parse(&json)?;
        archive.has_no_more()?;
        Ok(archive)
    }

    /// A tar file holds what its manifest names and nothing else.
    fn has_no_more(&self) -> Result<()> {
        let held = self.manifest.files.iter().filter(|e| e.held).map(|e| &*e.path);
        let named: HashSet<&str> = held.chain([manifest::NAME]).collect();
        match self.parts.iter().flatten().find(|(name, _)| !named.contains(&***name)) {
            Some((name, _)) => bail!("it holds {name:?}, which its manifest does not name"),
            None => Ok(()),
        }
    }

    /// A file of it.
    pub(crate) fn file(&self, name: &str) -> Result<Part> {
        match &self.parts {
            None => {
                let path = self.path.join(name);
                let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let bytes = file.metadata()?.len();
                Ok(Part { file, offset: 0, bytes })
            }
            Some(parts) => {
                let part =
                    parts.get(name).with_context(|| format!("{} lacks {name}", self.path.display()))?;
                Ok(Part { file: File::open(&self.path)?, offset: part.offset, bytes: part.bytes })
            }
        }
    }
}

/// A file of a backup, or of a data directory.
#[derive(Debug)]
pub(crate) struct Part {
    file: File,
    offset: u64,
    pub(crate) bytes: u64,
}

impl Part {
    /// Its bytes from the first.
    pub(crate) fn reader(&self) -> PartReader<'_> {
        PartReader { part: self, at: 0 }
    }
}

/// Reads a part in order.
pub(crate) struct PartReader<'a> {
    part: &'a Part,
    at: u64,
}

impl Read for PartReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = DiskFile::read_at(self.part, buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// So that the journal can be walked where it lies, within an archive.
impl DiskFile for Part {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.bytes.saturating_sub(offset);
        let most = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        FileExt::read_at(&self.file, &mut buf[..most], self.offset + offset)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Where each file of the newest backup lies: in it, or in one of those before.
pub(crate) struct Chain<'a> {
    newest: &'a Archive,
    earlier: &'a [Archive],
}

impl<'a> Chain<'a> {
    pub(crate) fn new(newest: &'a Archive, earlier: &'a [Archive]) -> Chain<'a> {
        Chain { newest, earlier }
    }

    /// The backup that holds a file; `None` where it is one that is not at hand.
    pub(crate) fn holder(&self, entry: &Entry) -> Option<&'a Archive> {
        if entry.held {
            return Some(self.newest);
        }
        let same = |e: &Entry| e.held && e.path == entry.path && e.sha256 == entry.sha256;
        self.earlier.iter().find(|archive| archive.manifest.files.iter().any(same))
    }
}
