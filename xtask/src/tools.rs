// SPDX-License-Identifier: Apache-2.0
//! Cargo's helpers that the test run needs, built from the crate registry into the user's cache when they are absent.
//!
//! One already on `PATH` is used whatever its version. Ours are pinned, so that a clone of today behaves the same next
//! year, and built without optimisation: they mostly wait for other programs, and a bare machine waits for them.

use anyhow::{Context, Result};

use crate::place::{self, Place};

/// A program that `cargo install` can make.
pub(crate) struct Tool {
    /// Its name on `PATH` and in the registry.
    pub(crate) program: &'static str,
    /// The release to install.
    version: &'static str,
    /// Further words for `cargo install`.
    words: &'static [&'static str],
}

/// Runs each test in a process of its own, with a limit on its time.
pub(crate) const NEXTEST: Tool = Tool {
    program: "cargo-nextest",
    version: "0.9.151",
    // Left out: updating itself, which brings a TLS stack along.
    words: &["--no-default-features", "--features", "default-no-update"],
};

/// Checks licences, sources and duplicates against `deny.toml`.
pub(crate) const CARGO_DENY: Tool = Tool { program: "cargo-deny", version: "0.20.2", words: &[] };

/// Builds the book. Left out: serving and searching it.
pub(crate) const MDBOOK: Tool =
    Tool { program: "mdbook", version: "0.5.4", words: &["--no-default-features"] };

/// Sees that the tool is there, building it if need be.
pub(crate) fn ensure(place: &Place, tool: &Tool) -> Result<()> {
    if place.which(tool.program).is_some() {
        return Ok(());
    }
    let root = place.tools();
    std::fs::create_dir_all(&root).with_context(|| format!("cannot make {}", root.display()))?;
    println!("{} is not on PATH: building it into {} (a few minutes, once)", tool.program, root.display());
    let built = place::run(&mut install(place, tool));
    // Hundreds of megabytes that nothing reads again.
    let _ = std::fs::remove_dir_all(root.join("build"));
    built
}

/// The `cargo install` for a tool.
fn install(place: &Place, tool: &Tool) -> std::process::Command {
    let root = place.tools();
    let mut command = place.cargo("install --quiet --locked");
    command.args([tool.program, "--version", tool.version]).args(tool.words).arg("--root").arg(&root);
    command.env("CARGO_TARGET_DIR", root.join("build"));
    let profile = [("OPT_LEVEL", "0"), ("LTO", "off"), ("DEBUG", "false"), ("CODEGEN_UNITS", "16")];
    command.envs(profile.map(|(key, value)| (format!("CARGO_PROFILE_RELEASE_{key}"), value)));
    // Flags meant for this repository's crates are no business of the tools.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}
