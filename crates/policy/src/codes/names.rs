// SPDX-License-Identifier: Apache-2.0
//! Pages on names (W02).

pages! {
    "W0201" "an unknown name"
    r#"No event type, field, feature, list or rule has this name here. Names declared in another folder are written with the
folder: `ssh.failures`. A feature's filter (`where=`) reads the fields of the counted event only."#
    "W0202" "declared twice"
    r#"Names of a folder are shared by all its files; event types are shared by all folders."#
    "W0203" "a reserved name"
    r#"`type`, `id`, `time`, `source`, `data`, `specversion` and `datacontenttype` belong to the envelope of every event.
`time` can be used in every rule without declaring it. Words of expressions, such as `and`, `in` and `missing`, can be
no names either."#
    "W0204" "an event type without fields"
    r#"List the fields below the event type, one a line, with their types; `?` marks one that may be absent.

    event login:
        account: account
        ip: ip
        device: device?"#
    "W0205" "a name with two meanings"
    r#"The event has a field of this name, and there is a feature, list or other value of it, in the folder or at the root. Rename the
latter: a reader should not have to know which wins."#
    "W0206" "a file that is not there"
    r#"A file is named in quotes and lies in the folder of the policy file that names it, or below it. A list's file ends in `.txt`
and holds one entry a line; `#` at the beginning of a line or after a space begins a comment, and `until` and a time after an
entry say when it ends. A table's file ends in `.csv`, a model's in `.json`."#
    "W0207" "a name that hides another"
    r#"The name of the item in `for x in items` is a field already, or declared. A reader would take it for that.

    any(ip.host == "a.example" for ip in urls)      # wrong
    any(url.host == "a.example" for url in urls)    # right"#
    "W0208" "a list within a record"
    r#"A record holds single values, so that what a list field can hold is bounded. Put the list into the event itself."#
    "W0209" "computed from itself"
    r#"A feature, evidence, score or model is computed from others, which must not read it in turn. The note says the way round.

    feature a = b + 1     # wrong
    feature b = a * 2

    feature a = b + 1     # right
    feature b = tries * 2"#
}
