// SPDX-License-Identifier: Apache-2.0
//! Reads what tidy needs from Markdown: headings, links, code spans, all with their lines.
//!
//! Not a CommonMark parser: fences, backticks, inline links and reference definitions as this repository writes them.
//! Left out: links over several lines, indented code, HTML other than `<a id="…">`.

use std::collections::HashMap;

/// A piece of a page and the line it is on, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) line: usize,
    pub(super) what: T,
}

/// What a page holds.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Targets of links and images, as written.
    pub(super) links: Vec<At<String>>,
    /// Contents of `code spans` outside fences.
    pub(super) code: Vec<At<String>>,
    /// Files that mdBook is told to include.
    pub(super) includes: Vec<At<String>>,
    /// What `#anchor` may name: headings' slugs, and ids given by hand.
    pub(super) anchors: Vec<String>,
    /// Headings, with the marks: `## Unreleased`.
    pub(super) headings: Vec<At<String>>,
}

/// Reads a page.
pub(super) fn read(text: &str) -> Page {
    let (mut page, mut fence, mut slugs) = (Page::default(), None, HashMap::new());
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        page.includes.extend(includes(line).map(|what| At { line: number, what }));
        let start = line.trim_start();
        if let Some(open) = fence {
            if start.starts_with(open) {
                fence = None;
            }
            continue;
        }
        fence = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
        if fence.is_none() {
            read_line(&mut page, &mut slugs, number, line);
        }
    }
    page
}

/// One line outside a fence.
fn read_line(page: &mut Page, slugs: &mut HashMap<String, usize>, number: usize, line: &str) {
    let (code, plain) = split_code(line);
    page.code.extend(code.into_iter().map(|what| At { line: number, what }));
    page.links.extend(links(&plain).into_iter().map(|what| At { line: number, what }));
    page.anchors
        .extend(plain.split("<a id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    if let Some(words) = heading(line) {
        page.anchors.push(numbered(slug(words), slugs));
        page.headings.push(At { line: number, what: line.trim().to_owned() });
    }
}

/// The words of a heading.
fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    ((1..=6).contains(&level) && rest.starts_with(' ')).then(|| rest.trim())
}

/// A heading's anchor as GitHub and mdBook make it: lower case, spaces to hyphens, punctuation gone, a link by its words.
pub(super) fn slug(words: &str) -> String {
    let mut text = words.to_owned();
    while let Some((start, end)) =
        text.find("](").and_then(|start| Some((start, start + text[start..].find(')')?)))
    {
        text.replace_range(start..=end, "");
    }
    let kept = text.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        _ if letter.is_alphanumeric() => Some(letter),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

/// The second heading of the same words gets `-1`, the third `-2`.
fn numbered(slug: String, seen: &mut HashMap<String, usize>) -> String {
    let count = seen.entry(slug.clone()).or_insert(0);
    *count += 1;
    if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
}

/// The code spans of a line, and the line with them blanked out.
fn split_code(line: &str) -> (Vec<String>, String) {
    let (mut code, mut plain, mut rest) = (Vec::new(), String::new(), line);
    while let Some(start) = rest.find('`') {
        let ticks = rest[start..].len() - rest[start..].trim_start_matches('`').len();
        let (mark, after) = rest[start..].split_at(ticks);
        let Some(end) = after.find(mark) else { break };
        plain.push_str(&rest[..start]);
        code.push(after[..end].trim().to_owned());
        rest = &after[end + ticks..];
    }
    plain.push_str(rest);
    (code, plain)
}

/// Targets in `[words](target "title")` and `[name]: target`.
fn links(plain: &str) -> Vec<String> {
    let first_word =
        |text: &str| text.split_whitespace().next().map(|word| word.trim_matches(['<', '>']).to_owned());
    let inline = plain.split("](").skip(1).filter_map(|rest| first_word(rest.split_once(')')?.0));
    let definition =
        plain.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, rest)| rest);
    inline.chain(definition.and_then(first_word)).collect()
}

/// Paths in `{{#include path:lines}}` and its kin.
fn includes(line: &str) -> impl Iterator<Item = String> {
    let directives = ["{{#include ", "{{#rustdoc_include ", "{{#playground "];
    directives.into_iter().flat_map(|directive| line.split(directive).skip(1)).filter_map(|rest| {
        let inside = rest.split_once("}}")?.0.trim();
        Some(inside.split([':', ' ']).next()?.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<T: Clone>(pieces: &[At<T>]) -> Vec<(usize, T)> {
        pieces.iter().map(|piece| (piece.line, piece.what.clone())).collect()
    }

    #[test]
    fn links_of_every_form() {
        let page = read(
            "see [a](x.md) and ![b](y.png \"title\")\n\n[c]: <z.md>\n`[no](code.md)`\n```\n[no](fence.md)\n```\n[d](w.md)",
        );
        let found: Vec<_> = page.links.iter().map(|link| (link.line, link.what.as_str())).collect();
        assert_eq!(found, [(1, "x.md"), (1, "y.png"), (3, "z.md"), (8, "w.md")]);
    }

    #[test]
    fn code_spans_keep_their_line() {
        let page = read("a `b` and ``c ` d``\n~~~\n`no`\n~~~\n`e` and ` alone");
        assert_eq!(at(&page.code), [(1, "b".into()), (1, "c ` d".into()), (5, "e".into())]);
    }

    #[test]
    fn includes_are_seen_in_fences() {
        let page = read("```ward\n{{#include ../../policy/ssh/ssh.ward:3:9}}\n```\n{{#include a.md}}\n");
        assert_eq!(at(&page.includes), [(2, "../../policy/ssh/ssh.ward".into()), (4, "a.md".into())]);
    }

    #[track_caller]
    fn check_slug(words: &str, expect: &str) {
        assert_eq!(slug(words), expect);
    }

    #[test]
    fn anchors_are_those_of_the_renderers() {
        check_slug("Life of an event", "life-of-an-event");
        check_slug("What's in `event`, and why?", "whats-in-event-and-why");
        check_slug("See [the book](docs/src/a.md) first", "see-the-book-first");
        check_slug("snake_case & more", "snake_case--more");
        let page = read("# A\n## B\n## B\n<a id=\"mine\"></a>\n#no heading\n");
        assert_eq!(page.anchors, ["a", "b", "b-1", "mine"]);
        assert_eq!(page.headings[1], At { line: 2, what: "## B".into() });
    }
}
