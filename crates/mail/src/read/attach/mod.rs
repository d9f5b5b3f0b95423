// SPDX-License-Identifier: Apache-2.0
//! Files that come with a message, judged by what they are rather than what they are called.
//!
//! Nothing is run and nothing is unpacked whole: archives are listed, and the beginnings of what is in them inflated within
//! the budget. Documents are looked through for the marks of what they can do; what is hidden deeper is not found, and nothing
//! found is no proof of innocence.

mod document;
mod inspect;
mod name;
#[cfg(test)]
mod tests;
mod zip;

pub(super) use inspect::{inspect, tells_password};

use super::sniff::FileKind;
use crate::kind::{Set, kinds};

kinds! {
    /// Something about an attachment that is not plain.
    AttachmentMark {
        Program "program" "a file that a program would run"
        Script "script" "a script"
        DoubleExtension "double_extension" "two extensions, of which the last is the one that counts"
        BidiName "bidi_name" "a name that turns the direction of writing"
        ControlName "control_name" "a name with invisible or control characters"
        LongBlank "long_blank" "a name with a long run of blanks before its extension"
        PathName "path_name" "a name with a path in it"
        Misnamed "misnamed" "an extension that is not that of its content"
        Mistyped "mistyped" "a type that is not that of its content"
        Macros "macros" "macros"
        AutoMacro "auto_macro" "a macro that runs by itself"
        RemoteTemplate "remote_template" "a template that is fetched from elsewhere"
        EmbeddedObject "embedded_object" "an object within the document"
        Dde "dde" "a field that starts a program"
        Shortcut "shortcut" "a shortcut"
        DiskImage "disk_image" "an image of a disk, which hides where its files come from"
        Notebook "notebook" "a notebook that can carry programs"
        ActiveHtml "active_html" "HTML with a script in it"
        HtmlForm "html_form" "HTML with a form in it"
        HtmlPassword "html_password" "HTML that asks for a password"
        Smuggling "smuggling" "HTML that makes a file out of itself"
        SvgActive "svg_active" "a drawing with a script in it"
        PdfScript "pdf_script" "a PDF with a script"
        PdfLaunch "pdf_launch" "a PDF that starts a program"
        PdfOpenAction "pdf_open_action" "a PDF that does something when it is opened"
        PdfForm "pdf_form" "a PDF with a form"
        PdfFile "pdf_file" "a PDF with a file in it"
        PdfLink "pdf_link" "a PDF with links"
        PdfEncrypted "pdf_encrypted" "a PDF that is encrypted"
        Archive "archive" "an archive"
        ArchiveEncrypted "archive_encrypted" "an archive with encrypted files"
        ArchiveNested "archive_nested" "an archive in an archive"
        ArchiveProgram "archive_program" "an archive with a program in it"
        ArchiveBroken "archive_broken" "an archive that cannot be read whole"
        ArchiveBomb "archive_bomb" "an archive that inflates to much more than it is"
        ArchivePath "archive_path" "an archive with files that lie elsewhere than in it"
        ArchiveBidiName "archive_bidi_name" "an archive with a name that turns the direction of writing"
        ArchiveSingle "archive_single" "an archive with one file in it"
        DocumentEncrypted "document_encrypted" "an encrypted document"
        Invitation "invitation" "an invitation"
        Wrapped "wrapped" "Outlook's wrapping, which few programs open"
        Empty "empty" "nothing in it"
        NoName "no_name" "no name"
        PasswordInText "password_in_text" "it is encrypted and the text tells a password"
    }
}

/// A file of an archive, as the archive tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its size, inflated, as the archive says.
    pub size: u64,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// What it is, where it was looked into.
    pub kind: FileKind,
}

/// A file that comes with the message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attachment {
    /// The part, by its place in [`super::Reading::parts`].
    pub part: usize,
    /// Its name as it is written; empty if it has none.
    pub name: String,
    /// The last extension of its name, in lower case.
    pub extension: String,
    /// The type it is said to have.
    pub declared: String,
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size: usize,
    /// The files in it, as far as they are listed.
    pub entries: Vec<Entry>,
    /// What is not plain about it.
    pub marks: Set<AttachmentMark>,
}
