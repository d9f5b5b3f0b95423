// SPDX-License-Identifier: Apache-2.0
//! Hosts and paths of the URLs in a message.

use wardroom_model::Writer;

use super::{URLS, magnitude, pattern};
use crate::kind::Kind as _;
use crate::limits;
use crate::read::Reading;

/// Writes the view; a message without URLs has none of it.
pub(super) fn write(reading: &Reading, writer: &mut Writer) {
    if reading.urls.is_empty() {
        return;
    }
    writer.token(URLS, "count", &[magnitude(reading.urls.len())]);
    for url in reading.urls.iter().take(limits::VIEW_URLS) {
        let found = url.found_in.name();
        writer.token(URLS, "scheme", format!("{} {found}", url.scheme).as_bytes());
        let mut domain = url.host.as_str();
        while !domain.is_empty() {
            writer.token(URLS, "host", domain.as_bytes());
            domain = domain.split_once('.').map_or("", |(_, parent)| parent);
        }
        writer.token(URLS, "host pattern", pattern(&url.host).as_bytes());
        for word in &url.words {
            writer.token(URLS, "path pattern", pattern(word).as_bytes());
            if !word.bytes().any(|byte| byte.is_ascii_digit()) {
                writer.token(URLS, "path", word.as_bytes());
            }
        }
        for mark in url.marks.iter() {
            writer.token(URLS, "mark", mark.name().as_bytes());
        }
    }
}
