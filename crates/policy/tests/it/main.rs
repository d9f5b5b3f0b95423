// SPDX-License-Identifier: Apache-2.0
//! The policy language from outside: what it says of faulty policies, what it makes of good ones, and that no text
//! whatever harms it.
#![allow(clippy::unwrap_used)]

mod support;

mod bad;
mod book;
mod features;
mod formatted;
mod generate;
mod good;
mod language;
mod limits;
mod names;
mod oracle;
mod query;
mod reasons;
mod robust;
