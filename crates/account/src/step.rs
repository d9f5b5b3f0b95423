// SPDX-License-Identifier: Apache-2.0
//! What a product does next with somebody who wants in, in the words of a product.

/// One step of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Let them in.
    LetIn,
    /// Let them in, and the owner is told.
    LetInAndTell,
    /// Ask for something more first.
    StepUp {
        /// For what: `second factor`, `security key`, `captcha`, `email link`.
        ask: &'a str,
    },
    /// Let nothing risky happen until a person or the owner has looked.
    Hold,
    /// Do not let them in.
    Refuse,
    /// Go on as ever, later.
    SlowDown {
        /// In how many seconds.
        seconds: u16,
    },
}

impl Step<'_> {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Step::LetIn => "let_in",
            Step::LetInAndTell => "let_in_and_tell",
            Step::StepUp { .. } => "step_up",
            Step::Hold => "hold",
            Step::Refuse => "refuse",
            Step::SlowDown { .. } => "slow_down",
        }
    }
}
