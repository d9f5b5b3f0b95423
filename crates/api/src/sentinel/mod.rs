// SPDX-License-Identifier: Apache-2.0
//! What the owner of an account sees of it: the security log, and the link "this was not me".

pub(crate) mod log;
pub(crate) mod not_me;
pub(crate) mod past;
mod token;

use crate::limits;
use crate::rate::{Limiter, Rate};
use std::sync::Arc;
use wardroom_account::sentinel::Template;
use wardroom_event::Span;

/// How the log and its links look.
#[derive(Clone, Debug)]
pub struct Sentinel {
    /// The page of the log.
    pub page: Arc<Template>,
    /// What stands before the path of a link, such as `https://security.example.org`; nothing where links are to be put together by
    /// the product.
    pub url: Box<str>,
    /// How long a link works.
    pub valid: Span,
}

impl Sentinel {
    /// The shipped page, and links that the product puts together.
    pub fn usual() -> Sentinel {
        Sentinel { page: Arc::new(Template::shipped()), url: "".into(), valid: limits::NOT_ME_VALID }
    }
}

/// What all who hold a link may do together: links are open to everybody who has one.
pub(crate) fn limiter() -> Option<Limiter> {
    let (rate, burst) = limits::NOT_ME_RATE;
    Rate::parse(rate, Some(burst)).ok().map(Limiter::new)
}
