// SPDX-License-Identifier: Apache-2.0
//! Who may come in by the door for SQL: holders of a key that may read, as the server has them at that moment.

use crate::clock;
use wardroom_api::{Api, Holder, Role};
use wardroom_event::Micros;
use wardroom_sql::door::{Admission, Gate, Lacks, Verifier};

/// The keys of a running server.
pub(super) struct Keys(Api);

impl Keys {
    pub(super) fn new(api: Api) -> Keys {
        Keys(api)
    }
}

fn admission(holder: &Holder) -> Result<Admission, Lacks> {
    if !holder.may(Role::Read) {
        return Err(Lacks(format!("this needs a key with the role `{}`", Role::Read)));
    }
    Ok(Admission { name: holder.name().clone(), whole: holder.may(Role::Reveal) })
}

impl Gate for Keys {
    fn verifier(&self, user: &str) -> Option<(Verifier, Result<Admission, Lacks>)> {
        let holder = self.0.keys().claimed(user)?;
        Some((Verifier::parse(holder.scram()?)?, admission(&holder)))
    }

    fn password(&self, password: &str) -> Option<Result<Admission, Lacks>> {
        self.0.keys().holder(password).map(|holder| admission(&holder))
    }

    fn now(&self) -> Micros {
        clock::now()
    }
}
