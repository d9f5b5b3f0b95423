// SPDX-License-Identifier: Apache-2.0
//! What an event may say of a password: two facts, made here, after which the password is forgotten.
//!
//! `password` is a keyed hash of the password, cut to sixteen bits. Who has the events but not the key can try nothing.
//! Who has both gets sixteen bits of each password and no more: of ten million likely ones, a hundred and fifty are left
//! for each text. For what it is there for sixteen bits are enough: one password tried at a thousand accounts is a
//! thousand times the same text, and of all honest mistakes one in 65,536 joins them. Dovecot cuts to twelve.
//!
//! `breached` is how often the password is in known breaches, as a power of ten.

use super::error::BreachError;
use super::filter::Filter;
use super::hash::{Kind, Prefix, Sha1};
use super::header::About;
use super::limits::RESIDENT_BYTES;
use super::ranges::{Entry, Ranges};
use siphasher::sip::SipHasher24;
use std::fmt;
use std::hash::Hasher;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

/// What is hashed before the password's hash, so that no other use of the key gives the same.
const PURPOSE: &[u8] = b"wardroom password fact 1\0";

/// What an event says of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordFacts {
    /// Four hexadecimal digits: the same password is the same text, whosever account it is tried at.
    pub password: String,
    /// How often it was seen in breaches at least: 0, 1, 10, 100 and so on. None where nobody knows.
    pub breached: Option<u64>,
}

impl PasswordFacts {
    /// Of a password, under the installation's key.
    ///
    /// # Errors
    /// The filter cannot be read, or is damaged there.
    pub fn of(key: &[u8; 16], filter: Option<&Filter>, sha1: &Sha1) -> Result<PasswordFacts, BreachError> {
        let breached = filter.map(|filter| filter.look(&sha1.hash())).transpose()?;
        Ok(PasswordFacts { password: keyed(key, sha1), breached })
    }
}

fn keyed(key: &[u8; 16], sha1: &Sha1) -> String {
    let mut hasher = SipHasher24::new_with_key(key);
    hasher.write(PURPOSE);
    hasher.write(&sha1.0);
    format!("{:04x}", hasher.finish() >> 48)
}

/// Which files there are.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The filter of SHA-1 hashes.
    pub filter: Option<PathBuf>,
    /// The exact file of SHA-1 hashes.
    pub ranges: Option<PathBuf>,
    /// The exact file of NTLM hashes.
    pub ntlm_ranges: Option<PathBuf>,
    /// A filter of up to so many bytes is held in memory.
    pub resident: u64,
}

impl Default for Sources {
    fn default() -> Sources {
        Sources { filter: None, ranges: None, ntlm_ranges: None, resident: RESIDENT_BYTES }
    }
}

/// The files, opened.
#[derive(Default)]
pub struct Files {
    filter: Option<Filter>,
    ranges: Option<Ranges>,
    ntlm_ranges: Option<Ranges>,
}

impl Files {
    /// Opens them all.
    ///
    /// # Errors
    /// One cannot be read, is another file or of other hashes, or is damaged.
    pub fn open(sources: &Sources) -> Result<Files, BreachError> {
        let filter = sources.filter.as_deref().map(|path| {
            let filter = Filter::open(path, sources.resident)?;
            is_of(filter.about().kind, Kind::Sha1, path).map(|()| filter)
        });
        let ranges = |path: Option<&PathBuf>, kind| {
            let open = |path: &PathBuf| {
                let ranges = Ranges::open(path)?;
                is_of(ranges.about().kind, kind, path).map(|()| ranges)
            };
            path.map(open).transpose()
        };
        Ok(Files {
            filter: filter.transpose()?,
            ranges: ranges(sources.ranges.as_ref(), Kind::Sha1)?,
            ntlm_ranges: ranges(sources.ntlm_ranges.as_ref(), Kind::Ntlm)?,
        })
    }

    /// What each of them says of itself.
    pub fn about(&self) -> Vec<&About> {
        let exact = [&self.ranges, &self.ntlm_ranges].into_iter().flatten().map(Ranges::about);
        self.filter.iter().map(Filter::about).chain(exact).collect()
    }

    /// The filter.
    pub fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// The exact file of these hashes.
    pub fn ranges(&self, kind: Kind) -> Option<&Ranges> {
        match kind {
            Kind::Sha1 => self.ranges.as_ref(),
            Kind::Ntlm => self.ntlm_ranges.as_ref(),
        }
    }
}

fn is_of(found: Kind, wanted: Kind, path: &std::path::Path) -> Result<(), BreachError> {
    if found == wanted {
        return Ok(());
    }
    let why = format!("its hashes are {} and should be {}", found.name(), wanted.name());
    Err(BreachError::NotOurs { path: path.to_owned(), why })
}

/// What a server knows of breached passwords. The files can be changed for others while it runs.
pub struct Breach {
    key: [u8; 16],
    open: bool,
    files: RwLock<Arc<Files>>,
    /// How often a file could not be read.
    failures: AtomicU64,
    /// Whether the log was told so of these files.
    told: AtomicBool,
}

impl fmt::Debug for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Breach(…)")
    }
}

impl Breach {
    /// With the installation's key; `open` says whether ranges are given to those without an API key.
    pub fn new(key: [u8; 16], files: Files, open: bool) -> Breach {
        let files = RwLock::new(Arc::new(files));
        Breach { key, open, files, failures: AtomicU64::new(0), told: AtomicBool::new(false) }
    }

    /// The two facts of a password. It never fails: where the filter cannot be read, `breached` is not known, the log says
    /// so once, and [`Breach::failures`] counts.
    pub fn facts(&self, sha1: &Sha1) -> PasswordFacts {
        match PasswordFacts::of(&self.key, self.files().filter(), sha1) {
            Ok(facts) => facts,
            Err(e) => {
                self.failed(&e);
                PasswordFacts { password: keyed(&self.key, sha1), breached: None }
            }
        }
    }

    /// The hashes of a range; none where there is no file of such hashes.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged there.
    pub fn range(&self, kind: Kind, prefix: Prefix) -> Result<Option<Vec<Entry>>, BreachError> {
        let files = self.files();
        let range = files.ranges(kind).map(|ranges| ranges.range(prefix)).transpose();
        range.inspect_err(|e| self.failed(e))
    }

    /// Whether ranges are given to those without an API key.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether there is an exact file of any hashes.
    pub fn has_ranges(&self) -> bool {
        [Kind::Sha1, Kind::Ntlm].into_iter().any(|kind| self.files().ranges(kind).is_some())
    }

    /// How often a file could not be read.
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// Puts other files in the place of those there are.
    pub fn replace(&self, files: Files) {
        *self.files.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(files);
        self.told.store(false, Relaxed);
    }

    fn files(&self) -> Arc<Files> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn failed(&self, error: &BreachError) {
        self.failures.fetch_add(1, Relaxed);
        if !self.told.swap(true, Relaxed) {
            tracing::error!("breached passwords: {error}; this is said once, and counted");
        }
    }
}
