// SPDX-License-Identifier: Apache-2.0
//! Curves over time as an SVG picture: a panel for each, one below the other, over one axis of time.
//!
//! Written by hand, since a curve is one path; left out are legends, colours to choose and all that a plotting library
//! is for. It can be read in light and in dark.

use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 90.0;
const PANEL: f64 = 130.0;
const GAP: f64 = 46.0;

/// One panel.
pub(super) struct Panel<'a> {
    /// What it shows, with the unit.
    pub(super) title: &'a str,
    /// Values over the seconds; gaps where there is none.
    pub(super) curves: Vec<Vec<(f64, f64)>>,
    /// On a scale of powers of ten.
    pub(super) log: bool,
}

/// The picture.
pub(super) fn svg(title: &str, panels: &[Panel<'_>]) -> String {
    let end = panels.iter().flat_map(|p| p.curves.iter().flatten()).map(|(x, _)| *x).fold(1.0, f64::max);
    let height = 40.0 + panels.len() as f64 * (PANEL + GAP);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"#777\">\n<text x=\"{LEFT}\" y=\"20\" font-size=\"15\">{}</text>\n",
        escape(title)
    );
    for (i, panel) in panels.iter().enumerate() {
        draw(&mut out, panel, 60.0 + i as f64 * (PANEL + GAP), end);
    }
    out.push_str("</svg>\n");
    out
}

fn draw(out: &mut String, panel: &Panel<'_>, top: f64, end: f64) {
    let points = || panel.curves.iter().flatten().map(|(_, y)| *y);
    let scale = Scale::new(points().fold(f64::INFINITY, f64::min), points().fold(0.0, f64::max), panel.log);
    let x = |secs: f64| LEFT + secs / end * (WIDTH - LEFT - 20.0);
    let y = |value: f64| top + PANEL * (1.0 - scale.share(value));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "<text x=\"{LEFT}\" y=\"{}\">{}</text>", top - 8.0, escape(panel.title));
    for mark in scale.marks() {
        let at = y(mark);
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT} {at:.1}H{}\" stroke=\"#8884\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - 20.0,
            LEFT - 8.0,
            at + 4.0,
            number(mark)
        );
    }
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let secs = end * share;
        let below = top + PANEL + 15.0;
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{below}\" text-anchor=\"middle\">{secs:.0} s</text>",
            x(secs)
        );
    }
    for (curve, colour) in panel.curves.iter().zip(["#2a7de1", "#e07b28", "#3aa655"]) {
        let mut path = String::new();
        for (i, (secs, value)) in curve.iter().enumerate() {
            let _ = write!(path, "{}{:.1} {:.1}", if i == 0 { 'M' } else { 'L' }, x(*secs), y(*value));
        }
        let _ = writeln!(out, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.2\"/>");
    }
}

/// Where values lie between the bottom and the top of a panel.
struct Scale {
    low: f64,
    high: f64,
    log: bool,
}

impl Scale {
    /// From nothing to the greatest; on a scale of powers from the one below the least.
    fn new(least: f64, most: f64, log: bool) -> Scale {
        if !log {
            return Scale { low: 0.0, high: if most > 0.0 { most * 1.05 } else { 1.0 }, log };
        }
        let least = if least.is_finite() && least > 0.0 { least } else { 1.0 };
        let low = 10f64.powf(least.log10().floor());
        Scale { low, high: 10f64.powf(most.max(low * 10.0).log10().ceil()), log }
    }

    fn share(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(self.low) / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        share.clamp(0.0, 1.0)
    }

    fn marks(&self) -> Vec<f64> {
        if self.log {
            let mut marks = vec![self.low];
            while let Some(next) = marks.last().map(|m| m * 10.0).filter(|m| *m <= self.high * 1.001) {
                marks.push(next);
            }
            return marks;
        }
        let step = 10f64.powf((self.high / 2.0).log10().floor());
        let step = if self.high / step > 8.0 { step * 2.5 } else { step };
        (0..=8).map(|i| f64::from(i) * step).take_while(|m| *m <= self.high).collect()
    }
}

fn number(value: f64) -> String {
    match value {
        v if v >= 1e9 => format!("{:.1} G", v / 1e9),
        v if v >= 1e6 => format!("{:.0} M", v / 1e6),
        v if v >= 1e3 => format!("{:.0} k", v / 1e3),
        v if v >= 1.0 || v == 0.0 => format!("{v:.0}"),
        v => format!("{v:.2}"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_where_they_belong() {
        let scale = Scale::new(3.0, 100.0, false);
        assert_eq!((scale.share(0.0), scale.share(1e9)), (0.0, 1.0));
        assert!((scale.share(52.5) - 0.5).abs() < 1e-9);
        let scale = Scale::new(3.0, 900.0, true);
        assert_eq!(scale.marks(), [1.0, 10.0, 100.0, 1000.0]);
        assert!((scale.share(10.0) - 1.0 / 3.0).abs() < 1e-9);
        assert!(!Scale::new(f64::INFINITY, 0.0, true).marks().is_empty(), "nothing was measured");
        assert!(!Scale::new(0.0, 0.0, false).marks().is_empty());
    }

    #[test]
    fn a_picture_is_well_formed_and_escapes_words() {
        let panel =
            Panel { title: "a < b", curves: vec![vec![(0.0, 1.0), (1.0, 2.0)], Vec::new()], log: false };
        let svg = svg("x & y", &[panel]);
        assert!(svg.contains("a &lt; b") && svg.contains("x &amp; y") && !svg.contains("NaN"));
        assert!(svg.ends_with("</svg>\n"));
    }
}
