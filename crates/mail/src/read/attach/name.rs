// SPDX-License-Identifier: Apache-2.0
//! What the name of a file says, and what it is made to seem.

use super::AttachmentMark;
use crate::kind::Set;
use crate::read::sniff::{self, FileKind};
use crate::read::text::{is_bidi, is_invisible};

/// Extensions that make a name look like that of a document, before the one that counts.
const HARMLESS: [&str; 22] = [
    "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "rtf", "csv", "jpg", "jpeg", "png", "gif",
    "bmp", "mp3", "mp4", "wav", "avi", "zip", "msg", "odt",
];

/// Blanks in a row that push an extension out of sight.
const LONG_BLANK: usize = 6;

/// The last extension in lower case; empty if there is none.
pub(super) fn extension(name: &str) -> String {
    // Windows passes over blanks and dots at the end.
    let name = name.trim_end_matches(|c: char| c == '.' || c.is_whitespace() || is_invisible(c));
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let extension = last.rsplit_once('.').map_or("", |(_, extension)| extension);
    if extension.len() > 20 { String::new() } else { extension.trim().to_lowercase() }
}

/// What is not plain about a name.
pub(super) fn judge(name: &str, marks: &mut Set<AttachmentMark>) {
    marks.insert_if(name.is_empty(), AttachmentMark::NoName);
    marks.insert_if(name.contains(is_bidi), AttachmentMark::BidiName);
    marks.insert_if(name.contains(|c: char| c.is_control() || is_invisible(c)), AttachmentMark::ControlName);
    marks.insert_if(name.contains(['/', '\\']) || name.contains(".."), AttachmentMark::PathName);
    let blanks = name.split(|c: char| !c.is_whitespace()).map(|run| run.chars().count()).max().unwrap_or(0);
    marks.insert_if(blanks >= LONG_BLANK, AttachmentMark::LongBlank);
    let last = extension(name);
    marks.extend(by_extension(&last));
    let before =
        name.trim_end().len().checked_sub(last.len() + 1).and_then(|end| name.get(..end)).map(extension);
    let seems = before.is_some_and(|before| HARMLESS.contains(&before.as_str()));
    marks.insert_if(seems && opens_code(&last), AttachmentMark::DoubleExtension);
}

/// Whether opening a file of that extension runs something.
pub(super) fn opens_code(extension: &str) -> bool {
    matches!(
        sniff::by_extension(extension),
        Some(
            FileKind::Exe
                | FileKind::Script
                | FileKind::Lnk
                | FileKind::UrlFile
                | FileKind::Jar
                | FileKind::Msi
                | FileKind::Html
                | FileKind::Iso
                | FileKind::Vhd
                | FileKind::OneNote
                | FileKind::Chm
                | FileKind::Apk
                | FileKind::Svg
        )
    )
}

/// What an extension says by itself.
pub(super) fn by_extension(extension: &str) -> Set<AttachmentMark> {
    let mark = match sniff::by_extension(extension) {
        Some(
            FileKind::Exe | FileKind::Jar | FileKind::Msi | FileKind::Apk | FileKind::Class | FileKind::Chm,
        ) => AttachmentMark::Program,
        Some(FileKind::Script) => AttachmentMark::Script,
        Some(FileKind::Lnk | FileKind::UrlFile) => AttachmentMark::Shortcut,
        Some(FileKind::Iso | FileKind::Vhd) => AttachmentMark::DiskImage,
        Some(FileKind::OneNote) => AttachmentMark::Notebook,
        _ => return Set::new(),
    };
    [mark].into_iter().collect()
}

/// Whether the extension is not one of files of that kind.
pub(super) fn misnamed(extension: &str, kind: FileKind) -> bool {
    let Some(named) = sniff::by_extension(extension) else { return false };
    !matches!(kind, FileKind::Unknown | FileKind::Empty) && family(named) != family(kind)
}

/// Kinds that pass for each other: programs open each of them under the name of any other, or nobody minds.
fn family(kind: FileKind) -> u8 {
    match kind {
        FileKind::Zip | FileKind::Ooxml | FileKind::Jar | FileKind::Apk | FileKind::OpenDocument => 1,
        FileKind::Ole | FileKind::Msg | FileKind::Msi => 2,
        FileKind::Png | FileKind::Jpeg | FileKind::Gif | FileKind::Bmp | FileKind::Webp | FileKind::Tiff => 3,
        FileKind::Audio | FileKind::Video => 4,
        FileKind::Text
        | FileKind::Script
        | FileKind::UrlFile
        | FileKind::Message
        | FileKind::Calendar
        | FileKind::VCard
        | FileKind::Pgp
        | FileKind::Pkcs7
        | FileKind::Xml
        | FileKind::Html
        | FileKind::Svg => 5,
        FileKind::Gzip | FileKind::Tar => 6,
        // `.dat` is of anything.
        FileKind::Tnef => 5,
        kind => 16 + kind as u8,
    }
}
