// SPDX-License-Identifier: Apache-2.0
//! What the files' writer asks of the disk, one function each, so that a test can stop it at any of them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// A new file, empty.
pub(super) fn create(path: &Path) -> io::Result<File> {
    faults::step()?;
    File::create(path)
}

/// Makes what was written to a file durable.
pub(super) fn sync(file: &File) -> io::Result<()> {
    faults::step().inspect_err(|_| faults::tear(file))?;
    file.sync_all()
}

/// Puts a file in the place of another.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    faults::step()?;
    fs::rename(from, to)
}

/// Removes a file.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    faults::step()?;
    fs::remove_file(path)
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    faults::step()?;
    File::open(dir)?.sync_all()
}

/// Makes a folder and those above it, and their names durable.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    faults::step()?;
    let above = dir.ancestors().skip(1).filter(|dir| !dir.as_os_str().is_empty());
    // The first that is there already holds the name of the next.
    let mut new = 0;
    for dir in above.clone() {
        new += 1;
        if dir.is_dir() {
            break;
        }
    }
    fs::create_dir_all(dir)?;
    above.take(new).try_for_each(sync_dir)
}

#[cfg(not(test))]
mod faults {
    pub(super) fn step() -> std::io::Result<()> {
        Ok(())
    }

    pub(super) fn tear(_: &std::fs::File) {}
}

/// The death of the process at one step: that and all after it fail.
#[cfg(test)]
pub(super) mod faults {
    use std::cell::Cell;
    use std::fs::File;
    use std::io;

    thread_local! {
        static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
        static TAKEN: Cell<u64> = const { Cell::new(0) };
    }

    /// How many steps succeed from now on; all, where it does not say.
    pub(in crate::store) fn die_after(steps: Option<u64>) {
        LEFT.set(steps);
        TAKEN.set(0);
    }

    /// How many steps there were since.
    pub(in crate::store) fn taken() -> u64 {
        TAKEN.get()
    }

    pub(super) fn step() -> io::Result<()> {
        TAKEN.set(TAKEN.get() + 1);
        match LEFT.get() {
            Some(0) => Err(io::Error::other("the process died")),
            Some(left) => {
                LEFT.set(Some(left - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// What was not made durable may be there in part.
    pub(super) fn tear(file: &File) {
        let half = file.metadata().map_or(0, |m| m.len() / 2);
        let _ = file.set_len(half);
    }
}
