// SPDX-License-Identifier: Apache-2.0
//! Pages on the policy as a whole (W09).

pages! {
    "W0901" "something that nothing uses"
    r#"A feature is kept up to date for every event, and a list is kept in memory, whether or not a rule reads it. Remove what is not
used, or use it. Reading it in a draft is using it. This is a warning."#
    "W0903" "more than the budget"
    r#"The most that judging an event of this type can cost, by the static cost of its rules and of what is served to them, is above the
budget. The dearest expression is shown. This is a warning: it says what can be, not what is usual."#
    "W0904" "a budget that cannot be"
    r#"A budget is a length of time between 1 microsecond and 1 second: budget login = "100us"."#
    "W0905" "the same twice"
    r#"A part, an item or a whole rule says what another says already. Often one of them was meant to say something else. This is a
warning."#
}
