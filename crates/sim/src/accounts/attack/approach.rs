// SPDX-License-Identifier: Apache-2.0
//! How a thief of single accounts gets in: whom they choose, with what they come, what they can prove.

use std::net::IpAddr;

use super::source::{Cookies, Face, Gear, Source, Tongues};
use crate::accounts::device::Device;
use crate::accounts::event::Client;
use crate::accounts::internet::{Internet, Line};
use crate::accounts::look::{Hello, Program};
use crate::accounts::person::Second;
use crate::accounts::stage::Stage;
use crate::random::Random;

pub(crate) use crate::accounts::family::Way;

/// Thieves at a real browser who take the cookie that the page sets: a copy of the victim's browser is one more device, and
/// not one without a name (assumed; people who refuse cookies are as rare).
const TAKES_COOKIES: f64 = 0.97;

/// What one campaign has.
#[derive(Debug)]
pub(crate) struct Approach {
    pub(crate) way: Way,
    /// Where the thief sits.
    gear: Gear,
    /// A phishing proxy: near its victims, or a rented server; and the tool it is made with.
    relay: Gear,
    relay_near: bool,
    relay_tool: Program,
    /// Chance to have what a challenge or a recovery asks for.
    pub(crate) proves: f64,
    pub(crate) channel: &'static str,
    /// Seconds between two things done once inside.
    pub(crate) haste: f64,
    /// How much of the usual sequence is done.
    pub(crate) bold: f64,
}

impl Approach {
    pub(crate) fn draw(way: Way, begins: i64, r: &mut Random) -> Approach {
        let source = match r.weighted(&[25, 20, 55]) {
            0 => Source::servers(r),
            1 => Source::hidden(r),
            _ => Source::proxies(r.between(20, 3_000) as u64, r),
        };
        let face =
            if r.chance(0.5) { Face::driven(begins, r) } else { Face::Population { lag: r.between(0, 60) } };
        let cookies = if r.chance(0.5) { Cookies::Fresh } else { Cookies::Kept(r.between(1, 4) as u64) };
        let gear = Gear { source, face, cookies, tongues: Tongues::draw(r), key: r.word() };
        let relay = Gear { source: Source::servers(r), ..gear.clone() };
        let proves = match way {
            Way::Phishing => r.real(0.3, 0.8), // the victim is still at the fake page
            Way::Recovery => r.real(0.25, 0.8),
            _ => r.real(0.0, 0.06),
        };
        Approach {
            way,
            gear,
            relay,
            relay_near: r.chance(0.4),
            relay_tool: [Program::Go, Program::Node, Program::Chrome][r.weighted(&[55, 20, 25])],
            proves,
            channel: ["email", "phone", "support"][r.weighted(&[45, 30, 25])],
            haste: r.log_normal(90.0, 1.0),
            bold: r.real(0.5, 1.2),
        }
    }

    /// Whose account is next; `None` where none of some fits.
    pub(crate) fn victim(&self, stage: &Stage, random: &mut Random) -> Option<u32> {
        let fits = |person: &u32| {
            let member = &stage.members[*person as usize];
            let open = match self.way {
                Way::Cookie => member.session.is_some(),
                Way::Phishing => member.person.second != Second::Passkey,
                _ => true,
            };
            open && !member.closed && !member.locked_out
        };
        (0..64).map(|_| random.below(u64::from(stage.plan.people)) as u32).find(fits)
    }

    /// What the thief shows when entering.
    pub(crate) fn enters_with(&self, victim: u32, now: i64, stage: &Stage, random: &mut Random) -> Client {
        let person = &stage.members[victim as usize].person;
        let internet = &stage.internet;
        match self.way {
            Way::Targeted => {
                // a line of the same carrier in the same city, and a browser like the victim's, without the cookie
                let mut client = self.gear.client(now, internet, random);
                client.ip = neighbour(internet, person.line, now, random);
                client.rtt = internet.rtt(client.ip, random);
                client.look = person.look(Device::Laptop, now, random);
                client.languages = person.languages();
                client.device = random.chance(TAKES_COOKIES).then(|| random.word());
                client
            }
            Way::Phishing => {
                let mut client = self.relay.client(now, internet, random);
                if self.relay_near {
                    client.ip = neighbour(internet, person.line, now, random);
                }
                // the victim's own request is passed on: their browser's name over the relay's TLS
                let theirs = person.connect(internet, now, random).client;
                let browser = person.look(Device::Laptop, now, random);
                client.rtt = internet.rtt(client.ip, random) + theirs.rtt / 2;
                client.look = browser.with(Hello::Of(self.relay_tool));
                client.languages = theirs.languages;
                client.device = random.chance(TAKES_COOKIES).then(|| random.word());
                client
            }
            Way::Cookie => {
                let mut client = self.gear.client(now, internet, random);
                let member = &stage.members[victim as usize];
                client.device = member.cookie;
                if random.chance(0.6) {
                    client.look = person.look(Device::Laptop, now, random).with(client.look.hello);
                }
                client
            }
            _ => self.gear.client(now, internet, random),
        }
    }

    /// What the thief shows from then on.
    pub(crate) fn goes_on_with(
        &self,
        client: Option<Client>,
        now: i64,
        stage: &Stage,
        random: &mut Random,
    ) -> Option<Client> {
        match self.way {
            Way::Phishing => Some(self.gear.client(now, &stage.internet, random)),
            _ => client,
        }
    }
}

/// Another line of the same carrier in the same city.
fn neighbour(internet: &Internet, line: Line, now: i64, random: &mut Random) -> IpAddr {
    let (key, device) = (random.word(), random.word());
    internet.any_home(Line { key, ..line }, device, now, random)
}
