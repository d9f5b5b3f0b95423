// SPDX-License-Identifier: Apache-2.0
//! What a library is made of, for logs and for whoever wonders why a fact is what it is.

use std::fmt;

use wardroom_event::Micros;

/// Which facts a source gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The country of an address.
    pub country: bool,
    /// The number of its network operator.
    pub asn: bool,
    /// Its place on Earth.
    pub place: bool,
    /// What kind of network it is in.
    pub kind: bool,
}

impl Known {
    pub(crate) fn add(&mut self, other: Known) {
        self.country |= other.country;
        self.asn |= other.asn;
        self.place |= other.place;
        self.kind |= other.kind;
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Known::default()
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            [(self.country, "country"), (self.asn, "asn"), (self.place, "lat, lon"), (self.kind, "kind")];
        let names: Vec<&str> = names.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
        f.write_str(&names.join(", "))
    }
}

/// One source of facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The file, or the words `this build`.
    pub source: String,
    /// What it says it is.
    pub what: String,
    /// When it was made, where it says so.
    pub built: Option<Micros>,
    /// Which facts were seen in it.
    pub known: Known,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let About { source, what, built, known } = self;
        match built {
            Some(built) => write!(f, "{source}: {known} ({what}, {built})"),
            None => write!(f, "{source}: {known} ({what})"),
        }
    }
}
