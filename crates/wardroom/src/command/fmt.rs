// SPDX-License-Identifier: Apache-2.0
//! `wardroom fmt`: policy files in the form that all policies have. A file is written only when it changes, and then
//! whole or not at all.

mod diff;

use super::check::plural;
use super::policy::{read, say};
use crate::cli::Fmt;
use crate::failure::NotRight;
use crate::policy_dir;
use anyhow::{Context, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wardroom_policy::limits;

pub(crate) fn run(args: &Fmt) -> Result<ExitCode> {
    if args.stdin {
        return stdin(args.check);
    }
    let mut seen = Seen::default();
    for path in &args.paths {
        for (path, text) in files(path)? {
            seen.file(&path, &text, args.check)?;
        }
    }
    seen.finish(args.check)
}

/// The `.ward` files of a policy with their texts.
fn files(path: &Path) -> Result<Vec<(PathBuf, String)>> {
    let bundle = policy_dir::load(path)?;
    let is_file = path.is_file();
    let files = bundle.files().filter(|(name, _)| is_file || name.ends_with(".ward"));
    let place = |name: &str| if is_file { path.to_owned() } else { path.join(name) };
    Ok(files.map(|(name, text)| (place(name), text.to_owned())).collect())
}

/// What became of the files.
#[derive(Default)]
struct Seen {
    same: usize,
    changed: usize,
    refused: usize,
}

impl Seen {
    fn file(&mut self, path: &Path, text: &str, check: bool) -> Result<()> {
        let shown = path.display();
        let mut out = std::io::stdout();
        match wardroom_policy::format(&shown.to_string(), text) {
            Ok(formatted) if formatted == text => self.same += 1,
            Ok(formatted) => {
                self.changed += 1;
                if check {
                    write!(out, "{shown} would change\n{}", diff::diff(text, &formatted))?;
                } else {
                    replace(path, &formatted)?;
                    writeln!(out, "{shown} changed")?;
                }
            }
            Err(refusal) => {
                self.refused += 1;
                say(&refusal)?;
            }
        }
        Ok(())
    }

    fn finish(&self, check: bool) -> Result<ExitCode> {
        if self.refused > 0 {
            let files = plural(self.refused, "file");
            writeln!(std::io::stderr(), "{files} with faults of syntax stayed as they were")?;
            return Err(NotRight.into());
        }
        if check && self.changed > 0 {
            return Err(NotRight.into());
        }
        if self.changed == 0 {
            writeln!(std::io::stdout(), "{} in form", plural(self.same, "file"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Puts a text in the place of a file's: another process sees the one or the other.
fn replace(path: &Path, text: &str) -> Result<()> {
    let about = || format!("cannot write {}", path.display());
    // What a link names is changed, not the link.
    let path = path.canonicalize().with_context(about)?;
    let permissions = std::fs::metadata(&path).with_context(about)?.permissions();
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".fmt-").tempfile_in(folder).with_context(about)?;
    file.write_all(text.as_bytes()).with_context(about)?;
    file.as_file().set_permissions(permissions).with_context(about)?;
    file.as_file().sync_all().with_context(about)?;
    file.persist(&path).with_context(about)?;
    Ok(())
}

fn stdin(check: bool) -> Result<ExitCode> {
    let text = read(Path::new("-"), limits::FILE_BYTES)?;
    let mut out = std::io::stdout();
    match wardroom_policy::format("standard input", &text) {
        Ok(formatted) if !check => write!(out, "{formatted}")?,
        Ok(formatted) if formatted != text => {
            write!(out, "standard input would change\n{}", diff::diff(&text, &formatted))?;
            return Err(NotRight.into());
        }
        Ok(_) => {}
        Err(refusal) => {
            say(&refusal)?;
            return Err(NotRight.into());
        }
    }
    Ok(ExitCode::SUCCESS)
}
