// SPDX-License-Identifier: Apache-2.0
//! Random numbers that are the same on every machine and in every version.
//!
//! xoshiro256++ and SplitMix64 (Blackman and Vigna, <https://prng.di.unimi.it/>), written out because a dependency may
//! change its stream between versions. `ln` and `exp` are written out too: libm's differ in the last bit between
//! systems, additions and divisions of IEEE doubles do not.

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: [u64; 4],
}

/// SplitMix64's increment: the golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's output function: a bijection of 64-bit words, so distinct inputs give distinct outputs.
pub(crate) fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// A value that depends on all three and looks like none: how a person's traits follow from seed and number.
pub(crate) fn derive(seed: u64, salt: u64, number: u64) -> u64 {
    mix(mix(seed.wrapping_add(salt.wrapping_mul(GOLDEN))).wrapping_add(number.wrapping_mul(GOLDEN)))
}

/// A 64-bit word as a fraction in `[0, 1)`.
pub(crate) fn fraction(word: u64) -> f64 {
    (word >> 11) as f64 / (1u64 << 53) as f64
}

impl Random {
    /// The stream numbered `stream` of `seed`; streams are independent for practical purposes.
    pub(crate) fn new(seed: u64, stream: u64) -> Random {
        let mut at = derive(seed, 0x5354_5245_414d, stream);
        let mut next = || {
            at = at.wrapping_add(GOLDEN);
            mix(at)
        };
        Random { state: [next(), next(), next(), next()] }
    }

    /// 64 random bits.
    pub(crate) fn word(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        fraction(self.word())
    }

    /// Uniform in `0..n` (0 for `n` = 0); the bias of multiply-and-shift is below n/2^64.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(n)) >> 64) as u64
    }

    /// Uniform in `low..=high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low) as u64 + 1) as i64
    }

    /// Uniform in `[low, high)`.
    pub(crate) fn real(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// One of `items`, which is one of this crate's own tables and never empty.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, items: &'a [&'a T]) -> &'a T {
        items[self.below(items.len() as u64) as usize]
    }

    /// An index, each with a probability in proportion to its weight.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().copied().map(u64::from).sum();
        place(self.below(total), weights)
    }

    /// Exponentially distributed: the wait for the next event of a Poisson process.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -ln(1.0 - self.unit()) * mean
    }

    /// Log-normal, by its median and the standard deviation of its logarithm.
    pub(crate) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// Standard normal, as a sum of twelve uniforms (Irwin-Hall): tails end at 6, which is enough for people's habits.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// The index of the weight that `point` (below their sum) falls into.
pub(crate) fn place(mut point: u64, weights: &[u32]) -> usize {
    for (index, weight) in weights.iter().enumerate() {
        let weight = u64::from(*weight);
        if point < weight {
            return index;
        }
        point -= weight;
    }
    weights.len().saturating_sub(1)
}

/// Natural logarithm of a positive normal number: 2·atanh((m-1)/(m+1)) of the mantissa plus the exponent's share.
pub(crate) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) as i64 - 1023) as f64;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1.0;
    }
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let square = z * z;
    let series = (0..9).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    2.0 * z * series + exponent * std::f64::consts::LN_2
}

/// e to the power `x` for |x| below 700: Taylor on the rest after taking out powers of two.
pub(crate) fn exp(x: f64) -> f64 {
    let twos = (x / std::f64::consts::LN_2 + 0.5).floor();
    let rest = x - twos * std::f64::consts::LN_2;
    let series = (1..14).rev().fold(1.0, |sum, k| 1.0 + sum * rest / f64::from(k));
    series * f64::from_bits(((twos as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xoshiro_gives_its_published_numbers() {
        let mut random = Random { state: [1, 2, 3, 4] };
        for expect in [
            41943041,
            58720359,
            3588806011781223,
            3591011842654386,
            9228616714210784205,
            9973669472204895162,
            14011001112246962877,
            12406186145184390807,
        ] {
            assert_eq!(random.word(), expect);
        }
    }

    #[test]
    fn splitmix_gives_its_published_numbers() {
        let mut at = 1477776061723855037u64;
        for expect in [1985237415132408290u64, 2979275885539914483, 13511426838097143398] {
            at = at.wrapping_add(GOLDEN);
            assert_eq!(mix(at), expect);
        }
    }

    #[test]
    fn logarithm_and_exponential_agree_with_the_system() {
        let check = |ours: f64, theirs: f64| {
            assert!((ours - theirs).abs() <= 1e-13 * theirs.abs().max(1.0), "{ours} {theirs}")
        };
        for step in 1..2000 {
            let x = f64::from(step) * 0.0137;
            check(ln(x), x.ln());
            check(exp(x - 12.0), (x - 12.0).exp());
        }
        check(ln(1.0 / (1u64 << 53) as f64), (1.0 / (1u64 << 53) as f64).ln());
    }

    #[test]
    fn distributions_have_their_moments() {
        let mut random = Random::new(7, 1);
        let n = 100_000;
        let mut mean =
            |draw: fn(&mut Random) -> f64| (0..n).map(|_| draw(&mut random)).sum::<f64>() / f64::from(n);
        let check = |got: f64, expect: f64| assert!((got / expect - 1.0).abs() < 0.03, "{got} for {expect}");
        check(mean(|r| r.exponential(5.0)), 5.0);
        check(mean(|r| r.log_normal(10.0, 0.5)), 10.0 * (0.125f64).exp());
        check(mean(|r| r.between(3, 6) as f64), 4.5);
        check(mean(|r| r.weighted(&[1, 0, 3]) as f64), 1.5);
    }

    #[test]
    fn edges() {
        let mut random = Random::new(1, 1);
        assert_eq!(random.below(0), 0);
        assert_eq!(random.between(4, 4), 4);
        assert_eq!(place(5, &[2, 3, 1]), 2);
        assert!(fraction(u64::MAX) < 1.0);
    }
}
