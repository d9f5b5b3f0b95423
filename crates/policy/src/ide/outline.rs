// SPDX-License-Identifier: Apache-2.0
//! What is declared where.

use crate::check::id;
use crate::sink::Sink;
use crate::syntax::tree::{Decl, FieldDecl, File, Ident};
use crate::syntax::{layout, lex};
use wardroom_report::{FileId, Loc, Sources};

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// An event type.
    Event(String),
    /// A record.
    Record(String),
    /// A field of an event type.
    Field {
        /// The event type.
        of: String,
        /// The field.
        name: String,
    },
    /// A field of a record.
    Column {
        /// The record.
        of: String,
        /// The field.
        name: String,
    },
    /// A constant, feature, list, table, model, evidence, score or rule, by its id.
    Named(String),
    /// A file of the policy, by its path.
    File(String),
    /// A test, by its name and folder. Nothing uses it.
    Test(String),
    /// The budget of an event type. Nothing uses it.
    Budget(String),
}

impl Target {
    /// The same under another name of its own: folders and event types stay.
    pub fn called(&self, new: &str) -> Target {
        let new = new.to_owned();
        let in_folder = |id: &str| match id.rsplit_once('.') {
            Some((folder, _)) => format!("{folder}.{new}"),
            None => new.clone(),
        };
        match self {
            Target::Event(_) => Target::Event(new),
            Target::Record(_) => Target::Record(new),
            Target::Field { of, .. } => Target::Field { of: of.clone(), name: new },
            Target::Column { of, .. } => Target::Column { of: of.clone(), name: new },
            Target::Named(id) => Target::Named(in_folder(id)),
            Target::Test(id) => Target::Test(in_folder(id)),
            Target::File(path) => Target::File(path.clone()),
            Target::Budget(_) => Target::Budget(new),
        }
    }
}

/// Something declared.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// What its name stands for.
    pub target: Target,
    /// What it is: `feature`, `rule`, `field`.
    pub what: &'static str,
    /// Where its name stands.
    pub name: Loc,
    /// Where all of it stands.
    pub whole: Loc,
    /// What the declaration it belongs to stands for: a field's event type.
    pub within: Option<Target>,
    /// The first line, or all of it where that is one line.
    pub(super) line: Loc,
    /// The folder it is in, with dots.
    pub(super) namespace: String,
}

/// A declaration's place, the place of its first line, and the places of the lines below it.
struct Place {
    whole: Loc,
    head: Loc,
    lines: Vec<Loc>,
}

impl Place {
    /// The line that a name begins.
    fn line(&self, name: Loc) -> Option<Loc> {
        let at = self.lines.partition_point(|line| line.start < name.start);
        self.lines.get(at).copied().filter(|line| line.start == name.start)
    }
}

/// What is declared, and where declarations stand.
pub(super) fn outline(files: &[File], sources: &Sources) -> (Vec<Declaration>, Vec<Loc>) {
    let (mut declarations, mut blocks) = (Vec::new(), Vec::new());
    for (number, file) in files.iter().enumerate() {
        let id = FileId(u32::try_from(number).unwrap_or(u32::MAX));
        let places = places(id, sources.text(id));
        for decl in &file.decls {
            declare(file, decl, &places, &mut declarations);
        }
        blocks.extend(places.iter().map(|place| place.whole));
    }
    (declarations, blocks)
}

fn places(file: FileId, text: &str) -> Vec<Place> {
    let tokens = lex::lex(file, text, &mut Sink::default());
    let span = |line: &[lex::Token]| Some(line.first()?.loc.to(line.last()?.loc));
    let place = |block: &layout::Block<'_>| {
        let head = span(block.head)?;
        let lines: Vec<Loc> = block.lines.iter().filter_map(|line| span(line)).collect();
        Some(Place { whole: lines.last().map_or(head, |last| head.to(*last)), head, lines })
    };
    layout::blocks(&tokens).iter().filter_map(place).collect()
}

fn declare(file: &File, decl: &Decl, places: &[Place], out: &mut Vec<Declaration>) {
    let (what, name) = named(decl);
    let at = places.partition_point(|place| place.whole.start <= name.loc.start);
    let place = at.checked_sub(1).map(|at| &places[at]);
    let (whole, line) = place.map_or((name.loc, name.loc), |place| (place.whole, place.head));
    let declaration = |target, within, what, name: Loc, whole, line| Declaration {
        target,
        what,
        name,
        whole,
        within,
        line,
        namespace: file.namespace.clone(),
    };
    let target = target(file, what, &name.name);
    out.push(declaration(target.clone(), None, what, name.loc, whole, line));
    for field in fields(decl) {
        let (of, name) = (decl_name(decl), field.name.name.clone());
        let own = if what == "event" { Target::Field { of, name } } else { Target::Column { of, name } };
        let line = place.and_then(|p| p.line(field.name.loc));
        let whole = line.unwrap_or(field.name.loc);
        out.push(declaration(own, Some(target.clone()), "field", field.name.loc, whole, whole));
    }
}

fn decl_name(decl: &Decl) -> String {
    named(decl).1.name.clone()
}

fn fields(decl: &Decl) -> &[FieldDecl] {
    match decl {
        Decl::Event(decl) => &decl.fields,
        Decl::Record(decl) => &decl.fields,
        _ => &[],
    }
}

fn target(file: &File, what: &str, name: &str) -> Target {
    match what {
        "event" => Target::Event(name.to_owned()),
        "record" => Target::Record(name.to_owned()),
        "budget" => Target::Budget(name.to_owned()),
        "test" => Target::Test(id(&file.namespace, name)),
        _ => Target::Named(id(&file.namespace, name)),
    }
}

/// What a declaration is, in the word that begins it, and its name.
pub(super) fn named(decl: &Decl) -> (&'static str, &Ident) {
    match decl {
        Decl::Event(d) => ("event", &d.name),
        Decl::Record(d) => ("record", &d.name),
        Decl::Const(d) => ("constant", &d.name),
        Decl::Feature(d) => ("feature", &d.name),
        Decl::List(d) => ("list", &d.name),
        Decl::Table(d) => ("table", &d.name),
        Decl::Model(d) => ("model", &d.name),
        Decl::Evidence(d) => ("evidence", &d.name),
        Decl::Score(d) => ("score", &d.name),
        Decl::Rule(d) => ("rule", &d.name),
        Decl::Budget(d) => ("budget", &d.event),
        Decl::Test(d) => ("test", &d.name),
        Decl::Broken { what, name } => (what, name),
    }
}
