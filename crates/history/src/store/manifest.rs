// SPDX-License-Identifier: Apache-2.0
//! Which files there are, and what is in them: one small text, replaced as a whole.
//!
//! A file that the manifest does not name does not exist. So a crash leaves either what was there before or what is there
//! now, and what was left lying about is removed at the next opening.

use super::disk;
use crate::HistoryError;
use crate::gather::standing;
use crate::layout::{Column, Role};
use crate::limits::{GAPS, MANIFEST_BYTES};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use wardroom_event::{Fact, Field, Micros, Part, Shape, Type};
use wardroom_journal::KeyId;

/// The manifest's name.
pub(crate) const NAME: &str = "manifest.json";
/// What it is written as before it takes that name.
const NEW: &str = "manifest.json.new";
/// The version of its form.
const VERSION: u32 = 1;

/// What a manifest says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    version: u32,
    /// Every record up to here lies in the files.
    pub(crate) exported: u64,
    /// The layouts, oldest first; files refer to them by their place.
    shapes: Vec<SavedShape>,
    pub(crate) files: Vec<FileEntry>,
    /// Files that are no longer among them, and go when nobody can be reading them any more.
    #[serde(default)]
    pub(crate) leaving: Vec<Leaving>,
    /// Records that are in no file and no longer in the journal: the first and the last of each stretch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) gaps: Vec<(u64, u64)>,
}

/// A file that was replaced.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Leaving {
    pub(crate) path: String,
    /// When it was replaced, in seconds since 1970.
    pub(crate) since: i64,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Where, from the folder of the history.
    pub path: String,
    /// The table.
    pub table: Box<str>,
    /// The place of its layout.
    pub(crate) shape: usize,
    /// How many rows.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
    seqs: (u64, u64),
    times: (i64, i64),
    received: i64,
    /// Under which of the installation's keys it is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Box<str>>,
}

impl FileEntry {
    pub(crate) fn new(path: String, shape: usize, bytes: u64, chunk: &crate::gather::Chunk) -> FileEntry {
        FileEntry {
            path,
            table: chunk.table.clone(),
            shape,
            rows: chunk.batch.num_rows() as u64,
            bytes,
            seqs: chunk.seqs,
            times: (chunk.times.0.0, chunk.times.1.0),
            received: chunk.received.0,
            key: None,
        }
    }

    /// The same, encrypted under a key.
    pub(crate) fn under(self, key: Option<KeyId>) -> FileEntry {
        FileEntry { key: key.map(|key| key.to_string().into()), ..self }
    }

    /// The id of the installation's key that it is encrypted under.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The first and the last time of its events.
    pub fn times(&self) -> (Micros, Micros) {
        (Micros(self.times.0), Micros(self.times.1))
    }

    /// The first and the last number of its records.
    pub fn seqs(&self) -> (u64, u64) {
        self.seqs
    }

    /// When the last of them arrived.
    pub fn received(&self) -> Micros {
        Micros(self.received)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedShape {
    table: Box<str>,
    /// Nothing for a table whose columns are always the same.
    columns: Vec<SavedColumn>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedColumn {
    role: String,
    name: Box<str>,
    field: SavedField,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedField {
    name: Box<str>,
    kind: String,
    #[serde(default)]
    optional: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    hashed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    members: Option<Vec<Box<str>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    items: Option<Vec<SavedField>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fact: Option<(usize, String)>,
}

impl SavedField {
    fn of(field: &Field) -> SavedField {
        let (mut members, mut record, mut items) = (None, None, None);
        match field.shape.as_deref() {
            Some(Shape::OneOf(texts)) => members = Some(texts.to_vec()),
            Some(Shape::Items { record: name, fields }) => {
                record = name.clone();
                items = Some(fields.iter().map(SavedField::of).collect());
            }
            None => {}
        }
        let fact = field.fact.map(|fact| (fact.of, fact.part.name().to_owned()));
        let (name, kind) = (field.name.clone(), field.kind.name().to_owned());
        SavedField {
            name,
            kind,
            optional: field.optional,
            hashed: field.hashed,
            members,
            record,
            items,
            fact,
        }
    }

    /// The field, where it is one that this program knows.
    fn field(&self, of: &[SavedColumn]) -> Option<Field> {
        let kind = match &*self.kind {
            "enum" => Type::Enum,
            "list" => Type::List,
            name => Type::named(name)?,
        };
        let shape = match (&self.members, &self.items) {
            (Some(members), _) => Some(Shape::OneOf(members.clone().into())),
            (None, Some(items)) => {
                let fields: Option<Vec<Field>> = items.iter().map(|item| item.field(of)).collect();
                Some(Shape::Items { record: self.record.clone(), fields: fields?.into() })
            }
            (None, None) => None,
        };
        let fact = match &self.fact {
            Some((slot, part)) => {
                let about = of.iter().filter(|c| c.role != Role::Meta.name()).nth(*slot)?;
                let about = Type::named(&about.field.kind)?;
                Some(Fact { of: *slot, part: Part::named(about, part)?.0 })
            }
            None => None,
        };
        let name = self.name.clone();
        let (optional, hashed) = (self.optional, self.hashed);
        Some(Field { name, kind, optional, shape: shape.map(Arc::new), fact, hashed })
    }
}

impl Manifest {
    /// The manifest of a folder; an empty one where there is none.
    pub(crate) fn read(dir: &Path) -> Result<Manifest, HistoryError> {
        let path = dir.join(NAME);
        let opened = fs::File::open(&path).and_then(|file| {
            let mut text = Vec::new();
            file.take(MANIFEST_BYTES).read_to_end(&mut text)?;
            Ok(text)
        });
        let text = match opened {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Manifest { version: VERSION, ..Manifest::default() });
            }
            Err(e) => return Err(HistoryError::file("read", &path)(e)),
        };
        let strange = |why: String| HistoryError::Strange { path: path.clone(), why };
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|e| strange(e.to_string()))?;
        if manifest.version != VERSION {
            let why = format!("it is of version {}; this program reads version {VERSION}", manifest.version);
            return Err(strange(why));
        }
        if manifest.files.iter().any(|f| f.shape >= manifest.shapes.len()) {
            return Err(strange("a file has a layout that is not there".to_owned()));
        }
        Ok(manifest)
    }

    /// Puts it in the place of the one before, so that after a crash one of them is there.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), HistoryError> {
        let (new, path) = (dir.join(NEW), dir.join(NAME));
        let text = serde_json::to_vec(self).map_err(|e| HistoryError::file("write", &new)(e.into()))?;
        let written = disk::create(&new).and_then(|mut file| {
            file.write_all(&text)?;
            disk::sync(&file)
        });
        written.map_err(HistoryError::file("write", &new))?;
        disk::rename(&new, &path).map_err(HistoryError::file("replace", &path))?;
        disk::sync_dir(dir).map_err(HistoryError::file("sync", dir))
    }

    /// A path for a new file of a partition that no file has or had a moment ago: what is being read, or is yet to leave, is
    /// never written over.
    pub(crate) fn free_path(
        &self,
        folder: &str,
        seqs: (u64, u64),
        shape: usize,
        also: &[FileEntry],
    ) -> String {
        let (first, last) = seqs;
        let files = self.files.iter().chain(also).map(|f| &f.path);
        let taken: HashSet<&String> = files.chain(self.leaving.iter().map(|l| &l.path)).collect();
        let nth = |n: u64| match n {
            0 => format!("{folder}/{first}-{last}-{shape}.parquet"),
            n => format!("{folder}/{first}-{last}-{shape}-{n}.parquet"),
        };
        (0..).map(nth).find(|path| !taken.contains(path)).unwrap_or_default()
    }

    /// Records that no file will ever hold. Where there are too many stretches the oldest two become one, for what lies
    /// between them may have gone too.
    pub(crate) fn add_gap(&mut self, gap: (u64, u64)) {
        self.gaps.push(gap);
        if self.gaps.len() > GAPS {
            let oldest = self.gaps.remove(0);
            self.gaps[0].0 = oldest.0;
        }
    }

    /// The place of a layout; a new one where it was not met.
    pub(crate) fn shape(&mut self, table: &str, columns: &[Column]) -> usize {
        let saved = SavedShape { table: table.into(), columns: saved(table, columns) };
        self.shapes.iter().position(|shape| *shape == saved).unwrap_or_else(|| {
            self.shapes.push(saved);
            self.shapes.len() - 1
        })
    }

    /// The columns of each layout; nothing for one that this program does not know.
    pub(crate) fn columns(&self) -> Vec<TableColumns> {
        self.shapes.iter().map(|shape| (shape.table.clone(), shape.read().map(Into::into))).collect()
    }
}

/// A table and the columns of one of its layouts; nothing for a layout that this program does not know.
pub(crate) type TableColumns = (Box<str>, Option<Arc<[Column]>>);

fn saved(table: &str, columns: &[Column]) -> Vec<SavedColumn> {
    if standing().iter().any(|(name, _)| **name == *table) {
        return Vec::new();
    }
    let columns = columns.iter().filter(|c| c.role != Role::Meta);
    let save = |c: &Column| SavedColumn {
        role: c.role.name().to_owned(),
        name: c.name.clone(),
        field: SavedField::of(&c.field),
    };
    columns.map(save).collect()
}

impl SavedShape {
    fn read(&self) -> Option<Vec<Column>> {
        if let Some((_, columns)) = standing().into_iter().find(|(name, _)| *name == self.table) {
            return Some(columns);
        }
        let mut columns = crate::layout::metas();
        for saved in &self.columns {
            let field = saved.field.field(&self.columns)?;
            columns.push(Column::new(&saved.name, Role::named(&saved.role)?, field));
        }
        Some(columns)
    }
}
