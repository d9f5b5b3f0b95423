// SPDX-License-Identifier: Apache-2.0
//! What is read of a message, as plain data. Every text in it is a stranger's: escape it wherever it is shown.

use std::net::IpAddr;
use std::ops::Range;

use super::attach::Attachment;
use super::html::HtmlFacts;
use super::oddity::Oddity;
use super::sniff::FileKind;
use super::url::Url;
use crate::kind::Set;
use crate::limits::Spent;

/// All that a message shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The headers of the message itself, in their order; those of parts are read into [`Part`].
    pub headers: Vec<Header>,
    /// The first `Subject`, decoded; empty if there is none.
    pub subject: String,
    /// When it says it was sent.
    pub date: Option<Date>,
    /// `Message-ID` without its angle brackets.
    pub message_id: Option<String>,
    /// The mailboxes of the first `From`.
    pub from: Vec<Mailbox>,
    /// The mailboxes of `Sender`.
    pub sender: Vec<Mailbox>,
    /// The mailboxes of `Reply-To`.
    pub reply_to: Vec<Mailbox>,
    /// The mailboxes of `To`.
    pub to: Vec<Mailbox>,
    /// The mailboxes of `Cc`.
    pub cc: Vec<Mailbox>,
    /// The `Received` headers, newest first as they stand.
    pub received: Vec<Hop>,
    /// The parts in their order, each behind the one that holds it; the message itself is the first.
    pub parts: Vec<Part>,
    /// What a reader sees: the text of all text parts, HTML without its tags. Parts end in a line end.
    pub text: String,
    /// Text of HTML that no reader sees.
    pub hidden: String,
    /// What the HTML parts have, together.
    pub html: HtmlFacts,
    /// URLs in the order in which they were found: links of HTML, then those in texts; targets inside them come behind.
    pub urls: Vec<Url>,
    /// Files that come with it.
    pub attachments: Vec<Attachment>,
    /// What is odd about it.
    pub oddities: Set<Oddity>,
    /// What reading it took.
    pub spent: Spent,
}

impl Reading {
    /// The headers of a name, in whichever case it is written.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Header> {
        self.headers.iter().filter(move |header| header.is(name))
    }

    /// The value of the first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.is(name)).map(|header| header.value.as_str())
    }
}

/// A header field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// The name as it is written.
    pub name: String,
    /// The value in one line, encoded words decoded.
    pub value: String,
    /// Where the field lies in the message, its name and its line ends included.
    pub at: Range<usize>,
}

impl Header {
    /// Whether it has that name, in whichever case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// An address with the name that is shown for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mailbox {
    /// The display name, decoded; empty if there is none.
    pub name: String,
    /// The address as it is written, without brackets; empty if there is none.
    pub address: String,
}

impl Mailbox {
    /// What stands behind the last `@`, as written.
    pub fn domain(&self) -> Option<&str> {
        self.address.rsplit_once('@').map(|(_, domain)| domain).filter(|domain| !domain.is_empty())
    }

    /// What stands before the last `@`.
    pub fn local(&self) -> Option<&str> {
        self.address.rsplit_once('@').map(|(local, _)| local)
    }
}

/// A point in time with the zone it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub unix_secs: i64,
    /// Minutes east of Greenwich.
    pub zone_minutes: i32,
}

/// One step of the way, as a server on it told it: whoever sends can write what he likes below the first that is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hop {
    /// The name that the client gave (`HELO`), or what stands behind `from`.
    pub helo: Option<String>,
    /// What the server's own look-up of the client's address gave.
    pub reverse: Option<String>,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The server that wrote it.
    pub by: Option<String>,
    /// The protocol, such as `ESMTPS`.
    pub with: Option<String>,
    /// For whom.
    pub to: Option<String>,
    /// Whether it tells of TLS.
    pub tls: bool,
    /// When.
    pub date: Option<Date>,
}

/// What a part is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PartKind {
    /// A text that is no HTML.
    #[default]
    Text,
    /// A text in HTML.
    Html,
    /// Parts in a part.
    Multipart,
    /// A message in a message.
    Message,
    /// A picture, sound or film.
    Media,
    /// Anything else.
    Other,
}

/// How a part's body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// As it is: `7bit`, `8bit`, `binary`, nothing, or what nobody knows.
    #[default]
    Identity,
    /// `base64`.
    Base64,
    /// `quoted-printable`.
    QuotedPrintable,
    /// `x-uuencode`.
    Uuencode,
}

/// A part of the message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// What it is for.
    pub kind: PartKind,
    /// The type that it says it has, in lower case, such as `text/html`; empty if it says none.
    pub declared: String,
    /// The type that its bytes have.
    pub detected: FileKind,
    /// Its file name, decoded.
    pub name: Option<String>,
    /// The charset it names, in lower case.
    pub charset: Option<String>,
    /// How its body is written.
    pub encoding: Encoding,
    /// Whether its body may have bytes beyond ASCII: it is said to be `8bit` or `binary`, or it is encoded.
    pub eight_bit: bool,
    /// Whether it is said to be an attachment.
    pub attached: bool,
    /// `Content-ID` without its angle brackets.
    pub content_id: Option<String>,
    /// The part that holds it, by its place in [`Reading::parts`].
    pub parent: Option<usize>,
    /// How many parts hold it.
    pub depth: usize,
    /// Where its body lies in the message.
    pub body: Range<usize>,
    /// How many bytes its body has, decoded.
    pub size: usize,
}
