// SPDX-License-Identifier: Apache-2.0
//! CrowdSec with the shapes its hub uses for brute force, and its impossible travel.
//!
//! `ssh-bf`: a leaky bucket for each address, `capacity: 5`, `leakspeed: 10s`; `ssh-slow-bf`: `capacity: 10`, `leakspeed: 60s`.
//! A bucket that overflows bans the address for four hours (the default profile). `impossible-travel`: two logins of a user
//! more than 1000 km apart within three hours. The hub's scenario only tells of it; here it asks for a second factor, which is
//! more than it does by itself.

use super::recent::Bans;
use super::{Baseline, Seen, subscriber};
use crate::accounts::Answer;
use crate::clock::{HOUR, SECOND};
use crate::measure::{Door, Opinion};
use std::collections::{HashMap, VecDeque};

const BUCKETS: [Bucket; 2] =
    [Bucket { capacity: 5.0, leaks: 10 * SECOND }, Bucket { capacity: 10.0, leaks: 60 * SECOND }];
const BANNED: i64 = 4 * HOUR;
const FAR_KM: f64 = 1000.0;
const SOON: i64 = 3 * HOUR;
/// Places remembered of one account.
const PLACES: usize = 16;
/// Addresses and accounts beyond which those that have nothing to say are dropped.
const KEYS: usize = 1 << 20;
/// Mean radius of the earth.
const EARTH_KM: f64 = 6371.0;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    capacity: f64,
    /// Microseconds in which one event leaks out.
    leaks: i64,
}

/// How full the buckets of an address are, as of when.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    full: [f64; BUCKETS.len()],
    at: i64,
}

/// Bans addresses, and looks for travel.
#[derive(Debug, Default)]
pub struct Crowdsec {
    levels: HashMap<u64, Level>,
    bans: Bans,
    places: HashMap<u64, VecDeque<(i64, f64, f64)>>,
}

impl Baseline for Crowdsec {
    fn judge(&mut self, seen: &Seen<'_>) -> Opinion {
        let (Some(key), Door::Login) = (seen.ip.map(subscriber), seen.door) else {
            return Opinion::default();
        };
        let banned = self.bans.holds(key, seen.time);
        if !banned && !seen.ok && self.pour(key, seen.time) {
            self.bans.add(key, seen.time, BANNED);
        }
        let answer = match banned {
            true => Answer::Refuse,
            false if seen.ok && self.travels(seen) => Answer::Challenge,
            false => Answer::Pass,
        };
        Opinion { score: None, answer: Some(answer) }
    }
}

impl Crowdsec {
    /// Pours a failure into the buckets of an address; whether one flows over.
    fn pour(&mut self, key: u64, now: i64) -> bool {
        if self.levels.len() >= KEYS {
            let slowest = BUCKETS.map(|b| b.capacity as i64 * b.leaks).into_iter().max().unwrap_or(0);
            self.levels.retain(|_, level| level.at > now - slowest);
        }
        let level = self.levels.entry(key).or_default();
        let since = (now - level.at).max(0) as f64;
        level.at = now;
        let mut over = false;
        for (full, bucket) in level.full.iter_mut().zip(BUCKETS) {
            *full = (*full - since / bucket.leaks as f64).max(0.0) + 1.0;
            over |= *full > bucket.capacity;
        }
        if over {
            self.levels.remove(&key);
        }
        over
    }

    fn travels(&mut self, seen: &Seen<'_>) -> bool {
        let Some((lat, lon)) = seen.place else { return false };
        if self.places.len() >= KEYS {
            self.places.retain(|_, places| places.back().is_some_and(|p| p.0 > seen.time - SOON));
        }
        let places = self.places.entry(seen.account).or_default();
        while places.front().is_some_and(|p| p.0 <= seen.time - SOON) || places.len() >= PLACES {
            places.pop_front();
        }
        let far = places.iter().any(|p| kilometres((p.1, p.2), (lat, lon)) > FAR_KM);
        places.push_back((seen.time, lat, lon));
        far
    }
}

/// The great circle between two places in degrees.
pub(super) fn kilometres(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let half = |d: f64| (d / 2.0).sin().powi(2);
    let h = half(lat_b - lat_a) + lat_a.cos() * lat_b.cos() * half((b.1 - a.1).to_radians());
    2.0 * EARTH_KM * h.clamp(0.0, 1.0).sqrt().asin()
}
