// SPDX-License-Identifier: Apache-2.0
//! Functions of times. Offsets from UTC are written out; time zones by name are left out, since their rules change.

use super::{Class, Eval, Form, Function, Gives, Param};
use wardroom_event::{Micros, Span, Type, Value};

const TIME: Param = Param::new("time", Class::Is(Type::Time));
const OFFSET: Param = Param::written("offset", Type::Text);

/// A function of a time and an offset; each entry fills in the rest.
const BASE: Function = Function {
    name: "",
    form: Form::Call,
    params: &[TIME, OFFSET],
    optional: 1,
    variadic: false,
    gives: Gives::Is(Type::Int),
    eval: Eval::Any(hour),
    cost: 10,
    group: "Time",
    doc: "",
    examples: &[],
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "hour",
        cost: 15,
        doc: "The hour of the day, 0 to 23, in UTC or at an offset from it: \"+02:00\", \"-05:30\" or \"Z\".",
        examples: &[
            ("hour(\"2026-01-05T22:30:00Z\")", "22"),
            ("hour(\"2026-01-05T22:30:00Z\", \"+02:00\")", "0"),
            ("hour(\"2026-01-05T22:30:00Z\", offset=\"-05:30\")", "17"),
        ],
        ..BASE
    },
    Function {
        name: "weekday",
        gives: Gives::Is(Type::Text),
        eval: Eval::Any(weekday),
        cost: 30,
        doc: "The day of the week: \"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\" or \"sun\".",
        examples: &[
            ("weekday(\"2026-01-05T22:30:00Z\")", "\"mon\""),
            ("weekday(\"2026-01-05T22:30:00Z\", \"+02:00\")", "\"tue\""),
        ],
        ..BASE
    },
    Function {
        name: "date",
        gives: Gives::Is(Type::Text),
        eval: Eval::Any(date),
        cost: 75,
        doc: "The date, as year, month and day.",
        examples: &[
            ("date(\"2026-01-05T22:30:00Z\")", "\"2026-01-05\""),
            ("date(\"2026-01-05T22:30:00Z\", \"+02:00\")", "\"2026-01-06\""),
        ],
        ..BASE
    },
    Function {
        name: "truncate",
        params: &[TIME, Param::written("unit", Type::Duration)],
        optional: 0,
        gives: Gives::Is(Type::Time),
        eval: Eval::Any(truncate),
        doc: "The beginning of the hour, the day, or whatever length of time, that a time lies in. Lengths are counted \
              off from a Monday at midnight UTC, 5 January 1970, so that weeks begin on Mondays.",
        examples: &[
            ("truncate(\"2026-01-05T22:30:00Z\", \"1h\")", "\"2026-01-05T22:00:00Z\""),
            ("truncate(\"2026-01-08T22:30:00Z\", \"1w\")", "\"2026-01-05T00:00:00Z\""),
        ],
        ..BASE
    },
];

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// The first Monday of time as it is counted.
const MONDAY: i64 = 4 * DAY;
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads `Z`, `+02:00`, `-05:30`: at most 14 hours either way, as offsets in use are.
pub(super) fn offset(text: &str) -> Option<Span> {
    if text == "Z" {
        return Some(Span::ZERO);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let minutes = 60 * two_digits(hours)? + two_digits(minutes).filter(|m| *m < 60)?;
    (minutes <= 14 * 60).then(|| Span::from_secs(sign * 60 * minutes))
}

fn two_digits(text: &str) -> Option<i64> {
    let fits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

/// The time on the clock at the offset, as if that were UTC. Nothing at the very ends of time.
fn local(args: &[&Value]) -> Option<i64> {
    let (time, offset) = match args {
        [Value::Time(time)] => (time, Span::ZERO),
        [Value::Time(time), Value::Text(written)] => (time, offset(written)?),
        _ => return None,
    };
    time.0.checked_add(offset.0)
}

fn hour(args: &[&Value]) -> Value {
    local(args).map_or(Value::Missing, |t| Value::Int(t.rem_euclid(DAY) / HOUR))
}

fn weekday(args: &[&Value]) -> Value {
    let day = local(args).and_then(|t| usize::try_from((t.div_euclid(DAY) - 4).rem_euclid(7)).ok());
    day.map_or(Value::Missing, |day| Value::Text(WEEKDAYS[day].into()))
}

/// As times are written; one outside the calendar is written without a date.
fn date(args: &[&Value]) -> Value {
    let written = local(args).map(|t| Micros(t).to_string());
    match written.as_deref().and_then(|t| t.split_once('T')) {
        Some((date, _)) => Value::Text(date.into()),
        None => Value::Missing,
    }
}

fn truncate(args: &[&Value]) -> Value {
    let [Value::Time(time), Value::Duration(unit)] = args else {
        return Value::Missing;
    };
    if unit.0 <= 0 {
        return Value::Missing;
    }
    let from_monday = time.0.checked_sub(MONDAY).map(|t| t.rem_euclid(unit.0));
    from_monday.and_then(|past| time.0.checked_sub(past)).map_or(Value::Missing, |t| Value::Time(Micros(t)))
}
