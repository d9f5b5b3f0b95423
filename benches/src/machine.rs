// SPDX-License-Identifier: Apache-2.0
//! Where the numbers come from: a number without its machine, and how busy it was, says nothing.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The machine, as it was when the run began.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Machine {
    /// The processor's name; "unknown" where the system does not say.
    pub(crate) cpu: String,
    /// Cores this process may use.
    pub(crate) cores: usize,
    /// Processes that wanted to run, on average over the last 1, 5 and 15 minutes.
    pub(crate) load: String,
    /// Built with optimisation; numbers without are worthless.
    pub(crate) optimised: bool,
}

/// Looks at the machine.
pub(crate) fn look() -> Machine {
    Machine {
        cpu: cpu(&small_file("/proc/cpuinfo")).unwrap_or("unknown").to_owned(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        load: load(&small_file("/proc/loadavg")),
        optimised: !cfg!(debug_assertions),
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} cores, load {}", self.cpu, self.cores, self.load)?;
        if !self.optimised {
            write!(f, "\nbuilt without optimisation: these numbers say nothing; use --release")?;
        }
        Ok(())
    }
}

fn cpu(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

fn load(loadavg: &str) -> String {
    let three: Vec<&str> = loadavg.split_whitespace().take(3).collect();
    if three.is_empty() { "unknown".to_owned() } else { three.join(" ") }
}

/// The type of the file system that `path` lies on; "unknown" where the system does not say.
pub(crate) fn file_system(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    mounted(&small_file("/proc/mounts"), &path).unwrap_or("unknown").to_owned()
}

/// Of the mounts that hold the path, the deepest; of equals the last, which lies over the others.
fn mounted<'m>(mounts: &'m str, path: &Path) -> Option<&'m str> {
    let mut found: Option<(&Path, &str)> = None;
    for line in mounts.lines() {
        let mut words = line.split_whitespace().skip(1);
        let (Some(at), Some(kind)) = (words.next(), words.next()) else {
            continue;
        };
        let at = Path::new(at);
        if path.starts_with(at) && found.is_none_or(|(best, _)| at.starts_with(best)) {
            found = Some((at, kind));
        }
    }
    found.map(|(_, kind)| kind)
}

/// The beginning of a file of the system; empty where there is none.
fn small_file(path: &str) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        let _ = file.take(64 * 1024).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_files_are_read() {
        assert_eq!(cpu("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n"), Some("Some CPU @ 2 GHz"));
        assert_eq!(cpu(""), None);
        assert_eq!(load("0.10 0.20 0.30 1/99 1234\n"), "0.10 0.20 0.30");
        assert_eq!(load(""), "unknown");
    }

    #[test]
    fn the_deepest_mount_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmpfiles xfs rw 0 0\n";
        let check = |path: &str, expect| assert_eq!(mounted(mounts, Path::new(path)), expect, "{path}");
        check("/tmp/x", Some("tmpfs"));
        check("/tmpfiles/x", Some("xfs"));
        check("/home", Some("ext4"));
    }
}
