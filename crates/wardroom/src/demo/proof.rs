// SPDX-License-Identifier: Apache-2.0
//! What a provider tells once a challenge was passed: without it a policy would doubt a new telephone for weeks.

use serde_json::json;
use wardroom_event::Micros;
use wardroom_sim::{Happening, Occurrence};

/// How long an owner looks for the code (assumed).
const LOOKED_FOR: i64 = 20_000_000;

/// The event that follows if this one is answered by a challenge: an owner with the right password passes it. Thieves do
/// not, and what they fail at is not told.
pub(crate) fn of(happening: &Happening, source: Option<&str>) -> Option<String> {
    let event = &happening.event;
    if !happening.truth.is_honest() || !matches!(event.what(), Occurrence::Login { ok: true, .. }) {
        return None;
    }
    let mut proof = json!({
        "type": "step_up",
        "id": format!("{}-proof", event.id()),
        "time": Micros(event.time() + LOOKED_FOR).to_string(),
        "account": event.account(),
        "ip": event.ip().to_string(),
        "factor": "one_time_code",
        "ok": true,
    });
    if let Some(device) = event.device() {
        proof["device"] = device.into();
    }
    if let Some(source) = source {
        proof["source"] = source.into();
    }
    Some(proof.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_sim::{Campaigns, Settings, World};

    #[test]
    fn owners_prove_who_they_are_and_nobody_else_does() {
        let campaigns = Campaigns { begin_within_minutes: Some(10), ..Campaigns::default() };
        let world = World::new(Settings { accounts: 300, campaigns, ..Settings::default() });
        let (mut owners, mut others) = (0, 0);
        for happening in world.take(5_000) {
            let right = matches!(happening.event.what(), Occurrence::Login { ok: true, .. });
            let Some(proof) = of(&happening, None) else {
                assert!(!right || !happening.truth.is_honest());
                others += 1;
                continue;
            };
            assert!(right && happening.truth.is_honest());
            let proof: serde_json::Value = serde_json::from_str(&proof).unwrap();
            assert_eq!(proof["account"], happening.event.account());
            assert_eq!(proof["device"].as_str(), happening.event.device());
            owners += 1;
        }
        assert!(owners >= 20 && others >= 100, "{owners} owners, {others} others");
    }
}
