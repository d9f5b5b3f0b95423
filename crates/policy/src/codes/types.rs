// SPDX-License-Identifier: Apache-2.0
//! Pages on types and values (W03).

pages! {
    "W0301" "no such type"
    r#"The types are bool, int, number, text, time, duration, size and rate, and the entities ip, net, account, device, domain, email,
url, phone, wallet and user_agent; also enum("a", "b") of the values written, and list(url) of values of one type or list(item)
of a record."#
    "W0302" "no such part"
    r#"Some types have parts: `ip.net` is the /24 or /48 an address lies in, `email.local` and `email.domain`, `url.host`, `url.path`,
`time.hour` and others. Facts are parts that are looked up where the event comes in: `ip.asn`, `ip.country`, `ip.kind`,
`email.site`, `user_agent.family`."#
    "W0303" "not a condition"
    r#"`when`, `where`, `and`, `or` and `not` work on what is true or false. Compare the value with something.

    when failures            # wrong
    when failures > 0        # right"#
    "W0304" "types that do not go together"
    r#"Values of different types are neither equal nor ordered. A quoted text takes the type of what it is compared with, so a
length of time is written "30s", a size "10MB", a rate "5/m" and an address "192.0.2.7".

    when upload > 1000000      # wrong
    when upload > "1MB"        # right"#
    "W0305" "a text that is no such value"
    r#"A quoted text stands where a value of another type is wanted, and cannot be read as one."#
    "W0306" "a list of another type"
    r#"A value can be in a list of its own type. An `ip` can also be in a list of `net`, which holds every address of its
networks."#
    "W0307" "not a value"
    r#"Event types, lists, tables and rules are not values: a list stands after `in`, a table is asked with its columns, a rule stands
after `expect … by`, and events are counted by features."#
    "W0308" "no such function"
    r#"The functions are in the book, with examples. Some stand after the text they are of: name.lower(), name.startswith("curl/").
Others before their value: len(name), round(amount, 2). A policy declares none of its own; a value with a name is a feature."#
    "W0309" "a wrong number of values"
    r#"The function takes another number of values. Some may be left out, and any may be written with its name.

    when user_agent.startswith("curl/", "wget/")                             # wrong
    when user_agent.startswith("curl/") or user_agent.startswith("wget/")     # right"#
    "W0310" "a value that the field never has"
    r#"The field is an enum, and the text is none of its values: the condition could never hold.

    when plan == "payed"      # wrong, where the field is enum("free", "paid")
    when plan == "paid"       # right"#
    "W0311" "no regular expression"
    r#"A regular expression is written out in quotes, so that it is read once and its faults are seen before it runs. There are no
backward references and no looking around: its time is linear in the length of the text.

    matches(username, "[a-z")       # wrong
    matches(username, "[a-z]")      # right"#
    "W0312" "items of what has none"
    r#"`any`, `all`, `sum`, `min` and `max` look through the items of a list field, one list at a time.

    any(x == "a" for x in name)                 # wrong, where name is a text
    any(x.host == "a.example" for x in urls)    # right"#
    "W0313" "not a written value"
    r#"Constants, and a few arguments of functions, are written out: what they say is known before any event comes.

    const burst = tries + 1     # wrong
    const burst = 30            # right"#
    "W0314" "an enum with a fault"
    r#"An enum lists its values, each once.

    plan: enum                       # wrong
    plan: enum("free", "paid")       # right"#
    "W0315" "a fact of what is no field"
    r#"Facts, such as `ip.asn` or `email.site`, are looked up where the event comes in and kept with it, so that a replay gives the
same verdict. So they are known of fields, not of parts of them nor of items.

    email.domain.site == "example.org"      # wrong
    email.site == "example.org"             # right"#
    "W0316" "a written value out of range"
    r#"The value is of the right type, and still not one that the function works with.

    hour(time, offset="+25:00")     # wrong
    hour(time, offset="+02:00")     # right"#
    "W0317" "of a field that is kept as a hash"
    r#"The value of a field that is declared `hashed` is replaced by a keyed hash where the event comes in. It counts, equals itself
and bears labels as before; what it was is not known any more, so it equals no text that is written out and has no parts
but the domain of an e-mail address. Lists are matched: their entries are hashed too. Names of people and of what is theirs can
be hashed: account, device, email, phone, wallet, text.

    when account == "alice"      # wrong, where the field is: account: account hashed
    when account in known        # right, with: list known: account = ["alice"]"#
}
