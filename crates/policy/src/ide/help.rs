// SPDX-License-Identifier: Apache-2.0
//! What the words of the language mean, each in a sentence: what an editor shows beside them.

use wardroom_event::Part;

/// A word, how it is written where that is more than the word, and what it means.
pub(super) struct Help {
    pub(super) word: &'static str,
    pub(super) form: &'static str,
    pub(super) doc: &'static str,
}

const fn help(word: &'static str, form: &'static str, doc: &'static str) -> Help {
    Help { word, form, doc }
}

/// The help of a word.
pub(super) fn find(table: &'static [Help], word: &str) -> Option<&'static Help> {
    table.iter().find(|h| h.word == word)
}

/// What begins a declaration. Forms are snippets: `$1` is where one goes on writing.
pub(super) const DECLARATIONS: &[Help] = &[
    help("event", "event ${1:name}:\n    ${2:account}: ${3:account}", "A type of event, with its fields."),
    help("record", "record ${1:name}:\n    ${2:size}: ${3:size}", "The shape of the items of a list field."),
    help("const", "const ${1:name} = ${2:10}", "A written value under a name."),
    help(
        "feature",
        "feature ${1:name} = count(${2:event}, by=${3:ip}, last=\"${4:1h}\")",
        "A value with a name: something counted over a window, or computed from fields and other features.",
    ),
    help(
        "list",
        "list ${1:name}: ${2:net} = [\"${3}\"]",
        "Typed entries, written here, in a file, or added by rules.",
    ),
    help(
        "table",
        "table ${1:name}(${2:kind}: ${3:text}) -> ${4:number}:\n    ${5:any} -> ${6:0.5}",
        "A decision table: the first row that fits says the value.",
    ),
    help(
        "model",
        "model ${1:name} on ${2:event} from \"${3:name.json}\":\n    ${4:input} = ${5:value}",
        "A linear model read from a file; its value is in nats.",
    ),
    help(
        "evidence",
        "evidence ${1:name} on ${2:event}:\n    weigh   ${3:1.0}\n    because \"${4}\"",
        "Something that speaks for abuse, or against it: a weight in nats and the words for it.",
    ),
    help(
        "score",
        "score ${1:name} on ${2:event} = sum(${3})",
        "The sum of evidence and models that are known.",
    ),
    help(
        "rule",
        "rule ${1:name} on ${2:event}:\n    when    ${3}\n    then    ${4:review}\n    because \"${5}\"",
        "A condition on one type of event, what follows when it holds, and why.",
    ),
    help(
        "budget",
        "budget ${1:event} = \"${2:100us}\"",
        "The most that judging one event of a type may cost.",
    ),
    help(
        "test",
        "test ${1:name} \"${2}\":\n    when   ${3:event}()\n    expect ${4:block}",
        "Events, and the verdict that is right for the last of them.",
    ),
];

pub(super) const RULE_CLAUSES: &[Help] = &[
    help("when", "when CONDITION", "What must hold for the rule to fire. It is true, false or unknown."),
    help("then", "then VERDICT, EFFECT, …", "What follows: at most one verdict, and effects beside it."),
    help("because", "because \"words {value}\"", "Why, for a person to read. `{…}` shows a value."),
    help("mode", "mode live", "Whether it decides: draft, shadow, canary, live (the default) or retired."),
    help(
        "missing",
        "missing review",
        "What an unknown condition means: false (the default), true or review.",
    ),
    help("owner", "owner \"desk\"", "Who answers for the rule."),
    help("expires", "expires \"2027-01-01T00:00:00Z\"", "When the rule stops by itself."),
    help("was", "was \"old_name\"", "The name it had before: its past belongs to it still."),
];

pub(super) const TEST_CLAUSES: &[Help] = &[
    help(
        "given",
        "given 3 * event(field=value) within \"10m\" ago \"1d\"",
        "What happened before, or a fact that is known.",
    ),
    help("when", "when event(field=value)", "The event to judge."),
    help(
        "expect",
        "expect block by rule, label(ip, \"name\")",
        "The verdict that is right, the rule it comes from, the effects.",
    ),
];

pub(super) const EVIDENCE_CLAUSES: &[Help] = &[
    help(
        "weigh",
        "weigh NUMBER capped -2 to 6",
        "How much it speaks for abuse, in nats (natural log of odds).",
    ),
    help("because", "because \"words {value}\"", "The words for it in a reason."),
];

/// What aggregates are, by what they give.
pub(super) const AGGREGATES: &[Help] = &[
    help(
        "count",
        "count(EVENTS, where=…, by=KEY, last=\"1h\", including=self) -> int",
        "How many events there were.",
    ),
    help(
        "sum",
        "sum(WHAT, of=EVENTS, where=…, by=KEY, last=\"1h\")",
        "The sum of a quantity over the events.",
    ),
    help(
        "mean",
        "mean(WHAT, of=EVENTS, where=…, by=KEY, last=\"1h\")",
        "The mean of a quantity over the events.",
    ),
    help(
        "min",
        "min(WHAT, of=EVENTS, where=…, by=KEY, last=\"1h\")",
        "The least of a quantity over the events.",
    ),
    help(
        "max",
        "max(WHAT, of=EVENTS, where=…, by=KEY, last=\"1h\")",
        "The greatest of a quantity over the events.",
    ),
    help(
        "distinct",
        "distinct(WHAT, of=EVENTS, where=…, by=KEY, last=\"1h\") -> int",
        "How many different values there were, exact up to 4096.",
    ),
    help("last", "last(WHAT, of=EVENTS, where=…, by=KEY, last=\"30d\")", "The newest value."),
    help("first_seen", "first_seen(EVENTS, where=…, by=KEY) -> time", "When the key was first seen."),
    help("seen", "seen(EVENTS, where=…, by=KEY, last=\"30d\") -> bool", "Whether there was any such event."),
    help(
        "rate",
        "rate(EVENTS, where=…, by=KEY, last=\"10m\") -> rate",
        "How many events a second there were.",
    ),
    help(
        "quantile",
        "quantile(WHAT, of=EVENTS, q=0.95, where=…, by=KEY, last=\"30d\")",
        "The value below which this share of the quantities lies.",
    ),
    help(
        "ratio",
        "ratio(EVENTS, where=CONDITION, by=KEY, last=\"1h\") -> number",
        "The share of the events for which the condition holds, 0 to 1.",
    ),
    help(
        "baseline",
        "baseline(FEATURE, over=\"28d\")",
        "What a count usually is at this hour of the week: `.mean`, `.spread` and `.weeks`.",
    ),
    help(
        "speed",
        "speed(EVENTS, lat=…, lon=…, by=KEY, last=\"1d\") -> number",
        "How fast one must have travelled from the last place to here, in km/h.",
    ),
    help(
        "sequence",
        "sequence(EVENTS, first=CONDITION, times=5, then=CONDITION, by=KEY, within=\"10m\", last=\"1d\") -> int",
        "How many times so many first steps were followed by a last one.",
    ),
];

/// The named arguments of aggregates.
pub(super) const ARGUMENTS: &[Help] = &[
    help("of", "of=EVENTS", "The events to look at: one type, or several in brackets."),
    help("where", "where=CONDITION", "Which of the events: reads their own fields only."),
    help("by", "by=KEY", "The key: a field, a part of one, or up to four in parentheses."),
    help("last", "last=\"1h\"", "How far back: between 1 second and 400 days."),
    help("including", "including=self", "The event in hand counts too."),
    help("q", "q=0.95", "Which share lies below, between 0.001 and 0.999."),
    help("over", "over=\"28d\"", "How far a baseline looks back: whole weeks."),
    help("lat", "lat=ip.lat", "How far north it happened, in degrees."),
    help("lon", "lon=ip.lon", "How far east it happened, in degrees."),
    help("first", "first=CONDITION", "Which events are the first steps."),
    help("times", "times=5", "How many first steps there must be."),
    help("then", "then=CONDITION", "Which event ends the sequence."),
    help("within", "within=\"10m\"", "How soon the last step follows."),
];

pub(super) const VERDICTS: &[Help] = &[
    help("allow", "allow", "Let it pass. A rule that allows goes before all others."),
    help("limit", "limit", "Let it pass, slower or less of it."),
    help("challenge", "challenge(\"second factor\")", "Ask for a proof first."),
    help("review", "review", "Hold it for a person."),
    help("block", "block", "Refuse it."),
];

pub(super) const EFFECTS: &[Help] = &[
    help(
        "label",
        "label(ip.net, \"farm\", expires=\"14d\")",
        "Puts a label on an entity; `labelled` reads it.",
    ),
    help("list", "list(ip, bad, expires=\"1d\")", "Puts a value on a list of the policy."),
    help("case", "case(\"queue\")", "Opens a case for a person in a queue."),
    help("notify", "notify(\"desk\")", "Tells somebody."),
    help("webhook", "webhook(\"hook\")", "Calls a webhook of the configuration."),
];

pub(super) const MODES: &[Help] = &[
    help("draft", "mode draft", "Checked and tested, never run on live events."),
    help("shadow", "mode shadow", "Run and recorded; decides nothing."),
    help(
        "canary",
        "mode canary 5% by account",
        "Decides a share of the events, always the same entities; a shadow for the others.",
    ),
    help("live", "mode live", "Decides. This is the default."),
    help("retired", "mode retired", "Kept for its name; never run."),
];

pub(super) const MISSING: &[Help] = &[
    help("false", "missing false", "An unknown condition does not fire. This is the default."),
    help("true", "missing true", "An unknown condition fires."),
    help("review", "missing review", "An unknown condition is for a person to decide."),
];

pub(super) const TYPES: &[Help] = &[
    help("bool", "bool", "`true` or `false`."),
    help("int", "int", "A whole number of 64 bits."),
    help("number", "number", "A floating-point number."),
    help("text", "text", "Any text."),
    help("time", "time", "A point in time, written in RFC 3339."),
    help("duration", "duration", "A length of time: \"5m\", \"1h30m\"."),
    help("size", "size", "A size in bytes: \"10MB\", \"4KiB\"."),
    help("rate", "rate", "Events in a time: \"5/m\"."),
    help("ip", "ip", "An IP address."),
    help("net", "net", "A network: \"203.0.113.0/24\"."),
    help("account", "account", "An account's name or number."),
    help("device", "device", "A device's identifier."),
    help("domain", "domain", "A domain name."),
    help("email", "email", "A mail address."),
    help("url", "url", "A URL."),
    help("phone", "phone", "A telephone number."),
    help("wallet", "wallet", "The address of a wallet."),
    help("user_agent", "user_agent", "What a client says of itself."),
    help("enum", "enum(\"free\", \"paid\")", "One of the values listed."),
    help("list", "list(url)", "Several values of a type, or several records."),
    help("regex", "regex", "Of a list: regular expressions that are looked for in a text."),
];

/// Words of expressions and of heads.
pub(super) const WORDS: &[Help] = &[
    help("and", "a and b", "Both hold. Unknown where that hangs on what is missing."),
    help("or", "a or b", "At least one holds. Unknown where that hangs on what is missing."),
    help("not", "not a", "The opposite; the opposite of unknown is unknown."),
    help(
        "in",
        "value in list",
        "Whether a value is on a list, among items in brackets, or within a text or network.",
    ),
    help("is", "value is missing", "Whether a value is known."),
    help(
        "missing",
        "value is missing",
        "What is not known: an optional field that was left out, a fact nobody knows.",
    ),
    help("if", "a if condition else b", "The first value where the condition holds, else the other."),
    help(
        "else",
        "a if condition else b",
        "The value where the condition does not hold; in a table, where no row fits.",
    ),
    help("for", "any(… for x in items if …)", "Looks at each item of a list field."),
    help("on", "on EVENT", "The type of event it is about."),
    help("by", "by KEY", "What it goes by: a rule that is expected, the entity of a canary."),
    help("from", "from \"file\"", "The file with the entries, rows or weights, beside this one or below."),
    help("suffix", "list name: domain suffix", "Each domain of the list stands for itself and all below it."),
    help(
        "hashed",
        "name: type hashed",
        "Kept as a keyed hash: it counts and matches, and what it was is nowhere.",
    ),
    help("capped", "capped -2 to 6", "The least and the most it may weigh."),
    help("to", "LOW to HIGH", "A range; in a table it holds its first value and not its last."),
    help("any", "any", "In a table: fits every value, and one that is missing."),
    help("within", "within \"10m\"", "The events are spread evenly over this time."),
    help("ago", "ago \"1d\"", "The events happened this long before."),
    help("at", "at \"2026-01-05T03:00:00Z\"", "When the event to judge happens."),
    help("self", "including=self", "The event in hand."),
    help("time", "time", "When the event happened, in UTC. Every event has it."),
    help("prior", "prior(-4.6)", "What speaks for abuse before anything is known, in nats."),
    help("true", "true", "What holds."),
    help("false", "false", "What does not hold."),
];

/// Figures of baselines and scores.
pub(super) const FIGURES: &[Help] = &[
    help("mean", "mean", "What the count usually is at this hour of the week."),
    help("spread", "spread", "The standard deviation of that."),
    help("weeks", "weeks", "From how many weeks that is known."),
    help("probability", "probability", "The score as a probability, 0 to 1."),
    help("known", "known", "How many of the score's terms are known."),
    help("top", "top(3)", "In a reason: the words of the terms that weigh most."),
];

/// What a part of a value is.
pub(super) fn part(part: Part) -> &'static str {
    match part {
        Part::IpNet => "The network an address is usually assigned from: /24 for IPv4, /48 for IPv6.",
        Part::IpVersion => "4 or 6.",
        Part::IpAsn => "The number of the autonomous system that announces the address.",
        Part::IpCountry => "Where the address is used: two letters of ISO 3166-1, upper case.",
        Part::IpKind => "What the address is used for: hosting, mobile, residential, vpn, tor, …",
        Part::IpLat => "Degrees north of the equator, roughly where the address is used.",
        Part::IpLon => "Degrees east of Greenwich, roughly where the address is used.",
        Part::EmailLocal => "What stands before the last `@`.",
        Part::EmailDomain => "What stands after the last `@`.",
        Part::EmailTag => "What stands in the local part after its first `+`.",
        Part::EmailSite => "The registrable domain of the address's domain.",
        Part::UrlScheme => "What stands before the first `:`, lower case.",
        Part::UrlHost => "The host, without user and port, lower case.",
        Part::UrlPort => "The port as written, or the usual one of the scheme.",
        Part::UrlPath => "What stands after the host, up to `?` or `#`.",
        Part::UrlQuery => "What stands after the first `?`, up to `#`.",
        Part::UrlSite => "The registrable domain of the host.",
        Part::DomainSite => "The registrable domain, by the public suffix list.",
        Part::AgentFamily => "The program, without its version.",
        Part::AgentOs => "The operating system, without its version.",
        Part::TimeHour => "The hour of the day in UTC, 0 to 23.",
        Part::TimeWeekday => "The day of the week in UTC: mon to sun.",
        Part::TimeDay => "The date in UTC, as 2026-01-05.",
        Part::TextShape => "Which kinds of characters follow each other: `anna_92` is `aa_99`.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Aggregate;
    use crate::syntax::declare;
    use crate::{Mode, Verdict};
    use wardroom_event::Type;

    #[test]
    fn every_word_of_the_language_has_help() {
        let check = |table: &'static [Help], words: &[&str]| {
            for word in words {
                assert!(find(table, word).is_some(), "no help for `{word}`");
            }
        };
        check(DECLARATIONS, &declare::WORDS);
        check(RULE_CLAUSES, &declare::RULE_CLAUSES);
        check(TEST_CLAUSES, &declare::TEST_CLAUSES);
        check(EVIDENCE_CLAUSES, &declare::EVIDENCE_CLAUSES);
        check(AGGREGATES, &Aggregate::NAMES);
        check(ARGUMENTS, &crate::check::ARGUMENTS);
        check(VERDICTS, &Verdict::ALL.map(Verdict::name));
        check(EFFECTS, &crate::check::EFFECTS);
        check(MODES, &Mode::ALL.map(Mode::name));
        check(TYPES, &Type::ALL.map(Type::name));
    }
}
