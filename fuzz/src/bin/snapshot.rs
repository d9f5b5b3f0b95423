// SPDX-License-Identifier: Apache-2.0
//! Heads and pieces of counters as a damaged snapshot may hold them, under a checksum that is right by chance: they are
//! refused or they load, take no more memory than their bytes can ask for, and what was loaded can be counted on, read,
//! written and loaded again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wardroom_event::{Micros, Value};
use wardroom_state::{Item, Key, Kind, Limits, Sighting, TableId, Tables};

/// Bytes that nothing at all may take: a directory of all shards there can be.
const BASE: usize = 1 << 20;
/// Bytes that a byte of a piece may take: a record of a dozen splits a shard up to fourteen times.
const EACH: usize = 300;
const LIMITS: Limits = Limits { keys_per_table: 1 << 20, distinct_exact: 16 };

fuzz_target!(|bytes: &[u8]| {
    let mut parts = Parts(bytes);
    let mut tables = Tables::new(LIMITS);
    let Ok(id) = tables.load_head(parts.next()) else { return };
    tables.set_event(3);
    while !parts.0.is_empty() {
        let part = parts.next();
        let _ = tables.load_piece(id, part);
        assert!(tables.bytes() + tables.stats(id).freeing < BASE + EACH * bytes.len());
        count(&mut tables, id, part);
    }
    tables.set_event(0);
    count(&mut tables, id, bytes);
    tables.forget(id);
    count(&mut tables, id, bytes);
    again(&mut tables, id);
});

/// Adds and reads, under keys and at times from the bytes.
fn count(tables: &mut Tables, id: TableId, bytes: &[u8]) {
    let kind = tables.spec(id).kind();
    for word in bytes.chunks_exact(8).take(64).filter_map(|word| word.try_into().ok()).map(u64::from_le_bytes)
    {
        let text = Value::Int(word as i64);
        let sighting = match kind {
            Kind::Distinct => Sighting::Item(Item(word)),
            Kind::Sum | Kind::Extreme { .. } | Kind::Quantile { .. } => Sighting::Amount(word as i64),
            Kind::Last => Sighting::Held(&text),
            Kind::Ratio => Sighting::Mark(word.is_multiple_of(2)),
            Kind::Speed => Sighting::Place { lat: (word % 90) as f64, lon: (word % 180) as f64 },
            Kind::Sequence { .. } => Sighting::Steps { first: word % 3 < 2, then: word % 3 > 0 },
            Kind::Count | Kind::FirstSeen | Kind::Baseline { .. } => Sighting::Plain,
        };
        let time = Micros(word.rotate_left(13) as i64 >> (word % 40));
        tables.read_with(id, Key(word), sighting, time);
        tables.add(id, Key(word), sighting, time);
        tables.read(id, Key(word), time);
    }
}

/// Whatever a table holds can be written and loaded.
fn again(tables: &mut Tables, id: TableId) {
    let mut head = Vec::new();
    tables.head(id, &mut head);
    let mut loaded = Tables::new(LIMITS);
    let copy = loaded.load_head(&head).expect("a head that was written");
    tables.begin_pass(true);
    let mut piece = Vec::new();
    while tables.next_piece(9, &mut piece).is_some() {
        loaded.load_piece(copy, &piece).expect("a piece that was written");
        piece.clear();
    }
}

/// Parts of the input, each after its length in two bytes.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn next(&mut self) -> &'a [u8] {
        let Some((len, rest)) = self.0.split_first_chunk() else { return std::mem::take(&mut self.0) };
        let (part, rest) = rest.split_at(rest.len().min(u16::from_le_bytes(*len).into()));
        self.0 = rest;
        part
    }
}
