// SPDX-License-Identifier: Apache-2.0
//! What honest people are put through, everybody and each group: of sign-ups, of logins, and by month.

use super::draws::Draws;
use super::figure::{Better, Figure, Unit};
use super::logins::{HABIT, PAST, habit, past};
use super::world::{Door, Entry, Judge, World};
use crate::accounts::{Script, Subgroups};
use std::collections::HashSet;

/// Days of a month.
const MONTH: f64 = 30.0;
/// Scripts, those of names that are not Latin one by one.
const SCRIPTS: [Script; 8] = [
    Script::Latin,
    Script::Cyrillic,
    Script::Greek,
    Script::Arabic,
    Script::Devanagari,
    Script::Han,
    Script::Hangul,
    Script::Kana,
];

/// Who a row is about.
enum Whom {
    Everybody,
    Marked(Subgroups),
    Writing(Script),
    /// A name that is not in Latin letters.
    NotLatin,
    /// By the class of past logins.
    Past(usize),
    /// By the class of habit.
    Habit(usize),
}

impl Whom {
    fn holds(&self, entry: &Entry) -> bool {
        match self {
            Whom::Everybody => true,
            Whom::Marked(mark) => entry.truth.subgroups.contains(*mark),
            Whom::Writing(script) => entry.truth.script == *script,
            Whom::NotLatin => entry.truth.script != Script::Latin,
            Whom::Past(class) => entry.door == Door::Login && past(entry.truth.past_logins) == *class,
            Whom::Habit(class) => entry.door != Door::Signup && habit(entry.truth.logins_per_week) == *class,
        }
    }

    /// Whether it says something about a person for longer than one event, so that months of theirs can be counted.
    fn lasts(&self) -> bool {
        !matches!(self, Whom::Past(_))
    }
}

/// Every row with its name.
fn rows() -> Vec<(Whom, String)> {
    let mut rows = vec![(Whom::Everybody, "everybody".to_owned())];
    rows.extend(Subgroups::ALL.iter().map(|(mark, name)| (Whom::Marked(*mark), (*name).to_owned())));
    rows.extend(SCRIPTS.iter().map(|script| (Whom::Writing(*script), format!("{} names", script.name()))));
    rows.push((Whom::NotLatin, "names not in latin".to_owned()));
    rows.extend(PAST.iter().enumerate().map(|(class, (_, name))| (Whom::Past(class), (*name).to_owned())));
    rows.extend(HABIT.iter().enumerate().map(|(class, (_, name))| (Whom::Habit(class), (*name).to_owned())));
    rows
}

pub(super) fn figures(worlds: &[World], draws: &Draws) -> Vec<Figure> {
    let mut out = Vec::new();
    for (whom, of) in rows() {
        for judge in Judge::ALL {
            let seen: Vec<Seen> = worlds.iter().map(|world| seen(world, &whom, judge)).collect();
            push(&of, judge, &seen, draws, &mut out);
        }
    }
    out
}

/// Part and whole of one figure.
type View = fn(&Seen) -> (f64, f64);

/// What a judge did to a group in one world.
#[derive(Default)]
struct Seen {
    signups: (f64, f64),
    logins: (f64, f64),
    /// Any event but a sign-up: stopped, of months of people who are ever in the group.
    months: (f64, f64),
}

fn seen(world: &World, whom: &Whom, judge: Judge) -> Seen {
    let mut seen = Seen::default();
    let mut people = HashSet::new();
    let honest = world.entries.iter().filter(|e| e.time >= world.from && e.truth.is_honest());
    for entry in honest.filter(|e| whom.holds(e)) {
        let Some(stop) = entry.by(judge).stops() else { continue };
        let stop = f64::from(u8::from(stop));
        match entry.door {
            Door::Signup => {
                seen.signups.0 += stop;
                seen.signups.1 += 1.0;
                continue;
            }
            Door::Login if entry.ok => {
                seen.logins.0 += stop;
                seen.logins.1 += 1.0;
            }
            _ => {}
        }
        if entry.truth.subgroups.contains(Subgroups::ONCE) {
            continue; // no month of theirs to speak of
        }
        seen.months.0 += stop;
        people.extend(entry.truth.person);
    }
    let people = if matches!(whom, Whom::Everybody) { f64::from(world.people) } else { people.len() as f64 };
    let months = people * world.days() / MONTH;
    seen.months.1 = if whom.lasts() && (seen.logins.1 > 0.0 || seen.months.0 > 0.0) { months } else { 0.0 };
    seen
}

fn push(of: &str, judge: Judge, seen: &[Seen], draws: &Draws, out: &mut Vec<Figure>) {
    let views: [(&'static str, View, Unit); 3] = [
        ("friction.of_signups", |s| s.signups, Unit::Share),
        ("friction.of_logins", |s| s.logins, Unit::Share),
        ("friction.per_user_month", |s| s.months, Unit::PerUserMonth),
    ];
    for (what, view, unit) in views {
        let sums: Vec<(f64, f64)> = seen.iter().map(view).collect();
        // Parts of a month are somebody's too.
        let count = sums.iter().map(|s| s.1).sum::<f64>().ceil() as u64;
        if count > 0 {
            let (of, estimate) = (of.to_owned(), draws.ratio(&sums));
            out.push(Figure { what, of, judge, estimate, count, unit, better: Better::Low });
        }
    }
}
