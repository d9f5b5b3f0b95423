// SPDX-License-Identifier: Apache-2.0
//! One pass over a page: what is seen, what is hidden, where it leads.

use super::colour;
use super::look::{Look, PLAIN, Tag, is_void};
use super::style::{self, Sheet};
use super::token::{Name, Token, Tokens, attributes};
use super::{HtmlFacts, HtmlMark, entity};
use crate::kind::Set;
use crate::limits::{self, Budget, Resource};
use crate::read::field::cut;
use crate::read::oddity::Oddity;
use crate::read::text::Writer;
use crate::read::url::FoundIn;

/// Most open elements that are remembered; what is opened within more than these shows as they do.
const OPEN_ELEMENTS: usize = 128;
/// Most hosts of forms that are kept.
const FORM_HOSTS: usize = 16;
/// Words torn apart by comments from which on it is no accident.
const TORN_WORDS: usize = 3;
/// Bytes of one script that are looked through for what it does.
const SCRIPT_BYTES: usize = 64 * 1024;

/// A place that a page leads to.
#[derive(Debug)]
pub(in crate::read) struct Link {
    pub href: String,
    pub found_in: FoundIn,
    /// The text of the link, as far as it is seen.
    pub label: Option<String>,
}

/// What one part has, beside its texts.
#[derive(Debug, Default)]
pub(in crate::read) struct Page {
    pub links: Vec<Link>,
    pub marks: Set<HtmlMark>,
}

/// Reads one part: its texts are put behind those given.
pub(in crate::read) fn read(
    html: &str,
    facts: &mut HtmlFacts,
    visible: &mut String,
    hidden: &mut String,
    budget: &mut Budget,
    odd: &mut Set<Oddity>,
) -> Page {
    let most = budget.left(Resource::Urls) + 1;
    let begin = (visible.len(), hidden.len());
    let mut reader = Reader {
        facts,
        page: Page::default(),
        visible: Writer::new(visible),
        hidden: Writer::new(hidden),
        open: Vec::new(),
        sheet: Sheet::default(),
        base: None,
        link: None,
        images: 0,
        tearing: false,
        torn: 0,
        most,
        odd,
    };
    reader.run(html, budget);
    reader.finish(begin)
}

struct Reader<'a> {
    facts: &'a mut HtmlFacts,
    page: Page,
    visible: Writer<'a>,
    hidden: Writer<'a>,
    open: Vec<(Name, Look)>,
    sheet: Sheet,
    base: Option<String>,
    /// The link that is open: where it leads, and where its visible text begins.
    link: Option<(String, usize)>,
    images: usize,
    /// A comment came behind a letter; and how often a letter came behind such a comment.
    tearing: bool,
    torn: usize,
    most: usize,
    odd: &'a mut Set<Oddity>,
}

impl Reader<'_> {
    fn run(&mut self, html: &str, budget: &mut Budget) {
        let mut tokens = Tokens::new(html);
        while let Some(token) = tokens.next() {
            match token {
                Token::Text(text) => {
                    let letter = text.starts_with(|c: char| c.is_alphanumeric());
                    self.torn += usize::from(std::mem::take(&mut self.tearing) && letter);
                    self.text(text);
                }
                Token::Comment(length) => {
                    self.facts.comment_bytes += length;
                    self.tearing = self.visible.ends_in_word();
                }
                Token::Close(name) => self.close(name),
                Token::Open { name, attributes } => {
                    if !budget.take_one(Resource::Tags) {
                        break;
                    }
                    self.facts.tags += 1;
                    self.tearing = false;
                    self.tag(name, attributes);
                    match name.as_str() {
                        "script" => self.smuggling(tokens.raw_text("script")),
                        "style" => self.sheet.add(tokens.raw_text("style")),
                        "title" | "textarea" | "template" | "xmp" | "noembed" => {
                            let text = tokens.raw_text(name.as_str());
                            self.aside(name.as_str(), text);
                        }
                        _ => {}
                    }
                }
            }
        }
        self.end_link();
    }

    fn finish(mut self, begin: (usize, usize)) -> Page {
        self.visible.line();
        self.hidden.line();
        let seen = self.visible.len() - begin.0;
        self.facts.parts += 1;
        self.facts.visible_bytes += seen;
        self.facts.hidden_bytes += self.hidden.len() - begin.1;
        let comments = self.facts.comment_bytes;
        self.page.marks.insert_if(comments > 2000 && comments > 4 * seen, HtmlMark::CommentHeavy);
        let letters = self.visible.since(begin.0).bytes().filter(u8::is_ascii_alphanumeric).count();
        self.page.marks.insert_if(self.images > 0 && letters < 40, HtmlMark::ImageOnly);
        self.page.marks.insert_if(self.torn >= TORN_WORDS, HtmlMark::WordSplit);
        self.odd.insert_if(seen == 0, Oddity::HtmlWithoutText);
        self.facts.marks.extend(self.page.marks);
        self.page
    }

    fn look(&self) -> Look {
        self.open.last().map_or(PLAIN, |(_, look)| *look)
    }

    fn text(&mut self, text: &str) {
        let text = entity::decode(text);
        let why = self.look().hidden();
        if why.is_empty() {
            self.visible.flowing(&text, self.odd);
        } else {
            let blank = text.trim().is_empty();
            self.page.marks.extend(if blank { Set::new() } else { why });
            self.hidden.flowing(&text, self.odd);
        }
    }

    /// Text that stands beside the page: a title is seen nowhere in mail, what one can write into is.
    fn aside(&mut self, name: &str, text: &str) {
        match name {
            "template" => self.hidden.flowing(text, self.odd),
            "title" => {
                self.hidden.flowing(&entity::decode(text), self.odd);
                self.hidden.line();
            }
            _ => self.text(text),
        }
    }

    fn close(&mut self, name: Name) {
        if name.as_str() == "a" {
            self.end_link();
        }
        if let Some(at) = self.open.iter().rposition(|(open, _)| *open == name) {
            self.open.truncate(at);
        }
        self.space(name.as_str());
    }

    /// What an element does to the flow of text around it.
    fn space(&mut self, name: &str) {
        match name {
            "br" | "p" | "div" | "tr" | "table" | "li" | "ul" | "ol" | "h1" | "h2" | "h3" | "h4" | "h5"
            | "h6" | "hr" | "blockquote" | "pre" | "center" | "form" | "section" | "article" | "header"
            | "footer" | "option" | "dt" | "dd" | "body" | "title" => {
                self.visible.line();
                self.hidden.line();
            }
            "td" | "th" => {
                self.visible.flowing(" ", self.odd);
                self.hidden.flowing(" ", self.odd);
            }
            _ => {}
        }
    }

    fn tag(&mut self, name: Name, text: &str) {
        let known = name.as_str();
        self.space(known);
        let mut tag = Tag::default();
        for (name, value) in attributes(text) {
            self.attribute(name.as_str(), value, &mut tag);
        }
        self.element(known, &tag);
        if is_void(known) {
            return;
        }
        // Left open, these end where the next of them begins.
        let implied = matches!(known, "p" | "li" | "td" | "th" | "tr" | "option" | "dt" | "dd");
        if implied && self.open.last().is_some_and(|(open, _)| *open == name) {
            self.open.pop();
        }
        if self.open.len() < OPEN_ELEMENTS {
            self.open.push((name, tag.shown(self.look(), &self.sheet)));
        }
    }

    fn attribute<'t>(&mut self, name: &str, value: &'t str, tag: &mut Tag<'t>) {
        match name {
            "style" => tag.style = style::parse(&entity::decode(value)),
            "hidden" => tag.hidden = true,
            "class" | "id" => {
                tag.classes.push(' ');
                tag.classes.push_str(cut(value, limits::NAME_BYTES));
            }
            "href" | "xlink:href" => tag.href = Some(value),
            "src" => tag.src = Some(value),
            "action" | "formaction" => tag.action = Some(value),
            "alt" => tag.alt = Some(value),
            "type" | "http-equiv" | "rel" => tag.kind = value,
            "content" => tag.content = value,
            "width" => tag.style.pixel_wide |= matches!(value.trim_end_matches("px"), "0" | "1" | "2"),
            "height" => tag.style.pixel_high |= matches!(value.trim_end_matches("px"), "0" | "1" | "2"),
            "color" | "text" => tag.colour = colour::parse(value),
            "bgcolor" => tag.background = colour::parse(value),
            "background" => {
                tag.painted = true;
                let href = self.resolve(value);
                self.lead(&href, FoundIn::Image, None);
            }
            "download" => self.page.marks.insert(HtmlMark::DownloadLink),
            name if name.len() > 3 && name.starts_with("on") => {
                self.page.marks.insert(HtmlMark::EventHandler);
                self.smuggling(value);
            }
            _ => {}
        }
    }

    /// What an element is and does, whatever its text.
    fn element(&mut self, name: &str, tag: &Tag<'_>) {
        let marks = &mut self.page.marks;
        match name {
            "a" | "area" => {
                self.end_link();
                if let Some(href) = tag.href {
                    self.facts.links += 1;
                    let href = self.resolve(href);
                    if name == "a" {
                        self.link = Some((href, self.visible.len()));
                    } else {
                        self.lead(&href, FoundIn::Link, tag.alt);
                    }
                }
            }
            "img" | "image" => self.image(tag),
            "form" => {
                self.facts.forms += 1;
                marks.insert(HtmlMark::Form);
                self.form(tag);
            }
            "input" | "button" => {
                let password = tag.kind.eq_ignore_ascii_case("password");
                self.facts.passwords += usize::from(password);
                marks.insert_if(password, HtmlMark::PasswordField);
                self.form(tag);
            }
            "script" => {
                self.facts.scripts += 1;
                marks.insert(HtmlMark::Script);
                let drawing = self.open.iter().any(|(open, _)| open.as_str() == "svg");
                marks.insert_if(drawing, HtmlMark::SvgActive);
                self.source(tag);
            }
            "iframe" | "frame" => {
                marks.insert(HtmlMark::Frame);
                self.source(tag);
            }
            "object" | "embed" | "applet" => {
                marks.insert(HtmlMark::Object);
                self.source(tag);
            }
            "meta" if tag.kind.eq_ignore_ascii_case("refresh") => {
                marks.insert(HtmlMark::MetaRefresh);
                let content = entity::decode(tag.content);
                let place = content.to_ascii_lowercase().find("url").and_then(|at| content.get(at + 3..));
                if let Some(href) = place.map(|href| href.trim_start_matches([' ', '=', '\'', '"'])) {
                    self.lead(href, FoundIn::Html, None);
                }
            }
            "base" => {
                if let Some(href) = tag.href {
                    marks.insert(HtmlMark::Base);
                    self.base = Some(entity::decode(cut(href.trim(), limits::URL_BYTES)).into_owned());
                }
            }
            _ if name.contains(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '_'))) => {
                marks.insert(HtmlMark::InvalidTags);
            }
            _ => {}
        }
    }

    fn source(&mut self, tag: &Tag<'_>) {
        if let Some(src) = tag.src {
            let href = self.resolve(src);
            self.lead(&href, FoundIn::Html, None);
        }
    }

    fn form(&mut self, tag: &Tag<'_>) {
        let Some(action) = tag.action.filter(|action| !action.trim().is_empty()) else { return };
        let action = self.resolve(action);
        if let Some(host) = crate::read::url::host(&action)
            && !self.facts.form_hosts.contains(&host)
            && self.facts.form_hosts.len() < FORM_HOSTS
        {
            self.facts.form_hosts.push(host);
        }
        self.lead(&action, FoundIn::Form, None);
    }

    fn image(&mut self, tag: &Tag<'_>) {
        self.facts.images += 1;
        self.images += 1;
        let pixel = tag.style.pixel_wide && tag.style.pixel_high;
        self.facts.pixels += usize::from(pixel);
        self.page.marks.insert_if(pixel, HtmlMark::TrackingPixel);
        let src = tag.src.unwrap_or_default().trim_ascii_start();
        if src.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http")) || src.starts_with("//") {
            self.facts.remote_images += 1;
            let href = self.resolve(src);
            self.lead(&href, FoundIn::Image, tag.alt.filter(|_| !pixel));
        }
        // What stands for a picture is read aloud, and seen until pictures are let in.
        if let Some(alt) = tag.alt.filter(|alt| !pixel && !alt.trim().is_empty()) {
            self.text(alt);
            self.text(" ");
        }
    }

    /// What an address in the page means, by its base.
    fn resolve(&self, href: &str) -> String {
        let href = entity::decode(cut(href.trim(), limits::URL_BYTES));
        match &self.base {
            Some(base) if !href.contains(':') && !href.starts_with(['#', '/']) => {
                let folder = base.rfind('/').filter(|&at| at > 8).map_or(base.as_str(), |at| &base[..at]);
                format!("{folder}/{href}")
            }
            _ => href.into_owned(),
        }
    }

    fn lead(&mut self, href: &str, found_in: FoundIn, label: Option<&str>) {
        if self.page.links.len() >= self.most {
            return;
        }
        let href = href.trim().to_owned();
        let label = label.map(|label| cut(label.trim(), limits::LABEL_BYTES).to_owned());
        let scheme = href.get(..11).unwrap_or(&href).to_ascii_lowercase();
        self.page.marks.insert_if(scheme.starts_with("data:"), HtmlMark::DataUrl);
        let script = scheme.starts_with("javascript:") || scheme.starts_with("vbscript:");
        self.page.marks.insert_if(script, HtmlMark::ScriptUrl);
        self.page.links.push(Link { href, found_in, label: label.filter(|label| !label.is_empty()) });
    }

    fn end_link(&mut self) {
        let Some((href, begin)) = self.link.take() else { return };
        let label = self.visible.since(begin.min(self.visible.len())).trim();
        let label = cut(label, limits::LABEL_BYTES).to_owned();
        self.lead(&href, FoundIn::Link, Some(&label));
    }

    /// Whether a script makes a file, or unpacks what it carries.
    fn smuggling(&mut self, script: &str) {
        let script = cut(script, SCRIPT_BYTES);
        let has = |words: &[&str]| words.iter().any(|word| script.contains(word));
        let blob =
            has(&["new Blob", "createObjectURL", "msSaveOrOpenBlob", "msSaveBlob", "navigator.msSave"]);
        self.page.marks.insert_if(blob, HtmlMark::SmugglingBlob);
        let decode = has(&[
            "atob(",
            "unescape(",
            "fromCharCode",
            "Uint8Array",
            "document.write(",
            "eval(",
            "charCodeAt",
        ]);
        self.page.marks.insert_if(decode, HtmlMark::SmugglingDecode);
        self.page.marks.insert_if(has(&[".download="]) || has(&[".download ="]), HtmlMark::DownloadLink);
        self.page
            .marks
            .insert_if(has(&["location.href", "location.replace", "window.location"]), HtmlMark::MetaRefresh);
    }
}
