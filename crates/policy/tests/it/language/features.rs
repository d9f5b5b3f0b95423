// SPDX-License-Identifier: Apache-2.0
//! Features computed from others, figures of baselines, definitions.

use super::{EVENTS, Judged, Known, MISSING, check, int, number, policy, text, worth_with};
use crate::support::program;
use wardroom_event::{Span, Type, Value};
use wardroom_policy::{Aggregate, Amount, KeyPath, Reads, Source};

const COUNTED: &str = "feature paid = count(login, where=ok, by=account, last=\"1d\")
feature tried = count(login, by=account, last=\"1d\")
feature share_of = paid / tried
feature odd = share_of * 2 + tries";

#[test]
fn features_are_computed_from_features_and_fields() {
    let known = || Known::with(&[("paid", int(3)), ("tried", int(4))]);
    assert_eq!(worth_with(COUNTED, "share_of", "", known()), number(0.75));
    assert_eq!(worth_with(COUNTED, "odd", "tries=1", known()), number(2.5));
    assert_eq!(worth_with(COUNTED, "odd", "", known()), MISSING);
    let nothing = Known::with(&[("paid", int(3)), ("tried", int(0))]);
    assert_eq!(worth_with(COUNTED, "share_of", "", nothing), MISSING);
}

#[test]
fn what_is_computed_is_served_once_and_after_what_it_reads() {
    let judged = Judged::new(&policy(COUNTED, "odd + odd + share_of", "tries=1"), Known::default());
    let served: Vec<(&str, Type)> = judged.plan().serve.iter().map(|s| (&*s.id, s.kind)).collect();
    let (int, number) = (Type::Int, Type::Number);
    assert_eq!(served, [("paid", int), ("tried", int), ("share_of", number), ("odd", number)]);
    let computed = |i: usize| matches!(judged.plan().serve[i].source, Source::Computed(_));
    assert_eq!([0, 1, 2, 3].map(computed), [false, false, true, true]);
}

#[test]
fn a_computed_feature_is_read_on_every_event_that_has_its_fields() {
    let text = format!(
        "{EVENTS}\nfeature doubled = tries * 2\n{}{}",
        "rule a on login:\n    when doubled > 3\n    then block\n    because \"x\"\n",
        "rule b on signup:\n    when doubled > 3\n    then block\n    because \"x\"\n",
    );
    let program = program(&[("main.ward", &text)]);
    for kind in ["login", "signup"] {
        let plan = program.plan(program.schema.id(kind).unwrap());
        assert_eq!(plan.serve.len(), 1, "{kind}");
    }
}

const USUAL: &str =
    "feature tried = count(login, by=account, last=\"1h\")\nfeature usual = baseline(tried, over=\"28d\")";

#[test]
fn a_baseline_has_three_figures() {
    let known = || {
        Known::with(&[
            ("usual.mean", number(4.0)),
            ("usual.spread", number(1.5)),
            ("usual.weeks", int(3)),
            ("tried", int(9)),
        ])
    };
    let check =
        |expression: &str, expect: Value| assert_eq!(worth_with(USUAL, expression, "", known()), expect);
    check("usual.mean", number(4.0));
    check("usual.spread", number(1.5));
    check("usual.weeks", int(3));
    check("(tried - usual.mean) / usual.spread", number(5.0 / 1.5));
    let judged = Judged::new(&policy(USUAL, "usual.mean + usual.weeks", ""), Known::default());
    let reads = |s: &wardroom_policy::Serve| match s.source {
        Source::Feature { reads, .. } => Some(reads),
        _ => None,
    };
    let read: Vec<Option<Reads>> = judged.plan().serve.iter().map(reads).collect();
    assert_eq!(read, [Some(Reads::Mean), Some(Reads::Weeks)]);
}

#[test]
fn a_baseline_counts_what_its_feature_counts() {
    let judged = Judged::new(&policy(USUAL, "usual.mean", ""), Known::default());
    let usual = judged.program.features.iter().find(|f| &*f.id == "usual").unwrap();
    assert_eq!(usual.aggregate, Aggregate::Baseline(Span::from_secs(3600)));
    assert_eq!(usual.window, Some(Span::from_secs(28 * 86_400)));
    // Both are counted on the event, under the same key.
    assert_eq!(judged.plan().count.len(), 2);
    assert_eq!(judged.plan().count[0].key, judged.plan().count[1].key);
}

#[test]
fn a_baseline_in_place_is_a_feature_without_a_name() {
    let declared = "feature tried = count(login, by=account, last=\"1h\")";
    let twice = "baseline(tried, over=\"28d\").mean + baseline(tried, over=\"28d\").weeks";
    let judged = Judged::new(&policy(declared, twice, ""), Known::default());
    assert_eq!(judged.program.features.len(), 2);
    let ids: Vec<&str> = judged.plan().serve.iter().map(|s| &*s.id).collect();
    assert_eq!(ids, ["tried.usual_4w.mean", "tried.usual_4w.weeks"]);
}

#[test]
fn keys_may_be_facts() {
    let declared = "feature f = count(login, by=(ip.asn, account), last=\"1h\")";
    let judged = Judged::new(&policy(declared, "f", ""), Known::default());
    let slot = judged.event.schema.get(judged.event.kind).slot("ip.asn").unwrap();
    let Source::Feature { key, .. } = &judged.plan().serve[0].source else { panic!() };
    assert_eq!(*key, [KeyPath { slot, part: None }, KeyPath { slot: 0, part: None }]);
    assert_eq!(judged.plan().count[0].key, *key);
}

#[test]
fn including_self_finds_where_the_event_counts() {
    let declared = "feature other = count(login, by=ip, last=\"1h\")\nfeature f = count(login, by=account, last=\"1h\", including=self)";
    let judged = Judged::new(&policy(declared, "f + other", ""), Known::default());
    let own = |id: &str| {
        let serve = judged.plan().serve.iter().find(|s| &*s.id == id).unwrap();
        let Source::Feature { own, feature, .. } = serve.source else { panic!() };
        (own, feature)
    };
    let (own_of, feature) = own("f");
    assert_eq!(judged.plan().count[own_of.unwrap()].feature, feature);
    assert_eq!(own("other").0, None);
    assert!(judged.program.features[feature].including_self);
}

#[test]
fn features_have_the_aggregate_type_and_window_that_is_written() {
    let day = Some(Span::from_secs(86_400));
    let check = |written: &str, aggregate: Aggregate, kind: Type, window: Option<Span>| {
        let text = policy(&format!("feature f = {written}"), "f is missing", "");
        let feature = program(&[("main.ward", &text)]).features[0].clone();
        assert_eq!((feature.aggregate, feature.kind, feature.window), (aggregate, kind, window), "{written}");
    };
    let minutes = |n: i64| Span::from_secs(60 * n);
    check("count(login, by=ip, last=\"1d\")", Aggregate::Count, Type::Int, day);
    check("distinct(name, of=login, last=\"1d\")", Aggregate::Distinct, Type::Int, day);
    check("first_seen(login, by=account)", Aggregate::FirstSeen, Type::Time, None);
    check("seen(login, by=account, last=\"1d\")", Aggregate::Seen, Type::Bool, day);
    check("rate(login, by=ip, last=\"1d\")", Aggregate::Rate, Type::Rate, day);
    check("ratio(login, where=ok, last=\"1d\")", Aggregate::Ratio, Type::Number, day);
    check("sum(tries, of=login, last=\"1d\")", Aggregate::Sum(Amount::Int), Type::Int, day);
    check("sum(amount, of=login, last=\"1d\")", Aggregate::Sum(Amount::Number), Type::Number, day);
    check("sum(weight, of=login, last=\"1d\")", Aggregate::Sum(Amount::Size), Type::Size, day);
    check("mean(tries, of=login, last=\"1d\")", Aggregate::Mean(Amount::Int), Type::Number, day);
    check("mean(typing, of=login, last=\"1d\")", Aggregate::Mean(Amount::Duration), Type::Duration, day);
    check("min(since, of=login, last=\"1d\")", Aggregate::Min(Amount::Time), Type::Time, day);
    check("max(pace, of=login, last=\"1d\")", Aggregate::Max(Amount::Rate), Type::Rate, day);
    check("last(ip, of=login, by=account)", Aggregate::Last, Type::Ip, None);
    check("last(plan, of=login, by=account, last=\"1d\")", Aggregate::Last, Type::Text, day);
    check(
        "quantile(amount, of=login, q=0.95, last=\"1d\")",
        Aggregate::Quantile(Amount::Number, 950),
        Type::Number,
        day,
    );
    check(
        "quantile(typing, of=login, q=0.5, last=\"1d\")",
        Aggregate::Quantile(Amount::Duration, 500),
        Type::Duration,
        day,
    );
    check(
        "speed(login, lat=ip.lat, lon=ip.lon, by=account, last=\"1d\")",
        Aggregate::Speed,
        Type::Number,
        day,
    );
    check(
        "sequence(login, first=not ok, times=5, then=ok, by=account, within=\"10m\", last=\"1d\")",
        Aggregate::Sequence(5, minutes(10)),
        Type::Int,
        day,
    );
    check(
        "sequence(login, first=not ok, then=ok, within=\"1m\", last=\"1d\")",
        Aggregate::Sequence(1, minutes(1)),
        Type::Int,
        day,
    );
}

fn definition(events: &str, declared: &str) -> String {
    let text = policy(declared, "f is missing", "").replace(EVENTS, events);
    let program = program(&[("main.ward", &text)]);
    program.features.iter().find(|f| &*f.id == "f").unwrap().definition.to_string()
}

#[test]
fn a_definition_says_the_types_and_the_constants() {
    let f = "feature f = count(login, where=tries > 3, by=account, last=\"1h\")";
    let plain = definition(EVENTS, f);
    assert!(plain.contains("account: account") && plain.contains("tries: int"), "{plain}");
    // A field of another type is another counter, one that is not read is not.
    let other = EVENTS.replace("    tries: int?", "    tries: number?");
    assert_ne!(definition(&other, f), plain);
    let unread = EVENTS.replace("    name: text?\n    email", "    name: account?\n    email");
    assert_eq!(definition(&unread, f), plain);
    let with = |burst: i64| {
        let f = f.replace("> 3", "> burst");
        definition(EVENTS, &format!("const burst = {burst}\n{f}"))
    };
    assert_eq!(with(3), with(3));
    assert_ne!(with(3), with(4));
    assert_eq!(with(3), plain, "a constant stands for its value");
}

#[test]
fn the_event_in_hand_is_where_its_place_is() {
    let declared = "feature f = speed(login, lat=ip.lat, lon=ip.lon, by=account, last=\"1d\")";
    let at = |lat: &str, lon: &str| {
        let facts = format!("    given ip.lat = {lat}, ip.lon = {lon}\n    when login");
        let text = policy(declared, "f", "").replace("    when login", &facts);
        let judged = Judged::new(&text, Known::default());
        let Source::Feature { here, .. } = &judged.plan().serve[0].source else { panic!() };
        here.as_ref().unwrap().of(&judged.row())
    };
    assert_eq!(at("48.2", "16"), Some((48.2, 16.0)));
    assert_eq!(at("-90", "180"), Some((-90.0, 180.0)));
    assert_eq!(at("91", "16"), None);
    check(declared, "f", &[("", MISSING)]);
}

#[test]
fn a_features_last_value_is_of_the_fields_type() {
    let declared = "feature f = last(plan, of=login, by=account)";
    assert_eq!(worth_with(declared, "f == \"paid\"", "", Known::with(&[("f", text("paid"))])), super::YES);
    let declared = "feature f = last(ip, of=login, by=account)";
    let known = Known::with(&[("f", Value::Ip("192.0.2.7".parse().unwrap()))]);
    assert_eq!(worth_with(declared, "f in \"192.0.2.0/24\" and f.version == 4", "", known), super::YES);
}
