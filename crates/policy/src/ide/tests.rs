// SPDX-License-Identifier: Apache-2.0
//! What an editor sees of a policy that holds a bit of everything, and of policies with faults.

use super::*;
use proptest::prelude::*;

const POLICY: &str = r#"
record attachment:
    name: text?
    size: size

# Somebody wants in.
event login:
    account:     account
    ip:          ip
    ok:          bool
    plan:        enum("free", "paid")?
    form_time:   duration?
    site:        domain?
    attachments: list(attachment)?

event signup:
    account: account
    ip:      ip

const burst = 3

list nets: net = ["192.0.2.0/24"]
list hosts: domain suffix from "hosts.txt"

feature failures = count(login, where=not ok, by=ip, last="10m")
feature tries = count([login, signup], by=(account, ip.net), last="1h", including=self)
feature usual = baseline(failures, over="28d")
feature odd = failures / (usual.mean + 1)

table risk(kind: text, tries: int) -> number:
    "hosting", >= 3 -> 0.9
    else -> 0.0

evidence unfamiliar on login:
    weigh   log(odd + 1) capped -2 to 6
    because "odd for {ip}"

score takeover on login = sum(prior(-4.6), unfamiliar)

# What it sees: too many failures.
rule guessing on login:
    when    not ok and failures >= burst and risk(ip.kind, tries) > 0.5 and not ip in nets
    then    challenge("second factor"), label(ip.net, "farm", expires="14d")
    because "{failures} failures from {ip}; {takeover.top(3)}"
    owner   "desk"

rule large on login:
    when    any(x.size > "1MB" for x in attachments) or takeover.probability > 0.9 or account.lower() == "root" or site in hosts
    then    review
    because "{account}"

test guessing "the third":
    given  3 * login(ip="192.0.2.7", ok=false) within "1m", ip.kind = "hosting"
    when   login(ip="192.0.2.7", ok=false)
    expect challenge by guessing
"#;

fn policy(text: &str) -> (Analysis, FileId) {
    let mut bundle = Bundle::single("main.ward", text);
    bundle.add("hosts.txt", "example.org\n");
    let analysis = analyse(&bundle);
    let file = analysis.file("main.ward").unwrap();
    (analysis, file)
}

/// The text without its `|`, and where that stood.
fn cursor(text: &str) -> (String, usize) {
    let at = text.find('|').unwrap();
    (text.replacen('|', "", 1), at)
}

/// The policy with `there` written where `here` stands first, and where its `|` stands.
fn within(here: &str, there: &str) -> (Analysis, FileId, usize) {
    assert!(POLICY.contains(here), "{here}");
    let (text, at) = cursor(&POLICY.replacen(here, there, 1));
    let (analysis, file) = policy(&text);
    (analysis, file, at)
}

#[test]
fn the_policy_has_no_faults() {
    let (analysis, _) = policy(POLICY);
    assert_eq!(wardroom_report::render(&analysis.diagnostics, &analysis.sources, false), "");
}

#[test]
fn what_stands_there_is_known() {
    let check = |here: &str, there: &str, expect: &[&str]| {
        let (analysis, file, at) = within(here, there);
        let symbol = analysis.at(file, at).unwrap_or_else(|| panic!("nothing at {there}"));
        let shown = format!("{symbol:?}");
        for part in expect {
            assert!(shown.contains(part), "{there}: no {part} in {shown}");
        }
    };
    check(
        "not ok and failures",
        "not ok and fail|ures",
        &["feature", "kind: \"int\"", "Some(80)", "(\"key\", \"ip\")", "(\"window\", \"10m\")"],
    );
    check("and risk(ip", "and ri|sk(ip", &["table", "kind: \"number\"", "Some(200)"]);
    check(
        "risk(ip.kind",
        "risk(ip.ki|nd",
        &["fact of a value of type `ip`", "kind: \"text\"", "What the address is used for"],
    );
    check("risk(ip.kind", "risk(i|p.kind", &["field of `login`", "login, signup", "kind: \"ip\""]);
    check("not ip in nets", "not ip in n|ets", &["list of net", "(\"entries\", \"1\")"]);
    check("\"farm\", expires", "\"farm\", exp|ires", &["argument of `label`"]);
    check("then    challenge", "then    chal|lenge", &["verdict", "Ask for a proof first"]);
    check(", label(ip.net", ", la|bel(ip.net", &["effect", "expires"]);
    check("label(ip.net", "label(ip.n|et", &["part of a value of type `ip`", "kind: \"net\""]);
    check("by=(account, ip.net)", "by=(acc|ount, ip.net)", &["field of `login`"]);
    check("by=(account, ip.net)", "by=(account, ip.n|et)", &["part of", "/24"]);
    check("last=\"1h\", inc", "la|st=\"1h\", inc", &["argument of `count`", "How far back"]);
    check("usual = base", "usual = ba|se", &["aggregate", "hour of the week"]);
    check("usual.mean", "usual.me|an", &["figure", "kind: \"number\""]);
    check("takeover.prob", "takeover.pr|ob", &["figure", "as a probability"]);
    check("any(x.size", "any(x.si|ze", &["field of record `attachment`", "kind: \"size\""]);
    check("any(x.size", "a|ny(x.size", &["special form", "at least one item"]);
    check("for x in att", "for x in at|t", &["field of `login`", "list(attachment)?"]);
    check("account.lower", "account.lo|wer", &["function", "text.lower() -> text"]);
    check("weigh   log", "weigh   l|og", &["function", "log(x: number"]);
    check("weigh   log", "wei|gh   log", &["clause", "in nats"]);
    check(
        "rule guessing",
        "rule gue|ssing",
        &["rule", "What it sees: too many failures.", "(\"mode\", \"live\")"],
    );
    check("rule guessing", "ru|le guessing", &["declaration", "A condition on one type"]);
    check(
        "on login:\n    when    not",
        "on lo|gin:\n    when    not",
        &["event type", "Somebody wants in.", "(\"rules\", \"2"],
    );
    check("when    not ok", "wh|en    not ok", &["clause", "What must hold"]);
    check(">= burst", ">= bu|rst", &["constant", "kind: \"int\""]);
    check("ip:          ip\n", "ip:          i|p\n", &["type", "An IP address"]);
    check("from \"hosts.txt\"", "from \"ho|sts.txt\"", &["file of the policy", "hosts.txt"]);
    check("failures >= burst", "failures |>= burst", &["expression", "kind: \"bool\""]);
    check("by guessing", "by gue|ssing", &["rule", "verdict"]);
    check("{failures} fail", "{fail|ures} fail", &["feature", "window"]);
    check("(ip=\"192", "(i|p=\"192", &["field of `login`"]);
}

#[test]
fn uses_lead_to_declarations_and_back() {
    let check = |here: &str, there: &str, declared: &str, uses: usize| {
        let (analysis, file, at) = within(here, there);
        let (_, targets) = analysis.targets(file, at).unwrap_or_else(|| panic!("nothing at {there}"));
        let target = targets[0].clone();
        let line = analysis.declared(&target).next().map(|d| analysis.definition(d));
        assert_eq!(line.as_deref(), Some(declared), "{there}");
        assert_eq!(analysis.uses(&target).count(), uses, "{there}");
    };
    check(
        "not ok and failures",
        "not ok and fail|ures",
        "feature failures = count(login, where=not ok, by=ip, last=\"10m\")",
        4,
    );
    check("rule guessing", "rule gue|ssing", "rule guessing on login", 1);
    check("by guessing", "by gue|ssing", "rule guessing on login", 1);
    check("event signup", "event sig|nup", "event signup", 1);
    check("any(x.size", "any(x.si|ze", "size: size", 1);
    check("list(attachment)", "list(attach|ment)", "record attachment", 1);
}

#[test]
fn fields_that_a_key_joins_go_together() {
    let (analysis, _) = policy(POLICY);
    let field = |of: &str| Target::Field { of: of.into(), name: "account".into() };
    assert_eq!(analysis.together(&field("login")), [field("login"), field("signup")]);
    let ok = Target::Field { of: "login".into(), name: "ok".into() };
    assert_eq!(analysis.together(&ok), [ok]);
}

fn labels(here: &str, there: &str) -> Vec<String> {
    let (analysis, file, at) = within(here, there);
    analysis.complete(file, at).1.into_iter().map(|c| c.label).collect()
}

#[test]
fn what_could_stand_there_is_offered() {
    let check = |here: &str, there: &str, wanted: &[&str], unwanted: &[&str]| {
        let got = labels(here, there);
        for w in wanted {
            assert!(got.iter().any(|l| l == w), "{there}: no {w} in {got:?}");
        }
        for w in unwanted {
            assert!(!got.iter().any(|l| l == w), "{there}: {w} in {got:?}");
        }
    };
    check("const burst", "|\nconst burst", &["rule", "event", "feature", "budget"], &["when", "ip"]);
    check("const burst", "ru|\nconst burst", &["rule"], &["when"]);
    check("    owner   \"desk\"", "    |", &["owner", "missing", "was", "mode"], &["given", "rule"]);
    check("    owner   \"desk\"", "    mode |", &["draft", "canary"], &["when"]);
    check("    owner   \"desk\"", "    mode canary 5% by |", &["account", "ip"], &["draft"]);
    check("    owner   \"desk\"", "    missing |", &["true", "review"], &["ip"]);
    check(
        "when    not ok and",
        "when    | and",
        &["failures", "ip", "takeover", "burst", "risk", "log", "time", "not", "odd"],
        &["guessing", "when", "nets"],
    );
    check("when    not ok and", "when    fa| and", &["failures"], &[]);
    check("when    not ok and", "when    ok | and", &["and", "or", "is"], &["failures"]);
    check("when    not ok and", "when    form_time is | and", &["missing", "not"], &["ip"]);
    check("not ip in nets", "not ip in |", &["nets", "hosts"], &["takeover"]);
    check("risk(ip.kind", "risk(ip.|", &["kind", "asn", "net"], &["lower", "size"]);
    check("account.lower()", "account.|", &["lower", "startswith", "shape", "matches"], &["net"]);
    check("account.lower()", "time.|", &["hour", "weekday"], &["lower"]);
    check("takeover.probability", "takeover.|", &["probability", "known"], &["lower"]);
    check("{takeover.top(3)}", "{takeover.|}", &["top"], &["lower"]);
    check("usual.mean", "usual.|", &["mean", "spread", "weeks"], &["lower"]);
    check("any(x.size", "any(x.|", &["size", "name"], &["lower", "ip"]);
    check("then    review", "then    |", &["review", "block", "label", "list"], &["ip"]);
    check("then    review", "then    review, |", &["label", "case"], &["ip"]);
    check("then    review", "then    label(|", &["ip", "account"], &["label"]);
    check("then    review", "then    list(ip, |", &["nets", "hosts"], &["ip"]);
    check("then    review", "then    list(ip, nets, |", &["expires"], &["ip"]);
    check(
        "ip:          ip\n",
        "ip:          |\n",
        &["ip", "user_agent", "enum", "list"],
        &["login", "regex"],
    );
    check("list(attachment)", "list(|)", &["attachment", "url"], &["enum", "login"]);
    check("on login:\n    when    not", "on |:\n    when    not", &["login", "signup"], &["ip", "rule"]);
    check("rule guessing on", "rule guessing | ", &["on"], &["ip"]);
    check("odd = failures", "odd = |", &["count", "failures", "baseline", "ip", "abs"], &["login"]);
    check("count(login, where=not ok", "count(|", &["login", "signup"], &["ip"]);
    check(
        "count(login, where=not ok",
        "count(login, |",
        &["where", "by", "last", "including"],
        &["ip", "of"],
    );
    check("by=ip, last", "by=|, last", &["ip", "account", "ok"], &["login", "failures"]);
    check("where=not ok", "where=not |", &["ok", "burst", "abs"], &["failures", "nets"]);
    check("including=self", "including=|", &["self"], &["ip"]);
    check("list nets: net", "list nets: |", &["net", "regex", "domain"], &["list", "login"]);
    check("    expect challenge by guessing", "    expect |", &["block", "allow"], &["guessing"]);
    check(
        "    expect challenge by guessing",
        "    expect challenge by |",
        &["guessing", "large"],
        &["block"],
    );
    check("    expect challenge by guessing", "    |", &["expect", "given"], &["owner"]);
    check("    when   login(ip=\"192.0.2.7\", ok=false)", "    when   |", &["login", "signup"], &["ip"]);
    check(
        "    when   login(ip=\"192.0.2.7\", ok=false)",
        "    when   login(ip=\"192.0.2.7\", |",
        &["ok", "plan"],
        &["ip", "login"],
    );
    check("not ok and", "plan == \"|\" and", &["free", "paid"], &["ip"]);
    check("odd for {ip}", "odd f| {ip}", &[], &["ip", "failures"]);
    check("odd for {ip}", "odd for {|}", &["ip", "failures"], &["rule"]);
    check("# Somebody wants in.", "# Some|", &[], &["rule"]);
}

#[test]
fn offers_carry_what_an_editor_shows() {
    let (analysis, file, at) = within("not ok and failures", "not ok and |failures");
    let (range, found) = analysis.complete(file, at);
    assert_eq!(range, at..at);
    let failures = found.iter().find(|c| c.label == "failures").unwrap();
    assert_eq!((failures.what, failures.detail.as_str()), (What::Feature, "int"));
    assert!(failures.doc.contains("count(login"), "{failures:?}");
    let ip = found.iter().find(|c| c.label == "ip").unwrap();
    assert_eq!((ip.what, ip.detail.as_str()), (What::Field, "ip"));
}

#[test]
fn signatures_say_which_value_is_due() {
    let check = |here: &str, there: &str, form: &str, due: Option<&str>| {
        let (analysis, file, at) = within(here, there);
        let found = analysis.signatures(file, at);
        let first = found.first().unwrap_or_else(|| panic!("none at {there}"));
        assert!(first.form.starts_with(form), "{there}: {}", first.form);
        assert_eq!(first.due.map(|d| &first.form[first.values[d].clone()]), due, "{there}");
    };
    check(
        "risk(ip.kind, tries)",
        "risk(ip.kind, |tries)",
        "risk(kind: text, tries: int) -> number",
        Some("tries: int"),
    );
    check("log(odd", "log(|odd", "log(x: number)", Some("x: number"));
    check("count(login, where=not ok", "count(login, where=|not ok", "count(EVENTS", Some("where=…"));
    check("count(login, where=not ok", "count(|login, where=not ok", "count(EVENTS", Some("EVENTS"));
    check("label(ip.net, \"farm\"", "label(ip.net, |\"farm\"", "label(ip.net", Some("\"farm\""));
    check(
        "login(ip=\"192.0.2.7\", ok=false)\n    expect",
        "login(ip=\"192.0.2.7\", ok=|false)\n    expect",
        "login(account",
        Some("ok:          bool"),
    );
    let (analysis, file, at) = within("failures >= burst", "failures >=| burst");
    assert_eq!(analysis.signatures(file, at), []);
}

#[test]
fn tokens_are_in_order_and_know_names() {
    let (analysis, file) = policy(POLICY);
    let tokens = analysis.tokens(file);
    assert!(tokens.windows(2).all(|w| w[0].loc.end <= w[1].loc.start), "overlap");
    let of = |text: &str| -> Vec<TokenKind> {
        let mut kinds: Vec<_> =
            tokens.iter().filter(|t| analysis.sources.slice(t.loc) == text).map(|t| t.kind).collect();
        kinds.dedup();
        kinds
    };
    assert_eq!(of("failures"), [TokenKind::Feature]);
    assert_eq!(of("nets"), [TokenKind::Constant]);
    assert_eq!(of("login"), [TokenKind::Event]);
    assert_eq!(of("ok"), [TokenKind::Field]);
    assert_eq!(of("rule"), [TokenKind::Keyword]);
    assert_eq!(of("and"), [TokenKind::Keyword]);
    assert_eq!(of("challenge"), [TokenKind::Verdict]);
    assert_eq!(of("log"), [TokenKind::Function]);
    assert_eq!(of("duration"), [TokenKind::Type]);
    assert_eq!(of("# Somebody wants in."), [TokenKind::Comment]);
}

#[test]
fn names_that_cannot_be_are_refused() {
    assert_eq!(fault_of_name("new_name2"), None);
    for name in ["", "2x", "a b", "größe", "and", "missing", "a.b"] {
        assert!(fault_of_name(name).is_some(), "{name}");
    }
}

#[test]
fn a_policy_with_faults_is_known_as_far_as_it_can_be() {
    let text =
        POLICY.replace("then    review\n", "then    reviw\n").replace("const burst = 3", "const burst = = 3");
    let (analysis, file) = policy(&text);
    assert!(analysis.diagnostics.len() >= 2);
    let at = text.find("failures from").unwrap() - 5;
    assert_eq!(analysis.at(file, at).unwrap().what, "feature");
    let at = text.find("takeover.probability").unwrap() + 2;
    assert_eq!(analysis.at(file, at).unwrap().what, "score");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Cut anywhere, with anything written there, and asked anywhere, nothing breaks.
    #[test]
    fn nothing_written_breaks_it(cut in 0usize..2400, gone in 0usize..40, there in "[ -~\\n]{0,8}|é“|\"|\\{|\\(", ask in 0usize..2400) {
        let floor = |at: usize| POLICY.floor_char_boundary(at.min(POLICY.len()));
        let (from, to) = (floor(cut), floor(cut + gone));
        let text = format!("{}{there}{}", &POLICY[..from], &POLICY[to..]);
        let (analysis, file) = policy(&text);
        for at in [ask, cut, cut + 1, cut + there.len()] {
            analysis.at(file, at);
            let (range, _) = analysis.complete(file, at);
            prop_assert!(analysis.sources.text(file).get(range).is_some());
            for signature in analysis.signatures(file, at) {
                prop_assert!(signature.values.iter().all(|v| signature.form.get(v.clone()).is_some()));
            }
        }
        let tokens = analysis.tokens(file);
        prop_assert!(tokens.windows(2).all(|w| w[0].loc.end <= w[1].loc.start));
    }
}
