// SPDX-License-Identifier: Apache-2.0
//! Events of authentik, as a webhook transport sends them.
//!
//! What authentik sends by itself is a sentence for people, without address or action: nothing can be told from it. With the
//! mapping in the book it sends the event as its own API shows it (`pk`, `action`, `user`, `client_ip`, `context`, `created`),
//! and that is read here.
//!
//! Accounts go by their user name, which a failed login has too, as it was typed. authentik does not say whether there is such
//! an account.

use crate::hook::Hook;
use crate::limits;
use crate::sheet::{self, Making, Sheet};
use crate::tag::Tags;
use wardroom_event::{Faults, Micros};

/// The name of the door, as events have it in `source`.
const DOOR: &str = "authentik";

/// What authentik gives as address where it knows none.
const NOWHERE: &str = "255.255.255.255";

/// Reads one event.
///
/// # Errors
/// When the body is no JSON object, or too large.
pub fn read(bytes: &[u8], tags: &Tags) -> Result<Hook, Faults> {
    let sheet = sheet::read(bytes, limits::HOOK_BYTES)?;
    let event = sheet::inner(&sheet, "event").unwrap_or(&sheet);
    let Some(action) = sheet::text(event, "action") else {
        return Ok(Hook::Ignored("no action: the transport has no webhook mapping"));
    };
    let empty = Sheet::new();
    let context = sheet::inner(event, "context").unwrap_or(&empty);
    Ok(Event { sheet: event, context, tags }.tell(action))
}

struct Event<'a> {
    sheet: &'a Sheet,
    context: &'a Sheet,
    tags: &'a Tags,
}

impl Event<'_> {
    fn tell(&self, action: &str) -> Hook {
        match action {
            "login" => self.of(self.user(), "login", |making| {
                self.program(
                    making
                        .truth("ok", Some(true))
                        .truth("user_known", Some(true))
                        .name("factor", self.factor()),
                )
            }),
            "login_failed" => {
                self.of(self.tried(), "login", |making| self.program(making.truth("ok", Some(false))))
            }
            "password_set" => self.setting("password", None),
            "user_write" if sheet::truth(self.context, "created") => self.signup(),
            "user_write" => match sheet::text(self.context, "email") {
                Some(email) => self.setting("recovery_email", Some(email)),
                None => Hook::Ignored("nothing that lets anybody in was changed"),
            },
            "model_created" => self.device(true),
            "model_deleted" => self.device(false),
            _ => Hook::Ignored("an action that the account pack does not ask for"),
        }
    }

    fn signup(&self) -> Hook {
        let account = sheet::text(self.context, "username").or_else(|| self.user());
        let email = sheet::email(self.context, "email");
        self.of(account, "signup", |making| {
            let making = making.name("email", email).text("username", account);
            let making = making.text("display_name", sheet::text(self.context, "name"));
            making.text("user_agent", self.user_agent())
        })
    }

    /// Something to log in with is added or taken off; other objects of administrators are no business of the pack.
    fn device(&self, on: bool) -> Hook {
        let model = sheet::inner(self.context, "model").and_then(|model| sheet::text(model, "model_name"));
        match (model, on) {
            (Some("webauthndevice"), true) => self.setting("passkey_added", None),
            (Some("totpdevice" | "staticdevice" | "smsdevice" | "duodevice" | "emaildevice"), true) => {
                self.setting("two_factor_on", None)
            }
            (
                Some(
                    "webauthndevice" | "totpdevice" | "staticdevice" | "smsdevice" | "duodevice"
                    | "emaildevice",
                ),
                false,
            ) => self.setting("two_factor_off", None),
            _ => Hook::Ignored("an object that lets nobody in"),
        }
    }

    /// Told when it has taken effect; to the pack it is asked for.
    fn setting(&self, what: &'static str, new: Option<&str>) -> Hook {
        let target = new.map(|new| self.tags.tag("setting.target", &[&new.to_lowercase()]));
        self.of(self.user(), "setting", |making| {
            making.word("what", what).word("step", "asked").name("target", target.as_deref())
        })
    }

    fn program(&self, making: Making) -> Making {
        making.word("protocol", "web").text("user_agent", self.user_agent())
    }

    fn user_agent(&self) -> Option<&str> {
        sheet::text(sheet::inner(self.context, "http_request")?, "user_agent")
    }

    /// The strongest that was shown: `auth_method_args` lists devices where there was a second factor.
    fn factor(&self) -> Option<&'static str> {
        let args = sheet::inner(self.context, "auth_method_args");
        let devices = args.and_then(|args| args.get("mfa_devices")).and_then(serde_json::Value::as_array);
        let shown = |model: &str| {
            let mut models = devices.into_iter().flatten().filter_map(|d| d.get("model_name")?.as_str());
            models.any(|name| name == model)
        };
        match sheet::text(self.context, "auth_method") {
            Some("auth_webauthn_pwl") => Some("passkey"),
            _ if shown("webauthndevice") => Some("security_key"),
            _ if shown("totpdevice") => Some("one_time_code"),
            _ if shown("smsdevice") => Some("text_message"),
            _ if shown("staticdevice") => Some("recovery_code"),
            Some("password" | "ldap") => Some("password"),
            _ => None,
        }
    }

    fn user(&self) -> Option<&str> {
        sheet::text(sheet::inner(self.sheet, "user")?, "username")
    }

    /// Whom a failed login was for: the user of such an event is the anonymous one.
    fn tried(&self) -> Option<&str> {
        let credentials = sheet::inner(self.context, "credentials");
        sheet::text(self.context, "username").or_else(|| sheet::text(credentials?, "username"))
    }

    /// An event of this type with who, from where, when; and more.
    fn of(&self, account: Option<&str>, kind: &'static str, more: impl FnOnce(Making) -> Making) -> Hook {
        let Some(account) = account else { return Hook::Ignored("nobody is named") };
        let nowhere = sheet::text(self.sheet, "client_ip") == Some(NOWHERE);
        let Some(ip) = sheet::address(self.sheet, "client_ip").filter(|_| !nowhere) else {
            return Hook::Ignored("no address of a client");
        };
        let time = sheet::text(self.sheet, "created").and_then(Micros::parse);
        let making = Making::of(kind, DOOR).id(sheet::text(self.sheet, "pk")).at(time);
        Hook::Tells(more(making.name("account", Some(account)).ip(ip)).made())
    }
}
