// SPDX-License-Identifier: Apache-2.0
//! Rules: canaries, expiry, effects, former names, what a missing value means.

use super::{EVENTS, Judged, Known, int};
use crate::support::program;
use wardroom_event::{Micros, Span, Type};
use wardroom_policy::{Deed, KeyPath, Missing, Mode, Program, Tri, Verdict};

fn rule(clauses: &str, values: &str, known: Known) -> Judged {
    let text = format!(
        "{EVENTS}\nlist hot: ip\n\nrule r on login:\n    when tries > 3\n    because \"x\"\n{clauses}\n\
         rule reads on login:\n    when ip in hot\n    then allow\n    because \"x\"\n    mode draft\n\n\
         test r:\n    when login({values})\n    expect allow\n"
    );
    Judged::new(&text, known)
}

#[test]
fn a_canary_decides_its_share_of_the_entities() {
    let decides = |mode: &str, bucket: u32, values: &str| {
        let judged =
            rule(&format!("    then block\n    mode {mode}\n"), values, Known { bucket, ..Known::default() });
        judged.program.rules[0].decides(&judged.row())
    };
    let someone = "account=\"a\", ip=\"192.0.2.7\"";
    assert!(decides("canary 5% by account", 0, someone));
    assert!(decides("canary 5% by account", 49_999, someone));
    assert!(!decides("canary 5% by account", 50_000, someone));
    assert!(decides("canary 0.5% by ip.net", 4_999, someone));
    assert!(!decides("canary 0.5% by ip.net", 5_000, someone));
    // Whoever is not known is not among them.
    assert!(!decides("canary 99% by account", 0, "ip=\"192.0.2.7\""));
    assert!(decides("live", 999_999, ""));
    assert!(!decides("shadow", 0, someone));
    assert!(!decides("draft", 0, someone));
}

#[test]
fn a_canary_says_its_share_and_entity() {
    let judged = rule("    then block\n    mode canary 2.5% by ip\n", "", Known::default());
    let rule = &judged.program.rules[0];
    assert_eq!((rule.mode, rule.share), (Mode::Canary, Some((25_000, KeyPath { slot: 1, part: None }))));
    assert!(rule.mode.runs());
}

/// Without `by` it is the first entity that is always there.
#[test]
fn a_canary_goes_by_the_first_entity() {
    let text = "event e:\n    ok: bool\n    device: device?\n    ip: ip\n    account: account\n\nrule r on e:\n    when ok\n    then block\n    because \"x\"\n    mode canary 5%\n";
    let program = program(&[("main.ward", text)]);
    assert_eq!(program.rules[0].share, Some((50_000, KeyPath { slot: 2, part: None })));
}

#[test]
fn a_rule_expires() {
    let judged = rule("    then block\n    expires \"2026-06-01T00:00:00Z\"\n", "", Known::default());
    let at = Micros::parse("2026-06-01T00:00:00Z").unwrap();
    let rule = &judged.program.rules[0];
    assert_eq!(rule.expires, Some(at));
    assert!(rule.is_valid(Micros(at.0 - 1)) && !rule.is_valid(at) && !rule.is_valid(Micros(at.0 + 1)));
    let forever = super::rules::rule("    then block\n", "", Known::default());
    assert!(forever.program.rules[0].is_valid(Micros(i64::MAX)));
}

#[test]
fn effects_stand_beside_a_verdict_or_alone() {
    let judged = rule(
        "    then challenge(\"a code\"), label(ip.net, \"farm\", expires=\"14d\"), label(account, \"seen\"), list(ip, hot), case(\"queue\"), notify(\"desk\"), webhook(\"hook\")\n",
        "",
        Known::default(),
    );
    let rule = &judged.program.rules[0];
    assert_eq!((rule.verdict, rule.ask.as_deref()), (Some(Verdict::Challenge), Some("a code")));
    let list = match &rule.effects[2].what {
        Deed::List { list, .. } => *list,
        other => panic!("{other:?}"),
    };
    let at = |slot: usize, part| KeyPath { slot, part };
    let days = |n: i64| Some(Span::from_secs(n * 86_400));
    let net = Some(wardroom_event::Part::IpNet);
    let label = |of, kind, name: &str, lasts| Deed::Label { of, kind, name: name.into(), lasts };
    let deeds: Vec<Deed> = rule.effects.iter().map(|e| e.what.clone()).collect();
    let texts: Vec<&str> = rule.effects.iter().map(|e| &*e.text).collect();
    assert_eq!(texts[..3], ["label(ip.net, \"farm\")", "label(account, \"seen\")", "list(ip, hot)"]);
    assert_eq!(
        deeds,
        [
            label(at(1, net), Type::Net, "farm", days(14)),
            label(at(0, None), Type::Account, "seen", None),
            Deed::List { of: at(1, None), kind: Type::Ip, list, lasts: None },
            Deed::Case("queue".into()),
            Deed::Notify("desk".into()),
            Deed::Webhook("hook".into()),
        ]
    );
    let alone = super::rules::rule("    then case(\"queue\")\n", "", Known::default());
    assert_eq!((alone.program.rules[0].verdict, alone.program.rules[0].effects.len()), (None, 1));
}

#[test]
fn what_is_missing_means_what_the_rule_says() {
    let missing = |clause: &str| {
        let judged = rule(&format!("    then block\n{clause}"), "", Known::default());
        assert_eq!(judged.program.rules[0].holds(&judged.row()), Tri::Unknown);
        judged.program.rules[0].missing
    };
    assert_eq!(missing(""), Missing::Nothing);
    assert_eq!(missing("    missing false\n"), Missing::Nothing);
    assert_eq!(missing("    missing true\n"), Missing::Holds);
    assert_eq!(missing("    missing review\n"), Missing::Review);
}

#[test]
fn a_rule_keeps_its_comment_its_owner_and_its_former_name() {
    let text = format!(
        "{EVENTS}\n# Why there is this rule.\n# And since when.\nrule r on login:\n    when tries > 3\n    then block\n    because \"x\"\n    owner \"desk\"\n    was \"s\"\n"
    );
    let find = |program: &Program, at: usize| {
        let rule = &program.rules[at];
        (
            rule.doc.to_string(),
            rule.owner.as_deref().map(str::to_owned),
            rule.was.as_deref().map(str::to_owned),
        )
    };
    let own = |t: &str| Some(t.to_owned());
    let root = program(&[("main.ward", &text)]);
    assert_eq!(
        find(&root, 0),
        ("Why there is this rule.\nAnd since when.".to_owned(), own("desk"), own("s"))
    );
    // A name without a folder is one of the rule's own folder.
    let events = EVENTS.to_owned();
    let rest = text.replace(EVENTS, "");
    let nested = program(&[("e.ward", &events), ("x/r.ward", &rest)]);
    assert_eq!(find(&nested, 0).2, own("x.s"));
    let elsewhere = rest.replace("was \"s\"", "was \"y.s\"");
    assert_eq!(find(&program(&[("e.ward", &events), ("x/r.ward", &elsewhere)]), 0).2, own("y.s"));
}

#[test]
fn a_rules_cost_is_known() {
    let cost = |when: &str| {
        let text =
            format!("{EVENTS}\nrule r on login:\n    when {when}\n    then block\n    because \"x\"\n");
        program(&[("main.ward", &text)]).rules[0].cost
    };
    let (cheap, dear) =
        (cost("tries > 3"), cost("matches(name, \"^a\") and similarity(name, email.local) > 0.5"));
    assert!(0 < cheap && cheap < 50 && dear > 300, "{cheap} {dear}");
    assert!(cost("any(x.size > \"1MB\" for x in items)") > 256);
}

#[test]
fn a_budget_is_what_the_policy_says() {
    let plan = |budget: &str| {
        let text = format!(
            "{EVENTS}\n{budget}\nrule r on login:\n    when tries > 3\n    then block\n    because \"x\"\n"
        );
        let program = program(&[("main.ward", &text)]);
        ["login", "signup"].map(|kind| program.plan(program.schema.id(kind).unwrap()).budget)
    };
    assert_eq!(plan("budget login = \"100us\""), [100_000, 1_000_000]);
    assert_eq!(plan(""), [1_000_000, 1_000_000]);
}

#[test]
fn given_events_and_expected_effects_are_what_is_written() {
    let text = format!(
        "{EVENTS}\nrule r on login:\n    when tries > 3\n    then block, label(ip.net, \"farm\", expires=\"1d\")\n    because \"x\"\n\n\
         test r \"a title\":\n    given 5 * signup(tries=1) within \"10m\" ago \"1h\", ip.kind = \"hosting\"\n    when login(tries=4) at \"2026-01-05T03:00:00Z\"\n    expect block by r, label(ip.net,  \"farm\"), case(\"q\")\n"
    );
    let program = program(&[("main.ward", &text)]);
    let case = &program.cases[0];
    assert_eq!(
        (case.given[0].times, case.given[0].within, case.given[0].ago),
        (5, Span::from_secs(600), Span::from_secs(3600))
    );
    assert_eq!(case.given[0].values, [(3, int(1))]);
    assert_eq!(case.at, Micros::parse("2026-01-05T03:00:00Z"));
    assert_eq!(case.facts.len(), 1);
    let effects: Vec<&str> = case.expect.effects.iter().map(|e| &**e).collect();
    assert_eq!(effects, ["label(ip.net, \"farm\")", "case(\"q\")"]);
}
