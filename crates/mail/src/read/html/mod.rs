// SPDX-License-Identifier: Apache-2.0
//! What an HTML part shows, what it hides, and what it does.
//!
//! A tokenizer of our own goes over the text once and keeps a stack of open elements, of bounded depth, that says what is
//! hidden. `lol_html` was considered: it is built to rewrite pages by selectors, which here would be one for each element, and
//! brings a CSS parser and selector engine for it; what it spares us is the 150 lines of `token.rs`. No tree is made, no style
//! sheet is applied but for classes that hide, and no layout is done: what is hidden by cleverer means is taken for visible.

mod colour;
mod entity;
mod look;
mod page;
mod style;
#[cfg(test)]
mod tests;
mod token;

pub(super) use page::{Page, read};

use crate::kind::{Set, kinds};

kinds! {
    /// Something that an HTML part has, beside text.
    HtmlMark {
        Form "form" "a form"
        PasswordField "password_field" "a field for a password"
        Script "script" "a script"
        EventHandler "event_handler" "an attribute that runs a script"
        Frame "frame" "a frame with another page in it"
        Object "object" "an embedded object"
        MetaRefresh "meta_refresh" "a command to go on to another page"
        Base "base" "a base that changes where links lead"
        SmugglingBlob "smuggling_blob" "a script that makes a file out of itself"
        SmugglingDecode "smuggling_decode" "a script that decodes what it carries"
        DownloadLink "download_link" "a link that saves a file instead of opening a page"
        DataUrl "data_url" "a link that carries its page in itself"
        ScriptUrl "script_url" "a link that runs a script"
        HiddenDisplay "hidden_display" "text hidden by `display` or `visibility`"
        HiddenSize "hidden_size" "text too small to be seen"
        HiddenColor "hidden_color" "text in the colour of its background"
        HiddenPlace "hidden_place" "text moved out of sight"
        HiddenAttribute "hidden_attribute" "text hidden by an attribute"
        TrackingPixel "tracking_pixel" "a picture too small to be seen"
        ImageOnly "image_only" "pictures and next to no text"
        LinkElsewhere "link_elsewhere" "a link whose text names another site than it leads to"
        SvgActive "svg_active" "a drawing with a script in it"
        CommentHeavy "comment_heavy" "more comments than text"
        InvalidTags "invalid_tags" "many tags that no HTML has"
        WordSplit "word_split" "words torn apart by comments"
    }
}

/// What the HTML parts of a message have, together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HtmlFacts {
    /// How many parts are HTML.
    pub parts: usize,
    /// How many tags they have.
    pub tags: usize,
    /// Forms.
    pub forms: usize,
    /// Fields for passwords.
    pub passwords: usize,
    /// Hosts that forms send to, in lower case.
    pub form_hosts: Vec<String>,
    /// Pictures.
    pub images: usize,
    /// Pictures that are fetched from elsewhere.
    pub remote_images: usize,
    /// Pictures of at most two pixels.
    pub pixels: usize,
    /// Scripts.
    pub scripts: usize,
    /// Links (`a`, `area`).
    pub links: usize,
    /// Links whose text names another site than they lead to.
    pub mismatched_links: usize,
    /// Bytes of text that are seen.
    pub visible_bytes: usize,
    /// Bytes of text that are not.
    pub hidden_bytes: usize,
    /// Bytes of comments.
    pub comment_bytes: usize,
    /// What else is to be said.
    pub marks: Set<HtmlMark>,
}

impl HtmlFacts {
    /// The share of its text that nobody sees, in per cent.
    pub fn hidden_percent(&self) -> usize {
        let all = self.visible_bytes + self.hidden_bytes;
        (self.hidden_bytes * 100).checked_div(all).unwrap_or(0)
    }
}
