// SPDX-License-Identifier: Apache-2.0
//! A world as the text of a policy, in two files so that it shows which names and places are a file's own.

use crate::oracle::world::*;
use std::fmt::Write as _;
use wardroom_event::{Micros, Span};

/// The files of a policy: path and text.
pub(crate) fn files(world: &World) -> Vec<(&'static str, String)> {
    let mut out = [String::new(), String::new()];
    let mut declare = |name: String, text: String| {
        // Declarations of the second half of each sort stand in the second file; rules in the order written.
        let second = name.bytes().last().is_some_and(|digit| digit % 2 == 1) && !name.starts_with('r');
        let late_rule =
            name.strip_prefix('r').is_some_and(|n| n.parse::<usize>().unwrap() * 2 >= world.rules.len());
        if !world.dropped.contains(&name) {
            out[usize::from(second || late_rule)].push_str(&text);
        }
    };
    declare(
        "file".into(),
        "record file:\n    name: text?\n    size: size\n    kind: text\n    from: ip?\n\n".into(),
    );
    for event in &world.events {
        let mut text = format!("event {}:\n", event.name);
        for (number, optional) in &event.fields {
            let (name, kind) = field(*number);
            writeln!(text, "    {name}: {}{}", kind.name(), if *optional { "?" } else { "" }).unwrap();
        }
        // What is left out for want of budget is not what is asked here.
        writeln!(text, "\nbudget {} = \"1s\"\n", event.name).unwrap();
        declare(event.name.into(), text);
    }
    for (n, (kind, values)) in world.consts.iter().enumerate() {
        let written = match values.as_slice() {
            [one] => literal(*kind, one),
            all => items(*kind, all),
        };
        declare(format!("k{n}"), format!("const k{n} = {written}\n"));
    }
    for (n, one) in world.lists.iter().enumerate() {
        declare(format!("l{n}"), list(n, one));
    }
    for (n, one) in world.tables.iter().enumerate() {
        declare(format!("t{n}"), table(n, one));
    }
    for (n, one) in world.features.iter().enumerate() {
        declare(format!("f{n}"), format!("feature f{n} = {}\n", feature(world, one)));
    }
    for (n, one) in world.computed.iter().enumerate() {
        declare(format!("c{n}"), format!("feature c{n} = {}\n", print(&one.value, 0)));
    }
    for (n, one) in world.evidence.iter().enumerate() {
        declare(format!("e{n}"), evidence(world, n, one));
    }
    for (n, one) in world.scores.iter().enumerate() {
        let prior = one.prior.map(|p| format!("prior({p:?})"));
        let terms: Vec<String> = prior.into_iter().chain(one.terms.iter().map(|t| print(t, 0))).collect();
        let on = world.events[one.on].name;
        declare(format!("s{n}"), format!("score s{n} on {on} = sum({})\n", terms.join(", ")));
    }
    for (n, one) in world.rules.iter().enumerate() {
        declare(format!("r{n}"), rule(world, n, one));
    }
    let [first, second] = out;
    vec![("a.ward", first), ("b.ward", second)]
}

fn list(n: usize, list: &List) -> String {
    let kind = match list.matching {
        Matching::Same => list.kind.name(),
        Matching::Suffix => "domain suffix",
        Matching::Pattern => "regex",
    };
    let entry = |v: &V| match (list.matching, v) {
        (Matching::Pattern, V::I(n)) => format!("\"{}\"", PATTERNS[*n as usize]),
        _ => literal(list.kind, v),
    };
    let entries: Vec<String> = list.entries.iter().map(entry).collect();
    let written = if entries.is_empty() { String::new() } else { format!(" = [{}]", entries.join(", ")) };
    format!("list l{n}: {kind}{written}\n")
}

fn table(n: usize, table: &Table) -> String {
    let columns: Vec<String> =
        table.columns.iter().enumerate().map(|(i, kind)| format!("col{i}: {}", kind.name())).collect();
    let mut text = format!("table t{n}({}) -> {}:\n", columns.join(", "), table.gives.name());
    for (cells, value) in &table.rows {
        let cells: Vec<String> = cells.iter().zip(&table.columns).map(|(c, kind)| cell(*kind, c)).collect();
        writeln!(text, "    {} -> {}", cells.join(", "), literal(table.gives, value)).unwrap();
    }
    if let Some(value) = &table.otherwise {
        writeln!(text, "    else -> {}", literal(table.gives, value)).unwrap();
    }
    text + "\n"
}

fn cell(kind: K, cell: &Cell) -> String {
    match cell {
        Cell::Any => "any".into(),
        Cell::Is(v) => literal(kind, v),
        Cell::Among(all) => items(kind, all),
        Cell::Than(sign, v) => format!("{sign} {}", literal(kind, v)),
        Cell::To(from, to) => format!("{} to {}", literal(kind, from), literal(kind, to)),
    }
}

fn feature(world: &World, feature: &Feature) -> String {
    let of: Vec<&str> = feature.events.iter().map(|n| world.events[*n].name).collect();
    let of = if let [one] = of.as_slice() { (*one).to_owned() } else { format!("[{}]", of.join(", ")) };
    let (word, mut first, more) = match &feature.agg {
        Agg::Baseline(base, weeks) => return format!("baseline(f{base}, over=\"{}d\")", weeks * 7),
        Agg::Count => ("count", of, String::new()),
        Agg::Seen => ("seen", of, String::new()),
        Agg::Rate => ("rate", of, String::new()),
        Agg::FirstSeen => ("first_seen", of, String::new()),
        Agg::Ratio(mark) => ("ratio", of, format!(", where={}", print(mark, 0))),
        Agg::Distinct(what, _) => ("distinct", print(what, 0), format!(", of={of}")),
        Agg::Last(what, _) => ("last", print(what, 0), format!(", of={of}")),
        Agg::Sum(what, _) => ("sum", print(what, 0), format!(", of={of}")),
        Agg::Mean(what, _) => ("mean", print(what, 0), format!(", of={of}")),
        Agg::Min(what, _) => ("min", print(what, 0), format!(", of={of}")),
        Agg::Max(what, _) => ("max", print(what, 0), format!(", of={of}")),
        Agg::Quantile(what, _, q) => {
            ("quantile", print(what, 0), format!(", of={of}, q={:?}", f64::from(*q) / 1000.0))
        }
        Agg::Speed(lat, lon) => (
            "speed",
            of,
            format!(", lat={}, lon={}", print(&lat.expression(), 0), print(&lon.expression(), 0)),
        ),
        Agg::Sequence { first, then, times, within } => {
            let steps = format!(", first={}, times={times}, then={}", print(first, 0), print(then, 0));
            ("sequence", of, format!("{steps}, within=\"{}\"", Span(*within)))
        }
    };
    first.push_str(&more);
    if let Some(filter) = &feature.filter {
        write!(first, ", where={}", print(filter, 0)).unwrap();
    }
    let by: Vec<String> = feature.by.iter().map(|p| print(&p.expression(), 0)).collect();
    match by.as_slice() {
        [] => {}
        [one] => write!(first, ", by={one}").unwrap(),
        all => write!(first, ", by=({})", all.join(", ")).unwrap(),
    }
    if let Some(window) = feature.window {
        write!(first, ", last=\"{}\"", Span(window)).unwrap();
    }
    let own = if feature.with_self { ", including=self" } else { "" };
    format!("{word}({first}{own})")
}

fn evidence(world: &World, n: usize, evidence: &Evidence) -> String {
    let capped = evidence.capped.map_or(String::new(), |(a, b)| format!(" capped {a:?} to {b:?}"));
    let (on, weigh) = (world.events[evidence.on].name, print(&evidence.weigh, 0));
    format!(
        "evidence e{n} on {on}:\n    weigh   {weigh}{capped}\n    because \"{}\"\n\n",
        reason(&evidence.because)
    )
}

fn reason(bits: &[Bit]) -> String {
    let bit = |bit: &Bit| match bit {
        Bit::Words(words) => (*words).to_owned(),
        Bit::Value(value) => format!("{{{}}}", print(value, 0)),
        Bit::Top(score, most) => format!("{{s{score}.top({most})}}"),
    };
    bits.iter().map(bit).collect()
}

fn rule(world: &World, n: usize, rule: &Rule) -> String {
    let mut text =
        format!("rule r{n} on {}:\n    when    {}\n", world.events[rule.on].name, print(&rule.when, 0));
    let ask = if rule.ask { "(\"a proof\")" } else { "" };
    let verdict = rule.verdict.map(|v| format!("{}{ask}", VERDICTS[v]));
    let then: Vec<String> = verdict.into_iter().chain(rule.acts.iter().map(act)).collect();
    writeln!(text, "    then    {}\n    because \"{}\"", then.join(", "), reason(&rule.because)).unwrap();
    match rule.mode {
        Mode::Live => {}
        Mode::Draft => text.push_str("    mode    draft\n"),
        Mode::Shadow => text.push_str("    mode    shadow\n"),
        Mode::Retired => text.push_str("    mode    retired\n"),
        Mode::Canary(percent, by) => {
            writeln!(text, "    mode    canary {percent}% by {}", print(&by.expression(), 0)).unwrap();
        }
    }
    match rule.missing {
        OnMissing::Unsaid => {}
        OnMissing::False => text.push_str("    missing false\n"),
        OnMissing::True => text.push_str("    missing true\n"),
        OnMissing::Review => text.push_str("    missing review\n"),
    }
    if let Some(at) = rule.expires {
        writeln!(text, "    expires \"{}\"", Micros(at)).unwrap();
    }
    text + "\n"
}

fn act(act: &Act) -> String {
    let lasts = |span: &Option<i64>| span.map_or(String::new(), |s| format!(", expires=\"{}\"", Span(s)));
    match act {
        Act::Label(of, label, span) => {
            format!("label({}, \"{}\"{})", print(&of.expression(), 0), LABELS[*label], lasts(span))
        }
        Act::List(of, list, span) => format!("list({}, l{list}{})", print(&of.expression(), 0), lasts(span)),
        Act::Case => "case(\"queue\")".into(),
        Act::Notify => "notify(\"desk\")".into(),
        Act::Webhook => "webhook(\"hook\")".into(),
    }
}

/// An expression as text, in brackets where it binds looser than `least`.
pub(crate) fn print(e: &E, least: u8) -> String {
    let not = |negated: &bool| if *negated { "not " } else { "" };
    let (text, binds) = match e {
        E::Lit(kind, v) => (literal(*kind, v), if literal(*kind, v).starts_with('-') { 7 } else { 8 }),
        E::Const(n) => (format!("k{n}"), 8),
        E::Field(number) => (field(*number).0.to_owned(), 8),
        E::Fact(number) => (format!("{}.{}", FACTS[*number].0, FACTS[*number].1), 8),
        E::Now => ("time".to_owned(), 8),
        E::Item(column) => (format!("x@{column}"), 8),
        E::Feature(n, figure) => (format!("f{n}{}", figure_name(*figure)), 8),
        E::Usual(n, weeks, figure) => {
            (format!("baseline(f{n}, over=\"{}d\"){}", weeks * 7, figure_name(*figure)), 8)
        }
        E::Computed(n) => (format!("c{n}"), 8),
        E::Evidence(n) => (format!("e{n}"), 8),
        E::Score(n, Of::Nats) => (format!("s{n}"), 8),
        E::Score(n, Of::Probability) => (format!("s{n}.probability"), 8),
        E::Score(n, Of::Known) => (format!("s{n}.known"), 8),
        E::Part(name, of) => (format!("{}.{name}", print(of, 8)), 8),
        E::Not(of) => (format!("not {}", print(of, 3)), 3),
        E::Neg(of) => (format!("-{}", print(of, 8)), 7),
        E::And(parts) => (joined(parts, " and ", 3), 2),
        E::Or(parts) => (joined(parts, " or ", 2), 1),
        E::Arith(sign, a, b) | E::Sized(sign, a, b) => {
            let rank = if matches!(sign, '+' | '-') { 5 } else { 6 };
            (format!("{} {sign} {}", print(a, rank), print(b, rank + 1)), rank)
        }
        E::Compare(sign, a, b) => (format!("{} {sign} {}", print(a, 5), print(b, 5)), 4),
        E::Chain(a, s1, b, s2, c) => {
            (format!("{} {s1} {} {s2} {}", print(a, 5), print(b, 5), print(c, 5)), 4)
        }
        E::Among(negated, of, kind, values) => {
            (format!("{} {}in {}", print(of, 5), not(negated), items(*kind, values)), 4)
        }
        E::AmongConst(negated, of, n) => (format!("{} {}in k{n}", print(of, 5), not(negated)), 4),
        E::InList(negated, of, n) => (format!("{} {}in l{n}", print(of, 5), not(negated)), 4),
        E::InField(negated, of, n) => (format!("{} {}in {}", print(of, 5), not(negated), field(*n).0), 4),
        E::Within(negated, a, b) => (format!("{} {}in {}", print(a, 5), not(negated), print(b, 5)), 4),
        E::Missing(negated, of) => (format!("{} is {}missing", print(of, 5), not(negated)), 4),
        E::If(cond, then, other) => {
            (format!("{} if {} else {}", print(then, 1), print(cond, 1), print(other, 0)), 0)
        }
        E::Call(name, args) => (format!("{name}({})", joined(args, ", ", 0)), 8),
        E::Method(name, args) => {
            (format!("{}.{name}({})", print(&args[0], 8), joined(&args[1..], ", ", 0)), 8)
        }
        E::Matches(of, n) => (format!("{}.matches(\"{}\")", print(of, 8), PATTERNS[*n]), 8),
        E::Items(number) => (format!("len({})", field(*number).0), 8),
        E::Table(n, args) => (format!("t{n}({})", joined(args, ", ", 0)), 8),
        E::Labelled(of, n) => (format!("labelled({}, \"{}\")", print(&of.expression(), 0), LABELS[*n]), 8),
        E::Each(each) => (comprehension(each), 8),
    };
    if binds < least { format!("({text})") } else { text }
}

/// `any(body for x in over if filter)`; an item's columns are known here, where the list is.
fn comprehension(each: &Each) -> String {
    let (over, kind) = field(each.over);
    let named = |e: &E| {
        let columns = kind.columns().iter().enumerate();
        columns.fold(print(e, 1), |text, (n, (name, _))| {
            let name = if name.is_empty() { "x".to_owned() } else { format!("x.{name}") };
            text.replace(&format!("x@{n}"), &name)
        })
    };
    let filter = each.filter.as_ref().map_or(String::new(), |f| format!(" if {}", named(f)));
    format!("{}({} for x in {over}{filter})", each.word, named(&each.body))
}

fn figure_name(figure: Figure) -> &'static str {
    match figure {
        Figure::Whole => "",
        Figure::Mean => ".mean",
        Figure::Spread => ".spread",
        Figure::Weeks => ".weeks",
    }
}

fn joined(parts: &[E], word: &str, least: u8) -> String {
    parts.iter().map(|p| print(p, least)).collect::<Vec<_>>().join(word)
}

fn items(kind: K, values: &[V]) -> String {
    format!("[{}]", values.iter().map(|v| literal(kind, v)).collect::<Vec<_>>().join(", "))
}

/// A value as a policy writes it.
pub(crate) fn literal(kind: K, v: &V) -> String {
    match v {
        V::B(b) => b.to_string(),
        V::I(n) if kind == K::Size => format!("\"{n}B\""),
        V::I(n) => n.to_string(),
        V::N(n) if kind == K::Rate => format!("\"{n}/s\""),
        V::N(n) => format!("{n:?}"),
        V::T(t) => format!("\"{t}\""),
        V::At(t) => format!("\"{}\"", Micros(*t)),
        V::D(d) => format!("\"{d}us\""),
        V::Ip(ip) => format!("\"{ip}\""),
        V::Net(base, len) => format!("\"{base}/{len}\""),
        V::L(_) => unreachable!("lists are not written"),
    }
}
