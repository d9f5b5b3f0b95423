// SPDX-License-Identifier: Apache-2.0
//! The policies of a life: few and fixed, with each kind of state that an engine keeps.

use std::sync::{Arc, OnceLock};
use wardroom_engine::Active;
use wardroom_policy::Bundle;

const EVENTS: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    device: device?

event signup:
    account: account
    ip: ip
    email: email?
    age: number?
"#;

const FIRST: &str = r#"
list bad: ip
feature failures = count(login, where=not ok, by=ip, last="10m")
feature accounts = distinct(account, of=[login, signup], by=ip, last="1h")
feature place    = last(ip, of=login, by=account, last="1d")
feature guessed  = sequence(login, first=not ok, times=2, then=ok, by=account, within="10m", last="1d")
feature known    = first_seen(login, where=ok, by=(account, device))
feature age_here = mean(age, of=signup, by=ip.net, last="1d")

rule guessing on login:
    when    failures >= 2
    then    block, label(ip.net, "guessers", expires="1h"), list(ip, bad, expires="2h"), webhook("revoke")
    because "{failures} failures from {ip}, {accounts} accounts"

rule marked on signup:
    when    labelled(ip.net, "guessers")
    then    review
    because "{ip.net} guesses"

rule listed on login:
    when    ip in bad
    then    challenge, label(account, "seen-there")
    because "{ip} is listed"

rule moved on login:
    when    place is not missing and place != ip and guessed >= 1 and known is missing
    then    limit, notify("desk")
    because "{account} was at {place}"

rule young on signup:
    when    age_here < 30.0 or labelled(account, "seen-there")
    then    review
    because "{age_here}"
"#;

const SECOND: &str = r#"
list bad: ip
feature wrong    = count(login, where=not ok, by=ip, last="10m")
feature accounts = distinct(account, of=[login, signup], by=ip, last="2h")
feature slowest  = max(age, of=signup, by=ip, last="1d")
feature rarely   = ratio(login, where=ok, by=account, last="1d")
feature median   = quantile(age, q=0.5, of=signup, last="1d")

rule wrong_again on login:
    when    wrong >= 1 and rarely < 0.9
    then    review, label(ip.net, "guessers", expires="30m"), label(account, "seen-there", expires="1h")
    because "{wrong} from {ip}, {rarely} right"

rule marked on login:
    when    labelled(ip.net, "guessers") or ip in bad
    then    challenge
    because "{accounts} accounts, {slowest}, {median}"
"#;

/// One event type fewer, and one field.
const THIRD: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool

list bad: ip
feature failures = count(login, where=not ok, by=ip, last="10m")
feature places   = distinct(ip, of=login, by=account, last="1d")

rule roaming on login:
    when    places >= 2 and failures >= 1
    then    limit, list(ip, bad, expires="1h")
    because "{places} places"

rule listed on login:
    when    ip in bad
    then    block
    because "{ip}"
"#;

/// How many there are.
pub(super) const POLICIES: usize = 3;

/// The policy of this number; one more than there are does not compile.
pub(super) fn bundle(number: usize) -> Bundle {
    crate::support::bundle(&text(number))
}

fn text(number: usize) -> String {
    match number {
        0 => format!("{EVENTS}{FIRST}"),
        1 => format!("{EVENTS}{SECOND}"),
        2 => THIRD.to_owned(),
        _ => "rule of nothing".to_owned(),
    }
}

/// The policy of this version, compiled once for all lives.
pub(super) fn compiled(version: &str) -> Option<Arc<Active>> {
    static ALL: OnceLock<Vec<Arc<Active>>> = OnceLock::new();
    let compile = |number| crate::support::active(&text(number)).into();
    let all = ALL.get_or_init(|| (0..POLICIES).map(compile).collect());
    all.iter().find(|active| *active.program.version.0 == *version).cloned()
}

#[test]
fn they_compile() {
    for number in 0..POLICIES {
        assert!(compiled(&bundle(number).version().0).is_some());
    }
}
