// SPDX-License-Identifier: Apache-2.0
//! Who an honest person is, where they are and what they connect with: everything follows from the seed, the person's number
//! and the time.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::device::{Device, look_of};
use super::event::Client;
use super::internet::{COUNTRIES, Internet, Line, holds};
use super::look::{Hello, Look};
use super::secret::Secret;
use super::truth::{Script, Subgroups};
use crate::clock::{DAY, Local};
use crate::names::{Tongue, honest};
use crate::random::{Random, derive, fraction, place};

// Shares of people. All assumed unless a source stands beside.
const VPN_USERS: f64 = 0.08; // a privacy-minded provider has more than the average site
const VPN_USED: f64 = 0.7;
const TOR_USERS: f64 = 0.006;
const OWN_SERVER_USERS: f64 = 0.006; // a tunnel to a server they rent
const STUDENTS: f64 = 0.08;
const OFFICE_WORKERS: f64 = 0.35;
const MIDDLEBOX_OFFICES: f64 = 0.1;
/// Of those, the offices whose box is a service's, so that they come from rented servers.
const BEHIND_A_SERVICE: f64 = 0.4;
const SHARED_ACCOUNTS: f64 = 0.04;
const COMPUTER_SHARERS: f64 = 0.06;
const SLOW: f64 = 0.05;
/// Of adults; surveys of assistive technology give about one in a hundred.
const SCREEN_READERS: f64 = 0.01;
/// Surveys of users give a third and more; of those who make an account anew fewer.
const PASSWORD_MANAGERS: f64 = 0.25;
const MAIL_PROGRAM_USERS: f64 = 0.2;
const COOKIE_REFUSERS: f64 = 0.03;
const PRIVATE_WINDOW: f64 = 0.03;
const EXPATS: f64 = 0.06;
const FREQUENT_TRAVELLERS: f64 = 0.06;
/// Chance that a week is spent abroad: frequent travellers, others (about a fortnight a year).
const WEEKS_ABROAD: [f64; 2] = [0.2, 0.035];
/// With a second factor, and of those by app, text message, passkey (industry reports give 5 to 20 % without pressure).
const SECOND_FACTOR: f64 = 0.14;
/// Logins a week: log-normal, so that a few log in daily and many rarely.
const LOGINS_MEDIAN: f64 = 1.6;
const LOGINS_SIGMA: f64 = 1.25;
const LOGINS_RANGE: (f64, f64) = (0.04, 30.0);

/// What a login needs beside the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Second {
    None,
    Code,
    Text,
    Passkey,
}

/// Where somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Home,
    Work,
    Campus,
    Mobile,
    Wifi,
    Vpn,
    Tor,
    OwnServer,
}

/// One honest person.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) country: u8,
    pub(crate) line: Line,
    pub(crate) per_week: f64,
    /// What holds for them at all times.
    pub(crate) marks: Subgroups,
    pub(crate) second: Second,
    pub(crate) script: Script,
    tongue: &'static Tongue,
    nature: u64,
    /// How many names they wanted were taken.
    taken: u16,
}

/// A connection: what the provider sees of it, and what is true of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) device: Device,
    pub(crate) marks: Subgroups,
}

impl Person {
    /// Person number `number`, somewhere in the world.
    pub(crate) fn new(seed: u64, number: u32, internet: &Internet) -> Person {
        let household = derive(seed, 0x4855, crate::person::household(number));
        let weights = COUNTRIES.each_ref().map(|country| country.weight);
        let total: u32 = weights.iter().sum();
        Person::of(seed, number, household, place(household % u64::from(total), &weights), internet)
    }

    /// The same, of a certain household in a certain country.
    pub(crate) fn of(seed: u64, number: u32, household: u64, country: usize, internet: &Internet) -> Person {
        let nature = derive(seed, 0x4e41, u64::from(number));
        let mut random = Random::new(nature, 1);
        let per_week = random.log_normal(LOGINS_MEDIAN, LOGINS_SIGMA).clamp(LOGINS_RANGE.0, LOGINS_RANGE.1);
        let tongues = COUNTRIES[country].tongues;
        let shares: Vec<u32> = tongues.iter().map(|(_, share)| *share).collect();
        let tongue = tongues[random.weighted(&shares)].0;
        let has = |which, share| holds(nature, which, share);
        let marks = Subgroups::NONE
            .with_if(has(10, SHARED_ACCOUNTS), Subgroups::SHARED_ACCOUNT)
            .with_if(has(11, SLOW), Subgroups::SLOW)
            .with_if(has(12, SCREEN_READERS), Subgroups::SCREEN_READER)
            .with_if(has(13, PASSWORD_MANAGERS), Subgroups::PASSWORD_MANAGER);
        let second = match has(14, SECOND_FACTOR) {
            true => [Second::Code, Second::Text, Second::Passkey][random.weighted(&[60, 15, 25])],
            false => Second::None,
        };
        let line = internet.line(country, household);
        let mut person = Person {
            country: country as u8,
            line,
            per_week,
            marks,
            second,
            script: Script::Latin,
            tongue,
            nature,
            taken: 0,
        };
        person.script = Script::of(&person.username());
        person
    }

    /// Their wall clock.
    pub(crate) fn local(&self, now: i64) -> Local {
        Local::at(now, COUNTRIES[usize::from(self.country)].offset)
    }

    /// The password they chose first.
    pub(crate) fn first_secret(&self) -> Secret {
        Secret::chosen(derive(self.nature, 0x7061, 0))
    }

    /// The name of their account.
    pub(crate) fn username(&self) -> String {
        let mut name = honest(self.tongue, &mut Random::new(self.nature, 2));
        if self.taken > 0 {
            // the usual way out: some digits behind it
            let digits = derive(self.nature, 0x7461, u64::from(self.taken));
            let _ = write!(name, "{}", digits % [100, 1_000, 10_000][usize::from(self.taken).min(3) - 1]);
        }
        name
    }

    /// The name they wanted is somebody's already.
    pub(crate) fn name_is_taken(&mut self) {
        self.taken = self.taken.saturating_add(1);
    }

    /// They make an account, look at it and do not come back.
    pub(crate) fn is_there_once(&mut self) {
        self.marks = self.marks.with(Subgroups::ONCE);
        self.per_week = LOGINS_RANGE.0;
    }

    /// A name to show, in their own script more often.
    pub(crate) fn display_name(&self) -> String {
        honest(self.tongue, &mut Random::new(self.nature, 3))
    }

    /// Whether something with this share holds for them; `which` tells questions apart, below 100 are taken.
    pub(crate) fn has(&self, which: u64, share: f64) -> bool {
        holds(self.nature, which, share)
    }

    /// A number of their own.
    pub(crate) fn own(&self, which: u64) -> u64 {
        derive(self.nature, 0x6f77, which)
    }

    pub(crate) fn uses_mail_program(&self) -> bool {
        self.has(20, MAIL_PROGRAM_USERS)
    }

    pub(crate) fn languages(&self) -> &'static str {
        let abroad = self.has(21, EXPATS);
        COUNTRIES[if abroad { (self.nature % 20) as usize } else { usize::from(self.country) }].languages
    }

    /// Their workplace: about a hundred in each country.
    fn office(&self) -> u64 {
        derive(self.nature % 97, 0x6f66, u64::from(self.country))
    }

    /// How they connect now, by hour and habit.
    pub(crate) fn connect(&self, internet: &Internet, now: i64, random: &mut Random) -> Connection {
        let place = self.place(now, random);
        let device = self.device_at(place, random);
        self.connect_with(internet, place, device, now, random)
    }

    /// How their unattended mail program connects: a phone's follows them, a desktop's stays at home.
    pub(crate) fn connect_program(&self, internet: &Internet, now: i64, random: &mut Random) -> Connection {
        let local = self.local(now);
        let out = self.has(22, 0.5) && !local.weekend && (8..18).contains(&local.hour());
        let place = if out || self.abroad(now).is_some() { Place::Mobile } else { Place::Home };
        self.connect_with(internet, place, Device::MailProgram, now, random)
    }

    /// The same device a little later, when it may have left the house.
    pub(crate) fn move_on(
        &self,
        internet: &Internet,
        from: &Connection,
        now: i64,
        random: &mut Random,
    ) -> Connection {
        let stays = from.device == Device::WorkComputer || from.device == Device::Lab || random.chance(0.6);
        if stays || from.marks.contains(Subgroups::TOR) || from.marks.contains(Subgroups::VPN) {
            let mut to = *from;
            to.client.look = self.look(from.device, now, random);
            return to;
        }
        let place = self.place(now, random);
        let mut to = self.connect_with(internet, place, from.device, now, random);
        to.client.device = from.client.device;
        to
    }

    /// Where they are abroad now, if they are.
    pub(crate) fn abroad(&self, now: i64) -> Option<usize> {
        let week = now.div_euclid(7 * DAY) as u64;
        let share = WEEKS_ABROAD[usize::from(!self.has(23, FREQUENT_TRAVELLERS))];
        let trip = derive(self.nature, 0x7472, week);
        if fraction(trip) >= share {
            return None;
        }
        // Trips begin and end within the week; flights take a few hours in which nobody is online.
        let (from, days) = ((trip % 5) as i64, 2 + (trip >> 8) as i64 % 5);
        let day = now.rem_euclid(7 * DAY);
        let within = day >= from * DAY + 5 * DAY / 24 && day < (from + days) * DAY;
        let weights = COUNTRIES.each_ref().map(|country| country.weight + 30);
        let country = place(trip >> 16 & 0xffff, &scaled(&weights));
        (within && country != usize::from(self.country)).then_some(country)
    }

    fn place(&self, now: i64, random: &mut Random) -> Place {
        if self.has(1, TOR_USERS) {
            return Place::Tor;
        }
        if self.has(2, VPN_USERS) && random.chance(VPN_USED) {
            return Place::Vpn;
        }
        if self.has(26, OWN_SERVER_USERS) && random.chance(0.6) {
            return Place::OwnServer;
        }
        if self.abroad(now).is_some() {
            return [Place::Mobile, Place::Wifi][random.weighted(&[55, 45])];
        }
        let local = self.local(now);
        let student = self.has(3, STUDENTS);
        let work = if (student || self.has(4, OFFICE_WORKERS)) && !local.weekend { 60 } else { 0 };
        // home, work, mobile, wifi: assumed, by the part of the day
        let weights = match local.hour() {
            9..=16 => [25, work, 25, 3],
            7 | 8 | 17 | 18 => [45, work / 4, 45, 4],
            _ => [78, work / 30, 18, 2],
        };
        let work = if student { Place::Campus } else { Place::Work };
        [Place::Home, work, Place::Mobile, Place::Wifi][random.weighted(&weights)]
    }

    fn device_at(&self, place: Place, random: &mut Random) -> Device {
        use Device::*;
        let shared = if self.has(5, COMPUTER_SHARERS) { 60 } else { 0 };
        let other = if self.marks.contains(Subgroups::SHARED_ACCOUNT) { 45 } else { 0 };
        let (devices, weights) = match place {
            Place::Home => ([Phone, Laptop, Shared, OtherPhone], [45, 45, shared, other]),
            Place::Work => ([Phone, Laptop, WorkComputer, OtherPhone], [22, 8, 70, 0]),
            Place::Campus => ([Phone, Laptop, Lab, OtherPhone], [35, 50, 15, 0]),
            Place::Mobile => ([Phone, Laptop, Shared, OtherPhone], [92, 8, 0, other]),
            Place::Wifi | Place::Vpn | Place::Tor | Place::OwnServer => {
                ([Phone, Laptop, Shared, OtherPhone], [40, 60, 0, 0])
            }
        };
        devices[random.weighted(&weights)]
    }

    fn connect_with(
        &self,
        internet: &Internet,
        place: Place,
        device: Device,
        now: i64,
        random: &mut Random,
    ) -> Connection {
        let (ip, marks) = self.address(internet, place, device, now, random);
        let marks = self.marks.with(marks).with_if(ip.is_ipv6(), Subgroups::IPV6);
        let marks = marks
            .with_if(matches!(device, Device::Shared | Device::Lab), Subgroups::SHARED_COMPUTER)
            .with_if(device == Device::MailProgram, Subgroups::MAIL_PROGRAM);
        let mut look = self.look(device, now, random);
        let boxed = place == Place::Work && holds(self.office(), 1, MIDDLEBOX_OFFICES);
        if boxed && device != Device::Phone {
            look = look.with(Hello::Middlebox((self.office() % 3) as u8));
        }
        let cookie = self.cookie(device, now, random);
        let own_cookie = cookie.is_none_or(|(_, kept)| kept) && cookie.is_some();
        let marks = marks
            .with_if(boxed, Subgroups::MIDDLEBOX)
            .with_if(!own_cookie && device != Device::MailProgram, Subgroups::NO_COOKIE);
        let detour = match place {
            Place::Vpn => random.log_normal(14_000.0, 0.5) as i64,
            Place::Tor => random.log_normal(220_000.0, 0.5) as i64,
            _ => 0,
        };
        let rtt = internet.rtt(ip, random) + detour;
        let client = Client { ip, device: cookie.map(|(id, _)| id), look, languages: self.languages(), rtt };
        Connection { client, device, marks }
    }

    fn address(
        &self,
        internet: &Internet,
        place: Place,
        device: Device,
        now: i64,
        random: &mut Random,
    ) -> (IpAddr, Subgroups) {
        let country = usize::from(self.country);
        let none = Subgroups::NONE;
        match place {
            Place::Home => {
                let (ip, shared) = internet.home(self.line, self.own(device as u64), now, random);
                (ip, none.with_if(shared, Subgroups::CGNAT))
            }
            Place::Work => {
                let office = self.office();
                if holds(office, 1, MIDDLEBOX_OFFICES) && holds(office, 2, BEHIND_A_SERVICE) {
                    // the box is a service's, which everybody there goes through
                    return (internet.rented(office, 7), none);
                }
                (internet.office(internet.line(country, office)), none)
            }
            Place::Campus => {
                let hour = now.div_euclid(crate::clock::HOUR) as u64;
                (
                    internet.campus(country, self.own(7) % 8 * 0x9e37, derive(self.nature, 7, hour)),
                    Subgroups::CAMPUS,
                )
            }
            Place::Mobile => {
                let abroad = self.abroad(now);
                // Roaming comes out at home, as carriers route it; a local card does not.
                let country = abroad.filter(|_| self.has(24, 0.3)).unwrap_or(country);
                let carrier = internet.carrier(country, self.own(8));
                let ip = internet.phone(carrier, self.own(9), now, random);
                let away = none.with_if(abroad.is_some(), Subgroups::TRAVELLER);
                (ip, away.with_if(ip.is_ipv4(), Subgroups::CGNAT))
            }
            Place::Wifi => {
                let abroad = self.abroad(now);
                let ip = internet.wifi(abroad.unwrap_or(country), random);
                (ip, none.with_if(abroad.is_some(), Subgroups::TRAVELLER))
            }
            Place::Vpn => (internet.vpn(self.own(10), self.own(11), random), Subgroups::VPN),
            Place::Tor => (internet.tor(random), Subgroups::TOR),
            Place::OwnServer => (internet.rented(self.own(12), 9), Subgroups::VPN),
        }
    }

    /// The number of one machine: a new one every year or three, the same for all who share it.
    fn machine(&self, device: Device, now: i64, random: &mut Random) -> u64 {
        let owner = match device {
            Device::Shared => derive(self.line.key, 0x7461, 0),
            Device::Lab => derive(self.own(7) % 8, 0x6c61, random.below(120)),
            own => derive(self.nature, 0x6465, own as u64),
        };
        let lifetime = 400 + (owner % 800) as i64;
        derive(owner, 0x6765, (now / DAY + (owner >> 16) as i64 % lifetime).div_euclid(lifetime) as u64)
    }

    /// The cookie shown, and whether it will be there next time. Cookies are cleared: by some every few weeks.
    fn cookie(&self, device: Device, now: i64, random: &mut Random) -> Option<(u64, bool)> {
        if device == Device::MailProgram || self.has(25, COOKIE_REFUSERS) {
            return None;
        }
        if random.chance(PRIVATE_WINDOW) || self.has(1, TOR_USERS) {
            return Some((random.word(), false));
        }
        let machine = self.machine(device, now, random);
        let kept = [20, 90, 400][place(machine % 100, &[10, 20, 70])];
        Some((
            derive(machine, 0x636f, (now / DAY + (machine >> 8) as i64 % kept).div_euclid(kept) as u64),
            true,
        ))
    }

    /// What the device's program calls itself now.
    pub(crate) fn look(&self, device: Device, now: i64, random: &mut Random) -> Look {
        let machine = self.machine(device, now, &mut Random::new(self.nature, 4));
        let machine = if device == Device::Lab { 3 } else { machine }; // installed from one image
        look_of(machine, device, now, random)
    }
}

/// Weights that sum to about 2^16, for a 16-bit point.
fn scaled(weights: &[u32]) -> Vec<u32> {
    let total: u32 = weights.iter().sum();
    weights.iter().map(|weight| weight * 0x1_0000 / total + 1).collect()
}
