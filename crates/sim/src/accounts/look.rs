// SPDX-License-Identifier: Apache-2.0
//! What clients call themselves and how their TLS greets: programs, systems, versions that move with the calendar.
//!
//! A user agent's version and a TLS hello change with releases, on each device some days after the release. Hellos are made
//! up: JA4 is opaque to whoever compares it, so the first part has the form of the program's and the hashes are hashes.

use std::fmt::Write as _;

use crate::clock::DAY;
use crate::random::derive;

/// Programs people and tools connect with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Program {
    Chrome,
    Edge,
    Firefox,
    Safari,
    Samsung,
    /// The provider's own app.
    App,
    Thunderbird,
    AppleMail,
    Outlook,
    K9,
    Python,
    Go,
    Curl,
    OkHttp,
    Node,
}

/// Operating systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Os {
    Windows,
    Mac,
    Linux,
    Chromebook,
    Android,
    Ios,
}

/// Whose TLS hello is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Hello {
    /// The program's own.
    Own,
    /// The program's own over QUIC, which browsers switch to and from.
    Quic,
    /// A box at the network's edge that opens TLS, such as a virus scanner.
    Middlebox(u8),
    /// Another program behind the name: a tool that says it is a browser.
    Of(Program),
}

/// A program on a system in a version, as an edge sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Look {
    pub(crate) program: Program,
    pub(crate) os: Os,
    /// Releases since December 2025.
    pub(crate) release: i16,
    pub(crate) hello: Hello,
}

/// 2 December 2025, from which releases are counted.
const FIRST_RELEASE: i64 = 1_764_633_600_000_000;

impl Look {
    /// The program as it is `lag` days after each of its releases.
    pub(crate) fn at(program: Program, os: Os, time: i64, lag_days: i64) -> Look {
        let release = (time - lag_days * DAY - FIRST_RELEASE).div_euclid(cycle(program) * DAY);
        Look { program, os, release: release.clamp(-24, 600) as i16, hello: Hello::Own }
    }

    pub(crate) fn with(self, hello: Hello) -> Look {
        Look { hello, ..self }
    }

    /// What the client's own hints say; only Chromium sends them.
    pub(crate) fn platform(&self) -> Option<&'static str> {
        if !matches!(self.program, Program::Chrome | Program::Edge | Program::Samsung) {
            return None;
        }
        if let Hello::Of(_) = self.hello {
            return None; // a tool that sets only the user agent
        }
        Some(match self.os {
            Os::Windows => "Windows",
            Os::Mac => "macOS",
            Os::Linux => "Linux",
            Os::Chromebook => "Chrome OS",
            Os::Android => "Android",
            Os::Ios => "iOS",
        })
    }

    /// The user agent.
    pub(crate) fn agent(&self) -> String {
        let n = i32::from(self.release);
        match self.program {
            Program::Chrome => self.chromium(143 + n, ""),
            Program::Edge => self.chromium(143 + n, &format!(" Edg/{}.0.0.0", 143 + n)),
            Program::Samsung => format!(
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/{}.0 Chrome/{}.0.0.0 Mobile Safari/537.36",
                28 + n,
                130 + 6 * n
            ),
            Program::Firefox => {
                let v = 146 + n;
                let system = match self.os {
                    Os::Windows => "Windows NT 10.0; Win64; x64",
                    Os::Mac => "Macintosh; Intel Mac OS X 10.15",
                    Os::Android => "Android 15; Mobile",
                    _ => "X11; Linux x86_64",
                };
                let gecko = if self.os == Os::Android { format!("{v}.0") } else { "20100101".to_owned() };
                format!("Mozilla/5.0 ({system}; rv:{v}.0) Gecko/{gecko} Firefox/{v}.0")
            }
            Program::Safari if self.os == Os::Ios => format!(
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.{} Mobile/15E148 Safari/604.1",
                (2 + n).max(0)
            ),
            Program::Safari => format!(
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.{} Safari/605.1.15",
                (2 + n).max(0)
            ),
            Program::App if self.os == Os::Ios => format!("ExampleMail-iOS/5.{} (iOS 26)", 30 + n),
            Program::App => format!("ExampleMail-Android/5.{} (Android 15)", 30 + n),
            Program::Thunderbird => format!("Thunderbird/140.{}.0", (6 + n).max(0)),
            Program::AppleMail => format!("com.apple.mail/3826.{}", 600 + 10 * n),
            Program::Outlook => "Microsoft Outlook 16.0".to_owned(),
            Program::K9 => format!("K-9 Mail 10.{}", (2 + n).max(0)),
            Program::Python => "python-requests/2.32.3".to_owned(),
            Program::Go => "Go-http-client/2.0".to_owned(),
            Program::Curl => "curl/8.11.1".to_owned(),
            Program::OkHttp => "okhttp/4.12.0".to_owned(),
            Program::Node => "node".to_owned(),
        }
    }

    fn chromium(&self, version: i32, tail: &str) -> String {
        let (system, mobile) = match self.os {
            Os::Windows => ("Windows NT 10.0; Win64; x64", ""),
            Os::Mac => ("Macintosh; Intel Mac OS X 10_15_7", ""),
            Os::Linux => ("X11; Linux x86_64", ""),
            Os::Chromebook => ("X11; CrOS x86_64 14541.0.0", ""),
            Os::Android | Os::Ios => ("Linux; Android 10; K", " Mobile"),
        };
        format!(
            "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0{mobile} Safari/537.36{tail}"
        )
    }

    /// Appends the JA4 of the hello.
    pub(crate) fn write_ja4(&self, out: &mut String) {
        let (program, revision) = match self.hello {
            Hello::Own | Hello::Quic => {
                (self.program, i64::from(self.release).div_euclid(revision(self.program)))
            }
            Hello::Of(tool) => (tool, 0),
            Hello::Middlebox(maker) => {
                hashes(out, "t13d1511h1", 0x4d42 + u64::from(maker), 0);
                return;
            }
        };
        let engine = engine(program);
        if self.hello == Hello::Quic {
            hashes(out, "q13d0310h3", engine, revision as u64);
            return;
        }
        let apple = u64::from(matches!(self.os, Os::Ios | Os::Mac) && engine == 3);
        hashes(out, head(program), engine + apple * 64, revision as u64);
    }
}

/// Days between releases (public calendars; mail programs roughly).
fn cycle(program: Program) -> i64 {
    match program {
        Program::Chrome | Program::Edge | Program::Firefox | Program::Thunderbird => 28,
        Program::Safari | Program::AppleMail => 56,
        Program::Samsung => 120,
        Program::App => 14,
        _ => 180,
    }
}

/// Releases until the TLS hello changes (assumed: it rarely does).
fn revision(program: Program) -> i64 {
    match program {
        Program::Chrome | Program::Edge | Program::Firefox => 5,
        Program::Safari | Program::AppleMail => 3,
        Program::App => 12,
        _ => 8,
    }
}

/// Programs of one engine greet alike.
fn engine(program: Program) -> u64 {
    match program {
        Program::Chrome | Program::Edge => 1,
        Program::Firefox | Program::Thunderbird => 2,
        Program::Safari | Program::AppleMail => 3,
        Program::Samsung => 4,
        Program::App => 5,
        Program::Outlook => 6,
        Program::K9 | Program::OkHttp => 7,
        Program::Python => 8,
        Program::Go => 9,
        Program::Curl => 10,
        Program::Node => 11,
    }
}

/// The readable part of the JA4: version, ciphers, extensions, protocol (forms as published; general knowledge).
fn head(program: Program) -> &'static str {
    match program {
        Program::Chrome | Program::Edge | Program::Samsung => "t13d1516h2",
        Program::Firefox => "t13d1715h2",
        Program::Safari => "t13d2014h2",
        Program::App => "t13d1514h2",
        Program::Thunderbird | Program::AppleMail | Program::Outlook | Program::K9 => "t13d171300",
        Program::Python => "t13d181200",
        Program::Go => "t13d1312h2",
        Program::Curl => "t13d3112h2",
        Program::OkHttp => "t13d1613h2",
        Program::Node => "t13d5211h1",
    }
}

fn hashes(out: &mut String, head: &str, engine: u64, revision: u64) {
    let (ciphers, extensions) = (derive(engine, 0x4a41, 0) >> 16, derive(engine, 0x4a42, revision) >> 16);
    let _ = write!(out, "{head}_{ciphers:012x}_{extensions:012x}");
}
