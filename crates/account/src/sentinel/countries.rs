// SPDX-License-Identifier: Apache-2.0
//! Names of countries in English, as they stand in a sentence. From the table of the time zone database, which is in the public
//! domain.

const TABLE: &str = include_str!("countries.csv");

/// The name for a code of ISO 3166-1; the code itself where there is none.
pub(super) fn name(code: &str) -> &str {
    let rows = TABLE.lines().filter_map(|line| line.split_once(','));
    rows.into_iter().find(|(known, _)| *known == code).map_or(code, |(_, name)| name)
}
