// SPDX-License-Identifier: Apache-2.0
//! What an editor asks of a policy: what stands where, what it means and costs, where it is declared and used, what
//! could be written here.
//!
//! A policy that is being written is wrong most of the time. So all of this works on policies with faults: what could
//! be read is known, and what could not be is left out.

mod call;
mod complete;
mod expr;
mod help;
mod outline;
mod place;
mod symbol;
#[cfg(test)]
mod tests;
mod tokens;
mod uses;

pub use call::Signature;
pub use complete::{Candidate, Completion, What};
pub use outline::{Declaration, Target};
pub use symbol::{Symbol, nanos};
pub use tokens::{Token, TokenKind};

use crate::check::Seen;
use crate::ir::Checked;
use crate::sink::Sink;
use crate::syntax::cursor::TAKEN;
use crate::syntax::tree::{Decl, File};
use crate::{Bundle, check, syntax};
use std::collections::HashMap;
use wardroom_event::Type;
use wardroom_report::{Diagnostic, FileId, Loc, Sources};

/// A policy as it was read, with all there is to ask about its text.
pub struct Analysis {
    /// Errors and warnings in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that places point into: every `.ward` file under its path.
    pub sources: Sources,
    /// What is declared, in the order of the text.
    pub declarations: Vec<Declaration>,
    /// The tree of each text, at the number of its [`FileId`].
    files: Vec<File>,
    /// Where names are used, in the order of the text, each place with a target once.
    uses: Vec<(Loc, Target)>,
    /// Where declarations stand, those that could not be read among them.
    blocks: Vec<Loc>,
    /// The same as [`Analysis::declarations`] and [`Analysis::uses`], by what is declared and used.
    by_target: HashMap<Target, Places>,
    /// The types that declared values are read as.
    reads: HashMap<Box<str>, Type>,
    typed: HashMap<Loc, (Type, u32)>,
    checked: Checked,
}

/// Where something is declared, by the numbers of declarations, and used.
#[derive(Default)]
struct Places {
    declared: Vec<usize>,
    used: Vec<Loc>,
}

/// Reads and checks a policy for an editor.
pub fn analyse(bundle: &Bundle) -> Analysis {
    let mut sink = Sink::default();
    let (files, sources) = syntax::parse_bundle(bundle, &mut sink);
    let (checked, found) = check::check_and_see(&files, bundle, &sources, &mut sink);
    let (declarations, blocks) = outline::outline(&files, &sources);
    let mut analysis = Analysis {
        diagnostics: sink.finish(),
        sources,
        declarations,
        files,
        uses: Vec::new(),
        blocks,
        by_target: HashMap::new(),
        reads: reads(&checked),
        typed: types(&found.typed),
        checked,
    };
    analysis.uses = uses::uses(&analysis, &found.uses);
    analysis.by_target = by_target(&analysis);
    analysis
}

fn by_target(analysis: &Analysis) -> HashMap<Target, Places> {
    let mut all: HashMap<Target, Places> = HashMap::new();
    for (number, declared) in analysis.declarations.iter().enumerate() {
        all.entry(declared.target.clone()).or_default().declared.push(number);
    }
    for (loc, target) in &analysis.uses {
        all.entry(target.clone()).or_default().used.push(*loc);
    }
    all
}

fn reads(checked: &Checked) -> HashMap<Box<str>, Type> {
    let computed = checked.computed.iter().map(|c| (c.id.clone(), c.typed.kind));
    computed.chain(checked.features.iter().map(|f| (f.id.clone(), f.kind))).collect()
}

/// A value that is read for several types of event is of the type and cost it had last.
fn types(seen: &[Seen]) -> HashMap<Loc, (Type, u32)> {
    seen.iter().map(|s| (s.loc, (s.kind, s.cost))).collect()
}

impl Analysis {
    /// The number of the text with this path.
    pub fn file(&self, path: &str) -> Option<FileId> {
        self.sources.iter().find(|(_, name, _)| *name == path).map(|(id, _, _)| id)
    }

    /// What the name at this place stands for: the place of the whole name, and everything it stands for. A key of a
    /// feature that counts several types of event stands for a field of each.
    pub fn targets(&self, file: FileId, offset: usize) -> Option<(Loc, Vec<&Target>)> {
        let declared = self.declarations.iter().map(|d| (d.name, &d.target));
        let used = self.uses.iter().map(|(loc, target)| (*loc, target));
        let here: Vec<(Loc, &Target)> =
            declared.chain(used).filter(|(loc, _)| touches(*loc, file, offset)).collect();
        let best =
            here.iter().map(|(loc, _)| *loc).min_by_key(|loc| (!holds(*loc, offset), loc.end - loc.start))?;
        let mut targets: Vec<&Target> =
            here.iter().filter(|(loc, _)| *loc == best).map(|(_, t)| *t).collect();
        targets.dedup();
        Some((best, targets))
    }

    /// Where something is declared; twice where it is declared twice.
    pub fn declared<'a>(&'a self, target: &Target) -> impl Iterator<Item = &'a Declaration> + use<'a> {
        let numbers = self.by_target.get(target).map_or(&[][..], |places| &places.declared);
        numbers.iter().map(|number| &self.declarations[*number])
    }

    /// Where something is used, in the order of the text.
    pub fn uses(&self, target: &Target) -> impl Iterator<Item = Loc> + use<'_> {
        self.by_target.get(target).map_or(&[][..], |places| &places.used).iter().copied()
    }

    /// Everything that is used at a place.
    fn used_at(&self, loc: Loc) -> &[(Loc, Target)] {
        let from = self.uses.partition_point(|(at, _)| *at < loc);
        let count = self.uses[from..].iter().take_while(|(at, _)| *at == loc).count();
        &self.uses[from..from + count]
    }

    /// Where declarations stand in a text.
    pub fn blocks(&self, file: FileId) -> impl Iterator<Item = Loc> {
        self.blocks.iter().copied().filter(move |loc| loc.file == file)
    }

    /// The comment right above a declaration, without its marks.
    pub fn doc(&self, of: &Declaration) -> String {
        syntax::declare::comment_above(self.sources.text(of.whole.file), of.whole.start as usize)
    }

    /// A declaration's first line, or all of it where that is one line, on one line.
    pub fn definition(&self, of: &Declaration) -> String {
        let text = self.sources.slice(of.line);
        let tokens = syntax::lex::lex(of.line.file, text, &mut Sink::default());
        let mut line = String::new();
        let mut end = 0;
        for token in tokens {
            if end > 0 && token.loc.start > end {
                line.push(' ');
            }
            line.push_str(text.get(token.loc.start as usize..token.loc.end as usize).unwrap_or_default());
            end = token.loc.end;
        }
        line.trim_end_matches(':').to_owned()
    }

    /// Where a rule says what it was called before, and that name.
    pub fn was(&self, rule: &Target) -> Option<(Loc, &str)> {
        match self.decl(rule)? {
            Decl::Rule(rule) => rule.was.as_ref().map(|was| (was.loc, was.name.as_str())),
            _ => None,
        }
    }

    /// What declares this in the policy's names: every field that goes by one name because some feature counts the
    /// events of several types by it, and else the target alone.
    pub fn together(&self, target: &Target) -> Vec<Target> {
        let mut all = vec![target.clone()];
        let mut at = 0;
        while let Some(one) = all.get(at).cloned() {
            for loc in self.uses(&one) {
                let also = self.used_at(loc).iter().map(|(_, t)| t);
                let new: Vec<Target> = also.filter(|t| !all.contains(t)).cloned().collect();
                all.extend(new);
            }
            at += 1;
        }
        all
    }
}

/// Whether a name could be declared: letters a–z, digits and `_`, and no word of the language. Says what is wrong.
pub fn fault_of_name(name: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_part) {
        return Some("a name is made of a–z, 0–9 and _, and does not begin with a digit".to_owned());
    }
    TAKEN.contains(&name).then(|| format!("`{name}` is a word of the language"))
}

fn touches(loc: Loc, file: FileId, offset: usize) -> bool {
    loc.file == file && (loc.start as usize..=loc.end as usize).contains(&offset)
}

/// Whether the character after the offset belongs to the place.
fn holds(loc: Loc, offset: usize) -> bool {
    (loc.start as usize..loc.end as usize).contains(&offset)
}
