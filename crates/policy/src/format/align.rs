// SPDX-License-Identifier: Apache-2.0
//! Columns: what stands below its like begins where it does.
//!
//! A cell that is far wider than most takes no part: it would push the others out of sight.

use super::lines::{Line, Shape, pad};
use std::ops::Range;

/// The widest cell that others are aligned with.
const CELL: usize = 40;
/// The widest line whose comment, and the widest row whose arrow, others are aligned with.
const LINE: usize = 80;
/// How many columns of a table are aligned.
const COLUMNS: usize = 64;

/// Pads the cells of lines.
pub(super) fn align(lines: &mut [Line]) {
    for run in runs(lines) {
        first_cells(&mut lines[run]);
    }
    let mut start = 0;
    while start < lines.len() {
        let block = lines[start].block;
        let end = start + lines[start..].iter().take_while(|l| l.block == block).count();
        rows(&mut lines[start..end]);
        start = end;
    }
}

/// Stretches of lines whose first cells are aligned: fields with what stands between them, declarations one below the
/// other. An empty line ends a stretch.
fn runs(lines: &[Line]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut shape = None;
    for (i, line) in lines.iter().enumerate() {
        let lasts = match (shape, line.shape) {
            (Some(Shape::Field | Shape::Input), Shape::Comment | Shape::Plain) => true,
            (Some(shape), other) => shape == other,
            (None, _) => false,
        };
        match runs.last_mut() {
            Some(run) if lasts && !line.blank => run.end = i + 1,
            _ => {
                let starts =
                    matches!(line.shape, Shape::Field | Shape::Input | Shape::Feature | Shape::Const);
                shape = starts.then_some(line.shape);
                runs.extend(starts.then_some(i..i + 1));
            }
        }
    }
    runs
}

fn first_cells(lines: &mut [Line]) {
    let is_aligned = |line: &Line| {
        !matches!(line.shape, Shape::Comment | Shape::Plain)
            && line.cells.len() > 1
            && line.cells[0].chars().count() <= CELL
    };
    let widths = lines.iter().filter(|l| is_aligned(l)).map(|l| l.cells[0].chars().count());
    let width = widths.max().unwrap_or(0);
    for line in lines.iter_mut().filter(|l| is_aligned(l)) {
        pad(&mut line.cells[0], width);
    }
}

/// Aligns the columns of a table, and then its arrows.
fn rows(lines: &mut [Line]) {
    let mut rows: Vec<&mut Line> = lines.iter_mut().filter(|l| l.shape == Shape::Row).collect();
    // Before the last condition, which the arrow follows.
    let inner = |row: &Line| row.cells.len().saturating_sub(2);
    let columns = rows.iter().map(|r| inner(r)).max().unwrap_or(0).min(COLUMNS);
    for column in 0..columns {
        let width = |row: &Line| row.cells[column].chars().count();
        let with_column = |row: &Line| column < inner(row) && width(row) <= CELL;
        let most = rows.iter().filter(|r| with_column(r)).map(|r| width(r)).max().unwrap_or(0);
        for row in rows.iter_mut().filter(|r| with_column(r)) {
            pad(&mut row.cells[column], most);
        }
    }
    arrows(&mut rows);
}

fn arrows(rows: &mut [&mut Line]) {
    let before = |row: &Line| {
        let cells = &row.cells[..row.cells.len().saturating_sub(1)];
        cells.iter().map(|c| c.chars().count() + 1).sum::<usize>()
    };
    let most = rows.iter().map(|r| before(r)).filter(|w| *w <= LINE).max().unwrap_or(0);
    for row in rows.iter_mut() {
        let missing = most.saturating_sub(before(row));
        let last = row.cells.len().checked_sub(2).map(|i| &mut row.cells[i]);
        if let Some(cell) = last.filter(|_| missing > 0) {
            let width = cell.chars().count() + missing;
            pad(cell, width);
        }
    }
}

/// The text of all lines.
pub(super) fn joined(lines: &[Line]) -> String {
    let codes: Vec<String> = lines.iter().map(|l| l.cells.join(" ")).collect();
    let columns = comment_columns(lines, &codes);
    let mut text = String::new();
    for ((line, code), column) in lines.iter().zip(codes).zip(columns) {
        if line.blank {
            text.push('\n');
        }
        let mut code = format!("{:indent$}{code}", "", indent = line.indent);
        if let Some(comment) = &line.comment {
            pad(&mut code, column);
            code.push_str("  ");
            code.push_str(comment);
        }
        text.push_str(&code);
        text.push('\n');
    }
    text
}

/// For each line the width to which its code is filled up before a comment: the same within lines of one indentation
/// that nothing parts.
fn comment_columns(lines: &[Line], codes: &[String]) -> Vec<usize> {
    let mut columns = vec![0; lines.len()];
    let mut start = 0;
    while start < lines.len() {
        let goes_on = |pair: &[Line]| {
            !pair[1].blank
                && pair[0].indent == pair[1].indent
                && pair.iter().all(|l| l.shape != Shape::Comment)
        };
        let end = start + 1 + lines[start..].windows(2).take_while(|pair| goes_on(pair)).count();
        let width = |i: usize| lines[i].indent + codes[i].chars().count();
        let with_comment = (start..end).filter(|i| lines[*i].comment.is_some());
        let most = with_comment.map(width).filter(|w| *w <= LINE).max().unwrap_or(0);
        columns[start..end].fill(most);
        start = end;
    }
    columns
}
