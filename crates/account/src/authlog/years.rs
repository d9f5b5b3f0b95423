// SPDX-License-Identifier: Apache-2.0
//! Which year a stamp without one is of.
//!
//! The rule: the first line's year comes from the [`YearPolicy`]. After that a line is of the same year as the
//! newest line so far, with two exceptions. If its month lies more than six months before the newest line's month,
//! a new year began (December → January). If it lies more than six months after, but in the year before it would
//! be within two days of the newest line, it is a straggler of the old year, and changes nothing.
//!
//! So a log may be silent for up to half a year, and lines out of order by up to two days are dated right. What the
//! rule cannot know: a clock that was wrong by more than half a year for one line moves all that follow by a year.
//! [`YearPolicy::Ended`] prevents that for files that are complete.

use super::header::Civil;
use wardroom_event::{Micros, Span};

/// Where the year of the first line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YearPolicy {
    /// The first line is of this year.
    FirstLine(i16),
    /// The input is complete and was last written at this time (a file's mtime): the first line is of the newest
    /// year that puts it not more than a day later than this, and no line is put later than that.
    Ended(Micros),
    /// The input may go on, and this is now: the first line is of the newest year that puts it not more than a day
    /// later than this; later lines are not bounded, so a tail crosses any number of new years.
    Following(Micros),
}

/// How far a line may lie after the reference: zones and clocks differ.
const LATE: Span = Span::from_secs(86_400);
/// How far out of order a straggler of the old year may be.
const STRAGGLER: Span = Span::from_secs(2 * 86_400);

/// Dates lines, in the order written.
#[derive(Debug)]
pub(super) struct Years {
    policy: YearPolicy,
    offset_secs: i32,
    newest: Option<Newest>,
}

#[derive(Clone, Copy, Debug)]
struct Newest {
    year: i16,
    month: i8,
    time: Micros,
}

impl Years {
    pub(super) fn new(policy: YearPolicy, offset_secs: i32) -> Years {
        Years { policy, offset_secs, newest: None }
    }

    /// The point in time, and whether the date exists in that year: 29 February otherwise reads as 1 March.
    /// `None` if the date exists in no year.
    pub(super) fn resolve(&mut self, civil: Civil) -> Option<(Micros, bool)> {
        let year = match self.newest {
            None => self.first(civil),
            Some(newest) => self.next(newest, civil),
        };
        let (time, exact) = self.dated(civil, year)?;
        if self.newest.is_none_or(|newest| time > newest.time) {
            self.newest = Some(Newest { year, month: civil.month, time });
        }
        Some((time, exact))
    }

    fn first(&self, civil: Civil) -> i16 {
        let reference = match self.policy {
            YearPolicy::FirstLine(year) => return year,
            YearPolicy::Ended(time) | YearPolicy::Following(time) => time,
        };
        let newest = year_of(reference).saturating_add(1);
        // Nine years back: 29 February may be eight years away (1896 → 1904, 2096 → 2104).
        let fits = |year: &i16| {
            let date = Civil { year: *year, ..civil }.utc(self.offset_secs);
            date.is_some_and(|time| time <= reference.plus(LATE))
        };
        (newest.saturating_sub(9)..=newest).rev().find(fits).unwrap_or(newest.saturating_sub(1))
    }

    fn next(&self, newest: Newest, civil: Civil) -> i16 {
        let months = civil.month - newest.month;
        if months < -6 {
            let next = newest.year.saturating_add(1);
            let later = |end: Micros| self.dated(civil, next).is_some_and(|(time, _)| time > end.plus(LATE));
            return match self.policy {
                YearPolicy::Ended(end) if later(end) => newest.year,
                _ => next,
            };
        }
        if months > 6 {
            let before = newest.year.saturating_sub(1);
            let close =
                |(time, _): (Micros, bool)| newest.time.minus(STRAGGLER) <= time && time <= newest.time;
            if self.dated(civil, before).is_some_and(close) {
                return before;
            }
        }
        newest.year
    }

    fn dated(&self, civil: Civil, year: i16) -> Option<(Micros, bool)> {
        let dated = Civil { year, ..civil };
        if let Some(time) = dated.utc(self.offset_secs) {
            return Some((time, true));
        }
        let leap_day = civil.month == 2 && civil.day == 29;
        let march = Civil { month: 3, day: 1, ..dated };
        march.utc(self.offset_secs).filter(|_| leap_day).map(|time| (time, false))
    }
}

fn year_of(time: Micros) -> i16 {
    let stamp = jiff::Timestamp::from_microsecond(time.0).unwrap_or_default();
    jiff::tz::Offset::UTC.to_datetime(stamp).year()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authlog::header::{self, Stamp};

    fn civil(text: &str) -> Civil {
        match header::parse(&format!("{text} h p: m")).unwrap().stamp {
            Stamp::Yearless(civil) => civil,
            other => panic!("{other:?}"),
        }
    }

    fn reference(text: &str) -> Micros {
        Micros::parse(text).unwrap()
    }

    #[test]
    fn lines_are_dated_in_order() {
        let check = |policy, lines: &[(&str, &str)]| {
            let mut years = Years::new(policy, 0);
            for (line, expect) in lines {
                let (time, exact) = years.resolve(civil(line)).unwrap();
                assert!(exact, "{line}");
                assert_eq!(time.to_string(), *expect, "{line} in {lines:?}");
            }
        };
        check(
            YearPolicy::FirstLine(2023),
            &[
                ("Dec 31 23:59:58", "2023-12-31T23:59:58Z"),
                ("Jan  1 00:00:01", "2024-01-01T00:00:01Z"),
                ("Dec 31 23:59:59", "2023-12-31T23:59:59Z"),
                ("Jan  1 00:00:02", "2024-01-01T00:00:02Z"),
                ("Feb 29 12:00:00", "2024-02-29T12:00:00Z"),
                ("Feb 29 11:00:00", "2024-02-29T11:00:00Z"),
                ("Nov  1 00:00:00", "2024-11-01T00:00:00Z"),
                ("Mar  1 00:00:00", "2025-03-01T00:00:00Z"),
            ],
        );
        let ended = YearPolicy::Ended(reference("2026-04-20T12:00:00Z"));
        check(
            ended,
            &[("Mar 27 13:00:00", "2026-03-27T13:00:00Z"), ("Apr 20 12:00:00", "2026-04-20T12:00:00Z")],
        );
        check(ended, &[("Apr 21 11:00:00", "2026-04-21T11:00:00Z")]);
        check(ended, &[("Apr 21 13:00:00", "2025-04-21T13:00:00Z")]);
        check(ended, &[("Feb 29 13:00:00", "2024-02-29T13:00:00Z")]);
        check(
            ended,
            &[("Nov 30 00:00:00", "2025-11-30T00:00:00Z"), ("Jan  2 00:00:00", "2026-01-02T00:00:00Z")],
        );
        // A clock at its epoch after a power cut does not make the rest of a complete file a year younger.
        check(
            YearPolicy::Ended(reference("2026-11-20T12:00:00Z")),
            &[
                ("Nov 19 00:00:00", "2026-11-19T00:00:00Z"),
                ("Jan  1 00:00:05", "2026-01-01T00:00:05Z"),
                ("Nov 19 00:10:00", "2026-11-19T00:10:00Z"),
            ],
        );
        let following = YearPolicy::Following(reference("2026-12-31T23:00:00Z"));
        check(
            following,
            &[("Dec 31 23:00:00", "2026-12-31T23:00:00Z"), ("Jan  1 23:00:00", "2027-01-01T23:00:00Z")],
        );
        check(following, &[("Jan  1 00:30:00", "2027-01-01T00:30:00Z")]);
    }

    #[test]
    fn a_leap_day_in_a_common_year_is_told_apart() {
        let mut years = Years::new(YearPolicy::FirstLine(2023), 3600);
        let (time, exact) = years.resolve(civil("Feb 29 12:00:00")).unwrap();
        assert_eq!((time.to_string().as_str(), exact), ("2023-03-01T11:00:00Z", false));
        assert_eq!(years.resolve(civil("Feb 30 12:00:00")), None);
    }
}
