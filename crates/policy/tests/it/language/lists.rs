// SPDX-License-Identifier: Apache-2.0
//! Lists: suffixes, regular expressions, entries that end, and lists that rules add to.

use super::{Judged, Known, MISSING, NO, Value, YES, check, policy};
use wardroom_event::Micros;
use wardroom_policy::{Deed, Matching, Source};

#[test]
fn a_suffix_list_holds_what_lies_below() {
    let list = "list ours: domain suffix = [\"example.org\"]";
    check(
        list,
        "site in ours",
        &[
            ("site=\"example.org\"", YES),
            ("site=\"a.b.example.org\"", YES),
            ("site=\"badexample.org\"", NO),
            ("site=\"org\"", NO),
            ("", MISSING),
        ],
    );
    check(list, "email.domain not in ours", &[("email=\"a@mail.example.org\"", NO)]);
    check("list ours: domain = [\"example.org\"]", "site in ours", &[("site=\"a.example.org\"", NO)]);
}

#[test]
fn a_regex_list_matches_any_of_its_patterns() {
    let list = "list robots: regex = [\"(?i)bot\", \"^curl/\"]";
    check(
        list,
        "agent in robots",
        &[("agent=\"A Bot\"", YES), ("agent=\"curl/8\"", YES), ("agent=\"x curl/8\"", NO), ("", MISSING)],
    );
    check(list, "name in robots", &[("name=\"robot\"", YES)]);
    let judged = Judged::new(&policy(list, "name in robots", ""), Known::default());
    assert_eq!(judged.program.lists[0].matching, Matching::Pattern);
}

#[test]
fn entries_end() {
    let declared = "list ports: int from \"ports.txt\"";
    let entries = "25\n465 until 2026-01-05T08:00:00Z   # the event's time\n587 until 2026-01-05T08:00:01Z\n";
    let worth = |tries: i64| {
        let text = policy(declared, "tries in ports", &format!("tries={tries}"));
        Judged::of(&[("main.ward", &text), ("ports.txt", entries)], Known::default()).value()
    };
    assert_eq!([25, 465, 587, 1].map(worth), [YES, NO, YES, NO]);
    let text = policy(declared, "tries in ports", "");
    let judged = Judged::of(&[("main.ward", &text), ("ports.txt", entries)], Known::default());
    let until = Micros::parse("2026-01-05T08:00:00Z");
    assert_eq!(judged.program.lists[0].entries[1], (Value::Int(465), until));
}

#[test]
fn a_regex_files_lines_are_patterns_as_they_stand() {
    let declared = "list robots: regex from \"robots.txt\"";
    let text = policy(declared, "name in robots", "name=\"a # b until c\"");
    let files = [("main.ward", &*text), ("robots.txt", "# a comment\na # b until c$\n")];
    assert_eq!(Judged::of(&files, Known::default()).value(), YES);
}

/// A list that a rule adds to is looked into when the event comes, and the answer is on the record.
#[test]
fn what_a_changing_list_held_is_served() {
    let rule = "rule adds on login:\n    when tries > 3\n    then list(ip, hot, expires=\"1d\")\n    because \"x\"\n";
    let list = "list hot: ip = [\"192.0.2.7\"]\nlist cold: ip = [\"192.0.2.7\"]";
    let text = policy(list, "ip in hot and ip in cold", "ip=\"192.0.2.7\"") + "\n" + rule;
    let judged = Judged::new(&text, Known::default());
    assert_eq!(judged.value(), YES);
    let served: Vec<&str> = judged.plan().serve.iter().map(|s| &*s.id).collect();
    assert_eq!(served, ["ip in hot"]);
    assert!(matches!(judged.plan().serve[0].source, Source::Listed { .. }));
    assert_eq!(judged.program.lists.iter().map(|l| l.changes).collect::<Vec<_>>(), [true, false]);
    let Deed::List { list, .. } = &judged.program.rules[1].effects[0].what else { panic!() };
    assert_eq!(&*judged.program.lists[list.0].id, "hot");
}

#[test]
fn a_served_look_is_unknown_where_its_value_is() {
    let rule = "rule adds on login:\n    when tries > 3\n    then list(ip, hot)\n    because \"x\"\n";
    let text = policy("list hot: ip", "ip in hot", "") + "\n" + rule;
    assert_eq!(Judged::new(&text, Known::default()).value(), MISSING);
    let text = policy("list hot: ip", "ip in hot or ip.net is missing", "ip=\"192.0.2.7\"") + "\n" + rule;
    assert_eq!(Judged::new(&text, Known::default()).value(), NO);
}

#[test]
fn labels_are_served() {
    let asked = "labelled(ip.net, \"farm\")";
    let known = || Known::with(&[("labelled(ip.net, \"farm\")", YES)]);
    assert_eq!(super::worth_with("", asked, "ip=\"192.0.2.7\"", known()), YES);
    let twice = format!("{asked} and {asked} and not labelled(ip, \"farm\")");
    let judged =
        Judged::new(&policy("", &twice.replacen(" and labelled", " and ok and labelled", 1), ""), known());
    let served: Vec<&str> = judged.plan().serve.iter().map(|s| &*s.id).collect();
    assert_eq!(served, ["labelled(ip.net, \"farm\")", "labelled(ip, \"farm\")"]);
}
