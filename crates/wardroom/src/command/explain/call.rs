// SPDX-License-Identifier: Apache-2.0
//! A function: how it is called, what it does, examples.

use crate::cli::Explain;
use anyhow::Result;
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;
use wardroom_policy::{Call, calls};

pub(super) fn run(name: &str, args: &Explain) -> Result<ExitCode> {
    let found: Vec<Call> = calls().filter(|call| call.name == name).collect();
    let mut out = std::io::stdout().lock();
    if args.json {
        let example = |(call, value): &(&str, &str)| json!({ "call": call, "value": value });
        let one = |c: &Call| {
            json!({
                "function": c.name, "signature": c.signature, "doc": c.doc,
                "examples": c.examples.iter().map(example).collect::<Vec<_>>(),
            })
        };
        let all: Vec<_> = found.iter().map(one).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    for (at, call) in found.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}\n\n{}", call.signature, call.doc)?;
        if !call.examples.is_empty() {
            writeln!(out)?;
        }
        for (call, value) in call.examples {
            writeln!(out, "    {call}  is  {value}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
