// SPDX-License-Identifier: Apache-2.0
//! `wardroom lsp` with a real editor: Neovim opens a policy with a mistake, and does to it what people do.

use crate::process::{Process, program, run, wardroom};
use std::path::Path;
use std::process::{Command, Stdio};

/// What the editor does, and the policy it does it to.
const SESSION: &str = include_str!("lsp/session.lua");
const POLICY: &str = include_str!("lsp/policy/main.ward");
/// What it saw.
const SEEN: &str = include_str!("lsp/seen.txt");

/// Neovim with nothing of the machine's own settings.
fn editor(nvim: &Path, dir: &Path) -> Command {
    let server = serde_json::json!([env!("CARGO_BIN_EXE_wardroom"), "lsp"]);
    let mut command = Command::new(nvim);
    command.current_dir(dir).stdin(Stdio::null()).env("SERVER", server.to_string()).env("SEEN", "seen.txt");
    for place in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        command.env(place, dir.join("home"));
    }
    command.args([
        "--headless",
        "-u",
        "NONE",
        "-i",
        "NONE",
        "-n",
        "policy/main.ward",
        "-c",
        "luafile session.lua",
    ]);
    command
}

#[test]
fn an_editor_is_served() {
    let Some(nvim) = program("an_editor_is_served", "nvim") else { return };
    let dir = tempfile::tempdir().unwrap();
    for folder in ["home", "policy"] {
        std::fs::create_dir(dir.path().join(folder)).unwrap();
    }
    std::fs::write(dir.path().join("policy/main.ward"), POLICY).unwrap();
    std::fs::write(dir.path().join("session.lua"), SESSION).unwrap();
    let ran = Process::start(&mut editor(&nvim, dir.path())).wait();
    let seen = std::fs::read_to_string(dir.path().join("seen.txt")).unwrap_or_default();
    // Markdown ends some lines with blanks; the file here has none.
    let seen: String = seen.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert_eq!(seen, SEEN, "{ran:#?}");
    ran.ended(0);
    // What the editor wrote is right in every other way of asking, too.
    run(dir.path(), &["check"]).ended(0);
    run(dir.path(), &["test"]).ended(0);
}

/// A client that goes away ends the server, whichever way it goes.
#[test]
fn the_server_ends_with_its_client() {
    let dir = tempfile::tempdir().unwrap();
    let messages = |bodies: &[&str]| -> String {
        bodies.iter().map(|b| format!("Content-Length: {}\r\n\r\n{b}", b.len())).collect()
    };
    let begin = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#;
    let (down, exit) =
        (r#"{"jsonrpc":"2.0","id":2,"method":"shutdown"}"#, r#"{"jsonrpc":"2.0","method":"exit"}"#);
    let cases = [
        (messages(&[begin, down, exit]), 0),
        (messages(&[begin, exit]), 1),
        (messages(&[begin]), 1),
        ("x".to_owned(), 1),
    ];
    for (sent, code) in cases {
        let mut process = Process::start(wardroom(dir.path()).args(["lsp", "--stdio"]).stdin(Stdio::piped()));
        std::io::Write::write_all(&mut process.input(), sent.as_bytes()).unwrap();
        process.wait().ended(code);
    }
}
