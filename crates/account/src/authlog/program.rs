// SPDX-License-Identifier: Apache-2.0
//! Lines of programs other than sshd → `login` events of the account pack. Each line tells its tries by itself.

use super::Tally;
use super::header::Header;
use super::{dovecot, pam};
use crate::sheet::Making;
use std::net::IpAddr;
use wardroom_event::{Draft, LineId, Micros, limits};

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// Somebody tried to log in, so many times.
    Tried(Tried<'a>),
    /// Nothing an event needs.
    Ignored,
    /// A try from something that is no address.
    NoAddress,
    /// Two addresses are possible.
    Ambiguous,
}

/// Tries to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tried<'a> {
    /// As sent; never empty.
    pub(super) account: &'a str,
    pub(super) ip: IpAddr,
    pub(super) ok: bool,
    /// As the account pack calls it, or as the program does.
    pub(super) protocol: &'a str,
    pub(super) times: u32,
    /// Whether there is such an account, where that is said.
    pub(super) known: Option<bool>,
}

/// What a line says that is of none of sshd's programs; none where it is of a program that is not read.
pub(super) fn parse<'a>(header: &Header<'a>, text: &'a str) -> Option<Said<'a>> {
    if let Some(process) = dovecot::own_log(header.host, header.program) {
        return Some(dovecot::of_process(process, text));
    }
    match header.program {
        "dovecot" => Some(dovecot::parse(text)),
        // What PAM says beside failures, of each cron job too, stays a line of another program.
        _ if pam::is_pam(text) => Some(pam::parse(text)).filter(|said| *said != Said::Ignored),
        "login" => Some(pam::login(text)),
        _ => None,
    }
}

/// The event of one try of a line.
pub(super) fn event(
    tried: &Tried<'_>,
    time: Micros,
    line: LineId,
    repeat: u32,
    tally: &mut Tally,
) -> Draft<'static> {
    tally.cut += u64::from(tried.account.len() > limits::ENTITY_BYTES);
    let protocol = crate::auth_policy::protocol(tried.protocol);
    let making = Making::of("login", "authlog").id(Some(&line.event(repeat))).at(Some(time));
    let making = making.name("account", Some(tried.account)).ip(tried.ip).truth("ok", Some(tried.ok));
    let mut draft = making.truth("user_known", tried.known).name("protocol", Some(&protocol)).made();
    // A line's id is the same whoever reads it, as sshd's is.
    draft.source = None;
    draft
}

#[cfg(test)]
mod tests;
