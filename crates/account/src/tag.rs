// SPDX-License-Identifier: Apache-2.0
//! Short keyed hashes: the same text has the same tag in this installation, and no tag leads back to the text.

use siphasher::sip::SipHasher24;
use std::fmt;
use std::hash::Hasher;

/// What tags are made under.
#[derive(Clone)]
pub struct Tags(SipHasher24);

/// Shows nothing of the key.
impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tags(…)")
    }
}

impl Tags {
    /// Tags of an installation, by its secret. Other hashes are made under the same secret; the word at the beginning keeps
    /// these apart from them.
    pub fn new(secret: [u8; 16]) -> Tags {
        let mut hasher = SipHasher24::new_with_key(&secret);
        hasher.write(b"account.doors");
        Tags(hasher)
    }

    /// The tag of some texts in their order, for one purpose: what is tagged for another can not be compared with it.
    pub fn tag(&self, purpose: &str, texts: &[&str]) -> String {
        let mut hasher = self.0;
        for text in std::iter::once(&purpose).chain(texts) {
            hasher.write_u64(text.len() as u64);
            hasher.write(text.as_bytes());
        }
        format!("{:016x}", hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_of_its_texts_its_purpose_and_its_installation() {
        let tags = Tags::new([7; 16]);
        let one = tags.tag("p", &["ab", "c"]);
        assert_eq!(one, tags.tag("p", &["ab", "c"]));
        let others = [
            tags.tag("p", &["a", "bc"]),
            tags.tag("p", &["abc"]),
            tags.tag("p", &["ab", "c", ""]),
            tags.tag("q", &["ab", "c"]),
            tags.tag("pab", &["c"]),
            Tags::new([8; 16]).tag("p", &["ab", "c"]),
        ];
        assert!(one.len() == 16 && !others.contains(&one));
        assert_eq!(format!("{tags:?}"), "Tags(…)");
    }
}
