// SPDX-License-Identifier: Apache-2.0
//! Thousands of rules of which few are about the event in hand: what the index over their guards is worth.
//!
//! Four kinds of guard, [`RULES`] rules each, spread evenly over [`KEYS`] constants. Every rule asks two things more, of
//! which the first is false: all that is measured is finding the rules and asking them in vain, as nearly always.

use crate::harness::Harness;
use crate::peers::{Cel, Zen};
use crate::people::typed;
use crate::policy::active;
use crate::table::Table;
use anyhow::{Result, anyhow, ensure};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;
use wardroom_engine::{Active, judge};
use wardroom_event::Event;
use wardroom_policy::{Bundle, Row, Tri};

/// How many rules there are.
const RULES: usize = 5_000;
/// How many constants their guards ask for.
const KEYS: usize = 100;
/// The event that is asked about alone.
const ONE: usize = 17;

const TYPES: &str = "\
event signup:
    account:  account
    ip:       ip
    email:    email
    username: text
    country:  text
    attempts: int
";

/// What a guard asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Field,
    Part,
    Among,
    List,
}

impl By {
    const ALL: [By; 4] = [By::Field, By::Part, By::Among, By::List];

    fn words(self) -> &'static str {
        match self {
            By::Field => "`country == \"…\"`",
            By::Part => "`email.domain == \"…\"`",
            By::Among => "`country in [three]`",
            By::List => "`ip in` one of 100 lists",
        }
    }

    fn guard(self, key: usize) -> String {
        match self {
            By::Field => format!("country == \"c{key:02}\""),
            By::Part => format!("email.domain == \"mail{key:02}.example\""),
            By::Among => format!("country in [\"c{key:02}\", \"d{key:02}\", \"e{key:02}\"]"),
            By::List => format!("ip in nets{key:02}"),
        }
    }

    /// The same for an engine without parts; none where it has nothing of the kind.
    fn of_others(self, key: usize) -> Option<String> {
        match self {
            By::Field | By::Among => Some(self.guard(key)),
            By::Part => Some(format!("domain == \"mail{key:02}.example\"")),
            By::List => None,
        }
    }
}

/// The rules whose key is wanted.
fn policy(by: By, wanted: impl Fn(usize) -> bool) -> Bundle {
    let mut types = TYPES.to_owned();
    if by == By::List {
        for key in 0..KEYS {
            let _ = writeln!(
                types,
                "list nets{key:02}: net = [\"10.{key}.0.0/16\", \"10.{}.0.0/16\"]",
                100 + key
            );
        }
    }
    let mut bundle = Bundle::single("types.ward", &types);
    for part in 0..5 {
        let mut text = String::new();
        for number in (part * RULES / 5..(part + 1) * RULES / 5).filter(|n| wanted(n % KEYS)) {
            let guard = by.guard(number % KEYS);
            let _ = write!(
                text,
                "\nrule r{number} on signup:\n    when {guard} and attempts > {} and username.endswith(\".{number}\")\n    \
                 then review\n    because \"{{attempts}} attempts\"\n",
                4000 + number
            );
        }
        bundle.add(format!("part{part}.ward"), text);
    }
    bundle
}

fn event(key: usize, active: &Active) -> Result<Event> {
    let json = json!({
        "type": "signup", "id": key.to_string(), "account": "a", "ip": format!("10.{key}.3.4"),
        "email": format!("somebody@mail{key:02}.example"), "username": "somebody.bulk",
        "country": format!("c{key:02}"), "attempts": 12,
    });
    typed(&json.to_string(), &active.program.schema).map_err(|f| anyhow!("{f}"))
}

/// What the other engines are given of the event [`ONE`].
fn values() -> Json {
    json!({
        "domain": format!("mail{ONE:02}.example"), "country": format!("c{ONE:02}"), "username": "somebody.bulk",
        "attempts": 12,
    })
}

pub(crate) fn run(harness: &mut Harness) -> Result<()> {
    for by in By::ALL {
        one(harness, by)?;
    }
    Ok(())
}

fn judged(active: &Active, event: &Event) -> usize {
    let row = Row::new(event, &[], active);
    judge(&active.program, active.program.plan(event.kind), &row, None).signals.len()
}

fn one(harness: &mut Harness, by: By) -> Result<()> {
    harness.table(
        Table::new(format!("{RULES} rules that begin {}; {} apply", by.words(), RULES / KEYS), "event")
            .note("rules of three terms: the guard, a number that is too small, a suffix; nothing fires"),
    );
    by_hand(harness, by)?;
    let few = active(policy(by, |key| key == ONE))?;
    let event_of_few = event(ONE, &few)?;
    ensure!(few.program.rules.len() == RULES / KEYS, "{} rules", few.program.rules.len());
    harness.time("wardroom, the 50 alone", || judged(&few, black_box(&event_of_few)));
    let all = active(policy(by, |_| true))?;
    let events = (0..KEYS).map(|key| event(key, &all)).collect::<Result<Vec<Event>>>()?;
    check(&all, &events)?;
    harness.time("wardroom, all 5,000, the same event", || judged(&all, black_box(&events[ONE])));
    let mut next = 0;
    harness.time("wardroom, all 5,000, events in turn", || {
        next += 1;
        judged(&all, black_box(&events[next % KEYS]))
    });
    harness.time("wardroom, all 5,000, each asked", || {
        let row = Row::new(black_box(&events[ONE]), &[], &all);
        all.program.rules.iter().filter(|r| r.holds(&row) == Tri::True).count()
    });
    others(harness, by)
}

fn check(all: &Active, events: &[Event]) -> Result<()> {
    let mut candidates = Vec::new();
    for event in events {
        all.program.plan(event.kind).candidates(&Row::new(event, &[], all), &mut candidates);
        ensure!(candidates.len() == RULES / KEYS, "{} candidates", candidates.len());
        ensure!(judged(all, event) == 0, "nothing fires");
    }
    Ok(())
}

fn others(harness: &mut Harness, by: By) -> Result<()> {
    let guards: Option<Vec<String>> = (0..RULES).map(|n| by.of_others(n % KEYS)).collect();
    let Some(guards) = guards else { return Ok(()) };
    let sources = |and: &str, suffix: fn(usize) -> String| -> Vec<String> {
        let rule = |(n, guard): (usize, &String)| {
            format!("{guard} {and} attempts > {} {and} {}", 4000 + n, suffix(n))
        };
        guards.iter().enumerate().map(rule).collect()
    };
    let cel = Cel::new(&sources("&&", |n| format!("username.endsWith(\".{n}\")")), &values())?;
    ensure!(cel.checked()? == 0, "cel");
    harness.time("cel 0.15, each asked", || cel.holding());
    let mut zen = Zen::new(&sources("and", |n| format!("endsWith(username, \".{n}\")")), &values())?;
    ensure!(zen.checked()? == 0, "zen");
    harness.time("zen-expression 2.1, each asked", || zen.holding());
    Ok(())
}

/// What somebody would write who knows how these rules look: a map from the guard's constant to the rest of each rule.
struct ByHand(HashMap<Box<str>, Vec<(i64, Box<str>)>>);

impl ByHand {
    fn new(by: By) -> ByHand {
        let mut map: HashMap<Box<str>, Vec<(i64, Box<str>)>> = HashMap::new();
        for n in 0..RULES {
            let key = n % KEYS;
            let keys = match by {
                By::Field => vec![format!("c{key:02}")],
                By::Part => vec![format!("mail{key:02}.example")],
                By::Among => ["c", "d", "e"].map(|letter| format!("{letter}{key:02}")).to_vec(),
                By::List => Vec::new(),
            };
            for key in keys {
                map.entry(key.into()).or_default().push((4000 + n as i64, format!(".{n}").into()));
            }
        }
        ByHand(map)
    }

    #[inline(never)]
    fn fired(&self, key: &str, attempts: i64, username: &str) -> usize {
        let rules = self.0.get(key).map_or(&[][..], Vec::as_slice);
        rules.iter().filter(|(least, end)| attempts > *least && username.ends_with(&**end)).count()
    }
}

fn by_hand(harness: &mut Harness, by: By) -> Result<()> {
    if by == By::List {
        return Ok(());
    }
    let map = ByHand::new(by);
    let values = values();
    let text = |name: &str| values[name].as_str().unwrap_or_default().to_owned();
    let (country, username) = (text("country"), text("username"));
    let email = format!("somebody@{}", text("domain"));
    let key = |email: &'_ str| email.rsplit_once('@').map_or(0, |(local, _)| local.len() + 1);
    ensure!(
        map.0.get(&*country).or_else(|| map.0.get(&*text("domain"))).is_some_and(|r| r.len() == 50),
        "by hand"
    );
    harness.time("by hand, a map and plain structs", || {
        let email = black_box(email.as_str());
        let key = if by == By::Part { &email[key(email)..] } else { black_box(country.as_str()) };
        map.fired(key, 12, &username)
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_rules_are_candidates_and_one_fires_when_its_terms_hold() {
        for by in By::ALL {
            let all = active(policy(by, |_| true)).unwrap();
            let mut event = event(ONE, &all).unwrap();
            check(&all, std::slice::from_ref(&event)).unwrap();
            event.values[5] = wardroom_event::Value::Int(100_000);
            event.values[3] = wardroom_event::Value::Text("x.117".into());
            assert_eq!(judged(&all, &event), 1, "{by:?}");
        }
    }
}
