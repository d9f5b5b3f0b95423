// SPDX-License-Identifier: Apache-2.0
//! What a policy means, by brute force: the list of everything that happened so far, and a walk over the trees of the
//! world for each event. It shares no code with the engine; what it does is the book put into the plainest Rust there is.

use crate::oracle::windows::{self, Read, Sighting};
use crate::oracle::world::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;

/// What a rule left on something.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// The type and value, the label's number, until when.
    Label(K, V, usize, Option<i64>),
    /// The list's number, the type and value, until when.
    List(usize, K, V, Option<i64>),
    Case,
    Notify,
    Webhook,
}

/// A piece of a reason.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Words(String),
    Value(Option<V>),
}

/// A rule that fired.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fired {
    pub(crate) rule: usize,
    pub(crate) verdict: usize,
    pub(crate) decides: bool,
    pub(crate) for_missing: bool,
    pub(crate) asks: bool,
    pub(crate) because: Vec<Piece>,
    pub(crate) effects: Vec<Effect>,
}

/// All that happened so far.
pub(crate) struct Past<'w> {
    pub(crate) world: &'w World,
    /// What each event was to each feature.
    sightings: Vec<Vec<Sighting>>,
    /// Effects in the order they took place, with the time they did.
    effects: Vec<(i64, Effect)>,
}

/// Labels and entries that have been over for so long are forgotten: an event that is later still does not see them.
const GRACE: i64 = 2 * 86_400_000_000;

impl<'w> Past<'w> {
    pub(crate) fn new(world: &'w World) -> Past<'w> {
        Past { world, sightings: vec![Vec::new(); world.features.len()], effects: Vec::new() }
    }

    pub(crate) fn sightings(&self, feature: usize) -> impl Iterator<Item = &Sighting> {
        self.sightings[feature].iter()
    }

    /// Takes note of an event and of what followed from it.
    pub(crate) fn add(&mut self, event: &Happened, fired: &[Fired]) {
        for feature in 0..self.world.features.len() {
            self.sightings[feature].extend(windows::sighting(self.world, feature, event));
        }
        let effects = fired.iter().flat_map(|f| f.effects.iter().cloned());
        self.effects.extend(effects.map(|effect| (event.counted(), effect)));
    }

    /// Whether a value of this type bears a label at a time.
    fn labelled(&self, kind: K, value: &V, label: usize, at: i64) -> bool {
        let mut until: Option<Option<i64>> = None;
        for (_, effect) in &self.effects {
            let Effect::Label(k, v, l, end) = effect else { continue };
            if (*k, v, *l) == (kind, value, label) {
                until = Some(*end);
            }
        }
        until.is_some_and(|end| self.holds_at(end, at))
    }

    /// Whether what ends then still holds at a time. What was over long before the newest change is forgotten.
    fn holds_at(&self, end: Option<i64>, at: i64) -> bool {
        let changes = self.effects.iter().filter(|(_, e)| matches!(e, Effect::Label(..) | Effect::List(..)));
        let newest = changes.map(|(when, _)| *when).max().unwrap_or(i64::MIN / 2);
        end.is_none_or(|end| at < end && newest - GRACE < end)
    }

    /// Whether a list holds a value at a time.
    fn listed(&self, list: usize, value: &V, at: i64) -> bool {
        let declared = &self.world.lists[list];
        if declared.entries.iter().any(|entry| holds(declared, entry, value)) {
            return true;
        }
        // The last of the same entry says until when.
        let mut added: Vec<(V, Option<i64>)> = Vec::new();
        for (_, effect) in &self.effects {
            if let Effect::List(to, _, entry, until) = effect
                && *to == list
            {
                let entry = as_network(entry);
                added.retain(|(e, _)| *e != entry);
                added.push((entry, *until));
            }
        }
        added.iter().any(|(entry, until)| self.holds_at(*until, at) && holds(declared, entry, value))
    }
}

/// A lone address is the network of that one address.
fn as_network(v: &V) -> V {
    match v {
        V::Ip(ip) => V::Net(*ip, bits(*ip).len() as u8),
        v => v.clone(),
    }
}

/// Whether an entry takes a value in.
fn holds(list: &List, entry: &V, value: &V) -> bool {
    match (list.matching, entry, value) {
        (Matching::Pattern, V::I(n), V::T(text)) => finds(*n as usize, text),
        (Matching::Suffix, V::T(above), V::T(name)) => {
            name == above || name.strip_suffix(above.as_str()).is_some_and(|rest| rest.ends_with('.'))
        }
        (_, V::Net(..) | V::Ip(_), V::Ip(_) | V::Net(..)) => lies_in(value, &as_network(entry)),
        _ => entry == value,
    }
}

/// What the patterns of the world find.
fn finds(pattern: usize, text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    match pattern {
        0 => chars.first() == Some(&'a'),
        1 => chars.last() == Some(&'b'),
        _ => chars.windows(2).any(|two| two.iter().all(char::is_ascii_digit)),
    }
}

/// The bits of an address, most significant first.
fn bits(ip: IpAddr) -> Vec<bool> {
    let bytes = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    bytes.iter().flat_map(|byte| (0..8).map(move |i| byte & (0x80 >> i) != 0)).collect()
}

fn lies_in(a: &V, b: &V) -> bool {
    match (a, b) {
        (V::T(part), V::T(text)) => text.contains(part.as_str()),
        (V::Ip(ip), V::Net(base, len)) => {
            let (ip, base, len) = (bits(*ip), bits(*base), usize::from(*len));
            ip.len() == base.len() && ip[..len] == base[..len]
        }
        (V::Net(inner, inner_len), V::Net(_, len)) => inner_len >= len && lies_in(&V::Ip(*inner), b),
        other => panic!("{other:?}"),
    }
}

/// A value that is on the record, by what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Served {
    Feature(usize, Figure),
    Usual(usize, i64, Figure),
    Computed(usize),
    Evidence(usize),
    Score(usize),
}

/// What can be seen from one event.
pub(crate) struct Sees<'a> {
    world: &'a World,
    event: &'a Happened,
    /// `None` in a filter, which knows no past.
    past: Option<&'a Past<'a>>,
    item: Option<&'a [Option<V>]>,
    /// Served values that were found good already: with them the rest is judged, so that what may be a little off is not
    /// compared with anything twice.
    taken: &'a RefCell<HashMap<Served, Option<V>>>,
}

thread_local! {
    static NOTHING: &'static RefCell<HashMap<Served, Option<V>>> = Box::leak(Box::default());
}

impl<'a> Sees<'a> {
    /// The event alone.
    pub(crate) fn fields(world: &'a World, event: &'a Happened) -> Sees<'a> {
        Sees { world, event, past: None, item: None, taken: NOTHING.with(|nothing| *nothing) }
    }

    /// The event with its past.
    pub(crate) fn all(
        past: &'a Past<'a>,
        event: &'a Happened,
        taken: &'a RefCell<HashMap<Served, Option<V>>>,
    ) -> Sees<'a> {
        Sees { world: past.world, event, past: Some(past), item: None, taken }
    }

    pub(crate) fn world(&self) -> &World {
        self.world
    }

    /// A served value anew, and how far another may be from it.
    pub(crate) fn read(&self, served: Served) -> Read {
        let past = self.past.unwrap();
        match served {
            Served::Feature(n, figure) => windows::read(past, n, figure, self.event),
            Served::Usual(n, weeks, figure) => windows::usual(past, n, weeks, figure, self.event),
            Served::Computed(n) => Read::exact(self.eval(&self.world.computed[n].value)),
            Served::Evidence(n) => Read::exact(self.weigh(n)),
            Served::Score(n) => Read::exact(self.score(n)),
        }
    }

    fn served(&self, served: Served) -> Option<V> {
        if let Some(taken) = self.taken.borrow().get(&served) {
            return taken.clone();
        }
        self.read(served).value
    }

    fn weigh(&self, n: usize) -> Option<V> {
        let evidence = &self.world.evidence[n];
        let weight = number(self.eval(&evidence.weigh)?);
        Some(V::N(match evidence.capped {
            Some((least, _)) if weight < least => least,
            Some((_, most)) if weight > most => most,
            _ => weight,
        }))
    }

    /// The sum of the terms that are known.
    fn score(&self, n: usize) -> Option<V> {
        let score = &self.world.scores[n];
        let terms = score.terms.iter().map(|term| self.eval(term).map(number));
        let known: Vec<f64> = std::iter::once(score.prior).chain(terms).flatten().collect();
        if known.is_empty() { None } else { finite(known.iter().sum()) }
    }

    /// What a condition is worth; `None` is unknown.
    pub(crate) fn truth(&self, e: &E) -> Option<bool> {
        match self.eval(e) {
            Some(V::B(b)) => Some(b),
            None => None,
            other => panic!("{other:?} is no truth"),
        }
    }

    /// What an expression is worth; `None` is unknown.
    pub(crate) fn eval(&self, e: &E) -> Option<V> {
        match e {
            E::Lit(_, v) => Some(v.clone()),
            E::Const(n) => self.world.consts[*n].1.first().cloned(),
            E::Field(n) => self.event.fields[*n].clone(),
            E::Fact(n) => self.event.facts[*n].clone(),
            E::Now => Some(V::At(self.event.time)),
            E::Item(column) => self.item.unwrap()[*column].clone(),
            E::Feature(n, figure) => self.served(Served::Feature(*n, *figure)),
            E::Usual(n, weeks, figure) => self.served(Served::Usual(self.world.shared(*n), *weeks, *figure)),
            E::Computed(n) => self.served(Served::Computed(*n)),
            E::Evidence(n) => self.served(Served::Evidence(*n)),
            E::Score(n, of) => self.figure(*n, *of),
            E::Part(name, of) => part(name, &self.eval(of)?),
            E::Items(n) => match self.event.fields[*n].as_ref()? {
                V::L(items) => Some(V::I(items.len() as i64)),
                other => panic!("{other:?}"),
            },
            E::Not(..) | E::And(..) | E::Or(..) | E::Compare(..) | E::Chain(..) | E::Missing(..) => {
                self.logic(e)
            }
            E::Among(..) | E::AmongConst(..) | E::InList(..) | E::InField(..) | E::Within(..) => {
                self.membership(e)
            }
            E::Matches(of, n) => match self.eval(of)? {
                V::T(text) => Some(V::B(finds(*n, &text))),
                other => panic!("{other:?}"),
            },
            E::Labelled(path, label) => {
                let value = self.eval(&path.expression())?;
                let past = self.past.unwrap();
                Some(V::B(past.labelled(path.kind(), &value, *label, self.event.counted())))
            }
            E::Neg(of) => negated(self.eval(of)?),
            E::Arith(sign, a, b) => arith(*sign, self.eval(a)?, self.eval(b)?),
            E::Sized(sign, a, b) => {
                let (a, b) = (number(self.eval(a)?), number(self.eval(b)?));
                scaled(floating(*sign, a, b), V::I)
            }
            E::If(cond, then, other) => self.eval(if self.truth(cond)? { then } else { other }),
            E::Call("coalesce", args) => args.iter().find_map(|arg| self.eval(arg)),
            E::Call(name, args) | E::Method(name, args) => {
                let args: Option<Vec<V>> = args.iter().map(|arg| self.eval(arg)).collect();
                call(name, args?)
            }
            E::Table(n, args) => self.ask(&self.world.tables[*n], args),
            E::Each(each) => self.each(each),
        }
    }

    fn figure(&self, n: usize, of: Of) -> Option<V> {
        match of {
            Of::Nats => self.served(Served::Score(n)),
            Of::Probability => finite(1.0 / (1.0 + libm::exp(-number(self.served(Served::Score(n))?)))),
            Of::Known => {
                let terms = &self.world.scores[n].terms;
                Some(V::I(terms.iter().filter(|term| self.eval(term).is_some()).count() as i64))
            }
        }
    }

    fn logic(&self, e: &E) -> Option<V> {
        match e {
            E::Not(of) => self.truth(of).map(|b| V::B(!b)),
            E::And(parts) => all(parts.iter().map(|p| self.truth(p)).collect()).map(V::B),
            E::Or(parts) => any(parts.iter().map(|p| self.truth(p)).collect()).map(V::B),
            E::Compare(sign, a, b) => Some(V::B(compare(sign, &self.eval(a)?, &self.eval(b)?))),
            E::Chain(a, s1, b, s2, c) => {
                let pair = |sign: &str, a: &E, b: &E| Some(compare(sign, &self.eval(a)?, &self.eval(b)?));
                all(vec![pair(s1, a, b), pair(s2, b, c)]).map(V::B)
            }
            E::Missing(negated, of) => Some(V::B(self.eval(of).is_none() != *negated)),
            other => panic!("{other:?}"),
        }
    }

    fn membership(&self, e: &E) -> Option<V> {
        let among = |of: &E, values: &[V]| {
            Some(values.iter().any(|v| Some(true) == self.eval(of).map(|x| compare("==", &x, v))))
        };
        let (negated, found) = match e {
            E::Among(negated, of, _, values) => {
                self.eval(of)?;
                (negated, among(of, values)?)
            }
            E::AmongConst(negated, of, n) => {
                self.eval(of)?;
                (negated, among(of, &self.world.consts[*n].1)?)
            }
            E::InList(negated, of, n) => {
                let value = self.eval(of)?;
                (negated, self.past.unwrap().listed(*n, &value, self.event.counted()))
            }
            E::InField(negated, of, n) => {
                let (value, items) = (self.eval(of)?, self.event.fields[*n].clone()?);
                let V::L(items) = items else { panic!("{items:?}") };
                (negated, items.iter().any(|item| item[0].as_ref() == Some(&value)))
            }
            E::Within(negated, a, b) => (negated, lies_in(&self.eval(a)?, &self.eval(b)?)),
            other => panic!("{other:?}"),
        };
        Some(V::B(found != *negated))
    }

    /// The first row that is not false decides.
    fn ask(&self, table: &Table, args: &[E]) -> Option<V> {
        let inputs: Vec<Option<V>> = args.iter().map(|arg| self.eval(arg)).collect();
        for (cells, value) in &table.rows {
            let fits = cells.iter().zip(&inputs).map(|(cell, input)| fits(cell, input.as_ref())).collect();
            match all(fits) {
                Some(true) => return Some(value.clone()),
                Some(false) => {}
                None => return None,
            }
        }
        table.otherwise.clone()
    }

    /// The same with an item of a list.
    fn within<'b>(&'b self, item: &'b [Option<V>]) -> Sees<'b> {
        Sees { item: Some(item), ..*self }
    }

    fn each(&self, each: &Each) -> Option<V> {
        let V::L(items) = self.event.fields[each.over].as_ref()? else { panic!("no list") };
        let taken =
            |item: &[Option<V>]| each.filter.as_ref().map_or(Some(true), |f| self.within(item).truth(f));
        match each.word {
            "any" => {
                any(items.iter().map(|x| all(vec![taken(x), self.within(x).truth(&each.body)])).collect())
                    .map(V::B)
            }
            "all" => {
                let holds =
                    |x: &Vec<Option<V>>| any(vec![taken(x).map(|b| !b), self.within(x).truth(&each.body)]);
                all(items.iter().map(holds).collect()).map(V::B)
            }
            word => {
                let mut values: Vec<V> = Vec::new();
                for item in items {
                    if taken(item)? {
                        values.push(self.within(item).eval(&each.body)?);
                    }
                }
                folded(word, each.kind, values)
            }
        }
    }
}

/// The sum, or the least or greatest; of nothing a sum is zero and the others are missing.
fn folded(word: &str, kind: K, values: Vec<V>) -> Option<V> {
    if values.is_empty() && word == "sum" {
        return Some(match kind {
            K::Number | K::Rate => V::N(0.0),
            K::Span => V::D(0),
            _ => V::I(0),
        });
    }
    let join = |a: V, b: V| match word {
        "sum" => arith('+', a, b),
        "min" => Some(if compare("<", &b, &a) { b } else { a }),
        _ => Some(if compare(">", &b, &a) { b } else { a }),
    };
    let mut values = values.into_iter();
    let first = values.next()?;
    values.try_fold(first, join)
}

fn fits(cell: &Cell, input: Option<&V>) -> Option<bool> {
    if matches!(cell, Cell::Any) {
        return Some(true);
    }
    let input = input?;
    Some(match cell {
        Cell::Any => true,
        Cell::Is(v) => compare("==", input, v),
        Cell::Among(all) => all.iter().any(|v| compare("==", input, v)),
        Cell::Than(sign, v) => compare(sign, input, v),
        Cell::To(from, to) => compare(">=", input, from) && compare("<", input, to),
    })
}

/// `and` of three-valued truths: one false decides, else one unknown does.
fn all(truths: Vec<Option<bool>>) -> Option<bool> {
    if truths.contains(&Some(false)) {
        return Some(false);
    }
    if truths.contains(&None) { None } else { Some(true) }
}

/// `or`: one true decides, else one unknown does.
fn any(truths: Vec<Option<bool>>) -> Option<bool> {
    if truths.contains(&Some(true)) {
        return Some(true);
    }
    if truths.contains(&None) { None } else { Some(false) }
}

fn whole(n: i128, make: fn(i64) -> V) -> Option<V> {
    i64::try_from(n).ok().map(make)
}

fn finite(n: f64) -> Option<V> {
    n.is_finite().then_some(V::N(n))
}

fn negated(v: V) -> Option<V> {
    match v {
        V::I(n) => whole(-i128::from(n), V::I),
        V::D(n) => whole(-i128::from(n), V::D),
        V::N(n) => Some(V::N(-n)),
        other => panic!("{other:?}"),
    }
}

fn number(v: V) -> f64 {
    match v {
        V::I(n) => n as f64,
        V::N(n) => n,
        other => panic!("{other:?}"),
    }
}

fn floating(sign: char, a: f64, b: f64) -> f64 {
    match sign {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        _ => a / b,
    }
}

fn arith(sign: char, a: V, b: V) -> Option<V> {
    let exact = |a: i64, b: i64| match sign {
        '+' => i128::from(a) + i128::from(b),
        '-' => i128::from(a) - i128::from(b),
        _ => i128::from(a) * i128::from(b),
    };
    match (a, b) {
        (V::I(a), V::I(b)) if sign != '/' => whole(exact(a, b), V::I),
        (V::D(a), V::D(b)) if sign == '/' => finite(a as f64 / b as f64),
        (V::D(a), V::D(b)) => whole(exact(a, b), V::D),
        (V::D(a), b) => scaled(floating(sign, a as f64, number(b)), V::D),
        (V::At(a), V::D(b)) => whole(exact(a, b), V::At),
        (V::At(a), V::At(b)) => whole(exact(a, b), V::D),
        (a, b) => finite(floating(sign, number(a), number(b))),
    }
}

/// A quantity of whole things after it was multiplied or divided.
fn scaled(n: f64, make: fn(i64) -> V) -> Option<V> {
    (n.abs() < 9.2e18).then(|| make(n.round() as i64))
}

fn compare(sign: &str, a: &V, b: &V) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = match (a, b) {
        (V::I(a), V::I(b)) | (V::At(a), V::At(b)) | (V::D(a), V::D(b)) => a.cmp(b),
        (V::I(_) | V::N(_), V::I(_) | V::N(_)) => number(a.clone()).partial_cmp(&number(b.clone())).unwrap(),
        (a, b) if a == b => Equal,
        _ => Less,
    };
    match sign {
        "==" => order == Equal,
        "!=" => order != Equal,
        "<" => order == Less,
        "<=" => order != Greater,
        ">" => order == Greater,
        _ => order != Less,
    }
}

fn part(name: &str, of: &V) -> Option<V> {
    let known = |t: &str| (!t.is_empty()).then(|| V::T(t.to_owned()));
    let url = |t: &str| *crate::oracle::draw::URLS.iter().find(|(url, ..)| *url == t).unwrap();
    match (name, of) {
        ("net", V::Ip(IpAddr::V4(ip))) => {
            Some(V::Net(IpAddr::from((u32::from(*ip) >> 8 << 8).to_be_bytes()), 24))
        }
        ("net", V::Ip(IpAddr::V6(ip))) => {
            Some(V::Net(IpAddr::from((u128::from(*ip) >> 80 << 80).to_be_bytes()), 48))
        }
        ("version", V::Ip(ip)) => Some(V::I(if ip.is_ipv4() { 4 } else { 6 })),
        ("local", V::T(t)) => known(&t[..t.rfind('@')?]),
        ("domain", V::T(t)) => known(&t[t.rfind('@')? + 1..]),
        ("tag", V::T(t)) => {
            let local = &t[..t.rfind('@')?];
            let plus = local.find('+')?;
            if plus == 0 { None } else { known(&local[plus + 1..]) }
        }
        ("host", V::T(t)) => known(url(t).1),
        ("scheme", V::T(t)) => known(url(t).2),
        ("path", V::T(t)) => known(url(t).3),
        ("hour", V::At(t)) => Some(V::I(t.div_euclid(3_600_000_000).rem_euclid(24))),
        ("weekday", V::At(t)) => {
            // The first day was a Thursday.
            let names = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];
            Some(V::T(names[days(*t).rem_euclid(7) as usize].to_owned()))
        }
        ("day", V::At(t)) => date(days(*t)).map(V::T),
        other => panic!("{other:?}"),
    }
}

fn days(t: i64) -> i64 {
    t.div_euclid(86_400_000_000)
}

/// The date by counting years and months off; unknown where the year has not four digits.
fn date(mut days: i64) -> Option<String> {
    if !(-719_528..2_932_897).contains(&days) {
        return None;
    }
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while days < 0 {
        year -= 1;
        days += 365 + i64::from(leap(year));
    }
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    Some(format!("{year:04}-{:02}-{:02}", month + 1, days + 1))
}

/// A function of values that are all known.
fn call(name: &str, args: Vec<V>) -> Option<V> {
    let mut args = args.into_iter();
    let first = args.next()?;
    match (name, args.next()) {
        ("min", Some(b)) => Some(if compare("<", &b, &first) { b } else { first }),
        ("max", Some(b)) => Some(if compare(">", &b, &first) { b } else { first }),
        ("clamp", Some(lo)) => {
            let (x, lo, hi) = (number(first), number(lo), number(args.next()?));
            if lo > hi {
                None
            } else {
                Some(V::N(if x < lo {
                    lo
                } else if x > hi {
                    hi
                } else {
                    x
                }))
            }
        }
        ("share", Some(n)) => {
            let (k, n) = (number(first), number(n));
            if k < 0.0 || n < 0.0 { None } else { finite((if k > n { n } else { k } + 0.5) / (n + 1.0)) }
        }
        ("startswith" | "endswith" | "contains", Some(V::T(part))) => {
            let V::T(text) = first else { panic!("{first:?}") };
            let (text, part) = (text.as_bytes(), part.as_bytes());
            Some(V::B(match name {
                "startswith" => text.starts_with(part),
                "endswith" => text.ends_with(part),
                _ => (0..=text.len()).any(|at| text[at..].starts_with(part)),
            }))
        }
        (_, None) => call_one(name, first),
        other => panic!("{other:?}"),
    }
}

fn call_one(name: &str, v: V) -> Option<V> {
    match (name, v) {
        ("abs", V::I(n)) if n < 0 => negated(V::I(n)),
        ("abs", V::D(n)) if n < 0 => negated(V::D(n)),
        ("abs", V::N(n)) => Some(V::N(n.abs())),
        ("abs", v) => Some(v),
        ("len", V::T(t)) => Some(V::I(t.bytes().filter(|b| b & 0xc0 != 0x80).count() as i64)),
        ("lower", V::T(t)) => Some(V::T(t.chars().flat_map(char::to_lowercase).collect())),
        ("int", V::I(n)) => Some(V::I(n)),
        ("int", V::N(n)) => whole(n.trunc() as i128, V::I),
        ("int", V::D(n)) => Some(V::I(n / 1_000_000)),
        ("int", V::B(b)) => Some(V::I(i64::from(b))),
        ("int", V::T(t)) => t.parse().ok().map(V::I),
        ("number", V::D(n)) => Some(V::N(n as f64 / 1e6)),
        ("number", V::B(b)) => Some(V::N(if b { 1.0 } else { 0.0 })),
        ("number", V::T(t)) => t.parse().ok().and_then(finite),
        (name, v) => {
            let n = number(v);
            finite(match name {
                "number" => n,
                // To the last bit those of this crate, as the semantics have it.
                "log" => libm::log(n),
                "log2" => libm::log2(n),
                "exp" => libm::exp(n),
                "sqrt" => n.sqrt(),
                "logistic" => 1.0 / (1.0 + libm::exp(-n)),
                "logit" => libm::log(n / (1.0 - n)),
                "floor" => n.floor(),
                "ceil" => n.ceil(),
                "round" => n.round(),
                other => panic!("{other}"),
            })
        }
    }
}

// ---------------------------------------------------------------- judging

/// What the policy says to an event.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) verdict: usize,
    pub(crate) fired: Vec<Fired>,
    /// How the condition of each rule of the event's type stands.
    pub(crate) truths: Vec<(usize, Option<bool>)>,
}

/// Judges an event. `bucket` says where in the million an entity falls for a rule.
pub(crate) fn judge(sees: &Sees<'_>, bucket: &dyn Fn(usize, &V) -> u32) -> Judged {
    let rules = sees.world.rules.iter().enumerate();
    let own =
        rules.filter(|(n, r)| r.on == sees.event.kind && !sees.world.dropped.contains(&format!("r{n}")));
    let mut fired = Vec::new();
    let mut truths = Vec::new();
    for (n, rule) in own {
        let truth = sees.truth(&rule.when);
        truths.push((n, truth));
        fired.extend(fires(sees, n, rule, truth, bucket));
    }
    let verdict = answer(&fired);
    // Those that decide stand first: an `allow` before all, then the strongest, of equals who asks for a proof, then the first.
    let rank = |f: &Fired| match (f.decides, f.verdict) {
        (true, 0) => (0, 0, !f.asks),
        (true, verdict) => (1, 4 - verdict, !f.asks),
        (false, verdict) => (2, 4 - verdict, !f.asks),
    };
    fired.sort_by_key(rank);
    Judged { verdict, fired, truths }
}

fn answer(fired: &[Fired]) -> usize {
    let deciding: Vec<usize> = fired.iter().filter(|f| f.decides).map(|f| f.verdict).collect();
    if deciding.contains(&0) { 0 } else { deciding.into_iter().max().unwrap_or(0) }
}

fn fires(
    sees: &Sees<'_>,
    number: usize,
    rule: &Rule,
    truth: Option<bool>,
    bucket: &dyn Fn(usize, &V) -> u32,
) -> Option<Fired> {
    let runs = !matches!(rule.mode, Mode::Draft | Mode::Retired);
    let over = rule.expires.is_some_and(|end| sees.event.counted() >= end);
    if !runs || over {
        return None;
    }
    let verdict = match (truth, rule.missing) {
        (Some(true), _) | (None, OnMissing::True) => rule.verdict,
        (None, OnMissing::Review) => Some(3),
        _ => return None,
    };
    let says = match rule.mode {
        Mode::Live => true,
        Mode::Canary(percent, by) => {
            let entity = sees.eval(&by.expression());
            entity.is_some_and(|entity| bucket(number, &entity) < percent * 10_000)
        }
        _ => false,
    };
    Some(Fired {
        rule: number,
        verdict: verdict.unwrap_or(0),
        decides: says && verdict.is_some(),
        for_missing: truth.is_none(),
        asks: truth.is_some() && rule.ask,
        because: reason(sees, &rule.because),
        // Where a person is to decide, nothing follows yet.
        effects: if says && (truth.is_some() || rule.missing == OnMissing::True) {
            effects(sees, rule)
        } else {
            Vec::new()
        },
    })
}

fn effects(sees: &Sees<'_>, rule: &Rule) -> Vec<Effect> {
    let until = |lasts: Option<i64>| lasts.map(|span| sees.event.counted() + span);
    let effect = |act: &Act| {
        Some(match *act {
            Act::Label(of, label, lasts) => {
                Effect::Label(of.kind(), sees.eval(&of.expression())?, label, until(lasts))
            }
            Act::List(of, list, lasts) => {
                Effect::List(list, of.kind(), sees.eval(&of.expression())?, until(lasts))
            }
            Act::Case => Effect::Case,
            Act::Notify => Effect::Notify,
            Act::Webhook => Effect::Webhook,
        })
    };
    rule.acts.iter().filter_map(effect).collect()
}

fn reason(sees: &Sees<'_>, bits: &[Bit]) -> Vec<Piece> {
    let piece = |bit: &Bit| match bit {
        Bit::Words(words) => vec![Piece::Words((*words).to_owned())],
        Bit::Value(value) => vec![Piece::Value(sees.eval(value))],
        Bit::Top(score, most) => top(sees, &sees.world.scores[*score], *most),
    };
    bits.iter().flat_map(piece).collect()
}

/// The strongest terms that speak for abuse, each with its words and its weight; of equals the one written first.
fn top(sees: &Sees<'_>, score: &Score, most: usize) -> Vec<Piece> {
    let weight = |term: &E| sees.eval(term).map(number).filter(|n| *n > 0.0);
    let mut known: Vec<(f64, &E)> = score.terms.iter().filter_map(|t| Some((weight(t)?, t))).collect();
    known.sort_by(|(a, _), (b, _)| b.partial_cmp(a).unwrap());
    if known.is_empty() {
        return vec![Piece::Words("nothing in particular".into())];
    }
    let mut out = Vec::new();
    for (n, (nats, term)) in known.into_iter().take(most).enumerate() {
        if n > 0 {
            out.push(Piece::Words("; ".into()));
        }
        match term {
            E::Evidence(n) => out.extend(reason(sees, &sees.world.evidence[*n].because)),
            term => out.push(Piece::Words(crate::oracle::print::print(term, 0))),
        }
        out.push(Piece::Words(format!(" (+{nats:.1})")));
    }
    out
}
