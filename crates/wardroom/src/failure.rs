// SPDX-License-Identifier: Apache-2.0
//! How a command fails: one message on standard error, and an exit code that says whose fault it was.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

/// The policy, test or input that was checked is not right. What is wrong has been printed.
#[derive(Debug)]
pub(crate) struct NotRight;

impl fmt::Display for NotRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not right")
    }
}

impl std::error::Error for NotRight {}

/// What was asked for was understood and is not done: it is not there, or its state or the rules forbid it.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// The command line is not right in a way that only its meaning shows.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Prints an error and gives its exit code, which stands even where nobody can read the message.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if error.is::<NotRight>() {
        return ExitCode::from(1);
    }
    let broken_pipe = error.chain().filter_map(|e| e.downcast_ref::<std::io::Error>());
    if broken_pipe.into_iter().any(|e| e.kind() == std::io::ErrorKind::BrokenPipe) {
        // Whoever read the output had enough: `wardroom … | head`.
        return ExitCode::SUCCESS;
    }
    // TOML's messages end a line of their own.
    let _ = writeln!(std::io::stderr(), "error: {}", format!("{error:#}").trim_end());
    let code = match error {
        e if e.is::<Refused>() => 1,
        e if e.is::<Usage>() => 2,
        _ => 3,
    };
    ExitCode::from(code)
}
