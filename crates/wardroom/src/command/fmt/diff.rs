// SPDX-License-Identifier: Apache-2.0
//! Which lines differ between two texts.

use std::fmt::Write as _;
use std::ops::Range;

/// Most pairs of lines that are compared: beyond them a stretch is shown as changed as a whole.
const PAIRS: usize = 4_000_000;

/// The lines that only one of two texts has, in stretches, each headed by the number of its first line.
pub(super) fn diff(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut out = String::new();
    for (gone, come) in stretches(&old, &new) {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  line {}", gone.start + 1);
        for (sign, lines) in [('-', &old[gone]), ('+', &new[come])] {
            for line in lines {
                let _ = writeln!(out, "  {sign} {}", line.trim_end_matches('\r'));
            }
        }
    }
    if out.is_empty() {
        out.push_str("  only the ends of lines\n");
    }
    out
}

/// Pairs of stretches that are not the same; between them everything is.
fn stretches(old: &[&str], new: &[&str]) -> Vec<(Range<usize>, Range<usize>)> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let same = common(&old[head..old_end], &new[head..new_end]);
    let same = same.into_iter().map(|(a, b)| (a + head, b + head)).chain([(old_end, new_end)]);
    let (mut a, mut b) = (head, head);
    let mut found = Vec::new();
    for (next_a, next_b) in same {
        if next_a > a || next_b > b {
            found.push((a..next_a, b..next_b));
        }
        (a, b) = (next_a + 1, next_b + 1);
    }
    found
}

/// The longest row of lines that both have, as pairs of their numbers.
fn common(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    if old.len().saturating_mul(new.len()) > PAIRS {
        return Vec::new();
    }
    let width = new.len() + 1;
    // Longest common rows of what follows, one number for each pair of beginnings.
    let mut longest = vec![0u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] = if old[i] == new[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_that_differ_are_shown() {
        let check =
            |old: &str, new: &str, expect: &str| assert_eq!(diff(old, new), expect, "{old:?} {new:?}");
        check("a\nb\nc\nd\n", "a\nB\nc\ne\nd\n", "  line 2\n  - b\n  + B\n  line 4\n  + e\n");
        check("a\nb\n", "b\n", "  line 1\n  - a\n");
        check("", "a\n", "  line 1\n  + a\n");
        check("a", "a\n", "  only the ends of lines\n");
        check("a\r\nb\r\n", "a\nb\n", "  only the ends of lines\n");
    }
}
