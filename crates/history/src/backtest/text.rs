// SPDX-License-Identifier: Apache-2.0
//! A report for a person at a terminal: what matters first, charts of one line.

use super::Way;
use super::conclude::length;
use super::figures::Share;
use super::report::{Change, Report, RuleReport, Series};
use std::fmt::Write as _;

/// How words stand out, if at all.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether there are colours.
    pub colours: bool,
}

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn bad(self, text: &str) -> String {
        self.with("31", text)
    }
}

/// The report in words.
pub fn text(report: &Report, paint: Paint) -> String {
    let mut out = String::new();
    head(report, paint, &mut out);
    for rule in &report.rules {
        one(rule, paint, &mut out);
    }
    change(&report.change, paint, &mut out);
    cost(report, &mut out);
    for warning in &report.warnings {
        let _ = writeln!(out, "\n{} {warning}", paint.with("33", "warning:"));
    }
    for broken in &report.broken {
        let found = broken.found.map_or_else(|| "unknown".to_owned(), number);
        let line = format!("{}: {found}, and the limit is {}", broken.limit, number(broken.allowed));
        let _ = writeln!(out, "\n{}", paint.bad(&line));
    }
    out
}

fn head(report: &Report, paint: Paint, out: &mut String) {
    let what = match (&report.ask.title, report.whole, report.rules.as_slice()) {
        (Some(title), ..) => title.clone(),
        (None, false, [rule]) => rule.id.clone(),
        (None, false, rules) => format!("{} rules", rules.len()),
        (None, true, _) => format!("policy {}", report.policy),
    };
    let against = report.against.as_ref().map_or("what was decided".to_owned(), |v| format!("policy {v}"));
    let _ = writeln!(out, "{} against {against}", paint.bold(&what));
    let events = &report.events;
    let _ = writeln!(
        out,
        "{} to {}: {} events, {} labelled abuse, {} good, {} both",
        report.from,
        report.to,
        count(events.all),
        count(events.abuse),
        count(events.good),
        count(events.disputed)
    );
    let past = &report.past;
    let mut ways = Vec::new();
    if past.columns > 0 {
        ways.push(format!("{} from stored columns", rules(past.columns)));
    }
    if past.replayed > 0 {
        let since = past.warm_up_since.as_deref().unwrap_or("the beginning");
        ways.push(format!(
            "{} replayed, counting {} events from {since} on",
            rules(past.replayed),
            count(past.counted)
        ));
    }
    let _ = writeln!(
        out,
        "{}",
        paint.dim(&format!(
            "{}; labels, lists and decisions as recorded; {} ms",
            ways.join(", "),
            report.took_ms
        ))
    );
}

fn rules(n: usize) -> String {
    if n == 1 { "1 rule".to_owned() } else { format!("{n} rules") }
}

fn one(rule: &RuleReport, paint: Paint, out: &mut String) {
    let verdict = rule.verdict.as_deref().unwrap_or("effects only");
    let _ = writeln!(out, "\n{}  on {}, {verdict}, {}", paint.bold(&rule.id), rule.event, rule.mode);
    let way = if rule.way == Some(Way::Replay) { "replayed" } else { "stored columns" };
    let _ = writeln!(out, "  {}", paint.dim(&format!("{way}: {}", rule.why)));
    let hits = &rule.measures.hits;
    let _ = writeln!(
        out,
        "  hits       {}  {} abuse, {} good, {} both, {} unlabelled",
        paint.bold(&count(hits.all)),
        count(hits.abuse),
        count(hits.good),
        count(hits.disputed),
        count(hits.unlabelled)
    );
    let mut also = Vec::new();
    let mut add = |n: u64, what: &str| {
        if n > 0 {
            also.push(format!("{} {what}", count(n)));
        }
    };
    add(rule.already_blocked, "blocked already");
    add(rule.appealed, "appealed");
    add(rule.for_missing, "for want of an input");
    add(rule.unknown, "events unknown");
    if hits.all > 0 {
        add(rule.alone, "where no other rule has a say");
    }
    if rule.before > 0 {
        also.push(format!("{} before, {} of them still", count(rule.before), count(rule.both)));
    }
    if !also.is_empty() {
        let _ = writeln!(out, "             {}", also.join(", "));
    }
    measures(rule, out);
    load(rule, out);
    overlap(rule, out);
    for top in rule.top.iter().filter(|top| top.values.len() > 1 || hits.all == 1) {
        let values: Vec<String> =
            top.values.iter().take(4).map(|(value, n)| format!("{value} {}", count(*n))).collect();
        let more = if top.more { "+" } else { "" };
        let _ = writeln!(
            out,
            "  {:<10} {}{more} different: {}",
            top.field,
            count(top.distinct),
            values.join(", ")
        );
    }
    for (at, example) in rule.examples.iter().take(4).enumerate() {
        let class = example.class.as_deref().unwrap_or("unlabelled");
        let was = example.was.as_deref().unwrap_or("none");
        let is = example.would_be.as_deref().unwrap_or("none");
        let head = if at == 0 { "examples" } else { "" };
        let turn = if was == is { was.to_owned() } else { format!("{was} → {is}") };
        let _ = writeln!(
            out,
            "  {head:<10} {} {} {class}, {turn}: {}",
            paint.dim(&format!("#{}", example.seq)),
            example.time,
            example.because
        );
    }
}

fn measures(rule: &RuleReport, out: &mut String) {
    let of = &rule.measures;
    if of.precision.is_none() && of.recall.is_none() {
        return;
    }
    let mut parts = Vec::new();
    let mut add = |name: &str, share: &Option<Share>| {
        parts.extend(share.as_ref().map(|share| format!("{name} {}", interval(share))));
    };
    add("precision", &of.precision);
    add("recall", &of.recall);
    add("F1", &of.f1);
    let _ = writeln!(out, "  labelled   {}", parts.join("  "));
}

fn load(rule: &RuleReport, out: &mut String) {
    let load = &rule.load;
    if load.days > 0 {
        let _ = writeln!(
            out,
            "  a day      {} on the median, {} on one of ten, {} at most, of {} days",
            number(load.median),
            number(load.p90),
            count(load.most),
            load.days
        );
    }
    if rule.series.hits.len() > 1 {
        let step = length(rule.series.step_secs as f64);
        let _ = writeln!(out, "  over time  {}  each {step}, from {}", chart(&rule.series), rule.series.from);
    }
}

fn overlap(rule: &RuleReport, out: &mut String) {
    for (at, other) in rule.overlap.iter().take(3).enumerate() {
        let head = if at == 0 { "overlap" } else { "" };
        let _ = writeln!(
            out,
            "  {head:<10} {} fires on {} of the hits, Jaccard {:.2}",
            other.rule,
            percent(other.within),
            other.jaccard
        );
    }
}

/// Bars of eighths, at most 60 of them.
pub(crate) fn chart(series: &Series) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let each = series.hits.len().div_ceil(60).max(1);
    let sums: Vec<u64> = series.hits.chunks(each).map(|some| some.iter().sum()).collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    let bar = |n: &u64| if *n == 0 { ' ' } else { BARS[((n * 8).div_ceil(most) - 1).min(7) as usize] };
    sums.iter().map(bar).collect()
}

fn change(change: &Change, paint: Paint, out: &mut String) {
    if change.matrix.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}  rows as it was, columns as it would be", paint.bold("verdicts"));
    let _ = write!(out, "  {:<10}", "");
    for name in &change.verdicts {
        let _ = write!(out, "{name:>12}");
    }
    let _ = writeln!(out);
    for (at, (name, row)) in change.verdicts.iter().zip(&change.matrix).enumerate() {
        let _ = write!(out, "  {name:<10}");
        for (to, n) in row.iter().enumerate() {
            let shown = format!("{:>12}", if *n == 0 { "·".to_owned() } else { count(*n) });
            let _ =
                write!(out, "{}", if at == to || *n == 0 { paint.dim(&shown) } else { paint.bold(&shown) });
        }
        let _ = writeln!(out);
    }
    let _ = writeln!(
        out,
        "  {} new blocks ({} of good events), {} new challenges, {} new reviews, {} milder ({} of abuse let through)",
        count(change.new_blocks),
        count(change.new_good_blocks),
        count(change.new_challenges),
        count(change.new_reviews),
        count(change.milder),
        count(change.lost_abuse)
    );
}

fn cost(report: &Report, out: &mut String) {
    let Some(cost) = &report.cost else { return };
    let _ = writeln!(
        out,
        "  cost {} → {}: false blocks {}, missed abuse {}, reviews {}; what is not labelled costs nothing here",
        number(cost.was),
        number(cost.would_be),
        number(cost.false_blocks),
        number(cost.missed_abuse),
        number(cost.reviews)
    );
}

/// A share with its interval, in percent.
pub(crate) fn interval(share: &Share) -> String {
    format!("{} ({}–{})", percent(share.value), percent(share.low), percent(share.high))
}

pub(crate) fn percent(share: f64) -> String {
    let of = share * 100.0;
    if of == of.round() || of >= 99.95 { format!("{of:.0} %") } else { format!("{of:.1} %") }
}

/// A number with its thousands apart.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub(crate) fn number(n: f64) -> String {
    if n == n.round() && n.abs() < 1e15 {
        let sign = if n < 0.0 { "-" } else { "" };
        format!("{sign}{}", count(n.abs() as u64))
    } else {
        format!("{n:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!(
            [count(0), count(999), count(1000), count(12_345_678)],
            ["0", "999", "1,000", "12,345,678"]
        );
        assert_eq!([number(1234.0), number(0.5), number(-2000.0)], ["1,234", "0.50", "-2,000"]);
        assert_eq!([percent(0.5), percent(0.0123), percent(1.0)], ["50 %", "1.2 %", "100 %"]);
        let series = Series { hits: vec![0, 1, 4, 8], ..Series::default() };
        assert_eq!(chart(&series), " ▁▄█");
    }
}
