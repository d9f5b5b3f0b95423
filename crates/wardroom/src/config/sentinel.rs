// SPDX-License-Identifier: Apache-2.0
//! The section `[sentinel]`: how the security logs of accounts look, and where their links lead.

use super::{From, Known, path_line, span, span_text};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wardroom_account::sentinel::Template;
use wardroom_api::limits;
use wardroom_event::Span;

/// What the section may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Written {
    /// A page of one's own for the log, relative to the file. Default the shipped one.
    page: Option<PathBuf>,
    /// What stands before the links "this was not me": where this server, or what passes these paths on to it, is reached from
    /// outside. Default none: links are paths.
    url: Option<String>,
    /// How long such a link works. Default `14d`.
    not_me_valid: Option<String>,
}

/// Every key of the section.
pub(super) const KEYS: [&str; 3] = ["page", "url", "not_me_valid"];

/// The section in force.
#[derive(Clone, Debug)]
pub(crate) struct Sentinel {
    page: Known<Option<PathBuf>>,
    url: Known<Option<String>>,
    valid: Known<Duration>,
}

pub(super) fn resolve(written: Written, base: &Path) -> Result<Sentinel> {
    let valid = written.not_me_valid.map(|text| span("sentinel.not_me_valid", &text)).transpose()?;
    let usual = Duration::from_micros(limits::NOT_ME_VALID.0.unsigned_abs());
    if let Some(url) = &written.url {
        let plain = url.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>?#".contains(&b));
        if !(plain && (url.starts_with("https://") || url.starts_with("http://")) && !url.ends_with('/')) {
            bail!(
                "`sentinel.url` is like \"https://security.example.org\", without a slash at its end; this is {url:?}"
            );
        }
    }
    Ok(Sentinel {
        page: Known::of(written.page.map(|page| Some(base.join(page))), None),
        url: Known::of(written.url.map(Some), None),
        valid: Known::of(valid, usual),
    })
}

impl Sentinel {
    /// What the API needs of it.
    ///
    /// # Errors
    /// When the page cannot be read, or is no template.
    pub(crate) fn read(&self) -> Result<wardroom_api::Sentinel> {
        let mut sentinel = wardroom_api::Sentinel::usual();
        if let Some(path) = &self.page.value {
            let about = || format!("cannot read the page {}", path.display());
            let mut text = String::new();
            let file = std::fs::File::open(path).with_context(about)?;
            file.take(limits::PAGE_BYTES as u64 + 1).read_to_string(&mut text).with_context(about)?;
            if text.len() > limits::PAGE_BYTES {
                bail!("{} is larger than {} bytes", path.display(), limits::PAGE_BYTES);
            }
            let page = Template::read(&text).with_context(|| format!("{} is no page", path.display()))?;
            sentinel.page = Arc::new(page);
        }
        sentinel.url = self.url.value.as_deref().unwrap_or_default().into();
        sentinel.valid = Span(i64::try_from(self.valid.value.as_micros()).unwrap_or(i64::MAX));
        Ok(sentinel)
    }

    pub(super) fn lines(&self) -> [(String, From); 3] {
        let url = match &self.url.value {
            Some(url) => format!("sentinel.url = {url:?}"),
            None => "# sentinel.url = \"https://security.example.org\"".to_owned(),
        };
        [
            (path_line("sentinel.page", self.page.value.as_deref(), "log.html"), self.page.from),
            (url, self.url.from),
            (format!("sentinel.not_me_valid = {:?}", span_text(self.valid.value)), self.valid.from),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse, resolve};
    use std::path::Path;

    #[test]
    fn a_page_is_read_and_a_url_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let config = |text: &str| parse(text).and_then(|written| resolve(written, dir.path(), None));
        let read = |text: &str| config(text).and_then(|config| config.sentinel.read());
        assert_eq!(config("").unwrap().sentinel.lines()[2].0, "sentinel.not_me_valid = \"2w\"");
        assert!(read("").is_ok());
        std::fs::write(dir.path().join("own.html"), "{{account}}<!--entry-->{{what}}<!--/entry-->").unwrap();
        std::fs::write(dir.path().join("odd.html"), "{{acount}}<!--entry-->{{what}}<!--/entry-->").unwrap();
        let own = "[sentinel]\npage = \"own.html\"\nurl = \"https://s.example.org\"\nnot_me_valid = \"3d\"";
        let found = read(own).unwrap();
        assert_eq!((&*found.url, found.valid.0), ("https://s.example.org", 3 * 86_400_000_000));
        let check = |text: &str, expect: &str| {
            let said = format!("{:#}", read(text).unwrap_err());
            assert!(said.contains(expect), "{said}");
        };
        check("[sentinel]\npage = \"none.html\"", "cannot read the page");
        check("[sentinel]\npage = \"odd.html\"", "there is no `{{acount}}` outside an entry");
        check("[sentinel]\nurl = \"javascript:alert(1)\"", "`sentinel.url` is like");
        check("[sentinel]\nurl = \"https://a.example/\"", "without a slash");
        check("[sentinel]\nnot_me_valid = \"long\"", "`sentinel.not_me_valid` is a length of time");
        check("[sentinel]\npgae = \"x\"", "did you mean `sentinel.page`?");
    }

    #[test]
    fn paths_lie_beside_the_configuration() {
        let written = parse("[sentinel]\npage = \"log.html\"").unwrap();
        let config = resolve(written, Path::new("/etc"), None).unwrap();
        assert_eq!(config.sentinel.lines()[0].0, "sentinel.page = \"/etc/log.html\"");
    }
}
