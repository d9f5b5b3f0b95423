// SPDX-License-Identifier: Apache-2.0
//! Every bound on what looking for campaigns may take, each with a name.

/// Most sign-ups that are held: the newest. Each takes about a kilobyte with its keys.
pub const SIGNUPS: usize = 400_000;
/// Longest text of a sign-up that is looked at, in characters; what comes after is left out.
pub const TEXT_CHARS: usize = 128;
/// Shortest stem of a handle that says anything, in characters.
pub const STEM_CHARS: usize = 3;
/// Stems of so many characters are also compared with one character left out, so that those one change apart meet.
pub const NEAR_CHARS: std::ops::RangeInclusive<usize> = 6..=12;
/// Most sign-ups that share a key and are compared all with all.
pub const ALL_PAIRS: usize = 12;
/// Where more share a key, those that share a second one too are compared with so many of them that came just before.
pub const REPRESENTATIVES: usize = 3;
/// Most comparisons in all; beyond it what is left is not compared, and the outcome says so.
pub const COMPARISONS: u64 = 200_000_000;
/// Most steps of looking at who else shares what members of clusters share; beyond it clusters are passed over, and the
/// outcome says so.
pub const CROWD_STEPS: u64 = 400_000_000;
/// Fewest members of a campaign: fewer say too little.
pub const MEMBERS: usize = 5;
/// Most campaigns that are named, the strongest.
pub const CAMPAIGNS: usize = 1000;
/// Most known bad members of one cluster that its others are compared with: the newest.
pub const BAD_IN_CLUSTER: usize = 64;
/// Most accounts that a sweep proposes, the likeliest.
pub const SUSPECTS: usize = 100_000;
