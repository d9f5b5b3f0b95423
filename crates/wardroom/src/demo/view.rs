// SPDX-License-Identifier: Apache-2.0
//! The live view: redrawn in place on a terminal, a line a second elsewhere, nothing where a script wants JSON.

use super::board::Board;
use super::drive::lock;
use crate::terminal::{Paint, fit, grouped, size};
use anyhow::Result;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use wardroom_policy::Verdict;
use wardroom_sim::Score;

/// Enter and leave the terminal's second screen, so that the first is as it was.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";

/// Draws for as long as it is let.
pub(crate) async fn show(board: Arc<Mutex<Board>>, silent: bool) {
    if silent {
        return std::future::pending().await;
    }
    let on_terminal = std::io::stdout().is_terminal();
    if on_terminal {
        put(ENTER);
    }
    let every = Duration::from_millis(if on_terminal { 250 } else { 1000 });
    let mut tick = tokio::time::interval(every);
    loop {
        tick.tick().await;
        let text = if on_terminal { screen(&lock(&board)) } else { line(&lock(&board)) };
        if !put(&text) {
            // Nobody reads any more.
            return;
        }
    }
}

/// Gives the terminal back as it was.
pub(crate) fn restore(silent: bool) {
    if !silent && std::io::stdout().is_terminal() {
        put(LEAVE);
    }
}

fn put(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

fn line(board: &Board) -> String {
    if board.live_since.is_none() {
        return format!("filling in the day before: {} events\n", grouped(board.past));
    }
    let score = &board.score;
    format!(
        "{:>5.0} s  {:>6} events/s  {}  caught {}  missed {}  wrongly stopped {}\n",
        board.live_secs(),
        grouped(board.rate),
        verdicts(board),
        grouped(score.caught),
        grouped(score.missed),
        grouped(score.wrongly_stopped),
    )
}

fn verdicts(board: &Board) -> String {
    let parts: Vec<String> =
        Verdict::ALL.iter().map(|v| format!("{v} {}", grouped(board.verdicts[*v as usize]))).collect();
    parts.join(" · ")
}

/// One screen, each line cleared to its end.
fn screen(board: &Board) -> String {
    let paint = Paint::stdout();
    let (width, height) = size();
    let mut lines = vec![
        paint.bold("Wardroom demo")
            + &paint.dim("   a simulated mail provider under attack · Ctrl-C ends it and leaves nothing"),
        format!("server http://{}   key {}   {} rules", board.address, board.token, board.rules),
        String::new(),
    ];
    if board.live_since.is_none() {
        lines.push(format!("filling in the day before: {} honest events", grouped(board.past)));
    } else {
        lines.push(format!(
            "{}   {} simulated   {} events/s   {} events",
            paint.bold(&format!("{:.0} s", board.live_secs())),
            board.simulated.get(..19).unwrap_or(""),
            grouped(board.rate),
            grouped(board.events)
        ));
        lines.push(verdicts(board));
        lines.push(String::new());
        lines.extend(truth_table(&board.score, paint));
        lines.push(String::new());
        lines.push(paint.bold("newest stopped"));
    }
    let room = height.saturating_sub(lines.len() + 1);
    for s in board.newest.iter().take(room) {
        let truth = if s.honest {
            paint.bad(&format!("{:<22}", s.truth))
        } else {
            paint.dim(&format!("{:<22}", s.truth))
        };
        let why = fit(&format!("{}: {}", s.rule, s.because), width.saturating_sub(47).max(20));
        lines.push(format!(
            "{}  {} {truth} {why}",
            s.time.get(11..19).unwrap_or(""),
            paint.verdict(s.verdict)
        ));
    }
    let mut out = String::from("\u{1b}[H");
    for line in lines.iter().take(height) {
        let _ = write!(out, "{line}\u{1b}[K\r\n");
    }
    out.push_str("\u{1b}[J");
    out
}

/// What the verdicts are worth, by kind of truth.
fn truth_table(score: &Score, paint: Paint) -> Vec<String> {
    let mut lines = vec![format!(
        "{}   caught {}   missed {}   wrongly stopped {}",
        paint.bold("against the truth"),
        paint.good(&grouped(score.caught)),
        grouped(score.missed),
        paint.bad(&grouped(score.wrongly_stopped)),
    )];
    lines.push(paint.dim(&format!(
        "{:<24}{:>9}{:>9}{:>9}{:>11}{:>8}{:>8}",
        "kind", "events", "allow", "limit", "challenge", "review", "block"
    )));
    for (kind, tally) in &score.by_kind {
        let [allow, limit, challenge, review, block] = tally.by_rank;
        lines.push(format!(
            "{kind:<24}{:>9}{allow:>9}{limit:>9}{challenge:>11}{review:>8}{block:>8}",
            tally.events
        ));
    }
    lines
}

/// The result, once it is over.
pub(crate) fn print_result(board: &Mutex<Board>, as_json: bool) -> Result<()> {
    let board = lock(board);
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{}", serde_json::to_string_pretty(&board.result())?)?;
        return Ok(());
    }
    writeln!(
        out,
        "{} events in {:.0} s after {} of the day before; {}",
        grouped(board.events),
        board.live_secs(),
        grouped(board.past),
        verdicts(&board)
    )?;
    for line in truth_table(&board.score, Paint::stdout()) {
        writeln!(out, "{line}")?;
    }
    let share = |s: Option<f64>| s.map_or("–".to_owned(), |s| format!("{:.2} %", s * 100.0));
    writeln!(
        out,
        "of the attackers' events {} were stopped; of what was stopped {} was an attack; of honest events {} were stopped",
        share(board.score.recall()),
        share(board.score.precision()),
        share(board.score.harm()),
    )?;
    if board.problems > 0 {
        writeln!(out, "{} events were refused by the server", board.problems)?;
    }
    Ok(())
}
