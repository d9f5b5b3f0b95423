// SPDX-License-Identifier: Apache-2.0
//! Countries of the simulated world: where they lie, what is spoken, how far away they are.

use crate::names::{
    ARABIC, CYRILLIC, DEVANAGARI, GREEK, HAN, HANGUL, KANA, ROMANCE, SLAVIC, TURKIC, Tongue, WESTERN,
};

/// A country.
#[derive(Debug)]
pub(crate) struct Country {
    /// ISO 3166-1.
    pub(crate) code: &'static str,
    /// Minutes east of UTC, of most of its people.
    pub(crate) offset: i64,
    /// Share of the provider's customers, per thousand.
    pub(crate) weight: u32,
    pub(crate) tongues: &'static [(&'static Tongue, u32)],
    /// Accept-Language of a browser set up there.
    pub(crate) languages: &'static str,
    /// Three cities, hundredths of a degree north and east (to the nearest tenth; general knowledge).
    pub(crate) cities: [(i32, i32); 3],
    /// Round trip to the provider in Frankfurt over a wired line, ms: about 1 ms for 100 km and a few more (assumed).
    pub(crate) rtt: i64,
    /// Share of what residential proxy services offer (assumed: where people install what sells their line).
    pub(crate) proxies: u32,
    /// Share of people who do tasks for money (assumed, after where crowd-work studies find them).
    pub(crate) paid: u32,
    /// Networks of its largest fixed-line carrier, /24 each: a rough size, far below the real one.
    pub(crate) size: u32,
}

macro_rules! country {
    ($code:literal, $offset:literal, $weight:literal, $tongues:expr, $languages:literal, $cities:expr,
     $rtt:literal, $proxies:literal, $paid:literal, $size:literal) => {
        Country {
            code: $code,
            offset: $offset,
            weight: $weight,
            tongues: &$tongues,
            languages: $languages,
            cities: $cities,
            rtt: $rtt,
            proxies: $proxies,
            paid: $paid,
            size: $size,
        }
    };
}

/// Weights: a European provider with customers everywhere (assumed, as in the demo's world).
#[rustfmt::skip]
pub(crate) static COUNTRIES: [Country; 24] = [
    country!("DE", 60, 240, [(&WESTERN, 88), (&TURKIC, 5), (&SLAVIC, 4), (&ARABIC, 3)], "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", [(5250, 1340), (4810, 1160), (5360, 1000)], 12, 30, 0, 800),
    country!("FR", 60, 80, [(&ROMANCE, 85), (&WESTERN, 9), (&ARABIC, 6)], "fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7", [(4890, 230), (4330, 540), (4580, 480)], 18, 30, 0, 600),
    country!("GB", 0, 90, [(&WESTERN, 92), (&DEVANAGARI, 4), (&SLAVIC, 4)], "en-GB,en;q=0.9", [(5150, -10), (5350, -220), (5590, -320)], 22, 40, 0, 600),
    country!("IT", 60, 50, [(&ROMANCE, 95), (&WESTERN, 5)], "it-IT,it;q=0.9,en-US;q=0.8,en;q=0.7", [(4190, 1250), (4550, 920), (4090, 1430)], 24, 30, 0, 400),
    country!("ES", 60, 40, [(&ROMANCE, 97), (&WESTERN, 3)], "es-ES,es;q=0.9,en;q=0.8", [(4040, -370), (4140, 220), (3950, -40)], 32, 30, 0, 300),
    country!("PL", 60, 40, [(&SLAVIC, 100)], "pl-PL,pl;q=0.9,en-US;q=0.8,en;q=0.7", [(5220, 2100), (5010, 1990), (5110, 1700)], 24, 30, 2, 300),
    country!("NL", 60, 30, [(&WESTERN, 95), (&TURKIC, 5)], "nl-NL,nl;q=0.9,en-US;q=0.8,en;q=0.7", [(5240, 490), (5190, 450), (5210, 510)], 14, 15, 0, 200),
    country!("CH", 60, 60, [(&WESTERN, 65), (&ROMANCE, 35)], "de-CH,de;q=0.9,en;q=0.8", [(4740, 850), (4620, 610), (4700, 740)], 15, 10, 0, 150),
    country!("US", -300, 90, [(&WESTERN, 86), (&ROMANCE, 10), (&HAN, 4)], "en-US,en;q=0.9", [(4070, -7400), (4190, -8760), (3410, -11820)], 110, 200, 1, 1_500),
    country!("CA", -300, 20, [(&WESTERN, 80), (&ROMANCE, 20)], "en-CA,en;q=0.9,fr;q=0.8", [(4370, -7940), (4550, -7360), (4930, -12310)], 115, 30, 0, 200),
    country!("BR", -180, 40, [(&ROMANCE, 100)], "pt-BR,pt;q=0.9,en-US;q=0.8,en;q=0.7", [(-2360, -4660), (-2290, -4320), (-1580, -4790)], 200, 150, 2, 500),
    country!("RU", 180, 30, [(&CYRILLIC, 100)], "ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", [(5580, 3760), (5990, 3030), (5680, 6060)], 50, 60, 2, 500),
    country!("UA", 120, 20, [(&CYRILLIC, 100)], "uk-UA,uk;q=0.9,en;q=0.8", [(5050, 3050), (4980, 2400), (4650, 3070)], 40, 30, 2, 200),
    country!("TR", 180, 30, [(&TURKIC, 100)], "tr-TR,tr;q=0.9,en-US;q=0.8,en;q=0.7", [(4100, 2900), (3990, 3290), (3840, 2710)], 50, 40, 1, 250),
    country!("GR", 120, 15, [(&GREEK, 100)], "el-GR,el;q=0.9,en;q=0.8", [(3800, 2370), (4060, 2290), (3530, 2510)], 42, 10, 0, 80),
    country!("IN", 330, 35, [(&DEVANAGARI, 50), (&WESTERN, 50)], "en-IN,en;q=0.9,hi;q=0.8", [(1910, 7290), (2860, 7720), (1300, 7760)], 140, 120, 25, 800),
    country!("CN", 480, 10, [(&HAN, 100)], "zh-CN,zh;q=0.9", [(3120, 12150), (3990, 11640), (2310, 11330)], 210, 10, 3, 800),
    country!("TW", 480, 10, [(&HAN, 90), (&WESTERN, 10)], "zh-TW,zh;q=0.9,en;q=0.8", [(2500, 12150), (2260, 12030), (2410, 12070)], 230, 8, 0, 120),
    country!("JP", 540, 20, [(&KANA, 60), (&HAN, 40)], "ja,en-US;q=0.9,en;q=0.8", [(3570, 13970), (3470, 13550), (4310, 14130)], 235, 20, 0, 400),
    country!("KR", 540, 12, [(&HANGUL, 100)], "ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", [(3760, 12700), (3520, 12900), (3590, 12860)], 245, 15, 0, 200),
    country!("EG", 120, 12, [(&ARABIC, 100)], "ar-EG,ar;q=0.9,en-US;q=0.8,en;q=0.7", [(3000, 3120), (3120, 2990), (2570, 3260)], 70, 50, 4, 120),
    country!("NG", 60, 8, [(&WESTERN, 100)], "en-NG,en;q=0.9", [(650, 340), (910, 740), (1200, 850)], 110, 30, 8, 80),
    country!("ID", 420, 10, [(&WESTERN, 100)], "id-ID,id;q=0.9,en-US;q=0.8,en;q=0.7", [(-620, 10680), (-730, 11270), (-690, 10760)], 190, 100, 12, 300),
    country!("VN", 420, 8, [(&WESTERN, 100)], "vi-VN,vi;q=0.9,en-US;q=0.8,en;q=0.7", [(2100, 10580), (1080, 10660), (1610, 10820)], 220, 100, 15, 250),
];
