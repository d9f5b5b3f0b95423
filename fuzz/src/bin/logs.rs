// SPDX-License-Identifier: Apache-2.0
//! Log lines as a stranger shapes them, through names and user agents: readers never fail, count every line once, and make
//! only drafts that intake can read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wardroom_account::authlog;
use wardroom_event::{Draft, limits};
use wardroom_flood::accesslog;

fuzz_target!(|text: &str| {
    let mut drafts = Vec::new();
    let options = authlog::Options::new(authlog::YearPolicy::FirstLine(2024));
    let mut auth = authlog::Reader::new(options);
    let mut access = accesslog::Reader::new();
    let mut lines = 0;
    for line in text.split('\n') {
        auth.line(line, &mut drafts);
        access.line(line, &mut drafts);
        lines += 1;
    }
    auth.finish(&mut drafts);
    access.finish(&mut drafts);
    assert_eq!((auth.tally().lines, access.tally().lines), (lines, lines));
    drafts.iter().for_each(check);
});

fn check(draft: &Draft<'_>) {
    assert!(["ssh_login", "ssh_probe", "login", "http_request"].contains(&&*draft.kind), "{}", draft.kind);
    assert!(draft.id.is_some() && draft.time.is_some());
    for (name, raw) in &draft.fields {
        if let wardroom_event::Raw::Text(text) = raw {
            assert!(text.len() <= limits::TEXT_BYTES, "{name} has {} bytes", text.len());
        }
    }
}
