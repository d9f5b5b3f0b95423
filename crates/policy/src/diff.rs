// SPDX-License-Identifier: Apache-2.0
//! What one policy says that another does not: by meaning, where a comparison of texts would go by lines.
//!
//! A feature is known by its definition and a rule by what it asks and says, so another name for either is one line here.
//! Left out: tests, comments, the order of
//! rules, and which file something stands in.

use crate::program::{Defined, Feature};
use crate::{List, Program, Rule};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use wardroom_event::{EventType, Field, Sight};

/// The differences between two policies. As JSON by `serde`, as text for people by `Display`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// The version before.
    pub before: Box<str>,
    /// The version after.
    pub after: Box<str>,
    /// Event types.
    pub events: Part<EventChange>,
    /// Features. One that is new or means something else has to be counted from the journal first: it warms.
    pub features: Part<FeatureChange>,
    /// Lists.
    pub lists: Part<ListChange>,
    /// What is computed or looked up by name: constants, computed features, evidence, scores, models, tables.
    pub values: Part<ValueChange>,
    /// Rules.
    pub rules: Part<RuleChange>,
}

/// The differences in one kind of declaration. What is added or changed stands in the order of the policy after, what is
/// removed in that of the policy before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part<C> {
    /// What only the policy after has.
    pub added: Vec<Named>,
    /// What only the policy before has.
    pub removed: Vec<Named>,
    /// The same under another name.
    pub renamed: Vec<Renamed>,
    /// The same name for something else.
    pub changed: Vec<C>,
}

/// A declaration that only one of the policies has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Its id.
    pub id: Box<str>,
    /// What it is, in a line.
    pub is: Box<str>,
}

/// A declaration with another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// Its id before.
    pub from: Box<str>,
    /// Its id after.
    pub to: Box<str>,
}

/// One thing about a declaration, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What of it.
    pub what: Box<str>,
    /// How it was; null where it was not there.
    pub before: Option<Box<str>>,
    /// How it is; null where it is gone.
    pub after: Option<Box<str>>,
}

/// An event type whose fields changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventChange {
    /// Its name.
    pub id: Box<str>,
    /// Its fields that are other than before, by their names.
    pub fields: Vec<Change>,
}

/// A feature that counts something else than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeatureChange {
    /// Its id.
    pub id: Box<str>,
    /// Its definition before.
    pub before: Box<str>,
    /// Its definition after.
    pub after: Box<str>,
    /// Whether its past has to be counted first. Not so where another feature counted just that.
    pub warms: bool,
}

/// A list with other entries, or of another type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListChange {
    /// Its id.
    pub id: Box<str>,
    /// How many entries only the policy after has.
    pub added: usize,
    /// How many entries only the policy before has.
    pub removed: usize,
    /// Its type, where that is another.
    pub kind: Option<Change>,
}

/// Something computed or looked up by name that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValueChange {
    /// Its id.
    pub id: Box<str>,
    /// What it is: `evidence`, `table`, …
    pub what: Box<str>,
    /// What it said.
    pub before: Box<str>,
    /// What it says.
    pub after: Box<str>,
}

/// A rule that says something else than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleChange {
    /// Its id after.
    pub id: Box<str>,
    /// What about it changed.
    pub changes: Vec<Change>,
}

/// Compares two policies.
pub fn diff(before: &Program, after: &Program) -> Diff {
    let features = features(before, after);
    let names = Names(&features.renamed);
    Diff {
        before: before.version.0.clone(),
        after: after.version.0.clone(),
        events: events(before, after),
        lists: lists(before, after),
        values: values(before, after, &names),
        rules: rules(before, after, &names),
        features,
    }
}

/// Features that have another name: what reads one under its new name says what it said.
struct Names<'a>(&'a [Renamed]);

impl Names<'_> {
    /// An expression of the policy before, by the names of the policy after. Texts in it are templates.
    fn expression(&self, text: &str, owner: &str) -> Box<str> {
        self.rewrite(text, owner, false)
    }

    /// The same for a reason: what stands between braces is an expression.
    fn reason(&self, text: &str, owner: &str) -> Box<str> {
        self.rewrite(text, owner, true)
    }

    fn rewrite(&self, text: &str, owner: &str, reason: bool) -> Box<str> {
        if self.0.is_empty() {
            return text.into();
        }
        let (mut out, mut path) = (String::with_capacity(text.len()), String::new());
        let (mut quoted, mut braced, mut escaped) = (reason, false, false);
        for c in text.chars().chain(['\0']) {
            if (!quoted || braced) && (c.is_alphanumeric() || matches!(c, '_' | '.')) {
                path.push(c);
                continue;
            }
            out.push_str(&self.path(&path, owner));
            path.clear();
            match c {
                _ if escaped => {}
                '"' if !reason => (quoted, braced) = (!quoted, false),
                '{' if quoted => braced = true,
                '}' => braced = false,
                _ => {}
            }
            escaped = c == '\\' && !escaped;
            out.push(c);
        }
        out.pop();
        out.into()
    }

    /// `failures`, `ssh.failures`, `failures.spread`, as it stands in the folder of `owner`.
    fn path(&self, path: &str, owner: &str) -> String {
        let within = |id: &str| id.rsplit_once('.').map_or(String::new(), |(folder, _)| format!("{folder}."));
        for Renamed { from, to } in self.0 {
            let (here, was) = (within(owner), within(from));
            let short = |id: &'_ str| id.strip_prefix(&*was).filter(|_| was == here).map(str::to_owned);
            let pairs =
                [(Some(from.to_string()), to.to_string()), (short(from), short(to).unwrap_or_default())];
            for (old, new) in pairs {
                let rest = old.and_then(|old| path.strip_prefix(&*old));
                if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('.')) {
                    return new + rest;
                }
            }
        }
        path.to_owned()
    }
}

impl Diff {
    /// Whether both say the same, whatever their texts are.
    pub fn is_empty(&self) -> bool {
        let counted = self.features.is_empty() && self.lists.is_empty();
        self.events.is_empty() && counted && self.values.is_empty() && self.rules.is_empty()
    }
}

impl<C> Part<C> {
    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.renamed.is_empty() && self.changed.is_empty()
    }

    /// Sorts two lists of declarations by their ids, finds names that changed by `alike`, and what else did by `change`.
    fn of<T>(
        (before, after): (&[T], &[T]),
        id: impl Fn(&T) -> &str,
        is: impl Fn(&T) -> Box<str>,
        alike: impl Fn(&T, &T) -> bool,
        change: impl Fn(&T, &T) -> Option<C>,
    ) -> Part<C> {
        let old: HashMap<&str, &T> = before.iter().map(|t| (id(t), t)).collect();
        let new: HashSet<&str> = after.iter().map(&id).collect();
        let mut gone: Vec<&T> = before.iter().filter(|t| !new.contains(id(t))).collect();
        let mut part =
            Part { added: Vec::new(), removed: Vec::new(), renamed: Vec::new(), changed: Vec::new() };
        for this in after {
            let known = old.get(id(this)).copied().or_else(|| {
                let was = gone.remove(gone.iter().position(|was| alike(was, this))?);
                part.renamed.push(Renamed { from: id(was).into(), to: id(this).into() });
                Some(was)
            });
            match known {
                Some(was) => part.changed.extend(change(was, this)),
                None => part.added.push(Named { id: id(this).into(), is: is(this) }),
            }
        }
        part.removed = gone.into_iter().map(|t| Named { id: id(t).into(), is: is(t) }).collect();
        part
    }
}

fn events(before: &Program, after: &Program) -> Part<EventChange> {
    let types = |program: &Program| program.schema.iter().map(|(_, t)| t.clone()).collect::<Vec<_>>();
    let fields = |t: &EventType| {
        let fields: Vec<String> = t.fields.iter().map(|f| format!("{}: {}", f.name, kind(f))).collect();
        fields.join(", ").into()
    };
    let change = |was: &EventType, this: &EventType| {
        let fields = field_changes(was, this);
        (!fields.is_empty()).then(|| EventChange { id: this.name.clone(), fields })
    };
    // A type's name is known to those who send events: another name is another type.
    Part::of((&types(before), &types(after)), |t| &t.name, fields, |_, _| false, change)
}

fn field_changes(was: &EventType, this: &EventType) -> Vec<Change> {
    let kinds =
        |t: &EventType| t.fields.iter().map(|f| (f.name.clone(), kind(f))).collect::<BTreeMap<_, _>>();
    let (old, new) = (kinds(was), kinds(this));
    let names: std::collections::BTreeSet<&Box<str>> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| Change::of(name, old.get(name).cloned(), new.get(name).cloned()))
        .collect()
}

/// A field's type as it is declared.
fn kind(field: &Field) -> Box<str> {
    let (mark, hashed) = (if field.optional { "?" } else { "" }, if field.hashed { " hashed" } else { "" });
    format!("{}{mark}{hashed}", field.kind.name()).into()
}

fn features(before: &Program, after: &Program) -> Part<FeatureChange> {
    let known: HashSet<&str> = before.features.iter().map(|f| &*f.definition).collect();
    let change = |was: &Feature, this: &Feature| {
        (was.definition != this.definition).then(|| FeatureChange {
            id: this.id.clone(),
            before: was.text.clone(),
            after: this.text.clone(),
            warms: !known.contains(&*this.definition),
        })
    };
    let alike = |was: &Feature, this: &Feature| was.definition == this.definition;
    Part::of((&before.features, &after.features), |f| &f.id, |f| f.text.clone(), alike, change)
}

fn lists(before: &Program, after: &Program) -> Part<ListChange> {
    let entries = |list: &List| {
        list.entries.iter().map(|(e, until)| (e.show(list.kind, Sight::Full), *until)).collect::<HashSet<_>>()
    };
    let change = |was: &List, this: &List| {
        let (old, new) = (entries(was), entries(this));
        let (added, removed) = (new.difference(&old).count(), old.difference(&new).count());
        let name = |list: &List| Some(list.kind.name().into());
        let kind = Change::of("type", name(was), name(this));
        let changed = added + removed > 0 || kind.is_some();
        changed.then(|| ListChange { id: this.id.clone(), added, removed, kind })
    };
    let is = |list: &List| format!("{}, {} entries", list.kind.name(), list.entries.len()).into();
    Part::of((&before.lists, &after.lists), |l| &l.id, is, |_, _| false, change)
}

fn values(before: &Program, after: &Program, names: &Names<'_>) -> Part<ValueChange> {
    let is = |d: &Defined| format!("{} {}", d.what, d.text).into();
    let change = |was: &Defined, this: &Defined| {
        let same = was.what == this.what && names.expression(&was.text, &was.id) == this.text;
        (!same).then(|| ValueChange {
            id: this.id.clone(),
            what: this.what.into(),
            before: was.text.clone(),
            after: this.text.clone(),
        })
    };
    // Two constants may well have one value: another name is no renaming.
    Part::of((&before.defined, &after.defined), |d| &d.id, is, |_, _| false, change)
}

/// A rule with the name of the event type it judges.
type On<'a> = (&'a Rule, &'a str);

fn rules(before: &Program, after: &Program, names: &Names<'_>) -> Part<RuleChange> {
    fn on(program: &Program) -> Vec<On<'_>> {
        program.rules.iter().map(|r| (r, &*program.schema.get(r.on).name)).collect()
    }
    let is = |(rule, on): &On<'_>| format!("on {on}: {} when {}", follows(rule), condition(rule)).into();
    let alike = |was: &On<'_>, this: &On<'_>| {
        if this.0.was.as_deref() == Some(&*was.0.id) {
            return true;
        }
        let same = |a: &Rule, b: &Rule| {
            a.verdict == b.verdict && names.expression(&condition(a), &a.id) == condition(b)
        };
        was.1 == this.1 && same(was.0, this.0)
    };
    let change = |was: &On<'_>, this: &On<'_>| {
        let changes = rule_changes(*was, *this, names);
        (!changes.is_empty()).then(|| RuleChange { id: this.0.id.clone(), changes })
    };
    Part::of((&on(before), &on(after)), |(rule, _)| &rule.id, is, alike, change)
}

fn rule_changes((was, was_on): On<'_>, (this, this_on): On<'_>, names: &Names<'_>) -> Vec<Change> {
    let some = |text: &str| Some(text.into());
    let expires = |r: &Rule| r.expires.map(|at| at.to_string().into());
    let missing = |r: &Rule| Some(r.missing.name().into());
    let expression = |text: Box<str>| names.expression(&text, &was.id);
    let changes = [
        Change::of("event", some(was_on), some(this_on)),
        Change::of("condition", Some(expression(condition(was))), Some(condition(this))),
        Change::of("verdict", Some(expression(follows(was))), Some(follows(this))),
        Change::of("mode", some(was.mode.name()), some(this.mode.name())),
        Change::of("missing", missing(was), missing(this)),
        Change::of("reason", Some(names.reason(&was.reason, &was.id)), Some(this.reason.clone())),
        Change::of("expires", expires(was), expires(this)),
        Change::of("owner", was.owner.clone(), this.owner.clone()),
    ];
    changes.into_iter().flatten().collect()
}

fn condition(rule: &Rule) -> Box<str> {
    let terms: Vec<&str> = rule.terms.iter().map(|t| &*t.text).collect();
    terms.join(" and ").into()
}

fn follows(rule: &Rule) -> Box<str> {
    let verdict = rule.verdict.map(|v| match &rule.ask {
        Some(ask) => format!("{}({ask:?})", v.name()),
        None => v.name().to_owned(),
    });
    let effects = rule.effects.iter().map(|e| e.text.to_string());
    verdict.into_iter().chain(effects).collect::<Vec<_>>().join(", ").into()
}

impl Change {
    /// A change, if it is one.
    fn of(what: &str, before: Option<Box<str>>, after: Option<Box<str>>) -> Option<Change> {
        (before != after).then(|| Change { what: what.into(), before, after })
    }
}

/// One line for each difference: `+` is new, `-` gone, `>` has another name, `~` is something else than before.
impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            let why = if self.before == self.after { "they are the same" } else { "only their texts differ" };
            return writeln!(f, "policies {} and {} say the same: {why}", self.before, self.after);
        }
        writeln!(f, "policy {} to {}", self.before, self.after)?;
        section(f, "event", &self.events, |f, event| {
            writeln!(f, "~ event {}", event.id)?;
            event.fields.iter().try_for_each(|field| line(f, field))
        })?;
        section(f, "feature", &self.features, |f, feature| {
            let warms = if feature.warms { ", warms" } else { "" };
            writeln!(f, "~ feature {}{warms}", feature.id)?;
            writeln!(f, "    - {}\n    + {}", feature.before, feature.after)
        })?;
        section(f, "list", &self.lists, |f, list| {
            writeln!(f, "~ list {}: {} entries more, {} gone", list.id, list.added, list.removed)?;
            list.kind.iter().try_for_each(|kind| line(f, kind))
        })?;
        section(f, "value", &self.values, |f, value| {
            writeln!(f, "~ {} {}", value.what, value.id)?;
            writeln!(f, "    - {}\n    + {}", value.before, value.after)
        })?;
        section(f, "rule", &self.rules, |f, rule| {
            writeln!(f, "~ rule {}", rule.id)?;
            rule.changes.iter().try_for_each(|change| line(f, change))
        })
    }
}

fn section<C>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    part: &Part<C>,
    changed: impl Fn(&mut fmt::Formatter<'_>, &C) -> fmt::Result,
) -> fmt::Result {
    part.removed.iter().try_for_each(|r| writeln!(f, "- {what} {}: {}", r.id, r.is))?;
    part.added.iter().try_for_each(|a| writeln!(f, "+ {what} {}: {}", a.id, a.is))?;
    part.renamed.iter().try_for_each(|r| writeln!(f, "> {what} {} is {} now", r.from, r.to))?;
    part.changed.iter().try_for_each(|c| changed(f, c))
}

fn line(f: &mut fmt::Formatter<'_>, change: &Change) -> fmt::Result {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => writeln!(f, "    {}: {before} -> {after}", change.what),
        (None, Some(after)) => writeln!(f, "    + {}: {after}", change.what),
        (Some(before), None) => writeln!(f, "    - {}: {before}", change.what),
        (None, None) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bundle, compile};

    const POLICY: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool

event signup:
    ip: ip

feature failures = count(login, where=not ok, by=ip, last="1h")
feature logins = count(login, by=ip, last="1h")
list nets: net = ["192.0.2.0/24", "198.51.100.0/24"]

rule guessing on login:
    when    failures >= 3 and logins < 100
    then    challenge("second factor")
    because "{failures} failures from {ip}"

rule ours on signup:
    when    ip in nets
    then    allow
    because "ours"
    mode    shadow
"#;

    fn program(text: &str) -> Program {
        compile(&Bundle::single("a.ward", text)).program.unwrap()
    }

    fn between(before: &str, after: &str) -> Diff {
        diff(&program(before), &program(after))
    }

    /// The lines after the first that one replacement in the policy brings.
    fn check(replace: &[(&str, &str)], expect: &str) {
        let after = replace.iter().fold(POLICY.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let shown = between(POLICY, &after).to_string();
        let (_, lines) = shown.split_once('\n').unwrap();
        assert_eq!(lines, expect, "{replace:?}");
    }

    #[test]
    fn what_says_the_same_is_the_same() {
        assert!(between(POLICY, POLICY).to_string().ends_with("say the same: they are the same\n"));
        let other = POLICY.replace("by=ip, last=\"1h\"", "last=\"60m\",   by=ip") + "# a comment\n";
        let same = between(POLICY, &other);
        assert!(same.is_empty(), "{same}");
        assert!(same.to_string().ends_with("say the same: only their texts differ\n"), "{same}");
    }

    #[test]
    fn renamed_features_are_read_by_their_new_names() {
        let renamed = [("ssh.failures", "ssh.wrong"), ("n", "m")];
        let renamed = renamed.map(|(from, to)| Renamed { from: from.into(), to: to.into() });
        let names = Names(&renamed);
        for (owner, text, expect) in [
            ("ssh.r", "failures > 3 and x.failures > n", "wrong > 3 and x.failures > m"),
            ("ssh.r", "ssh.failures.spread > failures.mean", "ssh.wrong.spread > wrong.mean"),
            ("web.r", "failures > ssh.failures", "failures > ssh.wrong"),
            (
                "r",
                "n > 1 and nn > n_n and path == \"n \\\" n {n}\" or n < 2",
                "m > 1 and nn > n_n and path == \"n \\\" n {m}\" or m < 2",
            ),
        ] {
            assert_eq!(&*names.expression(text, owner), expect, "{owner}: {text}");
        }
        assert_eq!(&*names.reason("n: \"{n}\" of n", "r"), "n: \"{m}\" of n");
    }

    #[test]
    fn features_are_told_apart_by_what_they_count() {
        check(
            &[("failures =", "wrong ="), ("failures >=", "wrong >="), ("{failures}", "{wrong}")],
            "> feature failures is wrong now\n",
        );
        check(
            &[("failures =", "wrong ="), ("failures >= 3", "wrong >= 4"), ("{failures}", "{wrong}")],
            "> feature failures is wrong now\n~ rule guessing\n    condition: wrong >= 3 and logins < 100 -> wrong >= 4 \
             and logins < 100\n",
        );
        check(
            &[("where=not ok, by=ip, last=\"1h\"", "where=not ok, by=ip, last=\"2h\"")],
            "~ feature failures, warms\n    - count(login, where=not ok, by=ip, last=\"1h\")\n    + count(login, where=not \
             ok, by=ip, last=\"2h\")\n",
        );
        check(
            &[("where=not ok, by=ip", "by=ip")],
            "~ feature failures\n    - count(login, where=not ok, by=ip, last=\"1h\")\n    + count(login, by=ip, \
             last=\"1h\")\n",
        );
        check(
            &[("feature logins = count(login, by=ip, last=\"1h\")\n", ""), (" and logins < 100", "")],
            "- feature logins: count(login, by=ip, last=\"1h\")\n~ rule guessing\n    condition: failures >= 3 and logins \
             < 100 -> failures >= 3\n",
        );
    }

    #[test]
    fn rules_are_told_apart_by_what_they_say() {
        check(&[("rule ours", "rule our_nets")], "> rule ours is our_nets now\n");
        check(
            &[("rule ours", "rule our_nets"), ("shadow", "live"), ("\"ours\"", "\"our own\"")],
            "> rule ours is our_nets now\n~ rule our_nets\n    mode: shadow -> live\n    reason: ours -> our own\n",
        );
        check(
            &[("second factor", "captcha"), ("from {ip}", "at {ip}"), ("mode    shadow", "owner   \"desk\"")],
            "~ rule guessing\n    verdict: challenge(\"second factor\") -> challenge(\"captcha\")\n    reason: {failures} \
             failures from {ip} -> {failures} failures at {ip}\n~ rule ours\n    mode: shadow -> live\n    + owner: desk\n",
        );
        check(
            &[("rule ours", "rule other"), ("ip in nets", "ip not in nets")],
            "- rule ours: on signup: allow when ip in nets\n+ rule other: on signup: allow when ip not in nets\n",
        );
        check(
            &[("mode    shadow", "missing review\n    mode    shadow")],
            "~ rule ours\n    missing: false -> review\n",
        );
    }

    #[test]
    fn types_and_lists_are_compared() {
        check(
            &[("    ok: bool", "    ok: bool\n    device: device?"), ("    account: account\n", "")],
            "~ event login\n    - account: account\n    + device: device?\n",
        );
        check(
            &[
                ("    account: account", "    account: text?"),
                ("event signup", "event other:\n    n: int\n\nevent signup"),
            ],
            "+ event other: n: int\n~ event login\n    account: account -> text?\n",
        );
        check(
            &[("\"198.51.100.0/24\"", "\"198.51.100.0/25\", \"203.0.113.0/24\"")],
            "~ list nets: 2 entries more, 1 gone\n",
        );
        check(&[("\"192.0.2.0/24\", \"198.51.100.0/24\"", "\"198.51.100.0/24\", \"192.0.2.0/24\"")], "");
    }

    #[test]
    fn it_is_json_as_well() {
        let shown = between(POLICY, &POLICY.replace("mode    shadow", ""));
        let json: serde_json::Value = serde_json::to_value(&shown).unwrap();
        let change = serde_json::json!({"id": "ours", "changes": [{"what": "mode", "before": "shadow", "after": "live"}]});
        assert_eq!(json["rules"]["changed"], serde_json::json!([change]));
        assert_eq!(json["features"]["added"], serde_json::json!([]));
        assert_eq!(json["before"], *program(POLICY).version.0);
    }

    #[test]
    fn two_names_for_one_thing_are_paired_once() {
        let twins = POLICY.replace("\nlist", "\nfeature twin = count(login, by=ip, last=\"1h\")\nlist");
        let shown = between(&twins, &twins.replace("twin", "again")).to_string();
        assert!(shown.contains("> feature twin is again now\n"), "{shown}");
        assert_eq!(shown.lines().count(), 2);
        // A second name is new, and yet has its past.
        let shown = between(POLICY, &twins);
        assert_eq!((shown.features.added.len(), shown.features.changed.len()), (1, 0));
    }
}
