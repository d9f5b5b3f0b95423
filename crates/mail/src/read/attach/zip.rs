// SPDX-License-Identifier: Apache-2.0
//! ZIP archives, and the documents that are such: their files listed, and the beginnings of some looked into.
//!
//! The list is taken from the central directory, as programs take it, and from the files' own headers where that is missing
//! or cut off. Sizes are what the archive says; how much is inflated is decided here.

use memchr::memmem;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::{AttachmentMark, Entry, name};
use crate::kind::Set;
use crate::limits::{self, Budget, Resource};
use crate::read::field::cut;
use crate::read::sniff::{self, FileKind};
use crate::read::text::is_bidi;

/// Bytes of a file within that are inflated to see what it is.
const LOOK_BYTES: usize = 1024;
/// Bytes of a piece of an Office document that are inflated.
const PIECE_BYTES: usize = 128 * 1024;
/// How many times its size an archive inflates to that is a bomb: text shrinks to a tenth, nothing honest to a hundredth.
const BOMB_FACTOR: u64 = 100;
/// Bytes from which on that is told.
const BOMB_BYTES: u64 = 16 * 1024 * 1024;
/// How far from the end the record lies that tells where the directory is: itself and the longest comment.
const END_BYTES: usize = 22 + 65_535;

/// What an archive has.
#[derive(Default)]
pub(super) struct Listed {
    pub entries: Vec<Entry>,
    pub marks: Set<AttachmentMark>,
    pub kind: Option<FileKind>,
    /// Places that a document fetches something from.
    pub places: Vec<String>,
}

/// A file as the archive tells of it.
struct File<'a> {
    name: &'a [u8],
    method: u16,
    encrypted: bool,
    packed: u64,
    size: u64,
    /// Where its own header lies.
    header: usize,
}

/// Lists an archive, of which `whole` bytes there are and these could be decoded.
pub(super) fn list(bytes: &[u8], whole: usize, budget: &mut Budget) -> Listed {
    let mut listed = Listed::default();
    listed.marks.insert_if(bytes.len() < whole, AttachmentMark::ArchiveBroken);
    let mut size = 0_u64;
    let mut take = |file: &File<'_>, listed: &mut Listed| {
        if !budget.take_one(Resource::Entries) {
            return false;
        }
        size = size.saturating_add(file.size);
        look(bytes, file, listed, budget);
        true
    };
    if !by_directory(bytes, |file| take(&file, &mut listed)) {
        listed.marks.insert(AttachmentMark::ArchiveBroken);
        if listed.entries.is_empty() {
            by_headers(bytes, |file| take(&file, &mut listed));
        }
    }
    listed
        .marks
        .insert_if(size > BOMB_BYTES && size / BOMB_FACTOR > whole as u64, AttachmentMark::ArchiveBomb);
    listed.marks.insert_if(listed.entries.len() == 1, AttachmentMark::ArchiveSingle);
    listed
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?)))
}

/// Hands over the files of the central directory (APPNOTE 4.3.12); false if there is none or it is broken.
fn by_directory<'a>(bytes: &'a [u8], mut take: impl FnMut(File<'a>) -> bool) -> bool {
    let tail = bytes.len().saturating_sub(END_BYTES);
    let Some(end) = memmem::rfind(&bytes[tail..], b"PK\x05\x06").map(|at| at + tail) else { return false };
    let (Some(count), Some(begin)) = (u16_at(bytes, end + 10), u32_at(bytes, end + 16)) else { return false };
    let mut at = begin as usize;
    for _ in 0..count {
        if !bytes.get(at..).is_some_and(|rest| rest.starts_with(b"PK\x01\x02")) {
            return false;
        }
        let Some((file, next)) = directory_file(bytes, at) else { return false };
        if !take(file) {
            return true;
        }
        at = next;
    }
    count > 0
}

fn directory_file(bytes: &[u8], at: usize) -> Option<(File<'_>, usize)> {
    let short = |offset: usize| u16_at(bytes, at + offset);
    let (name_length, extra, comment) = (short(28)? as usize, short(30)? as usize, short(32)? as usize);
    let file = File {
        name: bytes.get(at + 46..at + 46 + name_length)?,
        method: short(10)?,
        encrypted: short(8)? & 1 == 1,
        packed: u32_at(bytes, at + 20)?,
        size: u32_at(bytes, at + 24)?,
        header: u32_at(bytes, at + 42)? as usize,
    };
    Some((file, at + 46 + name_length + extra + comment))
}

/// Hands over the files by their own headers, one behind the other (APPNOTE 4.3.7).
fn by_headers<'a>(bytes: &'a [u8], mut take: impl FnMut(File<'a>) -> bool) {
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memmem::find(rest, b"PK\x03\x04")) {
        at += found;
        let Some(file) = own_header(bytes, at) else { return };
        let next = at + 30 + file.name.len() + file.packed as usize;
        if !take(file) {
            return;
        }
        at = next;
    }
}

fn own_header(bytes: &[u8], at: usize) -> Option<File<'_>> {
    let short = |offset: usize| u16_at(bytes, at + offset);
    let length = short(26)? as usize;
    Some(File {
        name: bytes.get(at + 30..at + 30 + length)?,
        method: short(8)?,
        encrypted: short(6)? & 1 == 1,
        packed: u32_at(bytes, at + 18)?,
        size: u32_at(bytes, at + 22)?,
        header: at,
    })
}

/// Notes a file, and looks into it as far as that tells something.
fn look(bytes: &[u8], file: &File<'_>, listed: &mut Listed, budget: &mut Budget) {
    let called = String::from_utf8_lossy(&file.name[..file.name.len().min(limits::NAME_BYTES)]).into_owned();
    let extension = name::extension(&called);
    let marks = &mut listed.marks;
    marks.insert_if(called.contains(is_bidi), AttachmentMark::ArchiveBidiName);
    let outside = called.starts_with(['/', '\\']) || called.split(['/', '\\']).any(|step| step == "..");
    marks.insert_if(outside, AttachmentMark::ArchivePath);
    marks.insert_if(file.encrypted, AttachmentMark::ArchiveEncrypted);
    document_part(&called, listed);
    let mut kind = FileKind::Unknown;
    let wanted = piece(&called);
    if !file.encrypted
        && let Some(data) = inflate(bytes, file, if wanted { PIECE_BYTES } else { LOOK_BYTES }, budget)
    {
        kind = sniff::kind(&data);
        if wanted {
            read_piece(&data, listed);
        }
    }
    let marks = &mut listed.marks;
    let program =
        matches!(kind, FileKind::Exe | FileKind::Elf | FileKind::MachO | FileKind::Lnk | FileKind::Msi);
    let runs = name::opens_code(&extension) && !matches!(extension.as_str(), "svg" | "com");
    marks.insert_if(program || runs, AttachmentMark::ArchiveProgram);
    let archive = |kind: FileKind| {
        matches!(
            kind,
            FileKind::Zip
                | FileKind::Rar
                | FileKind::SevenZip
                | FileKind::Gzip
                | FileKind::Cab
                | FileKind::Ace
        )
    };
    let nested = archive(kind)
        && !matches!(sniff::by_extension(&extension), Some(FileKind::Ooxml | FileKind::OpenDocument));
    let named = sniff::by_extension(&extension).is_some_and(archive);
    marks.insert_if(nested || named, AttachmentMark::ArchiveNested);
    let called = cut(&called, limits::NAME_BYTES).to_owned();
    listed.entries.push(Entry { name: called, size: file.size, encrypted: file.encrypted, kind });
}

/// What the name of a file says of the whole.
fn document_part(called: &str, listed: &mut Listed) {
    let lower = called.to_ascii_lowercase();
    match lower.as_str() {
        "[content_types].xml" => listed.kind = Some(FileKind::Ooxml),
        "meta-inf/manifest.mf" => listed.kind = listed.kind.or(Some(FileKind::Jar)),
        "androidmanifest.xml" => listed.kind = Some(FileKind::Apk),
        "mimetype" => listed.kind = Some(FileKind::OpenDocument),
        _ => {}
    }
    let marks = &mut listed.marks;
    let macros =
        lower.ends_with("vbaproject.bin") || lower.starts_with("basic/") || lower.contains("macrosheets/");
    marks.insert_if(macros, AttachmentMark::Macros);
    let object = lower.contains("/embeddings/") || lower.contains("oleobject") || lower.contains("activex");
    marks.insert_if(object, AttachmentMark::EmbeddedObject);
}

/// Whether a piece of a document can tell of places elsewhere or of fields that start something.
fn piece(called: &str) -> bool {
    called.ends_with(".rels") || called == "word/document.xml" || called.ends_with("vbaProject.bin")
}

fn read_piece(data: &[u8], listed: &mut Listed) {
    let has = |word: &[u8]| memmem::find(data, word).is_some();
    listed.marks.insert_if(has(b"DDEAUTO") || has(b"DDE "), AttachmentMark::Dde);
    let auto =
        [&b"AutoOpen"[..], b"Auto_Open", b"Document_Open", b"Workbook_Open", b"AutoExec", b"AutoClose"];
    listed.marks.insert_if(auto.iter().any(|word| has(word)), AttachmentMark::AutoMacro);
    let text = String::from_utf8_lossy(data);
    for relation in text.split("<Relationship ").filter(|one| one.contains("\"External\"")) {
        let Some(target) = relation.split("Target=\"").nth(1).and_then(|rest| rest.split('"').next()) else {
            continue;
        };
        let template =
            ["attachedTemplate", "/oleObject", "/frame"].iter().any(|kind| relation.contains(kind));
        listed.marks.insert_if(template, AttachmentMark::RemoteTemplate);
        if listed.places.len() < limits::URL_WORDS {
            listed.places.push(cut(target, limits::URL_BYTES).to_owned());
        }
    }
}

/// The beginning of a file, inflated.
fn inflate(bytes: &[u8], file: &File<'_>, most: usize, budget: &mut Budget) -> Option<Vec<u8>> {
    let at = file.header;
    let behind = u16_at(bytes, at.checked_add(26)?)? as usize + u16_at(bytes, at.checked_add(28)?)? as usize;
    let data = bytes.get(at.checked_add(30)?.checked_add(behind)?..)?;
    let packed = file.packed as usize;
    let data = &data[..data.len().min(if packed == 0 { usize::MAX } else { packed })];
    let most = most.min(budget.left(Resource::Inflated));
    if most == 0 {
        budget.take_one(Resource::Inflated);
        return None;
    }
    let data = match file.method {
        0 => data[..data.len().min(most)].to_vec(),
        // A file that goes on behind what is allowed gives its beginning.
        8 => decompress_to_vec_with_limit(data, most).unwrap_or_else(|stopped| stopped.output),
        _ => return None,
    };
    budget.take(Resource::Inflated, data.len());
    Some(data)
}
