// SPDX-License-Identifier: Apache-2.0
//! Ranges of breached passwords, as Have I Been Pwned answers them: its clients ask here instead.
//!
//! A client sends the first five digits of a password's hash and looks for the rest among what it gets. So the server does
//! not learn the password, and one that asks for padding shows nobody on the way, by the size of the answer, which
//! range it was either. What is answered is in the list that the operator took; there is nothing of events in it.

use crate::api::Api;
use crate::explain::query;
use crate::keys::Role;
use crate::limits::PADDED_LINES;
use crate::problem::{BAD_QUERY, NO_RANGES, Problem, ProblemBody};
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use serde::Deserialize;
use std::io::Write;
use utoipa::IntoParams;
use wardroom_account::breach::{Entry, Hash, Kind, Prefix};

const ADD_PADDING: HeaderName = HeaderName::from_static("add-padding");
/// Lists change once in months; a day is soon enough.
const CACHED: &str = "max-age=86400";

/// Of which hashes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RangeQuery {
    /// `sha1`, or `ntlm` where the server has such a list [default: sha1].
    #[param(required = false)]
    mode: Option<String>,
}

/// Look a password up in known breaches
///
/// The hashes that begin with five digits, a line for each: the digits after these, a colon, how often it was seen. With
/// the header `Add-Padding: true` some lines have the count 0 and mean nothing. As Have I Been Pwned answers.
#[utoipa::path(
    get, path = "/range/{prefix}", tag = "passwords", security(("key" = ["ingest"]), ()),
    params(("prefix" = String, Path, description = "Five hexadecimal digits, in either case"), RangeQuery),
    responses(
        (status = 200, description = "The lines, each with CRLF at its end", body = String, content_type = "text/plain"),
        (status = 400, description = "This is no prefix", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "This server has no list of such hashes", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn range(
    State(api): State<Api>,
    Path(prefix): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let open = api.options().breach.as_ref().is_some_and(|breach| breach.is_open());
    if !open {
        api.admit(request.headers(), Role::Ingest)?;
    }
    let RangeQuery { mode } = query(request.uri())?;
    let kind = match mode.as_deref() {
        None | Some("sha1") => Kind::Sha1,
        Some("ntlm") => Kind::Ntlm,
        Some(_) => return Err(Problem::new(BAD_QUERY, "`mode` is sha1 or ntlm")),
    };
    let Some(prefix) = Prefix::parse(&prefix) else {
        return Err(Problem::new(
            BAD_QUERY,
            "ask with the first five hexadecimal digits of a hash: /range/21BD1",
        ));
    };
    let mut entries = found(&api, kind, prefix).await?;
    if wants_padding(request.headers()) {
        pad(&mut entries, prefix)?;
    }
    Ok(answer(&entries, kind, open))
}

async fn found(api: &Api, kind: Kind, prefix: Prefix) -> Result<Vec<Entry>, Problem> {
    let none = || {
        let words = format!(
            "this server has no list of {} hashes; `wardroom breach build` makes one, and [breach] names it",
            kind.name()
        );
        Problem::new(NO_RANGES, words)
    };
    let breach = api.options().breach.clone().ok_or_else(none)?;
    // It may wait for the disk.
    let read = tokio::task::spawn_blocking(move || breach.range(kind, prefix)).await;
    let read = read.map_err(|e| Problem::ours("look for a range", &e))?;
    read.map_err(|e| Problem::ours("read a range", &e))?.ok_or_else(none)
}

fn wants_padding(headers: &HeaderMap) -> bool {
    headers.get(ADD_PADDING).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// Adds lines that mean nothing, up to a number that says nothing: between 800 and 1,000, and where there are more lines
/// already between the next hundreds.
fn pad(entries: &mut Vec<Entry>, prefix: Prefix) -> Result<(), Problem> {
    let (least, most) = PADDED_LINES;
    let step = most - least;
    let more = entries.len().saturating_sub(least).div_ceil(step) * step;
    let mut drawn = [0; 8];
    let draw = |bytes: &mut [u8]| getrandom::fill(bytes).map_err(|e| Problem::ours("draw padding", &e));
    draw(&mut drawn)?;
    // The remainder favours small numbers by less than one in ten to the seventeenth.
    let goal = least + more + (u64::from_le_bytes(drawn) % (step as u64 + 1)) as usize;
    let mut hashes = vec![0; goal.saturating_sub(entries.len()) * 20];
    draw(&mut hashes)?;
    let begin = prefix.number() << 12;
    for random in hashes.chunks_exact(20) {
        let mut hash = [0; 20];
        hash.copy_from_slice(random);
        let head = begin | (u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) & 0xfff);
        hash[..4].copy_from_slice(&head.to_be_bytes());
        entries.push((Hash::of_bytes(hash), 0));
    }
    // In order, so that padding is not told apart by where it stands.
    entries.sort_unstable();
    Ok(())
}

fn answer(entries: &[Entry], kind: Kind, open: bool) -> Response {
    let mut text = Vec::with_capacity(entries.len() * 42);
    for (hash, count) in entries {
        hash.push_suffix(kind, &mut text);
        // A vector takes everything.
        let _ = write!(text, ":{count}\r\n");
    }
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    let who = if open { "public" } else { "private" };
    if let Ok(cached) = HeaderValue::from_str(&format!("{who}, {CACHED}")) {
        headers.insert(CACHE_CONTROL, cached);
    }
    headers.insert(VARY, HeaderValue::from_name(ADD_PADDING));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_hides_how_many_there_are() {
        let prefix = Prefix::parse("21BD1").unwrap();
        for (real, from, to) in [(0, 800, 1000), (800, 800, 1000), (801, 1000, 1200), (1200, 1200, 1400)] {
            let mut lengths = std::collections::HashSet::new();
            for _ in 0..30 {
                let mut head = [0; 20];
                head[..4].copy_from_slice(&[0x21, 0xbd, 0x10, 0]);
                let mut entries: Vec<Entry> = vec![(Hash::of_bytes(head), 7); real];
                pad(&mut entries, prefix).unwrap();
                assert!((from..=to).contains(&entries.len()), "{real}: {}", entries.len());
                assert_eq!(entries.iter().filter(|(_, count)| *count > 0).count(), real);
                assert!(entries.iter().all(|(hash, _)| hash.prefix() == prefix) && entries.is_sorted());
                lengths.insert(entries.len());
            }
            assert!(lengths.len() > 5, "always {lengths:?}");
        }
    }
}
