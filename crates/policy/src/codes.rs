// SPDX-License-Identifier: Apache-2.0
//! The page of each diagnostic code, for `wardroom explain` and the book.

/// What a code means, with an example of the fault and of its mending.
pub struct Page {
    /// The code, such as `W0201`.
    pub code: &'static str,
    /// The fault in a few words.
    pub title: &'static str,
    /// Why it is one, and what to do.
    pub text: &'static str,
}

/// Every page, in the order of the codes.
pub fn pages() -> &'static [Page] {
    PAGES
}

/// The page of a code, in any case.
pub fn page(code: &str) -> Option<&'static Page> {
    PAGES.iter().find(|p| p.code.eq_ignore_ascii_case(code))
}

macro_rules! pages {
    ($($code:literal $title:literal $text:literal)*) => {
        const PAGES: &[Page] = &[$(Page { code: $code, title: $title, text: $text }),*];
    };
}

pages! {
    "W0001" "a character without meaning"
    "The text holds a character that the language does not use, or a name with letters other than a–z, or one of the\ninvisible characters that turn the direction of writing and so make a text read otherwise than it works.\n\nConditions are joined with `and`, `or` and `not`; strings stand between straight quotes. Text inside quotes may hold\nany character.\n\n    when failures > 10 && not ok      # wrong\n    when failures > 10 and not ok     # right"
    "W0002" "not a number"
    "A word that begins with a digit is a number: `30`, `0.5`, `10_000`. A length of time is written in quotes.\n\n    when form_time < 2s       # wrong\n    when form_time < \"2s\"     # right"
    "W0003" "a tab in the indentation"
    "Lines belong together by their indentation, and a tab has no width that all editors agree on. Indent with spaces."
    "W0004" "a string that does not end"
    "A string ends with the quote it began with, on the same line. Write \\\" for a quote inside it. In a reason, quotes\nbetween { and } belong to the value there and need no backslash."
    "W0005" "larger than the limits"
    "A policy is bounded so that reading it is: in bytes, files, event types and fields. The message names the limit."
    "W0006" "an unknown escape"
    "Inside a string a backslash begins one of: \\n (new line), \\t (tab), \\\\ (backslash), \\\" and \\' (quotes)."
    "W0101" "something else was expected"
    "The text cannot be read as a declaration or expression at this place. The message says what could stand there."
    "W0102" "more than belongs on the line"
    "A clause ended and something follows it. Often a `=` where `==` was meant, or a missing `and`.\n\n    when ok = false      # wrong\n    when ok == false     # right, and `not ok` says the same"
    "W0103" "nested too deeply"
    "An expression may be nested 64 levels deep, where each bracket, operator, part and call in a row is a level, and a row\nof `and` or of `or` is one. In a chain such as `1 < n < 5` the middle stands in both comparisons, so it must be a name,\na part or a written value.\n\n    when 1 < size + 1 < 5                     # wrong\n    when 1 < size + 1 and size + 1 < 5        # right"
    "W0104" "a word of another language"
    "Policy has no loops, functions or statements: a rule's cost is known before it runs. Repetition is what features do."
    "W0105" "no declaration begins with this word"
    "At the left margin a declaration begins: `event`, `feature`, `list`, `rule` or `test`. Its clauses are indented."
    "W0106" "no such clause"
    "A rule has the clauses when, then, because, mode, missing and owner; a test has given, when and expect."
    "W0107" "given twice"
    "This clause or argument may stand once."
    "W0108" "a clause is missing"
    "A rule says when it fires, what follows then, and why: a person who is stopped has a right to the reason, and so has\nthe analyst who reads it next year. A test says which event comes and what is expected."
    "W0109" "a brace alone"
    "In a reason, `{…}` holds a value, so braces come in pairs. Write {{ and }} for braces that are only text."
    "W0201" "an unknown name"
    "No event type, field, feature, list or rule has this name here. Names declared in another folder are written with the\nfolder: `ssh.failures`. A feature's filter (`where=`) reads the fields of the counted event only."
    "W0202" "declared twice"
    "Names of a folder are shared by all its files; event types are shared by all folders."
    "W0203" "a reserved name"
    "`type`, `id`, `time`, `source`, `data`, `specversion` and `datacontenttype` belong to the envelope of every event.\n`time` can be used in every rule without declaring it. Words of expressions, such as `and`, `in` and `missing`, can be\nno names either."
    "W0204" "an event type without fields"
    "List the fields below the event type, one a line, with their types; `?` marks one that may be absent.\n\n    event login:\n        account: account\n        ip: ip\n        device: device?"
    "W0205" "a name with two meanings"
    "The event has a field of this name, and there is a feature or list of it, in the folder or at the root. Rename the\nlatter: a reader should not have to know which wins."
    "W0206" "a file that is not there"
    "A list's file has a name that ends in `.txt` and lies in the folder of the policy file that names it, or below it. It holds\none entry a line; `#` at the\nbeginning of a line or after a space begins a comment."
    "W0301" "no such type"
    "The types are bool, int, number, text, time and duration, and the entities ip, net, account, device, domain, email,\nurl, phone and wallet."
    "W0302" "no such part"
    "Some entities have parts: `ip.net` is the /24 or /48 an address lies in; `email.local` and `email.domain`; `url.host`."
    "W0303" "not a condition"
    "`when`, `where`, `and`, `or` and `not` work on what is true or false. Compare the value with something.\n\n    when failures            # wrong\n    when failures > 0        # right"
    "W0304" "types that do not go together"
    "Values of different types are neither equal nor ordered. A quoted text takes the type of what it is compared with, so a\nlength of time is written \"30s\" and an address \"192.0.2.7\"."
    "W0305" "a text that is no such value"
    "A quoted text stands where a value of another type is wanted, and cannot be read as one."
    "W0306" "a list of another type"
    "A value can be in a list of its own type. An `ip` can also be in a list of `net`, which holds every address of its\nnetworks."
    "W0307" "not a value"
    "Lists and rules are not values: a list stands after `in`, a rule stands after `expect … by`."
    "W0308" "no such function"
    "Texts have .startswith(…), .endswith(…) and .lower(); there are len(text) and abs(number). Counting is what features do."
    "W0309" "a wrong number of values"
    "The function takes another number of values, or values without names.\n\n    when user_agent.startswith(\"curl/\", \"wget/\")                             # wrong\n    when user_agent.startswith(\"curl/\") or user_agent.startswith(\"wget/\")     # right"
    "W0401" "not a feature"
    "A feature counts: count(events, …), distinct(what, of=events, …) or first_seen(events, …)."
    "W0402" "a wrong argument of a feature"
    "count(EVENTS, where=CONDITION, by=KEY, last=\"1h\"), distinct(WHAT, of=EVENTS, where=…, by=…, last=…) and\nfirst_seen(EVENTS, where=…, by=…). EVENTS is one event type or several in brackets."
    "W0403" "a window that cannot be"
    "`last=` says how far back a feature counts, between 1 second and 400 days. Only first_seen can do without."
    "W0404" "not a key"
    "`by=` is a field, a part of one, or up to four of these in parentheses: by=(account, ip.net)."
    "W0405" "a feature that cannot be read here"
    "A feature is read under the key of the event in hand, so that event needs the fields the feature is counted by, under\nthe same types."
    "W0406" "more than distinct counts"
    "distinct counts up to 4096 items a key, exactly, and stays there. To ask for more is to ask for what never happens."
    "W0501" "a condition that is always the same"
    "A condition that reads nothing of the event, no field and no feature, is the same for every event. A rule that always\nor never fires is a mistake, or belongs in the caller."
    "W0502" "not a verdict"
    "What follows is one of allow, limit, challenge, review and block; challenge(\"second factor\") also says what to ask for."
    "W0503" "two verdicts in one rule"
    "A rule gives one verdict. Of several rules that fire the strongest verdict wins, except that `allow` rules go first."
    "W0504" "no such mode"
    "A rule is draft (only tested), shadow (run and recorded, decides nothing), live, or retired."
    "W0505" "`missing` says something else"
    "`missing` says what an unknown condition means: false (the rule does not fire; this is the default), true (it fires), or\nreview (a person decides)."
    "W0601" "too many events in a test"
    "One `given` makes between 1 and 10,000 events."
    "W0602" "not an event"
    "A test's events are written with the fields that matter: login(ip=\"192.0.2.7\", ok=false). Other required fields get\nvalues of their own; optional ones are missing."
    "W0603" "no such verdict"
    "The verdicts are allow, limit, challenge, review and block."
    "W0901" "a feature or list that nothing uses"
    "A feature is kept up to date for every event, and a list is kept in memory, whether or not a rule reads it. Remove it,\nor use it. Reading it in a draft is using it."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_found() {
        assert!(pages().windows(2).all(|w| w[0].code < w[1].code));
        assert_eq!(page("w0201").map(|p| p.title), Some("an unknown name"));
        assert!(page("W9999").is_none());
    }

    #[test]
    fn every_code_in_the_source_has_a_page() {
        let mut seen = 0;
        for text in [
            include_str!("syntax/lex.rs"),
            include_str!("syntax/mod.rs"),
            include_str!("syntax/cursor.rs"),
            include_str!("syntax/express.rs"),
            include_str!("syntax/declare/mod.rs"),
            include_str!("check/event.rs"),
            include_str!("check/list.rs"),
            include_str!("check/names.rs"),
            include_str!("check/feature.rs"),
            include_str!("check/express.rs"),
            include_str!("check/rule.rs"),
            include_str!("check/case.rs"),
        ] {
            for piece in text.split("\"W0").skip(1) {
                let code = format!("W0{}", &piece[..3]);
                assert!(page(&code).is_some(), "{code} has no page");
                seen += 1;
            }
        }
        assert!(seen > 40);
    }
}
