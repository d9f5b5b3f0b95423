// SPDX-License-Identifier: Apache-2.0
//! Which columns a table has: what every event has, then its fields, then what was served for it.
//!
//! A column is known by its role and its own name, which its Arrow metadata hold, not by the name it has in a table: there
//! a field or a served value whose name is taken has its role in front, `field:seq` or `served:ip`.

use arrow_schema::{DataType, Field as ArrowField, Fields, Schema, SchemaRef, TimeUnit};
use std::collections::HashSet;
use std::sync::Arc;
use wardroom_engine::Layout;
use wardroom_event::{Field, Type};
use wardroom_policy::column_field;

/// The metadata's key for what a column is.
pub const ROLE: &str = "wardroom.role";
/// The metadata's key for its own name.
pub const NAME: &str = "wardroom.name";
/// The metadata's key for its type, as policy writes it.
pub const TYPE: &str = "wardroom.type";
/// The metadata's key for the name of its type alone: `enum`, `list`, `ip`.
pub const KIND: &str = "wardroom.kind";

/// The column of an event's labels.
pub(crate) const LABELS_OF: &str = "labels";
/// The column of its class.
pub(crate) const CLASS: &str = "class";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// What every event has: its number, its times, its verdict.
    Meta,
    /// A field of the event.
    Field,
    /// What was looked up about a field when the event came.
    Fact,
    /// What was served to the rules.
    Served,
    /// What is known now, or at a time that a scan names: labels.
    Known,
}

impl Role {
    /// Its name in the metadata.
    pub fn name(self) -> &'static str {
        match self {
            Role::Meta => "meta",
            Role::Field => "field",
            Role::Fact => "fact",
            Role::Served => "served",
            Role::Known => "known",
        }
    }

    /// The role of that name.
    pub fn named(name: &str) -> Option<Role> {
        [Role::Meta, Role::Field, Role::Fact, Role::Served, Role::Known]
            .into_iter()
            .find(|r| r.name() == name)
    }

    fn of(field: &Field) -> Role {
        if field.fact.is_some() { Role::Fact } else { Role::Field }
    }

    /// A field that is a fact today may have been sent before.
    fn space(self) -> Role {
        if self == Role::Fact { Role::Field } else { self }
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name in the table.
    pub name: Box<str>,
    /// What it holds.
    pub role: Role,
    /// What its values are; its name is the column's own.
    pub field: Field,
    /// How they lie in Arrow, under the table's name for it.
    pub arrow: Arc<ArrowField>,
}

impl Column {
    pub(crate) fn new(name: &str, role: Role, field: Field) -> Column {
        let arrow = annotated(column_field(&field), role, &field).with_name(name);
        Column { name: name.into(), role, field, arrow: Arc::new(arrow) }
    }

    fn meta(name: &str, kind: Type, data_type: DataType, nullable: bool) -> Column {
        let field = Field::plain(name, kind, nullable);
        let arrow = annotated(ArrowField::new(name, data_type, nullable), Role::Meta, &field);
        Column { name: name.into(), role: Role::Meta, field, arrow: Arc::new(arrow) }
    }

    /// Whether two columns hold the same thing, whatever their names in their tables.
    pub fn is(&self, other: &Column) -> bool {
        self.role.space() == other.role.space() && self.field.name == other.field.name
    }
}

/// An Arrow field that says what it holds.
fn annotated(arrow: ArrowField, role: Role, field: &Field) -> ArrowField {
    let metadata = [
        (ROLE, role.name().to_owned()),
        (NAME, field.name.to_string()),
        (TYPE, field.type_name()),
        (KIND, field.kind.name().to_owned()),
    ];
    let arrow = match (arrow.data_type(), field.items()) {
        (DataType::List(item), items) if !items.is_empty() => {
            let item = annotated_item(item, items, role);
            arrow.clone().with_data_type(DataType::List(Arc::new(item)))
        }
        _ => arrow,
    };
    arrow.with_metadata(metadata.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

/// What is in a list says its types too: what identifies a person is masked there as well.
fn annotated_item(item: &ArrowField, items: &[Field], role: Role) -> ArrowField {
    match (item.data_type(), items) {
        (DataType::Struct(inner), _) => {
            // A column that a record has only since lately is missing in the older ones.
            let inner = inner.iter().zip(items);
            let inner = inner.map(|(a, f)| annotated(a.as_ref().clone(), role, f).with_nullable(true));
            item.clone().with_data_type(DataType::Struct(inner.collect()))
        }
        (_, [plain]) => annotated(item.clone(), role, plain),
        _ => item.clone(),
    }
}

/// Arrow's type of all times.
pub(crate) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// What a signal is in the column `signals`.
pub(crate) fn signal_fields() -> Fields {
    let texts = DataType::List(Arc::new(ArrowField::new("item", DataType::Utf8, false)));
    Fields::from(vec![
        ArrowField::new("rule", DataType::Utf8, false),
        ArrowField::new("verdict", DataType::Utf8, false),
        ArrowField::new("decides", DataType::Boolean, false),
        ArrowField::new("missing", DataType::Boolean, false),
        ArrowField::new("ask", DataType::Utf8, true),
        ArrowField::new("because", DataType::Utf8, false),
        ArrowField::new("effects", texts, false),
        ArrowField::new("packed", DataType::Binary, false),
    ])
}

/// How many columns every event has.
pub(crate) const METAS: usize = 10;

/// What every event has.
pub(crate) fn metas() -> Vec<Column> {
    let signal = ArrowField::new("item", DataType::Struct(signal_fields()), false);
    vec![
        Column::meta("seq", Type::Int, DataType::UInt64, false),
        Column::meta("time", Type::Time, time_type(), false),
        Column::meta("received", Type::Time, time_type(), false),
        Column::meta("id", Type::Text, DataType::Utf8, false),
        Column::meta("source", Type::Text, DataType::Utf8, false),
        Column::meta("policy", Type::Text, DataType::Utf8, false),
        Column::meta("verdict", Type::Text, DataType::Utf8, true),
        Column::meta("flags", Type::Int, DataType::UInt8, false),
        Column::meta("skipped", Type::Int, DataType::UInt64, false),
        Column::meta("signals", Type::List, DataType::List(Arc::new(signal)), true),
    ]
}

/// What is known of an event's entities at a time: it is no part of any file.
pub(crate) fn known() -> Vec<Column> {
    let item = Arc::new(ArrowField::new("item", DataType::Utf8, false));
    let known = |column: Column| Column { role: Role::Known, ..column };
    vec![
        known(Column::meta(LABELS_OF, Type::List, DataType::List(item), false)),
        known(Column::meta(CLASS, Type::Text, DataType::Utf8, true)),
    ]
}

/// The columns of what events of one layout hold.
pub fn columns(layout: &Layout) -> Vec<Column> {
    let fields = layout.fields.iter().map(|f| (Role::of(f), f.clone()));
    let served = layout.served.iter().map(|(id, kind)| (Role::Served, Field::plain(id.clone(), *kind, true)));
    named(fields.chain(served))
}

/// The columns of several layouts, the newest first: each thing once, as the newest has it.
pub fn union<'a>(layouts: impl IntoIterator<Item = &'a [Column]>) -> Vec<Column> {
    let mut held: Vec<(Role, Field)> = Vec::new();
    let mut seen: HashSet<(Role, Box<str>)> = HashSet::new();
    for column in layouts.into_iter().flatten().filter(|c| c.role != Role::Meta) {
        if seen.insert((column.role.space(), column.field.name.clone())) {
            held.push((column.role, column.field.clone()));
        }
    }
    // What was served comes behind all fields, also those that only older policies have.
    held.sort_by_key(|(role, _)| *role == Role::Served);
    named(held)
}

/// Gives names that are taken their role in front.
fn named(held: impl IntoIterator<Item = (Role, Field)>) -> Vec<Column> {
    let mut columns = metas();
    let mut taken: HashSet<Box<str>> = columns.iter().chain(&known()).map(|c| c.name.clone()).collect();
    for (role, field) in held {
        let mut name = field.name.to_string();
        while taken.contains(&*name) {
            let prefix = if role == Role::Served { "served:" } else { "field:" };
            name.insert_str(0, prefix);
        }
        taken.insert(name.as_str().into());
        columns.push(Column::new(&name, role, field));
    }
    columns
}

/// Their Arrow schema.
pub fn schema(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|c| c.arrow.clone()).collect::<Fields>()))
}
