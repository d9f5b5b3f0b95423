// SPDX-License-Identifier: Apache-2.0
//! Where things are (repository, cache, builds) and how child programs are started there.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The folders a run works in.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The repository.
    pub(crate) root: PathBuf,
    /// `wardroom` in the user's cache folder: builds and tools that outlive a clone.
    pub(crate) cache: PathBuf,
    /// `CARGO_TARGET_DIR` of every child.
    pub(crate) target: PathBuf,
    /// Whether `CI=true`: then nothing may be skipped.
    pub(crate) ci: bool,
}

impl Place {
    /// Reads the environment. Fails only when neither `XDG_CACHE_HOME` nor `HOME` says where a cache may be.
    pub(crate) fn find() -> Result<Self> {
        // `cargo run` says where this crate is now; the path compiled in is for a program started by hand.
        let crate_dir =
            std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root =
            Path::new(&crate_dir).parent().context("the xtask crate has no folder above it")?.to_path_buf();
        let cache = cache_dir(std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME"))?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            // Children start in the root, so a relative path must not change its meaning on the way.
            Some(dir) if !dir.is_empty() => std::path::absolute(dir)?,
            _ => cache.join("target"),
        };
        let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        Ok(Self { root, cache, target, ci })
    }

    /// Where `cargo install` puts the tools of the test run.
    pub(crate) fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }

    /// A `cargo` of the running toolchain, started in the root with the shared target folder and the tools on `PATH`.
    /// `words` are separated by blanks, as typed; what may hold a blank itself goes into `arg`.
    pub(crate) fn cargo(&self, words: &str) -> Command {
        let mut command = self.program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(words.split_whitespace()).env("CARGO_TARGET_DIR", &self.target).env("PATH", self.path());
        command
    }

    /// Any other program, started in the root.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).stdin(Stdio::null());
        command
    }

    /// A program that may be one of the installed tools.
    pub(crate) fn tool(&self, program: &str) -> Command {
        let mut command = self.program(self.which(program).unwrap_or_else(|| program.into()));
        command.env("PATH", self.path());
        command
    }

    /// `PATH` with the installed tools first and the folders of system programs last: `sshd` and `nginx` live in
    /// `/usr/sbin`, which an ordinary user's `PATH` often leaves out.
    fn path(&self) -> OsString {
        let own = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(self.tools().join("bin"))
            .chain(std::env::split_paths(&own))
            .chain(["/usr/sbin".into(), "/sbin".into()]);
        std::env::join_paths(dirs).unwrap_or(own)
    }

    /// Where a program is, as children would find it.
    pub(crate) fn which(&self, program: &str) -> Option<PathBuf> {
        std::env::split_paths(&self.path()).map(|dir| dir.join(program)).find(|path| path.is_file())
    }
}

/// The project's folder in the user's cache, by the XDG base directory rules: an empty or relative value counts as unset.
fn cache_dir(xdg: Option<OsString>, home: Option<OsString>) -> Result<PathBuf> {
    let absolute = |value: Option<OsString>| value.map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(dir) = absolute(xdg) {
        return Ok(dir.join("wardroom"));
    }
    let home = absolute(home).context("no cache folder: set HOME or XDG_CACHE_HOME to an absolute path")?;
    Ok(home.join(".cache").join("wardroom"))
}

/// Prints the command, runs it, and fails when it does. Its standard error joins our standard output: cargo and nextest
/// report on standard error, and one stream keeps their lines in order with ours and in whatever a caller pipes away.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let words = spell(command);
    println!("$ {words}");
    let own = std::io::stdout().as_fd().try_clone_to_owned().context("standard output is closed")?;
    let status =
        command.stderr(Stdio::from(own)).status().with_context(|| format!("`{words}` did not start"))?;
    if !status.success() {
        bail!("`{words}` failed: {status}");
    }
    Ok(())
}

/// Runs a command for what it prints. The error carries its standard error.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let words = spell(command);
    let output = command.output().with_context(|| format!("`{words}` did not start"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{words}` failed: {}\n{}", output.status, said.trim_end());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{words}` printed something that is not UTF-8"))
}

/// A command as a person would type it: program by its name, arguments with spaces quoted.
pub(crate) fn spell(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args()).map(|word| quote(&word.to_string_lossy()));
    words.collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./=,:@%+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_cache(xdg: Option<&str>, home: Option<&str>, expect: Option<&str>) {
        let dir = cache_dir(xdg.map(OsString::from), home.map(OsString::from)).ok();
        assert_eq!(dir.as_deref(), expect.map(Path::new));
    }

    #[test]
    fn cache_follows_the_xdg_rules() {
        check_cache(Some("/c"), Some("/h"), Some("/c/wardroom"));
        check_cache(None, Some("/h"), Some("/h/.cache/wardroom"));
        check_cache(Some(""), Some("/h"), Some("/h/.cache/wardroom"));
        check_cache(Some("relative"), Some("/h"), Some("/h/.cache/wardroom"));
        check_cache(None, None, None);
        check_cache(None, Some(""), None);
    }

    #[test]
    fn commands_are_spelled_as_typed() {
        let mut command = Command::new("/opt/toolchain/bin/cargo");
        command.args(["clippy", "--", "-D", "warnings", "a b", ""]);
        assert_eq!(spell(&command), "cargo clippy -- -D warnings 'a b' ''");
    }

    #[test]
    fn a_failing_child_is_named() {
        let message =
            format!("{:#}", read(Command::new("sh").args(["-c", "echo oh >&2; exit 3"])).unwrap_err());
        assert!(message.contains("exit status: 3") && message.ends_with("oh"), "{message}");
        let message = format!("{:#}", run(&mut Command::new("no-such-program-here")).unwrap_err());
        assert!(message.contains("`no-such-program-here` did not start"), "{message}");
    }
}
