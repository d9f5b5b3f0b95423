// SPDX-License-Identifier: Apache-2.0
//! A file in its one form, and the stretches of it that can be folded.

use crate::files::View;
use crate::message::{Fault, REQUEST_FAILED};
use lsp_types::{FoldingRange, FoldingRangeKind, TextEdit};
use wardroom_policy::ide::TokenKind;

/// What must change for the file to have its one form: one edit, of the lines between the first and the last that
/// differ.
pub(crate) fn format(view: &View) -> Result<Vec<TextEdit>, Fault> {
    let old = view.text();
    let name = view.analysis().sources.name(view.file);
    let new = match wardroom_policy::format(name, old) {
        Ok(new) => new,
        Err(refusal) => {
            let first = refusal.diagnostics.first().map_or("faults of syntax", |d| d.message.as_str());
            return Err(Fault::new(REQUEST_FAILED, format!("a text with faults is not formatted: {first}")));
        }
    };
    if new == old {
        return Ok(Vec::new());
    }
    let (start, end, put) = differing(old, &new);
    Ok(vec![TextEdit { range: view.lines().range(start..end), new_text: put.to_owned() }])
}

/// The whole lines in which two texts differ: where they stand in the old one, and what the new one has there.
fn differing<'n>(old: &str, new: &'n str) -> (usize, usize, &'n str) {
    let same = |a: &mut dyn Iterator<Item = (&str, &str)>| -> usize {
        a.take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum()
    };
    let lines = |text: &'_ str| text.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>();
    let (a, b) = (lines(old), lines(new));
    let start = same(&mut a.iter().map(String::as_str).zip(b.iter().map(String::as_str)));
    let mut back = a.iter().rev().map(String::as_str).zip(b.iter().rev().map(String::as_str));
    let end = same(&mut back).min(old.len() - start).min(new.len() - start);
    (start, old.len() - end, &new[start..new.len() - end])
}

pub(crate) fn folding(view: &View) -> Vec<FoldingRange> {
    let lines = view.lines();
    let fold = |start: u32, end: u32, kind| FoldingRange {
        start_line: start,
        end_line: end,
        kind,
        ..FoldingRange::default()
    };
    let blocks = view.analysis().blocks(view.file).map(|loc| lines.of_loc(loc));
    let mut found: Vec<FoldingRange> = blocks.map(|r| fold(r.start.line, r.end.line, None)).collect();
    let mut run: Option<(u32, u32)> = None;
    let comments = view.analysis().tokens(view.file).into_iter().filter(|t| t.kind == TokenKind::Comment);
    for line in comments.map(|t| lines.of_loc(t.loc).start.line) {
        run = Some(match run {
            Some((start, end)) if line == end + 1 => (start, line),
            before => {
                found.extend(before.map(|(start, end)| fold(start, end, Some(FoldingRangeKind::Comment))));
                (line, line)
            }
        });
    }
    found.extend(run.map(|(start, end)| fold(start, end, Some(FoldingRangeKind::Comment))));
    found.retain(|f| f.end_line > f.start_line);
    found.sort_by_key(|f| (f.start_line, f.end_line));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_edit_makes_the_new_text(old in "[ab\\n]{0,12}", new in "[ab\\n]{0,12}") {
            let (start, end, put) = differing(&old, &new);
            prop_assert_eq!(format!("{}{put}{}", &old[..start], &old[end..]), new);
        }
    }
}
