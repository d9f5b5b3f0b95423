// SPDX-License-Identifier: Apache-2.0
//! User agents as they are seen, each with what it is, checked by hand.

use super::*;
use proptest::prelude::*;
use std::io::{BufRead, BufReader};

/// `family / system`, then the text.
const SEEN: &[(&str, &str)] = &[
    // Browsers on desks.
    (
        "Chrome / Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    ),
    (
        "Chrome / macOS",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    ),
    (
        "Chrome / Linux",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    ),
    (
        "Chrome / Linux",
        "Mozilla/5.0 (X11; Linux i686) AppleWebKit/537.36 (KHTML, like Gecko) Ubuntu Chromium/32.0.1700.102 Chrome/32.0.1700.102 Safari/537.36",
    ),
    (
        "Chrome / ChromeOS",
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    ),
    (
        "Chrome / FreeBSD",
        "Mozilla/5.0 (X11; FreeBSD amd64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Safari/537.36",
    ),
    ("Firefox / Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"),
    (
        "Firefox / macOS",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0",
    ),
    ("Firefox / Linux", "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:26.0) Gecko/20100101 Firefox/26.0"),
    (
        "Firefox / Linux",
        "Mozilla/5.0 (X11; Linux x86_64; rv:26.0) Gecko/20100101 Firefox/26.0 Iceweasel/26.0",
    ),
    ("Firefox / OpenBSD", "Mozilla/5.0 (X11; OpenBSD amd64; rv:109.0) Gecko/20100101 Firefox/115.0"),
    (
        "Safari / macOS",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Safari/605.1.15",
    ),
    (
        "Edge / Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
    ),
    (
        "Edge / Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
    ),
    (
        "Opera / Windows",
        "Mozilla/5.0 (Windows NT 6.3; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.102 Safari/537.36 OPR/19.0.1326.59",
    ),
    ("Opera / Linux", "Opera/9.80 (X11; Linux i686) Presto/2.12.388 Version/12.16"),
    ("Opera / Windows", "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; en) Opera 8.50"),
    (
        "Internet Explorer / Windows",
        "Mozilla/5.0 (Windows NT 6.1; Win64; x64; Trident/7.0; rv:11.0) like Gecko",
    ),
    (
        "Internet Explorer / Windows",
        "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; WOW64; Trident/5.0; chromeframe/19.0.1084.52)",
    ),
    (
        "Vivaldi / Linux",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36 Vivaldi/6.7",
    ),
    (
        "Yandex Browser / Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 YaBrowser/24.4.0.0 Safari/537.36",
    ),
    (
        "SeaMonkey / Windows",
        "Mozilla/5.0 (Windows NT 10.0; rv:68.0) Gecko/20100101 Firefox/68.0 SeaMonkey/2.53.18",
    ),
    ("Konqueror / Linux", "Mozilla/5.0 (compatible; Konqueror/4.5; Linux) KHTML/4.5.5 (like Gecko)"),
    ("Lynx / other", "Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1"),
    // Browsers on phones.
    (
        "Safari / iOS",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    ),
    (
        "Safari / iOS",
        "Mozilla/5.0 (iPad; CPU OS 5_1_1 like Mac OS X) AppleWebKit/534.46 (KHTML, like Gecko) Version/5.1 Mobile/9B206 Safari/7534.48.3",
    ),
    (
        "Chrome / iOS",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
    ),
    (
        "Firefox / iOS",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 14_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/127.0 Mobile/15E148 Safari/605.1.15",
    ),
    (
        "Edge / iOS",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 EdgiOS/125.0.2535.96 Mobile/15E148 Safari/604.1",
    ),
    (
        "DuckDuckGo / iOS",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
    ),
    (
        "WebView / iOS",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 7_0_4 like Mac OS X) AppleWebKit/537.51.1 (KHTML, like Gecko) Mobile/11B554a",
    ),
    (
        "Chrome / Android",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    ),
    (
        "Chrome / Android",
        "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0.4472.120 Mobile Safari/537.36",
    ),
    (
        "Chrome / Android",
        "Mozilla/5.0 (Linux; Android 13; motorola edge 30 neo) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
    ),
    (
        "WebView / Android",
        "Mozilla/5.0 (Linux; Android 14; SM-S911B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/125.0.6422.165 Mobile Safari/537.36",
    ),
    (
        "Samsung Internet / Android",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    ),
    ("Firefox / Android", "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0"),
    (
        "Opera / Android",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36 OPR/82.0.0.0",
    ),
    (
        "Opera / Android",
        "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
    ),
    (
        "Edge / Android",
        "Mozilla/5.0 (Linux; Android 10; Pixel 3 XL) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36 EdgA/125.0.2535.87",
    ),
    (
        "Android Browser / Android",
        "Mozilla/5.0 (Linux; U; Android 4.1.2; es-us; GT-S5310L Build/JZO54K) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
    ),
    (
        "UC Browser / Android",
        "Mozilla/5.0 (Linux; U; Android 11; en-US; RMX2185) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/78.0.3904.108 UCBrowser/13.4.0.1306 Mobile Safari/537.36",
    ),
    (
        "MIUI Browser / Android",
        "Mozilla/5.0 (Linux; U; Android 12; ru-ru; M2101K6G) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.6.0",
    ),
    (
        "Internet Explorer / Windows Phone",
        "Mozilla/5.0 (Mobile; Windows Phone 8.1; Android 4.0; ARM; Trident/7.0; Touch; rv:11.0; IEMobile/11.0; NOKIA; Lumia 520) like iPhone OS 7_0_3 Mac OS X AppleWebKit/537 (KHTML, like Gecko) Mobile Safari/537",
    ),
    ("Firefox / KaiOS", "Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5"),
    (
        "Samsung Internet / Tizen",
        "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/3.2 Chrome/76.0.3809.146 TV Safari/537.36",
    ),
    // Apps.
    (
        "Facebook / iOS",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/468.0.0.39.108;FBBV/606914004]",
    ),
    (
        "Instagram / Android",
        "Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0.6367.179 Mobile Safari/537.36 Instagram 332.0.0.38.90 Android",
    ),
    (
        "WeChat / iOS",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.49",
    ),
    (
        "Google app / iOS",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/320.0 Mobile/15E148 Safari/604.1",
    ),
    (
        "Electron / Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.291 Electron/28.2.10 Safari/537.36",
    ),
    ("Dalvik / Android", "Dalvik/2.1.0 (Linux; U; Android 11; SM-A505F Build/RP1A.200720.012)"),
    ("CFNetwork / other", "MyApp/12 CFNetwork/1494.0.7 Darwin/23.4.0"),
    // Mail programs.
    (
        "Thunderbird / Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:115.0) Gecko/20100101 Thunderbird/115.11.0",
    ),
    ("Thunderbird / other", "Mozilla Thunderbird"),
    ("Outlook / other", "Microsoft Outlook 16.0"),
    ("Outlook / iOS", "Outlook-iOS/2.0"),
    ("Outlook / Windows", "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17628; Pro)"),
    ("Apple Mail / other", "Apple Mail (2.3774.500.171.1.1)"),
    ("Apple Mail / iOS", "iPhone Mail (21F79)"),
    ("K-9 Mail / Android", "K-9 Mail for Android"),
    ("Mutt / other", "Mutt/2.2.12 (2023-09-09)"),
    ("Roundcube / other", "Roundcube Webmail/1.6.7"),
    ("PHPMailer / other", "PHPMailer 6.9.1 (https://github.com/PHPMailer/PHPMailer)"),
    // Tools and libraries.
    ("curl / other", "curl/8.5.0"),
    ("curl / Linux", "curl/7.29.0 (x86_64-redhat-linux-gnu) libcurl/7.29.0 NSS/3.44"),
    ("wget / Linux", "Wget/1.13.4 (linux-gnu)"),
    ("python-requests / other", "python-requests/2.31.0"),
    ("Python-urllib / other", "Python-urllib/3.11"),
    ("aiohttp / other", "Python/3.11 aiohttp/3.9.5"),
    ("Scrapy / other", "Scrapy/2.11.2 (+https://scrapy.org)"),
    ("Go-http-client / other", "Go-http-client/1.1"),
    ("okhttp / other", "okhttp/4.12.0"),
    ("Java / other", "Java/17.0.11"),
    ("Apache-HttpClient / other", "Apache-HttpClient/4.5.14 (Java/17.0.11)"),
    ("PostmanRuntime / other", "PostmanRuntime/7.39.0"),
    ("node-fetch / other", "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)"),
    ("axios / other", "axios/1.7.2"),
    ("libwww-perl / other", "libwww-perl/6.67"),
    ("PHP / other", "GuzzleHttp/7"),
    (
        "PowerShell / Windows",
        "Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.19041.4412",
    ),
    (
        "Chef Client / Linux",
        "Chef Client/10.18.2 (ruby-1.9.3-p327; ohai-6.16.0; x86_64-linux; +http://opscode.com)",
    ),
    // Scanners and driven browsers.
    (
        "HeadlessChrome / Linux",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
    ),
    (
        "PhantomJS / Linux",
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
    ),
    ("sqlmap / other", "sqlmap/1.8.6#stable (https://sqlmap.org)"),
    ("ZGrab / other", "Mozilla/5.0 zgrab/0.x"),
    ("Nmap / other", "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)"),
    // Robots.
    ("Googlebot / other", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    (
        "Googlebot / Android",
        "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.61 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    ),
    (
        "Googlebot / other",
        "SAMSUNG-SGH-E250/1.0 Profile/MIDP-2.0 Configuration/CLDC-1.1 UP.Browser/6.2.3.3.c.1.101 (GUI) MMP/2.0 (compatible; Googlebot-Mobile/2.1; +http://www.google.com/bot.html)",
    ),
    (
        "Feedfetcher-Google / other",
        "Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 1 subscribers; feed-id=8003088278248648013)",
    ),
    (
        "bingbot / other",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36",
    ),
    (
        "Yahoo! Slurp / other",
        "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
    ),
    (
        "Applebot / macOS",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
    ),
    (
        "GPTBot / other",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    ),
    (
        "Bytespider / Android",
        "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
    ),
    (
        "facebookexternalhit / other",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    ),
    (
        "archive.org_bot / other",
        "Mozilla/5.0 (compatible; archive.org_bot +http://www.archive.org/details/archive.org_bot)",
    ),
    ("bot / other", "Mozilla/5.0 (compatible; SomeNewBot/0.1)"),
    ("bot / other", "MyOwnCrawler"),
    (
        "other / other",
        "Mozilla/5.0 (compatible; Link Preview; https://help.example.org/kb/mail/line/java/preview.html)",
    ),
    ("bot / Windows", "Mozilla/5.0 (Windows NT 10.0) Chrome/100.0 (+http://example.org/about)"),
    // Nothing that is known.
    ("other / other", ""),
    ("other / other", "-"),
    ("other / other", "Mozilla/5.0"),
    ("other / other", "Mozilla/5.0 (compatible; theoldreader.com)"),
    ("other / other", "ботинок"),
];

fn said(text: &str) -> String {
    let Agent { family, os } = Agent::read(text);
    format!("{family} / {os}")
}

#[test]
fn agents_are_told_apart() {
    let wrong: Vec<String> = SEEN
        .iter()
        .filter(|(expect, text)| said(text) != *expect)
        .map(|(expect, text)| format!("{} is {expect}: {text}", said(text)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn case_does_not_matter() {
    for (expect, text) in SEEN {
        assert_eq!(said(&text.to_ascii_uppercase()), *expect, "{text}");
        assert_eq!(said(&text.to_ascii_lowercase()), *expect, "{text}");
    }
}

/// Every key can be found, and is written as keys are.
#[test]
fn the_tables_hold() {
    for ending in table::BOT_ENDINGS {
        assert_eq!(said(&format!("Some{ending}/1.0")), "bot / other");
    }
    let rows = table::BOTS.iter().chain(table::FAMILIES.into_iter().flatten()).chain(table::SYSTEMS);
    for (name, keys) in rows {
        for key in *keys {
            assert_eq!(*key, key.to_ascii_lowercase(), "{name}");
            let Agent { family, os } = Agent::read(key);
            assert!(family == *name || os == *name, "{name}: {key:?} is {family} / {os}");
        }
    }
    assert!(INDEX.keys.len() * 2 < INDEX.slots.len(), "{} keys", INDEX.keys.len());
}

/// A log of a real web server, where one lies beside the repository: most of what speaks there has a family.
#[test]
fn a_real_log_is_understood() {
    let path = "../../../shared/data/logs/access.log";
    let Ok(file) = std::fs::File::open(path) else {
        eprintln!("skipped: there is no {path}");
        return;
    };
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    let texts: Vec<String> = lines.filter_map(|line| Some(line.rsplit('"').nth(1)?.to_owned())).collect();
    let known = texts.iter().filter(|text| Agent::read(text).family != table::OTHER).count();
    assert!(texts.len() > 1000, "{} lines", texts.len());
    assert!(known * 100 >= texts.len() * 90, "{known} of {}", texts.len());
}

proptest! {
    #[test]
    fn any_text_is_taken(text in any::<String>()) {
        Agent::read(&text);
    }

    /// What stands in front or behind, and is no word of the table, changes nothing.
    #[test]
    fn noise_changes_nothing(noise in "[;,()\u{e9}\u{4e16} ]{0,20}", at in 0..SEEN.len()) {
        let (expect, text) = SEEN[at];
        prop_assert_eq!(said(&format!("{noise};{text};{noise}")), expect);
    }
}
