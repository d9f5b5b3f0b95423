// SPDX-License-Identifier: Apache-2.0
//! Documents, looked through for the marks of what they can do.

use memchr::{memchr, memmem};
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::AttachmentMark;
use crate::kind::Set;
use crate::limits::{self, Budget, Resource};
use crate::read::field::hex;
use crate::read::sniff::FileKind;

/// Most compressed streams of a PDF that are looked into.
const STREAMS: usize = 64;
/// Bytes of one that are inflated.
const STREAM_BYTES: usize = 64 * 1024;
/// Most places that are kept of one document.
const PLACES: usize = 64;

/// Whether a word occurs, in single bytes.
fn has(bytes: &[u8], word: &str) -> bool {
    memmem::find(bytes, word.as_bytes()).is_some()
}

/// Whether a word occurs, in UTF-16 as compound files write names.
fn has_wide(bytes: &[u8], word: &str) -> bool {
    let wide: Vec<u8> = word.bytes().flat_map(|byte| [byte, 0]).collect();
    memmem::find(bytes, &wide).is_some()
}

/// Compound files: Office documents of old, Outlook messages, installers.
pub(super) fn ole(bytes: &[u8], marks: &mut Set<AttachmentMark>) -> FileKind {
    marks.insert_if(has_wide(bytes, "_VBA_PROJECT") || has_wide(bytes, "Macros"), AttachmentMark::Macros);
    let auto = ["AutoOpen", "Auto_Open", "Document_Open", "Workbook_Open", "AutoExec", "AutoClose"];
    marks.insert_if(auto.iter().any(|word| has(bytes, word)), AttachmentMark::AutoMacro);
    let encrypted = has_wide(bytes, "EncryptedPackage") || has_wide(bytes, "EncryptionInfo");
    marks.insert_if(encrypted, AttachmentMark::DocumentEncrypted);
    let object = has_wide(bytes, "Ole10Native") || has_wide(bytes, "Equation Native");
    marks.insert_if(object, AttachmentMark::EmbeddedObject);
    // The class of the root of an installer, {000C1084-0000-0000-C000-000000000046}.
    if memmem::find(bytes, b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0F").is_some() {
        marks.insert(AttachmentMark::Program);
        return FileKind::Msi;
    }
    if has_wide(bytes, "__substg1.0_") { FileKind::Msg } else { FileKind::Ole }
}

/// RTF: objects, and templates from elsewhere.
pub(super) fn rtf(bytes: &[u8], marks: &mut Set<AttachmentMark>) {
    marks.insert_if(has(bytes, "\\objdata") || has(bytes, "\\objocx"), AttachmentMark::EmbeddedObject);
    marks.insert_if(has(bytes, "\\*\\template http"), AttachmentMark::RemoteTemplate);
    marks.insert_if(has(bytes, "DDEAUTO"), AttachmentMark::Dde);
}

/// Notebooks: files within. `{BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC}` stands before each.
pub(super) fn onenote(bytes: &[u8], marks: &mut Set<AttachmentMark>) {
    let file = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";
    marks.insert_if(memmem::find(bytes, file).is_some(), AttachmentMark::EmbeddedObject);
}

/// Shortcuts that start something that runs scripts.
pub(super) fn lnk(bytes: &[u8], marks: &mut Set<AttachmentMark>) {
    let starts = ["powershell", "cmd.exe", "mshta", "wscript", "rundll32", "PowerShell"];
    let found = starts.iter().any(|word| has_wide(bytes, word) || has(bytes, word));
    marks.insert_if(found, AttachmentMark::Script);
}

/// RAR archives whose list is encrypted too.
pub(super) fn rar(bytes: &[u8], marks: &mut Set<AttachmentMark>) {
    // Version 4: the flags of the main header. Version 5: a header of kind 4 comes first.
    let old = bytes.get(6) == Some(&0) && bytes.get(10).is_some_and(|flags| flags & 0x80 != 0);
    let new = bytes.get(6) == Some(&1) && bytes.get(13) == Some(&4);
    marks.insert_if(old || new, AttachmentMark::ArchiveEncrypted);
}

/// PDF: what it does when it is opened, and where its links lead.
pub(super) fn pdf(bytes: &[u8], marks: &mut Set<AttachmentMark>, budget: &mut Budget) -> Vec<String> {
    let mut places = Vec::new();
    pdf_names(bytes, marks, &mut places);
    // Links of newer files stand in compressed streams of objects.
    let mut at = 0;
    for _ in 0..STREAMS {
        let Some(found) = memmem::find(&bytes[at..], b"ObjStm") else { break };
        at += found + 6;
        let Some(begin) = memmem::find(&bytes[at..], b"stream").map(|found| at + found + 6) else { break };
        let data = bytes[begin..].strip_prefix(b"\r\n").or(bytes[begin..].strip_prefix(b"\n"));
        let most = STREAM_BYTES.min(budget.left(Resource::Inflated));
        at = begin;
        let (Some(data), 1..) = (data, most) else {
            budget.take_one(Resource::Inflated);
            continue;
        };
        let inflated = decompress_to_vec_zlib_with_limit(data, most).unwrap_or_else(|stopped| stopped.output);
        budget.take(Resource::Inflated, inflated.len());
        pdf_names(&inflated, marks, &mut places);
    }
    places
}

/// Goes through the names of a PDF (ISO 32000-1, 7.3.5), whose letters may be written as numbers.
fn pdf_names(bytes: &[u8], marks: &mut Set<AttachmentMark>, places: &mut Vec<String>) {
    let mut at = 0;
    while let Some(found) = memchr(b'/', &bytes[at..]) {
        at += found + 1;
        let mut name = [0_u8; 16];
        let (length, end) = pdf_name(&bytes[at..], &mut name);
        match &name[..length] {
            b"JavaScript" | b"JS" => marks.insert(AttachmentMark::PdfScript),
            b"Launch" => marks.insert(AttachmentMark::PdfLaunch),
            b"OpenAction" | b"AA" => marks.insert(AttachmentMark::PdfOpenAction),
            b"AcroForm" | b"XFA" => marks.insert(AttachmentMark::PdfForm),
            b"EmbeddedFile" => marks.insert(AttachmentMark::PdfFile),
            b"Encrypt" => marks.insert(AttachmentMark::PdfEncrypted),
            b"URI" => {
                let rest = bytes[at + end..].trim_ascii_start();
                marks.insert_if(rest.starts_with(b"("), AttachmentMark::PdfLink);
                if let Some(text) = rest.strip_prefix(b"(").filter(|_| places.len() < PLACES) {
                    let text = &text[..text.len().min(limits::URL_BYTES)];
                    let text = &text[..memchr(b')', text).unwrap_or(text.len())];
                    places.push(String::from_utf8_lossy(text).replace('\\', ""));
                }
            }
            _ => {}
        }
        at += end;
    }
}

/// Reads the name at the beginning; how long it is, and how long it is written.
fn pdf_name(bytes: &[u8], name: &mut [u8; 16]) -> (usize, usize) {
    let (mut length, mut at) = (0, 0);
    while length < name.len() {
        match bytes[at..] {
            [b'#', high, low, ..] if hex(high).is_some() && hex(low).is_some() => {
                name[length] = hex(high).unwrap_or(0) << 4 | hex(low).unwrap_or(0);
                at += 3;
            }
            [byte, ..] if byte.is_ascii_alphanumeric() => {
                name[length] = byte;
                at += 1;
            }
            _ => break,
        }
        length += 1;
    }
    (length, at)
}
