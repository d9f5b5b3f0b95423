// SPDX-License-Identifier: Apache-2.0
//! How the text of an element shows: what its tag says, and what is handed down to it.

use super::HtmlMark;
use super::colour::{self, Colour, WHITE};
use super::style::{Sheet, Style};
use crate::kind::Set;

/// How the text of an element shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub hides: Set<HtmlMark>,
    pub tiny: bool,
    pub colour: Colour,
    /// None where it is not known.
    pub background: Option<Colour>,
}

/// What a page begins with.
pub(super) const PLAIN: Look =
    Look { hides: Set::new(), tiny: false, colour: [0; 3], background: Some(WHITE) };

impl Look {
    /// Why its text is not seen.
    pub(super) fn hidden(&self) -> Set<HtmlMark> {
        let mut why = self.hides;
        why.insert_if(self.tiny, HtmlMark::HiddenSize);
        let same = self.background.is_some_and(|background| colour::alike(self.colour, background));
        why.insert_if(same, HtmlMark::HiddenColor);
        why
    }
}

/// What the attributes of a tag say.
#[derive(Debug, Default)]
pub(super) struct Tag<'t> {
    pub style: Style,
    pub hidden: bool,
    /// Classes and ids.
    pub classes: String,
    pub href: Option<&'t str>,
    pub src: Option<&'t str>,
    pub action: Option<&'t str>,
    pub alt: Option<&'t str>,
    pub kind: &'t str,
    pub content: &'t str,
    pub colour: Option<Colour>,
    pub background: Option<Colour>,
    pub painted: bool,
}

impl Tag<'_> {
    /// How the text within a tag shows.
    pub(super) fn shown(&self, mut look: Look, sheet: &Sheet) -> Look {
        let style = &self.style;
        look.hides.extend(style.hides);
        look.hides.insert_if(self.hidden, HtmlMark::HiddenAttribute);
        look.hides.insert_if(sheet.hides(&self.classes), HtmlMark::HiddenDisplay);
        look.tiny = style.tiny.unwrap_or(look.tiny);
        look.colour = style.colour.or(self.colour).unwrap_or(look.colour);
        look.background = match style.background.or(self.background) {
            _ if style.painted || self.painted => None,
            Some(background) => Some(background),
            None if sheet.paints && !self.classes.is_empty() => None,
            None => look.background,
        };
        look
    }
}

/// Elements that have nothing in them.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "br" | "img"
            | "hr"
            | "input"
            | "meta"
            | "link"
            | "base"
            | "area"
            | "col"
            | "embed"
            | "source"
            | "wbr"
            | "param"
            | "image"
            | "script"
            | "style"
            | "title"
            | "textarea"
            | "template"
    )
}
