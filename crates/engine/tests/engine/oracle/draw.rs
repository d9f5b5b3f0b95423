// SPDX-License-Identifier: Apache-2.0
//! Random worlds, and random events for them. One seed gives one of each, on every machine.

use crate::oracle::world::*;
use std::net::IpAddr;

/// A source of chance (SplitMix64, Steele et al. 2014).
#[derive(Clone)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub(crate) fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// From 0 to `most`, both included.
    fn upto(&mut self, most: i64) -> i64 {
        (self.next() % (most.max(0) as u64 + 1)) as i64
    }
}

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;
const WINDOWS: [i64; 8] = [SECOND, 7 * SECOND, 60 * SECOND, 600 * SECOND, HOUR, DAY, 3 * DAY, 10 * DAY];
const ORDERS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
/// Monday, 5 January 2026, 10:00 UTC.
const MONDAY: i64 = 1_767_607_200_000_000;

/// A value of a type, from so few that they come again.
pub(crate) fn value(chance: &mut Chance, kind: K) -> V {
    let mut text = |all: &[&str]| V::T((*chance.pick(all)).to_owned());
    match kind {
        K::Text => text(&["", "a", "Ab", "b", "ab", "note 42", "é", "+4"]),
        K::Account => text(&["a", "b", "c", "alice"]),
        K::Device => text(&["a", "d1", "d2"]),
        K::Domain => text(&["example.org", "a.example.org", "b.test", "mail.b.test", "test"]),
        K::Email => text(&["a@example.org", "bo+x@b.test", "c+@mail.b.test", "Ab@a.example.org"]),
        K::Url => text(&URLS.map(|(url, ..)| url)),
        K::Agent => text(&["curl/8", "ab", "a b 42"]),
        K::Plan => text(&["free", "paid", "trial"]),
        K::Bool => V::B(chance.percent(50)),
        K::Int => V::I(whole(chance)),
        K::Number => {
            V::N(*chance.pick(&[0.0, -0.0, 0.25, 1.5, -2.0, 3.0, 7.5, 1e-7, 1e13, 9.1e12, 1e308, 0.1]))
        }
        K::Rate => V::N(*chance.pick(&[0.0, 0.25, 1.5, 30.0, 0.1])),
        K::Size => V::I(*chance.pick(&[0, 1, 2, 3, 1000, 4096, i64::MAX])),
        K::Span => V::D(*chance.pick(&[0, 1, 2 * SECOND, 90 * SECOND, HOUR, DAY])),
        K::Time => V::At(MONDAY + chance.upto(20) * HOUR - chance.upto(3)),
        K::Ip => V::Ip(address(chance)),
        K::Net => {
            let (base, len) = *chance.pick(&NETS);
            V::Net(base.parse().unwrap(), len)
        }
        K::Links | K::Ints | K::Files => list_value(chance, kind),
    }
}

/// URLs with their host, scheme and path.
pub(crate) const URLS: [(&str, &str, &str, &str); 4] = [
    ("https://a.example.org/x/y", "a.example.org", "https", "/x/y"),
    ("http://B.test", "b.test", "http", "/"),
    ("https://u@mail.b.test:444/?q=1", "mail.b.test", "https", "/"),
    ("ftp://test/a#b", "test", "ftp", "/a"),
];

const NETS: [(&str, u8); 6] = [
    ("10.1.2.0", 24),
    ("10.1.0.0", 16),
    ("192.0.2.7", 32),
    ("0.0.0.0", 0),
    ("2001:db8::", 32),
    ("2001:db8:0:1::", 64),
];

fn address(chance: &mut Chance) -> IpAddr {
    let all =
        ["10.1.2.3", "10.1.2.77", "10.1.3.1", "192.0.2.7", "2001:db8::1", "2001:db8:0:1::5", "2001:db9::1"];
    chance.pick(&all).parse().unwrap()
}

fn whole(chance: &mut Chance) -> i64 {
    match chance.below(12) {
        0 => i64::MAX,
        1 => -i64::MAX,
        _ => chance.upto(9) - 2,
    }
}

fn list_value(chance: &mut Chance, kind: K) -> V {
    let columns = kind.columns();
    let many = chance.below(4);
    let mut item = || {
        // Of a record, the first and the last field may be absent.
        let lacks = |n: usize| columns.len() > 1 && (n == 0 || n + 1 == columns.len());
        let columns = columns.iter().enumerate();
        columns.map(|(n, (_, k))| (!(lacks(n) && chance.percent(30))).then(|| value(chance, *k))).collect()
    };
    V::L((0..many).map(|_| item()).collect())
}

/// A fact, known two times of three.
fn fact(chance: &mut Chance, number: usize) -> Option<V> {
    let known = chance.percent(70);
    let text = |t: &str| V::T(t.to_owned());
    known.then(|| match number {
        0 => V::I(64_500 + chance.upto(2)),
        1 => text(chance.pick::<&str>(&["DE", "CZ", "US"])),
        2 => text(chance.pick::<&str>(&["hosting", "mobile", "tor"])),
        3 => V::N(*chance.pick(&[52.52, -33.8688, 90.0, 0.0, 50.087])),
        4 => V::N(*chance.pick(&[13.405, 151.2093, -180.0, 180.0, 0.0])),
        5 => text(chance.pick::<&str>(&["example.org", "b.test"])),
        _ => text(chance.pick::<&str>(&["linux", "ios"])),
    })
}

/// Where an expression stands.
#[derive(Clone)]
struct Place {
    /// Every one of these event types must be able to read it.
    on: Vec<usize>,
    /// Only fields and constants.
    filter: bool,
    /// The list field whose items are looked at.
    item: Option<usize>,
    /// Scores may be read.
    scores: bool,
}

impl Place {
    fn filter(on: &[usize]) -> Place {
        Place { on: on.to_vec(), filter: true, item: None, scores: false }
    }

    fn rule(on: usize) -> Place {
        Place { on: vec![on], filter: false, item: None, scores: true }
    }
}

/// Draws a world.
pub(crate) fn world(seed: u64) -> World {
    let mut d = Draw { chance: Chance(seed), world: World::default(), windows: Vec::new() };
    let scale = d.chance.below(WINDOWS.len());
    d.windows = (0..4).map(|_| WINDOWS[(scale + d.chance.below(3)).min(WINDOWS.len() - 1)]).collect();
    d.events();
    d.consts();
    d.lists();
    d.tables();
    for _ in 0..3 + d.chance.below(6) {
        let feature = d.feature();
        d.world.features.push(feature);
    }
    for _ in 0..d.chance.below(4) {
        d.computed();
    }
    for _ in 0..d.chance.below(4) {
        d.evidence();
    }
    for on in 0..d.world.events.len() {
        d.score(on);
    }
    d.rules();
    d.world
}

struct Draw {
    chance: Chance,
    world: World,
    windows: Vec<i64>,
}

impl Draw {
    fn events(&mut self) {
        let names = ["login", "signup", "payment"];
        for name in &names[..1 + self.chance.below(3)] {
            let mut fields = vec![(0, self.chance.percent(20)), (1, self.chance.percent(30))];
            for number in 2..ALL {
                if self.chance.percent(60) {
                    fields.push((number, self.chance.percent(50)));
                }
            }
            self.world.events.push(EventType { name, fields });
        }
    }

    fn consts(&mut self) {
        for _ in 0..self.chance.below(4) {
            let kind = *self.chance.pick(&[K::Int, K::Number, K::Text, K::Span, K::Size]);
            let many = if self.chance.percent(40) { 2 } else { 1 };
            let values = (0..many).map(|_| self.literal(kind)).collect();
            self.world.consts.push((kind, values));
        }
    }

    /// A value that can be written.
    fn literal(&mut self, kind: K) -> V {
        match value(&mut self.chance, kind) {
            V::I(n) if n.unsigned_abs() > 1 << 60 && kind == K::Size => V::I(3),
            V::N(n) if n.is_sign_negative() && n == 0.0 => V::N(0.5),
            // What is written is most often near what is counted.
            V::I(_) if kind == K::Int && self.chance.percent(60) => V::I(1 + self.chance.upto(4)),
            v => v,
        }
    }

    fn lists(&mut self) {
        for _ in 0..1 + self.chance.below(4) {
            let kinds = [K::Net, K::Net, K::Ip, K::Text, K::Domain, K::Account, K::Int, K::Url];
            let kind = *self.chance.pick(&kinds);
            let matching = match kind {
                K::Text if self.chance.percent(40) => Matching::Pattern,
                K::Domain if self.chance.percent(70) => Matching::Suffix,
                _ => Matching::Same,
            };
            let least = usize::from(matching == Matching::Pattern);
            let mut entries = Vec::new();
            for _ in 0..least + self.chance.below(3) {
                let entry = match matching {
                    Matching::Pattern => V::I(self.chance.below(PATTERNS.len()) as i64),
                    _ => self.literal(kind),
                };
                if !entries.contains(&entry) {
                    entries.push(entry);
                }
            }
            self.world.lists.push(List { kind, matching, entries });
        }
    }

    fn tables(&mut self) {
        for _ in 0..self.chance.below(3) {
            let kinds = [K::Text, K::Int, K::Span, K::Number, K::Bool];
            let columns: Vec<K> = (0..1 + self.chance.below(3)).map(|_| *self.chance.pick(&kinds)).collect();
            let gives = *self.chance.pick(&[K::Number, K::Text, K::Int, K::Span]);
            let rows = (0..1 + self.chance.below(5)).map(|_| {
                let cells = columns.iter().map(|kind| self.cell(*kind)).collect();
                (cells, self.literal(gives))
            });
            let rows = rows.collect();
            let otherwise = self.chance.percent(60).then(|| self.literal(gives));
            self.world.tables.push(Table { columns, gives, rows, otherwise });
        }
    }

    fn cell(&mut self, kind: K) -> Cell {
        match self.chance.below(6) {
            0 | 1 => Cell::Any,
            2 => Cell::Among(vec![self.literal(kind), self.literal(kind)]),
            3 if kind.has_order() => {
                Cell::Than(self.chance.pick::<&str>(&["<", "<=", ">", ">="]), self.literal(kind))
            }
            4 if kind.has_order() => {
                let (a, b) = (self.literal(kind), self.literal(kind));
                if less(&a, &b) { Cell::To(a, b) } else { Cell::Is(a) }
            }
            _ => Cell::Is(self.literal(kind)),
        }
    }

    // ------------------------------------------------------------ features

    fn feature(&mut self) -> Feature {
        let counts: Vec<usize> = self.counts();
        if !counts.is_empty() && self.chance.percent(12) {
            let base = *self.chance.pick(&counts);
            let of = self.world.features[base].clone();
            return Feature { agg: Agg::Baseline(base, 1 + self.chance.upto(3)), with_self: false, ..of };
        }
        if let Some(relative) = self.chance.percent(25).then(|| self.relative()).flatten() {
            return relative;
        }
        let events = self.some_events();
        let place = Place::filter(&events);
        let agg = self.agg(&place);
        let filter = matches!(agg, Agg::Ratio(_)) || !self.chance.percent(40);
        let filter = (!filter).then(|| self.cond(&place, 2));
        let window = match agg {
            Agg::FirstSeen | Agg::Last(..) if self.chance.percent(40) => None,
            _ => Some(*self.chance.pick(&self.windows.clone())),
        };
        let with_self = !matches!(agg, Agg::Speed(..)) && self.chance.percent(25);
        Feature { agg, by: self.key(&events), events, filter, window, with_self }
    }

    /// One that differs from another in its window, or in what is made of the same numbers: where they can, both are counted
    /// in one table.
    fn relative(&mut self) -> Option<Feature> {
        let is_one = |f: &&Feature| f.window.is_some() && !matches!(f.agg, Agg::Baseline(..));
        let others: Vec<Feature> = self.world.features.iter().filter(is_one).cloned().collect();
        let of = (!others.is_empty()).then(|| self.chance.pick(&others).clone())?;
        let made = self.chance.percent(30);
        let agg = match of.agg {
            Agg::Count if made => Agg::Rate,
            Agg::Rate if made => Agg::Seen,
            Agg::Seen if made => Agg::Count,
            Agg::Sum(e, k) if made => Agg::Mean(e, k),
            Agg::Mean(e, k) if made => Agg::Sum(e, k),
            agg => agg,
        };
        let window = Some(*self.chance.pick(&self.windows.clone()));
        let with_self = !matches!(agg, Agg::Speed(..)) && self.chance.percent(25);
        Some(Feature { agg, window, with_self, ..of })
    }

    /// Features that a baseline can be of.
    fn counts(&self) -> Vec<usize> {
        let features = self.world.features.iter().enumerate();
        features.filter(|(_, f)| f.agg == Agg::Count).map(|(n, _)| n).collect()
    }

    fn some_events(&mut self) -> Vec<usize> {
        let all = self.world.events.len();
        let mut events: Vec<usize> = (0..all).filter(|_| self.chance.percent(60)).collect();
        if events.is_empty() {
            events.push(self.chance.below(all));
        }
        events
    }

    fn agg(&mut self, place: &Place) -> Agg {
        let quantities = [K::Int, K::Number, K::Size, K::Span, K::Rate];
        for _ in 0..20 {
            let kind = *self.chance.pick(&quantities);
            let agg = match self.chance.below(15) {
                0 | 1 => Some(Agg::Count),
                2 => Some(Agg::Seen),
                3 => Some(Agg::Rate),
                4 => Some(Agg::FirstSeen),
                5 => Some(Agg::Ratio(self.cond(place, 2))),
                6 => self.taken(place, &SINGLE).map(|(e, k)| Agg::Distinct(e, k)),
                7 => self.taken(place, &SINGLE).map(|(e, k)| Agg::Last(e, k)),
                8 => self.taken(place, &[kind]).map(|(e, k)| Agg::Sum(e, k)),
                9 => self.taken(place, &[kind]).map(|(e, k)| Agg::Mean(e, k)),
                10 => self.taken(place, &[kind, K::Time]).map(|(e, k)| Agg::Min(e, k)),
                11 => self.taken(place, &[kind, K::Time]).map(|(e, k)| Agg::Max(e, k)),
                12 => {
                    let q = *self.chance.pick(&[500, 950, 10, 999, 333]);
                    self.taken(place, &[kind]).map(|(e, k)| Agg::Quantile(e, k, q))
                }
                13 => self.speed(place),
                _ => Some(Agg::Sequence {
                    first: self.cond(place, 1),
                    then: self.cond(place, 1),
                    times: 1 + self.chance.below(3) as u32,
                    within: *self.chance.pick(&self.windows.clone()),
                }),
            };
            if let Some(agg) = agg {
                return agg;
            }
        }
        Agg::Count
    }

    fn taken(&mut self, place: &Place, kinds: &[K]) -> Option<(E, K)> {
        let kind = *self.chance.pick(kinds);
        let depth = self.chance.below(2);
        self.solid(place, kind, depth).map(|e| (e, kind))
    }

    fn speed(&mut self, place: &Place) -> Option<Agg> {
        let has = |name: &str| place.on.iter().all(|n| self.world.events[*n].has(numbered(name)));
        match (has("ip"), has("amount")) {
            (true, true) if self.chance.percent(20) => {
                Some(Agg::Speed(Path::Field(numbered("amount")), Path::Fact(4)))
            }
            (true, _) => Some(Agg::Speed(Path::Fact(3), Path::Fact(4))),
            _ => None,
        }
    }

    fn key(&mut self, events: &[usize]) -> Vec<Path> {
        let paths = self.paths(events);
        let many = *self.chance.pick(&[0, 1, 1, 1, 2]);
        let mut key: Vec<Path> = Vec::new();
        for _ in 0..many {
            let path = *self.chance.pick(&paths);
            if !key.contains(&path) {
                key.push(path);
            }
        }
        key
    }

    /// What names something, in all of these event types.
    fn paths(&self, events: &[usize]) -> Vec<Path> {
        let net = Path::Part(numbered("ip"), "net", K::Net);
        let domain = Path::Part(numbered("mail"), "domain", K::Domain);
        let fields =
            ["account", "ip", "device", "mail", "host", "plan", "net", "account", "ip", "ok", "n", "link"];
        let fields = fields.map(|name| Path::Field(numbered(name)));
        let all = fields.into_iter().chain([net, net, domain, Path::Fact(0), Path::Fact(1), Path::Fact(5)]);
        all.filter(|p| events.iter().all(|e| self.world.events[*e].has(p.field()))).collect()
    }

    fn computed(&mut self) {
        let place = Place { scores: false, ..Place::rule(self.chance.below(self.world.events.len())) };
        let kind = *self.chance.pick(&SINGLE);
        if let Some(value) = self.solid(&place, kind, 2) {
            self.world.computed.push(Computed { kind, value });
        }
    }

    fn evidence(&mut self) {
        let on = self.chance.below(self.world.events.len());
        let place = Place { scores: false, ..Place::rule(on) };
        let Some(weigh) = self.solid(&place, K::Number, 3) else { return };
        let capped = *self.chance.pick(&[None, Some((-2.0, 6.0)), Some((0.0, 0.5)), Some((1.0, 1.0))]);
        let because = self.reason(&place);
        self.world.evidence.push(Evidence { on, weigh, capped, because });
    }

    fn score(&mut self, on: usize) {
        let place = Place { scores: false, ..Place::rule(on) };
        let evidence = 0..self.world.evidence.len();
        let mut terms: Vec<E> =
            evidence.filter(|n| self.world.evidence[*n].on == on).map(E::Evidence).collect();
        if self.chance.percent(30) {
            terms.extend(self.solid(&place, K::Number, 1));
        }
        if terms.is_empty() {
            return;
        }
        let prior = *self.chance.pick(&[None, Some(-4.6), Some(0.5)]);
        self.world.scores.push(Score { on, prior, terms });
    }

    // ------------------------------------------------------------ rules

    fn rules(&mut self) {
        for _ in 0..3 + self.chance.below(5) {
            let on = self.chance.below(self.world.events.len());
            let when = self.cond(&Place::rule(on), 3);
            self.rule(on, when);
        }
        if self.chance.percent(60) {
            self.guarded();
        }
    }

    /// Rules that share what they compare: the index finds those by its value.
    fn guarded(&mut self) {
        let on = self.chance.below(self.world.events.len());
        let place = Place::rule(on);
        let kind =
            *self.chance.pick(&[K::Account, K::Int, K::Text, K::Domain, K::Plan, K::Ip, K::Size, K::Number]);
        let depth = self.chance.below(2);
        let shared = self.solid(&place, kind, depth);
        for _ in 0..4 + self.chance.below(4) {
            let guard = match (&shared, self.chance.below(8)) {
                (Some(of), 0) => E::Among(false, of.clone().into(), kind, self.distinct(kind, 2)),
                (Some(of), 1..=5) => {
                    let value = E::Lit(kind, self.literal(kind));
                    let swap = self.chance.percent(10) && !kind.is_quoted();
                    let (a, b) = if swap { (value, of.clone()) } else { (of.clone(), value) };
                    E::Compare("==", a.into(), b.into())
                }
                (_, 6) => self.in_list(&place, 0).unwrap_or_else(|| self.cond(&place, 0)),
                _ => self.cond(&place, 1),
            };
            let more = self.cond(&place, 1);
            let when = if self.chance.percent(70) { E::And(vec![guard, more]) } else { guard };
            self.rule(on, when);
        }
    }

    fn distinct(&mut self, kind: K, many: usize) -> Vec<V> {
        let mut values: Vec<V> = Vec::new();
        for _ in 0..many {
            let value = self.literal(kind);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    fn rule(&mut self, on: usize, when: E) {
        let place = Place::rule(on);
        let mut acts: Vec<Act> = Vec::new();
        for _ in 0..*self.chance.pick(&[0, 0, 1, 2]) {
            acts.extend(self.act(on));
        }
        let verdict =
            if acts.is_empty() || self.chance.percent(60) { Some(self.chance.below(5)) } else { None };
        let paths = self.paths(&[on]);
        let mode = match self.chance.below(12) {
            0 => Mode::Draft,
            1 => Mode::Retired,
            2 | 3 => Mode::Shadow,
            4 | 5 => Mode::Canary(*self.chance.pick(&[1, 30, 50, 90]), *self.chance.pick(&paths)),
            _ => Mode::Live,
        };
        use OnMissing::{False, Review, True, Unsaid};
        let missing = *self.chance.pick(&[Unsaid, Unsaid, Unsaid, False, True, Review]);
        let expires = self.chance.percent(10).then(|| MONDAY + self.windows[0] * self.chance.upto(20));
        let ask = verdict.is_some() && self.chance.percent(30);
        let because = self.reason(&place);
        self.world.rules.push(Rule { on, when, verdict, ask, acts, because, mode, missing, expires });
    }

    fn act(&mut self, on: usize) -> Option<Act> {
        let paths = self.paths(&[on]);
        let of = *self.chance.pick(&paths);
        let lasts = self.chance.percent(70).then(|| *self.chance.pick(&self.windows.clone()));
        Some(match self.chance.below(8) {
            0..=2 => Act::Label(of, self.chance.below(LABELS.len()), lasts),
            3 => Act::Case,
            4 => Act::Notify,
            5 => Act::Webhook,
            _ => {
                let list = self.chance.below(self.world.lists.len());
                let List { kind, matching, .. } = self.world.lists[list];
                let fits = |p: &Path| {
                    p.kind() == kind
                        || (kind == K::Net && p.kind() == K::Ip)
                        || kind == K::Text && p.kind().is_text()
                };
                let fitting: Vec<Path> = paths.into_iter().filter(fits).collect();
                if fitting.is_empty() || matching == Matching::Pattern {
                    return None;
                }
                Act::List(*self.chance.pick(&fitting), list, lasts)
            }
        })
    }

    fn reason(&mut self, place: &Place) -> Vec<Bit> {
        let mut bits = vec![Bit::Words("why")];
        let kind = *self.chance.pick(&SINGLE);
        if self.chance.percent(50)
            && let Some(value) = self.solid(place, kind, 1)
        {
            bits.extend([Bit::Words(" "), Bit::Value(value)]);
        }
        let own = self.world.scores.iter().position(|s| s.on == place.on[0]);
        if let Some(score) = own.filter(|_| place.scores && self.chance.percent(30)) {
            bits.extend([Bit::Words(": "), Bit::Top(score, 1 + self.chance.below(3))]);
        }
        bits
    }

    // ------------------------------------------------------------ expressions

    /// Everything that has this type without being made of something else.
    fn leaves(&self, place: &Place, kind: K) -> Vec<E> {
        let mut out = Vec::new();
        if let Some(over) = place.item {
            let columns = field(over).1.columns().iter().enumerate();
            let own = columns.map(|(n, (_, k))| (E::Item(n), *k)).collect::<Vec<_>>();
            out.extend(with_parts(&own, kind));
            out.extend(out.clone());
        }
        let has = |number: usize| place.on.iter().all(|n| self.world.events[*n].has(number));
        let fields: Vec<(E, K)> = (0..ALL).filter(|n| has(*n)).map(|n| (E::Field(n), field(n).1)).collect();
        out.extend(with_parts(&fields, kind));
        let facts = FACTS.iter().enumerate().filter(|(_, (of, _, k))| *k == kind && has(numbered(of)));
        out.extend(facts.map(|(n, _)| E::Fact(n)));
        out.extend(with_parts(&[(E::Now, K::Time)], kind));
        if kind == K::Int {
            let lists = (0..ALL).filter(|n| has(*n) && !field(*n).1.columns().is_empty());
            out.extend(lists.map(E::Items));
        }
        if !place.filter {
            let served = self.served(place, kind);
            // Features are what it is about.
            out.extend(served.clone());
            out.extend(served);
        }
        out
    }

    /// What is served and has this type.
    fn served(&self, place: &Place, kind: K) -> Vec<E> {
        let w = &self.world;
        let mut out = Vec::new();
        for (n, feature) in w.features.iter().enumerate() {
            match (&feature.agg, kind) {
                (Agg::Baseline(..), K::Number) => {
                    out.extend([E::Feature(n, Figure::Mean), E::Feature(n, Figure::Spread)]);
                }
                (Agg::Baseline(..), K::Int) => out.push(E::Feature(n, Figure::Weeks)),
                (Agg::Baseline(..), _) => {}
                (Agg::Count, K::Number) => out.push(E::Usual(n, 2, Figure::Mean)),
                _ if feature.reads_as() == kind => out.push(E::Feature(n, Figure::Whole)),
                _ => {}
            }
        }
        let computed = w.computed.iter().enumerate().filter(|(_, c)| c.kind == kind);
        out.extend(computed.map(|(n, _)| E::Computed(n)));
        if kind == K::Number && place.scores {
            out.extend((0..w.evidence.len()).map(E::Evidence));
            out.extend(
                (0..w.scores.len()).flat_map(|n| [E::Score(n, Of::Nats), E::Score(n, Of::Probability)]),
            );
        }
        if kind == K::Int && place.scores {
            out.extend((0..w.scores.len()).map(|n| E::Score(n, Of::Known)));
        }
        if kind == K::Bool {
            let labelled = |path: Path| (0..LABELS.len()).map(move |n| E::Labelled(path, n));
            out.extend(self.paths(&place.on).into_iter().flat_map(labelled));
        }
        out.retain(|e| place.on.iter().all(|on| available(w, e, *on)));
        out
    }

    /// An expression that is of this type by itself, and reads something; `None` where nothing is.
    fn solid(&mut self, place: &Place, kind: K, depth: usize) -> Option<E> {
        if kind == K::Bool && depth > 0 && self.chance.percent(60) {
            return Some(self.cond(place, depth - 1));
        }
        if depth > 0 && self.chance.percent(65) {
            for _ in 0..4 {
                if let Some(made) = self.made(place, kind, depth - 1) {
                    return Some(made);
                }
            }
        }
        let leaves = self.leaves(place, kind);
        if leaves.is_empty() { None } else { Some(self.chance.pick(&leaves).clone()) }
    }

    /// An expression or a written value.
    fn any(&mut self, place: &Place, kind: K, depth: usize) -> E {
        if self.chance.percent(40) {
            let consts = self.world.consts.iter().enumerate();
            let fitting: Vec<usize> =
                consts.filter(|(_, (k, v))| *k == kind && v.len() == 1).map(|(n, _)| n).collect();
            if !fitting.is_empty() && self.chance.percent(50) {
                return E::Const(*self.chance.pick(&fitting));
            }
            return E::Lit(kind, self.literal(kind));
        }
        self.solid(place, kind, depth).unwrap_or_else(|| E::Lit(kind, self.literal(kind)))
    }

    /// Something made of others; `None` where chance picked what cannot be.
    fn made(&mut self, place: &Place, kind: K, depth: usize) -> Option<E> {
        match self.chance.below(6) {
            0 => {
                let cond = self.cond(place, depth);
                let then = self.solid(place, kind, depth)?;
                Some(E::If(cond.into(), then.into(), self.any(place, kind, depth).into()))
            }
            1 => {
                let first = self.solid(place, kind, depth)?;
                Some(E::Call("coalesce", vec![first, self.any(place, kind, depth)]))
            }
            2 if kind.has_order() => {
                let word = *self.chance.pick(&["min", "max"]);
                let first = self.solid(place, kind, depth)?;
                Some(E::Call(word, vec![first, self.any(place, kind, depth)]))
            }
            3 if !place.filter => self.asked(place, kind, depth),
            4 if place.item.is_none() => self.summed(place, kind),
            _ => self.arithmetic(place, kind, depth),
        }
    }

    /// A decision table.
    fn asked(&mut self, place: &Place, kind: K, depth: usize) -> Option<E> {
        let tables = self.world.tables.iter().enumerate();
        let fitting: Vec<usize> = tables.filter(|(_, t)| t.gives == kind).map(|(n, _)| n).collect();
        let table = *fitting.get(self.chance.below(fitting.len().max(1)))?;
        let columns = self.world.tables[table].columns.clone();
        let args: Option<Vec<E>> = columns.iter().map(|k| self.solid(place, *k, depth)).collect();
        Some(E::Table(table, args?))
    }

    /// `sum(… for x in …)` and its like.
    fn summed(&mut self, place: &Place, kind: K) -> Option<E> {
        let word = *self.chance.pick(&["sum", "min", "max"]);
        let fits = matches!(kind, K::Int | K::Number | K::Size | K::Span | K::Rate)
            || kind == K::Time && word != "sum";
        let (over, within) = self.items_of(place).filter(|_| fits)?;
        let body = if kind == K::Int && self.chance.percent(30) {
            E::Lit(K::Int, V::I(1))
        } else {
            self.solid(&within, kind, 1)?
        };
        let filter = self.chance.percent(50).then(|| self.cond(&within, 1));
        Some(E::Each(Each { word, body, over, filter, kind }.into()))
    }

    /// A list field, and the place within it.
    fn items_of(&mut self, place: &Place) -> Option<(usize, Place)> {
        let has = |number: usize| place.on.iter().all(|n| self.world.events[*n].has(number));
        let lists: Vec<usize> = (0..ALL).filter(|n| has(*n) && !field(*n).1.columns().is_empty()).collect();
        let over = *lists.get(self.chance.below(lists.len().max(1)))?;
        Some((over, Place { item: Some(over), ..place.clone() }))
    }

    fn arithmetic(&mut self, place: &Place, kind: K, depth: usize) -> Option<E> {
        let number = *self.chance.pick(&[K::Int, K::Number]);
        let arith = |sign, a: E, b: E| Some(E::Arith(sign, a.into(), b.into()));
        let sign = *self.chance.pick(&['+', '-', '*', '/']);
        match (kind, sign) {
            (K::Int, _) => self.int(place, depth),
            (K::Number, _) => self.number(place, depth),
            (K::Text, _) => {
                let texts = [K::Text, K::Agent, K::Account];
                let of = *self.chance.pick(&texts);
                let of = self.solid(place, of, depth)?;
                Some(E::Method("lower", vec![of]))
            }
            (K::Time, '+' | '-') => {
                arith(sign, self.solid(place, K::Time, depth)?, self.any(place, K::Span, depth))
            }
            (K::Span, '-') if self.chance.percent(50) => {
                arith('-', self.solid(place, K::Time, depth)?, self.solid(place, K::Time, depth)?)
            }
            (K::Span | K::Size | K::Rate, '+' | '-') => {
                arith(sign, self.solid(place, kind, depth)?, self.any(place, kind, depth))
            }
            (K::Size, _) => {
                let (a, b) = (self.solid(place, kind, depth)?, self.any(place, number, depth));
                Some(E::Sized(sign, a.into(), b.into()))
            }
            (K::Span | K::Rate, _) => {
                arith(sign, self.solid(place, kind, depth)?, self.any(place, number, depth))
            }
            (K::Net, _) => Some(E::Part("net", self.solid(place, K::Ip, depth)?.into())),
            _ => None,
        }
    }

    fn int(&mut self, place: &Place, depth: usize) -> Option<E> {
        Some(match self.chance.below(6) {
            0 => E::Neg(self.solid(place, K::Int, depth)?.into()),
            1 => E::Call("abs", vec![self.solid(place, K::Int, depth)?]),
            2 => {
                let of = *self.chance.pick(&[K::Number, K::Size, K::Span, K::Rate, K::Bool, K::Text]);
                E::Call("int", vec![self.solid(place, of, depth)?])
            }
            3 => {
                let of = *self.chance.pick(&[K::Text, K::Agent, K::Email]);
                E::Call("len", vec![self.solid(place, of, depth)?])
            }
            _ => {
                let sign = *self.chance.pick(&['+', '-', '*']);
                E::Arith(
                    sign,
                    self.solid(place, K::Int, depth)?.into(),
                    self.any(place, K::Int, depth).into(),
                )
            }
        })
    }

    fn number(&mut self, place: &Place, depth: usize) -> Option<E> {
        let either = [K::Int, K::Number];
        let (a, b) = (*self.chance.pick(&either), *self.chance.pick(&either));
        Some(match self.chance.below(9) {
            0 | 1 => {
                let word = *self.chance.pick(&[
                    "log", "log", "exp", "sqrt", "log2", "logistic", "logit", "floor", "ceil", "round", "abs",
                ]);
                let of = if word == "abs" { K::Number } else { a };
                E::Call(word, vec![self.solid(place, of, depth)?])
            }
            2 => E::Call("share", vec![self.solid(place, a, depth)?, self.any(place, b, depth)]),
            3 => {
                let x = self.solid(place, K::Number, depth)?;
                let (lo, hi) = *self.chance.pick(&[(0.0, 10.0), (-1.0, 1.5), (2.0, 1.0)]);
                E::Call("clamp", vec![x, E::Lit(K::Number, V::N(lo)), E::Lit(K::Number, V::N(hi))])
            }
            4 => {
                let of = *self.chance.pick(&[K::Int, K::Span, K::Size, K::Rate, K::Bool, K::Text]);
                E::Call("number", vec![self.solid(place, of, depth)?])
            }
            5 => {
                let of = *self.chance.pick(&[K::Span, K::Size, K::Rate]);
                E::Arith('/', self.solid(place, of, depth)?.into(), self.any(place, of, depth).into())
            }
            6 => E::Neg(self.solid(place, K::Number, depth)?.into()),
            7 => E::Arith('/', self.solid(place, a, depth)?.into(), self.any(place, b, depth).into()),
            _ => {
                let sign = *self.chance.pick(&['+', '-', '*', '/']);
                E::Arith(sign, self.solid(place, K::Number, depth)?.into(), self.any(place, b, depth).into())
            }
        })
    }

    // ------------------------------------------------------------ conditions

    /// A condition that reads something.
    fn cond(&mut self, place: &Place, depth: usize) -> E {
        if depth > 0 {
            let below = depth - 1;
            match self.chance.below(10) {
                0 => return E::Not(self.cond(place, below).into()),
                1 | 2 => return E::And(self.conds(place, below)),
                3 | 4 => return E::Or(self.conds(place, below)),
                5 if place.item.is_none() => {
                    if let Some((over, within)) = self.items_of(place) {
                        let word = *self.chance.pick(&["any", "all"]);
                        let body = self.cond(&within, below);
                        let filter = self.chance.percent(40).then(|| self.cond(&within, 0));
                        return E::Each(Each { word, body, over, filter, kind: K::Bool }.into());
                    }
                }
                _ => {}
            }
        }
        for _ in 0..12 {
            if let Some(test) = self.test(place, depth.saturating_sub(1)) {
                return test;
            }
        }
        E::Missing(true, E::Now.into())
    }

    fn conds(&mut self, place: &Place, depth: usize) -> Vec<E> {
        (0..2 + self.chance.below(2)).map(|_| self.cond(place, depth)).collect()
    }

    /// A test of something, not of tests.
    fn test(&mut self, place: &Place, depth: usize) -> Option<E> {
        let negated = self.chance.percent(30);
        match self.chance.below(14) {
            0 => {
                let kind = *self.chance.pick(&SINGLE);
                Some(E::Missing(negated, self.solid(place, kind, depth)?.into()))
            }
            1 | 2 => {
                let leaves = self.leaves(place, K::Bool);
                if leaves.is_empty() { None } else { Some(self.chance.pick(&leaves).clone()) }
            }
            3 if !place.filter => self.in_list(place, depth),
            4 => {
                let kind = *self.chance.pick(&SINGLE[1..]);
                let values = self.distinct(kind, 3);
                Some(E::Among(negated, self.solid(place, kind, depth)?.into(), kind, values))
            }
            5 => self.within(place, depth, negated),
            6 => {
                let kind = *self.chance.pick(&[K::Text, K::Agent, K::Email, K::Account, K::Domain]);
                let word = *self.chance.pick(&["startswith", "endswith", "contains"]);
                let part = E::Lit(K::Text, self.literal(K::Text));
                Some(E::Method(word, vec![self.solid(place, kind, depth)?, part]))
            }
            7 => {
                let kind = *self.chance.pick(&[K::Text, K::Agent, K::Email]);
                let pattern = self.chance.below(PATTERNS.len());
                Some(E::Matches(self.solid(place, kind, depth)?.into(), pattern))
            }
            8 => {
                let kind = *self.chance.pick(&[K::Int, K::Number, K::Span, K::Size]);
                let (s1, s2) = (*self.chance.pick(&["<", "<="]), *self.chance.pick(&["<", "<="]));
                let (a, c) = (E::Lit(kind, self.literal(kind)), self.any(place, kind, depth));
                let middle = self.solid(place, kind, 0)?;
                // Only what costs nothing to read twice may stand in the middle.
                let cheap = !matches!(middle, E::Items(_) | E::Usual(..));
                cheap.then(|| E::Chain(a.into(), s1, middle.into(), s2, c.into()))
            }
            9 => self.among_const(place, depth, negated),
            _ => self.compare(place, depth),
        }
    }

    fn among_const(&mut self, place: &Place, depth: usize, negated: bool) -> Option<E> {
        let consts = self.world.consts.iter().enumerate();
        let fitting: Vec<(usize, K)> =
            consts.filter(|(_, (_, v))| v.len() > 1).map(|(n, (k, _))| (n, *k)).collect();
        let (n, kind) = *fitting.get(self.chance.below(fitting.len().max(1)))?;
        Some(E::AmongConst(negated, self.solid(place, kind, depth)?.into(), n))
    }

    fn compare(&mut self, place: &Place, depth: usize) -> Option<E> {
        let likely = [K::Int, K::Int, K::Number, K::Number, K::Time, K::Bool];
        let kind =
            if self.chance.percent(50) { *self.chance.pick(&likely) } else { *self.chance.pick(&SINGLE) };
        let sign =
            if kind.has_order() { *self.chance.pick(&ORDERS) } else { *self.chance.pick(&ORDERS[..2]) };
        let a = self.solid(place, kind, depth)?;
        let other = match kind {
            K::Int if self.chance.percent(20) => K::Number,
            K::Number if self.chance.percent(40) => K::Int,
            K::Text if self.chance.percent(20) => K::Account,
            same => same,
        };
        let b = if kind == K::Account && self.chance.percent(10) {
            self.solid(place, K::Text, depth)?
        } else if other == K::Account {
            self.solid(place, other, depth)?
        } else {
            self.any(place, other, depth)
        };
        Some(E::Compare(sign, a.into(), b.into()))
    }

    fn within(&mut self, place: &Place, depth: usize, negated: bool) -> Option<E> {
        let pair = |a: E, b: E| Some(E::Within(negated, a.into(), b.into()));
        match self.chance.below(4) {
            0 => {
                let needle = *self.chance.pick(&[K::Ip, K::Net]);
                pair(self.solid(place, needle, depth)?, self.any(place, K::Net, depth))
            }
            1 => {
                let hay = *self.chance.pick(&[K::Text, K::Agent, K::Email, K::Account]);
                pair(E::Lit(K::Text, self.literal(K::Text)), self.solid(place, hay, depth)?)
            }
            _ => {
                let (over, _) = self.items_of(place)?;
                let kind = match field(over).1 {
                    K::Links => K::Url,
                    K::Ints => K::Int,
                    _ => return None,
                };
                Some(E::InField(negated, self.any(place, kind, depth).into(), over))
            }
        }
    }

    fn in_list(&mut self, place: &Place, depth: usize) -> Option<E> {
        let number = self.chance.below(self.world.lists.len());
        let needles: &[K] = match self.world.lists[number].kind {
            K::Net => &[K::Ip, K::Net],
            K::Text => &[K::Text, K::Account, K::Agent, K::Email],
            K::Domain => &[K::Domain, K::Text],
            K::Account => &[K::Account],
            K::Ip => &[K::Ip],
            K::Url => &[K::Url],
            _ => &[K::Int],
        };
        let kind = *self.chance.pick(needles);
        Some(E::InList(self.chance.percent(30), self.solid(place, kind, depth)?.into(), number))
    }
}

/// Those of the type, and parts of others that are.
fn with_parts(of: &[(E, K)], kind: K) -> Vec<E> {
    let mut out: Vec<E> = of.iter().filter(|(_, k)| *k == kind).map(|(e, _)| e.clone()).collect();
    for (e, k) in of {
        let parts = PARTS.iter().filter(|(of, _, part)| of == k && *part == kind);
        out.extend(parts.map(|(_, name, _)| E::Part(name, e.clone().into())));
    }
    out
}

fn less(a: &V, b: &V) -> bool {
    match (a, b) {
        (V::I(a), V::I(b)) | (V::D(a), V::D(b)) => a < b,
        (V::N(a), V::N(b)) => a < b,
        _ => false,
    }
}

/// What an expression is made of.
pub(crate) fn children(e: &E) -> Vec<&E> {
    match e {
        E::Part(_, a) | E::Not(a) | E::Neg(a) | E::Among(_, a, ..) | E::AmongConst(_, a, _) => vec![a],
        E::InList(_, a, _) | E::InField(_, a, _) | E::Missing(_, a) | E::Matches(a, _) => vec![a],
        E::And(parts) | E::Or(parts) | E::Call(_, parts) | E::Method(_, parts) | E::Table(_, parts) => {
            parts.iter().collect()
        }
        E::Arith(_, a, b) | E::Sized(_, a, b) | E::Compare(_, a, b) | E::Within(_, a, b) => vec![a, b],
        E::Chain(a, _, b, _, c) | E::If(a, b, c) => vec![a, b, c],
        E::Each(each) => std::iter::once(&each.body).chain(&each.filter).collect(),
        _ => Vec::new(),
    }
}

/// Whether events of this type have all that an expression reads.
pub(crate) fn available(world: &World, e: &E, on: usize) -> bool {
    let has = |number: usize| world.events[on].has(number);
    let own = match e {
        E::Field(n) | E::Items(n) | E::InField(_, _, n) => has(*n),
        E::Fact(n) => has(Path::Fact(*n).field()),
        E::Labelled(path, _) => has(path.field()),
        E::Each(each) => has(each.over),
        E::Feature(n, _) | E::Usual(n, ..) => readable(world, *n, on),
        E::Computed(n) => available(world, &world.computed[*n].value, on),
        E::Evidence(n) => world.evidence[*n].on == on,
        E::Score(n, _) => world.scores[*n].on == on,
        _ => true,
    };
    own && children(e).into_iter().all(|child| available(world, child, on))
}

/// Whether events of this type have a feature's key.
pub(crate) fn readable(world: &World, feature: usize, on: usize) -> bool {
    let feature = &world.features[feature];
    let place = match feature.agg {
        Agg::Speed(lat, lon) => vec![lat, lon],
        _ => Vec::new(),
    };
    feature.by.iter().chain(&place).all(|path| world.events[on].has(path.field()))
}

// ---------------------------------------------------------------- events

/// Events for a world: in order in the main, with equal times, late ones, and leaps of hours and weeks.
pub(crate) fn events(seed: u64, world: &World) -> Vec<Happened> {
    let mut chance = Chance(seed ^ 0x6576_656e_7473);
    let windows: Vec<i64> = world.features.iter().filter_map(|f| f.window).collect();
    let window = if windows.is_empty() { HOUR } else { *chance.pick(&windows) };
    let weekly = chance.percent(15);
    let mut now = if chance.percent(90) { MONDAY } else { chance.upto(2 * window) - window };
    let most = if chance.percent(20) { 180 } else { 70 };
    let many = 20 + chance.below(most);
    let mut out = Vec::new();
    for _ in 0..many {
        now += match chance.below(20) {
            0..=4 => 0,
            5..=9 => chance.upto(window / 240),
            10..=15 => chance.upto(window / 20),
            16 | 17 => chance.upto(window),
            18 => chance.upto(5) * HOUR,
            _ if weekly || chance.percent(20) => 7 * DAY * (1 + chance.upto(2)) - chance.upto(HOUR),
            _ => chance.upto(2 * window),
        };
        if weekly && chance.percent(10) {
            now += 7 * DAY - chance.upto(60 * SECOND);
        }
        out.push(event(&mut chance, world, now, window));
    }
    out
}

fn event(chance: &mut Chance, world: &World, now: i64, window: i64) -> Happened {
    let time = match chance.below(12) {
        0 => now - chance.upto(window / 30),
        1 => now - chance.upto(3 * window),
        // Its sender's clock runs ahead.
        2 => now + chance.upto(window),
        _ => now,
    };
    let received = now + if chance.percent(80) { 0 } else { chance.upto(2 * SECOND) };
    let kind = chance.below(world.events.len());
    let declared = &world.events[kind].fields;
    let mut fields = vec![None; ALL];
    for (number, optional) in declared {
        if !(*optional && chance.percent(25)) {
            fields[*number] = Some(value(chance, field(*number).1));
        }
    }
    // The first few keys come most often, so that windows fill.
    if chance.percent(50) && fields[0].is_some() {
        fields[0] = Some(V::T("a".into()));
    }
    let facts =
        (0..FACTS.len()).map(|n| fields[Path::Fact(n).field()].as_ref().and_then(|_| fact(chance, n)));
    let facts = facts.collect();
    Happened { kind, time, received, fields, facts }
}
