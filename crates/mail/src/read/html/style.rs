// SPDX-License-Identifier: Apache-2.0
//! Styles, as far as they hide text.

use super::HtmlMark;
use super::colour::{self, Colour};
use crate::kind::Set;

/// Most classes of a style sheet that are remembered for hiding.
const CLASSES: usize = 64;

/// What the style of an element says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Style {
    /// Why its text is not seen, whatever stands within.
    pub hides: Set<HtmlMark>,
    /// Whether its text is too small, unless something within is larger.
    pub tiny: Option<bool>,
    pub colour: Option<Colour>,
    pub background: Option<Colour>,
    /// A picture or gradient lies behind it.
    pub painted: bool,
    /// It is at most two pixels wide, or high.
    pub pixel_wide: bool,
    pub pixel_high: bool,
}

/// Reads declarations parted by semicolons.
pub(super) fn parse(text: &str) -> Style {
    let mut style = Style::default();
    let (mut clipped, mut flat, mut absolute, mut away) = (false, false, false, false);
    for declaration in text.split(';') {
        let Some((name, value)) = declaration.split_once(':') else { continue };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_ascii_lowercase());
        match name.as_str() {
            "display" => style.hides.insert_if(value.starts_with("none"), HtmlMark::HiddenDisplay),
            "visibility" => style.hides.insert_if(value.starts_with("hidden"), HtmlMark::HiddenDisplay),
            "mso-hide" => style.hides.insert_if(value.starts_with("all"), HtmlMark::HiddenDisplay),
            "opacity" => {
                let faint = value.parse::<f32>().is_ok_and(|opacity| opacity < 0.05);
                style.hides.insert_if(faint, HtmlMark::HiddenColor);
            }
            "font-size" => style.tiny = pixels(&value).map(|size| size <= 1.0),
            "font" => style.tiny = value.split_ascii_whitespace().find_map(pixels).map(|size| size <= 1.0),
            "color" => style.colour = colour::parse(&value),
            "background" | "background-color" | "background-image" => {
                style.background = colour::parse(&value).or(style.background);
                style.painted |= value.contains("url(") || value.contains("gradient");
            }
            "max-height" | "height" => {
                let size = pixels(&value);
                flat |= size == Some(0.0);
                style.pixel_high |= size.is_some_and(|size| size <= 2.0) && name == "height";
            }
            "max-width" | "width" => {
                let size = pixels(&value);
                flat |= size == Some(0.0);
                style.pixel_wide |= size.is_some_and(|size| size <= 2.0) && name == "width";
            }
            "overflow" => clipped |= value.starts_with("hidden"),
            "position" => absolute |= value.starts_with("absolute") || value.starts_with("fixed"),
            "left" | "top" | "right" | "margin-left" => away |= pixels(&value).is_some_and(|at| at <= -500.0),
            "text-indent" => {
                let outside = pixels(&value).is_some_and(|at| at <= -500.0);
                style.hides.insert_if(outside, HtmlMark::HiddenPlace);
            }
            _ => {}
        }
    }
    style.hides.insert_if(flat && clipped, HtmlMark::HiddenSize);
    style.hides.insert_if(absolute && away, HtmlMark::HiddenPlace);
    style
}

/// A length in pixels, near enough: points and the like count as pixels, shares of something unknown do not count.
fn pixels(value: &str) -> Option<f32> {
    let end = value.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-'))).unwrap_or(value.len());
    let number: f32 = value[..end].parse().ok()?;
    match value[end..].split(|c: char| !c.is_ascii_alphabetic() && c != '%').next().unwrap_or_default() {
        "" | "px" | "pt" | "pc" | "mm" => Some(number),
        "em" | "rem" | "ex" | "ch" => Some(number * 16.0),
        "%" if number == 0.0 => Some(0.0),
        _ => None,
    }
}

/// What style sheets say of classes.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// Classes whose elements are not displayed.
    hidden: Vec<String>,
    /// Whether any rule sets a background: then what lies behind an element with a class is not known.
    pub paints: bool,
}

impl Sheet {
    /// Reads a style sheet. Rules within `@media` hold for some readers only and are passed over.
    pub(super) fn add(&mut self, css: &str) {
        self.paints |= css.contains("background");
        let (mut depth, mut begin) = (0_usize, 0);
        let mut selector = "";
        for (at, byte) in css.bytes().enumerate() {
            match byte {
                b'{' => {
                    if depth == 0 {
                        selector = &css[begin..at];
                    }
                    depth += 1;
                    begin = at + 1;
                }
                b'}' => {
                    if depth == 1 && !selector.contains('@') {
                        self.rule(selector, &css[begin..at]);
                    }
                    depth = depth.saturating_sub(1);
                    begin = at + 1;
                }
                _ => {}
            }
        }
    }

    fn rule(&mut self, selector: &str, declarations: &str) {
        if parse(declarations).hides.is_empty() {
            return;
        }
        for one in selector.split(',') {
            let one = one.trim();
            let Some((_, class)) = one.split_once('.') else { continue };
            let plain = class.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
            if plain && !class.is_empty() && class.len() < 64 && self.hidden.len() < CLASSES {
                self.hidden.push(class.to_owned());
            }
        }
    }

    /// Whether an element with these classes is hidden.
    pub(super) fn hides(&self, classes: &str) -> bool {
        !self.hidden.is_empty()
            && classes.split_ascii_whitespace().any(|class| self.hidden.iter().any(|hidden| hidden == class))
    }
}
