// SPDX-License-Identifier: Apache-2.0
//! From the bytes of a request to a typed event, beside a parser that checks nothing.

use crate::harness::Harness;
use crate::people::{self, TYPES};
use crate::table::Table;
use anyhow::{Result, anyhow, ensure};
use serde_json::{Value, json};
use std::hint::black_box;
use wardroom_event::Draft;
use wardroom_policy::Bundle;

/// A bare sign-up, and the same as a CloudEvent.
fn forms() -> Result<[String; 2]> {
    let number = (0..).find(|n| people::json(*n).contains("\"signup\"")).unwrap_or_default();
    let bare = people::json(number);
    let mut fields: serde_json::Map<String, Value> = serde_json::from_str(&bare)?;
    let (kind, id, time) = (fields.remove("type"), fields.remove("id"), fields.remove("time"));
    let cloud = json!({
        "specversion": "1.0", "source": "shop", "type": kind, "id": id, "time": time,
        "datacontenttype": "application/json", "data": fields,
    });
    Ok([bare, cloud.to_string()])
}

pub(crate) fn run(harness: &mut Harness) -> Result<()> {
    let program = wardroom_policy::compile(&Bundle::single("types.ward", TYPES)).program;
    let schema = program.ok_or_else(|| anyhow!("the types do not compile"))?.schema;
    let [bare, cloud] = forms()?;
    let title = format!(
        "A sign-up of eight fields from JSON: {} bytes bare, {} as a CloudEvent",
        bare.len(),
        cloud.len()
    );
    harness.table(
        Table::new(title, "event")
            .note("typed means every field checked and of its type, time and address read"),
    );
    for (form, json) in [("bare", &bare), ("CloudEvent", &cloud)] {
        let event = people::typed(json, &schema).map_err(|f| anyhow!("{f}"))?;
        ensure!(event.values.iter().all(|v| !v.is_missing()), "every field is there");
        harness.time(&format!("{form}: typed event"), || people::typed(black_box(json), &schema).is_ok());
        harness
            .time(&format!("{form}: taken apart"), || Draft::from_json(black_box(json.as_bytes())).is_ok());
        harness.time(&format!("{form}: serde_json::Value"), || {
            serde_json::from_slice::<Value>(black_box(json.as_bytes()))
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_the_same_sign_up() {
        let schema = wardroom_policy::compile(&Bundle::single("types.ward", TYPES)).program.unwrap().schema;
        let [bare, cloud] = forms().unwrap().map(|json| people::typed(&json, &schema).unwrap());
        assert_eq!(bare.values, cloud.values);
        assert_eq!(bare.time, cloud.time);
    }
}
