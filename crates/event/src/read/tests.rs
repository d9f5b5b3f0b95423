// SPDX-License-Identifier: Apache-2.0
//! Events as senders write them, and what is said of those that are wrong.

use super::*;
use crate::{EventType, Fact, Part};
use proptest::prelude::*;

fn shaped(name: &str, kind: Type, shape: Shape) -> Field {
    Field { shape: Some(Arc::new(shape)), ..Field::plain(name, kind, true) }
}

fn list(name: &str, record: Option<&str>, fields: Vec<Field>) -> Field {
    shaped(name, Type::List, Shape::Items { record: record.map(Into::into), fields: fields.into() })
}

fn schema() -> Arc<Schema> {
    let field = Field::plain;
    let files = vec![
        field("name", Type::Text, true),
        field("size", Type::Size, false),
        shaped("kind", Type::Enum, Shape::OneOf(["exe".into(), "pdf".into()].into())),
    ];
    let asn = Fact { of: 1, part: Part::IpAsn };
    Arc::new(Schema::new(vec![EventType {
        name: "signup".into(),
        fields: vec![
            field("account", Type::Account, false),
            field("ip", Type::Ip, false),
            field("email", Type::Email, true),
            field("form_time", Type::Duration, true),
            field("tries", Type::Int, true),
            shaped("plan", Type::Enum, Shape::OneOf(["free".into(), "paid".into()].into())),
            field("quota", Type::Size, true),
            field("pace", Type::Rate, true),
            list("links", None, vec![field("", Type::Url, false)]),
            list("attachments", Some("attachment"), files),
            // Not optional, as nothing stops one from being declared: a fact may be lacking all the same.
            Field { fact: Some(asn), ..field("ip.asn", Type::Int, false) },
        ],
    }]))
}

fn event(json: &str) -> Result<Event, Faults> {
    let received = Micros::parse("2026-01-05T10:00:00Z").unwrap();
    read(Draft::from_json(json.as_bytes())?, &schema(), received, || "new".into())
}

#[test]
fn both_forms_give_the_same_event() {
    let bare = r#"{"type":"signup","id":"1","time":"2026-01-05T09:59:00Z","account":"a","ip":"::ffff:203.0.113.7","form_time":4.2}"#;
    let under = r#"{"type":"signup","id":"1","time":"2026-01-05T09:59:00Z","data":{"account":"a","ip":"203.0.113.7","form_time":"4.2s"}}"#;
    let cloud = r#"{"specversion":"1.0","source":"","type":"signup","id":"1","time":"2026-01-05T09:59:00Z","ext":"x","data":{"account":"a","ip":"203.0.113.7","form_time":"4200ms"}}"#;
    assert_eq!(event(bare).unwrap(), event(under).unwrap());
    assert_eq!(
        event(&cloud.replace(r#""source":"","#, r#""source":"s","#)).unwrap().values,
        event(bare).unwrap().values
    );
    // CloudEvents: source is a non-empty URI reference.
    assert!(event(cloud).is_err());
    assert_eq!(event(r#"{"type":"signup","account":"a","ip":"::1"}"#).unwrap().id.id, "new".into());
}

#[test]
fn every_fault_is_named_with_its_place() {
    let check = |json: &str, expect: &[(&str, &str)]| {
        let faults = event(json).unwrap_err();
        let got: Vec<(&str, &str)> = faults.list().iter().map(|f| (&*f.pointer, f.code)).collect();
        assert_eq!(got, expect, "{json}: {faults}");
    };
    check("", &[("", "not_json")]);
    check("{", &[("", "not_json")]);
    check("[1]", &[("", "not_an_object")]);
    check("{}", &[("", "missing_attribute")]);
    check(r#"{"type":7}"#, &[("/type", "wrong_type")]);
    check(r#"{"type":"sigup","account":"a"}"#, &[("/type", "unknown_type")]);
    check(
        r#"{"type":"signup","acount":"a","ip":"1.2.3","tries":1.5,"form_time":"4"}"#,
        &[
            ("/acount", "unknown_field"),
            ("/ip", "wrong_value"),
            ("/tries", "wrong_value"),
            ("/form_time", "wrong_value"),
            ("", "missing_field"),
        ],
    );
    check(r#"{"type":"signup","data":{"account":"","ip":"::1"}}"#, &[("/data/account", "wrong_value")]);
    check(r#"{"type":"signup","data":{"account":null,"ip":"::1"}}"#, &[("/data", "missing_field")]);
    check(r#"{"type":"signup","data":{},"ip":"::1"}"#, &[("/ip", "unknown_field")]);
    check(r#"{"type":"signup","data":[]}"#, &[("/data", "wrong_type")]);
    check(r#"{"type":"signup","type":"signup","ip":"::1","account":"a"}"#, &[("/type", "repeated")]);
    check(r#"{"type":"signup","ip":"::1","ip":"::2","account":"a"}"#, &[("/ip", "repeated")]);
    check(r#"{"type":"signup","a/b~":1,"ip":"::1","account":"a"}"#, &[("/a~1b~0", "unknown_field")]);
    check(
        r#"{"type":"signup","time":"2026-01-05T11:00:01Z","ip":"::1","account":"a"}"#,
        &[("/time", "future_time")],
    );
    check(r#"{"type":"signup","time":1767607200,"ip":"::1","account":"a"}"#, &[("/time", "wrong_type")]);
    check(
        r#"{"specversion":"0.3","type":"signup","data":{"ip":"::1","account":"a"}}"#,
        &[("/specversion", "wrong_version"), ("", "missing_attribute"), ("", "missing_attribute")],
    );
    let deep = format!(r#"{{"type":"signup","x":{}1{}}}"#, "[".repeat(9), "]".repeat(9));
    check(&deep, &[("", "not_json")]);
    check(&format!(r#"{{"type":"{}"}}"#, "x".repeat(70_000)), &[("", "too_large")]);
}

/// What an event holds after the fields it must have, and what is said of them where it is refused.
fn rest(json: &str) -> Result<Vec<Value>, Vec<(String, String)>> {
    match event(&json.replacen('{', r#"{"type":"signup","account":"a","ip":"::1","#, 1)) {
        Ok(event) => Ok(event.values.iter().skip(2).filter(|v| !v.is_missing()).cloned().collect()),
        Err(faults) => Err(faults.list().iter().map(|f| (f.pointer.clone(), f.message.clone())).collect()),
    }
}

fn text(t: &str) -> Value {
    Value::Text(t.into())
}

#[test]
fn values_of_every_form_are_read() {
    let check = |json: &str, expect: &[Value]| assert_eq!(rest(json).unwrap(), expect, "{json}");
    check(
        r#"{"plan":"free","quota":"10MB","pace":"30/m"}"#,
        &[text("free"), Value::Int(10_000_000), Value::Number(0.5)],
    );
    check(r#"{"quota":0,"pace":3}"#, &[Value::Int(0), Value::Number(3.0)]);
    check(r#"{"plan":null,"quota":null,"pace":0.25}"#, &[Value::Number(0.25)]);
    let Value::Number(zero) = rest(r#"{"pace":-0.0}"#).unwrap()[0] else { panic!() };
    assert!(zero.is_sign_positive());
    check(r#"{"links":[]}"#, &[Value::List(Box::default())]);
    check(r#"{"links":null}"#, &[]);
    check(
        r#"{"links":["http://a","http://b"]}"#,
        &[Value::List([text("http://a"), text("http://b")].into())],
    );
    check(
        r#"{"attachments":[{"size":"1kB","kind":"exe"},{"kind":null,"size":2,"name":"b"}]}"#,
        &[Value::List(
            [Value::Missing, Value::Int(1000), text("exe"), text("b"), Value::Int(2), Value::Missing].into(),
        )],
    );
    check(r#"{"ip.asn":64500}"#, &[Value::Int(64500)]);
    check(r#"{"ip.asn":null}"#, &[]);
}

#[test]
fn every_fault_of_a_list_is_named_with_its_place() {
    let check = |json: &str, expect: &[(&str, &str)]| {
        let faults = rest(json).unwrap_err();
        let got: Vec<(&str, &str)> = faults.iter().map(|(p, m)| (&**p, &**m)).collect();
        assert_eq!(got, expect, "{json}");
    };
    check(r#"{"plan":"fre"}"#, &[("/plan", "`plan` cannot be \"fre\"; did you mean \"free\"?")]);
    check(r#"{"plan":"gold"}"#, &[("/plan", "`plan` cannot be \"gold\"; it must be \"free\", or \"paid\"")]);
    check(r#"{"plan":1}"#, &[("/plan", "`plan` must be a string; this is a whole number")]);
    check(
        r#"{"quota":-1,"pace":-0.5}"#,
        &[("/quota", "`quota` must not be negative"), ("/pace", "`pace` must not be negative")],
    );
    check(
        r#"{"quota":1.5}"#,
        &[(
            "/quota",
            "`quota` must be a whole number of bytes, or a string such as \"10MB\"; this is a number",
        )],
    );
    check(
        r#"{"pace":[]}"#,
        &[("/pace", "`pace` must be a number a second, or a string such as \"5/m\"; this is an array")],
    );
    check(
        r#"{"links":"http://a"}"#,
        &[("/links", "`links` must be an array, a list(url); this is a string")],
    );
    check(
        r#"{"links":["http://a",null,7,["x"],""]}"#,
        &[
            ("/links/1", "`links[1]` must not be null; leave it out"),
            ("/links/2", "`links[2]` must be a string; this is a whole number"),
            ("/links/3", "`links[3]` must be a string; this is an array"),
            ("/links/4", "`links[4]` must not be empty; leave it out when it is unknown"),
        ],
    );
    check(
        r#"{"attachments":[{"size":1},7,{"sise":2},{"size":-1,"kind":"ex"},{"size":1,"size":2},{"name":{}}]}"#,
        &[
            (
                "/attachments/1",
                "`attachments[1]` must be an object, a record `attachment`; this is a whole number",
            ),
            ("/attachments/2/sise", "record `attachment` has no field `sise`; did you mean `size`?"),
            ("/attachments/2", "`attachments[2].size` (size) is required by record `attachment`"),
            ("/attachments/3/size", "`attachments[3].size` must not be negative"),
            ("/attachments/3/kind", "`attachments[3].kind` cannot be \"ex\"; did you mean \"exe\"?"),
            ("/attachments/4/size", "`attachments[4].size` is given twice"),
            ("/attachments/5/name", "`attachments[5].name` must be a string; this is an object"),
            ("/attachments/5", "`attachments[5].size` (size) is required by record `attachment`"),
        ],
    );
    check(
        r#"{"attachments":[{"size":1,"from":"x"}]}"#,
        &[(
            "/attachments/0/from",
            "record `attachment` has no field `from`; its fields are: name, size, kind",
        )],
    );
    check(r#"{"ip.asn":"x"}"#, &[("/ip.asn", "`ip.asn` must be a whole number; this is a string")]);
    let cloud = r#"{"specversion":"1.0","source":"s","id":"1","type":"signup","data":{"account":"a","ip":"::1","attachments":[{}]}}"#;
    assert_eq!(event(cloud).unwrap_err().list()[0].pointer, "/data/attachments/0");
    let names = event(r#"{"type":"signup","zzzzzz":1}"#).unwrap_err().to_string();
    assert!(names.contains("its fields are: account, ip, email,") && !names.contains("asn"), "{names}");
}

#[test]
fn lists_are_bounded() {
    let links = |n: usize| format!(r#"{{"links":[{}]}}"#, vec![r#""u""#; n].join(","));
    let Value::List(values) = &rest(&links(limits::LIST_ITEMS)).unwrap()[0] else { panic!() };
    assert_eq!(values.len(), limits::LIST_ITEMS);
    for n in [limits::LIST_ITEMS + 1, 4 * limits::LIST_ITEMS] {
        let faults = rest(&links(n)).unwrap_err();
        assert_eq!(faults, [("/links".to_owned(), "`links` has more than 256 items".to_owned())]);
    }
    let faults = rest(&format!(r#"{{"attachments":[{}]}}"#, vec!["{}"; 256].join(","))).unwrap_err();
    assert_eq!(faults.len(), limits::FAULTS);
}

#[test]
fn what_a_stranger_wrote_is_quoted_on_one_line_without_escapes() {
    let faults = event("{\"type\":\"x\\u001b[31m\\n\"}").unwrap_err();
    assert!(faults.to_string().starts_with("/type: no event type `x\\u{1b}[31m\\u{a}`"), "{faults}");
    let faults = event("{\"type\":\"signup\",\"\\u001b]0;\":1}").unwrap_err();
    assert!(!faults.to_string().contains('\u{1b}'), "{faults}");
}

#[test]
fn a_near_name_is_offered() {
    let faults = event(r#"{"type":"sigup"}"#).unwrap_err();
    assert_eq!(faults.to_string(), "/type: no event type `sigup`; did you mean `signup`?");
}

/// Any JSON, with names that the schema has.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[a-z:/.@0-9]{0,8}".prop_map(Into::into),
        prop::sample::select(vec!["free", "exe", "::1", "1kB", "5/m", "http://a"]).prop_map(Into::into),
    ];
    let names = ["type", "account", "ip", "quota", "links", "attachments", "size", "kind", "ip.asn", "x"];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        let member = (prop::sample::select(names.to_vec()).prop_map(str::to_owned), inner.clone());
        prop_oneof![
            proptest::collection::vec(inner, 0..6).prop_map(Into::into),
            proptest::collection::vec(member, 0..8)
                .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
        ]
    })
}

/// One field of the schema, with a value that may well be right.
fn any_field() -> impl Strategy<Value = (&'static str, serde_json::Value)> {
    let url = prop_oneof![9 => Just("http://a".into()), 1 => any_json()];
    let size = prop_oneof![Just("1kB".into()), (0..9i64).prop_map(Into::into)];
    let file = prop_oneof![
        9 => (size, prop::sample::select(vec!["exe", "pdf"]))
            .prop_map(|(size, kind): (serde_json::Value, _)| serde_json::json!({"size": size, "kind": kind})),
        1 => any_json(),
    ];
    prop_oneof![
        (-1..9i64).prop_map(|n| ("quota", n.into())),
        prop::sample::select(vec!["free", "paid", "gold"]).prop_map(|plan| ("plan", plan.into())),
        proptest::collection::vec(url, 0..5).prop_map(|urls| ("links", urls.into())),
        proptest::collection::vec(file, 0..5).prop_map(|files| ("attachments", files.into())),
        (prop::sample::select(vec!["email", "pace", "links", "ip.asn"]), any_json()),
    ]
}

proptest! {
    #[test]
    fn no_json_panics_and_what_is_read_is_of_its_type(fields in proptest::collection::vec(any_field(), 0..5)) {
        let mut data = serde_json::json!({"account": "a", "ip": "::1"});
        fields.into_iter().for_each(|(name, value)| data[name] = value);
        match event(&serde_json::json!({"type": "signup", "data": data}).to_string()) {
            Ok(event) => {
                for (field, value) in schema().get(event.kind).fields.iter().zip(&event.values) {
                    match value {
                        Value::Missing => prop_assert!(field.may_lack()),
                        Value::List(values) => {
                            let width = field.items().len();
                            prop_assert!(values.len() % width == 0 && values.len() <= width * limits::LIST_ITEMS);
                        }
                        Value::Text(text) if field.kind == Type::Enum => prop_assert!(field.members().contains(text)),
                        Value::Int(n) if field.kind == Type::Size => prop_assert!(*n >= 0),
                        _ => {}
                    }
                }
            }
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                prop_assert!(faults.list().iter().all(|f| f.pointer.is_empty() || f.pointer.starts_with('/')));
            }
        }
    }

    #[test]
    fn any_json_is_read_or_refused(data in any_json()) {
        let _ = event(&serde_json::json!({"type": "signup", "data": data}).to_string());
        let _ = event(&data.to_string());
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(draft) = Draft::from_json(&bytes) {
            let _ = read(draft, &schema(), Micros(0), || "x".into());
        }
    }
}
