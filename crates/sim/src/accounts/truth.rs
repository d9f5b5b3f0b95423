// SPDX-License-Identifier: Apache-2.0
//! Who really made an event and whom it is about: kept beside the event, never in it.

use super::family::Family;

/// The truth about one event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truth {
    /// Who attacks; `None` for honest people and their programs.
    pub attack: Option<Attack>,
    /// The honest person whose account it is about, `None` where an attacker made the account or nobody owns it.
    pub person: Option<u32>,
    /// Successful logins of this account by its owner before this event, in this world.
    pub past_logins: u32,
    /// How often the account's owner logs in, by habit.
    pub logins_per_week: f32,
    /// What makes the person, the moment or the connection special.
    pub subgroups: Subgroups,
    /// The script of the account's name.
    pub script: Script,
}

/// The attacker behind an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attack {
    /// Number of the campaign: the place of its assault in the plan.
    pub campaign: u32,
    /// How it goes about it.
    pub family: &'static Family,
    /// Which of the campaign's accounts or attempts, `0..size`.
    pub member: u32,
    /// What the campaign set out to do: accounts to make, guesses or victims.
    pub size: u32,
    /// Somebody else's account is entered, or lost for good, unless this event is stopped.
    pub would_take_over: bool,
}

impl Truth {
    /// Whether the event is honest, and a stop would be wrong.
    pub fn is_honest(&self) -> bool {
        self.attack.is_none()
    }
}

/// A set of marks; several may hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Subgroups(u32);

/// Every mark and its name.
macro_rules! marks {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $text:literal;)*) => {
        impl Subgroups {
            $($(#[$doc])* pub const $name: Subgroups = Subgroups(1 << $bit);)*
            /// Every mark with the name it has in tables.
            pub const ALL: &'static [(Subgroups, &'static str)] = &[$((Subgroups::$name, $text)),*];
        }
    };
}

marks! {
    /// Connects through a VPN service.
    VPN = 0, "vpn";
    /// Connects through Tor.
    TOR = 1, "tor";
    /// Is abroad.
    TRAVELLER = 2, "traveller";
    /// Shares its IPv4 address with a carrier's other customers.
    CGNAT = 3, "cgnat";
    /// On the network of a university or school.
    CAMPUS = 4, "campus";
    /// The account belongs to a family: several people use it.
    SHARED_ACCOUNT = 5, "shared_account";
    /// Types slowly, takes long over forms.
    SLOW = 6, "slow";
    /// Uses a screen reader.
    SCREEN_READER = 7, "screen_reader";
    /// A mail program, not a person at the keyboard.
    MAIL_PROGRAM = 8, "mail_program";
    /// The first login with this device.
    NEW_DEVICE = 9, "new_device";
    /// A password manager fills in the forms.
    PASSWORD_MANAGER = 10, "password_manager";
    /// The right password is in known breaches.
    BREACHED = 11, "breached";
    /// One of a workshop that signs up together.
    WORKSHOP = 12, "workshop";
    /// One of a company's new accounts, made one after the other.
    ONBOARDING = 13, "onboarding";
    /// A private window, or cookies refused.
    NO_COOKIE = 14, "no_cookie";
    /// A computer that several people use, each with an account.
    SHARED_COMPUTER = 15, "shared_computer";
    /// A mail program that keeps trying a password that was changed.
    STALE_PROGRAM = 16, "stale_program";
    /// Back online after an outage, with everybody else.
    RECONNECT = 17, "reconnect";
    /// Has forgotten the password.
    FORGOTTEN = 18, "forgotten";
    /// Mistyped name or password, or tries again after that.
    TYPO = 19, "typo";
    /// On IPv6.
    IPV6 = 20, "ipv6";
    /// Recovery address at a disposable or alias service.
    ALIAS = 21, "alias";
    /// Sits in an office behind a box that opens TLS.
    MIDDLEBOX = 22, "middlebox";
    /// One of the crowd that a mention somewhere brings.
    CROWD = 23, "crowd";
    /// The second or third account made on one device within the hour, for the family or oneself.
    SIBLING = 24, "sibling";
    /// Makes an account, looks at it and does not come back.
    ONCE = 25, "once";
}

impl Subgroups {
    /// No mark.
    pub const NONE: Subgroups = Subgroups(0);

    /// Whether all marks of `other` hold.
    pub fn contains(self, other: Subgroups) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Subgroups) -> Subgroups {
        Subgroups(self.0 | other.0)
    }

    /// With `other` where `holds`.
    #[must_use]
    pub(crate) fn with_if(self, holds: bool, other: Subgroups) -> Subgroups {
        if holds { self.with(other) } else { self }
    }

    /// Without the marks of `other`.
    #[must_use]
    pub(crate) fn without(self, other: Subgroups) -> Subgroups {
        Subgroups(self.0 & !other.0)
    }

    /// The names of the marks that hold.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().filter(move |(mark, _)| self.contains(*mark)).map(|(_, name)| *name)
    }
}

/// The script of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Script {
    Latin,
    Cyrillic,
    Greek,
    Arabic,
    Devanagari,
    Han,
    Hangul,
    Kana,
}

impl Script {
    /// The script of the first letter that is not Latin, or Latin.
    pub(crate) fn of(text: &str) -> Script {
        text.chars()
            .find_map(|letter| match letter as u32 {
                0x0370..=0x03ff => Some(Script::Greek),
                0x0400..=0x04ff => Some(Script::Cyrillic),
                0x0600..=0x06ff => Some(Script::Arabic),
                0x0900..=0x097f => Some(Script::Devanagari),
                0x3040..=0x30ff => Some(Script::Kana),
                0x4e00..=0x9fff => Some(Script::Han),
                0xac00..=0xd7af => Some(Script::Hangul),
                _ => None,
            })
            .unwrap_or(Script::Latin)
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Script::Latin => "latin",
            Script::Cyrillic => "cyrillic",
            Script::Greek => "greek",
            Script::Arabic => "arabic",
            Script::Devanagari => "devanagari",
            Script::Han => "han",
            Script::Hangul => "hangul",
            Script::Kana => "kana",
        }
    }
}
