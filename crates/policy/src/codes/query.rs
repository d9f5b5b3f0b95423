// SPDX-License-Identifier: Apache-2.0
//! Pages on queries (W10).

pages! {
    "W1001" "no type of event to ask about"
    r#"A query begins with the type of event that it asks about, one of those that the policy declares.

    where not ok show count            # wrong
    login where not ok show count      # right"#
    "W1002" "adding up in the wrong place"
    r#"`where`, `by` and what an aggregate is of are asked of one event at a time; `show` says what is added up over many: count,
count(condition), share(condition), distinct, sum, mean, min, max, median, quantile, first and last. Each stands alone: what `by`
groups by is shown without being asked for, and aggregates cannot be calculated with.

    login where count > 10 by account           # wrong
    login by account show count top 20          # right: those with the most

    login by account show account, count        # wrong
    login by account show count, last(ip)       # right"#
    "W1003" "an order that cannot be"
    r#"Answers are put in order by a number or a time: one that is shown, by its name or as it is written, or an aggregate that is
asked for this alone. What changed has an order where `against` says since when: top 20 by change(count)."#
    "W1004" "a time that cannot be"
    r#"`last`, `per` and `against` take a length of time, such as "90m", "24h" or "7d"; `from` and `to` take a day, "2026-11-01", or
a time with its zone, "2026-11-01T10:00:00Z". `to` is not part of the period. `last` stands alone, and `against` needs a
period with both ends, since as long a one before it is put beside it."#
    "W1005" "more than a query can ask for"
    r#"A query is bounded, as everything is: its text, how many keys it groups by, how many columns it shows, how many groups or
rows `top` asks for."#
    "W1006" "a type that cannot be added up"
    r#"Sums, means, extremes and quantiles are of numbers, lengths of time, sizes and rates (min, max and quantile also of times). Texts
and addresses can be told apart, distinct(ip), or taken, last(ip). Of a list, ask for something: len(urls)."#
    "W1007" "no such rule today"
    r#"`fired` takes the id of a rule. The policy in force has none of this name; an earlier one may have had it, and its decisions
are found under that name still. Where it is a slip, the answer is false everywhere. This is a warning."#
}
