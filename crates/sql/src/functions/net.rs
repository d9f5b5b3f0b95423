// SPDX-License-Identifier: Apache-2.0
//! Functions about addresses: `ip_in(ip, '10.0.0.0/8')`, `net(ip, 24)`, `family(ip)`.
//!
//! `family` and `masklen` bear the names that PostgreSQL gives them. What is no address or network gives null.

use super::by_name;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Arc<ScalarUDF>> {
    Which::ALL.into_iter().map(|which| Arc::new(ScalarUDF::from(OfNet::new(which))))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    In,
    Net,
    Family,
    Masklen,
}

impl Which {
    const ALL: [Which; 4] = [Which::In, Which::Net, Which::Family, Which::Masklen];
}

#[derive(Debug)]
struct OfNet {
    which: Which,
    signature: Signature,
}

by_name!(OfNet);

impl OfNet {
    fn new(which: Which) -> OfNet {
        let types = match which {
            Which::In => vec![DataType::Utf8, DataType::Utf8],
            Which::Net => vec![DataType::Utf8, DataType::Int64],
            Which::Family | Which::Masklen => vec![DataType::Utf8],
        };
        OfNet { which, signature: Signature::exact(types, Volatility::Immutable) }
    }
}

/// A network, or an address as the network of itself.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The network of this length that an address or a network lies in.
fn widened(text: &str, len: i64) -> Option<String> {
    let net = network(text)?;
    let len = u8::try_from(len).ok().filter(|len| *len <= net.prefix_len())?;
    IpNet::new(net.addr(), len).ok().map(|net| net.trunc().to_string())
}

impl ScalarUDFImpl for OfNet {
    fn name(&self) -> &str {
        match self.which {
            Which::In => "ip_in",
            Which::Net => "net",
            Which::Family => "family",
            Which::Masklen => "masklen",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.which {
            Which::In => DataType::Boolean,
            Which::Net => DataType::Utf8,
            Which::Family | Which::Masklen => DataType::Int64,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let one = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if one { 1 } else { args.number_rows };
        // A network that is given once is read once.
        let constant = match args.args.get(1) {
            Some(ColumnarValue::Scalar(value)) if self.which == Which::In => {
                Some(value.try_as_str().flatten().map(|text| {
                    network(text).ok_or_else(|| {
                        DataFusionError::Execution(format!(
                            "\"{}\" is no network such as '10.0.0.0/8'",
                            text.escape_debug()
                        ))
                    })
                }))
            }
            _ => None,
        };
        let constant = constant.map(Option::transpose).transpose()?;
        let arrays = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let fault = || DataFusionError::Internal("an argument is missing".to_owned());
        let first = cast(arrays.first().ok_or_else(fault)?, &DataType::Utf8)?;
        let texts = first.as_string::<i32>();
        let made: ArrayRef = match self.which {
            Which::Family => {
                let family = |text| network(text).map(|net| if net.addr().is_ipv4() { 4 } else { 6 });
                Arc::new(texts.iter().map(|text| text.and_then(family)).collect::<Int64Array>())
            }
            Which::Masklen => {
                let len = |text| network(text).map(|net| i64::from(net.prefix_len()));
                Arc::new(texts.iter().map(|text| text.and_then(len)).collect::<Int64Array>())
            }
            Which::Net => {
                let lens = arrays.get(1).ok_or_else(fault)?.as_primitive::<Int64Type>();
                let nets = texts.iter().zip(lens.iter()).map(|(text, len)| widened(text?, len?));
                Arc::new(nets.collect::<StringArray>())
            }
            Which::In => match constant {
                Some(None) => Arc::new(BooleanArray::new_null(texts.len())),
                Some(Some(net)) => {
                    let within = |text| network(text).map(|one| net.contains(&one));
                    Arc::new(texts.iter().map(|text| text.and_then(within)).collect::<BooleanArray>())
                }
                None => {
                    let nets = cast(arrays.get(1).ok_or_else(fault)?, &DataType::Utf8)?;
                    let pairs = texts.iter().zip(nets.as_string::<i32>().iter());
                    let within = pairs.map(|(one, net)| Some(network(net?)?.contains(&network(one?)?)));
                    Arc::new(within.collect::<BooleanArray>())
                }
            },
        };
        match one {
            true => Ok(ColumnarValue::Scalar(datafusion::scalar::ScalarValue::try_from_array(&made, 0)?)),
            false => Ok(ColumnarValue::Array(made)),
        }
    }
}
