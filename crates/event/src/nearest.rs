// SPDX-License-Identifier: Apache-2.0
//! The name that was probably meant.

/// The candidate nearest to `name`, when one is near enough to be worth saying: at most a third of its letters
/// differ. Optimal string alignment: a swap of neighbours counts one.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(64).flat_map(char::to_lowercase).collect();
    let most = (name.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (distance(&name, c), c))
        .filter(|(d, _)| *d <= most)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).flat_map(char::to_lowercase).collect();
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, cb) in b.iter().enumerate() {
            let swap = i > 0 && j > 0 && *ca == b[j - 1] && a[i - 1] == *cb;
            let change = last[j] + usize::from(ca != cb);
            row[j + 1] = change.min(last[j + 1] + 1).min(row[j] + 1);
            if swap {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = ["signup", "login", "account", "user_agent"];
        let check = |name: &str, expect: Option<&str>| assert_eq!(nearest(name, names), expect, "{name}");
        check("sigup", Some("signup"));
        check("acount", Some("account"));
        check("Login", Some("login"));
        check("useragent", Some("user_agent"));
        check("payment", None);
        check("", None);
    }
}
