// SPDX-License-Identifier: Apache-2.0
//! The ways to attack: what each is called, what it is about, and whether policy may be fitted to it.

use std::fmt;

/// A way to attack.
pub struct Family {
    /// Such as `signup.proxy`.
    pub name: &'static str,
    /// Which door it goes to.
    pub about: Kind,
    /// Whether policy may be fitted to it.
    pub part: Part,
    /// What it does, and what [`Assault::size`](super::Assault::size) counts.
    pub words: &'static str,
    pub(crate) way: Way,
}

/// Which door a family goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It makes accounts.
    Signup,
    /// It enters accounts of others.
    Login,
}

/// Whether policy may be fitted to a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// It may be looked at while policy is written.
    Tuning,
    /// It appears in the final table only.
    Reported,
}

/// What the attacker does; one for each family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    Naive,
    Datacentre,
    Proxy,
    Imitated,
    Solver,
    Drip,
    Sleeper,
    Humans,
    Bandit,
    Poison,
    Frame,
    Stuffing(u32),
    Spray,
    Targeted,
    Phishing,
    Cookie,
    Recovery,
    Hammer,
    Bought,
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Family {
    fn eq(&self, other: &Family) -> bool {
        self.way == other.way
    }
}
impl Eq for Family {}

const fn signup(name: &'static str, part: Part, way: Way, words: &'static str) -> Family {
    Family { name, about: Kind::Signup, part, words, way }
}

const fn login(name: &'static str, part: Part, way: Way, words: &'static str) -> Family {
    Family { name, about: Kind::Login, part, words, way }
}

use Part::{Reported, Tuning};

static FAMILIES: [Family; 21] = [
    signup(
        "signup.naive",
        Tuning,
        Way::Naive,
        "a script on one address; size counts accounts, here and below",
    ),
    signup(
        "signup.datacentre",
        Tuning,
        Way::Datacentre,
        "a pool of rented servers, IPv4 or IPv6, with a browser's name",
    ),
    signup(
        "signup.proxy",
        Tuning,
        Way::Proxy,
        "residential proxies, one address an account, tool behind a browser's name",
    ),
    signup(
        "signup.solver",
        Tuning,
        Way::Solver,
        "proxies and a captcha service that answers challenges for money, within a budget",
    ),
    signup("signup.drip", Tuning, Way::Drip, "the same tool over proxies, a few accounts an hour for days"),
    signup(
        "signup.sleeper",
        Tuning,
        Way::Sleeper,
        "accounts made quietly that rest for days or weeks, then all turn bad",
    ),
    signup(
        "signup.imitated",
        Reported,
        Way::Imitated,
        "proxies, browsers drawn from the population, forms filled at people's pace",
    ),
    signup(
        "signup.humans",
        Reported,
        Way::Humans,
        "people paid for each account: real devices, real networks, real hesitation",
    ),
    signup(
        "signup.bandit",
        Reported,
        Way::Bandit,
        "tries networks, browsers, timing and names, and keeps to what passes",
    ),
    signup("signup.poison", Reported, Way::Poison, "behaves well for days from where it will burst later"),
    signup(
        "signup.frame",
        Reported,
        Way::Frame,
        "makes innocents look guilty: campus network, a company's handles, a victim's line",
    ),
    login(
        "login.stuffing_10",
        Tuning,
        Way::Stuffing(10),
        "leaked pairs from 10 addresses; size counts attempts",
    ),
    login(
        "login.stuffing_1000",
        Tuning,
        Way::Stuffing(1_000),
        "leaked pairs from 1,000 addresses; size counts attempts",
    ),
    login(
        "login.stuffing_100000",
        Reported,
        Way::Stuffing(100_000),
        "leaked pairs from 100,000 addresses; size counts attempts",
    ),
    login(
        "login.spray",
        Tuning,
        Way::Spray,
        "a few common passwords over all accounts, slowly; size counts attempts",
    ),
    login(
        "login.targeted",
        Tuning,
        Way::Targeted,
        "knows the victim's password, city and browser, on a device of its own; size counts victims",
    ),
    login(
        "login.phishing",
        Reported,
        Way::Phishing,
        "a proxy between victim and provider: right password, right code, then the session moves; size counts victims",
    ),
    login(
        "login.cookie",
        Reported,
        Way::Cookie,
        "a stolen cookie: a session goes on elsewhere, without a login; size counts victims",
    ),
    login(
        "login.recovery",
        Reported,
        Way::Recovery,
        "talks its way through the recovery of an account; size counts victims",
    ),
    login(
        "login.bought",
        Reported,
        Way::Bought,
        "bought passwords: new device, recovery change, forwarding, export; size counts victims",
    ),
    login(
        "login.hammer",
        Tuning,
        Way::Hammer,
        "10,000 guesses an hour at one account whose owner wants in too; size counts guesses",
    ),
];

/// Every family, sign-ups first.
pub fn families() -> &'static [Family] {
    &FAMILIES
}

/// The family of that name.
pub fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}
