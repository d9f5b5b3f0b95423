// SPDX-License-Identifier: Apache-2.0
//! `wardroom init`: a directory ready to serve. Nothing that is there is touched.

use crate::cli::Init;
use crate::config::{Config, FILE};
use crate::packs;
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const CONFIG: &str = "\
# Wardroom's configuration. Every value here is the default; `wardroom config` shows what is in force.
listen = \"127.0.0.1:8320\"
data = \"data\"
policy = \"policy\"
durability = \"sync\"        # or how often to sync, such as \"50ms\"
";

pub(crate) fn run(args: &Init) -> Result<ExitCode> {
    let dir = &args.dir;
    let data = lay_out(dir, [("first.ward", packs::FIRST)])?;
    let keys = super::key::file(&data);
    let roles = ["ingest", "read", "policy", "admin"].map(str::to_owned);
    let token = super::key::issue(&keys, "first", &roles, wardroom_api::Allowance::default())?;
    say(dir, &token)?;
    Ok(ExitCode::SUCCESS)
}

/// Makes a directory with a configuration, these files of a policy, and room for data. Gives the data directory.
pub(crate) fn lay_out<'a>(
    dir: &Path,
    policy_files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<PathBuf> {
    let (config, policy, data) = (dir.join(FILE), dir.join("policy"), dir.join("data"));
    for taken in [&config, &policy, &data] {
        if taken.exists() {
            bail!("{} is there already; nothing was changed", taken.display());
        }
    }
    let make = |path: &Path| {
        std::fs::create_dir_all(path).with_context(|| format!("cannot make the directory {}", path.display()))
    };
    make(&policy)?;
    super::key::make_data(&data)?;
    write(&config, CONFIG)?;
    for (path, text) in policy_files {
        let path = policy.join(path);
        if let Some(folder) = path.parent() {
            make(folder)?;
        }
        write(&path, text)?;
    }
    // What was written is what is read.
    Ok(Config::load(Some(&config))?.data.value)
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn say(dir: &Path, token: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let here = dir == Path::new(".");
    writeln!(out, "made {FILE}, policy/first.ward and data/ in {}\n", dir.display())?;
    writeln!(out, "Serve from there:\n")?;
    if !here {
        writeln!(out, "    cd {}", dir.display())?;
    }
    writeln!(out, "    wardroom serve\n")?;
    writeln!(
        out,
        "From another terminal, ask for a first verdict. The key may send events, read decisions and change the"
    )?;
    writeln!(out, "policy; it is not shown again:\n")?;
    writeln!(out, "    export WARDROOM_KEY={token}")?;
    writeln!(
        out,
        "    curl -s http://127.0.0.1:8320/v1/decide -H \"Authorization: Bearer $WARDROOM_KEY\" \\"
    )?;
    writeln!(out, "         -H 'Content-Type: application/json' \\")?;
    writeln!(out, "         -d '{{\"type\":\"signup\",\"account\":\"alice\",\"ip\":\"203.0.113.7\"}}'")?;
    Ok(())
}
