// SPDX-License-Identifier: Apache-2.0
//! Who may do what: keys, their roles, and the file that holds them.
//!
//! A key is `wk_<id>_<secret>`. The file holds the id and the SHA-256 of the secret, so that reading it lets nobody in;
//! a secret has 128 random bits, so a plain hash is enough where a password would need a slow one. Somebody who looks
//! through code or logs for lost keys finds them by their prefix.

use crate::limits;
use crate::rate::{Limiter, Rate};
use crate::scram;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wardroom_engine::Client;
use wardroom_event::Micros;

/// What a key may do. No role contains another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Hand over events and get verdicts.
    Ingest,
    /// Read decisions with masked identifiers, the policy and the metrics.
    Read,
    /// See identifiers of people whole.
    Reveal,
    /// Check a policy and put it in force.
    Policy,
    /// Run the server: send effects again.
    Admin,
    /// Act on what has happened: labels, lists, jobs.
    Act,
    /// Approve jobs of others that are too large for one person.
    Approve,
    /// Read what is told to the owner of an account: for the backend of a product that knows who is logged in.
    Subject,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 8] = [
        Role::Ingest,
        Role::Read,
        Role::Reveal,
        Role::Policy,
        Role::Admin,
        Role::Act,
        Role::Approve,
        Role::Subject,
    ];

    /// Its name in the file and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Role::Ingest => "ingest",
            Role::Read => "read",
            Role::Reveal => "reveal",
            Role::Policy => "policy",
            Role::Admin => "admin",
            Role::Act => "act",
            Role::Approve => "approve",
            Role::Subject => "subject",
        }
    }

    /// The role of that name.
    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|r| r.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A key as the file holds it: nothing in it lets anybody in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Names the key: 8 hex digits, the middle of its token.
    pub id: String,
    /// Whose it is, for people and logs.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// The SHA-256 of the secret's 32 hex digits, as 64 hex digits.
    sha256: String,
    /// What is kept of it for SCRAM; keys made before that was kept have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scram: Option<String>,
    /// When it was made, in RFC 3339.
    pub created: String,
    /// How many events it may hand over, such as `1000/s`; without it no fewer than the server takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// How many of them at once; without it as many as the rate gives in a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// How many shares of the server it has where other keys have one: 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u8>,
}

/// The text that lets its holder in. Printed once, by who asked for it; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The text itself, to be shown to its new owner.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// How much a key may send, and its share of the server; without any, what the server takes, and one share.
#[derive(Clone, Debug, Default)]
pub struct Allowance {
    /// As [`Key::rate`].
    pub rate: Option<String>,
    /// As [`Key::burst`].
    pub burst: Option<u32>,
    /// As [`Key::weight`].
    pub weight: Option<u8>,
}

/// A key just made.
#[derive(Debug)]
pub struct Issued {
    /// What its owner sends as `Authorization: Bearer …`. It cannot be had again.
    pub token: Token,
    /// What the file holds of it.
    pub key: Key,
}

/// Keys could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file or its folder.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not what keys are written as.
    #[error("{}: {why}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with the line where it is known. Never a line's text: it may hold a misplaced token.
        why: String,
    },
    /// A name that would spoil a log.
    #[error("a key's name has 1 to {most} bytes and no control characters", most = limits::KEY_NAME_BYTES)]
    Name,
    /// A key that may do nothing.
    #[error("a key needs a role: {}", Role::ALL.map(Role::name).join(", "))]
    NoRole,
    /// A rate, burst or weight that is none: what would be right.
    #[error("{0}")]
    Allowance(String),
    /// There is no key with this id.
    #[error("there is no key `{0}`")]
    Unknown(String),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

/// Why a request was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No key was sent, or not as `Authorization: Bearer …`.
    NoToken,
    /// What was sent is no key of this server.
    Unknown,
    /// The key is good and may not do this.
    Lacks(Role),
}

/// All keys of a server.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    by_id: HashMap<[u8; ID_DIGITS], Arc<Held>>,
}

/// A key as a running server holds it.
#[derive(Debug)]
pub(crate) struct Held {
    /// Whose it is.
    pub(crate) name: Arc<str>,
    /// Who it is to the engine.
    pub(crate) client: Client,
    /// Its own limit, if it has one.
    pub(crate) limiter: Option<Arc<Limiter>>,
    roles: Vec<Role>,
    sha256: [u8; 32],
    scram: Option<Box<str>>,
}

/// Who holds a key, for surfaces other than HTTP.
#[derive(Clone, Debug)]
pub struct Holder(Arc<Held>);

impl Holder {
    /// Whose the key is.
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// Whether the key may do this.
    pub fn may(&self, role: Role) -> bool {
        self.0.roles.contains(&role)
    }

    /// What is kept of the key for SCRAM.
    pub fn scram(&self) -> Option<&str> {
        self.0.scram.as_deref()
    }
}

impl Held {
    fn new(key: Key) -> Result<Held, String> {
        let of = str::to_owned;
        let sha256 = digest(&key.sha256).ok_or_else(|| of("no SHA-256"))?;
        let weight = key.weight.unwrap_or(1);
        if !(1..=limits::KEY_WEIGHT).contains(&weight) {
            return Err(of(&format!("`weight` is 1 to {}", limits::KEY_WEIGHT)));
        }
        if key.rate.is_none() && key.burst.is_some() {
            return Err(of("`burst` goes with a `rate`"));
        }
        let rate = key.rate.as_deref().map(|rate| Rate::parse(rate, key.burst)).transpose().map_err(of)?;
        // An id is hex digits, so each has a number of its own.
        let number = u64::from_str_radix(&key.id, 16).map_err(|_| of("no id"))?;
        Ok(Held {
            name: key.name.into(),
            client: Client::new(number).weighing(weight),
            limiter: rate.map(|rate| Arc::new(Limiter::new(rate))),
            roles: key.roles,
            sha256,
            scram: key.scram.map(String::into_boxed_str),
        })
    }
}

const PREFIX: &str = "wk_";
const ID_DIGITS: usize = 8;
const SECRET_DIGITS: usize = 32;

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    #[serde(default)]
    key: Vec<Key>,
}

impl Keys {
    /// Reads the file of keys; where there is none, there are no keys.
    ///
    /// # Errors
    /// When it cannot be read or is not what [`Keys::issue`] writes.
    pub fn load(path: &Path) -> Result<Keys, KeyError> {
        let mut by_id = HashMap::new();
        for key in read(path)?.key {
            let content = |why: String| KeyError::Content { path: path.to_owned(), why };
            let id = hex::<ID_DIGITS>(&key.id)
                .ok_or_else(|| content(format!("`{}` is no id of a key", key.id)))?;
            let name = key.id.clone();
            let held = Held::new(key).map_err(|why| content(format!("key `{name}`: {why}")))?;
            if by_id.insert(id, Arc::new(held)).is_some() {
                return Err(content(format!("key `{name}` is there twice")));
            }
        }
        Ok(Keys { by_id })
    }

    /// These keys, where others were in use before: what was sent under a limit that stays still counts.
    pub(crate) fn after(mut self, before: &Keys) -> Keys {
        for (id, held) in &mut self.by_id {
            let limiter = before.by_id.get(id).and_then(|b| b.limiter.as_ref());
            if let (Some(held), Some(limiter)) = (Arc::get_mut(held), limiter) {
                held.limiter = held.limiter.take().map(|new| new.or_before(limiter));
            }
        }
        self
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Makes a key and adds it to the file, which is replaced as a whole, readable by its owner only.
    ///
    /// # Errors
    /// A name or role that does not do, or a file that cannot be read or written; then it is as before.
    pub fn issue(path: &Path, name: &str, roles: &[Role], now: Micros) -> Result<Issued, KeyError> {
        Keys::issue_within(path, name, roles, Allowance::default(), now)
    }

    /// As [`Keys::issue`], with limits of its own.
    ///
    /// # Errors
    /// As [`Keys::issue`], and for limits that are none.
    pub fn issue_within(
        path: &Path,
        name: &str,
        roles: &[Role],
        allowance: Allowance,
        now: Micros,
    ) -> Result<Issued, KeyError> {
        if name.is_empty() || name.len() > limits::KEY_NAME_BYTES || name.chars().any(char::is_control) {
            return Err(KeyError::Name);
        }
        if roles.is_empty() {
            return Err(KeyError::NoRole);
        }
        let mut roles = roles.to_vec();
        roles.sort_unstable();
        roles.dedup();
        let _alone = lock(path)?;
        let mut file = read(path)?;
        let secret = random_hex::<{ SECRET_DIGITS / 2 }>()?;
        let id = loop {
            let id = random_hex::<{ ID_DIGITS / 2 }>()?;
            if file.key.iter().all(|k| k.id != id) {
                break id;
            }
        };
        let token = Token(format!("{PREFIX}{id}_{secret}"));
        let sha256 = to_hex(&Sha256::digest(secret.as_bytes()));
        let Allowance { rate, burst, weight } = allowance;
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(KeyError::Random)?;
        let scram = Some(scram::verifier(token.expose(), &salt));
        let created = now.to_string();
        let key = Key { id, name: name.to_owned(), roles, sha256, scram, created, rate, burst, weight };
        Held::new(key.clone()).map_err(KeyError::Allowance)?;
        file.key.push(key.clone());
        write(path, &file)?;
        Ok(Issued { token, key })
    }

    /// Takes a key out of the file. A running server goes on with the keys it has until it is given others.
    ///
    /// # Errors
    /// When there is no such key, or the file cannot be read or written; then it is as before.
    pub fn revoke(path: &Path, id: &str) -> Result<Key, KeyError> {
        let _alone = lock(path)?;
        let mut file = read(path)?;
        let place = file.key.iter().position(|k| k.id == id);
        let place = place.ok_or_else(|| KeyError::Unknown(id.chars().take(64).collect()))?;
        let key = file.key.remove(place);
        write(path, &file)?;
        Ok(key)
    }

    /// The keys in the file, in the order they were made.
    ///
    /// # Errors
    /// As [`Keys::load`].
    pub fn list(path: &Path) -> Result<Vec<Key>, KeyError> {
        Ok(read(path)?.key)
    }

    fn held(&self, token: &[u8]) -> Option<&Arc<Held>> {
        let (id, secret) = parts(token)?;
        let held = self.by_id.get(&id)?;
        same(&Sha256::digest(secret).into(), &held.sha256).then_some(held)
    }

    /// Who holds this key; nobody where it is none of this server.
    pub fn holder(&self, token: &str) -> Option<Holder> {
        self.held(token.as_bytes()).cloned().map(Holder)
    }

    /// Who claims to come by this name: a key's id, or the name of one key only. Whether they hold it is still to be proven.
    pub fn claimed(&self, name: &str) -> Option<Holder> {
        let id = hex::<ID_DIGITS>(name.strip_prefix(PREFIX).unwrap_or(name));
        if let Some(held) = id.and_then(|id| self.by_id.get(&id)) {
            return Some(Holder(held.clone()));
        }
        let mut named = self.by_id.values().filter(|held| &*held.name == name);
        let first = named.next()?;
        named.next().is_none().then(|| Holder(first.clone()))
    }

    /// Whether the bearer of `authorization` may do what `role` names. Gives the key.
    pub(crate) fn admit(&self, authorization: Option<&[u8]>, role: Role) -> Result<&Arc<Held>, Refusal> {
        let token = authorization.and_then(bearer).ok_or(Refusal::NoToken)?;
        let held = self.held(token).ok_or(Refusal::Unknown)?;
        if held.roles.contains(&role) { Ok(held) } else { Err(Refusal::Lacks(role)) }
    }
}

/// The token of `Bearer <token>`; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = authorization.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}

fn parts(token: &[u8]) -> Option<([u8; ID_DIGITS], &[u8])> {
    let rest = token.strip_prefix(PREFIX.as_bytes())?;
    let (id, rest) = rest.split_first_chunk::<ID_DIGITS>()?;
    let secret = rest.strip_prefix(b"_")?;
    (secret.len() == SECRET_DIGITS).then_some((*id, secret))
}

/// Compares all 32 bytes whatever they are: time tells nothing about where two hashes part.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = a.iter().zip(b).fold(0u8, |acc, (a, b)| std::hint::black_box(acc | (a ^ b)));
    difference == 0
}

/// `text` where it is `N` lower-case hex digits.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits: [u8; N] = text.as_bytes().try_into().ok()?;
    digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then_some(digits)
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let digits = hex::<64>(text)?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn random_hex<const N: usize>() -> Result<String, KeyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(KeyError::Random)?;
    Ok(to_hex(&bytes))
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> KeyError + use<'a> {
    move |source| KeyError::File { doing, path: path.to_owned(), source }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Holds off others who change the file. The folder is locked, since the file itself is replaced.
fn lock(path: &Path) -> Result<File, KeyError> {
    let folder = folder(path);
    let handle = File::open(folder).map_err(failed("open", folder))?;
    handle.lock().map_err(failed("lock", folder))?;
    Ok(handle)
}

fn read(path: &Path) -> Result<KeyFile, KeyError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(KeyFile::default()),
        Err(e) => return Err(failed("open", path)(e)),
    };
    let mut text = String::new();
    let read = file.take(limits::KEYS_BYTES + 1).read_to_string(&mut text);
    read.map_err(failed("read", path))?;
    let content = |why: String| KeyError::Content { path: path.to_owned(), why };
    if text.len() as u64 > limits::KEYS_BYTES {
        return Err(content(format!("it has more than {} bytes", limits::KEYS_BYTES)));
    }
    toml::from_str(&text).map_err(|e| {
        let line = e.span().map(|s| text.get(..s.start).unwrap_or("").matches('\n').count() + 1);
        let place = line.map_or(String::new(), |n| format!("line {n}: "));
        content(format!("{place}{}", e.message()))
    })
}

fn write(path: &Path, file: &KeyFile) -> Result<(), KeyError> {
    let text =
        toml::to_string(file).map_err(|e| KeyError::Content { path: path.to_owned(), why: e.to_string() })?;
    let folder = folder(path);
    // Made with mode 0600.
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(failed("write to", folder))?;
    draft.write_all(text.as_bytes()).map_err(failed("write", path))?;
    draft.as_file().sync_all().map_err(failed("write", path))?;
    draft.persist(path).map_err(|e| failed("replace", path)(e.error))?;
    File::open(folder).and_then(|f| f.sync_all()).map_err(failed("write", folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const NOW: Micros = Micros(1_767_614_400_000_000);

    #[test]
    fn a_key_is_made_used_and_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        assert!(Keys::load(&path).unwrap().is_empty());
        let issued = Keys::issue(&path, "edge", &[Role::Read, Role::Ingest, Role::Read], NOW).unwrap();
        let other = Keys::issue(&path, "desk", &[Role::Reveal], NOW).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(issued.key.roles, [Role::Ingest, Role::Read]);
        assert_eq!(Keys::list(&path).unwrap(), [issued.key.clone(), other.key.clone()]);

        let keys = Keys::load(&path).unwrap();
        let header = format!("Bearer {}", issued.token.expose());
        let admit = |header: &str, role| keys.admit(Some(header.as_bytes()), role).map(|held| &*held.name);
        assert_eq!(admit(&header, Role::Ingest), Ok("edge"));
        assert_eq!(admit(&header.replace("Bearer", "bEARER"), Role::Read), Ok("edge"));
        assert_eq!(admit(&header, Role::Policy), Err(Refusal::Lacks(Role::Policy)));
        assert_eq!(keys.admit(None, Role::Read).map(drop), Err(Refusal::NoToken));
        assert_eq!(admit("Basic abc", Role::Read), Err(Refusal::NoToken));
        let last = if header.ends_with('0') { "1" } else { "0" };
        let wrong = format!("{}{last}", &header[..header.len() - 1]);
        for bad in ["Bearer", "Bearer ", "Bearer wk_", "Bearer wk_00000000_00", &wrong, &format!("{header}0")]
        {
            assert!(matches!(admit(bad, Role::Read), Err(Refusal::Unknown | Refusal::NoToken)), "{bad}");
        }

        Keys::revoke(&path, &issued.key.id).unwrap();
        assert!(matches!(Keys::revoke(&path, &issued.key.id), Err(KeyError::Unknown(_))));
        let keys = Keys::load(&path).unwrap();
        assert_eq!(keys.admit(Some(header.as_bytes()), Role::Read).map(drop), Err(Refusal::Unknown));
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn a_holder_is_found_by_key_or_claimed_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let desk = Keys::issue(&path, "desk", &[Role::Read], NOW).unwrap();
        for _ in 0..2 {
            Keys::issue(&path, "twins", &[Role::Reveal], NOW).unwrap();
        }
        let keys = Keys::load(&path).unwrap();
        let held = keys.holder(desk.token.expose()).unwrap();
        assert!(&**held.name() == "desk" && held.may(Role::Read) && !held.may(Role::Reveal));
        assert!(held.scram().unwrap().starts_with("SCRAM-SHA-256$4096:"));
        let claimed = |name: &str| keys.claimed(name).map(|held| held.name().to_string());
        assert_eq!(claimed("desk").as_deref(), Some("desk"));
        assert_eq!(claimed(&desk.key.id).as_deref(), Some("desk"));
        assert_eq!(claimed(&format!("wk_{}", desk.key.id)).as_deref(), Some("desk"));
        assert_eq!((claimed("twins"), claimed("nobody"), claimed("")), (None, None, None));
        assert!(keys.holder("wk_00000000_0").is_none() && keys.holder("").is_none());
    }

    #[test]
    fn the_secret_stands_nowhere_but_in_the_token() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let issued = Keys::issue(&path, "edge", &[Role::Read], NOW).unwrap();
        let secret = issued.token.expose().rsplit('_').next().unwrap();
        let mut text = String::new();
        File::open(&path).unwrap().read_to_string(&mut text).unwrap();
        assert!(!text.contains(secret));
        assert!(!format!("{issued:?} {:?}", Keys::load(&path).unwrap()).contains(secret));
    }

    #[test]
    fn a_file_that_is_not_right_is_refused_without_its_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let check = |text: &str, expect: &str| {
            std::fs::write(&path, text).unwrap();
            let said = Keys::load(&path).unwrap_err().to_string();
            assert!(said.contains(expect), "{said}");
            assert!(!said.contains("wk_"), "{said}");
        };
        let key = |id: &str, roles: &str, sha: &str| {
            format!(
                "[[key]]\nid = \"{id}\"\nname = \"n\"\nroles = [{roles}]\nsha256 = \"{sha}\"\ncreated = \"x\"\n"
            )
        };
        let sha = "0".repeat(64);
        check("token = \"wk_00000000_0\"", "line 1: unknown field `token`");
        check(&key("00000000", "\"root\"", &sha), "line 4: unknown variant `root`");
        check(&key("0000000", "\"read\"", &sha), "no id");
        check(&key("00000000", "\"read\"", "00"), "no SHA-256");
        check(&key("00000000", "\"read\"", &sha).repeat(2), "twice");
        let one = key("00000000", "\"read\"", &sha);
        check(&format!("{one}rate = \"wk_1\"\n"), "such as \"1000/s\"");
        check(&format!("{one}burst = 5\n"), "goes with a `rate`");
        check(&format!("{one}rate = \"5/s\"\nburst = 0\n"), "at least 1");
        check(&format!("{one}weight = 0\n"), "`weight` is 1 to 100");
        check(&format!("{one}weight = 101\n"), "`weight` is 1 to 100");
        check(&"#".repeat(limits::KEYS_BYTES as usize + 1), "more than");
        assert!(matches!(Keys::issue(&path, "a\nb", &[Role::Read], NOW), Err(KeyError::Name)));
        assert!(matches!(Keys::issue(&path, "a", &[], NOW), Err(KeyError::NoRole)));
        let fast = Allowance { rate: Some("fast".into()), ..Allowance::default() };
        std::fs::remove_file(&path).unwrap();
        let refused = Keys::issue_within(&path, "a", &[Role::Read], fast, NOW).unwrap_err();
        assert!(refused.to_string().contains("such as \"1000/s\"") && !path.exists(), "{refused}");
    }

    #[test]
    fn a_limit_that_stays_remembers_what_was_sent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let load = |rate: &str| {
            let text = format!(
                "[[key]]\nid = \"0000000a\"\nname = \"n\"\nroles = [\"read\"]\nsha256 = \"{}\"\ncreated = \"x\"\n\
                 rate = \"{rate}\"\nweight = 3\n",
                "0".repeat(64)
            );
            std::fs::write(&path, text).unwrap();
            Keys::load(&path).unwrap()
        };
        let take = |keys: &Keys| {
            let held = keys.by_id.values().next().unwrap();
            assert_eq!(held.client, Client::new(10).weighing(3));
            held.limiter.as_ref().unwrap().take(std::time::Duration::ZERO, 1).is_ok()
        };
        let keys = load("1/m");
        assert!(take(&keys) && !take(&keys));
        let same = load("1/m").after(&keys);
        assert!(!take(&same));
        let other = load("2/m").after(&same);
        assert!(take(&other));
    }

    #[test]
    fn hashes_are_compared_whole() {
        let a = [7u8; 32];
        assert!(same(&a, &[7; 32]));
        for i in 0..32 {
            let mut b = a;
            b[i] ^= 0x80;
            assert!(!same(&a, &b), "{i}");
        }
    }
}
