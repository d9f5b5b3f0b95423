// SPDX-License-Identifier: Apache-2.0
//! Pages on decision tables (W08).

pages! {
    "W0801" "columns of a table"
    r#"A decision table has between 1 and 16 columns, each with a name of its own."#
    "W0802" "a cell that does not fit its column"
    r#"A cell is a value of the column's type, several in brackets, a comparison (`< "1d"`), a range (`"1d" to "7d"`, without the last),
or `any`.

    hosting, any       -> 0.9       # wrong
    "hosting", any     -> 0.9       # right"#
    "W0803" "a row with too few or too many cells"
    r#"A row has a cell for each column; `any` fits everything."#
    "W0804" "a row that is never reached"
    r#"The first row that fits wins, and one above fits whenever this one does. Put the narrower row first. This is a warning."#
    "W0805" "a table's file that cannot be read"
    r#"A table's CSV file names its columns in the first line, the result last under `value` or the table's own name. A cell is empty or
`*` for anything, a value, several with `|` between them, a comparison or a range.

    kind,age,value
    hosting,< 1d,0.9
    vpn | tor,*,0.5
    else,,0.0"#
    "W0806" "a table asked with other values"
    r#"A table is asked with a value for each of its columns, in their order and without names.

    risk(kind=ip.kind)               # wrong
    risk(ip.kind, age)               # right"#
    "W0807" "a result of another type"
    r#"What follows after `->` is a written value of the type that the table's first line says."#
}
