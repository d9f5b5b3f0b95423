// SPDX-License-Identifier: Apache-2.0
//! What others say about the same events, and the boosted trees that learn from what the policy served.

use super::numbers::Sample;
use super::run::Ran;
use std::collections::HashMap;
use wardroom_event::{Draft, Raw};
use wardroom_sim::accounts::{Happening, Part};
use wardroom_sim::baseline::{
    AccountLock, Baseline, Crowdsec, Fail2ban, Freeman, PerAddress, Seen, Shape, Training, Traits, Trees,
};
use wardroom_sim::measure::{Door, Judge, Opinion};

/// Accounts whose challenged login waits for its answer.
const PENDING: usize = 100_000;

/// The baselines that need no labels.
#[derive(Default)]
pub(super) struct Peers {
    per_address: PerAddress,
    account_lock: AccountLock,
    fail2ban: Fail2ban,
    crowdsec: Crowdsec,
    freeman: Freeman,
    /// Challenged logins: Freeman learns them when the challenge is answered.
    pending: HashMap<u64, Traits>,
}

/// What the provider is told of an event, owned.
pub(super) struct Told {
    pub(super) door: Door,
    pub(super) time: i64,
    pub(super) account: u64,
    pub(super) ok: bool,
    ip: std::net::IpAddr,
    asn: Option<i64>,
    country: Option<String>,
    place: Option<(f64, f64)>,
    user_agent: Option<String>,
}

impl Told {
    pub(super) fn of(happening: &Happening, draft: &Draft<'_>) -> Told {
        let event = &happening.event;
        let door = match event.kind() {
            "signup" => Door::Signup,
            "login" => Door::Login,
            "step_up" => Door::StepUp,
            _ => Door::Other,
        };
        let field = |name: &str| draft.fields.iter().find(|(n, _)| n == name).map(|(_, raw)| raw);
        let text = |name: &str| match field(name) {
            Some(Raw::Text(text)) => Some(text.clone().into_owned()),
            _ => None,
        };
        let number = |name: &str| match field(name) {
            Some(Raw::Int(n)) => Some(*n as f64),
            Some(Raw::Number(n)) => Some(*n),
            _ => None,
        };
        Told {
            door,
            time: happening.arrival,
            account: fnv(event.account().as_bytes()),
            ok: event.ok().unwrap_or(true),
            ip: event.ip(),
            asn: number("ip.asn").map(|n| n as i64),
            country: text("ip.country"),
            place: number("ip.lat").zip(number("ip.lon")),
            user_agent: text("user_agent"),
        }
    }

    fn seen(&self) -> Seen<'_> {
        Seen {
            door: self.door,
            time: self.time,
            account: self.account,
            ip: Some(self.ip),
            asn: self.asn,
            country: self.country.as_deref(),
            place: self.place,
            user_agent: self.user_agent.as_deref(),
            ok: self.ok,
        }
    }
}

/// FNV-1a, 64 bits: accounts of a simulation are nobody's choice.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

impl Peers {
    /// What each says about an event, before it learns of it.
    pub(super) fn judge(&mut self, told: &Told, said: &mut [Opinion; Judge::ALL.len()]) {
        let seen = told.seen();
        let all: [(Judge, &mut dyn Baseline); 5] = [
            (Judge::PerAddress, &mut self.per_address),
            (Judge::AccountLock, &mut self.account_lock),
            (Judge::Fail2ban, &mut self.fail2ban),
            (Judge::Crowdsec, &mut self.crowdsec),
            (Judge::Freeman, &mut self.freeman),
        ];
        for (judge, peer) in all {
            said[judge as usize] = peer.judge(&seen);
        }
    }

    /// Learns what became of an event that the provider let pass, or asked more of.
    pub(super) fn learn(&mut self, told: &Told, stops: bool) {
        match told.door {
            Door::Login if told.ok => {
                let Some(traits) = Traits::of(&told.seen()) else { return };
                if !stops {
                    self.freeman.learn(&traits);
                } else if self.pending.len() < PENDING {
                    self.pending.insert(told.account, traits);
                }
            }
            Door::StepUp if told.ok && !stops => {
                if let Some(traits) = self.pending.remove(&told.account) {
                    self.freeman.learn(&traits);
                }
            }
            _ => {}
        }
    }
}

/// Which of a world's samples.
type Of = fn(&Ran) -> &Sample;
const KINDS: [Of; 2] = [|ran| &ran.signups, |ran| &ran.logins];

/// Trees for sign-ups and for logins, where there was enough to learn from.
pub(super) struct Models([Option<Trees>; 2]);

/// Learns from some worlds, from their honest events and the families that may be fitted to.
pub(super) fn learn<'r>(worlds: impl Iterator<Item = &'r Ran> + Clone) -> Models {
    Models(KINDS.map(|of| {
        let columns = worlds.clone().map(|ran| of(ran).columns).max()?;
        let mut training = Training::new(columns);
        for ran in worlds.clone() {
            let weight = of(ran).weight();
            for (entry, row) in of(ran).rows() {
                match ran.world.entries[entry].truth.attack {
                    None => training.add(row, false, weight),
                    Some(attack) if attack.family.part == Part::Tuning => training.add(row, true, 1.0),
                    Some(_) => {}
                }
            }
        }
        training.balance().then(|| Trees::learn(&training, Shape::default()).0)
    }))
}

/// Writes what trees say about the sampled events of a world.
pub(super) fn apply(models: &Models, ran: &mut Ran) {
    for (of, model) in KINDS.iter().zip(&models.0) {
        let Some(model) = model else { continue };
        let scores: Vec<(usize, f32)> =
            of(ran).rows().map(|(entry, row)| (entry, model.score(row))).collect();
        for (entry, score) in scores {
            ran.world.entries[entry].said[Judge::Trees as usize].score = Some(score);
        }
    }
}
