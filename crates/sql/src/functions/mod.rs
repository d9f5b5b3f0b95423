// SPDX-License-Identifier: Apache-2.0
//! The functions of SQL: DataFusion's but those that make much of little without a bound, and those about networks.

mod any;
mod bounded;
mod net;

use bounded::{Bounded, Joined};
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// Functions that are not there: what they make grows with a number or with how often a value is named, in memory that
/// no pool counts, and nobody who looks at events needs them.
const LEFT_OUT: [&str; 14] = [
    "array_repeat",
    "array_resize",
    "array_cross_join",
    "arrow_cast",
    "arrow_metadata",
    "generate_series",
    "map",
    "make_map",
    "named_struct",
    "range",
    "struct",
    "row",
    "union_extract",
    "version",
];

/// All functions of values.
pub(crate) fn scalar() -> Vec<Arc<ScalarUDF>> {
    let theirs = SessionStateDefaults::default_scalar_functions();
    let theirs = theirs.into_iter().filter(|f| !LEFT_OUT.contains(&f.name())).map(Bounded::over);
    let own = [ScalarUDF::from(Joined::new()), ScalarUDF::from(any::AnyOf::new())];
    theirs.chain(net::all()).chain(own.map(Arc::new)).collect()
}

/// Implements what DataFusion compares functions by: here each name is one function.
macro_rules! by_name {
    ($kind:ty) => {
        impl PartialEq for $kind {
            fn eq(&self, other: &Self) -> bool {
                self.name() == other.name()
            }
        }
        impl Eq for $kind {}
        impl std::hash::Hash for $kind {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.name().hash(state);
            }
        }
    };
}
pub(crate) use by_name;
