// SPDX-License-Identifier: Apache-2.0
//! One sorted batch to one Parquet file.
//!
//! Rows are sorted by address, then account, then number. So one network lies together, and mostly what one account did as
//! well, since it comes from few networks; which row groups may hold an account, a device, a domain is told by filters
//! (Putze, Sanders, Singler 2007, as Parquet has them).

use super::{Store, crypt, disk};
use crate::HistoryError;
use crate::layout::{Column, Role};
use crate::limits::{FILTER_FALSE, ROW_GROUP_ROWS, ZSTD_LEVEL};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, RecordBatch, UInt32Array};
use arrow_schema::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use std::path::Path;
use wardroom_event::{Repr, Type};
use wardroom_journal::KeyId;

/// The batch with its rows in the order that files have.
pub(crate) fn sorted(columns: &[Column], batch: &RecordBatch) -> Result<RecordBatch, HistoryError> {
    let too_many = |_| ArrowError::InvalidArgumentError("more rows than a file may have".to_owned());
    let rows = u32::try_from(batch.num_rows()).map_err(too_many)?;
    let of = |is: fn(Type) -> bool| {
        columns.iter().position(|c| c.role == Role::Field && is(c.field.kind)).map(|at| batch.column(at))
    };
    let ips = of(|kind| kind == Type::Ip).and_then(|a| a.as_fixed_size_binary_opt());
    let accounts = of(|kind| kind == Type::Account).and_then(|a| a.as_string_opt::<i32>());
    let Some(seqs) = batch.column(0).as_primitive_opt::<UInt64Type>() else { return Ok(batch.clone()) };
    let mut order: Vec<u32> = (0..rows).collect();
    order.sort_unstable_by_key(|row| {
        let row = *row as usize;
        let ip = ips.and_then(|ips| ips.is_valid(row).then(|| ips.value(row)));
        let account = accounts.and_then(|texts| texts.is_valid(row).then(|| texts.value(row)));
        (ip, account, seqs.value(row))
    });
    Ok(arrow_select::take::take_record_batch(batch, &UInt32Array::from(order))?)
}

/// Whether files have a filter for the values of a column.
fn is_looked_up(column: &Column) -> bool {
    column.role == Role::Field && column.field.kind.is_entity() && column.field.kind.repr() != Repr::List
}

fn properties(columns: &[Column], sealed: bool) -> Result<WriterPropertiesBuilder, HistoryError> {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(HistoryError::parquet("write", Path::new("")))?;
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    for column in columns {
        let path = ColumnPath::new(vec![column.name.to_string()]);
        if column.role == Role::Meta && matches!(&*column.name, "seq" | "time" | "received" | "known") {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        } else if is_looked_up(column) && !sealed {
            // Parquet's filters lie in the open also where all else is encrypted.
            properties = properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path, FILTER_FALSE);
        }
    }
    Ok(properties)
}

/// Writes a batch, sorted already, and makes it durable. Gives its size in bytes, and the key it is encrypted under. The name
/// is not yet durable.
pub(crate) fn write(
    store: &Store,
    relative: &str,
    columns: &[Column],
    batch: &RecordBatch,
) -> Result<(u64, Option<KeyId>), HistoryError> {
    let path = store.dir.join(relative);
    if let Some(dir) = path.parent() {
        disk::make_dir(dir).map_err(HistoryError::file("make", dir))?;
    }
    let sealing = crypt::sealing(&store.keys, relative, &path)?;
    let mut properties = properties(columns, sealing.is_some())?;
    let mut key = None;
    if let Some((id, sealing)) = sealing {
        properties = properties.with_file_encryption_properties(sealing);
        key = Some(id);
    }
    let file = disk::create(&path).map_err(HistoryError::file("write", &path))?;
    let failed = || HistoryError::parquet("write", &path);
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).map_err(failed())?;
    writer.write(batch).map_err(failed())?;
    let file = writer.into_inner().map_err(failed())?;
    disk::sync(&file).map_err(HistoryError::file("sync", &path))?;
    let bytes = file.metadata().map_err(HistoryError::file("look at", &path))?.len();
    Ok((bytes, key))
}
