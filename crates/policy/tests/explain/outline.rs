// SPDX-License-Identifier: Apache-2.0
//! Which declaration reads which, and what a rule costs.

use crate::support::program;
use wardroom_policy::Declared;

const POLICY: &str = r#"event login:
    ip: ip
    ok: bool

const many = 5

# How often.
feature failures = count(login, where=not ok, by=ip, last="1h")
feature share    = failures / 10

list office: net = ["192.0.2.0/24"]

# About `r`.
rule r on login:
    when    failures > many and ip not in office
    then    block
    because "{share}"

test r:
    when   login(ip="203.0.113.7")
    expect allow
"#;

#[test]
fn who_reads_what() {
    let program = program(POLICY, &[]);
    let ids = |of: Vec<&Declared>| of.iter().map(|d| d.id.to_string()).collect::<Vec<_>>();
    let check = |id: &str, reads: &[&str], readers: &[&str]| {
        assert_eq!(ids(program.reads(id)), reads, "{id} reads");
        assert_eq!(ids(program.readers(id)), readers, "{id} is read by");
    };
    check("r", &["failures", "many", "office", "share"], &[]);
    check("failures", &[], &["r", "share"]);
    check("share", &["failures"], &["r"]);
    check("many", &[], &["r"]);
    check("nobody", &[], &[]);
    let office = program.declared().iter().find(|d| &*d.id == "office").unwrap();
    assert_eq!(&*office.text, "list office: net = [\"192.0.2.0/24\"]");
    assert_eq!((office.what, office.place.1), ("list", 11));
    assert_eq!(program.place(0), ("main.ward".into(), 14));
}

#[test]
fn a_rules_cost_is_that_of_its_terms() {
    let program = program(POLICY, &[]);
    let costs = program.costs(0);
    assert_eq!(costs.terms.len(), 2);
    assert_eq!(costs.terms.iter().sum::<u32>(), program.rules[0].cost);
    let (dearest, cost) = costs.dearest.unwrap();
    assert_eq!(&*dearest, "ip not in office");
    assert!(cost > costs.terms[0], "{costs:?}", costs = program.costs(0));
}
