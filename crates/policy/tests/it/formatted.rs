// SPDX-License-Identifier: Apache-2.0
//! Text, its form and its JSON form say the same, for every policy there can be.

use crate::generate::document;
use crate::good;
use crate::robust::{slip, slipped};
use crate::support::{path, read};
use proptest::prelude::*;
use serde_json::Value;
use wardroom_policy::format;
use wardroom_policy::json::{from_json, from_json_text, to_json};

fn text_of(value: &Value) -> String {
    from_json(value).unwrap_or_else(|faults| panic!("{faults:#?}\n{value:#}"))
}

fn form(text: &str) -> String {
    format("a.ward", text).unwrap_or_else(|refusal| panic!("{refusal}\n{text}"))
}

fn tree(text: &str) -> Value {
    to_json("a.ward", text, false).unwrap_or_else(|refusal| panic!("{refusal}\n{text}"))
}

/// What a text consists of, blanks left out.
fn marks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Lays a text out anew, by chance: its blanks outside of strings become more, or ends of lines with comments. `text` is
/// in its form.
fn tangled(text: &str, mut chance: impl FnMut(u32) -> u32) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let words = line.trim_start();
        // A reason is one string; a comment above a rule says something.
        let fixed = words.starts_with("because ") || words.starts_with('#');
        let headline = words == line && line.ends_with(':');
        let mut quote = Quote::default();
        out.push_str(&" ".repeat(line.len() - words.len()));
        for c in words.chars() {
            let blank = !quote.holds(c) && c == ' ' && !fixed;
            // A line that ends with `:` has a body.
            let may_break = !headline && !out.ends_with(':');
            match chance(if blank { 8 } else { 1 }) {
                1 => out.push_str("   "),
                2 if may_break => out.push_str(&format!("\n{}", " ".repeat(9 + chance(9) as usize))),
                3 if may_break => out.push_str("  # a \"comment\"\n\n\n               "),
                4 if may_break => out.push_str("\n# another\n                  "),
                _ => out.push(c),
            }
        }
        out.push_str(["\n", "  \n", "\r\n", "\n"][chance(4) as usize]);
    }
    out
}

/// The string one is within.
#[derive(Default)]
struct Quote {
    open: Option<char>,
    escaped: bool,
}

impl Quote {
    /// Takes the next character; whether it belongs to a string.
    fn holds(&mut self, c: char) -> bool {
        let within = self.open.is_some();
        match self.open {
            Some(_) if self.escaped => self.escaped = false,
            Some(_) if c == '\\' => self.escaped = true,
            Some(quote) if c == quote => self.open = None,
            None if matches!(c, '"' | '\'') => self.open = Some(c),
            _ => {}
        }
        within || self.open.is_some()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_read_as_it_was(value in document()) {
        let text = text_of(&value);
        prop_assert_eq!(&tree(&text), &value, "\n{}", text);
        prop_assert_eq!(&form(&text), &text);
        prop_assert_eq!(&from_json_text(&value.to_string()).unwrap(), &text);
        let placed = to_json("a.ward", &text, true).unwrap();
        prop_assert_eq!(&from_json(&placed).unwrap(), &text);
    }

    #[test]
    fn formatting_changes_nothing_but_blanks(value in document(), seed in any::<u32>()) {
        let plain = text_of(&value);
        let mut state = seed;
        let text = tangled(&plain, |below| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        });
        let formatted = form(&text);
        prop_assert_eq!(marks(&formatted), marks(&text));
        prop_assert_eq!(&form(&formatted), &formatted);
        prop_assert_eq!(tree(&formatted), tree(&text));
        prop_assert_eq!(&tree(&formatted), &value);
        prop_assert!(formatted.lines().all(|l| l.trim_end() == l || l.contains(['"', '#'])), "{}", formatted);
    }

    #[test]
    fn policies_with_slips_are_formatted_or_refused(file in any::<usize>(), slips in proptest::collection::vec(slip(), 1..4)) {
        let all = policies();
        let text = slips.into_iter().fold(all[file % all.len()].1.clone(), |t, s| slipped(&t, s));
        if let Ok(formatted) = format("a.ward", &text) {
            prop_assert_eq!(&form(&formatted), &formatted);
            prop_assert_eq!(tree(&formatted), tree(&text));
        }
    }

    #[test]
    fn any_text_is_formatted_or_refused(text in "\\PC{0,200}", lines in proptest::collection::vec("[ -~\\t\\r\\n]{0,80}", 0..8)) {
        for text in [text, lines.join("\n")] {
            match format("a.ward", &text) {
                Ok(formatted) => prop_assert_eq!(&form(&formatted), &formatted),
                Err(refusal) => prop_assert!(!refusal.diagnostics.is_empty()),
            }
        }
    }
}

/// The shipped policies and those of the tests.
fn policies() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = good::bundle()
        .files()
        .filter(|(name, _)| name.ends_with(".ward"))
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let packs = path("../../policy").read_dir().unwrap().map(|pack| pack.unwrap().path());
    for file in packs.flat_map(|pack| pack.read_dir().unwrap()).map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|ending| ending == "ward") {
            all.push((file.display().to_string(), read(&file).unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn the_policies_have_a_form() {
    for (name, text) in policies() {
        let formatted = form(&text);
        assert_eq!(form(&formatted), formatted, "{name}");
        assert_eq!(tree(&formatted), tree(&text), "{name}");
        let printed = text_of(&tree(&text));
        assert_eq!(tree(&printed), tree(&text), "{name}");
    }
}

/// The blocks of the page on JSON that begin with this fence.
fn blocks(page: &str, fence: &str) -> Vec<String> {
    let open = format!("\n```{fence}\n");
    let pieces = page.split(&open).skip(1);
    pieces.map(|piece| piece.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_page_on_json_is_right() {
    let page = read(&path("../../docs/src/json-form.md")).unwrap();
    let (texts, forms) = (blocks(&page, "ward"), blocks(&page, "json"));
    assert_eq!(texts.len(), forms.len());
    let mut words = Vec::new();
    for (text, json) in texts.iter().zip(&forms) {
        let mut json: Value = serde_json::from_str(json).unwrap();
        if !json.is_array() {
            json = Value::Array(vec![json]);
        }
        assert_eq!(tree(text)["declarations"], json, "{text}");
        assert_eq!(&text_of(&serde_json::json!({ "declarations": json })), text);
        words.extend(json.as_array().unwrap().iter().flat_map(|d| d.as_object().unwrap().keys().cloned()));
    }
    words.sort();
    words.dedup();
    assert_eq!(words.len(), 12, "an example for each declaration: {words:?}");
}

#[test]
fn the_page_shows_every_expression() {
    let page = read(&path("../../docs/src/json-form.md")).unwrap();
    let mut rows = 0;
    for line in page.lines().filter(|l| l.starts_with("| `{")) {
        let [_, json, text, _] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (json, text) = (json.trim().trim_matches('`'), text.trim().trim_matches('`'));
        let decl = tree(&format!("const c = {text}\n"));
        let json: Value = serde_json::from_str(json).unwrap();
        assert_eq!(decl["declarations"][0]["const"]["value"], json, "{text}");
        rows += 1;
    }
    assert_eq!(rows, 20);
}
