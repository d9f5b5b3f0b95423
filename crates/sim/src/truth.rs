// SPDX-License-Identifier: Apache-2.0
//! Who really made an event: kept beside the event, never in it.

/// The truth about one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// A person, or a program of theirs, using their own account.
    Honest(Situation),
    /// A sign-up by a farm, or a login of an account the farm made.
    SignupFarm {
        /// Number of the campaign, unique within the world.
        campaign: u32,
        /// How the farm goes about it.
        style: FarmStyle,
    },
    /// A login attempt with a name and password leaked elsewhere.
    Stuffing {
        /// Number of the campaign, unique within the world.
        campaign: u32,
        /// How the attempts are spread.
        style: StuffingStyle,
        /// The password was right: without a stop the account is taken over.
        succeeded: bool,
    },
}

/// What an honest person was doing, so that harm can be counted by who suffers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Situation {
    /// A login that works, or a sign-up by somebody on their own.
    Ordinary,
    /// A mistyped password or name, and what follows within the minute.
    Typo,
    /// A forgotten password: a run of failures, then recovery or giving up.
    Forgotten,
    /// A mail program that keeps trying a password that has been changed.
    StaleClient,
    /// One of a class that signs up together from one campus network.
    Classroom,
}

/// How a sign-up farm spreads its accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FarmStyle {
    /// One rented network, within minutes.
    Burst,
    /// Several rented networks in turn, within some hours.
    Rotating,
    /// Many networks, people's homes among them, over a day or two.
    LowAndSlow,
}

/// How a stuffing run spreads its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StuffingStyle {
    /// One address, as fast as it will go.
    NoisyAddress,
    /// Some dozens of rented addresses.
    ProxyPool,
    /// Infected machines in homes and phones by the thousand, a few tries each.
    Botnet,
}

impl Truth {
    /// Whether the event is honest, and a stop would be wrong.
    pub fn is_honest(&self) -> bool {
        matches!(self, Truth::Honest(_))
    }

    /// The campaign's number, if the event belongs to one.
    pub fn campaign(&self) -> Option<u32> {
        match self {
            Truth::Honest(_) => None,
            Truth::SignupFarm { campaign, .. } | Truth::Stuffing { campaign, .. } => Some(*campaign),
        }
    }

    /// A short stable name, the key of a [`Score`](crate::Score): `honest.typo`, `farm.burst`, `stuffing.botnet`.
    pub fn kind(&self) -> &'static str {
        match self {
            Truth::Honest(Situation::Ordinary) => "honest.ordinary",
            Truth::Honest(Situation::Typo) => "honest.typo",
            Truth::Honest(Situation::Forgotten) => "honest.forgotten",
            Truth::Honest(Situation::StaleClient) => "honest.stale_client",
            Truth::Honest(Situation::Classroom) => "honest.classroom",
            Truth::SignupFarm { style: FarmStyle::Burst, .. } => "farm.burst",
            Truth::SignupFarm { style: FarmStyle::Rotating, .. } => "farm.rotating",
            Truth::SignupFarm { style: FarmStyle::LowAndSlow, .. } => "farm.low_and_slow",
            Truth::Stuffing { style: StuffingStyle::NoisyAddress, .. } => "stuffing.noisy_address",
            Truth::Stuffing { style: StuffingStyle::ProxyPool, .. } => "stuffing.proxy_pool",
            Truth::Stuffing { style: StuffingStyle::Botnet, .. } => "stuffing.botnet",
        }
    }
}
