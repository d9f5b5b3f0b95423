// SPDX-License-Identifier: Apache-2.0
//! The lists that a policy brings along, for conditions that look into them. Those that change are none of these: what they
//! held is on the record of each decision.

use super::error::QueryError;
use wardroom_engine::policy_lists;
use wardroom_event::{Micros, Value};
use wardroom_policy::{ListId, Program, World};
use wardroom_state::{Keyer, List};

/// A program's lists.
pub(super) struct Lists(Vec<List>);

impl Lists {
    pub(super) fn of(program: &Program, keyer: &Keyer) -> Result<Lists, QueryError> {
        policy_lists(program, keyer)
            .map(Lists)
            .map_err(|error| QueryError::List { list: "".into(), why: error.to_string().into() })
    }
}

impl World for Lists {
    fn contains(&self, list: ListId, value: &Value, at: Micros) -> bool {
        self.0.get(list.0).and_then(|list| list.contains(value, at)).unwrap_or(false)
    }

    /// A query asks for no canary.
    fn bucket(&self, _: &str, _: &Value) -> u32 {
        0
    }
}
