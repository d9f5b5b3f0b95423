// SPDX-License-Identifier: Apache-2.0
//! Pages on what cannot be read as policy (W00, W01).

pages! {
    "W0001" "a character without meaning"
    r#"The text holds a character that the language does not use, or a name with letters other than a–z, or one of the
invisible characters that turn the direction of writing and so make a text read otherwise than it works.

Conditions are joined with `and`, `or` and `not`; strings stand between straight quotes. Text inside quotes may hold
any character.

    when failures > 10 && not ok      # wrong
    when failures > 10 and not ok     # right"#
    "W0002" "not a number"
    r#"A word that begins with a digit is a number: `30`, `0.5`, `10_000`. A length of time is written in quotes.

    when form_time < 2s       # wrong
    when form_time < "2s"     # right"#
    "W0003" "a tab in the indentation"
    r#"Lines belong together by their indentation, and a tab has no width that all editors agree on. Indent with spaces."#
    "W0004" "a string that does not end"
    r#"A string ends with the quote it began with, on the same line. Write \" for a quote inside it. In a reason, quotes
between { and } belong to the value there and need no backslash."#
    "W0005" "larger than the limits"
    r#"A policy is bounded so that reading it is: in bytes, files, event types and fields. The message names the limit."#
    "W0006" "an unknown escape"
    r#"Inside a string a backslash begins one of: \n (new line), \t (tab), \\ (backslash), \" and \' (quotes)."#
    "W0101" "something else was expected"
    r#"The text cannot be read as a declaration or expression at this place. The message says what could stand there."#
    "W0102" "more than belongs on the line"
    r#"A clause ended and something follows it. Often a `=` where `==` was meant, or a missing `and`.

    when ok = false      # wrong
    when ok == false     # right, and `not ok` says the same"#
    "W0103" "nested too deeply"
    r#"An expression may be nested 64 levels deep, where each bracket, operator, part and call in a row is a level, and a row
of `and` or of `or` is one. In a chain such as `1 < n < 5` the middle stands in both comparisons, so it must be a name,
a part or a written value.

    when 1 < size + 1 < 5                     # wrong
    when 1 < size + 1 and size + 1 < 5        # right"#
    "W0104" "a word of another language"
    r#"Policy has no loops, functions or statements: a rule's cost is known before it runs. Repetition is what features do."#
    "W0105" "no declaration begins with this word"
    r#"At the left margin a declaration begins: `event`, `record`, `const`, `feature`, `list`, `table`, `model`, `evidence`, `score`,
`rule`, `budget` or `test`. Its clauses are indented."#
    "W0106" "no such clause"
    r#"A rule has the clauses when, then, because, mode, missing, owner, expires and was; evidence has weigh and because; a test has
given, when and expect; a query has where, last, from, to, by, show, per, against, top and bottom."#
    "W0107" "given twice"
    r#"This clause or argument may stand once."#
    "W0108" "a clause is missing"
    r#"A rule says when it fires, what follows then, and why: a person who is stopped has a right to the reason, and so has
the analyst who reads it next year. A test says which event comes and what is expected."#
    "W0109" "a brace alone"
    r#"In a reason, `{…}` holds a value, so braces come in pairs. Write {{ and }} for braces that are only text."#
    "W0110" "a table without rows"
    r#"A decision table lists its rows below it, one a line; what holds where no row fits stands last, after `else`.

    table risk(kind: text) -> number:
        "hosting" -> 0.9
        else      -> 0.0"#
    "W0111" "a row after `else`"
    r#"The first row that fits wins, and `else` fits everything: a row below it is never reached. Put it above.

    else  -> 0.0                # wrong
    "vpn" -> 0.5

    "vpn" -> 0.5                # right
    else  -> 0.0"#
}
