// SPDX-License-Identifier: Apache-2.0
//! MMDB files, as MaxMind, DB-IP, IPinfo, IP2Location and others make them, or an operator for themselves.
//!
//! What a file calls itself says little: every maker has names of its own, and so has every version. So a file is
//! judged by what its records hold ([`record`]), of which some are looked into when it is opened. The reader in use
//! checks every offset and bounds all that it decodes; whatever it refuses is unknown here, and the tests change
//! bytes at random to see that nothing panics.

mod record;
#[cfg(test)]
pub(crate) mod writer;

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;

use maxminddb::{Reader, WithinOptions};
use wardroom_event::Micros;

use crate::about::{About, Known};
use crate::error::FactsError;
use crate::limits;
pub use record::Place;
use record::Record;

/// An MMDB file in memory.
pub(crate) struct Mmdb {
    reader: Reader<Vec<u8>>,
    about: About,
}

impl Mmdb {
    /// Reads the file and sees what it knows.
    pub(crate) fn open(path: &Path) -> Result<Mmdb, FactsError> {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(FactsError::io(path))?;
        file.take(limits::MMDB_BYTES + 1).read_to_end(&mut bytes).map_err(FactsError::io(path))?;
        if bytes.len() as u64 > limits::MMDB_BYTES {
            let most = limits::MMDB_BYTES;
            return Err(FactsError::TooLarge { path: path.to_owned(), what: "MMDB", most });
        }
        Mmdb::of(path, bytes)
    }

    /// Takes the bytes of a file.
    pub(crate) fn of(path: &Path, bytes: Vec<u8>) -> Result<Mmdb, FactsError> {
        let wrong = |reason: String| FactsError::NotMmdb { path: path.to_owned(), reason };
        let reader = Reader::from_source(bytes).map_err(|error| wrong(error.to_string()))?;
        let seen = look_around(&reader).map_err(wrong)?;
        if seen.records == 0 && !seen.cut {
            return Err(wrong("it holds no record".to_owned()));
        }
        let metadata = reader.metadata();
        if seen.known.is_empty() && seen.records > 0 {
            let (kind, known) = (metadata.database_type.clone(), record::KNOWN.to_owned());
            return Err(FactsError::UnknownType { path: path.to_owned(), kind, known });
        }
        let epoch = i64::try_from(metadata.build_epoch).ok().and_then(|at| at.checked_mul(1_000_000));
        let about = About {
            source: path.display().to_string(),
            what: words(&metadata.database_type, metadata.description.get("en")),
            built: epoch.filter(|at| *at > 0).map(Micros),
            known: seen.known,
        };
        Ok(Mmdb { reader, about })
    }

    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// What the file says about an address; `None` where it says nothing, or nothing that can be read.
    pub(crate) fn record(&self, ip: IpAddr) -> Option<Record<'_>> {
        self.reader.lookup(ip).ok()?.decode().ok()?
    }
}

/// The type of a file, and how it describes itself where that is short.
fn words(kind: &str, description: Option<&String>) -> String {
    let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(80).collect::<String>();
    match description.map(|text| short(text)).filter(|text| !text.is_empty()) {
        Some(text) => format!("{}: {text}", short(kind)),
        None => short(kind),
    }
}

/// What a look at some records found.
struct Seen {
    records: usize,
    known: Known,
    /// There are more networks than were walked.
    cut: bool,
}

fn look_around(reader: &Reader<Vec<u8>>) -> Result<Seen, String> {
    let mut seen = Seen { records: 0, known: Known::default(), cut: false };
    let all = WithinOptions::default().include_networks_without_data();
    let networks = reader.networks(all).map_err(|error| error.to_string())?;
    for (walked, network) in networks.enumerate() {
        if walked == limits::MMDB_WALK || seen.records == limits::MMDB_RECORDS {
            seen.cut = true;
            break;
        }
        let network = network.map_err(|error| error.to_string())?;
        let record: Option<Record<'_>> = network.decode().map_err(|error| error.to_string())?;
        if let Some(record) = record {
            seen.records += 1;
            seen.known.add(record.known());
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::writer::{Data, Writer};
    use super::*;
    use proptest::prelude::*;

    fn open(bytes: Vec<u8>) -> Result<Mmdb, FactsError> {
        Mmdb::of(Path::new("x.mmdb"), bytes)
    }

    /// One record under one network, in a file of that type.
    fn of(record: Data) -> Result<Mmdb, FactsError> {
        open(Writer::new("Test-Type", &[("203.0.113.0/24", record)]).bytes())
    }

    #[test]
    fn records_of_many_makers_are_read() {
        let check = |json: &str, expect: &str| {
            let said = match of(Data::parse(json)) {
                Ok(file) => {
                    file.record("203.0.113.9".parse().unwrap()).map_or("none".into(), |r| r.to_string())
                }
                Err(error) => error.to_string(),
            };
            assert_eq!(said, expect, "{json}");
        };
        // MaxMind and DB-IP.
        check(
            r#"{"country": {"iso_code": "DE", "names": {"en": "Germany"}}, "location": {"latitude": 52.5, "longitude": 13.4}}"#,
            "DE - 52.5,13.4 -",
        );
        check(
            r#"{"autonomous_system_number": 64500, "autonomous_system_organization": "Example"}"#,
            "- 64500 - -",
        );
        check(
            r#"{"traits": {"autonomous_system_number": 64500, "user_type": "cellular"}}"#,
            "- 64500 - mobile",
        );
        check(r#"{"is_anonymous": true, "is_hosting_provider": true}"#, "- - - hosting");
        check(r#"{"is_hosting_provider": true, "is_tor_exit_node": true}"#, "- - - tor");
        check(r#"{"traits": {"is_anonymous_vpn": true, "user_type": "business"}}"#, "- - - vpn");
        check(r#"{"is_residential_proxy": true}"#, "- - - proxy");
        // IPinfo.
        check(r#"{"asn": "AS64500", "country_code": "de", "country": "Germany"}"#, "DE 64500 - -");
        check(r#"{"country": "DE", "lat": "52.5", "lng": "13.4"}"#, "DE - 52.5,13.4 -");
        check(r#"{"hosting": "true", "vpn": "", "tor": "false"}"#, "- - - hosting");
        // IP2Location, ip-location-db, and one's own.
        check(
            r#"{"country_code": "DE", "latitude": 52.5, "longitude": 13.4, "usage_type": "DCH"}"#,
            "DE - 52.5,13.4 hosting",
        );
        check(r#"{"kind": "campus"}"#, "- - - campus");
        check(r#"{"kind": "Data Center/Web Hosting/Transit"}"#, "- - - hosting");
        // What is no fact.
        check(r#"{"country": {"iso_code": "Germany"}, "asn": 7}"#, "- 7 - -");
        check(r#"{"location": {"latitude": 152.5, "longitude": 13.4}, "asn": 7}"#, "- 7 - -");
        check(r#"{"location": {"latitude": 52.5}, "asn": 7}"#, "- 7 - -");
        check(r#"{"asn": 0, "country_code": "DE"}"#, "DE - - -");
        check(
            r#"{"asn": {"odd": [1, {"a": true}]}, "traits": "odd", "location": [1], "country": 7, "kind": "campus"}"#,
            "- - - campus",
        );
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        let error = of(Data::parse(r#"{"domain": "example.org"}"#)).err().unwrap().to_string();
        assert!(error.contains("`x.mmdb` is a database of type \"Test-Type\""), "{error}");
        assert!(error.contains("`country.iso_code`"), "{error}");
        let empty = open(Writer::new("T", &[]).bytes()).err().unwrap().to_string();
        assert!(empty.contains("holds no record"), "{empty}");
        let text = open(b"not one".to_vec()).err().unwrap().to_string();
        assert!(text.starts_with("`x.mmdb` is not a sound MMDB file: "), "{text}");
    }

    #[test]
    fn a_file_says_what_it_is() {
        let file = of(Data::parse(r#"{"country_code": "DE"}"#)).unwrap();
        let about = file.about().to_string();
        assert_eq!(about, "x.mmdb: country (Test-Type: made by a test, 2026-01-05T00:00:00Z)");
    }

    #[test]
    fn a_network_is_all_that_is_known() {
        let record = |kind: &str| Data::parse(&format!(r#"{{"kind": "{kind}"}}"#));
        let nets = [
            ("203.0.113.0/25", record("a")),
            ("2001:db8::/32", record("b")),
            ("198.51.100.7/32", record("c")),
        ];
        let file = open(Writer::new("T", &nets).bytes()).unwrap();
        let check = |ip: &str, expect: Option<&str>| {
            let record = file.record(ip.parse().unwrap());
            assert_eq!(record.as_ref().and_then(|r| r.kind()), expect, "{ip}");
        };
        check("203.0.113.127", Some("a"));
        check("203.0.113.128", None);
        check("198.51.100.7", Some("c"));
        check("198.51.100.8", None);
        check("2001:db8:ffff::1", Some("b"));
        check("2001:db9::1", None);
    }

    fn sound() -> Vec<u8> {
        let record = Data::parse(
            r#"{"country": {"iso_code": "DE"}, "asn": 7, "lat": 1.5, "traits": {"user_type": "hosting"}}"#,
        );
        Writer::new("T", &[("203.0.113.0/24", record.clone()), ("2001:db8::/48", record)]).bytes()
    }

    /// Asks everything of a file that could be opened.
    fn ask(bytes: Vec<u8>) {
        if let Ok(file) = open(bytes) {
            for ip in ["203.0.113.9", "2001:db8::1", "::", "255.255.255.255"] {
                file.record(ip.parse().unwrap()).map(|record| record.to_string());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn changed_bytes_are_taken(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
            let mut bytes = sound();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            ask(bytes);
        }

        /// The end of a file is where its description is, and most changes elsewhere are never seen.
        #[test]
        fn changed_descriptions_are_taken(changes in prop::collection::vec((0usize..200, any::<u8>()), 1..4), cut in 0usize..40) {
            let mut bytes = sound();
            let len = bytes.len();
            for (back, byte) in changes {
                bytes[len - 1 - back.min(len - 1)] = byte;
            }
            bytes.truncate(len - cut);
            ask(bytes);
        }

        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            ask([bytes.as_slice(), b"\xab\xcd\xefMaxMind.com", &bytes].concat());
        }
    }
}
