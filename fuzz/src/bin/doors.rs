// SPDX-License-Identifier: Apache-2.0
//! Bodies that mail servers and identity providers send, with what strangers put into them: readers never fail, and make only
//! drafts that intake can read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wardroom_account::auth_policy::Question;
use wardroom_account::{AccountBy, Hook, Tags, authentik, keycloak};
use wardroom_event::{Draft, Raw, limits};

fuzz_target!(|bytes: &[u8]| {
    let tags = Tags::new([7; 16]);
    if let Ok(question) = Question::read(bytes) {
        [question.asked(&tags), question.reported(&tags)].iter().flatten().for_each(check);
    }
    let hooks = [
        keycloak::read(bytes, AccountBy::Id, &tags),
        keycloak::read(bytes, AccountBy::Name, &tags),
        authentik::read(bytes, &tags),
    ];
    for hook in hooks.into_iter().flatten() {
        if let Hook::Tells(draft) = hook {
            check(&draft);
        }
    }
});

fn check(draft: &Draft<'_>) {
    let text = |name: &str| match draft.fields.iter().find(|(n, _)| n == name) {
        Some((_, Raw::Text(text))) => text.to_string(),
        _ => String::new(),
    };
    assert!(!text("account").is_empty() && text("account").len() <= limits::ENTITY_BYTES);
    assert!(text("ip").parse::<std::net::IpAddr>().is_ok());
    assert!(draft.id.as_ref().is_none_or(|id| !id.is_empty() && id.len() <= limits::ID_BYTES));
    for (name, raw) in &draft.fields {
        if let Raw::Text(text) = raw {
            assert!(text.len() <= limits::TEXT_BYTES, "{name} has {} bytes", text.len());
        }
    }
}
