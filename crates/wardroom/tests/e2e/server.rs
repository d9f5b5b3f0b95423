// SPDX-License-Identifier: Apache-2.0
//! A directory made by `wardroom init`, and the server in it.

use crate::http::Client;
use crate::process::{Process, Ran, run, wardroom};
use rustix::process::Signal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A place to serve from, as a newcomer has it.
pub(crate) struct Shop {
    dir: TempDir,
    pub(crate) token: String,
}

impl Shop {
    pub(crate) fn new() -> Shop {
        let dir = tempfile::tempdir().unwrap();
        let made = run(dir.path(), &["init"]).ended(0);
        let token = made.out.split("WARDROOM_KEY=").nth(1).and_then(|rest| rest.lines().next());
        let token = token.unwrap_or_else(|| panic!("a key: {made:#?}")).to_owned();
        Shop { dir, token }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn policy(&self) -> PathBuf {
        self.path().join("policy/first.ward")
    }

    /// Changes the policy's text; what is replaced must be there.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.policy()).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(self.policy(), text.replace(from, to)).unwrap();
    }

    /// Serves on a free port.
    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    pub(crate) fn serve_with(&self, args: &[&str]) -> Server {
        Server::start(
            wardroom(self.path()).args(["serve", "--listen", "127.0.0.1:0"]).args(args),
            &self.token,
        )
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) client: Client,
}

impl Server {
    /// Starts the command and waits until it serves.
    pub(crate) fn start(command: &mut Command, token: &str) -> Server {
        let mut process = Process::start(command);
        let address = process.await_err("an address", address);
        Server { process, client: Client { address, token: token.to_owned() } }
    }

    /// Stops it in an orderly way.
    pub(crate) fn stop(self) -> Ran {
        self.process.signal(Signal::INT);
        let ran = self.process.wait().ended(0);
        assert!(ran.err.contains("stopped; everything accepted is on disk"), "{ran:#?}");
        ran
    }

    /// Kills it, as a power cut would end it.
    pub(crate) fn kill(self) -> Ran {
        self.process.signal(Signal::KILL);
        let ran = self.process.wait();
        assert_eq!(ran.signal, Some(9), "{ran:#?}");
        ran
    }
}

/// The address in the line `serving address=…`.
pub(crate) fn address(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|l| l.contains("serving address="))?;
    line.split("address=").nth(1)?.split_whitespace().next()?.parse().ok()
}

/// A sign-up as the first policy takes it.
pub(crate) fn signup(id: &str, account: &str, ip: &str) -> String {
    format!(r#"{{"type":"signup","id":"{id}","account":"{account}","ip":"{ip}"}}"#)
}
