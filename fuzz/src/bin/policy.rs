// SPDX-License-Identifier: Apache-2.0
//! A policy as somebody may put it through the API: any text is compiled, or refused with places that lie in it; what
//! compiles can judge.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use wardroom_engine::{Active, Origin, rehearse};
use wardroom_event::NoFacts;
use wardroom_policy::Bundle;
use wardroom_report::{render, to_json};
use wardroom_state::{Keyer, Secret};

fuzz_target!(|text: &str| {
    let bundle = Bundle::single("fuzz/main.ward", text);
    let compiled = wardroom_policy::compile(&bundle);
    for diagnostic in &compiled.diagnostics {
        let places = std::iter::once(&diagnostic.primary).chain(&diagnostic.others);
        for (loc, _) in places {
            let (start, end) = (loc.start as usize, loc.end as usize);
            // The text as the compiler holds it: a byte order mark is no part of it.
            let text = compiled.sources.text(loc.file);
            assert!(start <= end && end <= text.len(), "a place off the text: {diagnostic:?}");
            assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{diagnostic:?}");
        }
        assert!(wardroom_policy::page(diagnostic.code).is_some(), "{} has no page", diagnostic.code);
    }
    let refused = compiled.diagnostics.iter().any(wardroom_report::Diagnostic::is_error);
    assert_eq!(refused, compiled.program.is_none(), "refused without a word, or taken with an error");
    // Drawing walks the text for each diagnostic: a few show what all would.
    let few = &compiled.diagnostics[..compiled.diagnostics.len().min(5)];
    let _ = (render(few, &compiled.sources, false), to_json(few, &compiled.sources));
    if let Some(program) = &compiled.program {
        let events: i64 = program.cases.iter().flat_map(|c| &c.given).map(|g| g.times).sum();
        if events < 200 {
            run(bundle);
        }
    }
});

/// The policy's tests, whatever they expect.
fn run(bundle: Bundle) {
    let made = Active::compile(bundle, Origin::Api, &Keyer::new(Secret([1; 16])), None);
    if let Ok((active, _)) = made {
        for result in rehearse(&Arc::new(active), &NoFacts) {
            assert!(result.fired.iter().all(|(rule, ..)| !rule.is_empty()));
        }
    }
}
