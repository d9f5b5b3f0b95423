// SPDX-License-Identifier: Apache-2.0
//! Names and types: from the tree to the checked form. One declaration at a time, every fault reported.

mod case;
mod computed;
mod event;
mod express;
mod feature;
mod list;
mod names;
mod never;
pub(crate) mod query;
mod rule;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use feature::{ARGUMENTS, argument_names};
pub(crate) use names::{Use, Used, id};
#[cfg(test)]
pub(crate) use rule::EFFECTS;

use crate::ir::Checked;
use crate::sink::Sink;
use crate::syntax::tree::{Decl, Expr, File, Ident, ModelDecl};
use crate::{Bundle, limits, syntax};
use names::Names;
use std::cell::Cell;
use std::collections::HashSet;

use wardroom_event::{Field, Part, Schema, Type, TypeId, nearest};
use wardroom_report::Sources;

/// What all checks share.
pub(crate) struct Context<'a> {
    pub(crate) bundle: &'a Bundle,
    pub(crate) sources: &'a Sources,
    pub(crate) names: Names,
    pub(crate) checked: Checked,
    /// Fields whose type could not be read. That has been reported; whatever reads them is not at fault.
    pub(crate) broken_fields: HashSet<(TypeId, String)>,
    pub(crate) diagnostics: &'a mut Sink,
    /// The literals under a name.
    consts: Vec<Expr>,
    tables: Vec<table::Asked>,
    /// What is computed when it is read: checked for each event type that reads it.
    lazy: Vec<computed::Lazy<'a>>,
    /// Those of them that are being checked, each because the one before reads it.
    path: Vec<(usize, wardroom_report::Loc)>,
    /// The id of everything that is declared, known before any of it is checked.
    declared: HashSet<String>,
    /// Where the budgets of event types are written.
    budgets: Vec<(TypeId, wardroom_report::Loc)>,
    /// For each event type, the facts that the policy asks for, as fields after those declared.
    facts: Vec<Vec<Field>>,
    /// How many more names may be compared to find those that were meant.
    comparisons: Cell<usize>,
    /// The type and cost of every expression, where somebody wants to know.
    typed: Option<Vec<Seen>>,
}

impl<'a> Context<'a> {
    fn new(bundle: &'a Bundle, sources: &'a Sources, diagnostics: &'a mut Sink) -> Context<'a> {
        Context {
            bundle,
            sources,
            names: Names::default(),
            checked: Checked::default(),
            broken_fields: HashSet::new(),
            diagnostics,
            consts: Vec::new(),
            tables: Vec::new(),
            lazy: Vec::new(),
            path: Vec::new(),
            budgets: Vec::new(),
            declared: HashSet::new(),
            facts: Vec::new(),
            comparisons: Cell::new(limits::SUGGESTIONS),
            typed: None,
        }
    }

    /// Notes what an expression is, where somebody wants to know.
    fn see(&mut self, expr: &Expr, typed: Option<&crate::ir::Typed>) {
        if let (Some(seen), Some(typed)) = (&mut self.typed, typed) {
            seen.push(Seen { loc: expr.loc, kind: typed.kind, cost: crate::cost::expression(typed) });
        }
    }

    /// The name that was probably meant, while [`limits::SUGGESTIONS`] last: a policy of a million slips must not
    /// take a million times a million comparisons to refuse.
    pub(crate) fn near<'c>(
        &self,
        name: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) -> Option<String> {
        let mut left = self.comparisons.get();
        // A name of quite another length is not near; leaving it out costs nothing.
        let (least, most) = (name.len() / 2, name.len() * 2 + 2);
        let candidates = candidates.into_iter().filter(|c| (least..=most).contains(&c.len()));
        let near = nearest(name, candidates.take(left).inspect(|_| left -= 1));
        let near = near.map(str::to_owned);
        self.comparisons.set(left);
        near
    }

    /// Whether the type of a field is not known, for a reason that has been reported.
    pub(crate) fn is_broken(&self, event: TypeId, field: &str) -> bool {
        !self.broken_fields.is_empty() && self.broken_fields.contains(&(event, field.to_owned()))
    }

    /// A literal, or the one that a constant's name stands for.
    fn literal(&mut self, namespace: &str, expr: &Expr) -> Expr {
        let named = express::dotted(expr).and_then(|name| self.names.find(namespace, &name, expr.loc));
        match named {
            Some((names::Meaning::Const(number), _)) => Expr { loc: expr.loc, ..self.consts[number].clone() },
            _ => expr.clone(),
        }
    }

    /// Whether a feature says what another one usually counts.
    fn is_baseline(&self, feature: usize) -> bool {
        matches!(self.checked.features[feature].aggregate, crate::program::Aggregate::Baseline(_))
    }

    /// The slot of a fact of a field: a field of its own, made when it is first asked for.
    fn fact(&mut self, event: TypeId, of: usize, part: Part) -> usize {
        let declared = self.checked.schema.get(event);
        let (name, kind) = (
            format!("{}.{}", declared.fields[of].name, part.name()),
            part_kind(declared.fields[of].kind, part),
        );
        let after = declared.fields.len();
        let facts = &mut self.facts[usize::from(event.0)];
        let found = facts.iter().position(|f| *f.name == *name);
        after
            + found.unwrap_or_else(|| {
                let fact = Some(wardroom_event::Fact { of, part });
                facts.push(Field { fact, ..Field::plain(name, kind, true) });
                facts.len() - 1
            })
    }

    /// Puts the facts that were asked for into the event types.
    fn settle_facts(&mut self) {
        let facts = std::mem::take(&mut self.facts);
        let mut types: Vec<_> = self.checked.schema.iter().map(|(_, t)| t.clone()).collect();
        for (event, facts) in types.iter_mut().zip(facts) {
            event.fields.extend(facts);
        }
        self.checked.schema = Schema::new(types);
    }
}

fn part_kind(of: Type, part: Part) -> Type {
    Part::named(of, part.name()).map_or(Type::Text, |(_, kind)| kind)
}

/// Names one after the other; of many only the first.
pub(crate) fn listed<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(limits::LISTED);
    let shown: Vec<&str> = names.take(limits::LISTED).collect();
    let shown = shown.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// What checking gave beside the checked form: what editors ask for.
pub(crate) struct Found {
    /// Where names are used.
    pub(crate) uses: Vec<Use>,
    /// What is declared under a name of a folder: id, what it is, where.
    pub(crate) declared: Vec<(String, &'static str, wardroom_report::Loc)>,
    /// What expressions are: of [`check_and_see`] only.
    pub(crate) typed: Vec<Seen>,
}

/// What an expression was found to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) loc: wardroom_report::Loc,
    pub(crate) kind: Type,
    pub(crate) cost: u32,
}

/// Checks a whole policy. With errors the result is incomplete and must not be compiled.
pub(crate) fn check(
    files: &[File],
    bundle: &Bundle,
    sources: &Sources,
    diagnostics: &mut Sink,
) -> (Checked, Found) {
    all(Context::new(bundle, sources, diagnostics), files)
}

/// The same, with the type and cost of every expression beside it.
pub(crate) fn check_and_see(
    files: &[File],
    bundle: &Bundle,
    sources: &Sources,
    diagnostics: &mut Sink,
) -> (Checked, Found) {
    let mut cx = Context::new(bundle, sources, diagnostics);
    cx.typed = Some(Vec::new());
    all(cx, files)
}

fn all<'a>(mut cx: Context<'a>, files: &'a [File]) -> (Checked, Found) {
    whole(&mut cx, files, |_| ());
    finish(cx, files)
}

/// Checks every declaration; `extend` may put more into the event types before anything reads them.
fn whole<'a, T>(cx: &mut Context<'a>, files: &'a [File], extend: impl FnOnce(&mut Context<'a>) -> T) -> T {
    // Each kind of declaration may use those before it in this order, wherever they stand.
    event::declare(cx, files);
    let extended = extend(cx);
    each(files, |file, decl| {
        cx.declared.extend(decl.name().map(|name| names::id(&file.namespace, &name.name)));
    });
    cx.facts = vec![Vec::new(); cx.checked.schema.len()];
    each(files, |file, decl| match decl {
        Decl::Const(constant) => list::constant(cx, file, constant),
        Decl::List(list) => list::check(cx, file, list),
        _ => {}
    });
    each(files, |file, decl| {
        if let Decl::Table(table) = decl {
            table::check(cx, file, table);
        }
    });
    features(cx, files);
    each(files, |file, decl| match decl {
        Decl::Broken { what, name } => {
            cx.names.declare(&file.namespace, name, (what, names::Meaning::Broken), cx.diagnostics);
        }
        Decl::Rule(rule) => rule::declare(cx, file, rule),
        _ => {}
    });
    computed::check_all(cx);
    each(files, |file, decl| {
        if let Decl::Rule(rule) = decl {
            rule::check(cx, file, rule);
        }
    });
    rule::together(cx);
    let mut lines = case::Lines::default();
    each(files, |file, decl| match decl {
        Decl::Test(test) => case::check(cx, file, test, &mut lines),
        Decl::Budget(budget) => event::budget(cx, budget),
        _ => {}
    });
    // What reads a feature may be among what could not be read.
    if cx.diagnostics.errors() == 0 {
        cx.names.report_unused(cx.diagnostics);
        event::over_budget(cx);
    }
    extended
}

/// What has been checked, once nothing more can be asked of the event types.
fn finish(mut cx: Context<'_>, files: &[File]) -> (Checked, Found) {
    cx.settle_facts();
    each(files, |file, decl| {
        let defined = defined(&cx, file, decl);
        cx.checked.defined.extend(defined);
    });
    let declared = cx.names.declared().map(|(id, what, loc)| (id.to_owned(), what, loc)).collect();
    let uses = std::mem::take(&mut cx.names.uses);
    (cx.checked, Found { uses, declared, typed: cx.typed.unwrap_or_default() })
}

/// What a file of the policy says, by its first digits.
fn file_digest(bundle: &Bundle, folder: &str, name: &str) -> String {
    use sha2::{Digest, Sha256};
    let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let digest = Sha256::digest(bundle.get(&path).unwrap_or_default().as_bytes());
    digest.iter().take(6).map(|b| format!("{b:02x}")).collect()
}

/// What is computed or looked up by name, each in one line: what tells two policies apart beside rules and counters.
fn defined(cx: &Context<'_>, file: &File, decl: &Decl) -> Option<crate::Defined> {
    let line = |expr: &Expr| syntax::plain::one_line(cx.sources, expr.loc);
    let from = |name: &Ident| {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("from \"{}\" {}", name.name, file_digest(cx.bundle, folder, &name.name))
    };
    let inputs = |m: &ModelDecl| {
        m.inputs.iter().map(|(n, e)| format!("{} = {}", n.name, line(e))).collect::<Vec<_>>().join(", ")
    };
    let (what, name, text) = match decl {
        Decl::Const(c) => ("constant", &c.name, line(&c.value)),
        Decl::Feature(f) if feature::kind_of(&f.value) == feature::Kind::Computed => {
            ("feature", &f.name, line(&f.value))
        }
        Decl::Evidence(e) => {
            let capped = e.capped.as_ref().map(|(a, b)| format!(" capped {} to {}", line(a), line(b)));
            let weigh = e.weigh.as_ref().map(line).unwrap_or_default();
            let because = rule::written(cx, e.because.as_deref().unwrap_or_default());
            (
                "evidence",
                &e.name,
                format!("weigh {weigh}{} because \"{because}\"", capped.unwrap_or_default()),
            )
        }
        Decl::Score(s) => ("score", &s.name, line(&s.value)),
        Decl::Model(m) => ("model", &m.name, format!("{}: {}", from(&m.file), inputs(m))),
        Decl::Table(t) => match &t.file {
            Some(name) => ("table", &t.name, from(name)),
            None => {
                let rows = t.rows.iter().map(|r| syntax::plain::one_line(cx.sources, r.loc));
                let last = t.otherwise.iter().map(|e| format!("else -> {}", line(e)));
                ("table", &t.name, rows.chain(last).collect::<Vec<_>>().join("; "))
            }
        },
        _ => return None,
    };
    Some(crate::Defined { id: names::id(&file.namespace, &name.name).into(), what, text: text.into() })
}

/// Features that count, then those that count what others count, then those that are computed from them.
fn features<'a>(cx: &mut Context<'a>, files: &'a [File]) {
    each(files, |file, decl| {
        if let Decl::Feature(decl) = decl
            && feature::kind_of(&decl.value) == feature::Kind::Counts
        {
            feature::check(cx, file, decl);
        }
    });
    each(files, |file, decl| {
        if let Decl::Feature(decl) = decl
            && feature::kind_of(&decl.value) == feature::Kind::Baseline
        {
            feature::check_baseline(cx, file, decl);
        }
    });
    each(files, |file, decl| match decl {
        Decl::Feature(decl) if feature::kind_of(&decl.value) == feature::Kind::Computed => {
            computed::declare(cx, file, &decl.name, "feature", computed::What::Feature(&decl.value));
        }
        Decl::Evidence(decl) => {
            computed::declare(cx, file, &decl.name, "evidence", computed::What::Evidence(decl));
        }
        Decl::Score(decl) => computed::declare(cx, file, &decl.name, "score", computed::What::Score(decl)),
        Decl::Model(decl) => computed::model(cx, file, decl),
        _ => {}
    });
}

fn each<'f>(files: &'f [File], mut visit: impl FnMut(&'f File, &'f Decl)) {
    for file in files {
        for decl in &file.decls {
            visit(file, decl);
        }
    }
}
