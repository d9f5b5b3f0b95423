// SPDX-License-Identifier: Apache-2.0
//! A password from whoever sits there: never on the command line, which others can list, and not shown while it is typed.

use anyhow::{Context, Result, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{BufRead, IsTerminal, Write};
use wardroom_account::breach::limits::LINE_BYTES;

/// What a key sends: end of text, end of file, and the two that take a character back.
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const BACK: [u8; 2] = [8, 127];

/// Reads one line of standard input, without its end. On a terminal it asks, and shows nothing of the answer.
pub(super) fn read(ask: &str) -> Result<Vec<u8>> {
    let stdin = std::io::stdin();
    let hidden = if stdin.is_terminal() {
        write!(std::io::stderr(), "{ask}").and_then(|()| std::io::stderr().flush())?;
        Some(Hidden::begin()?)
    } else {
        None
    };
    let line = line(stdin.lock());
    if hidden.is_some() {
        drop(hidden);
        let _ = writeln!(std::io::stderr());
    }
    line
}

/// Takes bytes to the end of the line. A terminal that hides what is typed leaves editing to us.
fn line(from: impl BufRead) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    for byte in from.bytes() {
        match byte.context("cannot read the password")? {
            b'\n' => break,
            CTRL_C => bail!("given up"),
            CTRL_D => break,
            byte if BACK.contains(&byte) => take_back(&mut line),
            _ if line.len() == LINE_BYTES => bail!("a password has at most {LINE_BYTES} bytes"),
            byte => line.push(byte),
        }
    }
    line.pop_if(|byte| *byte == b'\r');
    Ok(line)
}

/// Takes the last character back, which may be several bytes.
fn take_back(line: &mut Vec<u8>) {
    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

/// A terminal that shows nothing, until this is dropped. Its keys send bytes and no signals: one that ended the program
/// would leave the terminal silent.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> Result<Hidden> {
        let before = tcgetattr(std::io::stdin()).context("cannot look at the terminal")?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        let hidden = Hidden(before);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent)
            .context("cannot silence the terminal")?;
        Ok(hidden)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_was_typed_and_not_taken_back() {
        let check = |typed: &[u8], expect: Option<&str>| {
            let read = line(typed).ok();
            assert_eq!(read.as_deref(), expect.map(str::as_bytes), "{typed:?}");
        };
        check(b"hunter2\nhunter3\n", Some("hunter2"));
        check(b"hunter2\r\n", Some("hunter2"));
        check(b"hunter2", Some("hunter2"));
        check("hunterß\u{7f}2\n".as_bytes(), Some("hunter2"));
        check(b"\x08\x08h\n", Some("h"));
        check(b"hun\x03ter\n", None);
        check(b"hun\x04ter\n", Some("hun"));
        check(&[b'x'; LINE_BYTES + 1], None);
        check(b"", Some(""));
    }
}
