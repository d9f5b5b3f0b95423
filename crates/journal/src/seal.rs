// SPDX-License-Identifier: Apache-2.0
//! Encryption at rest: keys, and what seals the pieces of one file with them.
//!
//! Each file has a key of its own, derived (HKDF-SHA-256, RFC 5869) from the installation's key, 16 random bytes that lie
//! in the file, and what the file is. Its pieces are sealed with ChaCha20-Poly1305 (RFC 8439): fast without special
//! instructions, and in constant time. A nonce must never seal two different pieces under one key. It is made of a piece's
//! number and place, and **nobody goes on with a file that another process began**: after a crash the same number may be
//! given to another record, so opening an encrypted journal begins a new segment.
//!
//! Left out: encryption under a password (a key file has all its entropy, and no slow derivation stands in the way of a
//! restart) and keys held elsewhere, which a file on a memory disk can stand in for.

use std::fmt;
use std::sync::Arc;
#[cfg(any(test, feature = "sim"))]
use std::sync::atomic::{AtomicU64, Ordering};

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Tag};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// Bytes that sealing adds to a piece.
pub const TAG_BYTES: usize = 16;

/// Bytes of a [`SealHead`].
pub const SEAL_HEAD_BYTES: usize = 24;

/// One key. It is wiped from memory when it is dropped, and never shown.
#[derive(Clone)]
pub struct Key {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: KeyId,
}

/// Tells keys apart without saying anything about them: 8 bytes derived from the key, shown as hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl Key {
    /// A key from its bytes, which must come from a good source of randomness.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Key {
        let bytes = Zeroizing::new(bytes);
        let mut id = [0; 8];
        derive(&bytes, &[], &[b"wardroom key id"], &mut id);
        Key { bytes, id: KeyId(id) }
    }

    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// [`SealError::Random`] if the system gives none.
    pub fn random() -> Result<Key, SealError> {
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes).map_err(SealError::Random)?;
        Ok(Key::new(bytes))
    }

    /// Reads the text of a key file: 32 bytes as 64 hex digits or in base64, and white space around them.
    ///
    /// # Errors
    /// [`SealError::KeyText`] for anything else. It never repeats what was read.
    pub fn parse(text: &[u8]) -> Result<Key, SealError> {
        let text = text.trim_ascii();
        let bytes = if text.len() == 2 * KEY_BYTES { hex(text) } else { base64(text) };
        bytes.map(|bytes| Key::new(*bytes)).ok_or(SealError::KeyText)
    }

    /// What tells it from other keys.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The text of a key file. Whoever asks for it keeps it secret.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 1));
        for byte in self.bytes.iter() {
            text.extend([byte >> 4, byte & 15].map(|n| char::from(b"0123456789abcdef"[usize::from(n)])));
        }
        text.push('\n');
        text
    }
}

/// The keys of an installation: at most one that new files are sealed with, and older ones for what is there.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    newest: Option<Key>,
    older: Arc<[Key]>,
    #[cfg(any(test, feature = "sim"))]
    salts: Option<Arc<AtomicU64>>,
}

impl Keyring {
    /// New files are sealed with `newest`, or stay plain without one; any of the keys opens.
    pub fn new(newest: Option<Key>, older: Vec<Key>) -> Keyring {
        Keyring {
            newest,
            older: older.into(),
            #[cfg(any(test, feature = "sim"))]
            salts: None,
        }
    }

    /// Takes salts from a counter instead of the system's randomness, so that a test writes the same bytes each time. Two
    /// files of the same salt under one key give their contents away: for tests alone.
    #[cfg(any(test, feature = "sim"))]
    pub fn with_salts_from(mut self, first: u64) -> Keyring {
        self.salts = Some(Arc::new(AtomicU64::new(first)));
        self
    }

    /// True if new files are sealed.
    pub fn seals(&self) -> bool {
        self.newest.is_some()
    }

    /// The keys there are, the newest first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.newest.iter().chain(&*self.older).map(Key::id).collect()
    }

    /// Begins a file: what to write into it so that it can be opened again, and what seals its pieces. None if new files
    /// stay plain. `context` says what the file is, so that one cannot be taken for another.
    ///
    /// # Errors
    /// [`SealError::Random`] if the system gives no randomness.
    pub fn begin(&self, context: &[&[u8]]) -> Result<Option<(SealHead, Seal)>, SealError> {
        let Some(key) = &self.newest else { return Ok(None) };
        let head = SealHead { key: key.id, salt: self.salt()? };
        Ok(Some((head, Seal::new(key, &head, context))))
    }

    /// Begins a file that takes the place of a sealed one: under the newest key, or that one's where new files stay plain.
    ///
    /// # Errors
    /// [`SealError::Random`] if the system gives no randomness; [`SealError::NoKey`] if the key is not among these.
    pub(crate) fn begin_again(
        &self,
        old: &SealHead,
        context: &[&[u8]],
    ) -> Result<(SealHead, Seal), SealError> {
        if let Some(begun) = self.begin(context)? {
            return Ok(begun);
        }
        let head = SealHead { key: old.key, salt: self.salt()? };
        Ok((head, self.open(&head, context)?))
    }

    /// Opens a file that was begun with one of the keys and the same context.
    ///
    /// # Errors
    /// [`SealError::NoKey`] if its key is not among these.
    pub fn open(&self, head: &SealHead, context: &[&[u8]]) -> Result<Seal, SealError> {
        let mut keys = self.newest.iter().chain(&*self.older);
        match keys.find(|key| key.id == head.key) {
            Some(key) => Ok(Seal::new(key, head, context)),
            None => Err(SealError::NoKey { key: head.key, given: self.ids() }),
        }
    }

    /// As [`Keyring::begin`], for a file of another form, which is encrypted by whoever writes that: gives the key of this one
    /// file.
    ///
    /// # Errors
    /// [`SealError::Random`] if the system gives no randomness.
    pub fn begin_key(&self, context: &[&[u8]]) -> Result<Option<(SealHead, FileKey)>, SealError> {
        let Some(key) = &self.newest else { return Ok(None) };
        let head = SealHead { key: key.id, salt: self.salt()? };
        Ok(Some((head, file_key(key, &head, context))))
    }

    /// The key of a file that was begun with [`Keyring::begin_key`] and the same context.
    ///
    /// # Errors
    /// [`SealError::NoKey`] if its key is not among these.
    pub fn open_key(&self, head: &SealHead, context: &[&[u8]]) -> Result<FileKey, SealError> {
        let key = self.newest.iter().chain(&*self.older).find(|key| key.id == head.key);
        let no_key = || SealError::NoKey { key: head.key, given: self.ids() };
        Ok(file_key(key.ok_or_else(no_key)?, head, context))
    }

    fn salt(&self) -> Result<[u8; 16], SealError> {
        let mut salt = [0; 16];
        #[cfg(any(test, feature = "sim"))]
        if let Some(next) = &self.salts {
            salt[..8].copy_from_slice(&next.fetch_add(1, Ordering::Relaxed).to_le_bytes());
            return Ok(salt);
        }
        getrandom::fill(&mut salt).map_err(SealError::Random)?;
        Ok(salt)
    }
}

/// What lies in a sealed file, in the open: which key it was begun with, and its salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealHead {
    /// The key.
    pub key: KeyId,
    /// 16 random bytes.
    pub salt: [u8; 16],
}

impl SealHead {
    /// As bytes: the key's id, then the salt.
    pub fn to_bytes(&self) -> [u8; SEAL_HEAD_BYTES] {
        let mut out = [0; SEAL_HEAD_BYTES];
        out[..8].copy_from_slice(&self.key.0);
        out[8..].copy_from_slice(&self.salt);
        out
    }

    /// From those bytes; any are a head.
    pub fn from_bytes(bytes: &[u8; SEAL_HEAD_BYTES]) -> SealHead {
        let (mut key, mut salt) = ([0; 8], [0; 16]);
        key.copy_from_slice(&bytes[..8]);
        salt.copy_from_slice(&bytes[8..]);
        SealHead { key: KeyId(key), salt }
    }
}

/// Seals and opens the pieces of one file. Each piece has a number and a place of its own: the same two must never seal
/// two different pieces.
#[derive(Clone)]
pub struct Seal {
    cipher: ChaCha20Poly1305,
    key: KeyId,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seal({})", self.key)
    }
}

impl Seal {
    fn new(key: &Key, head: &SealHead, context: &[&[u8]]) -> Seal {
        let derived = file_key(key, head, context);
        Seal { cipher: ChaCha20Poly1305::new((&*derived).into()), key: key.id }
    }

    /// The key that the file was begun with.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// Encrypts a piece where it lies, and gives the tag that belongs behind it. `associated` is not encrypted, and must
    /// be the same when the piece is opened.
    pub fn seal(&self, number: u64, place: u32, associated: &[u8], piece: &mut [u8]) -> [u8; TAG_BYTES] {
        let nonce = nonce(number, place).into();
        match self.cipher.encrypt_inout_detached(&nonce, associated, piece.into()) {
            Ok(tag) => tag.into(),
            // Only beyond 256 GiB, and no piece comes near.
            Err(_) => unreachable!("a piece is far below what one nonce can seal"),
        }
    }

    /// Decrypts a piece with its tag behind it where it lies, and gives it without the tag; none, and nothing that can be
    /// used, if it is not what was sealed with this number, place and associated data.
    pub fn open<'a>(
        &self,
        number: u64,
        place: u32,
        associated: &[u8],
        sealed: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        let at = sealed.len().checked_sub(TAG_BYTES)?;
        let (piece, tag) = sealed.split_at_mut(at);
        let tag = Tag::try_from(&*tag).ok()?;
        let nonce = nonce(number, place).into();
        self.cipher.decrypt_inout_detached(&nonce, associated, (&mut *piece).into(), &tag).ok()?;
        Some(piece)
    }
}

/// The key of one file. It is wiped from memory when it is dropped.
pub type FileKey = Zeroizing<[u8; KEY_BYTES]>;

fn file_key(key: &Key, head: &SealHead, context: &[&[u8]]) -> FileKey {
    let mut derived = Zeroizing::new([0; KEY_BYTES]);
    derive(&key.bytes, &head.salt, context, &mut *derived);
    derived
}

fn nonce(number: u64, place: u32) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&number.to_le_bytes());
    nonce[8..].copy_from_slice(&place.to_le_bytes());
    nonce
}

/// HKDF-SHA-256; `out` is far below the 8160 bytes it can give.
fn derive(key: &[u8; KEY_BYTES], salt: &[u8], context: &[&[u8]], out: &mut [u8]) {
    let derived = Hkdf::<Sha256>::new(Some(salt), key).expand_multi_info(context, out);
    debug_assert!(derived.is_ok());
}

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// A key file holds something else.
    #[error("this is no key: a key is 32 random bytes as 64 hex digits or in base64, and nothing else")]
    KeyText,
    /// It was sealed with a key that is not there.
    #[error("it is encrypted with the key {key}, and {}", given_words(.given))]
    NoKey {
        /// The key it was sealed with.
        key: KeyId,
        /// The keys there are.
        given: Vec<KeyId>,
    },
}

pub(crate) fn given_words(given: &[KeyId]) -> String {
    let ids: Vec<String> = given.iter().map(ToString::to_string).collect();
    match ids.as_slice() {
        [] => "no key was given".to_owned(),
        [one] => format!("the key given is {one}"),
        many => format!("the keys given are {}", many.join(", ")),
    }
}

fn hex(text: &[u8]) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let mut out = Zeroizing::new([0; KEY_BYTES]);
    for (byte, pair) in out.iter_mut().zip(text.chunks(2)) {
        *byte = digit(pair[0])? << 4 | digit(*pair.get(1)?)?;
    }
    Some(out)
}

/// Base64 (RFC 4648), either alphabet, padding or not. Strict about the bits that carry nothing.
fn base64(text: &[u8]) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let text = text.strip_suffix(b"=").unwrap_or(text);
    let mut out = Zeroizing::new([0; KEY_BYTES]);
    let (mut bits, mut held, mut at) = (0u32, 0, 0);
    if text.len() != (KEY_BYTES * 8).div_ceil(6) {
        return None;
    }
    for &c in text {
        let six = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            *out.get_mut(at)? = (bits >> held) as u8;
            at += 1;
            bits &= (1 << held) - 1;
        }
    }
    (bits == 0 && at == KEY_BYTES).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fill: u8) -> Key {
        Key::new([fill; KEY_BYTES])
    }

    fn ring() -> Keyring {
        Keyring::new(Some(key(1)), vec![key(2)]).with_salts_from(9)
    }

    #[test]
    fn a_key_is_read_from_hex_and_base64_and_nothing_else() {
        let text = key(0xfb).to_text();
        assert_eq!(text.len(), 65);
        let check =
            |text: &str| assert_eq!(Key::parse(text.as_bytes()).unwrap().id(), key(0xfb).id(), "{text}");
        check(&text);
        check(&text.to_uppercase());
        check(" +/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=\n");
        check("-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s");
        let refuse = |text: &str| {
            let said = Key::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(text.len() < 8 || !said.contains(&text[..8]), "{said}");
        };
        refuse("");
        refuse("hunter2 hunter2");
        refuse(&text[1..]);
        refuse(&format!("{}00", text.trim()));
        refuse(&text.replacen('f', "+", 1));
        refuse("+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/t=");
        refuse("+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s==");
    }

    #[test]
    fn nothing_shows_a_key() {
        let shown = format!("{:?} {:?} {:?}", key(0xab), ring(), ring().begin(&[b"x"]).unwrap());
        assert!(!shown.contains("abab") && !shown.contains("171"), "{shown}");
        assert_eq!(format!("{:?}", key(1)), format!("Key({})", key(1).id()));
        assert_ne!(key(1).id(), key(2).id());
    }

    #[test]
    fn what_is_sealed_opens_and_anything_else_does_not() {
        let (head, seal) = ring().begin(&[b"a file"]).unwrap().unwrap();
        let sealed = |number, place, associated: &[u8]| {
            let mut piece = b"a piece".to_vec();
            let tag = seal.seal(number, place, associated, &mut piece);
            piece.extend_from_slice(&tag);
            piece
        };
        let whole = sealed(7, 3, b"with");
        assert!(!whole.starts_with(b"a piece"));
        let open = |seal: &Seal, number, place, associated: &[u8], bytes: &[u8]| {
            seal.open(number, place, associated, &mut bytes.to_vec()).map(<[u8]>::to_vec)
        };
        assert_eq!(open(&seal, 7, 3, b"with", &whole).as_deref(), Some(&b"a piece"[..]));
        assert_eq!(open(&seal, 8, 3, b"with", &whole), None);
        assert_eq!(open(&seal, 7, 4, b"with", &whole), None);
        assert_eq!(open(&seal, 7, 3, b"wit", &whole), None);
        assert_eq!(open(&seal, 7, 3, b"with", &whole[1..]), None);
        assert_eq!(open(&seal, 7, 3, b"with", b"short"), None);
        for bit in 0..whole.len() * 8 {
            let mut hurt = whole.clone();
            hurt[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&seal, 7, 3, b"with", &hurt), None, "bit {bit}");
        }
        // Another process with the same key, an older key first in line, another context, another salt.
        let again = Keyring::new(Some(key(3)), vec![key(1)]).open(&head, &[b"a ", b"file"]).unwrap();
        assert_eq!(open(&again, 7, 3, b"with", &whole).as_deref(), Some(&b"a piece"[..]));
        let other = ring().open(&head, &[b"another file"]).unwrap();
        assert_eq!(open(&other, 7, 3, b"with", &whole), None);
        let salted = SealHead { salt: [1; 16], ..head };
        assert_eq!(open(&ring().open(&salted, &[b"a file"]).unwrap(), 7, 3, b"with", &whole), None);
        assert_eq!(SealHead::from_bytes(&head.to_bytes()), head);
    }

    /// The derivation is part of the format: a change here makes journals unreadable. The expected bytes were computed from
    /// the two RFCs by another program.
    #[test]
    fn the_derivation_is_the_documented_one() {
        let shown = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(key(1).id().to_string(), "8ea5d22b617dacca");
        let head = SealHead { key: key(1).id(), salt: [5; 16] };
        let mut piece = *b"piece";
        let tag = ring().open(&head, &[b"a file"]).unwrap().seal(7, 3, b"with", &mut piece);
        assert_eq!(shown(&piece), "e1f1dcdfb2");
        assert_eq!(shown(&tag), "19d0446d180fc987817c74fdac5dc5a4");
    }

    #[test]
    fn a_missing_key_is_named() {
        let (head, _) = ring().begin(&[]).unwrap().unwrap();
        let said = |keys: Vec<Key>| Keyring::new(None, keys).open(&head, &[]).unwrap_err().to_string();
        let (one, two, three) = (key(1).id(), key(2).id(), key(3).id());
        assert_eq!(said(vec![]), format!("it is encrypted with the key {one}, and no key was given"));
        assert_eq!(
            said(vec![key(2)]),
            format!("it is encrypted with the key {one}, and the key given is {two}")
        );
        assert!(said(vec![key(2), key(3)]).ends_with(&format!("the keys given are {two}, {three}")));
        assert!(Keyring::new(None, vec![key(1)]).begin(&[]).unwrap().is_none(), "older keys only open");
        assert_ne!(ring().salt().unwrap(), Keyring::new(None, vec![]).salt().unwrap());
    }
}
