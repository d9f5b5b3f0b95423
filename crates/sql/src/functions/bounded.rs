// SPDX-License-Identifier: Apache-2.0
//! Functions whose result can be larger than what goes in, with a bound on it.
//!
//! No pool counts what a function makes, and a chain such as `x || x` in forty `WITH` queries doubles forty times. So what
//! a call can make at most is reckoned from its arguments before it is made.

use super::by_name;
use crate::limits;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use std::sync::Arc;

/// How large the result of a call can get.
#[derive(Clone, Copy, Debug)]
enum Growth {
    /// As large as all arguments together.
    Sum,
    /// The first argument's size times the second's number.
    Times,
    /// As many characters a row as the second argument says.
    Length,
    /// The first argument's size times that of the last: each character replaced.
    Replaced,
}

/// The functions that grow. Those of lists copy all they are given.
const GROWING: [(&str, Growth); 16] = [
    ("concat", Growth::Sum),
    ("concat_ws", Growth::Replaced),
    ("repeat", Growth::Times),
    ("lpad", Growth::Length),
    ("rpad", Growth::Length),
    ("replace", Growth::Replaced),
    ("regexp_replace", Growth::Replaced),
    ("overlay", Growth::Sum),
    ("translate", Growth::Sum),
    ("array_to_string", Growth::Replaced),
    ("make_array", Growth::Sum),
    ("array_concat", Growth::Sum),
    ("array_append", Growth::Sum),
    ("array_prepend", Growth::Sum),
    ("array_union", Growth::Sum),
    ("flatten", Growth::Sum),
];

/// A function with a bound.
#[derive(Debug)]
pub(super) struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

by_name!(Bounded);

impl Bounded {
    /// The function, bounded where it can grow.
    pub(super) fn over(inner: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
        match GROWING.iter().find(|(name, _)| *name == inner.name()) {
            Some((_, growth)) => Arc::new(ScalarUDF::from(Bounded { inner, growth: *growth })),
            None => inner,
        }
    }

    fn most(&self, args: &ScalarFunctionArgs) -> usize {
        let rows = args.number_rows.max(1);
        let sizes: Vec<usize> = args.args.iter().map(|value| size(value, rows)).collect();
        let first = sizes.first().copied().unwrap_or(0);
        let number = |at: usize| args.args.get(at).map_or(0, largest);
        match self.growth {
            Growth::Sum => sizes.iter().sum(),
            Growth::Times => first.saturating_mul(number(1)),
            Growth::Length => rows.saturating_mul(number(1)).saturating_mul(4),
            Growth::Replaced => {
                let widest = args.args.iter().skip(1).map(longest).max().unwrap_or(0).max(1);
                let all: usize = sizes.iter().sum();
                all.saturating_mul(widest)
            }
        }
    }
}

/// `x || y`: null where either is, and with a bound.
#[derive(Debug)]
pub(super) struct Joined(Signature);

by_name!(Joined);

impl Joined {
    pub(super) fn new() -> Joined {
        Joined(Signature::user_defined(datafusion::logical_expr::Volatility::Immutable))
    }
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        "joined"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        match args {
            [_, _] if args.iter().all(|kind| !kind.is_nested()) => Ok(vec![DataType::Utf8; 2]),
            _ => Err(DataFusionError::Plan("|| joins two texts; array_concat() joins arrays".to_owned())),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let one = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if one { 1 } else { args.number_rows };
        let all: usize = args.args.iter().map(|value| size(value, rows)).sum();
        if all > limits::FUNCTION_BYTES {
            return Err(too_much("||"));
        }
        let arrays = args.args.iter().map(|arg| Ok(cast(&arg.to_array(rows)?, &DataType::Utf8)?));
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        let [left, right] = arrays.as_slice() else {
            return Err(DataFusionError::Internal("|| joins two".to_owned()));
        };
        let pairs = left.as_string::<i32>().iter().zip(right.as_string::<i32>().iter());
        let joined: datafusion::arrow::array::StringArray =
            pairs.map(|(left, right)| Some([left?, right?].concat())).collect();
        match one {
            true => Ok(ColumnarValue::Scalar(datafusion::scalar::ScalarValue::try_from_array(&joined, 0)?)),
            false => Ok(ColumnarValue::Array(Arc::new(joined))),
        }
    }
}

fn too_much(name: &str) -> DataFusionError {
    let most = limits::FUNCTION_BYTES / (1024 * 1024);
    DataFusionError::Execution(format!("{name} would make more than {most} MiB for one batch of rows"))
}

/// How many bytes the value has over all rows.
fn size(value: &ColumnarValue, rows: usize) -> usize {
    match value {
        ColumnarValue::Array(array) => array.own_size(),
        ColumnarValue::Scalar(value) => value.to_array().map_or(0, |one| one.own_size()) * rows,
    }
}

trait OwnSize {
    fn own_size(&self) -> usize;
}

impl OwnSize for Arc<dyn Array> {
    /// What the array's own rows take, not what it shares with others.
    fn own_size(&self) -> usize {
        self.to_data().get_slice_memory_size().unwrap_or_else(|_| self.get_array_memory_size())
    }
}

/// The largest number in it.
fn largest(value: &ColumnarValue) -> usize {
    let most = value.to_array(1).ok().and_then(|array| cast(&array, &DataType::Int64).ok());
    let most = most.and_then(|array| datafusion::arrow::compute::max(array.as_primitive::<Int64Type>()));
    most.map_or(0, |most| usize::try_from(most).unwrap_or(0))
}

/// The longest text in it, in bytes.
fn longest(value: &ColumnarValue) -> usize {
    let texts = value.to_array(1).ok().and_then(|array| cast(&array, &DataType::Utf8).ok());
    texts.map_or(0, |texts| texts.as_string::<i32>().iter().flatten().map(str::len).max().unwrap_or(0))
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        self.inner.return_type(args)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(args)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(inputs)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.most(&args) > limits::FUNCTION_BYTES {
            return Err(too_much(&format!("{}()", self.name())));
        }
        self.inner.invoke_with_args(args)
    }
}
