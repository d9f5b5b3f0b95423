// SPDX-License-Identifier: Apache-2.0
//! Signatures, as Standard Webhooks (version 1) has them: whoever receives a request can tell that it is from here, is
//! whole, and is not an old one sent again. Libraries to check them exist for most languages.
//!
//! The key is `whsec_` and 24 to 64 bytes in base64. HMAC-SHA256 over id, timestamp and body with dots between them goes
//! into `webhook-signature` as `v1,` and base64.

use super::limits;
use crate::key_file;
use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use std::fmt;
use std::io::Read;
use std::path::PathBuf;

/// Where a secret is.
#[derive(Clone, Debug)]
pub(crate) enum Secret {
    /// In this file.
    File(PathBuf),
    /// In this variable of the environment.
    Variable(String),
}

/// Signs requests.
pub(super) struct Signer(hmac::Key);

/// Shows nothing of the key.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

impl Signer {
    /// Reads the key; a file that others can read or write is refused, for whoever has the key can sign. What is wrong is
    /// said without showing any of it.
    pub(super) fn open(secret: &Secret) -> Result<Signer> {
        match secret {
            Secret::File(path) => {
                let about = || format!("cannot read the secret {}", path.display());
                let mut text = String::new();
                let file = std::fs::File::open(path).with_context(about)?;
                key_file::is_closed(&file, "the secret", path)?;
                file.take(limits::SECRET_BYTES).read_to_string(&mut text).with_context(about)?;
                Signer::of(&text).with_context(|| format!("{}", path.display()))
            }
            Secret::Variable(name) => {
                let text = variable(name).with_context(|| format!("the variable {name} is not set"))?;
                Signer::of(&text).with_context(|| format!("the variable {name}"))
            }
        }
    }

    fn of(text: &str) -> Result<Signer> {
        let key = text.trim().strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
        match key {
            Some(key) if (24..=64).contains(&key.len()) => {
                Ok(Signer(hmac::Key::new(hmac::HMAC_SHA256, &key)))
            }
            _ => bail!(
                "a secret is `whsec_` and 24 to 64 random bytes in base64; \
                 `(umask 077; echo whsec_$(openssl rand -base64 32) > FILE)` makes one"
            ),
        }
    }

    /// The value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the edge where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// The example of the specification.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let signer = Signer::of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let signed = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hook.key");
        std::fs::write(&path, format!("whsec_{}\n", STANDARD.encode([7; 32]))).unwrap();
        let check = |mode: u32, good: bool| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let said = Signer::open(&Secret::File(path.clone())).map_err(|e| format!("{e:#}"));
            assert_eq!(said.is_ok(), good, "{mode:o} {said:?}");
            let expect = format!("hook.key can be read or written by others (mode {mode:03o}): make it 600");
            assert!(good || said.is_err_and(|said| said.contains(&expect)));
        };
        check(0o600, true);
        check(0o400, true);
        check(0o640, false);
        check(0o644, false);
        check(0o602, false);
    }

    #[test]
    fn a_secret_that_is_none_is_refused_without_showing_it() {
        let check = |text: &str, good: bool| {
            let read = Signer::of(text);
            assert_eq!(read.is_ok(), good, "{text}");
            let said = read.map_or_else(|e| format!("{e:#}"), |signer| format!("{signer:?}"));
            assert!(text.len() < 8 || !said.contains(&text[7..]), "{said}");
        };
        check(&format!("whsec_{}", STANDARD.encode([7; 24])), true);
        check(&format!("whsec_{}", STANDARD.encode([7; 64])), true);
        check(&format!("whsec_{}", STANDARD.encode([7; 23])), false);
        check(&format!("whsec_{}", STANDARD.encode([7; 65])), false);
        check(&STANDARD.encode([7; 32]), false);
        check("whsec_hunter2hunter2hunter2hunter2hunter2!", false);
        check("", false);
    }
}
