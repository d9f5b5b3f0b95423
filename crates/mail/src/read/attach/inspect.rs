// SPDX-License-Identifier: Apache-2.0
//! One attachment: its name, its type and its content held against each other.

use super::{Attachment, AttachmentMark, document, name, zip};
use crate::kind::Set;
use crate::limits::Budget;
use crate::read::html::HtmlMark;
use crate::read::oddity::Oddity;
use crate::read::reading::Part;
use crate::read::sniff::FileKind;

/// Words before a password, in lower case.
const PASSWORD_WORDS: [&str; 12] = [
    "password",
    "passwort",
    "kennwort",
    "passcode",
    "mot de passe",
    "contraseña",
    "senha",
    "пароль",
    "wachtwoord",
    "hasło",
    "密码",
    "pass code",
];

/// Looks at an attachment; where it leads comes back beside it.
pub(in crate::read) fn inspect(
    part: &mut Part,
    at: usize,
    bytes: &[u8],
    page: Option<Set<HtmlMark>>,
    budget: &mut Budget,
    odd: &mut Set<Oddity>,
) -> (Attachment, Vec<String>) {
    let mut attachment = Attachment {
        part: at,
        name: part.name.clone().unwrap_or_default(),
        declared: part.declared.clone(),
        kind: part.detected,
        size: part.size,
        ..Attachment::default()
    };
    attachment.extension = name::extension(&attachment.name);
    name::judge(&attachment.name, &mut attachment.marks);
    let places = content(&mut attachment, bytes, budget);
    part.detected = attachment.kind;
    if let Some(page) = page {
        active(page, attachment.kind, &mut attachment.marks);
    }
    let marks = &mut attachment.marks;
    marks.insert_if(name::misnamed(&attachment.extension, attachment.kind), AttachmentMark::Misnamed);
    let mistyped = mistyped(&attachment.declared, attachment.kind);
    marks.insert_if(mistyped, AttachmentMark::Mistyped);
    odd.insert_if(mistyped, Oddity::TypeContradicted);
    (attachment, places)
}

/// Looks at the content by its kind.
fn content(attachment: &mut Attachment, bytes: &[u8], budget: &mut Budget) -> Vec<String> {
    let marks = &mut attachment.marks;
    let mut places = Vec::new();
    match attachment.kind {
        FileKind::Empty => marks.insert(AttachmentMark::Empty),
        FileKind::Zip => {
            let listed = zip::list(bytes, attachment.size, budget);
            attachment.kind = listed.kind.unwrap_or(FileKind::Zip);
            marks.insert_if(attachment.kind == FileKind::Zip, AttachmentMark::Archive);
            let program = matches!(attachment.kind, FileKind::Jar | FileKind::Apk);
            marks.insert_if(program, AttachmentMark::Program);
            marks.extend(listed.marks);
            attachment.entries = listed.entries;
            places = listed.places;
        }
        FileKind::Rar => {
            marks.insert(AttachmentMark::Archive);
            document::rar(bytes, marks);
        }
        FileKind::SevenZip
        | FileKind::Gzip
        | FileKind::Bzip2
        | FileKind::Xz
        | FileKind::Tar
        | FileKind::Cab
        | FileKind::Ace
        | FileKind::Arj
        | FileKind::Lzh => marks.insert(AttachmentMark::Archive),
        FileKind::Exe | FileKind::Elf | FileKind::MachO | FileKind::Class | FileKind::Chm => {
            marks.insert(AttachmentMark::Program);
        }
        FileKind::Script => marks.insert(AttachmentMark::Script),
        FileKind::Ole => attachment.kind = document::ole(bytes, marks),
        FileKind::Rtf => document::rtf(bytes, marks),
        FileKind::OneNote => {
            marks.insert(AttachmentMark::Notebook);
            document::onenote(bytes, marks);
        }
        FileKind::Lnk => {
            marks.insert(AttachmentMark::Shortcut);
            document::lnk(bytes, marks);
        }
        FileKind::UrlFile => {
            marks.insert(AttachmentMark::Shortcut);
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
            places.extend(text.lines().find_map(|line| line.strip_prefix("URL=")).map(str::to_owned));
        }
        FileKind::Iso | FileKind::Vhd => marks.insert(AttachmentMark::DiskImage),
        FileKind::Pdf => places = document::pdf(bytes, marks, budget),
        FileKind::Tnef => marks.insert(AttachmentMark::Wrapped),
        FileKind::Calendar => marks.insert(AttachmentMark::Invitation),
        _ => {}
    }
    places
}

/// What a page that is attached does. In a mail none of it would work; opened as a file all of it does.
fn active(page: Set<HtmlMark>, kind: FileKind, marks: &mut Set<AttachmentMark>) {
    let has = |mark| page.contains(mark);
    let script = has(HtmlMark::Script) || has(HtmlMark::EventHandler) || has(HtmlMark::MetaRefresh);
    let mark = if kind == FileKind::Svg { AttachmentMark::SvgActive } else { AttachmentMark::ActiveHtml };
    marks.insert_if(script, mark);
    marks.insert_if(has(HtmlMark::Form), AttachmentMark::HtmlForm);
    marks.insert_if(has(HtmlMark::PasswordField), AttachmentMark::HtmlPassword);
    marks
        .insert_if(has(HtmlMark::SmugglingBlob) || has(HtmlMark::SmugglingDecode), AttachmentMark::Smuggling);
}

/// Whether a file is not what its type says, where that can be told.
fn mistyped(declared: &str, kind: FileKind) -> bool {
    let picture = matches!(
        kind,
        FileKind::Png
            | FileKind::Jpeg
            | FileKind::Gif
            | FileKind::Bmp
            | FileKind::Webp
            | FileKind::Tiff
            | FileKind::Svg
    );
    if matches!(kind, FileKind::Unknown | FileKind::Empty) {
        return false;
    }
    match declared.split_once('/') {
        Some(("image", _)) => !picture,
        Some(("audio" | "video", _)) => !matches!(kind, FileKind::Audio | FileKind::Video),
        Some(("text", _)) => {
            picture && kind != FileKind::Svg || matches!(kind, FileKind::Exe | FileKind::Zip | FileKind::Pdf)
        }
        Some(("application", "pdf")) => kind != FileKind::Pdf,
        Some(("application", "zip")) => {
            !matches!(kind, FileKind::Zip | FileKind::Ooxml | FileKind::Jar | FileKind::OpenDocument)
        }
        _ => false,
    }
}

/// Marks encrypted files whose password stands in the text.
pub(in crate::read) fn tells_password(text: &str, attachments: &mut [Attachment]) {
    let encrypted = |attachment: &Attachment| {
        [AttachmentMark::ArchiveEncrypted, AttachmentMark::DocumentEncrypted, AttachmentMark::PdfEncrypted]
            .iter()
            .any(|&mark| attachment.marks.contains(mark))
    };
    if !attachments.iter().any(encrypted) {
        return;
    }
    let text = text.to_lowercase();
    if PASSWORD_WORDS.iter().any(|word| text.contains(word)) {
        for attachment in attachments.iter_mut().filter(|attachment| encrypted(attachment)) {
            attachment.marks.insert(AttachmentMark::PasswordInText);
        }
    }
}
