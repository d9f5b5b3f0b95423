// SPDX-License-Identifier: Apache-2.0
//! Tables against the plain loop, and what CSV files are read as.

use super::cell::parse_cell;
use super::csv::CsvTable;
use super::*;
use proptest::prelude::*;
use std::cmp::Ordering;
use wardroom_event::{Micros, Span, Type};

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn range(from: Option<(Value, bool)>, to: Option<(Value, bool)>) -> Cell {
    let bound = |end: Option<(Value, bool)>| end.map(|(value, inclusive)| Bound { value, inclusive });
    Cell::Range { from: bound(from), to: bound(to) }
}

// The table by its definition: nothing of the index, and an order of its own.

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.partial_cmp(b),
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::Time(a), Value::Time(b)) => a.partial_cmp(b),
        (Value::Duration(a), Value::Duration(b)) => a.partial_cmp(b),
        _ => None,
    }
}

fn cell_by_definition(cell: &Cell, input: &Value) -> Tri {
    let is = |bound: &Bound, wanted: Ordering| match order(input, &bound.value) {
        Some(Ordering::Equal) => bound.inclusive,
        found => found == Some(wanted),
    };
    match (cell, input) {
        (Cell::Any, _) => Tri::True,
        (_, Value::Missing) => Tri::Unknown,
        (Cell::Is(value), input) => Tri::known(input == value),
        (Cell::Among(values), input) => Tri::known(values.iter().any(|value| input == value)),
        (Cell::Range { from: None, to: None }, _) => Tri::False,
        (Cell::Range { from, to }, _) => Tri::known(
            from.as_ref().is_none_or(|from| is(from, Ordering::Greater))
                && to.as_ref().is_none_or(|to| is(to, Ordering::Less)),
        ),
    }
}

fn row_by_definition(row: &RowOf, inputs: &[&Value]) -> Tri {
    row.cells.iter().zip(inputs).map(|(c, input)| cell_by_definition(c, input)).min().unwrap_or(Tri::True)
}

/// The deciding row and the value.
fn by_definition<'a>(
    rows: &'a [RowOf],
    otherwise: Option<&'a Value>,
    inputs: &[&Value],
) -> (Option<usize>, &'a Value) {
    for (number, row) in rows.iter().enumerate() {
        match row_by_definition(row, inputs) {
            Tri::True => return (Some(number), &row.value),
            Tri::Unknown => return (Some(number), MISSING),
            Tri::False => {}
        }
    }
    (None, otherwise.unwrap_or(MISSING))
}

// Random tables: few values, so that cells meet inputs and each other.

fn value(kind: usize) -> BoxedStrategy<Value> {
    match kind {
        0 => (-4i64..5).prop_map(Value::Int).boxed(),
        1 => prop_oneof![
            (-4i64..5).prop_map(|n| Value::Number(n as f64 / 2.0)),
            prop_oneof![Just(-0.0), Just(f64::MIN), Just(f64::MAX), Just(5e-324), Just(-5e-324)]
                .prop_map(Value::Number)
        ]
        .boxed(),
        2 => {
            prop_oneof![Just(i64::MIN), Just(i64::MAX), -2i64..3].prop_map(|n| Value::Time(Micros(n))).boxed()
        }
        3 => (0i64..6).prop_map(|n| Value::Duration(Span(n))).boxed(),
        4 => any::<bool>().prop_map(Value::Bool).boxed(),
        5 => (0u8..4).prop_map(|n| Value::Ip([10, 0, 0, n].into())).boxed(),
        _ => "[abc]{0,1}".prop_map(|t| Value::Text(t.into())).boxed(),
    }
}

/// Now and then a value of another kind, which no checked policy holds.
fn mixed(kind: usize) -> BoxedStrategy<Value> {
    prop_oneof![30 => value(kind), 1 => (0usize..7).prop_flat_map(value)].boxed()
}

fn a_cell(kind: usize) -> BoxedStrategy<Cell> {
    let end = move || prop::option::of((mixed(kind), any::<bool>()));
    let ranges = if kind < 4 { 4 } else { 0 };
    prop_oneof![
        2 => Just(Cell::Any),
        3 => mixed(kind).prop_map(Cell::Is),
        2 => prop::collection::vec(mixed(kind), 0..4).prop_map(|v| Cell::Among(v.into())),
        ranges => (end(), end()).prop_map(|(from, to)| range(from, to)),
    ]
    .boxed()
}

#[derive(Debug)]
struct Case {
    rows: Vec<RowOf>,
    otherwise: Option<Value>,
    asked: Vec<Vec<Value>>,
}

fn case(most_rows: usize) -> impl Strategy<Value = Case> {
    prop::collection::vec(0usize..7, 0..4).prop_flat_map(move |kinds| {
        let cells: Vec<_> = kinds.iter().map(|kind| a_cell(*kind)).collect();
        let input = |kind: &usize| prop_oneof![1 => Just(Value::Missing), 5 => mixed(*kind)];
        let inputs: Vec<_> = kinds.iter().map(input).collect();
        (
            prop::collection::vec(cells, 0..most_rows),
            prop::option::of(Just(Value::Int(-1))),
            prop::collection::vec(inputs, 20),
        )
            .prop_map(|(rows, otherwise, asked)| {
                let numbered = |(n, cells)| RowOf { cells, value: Value::Int(n) };
                Case { rows: (0i64..).zip(rows).map(numbered).collect(), otherwise, asked }
            })
    })
}

fn is_the_loop(case: &Case, table: &Table) -> Result<(), TestCaseError> {
    for asked in &case.asked {
        let inputs: Vec<&Value> = asked.iter().collect();
        let found = table.find(&inputs);
        let expect = by_definition(&case.rows, case.otherwise.as_ref(), &inputs);
        prop_assert_eq!((found.row, found.value), expect, "{:?}", asked);
        // The rows behind the one that decides show whether the index walks as it should.
        let stands = |row: &usize| table.judge(&case.rows[*row], &inputs) != Tri::False;
        let walked: Vec<usize> = table.index.not_false(&inputs).filter(stands).collect();
        let all =
            (0..case.rows.len()).filter(|row| row_by_definition(&case.rows[*row], &inputs) != Tri::False);
        prop_assert_eq!(walked, all.collect::<Vec<_>>(), "{:?}", asked);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_table_is_the_plain_loop(case in case(12)) {
        is_the_loop(&case, &Table::new(case.rows.clone(), case.otherwise.clone()))?;
    }

    #[test]
    fn rows_past_a_word_are_the_plain_loop(case in case(300)) {
        is_the_loop(&case, &Table::new(case.rows.clone(), case.otherwise.clone()))?;
    }

    /// With a budget too small for any range, classes are merged and the table tests what the index lets through.
    #[test]
    fn merged_classes_are_the_plain_loop(case in case(100), budget in 1usize..300) {
        let index = Index::within(&case.rows, budget);
        let table = Table { rows: case.rows.clone(), otherwise: case.otherwise.clone(), index };
        is_the_loop(&case, &table)?;
    }

    #[test]
    fn an_unreachable_row_never_decides(case in case(30)) {
        let table = Table::new(case.rows.clone(), None);
        let unreachable = table.unreachable();
        for (row, by) in &unreachable {
            prop_assert!(by < row);
            prop_assert!(covers(&case.rows[*by], &case.rows[*row]));
        }
        for asked in &case.asked {
            let inputs: Vec<&Value> = asked.iter().collect();
            let row = table.find(&inputs).row;
            prop_assert!(unreachable.iter().all(|(dead, _)| Some(*dead) != row), "{:?} {:?}", row, unreachable);
        }
    }

    /// The walk that `unreachable` takes leaves out no row that covers.
    #[test]
    fn every_covered_row_is_found(case in case(30)) {
        let table = Table::new(case.rows.clone(), None);
        let found: Vec<usize> = table.unreachable().into_iter().map(|(row, _)| row).collect();
        let covered = |row: &usize| {
            let live = case.rows[*row].cells.iter().all(|c| c.spans().is_none_or(|(_, s)| s.iter().all(|s| s.0 <= s.1)));
            live && case.rows[..*row].iter().any(|earlier| covers(earlier, &case.rows[*row]))
        };
        for row in (0..case.rows.len()).filter(covered) {
            prop_assert!(found.contains(&row), "{} {:?}", row, found);
        }
    }

    #[test]
    fn no_text_panics_as_a_cell(text in "[ \"|<>=*a-z0-9.]{0,20}|.{0,40}") {
        for kind in Type::ALL {
            let _ = parse_cell(&text, kind);
        }
    }

    #[test]
    fn no_file_panics(text in "(kind,age,value\n)?([a,\"\n\r#|*1<é ]|else){0,60}") {
        let columns = [("kind".into(), Type::Text), ("age".into(), Type::Int)];
        if let Err(faults) = read_csv(&text, &columns, ("risk", Type::Int)) {
            let lines = text.matches('\n').count() + 1;
            prop_assert!(!faults.is_empty());
            prop_assert!(faults.iter().all(|(line, _)| (1..=lines).contains(line)), "{:?}", faults);
        }
    }
}

// The example of the language's book.

fn risk() -> Table {
    let day = |n: i64| Value::Duration(Span(n * 86_400_000_000));
    let is = |t: &str| Cell::Is(text(t));
    let asn = Cell::Is(Value::Int(64_500));
    let week = range(Some((day(1), true)), Some((day(7), false)));
    let row = |cells: [Cell; 3], value: f64| RowOf { cells: cells.into(), value: Value::Number(value) };
    Table::new(
        vec![
            row([is("hosting"), asn, Cell::Any], 0.9),
            row([is("hosting"), Cell::Any, range(None, Some((day(1), false)))], 0.7),
            row([Cell::Any, Cell::Any, week], 0.2),
        ],
        Some(Value::Number(0.0)),
    )
}

#[test]
fn the_first_row_that_is_not_false_decides() {
    let table = risk();
    let check = |kind: &str, asn: Option<i64>, age: Option<i64>, row: Option<usize>, value: Option<f64>| {
        let kind = if kind.is_empty() { Value::Missing } else { text(kind) };
        let asn = asn.map_or(Value::Missing, Value::Int);
        let age = age.map_or(Value::Missing, |hours| Value::Duration(Span(hours * 3_600_000_000)));
        let found = table.find(&[&kind, &asn, &age]);
        assert_eq!(found.row, row, "{kind:?} {asn:?} {age:?}");
        assert_eq!(*found.value, value.map_or(Value::Missing, Value::Number));
    };
    check("hosting", Some(64_500), None, Some(0), Some(0.9));
    check("hosting", Some(1), Some(23), Some(1), Some(0.7));
    check("hosting", Some(1), Some(24), Some(2), Some(0.2));
    check("mobile", None, Some(167), Some(2), Some(0.2));
    check("mobile", None, Some(168), None, Some(0.0));
    // The first row might fit, were the network known.
    check("hosting", None, Some(23), Some(0), None);
    check("", Some(64_500), Some(23), Some(0), None);
    check("", Some(1), Some(240), None, Some(0.0));
    check("mobile", None, None, Some(2), None);
}

#[test]
fn inputs_that_are_not_there_are_missing_and_without_else_so_is_the_result() {
    let row = RowOf { cells: vec![Cell::Is(text("a")), Cell::Any], value: Value::Int(1) };
    let table = Table::new(vec![row], None);
    assert_eq!(table.find(&[]), Found { value: &Value::Missing, row: Some(0) });
    assert_eq!(table.find(&[&text("a")]), Found { value: &Value::Int(1), row: Some(0) });
    assert_eq!(table.find(&[&text("b")]), Found { value: &Value::Missing, row: None });
    assert_eq!(Table::new(Vec::new(), None).find(&[]), Found { value: &Value::Missing, row: None });
}

#[test]
fn a_covered_row_is_named_with_the_first_that_covers_it() {
    let int = |low: i64, high: i64| range(Some((Value::Int(low), true)), Some((Value::Int(high), false)));
    let is = |t: &str| Cell::Is(text(t));
    let among = |texts: &[&str]| Cell::Among(texts.iter().map(|t| text(t)).collect());
    let rows = [
        (is("a"), int(0, 10)),
        (is("a"), int(2, 10)),                                          // by 0
        (is("a"), int(2, 11)),                                          // wider
        (is("b"), int(2, 3)),                                           // another text
        (among(&["b", "c"]), Cell::Any),                                // wider
        (is("c"), Cell::Is(Value::Int(7))),                             // by 4
        (among(&["a", "b"]), Cell::Is(Value::Int(2))),                  // by 0 and 4 together only
        (Cell::Any, range(None, Some((Value::Int(5), true)))),          // wider
        (is("d"), Cell::Among([Value::Int(5), Value::Int(-9)].into())), // by 7
        (is("a"), Cell::Is(Value::Int(10))),                            // by 2
        (Cell::Any, Cell::Any),                                         // wider
        (Cell::Any, Cell::Any),                                         // by 10
    ];
    let row = |(a, b)| RowOf { cells: vec![a, b], value: Value::Bool(true) };
    let table = Table::new(rows.into_iter().map(row).collect(), None);
    assert_eq!(table.unreachable(), [(1, 0), (5, 4), (8, 7), (9, 2), (11, 10)]);
}

#[test]
fn the_search_for_covered_rows_ends() {
    let among = |from: i64| Cell::Among((from..from + 2_000).map(Value::Int).collect());
    let row = |n: i64| RowOf { cells: vec![among(n)], value: Value::Int(n) };
    // Each two rows share nearly all values and none covers another: 2,000² comparisons a pair, so one pair it is.
    let table = Table::new((0..50).map(row).collect(), None);
    assert_eq!(table.unreachable(), []);
    let mut rows: Vec<RowOf> = (0..3).map(row).collect();
    rows.push(row(1));
    assert_eq!(Table::new(rows, None).unreachable(), [], "past the bound nothing is found");
    assert_eq!(Table::new(vec![row(1), row(1)], None).unreachable(), [(1, 0)]);
}

#[test]
fn cells_are_read() {
    let check =
        |cell: &str, kind: Type, expect: Cell| assert_eq!(parse_cell(cell, kind), Ok(expect), "{cell}");
    let int = |n| Value::Int(n);
    let day = |n: i64| Value::Duration(Span(n * 86_400_000_000));
    check("", Type::Int, Cell::Any);
    check(" * ", Type::Text, Cell::Any);
    check("-5", Type::Int, Cell::Is(int(-5)));
    check("true", Type::Bool, Cell::Is(Value::Bool(true)));
    check("2", Type::Number, Cell::Is(Value::Number(2.0)));
    check("1.5e3", Type::Number, Cell::Is(Value::Number(1500.0)));
    check("a b", Type::Text, Cell::Is(text("a b")));
    check("Mail.Example.Org.", Type::Domain, Cell::Is(text("mail.example.org")));
    check("a | b|c", Type::Text, Cell::Among([text("a"), text("b"), text("c")].into()));
    check("25 | 465", Type::Int, Cell::Among([int(25), int(465)].into()));
    check("< 5", Type::Int, range(None, Some((int(5), false))));
    check("<=5", Type::Int, range(None, Some((int(5), true))));
    check("> 5", Type::Int, range(Some((int(5), false)), None));
    check(">= 5", Type::Int, range(Some((int(5), true)), None));
    check("-5 to 5", Type::Int, range(Some((int(-5), true)), Some((int(5), false))));
    check("1d to 7d", Type::Duration, range(Some((day(1), true)), Some((day(7), false))));
    check("\"1d\" to \"7d\"", Type::Duration, range(Some((day(1), true)), Some((day(7), false))));
    check("back to school", Type::Text, Cell::Is(text("back to school")));
    check("\"a | b\"", Type::Text, Cell::Is(text("a | b")));
    check("\"a | b\" | c", Type::Text, Cell::Among([text("a | b"), text("c")].into()));
    check("\"say \"\"x|y\"\"\"", Type::Text, Cell::Is(text("say \"x|y\"")));
    check("\"*\"", Type::Text, Cell::Is(text("*")));
    check("\"\"", Type::Text, Cell::Is(text("")));
    check("\"any\"", Type::Text, Cell::Is(text("any")));
    check("\"<b>\"", Type::Text, Cell::Is(text("<b>")));
    check("5 ft \"tall\"", Type::Text, Cell::Is(text("5 ft \"tall\"")));
}

#[test]
fn wrong_cells_are_refused() {
    let check = |cell: &str, kind: Type, expect: &str| {
        assert_eq!(parse_cell(cell, kind), Err(expect.to_owned()), "{cell}");
    };
    check("five", Type::Int, "must be a whole number; it is `five`");
    check("1.5", Type::Int, "must be a whole number; it is `1.5`");
    check("yes", Type::Bool, "must be true or false; it is `yes`");
    check("inf", Type::Number, "must be a number; it is `inf`");
    check("NaN", Type::Number, "must be a number; it is `NaN`");
    check("> \u{1b}[31m", Type::Int, "must be a whole number; it is `\\u{1b}[31m`");
    check("5 to 5", Type::Int, "takes nothing: `5` is not below `5`");
    check("7d to 1d", Type::Duration, "takes nothing: `7d` is not below `1d`");
    check("a |", Type::Text, "has a `|` with nothing beside it");
    check("a | * ", Type::Text, "has `*` beside `|`, and `*` alone takes anything");
    check("1 to 2 | 5", Type::Int, "has a range beside `|`; write a row for each range");
    check("> 2 | 5", Type::Int, "has a range beside `|`; write a row for each range");
    check("> a", Type::Text, "has `>`, but text has no order; a text that begins so stands in quotes");
    check("<=::1", Type::Ip, "has `<=`, but ip has no order; a text that begins so stands in quotes");
    check("any", Type::Text, "is `any`: write `*` to take anything, or \"any\" in quotes for that word");
    check("any", Type::Int, "is `any`: write `*` to take anything, or \"any\" in quotes for that word");
    check("\"a", Type::Text, "has a quote that is not closed");
    check("\"", Type::Text, "has a quote that is not closed");
    check("\"a\"b\"", Type::Text, "has a lone quote within quotes; write it twice");
    check("10.0.0", Type::Ip, "must be an IPv4 or IPv6 address");
    check("5", Type::Duration, "is no length of time: a unit is missing: one of w, d, h, m, s, ms, us");
}

fn csv(text: &str) -> Result<CsvTable, Vec<(usize, String)>> {
    let columns = [("kind".into(), Type::Text), ("asn".into(), Type::Int), ("age".into(), Type::Duration)];
    read_csv(text, &columns, ("risk", Type::Number))
}

#[test]
fn files_are_read() {
    let file = "\u{feff}# kinds of networks\r\nasn, kind,age,value\r\n\r\n64500,hosting,*,0.9\r\n\
                # new accounts\n,\"hosting\",\"< 1d\",0.7\n,\"a, \"\"b\"\"\n#c\",1d to 7d,2\nelse,,*,0";
    let table = csv(file).unwrap();
    assert_eq!(table.otherwise, Some(Value::Number(0.0)));
    let day = |n: i64| Value::Duration(Span(n * 86_400_000_000));
    let row = |kind: &str, asn: Cell, age: Cell, value: f64| RowOf {
        cells: vec![Cell::Is(text(kind)), asn, age],
        value: Value::Number(value),
    };
    let week = range(Some((day(1), true)), Some((day(7), false)));
    let expect = [
        row("hosting", Cell::Is(Value::Int(64_500)), Cell::Any, 0.9),
        row("hosting", Cell::Any, range(None, Some((day(1), false))), 0.7),
        row("a, \"b\"\n#c", Cell::Any, week, 2.0),
    ];
    assert_eq!(table.rows, expect);
    assert_eq!(csv("kind,asn,age,risk\n").unwrap(), CsvTable { rows: Vec::new(), otherwise: None });
    assert_eq!(csv("kind,asn,age,risk\n\"\"\"else\"\"\",,,1\r").unwrap().rows.len(), 1);
}

#[test]
fn every_fault_of_a_file_has_its_line() {
    let check = |file: &str, expect: &[(usize, &str)]| {
        let faults = csv(file).unwrap_err();
        let got: Vec<(usize, &str)> = faults.iter().map(|(line, why)| (*line, &**why)).collect();
        assert_eq!(got, expect, "{file}");
    };
    check("", &[(1, "the file is empty; its first line names the columns")]);
    check("# only this\n", &[(1, "the file is empty; its first line names the columns")]);
    check(
        "\nkind,asm,kind,score\n",
        &[
            (2, "the last column is `score`; it must be `value` or `risk`"),
            (2, "the table has no input `asm`; did you mean `asn`?"),
            (2, "the column `kind` is there twice"),
            (2, "no column is named `asn`"),
            (2, "no column is named `age`"),
        ],
    );
    check(
        "kind,asn,age,country,value\n",
        &[(1, "the table has no input `country`; the table's inputs are: kind, asn, age")],
    );
    check(
        "kind,asn,age,value\na,b,c,d\na,1\n# fine\n\"a\nb\",1,1d,\nelse,x,,1\na,1,1d,1\nelse,,,1\n",
        &[
            (2, "this cell of the last column must be a number; it is `d`"),
            (2, "this cell of `asn` must be a whole number; it is `b`"),
            (2, "this cell of `age` is no length of time: a number is missing"),
            (3, "the line has 2 fields; the first line names 4 columns"),
            (5, "this cell of the last column is empty; each row has a value"),
            (7, "the cells of `else` must be empty"),
            (8, "`else` in line 7 must be the last row"),
            (9, "`else` in line 7 must be the last row"),
        ],
    );
    check(
        "kind,asn,age,value\na, \"1\",,1\n\"a\"b,,,1\na\rb,,,1\nc,x,,1\n\"d,,,1\n",
        &[
            (
                2,
                "a quote stands within `\\\"1\\\"`; put the whole field in quotes, from comma to comma, and write \
                 those within it twice",
            ),
            (3, "something stands between a closing quote and the comma"),
            (4, "a carriage return stands within `a\\rb`"),
            (5, "this cell of `asn` must be a whole number; it is `x`"),
            (6, "a quote is not closed before the end of the file"),
        ],
    );
    let long = format!("kind,asn,age,value\n{},,,1\nb,y,,1\n", "x".repeat(limits::TABLE_CELL_BYTES + 1));
    check(
        &long,
        &[
            (2, "a field has 8193 bytes; the most is 8192"),
            (3, "this cell of `asn` must be a whole number; it is `y`"),
        ],
    );
}

#[test]
fn files_are_bounded() {
    let rows = |n: usize| format!("kind,asn,age,value\n{}else,,,1\n", ",,,1\n".repeat(n));
    assert_eq!(csv(&rows(limits::TABLE_ROWS)).unwrap().rows.len(), limits::TABLE_ROWS);
    let faults = csv(&rows(limits::TABLE_ROWS + 5)).unwrap_err();
    assert_eq!(faults, [(limits::TABLE_ROWS + 2, "a table has at most 100000 rows".to_owned())]);
    let bad = format!("kind,asn,age,value\n{}", "a,b,c,d\n".repeat(1_000));
    assert_eq!(csv(&bad).unwrap_err().len(), limits::DIAGNOSTICS);
}

/// Prints figures: `cargo test --release -p wardroom-policy --lib table -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn ten_thousand_rows_cost_what_ten_cost() {
    for rows in [10, 10_000, 100_000] {
        for (name, make) in
            [("mostly exact", exact as fn(i64, i64) -> RowOf), ("ranges", ranges), ("loose", loose)]
        {
            measure(
                rows,
                name,
                &Table::new((0..rows).map(|n| make(n, rows)).collect(), Some(Value::Int(-1))),
            );
        }
    }
}

/// One network a row, one row of eight for any kind.
fn exact(n: i64, _: i64) -> RowOf {
    let kind = if n % 8 == 0 { Cell::Any } else { Cell::Is(text(&format!("kind {}", n % 7))) };
    RowOf { cells: vec![kind, Cell::Is(Value::Int(n / 2)), Cell::Any], value: Value::Int(n) }
}

/// Ranges that overlap: each is a third of all there is.
fn ranges(n: i64, rows: i64) -> RowOf {
    let wide = range(
        Some((Value::Int(n * 7919 % rows), true)),
        Some((Value::Int(n * 7919 % rows + rows / 3), false)),
    );
    RowOf {
        cells: vec![Cell::Is(text(&format!("kind {}", n % 7))), wide, Cell::Is(Value::Int(n))],
        value: Value::Int(n),
    }
}

/// The worst: nearly every row takes anything in two of three columns, and all must be passed.
fn loose(n: i64, rows: i64) -> RowOf {
    let cell = |column: i64, cell: Cell| if n % 3 == column { cell } else { Cell::Any };
    let cells = vec![
        cell(0, Cell::Is(text(&format!("kind {n}")))),
        cell(1, Cell::Is(Value::Int(n + 2 * rows))),
        cell(2, range(Some((Value::Int(n + 2 * rows), true)), None)),
    ];
    RowOf { cells, value: Value::Int(n) }
}

fn measure(rows: i64, name: &str, table: &Table) {
    let asked: Vec<[Value; 3]> = (0..1_000)
        .map(|n| {
            let row = n * 104_729 % rows;
            [text(&format!("kind {}", row % 7)), Value::Int(row / 2), Value::Int(row)]
        })
        .collect();
    let (rounds, start) = (100, std::time::Instant::now());
    let mut found = 0usize;
    for _ in 0..rounds {
        for [a, b, c] in &asked {
            found += usize::from(table.find(&[a, b, c]).row.is_some());
        }
    }
    let each = start.elapsed().as_nanos() / (rounds * asked.len() as u128);
    println!("{rows} rows, {name}: {each} ns, {} of 1,000 found", found / rounds as usize);
}
