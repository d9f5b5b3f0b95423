// SPDX-License-Identifier: Apache-2.0
//! The Python package: its checks and tests, in an environment of its own in the user's cache folder.
//!
//! The package is installed from the tree into a folder of this build, and the tests import it from there: so what is
//! tested is what `pip install` gives. The environment holds only what tests need, each at the version that
//! `python/requirements-dev.txt` names, and is known by that list: another list is another environment.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::debian;
use crate::place::{self, Place};

/// The package's folder.
const FOLDER: &str = "python";

/// What the tests need, by name and version.
const REQUIREMENTS: &str = "python/requirements-dev.txt";

/// Programs that may be a Python that is new enough, the usual one first.
const PYTHONS: [&str; 6] = ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python"];

/// The least version.
const LEAST: (u32, u32) = (3, 10);

/// Debian's packages for a Python that can make environments.
const PACKAGES: [&str; 2] = ["python3", "python3-venv"];

/// The environment, made if need be: the Python in it. An error is a machine without Python or without a network.
pub(crate) fn environment(place: &Place) -> Result<PathBuf> {
    let wanted = fs::read_to_string(place.root.join(REQUIREMENTS))
        .with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    let base = base(place)?;
    let folder = place.cache.join("python").join(name(&base.version, &wanted));
    let (python, whole) = (folder.join("bin/python"), folder.join("whole"));
    if whole.is_file() {
        return Ok(python);
    }
    println!("making {} (a minute or two, once)", folder.display());
    make(place, &base.program, &folder)?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS];
    place::run(place.program(&python).args(pip))?;
    // Last: an environment that was cut short is made again.
    fs::write(&whole, wanted)?;
    Ok(python)
}

/// A Python on this machine.
struct Base {
    program: PathBuf,
    version: String,
}

/// The first Python that is new enough; Debian's is installed where there is none.
fn base(place: &Place) -> Result<Base> {
    if let Some(found) = find(place) {
        return Ok(found);
    }
    let wanted = format!("Python {}.{} or newer", LEAST.0, LEAST.1);
    debian::apt_packages(place, &PACKAGES).with_context(|| format!("{wanted} is not there"))?;
    find(place).with_context(|| format!("{wanted} is not there, and Debian's is older"))
}

fn find(place: &Place) -> Option<Base> {
    let paths = PYTHONS.iter().filter_map(|name| place.which(name));
    paths.into_iter().find_map(|program| {
        let asked = place::read(place.program(&program).args(["-c", VERSION])).ok()?;
        let version = asked.trim().to_owned();
        is_new_enough(&version).then_some(Base { program, version })
    })
}

/// Prints `3.11`.
const VERSION: &str = "import sys; print('%d.%d' % sys.version_info[:2])";

fn is_new_enough(version: &str) -> bool {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    let mut parts = version.split('.');
    match (number(parts.next()), number(parts.next())) {
        (Some(major), Some(minor)) => (major, minor) >= LEAST,
        _ => false,
    }
}

/// The environment's name: one for each Python and list.
fn name(version: &str, wanted: &str) -> String {
    let mut hasher = DefaultHasher::new();
    wanted.hash(&mut hasher);
    format!("{version}-{:016x}", hasher.finish())
}

/// Makes an empty environment. On Debian the module for it is a package of its own.
fn make(place: &Place, base: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    let venv = || {
        let mut command = place.program(base);
        command.args(["-m", "venv"]).arg(folder);
        command
    };
    if place::run(&mut venv()).is_ok() {
        return Ok(());
    }
    debian::apt_packages(place, &PACKAGES)?;
    place::run(&mut venv())
}

/// Everything that the package is held to; the binary is what its tests ask.
pub(crate) fn check(place: &Place, python: &Path, binary: &Path) -> Result<()> {
    let installed = place.target.join("python");
    install(place, python, &installed)?;
    for words in ["-m ruff format --check .", "-m ruff check .", "-m mypy", "-m pytest -q"] {
        let mut command = here(place, python);
        command.args(words.split(' ')).env("WARDROOM_BIN", binary).env("PYTHONPATH", &installed);
        place::run(&mut command)?;
    }
    Ok(())
}

/// Python in the package's folder, without traces in the tree.
fn here(place: &Place, python: &Path) -> Command {
    let mut command = place.program(python);
    command.current_dir(place.root.join(FOLDER));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("RUFF_NO_CACHE", "true");
    let cache = place.target.join("python-cache");
    command.env("MYPY_CACHE_DIR", cache.join("mypy"));
    command.env("HYPOTHESIS_STORAGE_DIRECTORY", cache.join("hypothesis"));
    command.env("PYTEST_ADDOPTS", format!("-o cache_dir={}", cache.join("pytest").display()));
    command
}

/// Installs the package from the tree as anyone would, but into a folder of this build.
fn install(place: &Place, python: &Path, into: &Path) -> Result<()> {
    if into.exists() {
        fs::remove_dir_all(into).with_context(|| format!("cannot clear {}", into.display()))?;
    }
    let words = "-m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --target";
    place::run(here(place, python).args(words.split(' ')).arg(into).arg("."))?;
    if !into.join("wardroom/py.typed").is_file() {
        bail!("the installed package says nowhere that it is typed: py.typed is not in it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        for (version, expect) in [
            ("3.10", true),
            ("3.9", false),
            ("3.13", true),
            ("4.0", true),
            ("2.7", false),
            ("3", false),
            ("", false),
            ("3.x", false),
        ] {
            assert_eq!(is_new_enough(version), expect, "{version}");
        }
    }

    #[test]
    fn another_list_is_another_environment() {
        assert_eq!(name("3.11", "a==1"), name("3.11", "a==1"));
        assert_ne!(name("3.11", "a==1"), name("3.11", "a==2"));
        assert_ne!(name("3.11", "a==1"), name("3.12", "a==1"));
    }
}
