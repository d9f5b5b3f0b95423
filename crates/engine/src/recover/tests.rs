// SPDX-License-Identifier: Apache-2.0
//! Which changes a crash may have left undone.

use super::*;
use crate::decision::StoredEffect;
use wardroom_event::{Type, Value};

fn change(name: char) -> Change {
    let (value, name) = (Value::Text(name.to_string().into()), name.to_string().into());
    let effect = StoredEffect::Label { kind: Type::Account, value, name, until: None };
    Change { decision: 7, at: Micros(0), rule: "r".into(), effect }
}

#[test]
fn what_is_passed_over_found_no_room_and_what_comes_last_may_be_missing() {
    let check = |asked: &str, there: &str, expect: &str| {
        let there: Vec<Change> = there.chars().map(change).collect();
        let found = behind(asked.chars().map(change), &there);
        assert_eq!(found, expect.chars().map(change).collect::<Vec<_>>(), "{there:?} of {asked}");
    };
    check("", "", "");
    check("abc", "", "abc");
    check("abc", "a", "bc");
    check("abc", "b", "c");
    check("abc", "ac", "");
    check("abc", "bc", "");
    check("abc", "abc", "");
    check("aab", "a", "ab");
    check("aab", "aa", "b");
    check("abab", "ba", "b");
}
