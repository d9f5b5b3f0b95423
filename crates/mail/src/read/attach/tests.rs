// SPDX-License-Identifier: Apache-2.0
//! Attachments as strangers send them, in tables. Archives are put together here, byte by byte.

use super::*;
use crate::limits::{self, Budget, Resource};
use crate::read::reading::Part;
use crate::read::sniff;
use miniz_oxide::deflate::compress_to_vec;

fn told(name: &str, declared: &str, bytes: &[u8], budget: &mut Budget) -> (Attachment, Vec<String>) {
    let mut part = Part {
        name: Some(name.to_owned()),
        declared: declared.to_owned(),
        detected: sniff::kind(bytes),
        size: bytes.len(),
        ..Part::default()
    };
    inspect(&mut part, 0, bytes, None, budget, &mut Set::new())
}

#[track_caller]
fn check(name: &str, declared: &str, bytes: &[u8], expect: &str) {
    let (attachment, _) = told(name, declared, bytes, &mut Budget::default());
    let marks: Vec<_> = attachment.marks.iter().map(crate::kind::Kind::name).collect();
    let kind = crate::kind::Kind::name(attachment.kind);
    assert_eq!(format!("{kind} {}", marks.join(" ")).trim_end(), expect, "{name:?}");
}

/// An archive of files: name, content, whether it is encrypted.
pub(in crate::read) fn zip_of(files: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content, encrypted) in files {
        let packed = compress_to_vec(content, 6);
        let header = out.len() as u32;
        let mut fields = Vec::new();
        for short in [20_u16, u16::from(*encrypted), 8, 0, 0] {
            fields.extend_from_slice(&short.to_le_bytes());
        }
        for long in [0_u32, packed.len() as u32, content.len() as u32] {
            fields.extend_from_slice(&long.to_le_bytes());
        }
        fields.extend_from_slice(&(name.len() as u16).to_le_bytes());
        fields.extend_from_slice(&[0, 0]);
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&fields);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&packed);
        directory.extend_from_slice(b"PK\x01\x02\x14\0");
        directory.extend_from_slice(&fields);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&header.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let begin = out.len() as u32;
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&(files.len() as u16).to_le_bytes());
    out.extend_from_slice(&(files.len() as u16).to_le_bytes());
    out.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    out.extend_from_slice(&begin.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

#[test]
fn names_are_not_believed() {
    check("report.pdf", "application/pdf", b"%PDF-1.4", "pdf");
    check("report.pdf.exe", "application/octet-stream", b"MZ\0\0", "exe program double_extension");
    check("invoice.pdf", "application/pdf", b"MZ\0\0", "exe program misnamed mistyped");
    check("invoice.doc", "application/msword", b"{\\rtf1", "rtf misnamed");
    check("ann\u{202e}fdp.exe", "", b"MZ\0\0", "exe program bidi_name control_name");
    check("a.jpg            .scr", "", b"MZ\0\0", "exe program double_extension long_blank");
    check("../../etc/x.txt", "text/plain", b"x", "text path_name");
    check("photo.png", "image/png", b"\xff\xd8\xff\xe0", "jpeg");
    check("photo.png", "image/png", b"<html>", "html misnamed mistyped");
    check("run.js", "", b"var x", "text script");
    check("a.docx.js", "", b"var x", "text script double_extension");
    check("x", "", b"", "empty empty");
    check("v.iso", "", b"x\0y", "unknown disk_image");
    check(
        "a.lnk",
        "",
        b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0Fc\0m\0d\0.\0e\0x\0e\0",
        "lnk script shortcut",
    );
    check("winmail.dat", "application/ms-tnef", b"\x78\x9f\x3e\x22", "tnef wrapped");
    check("i.ics", "text/calendar", b"BEGIN:VCALENDAR", "calendar invitation");
    check("", "", b"x", "text no_name");
}

#[test]
fn archives_are_listed() {
    let plain = zip_of(&[("a.txt", b"hello", false), ("b/c.txt", b"x", false)]);
    check("a.zip", "application/zip", &plain, "zip archive");
    check("a.zip", "", &zip_of(&[("a.exe", b"MZ\0\0", false)]), "zip archive archive_program archive_single");
    check(
        "a.zip",
        "",
        &zip_of(&[("a.txt", b"MZ\0\0", false), ("b", b"", false)]),
        "zip archive archive_program",
    );
    check("a.zip", "", &zip_of(&[("a.txt", b"x", true)]), "zip archive archive_encrypted archive_single");
    check("a.zip", "", &zip_of(&[("a.zip", &plain, false)]), "zip archive archive_nested archive_single");
    check("a.zip", "", &zip_of(&[("../a.txt", b"x", false)]), "zip archive archive_path archive_single");
    check("a.zip", "", &plain[..plain.len() - 30], "zip archive archive_broken");
    let (attachment, _) = told("a.zip", "", &plain, &mut Budget::default());
    let entries: Vec<_> = attachment.entries.iter().map(|entry| (entry.name.as_str(), entry.size)).collect();
    assert_eq!(entries, [("a.txt", 5), ("b/c.txt", 1)]);
}

#[test]
fn documents_tell_what_they_can_do() {
    let rels = br#"<Relationship Id="1" Type="http://x/attachedTemplate" Target="http://e.example/t.dotm" TargetMode="External"/>"#;
    let document = zip_of(&[
        ("[Content_Types].xml", b"<?xml", false),
        ("word/vbaProject.bin", b"..AutoOpen..", false),
        ("word/_rels/settings.xml.rels", rels, false),
    ]);
    check("a.docm", "", &document, "ooxml macros auto_macro remote_template");
    assert_eq!(told("a.docm", "", &document, &mut Budget::default()).1, ["http://e.example/t.dotm"]);
    let ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 _\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0 Document_Open";
    check("a.doc", "", ole, "ole macros auto_macro");
    let pdf = b"%PDF-1.4 /OpenAction 1 0 R /J#61vaScript /URI (http://e.example/\\(x) /Encrypt";
    check("a.pdf", "", pdf, "pdf pdf_script pdf_open_action pdf_link pdf_encrypted");
    assert_eq!(told("a.pdf", "", pdf, &mut Budget::default()).1, ["http://e.example/(x"]);
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(b"<</URI(http://in.example)>>", 6);
    let hidden = [&b"%PDF-1.5 /Type/ObjStm>>stream\n"[..], &packed].concat();
    assert_eq!(told("a.pdf", "", &hidden, &mut Budget::default()).1, ["http://in.example"]);
    check("a.rtf", "", b"{\\rtf1\\objdata", "rtf embedded_object");
    check("a.rar", "", b"Rar!\x1a\x07\x01\0\0\0\0\0\0\x04", "rar archive archive_encrypted");
}

#[test]
fn a_bomb_is_told_and_not_unpacked() {
    let zeros = vec![0; 20 * 1024 * 1024];
    let bomb = zip_of(&[("a.bin", &zeros, false)]);
    let mut budget = Budget::default();
    let (attachment, _) = told("a.zip", "", &bomb, &mut budget);
    assert!(attachment.marks.contains(AttachmentMark::ArchiveBomb));
    assert!(budget.spent().of(Resource::Inflated) <= 1024);
    let many = vec![("a.txt", &b"x"[..], false); limits::ENTRIES + 5];
    let (attachment, _) = told("a.zip", "", &zip_of(&many), &mut budget);
    assert_eq!(attachment.entries.len(), limits::ENTRIES - 1);
    assert!(budget.ran_out(Resource::Entries));
}

#[test]
fn a_password_beside_what_it_opens() {
    let (locked, _) = told("a.zip", "", &zip_of(&[("a.txt", b"x", true)]), &mut Budget::default());
    let mut both = [locked, Attachment::default()];
    tells_password("The Password is 1234", &mut both);
    let marked = |one: &Attachment| one.marks.contains(AttachmentMark::PasswordInText);
    assert_eq!((marked(&both[0]), marked(&both[1])), (true, false));
}
