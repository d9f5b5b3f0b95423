// SPDX-License-Identifier: Apache-2.0
//! A terminal to run the program on, and what it writes there.

use crate::process::{Process, gather, run, until, wardroom};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A terminal of which the program has one side and the test the other.
pub(crate) struct Terminal {
    screen: Arc<Mutex<Vec<u8>>>,
    _master: std::os::fd::OwnedFd,
}

/// Starts it with its output and its errors on a terminal of 120 columns and 40 rows; its input stays what it is.
pub(crate) fn on_terminal(command: &mut Command) -> (Process, Terminal) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let slave = std::fs::File::options().read(true).write(true).open(name).unwrap();
    let size = rustix::termios::Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&slave, size).unwrap();
    let screen = Arc::default();
    gather(std::fs::File::from(master.try_clone().unwrap()), Arc::clone(&screen));
    command.stdout(slave.try_clone().unwrap()).stderr(slave);
    (Process::of(command), Terminal { screen, _master: master })
}

impl Terminal {
    /// All that was written so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }
}

/// Colours where a person sees them, and none where they are not wanted.
#[test]
fn no_color_is_honoured_on_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &["init"]).ended(0);
    for (value, coloured) in [(None, true), (Some(""), true), (Some("1"), false)] {
        let mut command = wardroom(dir.path());
        command.arg("test");
        if let Some(value) = value {
            command.env("NO_COLOR", value);
        }
        let (process, terminal) = on_terminal(&mut command);
        drop(command);
        process.wait().ended(0);
        let shown =
            until("the result", || Some(terminal.text()).filter(|t| t.contains("1 passed, 0 failed")));
        assert_eq!(shown.contains("\u{1b}[32m"), coloured, "{value:?}: {shown:?}");
    }
}

/// How far a log is read is shown to who waits; never among the signals, and never of a pipe, which has no length.
#[test]
fn progress_does_not_get_between_signals() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["--signals"][..], &[]] {
        let mut command = wardroom(dir.path());
        command.args(["replay", "-", "--format", "access"]).args(args).stdin(Stdio::piped());
        let (mut process, terminal) = on_terminal(&mut command);
        drop(command);
        let mut input = process.input();
        for _ in 0..3 {
            let line =
                "203.0.113.7 - - [17/May/2015:10:05:03 +0000] \"GET /../x HTTP/1.1\" 404 5 \"-\" \"x\"\n";
            input.write_all(line.as_bytes()).unwrap();
            // Longer than progress keeps silent.
            std::thread::sleep(Duration::from_millis(600));
        }
        drop(input);
        process.wait().ended(0);
        let shown = until("the result", || Some(terminal.text()).filter(|t| t.contains("judged")));
        assert!(!shown.contains("reading"), "{shown:?}");
    }
}
