// SPDX-License-Identifier: Apache-2.0
//! The log as a page: a template with placeholders, and one part that is repeated for each entry.
//!
//! A placeholder is a name in double braces. What is put in its place is text and escaped as such, whoever wrote the
//! template; only `action` is markup, and made here. A template that names what there is not, or has no part for entries, is
//! refused when it is read, not when somebody looks at their log.

use super::messages::Words;
use super::told::Entry;
use std::fmt::Write as _;
use wardroom_event::Micros;

/// Where the part for an entry begins and ends.
const BEGIN: &str = "<!--entry-->";
const END: &str = "<!--/entry-->";
/// What may stand outside of it, and within.
const OUTSIDE: [&str; 3] = ["account", "made", "count"];
const WITHIN: [&str; 9] = ["when", "datetime", "what", "from", "with", "did", "can", "action", "class"];

/// A template of the log's page.
#[derive(Clone, Debug)]
pub struct Template {
    before: Box<str>,
    entry: Box<str>,
    after: Box<str>,
}

/// What is wrong with a template, in words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It has no part for entries, or more than one.
    #[error("it must have one part between `{BEGIN}` and `{END}`")]
    NoEntry,
    /// It names something that there is not.
    #[error("there is no `{{{{{name}}}}}` {place}; there are: {known}")]
    Unknown {
        /// What it names.
        name: String,
        /// Where.
        place: &'static str,
        /// What it may name there.
        known: String,
    },
}

impl Template {
    /// The one that is shipped.
    pub fn shipped() -> Template {
        // A test reads it; were it none, a log would have no page rather than a server no start.
        Template::read(super::PAGE).unwrap_or(Template {
            before: "".into(),
            entry: "".into(),
            after: "".into(),
        })
    }

    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`]: what is wrong with it.
    pub fn read(text: &str) -> Result<Template, TemplateError> {
        let (before, rest) = text.split_once(BEGIN).ok_or(TemplateError::NoEntry)?;
        let (entry, after) = rest.split_once(END).ok_or(TemplateError::NoEntry)?;
        if after.contains(BEGIN) || after.contains(END) {
            return Err(TemplateError::NoEntry);
        }
        for (part, known, place) in [
            (before, &OUTSIDE[..], "outside an entry"),
            (entry, &WITHIN[..], "within an entry"),
            (after, &OUTSIDE[..], "outside an entry"),
        ] {
            check(part, known, place)?;
        }
        Ok(Template { before: before.into(), entry: entry.into(), after: after.into() })
    }

    /// The page: whose it is, when it was made, and the entries, each with the path of its link "this was not me" where it has
    /// one.
    pub fn page(&self, account: &str, made: Micros, entries: &[(Entry, Option<String>)]) -> String {
        let count = entries.len().to_string();
        let outside = |name: &str| match name {
            "account" => escaped(account),
            "made" => escaped(&when(made)),
            _ => count.clone(),
        };
        let mut out = String::new();
        fill(&self.before, outside, &mut out);
        for (entry, link) in entries {
            fill(&self.entry, |name| within(name, entry, link.as_deref()), &mut out);
        }
        fill(&self.after, outside, &mut out);
        out
    }
}

fn within(name: &str, entry: &Entry, link: Option<&str>) -> String {
    let text = |words: &Words| escaped(&words.text);
    match name {
        "when" => match entry.since {
            Some(since) => escaped(&format!("{} to {}", when(since), when(entry.time))),
            None => escaped(&when(entry.time)),
        },
        "datetime" => escaped(&entry.time.to_string()),
        "what" => text(&entry.what),
        "from" => text(&entry.from),
        "with" => entry.with.as_ref().map(text).unwrap_or_default(),
        "did" => text(&entry.did),
        "can" => entry.can.iter().map(text).collect::<Vec<_>>().join(" "),
        "class" => if entry.is_suspicious { "suspicious" } else { "usual" }.to_owned(),
        _ => link.map(|link| action(entry, link)).unwrap_or_default(),
    }
}

/// The link, which says what it is about to who hears it without the text around it.
fn action(entry: &Entry, link: &str) -> String {
    let about = format!("{}, {}", entry.what.text, when(entry.time));
    format!(
        "<a class=\"not-me\" rel=\"nofollow\" href=\"{}\">This was not me<span class=\"hidden\">: {}</span></a>",
        escaped(link),
        escaped(&about)
    )
}

fn check(part: &str, known: &[&str], place: &'static str) -> Result<(), TemplateError> {
    let mut rest = part;
    while let Some((_, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}").unwrap_or((after, ""));
        if !known.contains(&name) {
            let name = name.chars().take(super::SHOWN_CHARS).collect();
            return Err(TemplateError::Unknown { name, place, known: known.join(", ") });
        }
        rest = behind;
    }
    Ok(())
}

/// From left to right, so that braces in a value are only text.
fn fill(part: &str, value: impl Fn(&str) -> String, out: &mut String) {
    let mut rest = part;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, behind)) = after.split_once("}}") else { break };
        out.push_str(&value(name));
        rest = behind;
    }
    out.push_str(rest);
}

/// A time for people: `28 November 2026, 13:05 UTC`.
fn when(time: Micros) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let Ok(stamp) = jiff::Timestamp::from_microsecond(time.0) else { return time.to_string() };
    let at = jiff::tz::Offset::UTC.to_datetime(stamp);
    let month = usize::try_from(at.month()).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let month = month.copied().unwrap_or_default();
    format!("{} {month} {}, {:02}:{:02} UTC", at.day(), at.year(), at.hour(), at.minute())
}

/// Text as it may stand in markup, between quotes as well.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' => {
                let _ = write!(out, "&#xfffd;");
            }
            c => out.push(c),
        }
    }
    out
}

/// What the page behind a link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It asks: a link is followed by who checks mail for harm as well, so nothing follows from that.
    Asks,
    /// It was taken down that it was not the owner.
    NotMine,
    /// It was taken down that it was.
    Mine,
    /// The link is over.
    Expired,
    /// It is none of ours, or what it is about is gone.
    Unknown,
    /// It could not be taken down now.
    Later,
}

impl Said {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Said::Asks => (
                "Was this you?",
                "If it was not, say so: all sessions of your account end, and a person looks at it. If it was, you need not do anything.",
            ),
            Said::NotMine => (
                "Thank you: we know that this was not you",
                "The sessions of your account are being ended, what waited to take effect does not, and a person looks at it. Now change your password, from a device of your own.",
            ),
            Said::Mine => (
                "Thank you: we know that this was you",
                "What was held because of it is let go. What waited to take effect was called off: ask for it again.",
            ),
            Said::Expired => (
                "This link is no longer valid",
                "Links in a security log work for some time only. Open your security log anew, or write to support.",
            ),
            Said::Unknown => (
                "This link does not work",
                "It may have been cut off on its way. Copy all of it, open your security log anew, or write to support.",
            ),
            Said::Later => (
                "Please try again in a minute",
                "We could not take this down just now. Nothing is lost: send it again.",
            ),
        }
    }

    /// The buttons that stand there: what is sent, and what it reads as.
    fn buttons(self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self {
            Said::Asks => &[("not-me", "", "This was not me")],
            Said::NotMine => &[("me", "second", "I was wrong: it was me")],
            Said::Mine => &[("not-me", "second", "I was wrong: it was not me")],
            Said::Later => &[("not-me", "", "Send it again")],
            Said::Expired | Said::Unknown => &[],
        }
    }
}

/// The page behind a link; `about` is the entry it is about, where that is known.
pub fn not_me(said: Said, about: Option<&Entry>) -> String {
    let (title, text) = said.words();
    let about = about.map(|it| {
        let with = it.with.as_ref().map(|with| format!(" {}", with.text)).unwrap_or_default();
        format!("{}, {}, {}{with}.", it.what.text, when(it.time), it.from.text)
    });
    let mut form = String::new();
    for (answer, class, label) in said.buttons() {
        let _ = write!(
            form,
            "<form method=\"post\"><input type=\"hidden\" name=\"answer\" value=\"{answer}\"><button class=\"{class}\">{label}</button></form>"
        );
    }
    let mut out = String::new();
    let value = |name: &str| match name {
        "title" => escaped(title),
        "text" => escaped(text),
        "about" => escaped(about.as_deref().unwrap_or_default()),
        _ => form.clone(),
    };
    fill(super::NOT_ME, value, &mut out);
    out
}
