// SPDX-License-Identifier: Apache-2.0
//! Which headers and parts a message has, in which order, and how they are written: the hand of the program that sent it.

use wardroom_model::Writer;

use super::{SHAPE, bare_subject, is_mailbox_header, magnitude, pattern, undigited};
use crate::kind::Kind as _;
use crate::limits;
use crate::read::{Header, Mailbox, Reading};

/// Writes the view.
pub(super) fn write(reading: &Reading, writer: &mut Writer) {
    let mut shape = Shape { reading, writer };
    shape.order();
    for header in &reading.headers {
        shape.header(header);
    }
    shape.subject();
    shape.addresses();
    shape.parts();
    shape.facts();
}

struct Shape<'a> {
    reading: &'a Reading,
    writer: &'a mut Writer,
}

impl Shape<'_> {
    fn token(&mut self, kind: &str, text: &str) {
        self.writer.token(SHAPE, kind, text.as_bytes());
    }

    /// The names as they are written, alone and with the one before.
    fn order(&mut self) {
        let reading = self.reading;
        let names = reading.headers.iter().filter(|header| {
            !is_mailbox_header(&header.name) && !header.is("received") && !header.is("x-original-to")
        });
        let mut last = "";
        for header in names {
            self.token("header", &header.name);
            self.token("order", &format!("{last} {}", header.name));
            last = &header.name;
        }
    }

    /// What the value of a header says of the program that wrote it.
    fn header(&mut self, header: &Header) {
        const WRITTEN: [&str; 3] = ["date", "message-id", "mime-version"];
        const SAID: [&str; 8] = [
            "content-type",
            "content-transfer-encoding",
            "x-mailer",
            "user-agent",
            "x-priority",
            "x-msmail-priority",
            "importance",
            "x-mimeole",
        ];
        const PEOPLE: [&str; 4] = ["from", "to", "reply-to", "cc"];
        let Some(name) = WRITTEN.iter().chain(&SAID).chain(&PEOPLE).find(|name| header.is(name)) else {
            return;
        };
        self.token("pattern", &format!("{name} {}", pattern(&header.value)));
        if SAID.contains(name) {
            let words = header.value.split(|char: char| char.is_whitespace() || char == ';');
            for word in words.filter(|word| !word.is_empty()).take(limits::VIEW_HEADER_WORDS) {
                self.token("value", &format!("{name} {}", undigited(word, limits::VIEW_WORD_CHARS)));
            }
        }
        if PEOPLE.contains(name) {
            let value = &header.value;
            let many = value.matches('@').count().min(4);
            self.token("people", &format!("{name} {} {} {many}", value.contains('"'), value.contains('<')));
        }
    }

    fn subject(&mut self) {
        let subject = bare_subject(&self.reading.subject);
        self.token("subject pattern", &pattern(subject));
        let letters = subject.chars().filter(|char| char.is_alphabetic()).count();
        let upper = subject.chars().filter(|char| char.is_uppercase()).count();
        let quarter = upper * 4 / letters.max(1);
        let reply = subject.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("re:"));
        self.token("subject upper case", &format!("{quarter} {} {reply}", subject.contains('!')));
        self.token("subject ascii", if subject.is_ascii() { "yes" } else { "no" });
        let answers =
            self.reading.headers.iter().any(|header| header.is("in-reply-to") || header.is("references"));
        self.token("answer", &format!("{reply} {answers}"));
    }

    /// Who says he writes, and whether the addresses agree.
    fn addresses(&mut self) {
        let reading = self.reading;
        let from = reading.from.first();
        let domain =
            |mailbox: Option<&Mailbox>| mailbox.and_then(Mailbox::domain).map(site).unwrap_or_default();
        let from_site = domain(from);
        let id_site = reading
            .message_id
            .as_deref()
            .and_then(|id| id.rsplit_once('@'))
            .map(|(_, host)| site(host))
            .unwrap_or_default();
        let agree = [
            ("from and message-id", from_site == id_site),
            (
                "from and reply-to",
                reading.reply_to.is_empty() || domain(reading.reply_to.first()) == from_site,
            ),
            ("from and to", domain(reading.to.first()) == from_site),
            (
                "sender is recipient",
                from.is_some() && from.map(|from| &from.address) == reading.to.first().map(|to| &to.address),
            ),
        ];
        for (kind, same) in agree {
            self.token(kind, if same { "same" } else { "other" });
        }
        self.token("from country", from_site.rsplit('.').next().unwrap_or_default());
        self.token("from domain", &from_site);
    }

    fn parts(&mut self) {
        let reading = self.reading;
        for part in &reading.parts {
            let charset = part.charset.as_deref().unwrap_or("-");
            self.token("part", &part.declared);
            self.token("charset", charset);
            self.token("part as a whole", &format!("{} {charset} {:?}", part.declared, part.encoding));
        }
        self.token("parts", &reading.parts.len().min(9).to_string());
        self.token("text size", &magnitude(reading.text.len()).to_string());
    }

    /// What reading has found: oddities, and what HTML and attachments have.
    fn facts(&mut self) {
        let reading = self.reading;
        for oddity in reading.oddities.iter() {
            self.token("oddity", oddity.name());
        }
        for mark in reading.html.marks.iter() {
            self.token("html", mark.name());
        }
        if reading.html.parts > 0 {
            self.token(
                "html size",
                &format!("{} {}", magnitude(reading.html.tags), magnitude(reading.html.images)),
            );
            self.token("html hidden", &magnitude(reading.html.hidden_percent()).to_string());
        }
        for attachment in &reading.attachments {
            self.token("attachment", attachment.kind.name());
            for mark in attachment.marks.iter() {
                self.token("attachment mark", mark.name());
            }
        }
    }
}

/// What somebody could register of a host, in lower case.
fn site(host: &str) -> String {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    wardroom_facts::site(&host).map_or_else(|| host.clone(), str::to_owned)
}
