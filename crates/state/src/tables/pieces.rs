// SPDX-License-Identifier: Apache-2.0
//! Tables as pieces of a snapshot, handed out one by one while counting goes on.
//!
//! A **pass** goes through all tables and gives each shard once, as it is at that moment: so pieces are of different
//! moments, and each says which record it was the last to count. Whoever loads them folds the journal on from where the
//! pass began, and says of each record which it is ([`Tables::set_event`]): a shard takes no notice of those that it has
//! counted, and is then what it would have become. Copying everything at one moment would stop the writer, and a copy
//! made by forking would double the memory.
//!
//! A pass is *whole*, or a *delta* of what was touched since the one before; loaded in order, they give the same.

use super::{TableId, Tables};
use crate::bytes::{Pen, Source, VERSION};
use crate::shared::groups;
use crate::{Spec, Unreadable, limits};

/// Where a pass stands.
#[derive(Clone, Copy)]
pub(super) struct Pass {
    delta: bool,
    table: u32,
    /// In the order of hashes.
    from: u32,
}

impl Tables {
    /// Begins a pass: over everything, or over what was touched since the pass before. It is whole in any case where
    /// there is none before that gave all there was: the first pass is, and one after tables came or went, or after a
    /// pass that was broken off. Whether it is whole.
    pub fn begin_pass(&mut self, whole: bool) -> bool {
        let delta = !whole && self.based;
        self.based = false;
        self.pass = Some(Pass { delta, table: 0, from: 0 });
        !delta
    }

    /// Appends what a table is apart from its keys: the counter, its clock, the time of its first sighting and how many
    /// came late. Asked for when a pass begins, for the records from there on are told again.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn head(&self, id: TableId, out: &mut Vec<u8>) {
        let mut pen = Pen::new(out);
        pen.byte(VERSION);
        self.table(id).write_head(&mut pen);
    }

    /// Appends the next piece and says of which table it is; `None` once there is none, and where no pass is under way:
    /// then [`Tables::has_base`] is false. `as_of` is the number of the last record that was counted.
    ///
    /// A piece takes about as long as a thousand sightings and is some ten kilobytes, but for cells that are large by
    /// themselves: a `distinct` of many items is up to some hundred. One of a delta may be of nothing.
    pub fn next_piece(&mut self, as_of: u64, out: &mut Vec<u8>) -> Option<TableId> {
        let pass = self.pass.as_mut()?;
        while let Some(place) = self.tables.get_mut(pass.table as usize) {
            let id = TableId(pass.table);
            let Some(table) = place else {
                pass.table += 1;
                continue;
            };
            let mut pen = Pen::new(out);
            pen.byte(VERSION);
            pen.number(as_of);
            match table.write(pass.from, pass.delta, &mut pen) {
                Some(next) => pass.from = next,
                None => (pass.table, pass.from) = (pass.table + 1, 0),
            }
            return Some(id);
        }
        self.pass = None;
        self.based = true;
        None
    }

    /// Gives a pass up, or the pieces of one that is over: the next pass is whole.
    pub fn end_pass(&mut self) {
        self.end_base();
    }

    /// Whether the last pass has given all there is: not while one is under way, nor after tables came or went.
    pub fn has_base(&self) -> bool {
        self.based
    }

    /// Adds the table that a head is of, with no keys yet.
    pub fn load_head(&mut self, head: &[u8]) -> Result<TableId, Unreadable> {
        let mut from = Source::new(head);
        from.version()?;
        let specs = specs(&mut from)?;
        let id = self.add_shared(&specs);
        let loaded = self.table_mut(id).load_head(&mut from);
        if loaded.is_err() {
            self.tables.pop();
        }
        loaded.map(|()| id)
    }

    /// Reads the head of a delta onto the table it is of.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn load_delta_head(&mut self, id: TableId, head: &[u8]) -> Result<(), Unreadable> {
        let mut from = Source::new(head);
        from.version()?;
        if specs(&mut from)? != self.specs(id) {
            return Err(Unreadable::OtherTable);
        }
        self.table_mut(id).load_head(&mut from)
    }

    /// Reads a piece onto what is there. Pieces of a pass may come in any order, passes in theirs. After a piece that
    /// cannot be read the table is good for nothing.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn load_piece(&mut self, id: TableId, piece: &[u8]) -> Result<(), Unreadable> {
        let mut from = Source::new(piece);
        from.version()?;
        let as_of = from.number()?;
        if as_of == u64::MAX {
            return Err(Unreadable::No("record"));
        }
        self.table_mut(id).load(as_of, &mut from)
    }
}

/// What a table is read as: the same once, or several that share a table.
fn specs(from: &mut Source<'_>) -> Result<Vec<Spec>, Unreadable> {
    let count = usize::from(from.byte()?);
    if count > limits::SHARED_WINDOWS {
        return Err(Unreadable::No("table of so many windows"));
    }
    let specs = (0..count).map(|_| Spec::decode(from)).collect::<Result<Vec<_>, _>>()?;
    let apart = specs.windows(2).all(|pair| pair[0].window() < pair[1].window());
    if groups(&specs).len() == 1 && apart { Ok(specs) } else { Err(Unreadable::No("table of such windows")) }
}
