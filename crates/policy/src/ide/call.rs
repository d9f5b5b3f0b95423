// SPDX-License-Identifier: Apache-2.0
//! The call a cursor stands in: how it is written and which of its values is due.

use super::Analysis;
use super::help;
use super::outline::Target;
use super::place::{Inside, Place};
use crate::functions::{self, Form, SPECIAL};
use crate::syntax::tree::Decl;
use wardroom_report::FileId;

/// How something is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The whole form.
    pub form: String,
    /// Its values, each a stretch of the form in bytes.
    pub values: Vec<std::ops::Range<usize>>,
    /// Which of them is due.
    pub due: Option<usize>,
    /// What it does.
    pub doc: String,
}

impl Analysis {
    /// The forms of the call that is open at a place, the one that fits first.
    pub fn signatures(&self, file: FileId, offset: usize) -> Vec<Signature> {
        let place = Place::of(self.sources.text(file), file, offset);
        if place.inside == Inside::Words {
            return Vec::new();
        }
        let Some(open) = place.open() else { return Vec::new() };
        let (argument, named) = (open.argument, open.named);
        let forms = self.forms(&place, open.name, open.method);
        forms.into_iter().map(|(form, doc)| signature(form, doc, argument, named)).collect()
    }

    fn forms(&self, place: &Place, name: &str, method: bool) -> Vec<(String, String)> {
        let of = |table, method: bool| {
            help::find(table, name).filter(|_| !method).map(|h| (h.form.to_owned(), h.doc.to_owned()))
        };
        match (place.head_word(), place.clause()) {
            ("rule", "then") | ("test", "expect") => {
                return of(help::EFFECTS, method)
                    .or_else(|| of(help::VERDICTS, method))
                    .into_iter()
                    .collect();
            }
            ("test", _) => return self.event(name).into_iter().collect(),
            _ => {}
        }
        let table = self.table(name);
        let form = if method { Form::Method } else { Form::Call };
        let functions = functions::find(form, name).map(|f| (f.signature(), f.doc.to_owned()));
        let special = SPECIAL
            .iter()
            .filter(|s| s.name == name && !method)
            .map(|s| (s.signature.to_owned(), s.doc.to_owned()));
        let aggregate =
            of(help::AGGREGATES, method).filter(|_| place.head_word() == "feature" || name == "baseline");
        table.into_iter().chain(aggregate).chain(functions).chain(special).collect()
    }

    fn table(&self, name: &str) -> Option<(String, String)> {
        let target =
            self.declarations.iter().find(|d| d.what == "table" && self.sources.slice(d.name) == name)?;
        let Some(Decl::Table(table)) = self.decl(&target.target) else { return None };
        let columns: Vec<String> =
            table.columns.iter().map(|(n, k)| format!("{}: {}", n.name, k.name)).collect();
        Some((format!("{name}({}) -> {}", columns.join(", "), table.result.name), self.doc(target)))
    }

    fn event(&self, name: &str) -> Option<(String, String)> {
        let event = self.declared(&Target::Event(name.to_owned())).next()?;
        let fields = self.declarations.iter().filter(|d| d.within.as_ref() == Some(&event.target));
        let fields: Vec<&str> = fields.map(|d| self.sources.slice(d.whole)).collect();
        Some((format!("{name}({})", fields.join(", ")), self.doc(event)))
    }
}

fn signature(form: String, doc: String, argument: usize, named: Option<&str>) -> Signature {
    let values = values(&form);
    let name_of = |value: &std::ops::Range<usize>| {
        form[value.clone()].split([':', '=']).next().unwrap_or_default().trim().to_owned()
    };
    let due = match named {
        Some(name) => values.iter().position(|v| name_of(v) == name),
        None if argument < values.len() => Some(argument),
        // What may be repeated is the last.
        None => form.contains('…').then(|| values.len().saturating_sub(1)).filter(|_| !values.is_empty()),
    };
    Signature { form, values, due, doc }
}

/// What stands between the brackets of a form, cut at its commas.
fn values(form: &str) -> Vec<std::ops::Range<usize>> {
    let Some(open) = form.find('(') else { return Vec::new() };
    let mut values = Vec::new();
    let (mut depth, mut from, mut quoted) = (0usize, open + 1, false);
    for (at, c) in form.char_indices().skip_while(|(at, _)| *at <= open) {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' => depth += 1,
            ')' if depth == 0 => {
                push(form, from..at, &mut values);
                break;
            }
            ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                push(form, from..at, &mut values);
                from = at + 1;
            }
            _ => {}
        }
    }
    values
}

fn push(form: &str, range: std::ops::Range<usize>, values: &mut Vec<std::ops::Range<usize>>) {
    let text = &form[range.clone()];
    let start = range.start + (text.len() - text.trim_start().len());
    let end = range.end - (text.len() - text.trim_end().len());
    if start < end && &form[start..end] != "…" {
        values.push(start..end);
    }
}
