// SPDX-License-Identifier: Apache-2.0
//! Source texts and places in them.

/// The number of a text within [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A stretch of one source text, in bytes, half open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Loc {
    /// Which text.
    pub file: FileId,
    /// Its first byte.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
}

impl Loc {
    /// The smallest stretch that holds both; `self` where they lie in different texts.
    pub fn to(self, other: Loc) -> Loc {
        if self.file != other.file {
            return self;
        }
        Loc { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty stretch just after this one: where something is missing.
    pub fn after(self) -> Loc {
        Loc { start: self.end, ..self }
    }
}

/// Source texts with their names.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<(String, String)>,
}

impl Sources {
    /// None yet.
    pub fn new() -> Sources {
        Sources::default()
    }

    /// Adds a text under the name that messages show.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        self.files.push((name.into(), text.into()));
        FileId(u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX))
    }

    /// The name of a text.
    pub fn name(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |f| &f.0)
    }

    /// A whole text.
    pub fn text(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |f| &f.1)
    }

    /// The text a place covers; empty where it covers none.
    pub fn slice(&self, loc: Loc) -> &str {
        self.text(loc.file).get(loc.start as usize..loc.end as usize).unwrap_or("")
    }

    /// Every text with its number and name.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &str, &str)> {
        self.files.iter().enumerate().map(|(i, (name, text))| {
            (FileId(u32::try_from(i).unwrap_or(u32::MAX)), name.as_str(), text.as_str())
        })
    }

    /// Line and column of a place's first byte, both from 1; columns count characters.
    pub fn line_col(&self, loc: Loc) -> (usize, usize) {
        let before = self.text(loc.file).get(..loc.start as usize).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        let col = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, col)
    }
}
