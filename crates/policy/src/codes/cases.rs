// SPDX-License-Identifier: Apache-2.0
//! Pages on tests (W06).

pages! {
    "W0601" "too many events in a test"
    r#"One `given` makes between 1 and 10,000 events."#
    "W0602" "not an event"
    r#"A test's events are written with the fields that matter: login(ip="192.0.2.7", ok=false). Other required fields get
values of their own; optional ones are missing."#
    "W0603" "no such verdict"
    r#"The verdicts are allow, limit, challenge, review and block."#
    "W0604" "not a fact"
    r#"`given` can say what a look-up would find: ip.asn, ip.country, ip.kind, ip.lat, ip.lon, url.site, domain.site, email.site,
user_agent.family and user_agent.os. What the event brings itself stands among its values.

    given ip = "192.0.2.7"                                        # wrong
    given ip.kind = "hosting", login(ip="192.0.2.7")              # right"#
    "W0605" "`at` is no time"
    r#"The event to judge happens at a point in time, with its zone: when login(…) at "2026-01-05T03:00:00Z"."#
    "W0606" "not an effect"
    r#"A test names effects as the rule writes them, without how long they last.

    expect block, label(ip.net, "farm", expires="14d")      # wrong
    expect block, label(ip.net, "farm")                     # right"#
}
