// SPDX-License-Identifier: Apache-2.0
//! What a record of an MMDB file may hold, under the names its makers use.
//!
//! All of it is read in one pass, and nothing is required: a value of another shape than is expected is no value, and
//! does not spoil the rest of its record.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::about::Known;
use crate::countries::Country;
use crate::kinds::is_kind;

/// The names looked for, in words.
pub(super) const KNOWN: &str = "`country.iso_code`, `country_code`; `autonomous_system_number`, `asn`; \
    `location.latitude` and `.longitude`, `latitude` and `longitude`, `lat` and `lng`; `traits.user_type`, \
    `usage_type`, `kind`, `is_hosting_provider`, `is_tor_exit_node`, `is_anonymous_vpn`, `is_public_proxy`";

/// A place on Earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// North of the equator, from -90 to 90.
    pub lat: f64,
    /// East of Greenwich, from -180 to 180.
    pub lon: f64,
}

/// One record.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Record<'a> {
    #[serde(borrow)]
    country: Node<'a, CountryRecord<'a>>,
    country_code: Node<'a>,
    autonomous_system_number: Node<'a>,
    asn: Node<'a>,
    location: Node<'a, PlaceRecord<'a>>,
    latitude: Node<'a>,
    longitude: Node<'a>,
    lat: Node<'a>,
    lon: Node<'a>,
    lng: Node<'a>,
    traits: Node<'a, Traits<'a>>,
    kind: Node<'a>,
    usage_type: Node<'a>,
    user_type: Node<'a>,
    is_tor_exit_node: Node<'a>,
    tor: Node<'a>,
    is_anonymous_vpn: Node<'a>,
    vpn: Node<'a>,
    is_public_proxy: Node<'a>,
    is_residential_proxy: Node<'a>,
    proxy: Node<'a>,
    is_hosting_provider: Node<'a>,
    hosting: Node<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CountryRecord<'a> {
    #[serde(borrow)]
    iso_code: Node<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PlaceRecord<'a> {
    #[serde(borrow)]
    latitude: Node<'a>,
    longitude: Node<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Traits<'a> {
    #[serde(borrow)]
    autonomous_system_number: Node<'a>,
    user_type: Node<'a>,
    is_tor_exit_node: Node<'a>,
    is_anonymous_vpn: Node<'a>,
    is_public_proxy: Node<'a>,
    is_residential_proxy: Node<'a>,
    is_hosting_provider: Node<'a>,
}

impl<'a> Record<'a> {
    /// The country, by its two letters.
    pub(crate) fn country(&self) -> Option<Country> {
        let nested = self.country.map.as_ref().map(|country| &country.iso_code);
        let codes = [nested, Some(&self.country_code)];
        let code = codes.into_iter().flatten().find_map(|node| Country::new(node.text()?));
        code.or_else(|| Country::new(self.country.text()?))
    }

    /// The number of the network operator.
    pub(crate) fn asn(&self) -> Option<u32> {
        let traits = self.traits.map.as_ref().map(|traits| &traits.autonomous_system_number);
        let nodes = [Some(&self.autonomous_system_number), Some(&self.asn), traits];
        nodes.into_iter().flatten().find_map(Node::asn)
    }

    /// Where the address is thought to be.
    pub(crate) fn place(&self) -> Option<Place> {
        let nested = self.location.map.as_ref().map(|place| (&place.latitude, &place.longitude));
        let pairs = [
            nested,
            Some((&self.latitude, &self.longitude)),
            Some((&self.lat, &self.lon)),
            Some((&self.lat, &self.lng)),
        ];
        pairs.into_iter().flatten().find_map(|(lat, lon)| {
            let (lat, lon) = (lat.number()?, lon.number()?);
            (lat.abs() <= 90.0 && lon.abs() <= 180.0).then_some(Place { lat, lon })
        })
    }

    /// What kind of network it is. What an address is used for (Tor, VPN) says more than whose it is.
    pub(crate) fn kind(&self) -> Option<&'a str> {
        let none = Traits::default();
        let traits = self.traits.map.as_ref().unwrap_or(&none);
        let flags = [
            ("tor", [&self.is_tor_exit_node, &self.tor, &traits.is_tor_exit_node]),
            ("vpn", [&self.is_anonymous_vpn, &self.vpn, &traits.is_anonymous_vpn]),
            ("proxy", [&self.is_public_proxy, &self.proxy, &traits.is_public_proxy]),
            ("proxy", [&self.is_residential_proxy, &traits.is_residential_proxy, &none.user_type]),
        ];
        let flag = flags.into_iter().find(|(_, nodes)| nodes.iter().any(|node| node.is_true()));
        if let Some((kind, _)) = flag {
            return Some(kind);
        }
        let own = self.traits.map.as_ref().map(|traits| &traits.user_type);
        let words = [Some(&self.kind), own, Some(&self.user_type), Some(&self.usage_type)];
        let word = words.into_iter().flatten().find_map(|node| kind_of(node.text()?));
        let hosting = [&self.is_hosting_provider, &self.hosting, &traits.is_hosting_provider];
        word.or_else(|| hosting.iter().any(|node| node.is_true()).then_some("hosting"))
    }

    /// Which facts the record gives.
    pub(super) fn known(&self) -> Known {
        Known {
            country: self.country().is_some(),
            asn: self.asn().is_some(),
            place: self.place().is_some(),
            kind: self.kind().is_some() || self.is_about_kind(),
        }
    }

    /// Whether the record has a flag at all: in some files most say `false`.
    fn is_about_kind(&self) -> bool {
        let flags = [
            &self.is_tor_exit_node,
            &self.is_anonymous_vpn,
            &self.is_hosting_provider,
            &self.hosting,
            &self.vpn,
        ];
        flags.iter().any(|node| node.is_false())
    }
}

/// For tests: country, operator, place and kind.
#[cfg(test)]
impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let country = or_dash(self.country().map(|country| country.as_str().to_owned()));
        let asn = or_dash(self.asn().map(|asn| asn.to_string()));
        let place = or_dash(self.place().map(|place| format!("{},{}", place.lat, place.lon)));
        write!(f, "{country} {asn} {place} {}", self.kind().unwrap_or("-"))
    }
}

/// The words of other makers, in lower case, and ours.
const KINDS: [(&str, &[&str]); 7] = [
    ("hosting", &["content_delivery_network", "dch", "cdn", "data center/web hosting/transit", "datacenter"]),
    ("mobile", &["cellular", "mob", "isp/mob", "mobile isp"]),
    ("residential", &["dialup", "isp", "fixed line isp", "consumer"]),
    ("education", &["college", "school", "library", "edu", "lib", "university"]),
    ("business", &["cafe", "traveler", "com", "org", "commercial", "organization"]),
    ("government", &["military", "gov", "mil"]),
    ("crawler", &["search_engine_spider", "ses"]),
];

/// A kind in our words, or a word of the file's own that can be one.
fn kind_of(word: &str) -> Option<&str> {
    let theirs = |(_, words): &&(&str, &[&str])| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    match KINDS.iter().find(theirs) {
        Some((ours, _)) => Some(ours),
        None if word.eq_ignore_ascii_case("consumer_privacy_network") => Some("vpn"),
        None => Some(word).filter(|word| is_kind(word)),
    }
}

/// A value of any shape: what is a scalar is kept, and a map where one is expected.
struct Node<'a, T = IgnoredAny> {
    scalar: Scalar<'a>,
    map: Option<T>,
}

#[derive(Clone, Copy)]
enum Scalar<'a> {
    None,
    Text(&'a str),
    Whole(u64),
    Number(f64),
    Bool(bool),
}

impl<T> Default for Node<'_, T> {
    fn default() -> Self {
        Node { scalar: Scalar::None, map: None }
    }
}

impl<'a, T> Node<'a, T> {
    fn text(&self) -> Option<&'a str> {
        match self.scalar {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    fn number(&self) -> Option<f64> {
        match self.scalar {
            Scalar::Number(number) => Some(number),
            Scalar::Whole(number) => u32::try_from(number).ok().map(f64::from),
            Scalar::Text(text) => text.parse().ok(),
            _ => None,
        }
        .filter(|number| number.is_finite())
    }

    /// A whole number, or text with or without `AS` before it.
    fn asn(&self) -> Option<u32> {
        let asn = match self.scalar {
            Scalar::Whole(number) => u32::try_from(number).ok(),
            Scalar::Text(text) => text.strip_prefix("AS").unwrap_or(text).parse().ok(),
            _ => None,
        };
        asn.filter(|asn| *asn != 0)
    }

    fn is_true(&self) -> bool {
        matches!(self.scalar, Scalar::Bool(true) | Scalar::Text("true" | "1") | Scalar::Whole(1))
    }

    fn is_false(&self) -> bool {
        matches!(self.scalar, Scalar::Bool(false) | Scalar::Text("false" | "0") | Scalar::Whole(0))
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Node<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor(PhantomData))
    }
}

struct NodeVisitor<'a, T>(PhantomData<(&'a (), T)>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for NodeVisitor<'a, T> {
    type Value = Node<'a, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Node { scalar: Scalar::Text(text), map: None })
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Node::default())
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Self::Value, E> {
        Ok(Node::default())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Node { scalar: Scalar::Bool(value), map: None })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Node { scalar: Scalar::Whole(value), map: None })
    }

    fn visit_u128<E>(self, _: u128) -> Result<Self::Value, E> {
        Ok(Node::default())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Node { scalar: u64::try_from(value).map_or(Scalar::None, Scalar::Whole), map: None })
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Node { scalar: Scalar::Number(value), map: None })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Node::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let map = T::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Node { scalar: Scalar::None, map: Some(map) })
    }
}
