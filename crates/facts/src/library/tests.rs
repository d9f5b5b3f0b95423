// SPDX-License-Identifier: Apache-2.0
//! A library of files on disk: who goes before whom, and what is said when one of them is wrong.

use super::*;
use crate::mmdb::writer::{Data, Writer};
use wardroom_event::Type;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn mmdb(&self, name: &str, json: &str) -> PathBuf {
        self.put(name, Writer::new(name, &[("203.0.113.0/24", Data::parse(json))]).bytes())
    }
}

fn said(library: &Library, ip: &str) -> String {
    let ip = ip.parse().unwrap();
    let country = library.country(ip).map_or("-".to_owned(), |country| format!("{country:?}"));
    let asn = library.asn(ip).map_or("-".to_owned(), |asn| asn.to_string());
    let place = library.place(ip).map_or("-".to_owned(), |place| format!("{},{}", place.lat, place.lon));
    let kind = library.kind(ip).unwrap_or("-");
    format!("{country} {asn} {place} {kind}")
}

#[test]
fn an_empty_library_knows_countries() {
    let library = Library::open(&Sources::default()).unwrap();
    assert_eq!(said(&library, "8.8.8.8"), "US - - -");
    assert_eq!(said(&library, "203.0.113.9"), "- - - -");
    let about: Vec<String> = library.about().iter().map(ToString::to_string).collect();
    assert_eq!(about.len(), 1);
    assert!(about[0].starts_with("this build: country (delegated statistics"), "{about:?}");
    assert!(about[0].contains("T00:00:00Z"), "{about:?}");
}

#[test]
fn the_first_file_that_knows_a_fact_gives_it() {
    let folder = Folder::new();
    let first = folder.mmdb("first.mmdb", r#"{"country_code": "DE", "asn": 64500}"#);
    let second =
        folder.mmdb("second.mmdb", r#"{"country_code": "FR", "lat": 1.5, "lon": 2.5, "kind": "campus"}"#);
    let mut sources = Sources { mmdb: vec![first.clone(), second.clone()], ..Sources::default() };
    let check = |sources: &Sources, ip: &str, expect: &str| {
        assert_eq!(said(&Library::open(sources).unwrap(), ip), expect, "{ip}");
    };
    check(&sources, "203.0.113.9", "DE 64500 1.5,2.5 campus");
    check(&sources, "::ffff:203.0.113.9", "DE 64500 1.5,2.5 campus");
    check(&sources, "8.8.8.8", "US - - -");

    sources.kinds = Some(folder.put("kinds.txt", "203.0.113.9 tor\nasn 64500 hosting\n"));
    check(&sources, "203.0.113.9", "DE 64500 1.5,2.5 tor");
    check(&sources, "203.0.113.10", "DE 64500 1.5,2.5 hosting");

    sources.countries = vec![folder.put("four.csv", "8.8.8.0,8.8.8.255,NZ\n")];
    sources.mmdb = vec![second, first];
    check(&sources, "203.0.113.9", "FR 64500 1.5,2.5 tor");
    check(&sources, "8.8.8.8", "NZ - - -");
    check(&sources, "8.8.4.4", "- - - -");
    let known: Vec<String> =
        Library::open(&sources).unwrap().about().iter().map(|about| about.known.to_string()).collect();
    assert_eq!(known, ["kind", "country, lat, lon, kind", "country, asn", "country"]);
}

#[test]
fn facts_are_values_of_their_parts() {
    let folder = Folder::new();
    let file =
        folder.mmdb("all.mmdb", r#"{"asn": 64500, "lat": 1.5, "lon": 2.5, "kind": "vpn", "country": "DE"}"#);
    let library = Library::open(&Sources { mmdb: vec![file], ..Sources::default() }).unwrap();
    let check = |of: Type, part: &str, value: Value, expect: Value| {
        let (found, _) = Part::named(of, part).unwrap();
        assert!(found.is_fact(), "{part}");
        let fact = library.fact(found, &value);
        assert_eq!(fact, expect, "{part} of {value:?}");
        assert_eq!(library.fact(found, &Value::Missing), Value::Missing, "{part}");
        assert_eq!(library.fact(found, &Value::Bool(true)), Value::Missing, "{part}");
    };
    let text = |text: &str| Value::Text(text.into());
    let ip = |ip: &str| Value::Ip(ip.parse().unwrap());
    check(Type::Ip, "country", ip("203.0.113.9"), text("DE"));
    check(Type::Ip, "asn", ip("203.0.113.9"), Value::Int(64500));
    check(Type::Ip, "kind", ip("203.0.113.9"), text("vpn"));
    check(Type::Ip, "lat", ip("203.0.113.9"), Value::Number(1.5));
    check(Type::Ip, "lon", ip("203.0.113.9"), Value::Number(2.5));
    check(Type::Ip, "asn", ip("192.0.2.1"), Value::Missing);
    check(Type::Url, "site", text("https://me:pw@Shop.Example.CO.UK:8443/x"), text("example.co.uk"));
    check(Type::Url, "site", text("https://192.0.2.7/"), Value::Missing);
    check(Type::Url, "site", text("https://[2001:db8::1]/"), Value::Missing);
    check(Type::Email, "site", text("a@b@mail.example.org"), text("example.org"));
    check(Type::Email, "site", text("nobody"), Value::Missing);
    check(Type::Domain, "site", text("a.alice.github.io"), text("alice.github.io"));
    check(Type::Domain, "site", text("localhost"), Value::Missing);
    check(Type::UserAgent, "family", text("curl/8.5.0"), text("curl"));
    check(Type::UserAgent, "os", text("curl/8.5.0"), text("other"));
    assert_eq!(library.fact(Part::IpNet, &ip("203.0.113.9")), Value::Missing);
}

#[test]
fn every_fact_is_looked_up() {
    let folder = Folder::new();
    let file =
        folder.mmdb("all.mmdb", r#"{"asn": 64500, "lat": 1.5, "lon": 2.5, "kind": "vpn", "country": "DE"}"#);
    let library = Library::open(&Sources { mmdb: vec![file], ..Sources::default() }).unwrap();
    for (part, of, name, _) in Part::ALL.into_iter().filter(|(part, ..)| part.is_fact()) {
        let value = match of {
            Type::Ip => Value::Ip("203.0.113.9".parse().unwrap()),
            Type::Url => Value::Text("https://a.example.org/".into()),
            Type::Email => Value::Text("anna@a.example.org".into()),
            _ => Value::Text("a.example.org".into()),
        };
        assert_ne!(library.fact(part, &value), Value::Missing, "{name} of {of:?}");
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let folder = Folder::new();
    let sources = Sources {
        mmdb: vec![folder.0.path().join("gone.mmdb"), folder.put("text.mmdb", "text")],
        countries: vec![folder.put("four.csv", "8.8.8.0,8.8.8.255,Germany\n")],
        kinds: Some(folder.put("kinds.txt", "203.0.113.9/24 tor\n")),
    };
    let failures = Library::open(&sources).err().unwrap();
    assert_eq!(failures.0.len(), 4);
    let text = failures.to_string();
    for expect in [
        "could not read `",
        "gone.mmdb`",
        "text.mmdb` is not a sound MMDB",
        "line 1: \"Germany\"",
        "kinds.txt` is not right:\nline 1: 203",
    ] {
        assert!(text.contains(expect), "{expect}: {text}");
    }
    let many = Sources { mmdb: vec![PathBuf::from("x"); limits::MMDB_FILES + 1], ..Sources::default() };
    let text = Library::open(&many).err().unwrap().to_string();
    assert_eq!(text, "17 files of MMDB are named, and there may be 16");
}
