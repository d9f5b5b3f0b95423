// SPDX-License-Identifier: Apache-2.0
//! Values of an answer as whoever looks may see them.
//!
//! What identifies a person is masked unless the reader may see it. Groups are made of whole values, so two of them may be
//! masked to the same text: each masked value therefore carries a tag of four letters and digits, the first bits of a keyed
//! hash. It is the same wherever the value is shown by one installation, so that `al…·k3f9` can be followed from one answer to
//! the next, and it says nothing of the value to who has no key.

use super::answer::{Answer, Column};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef};
use siphasher::sip::SipHasher13;
use std::collections::HashMap;
use std::hash::Hasher;
use std::sync::Arc;
use wardroom_event::{Field, Sight, Type, Value};
use wardroom_policy::ColumnError;
use wardroom_policy::form;

/// Who looks at an answer.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Whether identifiers of people are shown whole.
    pub sight: Sight,
    /// Keys the tags of what is masked.
    pub secret: [u8; 16],
}

/// What tags are written in: letters and digits that are not taken for one another.
const LETTERS: &[u8; 32] = b"23456789abcdefghjkmnpqrstuvwxyz-";
/// Letters of a tag: of two values that are masked alike one in a million has the same.
const TAG: u32 = 4;

impl Look {
    /// A value of a column, for a person to read.
    pub fn text(&self, field: &Field, value: &Value) -> String {
        let shown = field.show(value, self.sight);
        match value {
            Value::Text(text) if self.hides(field.kind) => format!("{shown}·{}", self.tag(text)),
            _ => shown,
        }
    }

    fn hides(&self, kind: Type) -> bool {
        self.sight == Sight::Masked && kind.is_personal()
    }

    fn tag(&self, text: &str) -> String {
        let mut state = SipHasher13::new_with_key(&self.secret);
        state.write(b"tag\0");
        state.write(text.as_bytes());
        let hash = state.finish();
        (0..TAG).map(|n| char::from(LETTERS[(hash >> (5 * n) & 31) as usize])).collect()
    }

    /// The field of a column as it goes out in Arrow: what is masked is a text, and so is a list.
    fn outward(&self, column: &Column) -> Field {
        let kind = match column.field.kind {
            Type::List => Type::Text,
            kind if self.hides(kind) => Type::Text,
            kind => kind,
        };
        Field::plain(column.field.name.clone(), kind, true)
    }

    /// The schema of an answer in Arrow.
    pub fn schema(&self, answer: &Answer) -> SchemaRef {
        let fields = answer.columns.iter().map(|column| {
            let mut metadata =
                HashMap::from([("wardroom.type".to_owned(), column.field.kind.name().to_owned())]);
            metadata.insert("wardroom.column".to_owned(), column.role.name().to_owned());
            metadata.extend(column.error.map(|error| ("wardroom.error".to_owned(), error.to_string())));
            let unknown = Some(column.unknown).filter(|unknown| *unknown > 0);
            metadata.extend(unknown.map(|unknown| ("wardroom.unknown".to_owned(), unknown.to_string())));
            form::arrow_field(&self.outward(column)).with_metadata(metadata)
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Rows of an answer in Arrow.
    ///
    /// # Errors
    /// When a value does not fit its column, which is our own fault.
    pub fn batch(&self, answer: &Answer, rows: std::ops::Range<usize>) -> Result<RecordBatch, ColumnError> {
        let rows = &answer.rows[rows];
        let array = |(at, column): (usize, &Column)| -> Result<ArrayRef, ColumnError> {
            let outward = self.outward(column);
            let is_turned = outward.kind != column.field.kind;
            let turned: Vec<Value> = rows
                .iter()
                .map(|row| match &row[at] {
                    value if value.is_missing() || !is_turned => value.clone(),
                    value => Value::Text(self.text(&column.field, value).into()),
                })
                .collect();
            form::array(&outward, &turned.iter().collect::<Vec<_>>())
        };
        let arrays = answer.columns.iter().enumerate().map(array).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        Ok(RecordBatch::try_new_with_options(self.schema(answer), arrays, &options)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_masked_alike_is_told_apart() {
        let look = |sight| Look { sight, secret: [7; 16] };
        let account = Field::plain("account", Type::Account, true);
        let shown = |sight, text: &str| look(sight).text(&account, &Value::Text(text.into()));
        assert_eq!(shown(Sight::Full, "alice"), "alice");
        let (alice, alina) = (shown(Sight::Masked, "alice"), shown(Sight::Masked, "alina"));
        assert!(alice.starts_with("al…·") && alina.starts_with("al…·") && alice != alina, "{alice} {alina}");
        assert_eq!(alice.chars().count(), 8);
        let other = Look { sight: Sight::Masked, secret: [8; 16] };
        assert_ne!(other.text(&account, &Value::Text("alice".into())), alice);
        let plain = Field::plain("name", Type::Text, true);
        assert_eq!(look(Sight::Masked).text(&plain, &Value::Text("alice".into())), "alice");
    }
}
