// SPDX-License-Identifier: Apache-2.0
//! What tests reach of a policy, as a table, a line and JSON.

use crate::terminal::Paint;
use serde_json::{Value, json};
use std::io::{Result, Write};
use wardroom_policy::{Cover, Covered, Point};

/// `rules 22 of 24 covered, conditions 91 %`.
pub(super) fn summary(cover: &Cover) -> String {
    let (covered, all) = cover.rules();
    format!("rules {covered} of {all} covered, conditions {} %", whole(cover.percent()))
}

/// Never 100 where something is left.
fn whole(percent: f64) -> u32 {
    percent.floor() as u32
}

/// A row for each declaration, and below it what no test reaches.
pub(super) fn say(cover: &Cover, paint: Paint, out: &mut impl Write) -> Result<()> {
    for covered in &cover.covered {
        let percent = format!("{:>3} %", whole(covered.percent()));
        let percent = if covered.percent() >= 100.0 { paint.good(&percent) } else { paint.bold(&percent) };
        let what = if covered.what == "rule" { String::new() } else { format!("  {}", covered.what) };
        writeln!(out, "{percent}  {}{}", covered.id, paint.dim(&what))?;
        for point in covered.points.iter().filter(|p| !p.seen) {
            writeln!(out, "         {}:{}: {}", covered.place.0, point.line, left(covered, point))?;
        }
    }
    Ok(())
}

fn left(covered: &Covered, point: &Point) -> String {
    match point.wants {
        "fires" | "stays quiet" => format!("no test where it {}", point.wants),
        "fits" if covered.what == "table" => format!("no test where this row fits: {}", point.text),
        wants => {
            format!("never {wants}: {}", point.text).replace("never says something", "never says anything")
        }
    }
}

pub(super) fn json(cover: &Cover) -> Value {
    let (covered, all) = cover.rules();
    let point = |p: &Point| json!({ "text": p.text, "line": p.line, "wants": p.wants, "seen": p.seen });
    let one = |c: &Covered| {
        json!({
            "what": c.what, "id": c.id, "file": c.place.0, "line": c.place.1, "percent": c.percent(),
            "points": c.points.iter().map(point).collect::<Vec<_>>(),
        })
    };
    json!({
        "rules": all, "rules_covered": covered, "percent": cover.percent(),
        "covered": cover.covered.iter().map(one).collect::<Vec<_>>(),
    })
}
