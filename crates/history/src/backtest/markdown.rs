// SPDX-License-Identifier: Apache-2.0
//! A report as Markdown, for the review of a change: what to decide by at the top, the rest behind it.

use super::Way;
use super::report::{Report, RuleReport};
use super::text::{chart, count, interval, number, percent};
use std::fmt::Write as _;

/// The report as Markdown.
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    let title = report.ask.title.clone().unwrap_or_else(|| match report.rules.as_slice() {
        [rule] if !report.whole => format!("Backtest of `{}`", rule.id),
        _ => format!("Backtest of policy `{}`", report.policy),
    });
    let _ = writeln!(out, "## {}\n", prose(&title));
    for broken in &report.broken {
        let found = broken.found.map_or_else(|| "unknown".to_owned(), number);
        let _ = writeln!(out, "- ❌ `{}` is {found}; the limit is {}", broken.limit, number(broken.allowed));
    }
    if report.broken.is_empty() && report.ask.limits != super::Limits::default() {
        let _ = writeln!(out, "- ✅ within all limits");
    }
    let change = &report.change;
    let _ = writeln!(
        out,
        "- **{}** new blocks ({} of good events), **{}** new challenges, **{}** new reviews, **{}** milder ({} of abuse let through)",
        count(change.new_blocks),
        count(change.new_good_blocks),
        count(change.new_challenges),
        count(change.new_reviews),
        count(change.milder),
        count(change.lost_abuse)
    );
    let against = report.against.as_ref().map_or("what was decided".to_owned(), |v| format!("policy `{v}`"));
    let _ = writeln!(
        out,
        "- {} events from {} to {}, against {against}; labels as of {}",
        count(report.events.all),
        report.from,
        report.to,
        report.as_of
    );
    for warning in &report.warnings {
        let _ = writeln!(out, "- ⚠️ {}", prose(warning));
    }
    rules(report, &mut out);
    matrix(report, &mut out);
    if let Some(cost) = &report.cost {
        let _ = writeln!(
            out,
            "\nCost {} → {}: false blocks {}, missed abuse {}, reviews {}.",
            number(cost.was),
            number(cost.would_be),
            number(cost.false_blocks),
            number(cost.missed_abuse),
            number(cost.reviews)
        );
    }
    for rule in report.rules.iter().filter(|rule| rule.measures.hits.all > 0) {
        details(rule, &mut out);
    }
    if !report.gone.is_empty() {
        let gone: Vec<String> = report.gone.iter().map(|id| format!("`{id}`")).collect();
        let _ = writeln!(out, "\nGone: {}.", gone.join(", "));
    }
    out
}

fn rules(report: &Report, out: &mut String) {
    if report.rules.is_empty() {
        let _ = writeln!(out, "\nNo rule says or reads anything else than before.");
        return;
    }
    let _ = writeln!(
        out,
        "\n| rule | verdict | hits | abuse | good | unlabelled | before | precision | recall | a day (p90) | way |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|"
    );
    for rule in &report.rules {
        let hits = &rule.measures.hits;
        let share = |share: &Option<super::Share>| share.as_ref().map_or("–".to_owned(), interval);
        let way = if rule.way == Some(Way::Replay) { "replay" } else { "columns" };
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} | {} | {way} |",
            rule.id,
            rule.verdict.as_deref().unwrap_or("–"),
            count(hits.all),
            count(hits.abuse),
            count(hits.good),
            count(hits.unlabelled),
            count(rule.before),
            share(&rule.measures.precision),
            share(&rule.measures.recall),
            number(rule.load.p90)
        );
    }
}

fn matrix(report: &Report, out: &mut String) {
    let change = &report.change;
    if change.changed == 0 {
        let _ = writeln!(out, "\nNo verdict changes.");
        return;
    }
    let _ = writeln!(out, "\n| was \\ would be | {} |", change.verdicts.join(" | "));
    let _ = writeln!(out, "|---|{}", "--:|".repeat(change.verdicts.len()));
    for (at, (name, row)) in change.verdicts.iter().zip(&change.matrix).enumerate() {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(to, n)| match (*n, at == to) {
                (0, _) => "·".to_owned(),
                (n, true) => count(n),
                (n, false) => format!("**{}**", count(n)),
            })
            .collect();
        let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
    }
}

fn details(rule: &RuleReport, out: &mut String) {
    let _ = writeln!(out, "\n<details><summary><code>{}</code></summary>\n", rule.id);
    let way = if rule.way == Some(Way::Replay) { "Replayed" } else { "From stored columns" };
    let _ = writeln!(out, "{way}: {}.\n", prose(&rule.why));
    if rule.series.hits.len() > 1 {
        let _ = writeln!(out, "`{}` from {}\n", chart(&rule.series), rule.series.from);
    }
    for other in rule.overlap.iter().take(5) {
        let _ = writeln!(
            out,
            "- `{}` fires on {} of the hits (Jaccard {:.2})",
            other.rule,
            percent(other.within),
            other.jaccard
        );
    }
    if !rule.examples.is_empty() {
        let _ =
            writeln!(out, "\n| decision | time | class | was → would be | because |\n|--:|---|---|---|---|");
        for example in &rule.examples {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} → {} | {} |",
                example.seq,
                example.time,
                example.class.as_deref().unwrap_or("–"),
                example.was.as_deref().unwrap_or("none"),
                example.would_be.as_deref().unwrap_or("none"),
                cell(&example.because)
            );
        }
    }
    let _ = writeln!(out, "\n</details>");
}

/// Words of our own, with names as `code`: between two backticks nothing else is markup, so nothing is escaped there.
fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let code = |at: usize| at % 2 == 1;
    // One backtick too many, or two side by side, would open what ends elsewhere.
    if parts.len().is_multiple_of(2) || parts.iter().enumerate().any(|(at, part)| code(at) && part.is_empty())
    {
        return cell(text);
    }
    let written = parts.iter().enumerate().map(|(at, part)| match code(at) {
        true => format!("`{}`", part.replace(['\n', '\r'], " ")),
        false => cell(part),
    });
    written.collect()
}

/// Text from events within a cell: it must not end it, nor be taken for markup.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_stranger_sent_stays_in_its_cell() {
        assert_eq!(super::cell("a | b\n<b>"), "a \\| b \\<b\\>");
        assert_eq!(super::cell("`x`"), "\\`x\\`");
    }

    #[test]
    fn names_in_prose_are_read_as_they_are() {
        for (text, expect) in [
            ("`signups_from_net` is new", "`signups_from_net` is new"),
            ("a_b of `c_d`, `e`", "a\\_b of `c_d`, `e`"),
            ("one ` too many_", "one \\` too many\\_"),
            ("`` <b>", "\\`\\` \\<b\\>"),
        ] {
            assert_eq!(super::prose(text), expect);
        }
    }
}
