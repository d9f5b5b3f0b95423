// SPDX-License-Identifier: Apache-2.0
//! The headers that a judged message carries, the same behind every door; and those that pretend to be ours.
//!
//! Whoever sends mail can write any header. So what came with our names is taken out, or a stranger's word would stand where
//! mail programs look for ours.

use super::judgement::{Class, Judgement};
use super::{limits, text};

/// What was decided, and the case: always there.
pub const STATUS: &str = "X-Wardroom-Status";
/// How likely it is spam, where a model has said so.
pub const SCORE: &str = "X-Wardroom-Score";
/// Why.
pub const REASONS: &str = "X-Wardroom-Reasons";
/// What mail programs know since SpamAssassin: `YES`, or not there.
pub const FLAG: &str = "X-Spam-Flag";
/// Each name that is ours.
pub const OURS: [&str; 4] = [STATUS, SCORE, REASONS, FLAG];

/// The headers of a judgement, those of the rules last.
pub fn of(judgement: &Judgement) -> Vec<(String, String)> {
    let mut made = vec![(STATUS.to_owned(), status(judgement))];
    if judgement.missed().is_some() {
        return made;
    }
    if let Some(p) = judgement.probability.filter(|p| p.is_finite()) {
        made.push((SCORE.to_owned(), format!("{p:.4}")));
    }
    if !judgement.reasons.is_empty() {
        let reasons: Vec<String> = judgement.named().map(|reason| text::word(&reason.id)).collect();
        made.push((REASONS.to_owned(), text::plain(&reasons.join(", "), limits::HEADER_BYTES)));
    }
    if judgement.class.is_spam() {
        made.push((FLAG.to_owned(), "YES".to_owned()));
    }
    let of_rules = judgement.headers.iter().take(limits::HEADERS);
    let of_rules = of_rules.filter(|(name, _)| text::is_header_name(name) && !is_ours(name));
    made.extend(of_rules.map(|(name, value)| (name.clone(), text::plain(value, limits::HEADER_BYTES))));
    made
}

/// The one header that is always there.
pub fn status(judgement: &Judgement) -> String {
    match judgement.missed() {
        Some(why) => format!("not scanned ({}); case={}", why.words(), judgement.case),
        None => format!("scanned; class={}; case={}", judgement.class.name(), judgement.case),
    }
}

/// Whether it says in the mail program's list that this is spam; for servers that only have one place for it.
pub(super) fn is_spam(judgement: &Judgement) -> bool {
    judgement.missed().is_none() && judgement.class.is_spam() && judgement.class != Class::Tempfail
}

/// Whether a header's name is one of ours.
pub(super) fn is_ours(name: &str) -> bool {
    OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

/// Which of our names a message came with, and how often.
pub(super) fn forged(message: &[u8]) -> Vec<(&'static str, u32)> {
    let mut counts = [0u32; OURS.len()];
    for field in fields(message) {
        if let Some(at) = OURS.iter().position(|ours| named(field, ours)) {
            counts[at] += 1;
        }
    }
    OURS.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect()
}

/// The first value of a header, on one line.
pub(super) fn find(message: &[u8], name: &str) -> Option<String> {
    let field = fields(message).find(|field| named(field, name))?;
    let value = &field[memchr::memchr(b':', field)? + 1..];
    text::known(value).map(|value| value.replace(['\r', '\n'], ""))
}

/// The message's header fields as they came, each with its line end; and, after the last, what follows them.
pub(super) struct Fields<'a> {
    pub(super) rest: &'a [u8],
}

pub(super) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() || self.rest.starts_with(b"\n") || self.rest.starts_with(b"\r\n") {
            return None;
        }
        let mut end = 0;
        loop {
            end += memchr::memchr(b'\n', &self.rest[end..]).map_or(self.rest.len() - end, |n| n + 1);
            if !matches!(self.rest.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        let (field, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(field)
    }
}

/// Whether a field has that name. Blanks before the colon are no part of it, as some servers see it.
pub(super) fn named(field: &[u8], name: &str) -> bool {
    let Some(colon) = memchr::memchr(b':', field) else { return false };
    field[..colon].trim_ascii_end().eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::judgement::{Case, FailMode, Reason, Why};
    use super::*;

    #[test]
    fn what_was_not_scanned_says_so_and_has_no_score() {
        let mut missed = Judgement::not_scanned(Why::Late, FailMode::Tag, Case::of(1));
        missed.probability = Some(0.0);
        let status = "not scanned (it took too long); case=00000-00001".to_owned();
        assert_eq!(of(&missed), [(STATUS.to_owned(), status)]);
    }

    #[test]
    fn rules_add_headers_but_none_of_ours_and_no_second_line() {
        let mut judgement = Judgement::new(Class::Spam, Case::of(2));
        judgement.probability = Some(0.98);
        judgement.reasons = vec![
            Reason { id: "mail.a, b".into(), words: "It is bad".into(), weight: None },
            Reason { id: "mail.c".into(), words: String::new(), weight: Some(1.0) },
        ];
        judgement.headers = vec![
            ("x-spam-flag".into(), "NO".into()),
            ("X-Folder".into(), "Junk\r\nX-Other: 1".into()),
            ("Bad name".into(), "1".into()),
        ];
        let made = of(&judgement).into_iter().map(|(n, v)| format!("{n}: {v}")).collect::<Vec<_>>();
        assert_eq!(
            made,
            [
                "X-Wardroom-Status: scanned; class=spam; case=00000-00002",
                "X-Wardroom-Score: 0.9800",
                "X-Wardroom-Reasons: mail.a__b, mail.c",
                "X-Spam-Flag: YES",
                "X-Folder: Junk  X-Other: 1",
            ]
        );
    }

    #[test]
    fn forged_names_are_found_in_any_spelling_and_only_among_headers() {
        let message = b"Subject: x\r\nx-wardroom-status: scanned;\r\n class=inbox\r\nX-Spam-Flag : NO\nX-SPAM-FLAG:NO\r\n\r\nX-Wardroom-Score: 0\r\n";
        assert_eq!(forged(message), [(STATUS, 1), (FLAG, 2)]);
        assert_eq!(find(message, "X-Wardroom-Status").as_deref(), Some("scanned; class=inbox"));
        assert_eq!(find(message, "Date"), None);
        let mut all = fields(message);
        let heads: usize = all.by_ref().map(<[u8]>::len).sum();
        assert_eq!(all.rest, &message[heads..]);
        assert!(all.rest.starts_with(b"\r\nX-Wardroom-Score"));
    }
}
