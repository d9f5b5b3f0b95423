// SPDX-License-Identifier: Apache-2.0
//! The types of PostgreSQL that columns here can have, by number and name.

use crate::door::values::oid;

/// A type: number, short name, the name that `format_type` gives, length, category, and the type of arrays of it.
pub(super) struct PgType {
    pub(super) oid: u32,
    pub(super) name: &'static str,
    pub(super) long: &'static str,
    pub(super) len: i64,
    pub(super) category: &'static str,
    pub(super) array: u32,
    pub(super) element: u32,
}

const fn plain(
    oid: u32,
    name: &'static str,
    long: &'static str,
    len: i64,
    category: &'static str,
    array: u32,
) -> PgType {
    PgType { oid, name, long, len, category, array, element: 0 }
}

const fn array(oid: u32, name: &'static str, long: &'static str, element: u32) -> PgType {
    PgType { oid, name, long, len: -1, category: "A", array: 0, element }
}

/// All of them.
pub(super) const TYPES: [PgType; 36] = [
    plain(oid::BOOL, "bool", "boolean", 1, "B", oid::BOOL_ARRAY),
    plain(oid::BYTEA, "bytea", "bytea", -1, "U", 1001),
    plain(18, "char", "\"char\"", 1, "Z", 1002),
    plain(oid::NAME, "name", "name", 64, "S", 1003),
    plain(oid::INT8, "int8", "bigint", 8, "N", oid::INT8_ARRAY),
    plain(oid::INT2, "int2", "smallint", 2, "N", oid::INT2_ARRAY),
    plain(oid::INT4, "int4", "integer", 4, "N", oid::INT4_ARRAY),
    plain(24, "regproc", "regproc", 4, "N", 1008),
    plain(oid::TEXT, "text", "text", -1, "S", oid::TEXT_ARRAY),
    plain(oid::OID, "oid", "oid", 4, "N", 1028),
    plain(oid::JSON, "json", "json", -1, "U", 199),
    plain(oid::FLOAT4, "float4", "real", 4, "N", 1021),
    plain(oid::FLOAT8, "float8", "double precision", 8, "N", oid::FLOAT8_ARRAY),
    plain(oid::UNKNOWN, "unknown", "unknown", -2, "X", 0),
    plain(oid::INET, "inet", "inet", -1, "I", 1041),
    plain(oid::BPCHAR, "bpchar", "character", -1, "S", 1014),
    plain(oid::VARCHAR, "varchar", "character varying", -1, "S", oid::VARCHAR_ARRAY),
    plain(oid::DATE, "date", "date", 4, "D", 1182),
    plain(1083, "time", "time without time zone", 8, "D", 1183),
    plain(oid::TIMESTAMP, "timestamp", "timestamp without time zone", 8, "D", 1115),
    plain(oid::TIMESTAMPTZ, "timestamptz", "timestamp with time zone", 8, "D", oid::TIMESTAMPTZ_ARRAY),
    plain(oid::INTERVAL, "interval", "interval", 16, "T", 1187),
    plain(oid::NUMERIC, "numeric", "numeric", -1, "N", 1231),
    plain(2205, "regclass", "regclass", 4, "N", 2210),
    plain(2206, "regtype", "regtype", 4, "N", 2211),
    plain(oid::UUID, "uuid", "uuid", 16, "U", 2951),
    plain(oid::JSONB, "jsonb", "jsonb", -1, "U", 3807),
    plain(2249, "record", "record", -1, "P", 2287),
    array(oid::BOOL_ARRAY, "_bool", "boolean[]", oid::BOOL),
    array(oid::INT2_ARRAY, "_int2", "smallint[]", oid::INT2),
    array(oid::INT4_ARRAY, "_int4", "integer[]", oid::INT4),
    array(oid::TEXT_ARRAY, "_text", "text[]", oid::TEXT),
    array(oid::VARCHAR_ARRAY, "_varchar", "character varying[]", oid::VARCHAR),
    array(oid::INT8_ARRAY, "_int8", "bigint[]", oid::INT8),
    array(oid::FLOAT8_ARRAY, "_float8", "double precision[]", oid::FLOAT8),
    array(oid::TIMESTAMPTZ_ARRAY, "_timestamptz", "timestamp with time zone[]", oid::TIMESTAMPTZ),
];

/// The type of this number.
pub(super) fn by_oid(oid: i64) -> Option<&'static PgType> {
    TYPES.iter().find(|known| i64::from(known.oid) == oid)
}

/// The type of this name, short or long.
pub(super) fn by_name(name: &str) -> Option<&'static PgType> {
    let name = name.trim().trim_start_matches("pg_catalog.").trim_matches('"');
    TYPES.iter().find(|known| known.name == name || known.long == name)
}
