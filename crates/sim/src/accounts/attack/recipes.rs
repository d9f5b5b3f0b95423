// SPDX-License-Identifier: Apache-2.0
//! What each family of farms has: drawn anew for each campaign, from wide ranges.

use super::Campaign;
use super::bandit::Arms;
use super::farm::{After, Confirms, Kit, Shows, Solver, Tempo, Timing};
use super::handles::{Handles, Mail};
use super::source::{Cookies, Face, Gear, Source, Tongues};
use crate::accounts::family::Way;
use crate::accounts::honest::{CrewKind, REFERRERS};
use crate::accounts::stage::Stage;
use crate::clock::{DAY, HOUR, MINUTE};
use crate::random::Random;

/// The kit of a campaign.
pub(crate) fn recipe(way: Way, campaign: Campaign, stage: &Stage) -> Kit {
    let mut random = Random::new(stage.seed, 0x5243_0000_0000 + u64::from(campaign.number));
    let r = &mut random;
    let begins = stage.plan.start + stage.plan.families[campaign.number as usize].after;
    let size = campaign.size;
    match way {
        Way::Datacentre => datacentre(size, begins, r),
        Way::Proxy => proxy(size, begins, r),
        Way::Solver => solver(size, begins, r),
        Way::Drip => drip(size, begins, r),
        Way::Sleeper => sleeper(size, begins, r),
        Way::Imitated => imitated(size, begins, r),
        Way::Humans => humans(size, r),
        Way::Bandit => bandit(size, begins, r),
        Way::Poison => poison(size, begins, r),
        Way::Frame => frame(size, begins, stage, r),
        _ => naive(size, begins, r),
    }
}

/// Seconds an account at full speed takes, for bursts: from several a second to one a minute.
fn burst(size: u32, r: &mut Random) -> i64 {
    let each = r.log_normal(6.0, 1.0).clamp(0.3, 60.0);
    (each * f64::from(size) * 1e6) as i64
}

fn machine_timing(r: &mut Random) -> Timing {
    let pasted = if r.chance(0.5) { Some(r.below(5) as u32) } else { None };
    Timing {
        form: r.log_normal(2.0, 0.8),
        sigma: r.real(0.02, 0.35),
        typing: r.chance(0.3).then(|| (r.real(15.0, 120.0), r.real(0.0, 0.12))),
        pasted,
        captcha: (r.log_normal(4.0, 0.7), r.real(0.05, 0.35)),
    }
}

/// Waits and keys drawn so that they look like a person's: a bit too regular, one rhythm for all.
fn human_timing(r: &mut Random) -> Timing {
    Timing {
        form: r.real(18.0, 75.0),
        sigma: r.real(0.15, 0.5),
        typing: r.chance(0.8).then(|| (r.real(110.0, 260.0), r.real(0.12, 0.6))),
        pasted: r.chance(0.8).then_some(0),
        captcha: (r.real(7.0, 25.0), r.real(0.1, 0.4)),
    }
}

fn loop_confirms(r: &mut Random) -> Confirms {
    Confirms { share: r.real(0.3, 1.0), every: r.log_normal(8.0, 0.8), sigma: r.real(0.05, 0.4) }
}

fn solver_for(size: u32, r: &mut Random) -> Solver {
    // 3 to 36 s (sites of solving services); right four times of five and more; the price bounds how many are paid for
    let dear = r.real(0.5, 3.0);
    Solver {
        median: r.real(4.0, 30.0),
        sigma: r.real(0.1, 0.35),
        right: r.real(0.8, 0.98),
        budget: (f64::from(size) * dear) as u32 + 2,
        tries: r.between(0, 3) as u16,
    }
}

fn referrer(r: &mut Random) -> Option<&'static str> {
    r.chance(0.35).then(|| REFERRERS[r.below(REFERRERS.len() as u64) as usize])
}

fn several<T>(r: &mut Random, most: i64, draw: fn(&mut Random) -> T) -> Vec<T> {
    (0..r.between(1, most)).map(|_| draw(r)).collect()
}

fn gear(source: Source, face: Face, cookies: Cookies, r: &mut Random) -> Gear {
    Gear { source, face, cookies, tongues: Tongues::draw(r), key: r.word() }
}

fn cheap_cookies(r: &mut Random) -> Cookies {
    match r.weighted(&[45, 40, 15]) {
        0 => Cookies::None,
        1 => Cookies::Fresh,
        _ => Cookies::Kept(r.between(1, 30) as u64),
    }
}

/// What all cheap kits share.
fn cheap(gears: Vec<Gear>, tempo: Tempo, r: &mut Random) -> Kit {
    Kit {
        gears,
        handles: several(r, 2, Handles::cheap),
        mails: several(r, 2, Mail::cheap),
        timings: vec![machine_timing(r)],
        verify: loop_confirms(r),
        solver: None,
        tempo,
        after: After { logs_in: r.real(0.0, 0.9), rests: 0.0, keeps_warm: 0, turns: false },
        referrer: referrer(r),
        shows: [Shows::Nothing, Shows::Handle, Shows::WrittenOut, Shows::Another]
            [r.weighted(&[40, 20, 25, 15])],
        one_secret: r.chance(0.6),
        learns: None,
    }
}

fn naive(size: u32, begins: i64, r: &mut Random) -> Kit {
    let face = if r.chance(0.5) { Face::tool(r) } else { Face::named(1, begins, r) };
    let source = Source::server(r);
    let cookies = cheap_cookies(r);
    let gears = vec![gear(source, face, cookies, r)];
    let tempo = Tempo::over(burst(size, r), r.real(0.0, 0.5));
    cheap(gears, tempo, r)
}

fn datacentre(size: u32, begins: i64, r: &mut Random) -> Kit {
    let count = r.between(1, 5);
    let face = if r.chance(0.6) { Face::named(count, begins, r) } else { Face::driven(begins, r) };
    let source = Source::servers(r);
    let cookies = cheap_cookies(r);
    let gears = vec![gear(source, face, cookies, r)];
    let lasts = burst(size, r) * r.between(1, 12);
    let tempo = Tempo::over(lasts, r.real(0.1, 1.0));
    cheap(gears, tempo, r)
}

/// One exit an account: a pool several times as large as the campaign.
fn exits(size: u32, r: &mut Random) -> Source {
    let pool = u64::from(size) * r.between(4, 30) as u64;
    Source::proxies(pool, r)
}

fn proxy(size: u32, begins: i64, r: &mut Random) -> Kit {
    let count = r.between(1, 6);
    let face = if r.chance(0.5) { Face::named(count, begins, r) } else { Face::driven(begins, r) };
    let source = exits(size, r);
    let cookies = if r.chance(0.7) { Cookies::Fresh } else { Cookies::None };
    let gears = vec![gear(source, face, cookies, r)];
    let lasts = burst(size, r) * r.between(1, 20);
    let tempo = Tempo::over(lasts, r.real(0.2, 1.0));
    let mut kit = cheap(gears, tempo, r);
    if r.chance(0.4) {
        kit.timings = vec![human_timing(r)];
    }
    kit
}

fn solver(size: u32, begins: i64, r: &mut Random) -> Kit {
    Kit { solver: Some(solver_for(size, r)), ..proxy(size, begins, r) }
}

fn drip(size: u32, begins: i64, r: &mut Random) -> Kit {
    let per_hour = r.real(1.0, 12.0);
    let lasts = (f64::from(size) / per_hour * HOUR as f64) as i64;
    let tempo = Tempo::over(lasts.min(40 * DAY), r.real(0.6, 1.0));
    Kit { tempo, ..proxy(size, begins, r) }
}

fn sleeper(size: u32, begins: i64, r: &mut Random) -> Kit {
    // Sold accounts are aged: one seller's had a median of 323 days (Thomas et al., USENIX Security 2013). Scenes are shorter.
    let after = After { logs_in: r.real(0.2, 0.8), rests: r.real(4.0, 21.0), keeps_warm: 0, turns: true };
    let days = r.between(1, 4);
    let kit = proxy(size, begins, r);
    Kit { after, tempo: Tempo::over(days * DAY, r.real(0.5, 1.0)), ..kit }
}

/// What all careful kits share.
fn careful(gears: Vec<Gear>, tempo: Tempo, r: &mut Random) -> Kit {
    let confirms =
        Confirms { share: r.real(0.6, 1.0), every: r.log_normal(35.0, 0.5), sigma: r.real(0.15, 0.8) };
    Kit {
        handles: several(r, 3, Handles::careful),
        mails: several(r, 2, Mail::careful),
        timings: several(r, 3, human_timing),
        verify: confirms,
        one_secret: r.chance(0.2),
        ..cheap(gears, tempo, r)
    }
}

fn imitated(size: u32, _begins: i64, r: &mut Random) -> Kit {
    let face = Face::Population { lag: r.between(0, 120) };
    let source = exits(size, r);
    let mut gear = gear(source, face, Cookies::Fresh, r);
    if r.chance(0.6) {
        gear.tongues = Tongues::Fitting;
    }
    let tempo = Tempo::over(burst(size, r) * r.between(3, 40), r.real(0.5, 1.0));
    let mut kit = careful(vec![gear], tempo, r);
    if r.chance(0.5) {
        kit.solver = Some(solver_for(size, r));
    }
    kit
}

fn humans(size: u32, r: &mut Random) -> Kit {
    let people = (u64::from(size) / r.between(5, 40) as u64).max(2);
    let source = Source::paid(people, r);
    let key = r.word();
    let face = Face::Own { key };
    let cookies = if r.chance(0.5) { Cookies::Own } else { Cookies::Fresh };
    let mut own = gear(source, face, cookies, r);
    own.tongues = Tongues::Fitting;
    let tempo = Tempo::over((f64::from(size).sqrt() * r.real(0.5, 2.0) * HOUR as f64) as i64, 1.0);
    let timing = Timing {
        form: r.real(30.0, 110.0),
        sigma: r.real(0.4, 0.6),
        typing: Some((r.real(150.0, 320.0), r.real(0.35, 0.8))),
        pasted: Some(r.below(3) as u32),
        captcha: (r.real(9.0, 22.0), 0.45),
    };
    let solver = Solver { median: 14.0, sigma: 0.45, right: 0.93, budget: u32::MAX, tries: 3 };
    let confirms = Confirms { share: 0.95, every: r.real(30.0, 90.0), sigma: 0.7 };
    let kit = careful(vec![own], tempo, r);
    Kit { timings: vec![timing], solver: Some(solver), verify: confirms, ..kit }
}

fn bandit(size: u32, begins: i64, r: &mut Random) -> Kit {
    let (servers, vpn, lines) = (Source::servers(r), Source::Vpn { service: r.word() }, exits(size, r));
    let named = Face::named(3, begins, r);
    let driven = Face::driven(begins, r);
    let drawn = Face::Population { lag: r.between(0, 90) };
    let mut gears = Vec::new();
    for source in [servers, vpn, lines] {
        for face in [&named, &driven, &drawn] {
            gears.push(gear(source.clone(), face.clone(), Cookies::Fresh, r));
        }
    }
    let tempo = Tempo::over(burst(size, r) * r.between(4, 40), r.real(0.4, 1.0));
    let mut kit = cheap(gears, tempo, r);
    kit.handles = vec![Handles::cheap(r), Handles::cheap(r), Handles::careful(r), Handles::careful(r)];
    kit.mails = vec![Mail::None, Mail::cheap(r), Mail::careful(r)];
    kit.timings = vec![machine_timing(r), human_timing(r), human_timing(r)];
    if r.chance(0.5) {
        kit.solver = Some(solver_for(size, r));
    }
    let sizes = [kit.gears.len(), kit.handles.len(), kit.mails.len(), kit.timings.len()];
    kit.learns = Some(Arms::new(sizes, r.real(0.05, 0.25)));
    kit
}

fn poison(size: u32, begins: i64, r: &mut Random) -> Kit {
    let days = r.between(4, 10);
    let first = (size / 12).clamp(1, 400);
    // few exits, so that what was learnt of them is there when they burst
    let pool = u64::from(size / 4).max(4);
    let source = if r.chance(0.5) { Source::proxies(pool, r) } else { Source::servers(r) };
    let face = Face::driven(begins, r);
    let gears = vec![gear(source, face, Cookies::Own, r)];
    let lasts = burst(size, r) * r.between(1, 6);
    let tempo = Tempo { first, first_lasts: days * DAY, lasts, jitter: r.real(0.6, 1.0), not_before: 0 };
    let kit = careful(gears, tempo, r);
    let after = After { logs_in: 0.9, rests: days as f64, keeps_warm: 2 * days as u16, turns: false };
    Kit { after, ..kit }
}

fn frame(size: u32, begins: i64, stage: &Stage, r: &mut Random) -> Kit {
    let workshop = stage.crews.iter().find(|crew| crew.kind == CrewKind::Workshop && crew.begins >= begins);
    let not_before = workshop.map_or(begins, |crew| crew.begins + r.between(0, 20) * MINUTE);
    let campus =
        stage.crews.iter().find(|crew| crew.kind == CrewKind::Workshop).map(|crew| crew.address(stage));
    let victim = &stage.members[r.below(u64::from(stage.plan.people)) as usize].person;
    let line = stage.internet.home(victim.line, 0, not_before, r).0;
    let mut gears = Vec::new();
    for ip in campus.into_iter().chain([line]) {
        let face = Face::Population { lag: 0 };
        gears.push(gear(Source::At(ip), face, Cookies::Fresh, r));
    }
    gears.push(gear(exits(size, r), Face::driven(begins, r), Cookies::Fresh, r));
    let tempo = Tempo { not_before, ..Tempo::over(burst(size, r) * r.between(1, 10), 0.8) };
    let mut kit = careful(gears, tempo, r);
    kit.handles.extend(Handles::company(&stage.crews));
    kit
}
