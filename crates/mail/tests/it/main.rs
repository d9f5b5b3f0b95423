// SPDX-License-Identifier: Apache-2.0
//! Reading as a whole: real mail, and the page that names what it finds.

mod corpus;
mod page;
