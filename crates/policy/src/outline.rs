// SPDX-License-Identifier: Apache-2.0
//! A compiled policy as it is written: what is declared where, which declaration reads which, what a rule costs. For
//! explaining a policy, never for judging.

use crate::check::{Found, Used};
use crate::cost;
use crate::ir::Typed;
use crate::program::Program;
use crate::syntax::plain::one_line;
use std::collections::{BTreeMap, BTreeSet};
use wardroom_report::{FileId, Loc, Sources};

/// The texts of a policy, and where names stand in them.
#[derive(Default)]
pub(crate) struct Text {
    sources: Sources,
    /// Where the lines of each text begin.
    lines: Vec<Vec<u32>>,
    /// Ascending by id.
    declared: Vec<Declared>,
    /// Numbers of declarations: one that reads, and what it reads.
    reads: BTreeSet<(usize, usize)>,
}

/// Something declared under an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its id.
    pub id: Box<str>,
    /// What it is: `rule`, `feature`, `list`, …
    pub what: &'static str,
    /// The file it stands in, and the line.
    pub place: (Box<str>, usize),
    /// Its text, to the next declaration, without comments at its end.
    pub text: Box<str>,
}

/// What a rule costs, in units of static cost: about nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    /// The most that asking each of its terms costs, in their order.
    pub terms: Vec<u32>,
    /// Its dearest expression that is no mere sum of others, and what that costs.
    pub dearest: Option<(Box<str>, u32)>,
}

impl Text {
    pub(crate) fn new(sources: Sources, found: Found) -> Text {
        let heads: BTreeMap<FileId, Vec<u32>> =
            sources.iter().map(|(file, _, text)| (file, heads(text))).collect();
        let lines = sources.iter().map(|(_, _, text)| lines(text)).collect();
        let mut texts = Text { sources, lines, declared: Vec::new(), reads: BTreeSet::new() };
        let head = |loc: Loc| head(&heads, loc);
        let mut owners: BTreeMap<(FileId, u32), usize> = BTreeMap::new();
        for (id, what, loc) in found.declared {
            if let Some((start, end)) = head(loc) {
                owners.insert((loc.file, start), texts.declared.len());
                let end = end.min(u32::try_from(texts.sources.text(loc.file).len()).unwrap_or(u32::MAX));
                let text = trimmed(texts.sources.slice(Loc { file: loc.file, start, end })).into();
                let place = texts.place(loc);
                texts.declared.push(Declared { id: id.into(), what, place, text });
            }
        }
        let owner = |loc: Loc| head(loc).and_then(|(start, _)| owners.get(&(loc.file, start)).copied());
        for found in found.uses {
            let Used::Declared(_, of) = found.of else { continue };
            if let (Some(by), Some(of)) = (owner(found.loc), owner(of)) {
                texts.reads.extend((by != of).then_some((by, of)));
            }
        }
        texts
    }

    /// An expression on one line.
    pub(crate) fn line(&self, loc: Loc) -> String {
        one_line(&self.sources, loc)
    }

    /// File and line of a place.
    pub(crate) fn place(&self, loc: Loc) -> (Box<str>, usize) {
        let begun = |lines: &Vec<u32>| lines.partition_point(|start| *start <= loc.start);
        let line = self.lines.get(loc.file.0 as usize).map_or(1, begun);
        (self.sources.name(loc.file).into(), line)
    }

    fn number(&self, id: &str) -> Option<usize> {
        self.declared.iter().position(|d| *d.id == *id)
    }
}

/// Where lines begin.
fn lines(text: &str) -> Vec<u32> {
    let ends = text.match_indices('\n').map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX));
    std::iter::once(0).chain(ends).collect()
}

/// Where declarations begin: the lines that begin with a letter. One pass over a text, however many names stand in it.
fn heads(text: &str) -> Vec<u32> {
    let mut at = 0;
    let mut heads = Vec::new();
    for line in text.split_inclusive('\n') {
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            heads.extend(u32::try_from(at));
        }
        at += line.len();
    }
    heads
}

/// The stretch of the declaration that a place lies in.
fn head(heads: &BTreeMap<FileId, Vec<u32>>, loc: Loc) -> Option<(u32, u32)> {
    let heads = heads.get(&loc.file)?;
    let next = heads.partition_point(|start| *start <= loc.start);
    let start = *heads.get(next.checked_sub(1)?)?;
    Some((start, heads.get(next).copied().unwrap_or(u32::MAX)))
}

/// Without the empty lines and comments at the left margin that end it: they are about what follows.
fn trimmed(text: &str) -> &str {
    let mut kept = text.trim_end();
    while let Some((before, last)) = kept.rsplit_once('\n') {
        if !(last.starts_with('#') || last.trim().is_empty()) {
            break;
        }
        kept = before.trim_end();
    }
    kept
}

impl Program {
    /// Everything declared under an id, ascending by ids. Event types, records and tests have none.
    pub fn declared(&self) -> &[Declared] {
        &self.text.declared
    }

    /// What the declaration under this id reads by name.
    pub fn reads(&self, id: &str) -> Vec<&Declared> {
        self.beside(id, |(by, of), number| (by == number).then_some(of))
    }

    /// What reads it by name.
    pub fn readers(&self, id: &str) -> Vec<&Declared> {
        self.beside(id, |(by, of), number| (of == number).then_some(by))
    }

    fn beside(&self, id: &str, other: impl Fn((usize, usize), usize) -> Option<usize>) -> Vec<&Declared> {
        let Some(number) = self.text.number(id) else { return Vec::new() };
        let found: BTreeSet<usize> = self.text.reads.iter().filter_map(|pair| other(*pair, number)).collect();
        found.into_iter().filter_map(|n| self.text.declared.get(n)).collect()
    }

    /// What a rule costs.
    pub fn costs(&self, rule: usize) -> Costs {
        let terms: &[crate::Term] = self.rules.get(rule).map_or(&[], |r| &r.terms);
        let typed: Vec<&Typed> = terms.iter().map(|t| &t.typed).collect();
        let dearest = typed.iter().map(|t| cost::dearest(t)).max_by_key(|(cost, _)| *cost);
        let dearest = dearest.map(|(cost, loc)| (self.text.line(loc).into(), cost));
        Costs { terms: typed.iter().map(|t| cost::expression(t)).collect(), dearest }
    }

    /// File and line of a rule.
    pub fn place(&self, rule: usize) -> (Box<str>, usize) {
        self.rules.get(rule).map_or_else(Default::default, |r| self.text.place(r.loc))
    }
}
