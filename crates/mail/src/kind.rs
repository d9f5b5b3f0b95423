// SPDX-License-Identifier: Apache-2.0
//! Closed lists of things that are seen or not: each with a stable name for programs and words for people.
//!
//! A set of them is a number, so that a message with ten thousand of the same oddity costs what one with a single one does,
//! and so that the order in which a set is read says nothing of the order in which it was filled.

use std::fmt;
use std::marker::PhantomData;

/// One of a closed list.
pub trait Kind: Copy + Eq + fmt::Debug + 'static {
    /// All of the list, in its order.
    const ALL: &'static [Self];
    /// The place in [`Kind::ALL`], below 128.
    fn index(self) -> u8;
    /// The name for programs: lower case, words joined by `_`. It never changes its meaning.
    fn name(self) -> &'static str;
    /// What it says, for people.
    fn words(self) -> &'static str;
}

/// Which of a closed list were seen.
pub struct Set<K>(u128, PhantomData<K>);

impl<K: Kind> Set<K> {
    /// Nothing seen.
    pub const fn new() -> Self {
        Self(0, PhantomData)
    }

    /// Notes one; twice is once.
    pub fn insert(&mut self, kind: K) {
        self.0 |= 1 << kind.index();
    }

    /// Notes one if so.
    pub fn insert_if(&mut self, seen: bool, kind: K) {
        if seen {
            self.insert(kind);
        }
    }

    /// Notes all that the other has.
    pub fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether it was seen.
    pub fn contains(self, kind: K) -> bool {
        self.0 & (1 << kind.index()) != 0
    }

    /// Whether nothing was seen.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many were seen.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Those seen, in the list's order.
    pub fn iter(self) -> impl Iterator<Item = K> {
        K::ALL.iter().copied().filter(move |&kind| self.contains(kind))
    }
}

impl<K> Clone for Set<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Set<K> {}

impl<K> PartialEq for Set<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K> Eq for Set<K> {}

impl<K: Kind> Default for Set<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Kind> FromIterator<K> for Set<K> {
    fn from_iter<I: IntoIterator<Item = K>>(kinds: I) -> Self {
        let mut set = Self::new();
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}

impl<K: Kind> fmt::Debug for Set<K> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter().map(|kind| Name(kind.name()))).finish()
    }
}

/// A name without quotes around it.
struct Name(&'static str);

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

/// Makes an enum a [`Kind`]: each line is a variant, its name and its words, which are its documentation as well.
macro_rules! kinds {
    ($(#[$meta:meta])* $list:ident { $($(#[$mark:ident])? $variant:ident $name:literal $words:literal)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $list {
            $(#[doc = $words] $(#[$mark])? $variant,)*
        }

        impl $crate::kind::Kind for $list {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            fn index(self) -> u8 {
                self as u8
            }

            fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }
        }

        const _: () = assert!(<$list as $crate::kind::Kind>::ALL.len() <= 128);
    };
}
pub(crate) use kinds;

#[cfg(test)]
mod tests {
    use super::*;

    kinds! {
        /// For the test.
        #[allow(unreachable_pub)]
        Fruit {
            Apple "apple" "an apple"
            Pear "pear" "a pear"
        }
    }

    #[test]
    fn a_set_has_an_order_of_its_own() {
        let mut set = Set::new();
        assert!(set.is_empty());
        set.insert(Fruit::Pear);
        set.insert(Fruit::Pear);
        set.insert_if(false, Fruit::Apple);
        assert_eq!(format!("{set:?}"), "[pear]");
        set.extend([Fruit::Apple].into_iter().collect());
        assert_eq!(set.iter().collect::<Vec<_>>(), [Fruit::Apple, Fruit::Pear]);
        assert_eq!((set.len(), set.contains(Fruit::Apple)), (2, true));
    }
}
