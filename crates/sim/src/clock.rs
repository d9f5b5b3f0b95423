// SPDX-License-Identifier: Apache-2.0
//! Simulated time: microseconds UTC, local hours, and when in the day people are active.

use std::fmt::Write as _;

/// One second in microseconds, the unit of every time in this crate.
pub(crate) const SECOND: i64 = 1_000_000;
/// One minute in microseconds.
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// One hour in microseconds.
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// One day in microseconds.
pub(crate) const DAY: i64 = 24 * HOUR;

/// Share of the peak hour's activity in each local hour. Assumed: the usual curve of office and private mail together,
/// with a trough at four in the morning, a peak before noon and a lower one in the evening.
const RHYTHM: [f64; 24] = [
    0.22, 0.12, 0.07, 0.05, 0.05, 0.09, 0.24, 0.52, 0.82, 0.97, 1.0, 0.96, //
    0.88, 0.90, 0.92, 0.90, 0.87, 0.83, 0.80, 0.82, 0.84, 0.78, 0.60, 0.38,
];

/// Activity on Saturdays and Sundays against working days (assumed; mail is quieter, not quiet).
const WEEKEND: f64 = 0.75;

/// A moment as somebody's wall clock shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Local {
    /// Minutes since local midnight, `0..1440`.
    pub(crate) minute: u32,
    /// Saturday or Sunday.
    pub(crate) weekend: bool,
}

impl Local {
    /// `time` in a place `offset_minutes` east of UTC. No summer time: the curve is coarser than an hour's shift.
    pub(crate) fn at(time: i64, offset_minutes: i64) -> Local {
        let local = time + offset_minutes * MINUTE;
        let weekday = (local.div_euclid(DAY) + 4).rem_euclid(7); // 1970-01-01 was a Thursday; 0 is Sunday
        Local { minute: (local.rem_euclid(DAY) / MINUTE) as u32, weekend: weekday == 0 || weekday == 6 }
    }

    /// The local hour, `0..24`.
    pub(crate) fn hour(self) -> u32 {
        self.minute / 60
    }

    /// How active people are now, as a share of the busiest moment of the week.
    pub(crate) fn activity(self) -> f64 {
        let hour = self.hour() as usize;
        let part = f64::from(self.minute % 60) / 60.0;
        let level = RHYTHM[hour] * (1.0 - part) + RHYTHM[(hour + 1) % 24] * part;
        if self.weekend { level * WEEKEND } else { level }
    }
}

/// Mean of [`Local::activity`] over a week.
pub(crate) fn mean_activity() -> f64 {
    RHYTHM.iter().sum::<f64>() / 24.0 * (5.0 + 2.0 * WEEKEND) / 7.0
}

/// Appends `time` as RFC 3339 UTC with microseconds: `2026-01-05T10:00:00.123456Z`. Civil date from day number after
/// Howard Hinnant, "chrono-compatible low-level date algorithms".
pub(crate) fn write_time(out: &mut String, time: i64) {
    let days = time.div_euclid(DAY);
    let within = time.rem_euclid(DAY);
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);

    let _ = write!(out, "{year:04}");
    two_digits(out, '-', month);
    two_digits(out, '-', day);
    two_digits(out, 'T', within / HOUR);
    two_digits(out, ':', within / MINUTE % 60);
    two_digits(out, ':', within / SECOND % 60);
    let _ = write!(out, ".{:06}Z", within % SECOND);
}

/// Appends a mark and a number below 100 as two digits; `write!` costs several times as much.
fn two_digits(out: &mut String, mark: char, number: i64) {
    out.push(mark);
    out.push((b'0' + (number / 10) as u8) as char);
    out.push((b'0' + (number % 10) as u8) as char);
}

/// Appends a duration given in microseconds as seconds with one decimal: `4.2s`.
pub(crate) fn write_duration(out: &mut String, micros: i64) {
    let tenths = (micros + SECOND / 20) / (SECOND / 10);
    let _ = write!(out, "{}.{}s", tenths / 10, tenths % 10);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        let check = |time: i64, expect: &str| {
            let mut out = String::new();
            write_time(&mut out, time);
            assert_eq!(out, expect);
        };
        check(0, "1970-01-01T00:00:00.000000Z");
        check(1_767_607_200_123_456, "2026-01-05T10:00:00.123456Z");
        check(951_782_399_999_999, "2000-02-28T23:59:59.999999Z");
        check(951_782_400_000_000, "2000-02-29T00:00:00.000000Z");
        check(1_798_761_599_000_001, "2026-12-31T23:59:59.000001Z");
        check(4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z");
    }

    #[test]
    fn durations_are_written_in_seconds() {
        let check = |micros: i64, expect: &str| {
            let mut out = String::new();
            write_duration(&mut out, micros);
            assert_eq!(out, expect);
        };
        check(4_200_000, "4.2s");
        check(49_999, "0.0s");
        check(50_000, "0.1s");
        check(125_960_000, "126.0s");
    }

    #[test]
    fn local_time_knows_hour_and_weekend() {
        let check = |time: i64, offset: i64, hour: u32, weekend: bool| {
            let local = Local::at(time, offset);
            assert_eq!((local.hour(), local.weekend), (hour, weekend));
        };
        let monday = 1_767_571_200_000_000; // 2026-01-05T00:00:00Z
        check(monday, 0, 0, false);
        check(monday, -60, 23, true);
        check(monday, 330, 5, false);
        check(monday + 5 * DAY, 0, 0, true);
        check(monday + 4 * DAY + 23 * HOUR, 60, 0, true);
    }

    #[test]
    fn activity_peaks_before_noon_and_rests_at_night() {
        let at = |minute, weekend| Local { minute, weekend }.activity();
        assert_eq!(at(600, false), 1.0);
        assert_eq!(at(600, true), WEEKEND);
        assert!(at(240, false) < 0.1);
        assert!(at(1439, false) > 0.22 && at(1439, false) < 0.24, "midnight joins up");
        let steps: f64 = (0..7 * 1440).map(|m| at(m % 1440, m >= 5 * 1440)).sum();
        assert!((steps / 10_080.0 - mean_activity()).abs() < 1e-9);
    }
}
