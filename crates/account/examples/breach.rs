// SPDX-License-Identifier: Apache-2.0
//! What files of breached passwords take: size, how fast they are built, how fast they answer, how often they are wrong.
//!
//! `cargo run --release -p wardroom-account --example breach -- HASHES DIR` makes a list of so many hashes in DIR (43 bytes
//! each), builds both files of it and asks them. The figures of the book's page are from this.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement that people run by hand")]

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;
use wardroom_account::breach::{Filter, Kind, List, Plan, Ranges, Sha1, Slot, build};

/// How many questions are timed.
const QUESTIONS: u64 = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [hashes, dir] = args.as_slice() else {
        return Err("usage: breach HASHES DIR".into());
    };
    let (hashes, dir): (u64, _) = (hashes.parse()?, Path::new(dir));
    std::fs::create_dir_all(dir)?;
    let list = dir.join("list.txt");
    write_list(&list, hashes)?;
    for slot in [Slot::Bits16, Slot::Bits24, Slot::Bits32] {
        let plan = Plan {
            kind: Kind::Sha1,
            plain: false,
            least: 1,
            slot,
            ranges: slot == Slot::Bits16,
            skip_bad: false,
            out: dir.to_owned(),
        };
        let began = Instant::now();
        let built = build(&plan, vec![List::open(&list)?], &mut |_, _| true)?;
        let secs = began.elapsed().as_secs_f64();
        println!("{slot:?}: built in {secs:.1} s, {:.0} hashes a second", hashes as f64 / secs);
        for made in built.made {
            let bytes = made.about.file_bytes() as f64;
            println!("  {}: {bytes} bytes, {:.3} a hash", made.about.what.name(), bytes / hashes as f64);
        }
        ask_filter(&dir.join("sha1.filter"), hashes)?;
    }
    ask_ranges(&dir.join("sha1.ranges"), hashes)
}

fn write_list(path: &Path, hashes: u64) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for number in 0..hashes {
        let mut line = Vec::with_capacity(48);
        let hash = Sha1::of(&number.to_le_bytes()).hash();
        write!(line, "{:05X}", hash.prefix().number())?;
        hash.push_suffix(Kind::Sha1, &mut line);
        // As counts of real lists are: nine in ten of them one digit.
        writeln!(
            line,
            ":{}",
            1 + number.wrapping_mul(0x9e37_79b9) % 10u64.pow(1 + (number % 10 / 9) as u32 * 4)
        )?;
        out.write_all(&line)?;
    }
    Ok(out.flush()?)
}

fn ask_filter(path: &Path, hashes: u64) -> Result<(), Box<dyn Error>> {
    for resident in [0, u64::MAX] {
        let filter = Filter::open(path, resident)?;
        let place = if filter.is_resident() { "memory" } else { "file" };
        for (what, first) in [("known", 0), ("unknown", 1 << 40)] {
            let asked: Vec<_> =
                (0..QUESTIONS).map(|n| Sha1::of(&(first + n * 7919 % hashes).to_le_bytes()).hash()).collect();
            let began = Instant::now();
            let mut found = 0;
            for hash in &asked {
                found += u64::from(black_box(filter.look(hash)?) > 0);
            }
            let nanos = began.elapsed().as_nanos() as f64 / asked.len() as f64;
            println!("  {what} in {place}: {nanos:.0} ns, found {found} of {}", asked.len());
        }
    }
    Ok(())
}

fn ask_ranges(path: &Path, hashes: u64) -> Result<(), Box<dyn Error>> {
    let ranges = Ranges::open(path)?;
    let questions = QUESTIONS / 10;
    let asked: Vec<_> = (0..questions).map(|n| Sha1::of(&(n * 7919 % hashes).to_le_bytes()).hash()).collect();
    let began = Instant::now();
    let mut lines = 0;
    for hash in &asked {
        lines += black_box(ranges.range(hash.prefix())?).len();
    }
    let micros = began.elapsed().as_secs_f64() * 1e6 / questions as f64;
    println!("ranges: {micros:.1} µs, {:.1} lines", lines as f64 / questions as f64);
    Ok(())
}
