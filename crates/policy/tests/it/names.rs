// SPDX-License-Identifier: Apache-2.0
//! Names: folders are namespaces, a folder's own name goes first, and no name means two things.

use crate::support::{codes, compiled, program, said};

const LOGIN: &str = "event login:\n    account: account\n    ip: ip\n    ok: bool\n    size: int\n\n";
const FAILURES: &str = "feature failures = count(login, where=not ok, by=ip, last=\"1h\")\n";

fn rule(name: &str, when: &str) -> String {
    format!("rule {name} on login:\n    when {when}\n    then block\n    because \"why\"\n")
}

/// The id of the feature each rule reads first.
fn reads(files: &[(&str, &str)]) -> Vec<String> {
    let program = program(files);
    let plan = program.plan(program.schema.id("login").unwrap());
    plan.serve.iter().map(|s| s.id.to_string()).collect()
}

#[test]
fn a_folder_is_a_namespace() {
    let all = rule("r", "failures > 3");
    let files = [("events.ward", LOGIN), ("ssh/a.ward", FAILURES), ("ssh/b.ward", all.as_str())];
    let program = program(&files);
    assert_eq!(&*program.features[0].id, "ssh.failures");
    assert_eq!(&*program.rules[0].id, "ssh.r");
    let nested = [("events.ward", LOGIN), ("a/b/c.ward", &*format!("{FAILURES}{all}"))];
    assert_eq!(&*crate::support::program(&nested).rules[0].id, "a.b.r");
}

#[test]
fn names_of_other_folders_are_written_with_the_folder() {
    let whole = rule("r", "ssh.failures > 3");
    let plain = rule("r", "failures > 3");
    let base = [("events.ward", LOGIN), ("ssh/a.ward", FAILURES)];
    assert_eq!(reads(&[base[0], base[1], ("web/b.ward", &whole)]), ["ssh.failures"]);
    assert_eq!(reads(&[base[0], base[1], ("b.ward", &whole)]), ["ssh.failures"]);
    assert_eq!(reads(&[base[0], base[1], ("ssh/b.ward", &whole)]), ["ssh.failures"]);
    assert_eq!(codes(&[base[0], base[1], ("web/b.ward", &plain)]), ["W0201"]);
    assert_eq!(codes(&[base[0], base[1], ("b.ward", &plain)]), ["W0201"]);
}

#[test]
fn a_folder_named_like_a_field_is_asked_for_what_is_no_part_of_it() {
    let folder = "feature bursts = count(login, by=ip, last=\"1h\")\nfeature net = bursts + 1\n";
    let base = [("events.ward", LOGIN), ("ip/a.ward", folder)];
    let with = |condition: &str| {
        let (asks, own) = (rule("r", condition), rule("own", "bursts > net"));
        codes(&[base[0], base[1], ("web/b.ward", &asks), ("ip/c.ward", &own)])
    };
    assert_eq!(with("ip.bursts > 3"), [""; 0]);
    // A part goes first, and what is neither is told as before.
    assert_eq!(with("ip.net > 3"), ["W0304"]);
    assert_eq!(with("ip.burst > 3"), ["W0302"]);
}

#[test]
fn the_roots_names_are_seen_everywhere_and_own_names_go_first() {
    let plain = rule("r", "failures > 3");
    let root = format!("{LOGIN}{FAILURES}");
    assert_eq!(reads(&[("a.ward", &root), ("web/b.ward", &plain)]), ["failures"]);
    let both = format!("{FAILURES}{plain}");
    let unused = compiled(&[("a.ward", &root), ("web/b.ward", &both)]);
    assert_eq!(unused.diagnostics.len(), 1);
    assert!(said(&unused).contains("no rule uses the feature `failures`"), "{}", said(&unused));
    assert_eq!(reads(&[("a.ward", &root), ("web/b.ward", &both)]), ["web.failures"]);
}

#[test]
fn dotted_names_are_whole_ids_wherever_they_stand() {
    // `b.nets` seen from folder `a` is folder `b`'s, in an expression as after `in` and after `by`.
    let deep = format!(
        "list nets: net = [\"10.0.0.0/8\"]\n{FAILURES}{}",
        rule("deep", "failures > 1 and ip in nets")
    );
    let near = rule("r", "ip in b.nets or b.failures > 3");
    assert_eq!(codes(&[("e.ward", LOGIN), ("a/b/x.ward", &deep), ("a/y.ward", &near)]), ["W0201", "W0201"]);
    let test = "test t:\n    when login()\n    expect block by b.deep\n";
    let whole = rule("r", "ip in a.b.nets or a.b.failures > 3");
    assert_eq!(codes(&[("e.ward", LOGIN), ("a/b/x.ward", &deep), ("a/y.ward", &whole)]), [""; 0]);
    assert_eq!(codes(&[("e.ward", LOGIN), ("a/b/x.ward", &deep), ("a/y.ward", test)]), ["W0201"]);
}

#[test]
fn a_misspelt_name_of_another_folder_is_found() {
    let wrong = rule("r", "ssh.failurs > 3 or ip in ssh.netz");
    let ssh = format!("{FAILURES}list nets: net\n");
    let compiled = compiled(&[("e.ward", LOGIN), ("ssh/a.ward", &ssh), ("web/b.ward", &wrong)]);
    let said = said(&compiled);
    assert!(
        said.contains("did you mean `ssh.failures`?") && said.contains("did you mean `ssh.nets`?"),
        "{said}"
    );
}

#[test]
fn duplicates_are_told_at_the_later_place() {
    let check = |files: &[(&str, &str)], place: &str| {
        let compiled = compiled(files);
        assert_eq!(compiled.diagnostics.len(), 1, "{}", said(&compiled));
        assert_eq!(compiled.diagnostics[0].code, "W0202");
        assert!(said(&compiled).contains(place), "{}", said(&compiled));
    };
    let one = rule("r", "ok");
    check(&[("e.ward", LOGIN), ("a/x.ward", &one), ("a/y.ward", &one)], "--> a/y.ward:1:6");
    let three = format!("{LOGIN}{one}list r: ip\n");
    check(&[("e.ward", &three)], "--> e.ward:11:6");
    // Lists are checked before features, and still the feature is first.
    let two = format!("{LOGIN}{FAILURES}list failures: ip\n{}", rule("s", "failures > 3"));
    check(&[("e.ward", &two)], "--> e.ward:8:6");
    let other = rule("r", "not ok");
    assert_eq!(codes(&[("e.ward", LOGIN), ("a/x.ward", &one), ("b/y.ward", &other)]), [""; 0]);
    assert_eq!(codes(&[("e.ward", LOGIN), ("a/x.ward", &one), ("b/y.ward", &one)]), ["W0905"]);
    assert_eq!(codes(&[("a/e.ward", LOGIN), ("b/e.ward", LOGIN)]), ["W0202"]);
    let thrice = compiled(&[("a.ward", LOGIN), ("b.ward", LOGIN), ("c.ward", LOGIN)]);
    let first: Vec<&str> =
        thrice.diagnostics.iter().map(|d| thrice.sources.name(d.others[0].0.file)).collect();
    assert_eq!(first, ["a.ward", "a.ward"]);
}

#[test]
fn a_name_means_one_thing() {
    let field = format!("{LOGIN}feature size = count(login, by=ip, last=\"1h\")\n{}", rule("r", "size > 3"));
    assert_eq!(codes(&[("a.ward", &field)]), ["W0205"]);
    let list = format!("{LOGIN}list size: int\n{}", rule("r", "3 in size"));
    assert_eq!(codes(&[("a.ward", &list)]), ["W0205"]);
    // At the root as well: the reader of the folder knows both.
    let root = format!("{LOGIN}feature size = count(login, by=ip, last=\"1h\")\n");
    assert_eq!(codes(&[("a.ward", &root), ("web/b.ward", &rule("r", "size > 3"))]), ["W0205"]);
    // A filter reads fields only, so there it means the field.
    let filter = format!("{root}feature big = count(login, where=size > 3, by=ip, last=\"1h\")\n");
    let used = format!("{filter}{}", rule("r", "big > 3"));
    assert_eq!(codes(&[("a.ward", &used)]), ["W0901"]);
}

#[test]
fn a_rule_named_like_a_field_takes_nothing_from_it() {
    for order in [["size", "after"], ["before", "size"]] {
        let text = format!("{LOGIN}{}{}", rule(order[0], "size > 3"), rule(order[1], "size > 4"));
        assert_eq!(codes(&[("a.ward", &text)]), [""; 0], "{order:?}");
    }
}

#[test]
fn a_rule_is_no_value_whatever_the_order() {
    for text in [rule("a", "b") + &rule("b", "ok"), rule("b", "ok") + &rule("a", "b")] {
        assert_eq!(codes(&[("a.ward", &format!("{LOGIN}{text}"))]), ["W0307"], "{text}");
    }
}

#[test]
fn a_folder_named_like_a_field_takes_nothing_from_it() {
    let list = "list net: net = [\"10.0.0.0/8\"]\n";
    let used = rule("r", "ip in net");
    let program = program(&[
        ("e.ward", LOGIN),
        ("ip/a.ward", &format!("{list}{used}")),
        ("b.ward", &rule("s", "ip in ip.net")),
    ]);
    let plan = program.plan(program.schema.id("login").unwrap());
    assert_eq!(plan.rules.len(), 2);
    // `ip.net` is the part of the field: every address lies in its own network.
    let ip = wardroom_event::Value::Ip("192.0.2.7".parse().unwrap());
    let bool = wardroom_event::Value::Bool(true);
    let values = vec![wardroom_event::Value::Missing, ip, bool, wardroom_event::Value::Int(1)];
    let event = crate::support::event(&program.schema, "login", wardroom_event::Micros(0), values);
    let lists = crate::support::Entries(vec![Vec::new()]);
    let row = wardroom_policy::Row::new(&event, &[], &lists);
    let held: Vec<_> = program.rules.iter().map(|r| (&*r.id, r.holds(&row))).collect();
    assert_eq!(held, [("s", wardroom_policy::Tri::True), ("ip.r", wardroom_policy::Tri::False)]);
}

#[test]
fn unused_is_said_of_features_and_lists_in_their_order() {
    let text = format!("{LOGIN}{FAILURES}list b: ip\nfeature a = count(login, last=\"1h\")\n");
    let compiled = compiled(&[("a.ward", &text)]);
    let names: Vec<&str> = compiled.diagnostics.iter().map(|d| compiled.sources.slice(d.primary.0)).collect();
    assert_eq!(names, ["failures", "b", "a"]);
    assert!(compiled.program.is_some());
}

#[test]
fn nothing_is_said_to_be_unused_while_there_are_errors() {
    let text = format!("{LOGIN}{FAILURES}{}", rule("r", "failures > "));
    assert_eq!(codes(&[("a.ward", &text)]), ["W0101"]);
}

#[test]
fn a_fault_is_not_told_again_where_its_name_is_used() {
    let check = |text: &str, expect: &[&str]| {
        let whole = format!("{}\ntest t:\n    when login(ip=\"192.0.2.1\")\n    expect block\n", text);
        assert_eq!(codes(&[("a.ward", &whole)]), expect, "{whole}");
    };
    let r = rule("r", "failures > 3 and ip.net == \"192.0.2.0/24\"");
    check(&format!("event login:\n    ip: ipp\n    ok: bool\n\n{FAILURES}{r}"), &["W0301"]);
    check(&format!("event login:\n    ip ip\n    ok: bool\n\n{FAILURES}{r}"), &["W0101"]);
    check(&format!("{LOGIN}feature failures count(login, by=ip, last=\"1h\")\n{r}"), &["W0101"]);
    check(&format!("{LOGIN}feature failures = count(logn, by=ip, last=\"1h\")\n{r}"), &["W0201"]);
    check(&format!("{LOGIN}list nets ip\n{}", rule("r", "ip in nets")), &["W0101"]);
    check(&format!("{LOGIN}list nets: ipp\n{}", rule("r", "ip in nets")), &["W0301"]);
    let by = "test s:\n    when login()\n    expect block by r\n";
    check(&format!("{LOGIN}{}{by}", rule("r", "okk")), &["W0201"]);
    check(&format!("{LOGIN}rule r on:\n    when ok\n{by}"), &["W0101"]);
}

#[test]
fn lists_constants_and_scores_of_a_folder_named_like_a_field() {
    let pack = format!(
        "list nets: net = [\"10.0.0.0/8\"]\nconst few = [1, 2]\n{FAILURES}\
         score risk on login = sum(prior(-4.6), 0.5 * failures)\n{}",
        rule("own", "size in few and ip in nets and risk > 0")
    );
    let outside = |when: &str| {
        let near = rule("r", when);
        codes(&[("e.ward", LOGIN), ("account/a.ward", &pack), ("web/b.ward", &near)])
    };
    assert_eq!(outside("ip in account.nets and size in account.few"), [""; 0]);
    assert_eq!(outside("account.risk.probability > 0.5"), [""; 0]);
    assert_eq!(outside("ip in account.netz"), ["W0302"]);
}
