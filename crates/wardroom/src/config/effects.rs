// SPDX-License-Identifier: Apache-2.0
//! The section `[effects]`: where webhooks and notifications go.
//!
//! What may let somebody in (secrets, headers, the path of a URL, which chat gateways use as a password) is shown nowhere:
//! not by `wardroom config`, not in an error, not in a log.

use super::{From, known_keys, span, span_text};
use crate::deliver::{Destined, Secret, Url, limits};
use anyhow::{Context, Result, bail};
use hyper::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use wardroom_engine::{Channel, Destination};

/// Destinations by their names in rules.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Written {
    /// `[effects.webhook.NAME]`: what `webhook("NAME")` calls.
    webhook: BTreeMap<String, WrittenDestination>,
    /// `[effects.notify.NAME]`: whom `notify("NAME")` tells, over a chat gateway or the like.
    notify: BTreeMap<String, WrittenDestination>,
}

/// One destination. Only `url` is needed, and for a webhook a secret.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenDestination {
    /// Where to send: `https://…`; plain `http://` to this machine only.
    url: Option<String>,
    /// A file, relative to the configuration, that holds the key of the signature: `whsec_` and base64.
    secret_file: Option<PathBuf>,
    /// Or the variable of the environment that holds it.
    secret_env: Option<String>,
    /// A file of certificates (PEM), relative to the configuration, to trust in place of those of the system.
    ca_file: Option<PathBuf>,
    /// How long one attempt may take. Default `10s`.
    timeout: Option<String>,
    /// Further headers.
    headers: BTreeMap<String, String>,
    /// Whether identifiers of people are sent whole. Default: to webhooks `true`, to `notify` `false`.
    reveal: Option<bool>,
    /// Of `notify`: the member of the JSON that holds the words. Default `text`.
    field: Option<String>,
    /// Whether `http://` to another machine is meant. Default `false`.
    plain_http: Option<bool>,
}

impl fmt::Debug for WrittenDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrittenDestination(…)")
    }
}

/// Every key of a destination.
const KEYS: [&str; 9] =
    ["url", "secret_file", "secret_env", "ca_file", "timeout", "headers", "reveal", "field", "plain_http"];

/// Headers that belong to the request itself.
const OURS: [&str; 9] = [
    "content-length",
    "content-type",
    "connection",
    "host",
    "idempotency-key",
    "transfer-encoding",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// Refuses a key of the section that is not known.
pub(super) fn check_keys(effects: &toml::Table) -> Result<()> {
    known_keys(effects, "effects.", &["webhook", "notify"])?;
    for channel in ["webhook", "notify"] {
        let named = effects.get(channel).and_then(toml::Value::as_table);
        for (name, destination) in named.into_iter().flatten() {
            if let Some(destination) = destination.as_table() {
                known_keys(destination, &format!("effects.{channel}.{name}."), &KEYS)?;
            }
        }
    }
    Ok(())
}

/// The destinations in force.
pub(super) fn resolve(written: Written, base: &Path) -> Result<Vec<Destined>> {
    let mut all = Vec::new();
    for (channel, named) in [(Channel::Webhook, written.webhook), (Channel::Notify, written.notify)] {
        for (name, destination) in named {
            let section = format!("effects.{}.{name}", channel.name());
            let destination =
                one(channel, &name, destination, base).with_context(|| format!("`[{section}]`"))?;
            all.push(destination);
        }
    }
    let most = wardroom_engine::limits::DESTINATIONS;
    if all.len() > most {
        bail!("`[effects]` has {} destinations; the most is {most}", all.len());
    }
    Ok(all)
}

fn one(channel: Channel, name: &str, written: WrittenDestination, base: &Path) -> Result<Destined> {
    let url = written.url.context("it needs `url`, such as \"https://hooks.example.org/abuse\"")?;
    let url = Url::parse(&url)?;
    if !url.https && !url.is_this_machine() && written.plain_http != Some(true) {
        bail!(
            "`url` is http:// to another machine, where anybody on the way can read it: use https://, or say `plain_http = true`"
        );
    }
    let secret = match (written.secret_file, written.secret_env) {
        (Some(_), Some(_)) => bail!("it has both `secret_file` and `secret_env`; one of them is enough"),
        (Some(file), None) => Some(Secret::File(base.join(file))),
        (None, Some(variable)) => Some(Secret::Variable(variable)),
        (None, None) if channel == Channel::Webhook => {
            bail!(
                "it needs `secret_file` or `secret_env`, so that who receives it can tell that it is from here"
            )
        }
        (None, None) => None,
    };
    if channel == Channel::Webhook && written.field.is_some() {
        bail!("`field` is for `notify` only");
    }
    let timeout = match written.timeout {
        Some(text) => span("timeout", &text)?,
        None => limits::TIMEOUT,
    };
    if timeout > limits::LONGEST_TIMEOUT {
        bail!("`timeout` is {}; the most is {}", span_text(timeout), span_text(limits::LONGEST_TIMEOUT));
    }
    Ok(Destined {
        destination: Destination { channel, name: name.into() },
        url,
        secret,
        ca_file: written.ca_file.map(|file| base.join(file)),
        timeout,
        headers: headers(written.headers)?,
        reveal: written.reveal.unwrap_or(channel == Channel::Webhook),
        field: written.field.unwrap_or_else(|| "text".to_owned()),
    })
}

fn headers(written: BTreeMap<String, String>) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let mut headers = Vec::new();
    for (name, value) in written {
        let Ok(header) = HeaderName::try_from(&*name) else { bail!("`{name}` is no name of a header") };
        if OURS.contains(&header.as_str()) {
            bail!("the header `{header}` is set by the request itself");
        }
        let Ok(mut value) = HeaderValue::try_from(value) else {
            bail!("the value of the header `{header}` is none")
        };
        value.set_sensitive(true);
        headers.push((header, value));
    }
    Ok(headers)
}

/// Every destination as lines of TOML; what is secret is not shown.
pub(super) fn lines(all: &[Destined]) -> Vec<(String, From)> {
    let shown = |d: &Destined| {
        let to = &d.destination;
        format!("# effects.{}.{} = {:?}", to.channel.name(), to.name, d.url.to_string())
    };
    all.iter().map(|d| (shown(d), From::File)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Destined>> {
        let table: toml::Table = text.parse()?;
        check_keys(&table)?;
        resolve(toml::from_str(text)?, Path::new("/etc"))
    }

    #[test]
    fn what_is_written_is_checked() {
        let check = |text: &str, expect: &str| {
            let said = match read(text) {
                Ok(all) => lines(&all).into_iter().map(|(line, _)| line).collect(),
                Err(e) => format!("{e:#}"),
            };
            assert!(said.contains(expect), "{text}: {said}");
            assert!(!said.contains("hunter2"), "{said}");
        };
        let hook = |rest: &str| format!("[webhook.x]\nsecret_env = \"X\"\n{rest}");
        check(
            &hook("url = \"https://a.example/hunter2?x\""),
            "# effects.webhook.x = \"https://a.example/…\"",
        );
        check("[notify.x]\nurl = \"http://127.0.0.1:9/hunter2\"", "\"http://127.0.0.1:9/…\"");
        check("[notify.x]\nurl = \"http://[::1]:9/\"", "http://[::1]:9/…");
        check("[webhok.x]", "did you mean `effects.webhook`?");
        check(
            &hook("ulr = \"\""),
            "no setting `effects.webhook.x.ulr`; did you mean `effects.webhook.x.url`?",
        );
        check(&hook(""), "`[effects.webhook.x]`: it needs `url`");
        check("[webhook.x]\nurl = \"https://a.example\"", "needs `secret_file` or `secret_env`");
        check(&hook("secret_file = \"y\"\nurl = \"https://a.example\""), "both");
        check(&hook("url = \"http://a.example/hunter2\""), "http:// to another machine");
        check(&hook("plain_http = true\nurl = \"http://a.example\""), "http://a.example/…");
        check(&hook("url = \"https://u:hunter2@a.example/\""), "no user");
        check(&hook("url = \"ftp://a.example/hunter2\""), "https://");
        check(&hook("url = \"hunter2\""), "begins with https://");
        check(&hook("url = \"/hunter2\""), "no URL");
        check(&hook("url = \"https://a.example\"\ntimeout = \"2m\""), "the most is 1m");
        check(&hook("url = \"https://a.example\"\nfield = \"t\""), "for `notify` only");
        check(&hook("url = \"https://a.example\"\nheaders = { Host = \"b\" }"), "set by the request");
        check(&hook("url = \"https://a.example\"\nheaders = { \"a b\" = \"b\" }"), "no name of a header");
        check(
            &hook("url = \"https://a.example\"\nheaders = { a = \"hunter2\\n\" }"),
            "the value of the header `a`",
        );
    }

    #[test]
    fn what_is_secret_is_not_shown() {
        let text = "[webhook.x]\nsecret_file = \"k\"\nurl = \"https://a.example/hunter2\"\nheaders = { a = \"hunter2\" }";
        let all = read(text).unwrap();
        assert!(!format!("{all:?}").contains("hunter2"), "{all:?}");
        assert!(!format!("{:?}", toml::from_str::<Written>(text).unwrap()).contains("hunter2"));
        assert!(matches!(&all[0].secret, Some(Secret::File(file)) if file == Path::new("/etc/k")));
        assert!(all[0].reveal, "a webhook's receiver has to know whom it is about");
    }
}
