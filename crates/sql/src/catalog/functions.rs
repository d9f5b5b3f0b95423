// SPDX-License-Identifier: Apache-2.0
//! Functions that clients ask the catalogue with: who am I, what is this number called, may I.

use super::{Catalog, FIRST_FUNCTION, FUNCTIONS, types};
use crate::CATALOG;
use crate::door::SERVER_VERSION;
use crate::functions::by_name;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use std::fmt;
use std::sync::Arc;

/// What a function says of its arguments.
type Say = Arc<dyn Fn(&[ScalarValue]) -> ScalarValue + Send + Sync>;

/// A function that is asked row by row: catalogues are small.
struct Asked {
    name: &'static str,
    signature: Signature,
    gives: DataType,
    say: Say,
}

by_name!(Asked);

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asked({})", self.name)
    }
}

impl ScalarUDFImpl for Asked {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.gives.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_))) {
            let values: Vec<_> = args.args.into_iter().filter_map(scalar).collect();
            return Ok(ColumnarValue::Scalar((self.say)(&values)));
        }
        let arrays =
            args.args.iter().map(|arg| arg.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let rows = (0..args.number_rows).map(|row| {
            let values = arrays.iter().map(|array| ScalarValue::try_from_array(array, row));
            Ok((self.say)(&values.collect::<Result<Vec<_>>>()?))
        });
        let said = rows.collect::<Result<Vec<_>>>()?;
        if said.is_empty() {
            return Ok(ColumnarValue::Array(datafusion::arrow::array::new_empty_array(&self.gives)));
        }
        Ok(ColumnarValue::Array(ScalarValue::iter_to_array(said)?))
    }
}

fn scalar(value: ColumnarValue) -> Option<ScalarValue> {
    match value {
        ColumnarValue::Scalar(value) => Some(value),
        ColumnarValue::Array(_) => None,
    }
}

fn text(value: impl Into<String>) -> ScalarValue {
    ScalarValue::Utf8(Some(value.into()))
}

fn maybe(value: Option<String>) -> ScalarValue {
    ScalarValue::Utf8(value)
}

fn number(values: &[ScalarValue], at: usize) -> Option<i64> {
    match values.get(at)?.cast_to(&DataType::Int64).ok()? {
        ScalarValue::Int64(n) => n,
        _ => None,
    }
}

fn string(values: &[ScalarValue], at: usize) -> Option<String> {
    match values.get(at)?.cast_to(&DataType::Utf8).ok()? {
        ScalarValue::Utf8(text) => text,
        _ => None,
    }
}

fn list(texts: &[&str]) -> ScalarValue {
    let values: Vec<ScalarValue> = texts.iter().map(|t| text(*t)).collect();
    ScalarValue::List(ScalarValue::new_list_nullable(&values, &DataType::Utf8))
}

/// Functions that are always true: everything is there, and may be read.
const YES: [&str; 17] = [
    "has_any_column_privilege",
    "has_column_privilege",
    "has_database_privilege",
    "has_function_privilege",
    "has_schema_privilege",
    "has_sequence_privilege",
    "has_table_privilege",
    "has_type_privilege",
    "pg_has_role",
    "pg_collation_is_visible",
    "pg_conversion_is_visible",
    "pg_function_is_visible",
    "pg_opclass_is_visible",
    "pg_operator_is_visible",
    "pg_table_is_visible",
    "pg_type_is_visible",
    "row_security_active",
];
/// Functions that are always false.
const NO: [&str; 4] =
    ["pg_is_in_recovery", "pg_is_other_temp_schema", "pg_relation_is_publishable", "pg_is_wal_replay_paused"];
/// Functions about what there is not.
const NULL: [&str; 15] = [
    "pg_get_constraintdef",
    "pg_get_expr",
    "pg_get_functiondef",
    "pg_get_indexdef",
    "pg_get_partkeydef",
    "pg_get_ruledef",
    "pg_get_serial_sequence",
    "pg_get_statisticsobjdef",
    "pg_get_statisticsobjdef_columns",
    "pg_get_triggerdef",
    "pg_tablespace_location",
    "shobj_description",
    "inet_client_addr",
    "inet_server_addr",
    "pg_relation_filenode",
];
/// Functions that give a size nobody counts.
const ZERO: [&str; 7] = [
    "pg_database_size",
    "pg_indexes_size",
    "pg_my_temp_schema",
    "pg_relation_size",
    "pg_table_size",
    "pg_total_relation_size",
    "pg_backend_pid",
];

/// All of them, over one statement's catalogue.
pub(crate) fn all(catalog: &Arc<Catalog>) -> Vec<Arc<ScalarUDF>> {
    let mut made = Vec::with_capacity(96);
    let mut add = |name: &'static str, gives: DataType, say: Say| {
        let any = Signature::one_of(
            vec![
                datafusion::logical_expr::TypeSignature::Nullary,
                datafusion::logical_expr::TypeSignature::VariadicAny,
            ],
            Volatility::Stable,
        );
        made.push(Arc::new(ScalarUDF::from(Asked { name, signature: any, gives, say })));
    };
    for name in YES {
        add(name, DataType::Boolean, Arc::new(|_| ScalarValue::Boolean(Some(true))));
    }
    for name in NO {
        add(name, DataType::Boolean, Arc::new(|_| ScalarValue::Boolean(Some(false))));
    }
    for name in NULL {
        add(name, DataType::Utf8, Arc::new(|_| ScalarValue::Utf8(None)));
    }
    for name in ZERO {
        add(name, DataType::Int64, Arc::new(|_| ScalarValue::Int64(Some(0))));
    }
    about_session(catalog, &mut add);
    about_names(catalog, &mut add);
    about_what(catalog, &mut add);
    made
}

fn about_session(catalog: &Arc<Catalog>, add: &mut impl FnMut(&'static str, DataType, Say)) {
    let user = catalog.user.clone();
    for name in ["current_user", "session_user", "user", "current_role"] {
        let user = user.clone();
        add(name, DataType::Utf8, Arc::new(move |_| text(&*user)));
    }
    for name in ["current_database", "current_catalog"] {
        add(name, DataType::Utf8, Arc::new(|_| text(CATALOG)));
    }
    add("current_schema", DataType::Utf8, Arc::new(|_| text("public")));
    let schemas = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
    let schemas_of = |values: &[ScalarValue]| match values.first() {
        Some(ScalarValue::Boolean(Some(true))) => list(&["pg_catalog", "public"]),
        _ => list(&["public"]),
    };
    add("current_schemas", schemas, Arc::new(schemas_of));
    let version = format!("PostgreSQL {SERVER_VERSION} (Wardroom {})", env!("CARGO_PKG_VERSION"));
    add("version", DataType::Utf8, Arc::new(move |_| text(&*version)));
    let setting = |values: &[ScalarValue]| {
        let name = string(values, 0).unwrap_or_default().to_lowercase();
        let known = crate::door::known_settings().find(|(known, _)| *known == name);
        maybe(known.map(|(_, value)| value.to_owned()))
    };
    add("current_setting", DataType::Utf8, Arc::new(setting));
    // For this statement it is what it was said to be; drivers ask by it for the schemas they mean.
    add("set_config", DataType::Utf8, Arc::new(|values: &[ScalarValue]| maybe(string(values, 1))));
}

fn about_names(catalog: &Arc<Catalog>, add: &mut impl FnMut(&'static str, DataType, Say)) {
    for name in ["to_regclass_oid", "to_regclass"] {
        let catalog = catalog.clone();
        let oid = move |values: &[ScalarValue]| {
            let name = string(values, 0);
            // A number in a text is a number.
            ScalarValue::Int64(name.and_then(|name| name.parse().ok().or_else(|| catalog.oid(&name))))
        };
        add(name, DataType::Int64, Arc::new(oid));
    }
    let names = catalog.clone();
    let name = move |values: &[ScalarValue]| {
        maybe(number(values, 0).map(|oid| names.name(oid).unwrap_or_else(|| oid.to_string())))
    };
    add("regclass_name", DataType::Utf8, Arc::new(name));
    for name in ["to_regtype_oid", "to_regtype"] {
        let oid = |values: &[ScalarValue]| {
            let name = string(values, 0).unwrap_or_default();
            let known = types::by_name(&name).map(|kind| i64::from(kind.oid));
            ScalarValue::Int64(name.parse().ok().or(known))
        };
        add(name, DataType::Int64, Arc::new(oid));
    }
    for name in ["regtype_name", "format_type"] {
        let name_of = |values: &[ScalarValue]| {
            let oid = number(values, 0);
            maybe(oid.map(|oid| types::by_oid(oid).map_or("???", |kind| kind.long).to_owned()))
        };
        add(name, DataType::Utf8, Arc::new(name_of));
    }
    let schema = |values: &[ScalarValue]| {
        maybe(number(values, 0).map(|oid| match oid {
            super::PG_CATALOG => "pg_catalog".to_owned(),
            super::PUBLIC => "public".to_owned(),
            super::INFORMATION => "information_schema".to_owned(),
            other => other.to_string(),
        }))
    };
    add("regnamespace_name", DataType::Utf8, Arc::new(schema));
    add("regproc_name", DataType::Utf8, Arc::new(|values: &[ScalarValue]| maybe(string(values, 0))));
    add("pg_get_userbyid", DataType::Utf8, Arc::new(|_| text(super::OWNER)));
    let encoding = |values: &[ScalarValue]| text(if number(values, 0) == Some(6) { "UTF8" } else { "" });
    add("pg_encoding_to_char", DataType::Utf8, Arc::new(encoding));
    let quoted = |values: &[ScalarValue]| maybe(string(values, 0).map(|name| crate::engine::quoted(&name)));
    add("quote_ident", DataType::Utf8, Arc::new(quoted));
    add("like_escape", DataType::Utf8, Arc::new(like_escape));
    let pretty = |values: &[ScalarValue]| maybe(number(values, 0).map(|n| format!("{n} bytes")));
    add("pg_size_pretty", DataType::Utf8, Arc::new(pretty));
}

/// A pattern of `LIKE` with its own sign of escape, as one with a backslash.
fn like_escape(values: &[ScalarValue]) -> ScalarValue {
    let (Some(pattern), Some(sign)) = (string(values, 0), string(values, 1)) else {
        return ScalarValue::Utf8(None);
    };
    let (sign, mut chars, mut out) = (sign.chars().next(), pattern.chars(), String::new());
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == sign => out.extend(['\\'].into_iter().chain(chars.next())),
            '\\' => out.push_str("\\\\"),
            c => out.push(c),
        }
    }
    text(out)
}

fn about_what(catalog: &Arc<Catalog>, add: &mut impl FnMut(&'static str, DataType, Say)) {
    let relations = catalog.clone();
    let about = move |values: &[ScalarValue]| {
        let oid = number(values, 0).unwrap_or_default();
        let function = usize::try_from(oid - FIRST_FUNCTION).ok().and_then(|at| FUNCTIONS.get(at));
        let said = relations.relation(oid).and_then(super::Relation::about);
        maybe(said.or_else(|| function.map(|function| function.about.to_owned())))
    };
    add("obj_description", DataType::Utf8, Arc::new(about));
    let relations = catalog.clone();
    let about_column = move |values: &[ScalarValue]| {
        let place = number(values, 1).and_then(|at| usize::try_from(at - 1).ok());
        let relation = number(values, 0).and_then(|oid| relations.relation(oid));
        let field = relation.zip(place).and_then(|(relation, at)| relation.schema.fields().get(at));
        maybe(field.and_then(|field| super::about(field)))
    };
    add("col_description", DataType::Utf8, Arc::new(about_column));
    let relations = catalog.clone();
    let view = move |values: &[ScalarValue]| {
        let relation = number(values, 0).and_then(|oid| relations.relation(oid));
        maybe(relation.map(|relation| super::definition(&relation.name).to_owned()))
    };
    add("pg_get_viewdef", DataType::Utf8, Arc::new(view));
    let of = |values: &[ScalarValue]| {
        let at = number(values, 0).and_then(|oid| usize::try_from(oid - FIRST_FUNCTION).ok());
        at.and_then(|at| FUNCTIONS.get(at))
    };
    add(
        "pg_get_function_result",
        DataType::Utf8,
        Arc::new(move |v: &[ScalarValue]| maybe(of(v).map(|f| f.result.to_owned()))),
    );
    for name in ["pg_get_function_arguments", "pg_get_function_identity_arguments"] {
        add(
            name,
            DataType::Utf8,
            Arc::new(move |v: &[ScalarValue]| maybe(of(v).map(|f| f.arguments.to_owned()))),
        );
    }
}
