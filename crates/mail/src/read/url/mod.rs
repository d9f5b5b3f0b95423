// SPDX-License-Identifier: Apache-2.0
//! URLs as they are written, and where they lead.

mod find;
mod host;
mod lists;
mod parse;
mod redirect;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::field::cut;
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
        HostInLabel "host_in_label" "the name of another site stands within the host"
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

/// Takes in the URLs of a message, each once for each kind of place.
pub(super) struct Collector {
    pub urls: Vec<Url>,
    seen: HashSet<u64>,
}

impl Collector {
    pub(super) fn new() -> Self {
        Self { urls: Vec::new(), seen: HashSet::new() }
    }

    /// Takes in the URLs of a text.
    pub(super) fn text(&mut self, text: &str, found_in: FoundIn, part: usize, budget: &mut Budget) {
        find::find(text, |seen| {
            self.add(seen, found_in, part, None, budget).is_some() || budget.left(Resource::Urls) > 0
        });
    }

    /// Takes in one URL; its place, if it is one and there is room.
    pub(super) fn add(
        &mut self,
        seen: &str,
        found_in: FoundIn,
        part: usize,
        label: Option<&str>,
        budget: &mut Budget,
    ) -> Option<usize> {
        self.nested(seen, found_in, (part, label), budget, 0)
    }

    fn nested(
        &mut self,
        seen: &str,
        found_in: FoundIn,
        (part, label): (usize, Option<&str>),
        budget: &mut Budget,
        depth: usize,
    ) -> Option<usize> {
        let mut url = parse::parse(seen)?;
        let mut hasher = DefaultHasher::new();
        (found_in, &url.normal, label).hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) || !budget.take_one(Resource::Urls) {
            return None;
        }
        url.found_in = found_in;
        url.part = part;
        url.label = label.map(|label| cut(label, limits::LABEL_BYTES).to_owned());
        let inner = if depth < limits::URL_NESTING { redirect::target(&mut url) } else { None };
        let place = self.urls.len();
        self.urls.push(url);
        if let Some(inner) = inner {
            let target = self.nested(&inner, FoundIn::Redirect, (part, None), budget, depth + 1);
            self.urls[place].target = target;
        }
        Some(place)
    }

    /// Whether a link's text names another site than any that the link leads to.
    pub(super) fn misleads(&self, place: usize) -> bool {
        let url = &self.urls[place];
        let Some(label) = &url.label else { return false };
        let mut named = None;
        find::find(label, |seen| {
            named = parse::parse(seen).and_then(|url| url.site);
            false
        });
        let Some(named) = named else { return false };
        let mut at = Some(place);
        while let Some(place) = at {
            let url = &self.urls[place];
            if url.host.is_empty() || url.site.as_deref() == Some(&named) {
                return false;
            }
            at = url.target;
        }
        true
    }
}

/// The host of a URL, in lower case.
pub(super) fn host(url: &str) -> Option<String> {
    parse::parse(url).map(|url| url.host).filter(|host| !host.is_empty())
}
