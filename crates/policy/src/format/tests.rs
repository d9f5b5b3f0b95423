// SPDX-License-Identifier: Apache-2.0
//! What the form is: texts before and after.

use super::*;

#[track_caller]
fn check(text: &str, expect: &str) {
    let formatted = format("a.ward", text).unwrap_or_else(|r| panic!("{r}"));
    assert_eq!(formatted, expect, "\n{formatted}");
    assert_eq!(format("a.ward", expect).unwrap(), expect, "a second time");
}

/// A text that is in its form already.
#[track_caller]
fn stays(text: &str) {
    check(text, text);
}

const GOOD: &str = "
# What it is about.

event login:
    account:     account
    ip:          ip
    plan:        enum(\"free\", \"paid\")?  # as of now
    attachments: list(attachment)?

record attachment:
    name: text?
    size: size

const burst = 30
const ports = [25, 465]

feature failures = count(login, where=not ok, by=ip, last=\"1h\")
feature all      = count(login, by=(account, ip.net), last=\"1h\")
# Apart.
feature share = failures / all

list a: net = [
    \"192.0.2.0/24\",   # the office
    \"2001:db8::/32\",  # the other
    # closed:
]
list b: domain suffix from \"b.txt\"

table risk(kind: text, asn: int, age: duration) -> number:
    \"hosting\", 64500,          any          -> 0.9
    # the young
    any,       [64501, 64502], \"1d\" to \"7d\" -> 0.2
    \"x\",       any,            < \"1d\"       -> -0.5

    else                                    -> 0.0

model bot on login from \"bot.json\":
    form_secs = form_time / \"1s\"
    hosting   = ip.kind == \"hosting\"

evidence unfamiliar on login:
    weigh   log(a / -b) capped -2 to 6
    because \"words {x}\"

score takeover on login = sum(prior(-4.6), unfamiliar, bot)

# Doc.
rule r on login:
    when    takeover > 4.5
    then    challenge(\"second factor\"), label(ip.net, \"farm\", expires=\"14d\")
    because \"x\"
    mode    canary 5% by account
    missing review
    # the end
    expires \"2027-01-01T00:00:00Z\"

    # after all

budget login = \"100us\"

test r \"title\":
    given  30 * login(ip=\"..\") within \"10m\" ago \"1h\", ip.kind = \"hosting\"
    when   login(ip=\"..\") at \"2026-01-05T03:00:00Z\"
    expect block by r, label(ip.net, \"farm\")
";

#[test]
fn what_is_in_form_stays() {
    stays(GOOD.trim_start());
    stays("");
    stays("# only this\n");
}

#[test]
fn blanks_are_put_right() {
    check(
        "  rule r on   e :\r\n  when:   (a==1 and(b  or c) )\r\n  then block , limit\n  because 'it is {x+1}'  \n\n\n\n",
        "rule r on e:\n    when:   (a == 1 and (b or c))\n    then    block, limit\n    because \"it is {x+1}\"\n",
    );
    check(
        "feature x=count ( login,where = not(a in(1,2)),by=- 5 .x  )\n",
        "feature x = count(login, where=not (a in (1, 2)), by=-5 .x)\n",
    );
    check(
        "const a = 'x'\nconst b = 'a \"word\"'\nconst c='\\'a\\' \"b\"'\n",
        "const a = \"x\"\nconst b = 'a \"word\"'\nconst c = \"'a' \\\"b\\\"\"\n",
    );
    check("const a = x.y . z( )\n", "const a = x.y.z()\n");
    check(
        "rule r on e:\n    when a\n    then b\n    because '\\'{x}'\n    mode canary 2*3 % by (a.b)\n",
        "rule r on e:\n    when    a\n    then    b\n    because '\\'{x}'\n    mode    canary 2 * 3% by (a.b)\n",
    );
}

#[test]
fn declarations_are_parted() {
    check(
        "\n\n# top\nevent e:\n\n  a: int\n\n\n  bc: int\n     # end\n# rule\nrule r on e:\n when a\n then b\n because \"c\"\nconst a = 1\nlist l: ip\n\n\n\nconst bb = 2\nconst c = 3\n  # own\n# last\n",
        "# top\nevent e:\n    a: int\n\n    bc: int\n    # end\n\n# rule\nrule r on e:\n    when    a\n    then    b\n    because \"c\"\n\nconst a = 1\nlist l: ip\n\nconst bb = 2\nconst c  = 3\n    # own\n# last\n",
    );
}

#[test]
fn long_lines_break() {
    let long = "a_long_name_of_something";
    check(
        &format!(
            "rule r on e:\n    when {long} > 10 and {long} < 20 and {long} and ({long} or {long})\n    then f({long}, {long}, {long}, {long}, {long}), b\n    because \"x\"\n"
        ),
        &format!(
            "rule r on e:\n    when    {long} > 10\n        and {long} < 20\n        and {long}\n        and ({long} or {long})\n    then    f(\n        {long},\n        {long},\n        {long},\n        {long},\n        {long}\n    ),\n        b\n    because \"x\"\n"
        ),
    );
    check(
        &format!(
            "feature f = count({long}, where={long} > 10 and {long} < 20 and {long} > 30 and {long} > 4, by={long})\n"
        ),
        &format!(
            "feature f = count(\n    {long},\n    where={long} > 10\n        and {long} < 20\n        and {long} > 30\n        and {long} > 4,\n    by={long}\n)\n"
        ),
    );
    let list: Vec<String> = (0..5).map(|i| format!("\"{long}{i}\"")).collect();
    check(
        &format!("list l: text = [{}]\n", list.join(",")),
        &format!("list l: text = [\n    {}\n]\n", list.join(",\n    ")),
    );
}

#[test]
fn breaks_that_were_written_stay() {
    check(
        "rule r on e:\n  when failures >= 10 and not ok\n            and (ip not in ours\n                 or ip in x)   # why\n        or f(\n   a,b\n    or c, # d\n   # e\n   )\n  then\n     b\n  because \"x\"\n",
        "rule r on e:\n    when    failures >= 10 and not ok\n        and (ip not in ours\n            or ip in x)  # why\n        or f(\n            a, b\n                or c,  # d\n            # e\n        )\n    then\n        b\n    because \"x\"\n",
    );
}

#[test]
fn faults_are_refused() {
    for (text, code) in [
        ("rule r:\n", "W0101"),
        ("list l: ip = [\n", "W0101"),
        ("# \u{202e}", "W0001"),
        ("event e:\n\ta: int\n", "W0003"),
    ] {
        let refusal = format("a.ward", text).unwrap_err();
        assert_eq!(refusal.diagnostics[0].code, code, "{text}\n{refusal}");
    }
    let grows = format!("const c = [\n{}  ]\n", " 1,\n".repeat(limits::FILE_BYTES / 5));
    let refusal = format("a.ward", &grows).unwrap_err();
    assert!(refusal.diagnostics[0].message.starts_with("in its form, this would be"), "{refusal}");
    let long = "#".repeat(limits::FILE_BYTES + 1);
    assert_eq!(format("a.ward", &long).unwrap_err().diagnostics[0].code, "W0005");
}

#[test]
fn names_of_any_length_are_aligned_within_bounds() {
    let long = "n".repeat(300);
    let fields: String = (0..300).map(|i| format!("    f{i}: int\n")).collect();
    let text = format!("event e:\n    {long}: int\n{fields}");
    let formatted = format("a.ward", &text).unwrap();
    assert!(formatted.len() < text.len() + 300 * 50, "{}", formatted.len());
    assert!(formatted.contains("    f1:   int\n"));
}
