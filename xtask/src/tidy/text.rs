// SPDX-License-Identifier: Apache-2.0
//! Rules for every file: small enough, no trailing blanks, and nothing that is true on one machine only.

use super::tree::MAX_FILE_BYTES;
use super::{Finding, Tree};

/// Folders of samples and recorded output, kept as they came.
const AS_THEY_CAME: [&str; 3] = ["testdata/", "snapshots/", "fuzz/seeds/"];

/// Top folders that hold a person's or a machine's own files. Without their slashes: this file is checked too.
const OF_ONE_MACHINE: [&str; 3] = ["root", "work", "home"];

/// Checks every file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, file) in tree.files() {
        if file.bytes > MAX_FILE_BYTES {
            let message =
                format!("has {} bytes; the repository holds nothing above {MAX_FILE_BYTES}", file.bytes);
            findings.push(Finding::new(path, 0, message));
        }
        if let Some(text) =
            file.text.as_deref().filter(|_| !AS_THEY_CAME.iter().any(|folder| path.contains(folder)))
        {
            let faults =
                text.split('\n').enumerate().filter_map(|(number, line)| Some((number + 1, fault(line)?)));
            findings.extend(faults.map(|(line, message)| Finding::new(path, line, message)));
        }
    }
    findings
}

/// What is wrong with a line, if anything.
fn fault(line: &str) -> Option<String> {
    if line.ends_with(char::is_whitespace) {
        return Some("ends in a blank".to_owned());
    }
    let folder =
        OF_ONE_MACHINE.iter().map(|name| format!("/{name}/")).find(|folder| names_folder(line, folder))?;
    Some(format!("names `{folder}`, which is a folder of one machine: use a relative path or a variable"))
}

/// Whether the folder stands in the line as an absolute path: `site.example/work/x` and `$HOME/work/x` are none.
fn names_folder(line: &str, folder: &str) -> bool {
    let starts_a_path = |before: &str| {
        before
            .chars()
            .next_back()
            .is_none_or(|letter| letter.is_whitespace() || "\"'`([<=:,>".contains(letter))
    };
    line.match_indices(folder).any(|(at, _)| starts_a_path(&line[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check_with;

    #[track_caller]
    fn check_text(path: &str, text: &str, expect: &[&str]) {
        check_with(check, &[(path, text)], expect);
    }

    #[test]
    fn lines_end_where_their_words_end() {
        check_text("a.md", "one\n\n  two\n", &[]);
        check_text("a.md", "one\ntwo \nthree\t\n", &["a.md:2: ends in a blank", "a.md:3: ends in a blank"]);
        check_text("a.md", "one\r\n", &["a.md:1: ends in a blank"]);
        check_text("crates/x/testdata/a.log", "as it came \n", &[]);
    }

    #[test]
    fn no_line_is_true_on_one_machine_only() {
        for name in OF_ONE_MACHINE {
            let finding = format!("a.md:1: names `/{name}/`");
            check_text("a.md", &format!("see /{name}/x"), &[&finding]);
            check_text("a.md", &format!("path=\"/{name}/x\""), &[&finding]);
            check_text("a.md", &format!("https://site.example/{name}/x $HOME/{name}/x ./{name}/x"), &[]);
            check_text("fuzz/seeds/a", &format!("/{name}/x"), &[]);
        }
    }

    #[test]
    fn files_are_small() {
        let limit = usize::try_from(MAX_FILE_BYTES).unwrap();
        check_text("a.txt", &"x".repeat(limit), &[]);
        check_text("a.txt", &"x".repeat(limit + 1), &["a.txt: has 1048577 bytes"]);
    }
}
