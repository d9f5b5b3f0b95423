// SPDX-License-Identifier: Apache-2.0
//! The first lines of source files: licence, what the file is for, and for a crate what it does not know.

use super::{Finding, Tree};

/// The first line of each source file.
const SPDX: &str = "// SPDX-License-Identifier: Apache-2.0";

/// The first line of each Python file.
const SPDX_PYTHON: &str = "# SPDX-License-Identifier: Apache-2.0";

/// Words of which a crate's first comment has one: the border is why it is a crate.
const BORDER: [&str; 4] = ["knows no", "know no", "does not know", "do not know"];

/// Checks every `.rs` and `.py` file and every crate's root.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        tree.texts(".rs").filter_map(|(path, text)| header(path, text)).collect();
    findings.extend(tree.texts(".py").filter_map(|(path, text)| header_python(path, text)));
    findings.extend(tree.crates().filter_map(|name| border(tree, name)));
    findings
}

/// Line one is the licence, line two says what the file is for.
fn header(path: &str, text: &str) -> Option<Finding> {
    let mut lines = text.lines();
    if lines.next() != Some(SPDX) {
        return Some(Finding::new(path, 1, format!("the first line must be `{SPDX}`")));
    }
    let says_what_for =
        lines.next().and_then(|line| line.strip_prefix("//! ")).is_some_and(|words| !words.trim().is_empty());
    (!says_what_for)
        .then(|| Finding::new(path, 2, "the second line must say in `//! …` what the file is for"))
}

/// The same for Python, in its docstring.
fn header_python(path: &str, text: &str) -> Option<Finding> {
    let mut lines = text.lines();
    if lines.next() != Some(SPDX_PYTHON) {
        return Some(Finding::new(path, 1, format!("the first line must be `{SPDX_PYTHON}`")));
    }
    let second = lines.next().and_then(|line| line.strip_prefix("\"\"\""));
    let says_what_for = second.is_some_and(|words| !words.trim_matches('"').trim().is_empty());
    (!says_what_for)
        .then(|| Finding::new(path, 2, "the second line must say in a docstring what the file is for"))
}

/// The root of a crate says what the crate does not know.
fn border(tree: &Tree, name: &str) -> Option<Finding> {
    let path = format!("crates/{name}/src/lib.rs");
    // A crate without a library is a binary, and that one has to know everybody.
    let text = tree.text(&path)?;
    let lines = text.lines().skip(1).map_while(|line| line.strip_prefix("//!"));
    // Joined by single spaces: the sentence may run over the end of a line.
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let sentence = words.join(" ").replace('*', "").to_lowercase();
    (!BORDER.iter().any(|words| sentence.contains(words))).then(|| {
        Finding::new(&path, 2, "its `//!` comment must say what the crate does not know: “It knows no …”")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check_with;

    #[track_caller]
    fn check_files(files: &[(&str, &str)], expect: &[&str]) {
        check_with(check, files, expect);
    }

    const GOOD: &str = "// SPDX-License-Identifier: Apache-2.0\n//! What it is for.\n";

    #[test]
    fn each_file_opens_with_licence_and_purpose() {
        check_files(&[("a.rs", GOOD), ("b.md", "no header")], &[]);
        check_files(&[("a.rs", "//! What it is for.\n")], &["a.rs:1: the first line must be"]);
        check_files(&[("a.rs", "")], &["a.rs:1:"]);
        check_files(&[("a.rs", "// SPDX-License-Identifier: MIT\n//! x\n")], &["a.rs:1:"]);
        check_files(
            &[("a.rs", "// SPDX-License-Identifier: Apache-2.0\nuse std::fs;\n")],
            &["a.rs:2: the second line"],
        );
        check_files(&[("a.rs", "// SPDX-License-Identifier: Apache-2.0\n//! \n")], &["a.rs:2:"]);
    }

    #[test]
    fn so_does_each_python_file() {
        let spdx = "# SPDX-License-Identifier: Apache-2.0\n";
        let check = |rest: &str, expect: &[&str]| check_files(&[("a.py", &format!("{spdx}{rest}"))], expect);
        check("\"\"\"What it is for.\"\"\"\n", &[]);
        check("\"\"\"What it is for\nand more.\n\"\"\"\n", &[]);
        check("import os\n", &["a.py:2: the second line"]);
        check("\"\"\"\"\"\"\n", &["a.py:2: the second line"]);
        check_files(&[("a.py", "\"\"\"What it is for.\"\"\"\n")], &["a.py:1: the first line must be"]);
    }

    #[test]
    fn each_crate_says_what_it_does_not_know() {
        let with = |words: &str| format!("{GOOD}//!\n{words}\nfn f() {{}}\n//! knows no order\n");
        let border = |words: &str, expect: &[&str]| {
            check_files(&[("crates/x/Cargo.toml", ""), ("crates/x/src/lib.rs", &with(words))], expect);
        };
        border("//! It knows no surface.", &[]);
        border("//! It does not\n//! know who reads it.", &[]);
        border("//! Both know nothing of rules.", &[]);
        border("//! It knows everything.", &["crates/x/src/lib.rs:2: its `//!` comment must say"]);
        border("//! It **does not** know who reads it.", &[]);
        check_files(&[("crates/x/Cargo.toml", ""), ("crates/x/src/main.rs", GOOD)], &[]);
    }
}
