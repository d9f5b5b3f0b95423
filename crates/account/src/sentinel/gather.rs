// SPDX-License-Identifier: Apache-2.0
//! From what happened to entries: failed logins of a day and country are one, everything else is one each.

use super::messages::{Words, word};
use super::told::{Did, Entry, Happening, Origin, What};
use super::{GROUPED_WITHIN, countries};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Most ids that an entry names.
const EVENTS_NAMED: usize = 20;

/// The entries of a log, the newest first, from what happened in any order.
pub fn entries(mut happened: Vec<Happening>) -> Vec<Entry> {
    happened.retain(|it| it.what.is_told(&it.did));
    happened.sort_by_key(|it| Reverse((it.time, it.seq)));
    let mut groups: Vec<Vec<Happening>> = Vec::new();
    for it in happened {
        match groups.iter_mut().rev().find(|group| belongs(group, &it)) {
            Some(group) => group.push(it),
            None => groups.push(vec![it]),
        }
    }
    groups.iter().filter_map(|group| entry(group)).collect()
}

/// Whether something is told in one entry with these, the newest of which is the first.
fn belongs(group: &[Happening], it: &Happening) -> bool {
    let Some(newest) = group.first() else { return false };
    let fails = |of: &Happening| of.what.is_failure(&of.did);
    fails(newest)
        && fails(it)
        && newest.origin.country == it.origin.country
        && newest.time.0.saturating_sub(it.time.0) < GROUPED_WITHIN
}

fn entry(group: &[Happening]) -> Option<Entry> {
    let (newest, oldest) = (group.first()?, group.last()?);
    let failed = newest.what.is_failure(&newest.did);
    let many = group.len() > 1;
    let may_be_disowned = newest.what.may_be_disowned(&newest.did);
    Some(Entry {
        seq: newest.seq,
        events: group.iter().take(EVENTS_NAMED).map(|it| it.event.clone()).collect(),
        count: group.len(),
        time: newest.time,
        since: many.then_some(oldest.time),
        what: if many { several(group.len()) } else { what(&newest.what, &newest.did) },
        from: if failed { from_failures(group) } else { from(&newest.origin) },
        with: if failed { None } else { with(&newest.origin) },
        did: did(newest, failed),
        can: can(newest, failed, may_be_disowned),
        is_suspicious: is_suspicious(newest, failed),
        may_be_disowned,
    })
}

fn several(count: usize) -> Words {
    let count = count.to_string();
    Words::new("login.wrong_many", &[("count", &count, &count)])
}

fn what(what: &What, did: &Did) -> Words {
    let of = |id, name, kind: &str, value: &str| Words::new(id, &[(name, value, &word(kind, value))]);
    // Who was asked for more, put on hold or refused had the right password, and is not in.
    let is_stopped = matches!(did, Did::Asked(_) | Did::Held | Did::Refused);
    match what {
        What::Login { ok: true, with: Some(factor) } if is_stopped && &**factor != "password" => {
            of("login.right_with", "factor", "factor", factor)
        }
        What::Login { ok: true, .. } if is_stopped => Words::plain("login.right"),
        What::Login { ok: true, with: Some(factor) } => of("login.ok_with", "factor", "factor", factor),
        What::Login { ok: true, with: None } => Words::plain("login.ok"),
        What::Login { ok: false, .. } | What::Attempt => Words::plain("login.wrong"),
        What::Session => Words::plain("session.used"),
        What::StepUp { ok: true, with } => of("step_up.ok", "factor", "factor", with),
        What::StepUp { ok: false, .. } => Words::plain("step_up.failed"),
        What::Recovery { channel, step } => {
            let id = match &**step {
                "proved" => "recovery.proved",
                "failed" => "recovery.failed",
                "done" => "recovery.done",
                _ => "recovery.asked",
            };
            of(id, "channel", "by", channel)
        }
        What::Setting { what, step } => {
            let id = match &**step {
                "due" => "setting.due",
                "undone" => "setting.undone",
                _ => "setting.asked",
            };
            of(id, "setting", "setting", what)
        }
        What::Verification { channel, ok } => {
            let id = if *ok { "verification.ok" } else { "verification.failed" };
            of(id, "channel", "channel", channel)
        }
        What::Report { mine: true } => Words::plain("report.mine"),
        What::Report { mine: false } => Words::plain("report.not_mine"),
    }
}

fn from(origin: &Origin) -> Words {
    let address = origin.address.map(|ip| ip.to_string());
    place(origin.country.as_deref(), address.as_deref())
}

/// Of who failed only the network is told: they may be somebody else who mistyped a name.
fn from_failures(group: &[Happening]) -> Words {
    let networks: BTreeSet<String> = group.iter().filter_map(|it| it.origin.network()).collect();
    let country = group.first().and_then(|it| it.origin.country.as_deref());
    let count = networks.len().to_string();
    match (networks.len(), country) {
        (0 | 1, _) => place(country, networks.first().map(String::as_str)),
        (_, Some(code)) => {
            Words::new("from.places", &[("count", &count, &count), ("country", code, countries::name(code))])
        }
        (_, None) => Words::new("from.networks", &[("count", &count, &count)]),
    }
}

fn place(country: Option<&str>, address: Option<&str>) -> Words {
    match (country, address) {
        (Some(code), Some(address)) => Words::new(
            "from.place",
            &[("country", code, countries::name(code)), ("address", address, address)],
        ),
        (Some(code), None) => Words::new("from.country", &[("country", code, countries::name(code))]),
        (None, Some(address)) => Words::new("from.address", &[("address", address, address)]),
        (None, None) => Words::plain("from.unknown"),
    }
}

fn with(origin: &Origin) -> Option<Words> {
    let program = origin.program.as_deref()?;
    Some(match origin.system.as_deref() {
        Some(system) => {
            Words::new("with.program_on", &[("program", program, program), ("system", system, system)])
        }
        None => Words::new("with.program", &[("program", program, program)]),
    })
}

fn did(it: &Happening, failed: bool) -> Words {
    let waits = matches!(&it.what, What::Setting { step, .. } if &**step == "asked");
    match &it.did {
        Did::Refused => Words::plain("did.refused"),
        Did::Slowed if failed => Words::plain("did.slowed"),
        _ if failed => Words::plain("did.failed"),
        Did::Held if waits => Words::plain("did.waits"),
        Did::Held => Words::plain("did.held"),
        Did::Slowed => Words::plain("did.slowed"),
        Did::Asked(Some(proof)) => Words::new("did.asked", &[("proof", proof, &word("proof", proof))]),
        Did::Asked(None) => Words::plain("did.asked_more"),
        Did::Allowed if is_let_in(&it.what) => Words::plain("did.allowed"),
        Did::Allowed | Did::Noted => Words::plain("did.noted"),
    }
}

/// Whether letting it through is something that we did: what the owner says of it is only taken down.
fn is_let_in(what: &What) -> bool {
    match what {
        What::Login { .. } | What::Session | What::Attempt | What::Recovery { .. } => true,
        What::Setting { step, .. } => &**step != "undone",
        What::StepUp { .. } | What::Verification { .. } | What::Report { .. } => false,
    }
}

fn can(it: &Happening, failed: bool, may_be_disowned: bool) -> Vec<Words> {
    let mut all = Vec::new();
    if matches!(&it.what, What::Setting { step, .. } if &**step == "asked") && it.did == Did::Held {
        all.push(Words::plain("can.call_off"));
    }
    if may_be_disowned {
        all.push(Words::plain("can.not_me"));
    }
    if failed {
        all.push(Words::plain("can.nothing"));
        all.push(Words::plain("can.password"));
    }
    if matches!(it.did, Did::Refused) && !failed {
        all.push(Words::plain("can.support"));
    }
    if all.is_empty() {
        all.push(Words::plain("can.nothing"));
    }
    all
}

/// Failures are the weather of the Internet; what deserves a look is what got as far as to be stopped, and who wants back in.
fn is_suspicious(it: &Happening, failed: bool) -> bool {
    let stopped = matches!(it.did, Did::Asked(_) | Did::Held | Did::Refused);
    match &it.what {
        What::Report { .. } | What::Verification { .. } => false,
        What::StepUp { ok, .. } => !ok || stopped,
        What::Recovery { .. } => true,
        _ => stopped && !failed,
    }
}
