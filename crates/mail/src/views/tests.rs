// SPDX-License-Identifier: Apache-2.0
//! Views: what they keep, what they leave out, and that both ways of making them agree.

use super::*;
use crate::limits::Budget;
use crate::read::read;
use proptest::prelude::*;

fn of(raw: &str) -> (Example, Words) {
    views(raw.as_bytes(), &read(raw.as_bytes(), &mut Budget::default()), true)
}

fn told(raw: &str, view: usize) -> Vec<String> {
    let (example, words) = of(raw);
    let mut all: Vec<_> =
        example.tokens(view).iter().map(|&token| words.of(view, token).unwrap().to_owned()).collect();
    all.sort();
    all
}

const MAIL: &str = "Received: from mx.a.example (HELO pc) (192.0.2.7)\n by b.example with SMTP; Mon, 1 Jan 2024 00:00:00 +0000\n\
List-Id: <x.example>\nSubject: [list] Cheap watches\nFrom: Ann <ann@shop.example>\nTo: bob@home.example\n\
Message-ID: <1@shop.example>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nBuy 100 now http://shop.example/buy\n";

#[test]
fn each_view_has_what_it_looks_at() {
    let words = told(MAIL, WORDS);
    for word in ["word buy", "subject cheap", "subject words cheap watches", "words buy #3", "word watches"] {
        assert!(words.iter().any(|told| told == word), "{word}: {words:?}");
    }
    assert!(told(MAIL, URLS).iter().any(|told| told == "host shop.example"));
    let shape = told(MAIL, SHAPE);
    for fact in
        ["order Subject From", "from and message-id same", "from and to other", "from domain shop.example"]
    {
        assert!(shape.iter().any(|told| told == fact), "{fact}: {shape:?}");
    }
    assert!(told(MAIL, TRACE).iter().any(|told| told == "first from HOST (helo pc (IP by HOST with smtp "));
}

#[test]
fn what_tells_the_mailbox_is_left_out() {
    for view in [CANON, WORDS, SHAPE, TRACE] {
        let other = MAIL
            .replace("List-Id: <x.example>\n", "")
            .replace("[list] ", "")
            .replace("bob@home", "tom@work")
            .replace("192.0.2.7", "192.0.2.8")
            .replace("by b.example", "by elsewhere.example");
        assert_eq!(told(MAIL, view), told(&other, view), "{}", LAYOUT[view].name);
    }
}

#[test]
fn nothing_to_see_is_unknown() {
    let (example, _) = of("\nhello\n");
    for view in [URLS, TRACE] {
        assert!(example.tokens(view).is_empty(), "{}", LAYOUT[view].name);
    }
}

proptest! {
    #[test]
    fn telling_changes_no_token(raw in "[ -~\n]{0,400}") {
        let reading = read(raw.as_bytes(), &mut Budget::default());
        prop_assert_eq!(views(raw.as_bytes(), &reading, false).0, views(raw.as_bytes(), &reading, true).0);
    }
}
