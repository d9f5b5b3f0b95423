// SPDX-License-Identifier: Apache-2.0
//! A text put into a policy: what it declares takes the place of what stood under the same name, so that a rule can be
//! tried against the past before anybody edits a file. And which rules come out other than they were, for whatever reason.

use crate::diff::diff;
use crate::sink::Sink;
use crate::syntax::parse_text;
use crate::{Bundle, Compiled, Program, compile};
use std::collections::{BTreeMap, BTreeSet};
use wardroom_report::Sources;

/// Puts a text into a policy. Where `path` names one of its files, that file is this text now. Otherwise the text is a file of
/// its own: in the folder of `path`, or, without one, in the folder where what it declares stood before, or at the top,
/// or in the first folder in which it compiles; and what stood there under the same names is taken out.
///
/// # Errors
/// What is wrong with the text, at the place where it belongs most likely.
pub fn put(
    base: &Program,
    bundle: &Bundle,
    text: &str,
    path: Option<&str>,
) -> Result<(Bundle, Program), Box<Compiled>> {
    let mut first = None;
    for bundle in placed(base, bundle, text, path) {
        let mut compiled = compile(&bundle);
        if let Some(program) = compiled.program.take() {
            return Ok((bundle, program));
        }
        first.get_or_insert(compiled);
    }
    Err(Box::new(first.unwrap_or_else(|| compile(&Bundle::single(NAME, text)))))
}

/// What the file is called that a text is put in.
const NAME: &str = "draft.ward";

/// The policies that a text may be meant to make, the likeliest first.
fn placed<'a>(
    base: &'a Program,
    bundle: &'a Bundle,
    text: &'a str,
    path: Option<&'a str>,
) -> Box<dyn Iterator<Item = Bundle> + 'a> {
    if let Some(path) = path.filter(|path| bundle.get(path).is_some()) {
        let mut whole = bundle.clone();
        whole.add(path, text);
        return Box::new(std::iter::once(whole));
    }
    let names = names(text);
    let folders = match path {
        Some(path) => vec![Bundle::namespace(path)],
        None => folders(base, bundle, &names),
    };
    Box::new(folders.into_iter().map(move |folder| within(base, bundle, text, &names, &folder)))
}

/// The names that a text declares.
fn names(text: &str) -> Vec<String> {
    let mut sources = Sources::new();
    let file = sources.add(NAME, text);
    let decls = parse_text(file, &sources, &mut Sink::default());
    decls.iter().filter_map(|decl| decl.name()).map(|ident| ident.name.clone()).collect()
}

/// The folders of a policy, those first where these names stand; of the others the top comes first.
fn folders(base: &Program, bundle: &Bundle, names: &[String]) -> Vec<String> {
    let mut all: BTreeMap<String, usize> = BTreeMap::from([(String::new(), 0)]);
    all.extend(bundle.sources().map(|(path, _)| (Bundle::namespace(path), 0)));
    for declared in base.declared() {
        let (folder, name) = declared.id.rsplit_once('.').unwrap_or(("", &declared.id));
        if let Some(known) = all.get_mut(folder).filter(|_| names.iter().any(|n| n == name)) {
            *known += 1;
        }
    }
    let mut folders: Vec<(String, usize)> = all.into_iter().collect();
    folders.sort_by_key(|(_, known)| std::cmp::Reverse(*known));
    folders.into_iter().map(|(folder, _)| folder).collect()
}

/// The policy with the text in a folder, and without what it declares anew.
fn within(base: &Program, bundle: &Bundle, text: &str, names: &[String], folder: &str) -> Bundle {
    let within = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}.{name}") };
    let mut made = bundle.clone();
    for id in names.iter().map(|name| within(name)) {
        for declared in base.declared().iter().filter(|d| *d.id == *id) {
            let file = &*declared.place.0;
            if let Some(before) = made.get(file).map(str::to_owned)
                && let Some(at) = before.find(&*declared.text)
            {
                let end = at + declared.text.len();
                made.add(file, format!("{}{}", &before[..at], &before[end..]));
            }
        }
    }
    let folder = folder.replace('.', "/");
    let path = |n: usize| {
        let name = if n == 0 { NAME.to_owned() } else { format!("draft{n}.ward") };
        if folder.is_empty() { name } else { format!("{folder}/{name}") }
    };
    let free = (0..).map(path).find(|path| bundle.get(path).is_none()).unwrap_or_default();
    made.add(free, text);
    made
}

/// The rules of a policy that are not what they were in another, by number: they are new, they say something else, or
/// something that they read, however far down, is another thing now.
pub fn changed_rules(before: &Program, after: &Program) -> Vec<usize> {
    let diff = diff(before, after);
    let mut open: Vec<&str> = Vec::new();
    open.extend(diff.rules.added.iter().map(|n| &*n.id));
    open.extend(diff.rules.changed.iter().map(|n| &*n.id));
    open.extend(diff.features.added.iter().map(|n| &*n.id));
    open.extend(diff.features.changed.iter().map(|n| &*n.id));
    open.extend(diff.lists.added.iter().map(|n| &*n.id));
    open.extend(diff.lists.changed.iter().map(|n| &*n.id));
    open.extend(diff.values.added.iter().map(|n| &*n.id));
    open.extend(diff.values.changed.iter().map(|n| &*n.id));
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            open.extend(after.readers(id).into_iter().map(|d| &*d.id));
        }
    }
    let rules = after.rules.iter().enumerate();
    rules.filter(|(_, rule)| reached.contains(&*rule.id)).map(|(number, _)| number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: &str = "event login:\n    account: account\n    ip: ip\n    ok: bool\n";
    const SSH: &str = "feature failures = count(login, where=not ok, by=ip, last=\"10m\")\n\n# Guesses.\nrule guessing on login:\n    when    failures >= 3\n    then    block\n    because \"{failures}\"\n\nrule other on login:\n    when    ok\n    then    limit\n    because \"\"\n";

    fn base() -> (Bundle, Program) {
        let mut bundle = Bundle::single("events.ward", TOP);
        bundle.add("ssh/rules.ward", SSH);
        let program = compile(&bundle).program.unwrap();
        (bundle, program)
    }

    fn after(text: &str, path: Option<&str>) -> (Bundle, Program, Vec<String>) {
        let (bundle, before) = base();
        let (made, program) =
            put(&before, &bundle, text, path).unwrap_or_else(|c| panic!("{:?}", c.diagnostics));
        let changed = changed_rules(&before, &program);
        let changed = changed.into_iter().map(|n| program.rules[n].id.to_string()).collect();
        (made, program, changed)
    }

    #[test]
    fn an_edited_rule_takes_the_place_of_the_one_before() {
        let edited =
            "rule guessing on login:\n    when failures >= 2\n    then review\n    because \"{failures}\"\n";
        let (made, program, changed) = after(edited, None);
        assert_eq!(changed, ["ssh.guessing"]);
        assert_eq!(program.rules.len(), 2);
        assert!(
            made.get("ssh/draft.ward").is_some() && !made.get("ssh/rules.ward").unwrap().contains(">= 3")
        );
        assert!(made.get("ssh/rules.ward").unwrap().contains("rule other"), "the rest stands");
    }

    #[test]
    fn a_new_rule_goes_where_it_compiles() {
        let new = "rule more on login:\n    when failures >= 9\n    then block\n    because \"\"\n";
        assert_eq!(after(new, None).2, ["ssh.more"]);
        let by_path = "rule more on login:\n    when ssh.failures >= 9\n    then block\n    because \"\"\n";
        assert_eq!(after(by_path, None).2, ["more"]);
        assert_eq!(after(by_path, Some("web/x.ward")).2, ["web.more"]);
    }

    #[test]
    fn what_reads_something_else_now_is_another_rule() {
        let feature = "feature failures = count(login, where=not ok, by=ip, last=\"20m\")\n";
        assert_eq!(after(feature, None).2, ["ssh.guessing"]);
        let whole = SSH.replace("10m", "1h").replace("then    limit", "then    review");
        assert_eq!(after(&whole, Some("ssh/rules.ward")).2, ["ssh.guessing", "ssh.other"]);
        assert!(after("# Nothing.\n", None).2.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_at_its_likeliest_place() {
        let (bundle, before) = base();
        let text = "rule guessing on login:\n    when failurs >= 2\n    then review\n    because \"\"\n";
        let compiled = put(&before, &bundle, text, None).err().unwrap();
        assert!(
            compiled.diagnostics.iter().any(|d| d.message.contains("failurs")),
            "{:?}",
            compiled.diagnostics
        );
        assert!(compiled.sources.iter().any(|(_, name, _)| name == "ssh/draft.ward"));
    }
}
