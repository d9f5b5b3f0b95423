// SPDX-License-Identifier: Apache-2.0
//! Debian packages that some steps need: a real web server and a real SSH server whose logs tests read, a real editor
//! that `wardroom lsp` serves, a real client of PostgreSQL that asks in SQL, a real mail server that asks before it lets
//! anybody in, and the C++ compiler that libFuzzer is built with.
//!
//! Installed only where that can be done without asking anyone: as root, or by a sudo that wants no password. Their
//! services stay stopped: a test starts its own server, on its own port, with its own configuration.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::place::{self, Place};

/// The variable that tells tests which programs are absent, separated by commas.
pub(crate) const SKIP: &str = "WARDROOM_SKIP";

/// Asked by every package before it starts a service; 101 forbids it. See invoke-rc.d(8).
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// The answer while we install, with a line by which a file left by a killed run is known as ours.
const FORBID: &str =
    "#!/bin/sh\n# wardroom: no service starts while its tests' packages are installed\nexit 101\n";

/// A package, known by a program of it: so a server built by hand, or another distribution's, is as good.
struct Package {
    name: &'static str,
    program: &'static str,
}

const PACKAGES: [Package; 13] = [
    Package { name: "nginx", program: "nginx" },
    Package { name: "openssh-server", program: "sshd" },
    Package { name: "openssh-client", program: "ssh" },
    Package { name: "sshpass", program: "sshpass" },
    Package { name: "g++", program: "c++" },
    Package { name: "neovim", program: "nvim" },
    Package { name: "postgresql-client", program: "psql" },
    Package { name: "dovecot-imapd", program: "dovecot" },
    Package { name: "postfix", program: "postfix" },
    Package { name: "swaks", program: "swaks" },
    Package { name: "rspamd", program: "rspamc" },
    Package { name: "spamc", program: "spamc" },
    Package { name: "miltertest", program: "miltertest" },
];

/// The programs that are not there.
pub(crate) fn absent(place: &Place) -> Vec<&'static str> {
    PACKAGES.iter().map(|package| package.program).filter(|program| place.which(program).is_none()).collect()
}

/// Installs what is absent.
pub(crate) fn install(place: &Place) -> Result<()> {
    let missing = PACKAGES.iter().filter(|package| place.which(package.program).is_none());
    apt_packages(place, &missing.map(|package| package.name).collect::<Vec<_>>())
}

/// Installs these packages with their services kept from starting; nothing to do when there are none.
pub(crate) fn apt_packages(place: &Place, names: &[&str]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    if place.which("apt-get").is_none() {
        bail!("no apt-get here; install by hand: {}", names.join(" "));
    }
    let admin = Admin::find(place)
        .with_context(|| format!("install by hand: apt-get install {}", names.join(" ")))?;
    let _stopped = NoServices::begin(place, admin)?;
    let quiet = ["-q", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0"];
    place::run(admin.command(place, "apt-get").args(quiet).arg("update"))?;
    place::run(
        admin
            .command(place, "apt-get")
            .args(quiet)
            .args(["install", "-y", "--no-install-recommends"])
            .args(names),
    )
}

/// How system files are changed: as ourselves, or through sudo.
#[derive(Debug, Clone, Copy)]
enum Admin {
    Root,
    Sudo,
}

impl Admin {
    /// Root, or a sudo that asks nothing.
    fn find(place: &Place) -> Result<Self> {
        if place::read(place.program("id").arg("-u"))?.trim() == "0" {
            return Ok(Self::Root);
        }
        place::read(place.program("sudo").args(["-n", "true"]))
            .context("neither root nor a sudo without a password")?;
        Ok(Self::Sudo)
    }

    /// A program run with the rights to change the system.
    fn command(self, place: &Place, program: &str) -> Command {
        let mut command = match self {
            Self::Root => place.program("env"),
            Self::Sudo => {
                let mut command = place.program("sudo");
                command.args(["-n", "env"]);
                command
            }
        };
        command.args(["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", program]);
        command
    }
}

/// Keeps services from starting for as long as it lives. A rule that is already there is the machine's and stays.
struct NoServices<'a> {
    place: &'a Place,
    admin: Admin,
    ours: bool,
}

impl<'a> NoServices<'a> {
    fn begin(place: &'a Place, admin: Admin) -> Result<Self> {
        let there = std::fs::read_to_string(POLICY).ok();
        let ours = there.is_none_or(|text| text == FORBID);
        if ours {
            std::fs::create_dir_all(&place.cache)?;
            let draft = place.cache.join("policy-rc.d");
            std::fs::write(&draft, FORBID).with_context(|| format!("cannot write {}", draft.display()))?;
            place::read(admin.command(place, "install").args(["-m", "755"]).arg(&draft).arg(POLICY))?;
            let _ = std::fs::remove_file(&draft);
        }
        Ok(Self { place, admin, ours })
    }
}

impl Drop for NoServices<'_> {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = place::read(self.admin.command(self.place, "rm").args(["-f", POLICY]))
        {
            println!("{POLICY} could not be removed; it keeps services from starting: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine whose `PATH` does not matter: nothing is installed by this test.
    #[test]
    fn nothing_missing_asks_for_nothing() {
        let nowhere = std::path::PathBuf::from("nowhere");
        let place = Place { root: nowhere.clone(), cache: nowhere.clone(), target: nowhere, ci: false };
        assert!(apt_packages(&place, &[]).is_ok());
    }

    #[test]
    fn each_package_is_known_by_one_program() {
        let mut programs: Vec<_> = PACKAGES.iter().map(|package| package.program).collect();
        programs.sort_unstable();
        programs.dedup();
        assert_eq!(programs.len(), PACKAGES.len());
        // The variable is a list with commas.
        assert!(programs.iter().all(|program| !program.contains(',')));
    }
}
