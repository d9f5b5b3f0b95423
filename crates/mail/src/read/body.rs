// SPDX-License-Identifier: Apache-2.0
//! The bodies of the parts, one after the other: decoded into one buffer, read by what they are, and forgotten.

use std::collections::HashSet;
use std::ops::Range;

use super::attach;
use super::html::{HtmlMark, Page};
use super::oddity::Oddity;
use super::reading::{Encoding, Part, PartKind, Reading};
use super::sniff::{self, FileKind};
use super::text::{Writer, mixes_scripts};
use super::url::{Collector, FoundIn};
use super::{charset, decode, field, html};
use crate::kind::Set;
use crate::limits::{Budget, Resource};

/// Words of a text that are held against another.
const COMPARED_WORDS: usize = 400;

/// Reads the bodies of all parts into the reading.
pub(super) fn read(raw: &[u8], reading: &mut Reading, budget: &mut Budget, odd: &mut Set<Oddity>) {
    let mut parts = std::mem::take(&mut reading.parts);
    let mut reader = Reader { reading, urls: Collector::new(), decoded: Vec::new(), told: None, budget, odd };
    for at in 0..parts.len() {
        let alternative =
            parts[at].parent.filter(|&parent| parts[parent].declared == "multipart/alternative");
        let part = &mut parts[at];
        if !matches!(part.kind, PartKind::Multipart | PartKind::Message) {
            let begin = reader.reading.text.len();
            reader.part(at, &raw[part.body.clone()], part);
            reader.alternative(alternative, part.kind, begin);
        }
    }
    reader.finish();
    reading.parts = parts;
}

struct Reader<'a> {
    reading: &'a mut Reading,
    urls: Collector,
    decoded: Vec<u8>,
    /// The alternative of which the plain text was read last, and where that lies.
    told: Option<(usize, Range<usize>)>,
    budget: &'a mut Budget,
    odd: &'a mut Set<Oddity>,
}

impl Reader<'_> {
    fn part(&mut self, at: usize, body: &[u8], part: &mut Part) {
        let mut decoded = std::mem::take(&mut self.decoded);
        decoded.clear();
        let bytes = self.decode(body, part, &mut decoded);
        part.detected = sniff::kind(bytes);
        let page = match part.kind {
            PartKind::Text => self.plain(at, bytes, part),
            PartKind::Html => Some(self.page(at, bytes, part)),
            PartKind::Other if matches!(part.detected, FileKind::Html | FileKind::Svg) => {
                Some(self.page(at, bytes, part))
            }
            PartKind::Media if part.detected == FileKind::Svg => Some(self.page(at, bytes, part)),
            _ => None,
        };
        let shown =
            matches!(part.kind, PartKind::Text | PartKind::Html) && part.detected != FileKind::Calendar;
        if (part.attached || part.name.is_some() || !shown) && self.budget.take_one(Resource::Attachments) {
            self.attachment(at, bytes, part, page);
        }
        self.decoded = decoded;
    }

    fn attachment(&mut self, at: usize, bytes: &[u8], part: &mut Part, page: Option<Set<HtmlMark>>) {
        let (attachment, places) = attach::inspect(part, at, bytes, page, self.budget, self.odd);
        self.reading.attachments.push(attachment);
        for place in places {
            self.urls.add(&place, FoundIn::Attachment, at, None, self.budget);
        }
    }

    /// The bytes of a body as far as the budget goes.
    fn decode<'b>(&mut self, body: &'b [u8], part: &mut Part, decoded: &'b mut Vec<u8>) -> &'b [u8] {
        let most = self.budget.left(Resource::Decoded);
        let decoder = match part.encoding {
            Encoding::Identity => {
                part.size = body.len();
                return &body[..self.budget.take(Resource::Decoded, body.len())];
            }
            Encoding::Base64 => decode::base64,
            Encoding::QuotedPrintable => decode::quoted_printable,
            Encoding::Uuencode => decode::uuencode,
        };
        let outcome = decoder(body, most, decoded);
        self.odd.extend(outcome.flaws);
        self.budget.take(Resource::Decoded, outcome.size);
        part.size = outcome.size;
        decoded
    }

    /// Reads a plain text. One that is named a page is opened as one, whatever its type.
    fn plain(&mut self, at: usize, bytes: &[u8], part: &Part) -> Option<Set<HtmlMark>> {
        if matches!(part.detected, FileKind::Html | FileKind::Svg) {
            self.odd.insert_if(!part.attached, Oddity::TextIsHtml);
            if part.attached || part.name.is_some() {
                return Some(self.page(at, bytes, part));
            }
        }
        let text = charset::decode(bytes, part.charset.as_deref(), self.odd);
        let text = self.afford(&text);
        let begin = self.reading.text.len();
        let mut writer = Writer::new(&mut self.reading.text);
        writer.plain(text, self.odd);
        writer.line();
        self.urls.text(written(&self.reading.text, begin), FoundIn::Text, at, self.budget);
        None
    }

    fn page(&mut self, at: usize, bytes: &[u8], part: &Part) -> Set<HtmlMark> {
        let text = charset::decode(bytes, part.charset.as_deref(), self.odd);
        let text = self.afford(&text);
        let Reading { html: facts, text: visible, hidden, .. } = &mut *self.reading;
        let begin = (visible.len(), hidden.len());
        let page = html::read(text, facts, visible, hidden, self.budget, self.odd);
        self.links(at, &page);
        self.urls.text(written(&self.reading.text, begin.0), FoundIn::Text, at, self.budget);
        self.urls.text(written(&self.reading.hidden, begin.1), FoundIn::Hidden, at, self.budget);
        page.marks
    }

    fn links(&mut self, at: usize, page: &Page) {
        for link in &page.links {
            let label = link.label.as_deref();
            let Some(place) = self.urls.add(&link.href, link.found_in, at, label, self.budget) else {
                continue;
            };
            if link.found_in == FoundIn::Link && self.urls.misleads(place) {
                self.reading.html.mismatched_links += 1;
                self.reading.html.marks.insert(HtmlMark::LinkElsewhere);
            }
        }
    }

    /// Holds the HTML of an alternative against its plain text, which came before it.
    fn alternative(&mut self, alternative: Option<usize>, kind: PartKind, begin: usize) {
        let Some(parent) = alternative else { return };
        let end = self.reading.text.len();
        match (kind, self.told.take()) {
            (PartKind::Text, _) => self.told = Some((parent, begin.min(end)..end)),
            (PartKind::Html, Some((before, plain))) if before == parent => {
                let (plain, html) = (
                    written(&self.reading.text[..begin.min(end)], plain.start),
                    written(&self.reading.text, begin),
                );
                self.odd.insert_if(differ(plain, html), Oddity::AlternativeDiffers);
            }
            _ => {}
        }
    }

    /// As much of a text as the budget has.
    fn afford<'t>(&mut self, text: &'t str) -> &'t str {
        let granted = field::cut(text, self.budget.left(Resource::Text));
        self.budget.take(Resource::Text, if granted.len() < text.len() { text.len() } else { granted.len() });
        granted
    }

    fn finish(self) {
        self.reading.urls = self.urls.urls;
        attach::tells_password(&self.reading.text, &mut self.reading.attachments);
        self.odd.insert_if(mixes_scripts(&self.reading.text), Oddity::MixedScript);
        let nothing = self.reading.text.trim().is_empty() && self.reading.attachments.is_empty();
        self.odd.insert_if(nothing && self.reading.html.images == 0, Oddity::BodyEmpty);
    }
}

/// What was written behind a place; less may be there, if a blank at the end before it went.
fn written(text: &str, begin: usize) -> &str {
    text.get(begin..).unwrap_or_default()
}

/// Whether two texts say different things: of the first words of the one, few are words of the other. A line that only says
/// that there is HTML is too short to be held against it.
fn differ(plain: &str, html: &str) -> bool {
    let words = |text| -> HashSet<String> {
        let words = str::split(text, |c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3);
        words.take(COMPARED_WORDS).map(str::to_lowercase).collect()
    };
    let (plain, html) = (words(plain), words(html));
    let shared = plain.intersection(&html).count();
    plain.len() >= 30 && html.len() >= 30 && shared * 6 < plain.len()
}
