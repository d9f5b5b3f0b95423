// SPDX-License-Identifier: Apache-2.0
//! Webhooks of identity providers → events: one file a case in testdata, and what is never told whatever comes.

use crate::{AccountBy, Hook, Tags, authentik, keycloak};
use proptest::prelude::*;
use std::io::Read;
use std::path::{Path, PathBuf};
use wardroom_event::{Draft, Faults, Raw};

fn show(hook: Result<Hook, Faults>) -> String {
    match hook {
        Ok(Hook::Tells(draft)) => line(&draft),
        Ok(Hook::Ignored(why)) => format!("ignored: {why}"),
        Err(faults) => format!("refused: {faults}"),
    }
}

fn line(draft: &Draft<'_>) -> String {
    let id = draft.id.iter().map(|id| format!("id={id}"));
    let time = draft.time.iter().map(|time| format!("time={time}"));
    let fields = draft.fields.iter().map(|(name, raw)| match raw {
        Raw::Text(_) if name == "target" => "target=TAG".to_owned(),
        Raw::Text(text) => format!("{name}={text}"),
        Raw::Bool(b) => format!("{name}={b}"),
        other => panic!("{other:?}"),
    });
    let words: Vec<String> =
        std::iter::once(draft.kind.to_string()).chain(id).chain(time).chain(fields).collect();
    words.join(" ")
}

#[allow(clippy::disallowed_methods, reason = "tests read their own data")]
fn cases(folder: &str) -> Vec<(PathBuf, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(folder);
    let text = |path: &Path| {
        let mut text = String::new();
        std::fs::File::open(path).unwrap().take(1 << 20).read_to_string(&mut text).unwrap();
        text
    };
    let paths = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let json = paths.filter(|path| path.extension().is_some_and(|e| e == "json"));
    json.map(|path| (path.clone(), text(&path), text(&path.with_extension("expect")))).collect()
}

#[test]
fn events_of_keycloak_are_read() {
    let cases = cases("keycloak");
    assert!(cases.len() >= 15);
    for (path, body, expect) in cases {
        let got = show(keycloak::read(body.as_bytes(), AccountBy::Id, &Tags::new([0; 16])));
        assert_eq!(got, expect.trim(), "{}", path.display());
    }
}

#[test]
fn events_of_authentik_are_read() {
    let cases = cases("authentik");
    assert!(cases.len() >= 10);
    for (path, body, expect) in cases {
        let got = show(authentik::read(body.as_bytes(), &Tags::new([0; 16])));
        assert_eq!(got, expect.trim(), "{}", path.display());
    }
}

#[test]
fn accounts_go_by_name_where_other_doors_know_names() {
    for (path, body, _) in cases("keycloak") {
        if !path.ends_with("login.json") {
            continue;
        }
        let got = show(keycloak::read(body.as_bytes(), AccountBy::Name, &Tags::new([0; 16])));
        assert!(got.contains(" account=alice "), "{got}");
    }
    assert_eq!(AccountBy::named("name"), Some(AccountBy::Name));
    assert_eq!((AccountBy::named("id"), AccountBy::named("")), (Some(AccountBy::Id), None));
}

proptest! {
    /// Whatever a member holds, nothing panics, and no event is without who and from where.
    #[test]
    fn whatever_comes_is_read_or_ignored(
        member in "type|action|ipAddress|client_ip|userId|details|context|user|time|created|error|authDetails|event",
        value in "\"[a-zA-Z_.0-9:-]{0,12}\"|[0-9-]{1,25}|\\{\\}|\\[\\]|null|true|\"\\\\u0000\"|\\{\"username\":7\\}",
    ) {
        for folder in ["keycloak", "authentik"] {
            for (_, body, _) in cases(folder).into_iter().take(4) {
                let text = body.trim().replacen('{', &format!("{{\"{member}\":{value},"), 1);
                let last = body.trim().strip_suffix('}').unwrap_or_default().to_owned() + &format!(",\"{member}\":{value}}}");
                for text in [text, last] {
                    let tags = Tags::new([0; 16]);
                    let both = [keycloak::read(text.as_bytes(), AccountBy::Id, &tags), authentik::read(text.as_bytes(), &tags)];
                    for hook in both.into_iter().flatten() {
                        let Hook::Tells(draft) = hook else { continue };
                        for needed in ["account", "ip"] {
                            prop_assert!(draft.fields.iter().any(|(n, r)| n == needed && matches!(r, Raw::Text(t) if !t.is_empty())));
                        }
                    }
                }
            }
        }
    }
}
