// SPDX-License-Identifier: Apache-2.0
//! From what was counted to the report: shares, loads, overlaps, examples, costs, warnings.

use super::ask::{Ask, Costs};
use super::figures::{Share, quantile};
use super::limits;
use super::meta::{ABUSE, CLASSES, DISPUTED, GOOD, NONE, OUTCOMES, UNLABELLED};
use super::plan::Plan;
use super::report::{
    Change, Classes, Cost, Delay, Example, Load, Measures, Overlap, Report, RuleReport, Series, Top,
};
use super::tally::{Counts, OfRule, Sample, Split, Tally};
use super::way::Chosen;
use std::collections::BTreeMap;
use wardroom_event::{Micros, Sight, Span, Type};
use wardroom_policy::{Piece, Verdict};

const DAY: i64 = 86_400_000_000;
const HOUR: i64 = 3_600_000_000;

pub(crate) fn classes(of: &[u64; CLASSES]) -> Classes {
    Classes {
        all: of.iter().sum(),
        abuse: of[ABUSE],
        good: of[GOOD],
        disputed: of[DISPUTED],
        unlabelled: of[UNLABELLED],
    }
}

/// By class, whatever the outcome.
pub(crate) fn by_class(split: &Split) -> [u64; CLASSES] {
    let mut all = [0; CLASSES];
    split.iter().for_each(|of| all.iter_mut().zip(of).for_each(|(to, of)| *to += of));
    all
}

pub(crate) fn measures(hits: &[u64; CLASSES], events: &[u64; CLASSES]) -> Measures {
    let (right, wrong) = (hits[ABUSE], hits[GOOD]);
    let missed = events[ABUSE].saturating_sub(right);
    Measures {
        hits: classes(hits),
        precision: Share::of(right, right + wrong),
        recall: Share::of(right, right + missed),
        f1: Share::f1(right, wrong, missed).filter(|_| right + wrong > 0 && events[ABUSE] > 0),
    }
}

fn outcome(at: usize) -> Option<&'static str> {
    Verdict::ranked(at as u8).map(Verdict::name)
}

/// The verdicts' changes.
pub(crate) fn change(tally: &Tally) -> Change {
    // What was only recorded stands last, where there is any.
    let recorded = tally.old[NONE].iter().any(|n| *n > 0);
    let many = if recorded { OUTCOMES } else { NONE };
    let mut matrix = vec![vec![[0u64; CLASSES]; many]; many];
    for (was, row) in matrix.iter_mut().enumerate() {
        row[was] = tally.old[was];
        for (is, cell) in row.iter_mut().enumerate().filter(|(is, _)| *is != was) {
            *cell = tally.turned[was][is];
        }
        for class in 0..CLASSES {
            let turned: u64 = tally.turned[was].iter().map(|cell| cell[class]).sum();
            row[was][class] -= turned.min(row[was][class]);
        }
    }
    let of = |pick: &dyn Fn(&[u64; CLASSES]) -> u64| -> Vec<Vec<u64>> {
        matrix.iter().map(|row| row.iter().map(pick).collect()).collect()
    };
    let sum = |which: &dyn Fn(usize, usize) -> bool, class: Option<usize>| -> u64 {
        let cells = tally
            .turned
            .iter()
            .enumerate()
            .flat_map(|(was, row)| row.iter().enumerate().map(move |(is, cell)| (was, is, cell)));
        let cells = cells.filter(|(was, is, _)| which(*was, *is));
        cells.map(|(_, _, cell)| class.map_or(cell.iter().sum(), |class| cell[class])).sum()
    };
    let rank = |at: usize| if at == NONE { 0 } else { at };
    let (allow, challenge, review, block) = (
        Verdict::Allow as usize,
        Verdict::Challenge as usize,
        Verdict::Review as usize,
        Verdict::Block as usize,
    );
    let to = |verdict: usize| move |was: usize, is: usize| is == verdict && rank(was) < verdict;
    Change {
        verdicts: (0..many).map(|at| outcome(at).unwrap_or("none").to_owned()).collect(),
        matrix: of(&|cell| cell.iter().sum()),
        abuse: of(&|cell| cell[ABUSE]),
        good: of(&|cell| cell[GOOD]),
        new_blocks: sum(&to(block), None),
        new_challenges: sum(&to(challenge), None),
        new_reviews: sum(&to(review), None),
        milder: sum(&|was, is| rank(is) < rank(was), None),
        lost_abuse: sum(&|was, is| is == allow && rank(was) > allow, Some(ABUSE)),
        new_good_blocks: sum(&to(block), Some(GOOD)),
        changed: sum(&|_, _| true, None),
    }
}

/// What it costs, as it was and as it would be: of what is labelled, and all reviews.
pub(crate) fn cost(costs: &Costs, tally: &Tally) -> Cost {
    let mut would_be = tally.old;
    for (was, row) in tally.turned.iter().enumerate() {
        for (is, cell) in row.iter().enumerate() {
            for (class, n) in cell.iter().enumerate() {
                let left = would_be[was][class];
                would_be[was][class] = left.saturating_sub(*n);
                would_be[is][class] += n;
            }
        }
    }
    let parts = |split: &Split| {
        let reviews: u64 = split[Verdict::Review as usize].iter().sum();
        (
            split[Verdict::Block as usize][GOOD] as f64 * costs.false_block,
            split[Verdict::Allow as usize][ABUSE] as f64 * costs.missed_abuse,
            reviews as f64 * costs.minutes_per_review * costs.review_minute,
        )
    };
    let (was, is) = (parts(&tally.old), parts(&would_be));
    Cost {
        was: was.0 + was.1 + was.2,
        would_be: is.0 + is.1 + is.2,
        false_blocks: is.0,
        missed_abuse: is.1,
        reviews: is.2,
    }
}

/// How long labels take.
pub(crate) fn delay(delays: &[Span]) -> Option<Delay> {
    let mut secs: Vec<f64> = delays.iter().map(|span| span.as_secs_f64().max(0.0)).collect();
    secs.sort_unstable_by(f64::total_cmp);
    let (median_secs, p90_secs) = (quantile(&secs, 0.5), quantile(&secs, 0.9));
    (!secs.is_empty()).then_some(Delay { labels: secs.len() as u64, median_secs, p90_secs })
}

/// One rule's report.
pub(crate) fn rule(
    plan: &Plan,
    ask: &Ask,
    number: usize,
    chosen: &Chosen,
    of: &OfRule,
    tally: &Tally,
    step: i64,
) -> RuleReport {
    let program = &plan.after.program;
    let rule = &program.rules[number];
    let hits = by_class(&of.split);
    let sight = if ask.reveal { Sight::Full } else { Sight::Masked };
    let verdicts = of
        .split
        .iter()
        .enumerate()
        .map(|(at, of)| (outcome(at).unwrap_or("none").to_owned(), of.iter().sum::<u64>()));
    let blocked: u64 = of.split[Verdict::Block as usize].iter().sum();
    RuleReport {
        id: rule.id.to_string(),
        event: program.schema.get(rule.on).name.to_string(),
        verdict: rule.verdict.map(|verdict| verdict.name().to_owned()),
        mode: rule.mode.name().to_owned(),
        way: Some(chosen.way),
        why: chosen.why.clone(),
        measures: measures(&hits, &by_class(&tally.old)),
        for_missing: of.missing,
        unknown: of.unknown,
        already_blocked: blocked,
        by_verdict: verdicts.filter(|(_, n)| *n > 0).collect(),
        appealed: of.appealed,
        alone: of.alone,
        before: of.before,
        both: of.both,
        overlap: overlap(&rule.id, of, tally, program),
        top: top(of, sight, |field| kind_of(program, rule.on, field)),
        examples: examples(of, sight),
        load: load(&of.series, plan, step),
        series: series(&of.series, step),
    }
}

fn kind_of(program: &wardroom_policy::Program, on: wardroom_event::TypeId, field: &str) -> Type {
    let event = program.schema.get(on);
    event.slot(field).map_or(Type::Text, |slot| event.fields[slot].kind)
}

fn overlap(id: &str, of: &OfRule, tally: &Tally, program: &wardroom_policy::Program) -> Vec<Overlap> {
    let hits = of.holds + of.missing;
    let fired = |other: &str| {
        let tried = program.rules.iter().position(|rule| *rule.id == *other);
        let here = tried.and_then(|_| tally.rules_by_id(other, program));
        here.or_else(|| tally.others.get(other).copied()).unwrap_or(0)
    };
    let mut all: Vec<Overlap> = of
        .others
        .iter()
        .filter(|(other, _)| ***other != *id)
        .map(|(other, both)| Overlap {
            rule: other.to_string(),
            both: *both,
            jaccard: *both as f64 / (hits + fired(other).max(*both) - both).max(1) as f64,
            within: *both as f64 / hits.max(1) as f64,
        })
        .collect();
    all.sort_by(|a, b| b.jaccard.total_cmp(&a.jaccard).then_with(|| a.rule.cmp(&b.rule)));
    all.truncate(limits::OVERLAPS);
    all
}

impl Tally {
    /// How often a rule of the report fires, by its id.
    fn rules_by_id(&self, id: &str, program: &wardroom_policy::Program) -> Option<u64> {
        let at = self.reported.iter().position(|number| *program.rules[*number].id == *id)?;
        Some(self.rules[at].holds + self.rules[at].missing)
    }
}

fn top(of: &OfRule, sight: Sight, kind: impl Fn(&str) -> Type) -> Vec<Top> {
    let one = |field: &str, (counts, more): &Counts| {
        let mut values: Vec<(&str, u64)> = counts.iter().map(|(value, n)| (&**value, *n)).collect();
        values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        values.truncate(limits::TOP);
        let kind = kind(field);
        // They were told apart whole, and are shown as the reader may see them.
        let shown = |(value, n): (&str, u64)| {
            let value = match kind.is_personal() {
                true => wardroom_event::Value::Text(value.into()).show(kind, sight),
                false => value.to_owned(),
            };
            (value, n)
        };
        Top {
            field: field.to_owned(),
            distinct: counts.len() as u64,
            more: *more > 0,
            values: values.into_iter().map(shown).collect(),
        }
    };
    of.entities.iter().map(|(field, counts)| one(field, counts)).collect()
}

/// Of the sample, some of each class in turn, so that a class of which there are few is seen; in the order of time.
fn examples(of: &OfRule, sight: Sight) -> Vec<Example> {
    let mut by_class: BTreeMap<u8, Vec<&Sample>> = BTreeMap::new();
    for sample in of.sample.values() {
        by_class.entry(sample.class).or_default().push(sample);
    }
    let mut chosen: Vec<&Sample> = Vec::new();
    for turn in 0..limits::SAMPLE {
        chosen.extend(by_class.values().filter_map(|of| of.get(turn)));
    }
    chosen.truncate(limits::EXAMPLES);
    chosen.sort_by_key(|sample| (sample.time, sample.seq));
    let class = |class: u8| match usize::from(class) {
        ABUSE => Some("abuse".to_owned()),
        GOOD => Some("good".to_owned()),
        DISPUTED => Some("disputed".to_owned()),
        _ => None,
    };
    let example = |sample: &Sample| Example {
        seq: sample.seq,
        time: Micros(sample.time).to_string(),
        class: class(sample.class),
        was: outcome(sample.old.into()).map(str::to_owned),
        would_be: outcome(sample.new.into()).map(str::to_owned),
        for_missing: sample.missing,
        fields: sample
            .fields
            .iter()
            .map(|(name, kind, v)| (name.to_string(), v.show(*kind, sight)))
            .collect(),
        because: Piece::join(&sample.because, sight),
    };
    chosen.into_iter().map(example).collect()
}

/// Hits a day. Days without any count too; those that the period cuts do not.
fn load(series: &BTreeMap<i64, u64>, plan: &Plan, step: i64) -> Load {
    let (Some((first, _)), Some((last, _))) = (series.first_key_value(), series.last_key_value()) else {
        return Load::default();
    };
    let begin = if plan.from.0 == i64::MIN {
        (first * step).div_euclid(DAY)
    } else {
        -(-plan.from.0).div_euclid(DAY)
    };
    let end = plan.to.0.div_euclid(DAY).min((last * step).div_euclid(DAY) + 1).max(begin);
    let end = if plan.from.0 == i64::MIN { end } else { plan.to.0.div_euclid(DAY).max(begin) };
    let days: Vec<f64> = (begin..end.min(begin + limits::HOURS))
        .map(|day| {
            let steps = series.range(day * DAY / step..(day + 1) * DAY / step);
            steps.map(|(_, n)| *n as f64).sum()
        })
        .collect();
    let spread = |mut of: Vec<f64>| {
        of.sort_unstable_by(f64::total_cmp);
        (quantile(&of, 0.5), quantile(&of, 0.9))
    };
    // 1 January 1970 was a Thursday.
    let weekday = |day: i64| (day + 3).rem_euclid(7) as usize;
    let of_weekday = |wanted: usize| {
        let days = days.iter().enumerate().filter(|(at, _)| weekday(begin + *at as i64) == wanted);
        spread(days.map(|(_, n)| *n).collect())
    };
    let of_hour = |hour: i64| {
        let days = (begin..begin + days.len() as i64).map(|day| day * 24 + hour);
        spread(days.map(|at| series.get(&at).copied().unwrap_or(0) as f64).collect())
    };
    let (median, p90) = spread(days.clone());
    Load {
        days: days.len() as u64,
        mean: days.iter().sum::<f64>() / (days.len().max(1)) as f64,
        median,
        p90,
        most: days.iter().fold(0.0_f64, |most, n| most.max(*n)) as u64,
        weekdays: if days.is_empty() { Vec::new() } else { (0..7).map(of_weekday).collect() },
        hours: if days.is_empty() || step != HOUR { Vec::new() } else { (0..24).map(of_hour).collect() },
    }
}

/// Hits over time, in no more points than a chart has.
fn series(of: &BTreeMap<i64, u64>, step: i64) -> Series {
    let (Some((first, _)), Some((last, _))) = (of.first_key_value(), of.last_key_value()) else {
        return Series::default();
    };
    let many = (last - first + 1) as usize;
    let each = many.div_ceil(limits::POINTS).max(1);
    let mut hits = vec![0; many.div_ceil(each)];
    of.iter().for_each(|(at, n)| hits[(at - first) as usize / each] += n);
    Series {
        from: Micros(first * step).to_string(),
        step_secs: (step / 1_000_000) as u64 * each as u64,
        hits,
    }
}

/// What a reader must know before believing the figures.
pub(crate) fn warnings(plan: &Plan, report: &Report, faded: u64) -> Vec<String> {
    let mut out = Vec::new();
    if faded > 0 {
        out.push(format!(
            "{faded} events of the period have lost values that are kept no longer: they are left out, and what is counted anew \
             has not counted them"
        ));
    }
    if let Some(delay) = &report.delay {
        let after = plan.as_of.since(plan.to).as_secs_f64();
        if after < delay.p90_secs {
            out.push(format!(
                "one label of ten takes longer than {} to be known, and the period ends {} before what is known of labels: \
                 its last events are not labelled as they will be, and precision and recall will change",
                length(delay.p90_secs),
                length(after.max(0.0)),
            ));
        }
    }
    let labelled = report.events.all - report.events.unlabelled;
    if labelled == 0 {
        out.push(
            "no event of the period is labelled: nothing can be said of precision and recall".to_owned(),
        );
    } else {
        let hits = &report.together.hits;
        if hits.all > 0 && hits.abuse + hits.good + hits.disputed == 0 {
            out.push("no hit is labelled: nothing can be said of precision".to_owned());
        }
    }
    if report.past.beyond > 0 {
        out.push(format!(
            "the journal begins with record {}: {} events of the period lie before it and cannot be replayed",
            report.past.warm_up_from.unwrap_or(0),
            report.past.beyond
        ));
    } else if report.past.warm_up_from.is_some_and(|first| first > 1) {
        out.push(format!(
            "the journal begins with record {}: what was counted before it is missing in what was counted anew",
            report.past.warm_up_from.unwrap_or(0)
        ));
    }
    for rule in report.rules.iter().filter(|rule| rule.unknown * 10 > report.events.all && rule.unknown > 0) {
        out.push(format!("`{}` is unknown for {} of {} events", rule.id, rule.unknown, report.events.all));
    }
    out
}

/// A length of time in its two largest units.
pub(crate) fn length(secs: f64) -> String {
    let secs = secs.round() as i64;
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let Some(at) = units.iter().position(|(unit, _)| secs >= *unit) else { return "0 s".to_owned() };
    let (unit, name) = units[at];
    let mut out = format!("{} {name}", secs / unit);
    if let Some((next, name)) = units.get(at + 1) {
        let rest = secs % unit / next;
        if rest > 0 && secs / unit < 10 {
            out.push_str(&format!(" {rest} {name}"));
        }
    }
    out
}
