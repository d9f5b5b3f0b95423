// SPDX-License-Identifier: Apache-2.0
//! All that is known about addresses, from every file that an operator named, and where none knows from this build.
//!
//! A library does not change. To read newer files a new one is opened and put in its place whole, so that no event
//! sees a country of today and a network operator of last month.

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use wardroom_event::{Facts, Micros, Part, Value};

use crate::about::{About, Known};
use crate::agent::Agent;
use crate::countries::{Countries, Country};
use crate::error::{FactsError, Failures, Faults};
use crate::kinds::Kinds;
use crate::limits;
use crate::mmdb::{Mmdb, Place};
use crate::site::site;

/// Which files there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// MMDB files. The first that knows a fact gives it.
    pub mmdb: Vec<PathBuf>,
    /// Tables of countries, lines `first,last,CC`, in place of the one in this build. The first that knows counts.
    pub countries: Vec<PathBuf>,
    /// The operator's own file of kinds, which goes before what any MMDB file says.
    pub kinds: Option<PathBuf>,
}

/// Everything that is known about addresses.
#[derive(Default)]
pub struct Library {
    mmdb: Vec<Mmdb>,
    countries: Vec<(About, Countries)>,
    kinds: Option<(About, Kinds)>,
}

impl Library {
    /// Opens every file, or says of each what is wrong with it.
    pub fn open(sources: &Sources) -> Result<Library, Failures> {
        let mut failures = Vec::new();
        let mut library = Library::default();
        for (paths, what, most) in [
            (&sources.mmdb, "MMDB", limits::MMDB_FILES),
            (&sources.countries, "countries", limits::COUNTRIES_FILES),
        ] {
            if paths.len() > most {
                failures.push(FactsError::TooMany { what, count: paths.len(), most });
            }
        }
        if failures.is_empty() {
            library.mmdb = keep(&sources.mmdb, &mut failures, Mmdb::open);
            library.countries = keep(&sources.countries, &mut failures, open_countries);
            library.kinds = keep(sources.kinds.as_slice(), &mut failures, open_kinds).pop();
        }
        match failures.is_empty() {
            true => Ok(library),
            false => Err(Failures(failures)),
        }
    }

    /// The country of an address.
    pub fn country(&self, ip: IpAddr) -> Option<Country> {
        let ip = ip.to_canonical();
        let of_file = self.mmdb.iter().find_map(|file| file.record(ip)?.country());
        of_file.or_else(|| match self.countries.is_empty() {
            true => Countries::shipped().get(ip),
            false => self.countries.iter().find_map(|(_, table)| table.get(ip)),
        })
    }

    /// The number of the operator of an address's network.
    pub fn asn(&self, ip: IpAddr) -> Option<u32> {
        self.mmdb.iter().find_map(|file| file.record(ip.to_canonical())?.asn())
    }

    /// Where on Earth an address is thought to be.
    pub fn place(&self, ip: IpAddr) -> Option<Place> {
        self.mmdb.iter().find_map(|file| file.record(ip.to_canonical())?.place())
    }

    /// What kind of network an address is in.
    pub fn kind(&self, ip: IpAddr) -> Option<&str> {
        let ip = ip.to_canonical();
        let own = self.kinds.as_ref().and_then(|(_, kinds)| self.own_kind(kinds, ip));
        own.or_else(|| self.mmdb.iter().find_map(|file| file.record(ip)?.kind()))
    }

    /// By the operator's own file: the network, then the network's operator.
    fn own_kind<'a>(&self, kinds: &'a Kinds, ip: IpAddr) -> Option<&'a str> {
        kinds.of_address(ip).or_else(|| {
            let asn = kinds.knows_operators().then(|| self.asn(ip))??;
            kinds.of_operator(asn)
        })
    }

    /// What the library is made of, in the order in which its parts are asked.
    pub fn about(&self) -> Vec<About> {
        let kinds = self.kinds.iter().map(|(about, _)| about.clone());
        let files = self.mmdb.iter().map(|file| file.about().clone());
        let tables = self.countries.iter().map(|(about, _)| about.clone());
        let shipped = self.countries.is_empty().then(|| about_countries("this build", Countries::shipped()));
        kinds.chain(files).chain(tables).chain(shipped).collect()
    }
}

impl Facts for Library {
    fn fact(&self, part: Part, value: &Value) -> Value {
        let fact = match (part, value) {
            (_, Value::Ip(ip)) => self.of_address(part, *ip),
            (Part::AgentFamily, Value::Text(text)) => Some(Value::Text(Agent::read(text).family.into())),
            (Part::AgentOs, Value::Text(text)) => Some(Value::Text(Agent::read(text).os.into())),
            (Part::DomainSite, Value::Text(domain)) => site_of(domain),
            (Part::EmailSite, _) => site_within(Part::EmailDomain, value),
            (Part::UrlSite, _) => site_within(Part::UrlHost, value),
            _ => None,
        };
        fact.unwrap_or(Value::Missing)
    }
}

impl Library {
    fn of_address(&self, part: Part, ip: IpAddr) -> Option<Value> {
        match part {
            Part::IpCountry => Some(Value::Text(self.country(ip)?.as_str().into())),
            Part::IpAsn => Some(Value::Int(i64::from(self.asn(ip)?))),
            Part::IpKind => Some(Value::Text(self.kind(ip)?.into())),
            Part::IpLat => Some(Value::Number(self.place(ip)?.lat)),
            Part::IpLon => Some(Value::Number(self.place(ip)?.lon)),
            _ => None,
        }
    }
}

/// A domain is held in lower case, and so is its site.
fn site_of(domain: &str) -> Option<Value> {
    Some(Value::Text(site(domain)?.to_lowercase().into()))
}

/// The site of a host that is a part of the value.
fn site_within(part: Part, value: &Value) -> Option<Value> {
    match part.of(value) {
        Value::Text(host) => site_of(&host),
        _ => None,
    }
}

/// What could be opened; the rest is put with the failures.
fn keep<T>(
    paths: &[PathBuf],
    failures: &mut Vec<FactsError>,
    open: impl Fn(&Path) -> Result<T, FactsError>,
) -> Vec<T> {
    let mut kept = Vec::new();
    for path in paths {
        match open(path) {
            Ok(file) => kept.push(file),
            Err(failure) => failures.push(failure),
        }
    }
    kept
}

fn open_countries(path: &Path) -> Result<(About, Countries), FactsError> {
    let text = read_text(path, "countries", limits::COUNTRIES_BYTES)?;
    let table = Countries::read("first,last,CC", &text).map_err(lines(path))?;
    Ok((about_countries(&path.display().to_string(), &table), table))
}

fn about_countries(source: &str, table: &Countries) -> About {
    About {
        source: source.to_owned(),
        what: format!("{}, {} changes", table.source(), table.len()),
        built: Micros::parse(&format!("{}T00:00:00Z", table.date())),
        known: Known { country: true, ..Known::default() },
    }
}

fn open_kinds(path: &Path) -> Result<(About, Kinds), FactsError> {
    let text = read_text(path, "kinds", limits::KINDS_BYTES)?;
    let kinds = Kinds::read(&text).map_err(lines(path))?;
    let about = About {
        source: path.display().to_string(),
        what: format!("{} entries", kinds.entries),
        built: None,
        known: Known { kind: true, ..Known::default() },
    };
    Ok((about, kinds))
}

fn lines(path: &Path) -> impl FnOnce(Faults) -> FactsError {
    move |faults| FactsError::Lines { path: path.to_owned(), faults }
}

fn read_text(path: &Path, what: &'static str, most: u64) -> Result<String, FactsError> {
    let mut text = String::new();
    let file = File::open(path).map_err(FactsError::io(path))?;
    file.take(most + 1).read_to_string(&mut text).map_err(FactsError::io(path))?;
    match text.len() as u64 > most {
        true => Err(FactsError::TooLarge { path: path.to_owned(), what, most }),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests;
