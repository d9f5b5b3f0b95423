// SPDX-License-Identifier: Apache-2.0
//! What a file is, by its first bytes.

use crate::kind::kinds;

kinds! {
    /// What a file is.
    #[derive(Default)]
    FileKind {
        #[default] Unknown "unknown" "nobody knows what"
        Empty "empty" "nothing"
        Text "text" "a text"
        Html "html" "a page of HTML"
        Xml "xml" "XML"
        Svg "svg" "an SVG drawing"
        Rtf "rtf" "an RTF document"
        Pdf "pdf" "a PDF document"
        Png "png" "a PNG picture"
        Jpeg "jpeg" "a JPEG picture"
        Gif "gif" "a GIF picture"
        Bmp "bmp" "a BMP picture"
        Webp "webp" "a WebP picture"
        Tiff "tiff" "a TIFF picture"
        Zip "zip" "a ZIP archive"
        Ooxml "ooxml" "an Office document"
        Jar "jar" "a Java archive"
        Apk "apk" "an Android program"
        OpenDocument "opendocument" "an OpenDocument document"
        Ole "ole" "an Office document of old, or another compound file"
        Msg "msg" "an Outlook message"
        Msi "msi" "a Windows installer"
        Rar "rar" "a RAR archive"
        SevenZip "7z" "a 7z archive"
        Gzip "gzip" "a gzip archive"
        Bzip2 "bzip2" "a bzip2 archive"
        Xz "xz" "an xz archive"
        Tar "tar" "a tar archive"
        Cab "cab" "a CAB archive"
        Ace "ace" "an ACE archive"
        Arj "arj" "an ARJ archive"
        Lzh "lzh" "an LZH archive"
        Exe "exe" "a Windows program"
        Elf "elf" "a Linux program"
        MachO "macho" "a macOS program"
        Class "class" "a Java class"
        Lnk "lnk" "a Windows shortcut"
        UrlFile "url_file" "an internet shortcut"
        Iso "iso" "a disc image"
        Vhd "vhd" "a disk image"
        OneNote "onenote" "a OneNote notebook"
        Chm "chm" "a Windows help file"
        Script "script" "a script"
        Tnef "tnef" "Outlook's wrapping (winmail.dat)"
        Calendar "calendar" "an invitation"
        VCard "vcard" "a business card"
        Pgp "pgp" "something signed or encrypted with PGP"
        Pkcs7 "pkcs7" "something signed or encrypted with S/MIME"
        Message "message" "a mail"
        Audio "audio" "a sound"
        Video "video" "a film"
    }
}

/// Bytes of a file that are looked at.
const HEAD_BYTES: usize = 1024;

/// First bytes that tell what a file is. Where several fit, the first counts.
const MAGIC: [(&[u8], FileKind); 39] = [
    (b"%PDF-", FileKind::Pdf),
    (b"\x89PNG\r\n\x1a\n", FileKind::Png),
    (b"\xff\xd8\xff", FileKind::Jpeg),
    (b"GIF8", FileKind::Gif),
    (b"BM", FileKind::Bmp),
    (b"II*\0", FileKind::Tiff),
    (b"MM\0*", FileKind::Tiff),
    (b"PK\x03\x04", FileKind::Zip),
    (b"PK\x05\x06", FileKind::Zip),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind::Ole),
    (b"Rar!\x1a\x07", FileKind::Rar),
    (b"7z\xbc\xaf\x27\x1c", FileKind::SevenZip),
    (b"\x1f\x8b", FileKind::Gzip),
    (b"BZh", FileKind::Bzip2),
    (b"\xfd7zXZ\0", FileKind::Xz),
    (b"MSCF", FileKind::Cab),
    (b"MZ", FileKind::Exe),
    (b"\x7fELF", FileKind::Elf),
    (b"\xfe\xed\xfa\xce", FileKind::MachO),
    (b"\xfe\xed\xfa\xcf", FileKind::MachO),
    (b"\xcf\xfa\xed\xfe", FileKind::MachO),
    (b"\xce\xfa\xed\xfe", FileKind::MachO),
    (b"\xca\xfe\xba\xbe", FileKind::Class),
    (b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F", FileKind::Lnk),
    (b"[InternetShortcut]", FileKind::UrlFile),
    (b"conectix", FileKind::Vhd),
    (b"vhdxfile", FileKind::Vhd),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", FileKind::OneNote),
    (b"ITSF", FileKind::Chm),
    (b"{\\rtf", FileKind::Rtf),
    (b"\x78\x9f\x3e\x22", FileKind::Tnef),
    (b"BEGIN:VCALENDAR", FileKind::Calendar),
    (b"BEGIN:VCARD", FileKind::VCard),
    (b"-----BEGIN PGP", FileKind::Pgp),
    (b"ID3", FileKind::Audio),
    (b"OggS", FileKind::Audio),
    (b"\x1aE\xdf\xa3", FileKind::Video),
    (b"#!", FileKind::Script),
    (b"\x60\xea", FileKind::Arj),
];

/// Bytes that tell what a file is from within it.
const WITHIN: [(usize, &[u8], FileKind); 8] = [
    (7, b"**ACE**", FileKind::Ace),
    (2, b"-lh", FileKind::Lzh),
    (8, b"WEBP", FileKind::Webp),
    (8, b"WAVE", FileKind::Audio),
    (8, b"AVI ", FileKind::Video),
    (4, b"ftyp", FileKind::Video),
    (257, b"ustar", FileKind::Tar),
    (0x8001, b"CD001", FileKind::Iso),
];

/// What a file is, by its bytes alone.
pub(super) fn kind(bytes: &[u8]) -> FileKind {
    if bytes.is_empty() {
        return FileKind::Empty;
    }
    let first = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|&(_, kind)| kind);
    let within = || {
        let fits = |(at, magic): (usize, &[u8])| bytes.get(at..).is_some_and(|rest| rest.starts_with(magic));
        WITHIN.iter().find(|&&(at, magic, _)| fits((at, magic))).map(|&(.., kind)| kind)
    };
    match first.or_else(within) {
        // Two letters are no proof: texts begin with them as well.
        Some(FileKind::Bmp | FileKind::Exe | FileKind::Bzip2 | FileKind::Audio)
            if text(bytes) == FileKind::Text =>
        {
            FileKind::Text
        }
        Some(kind) => kind,
        None => text(bytes),
    }
}

/// What kind of text it is, if it is one.
fn text(bytes: &[u8]) -> FileKind {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let begins = |words: &[&str]| {
        let fits = |word: &&str| {
            head.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()))
        };
        words.iter().any(fits)
    };
    if begins(&["<svg"]) {
        return FileKind::Svg;
    }
    if begins(&[
        "<!doctype html",
        "<html",
        "<head",
        "<body",
        "<script",
        "<table",
        "<div",
        "<center",
        "<iframe",
        "<meta",
    ]) {
        return FileKind::Html;
    }
    if begins(&["<?xml"]) {
        let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
        return if has(b"<svg") {
            FileKind::Svg
        } else if has(b"<html") {
            FileKind::Html
        } else {
            FileKind::Xml
        };
    }
    if begins(&["begin:vcalendar"]) {
        return FileKind::Calendar;
    }
    // UTF-16 of scripts and notes begins with a mark; other bytes below a blank are in no text.
    let marked = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    let control =
        head.iter().filter(|&&b| b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)).count();
    if marked || control == 0 { FileKind::Text } else { FileKind::Unknown }
}

/// What files of an extension are, where there is one such kind.
pub(super) fn by_extension(extension: &str) -> Option<FileKind> {
    Some(match extension {
        "pdf" => FileKind::Pdf,
        "png" => FileKind::Png,
        "jpg" | "jpeg" | "jpe" | "jfif" => FileKind::Jpeg,
        "gif" => FileKind::Gif,
        "bmp" => FileKind::Bmp,
        "webp" => FileKind::Webp,
        "tif" | "tiff" => FileKind::Tiff,
        "zip" => FileKind::Zip,
        "docx" | "docm" | "dotx" | "dotm" | "xlsx" | "xlsm" | "xltx" | "xltm" | "xlsb" | "xlam" | "pptx"
        | "pptm" | "ppsx" | "ppsm" | "potx" | "potm" => FileKind::Ooxml,
        "odt" | "ods" | "odp" => FileKind::OpenDocument,
        "jar" => FileKind::Jar,
        "apk" => FileKind::Apk,
        "doc" | "dot" | "xls" | "xlt" | "ppt" | "pps" => FileKind::Ole,
        "msg" => FileKind::Msg,
        "msi" | "msp" => FileKind::Msi,
        "rtf" => FileKind::Rtf,
        "rar" => FileKind::Rar,
        "7z" => FileKind::SevenZip,
        "gz" | "tgz" => FileKind::Gzip,
        "bz2" => FileKind::Bzip2,
        "xz" => FileKind::Xz,
        "tar" => FileKind::Tar,
        "cab" => FileKind::Cab,
        "ace" => FileKind::Ace,
        "arj" => FileKind::Arj,
        "lzh" | "lha" => FileKind::Lzh,
        "exe" | "scr" | "dll" | "pif" | "com" | "cpl" | "ocx" | "xll" => FileKind::Exe,
        "class" => FileKind::Class,
        "lnk" => FileKind::Lnk,
        "url" | "website" => FileKind::UrlFile,
        "iso" | "img" => FileKind::Iso,
        "vhd" | "vhdx" => FileKind::Vhd,
        "one" => FileKind::OneNote,
        "chm" => FileKind::Chm,
        "htm" | "html" | "shtml" | "xhtml" | "mht" => FileKind::Html,
        "svg" => FileKind::Svg,
        "xml" => FileKind::Xml,
        "ics" | "ical" => FileKind::Calendar,
        "vcf" => FileKind::VCard,
        "eml" => FileKind::Message,
        "asc" | "pgp" | "gpg" => FileKind::Pgp,
        "p7s" | "p7m" | "p7c" => FileKind::Pkcs7,
        "dat" | "tnef" => FileKind::Tnef,
        "js" | "jse" | "vbs" | "vbe" | "wsf" | "wsh" | "hta" | "ps1" | "psm1" | "bat" | "cmd" | "sh"
        | "py" | "pl" | "php" | "scpt" | "command" | "reg" | "sct" | "inf" | "msc" | "library-ms"
        | "settingcontent-ms" | "application" | "appref-ms" | "search-ms" | "ws" => FileKind::Script,
        "txt" | "csv" | "log" | "md" | "patch" | "diff" | "c" | "h" | "cpp" | "rs" | "java" => FileKind::Text,
        "mp3" | "wav" | "ogg" | "m4a" | "mid" | "wma" => FileKind::Audio,
        "mp4" | "avi" | "mov" | "mpg" | "mpeg" | "wmv" | "mkv" | "webm" => FileKind::Video,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_what_their_bytes_say() {
        let check =
            |bytes: &[u8], expect: FileKind| assert_eq!(kind(bytes), expect, "{}", bytes.escape_ascii());
        check(b"", FileKind::Empty);
        check(b"%PDF-1.7", FileKind::Pdf);
        check(b"MZ\x90\0", FileKind::Exe);
        check(b"PK\x03\x04....", FileKind::Zip);
        check(b"RIFF....WEBP", FileKind::Webp);
        check(b" \n<!DOCTYPE HTML>", FileKind::Html);
        check(b"<?xml version='1.0'?><svg>", FileKind::Svg);
        check(b"plain words", FileKind::Text);
        check(b"BMW is a car, and this a text", FileKind::Text);
        check(b"MZ is no program without its numbers", FileKind::Text);
        check(b"\0\x01\x02", FileKind::Unknown);
        let mut image = vec![0; 0x8001];
        image.extend_from_slice(b"CD001");
        check(&image, FileKind::Iso);
    }
}
