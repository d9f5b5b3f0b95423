// SPDX-License-Identifier: Apache-2.0
//! Mail as a stranger sends it: reading never fails, spends no more than its budget, points only into the message, and gives
//! the same for the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wardroom_mail::limits::{self, Budget, Resource};
use wardroom_mail::read::{Reading, read};

fuzz_target!(|raw: &[u8]| {
    // Half of the inputs are read within a budget that runs out.
    let small = raw.len() % 2 == 1;
    let budget = || if small { tight() } else { Budget::default() };
    let mut spending = budget();
    let reading = read(raw, &mut spending);
    check(raw, &reading, &spending);
    assert_eq!(reading, read(raw, &mut budget()));
});

/// A budget that most messages use up.
fn tight() -> Budget {
    Resource::ALL.into_iter().fold(Budget::default(), |budget, resource| {
        let limit = match resource {
            Resource::Bytes => 4096,
            Resource::HeaderBytes | Resource::Decoded | Resource::Text | Resource::Inflated => 256,
            _ => 3,
        };
        budget.with(resource, limit)
    })
}

fn check(raw: &[u8], reading: &Reading, budget: &Budget) {
    for resource in Resource::ALL {
        assert!(reading.spent.of(resource) <= budget.limit(resource), "{resource:?}");
        assert_eq!(reading.oddities.contains(resource.oddity()), budget.ran_out(resource), "{resource:?}");
    }
    assert!(reading.parts.len() <= budget.limit(Resource::Parts));
    assert!(reading.headers.len() <= budget.limit(Resource::Headers));
    assert!(reading.urls.len() <= budget.limit(Resource::Urls));
    assert!(reading.attachments.len() <= budget.limit(Resource::Attachments));
    assert!(reading.received.len() <= limits::HOPS);
    // Ends of lines and tags make no more than they take.
    assert!(reading.text.len() + reading.hidden.len() <= 2 * budget.limit(Resource::Text) + 1024);
    for (at, part) in reading.parts.iter().enumerate() {
        assert!(part.body.start <= part.body.end && part.body.end <= raw.len());
        assert!(part.depth <= budget.limit(Resource::Depth));
        assert!(part.parent.is_none_or(|parent| parent < at));
    }
    for header in &reading.headers {
        assert!(header.at.start <= header.at.end && header.at.end <= raw.len());
        assert!(!header.value.contains(|c: char| c.is_control()), "{:?}", header.value);
    }
    for url in &reading.urls {
        assert!(url.seen.len() <= limits::URL_BYTES && url.words.len() <= limits::URL_WORDS);
        assert!(url.part < reading.parts.len());
        assert!(url.target.is_none_or(|target| target < reading.urls.len()));
    }
    for attachment in &reading.attachments {
        assert!(attachment.part < reading.parts.len());
    }
    let entries: usize = reading.attachments.iter().map(|attachment| attachment.entries.len()).sum();
    assert!(entries <= budget.limit(Resource::Entries));
}
