// SPDX-License-Identifier: Apache-2.0
//! URLs as they are written, and where they lead.

use crate::kind::{Set, kinds};
use crate::limits::{self, Budget, Resource};

kinds! {
    /// Something about a URL that is not plain.
    UrlMark {
        Defanged "defanged" "written so that it does not work, as `hxxp` or `[.]`"
        Schemeless "schemeless" "written without its scheme"
        Punycode "punycode" "the host is in punycode"
        Idn "idn" "the host has characters beyond ASCII"
        MixedScript "mixed_script" "a label of the host mixes scripts"
        Userinfo "userinfo" "something stands before an `@`, where the host seems to be"
        UserinfoHost "userinfo_host" "what stands before the `@` looks like a host"
        IpHost "ip_host" "the host is an address"
        OddIp "odd_ip" "the host is an address in a notation that nobody uses"
        Port "port" "it names a port of its own"
        Escaped "escaped" "the host is written with escapes"
        Backslash "backslash" "it has backslashes where slashes belong"
        Control "control" "it has blanks or control characters in it"
        Shortener "shortener" "the host shortens URLs"
        Redirect "redirect" "it has another URL in it"
        Wrapped "wrapped" "a mail filter has wrapped it"
        OpenHost "open_host" "anybody can put pages on the host"
        BrandInLabel "host_in_label" "the name of another site stands within the host"
        ManyLabels "many_labels" "the host has many labels"
        LongHost "long_host" "the host is very long"
        Numbers "numbers" "the host is mostly digits"
        File "file" "it leads to a file that a program would run"
        Encoded "encoded" "its path or query is mostly escapes"
        Cut "cut" "it is longer than what is kept"
        Address "address" "it carries a mail address"
    }
}

/// Where a URL was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum FoundIn {
    /// In visible text.
    #[default]
    Text,
    /// In text that nobody sees.
    Hidden,
    /// Behind a link of HTML.
    Link,
    /// A picture of HTML.
    Image,
    /// Where a form sends to.
    Form,
    /// Elsewhere in HTML: frames, `base`, `meta refresh`, styles.
    Html,
    /// Within another URL.
    Redirect,
    /// In a header.
    Header,
    /// In an attachment.
    Attachment,
}

impl FoundIn {
    /// The name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Hidden => "hidden",
            Self::Link => "link",
            Self::Image => "image",
            Self::Form => "form",
            Self::Html => "html",
            Self::Redirect => "redirect",
            Self::Header => "header",
            Self::Attachment => "attachment",
        }
    }
}

/// A URL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Url {
    /// As it is written, cut to what is kept.
    pub seen: String,
    /// As a browser would ask for it: scheme and host in lower case, escapes of the host undone, no user, no fragment.
    pub normal: String,
    /// `http`, `https`, `mailto`, `data` …, in lower case.
    pub scheme: String,
    /// The host in lower case, in Unicode; addresses in their usual notation. Empty where there is none.
    pub host: String,
    /// The shortest domain of the host that somebody could register.
    pub site: Option<String>,
    /// A port that it names and that is not its scheme's.
    pub port: Option<u16>,
    /// What stands behind the host, without query and fragment.
    pub path: String,
    /// What stands behind `?`.
    pub query: String,
    /// The words of its path, in lower case.
    pub words: Vec<String>,
    /// Where it was found.
    pub found_in: FoundIn,
    /// The part it was found in, by its place in [`super::Reading::parts`].
    pub part: usize,
    /// The text of the link, as far as it is seen.
    pub label: Option<String>,
    /// The URL within it, by its place in [`super::Reading::urls`].
    pub target: Option<usize>,
    /// What is not plain about it.
    pub marks: Set<UrlMark>,
}

/// Finds the URLs of a text.
pub(super) fn find(text: &str, found_in: FoundIn, part: usize, urls: &mut Vec<Url>, budget: &mut Budget) {
    for word in text.split_ascii_whitespace() {
        let Some((scheme, rest)) = word.split_once("://") else { continue };
        if !matches!(scheme, "http" | "https") || !budget.take_one(Resource::Urls) {
            continue;
        }
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let host = host.to_ascii_lowercase();
        urls.push(Url {
            seen: super::field::cut(word, limits::URL_BYTES).to_owned(),
            normal: super::field::cut(word, limits::URL_BYTES).to_owned(),
            scheme: scheme.to_owned(),
            site: wardroom_facts::site(&host).map(str::to_owned),
            host,
            path: path.to_owned(),
            found_in,
            part,
            ..Url::default()
        });
    }
}
