// SPDX-License-Identifier: Apache-2.0
//! `wardroom explain`: the page of a diagnostic code, what a policy declares, a function, a decision.

mod call;
mod decision;
mod declared;

use crate::cli::Explain;
use crate::failure::Usage;
use crate::{packs, policy_dir};
use anyhow::Result;
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use wardroom_engine::Active;
use wardroom_event::nearest;
use wardroom_policy::{Page, calls, page, pages};

pub(crate) fn run(args: &Explain) -> Result<ExitCode> {
    let Some(what) = args.what.as_deref() else {
        return list(args);
    };
    if let Some(page) = page(what) {
        return say_page(page, args);
    }
    if is_code(what) {
        let message = format!("no diagnostic has the code `{what}`; `wardroom explain` lists them");
        return Err(Usage(message).into());
    }
    if let Ok(number) = what.parse() {
        return decision::run(number, args);
    }
    // A function needs no policy, and none may be at hand.
    let is_call = calls().any(|call| call.name == what);
    match policy(args) {
        Err(_) if is_call && args.policy.is_none() => call::run(what, args),
        Err(error) => Err(error),
        Ok(active) => match declared::named(&active.program, what) {
            Some(id) => declared::run(&active, &id, args),
            None if is_call => call::run(what, args),
            None => Err(unknown(&active, what).into()),
        },
    }
}

fn list(args: &Explain) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    if args.json {
        let all: Vec<_> = pages().iter().map(page_json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    for page in pages() {
        writeln!(out, "{}  {}", page.code, page.title)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn say_page(page: &Page, args: &Explain) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&page_json(page))?)?;
    } else {
        writeln!(out, "{}: {}\n\n{}", page.code, page.title, page.text)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn page_json(page: &Page) -> serde_json::Value {
    json!({ "code": page.code, "title": page.title, "text": page.text })
}

/// `W` and digits: a code, known or not.
fn is_code(what: &str) -> bool {
    let digits = what.strip_prefix(['W', 'w']);
    digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
}

/// The policy that is named, or that is here, or that is shipped.
fn policy(args: &Explain) -> Result<Arc<Active>> {
    let bundle = match &args.policy {
        Some(path) => policy_dir::load(path)?,
        None if Path::new("policy").exists() => policy_dir::load(Path::new("policy"))?,
        None => packs::shipped(),
    };
    super::test::ready(bundle)
}

/// Nothing has that name; perhaps one like it.
fn unknown(active: &Active, what: &str) -> Usage {
    let ids: Vec<&str> = active.program.declared().iter().map(|d| &*d.id).collect();
    let names = ids.iter().filter_map(|id| id.rsplit_once('.').map(|(_, name)| name));
    let all =
        ids.iter().copied().chain(names).chain(calls().map(|c| c.name)).chain(pages().iter().map(|p| p.code));
    let near = nearest(what, all).map(|near| format!("; did you mean `{near}`?"));
    let hint = near.unwrap_or_else(|| {
        "; a code, an id of the policy, a function or a decision's number is explained".to_owned()
    });
    Usage(format!("nothing is called `{}`{hint}", crate::terminal::one_line(what)))
}
