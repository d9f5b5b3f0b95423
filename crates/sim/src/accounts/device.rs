// SPDX-License-Identifier: Apache-2.0
//! What people connect with: which machine runs which program, and in which version by now.

use super::internet::holds;
use super::look::{Hello, Look, Os, Program};
use crate::clock::DAY;
use crate::random::{Random, place};

/// What somebody connects with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Device {
    Phone,
    Laptop,
    WorkComputer,
    /// The household's tablet or computer, used under several accounts.
    Shared,
    /// A machine of a campus' computer room.
    Lab,
    /// The phone of somebody else in the family who uses the account.
    OtherPhone,
    MailProgram,
}

/// Programs by device, per hundred (public browser statistics, roughly; the app and mail programs assumed).
const PHONES: [(Program, Os, u32); 7] = [
    (Program::App, Os::Android, 24),
    (Program::App, Os::Ios, 14),
    (Program::Chrome, Os::Android, 30),
    (Program::Safari, Os::Ios, 20),
    (Program::Samsung, Os::Android, 5),
    (Program::Firefox, Os::Android, 6),
    (Program::Edge, Os::Android, 1),
];
const COMPUTERS: [(Program, Os, u32); 10] = [
    (Program::Chrome, Os::Windows, 36),
    (Program::Edge, Os::Windows, 13),
    (Program::Firefox, Os::Windows, 13),
    (Program::Safari, Os::Mac, 12),
    (Program::Chrome, Os::Mac, 9),
    (Program::Firefox, Os::Mac, 3),
    (Program::Firefox, Os::Linux, 7),
    (Program::Chrome, Os::Linux, 4),
    (Program::Chrome, Os::Chromebook, 2),
    (Program::Edge, Os::Mac, 1),
];
const MAIL_PROGRAMS: [(Program, Os, u32); 4] = [
    (Program::Thunderbird, Os::Windows, 45),
    (Program::AppleMail, Os::Mac, 25),
    (Program::Outlook, Os::Windows, 20),
    (Program::K9, Os::Android, 10),
];
/// Devices that stopped updating (assumed).
const STUCK: f64 = 0.06;
/// Of requests of browsers that speak it, those over QUIC (assumed).
const QUIC: f64 = 0.3;

/// What a machine of some kind runs, a function of its number and the time.
pub(crate) fn look_of(machine: u64, device: Device, now: i64, random: &mut Random) -> Look {
    let table: &[(Program, Os, u32)] = match device {
        Device::Phone | Device::OtherPhone => &PHONES,
        Device::MailProgram => &MAIL_PROGRAMS,
        _ => &COMPUTERS,
    };
    let weights: Vec<u32> = table.iter().map(|row| row.2).collect();
    let (program, os, _) = table[place((machine >> 24) % 100, &weights)];
    let stuck = holds(machine, 30, STUCK);
    let lag = if stuck { 120 + (machine % 400) as i64 } else { (machine % 20) as i64 };
    let at = if stuck { now - now.rem_euclid(365 * DAY) } else { now };
    let look = Look::at(program, os, at, lag);
    let quick = matches!(program, Program::Chrome | Program::Edge | Program::Firefox) && random.chance(QUIC);
    if quick { look.with(Hello::Quic) } else { look }
}
