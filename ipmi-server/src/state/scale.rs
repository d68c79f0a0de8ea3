//! Choosing how the values of a sensor become readings of 8 bits (IPMI 2.0 §36.3).

use ipmi_proto::record::sdr::Factors;

/// Steps between readings are these numbers times a power of ten: values look as people would round them.
const STEPS: [i16; 3] = [1, 2, 5];
/// B has 10 bits.
const MAX_OFFSET: f64 = 511.0;

/// The finest factors with which 256 readings reach over `range`, in steps not below `finest`. A range that is
/// not one, or too wide, gives the coarsest factors there are.
pub(crate) fn factors(range: (f64, f64), finest: f64) -> Factors {
    let low = if range.0.is_finite() {
        range.0.min(0.0)
    } else {
        0.0
    };
    let high = if range.1.is_finite() {
        range.1.max(low)
    } else {
        low
    };
    let enough = ((high - low) / 255.0).max(finest) * (1.0 - 1e-9);
    let step = (-8..=7).flat_map(|exponent| STEPS.map(|m| (m, exponent)));
    let (m, exponent) = step
        .into_iter()
        .find(|(m, exponent)| f64::from(*m) * power(*exponent) >= enough)
        .unwrap_or((5, 7));
    let steps = (low / (f64::from(m) * power(exponent))).floor() * f64::from(m);
    let (b, b_exponent) = offset(steps);
    Factors {
        m,
        b,
        b_exponent,
        result_exponent: exponent,
        ..Factors::IDENTITY
    }
}

fn power(exponent: i8) -> f64 {
    10_f64.powi(i32::from(exponent))
}

/// B and its exponent for an offset; rounded away from zero if it has too many digits.
fn offset(offset: f64) -> (i16, i8) {
    let fits = |exponent: &i8| (offset / power(*exponent)).abs() <= MAX_OFFSET;
    let exponent = (0..=7).find(fits).unwrap_or(7);
    let b = (offset / power(exponent)).floor().clamp(-MAX_OFFSET, MAX_OFFSET);
    // A whole number of at most 10 bits.
    (b as i16, exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipmi_proto::record::sdr::AnalogFormat;

    fn check(range: (f64, f64), finest: f64) -> (i16, i8, i16) {
        let factors = factors(range, finest);
        let value = |raw| factors.value(AnalogFormat::UNSIGNED, raw);
        assert!(
            value(0) <= range.0.min(0.0) && value(255) >= range.1,
            "{range:?} {factors:?}"
        );
        (factors.m, factors.result_exponent, factors.b)
    }

    #[test]
    fn steps_are_round_numbers_and_reach_over_the_range() {
        assert_eq!(check((0.0, 100.0), 1.0), (1, 0, 0));
        assert_eq!(check((0.0, 127.0), 0.0), (5, -1, 0));
        assert_eq!(check((0.0, 12_750.0), 0.0), (5, 1, 0));
        assert_eq!(check((-40.0, 125.0), 0.0), (1, 0, -40));
        assert_eq!(check((0.0, 1.2), 0.0), (5, -3, 0));
        assert_eq!(check((0.0, 500.0), 0.0), (2, 0, 0));
        check((-5_000.0, 5_000.0), 0.0);
    }

    #[test]
    fn nonsense_gives_something_harmless() {
        for range in [
            (f64::NAN, f64::NAN),
            (0.0, f64::INFINITY),
            (5.0, -5.0),
            (f64::MIN, f64::MAX),
        ] {
            assert_ne!(factors(range, 0.0).m, 0, "{range:?}");
        }
    }
}
