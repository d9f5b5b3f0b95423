// SPDX-License-Identifier: Apache-2.0
//! Reads the messages of a folder, or one message, and tells what they show: `read FOLDER|FILE [ROUNDS]`.
//!
//! Of a folder it tells how long reading takes and how often each oddity and mark was seen; of one message, its reading.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use wardroom_mail::kind::Kind as _;
use wardroom_mail::limits::{self, Budget, Resource};
use wardroom_mail::read::{Reading, read};

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let path = PathBuf::from(args.next().unwrap_or_else(|| ".".to_owned()));
    let rounds = args.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    if path.is_file() {
        println!("{:#?}", read(&load(&path)?, &mut Budget::default()));
        return Ok(());
    }
    let mut files = Vec::new();
    gather(&path, &mut files)?;
    files.sort();
    let messages = files.iter().map(|file| load(file)).collect::<std::io::Result<Vec<_>>>()?;
    let mut tally = Tally::default();
    let mut times = Vec::new();
    for round in 0..rounds {
        for message in &messages {
            let begin = Instant::now();
            let reading = read(message, &mut Budget::default());
            times.push(begin.elapsed().as_nanos());
            if round == 0 {
                tally.add(&reading);
            }
        }
    }
    tally.print(&mut times, messages.iter().map(Vec::len).sum::<usize>() * rounds);
    Ok(())
}

/// How often each thing was seen, and the most that was spent.
#[derive(Default)]
struct Tally {
    seen: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
    most: BTreeMap<&'static str, usize>,
}

impl Tally {
    fn add(&mut self, reading: &Reading) {
        let mut count = |list, name| *self.seen.entry(list).or_default().entry(name).or_default() += 1;
        reading.oddities.iter().for_each(|oddity| count("oddities", oddity.name()));
        reading.html.marks.iter().for_each(|mark| count("html", mark.name()));
        reading.urls.iter().flat_map(|url| url.marks.iter()).for_each(|mark| count("urls", mark.name()));
        for attachment in &reading.attachments {
            count("files", attachment.kind.name());
            attachment.marks.iter().for_each(|mark| count("attachments", mark.name()));
        }
        for resource in Resource::ALL {
            let most = self.most.entry(resource.oddity().name()).or_default();
            *most = (*most).max(reading.spent.of(resource));
        }
    }

    fn print(&self, times: &mut [u128], bytes: usize) {
        for (list, seen) in &self.seen {
            println!("{list}:");
            let mut seen: Vec<_> = seen.iter().collect();
            seen.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), **name));
            seen.iter().for_each(|(name, count)| println!("  {name} {count}"));
        }
        println!("most spent:");
        self.most.iter().for_each(|(name, most)| println!("  {name} {most}"));
        times.sort_unstable();
        let total: u128 = times.iter().sum();
        let at = |percent: usize| times.get(times.len() * percent / 100).map_or(0, |nanos| nanos / 1000);
        let most = times.last().map_or(0, |nanos| nanos / 1000);
        println!(
            "{} messages, {} µs each in the middle, {} at 90 %, {} at 99 %, {most} at most; {} MB/s",
            times.len(),
            at(50),
            at(90),
            at(99),
            bytes as u128 * 1000 / total.max(1)
        );
    }
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "eml") {
            files.push(path);
        }
    }
    Ok(())
}

fn load(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(limits::BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
