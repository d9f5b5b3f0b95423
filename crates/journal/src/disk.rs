// SPDX-License-Identifier: Apache-2.0
//! The narrow door between the journal and a disk, and the real disk behind it.
//!
//! Narrow so that [`SimDisk`](crate::SimDisk) can stand in for all of it: everything the journal's promises rest on
//! (what survives without a sync, what a failed sync leaves behind) is decided behind this trait. Objects, not
//! generics: a call moves kilobytes, so the indirection costs nothing and no type parameter leaks into callers.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, FlockOperation};
use rustix::io::Errno;

/// What the journal needs of a directory.
pub trait Disk: Debug + Send + Sync {
    /// Makes the directory and its parents, durably and for their owner alone, unless they are there.
    fn ensure_dir(&self, dir: &Path) -> io::Result<()>;
    /// Takes the exclusive lock that `path` stands for, or says that another holder has it.
    fn lock(&self, path: &Path) -> io::Result<Lock>;
    /// Names of the files in `dir`, in any order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// True if there is a file of this name.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// Makes a file of `len` zero bytes whose blocks are allocated, for its owner alone, replacing what was there.
    /// Lack of room is an error here and may leave a file behind for the caller to remove. A file of length 0 is the
    /// plain kind: writes beyond its end make it longer, and meet a full disk themselves.
    fn create(&self, path: &Path, len: u64) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file that exists.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>>;
    /// Removes a file; durable after [`Disk::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Gives a file another name on the same file system, in place of what had that name. Programs see either the old
    /// or the new state. It is durable after [`Disk::sync_dir`] of the new name's directory, and gone from its old place
    /// after that of the old name's. What a power cut leaves of a file that was not synced before is anyone's guess.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the directory's entries durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Puts a small file in place of `path`, durably and whole or not at all: whatever happens, the next to look finds
    /// the old bytes or the new. What a crash leaves behind is a file with `.tmp` after its name, which the next call
    /// replaces.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = temporary(path);
        let written = self
            .create(&temporary, 0)
            .and_then(|file| write_full(&*file, bytes, 0).and_then(|()| file.sync_all()))
            .and_then(|()| self.rename(&temporary, path));
        if let Err(e) = written {
            // A full disk should not be left fuller. A failure here changes nothing: the next call replaces the file.
            let _ = self.remove(&temporary);
            return Err(e);
        }
        self.sync_dir(parent(path))
    }

    /// All bytes of a small file, or an error of kind `InvalidData` if there are more than `limit`.
    fn load(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
        let file = self.open(path, Access::Read)?;
        let mut bytes = vec![0; usize::try_from(file.size()?).unwrap_or(usize::MAX).min(limit) + 1];
        let n = read_full(&*file, &mut bytes, 0)?;
        if n > limit {
            let words = format!("longer than the {limit} bytes that such a file can have");
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        bytes.truncate(n);
        Ok(bytes)
    }
}

/// What the journal needs of a file.
pub trait DiskFile: Debug + Send + Sync {
    /// Length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Reads up to `buf.len()` bytes at `offset`; zero at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes up to `bytes.len()` bytes at `offset`; may write fewer.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Sets the length in bytes.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes written bytes durable (`fdatasync`).
    fn sync_data(&self) -> io::Result<()>;
    /// Makes bytes and length durable (`fsync`).
    fn sync_all(&self) -> io::Result<()>;
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For reading only; takes no lock and changes nothing.
    Read,
    /// For the writer and for recovery.
    ReadWrite,
}

/// The outcome of asking for the lock.
#[derive(Debug)]
pub enum Lock {
    /// Held until the value is dropped.
    Held(Box<dyn LockGuard>),
    /// Somebody else's.
    Taken {
        /// The holder's process id, when it could be read.
        pid: Option<u32>,
    },
}

/// Holds a lock for as long as it lives.
pub trait LockGuard: Debug + Send + Sync {}

impl<T: Debug + Send + Sync> LockGuard for T {}

/// The name under which a file is written before it gets its own.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    name.into()
}

/// The directory that holds `path`.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Reads until `buf` is full or the file ends; returns the bytes read.
pub(crate) fn read_full(file: &dyn DiskFile, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// Writes all of `bytes`, however many calls that takes.
pub(crate) fn write_full(file: &dyn DiskFile, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                bytes = &bytes[n..];
                offset += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Permissions of the files made here: they hold personal data and keys.
const OWNER_ONLY: u32 = 0o600;

/// The same for directories. One that was there keeps what it has.
const OWNER_ENTERS: u32 = 0o700;

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct FsDisk;

impl Disk for FsDisk {
    fn ensure_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        let above = dir.parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(above) = above {
            self.ensure_dir(above)?;
        }
        match fs::DirBuilder::new().mode(OWNER_ENTERS).create(dir) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
            Err(e) => Err(e),
            Ok(()) => self.sync_dir(parent(dir)),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Ok(Lock::Taken { pid: read_pid(&mut file) });
            }
            Err(e) => return Err(e.into()),
        }
        // The id only helps a person find the holder, so a full disk must not stop the lock here.
        let noted = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        match noted {
            Err(e) if !crate::error::is_full(&e) => Err(e),
            _ => Ok(Lock::Held(Box::new(file))),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            // A name that is not UTF-8 is no segment of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }

    fn create(&self, path: &Path, len: u64) -> io::Result<Box<dyn DiskFile>> {
        // What is there may be another's to read, and would stay so.
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut how = OpenOptions::new();
        let file = how.create_new(true).read(true).write(true).mode(OWNER_ONLY).open(path)?;
        if len == 0 {
            return Ok(Box::new(file));
        }
        match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, len) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(&file, len)?,
            other => other?,
        }
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(access == Access::ReadWrite).open(path)?;
        Ok(Box::new(file))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

impl DiskFile for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buf, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }
    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }
    fn sync_all(&self) -> io::Result<()> {
        File::sync_all(self)
    }
}

/// The fallback of preallocation: takes the blocks by writing them.
fn write_zeros(file: &File, len: u64) -> io::Result<()> {
    static CHUNK: [u8; 64 << 10] = [0; 64 << 10];
    let mut offset = 0;
    while offset < len {
        let n = (len - offset).min(CHUNK.len() as u64);
        file.write_all_at(&CHUNK[..n as usize], offset)?;
        offset += n;
    }
    Ok(())
}

/// The number in a lock file: at most a few digits, whatever the file holds.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = [0; 16];
    file.seek(SeekFrom::Start(0)).ok()?;
    let n = file.read(&mut text).ok()?;
    std::str::from_utf8(&text[..n]).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zero_writing_fallback_makes_the_same_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = FsDisk.create(&dir.path().join("a"), 100_000).unwrap();
        let by_hand = File::create_new(dir.path().join("b")).unwrap();
        write_zeros(&by_hand, 100_000).unwrap();
        assert_eq!(file.size().unwrap(), 100_000);
        assert_eq!(by_hand.size().unwrap(), 100_000);
        assert!(fs::read(dir.path().join("a")).unwrap() == fs::read(dir.path().join("b")).unwrap());
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("x"), "").unwrap();
        assert!(FsDisk.ensure_dir(&dir.path().join("x")).is_err());
        assert!(FsDisk.ensure_dir(&dir.path().join("x/y")).is_err());
        FsDisk.ensure_dir(&dir.path().join("a/b/c")).unwrap();
        assert!(dir.path().join("a/b/c").is_dir());
    }

    #[test]
    fn a_plain_file_grows_and_a_small_one_is_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        small_files(&FsDisk, dir.path());
        small_files(&crate::SimDisk::new(1, 1 << 20), Path::new("/d"));
        let mode = fs::metadata(dir.path().join("small")).unwrap().permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, OWNER_ONLY);
    }

    /// What both disks must do alike.
    fn small_files(disk: &dyn Disk, dir: &Path) {
        let (plain, small) = (dir.join("plain"), dir.join("small"));
        let file = disk.create(&plain, 0).unwrap();
        assert_eq!(file.size().unwrap(), 0);
        write_full(&*file, b"grows", 0).unwrap();
        write_full(&*file, b" on", 5).unwrap();
        assert_eq!(disk.load(&plain, 8).unwrap(), b"grows on");
        assert_eq!(disk.load(&plain, 7).unwrap_err().kind(), io::ErrorKind::InvalidData);

        for bytes in [b"one".as_slice(), b"", b"three"] {
            disk.replace(&small, bytes).unwrap();
            assert_eq!(disk.load(&small, 8).unwrap(), bytes);
        }
        let mut names = disk.list(dir).unwrap();
        names.sort_unstable();
        assert_eq!(names, ["plain", "small"], "nothing temporary stays");

        disk.rename(&plain, &small).unwrap();
        assert!(disk.exists(&small).unwrap() && !disk.exists(&plain).unwrap());
        assert_eq!(disk.load(&small, 8).unwrap(), b"grows on");
        assert_eq!(disk.rename(&plain, &small).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(disk.load(&plain, 8).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
