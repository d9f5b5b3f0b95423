// SPDX-License-Identifier: Apache-2.0
//! The columns of a batch that are not a policy's: number, times, verdict, class, labels, signals. Read whatever form of text
//! they lie in; what is not there is not known.

use super::BacktestError;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampMicrosecondType, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, ListArray, RecordBatch, StringArray, StringViewArray,
    StructArray,
};
use arrow_schema::DataType;
use wardroom_policy::Verdict;

/// A verdict that was not given, beside the five.
pub(crate) const NONE: usize = 5;
/// How many outcomes there are with that.
pub(crate) const OUTCOMES: usize = 6;
/// How many classes: unlabelled, abuse, good, disputed.
pub(crate) const CLASSES: usize = 4;
pub(crate) const UNLABELLED: usize = 0;
pub(crate) const ABUSE: usize = 1;
pub(crate) const GOOD: usize = 2;
pub(crate) const DISPUTED: usize = 3;

/// Texts in one of the forms they lie in.
pub(crate) enum Texts<'a> {
    Plain(&'a StringArray),
    View(&'a StringViewArray),
    Dictionary(&'a DictionaryArray<Int32Type>, &'a StringArray),
    None,
}

impl<'a> Texts<'a> {
    pub(crate) fn of(array: Option<&'a ArrayRef>) -> Texts<'a> {
        let Some(array) = array else { return Texts::None };
        match array.data_type() {
            DataType::Utf8 => Texts::Plain(array.as_string()),
            DataType::Utf8View => Texts::View(array.as_string_view()),
            DataType::Dictionary(key, _) if **key == DataType::Int32 => {
                let words = array.as_dictionary::<Int32Type>();
                words.values().as_string_opt::<i32>().map_or(Texts::None, |of| Texts::Dictionary(words, of))
            }
            _ => Texts::None,
        }
    }

    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Texts::Plain(of) => of.is_valid(row).then(|| of.value(row)),
            Texts::View(of) => of.is_valid(row).then(|| of.value(row)),
            Texts::Dictionary(of, words) => {
                of.key(row).filter(|key| words.is_valid(*key)).map(|key| words.value(key))
            }
            Texts::None => None,
        }
    }

    /// What `of` makes of each; for what is not there too.
    fn codes(&self, rows: usize, of: impl Fn(Option<&str>) -> u8) -> Vec<u8> {
        match self {
            Texts::None => vec![of(None); rows],
            Texts::Dictionary(all, words) => {
                let coded: Vec<u8> =
                    (0..words.len()).map(|at| of(words.is_valid(at).then(|| words.value(at)))).collect();
                let none = of(None);
                let code = |row| all.key(row).and_then(|key| coded.get(key)).copied().unwrap_or(none);
                (0..rows).map(code).collect()
            }
            _ => (0..rows).map(|row| of(self.get(row))).collect(),
        }
    }
}

/// The number of a verdict among the outcomes.
pub(crate) fn verdict(name: Option<&str>) -> u8 {
    name.and_then(Verdict::named).map_or(NONE as u8, |verdict| verdict as u8)
}

fn class(name: Option<&str>) -> u8 {
    (match name {
        Some("abuse") => ABUSE,
        Some("good") => GOOD,
        Some("disputed") => DISPUTED,
        _ => UNLABELLED,
    }) as u8
}

/// What of a batch is not a policy's.
pub(crate) struct Meta<'a> {
    pub(crate) rows: usize,
    pub(crate) seq: &'a [u64],
    pub(crate) time: &'a [i64],
    pub(crate) received: Option<&'a [i64]>,
    pub(crate) verdict: Vec<u8>,
    pub(crate) class: Vec<u8>,
    pub(crate) signals: Option<Signals<'a>>,
    labels: Option<(&'a ListArray, Texts<'a>)>,
}

/// The rules that fired, of all rows.
pub(crate) struct Signals<'a> {
    list: &'a ListArray,
    rule: Texts<'a>,
    verdict: Texts<'a>,
    decides: Option<&'a BooleanArray>,
}

impl<'a> Meta<'a> {
    pub(crate) fn of(batch: &'a RecordBatch) -> Result<Meta<'a>, BacktestError> {
        let column = |name: &str| batch.column_by_name(name);
        let absent =
            |name: &str| BacktestError::Rows(format!("the column `{name}` is not there as it should be"));
        let seq =
            column("seq").and_then(|c| c.as_primitive_opt::<UInt64Type>()).ok_or_else(|| absent("seq"))?;
        let micros = |name: &str| column(name).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
        let time = micros("time").ok_or_else(|| absent("time"))?;
        let rows = batch.num_rows();
        let labels = column("labels").and_then(|c| c.as_list_opt::<i32>());
        Ok(Meta {
            rows,
            seq: seq.values(),
            time: time.values(),
            received: micros("received").map(|c| &**c.values()),
            verdict: Texts::of(column("verdict")).codes(rows, verdict),
            class: Texts::of(column("class")).codes(rows, class),
            signals: column("signals").and_then(|c| c.as_list_opt::<i32>()).map(Signals::of),
            labels: labels.map(|list| (list, Texts::of(Some(list.values())))),
        })
    }

    /// Whether an event bears a label.
    pub(crate) fn bears(&self, row: usize, label: &str) -> bool {
        let Some((list, texts)) = &self.labels else { return false };
        let offsets = list.value_offsets();
        list.is_valid(row) && (offsets[row]..offsets[row + 1]).any(|at| texts.get(at as usize) == Some(label))
    }
}

impl<'a> Signals<'a> {
    fn of(list: &'a ListArray) -> Signals<'a> {
        let none = || Signals { list, rule: Texts::None, verdict: Texts::None, decides: None };
        let Some(of) = list.values().as_any().downcast_ref::<StructArray>() else { return none() };
        let column = |name: &str| of.column_by_name(name);
        Signals {
            list,
            rule: Texts::of(column("rule")),
            verdict: Texts::of(column("verdict")),
            decides: column("decides").and_then(|c| c.as_boolean_opt()),
        }
    }

    pub(crate) fn has(&self, row: usize) -> bool {
        let offsets = self.list.value_offsets();
        offsets[row] < offsets[row + 1]
    }

    /// The rules that fired on a row: id, verdict, whether it had a say.
    pub(crate) fn of_row(&self, row: usize) -> impl Iterator<Item = (&'a str, u8, bool)> + '_ {
        let offsets = self.list.value_offsets();
        let valid = self.list.is_valid(row);
        (offsets[row]..offsets[row + 1]).filter(move |_| valid).filter_map(|at| {
            let at = at as usize;
            let decides = self.decides.is_some_and(|d| d.is_valid(at) && d.value(at));
            Some((self.rule.get(at)?, verdict(self.verdict.get(at)), decides))
        })
    }
}
