// SPDX-License-Identifier: Apache-2.0
//! Policy text and its JSON form as somebody may send them to be put in form: what is taken says the same after as
//! before, and is in its form then.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wardroom_policy::format;
use wardroom_policy::json::{from_json, from_json_text, to_json};

fuzz_target!(|text: &str| {
    if let Ok(formatted) = format("fuzz.ward", text) {
        settled(&formatted);
        let before = to_json("fuzz.ward", text, false).expect("what is formatted has a JSON form");
        let after = to_json("fuzz.ward", &formatted, false).expect("what is formatted has a JSON form");
        assert_eq!(before, after);
        let written = from_json(&after).expect("what a text says can be written");
        settled(&written);
        assert_eq!(to_json("fuzz.ward", &written, false).ok(), Some(after));
    }
    match from_json_text(text) {
        Ok(written) => settled(&written),
        Err(faults) => assert!(!faults.is_empty()),
    }
});

/// Formatting again changes nothing.
fn settled(text: &str) {
    assert_eq!(format("fuzz.ward", text).ok().as_deref(), Some(text));
}
