// SPDX-License-Identifier: Apache-2.0
//! `x = ANY (array)`, where the array may come as text: `{a,b}` is how clients send a list whose type they do not say.

use super::by_name;
use crate::door::array_items;
use datafusion::arrow::array::{AsArray, BooleanArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_nested::array_has::array_has_udf;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;
use std::collections::HashSet;
use std::sync::Arc;

/// `any_of(array, x)`.
#[derive(Debug)]
pub(super) struct AnyOf(Signature);

by_name!(AnyOf);

impl AnyOf {
    pub(super) fn new() -> AnyOf {
        AnyOf(Signature::user_defined(Volatility::Immutable))
    }
}

impl ScalarUDFImpl for AnyOf {
    fn name(&self) -> &str {
        "any_of"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        match args {
            [DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 | DataType::Null, _] => {
                Ok(vec![DataType::Utf8; 2])
            }
            [DataType::List(item), _] => Ok(vec![DataType::List(item.clone()), item.data_type().clone()]),
            _ => Err(DataFusionError::Plan("ANY takes an array".to_owned())),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [array, value] = args.args.as_slice() else {
            return Err(DataFusionError::Internal("ANY takes two".to_owned()));
        };
        if matches!(array.data_type(), DataType::List(_)) {
            return array_has_udf().invoke_with_args(args);
        }
        let ColumnarValue::Scalar(array) = array else {
            return Err(DataFusionError::Execution(
                "ANY takes an array, or one text of the form {a,b}".to_owned(),
            ));
        };
        let Some(text) = array.try_as_str().flatten() else {
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(None)));
        };
        let items = array_items(text).ok_or_else(|| {
            DataFusionError::Execution("ANY takes an array, or one text of the form {a,b}".to_owned())
        })?;
        let items: HashSet<String> = items.into_iter().flatten().collect();
        let one = matches!(value, ColumnarValue::Scalar(_));
        let values = cast(&value.to_array(args.number_rows)?, &DataType::Utf8)?;
        let found: BooleanArray =
            values.as_string::<i32>().iter().map(|value| value.map(|value| items.contains(value))).collect();
        match one {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?)),
            false => Ok(ColumnarValue::Array(Arc::new(found))),
        }
    }
}
