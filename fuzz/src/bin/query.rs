// SPDX-License-Identifier: Apache-2.0
//! A query as somebody may send it: any text is understood, or refused with places that lie in it; what is understood has
//! one form, which means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wardroom_policy::Bundle;
use wardroom_policy::query::{compile, file, format};
use wardroom_report::render;

/// What queries are asked of: a field of each kind, lists, features, a score, rules.
const POLICY: &str = include_str!("../../../crates/policy/testdata/query/policy.ward");

fuzz_target!(|text: &str| {
    let bundle = Bundle::single("main.ward", POLICY);
    let compiled = compile(&bundle, text);
    let own = file(&compiled.sources);
    for diagnostic in &compiled.diagnostics {
        let places = std::iter::once(&diagnostic.primary).chain(&diagnostic.others);
        for (loc, _) in places.filter(|(loc, _)| loc.file == own) {
            // The text as the compiler holds it: a byte order mark is no part of it.
            let text = compiled.sources.text(own);
            let (start, end) = (loc.start as usize, loc.end as usize);
            assert!(start <= end && end <= text.len(), "a place off the text: {diagnostic:?}");
            assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{diagnostic:?}");
        }
        assert!(wardroom_policy::page(diagnostic.code).is_some(), "{} has no page", diagnostic.code);
    }
    let refused = compiled.diagnostics.iter().any(wardroom_report::Diagnostic::is_error);
    assert_eq!(refused, compiled.query.is_none(), "refused without a word, or taken with an error");
    let few = &compiled.diagnostics[..compiled.diagnostics.len().min(5)];
    let _ = render(few, &compiled.sources, false);
    let Ok(form) = format(text) else { return };
    assert_eq!(format(&form).ok().as_ref(), Some(&form), "the form of a form is another");
    if let Some(query) = compiled.query {
        let again = compile(&bundle, &form).query;
        assert_eq!(again.map(|q| q.text), Some(query.text), "the form means something else");
    }
});
