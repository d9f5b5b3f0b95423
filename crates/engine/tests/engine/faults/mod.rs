// SPDX-License-Identifier: Apache-2.0
//! Lives of a data directory under faults, thousands of them, one seed each.
//!
//! Everything that is durable lies on a simulated disk, every time comes from a simulated clock, and nothing runs beside
//! the test: a seed is one history, to the byte. `life` draws what is asked and what goes wrong, `promises` keeps what
//! callers were told, `mirror` counts everything a second time without a disk, `policies` are what is in force.
//!
//! `WARDROOM_SEED=n` runs one seed and tells its steps. `WARDROOM_SEEDS` is how many are tried, `WARDROOM_SEED_FROM` the
//! first of them. `seeds.txt` holds the seeds that once found something; they are tried first.

mod life;
mod mirror;
mod policies;
mod promises;

use life::{Met, STEPS};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wardroom_journal::Faults;

/// How many seeds are tried unless told otherwise.
const SEEDS: u64 = 1200;
/// Most lives that are tried to make a failing one short.
const SHRINKS: u32 = 300;

/// Seeds that once found something: a number a line, then what it found.
const FOUND: &str = include_str!("seeds.txt");

fn number_in(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not `{text}`")))
}

fn found() -> Vec<u64> {
    let lines = FOUND.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

#[test]
fn no_promise_is_broken_whatever_goes_wrong() {
    if let Some(seed) = number_in("WARDROOM_SEED") {
        println!("seed {seed}:\n{}", life::tell(seed, &BTreeSet::new()));
        lives(&[seed]).unwrap_or_else(|e| panic!("{e}"));
        return;
    }
    let (from, count) = (number_in("WARDROOM_SEED_FROM").unwrap_or(0), number_in("WARDROOM_SEEDS"));
    let seeds: Vec<u64> = found().into_iter().chain(from..from + count.unwrap_or(SEEDS)).collect();
    let mut met = lives(&seeds).unwrap_or_else(|e| panic!("{e}"));
    met_enough(&mut met, count.unwrap_or(SEEDS));
}

/// Else a seed that failed could not be looked at.
#[test]
fn one_seed_is_one_history_to_the_byte() {
    for seed in 0..4 {
        let told = life::tell(seed, &BTreeSet::new());
        assert!(told.contains("the disk in the end"), "{told}");
        let again = life::tell(seed, &BTreeSet::new());
        let differs = told.lines().zip(again.lines()).find(|(one, other)| one != other);
        assert!(told == again, "seed {seed} is two histories: {differs:?}");
    }
}

/// A harness that cannot fail proves nothing.
#[test]
fn a_disk_whose_syncs_lie_is_noticed() {
    let noticed = |lies| (0..60).filter(|seed| life::run(*seed, &BTreeSet::new(), lies).is_err()).count();
    let syncs = noticed(Faults { lying_sync: true, ..Faults::default() });
    assert!(syncs > 20, "only {syncs} of 60 lives notice a sync that does nothing");
    let directories = noticed(Faults { lying_sync_dir: true, ..Faults::default() });
    assert!(directories > 4, "only {directories} of 60 lives notice a directory's sync that does nothing");
}

/// Lives in which too little happens promise nothing either.
fn met_enough(met: &mut Met, seeds: u64) {
    let told = format!("{met:?}");
    assert!(met.all_mut().iter().all(|n| **n > seeds / 50), "too little happened: {told}");
}

/// Runs them all, on as many threads as there are processors.
fn lives(seeds: &[u64]) -> Result<Met, String> {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let work = || {
        let mut met = Met::default();
        while let Some(seed) = seeds.get(next.fetch_add(1, Relaxed) as usize) {
            match life::run(*seed, &BTreeSet::new(), Faults::default()) {
                Ok(one) => met.add(&one),
                Err(why) => {
                    // The others have nothing more to find out.
                    next.store(seeds.len() as u64, Relaxed);
                    return Err((*seed, why));
                }
            }
        }
        Ok(met)
    };
    let done: Vec<Result<Met, (u64, String)>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    let mut all = Met::default();
    for one in done {
        all.add(&one.map_err(|(seed, why)| report(seed, &why))?);
    }
    println!("{} seeds: {all:?}", seeds.len());
    Ok(all)
}

fn report(seed: u64, why: &str) -> String {
    let skip = shorter(seed);
    format!(
        "seed {seed}: {why}\nrun it again: WARDROOM_SEED={seed} cargo test -p wardroom-engine faults\nwithout {} of its \
         {STEPS} steps:\n{}",
        skip.len(),
        life::tell(seed, &skip)
    )
}

/// Steps without which a life still breaks something.
fn shorter(seed: u64) -> BTreeSet<u32> {
    let (mut skip, mut left, mut piece) = (BTreeSet::new(), SHRINKS, STEPS / 2);
    while piece > 0 {
        for from in (0..STEPS).step_by(piece as usize).rev() {
            let more: BTreeSet<u32> = skip.iter().copied().chain(from..from + piece).collect();
            if more.len() > skip.len() && left > 0 {
                left -= 1;
                if life::run(seed, &more, Faults::default()).is_err() {
                    skip = more;
                }
            }
        }
        piece /= 2;
    }
    skip
}
