// SPDX-License-Identifier: Apache-2.0
//! Who an honest person is: everything follows from the seed and the account's number, nothing is stored.

use crate::agents::{COMPUTERS, MAIL_PROGRAMS, PHONES};
use crate::clock::Local;
use crate::names::{
    ARABIC, CYRILLIC, DEVANAGARI, GREEK, HAN, HANGUL, KANA, ROMANCE, SLAVIC, TURKIC, Tongue, WESTERN, honest,
};
use crate::network::Networks;
use crate::outbox::Client;
use crate::random::{Random, derive, fraction, place};

/// A part of the world with its clock and languages.
#[derive(Debug)]
struct Zone {
    /// Minutes east of UTC.
    offset: i64,
    /// Share of households, per hundred.
    weight: u32,
    tongues: &'static [(&'static Tongue, u32)],
}

/// Assumed: a European provider with customers everywhere.
static ZONES: [Zone; 10] = [
    Zone { offset: 0, weight: 12, tongues: &[(&WESTERN, 80), (&ROMANCE, 20)] },
    Zone { offset: 60, weight: 40, tongues: &[(&WESTERN, 55), (&ROMANCE, 25), (&SLAVIC, 20)] },
    Zone { offset: 120, weight: 10, tongues: &[(&GREEK, 30), (&CYRILLIC, 30), (&SLAVIC, 40)] },
    Zone { offset: 180, weight: 8, tongues: &[(&TURKIC, 40), (&CYRILLIC, 30), (&ARABIC, 30)] },
    Zone { offset: 330, weight: 6, tongues: &[(&DEVANAGARI, 50), (&WESTERN, 50)] },
    Zone { offset: 480, weight: 4, tongues: &[(&HAN, 70), (&WESTERN, 30)] },
    Zone { offset: 540, weight: 4, tongues: &[(&KANA, 50), (&HANGUL, 50)] },
    Zone { offset: -180, weight: 4, tongues: &[(&ROMANCE, 100)] },
    Zone { offset: -300, weight: 8, tongues: &[(&WESTERN, 100)] },
    Zone { offset: -480, weight: 4, tongues: &[(&WESTERN, 80), (&HAN, 20)] },
];

// Shares of people; all assumed. A privacy-minded provider has more VPN users than the average site.
const STUDENTS: f64 = 0.08;
const OFFICE_WORKERS: f64 = 0.35;
const VPN_USERS: f64 = 0.08;
const VPN_USED: f64 = 0.7;
const OWN_SERVER_USERS: f64 = 0.005;
const MAIL_PROGRAM_USERS: f64 = 0.25;
/// Connections in a private window (a device id never seen again) and with storage refused (none at all).
const PRIVATE_WINDOW: f64 = 0.03;
const NO_COOKIE: f64 = 0.06;

/// Which kinds of number become account tokens; distinct spaces never collide.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AccountSpace {
    /// Accounts of honest people.
    People = 0,
    /// Accounts made by farms.
    Farms = 1,
    /// Names nobody owns.
    Nobody = 2,
}

/// The token number of account `number` in a space: a bijection for `number` below 2^56.
pub(crate) fn account(seed: u64, space: AccountSpace, number: u64) -> u64 {
    let key = derive(seed, 0x4143_434f, 0);
    crate::random::mix(key ^ ((space as u64) << 56 | number))
}

/// One honest person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    /// The account's number, `0..` in order of sign-up.
    pub(crate) number: u32,
    /// People of one household share a line, a tablet and a time zone.
    pub(crate) household: u64,
    zone: &'static Zone,
    nature: u64,
}

/// Where somebody is when they connect.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Home,
    Work,
    Mobile,
    Wifi,
    Vpn,
    OwnServer,
}

/// What somebody connects with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Device {
    Phone,
    Laptop,
    WorkComputer,
    /// A machine of a campus' computer room: one cookie, many users.
    LabComputer,
    /// The household's tablet: one cookie, up to five users.
    Tablet,
    /// A mail program over IMAP: no device id.
    MailProgram,
}

impl Person {
    /// The person behind account `number`.
    pub(crate) fn new(seed: u64, number: u32) -> Person {
        let household = household(number);
        let zone =
            &ZONES[place(derive(seed, 0x5a4f, household) % 100, &ZONES.each_ref().map(|zone| zone.weight))];
        Person { number, household, zone, nature: derive(seed, 0x504e, u64::from(number)) }
    }

    /// Their wall clock.
    pub(crate) fn local(&self, now: i64) -> Local {
        Local::at(now, self.zone.offset)
    }

    /// A user name they would choose.
    pub(crate) fn username(&self, random: &mut Random) -> String {
        let total: u32 = self.zone.tongues.iter().map(|(_, weight)| weight).sum();
        let mut point = random.below(u64::from(total)) as u32;
        for (tongue, weight) in self.zone.tongues {
            if point < *weight {
                return honest(tongue, random);
            }
            point -= weight;
        }
        honest(&WESTERN, random)
    }

    /// How they connect now, by hour and habit.
    pub(crate) fn connect(&self, networks: &Networks, now: i64, random: &mut Random) -> (Client, Device) {
        let place = self.place(now, random);
        let device = self.device_at(place, random);
        (self.client(networks, place, device, now, random), device)
    }

    /// How their unattended mail program connects: a phone's follows them, a desktop's stays at home.
    pub(crate) fn connect_unattended(
        &self,
        networks: &Networks,
        phone: bool,
        now: i64,
        random: &mut Random,
    ) -> Client {
        let out = phone && !self.is_home_hour(now);
        let place = if out { Place::Mobile } else { Place::Home };
        self.client(networks, place, Device::MailProgram, now, random)
    }

    /// Whether their computer at home would be switched on.
    pub(crate) fn computer_is_on(&self, now: i64) -> bool {
        (8..23).contains(&self.local(now).hour())
    }

    fn is_home_hour(&self, now: i64) -> bool {
        let local = self.local(now);
        local.weekend || !(8..18).contains(&local.hour())
    }

    fn has(&self, trait_number: u64, share: f64) -> bool {
        fraction(derive(self.nature, trait_number, 0)) < share
    }

    fn is_student(&self) -> bool {
        self.has(1, STUDENTS)
    }

    fn has_work(&self) -> bool {
        self.is_student() || self.has(2, OFFICE_WORKERS)
    }

    fn place(&self, now: i64, random: &mut Random) -> Place {
        if self.has(3, VPN_USERS) && random.chance(VPN_USED) {
            return Place::Vpn;
        }
        if self.has(4, OWN_SERVER_USERS) && random.chance(0.5) {
            return Place::OwnServer;
        }
        let local = self.local(now);
        let work = if self.has_work() && !local.weekend { 60 } else { 0 };
        // home, work, mobile, wifi: assumed, by the part of the day
        let weights = match local.hour() {
            9..=16 => [25, work, 25, 3],
            7 | 8 | 17 | 18 => [45, work / 4, 45, 4],
            _ => [78, work / 30, 18, 2],
        };
        [Place::Home, Place::Work, Place::Mobile, Place::Wifi][random.weighted(&weights)]
    }

    fn device_at(&self, place: Place, random: &mut Random) -> Device {
        use Device::*;
        let program = if self.has(5, MAIL_PROGRAM_USERS) { 30 } else { 0 };
        let (devices, weights) = match place {
            Place::Home => ([Phone, Laptop, Tablet, MailProgram], [42, 38, 8, program]),
            Place::Work if self.is_student() => ([Phone, Laptop, LabComputer, MailProgram], [35, 50, 15, 0]),
            Place::Work => ([Phone, Laptop, WorkComputer, MailProgram], [22, 8, 70, program / 2]),
            Place::Mobile => ([Phone, Laptop, Tablet, MailProgram], [88, 6, 0, program / 3]),
            Place::Wifi | Place::Vpn => ([Phone, Laptop, Tablet, MailProgram], [40, 55, 0, program / 3]),
            Place::OwnServer => ([Phone, Laptop, Tablet, MailProgram], [10, 60, 0, 30]),
        };
        devices[random.weighted(&weights)]
    }

    fn client(
        &self,
        networks: &Networks,
        place: Place,
        device: Device,
        now: i64,
        random: &mut Random,
    ) -> Client {
        let machine = self.machine(device, networks, random);
        let number = u64::from(self.number);
        let ip = match place {
            Place::Home => networks.home(self.household, machine, now, random),
            Place::Work if self.is_student() => networks.campus(self.campus(networks), number, now),
            Place::Work => networks.office(derive(self.nature, 6, 0) % networks.offices),
            Place::Mobile => networks.mobile(number, now),
            Place::Wifi => networks.wifi(random),
            Place::Vpn => networks.vpn(random),
            Place::OwnServer => networks.hosting(self.nature >> 32, self.nature),
        };
        Client { ip, device: cookie(device, machine, random), agent: agent(device, machine) }
    }

    /// The number that stands for one machine: the same whenever this person uses it, shared where it is shared.
    fn machine(&self, device: Device, networks: &Networks, random: &mut Random) -> u64 {
        match device {
            Device::Tablet => derive(self.household, 0x7461, 0),
            Device::LabComputer => lab_machine(self.campus(networks), random.below(LAB_MACHINES)),
            own => derive(self.nature, 0x6465, own as u64),
        }
    }

    fn campus(&self, networks: &Networks) -> u64 {
        derive(self.nature, 8, 0) % networks.campuses
    }
}

/// Machines in the computer rooms of a campus (assumed).
pub(crate) const LAB_MACHINES: u64 = 120;

/// The number of one machine in a campus' computer rooms.
pub(crate) fn lab_machine(campus: u64, seat: u64) -> u64 {
    derive(campus, 0x6c61, seat)
}

/// The device id the machine shows, if any.
fn cookie(device: Device, machine: u64, random: &mut Random) -> Option<u64> {
    if device == Device::MailProgram || random.chance(NO_COOKIE) {
        return None;
    }
    Some(if random.chance(PRIVATE_WINDOW) { random.word() } else { machine })
}

/// A machine's user agent: the same each time. Updates are left out.
fn agent(device: Device, machine: u64) -> &'static str {
    let one_of = |table: &'static [&'static str]| table[(machine % table.len() as u64) as usize];
    match device {
        Device::Phone => one_of(&PHONES),
        Device::MailProgram => one_of(&MAIL_PROGRAMS),
        Device::LabComputer => LAB_AGENT,
        Device::Laptop | Device::WorkComputer | Device::Tablet => one_of(&COMPUTERS),
    }
}

/// Computer rooms are installed from one image.
pub(crate) const LAB_AGENT: &str = COMPUTERS[4];

/// The household of an account. Sizes 1, 1, 2, 3 and 5 in turn: mean 2.4, about a European household (statistical
/// offices give 2.2 to 2.4). Members are 64 sign-ups apart, so that neighbours in time are strangers.
pub(crate) fn household(number: u32) -> u64 {
    const WHICH: [u64; 12] = [0, 1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4];
    let (block, within) = (u64::from(number / 768), number % 768);
    (block * 64 + u64::from(within % 64)) * 5 + WHICH[(within / 64) as usize]
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn households_have_one_to_five_members() {
        let mut sizes: HashMap<u64, u32> = HashMap::new();
        for number in 0..7_680 {
            *sizes.entry(household(number)).or_default() += 1;
        }
        assert_eq!(sizes.len(), 3_200);
        for size in 1..=5 {
            let count = sizes.values().filter(|&&n| n == size).count();
            assert_eq!(count, [0, 1_280, 640, 640, 0, 640][size as usize], "households of {size}");
        }
    }

    #[test]
    fn members_share_zone_and_tablet_but_not_phones() {
        let (first, second) = (Person::new(1, 128), Person::new(1, 192));
        assert_eq!(first.household, second.household);
        assert_eq!(first.zone.offset, second.zone.offset);
        let networks = Networks::new(1, 1_000);
        let mut random = Random::new(1, 0);
        let mut machine = |person: &Person, device| person.machine(device, &networks, &mut random);
        assert_eq!(machine(&first, Device::Tablet), machine(&second, Device::Tablet));
        assert_ne!(machine(&first, Device::Phone), machine(&second, Device::Phone));
        assert_eq!(machine(&first, Device::Phone), machine(&first, Device::Phone));
    }

    #[test]
    fn accounts_of_different_spaces_differ() {
        let mut all: Vec<_> = [AccountSpace::People, AccountSpace::Farms, AccountSpace::Nobody]
            .into_iter()
            .flat_map(|space| (0..1_000).map(move |n| account(4, space, n)))
            .collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 3_000);
    }

    #[test]
    fn zone_weights_are_per_hundred() {
        assert_eq!(ZONES.iter().map(|zone| zone.weight).sum::<u32>(), 100);
    }

    #[test]
    fn a_person_keeps_few_devices() {
        let networks = Networks::new(2, 5_000);
        let mut random = Random::new(2, 0);
        let person = Person::new(2, 77);
        let mut seen: HashMap<Option<u64>, u32> = HashMap::new();
        for step in 0..2_000 {
            let now = 1_767_571_200_000_000 + step * 3_600_000_000;
            *seen.entry(person.connect(&networks, now, &mut random).0.device).or_default() += 1;
        }
        let kept = seen.iter().filter(|(id, count)| id.is_some() && **count > 20).count();
        assert!((2..=5).contains(&kept), "{kept} devices used often");
        let private = seen.values().filter(|&&count| count == 1).count();
        assert!((20..120).contains(&private), "{private} private windows");
    }
}
