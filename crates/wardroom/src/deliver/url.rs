// SPDX-License-Identifier: Apache-2.0
//! Where a destination is. Shown without its path, which chat gateways use as a password.

use anyhow::{Result, bail};
use hyper::Uri;
use std::fmt;
use std::net::IpAddr;

/// An `http` or `https` URL, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) https: bool,
    /// Host and port as they were written, for the `Host` header.
    pub(super) authority: String,
    host: String,
    pub(super) port: u16,
    /// Path and query.
    pub(super) path: String,
}

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    /// What it lacks, without showing it.
    pub(crate) fn parse(text: &str) -> Result<Url> {
        let uri: Option<Uri> = text.parse().ok();
        let Some((uri, authority)) = uri.as_ref().and_then(|uri| Some((uri, uri.authority()?))) else {
            bail!("`url` is no URL such as \"https://hooks.example.org/abuse\"");
        };
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => bail!("`url` begins with https:// or http://"),
        };
        if authority.as_str().contains('@') {
            bail!("`url` has no user and no password; put them into a header");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Url { https, authority: authority.to_string(), host, port, path })
    }

    /// The host's name, or its address without brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is on this machine.
    pub(crate) fn is_this_machine(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/…", if self.https { "https" } else { "http" }, self.authority)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}
