// SPDX-License-Identifier: Apache-2.0
//! The shipped packs, inside the program: `demo` and `replay` need no file beside it.

use wardroom_policy::Bundle;

/// Path and text of every shipped file.
const FILES: [(&str, &str); 3] = [
    ("account/account.ward", include_str!("../../../policy/account/account.ward")),
    ("ssh/ssh.ward", include_str!("../../../policy/ssh/ssh.ward")),
    ("web/web.ward", include_str!("../../../policy/web/web.ward")),
];

/// The policy that `init` writes: one event type, one rule, its test.
pub(crate) const FIRST: &str = include_str!("first.ward");

/// All shipped packs as one policy.
pub(crate) fn shipped() -> Bundle {
    let mut bundle = Bundle::new();
    for (path, text) in FILES {
        bundle.add(path, text);
    }
    bundle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_in_the_policy_folder_is_shipped() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policy");
        let read = crate::policy_dir::load(folder.as_ref()).unwrap();
        assert_eq!(read.version(), shipped().version());
    }

    #[test]
    fn what_is_shipped_compiles_without_a_word() {
        for bundle in [shipped(), Bundle::single("first.ward", FIRST)] {
            let compiled = wardroom_policy::compile(&bundle);
            assert_eq!(wardroom_report::render(&compiled.diagnostics, &compiled.sources, false), "");
        }
    }
}
