// SPDX-License-Identifier: Apache-2.0
//! Diagnostics drawn for a terminal, and the same as JSON.

use crate::{Diagnostic, Loc, Severity, Sources};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

/// Draws diagnostics in the order of their places, with colours where `styled`.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|d| d.primary.0);
    let drawn: Vec<String> = sorted.iter().map(|d| draw(d, sources, &renderer)).collect();
    drawn.join("\n\n")
}

fn draw(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.code);
    let mut group = Group::with_title(title);
    let (loc, label) = &diagnostic.primary;
    let mut snippet = start(*loc, sources);
    let mut primary = AnnotationKind::Primary.span(span(*loc, sources));
    if !label.is_empty() {
        primary = primary.label(label);
    }
    snippet = snippet.annotation(primary);
    for (other, text) in diagnostic.others.iter().filter(|(o, _)| o.file == loc.file) {
        snippet = snippet.annotation(AnnotationKind::Context.span(span(*other, sources)).label(text));
    }
    group = group.element(snippet);
    for (other, text) in diagnostic.others.iter().filter(|(o, _)| o.file != loc.file) {
        let context = AnnotationKind::Context.span(span(*other, sources)).label(text);
        group = group.element(start(*other, sources).annotation(context));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note));
    }
    for help in &diagnostic.helps {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}

fn start(loc: Loc, sources: &Sources) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    Snippet::source(sources.text(loc.file)).path(sources.name(loc.file)).fold(true)
}

/// The place as a byte range inside its text, on character boundaries, whatever it was made from.
fn span(loc: Loc, sources: &Sources) -> std::ops::Range<usize> {
    let text = sources.text(loc.file);
    let floor = |at: u32| {
        let mut at = (at as usize).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(loc.start);
    start..floor(loc.end).max(start)
}

#[derive(Serialize)]
struct Json<'a> {
    severity: &'static str,
    code: &'static str,
    message: &'a str,
    at: JsonPlace<'a>,
    others: Vec<JsonPlace<'a>>,
    notes: &'a [String],
    help: &'a [String],
}

#[derive(Serialize)]
struct JsonPlace<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    start: u32,
    end: u32,
    label: &'a str,
}

/// The diagnostics as a JSON array: `severity`, `code`, `message`, `at` (file, line and column from 1, bytes),
/// `others`, `notes`, `help`.
pub fn to_json(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let place = |(loc, label): &'_ (Loc, String)| {
        let (line, column) = sources.line_col(*loc);
        (line, column, loc.start, loc.end, sources.name(loc.file).to_owned(), label.clone())
    };
    let places: Vec<_> = diagnostics
        .iter()
        .map(|d| (place(&d.primary), d.others.iter().map(place).collect::<Vec<_>>()))
        .collect();
    let all: Vec<Json<'_>> = diagnostics
        .iter()
        .zip(&places)
        .map(|(d, (at, others))| Json {
            severity: if d.is_error() { "error" } else { "warning" },
            code: d.code,
            message: &d.message,
            at: json_place(at),
            others: others.iter().map(json_place).collect(),
            notes: &d.notes,
            help: &d.helps,
        })
        .collect();
    // Serialising owned strings and numbers cannot fail.
    serde_json_string(&all)
}

fn json_place<'a>(p: &'a (usize, usize, u32, u32, String, String)) -> JsonPlace<'a> {
    JsonPlace { line: p.0, column: p.1, start: p.2, end: p.3, file: &p.4, label: &p.5 }
}

fn serde_json_string<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| "[]".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> (Vec<Diagnostic>, Sources) {
        let mut sources = Sources::new();
        let file = sources.add("main.ward", "list a: net\nrule r on login:\n    when ip in b\n");
        let at = |start, end| Loc { file, start, end };
        let d = Diagnostic::error("W0201", at(44, 45), "no list or name `b`")
            .label("not declared")
            .also(at(5, 6), "a list of nets is here")
            .help("did you mean `a`?");
        (vec![d], sources)
    }

    #[test]
    fn it_draws_in_rustcs_manner() {
        let (d, s) = example();
        let drawn = render(&d, &s, false);
        assert_eq!(
            drawn,
            "error[W0201]: no list or name `b`\n --> main.ward:3:16\n  |\n1 | list a: net\n  |      - a list of nets is here\n2 | rule r on login:\n3 |     when ip in b\n  |                ^ not declared\n  |\n  = help: did you mean `a`?"
        );
    }

    #[test]
    fn it_speaks_json() {
        let (d, s) = example();
        let json = to_json(&d, &s);
        assert!(json.contains("\"line\": 3"), "{json}");
        assert!(json.contains("\"column\": 16"), "{json}");
    }

    #[test]
    fn a_place_off_the_text_does_no_harm() {
        let mut sources = Sources::new();
        let file = sources.add("x", "é");
        let d = Diagnostic::error("W0001", Loc { file, start: 1, end: 99 }, "odd");
        assert!(render(&[d], &sources, false).contains("odd"));
    }
}
