// SPDX-License-Identifier: Apache-2.0
//! Columns against the online executor: the same answer for every row, whatever the expression.

mod generate;
mod speed;

use super::bits::Bits;
use super::form;
use crate::program::{Program, Source};
use crate::{Bundle, ColumnError, Row, Tri, TriColumn, compile};
use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int32Type, UInt16Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray,
    StringViewArray,
};
use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema};
use generate::{Dice, Odd, POLICY, condition, quantity, rows};
use proptest::prelude::*;
use std::sync::Arc;
use wardroom_event::{Event, Field, TypeId, Value};

fn program_of(files: &[(&str, &str)]) -> Result<Program, String> {
    let mut bundle = Bundle::new();
    files.iter().for_each(|(path, text)| bundle.add(*path, *text));
    let compiled = compile(&bundle);
    compiled.program.ok_or_else(|| wardroom_report::render(&compiled.diagnostics, &compiled.sources, false))
}

fn rule(when: &str) -> String {
    format!("{POLICY}\nrule r on thing:\n    when {when}\n    then block\n    because \"why\"\n")
}

fn kind(program: &Program) -> TypeId {
    program.schema.id("thing").unwrap()
}

/// What the rules say of each row, one by one.
fn online(program: &Program, rule: usize, events: &[Event], served: &[Vec<Value>]) -> Vec<Tri> {
    let holds = |(e, s): (&Event, &Vec<Value>)| program.rules[rule].holds(&Row::new(e, s, &Odd));
    events.iter().zip(served).map(holds).collect()
}

fn truths(column: &TriColumn) -> Vec<Tri> {
    (0..column.len()).map(|row| column.get(row)).collect()
}

/// A value with its bits: `-0.0` is not `0.0`.
fn bits(value: &Value) -> String {
    match value {
        Value::Number(n) => format!("{:x}", n.to_bits()),
        Value::List(items) => items.iter().map(bits).collect::<Vec<_>>().join(","),
        other => format!("{other:?}"),
    }
}

/// The batch with its texts in other forms that Arrow has for them, and durations as numbers.
fn reformed(batch: &RecordBatch, dice: &mut Dice) -> RecordBatch {
    let columns = batch.columns().iter().map(|column| reform(column, dice.below(7))).collect::<Vec<_>>();
    let fields = batch
        .schema()
        .fields()
        .iter()
        .zip(&columns)
        .map(|(f, c)| f.as_ref().clone().with_data_type(c.data_type().clone()))
        .collect::<Vec<_>>();
    RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns).unwrap()
}

fn reform(column: &ArrayRef, form: usize) -> ArrayRef {
    if let DataType::Duration(_) = column.data_type() {
        let plain = column.as_primitive::<arrow_array::types::DurationMicrosecondType>();
        return Arc::new(plain.iter().collect::<Int64Array>());
    }
    let Some(texts) = column.as_string_opt::<i32>() else { return column.clone() };
    match form {
        0 => Arc::new(texts.iter().collect::<LargeStringArray>()),
        1 => Arc::new(texts.iter().collect::<StringViewArray>()),
        2 => dictionary::<Int8Type>(texts),
        3 => dictionary::<UInt16Type>(texts),
        4 | 5 => dictionary::<Int32Type>(texts),
        _ => column.clone(),
    }
}

fn dictionary<K: arrow_array::types::ArrowDictionaryKeyType>(texts: &StringArray) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<K>::new();
    texts.iter().for_each(|text| builder.append_option(text));
    Arc::new(builder.finish())
}

/// Checks a rule over a batch in three forms: as built, with other forms of texts, and a part of a larger one.
fn agree(
    program: &Program,
    rule: usize,
    events: &[Event],
    served: &[Vec<Value>],
    seed: u64,
) -> Result<(), TestCaseError> {
    let plan = program.columns(kind(program));
    let over = plan.rule(rule).unwrap();
    let expect = online(program, rule, events, served);
    let batch = plan.batch(events, served).unwrap();
    let at = |forms: &str, got: &[Tri], expect: &[Tri]| {
        let differ = got.iter().zip(expect).position(|(a, b)| a != b);
        match differ {
            None if got.len() == expect.len() => Ok(()),
            None => Err(TestCaseError::fail(format!("{forms}: {} rows", got.len()))),
            Some(row) => Err(TestCaseError::fail(format!(
                "{forms} row {row}: {:?}, online {:?}\n{}\n{:?}\n{:?}",
                got[row],
                expect[row],
                program.rules[rule].terms.iter().map(|t| &*t.text).collect::<Vec<_>>().join(" AND "),
                program
                    .schema
                    .get(kind(program))
                    .fields
                    .iter()
                    .map(|f| &f.name)
                    .zip(&events[row].values)
                    .collect::<Vec<_>>(),
                served[row],
            ))),
        }
    };
    at("as built", &truths(&over.evaluate(&batch, &Odd).unwrap()), &expect)?;
    let other = reformed(&batch, &mut Dice(seed));
    at("in other forms", &truths(&over.evaluate(&other, &Odd).unwrap()), &expect)?;
    let (from, len) = (events.len() / 3, events.len() / 2);
    let part = other.slice(from, len);
    at("a part", &truths(&over.evaluate(&part, &Odd).unwrap()), &expect[from..from + len])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn conditions_over_columns_are_those_over_rows(when in condition(3), seed in any::<u64>()) {
        // A condition that does not depend on the event is refused, and one whose cost is beyond the budget.
        let Ok(program) = program_of(&[("main.ward", &rule(&when))]) else { return Ok(()) };
        let (events, served) = rows(&program, kind(&program), 130, seed);
        agree(&program, program.rules.len() - 1, &events, &served, seed)?;
    }

    #[test]
    fn what_is_computed_is_computed_anew(
        of in quantity(2),
        cond in condition(1),
        scale in 0.1f64..4.0,
        seed in any::<u64>(),
    ) {
        let source = whole(&of, &cond);
        let model = model(scale);
        let Ok(program) = program_of(&[("main.ward", &source), ("m.json", &model)]) else { return Ok(()) };
        let (events, served) = rows(&program, kind(&program), 70, seed);
        for rule in 0..program.rules.len() {
            agree(&program, rule, &events, &served, seed)?;
        }
        let plan = program.columns(kind(&program));
        let batch = plan.batch(&events, &served).unwrap();
        let without = forgotten(&program, &batch);
        let again = plan.rows(&plan.recompute(&without, &Odd).unwrap()).unwrap();
        for (row, served) in served.iter().enumerate() {
            let got = again.get(row).unwrap().served;
            for ((got, want), serve) in got.iter().zip(served).zip(&program.plan(kind(&program)).serve) {
                prop_assert_eq!(bits(got), bits(want), "{} of row {}\n{}", serve.id, row, source);
            }
        }
    }

    #[test]
    fn rows_come_back_from_columns(count in 0usize..80, seed in any::<u64>()) {
        let program = program_of(&[("main.ward", &rule("tally > 3 and since < at and labelled(ip.net, \"farm\") and ip.asn > 3"))]).unwrap();
        let (events, served) = rows(&program, kind(&program), count, seed);
        let plan = program.columns(kind(&program));
        let batch = plan.batch(&events, &served).unwrap();
        for batch in [reformed(&batch, &mut Dice(seed)), batch] {
            let rows = plan.rows(&batch).unwrap();
            prop_assert_eq!(rows.len(), count);
            prop_assert!(rows.get(count).is_none());
            for (row, (event, served)) in events.iter().zip(&served).enumerate() {
                let got = rows.get(row).unwrap();
                prop_assert_eq!(got.time, event.time);
                let want: Vec<String> = event.values.iter().chain(served).map(bits).collect();
                prop_assert_eq!(got.values.iter().chain(&got.served).map(bits).collect::<Vec<_>>(), want);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// What queries ask: any expression as a column, for all rows or for some.
    #[test]
    fn values_are_what_is_served_online(
        of in quantity(2), cond in condition(1), count in 0usize..150, seed in any::<u64>(),
    ) {
        let source = every_type(&of, &cond);
        let Ok(program) = program_of(&[("main.ward", &source)]) else { return Ok(()) };
        let (events, served) = rows(&program, kind(&program), count, seed);
        let plan = program.columns(kind(&program));
        let batch = plan.batch(&events, &served).unwrap();
        let mut dice = Dice(seed);
        let some: Vec<bool> = (0..count).map(|_| dice.below(3) > 0).collect();
        let among = TriColumn::each(&Bits::all(count), |row| Tri::known(some[row]));
        for batch in [reformed(&batch, &mut dice), batch] {
            for computed in program.computed.iter().filter(|c| c.on == kind(&program)) {
                let at = program.plan(kind(&program)).serve.iter().position(|s| s.id == computed.id).unwrap();
                let value = plan.value(&computed.typed);
                let field = Field { name: "x".into(), ..Field::plain("x", computed.typed.kind, true) };
                for among in [None, Some(&among)] {
                    let array = value.evaluate(&batch, among, &Odd).unwrap();
                    let column = super::Column::of(&field, &array).unwrap();
                    prop_assert_eq!(array.data_type(), &form::data_type(&field));
                    for row in (0..count).filter(|row| among.is_none() || some[*row]) {
                        let (got, want) = (column.value(row), &served[row][at]);
                        prop_assert_eq!(bits(&got), bits(want), "{} of row {}\n{}", computed.id, row, source);
                    }
                }
            }
        }
    }
}

/// A policy with features, evidence, scores and a model beside tables and lists.
fn whole(of: &str, cond: &str) -> String {
    format!(
        r#"{POLICY}
feature derived = {of}

evidence first on thing:
    weigh   log(tally + 1) / (derived + 2) capped -2 to 6
    because "some {{tally}}"

evidence second on thing:
    weigh   1.5 if {cond} else -0.25
    because "some"

model m on thing from "m.json":
    tally = tally / 2
    flag  = {cond}
    rest  = derived

score total on thing = sum(prior(-1.5), first, second, m)

rule one on thing:
    when    total > -1.0 and derived != 0.5 and {cond}
    then    block
    because "{{total.top(2)}}"

rule two on thing:
    when    total.probability > 0.2 or total.known < 3
    then    review
    because "why"
"#
    )
}

/// A policy that computes a value of each type.
fn every_type(of: &str, cond: &str) -> String {
    let values = [
        cond,
        of,
        &format!("ot if {cond} else email.domain"),
        "t.lower()",
        "email.domain",
        &format!("ip if {cond} else oip"),
        &format!("ip.net if {cond} else onet"),
        "oip",
        "onet",
        &format!("at if {cond} else oat"),
        "od",
        &format!("d if {cond} else od"),
        &format!("os if {cond} else s"),
        "r",
        "oemail",
        "plan",
    ];
    let mut source = POLICY.to_owned();
    for (number, value) in values.iter().enumerate() {
        source += &format!("\nfeature f{number} = {value}");
    }
    let read: Vec<String> = (0..values.len()).map(|n| format!("f{n} is missing")).collect();
    source
        + &format!("\nrule r on thing:\n    when {}\n    then block\n    because \"w\"\n", read.join(" or "))
}

fn model(scale: f64) -> String {
    format!(
        r#"{{"kind":"linear","bias":-0.5,"inputs":{{
            "tally":{{"weight":0.25,"mean":1,"scale":{scale:?}}},
            "flag":{{"weight":1,"missing":0.5}},"rest":{{"weight":-0.125}}}}}}"#
    )
}

/// The batch without what is computed.
fn forgotten(program: &Program, batch: &RecordBatch) -> RecordBatch {
    let plan = program.plan(kind(program));
    let first = batch.num_columns() - plan.serve.len();
    let is_kept = |at: &usize| match at.checked_sub(first) {
        Some(serve) => !matches!(plan.serve[serve].source, Source::Computed(_)),
        None => true,
    };
    batch.project(&(0..batch.num_columns()).filter(is_kept).collect::<Vec<_>>()).unwrap()
}

#[test]
fn most_of_what_is_generated_is_a_policy_and_its_answers_differ() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (conditions, quantities) = (condition(3), quantity(2));
    let (mut seen, mut refused, mut said) = ([0usize; 3], 0, Vec::new());
    for seed in 0..120 {
        let when = conditions.new_tree(&mut runner).unwrap().current();
        match program_of(&[("main.ward", &rule(&when))]) {
            Ok(program) => {
                let (events, served) = rows(&program, kind(&program), 20, seed);
                let answers = online(&program, program.rules.len() - 1, &events, &served);
                answers.into_iter().for_each(|tri| seen[tri as usize] += 1);
            }
            Err(why) => {
                refused += 1;
                said.push(why);
            }
        }
    }
    assert!(refused < 40, "{refused} are refused\n{}", said.join("\n"));
    assert!(seen.iter().all(|n| *n > 200), "{seen:?}");
    let mut refused = 0;
    for _ in 0..60 {
        let of = quantities.new_tree(&mut runner).unwrap().current();
        let cond = condition(1).new_tree(&mut runner).unwrap().current();
        let made = program_of(&[("main.ward", &whole(&of, &cond)), ("m.json", &model(1.0))]);
        refused += usize::from(made.map_err(|why| said.push(why)).is_err());
    }
    assert!(refused < 30, "{refused} are refused\n{}", said.join("\n"));
}

#[test]
fn many_rows_are_as_few() {
    let check = |when: &str| {
        let program = program_of(&[("main.ward", &rule(when))]).unwrap();
        let (events, served) = rows(&program, kind(&program), 3 * super::ROWS + 77, 5);
        agree(&program, program.rules.len() - 1, &events, &served, 9).unwrap();
    };
    check("tally >= 2 and t == \"a\" and ip in \"10.0.0.0/8\" and (n < 0.5 or on is missing)");
    check("any(x.size > \"1B\" and t == \"a\" for x in files if x.kind == \"exe\") and i + len(nums) > 1");
    check("ot in [\"a\", \"Ab\"] and od / d > 0.5 or account in bad");
}

/// As others may write dictionaries: a text twice, one that is null, one that nothing has.
#[test]
fn odd_dictionaries_are_read() {
    let words = StringArray::from(vec![Some("a"), None, Some("b"), Some("a"), Some("never")]);
    let keys = Int32Array::from(vec![Some(0), Some(1), Some(2), Some(3), None]);
    let texts: ArrayRef = Arc::new(DictionaryArray::try_new(keys, Arc::new(words)).unwrap());
    let fields = vec![ArrowField::new("ot", texts.data_type().clone(), true)];
    let batch = RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), vec![texts]).unwrap();
    let check = |when: &str, expect: [Tri; 5]| {
        let program = program_of(&[("main.ward", &rule(when))]).unwrap();
        let plan = program.columns(kind(&program));
        let over = plan.rule(program.rules.len() - 1).unwrap();
        assert_eq!(truths(&over.evaluate(&batch, &Odd).unwrap()), expect, "{when}");
        // The same, when a batch has fewer rows than the dictionary has texts.
        assert_eq!(truths(&over.evaluate(&batch.slice(2, 1), &Odd).unwrap()), expect[2..3], "{when}");
    };
    let (yes, no, unknown) = (Tri::True, Tri::False, Tri::Unknown);
    check("ot == \"a\"", [yes, unknown, no, yes, unknown]);
    check("ot != \"b\"", [yes, unknown, no, yes, unknown]);
    check("ot == \"absent\"", [no, unknown, no, no, unknown]);
    check("ot.startswith(\"a\")", [yes, unknown, no, yes, unknown]);
    check("ot is missing", [no, yes, no, no, yes]);
}

#[test]
fn truths_are_counted_and_go_to_arrow() {
    let program = program_of(&[("main.ward", &rule("oi > 0"))]).unwrap();
    let (events, served) = rows(&program, kind(&program), 99, 1);
    let plan = program.columns(kind(&program));
    let rule = plan.rule(program.rules.len() - 1).unwrap();
    let got = rule.evaluate(&plan.batch(&events, &served).unwrap(), &Odd).unwrap();
    let of = |tri: Tri| truths(&got).iter().filter(|t| **t == tri).count();
    assert_eq!((got.count_true(), got.count_unknown()), (of(Tri::True), of(Tri::Unknown)));
    assert_eq!((got.count_false(), got.len()), (of(Tri::False), 99));
    assert!(got.rows_true().all(|row| got.get(row) == Tri::True));
    let array = got.to_array();
    let back: Vec<Tri> = array.iter().map(Tri::of).collect();
    assert_eq!(back, truths(&got));
    assert_eq!(array.null_count(), got.count_unknown());
}

#[test]
fn a_rule_reads_few_columns_and_says_what_is_amiss() {
    let program = program_of(&[("main.ward", &rule("oi > 0 and t == \"a\" and tally > 3"))]).unwrap();
    let plan = program.columns(kind(&program));
    let rule = plan.rule(program.rules.len() - 1).unwrap();
    assert_eq!(rule.reads().collect::<Vec<_>>(), ["oi", "t", "tally"]);
    let (events, served) = rows(&program, kind(&program), 9, 1);
    let batch = plan.batch(&events, &served).unwrap();
    let some = |names: &[&str]| {
        let at: Vec<usize> = names.iter().map(|n| batch.schema().index_of(n).unwrap()).collect();
        batch.project(&at).unwrap()
    };
    let whole = rule.evaluate(&batch, &Odd).unwrap();
    assert_eq!(rule.evaluate(&some(&["tally", "t", "oi"]), &Odd).unwrap(), whole);
    let said = |batch: &RecordBatch| rule.evaluate(batch, &Odd).unwrap_err().to_string();
    assert_eq!(said(&some(&["t", "tally"])), "there is no column `oi`");
    let named = |from: &str, to: &str| {
        let field = batch.schema().field_with_name(from).unwrap().clone().with_name(to);
        let rest = some(&["oi", "tally"]);
        let mut fields: Vec<_> = rest.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
        fields.push(field);
        let mut columns = rest.columns().to_vec();
        columns.push(batch.column_by_name(from).unwrap().clone());
        RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns).unwrap()
    };
    assert_eq!(said(&named("n", "t")), "column `t` is Float64; it must be Utf8");

    let fitted = plan.fit(&some(&["time", "t", "tally"])).unwrap();
    assert!(fitted.absent.iter().any(|name| **name == *"oi"));
    assert_eq!(fitted.batch.num_columns(), plan.schema().fields().len());
    let got = rule.evaluate(&fitted.batch, &Odd).unwrap();
    assert_eq!(got.count_true(), 0);
    assert!(matches!(plan.fit(&some(&["t"])), Err(ColumnError::Absent { .. })));
}

#[test]
fn what_does_not_fit_is_refused() {
    let program = program_of(&[("main.ward", &rule("tally > 3"))]).unwrap();
    let plan = program.columns(kind(&program));
    let (mut events, served) = rows(&program, kind(&program), 3, 1);
    assert!(matches!(plan.batch(&events, &served[1..]), Err(ColumnError::Rows)));
    assert!(matches!(plan.batch(&events, &[vec![], vec![], vec![]]), Err(ColumnError::Rows)));
    events[1].values[2] = Value::Bool(true);
    let said = plan.batch(&events, &served).unwrap_err().to_string();
    assert_eq!(said, "the value of row 1 does not fit column `i`");
}

#[test]
fn a_feature_may_have_a_fields_name() {
    let source = "event a:\n    x: int\nevent b:\n    y: int\n\
        feature x = count(b, last=\"1h\")\n\
        rule r on b:\n    when x > 1\n    then block\n    because \"why\"\n";
    let program = program_of(&[("main.ward", source)]).unwrap();
    let names = |kind: &str| -> Vec<String> {
        let plan = program.columns(program.schema.id(kind).unwrap());
        plan.schema().fields().iter().map(|f| f.name().clone()).collect()
    };
    assert_eq!(names("a"), ["time", "x"]);
    assert_eq!(names("b"), ["time", "y", "x"]);
    assert!(program.columns(program.schema.id("a").unwrap()).rule(0).is_none());
}

#[test]
fn addresses_and_networks_come_back_from_their_bytes() {
    let ip = |text: &str| assert_eq!(form::ip(&form::ip_bytes(text.parse().unwrap())), text.parse().ok());
    ["0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1", "::fffe:1.2.3.4"].into_iter().for_each(ip);
    let net = |text: &str| assert_eq!(form::net(&form::net_bytes(text.parse().unwrap())), text.parse().ok());
    ["0.0.0.0/0", "10.0.0.0/8", "1.2.3.4/32", "::/0", "::/32", "::ffff:0:0/96", "::ffff:1.2.3.0/120"]
        .into_iter()
        .for_each(net);
    assert_eq!(form::net(&[0xff; 17]), None);
    assert_eq!(form::ip(&[0; 4]), None);
}

/// A backtest asks one rule of many batches at once.
#[test]
fn a_rule_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let program = program_of(&[("main.ward", &rule("oi > 0"))]).unwrap();
    let plan = program.columns(kind(&program));
    shared(&plan);
    shared(&plan.rule(program.rules.len() - 1));
}
