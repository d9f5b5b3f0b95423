// SPDX-License-Identifier: Apache-2.0
//! The figures as tables for people: one table a figure, a row a group, a column a judge.

use super::score::Said;
use crate::terminal::{Paint, grouped};
use anyhow::Result;
use std::collections::HashSet;
use std::io::Write;
use wardroom_sim::measure::{Estimate, Figure, Judge, Loss, Unit, losses};

/// Every figure with its heading, in the order they are printed.
const HEADINGS: [(&str, &str); 33] = [
    ("signup.recall_at_fpr_0.1%", "Sign-ups: share above the threshold that 0.1 % of honest ones exceed"),
    ("signup.recall_at_fpr_0.5%", "Sign-ups: share above the threshold that 0.5 % of honest ones exceed"),
    ("signup.members_stopped", "Sign-ups: share that answers ask for more or stop"),
    ("signup.accounts_before_containment", "Sign-ups: accounts that pass before the campaign is contained"),
    ("signup.campaigns_contained", "Sign-ups: share of campaigns contained"),
    ("signup.contained_before_20_accounts", "Sign-ups: share of campaigns contained before 20 accounts"),
    ("signup.accounts_in_the_end", "Sign-ups: share of accounts that exist in the end, challenges answered"),
    ("signup.honest_with_friction", "Sign-ups: share of honest ones given any friction"),
    ("login.stopped_at_0.5_prompts", "Logins: attacks stopped at 0.5 prompts for each honest user and year"),
    ("login.stopped_at_1_prompt", "Logins: attacks stopped at 1 prompt for each honest user and year"),
    ("login.stopped_at_2_prompts", "Logins: attacks stopped at 2 prompts for each honest user and year"),
    (
        "login.stopped_at_0.5_prompts_by_past_logins",
        "Logins: the same at 0.5 prompts, by past logins of the account",
    ),
    (
        "login.stopped_at_1_prompt_by_past_logins",
        "Logins: the same at 1 prompt, by past logins of the account",
    ),
    (
        "login.stopped_at_2_prompts_by_past_logins",
        "Logins: the same at 2 prompts, by past logins of the account",
    ),
    (
        "login.stopped_at_0.5_prompts_by_frequency",
        "Logins: the same at 0.5 prompts, by how often the owner logs in",
    ),
    (
        "login.stopped_at_1_prompt_by_frequency",
        "Logins: the same at 1 prompt, by how often the owner logs in",
    ),
    (
        "login.stopped_at_2_prompts_by_frequency",
        "Logins: the same at 2 prompts, by how often the owner logs in",
    ),
    ("login.stopped_by_answers", "Logins and after: attacks that answers ask for more or stop"),
    ("login.stopped_by_answers_by_past_logins", "Logins and after: the same, by past logins of the account"),
    ("login.stopped_by_answers_by_frequency", "Logins and after: the same, by how often the owner logs in"),
    ("login.prompts_by_answers", "Logins: honest ones asked for more or stopped, for each user and year"),
    ("wave.minutes_to_containment", "Stuffing and spraying: minutes to containment"),
    ("wave.accounts_before_containment", "Stuffing and spraying: accounts entered before containment"),
    ("wave.contained", "Stuffing and spraying: share of attacks contained"),
    ("wave.right_passwords_entered", "Stuffing and spraying: share of right passwords that get in"),
    ("wave.attempts_stopped", "Stuffing and spraying: share of all attempts that are stopped"),
    ("wave.precision", "Stuffing and spraying: of the logins stopped meanwhile, share that are attacks"),
    (
        "lockout.owner_in_at_once",
        "Lockout: owner's logins that get in at once while 10,000 guesses an hour hit the account",
    ),
    ("lockout.owner_in_after_step_up", "Lockout: the same, or after a challenge"),
    ("lockout.owner_in_when_not_attacked", "Lockout: the same owners when nobody attacks"),
    ("friction.of_signups", "Friction: share of honest sign-ups, by group"),
    ("friction.of_logins", "Friction: share of honest logins with the right password, by group"),
    ("friction.per_user_month", "Friction: times a month for each honest user, by group"),
];

/// Width of a cell.
const CELL: usize = 22;

pub(super) fn say(said: &Said, out: &mut impl Write) -> Result<()> {
    let paint = Paint::stdout();
    writeln!(
        out,
        "policy {} on {} worlds of {} people and {} days, of which the first two fifths are not measured",
        said.policy,
        said.seeds.len(),
        grouped(said.people.into()),
        said.days
    )?;
    let rates = &said.rates;
    writeln!(
        out,
        "measured in a world, on average: {} honest sign-ups and {} of attackers, {} honest logins and {} of attackers",
        grouped(rates.honest_signups),
        grouped(rates.attackers_signups),
        grouped(rates.honest_logins),
        grouped(rates.attackers_logins)
    )?;
    for (family, words) in &said.families {
        writeln!(out, "  {family:<24} {words}")?;
    }
    for note in &said.notes {
        writeln!(out, "note: {note}")?;
    }
    for (what, heading) in HEADINGS {
        let rows: Vec<&Figure> = said.figures.iter().filter(|f| f.what == what).collect();
        writeln!(out, "\n{}", paint.bold(heading))?;
        if rows.is_empty() {
            writeln!(out, "  not measured")?;
        } else {
            table(&rows, out)?;
        }
    }
    lost(&losses(&said.figures), paint, out)?;
    cost(said, paint, out)?;
    words(said, paint, out)
}

fn table(figures: &[&Figure], out: &mut impl Write) -> Result<()> {
    let judges: Vec<Judge> =
        Judge::ALL.into_iter().filter(|judge| figures.iter().any(|f| f.judge == *judge)).collect();
    let mut seen = HashSet::new();
    let rows: Vec<&str> = figures.iter().map(|f| &*f.of).filter(|of| seen.insert(*of)).collect();
    let width = rows.iter().map(|of| of.chars().count()).max().unwrap_or(0).max(10);
    write!(out, "  {:<width$} {:>9}", "", "n")?;
    for judge in &judges {
        write!(out, "  {:>CELL$}", judge.name())?;
    }
    writeln!(out)?;
    for of in rows {
        let find = |judge: Judge| figures.iter().find(|f| f.of == of && f.judge == judge);
        let count = judges.iter().filter_map(|judge| find(*judge)).map(|f| f.count).max().unwrap_or(0);
        write!(out, "  {of:<width$} {:>9}", grouped(count))?;
        for judge in &judges {
            let cell = find(*judge).map_or("–".to_owned(), |f| cell(&f.estimate, f.unit));
            write!(out, "  {cell:>CELL$}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A value with its interval.
fn cell(estimate: &Estimate, unit: Unit) -> String {
    let Some(value) = estimate.value else { return "–".to_owned() };
    let interval = estimate
        .interval
        .map_or(String::new(), |(low, high)| format!(" ({}–{})", number(low, unit), number(high, unit)));
    let sign = if unit == Unit::Share { " %" } else { "" };
    format!("{}{sign}{interval}", number(value, unit))
}

fn number(value: f64, unit: Unit) -> String {
    let value = if unit == Unit::Share { value * 100.0 } else { value };
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 || v == 0.0 => format!("{value:.1}"),
        v if v >= 0.095 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn lost(lost: &[Loss], paint: Paint, out: &mut impl Write) -> Result<()> {
    writeln!(out, "\n{}", paint.bold("Where we lose"))?;
    if lost.is_empty() {
        writeln!(out, "  nowhere in these tables")?;
    }
    for loss in lost {
        let heading =
            HEADINGS.iter().find(|(what, _)| *what == loss.what).map_or(loss.what, |(_, words)| words);
        let doubt = if loss.clear { "" } else { ", within the intervals or without any" };
        writeln!(
            out,
            "  {heading}; {}: {} {}, we {}{doubt}",
            loss.of,
            loss.judge.name(),
            cell(&loss.theirs, loss.unit),
            cell(&loss.ours, loss.unit)
        )?;
    }
    Ok(())
}

fn cost(said: &Said, paint: Paint, out: &mut impl Write) -> Result<()> {
    let cost = &said.cost;
    writeln!(out, "\n{}", paint.bold("Cost"))?;
    writeln!(
        out,
        "  a login is judged and counted in {} ns (median; 99th percentile {} ns), over {} logins",
        grouped(cost.login_nanos_median.into()),
        grouped(cost.login_nanos_p99.into()),
        grouped(cost.logins)
    )?;
    writeln!(out, "  {} bytes of state for each account", grouped(cost.state_bytes_per_account as u64))?;
    writeln!(out, "  {} events in {:.1} s", grouped(cost.events), cost.took_secs)?;
    Ok(())
}

fn words(said: &Said, paint: Paint, out: &mut impl Write) -> Result<()> {
    if said.words.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", paint.bold("In words"))?;
    for (family, words) in &said.words {
        writeln!(out, "  {family}")?;
        for line in words.lines() {
            writeln!(out, "    {}", crate::terminal::one_line(&line))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_say_what_is_known() {
        let check = |value, interval, unit, expect: &str| {
            assert_eq!(cell(&Estimate { value, interval }, unit), expect);
        };
        check(None, None, Unit::Share, "–");
        check(Some(0.9912), Some((0.97, 1.0)), Unit::Share, "99.1 % (97.0–100)");
        check(Some(0.00042), None, Unit::Share, "0.042 %");
        check(Some(0.0), None, Unit::Count, "0.0");
        check(Some(12.34), Some((1.2, 250.0)), Unit::Minutes, "12.3 (1.20–250)");
    }

    #[test]
    fn each_figure_has_one_heading() {
        let names: HashSet<&str> = HEADINGS.iter().map(|(what, _)| *what).collect();
        assert_eq!(names.len(), HEADINGS.len());
    }
}
