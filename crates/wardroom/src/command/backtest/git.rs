// SPDX-License-Identifier: Apache-2.0
//! A policy as it is in another revision of git, read through git itself and within the bounds of a policy.

use crate::failure::Usage;
use crate::policy_dir::is_policy;
use anyhow::{Context, Result, bail};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use wardroom_policy::{Bundle, limits};

/// The policy in `dir` as it was in a revision.
pub(super) fn policy(dir: &Path, rev: &str) -> Result<Bundle> {
    if rev.is_empty() || rev.starts_with('-') || rev.contains(':') {
        return Err(Usage(format!("`{rev}` is no revision")).into());
    }
    let mut left = limits::BUNDLE_BYTES;
    let tree = ["ls-tree", "-r", "-z", "--name-only", rev, "--", "."];
    let names = git(dir, &tree, limits::BUNDLE_BYTES)?;
    let mut bundle = Bundle::new();
    for name in
        names.split('\0').filter(|name| is_policy(name) && !name.split('/').any(|n| n.starts_with('.')))
    {
        let text = git(dir, &["show", &format!("{rev}:./{name}")], left)?;
        left = left.saturating_sub(text.len());
        bundle.add(name, text);
        if bundle.files().count() > limits::FILES {
            bail!("more than {} files in the policy of {rev}", limits::FILES);
        }
    }
    if !bundle.files().any(|(name, _)| name.ends_with(".ward")) {
        bail!("no .ward file in {} at {rev}", dir.display());
    }
    Ok(bundle)
}

/// What git says; no more than so many bytes.
fn git(dir: &Path, args: &[&str], most: usize) -> Result<String> {
    let mut child = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run git")?;
    let mut bytes = Vec::new();
    let read = child.stdout.take().map(|out| out.take(most as u64 + 1).read_to_end(&mut bytes));
    read.transpose().context("cannot read what git says")?;
    if bytes.len() > most {
        // It would wait for ever for somebody to read on.
        let _ = child.kill();
        let _ = child.wait();
        bail!("the policy is larger than {} bytes there", limits::BUNDLE_BYTES);
    }
    let mut said = String::new();
    let read = child.stderr.take().map(|err| err.take(4096).read_to_string(&mut said));
    read.transpose().context("cannot read what git says")?;
    let status = child.wait().context("git did not end")?;
    if !status.success() {
        let why = said.lines().next().unwrap_or("it gives no reason").trim_start_matches("fatal: ");
        bail!("git {}: {why}", args.first().copied().unwrap_or_default());
    }
    String::from_utf8(bytes).context("a file of the policy is not UTF-8")
}
