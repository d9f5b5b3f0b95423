// SPDX-License-Identifier: Apache-2.0
//! Every bound on what one message may cost, and the one place where it is spent.
//!
//! A message that wants more is not refused: it is read as far as the budget goes, and what ran out is on record as an
//! oddity of the message (`over_budget_…`). Honest mail does not come near these figures; they are told beside each.

use crate::read::Oddity;

/// Bytes of the message that are looked at; what comes after is not read. Servers take 25 to 50 MB.
pub const BYTES: usize = 32 * 1024 * 1024;
/// Parts of all kinds. The most in 9,322 real messages is 22.
pub const PARTS: usize = 256;
/// How deep parts lie in parts; also how many boundaries each line that begins with `--` is held against. A forwarded
/// reply of a newsletter with pictures has five.
pub const DEPTH: usize = 16;
/// Header fields, those of parts included.
pub const HEADERS: usize = 2_000;
/// Bytes of all header fields. Signatures and traces of large providers come to 30 KB.
pub const HEADER_BYTES: usize = 512 * 1024;
/// Decoded bytes of bodies, before it is known what they say.
pub const DECODED_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of text that are kept, visible and hidden together.
pub const TEXT_BYTES: usize = 1024 * 1024;
/// Tags of HTML. A long newsletter has some thousands.
pub const TAGS: usize = 50_000;
/// URLs, with those that are found inside others.
pub const URLS: usize = 1_000;
/// Attachments.
pub const ATTACHMENTS: usize = 128;
/// Bytes that are inflated out of archives and documents.
pub const INFLATED_BYTES: usize = 4 * 1024 * 1024;
/// Entries of archives that are listed.
pub const ENTRIES: usize = 1_000;

/// Longest value of one header that is kept, in bytes; the rest is cut off. RFC 5322 allows lines of 998.
pub const HEADER_VALUE_BYTES: usize = 16 * 1024;
/// Longest name of a header that is kept, in bytes.
pub const HEADER_NAME_BYTES: usize = 256;
/// Most addresses that one header is read for. Mail to many has some hundreds in `To`.
pub const ADDRESSES: usize = 256;
/// Longest boundary in bytes. RFC 2046 allows 70; some programs write more.
pub const BOUNDARY_BYTES: usize = 256;
/// Most `Received` headers that are read.
pub const HOPS: usize = 64;
/// Longest URL that is kept, in bytes; the rest is cut off. Trackers write 2,000.
pub const URL_BYTES: usize = 4 * 1024;
/// Most words of one URL's path.
pub const URL_WORDS: usize = 32;
/// How often a URL is looked for inside a URL inside a URL.
pub const URL_NESTING: usize = 3;
/// Longest text of a link that is kept, in bytes.
pub const LABEL_BYTES: usize = 512;
/// Longest file name that is kept, in bytes.
pub const NAME_BYTES: usize = 512;

/// Bytes from the beginning that the view of raw bytes looks at: headers and the beginning of the text, of which more says no
/// more.
pub const VIEW_RAW_BYTES: usize = 3_500;
/// Bytes that the view of canonical bytes looks at, of headers and of the body each.
pub const VIEW_CANON_BYTES: usize = 3_000;
/// Words of a text that the view of words looks at.
pub const VIEW_WORDS: usize = 3_000;
/// Characters of a text that the view of characters looks at.
pub const VIEW_CHARS: usize = 6_000;
/// Longest word in a view, in characters.
pub const VIEW_WORD_CHARS: usize = 40;
/// Characters of a text of which a pattern is made.
pub const VIEW_PATTERN_CHARS: usize = 200;
/// URLs that the view of URLs looks at.
pub const VIEW_URLS: usize = 300;
/// Words of one header that the view of shapes looks at.
pub const VIEW_HEADER_WORDS: usize = 12;
/// `Received` headers that the view of the trace looks at.
pub const VIEW_HOPS: usize = 24;
/// Words of one `Received` header that are looked at.
pub const VIEW_HOP_WORDS: usize = 60;

/// Messages that are evaluated at once; they are in memory as tokens, 20 KB each.
pub const EVAL_MESSAGES: usize = 200_000;
/// Longest manifest in bytes.
pub const EVAL_MANIFEST_BYTES: u64 = 256 * 1024 * 1024;
/// How deep folders lie in folders.
pub const EVAL_DEPTH: usize = 8;
/// Longest line of a mailbox in one file that is read as one; a longer one counts as several.
pub const EVAL_LINE_BYTES: u64 = 64 * 1024;
/// Tokens that are told of each view of a misjudged message.
pub const EVAL_REASONS: usize = 5;
/// Resamplings behind each range.
pub const EVAL_RESAMPLES: usize = 200;

/// What a message spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// Bytes of the message.
    Bytes,
    /// Parts of all kinds.
    Parts,
    /// Parts in parts. The deepest is counted, not the sum.
    Depth,
    /// Header fields.
    Headers,
    /// Bytes of header fields.
    HeaderBytes,
    /// Bytes of decoded bodies.
    Decoded,
    /// Bytes of text, visible and hidden.
    Text,
    /// Tags of HTML.
    Tags,
    /// URLs.
    Urls,
    /// Attachments.
    Attachments,
    /// Bytes out of archives.
    Inflated,
    /// Entries of archives.
    Entries,
}

/// How many resources there are.
const RESOURCES: usize = 12;

impl Resource {
    /// All, in the order of [`Spent`].
    pub const ALL: [Self; RESOURCES] = [
        Self::Bytes,
        Self::Parts,
        Self::Depth,
        Self::Headers,
        Self::HeaderBytes,
        Self::Decoded,
        Self::Text,
        Self::Tags,
        Self::Urls,
        Self::Attachments,
        Self::Inflated,
        Self::Entries,
    ];

    /// What a message may spend of it unless somebody says otherwise.
    pub const fn limit(self) -> usize {
        match self {
            Self::Bytes => BYTES,
            Self::Parts => PARTS,
            Self::Depth => DEPTH,
            Self::Headers => HEADERS,
            Self::HeaderBytes => HEADER_BYTES,
            Self::Decoded => DECODED_BYTES,
            Self::Text => TEXT_BYTES,
            Self::Tags => TAGS,
            Self::Urls => URLS,
            Self::Attachments => ATTACHMENTS,
            Self::Inflated => INFLATED_BYTES,
            Self::Entries => ENTRIES,
        }
    }

    /// The oddity of a message that wants more than there is.
    pub const fn oddity(self) -> Oddity {
        match self {
            Self::Bytes => Oddity::OverBytes,
            Self::Parts => Oddity::OverParts,
            Self::Depth => Oddity::OverDepth,
            Self::Headers => Oddity::OverHeaders,
            Self::HeaderBytes => Oddity::OverHeaderBytes,
            Self::Decoded => Oddity::OverDecoded,
            Self::Text => Oddity::OverText,
            Self::Tags => Oddity::OverTags,
            Self::Urls => Oddity::OverUrls,
            Self::Attachments => Oddity::OverAttachments,
            Self::Inflated => Oddity::OverInflated,
            Self::Entries => Oddity::OverEntries,
        }
    }
}

/// How much of each resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent([usize; RESOURCES]);

impl Spent {
    /// How much of one.
    pub fn of(&self, resource: Resource) -> usize {
        self.0[resource as usize]
    }
}

/// What one message may still spend. A new one for each message.
#[derive(Debug, Clone)]
pub struct Budget {
    limits: [usize; RESOURCES],
    spent: Spent,
    short: [bool; RESOURCES],
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            limits: Resource::ALL.map(Resource::limit),
            spent: Spent::default(),
            short: [false; RESOURCES],
        }
    }
}

impl Budget {
    /// The same with another limit for one resource. None may be above its constant, by which buffers are sized.
    #[must_use]
    pub fn with(mut self, resource: Resource, limit: usize) -> Self {
        self.limits[resource as usize] = limit.min(resource.limit());
        self
    }

    /// What may be spent of it in all.
    pub fn limit(&self, resource: Resource) -> usize {
        self.limits[resource as usize]
    }

    /// What is left.
    pub fn left(&self, resource: Resource) -> usize {
        self.limits[resource as usize].saturating_sub(self.spent.of(resource))
    }

    /// Spends as much of the amount as there is and says how much that was. Less than was asked for is noted.
    pub fn take(&mut self, resource: Resource, amount: usize) -> usize {
        let granted = amount.min(self.left(resource));
        self.spent.0[resource as usize] += granted;
        self.short[resource as usize] |= granted < amount;
        granted
    }

    /// Spends one, if there is one.
    pub fn take_one(&mut self, resource: Resource) -> bool {
        self.take(resource, 1) == 1
    }

    /// Notes the depth of a part, and says whether it may lie there.
    pub fn reach(&mut self, depth: usize) -> bool {
        let most = self.limits[Resource::Depth as usize];
        let at = &mut self.spent.0[Resource::Depth as usize];
        *at = (*at).max(depth.min(most));
        self.short[Resource::Depth as usize] |= depth > most;
        depth <= most
    }

    /// What was spent so far.
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// Whether more of it was wanted than there was.
    pub fn ran_out(&self, resource: Resource) -> bool {
        self.short[resource as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_lie_where_they_are_looked_for() {
        for (at, resource) in Resource::ALL.into_iter().enumerate() {
            assert_eq!(resource as usize, at);
        }
    }

    #[test]
    fn no_more_is_spent_than_there_is() {
        let mut budget = Budget::default().with(Resource::Urls, 3);
        assert_eq!(budget.take(Resource::Urls, 2), 2);
        assert!(!budget.ran_out(Resource::Urls));
        assert_eq!(budget.take(Resource::Urls, 2), 1);
        assert!(budget.ran_out(Resource::Urls));
        assert!(!budget.take_one(Resource::Urls));
        assert_eq!(budget.spent().of(Resource::Urls), 3);
        assert_eq!(Budget::default().with(Resource::Urls, usize::MAX).limit(Resource::Urls), URLS);
    }

    #[test]
    fn depth_is_the_deepest() {
        let mut budget = Budget::default().with(Resource::Depth, 3);
        assert!(budget.reach(2) && budget.reach(1));
        assert_eq!(budget.spent().of(Resource::Depth), 2);
        assert!(!budget.reach(4));
        assert_eq!(budget.spent().of(Resource::Depth), 3);
        assert!(budget.ran_out(Resource::Depth));
    }
}
