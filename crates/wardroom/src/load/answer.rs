// SPDX-License-Identifier: Apache-2.0
//! What an answer says: its verdict, or what went wrong.

use serde::Deserialize;
use std::borrow::Cow;

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome<'a> {
    /// The verdict.
    Verdict(Cow<'a, str>),
    /// A status that is not success, or what is wrong with the answer.
    Error(Cow<'a, str>),
}

/// The members of an answer that are counted; the rest is read past.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    verdict: Option<Cow<'a, str>>,
    /// In a line of a stream: why this event was not taken.
    #[serde(default)]
    problem: Option<Problem>,
}

/// The member of a problem document (RFC 9457) that is counted.
#[derive(Deserialize)]
struct Problem {
    status: u16,
}

/// Reads one answer: a body, or a line of a stream. `status` is that of the whole response.
pub(super) fn read(status: u16, json: &[u8]) -> Outcome<'_> {
    if !(200..300).contains(&status) {
        return Outcome::Error(status.to_string().into());
    }
    match serde_json::from_slice::<Answer<'_>>(json) {
        Ok(Answer { verdict: Some(verdict), .. }) => Outcome::Verdict(verdict),
        Ok(Answer { problem: Some(Problem { status }), .. }) => Outcome::Error(status.to_string().into()),
        Ok(_) => Outcome::Error("no verdict".into()),
        Err(_) => Outcome::Error("not JSON".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_and_faults_are_told_apart() {
        let check = |status: u16, json: &str, expect: Outcome<'_>| {
            assert_eq!(read(status, json.as_bytes()), expect, "{status} {json}");
        };
        let verdict = |v: &'static str| Outcome::Verdict(v.into());
        let error = |e: &'static str| Outcome::Error(e.into());
        check(200, r#"{"seq":1,"signals":[{"verdict":"review"}],"verdict":"block"}"#, verdict("block"));
        check(201, r#"{"verdict":"al\u006cow"}"#, verdict("allow"));
        check(503, r#"{"verdict":"allow"}"#, error("503"));
        check(200, r#"{"line":7,"problem":{"status":422,"title":"bad event"}}"#, error("422"));
        check(200, r#"{"seq":1}"#, error("no verdict"));
        check(200, r#"{"verdict":7}"#, error("not JSON"));
        check(200, "oops", error("not JSON"));
    }
}
