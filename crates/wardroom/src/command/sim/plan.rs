// SPDX-License-Identifier: Apache-2.0
//! Which worlds are run: seeds, families, and who attacks when and how much.
//!
//! Every world has every family that was asked for, in campaigns of 10 and of 100 accounts. Those of 1,000 take turns from
//! world to world, and one family in each world has one of 10,000: so honest people make most of the accounts, also while such a
//! campaign lasts a few days. Two fifths of a world's days are peace.

use crate::cli::SimScore;
use crate::failure::Usage;
use anyhow::Result;
use wardroom_sim::accounts::{Assault, Family, Kind, Part, Plan, families, family};
use wardroom_sim::{SEALED, TUNING};

/// Most worlds of one run.
const WORLDS: usize = 64;
/// Share of the days before anybody attacks.
const PEACE: f64 = 0.4;
/// Days at the end in which no campaign begins.
const LAST: f64 = 1.5;
/// Honest sign-ups a day for each person at the beginning. Of a provider's sign-ups a world has all, of its members those who
/// log in are a sample: 3,000 of what would be some hundred thousand (a service that grows by a fifth in a year gets one new
/// account in a day for about 2,000 that it has, before those who leave).
const SIGNUPS: f64 = 0.7;
/// Of those who sign up, the share that is in the sample (assumed: a third more members in a month, as a young service grows).
const STAY: f64 = 0.02;
/// Microseconds of a day.
const DAY: f64 = 86_400e6;
/// Families whose campaigns take long by their nature, so that they begin first.
const SLOW: [&str; 3] = ["sleeper", "drip", "poison"];
/// Attempts or victims of the families that go to the login, in full and in quick worlds; the first whose name begins so.
const LOGINS: [(&str, u32, u32); 5] = [
    ("login.stuffing_100000", 20_000, 3_000),
    ("login.stuffing", 6_000, 2_000),
    ("login.spray", 12_000, 4_000),
    ("login.hammer", 20_000, 4_000),
    ("login.", 40, 15),
];

/// What is run.
pub(super) struct Course {
    pub(super) seeds: Vec<u64>,
    pub(super) families: Vec<&'static Family>,
    pub(super) people: u32,
    pub(super) days: u32,
    pub(super) quick: bool,
}

impl Course {
    /// What the words ask for.
    pub(super) fn asked(args: &SimScore) -> Result<Course> {
        let mut seeds = seeds(&args.seeds)?;
        if args.quick {
            seeds.truncate(2);
        }
        let default = if args.seeds == "sealed" { "all" } else { "tuning" };
        Ok(Course {
            seeds,
            families: wanted(args.families.as_deref().unwrap_or(default))?,
            people: args.people.unwrap_or(if args.quick { 1_000 } else { 3_000 }),
            days: args.days.unwrap_or(if args.quick { 15 } else { 30 }),
            quick: args.quick,
        })
    }

    /// The same course over other worlds, with the families that may be fitted to.
    pub(super) fn tuning(&self) -> Course {
        let families = families().iter().filter(|f| f.part == Part::Tuning).collect();
        Course { seeds: TUNING.to_vec(), families, ..*self }
    }

    /// Only worlds that policy may be fitted to, or too few to train on others.
    pub(super) fn is_tuning(&self) -> bool {
        self.quick || self.seeds.iter().all(|seed| TUNING.contains(seed))
    }

    /// The plan of the world at that place, and how much of it is peace, in microseconds.
    pub(super) fn plan(&self, at: usize) -> (Plan, i64) {
        let peace = f64::from(self.days) * PEACE;
        let mut assaults = self.assaults(at);
        let span = (f64::from(self.days) - LAST - peace).max(0.5);
        let slow = |a: &Assault| SLOW.iter().any(|word| a.family.name.contains(word));
        // Slow ones first; the others by a turn that differs from world to world.
        let all = assaults.len().max(1);
        assaults.sort_by_key(|a| !slow(a));
        for (turn, assault) in assaults.iter_mut().enumerate() {
            let place = if slow(assault) { turn } else { (turn * 7 + at * 3) % all };
            let share = if slow(assault) { 0.2 } else { 1.0 };
            assault.after = ((peace + span * share * place as f64 / all as f64) * DAY) as i64;
        }
        let plan = Plan {
            seed: self.seeds[at],
            days: self.days,
            people: self.people,
            signups_per_day: f64::from(self.people) * SIGNUPS,
            stay: STAY,
            families: assaults,
            ..Plan::default()
        };
        (plan, (peace * DAY) as i64)
    }

    fn assaults(&self, at: usize) -> Vec<Assault> {
        let mut all = Vec::new();
        let farms = self.families.iter().filter(|family| family.about == Kind::Signup).count().max(1);
        let mut farm = 0;
        for family in &self.families {
            let mut add = |size| all.push(Assault { family, size, after: 0 });
            match family.about {
                Kind::Login => add(attempts(family.name, self.quick)),
                Kind::Signup => {
                    add(10);
                    add(100);
                    let turn = farm + at;
                    farm += 1;
                    if turn.is_multiple_of(if self.quick { 6 } else { 4 }) {
                        add(1_000);
                    }
                    if turn % farms == farms - 1 && !self.quick {
                        add(10_000);
                    }
                }
            }
        }
        all
    }
}

fn attempts(name: &str, quick: bool) -> u32 {
    let found = LOGINS.iter().find(|(prefix, ..)| name.starts_with(prefix));
    found.map_or(10, |(_, full, small)| if quick { *small } else { *full })
}

fn seeds(text: &str) -> Result<Vec<u64>> {
    let seeds: Vec<u64> = match text {
        "tuning" => TUNING.to_vec(),
        "sealed" => SEALED.to_vec(),
        numbers => {
            let each = numbers.split(',').map(|n| n.trim().parse::<u64>().ok());
            each.collect::<Option<_>>().ok_or_else(|| {
                Usage(format!("--seeds is `tuning`, `sealed` or numbers with commas, not `{numbers}`"))
            })?
        }
    };
    if seeds.len() > WORLDS {
        return Err(Usage(format!("--seeds names {} worlds; the most is {WORLDS}", seeds.len())).into());
    }
    Ok(seeds)
}

fn wanted(text: &str) -> Result<Vec<&'static Family>> {
    match text {
        "all" => return Ok(families().iter().collect()),
        "tuning" => return Ok(families().iter().filter(|f| f.part == Part::Tuning).collect()),
        _ => {}
    }
    let mut found = Vec::new();
    for name in text.split(',').map(str::trim) {
        let Some(one) = family(name) else {
            let names: Vec<&str> = families().iter().map(|f| f.name).collect();
            return Err(Usage(format!("no family is called `{name}`; there are {}", names.join(", "))).into());
        };
        found.push(one);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(quick: bool) -> Course {
        let families = wanted("tuning").unwrap();
        Course { seeds: vec![3, 4, 5], families, people: 900, days: 20, quick }
    }

    #[test]
    fn every_family_attacks_in_every_world_and_after_peace() {
        let signups = wanted("tuning").unwrap().iter().filter(|f| f.about == Kind::Signup).count();
        let course = Course { seeds: (0..signups as u64).collect(), ..course(false) };
        let mut large = Vec::new();
        for at in 0..signups {
            let (plan, peace) = course.plan(at);
            assert_eq!(peace, (8.0 * DAY) as i64);
            assert!(plan.families.iter().all(|a| a.after >= peace && (a.after as f64) < 18.6 * DAY));
            for family in &course.families {
                assert!(plan.families.iter().any(|a| a.family == *family), "{}", family.name);
            }
            let one: Vec<_> = plan.families.iter().filter(|a| a.size == 10_000).collect();
            assert_eq!(one.len(), 1, "one in each world");
            large.push(one[0].family.name);
        }
        large.sort_unstable();
        large.dedup();
        assert_eq!(large.len(), signups, "and each family has its turn");
    }

    #[test]
    fn honest_people_make_most_of_the_accounts() {
        for (quick, people, days) in [(false, 3_000, 30), (true, 1_000, 15)] {
            let families = wanted("all").unwrap();
            let course = Course { seeds: vec![1; 12], families, people, days, quick };
            for at in 0..12 {
                let (plan, peace) = course.plan(at);
                let farms = plan.families.iter().filter(|a| a.family.about == Kind::Signup);
                let hostile: f64 = farms.map(|a| f64::from(a.size)).sum();
                let honest = plan.signups_per_day * (f64::from(days) - peace as f64 / DAY);
                // and some more honest ones come in groups
                assert!(hostile < 0.35 * (hostile + honest), "{hostile} of {honest} and these");
            }
        }
    }

    #[test]
    fn words_are_understood_or_refused() {
        assert_eq!(seeds("1, 2").unwrap(), [1, 2]);
        assert_eq!(seeds("sealed").unwrap(), SEALED);
        assert!(seeds("some").unwrap_err().is::<Usage>());
        assert!(seeds(&vec!["1"; 65].join(",")).unwrap_err().is::<Usage>());
        assert_eq!(wanted("login.spray").unwrap()[0].name, "login.spray");
        assert!(wanted("login.sprax").unwrap_err().to_string().contains("login.spray"));
        assert!(wanted("tuning").unwrap().iter().all(|f| f.part == Part::Tuning));
    }
}
