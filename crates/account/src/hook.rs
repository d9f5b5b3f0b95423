// SPDX-License-Identifier: Apache-2.0
//! What an identity provider's webhook turned out to be.

use wardroom_event::Draft;

/// One event of an identity provider.
#[derive(Clone, Debug, PartialEq)]
pub enum Hook {
    /// It tells about an account.
    Tells(Draft<'static>),
    /// It tells nothing that the account pack asks for, and why.
    Ignored(&'static str),
}

/// Which name of an account is taken, where an identity provider has two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountBy {
    /// Its own id, which stays when names change; the name that was typed where there is no such account.
    #[default]
    Id,
    /// The user's name, as other doors know it; the id where no name is told.
    Name,
}

impl AccountBy {
    /// As a query says it.
    pub fn named(name: &str) -> Option<AccountBy> {
        match name {
            "id" => Some(AccountBy::Id),
            "name" => Some(AccountBy::Name),
            _ => None,
        }
    }

    /// One of the two.
    pub(crate) fn choose<'a>(self, id: Option<&'a str>, name: Option<&'a str>) -> Option<&'a str> {
        match self {
            AccountBy::Id => id.or(name),
            AccountBy::Name => name.or(id),
        }
    }
}
