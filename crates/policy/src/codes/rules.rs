// SPDX-License-Identifier: Apache-2.0
//! Pages on rules (W05).

pages! {
    "W0501" "a condition that is always the same"
    r#"A condition that reads nothing of the event, no field and no feature, is the same for every event. A rule that always
or never fires is a mistake, or belongs in the caller."#
    "W0502" "not a verdict"
    r#"What follows is one of allow, limit, challenge, review and block; challenge("second factor") also says what to ask for. Effects
stand beside it or alone: then block, label(ip.net, "farm")."#
    "W0503" "two verdicts in one rule"
    r#"A rule gives one verdict. Of several rules that fire the strongest verdict wins, except that `allow` rules go first."#
    "W0504" "no such mode"
    r#"A rule is draft (only tested), shadow (run and recorded, decides nothing), canary (decides a share: canary 5% by account), live,
or retired."#
    "W0505" "`missing` says something else"
    r#"`missing` says what an unknown condition means: false (the rule does not fire; this is the default), true (it fires), or
review (a person decides)."#
    "W0506" "terms that never hold together"
    r#"Terms joined with `and` leave no value: the rule could never fire.

    when tries > 10 and tries < 5      # wrong
    when tries > 10 or tries < 5       # right"#
    "W0507" "a comparison that always holds"
    r#"A count is never less than 0, and a share lies between 0 and 1. A comparison that is true of every value asks nothing, save
whether the value is known: say so.

    when failures >= 0                 # wrong
    when failures is not missing       # right"#
    "W0508" "a part that is always the same"
    r#"A part that is always true says nothing, and one that is always false stops the rule. What was left from trying something out
should go; to switch a rule off there is its mode. This is a warning."#
    "W0509" "a share wrongly written"
    r#"A canary decides a share of the events, always of the same entities, and is a shadow for the others.

    mode canary 5 by account       # wrong
    mode canary 5% by account      # right"#
    "W0510" "`expires` is no time"
    r#"A rule expires at a point in time, with its zone.

    expires "2027-01-01"               # wrong
    expires "2027-01-01T00:00:00Z"     # right"#
    "W0511" "an effect wrongly written"
    r#"The effects are label(ENTITY, "label", expires="14d"), list(VALUE, LIST, expires="1d"), case("queue"), notify("desk") and
webhook("name")."#
    "W0512" "a list that takes no such value"
    r#"A rule puts values on a list of their type. An `ip` can also be put on a list of `net`, and any text on a list of `text`."#
    "W0513" "not a label"
    r#"Labels are typed, searched for and shown everywhere, so they are short: at most 64 of a–z, 0–9, `-`, `_` and `.`.

    label(ip.net, "Signup Farm")      # wrong
    label(ip.net, "signup-farm")      # right"#
    "W0514" "a name that is in use"
    r#"`was` names the rule's id before, so that its past is found. If a rule has that name now, its past is its own."#
    "W0515" "too many effects"
    r#"A rule has at most 8 effects. Split it, or call a webhook that does the rest."#
}
