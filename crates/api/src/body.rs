// SPDX-License-Identifier: Apache-2.0
//! Reading a request's body: within its size, within its time, of a known kind.

use crate::api::Options;
use crate::problem::{CUT_BODY, Problem, SLOW_BODY, TOO_LARGE, WRONG_CONTENT_TYPE};
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use std::time::Duration;

/// One event.
pub(crate) const EVENT: &[&str] = &["application/json", "application/cloudevents+json"];
/// One event a line.
pub(crate) const STREAM: &[&str] = &["application/x-ndjson", "application/ndjson", "application/jsonl"];
/// Something to be done.
pub(crate) const JSON: &[&str] = &["application/json"];
/// Labels, one a line.
pub(crate) const LABELS: &[&str] =
    &["text/csv", "application/x-ndjson", "application/ndjson", "application/jsonl"];
/// A policy: its files, or one text.
pub(crate) const POLICY: &[&str] = &["application/json", "text/plain"];

/// Which of the content types `known` the request names; parameters such as `charset` do not matter.
///
/// # Errors
/// When it names none or another: bytes of an unknown kind are not guessed at.
pub(crate) fn content_type(
    headers: &HeaderMap,
    known: &'static [&'static str],
) -> Result<&'static str, Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let essence = given.split(';').next().unwrap_or("").trim();
    known.iter().copied().find(|k| k.eq_ignore_ascii_case(essence)).ok_or_else(|| {
        let shown: String = essence.chars().take(64).collect();
        let given = if shown.is_empty() { "none is given".to_owned() } else { format!("this is `{shown}`") };
        let aside = match &*shown {
            "application/cloudevents-batch+json" => "; send many events to /v1/stream, one a line",
            _ => "",
        };
        Problem::new(
            WRONG_CONTENT_TYPE,
            format!("Content-Type must be {}; {given}{aside}", known.join(" or ")),
        )
    })
}

/// How long a body may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For all of it.
    pub(crate) whole: Duration,
    /// While nothing of it comes.
    pub(crate) idle: Duration,
}

impl From<&Options> for Patience {
    fn from(options: &Options) -> Patience {
        Patience { whole: options.body_timeout, idle: options.body_idle }
    }
}

/// Reads the whole body, never more than `most` bytes of it.
///
/// # Errors
/// Too large, by its Content-Length or when it turns out so; too slow; cut off.
pub(crate) async fn whole(body: Body, most: usize, patience: Patience) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > most as u64 {
        return Err(too_large(most));
    }
    let within = patience.whole;
    match tokio::time::timeout(within, collect(body, most, patience.idle)).await {
        Ok(read) => read,
        Err(_) => Err(Problem::new(SLOW_BODY, format!("it was not there after {} s", within.as_secs_f64()))),
    }
}

async fn collect(mut body: Body, most: usize, idle: Duration) -> Result<Bytes, Problem> {
    let still = |_| Problem::new(SLOW_BODY, format!("nothing of it came for {} s", idle.as_secs_f64()));
    // Most bodies arrive in one piece, which is then not copied.
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    while let Some(frame) = tokio::time::timeout(idle, body.frame()).await.map_err(still)? {
        let frame = frame.map_err(|_| Problem::new(CUT_BODY, "it ended before all of it had arrived"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let had = first.as_ref().map_or(all.len(), Bytes::len);
        if had + data.len() > most {
            return Err(too_large(most));
        }
        match first.take() {
            None if all.is_empty() => first = Some(data),
            held => {
                all.extend_from_slice(&held.unwrap_or_default());
                all.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| all.freeze()))
}

fn too_large(most: usize) -> Problem {
    Problem::new(TOO_LARGE, format!("it may have {most} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    fn pieces(pieces: &[&'static str]) -> Body {
        let pieces: Vec<_> =
            pieces.iter().map(|p| Ok::<_, std::io::Error>(Bytes::from_static(p.as_bytes()))).collect();
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn bodies_are_put_together_within_their_size() {
        let second = Patience { whole: Duration::from_secs(1), idle: Duration::from_secs(1) };
        for (sent, most, expect) in [
            (&["ab", "cd", "e"][..], 5, Some("abcde")),
            (&["ab", "cd", "e"], 4, None),
            (&["abcde"], 5, Some("abcde")),
            (&["abcde"], 4, None),
            (&[], 4, Some("")),
            (&["", "a", "", "b"], 4, Some("ab")),
        ] {
            let read = whole(pieces(sent), most, second).await;
            assert_eq!(read.ok().as_deref(), expect.map(str::as_bytes), "{sent:?}");
        }
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let check = async |whole_ms: u64, idle_ms: u64, expect: &str| {
            let endless = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
            let ms = Duration::from_millis;
            let patience = Patience { whole: ms(whole_ms), idle: ms(idle_ms) };
            let problem = whole(endless, 10, patience).await.unwrap_err();
            let said = serde_json::to_string(&problem.body()).unwrap();
            assert!(problem.kind().slug == "slow_body" && said.contains(expect), "{said}");
        };
        check(5, 60_000, "not there after").await;
        check(60_000, 5, "nothing of it came for").await;
    }

    #[test]
    fn content_types_are_told_apart() {
        let check = |given: &'static str, expect: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, given.parse().unwrap());
            assert_eq!(content_type(&headers, EVENT).ok(), expect, "{given}");
        };
        check("application/json", Some("application/json"));
        check("Application/JSON; charset=utf-8", Some("application/json"));
        check("application/cloudevents+json;charset=utf-8", Some("application/cloudevents+json"));
        check("application/jsonp", None);
        check("text/plain", None);
        check("", None);
        assert!(content_type(&HeaderMap::new(), EVENT).is_err());
    }
}
