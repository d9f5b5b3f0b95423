// SPDX-License-Identifier: Apache-2.0
//! Events of Keycloak, as its listeners send them over HTTP.
//!
//! Keycloak has an interface for listeners and none of its own that speaks HTTP, so there are several shapes, and all are read:
//! its own `Event` as JSON (`type`, `ipAddress`, `userId`, `details`), the same within a member `event`, and that of
//! p2-inc/keycloak-events, where `type` is `access.LOGIN` and who it was stands in `authDetails`. Events of administrators
//! (`admin.…`, `operationType`) are ignored.
//!
//! A failed login is one that tells something about a password: of the errors of `LOGIN_ERROR` those that say that the user or
//! the password was wrong, or that the account may not log in. An expired page is no guess.

use crate::hook::{AccountBy, Hook};
use crate::limits;
use crate::sheet::{self, Making, Sheet};
use crate::tag::Tags;
use serde_json::Value;
use std::net::IpAddr;
use wardroom_event::{Faults, Micros};

/// The name of the door, as events have it in `source`.
const DOOR: &str = "keycloak";

/// Reads one event.
///
/// # Errors
/// When the body is no JSON object, or too large.
pub fn read(bytes: &[u8], by: AccountBy, tags: &Tags) -> Result<Hook, Faults> {
    let sheet = sheet::read(bytes, limits::HOOK_BYTES)?;
    let event = sheet::inner(&sheet, "event").unwrap_or(&sheet);
    Ok(Event { sheet: event, who: sheet::inner(event, "authDetails").unwrap_or(event), by, tags }.tell())
}

/// An event, and the part of it that says who it was.
struct Event<'a> {
    sheet: &'a Sheet,
    who: &'a Sheet,
    by: AccountBy,
    tags: &'a Tags,
}

impl Event<'_> {
    fn tell(&self) -> Hook {
        let Some(kind) = sheet::text(self.sheet, "type") else {
            return Hook::Ignored("no type, or an event of an administrator");
        };
        let kind = kind.strip_prefix("access.").unwrap_or(kind);
        match kind {
            "LOGIN" => self.login(true, Some(true)),
            "LOGIN_ERROR" => self.login_error(),
            "REGISTER" => self.signup(),
            "VERIFY_EMAIL" => self.of("verification", |m| m.word("channel", "email").truth("ok", Some(true))),
            "SEND_RESET_PASSWORD" => self.recovery("asked"),
            "RESET_PASSWORD" => self.recovery("done"),
            "RESET_PASSWORD_ERROR" => self.recovery("failed"),
            "UPDATE_PASSWORD" => self.setting("password", None),
            "UPDATE_TOTP" => self.setting("two_factor_on", None),
            "REMOVE_TOTP" => self.setting("two_factor_off", None),
            "UPDATE_CREDENTIAL" => self.credential(true),
            "REMOVE_CREDENTIAL" => self.credential(false),
            "UPDATE_EMAIL" => self.setting("recovery_email", self.detail("updated_email")),
            "DELETE_ACCOUNT" => self.setting("delete", None),
            _ => Hook::Ignored("a type of event that the account pack does not ask for"),
        }
    }

    fn login_error(&self) -> Hook {
        match sheet::text(self.sheet, "error") {
            Some("user_not_found") => self.login(false, Some(false)),
            Some(
                "invalid_user_credentials"
                | "user_disabled"
                | "user_temporarily_disabled"
                | "account_disabled"
                | "account_temporarily_disabled",
            ) => self.login(false, Some(true)),
            _ => Hook::Ignored("an error that says nothing about a password"),
        }
    }

    fn login(&self, ok: bool, known: Option<bool>) -> Hook {
        let session = sheet::text(self.who, "sessionId").filter(|_| ok);
        self.of("login", |making| {
            let making = making.truth("ok", Some(ok)).truth("user_known", known);
            making
                .word("protocol", "web")
                .name("session", session)
                .text("user_agent", self.detail("user_agent"))
        })
    }

    fn signup(&self) -> Hook {
        let (email, username) = (self.detail("email"), self.detail("username"));
        let whole = sheet::inner(self.sheet, "details").and_then(|details| sheet::email(details, "email"));
        let Some(name) = username.or(email) else { return Hook::Ignored("nobody is named") };
        self.of("signup", |m| m.name("email", whole).text("username", Some(name)))
    }

    fn recovery(&self, step: &'static str) -> Hook {
        self.of("recovery", |making| making.word("channel", "email").word("step", step))
    }

    /// Told when it has taken effect, since Keycloak asks nobody before: to the pack it is asked for.
    fn setting(&self, what: &'static str, new: Option<&str>) -> Hook {
        let target = new.map(|new| self.tags.tag("setting.target", &[&new.to_lowercase()]));
        self.of("setting", |making| {
            making.word("what", what).word("step", "asked").name("target", target.as_deref())
        })
    }

    /// One of several things to log in with is set or taken off.
    fn credential(&self, on: bool) -> Hook {
        match (self.detail("credential_type"), on) {
            (Some("password"), true) => self.setting("password", None),
            (Some("webauthn" | "webauthn-passwordless"), true) => self.setting("passkey_added", None),
            (Some("otp" | "recovery-authn-codes"), true) => self.setting("two_factor_on", None),
            (Some("otp" | "recovery-authn-codes" | "webauthn" | "webauthn-passwordless"), false) => {
                self.setting("two_factor_off", None)
            }
            _ => Hook::Ignored("a credential that the account pack does not know"),
        }
    }

    /// An event of this type with who, from where, when; and more.
    fn of(&self, kind: &'static str, more: impl FnOnce(Making) -> Making) -> Hook {
        let name = self.detail("username").or_else(|| sheet::text(self.who, "username"));
        let Some(account) = self.by.choose(sheet::text(self.who, "userId"), name) else {
            return Hook::Ignored("nobody is named");
        };
        let Some(ip) = self.ip() else { return Hook::Ignored("no address of a client") };
        let id = sheet::text(self.sheet, "id").or_else(|| sheet::text(self.sheet, "uid"));
        let making = Making::of(kind, DOOR).id(id).at(self.time()).name("account", Some(account)).ip(ip);
        Hook::Tells(more(making).made())
    }

    fn ip(&self) -> Option<IpAddr> {
        sheet::address(self.who, "ipAddress")
    }

    /// Keycloak writes milliseconds since 1970.
    fn time(&self) -> Option<Micros> {
        let millis = self.sheet.get("time").and_then(Value::as_i64)?;
        millis.checked_mul(1000).map(Micros)
    }

    fn detail(&self, name: &str) -> Option<&str> {
        sheet::text(sheet::inner(self.sheet, "details")?, name)
    }
}
