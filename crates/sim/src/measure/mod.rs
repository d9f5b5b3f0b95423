// SPDX-License-Identifier: Apache-2.0
//! How well a policy does on simulated worlds: figures from what was judged and what is true, with intervals over worlds.
//!
//! Nothing here judges. A [`World`] holds, for every sign-up and login, the truth and what each [`Judge`] said; the figures
//! are sums over worlds, so that a bootstrap replicate is the same sum with each world taken as often as it was drawn.
//! What was not measured has no value, which is not the same as zero.

mod containment;
mod curve;
mod draws;
mod figure;
mod friction;
mod lockout;
mod logins;
mod signups;
mod waves;
mod world;

#[cfg(test)]
mod tests;

pub use containment::{Course, containment};
pub use curve::{Caught, Curve};
pub use draws::Draws;
pub use figure::{Better, Estimate, Figure, Loss, Unit, losses};
pub use world::{Door, Entry, Judge, Opinion, World};

/// Every figure of these worlds.
pub fn figures(worlds: &[World], draws: &Draws) -> Vec<Figure> {
    let mut all = signups::figures(worlds, draws);
    all.extend(logins::figures(worlds, draws));
    all.extend(waves::figures(worlds, draws));
    all.extend(lockout::figures(worlds, draws));
    all.extend(friction::figures(worlds, draws));
    all
}
