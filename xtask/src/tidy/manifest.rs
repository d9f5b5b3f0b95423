// SPDX-License-Identifier: Apache-2.0
//! Reads the one thing tidy needs from this repository's manifests: the names of dependencies.
//!
//! Line by line, because the files are ours and a line number is wanted anyway. Keys over several lines inside a
//! dependency's inline table, and dotted table names in quotes, are not understood; nobody here writes them.

/// A dependency as a manifest names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dependency<'a> {
    /// The package's name.
    pub(super) name: &'a str,
    /// Where, from 1.
    pub(super) line: usize,
}

/// Every dependency of a manifest, of all kinds and targets.
pub(super) fn dependencies(text: &str) -> Vec<Dependency<'_>> {
    let (mut found, mut inside) = (Vec::new(), false);
    for (number, raw) in text.lines().enumerate() {
        let (line, at) = (raw.trim(), number + 1);
        if let Some(section) = section(line) {
            let parts: Vec<&str> = section.split('.').collect();
            let table = parts.iter().position(|part| part.ends_with("dependencies"));
            inside = table == Some(parts.len() - 1);
            if let Some(table) = table
                && table + 2 == parts.len()
            {
                found.push(Dependency { name: parts[table + 1], line: at });
            }
        } else if inside && let Some((key, value)) = line.split_once('=') {
            let name = renamed(value).unwrap_or_else(|| key.trim().split('.').next().unwrap_or_default());
            if !name.is_empty() && !line.starts_with('#') {
                found.push(Dependency { name, line: at });
            }
        }
    }
    found
}

/// The name in `[name]`.
fn section(line: &str) -> Option<&str> {
    line.split('#').next()?.trim().strip_prefix('[')?.strip_suffix(']')
}

/// The package behind `alias = { package = "name", … }`.
fn renamed(value: &str) -> Option<&str> {
    value.split_once("package")?.1.trim_start().strip_prefix('=')?.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[(&str, usize)]) {
        let found: Vec<_> = dependencies(text).iter().map(|dep| (dep.name, dep.line)).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn dependencies_of_every_form() {
        check("[package]\nname = \"x\"\n", &[]);
        check(
            "[dependencies]\nserde = \"1\"\nwardroom-event.workspace = true\n",
            &[("serde", 2), ("wardroom-event", 3)],
        );
        check("[dev-dependencies]\n# a = \"1\"\nb = { path = \"../b\" } # why\n", &[("b", 3)]);
        check("[dependencies.c]\nversion = \"1\"\n[lints]\nworkspace = true\n", &[("c", 1)]);
        check("[target.'cfg(unix)'.dependencies]\nd = \"1\"\n", &[("d", 2)]);
        check("[build-dependencies]\nalias = { version = \"1\", package = \"e\" }\n", &[("e", 2)]);
        check("[workspace.dependencies]\nf = \"1\"\n", &[("f", 2)]);
    }
}
