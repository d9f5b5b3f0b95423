// SPDX-License-Identifier: Apache-2.0
//! One bit for each row, and pairs of them: three-valued truths. 64 rows are one machine word, so `and`, `or` and `not`
//! of a batch cost next to nothing, and what is not asked is left out a word at a time.

use crate::Tri;
use arrow_array::BooleanArray;
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};

/// One bit for each row. Bits past the last row are never set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
    len: usize,
}

/// The bits of one word that belong to rows, where it is word `at` of `len` rows.
fn within(at: usize, len: usize) -> u64 {
    match len - at * 64 {
        64.. => u64::MAX,
        rest => (1 << rest) - 1,
    }
}

impl Bits {
    /// No row.
    pub(super) fn none(len: usize) -> Bits {
        Bits { words: vec![0; len.div_ceil(64)], len }
    }

    /// Every row.
    pub(super) fn all(len: usize) -> Bits {
        let mut words = vec![u64::MAX; len.div_ceil(64)];
        if let Some(last) = words.len().checked_sub(1) {
            words[last] = within(last, len);
        }
        Bits { words, len }
    }

    /// The rows from `start` on, as many as `len`, of an Arrow bitmap.
    pub(super) fn of(buffer: &BooleanBuffer, start: usize, len: usize) -> Bits {
        let part = buffer.slice(start, len);
        let words = part.bit_chunks().iter_padded().take(len.div_ceil(64)).collect();
        Bits { words, len }
    }

    /// The rows from `start`, a multiple of 64, on, as many as `len`.
    pub(super) fn part(&self, start: usize, len: usize) -> Bits {
        debug_assert!(start.is_multiple_of(64) && start + len <= self.len);
        let mut words = self.words[start / 64..(start + len).div_ceil(64)].to_vec();
        if let Some(last) = words.len().checked_sub(1) {
            words[last] &= within(last, len);
        }
        Bits { words, len }
    }

    /// The rows that are not null.
    pub(super) fn valid(nulls: Option<&NullBuffer>, start: usize, len: usize) -> Bits {
        nulls.map_or_else(|| Bits::all(len), |n| Bits::of(n.inner(), start, len))
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> bool {
        self.words[row / 64] >> (row % 64) & 1 == 1
    }

    #[inline]
    pub(super) fn set(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }

    /// How many rows.
    pub(super) fn count(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    pub(super) fn is_none(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// The rows, ascending.
    pub(super) fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let row = (left != 0).then(|| at * 64 + left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(row)
            })
        })
    }

    /// Word by word with another of the same length.
    fn zip(mut self, other: &Bits, join: impl Fn(u64, u64) -> u64) -> Bits {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a = join(*a, *b);
        }
        self
    }

    pub(super) fn and(self, other: &Bits) -> Bits {
        self.zip(other, |a, b| a & b)
    }

    pub(super) fn or(self, other: &Bits) -> Bits {
        self.zip(other, |a, b| a | b)
    }

    pub(super) fn without(self, other: &Bits) -> Bits {
        self.zip(other, |a, b| a & !b)
    }

    /// Those of the rows of `among` whose value passes; a word's values are all tested as soon as one is asked for.
    #[inline]
    pub(super) fn dense<T: Copy>(among: &Bits, values: &[T], test: impl Fn(T) -> bool) -> Bits {
        let words = among
            .words
            .iter()
            .zip(values.chunks(64))
            .map(|(mask, values)| if *mask == 0 { 0 } else { mask & pack(values, &test) });
        Bits { words: words.collect(), len: among.len }
    }

    /// The same over two columns.
    #[inline]
    pub(super) fn dense2<T: Copy>(among: &Bits, a: &[T], b: &[T], test: impl Fn(T, T) -> bool) -> Bits {
        let words = among.words.iter().zip(a.chunks(64).zip(b.chunks(64))).map(|(mask, (a, b))| {
            let mut word = 0;
            if *mask != 0 {
                for (i, (a, b)) in a.iter().zip(b).enumerate() {
                    word |= u64::from(test(*a, *b)) << i;
                }
            }
            mask & word
        });
        Bits { words: words.collect(), len: among.len }
    }

    /// Those of the rows of `among` that pass, asked one by one and only these.
    #[inline]
    pub(super) fn sparse(among: &Bits, mut test: impl FnMut(usize) -> bool) -> Bits {
        let mut out = Bits::none(among.len);
        for row in among.rows() {
            if test(row) {
                out.set(row);
            }
        }
        out
    }

    fn buffer(&self) -> BooleanBuffer {
        BooleanBuffer::new(Buffer::from_slice_ref(&self.words), 0, self.len)
    }
}

/// The tests of up to 64 values as one word.
#[inline]
fn pack<T: Copy>(values: &[T], test: &impl Fn(T) -> bool) -> u64 {
    let mut word = 0;
    for (i, value) in values.iter().enumerate() {
        word |= u64::from(test(*value)) << i;
    }
    word
}

/// A three-valued truth for each row: whether it holds, and whether that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriColumn {
    /// True; always known.
    pub(super) yes: Bits,
    pub(super) known: Bits,
}

impl TriColumn {
    /// The same for every row.
    pub(super) fn of(tri: Tri, len: usize) -> TriColumn {
        let all = |is: bool| if is { Bits::all(len) } else { Bits::none(len) };
        TriColumn { yes: all(tri == Tri::True), known: all(tri != Tri::Unknown) }
    }

    /// Row by row, for those of `among`; the others are unknown.
    #[inline]
    pub(super) fn each(among: &Bits, mut ask: impl FnMut(usize) -> Tri) -> TriColumn {
        let mut out = TriColumn::of(Tri::Unknown, among.len);
        for row in among.rows() {
            out.put(row, ask(row));
        }
        out
    }

    /// Says what is so of a row that was unknown.
    #[inline]
    pub(super) fn put(&mut self, row: usize, tri: Tri) {
        match tri {
            Tri::Unknown => {}
            Tri::False => self.known.set(row),
            Tri::True => {
                self.known.set(row);
                self.yes.set(row);
            }
        }
    }

    /// True for these of so many rows, which ascend, and false for the others.
    pub fn picked(rows: impl IntoIterator<Item = usize>, len: usize) -> TriColumn {
        let mut yes = Bits::none(len);
        rows.into_iter().filter(|row| *row < len).for_each(|row| yes.set(row));
        TriColumn { yes, known: Bits::all(len) }
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.yes.len
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.yes.len == 0
    }

    /// The truth of one row.
    ///
    /// # Panics
    /// When there are not so many rows.
    pub fn get(&self, row: usize) -> Tri {
        Tri::of(self.known.get(row).then(|| self.yes.get(row)))
    }

    /// How many rows are true.
    pub fn count_true(&self) -> usize {
        self.yes.count()
    }

    /// How many rows are unknown.
    pub fn count_unknown(&self) -> usize {
        self.yes.len - self.known.count()
    }

    /// How many rows are false.
    pub fn count_false(&self) -> usize {
        self.known.count() - self.yes.count()
    }

    /// The rows that are true, ascending.
    pub fn rows_true(&self) -> impl Iterator<Item = usize> + '_ {
        self.yes.rows()
    }

    /// As Arrow has it; unknown is null.
    pub fn to_array(&self) -> BooleanArray {
        BooleanArray::new(self.yes.buffer(), Some(NullBuffer::new(self.known.buffer())))
    }

    /// The rows that are not false.
    pub(super) fn open(&self) -> Bits {
        self.yes.clone().zip(&self.known, |yes, known| yes | !known).and(&Bits::all(self.yes.len))
    }

    pub(super) fn negate(self) -> TriColumn {
        TriColumn { yes: self.known.clone().without(&self.yes), known: self.known }
    }

    /// True where both are, false where one is.
    pub(super) fn and(self, other: &TriColumn) -> TriColumn {
        let no = self.no().or(&other.no());
        let yes = self.yes.and(&other.yes);
        TriColumn { known: no.or(&yes), yes }
    }

    /// True where one is, false where both are.
    pub(super) fn or(self, other: &TriColumn) -> TriColumn {
        let no = self.no().and(&other.no());
        let yes = self.yes.or(&other.yes);
        TriColumn { known: no.or(&yes), yes }
    }

    /// The rows that are false.
    pub(super) fn no(&self) -> Bits {
        self.known.clone().without(&self.yes)
    }

    /// This where it stands in `among`, the other elsewhere.
    pub(super) fn choose(self, among: &Bits, other: TriColumn) -> TriColumn {
        let pick = |a: Bits, b: Bits| a.and(among).or(&b.without(among));
        TriColumn { yes: pick(self.yes, other.yes), known: pick(self.known, other.known) }
    }

    /// Those rows are unknown, whatever they were.
    pub(super) fn only(self, known: &Bits) -> TriColumn {
        TriColumn { yes: self.yes.and(known), known: self.known.and(known) }
    }

    /// Adds the rows of another; this must end with a whole word.
    pub(super) fn append(&mut self, other: &TriColumn) {
        for (bits, more) in [(&mut self.yes, &other.yes), (&mut self.known, &other.known)] {
            debug_assert!(bits.len % 64 == 0);
            bits.words.extend_from_slice(&more.words);
            bits.len += more.len;
        }
    }
}
