// SPDX-License-Identifier: Apache-2.0
//! Pages on features (W04).

pages! {
    "W0401" "not a feature"
    r#"A feature counts: count, distinct, sum, mean, min, max, last, first_seen, seen, rate, ratio, quantile, baseline, speed and
sequence, each with the events it looks at. Or it is computed from others and from fields.

    feature failures = login.count(by=ip)                       # wrong
    feature failures = count(login, by=ip, last="1h")           # right"#
    "W0402" "a wrong argument of a feature"
    r#"Each aggregate has its arguments: count(EVENTS, where=CONDITION, by=KEY, last="1h") looks at the events that stand first, and
sum(WHAT, of=EVENTS, where=…, by=…, last=…) at something of them. EVENTS is one event type or several in brackets."#
    "W0403" "a window that cannot be"
    r#"`last=` says how far back a feature counts, between 1 second and 400 days. Only first_seen and last can do without."#
    "W0404" "not a key"
    r#"`by=` is a field, a part of one, or up to four of these in parentheses: by=(account, ip.net)."#
    "W0405" "a feature that cannot be read here"
    r#"A feature is read under the key of the event in hand, so that event needs the fields the feature is counted by, under
the same types."#
    "W0406" "what a figure never or always is"
    r#"A count is never less than 0, and a share lies between 0 and 1. What is asked beyond that is always so or never so.

    when failing > 50          # wrong, where failing is a ratio
    when failing > 0.5         # right"#
    "W0407" "`including` of something else"
    r#"A window leaves the event in hand out. `including=self` counts it in; nothing else can be included."#
    "W0408" "not a quantity"
    r#"`sum`, `mean`, `min`, `max` and `quantile` are of quantities: int, number, duration, size and rate. Values of other types are
counted, with `count` or `distinct`. A list is no single value: take something of it first.

    sum(name, of=login, by=ip, last="1h")            # wrong
    distinct(name, of=login, by=ip, last="1h")       # right"#
    "W0409" "a quantile without its share"
    r#"`q=` says which share of the values lies below: 0.5 is the median, and only one in twenty exceeds 0.95.

    quantile(amount, of=payment, q=95, last="30d")       # wrong
    quantile(amount, of=payment, q=0.95, last="30d")     # right"#
    "W0410" "a baseline wrongly written"
    r#"A baseline says what a `count` usually is at this hour of the week, from whole weeks before. It has the figures `.mean`,
`.spread` and `.weeks`.

    when logins > 3 * baseline(logins)                          # wrong
    when logins > 3 * baseline(logins, over="28d").mean         # right"#
    "W0411" "a speed without a place"
    r#"`speed` needs to know where each event happened: `lat=` and `lon=` are fields, or parts of one, in degrees.

    speed(login, by=account, last="1d")                                     # wrong
    speed(login, lat=ip.lat, lon=ip.lon, by=account, last="1d")             # right"#
    "W0412" "a sequence without its parts"
    r#"A sequence counts how often enough events of one kind were followed by one of another, soon enough.

    sequence(login, first=not ok, then=ok, by=account, last="1d")                                   # wrong
    sequence(login, first=not ok, times=5, then=ok, by=account, within="10m", last="1d")            # right"#
    "W0414" "a feature that is a constant"
    r#"A feature is counted, or computed from what an event brings. A value with a name is a constant.

    feature burst = 30      # wrong
    const burst = 30        # right"#
}
