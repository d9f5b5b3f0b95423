// SPDX-License-Identifier: Apache-2.0
//! The files of facts: how old they are, and what their makers ask for the use of them.
//!
//! A maker is known by what a file calls itself. What stands here is a reminder of terms as of late 2026, not advice: the
//! licence that came with the file counts.

use super::Finding;
use crate::clock;
use crate::config::Config;
use wardroom_event::Micros;
use wardroom_facts::{About, Library};

/// What a file's maker asks for.
struct Terms {
    /// What the file's own name begins with, in lower case.
    begins: &'static str,
    maker: &'static str,
    says: &'static str,
    /// Whether somebody has to do something.
    asks: Option<&'static str>,
    /// After how many days it must be replaced by its licence.
    expires: Option<i64>,
}

/// The longest names first: the first that fits counts.
const TERMS: [Terms; 9] = [
    Terms {
        begins: "geolite2",
        maker: "MaxMind GeoLite2",
        says: "the GeoLite2 licence: attribution, no passing on under other terms, old copies destroyed within 30 days of a new one",
        asks: Some(
            "name MaxMind where results are shown, replace the file at least every 30 days, and do not ship it",
        ),
        expires: Some(30),
    },
    Terms {
        begins: "geoip2",
        maker: "MaxMind GeoIP2",
        says: "a bought licence: it may not be passed on",
        asks: Some("do not ship it, nor copies of it in images or backups that leave the house"),
        expires: None,
    },
    Terms {
        begins: "dbip-",
        maker: "DB-IP",
        says: "CC BY 4.0 where it is a Lite file: attribution; otherwise a bought licence",
        asks: Some("link to db-ip.com where results are shown"),
        expires: None,
    },
    Terms {
        begins: "ipinfo",
        maker: "IPinfo",
        says: "CC BY-SA 4.0 where it is a free file: attribution, and what is made of it under the same terms",
        asks: Some("link to ipinfo.io where results are shown"),
        expires: None,
    },
    Terms {
        begins: "ip2location",
        maker: "IP2Location",
        says: "CC BY-SA 4.0 where it is a LITE file: attribution; otherwise a bought licence that forbids passing on",
        asks: Some("name IP2Location LITE where results are shown"),
        expires: None,
    },
    Terms {
        begins: "ipfire",
        maker: "IPFire Location",
        says: "CC BY-SA 4.0: attribution, and what is made of it under the same terms",
        asks: Some("name the IPFire Location Database where results are shown"),
        expires: None,
    },
    Terms {
        begins: "ip-location-db",
        maker: "ip-location-db",
        says: "terms that differ by file, from CC0 to CC BY-SA",
        asks: Some("look up the terms of this file"),
        expires: None,
    },
    Terms {
        begins: "asn",
        maker: "an ASN file of an unnamed maker",
        says: "terms that are not known here",
        asks: Some("look up the terms of this file"),
        expires: None,
    },
    Terms { begins: "wardroom", maker: "yourself", says: "your own terms", asks: None, expires: None },
];

/// After how many days a file has grown old.
const OLD_DAYS: i64 = 90;
/// The same for what registries say, which changes slowly.
const REGISTRY_DAYS: i64 = 365;
const DAY: i64 = 86_400_000_000;

/// What was seen.
pub(super) struct Files {
    /// Each source, or why the files cannot be opened.
    pub(super) about: Result<Vec<About>, String>,
    pub(super) now: Micros,
}

pub(super) fn look(config: &Config) -> Files {
    let opened = Library::open(&config.facts.sources());
    Files { about: opened.map(|library| library.about()).map_err(|e| e.to_string()), now: clock::now() }
}

pub(super) fn judge(files: &Files) -> Vec<Finding> {
    let about = match &files.about {
        Ok(about) => about,
        Err(why) => {
            return vec![Finding::fail(
                "facts",
                why,
                "put the files right, or take them out of [facts]: a server does not start with them",
            )];
        }
    };
    about.iter().flat_map(|about| one(about, files.now)).collect()
}

fn one(about: &About, now: Micros) -> Vec<Finding> {
    let source = &about.source;
    let days = about.built.map(|built| (now.0 - built.0).max(0) / DAY);
    let shown =
        about.built.map_or("no date".to_owned(), |built| built.to_string().chars().take(10).collect());
    if source == "this build" {
        return vec![registry(about, days, &shown)];
    }
    let mut found = vec![age(about, days, &shown)];
    let name = about.what.to_lowercase();
    // An operator's own file of kinds has no terms, and a table says nothing of its own.
    let of_kinds = about.known.kind && !about.known.country && !about.known.asn && about.built.is_none();
    match TERMS.iter().find(|terms| {
        name.starts_with(terms.begins) || source.to_lowercase().contains(&format!("/{}", terms.begins))
    }) {
        _ if of_kinds => {}
        Some(Terms { maker, says, asks: None, .. }) => {
            found.push(Finding::ok("licence", format!("{source} is of {maker}: {says}")))
        }
        Some(Terms { maker, says, asks: Some(asks), expires, .. }) => {
            let over = expires.zip(days).is_some_and(|(most, days)| days > most);
            let says = format!("{source} is of {maker}: {says}");
            found.push(if over {
                Finding::fail("licence", format!("{says}; this one is {} days old", days.unwrap_or(0)), *asks)
            } else {
                Finding::warn("licence", says, *asks)
            });
        }
        None => found.push(Finding::unknown(
            "licence",
            format!("{source} ({}): its terms are not known here", about.what),
        )),
    }
    found
}

/// The table in the program: of the registries, so little in it is ever new.
fn registry(about: &About, days: Option<i64>, shown: &str) -> Finding {
    let says = format!(
        "countries of this build are of {shown} (CC BY 4.0, © Number Resource Organization; NOTICE has it)"
    );
    match days.is_some_and(|days| days > REGISTRY_DAYS) && about.built.is_some() {
        true => Finding::warn("facts", says, "a newer release has a newer table; or name files in [facts]"),
        false => Finding::ok("facts", says),
    }
}

fn age(about: &About, days: Option<i64>, shown: &str) -> Finding {
    let About { source, known, .. } = about;
    match days {
        None => Finding::ok("facts", format!("{source} gives {known}; it says no date")),
        Some(days) if days > OLD_DAYS => Finding::warn(
            "facts",
            format!("{source} gives {known} as of {shown}, {days} days ago"),
            "fetch a newer one and send the server SIGHUP: addresses change hands",
        ),
        Some(_) => Finding::ok("facts", format!("{source} gives {known} as of {shown}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State::{Fail, Ok as Fine, Unknown, Warn};
    use super::super::tests::check;
    use super::*;
    use wardroom_facts::Known;

    #[test]
    fn files_are_judged_by_age_and_terms() {
        let now = Micros::parse("2026-11-27T12:00:00Z").unwrap();
        let judge = |source: &str, what: &str, built: &str| {
            let known = Known { country: true, ..Known::default() };
            let about =
                About { source: source.into(), what: what.into(), built: Micros::parse(built), known };
            judge(&Files { about: Ok(vec![about]), now })
        };
        let recent = "2026-11-20T00:00:00Z";
        check(&judge("this build", "x", "2026-11-01T00:00:00Z"), &[(Fine, "of 2026-11-01 (CC BY 4.0")]);
        check(&judge("this build", "x", "2025-01-01T00:00:00Z"), &[(Warn, "a newer release")]);
        let lite = "GeoLite2-City: GeoLite2 City database";
        check(
            &judge("a.mmdb", lite, recent),
            &[(Fine, "gives country as of 2026-11-20"), (Warn, "name MaxMind")],
        );
        check(&judge("a.mmdb", lite, "2026-10-20T00:00:00Z"), &[(Fine, ""), (Fail, "38 days old")]);
        check(
            &judge("a.mmdb", "DBIP-City-Lite", "2026-05-20T00:00:00Z"),
            &[(Warn, "191 days ago"), (Warn, "db-ip.com")],
        );
        check(&judge("a.mmdb", "ipinfo generic", recent), &[(Fine, ""), (Warn, "ipinfo.io")]);
        check(&judge("a.mmdb", "Made-Here", recent), &[(Fine, ""), (Unknown, "not known here")]);
        check(
            &judge("kinds.txt", "wardroom kinds", ""),
            &[(Fine, "it says no date"), (Fine, "your own terms")],
        );
        let unread = Files { about: Err("`a.mmdb` is not a sound MMDB file".into()), now };
        check(&super::judge(&unread), &[(Fail, "not a sound MMDB file")]);
    }

    #[test]
    fn an_operators_own_kinds_have_no_terms() {
        let known = Known { kind: true, ..Known::default() };
        let about = About { source: "kinds.txt".into(), what: "3 entries".into(), built: None, known };
        check(&judge(&Files { about: Ok(vec![about]), now: Micros(0) }), &[(Fine, "gives kind")]);
    }
}
