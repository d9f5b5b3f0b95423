// SPDX-License-Identifier: Apache-2.0
//! Evaluates judgement on labelled mail: `eval MANIFEST [batch|online|held-out] [no-headers] [ablation] [why=N]
//! [learn=SOURCE] [judge=SOURCE]`. With `learn` and `judge`, a model learns one source's training part and judges all of another.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::path::Path;
use std::time::Instant;

use wardroom_mail::eval::{Mode, Plan, evaluate, manifest};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut plan = Plan::default();
    let (mut learn, mut judge) = (None, None);
    for arg in args.iter().skip(1) {
        match arg.split_once('=').unwrap_or((arg, "")) {
            ("online", _) => plan.mode = Mode::Online,
            ("held-out", _) => plan.mode = Mode::HeldOut,
            ("no-headers", _) => plan.without_headers = true,
            ("ablation", _) => plan.ablation = true,
            ("why", count) => plan.misjudged = count.parse()?,
            ("learn", source) => learn = Some(source.to_owned()),
            ("judge", source) => judge = Some(source.to_owned()),
            ("batch", _) => {}
            _ => return Err(format!("what is {arg}?").into()),
        }
    }
    let mut entries = manifest(Path::new(args.first().ok_or("which manifest?")?))?;
    if let (Some(learn), Some(judge)) = (&learn, &judge) {
        // The training parts of both only, so that the test is not looked at.
        entries.retain(|entry| entry.train && (&entry.source == learn || &entry.source == judge));
        entries.iter_mut().for_each(|entry| entry.train = &entry.source == learn);
    }
    let begin = Instant::now();
    println!("{}", evaluate(entries, plan)?);
    eprintln!("{:?}", begin.elapsed());
    Ok(())
}
