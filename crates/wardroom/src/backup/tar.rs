// SPDX-License-Identifier: Apache-2.0
//! The little of the tar format (POSIX ustar) that a backup needs: plain files, written in a row, read by their places.
//!
//! A backup in one file is a tar archive so that thirty years of tools can look into it and unpack it. What they write
//! in turn is read as well, as far as it is plain files and folders. Links, devices and names beyond 255 bytes are no
//! part of a backup, and refused.

use anyhow::{Result, bail};
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Everything lies at multiples of this.
const BLOCK: usize = 512;

/// Writes the head of a file: its name and how many bytes follow.
pub(crate) fn head(name: &str, bytes: u64, mtime: u64) -> Result<[u8; BLOCK]> {
    let (prefix, name) = split(name)?;
    let mut head = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| head[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    if bytes > 0o77_777_777_777 {
        bail!("{name} has {bytes} bytes; a tar archive takes files of 8 GiB at most: back up to a directory");
    }
    put(124, format!("{bytes:011o}\0").as_bytes());
    put(136, format!("{:011o}\0", mtime.min(0o77_777_777_777)).as_bytes());
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(345, prefix.as_bytes());
    let sum = checksum(&head);
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(head)
}

/// A name in the two parts that the head has room for.
fn split(name: &str) -> Result<(&str, &str)> {
    if name.len() <= 100 {
        return Ok(("", name));
    }
    let fits = |at: &usize| *at <= 155 && name.len() - at - 1 <= 100;
    match name.match_indices('/').map(|(at, _)| at).find(fits) {
        Some(at) => Ok((&name[..at], &name[at + 1..])),
        None => bail!("the name {name} is too long for a tar archive; back up to a directory"),
    }
}

/// Writes what brings a file of so many bytes to the next multiple.
pub(crate) fn pad(out: &mut impl Write, bytes: u64) -> io::Result<()> {
    let rest = (bytes % BLOCK as u64) as usize;
    if rest > 0 { out.write_all(&[0; BLOCK][rest..]) } else { Ok(()) }
}

/// Writes the end of an archive.
pub(crate) fn end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

/// Where a file lies in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// Its first byte.
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

/// The plain files of an archive, in order, at most so many.
pub(crate) fn parts(archive: &mut (impl Read + Seek), most: usize) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let size = archive.seek(SeekFrom::End(0))?;
    let mut at = 0;
    loop {
        archive.seek(SeekFrom::Start(at))?;
        let mut head = [0; BLOCK];
        if archive.read_exact(&mut head).is_err() {
            bail!("it ends too early, at byte {size}: it is not whole");
        }
        if head == [0; BLOCK] {
            return Ok(parts);
        }
        let offset = at + BLOCK as u64;
        let Some((name, bytes, kind)) = read(&head) else {
            bail!("it is no tar archive, or damaged at byte {at}");
        };
        if bytes > size.saturating_sub(offset) {
            bail!("it ends too early, within {name}: it is not whole");
        }
        match kind {
            b'0' | 0 => parts.push(Part { name, offset, bytes }),
            b'5' => {}
            _ => bail!("{name} is no plain file"),
        }
        if parts.len() > most {
            bail!("it has more than {most} files");
        }
        at = offset + bytes.next_multiple_of(BLOCK as u64);
    }
}

/// Name, size and kind; nothing where it is no head, or damaged.
fn read(head: &[u8; BLOCK]) -> Option<(String, u64, u8)> {
    if &head[257..262] != b"ustar" || octal(&head[148..156])? != u64::from(checksum(head)) {
        return None;
    }
    let (prefix, name) = (text(&head[345..500])?, text(&head[..100])?);
    let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
    let name = name.strip_prefix("./").map(str::to_owned).unwrap_or(name);
    Some((name, octal(&head[124..136])?, head[156]))
}

fn text(field: &[u8]) -> Option<&str> {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    str::from_utf8(&field[..end]).ok()
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = text(field)?.trim();
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    u64::from_str_radix(text, 8).ok().filter(|_| plain)
}

/// The sum of all bytes, those of the sum itself taken for blanks.
fn checksum(head: &[u8; BLOCK]) -> u32 {
    let all: u32 = head.iter().map(|b| u32::from(*b)).sum();
    let own: u32 = head[148..156].iter().map(|b| u32::from(*b)).sum();
    all - own + 8 * u32::from(b' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, bytes) in files {
            out.extend_from_slice(&head(name, bytes.len() as u64, 1_767_614_400).unwrap());
            out.extend_from_slice(bytes);
            pad(&mut out, bytes.len() as u64).unwrap();
        }
        end(&mut out).unwrap();
        out
    }

    #[test]
    fn what_is_written_is_read() {
        let long = format!("policy/{}/{}", "a".repeat(90), "b".repeat(90));
        let files = [("secret", &b"x"[..]), (&long, &[7; 512]), ("empty", b"")];
        let bytes = archive(&files);
        let found = parts(&mut Cursor::new(&bytes), 3).unwrap();
        assert_eq!(found.len(), files.len());
        for (part, (name, expect)) in found.iter().zip(files) {
            let at = part.offset as usize;
            assert_eq!((&*part.name, &bytes[at..at + part.bytes as usize]), (name, expect));
        }
        assert!(parts(&mut Cursor::new(&bytes), 2).is_err(), "bounded");
        assert!(head(&"x".repeat(300), 0, 0).is_err());
        assert!(head("large", 1 << 33, 0).is_err());
    }

    #[test]
    fn whatever_is_cut_or_damaged_is_refused() {
        let whole = archive(&[("secret", b"x"), ("keys.toml", b"")]);
        let check = |bytes: &[u8], expect: &str| {
            let said = parts(&mut Cursor::new(bytes), 9).unwrap_err().to_string();
            assert!(said.contains(expect), "{said}");
        };
        (0..=3 * BLOCK).step_by(100).for_each(|cut| check(&whole[..cut], "too early"));
        for at in [0, 130, 150, 156, 260] {
            let mut hurt = whole.clone();
            hurt[at] ^= 1;
            check(&hurt, "damaged at byte 0");
        }
        let mut link = whole.clone();
        link[156] = b'2';
        let sum = checksum(link[..BLOCK].try_into().unwrap());
        link[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        check(&link, "no plain file");
        check(&vec![b'x'; 2000], "no tar archive");
    }
}
