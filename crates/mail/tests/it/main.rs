// SPDX-License-Identifier: Apache-2.0
//! Reading as a whole: real mail, and the page that names what it finds.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod corpus;
mod page;
