// SPDX-License-Identifier: Apache-2.0
//! Diagnostics while they are gathered: bounded in number and length, and errors never lost to warnings.

use crate::limits;
use wardroom_report::Diagnostic;

/// Takes diagnostics in any order. Beyond [`limits::DIAGNOSTICS`] of a severity they are only counted.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    kept: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl Sink {
    pub(crate) fn push(&mut self, mut diagnostic: Diagnostic) {
        let count = if diagnostic.is_error() { &mut self.errors } else { &mut self.warnings };
        *count += 1;
        if *count > limits::DIAGNOSTICS {
            return;
        }
        let others = diagnostic.others.iter_mut().map(|(_, text)| text);
        let lists = diagnostic.notes.iter_mut().chain(&mut diagnostic.helps);
        for text in others.chain(lists).chain([&mut diagnostic.message, &mut diagnostic.primary.1]) {
            clip(text);
        }
        self.kept.push(diagnostic);
    }

    /// How many errors there were, kept or not.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// The diagnostics in the order of their places; the last says how many there were beside them.
    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        let (mut kept, warnings): (Vec<_>, Vec<_>) = self.kept.into_iter().partition(Diagnostic::is_error);
        let room = limits::DIAGNOSTICS - kept.len();
        kept.extend(warnings.into_iter().take(room));
        kept.sort_by_key(|d| d.primary.0);
        let more = self.errors + self.warnings - kept.len();
        if more > 0
            && let Some(last) = kept.last_mut()
        {
            last.notes.push(format!("and {more} more that are not shown"));
        }
        kept
    }
}

/// A name or value from the policy can be as long as a file; a message is for reading.
fn clip(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(limits::MESSAGE_CHARS) {
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_report::Loc;

    #[test]
    fn warnings_do_not_push_errors_out() {
        let at = |start| Loc { start, end: start, ..Loc::default() };
        let mut sink = Sink::default();
        for i in 0..300 {
            sink.push(Diagnostic::warning("W0901", at(i), "w"));
        }
        sink.push(Diagnostic::error("W0201", at(999), "e".repeat(5000)));
        let kept = sink.finish();
        assert_eq!(kept.len(), limits::DIAGNOSTICS);
        let last = &kept[kept.len() - 1];
        assert!(last.is_error());
        assert_eq!(last.message.chars().count(), limits::MESSAGE_CHARS + 1);
        assert_eq!(last.notes, ["and 101 more that are not shown"]);
    }
}
