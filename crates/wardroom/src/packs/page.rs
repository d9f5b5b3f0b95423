// SPDX-License-Identifier: Apache-2.0
//! The book's page of the shipped packs, from the comments above their rules.
//!
//! A comment has fixed headings, each at the beginning of a line: what the rule sees, why abusers do it, whom it hurts
//! when it is wrong, an example, and where there are any its options and references.

use std::fmt::Write as _;
use wardroom_policy::{Program, Rule};

/// The headings of a rule's comment, in their order, and whether every rule has them.
const HEADINGS: [(&str, bool); 6] = [
    ("Sees", true),
    ("Why", true),
    ("Hurts", true),
    ("Example", true),
    ("Options", false),
    ("References", false),
];

/// The parts of a comment under their headings, or what is wrong with it.
pub(super) fn parts(doc: &str) -> Result<Vec<(&'static str, String)>, String> {
    let mut parts: Vec<(usize, String)> = Vec::new();
    for line in doc.lines() {
        let begun = HEADINGS.iter().enumerate().find_map(|(at, (heading, _))| {
            Some((at, line.strip_prefix(heading)?.strip_prefix(": ")?.trim()))
        });
        match (begun, parts.last_mut()) {
            (Some((at, _)), Some((last, _))) if at <= *last => {
                return Err(format!("`{}` stands after `{}`", HEADINGS[at].0, HEADINGS[*last].0));
            }
            (Some((at, text)), _) => parts.push((at, text.to_owned())),
            (None, Some((_, text))) => {
                text.push(' ');
                text.push_str(line.trim());
            }
            (None, None) => return Err(format!("`{line}` stands under no heading")),
        }
    }
    for (at, (heading, needed)) in HEADINGS.iter().enumerate() {
        let found = parts.iter().find(|(of, _)| *of == at);
        if found.map_or(*needed, |(_, text)| text.is_empty()) {
            return Err(format!("`{heading}: …` is missing"));
        }
    }
    Ok(parts.into_iter().map(|(at, text)| (HEADINGS[at].0, text)).collect())
}

/// What opens a file, up to the first empty line, without its marks.
fn opening(text: &str) -> String {
    let comment = text.lines().map_while(|line| line.strip_prefix('#').map(str::trim));
    comment.collect::<Vec<_>>().join("\n")
}

/// The page.
pub(super) fn page(program: &Program, files: &[(&str, &str)]) -> String {
    let mut out = String::from(
        "# The shipped packs\n\n\
         What `policy/` holds, and what `demo` and `replay` judge by where no other policy is given. Made from the comments \
         in the packs: to change this page, change those and run the tests with `BLESS=1`.\n\n\
         To fit a pack to a provider, copy `policy/`, fill the lists in `core/`, change thresholds, and let `wardroom test` \
         and `wardroom replay` say what that changes.\n",
    );
    let mut last = "";
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".ward")) {
        let pack = path.split('/').next().unwrap_or(path);
        if pack != last {
            let _ = write!(out, "\n## {pack}\n");
            last = pack;
        }
        let _ = write!(out, "\n`policy/{path}`\n\n{}\n", escaped(&opening(text)));
        for rule in program.rules.iter().filter(|rule| is_written(rule, pack, text)) {
            section(&mut out, program, rule);
        }
    }
    out
}

/// Whether this file of the pack is where the rule stands: a pack may be of several.
fn is_written(rule: &Rule, pack: &str, text: &str) -> bool {
    let name = rule.id.strip_prefix(pack).and_then(|rest| rest.strip_prefix('.'));
    name.is_some_and(|name| text.lines().any(|line| line.starts_with(&format!("rule {name} on "))))
}

fn section(out: &mut String, program: &Program, rule: &Rule) {
    let _ = write!(out, "\n### {}\n\n{}\n\n", rule.id, follows(program, rule));
    for (heading, text) in parts(&rule.doc).unwrap_or_default() {
        let _ = writeln!(out, "- **{heading}**: {}", escaped(&text));
    }
}

/// What follows, on one line: the event, the verdict, the effects, the mode.
fn follows(program: &Program, rule: &Rule) -> String {
    let verdict = rule.verdict.map(|verdict| match &rule.ask {
        Some(ask) => format!("`{}(\"{ask}\")`", verdict.name()),
        None => format!("`{}`", verdict.name()),
    });
    let effects = rule.effects.iter().map(|effect| format!("`{}`", effect.text));
    let then: Vec<String> = verdict.into_iter().chain(effects).collect();
    let event = &program.schema.get(rule.on).name;
    format!("On `{event}`: {}; {}.", then.join(", "), rule.mode.name())
}

/// Signs that Markdown would take for its own.
fn escaped(text: &str) -> String {
    text.replace('<', "\\<").replace('*', "\\*").replace('_', "\\_")
}
