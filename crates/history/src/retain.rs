// SPDX-License-Identifier: Apache-2.0
//! Files without what is kept no longer: as in the journal's records, missing stands where a value stood.
//!
//! A file goes through it once the last of its rows is old enough. It holds one day of arrivals, so that is within a day.

use crate::layout::{Column, METAS, Role};
use crate::rows::{signal_array, stored_signals};
use crate::{HistoryError, Past};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, new_null_array};
use arrow_select::nullif::nullif;
use std::collections::BTreeMap;
use wardroom_engine::{Going, Keeps};
use wardroom_event::{Field, Micros};

/// To which files what was applied, so that none is read twice for the same reason.
#[derive(Clone, Debug, Default)]
pub struct KeptFiles {
    /// By path: how many of what is to be kept so long were applied.
    done: BTreeMap<String, usize>,
}

impl Past {
    /// Takes what is kept no longer from all files. Gives how many were written anew, and how many values went.
    ///
    /// # Errors
    /// When a file cannot be read or written: it is as it was, and what was done before stays.
    pub fn retain(
        &self,
        keeps: &Keeps,
        files: &mut KeptFiles,
        now: Micros,
    ) -> Result<(u64, u64), HistoryError> {
        if keeps.is_empty() {
            return Ok((0, 0));
        }
        let there = self.store().files()?;
        files.done.retain(|path, _| there.all().iter().any(|file| file.path == *path));
        let (done, mut values) = (std::mem::take(&mut files.done), 0);
        let mut looked = BTreeMap::new();
        let may = |file: &crate::FileEntry| {
            let due = keeps.due(file.received(), now);
            due > 0
                && done.get(&file.path) != Some(&due)
                && keeps.going(&file.table, file.received(), now).is_some()
        };
        if !there.all().iter().any(may) {
            files.done = done;
            return Ok((0, 0));
        }
        let written = self.store().rewrite(&may, &mut |file, columns, batch| {
            looked.insert(file.path.clone(), keeps.due(file.received(), now));
            let Some(going) = keeps.going(&file.table, file.received(), now) else { return Ok(None) };
            without(&going, columns, batch, &mut values)
        });
        files.done = done;
        let written = written?;
        files.done.extend(looked);
        if written > 0 {
            self.read_anew()?;
        }
        Ok((written, values))
    }
}

/// A batch without what goes; nothing where nothing of it is there.
fn without(
    going: &Going,
    columns: &[Column],
    batch: &RecordBatch,
    values: &mut u64,
) -> Result<Option<RecordBatch>, HistoryError> {
    if columns.get(METAS - 1).is_none_or(|column| &*column.name != "signals") {
        return Ok(None);
    }
    let is_field = |column: &&Column| matches!(column.role, Role::Field | Role::Fact);
    let fields: Vec<Field> = columns[METAS..].iter().take_while(is_field).map(|c| c.field.clone()).collect();
    let slots = going.slots(&fields);
    let there =
        |row: usize| slots.iter().enumerate().any(|(n, goes)| *goes && batch.column(METAS + n).is_valid(row));
    let any: BooleanArray = (0..batch.num_rows()).map(|row| Some(there(row))).collect();
    if any.true_count() == 0 {
        return Ok(None);
    }
    let mut arrays = batch.columns().to_vec();
    for (array, goes) in arrays[METAS..].iter_mut().zip(&slots) {
        if *goes {
            *values += (array.len() - array.null_count()) as u64;
            *array = new_null_array(array.data_type(), array.len());
        }
    }
    for (array, column) in arrays.iter_mut().zip(columns) {
        if column.role == Role::Served && going.takes_form(column.field.kind.repr()) {
            let before = array.null_count();
            *array = nullif(array, &any)?;
            *values += (array.null_count() - before) as u64;
        }
    }
    arrays[METAS - 1] = signals(going, &arrays[METAS - 1], &any)?;
    Ok(Some(RecordBatch::try_new(batch.schema(), arrays)?))
}

fn signals(going: &Going, array: &ArrayRef, any: &BooleanArray) -> Result<ArrayRef, HistoryError> {
    let list = array.as_list::<i32>();
    let mut rows = Vec::with_capacity(list.len());
    for row in 0..list.len() {
        let mut signals = if list.is_valid(row) { Some(stored_signals(list, row)?) } else { None };
        if any.value(row) {
            for signal in signals.iter_mut().flatten() {
                going.signal(signal);
            }
        }
        rows.push(signals);
    }
    signal_array(&rows.iter().map(Option::as_deref).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{Shop, at, scanned};
    use crate::{Scan, rows};
    use wardroom_engine::{Grep, Keep, Subject};
    use wardroom_event::{Span, Value};

    fn keep(event: &str, field: Option<&str>, days: i64) -> Keep {
        let span = Span::from_secs(days * 86_400);
        Keep { event: event.into(), field: field.map(Into::into), span }
    }

    #[test]
    fn old_files_lose_what_is_kept_no_longer_and_young_ones_nothing() {
        let mut shop = Shop::open();
        // A minute an event: some days of them.
        shop.events(4500);
        let past = shop.past();
        shop.export(&past, true);
        let all = |table: &str| {
            let columns = past.columns(table).unwrap();
            let mut found: Vec<_> =
                scanned(&past, &Scan::of(table)).iter().flat_map(|b| rows(&columns, b).unwrap()).collect();
            found.sort_by_key(|row| row.seq);
            found
        };
        let before = (all("login"), all("signup"));
        let keeps = Keeps::new(vec![keep("login", Some("ip"), 1), keep("signup", None, 2)]);
        let mut files = KeptFiles::default();
        assert_eq!(past.retain(&keeps, &mut files, at(0)).unwrap(), (0, 0));
        let now = at(4500);
        let (written, values) = past.retain(&keeps, &mut files, now).unwrap();
        assert!(written > 2 && values > 1000, "{written} {values}");
        let after = (all("login"), all("signup"));
        assert_eq!((after.0.len(), after.1.len()), (before.0.len(), before.1.len()));
        let (mut gone, mut stayed) = (0, 0);
        for (old, new) in before.0.iter().zip(&after.0) {
            assert_eq!((old.seq, &old.id, &old.values[0]), (new.seq, &new.id, &new.values[0]), "others stay");
            if new.values[1].is_missing() {
                gone += 1;
                assert!(old.received < at(4500 - 1440));
                let (old, new) = (old.judged.as_ref().unwrap(), new.judged.as_ref().unwrap());
                assert_eq!((old.verdict, &old.served), (new.verdict, &new.served), "a count names nobody");
                assert!(!format!("{new:?}").contains("192.0.2."), "{new:?}");
            } else {
                stayed += 1;
                assert_eq!(old, new);
                assert!(new.received >= at(4500 - 2 * 1440), "a file holds a day");
            }
        }
        assert!(gone > 1000 && stayed > 1000, "{gone} {stayed}");
        assert!(after.1.iter().any(|row| row.values.iter().all(Value::is_missing)));
        // In no file that is left: `n5` was of the first day.
        let grep = Grep::new(&Subject::parse("text:n40").unwrap()).unwrap();
        for file in past.store().files().unwrap().all() {
            let path = past.store().dir().join(&file.path);
            assert_eq!(crate::search_file(&path, &grep).unwrap().hits.alone, 0);
        }
        assert_eq!(past.retain(&keeps, &mut files, now).unwrap().1, 0, "what is done is done");
        assert_eq!(past.retain(&keeps, &mut KeptFiles::default(), now).unwrap(), (0, 0), "also anew");
    }
}
