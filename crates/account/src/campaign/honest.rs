// SPDX-License-Identifier: Apache-2.0
//! What honest sharing predicts.
//!
//! Honest people who belong together (a class, an office) have habits of their own: they are quicker or slower than others, so how
//! many of them fall into one cell is spread wider than if each chose alone. It is a beta-binomial distribution, whose
//! concentration grows with the crowd: the customers of a carrier are a sample of everybody. Against it stands that some part
//! of the crowd, nobody knows how large, is one machine.

/// How alike the habits of a small group are: the concentration of its distribution.
const CONCENTRATION: f64 = 4.0;
/// So many more people make a group more like everybody by one.
const CROWD_EACH: f64 = 25.0;

/// What `k` of a crowd of `m` sharing something says against the crowd's being honest, where a share `q` of all others has
/// it; in nats, and nothing where no more have it than are expected.
pub(super) fn surprise(k: f64, m: f64, q: f64) -> f64 {
    if m < 1.0 || k <= q * m {
        return 0.0;
    }
    let concentration = CONCENTRATION + m / CROWD_EACH;
    let (a, b) = (q * concentration, ((1.0 - q) * concentration).max(1.0));
    let choose = ln_gamma(m + 1.0) - ln_gamma(k + 1.0) - ln_gamma(m - k + 1.0);
    let honest = choose + ln_beta(k + a, m - k + b) - ln_beta(a, b);
    // Any number of them is as likely as any other if a machine is among them.
    (-(m + 1.0).ln() - honest).max(0.0)
}

/// What `k` having something says where `expected` have it by chance, each for himself.
pub(super) fn excess(k: f64, expected: f64) -> f64 {
    if k <= expected { 0.0 } else { k * (k / expected.max(f64::MIN_POSITIVE)).ln() - k + expected }
}

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// The logarithm of the gamma function, for positive arguments: Stirling's series above 8, and its recurrence below.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut below) = (x, 0.0);
    while x < 8.0 {
        below += x.ln();
        x += 1.0;
    }
    let square = x * x;
    let series =
        (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square) / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - below
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_gamma_function_is_known_at_whole_and_half_numbers() {
        let mut factorial = 1.0_f64;
        for n in 1..100 {
            assert!((ln_gamma(f64::from(n)) - factorial.ln()).abs() < 1e-9, "{n}");
            factorial *= f64::from(n);
        }
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-9);
    }

    #[test]
    fn a_group_with_habits_is_no_machine() {
        // Half of a class where a sixth is usual, for they follow one teacher: less than choosing the cell costs.
        assert!(surprise(100.0, 200.0, 0.16) < 3.0);
        // A quarter more of a carrier's customers than elsewhere.
        assert!(surprise(250.0, 1000.0, 0.2) < 1.0);
        // All of forty within a hundredth.
        assert!(surprise(40.0, 40.0, 0.01) > 10.0);
        // A fifth of five thousand strangers where a hundredth is usual.
        assert!(surprise(1000.0, 5000.0, 0.01) > 25.0);
    }

    proptest! {
        #[test]
        fn the_honest_distribution_is_one(m in 1_u32..60, q in 0.001_f64..0.9) {
            let m = f64::from(m);
            let concentration = CONCENTRATION + m / CROWD_EACH;
            let (a, b) = (q * concentration, ((1.0 - q) * concentration).max(1.0));
            let one = |k: f64| {
                let choose = ln_gamma(m + 1.0) - ln_gamma(k + 1.0) - ln_gamma(m - k + 1.0);
                (choose + ln_beta(k + a, m - k + b) - ln_beta(a, b)).exp()
            };
            let all: f64 = (0..=m as u32).map(|k| one(f64::from(k))).sum();
            prop_assert!((all - 1.0).abs() < 1e-6, "{}", all);
        }

        #[test]
        fn more_that_share_say_more_and_rarer_says_more(m in 2_u32..3000, k in 1_u32..3000, q in 0.0005_f64..0.5) {
            prop_assume!(k < m);
            let (k, m) = (f64::from(k), f64::from(m));
            prop_assert!(surprise(k + 1.0, m, q) >= surprise(k, m, q) - 1e-9);
            prop_assert!(excess(k + 1.0, q * m) >= excess(k, q * m));
            prop_assert!(excess(k, q * m) >= excess(k, q * m * 1.5));
        }
    }
}
