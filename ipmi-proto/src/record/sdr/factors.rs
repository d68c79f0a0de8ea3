//! Conversion between raw readings and values: y = (M·x + B·10^Bexp)·10^Rexp (IPMI 2.0 §36.3).

use crate::wire::{Decode, Encode, Reader, WireError, Writer, code_points};

/// Conversion factors of a sensor: bytes 25 to 30 of a full record, and the answer of Get Sensor Reading Factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Factors {
    /// M: the step between two raw readings, -512 to 511.
    pub m: i16,
    /// Tolerance in half raw readings, 0 to 63.
    pub tolerance: u8,
    /// B: the offset, -512 to 511.
    pub b: i16,
    /// Accuracy in 1/100 percent times 10 to the power of `accuracy_exponent`, 0 to 1023.
    pub accuracy: u16,
    /// Exponent of the accuracy, 0 to 3.
    pub accuracy_exponent: u8,
    /// Direction of the sensor.
    pub direction: SensorDirection,
    /// Rexp: exponent of the result, -8 to 7.
    pub result_exponent: i8,
    /// Bexp: exponent of B, -8 to 7.
    pub b_exponent: i8,
}

code_points! {
    /// Whether a sensor watches something that goes in or out, 2 bits.
    pub struct SensorDirection(u8) {
        UNSPECIFIED = 0, "unspecified";
        INPUT = 1, "input";
        OUTPUT = 2, "output";
    }
}

code_points! {
    /// How the raw reading of a sensor is to be read, 2 bits.
    pub struct AnalogFormat(u8) {
        UNSIGNED = 0, "unsigned";
        ONES_COMPLEMENT = 1, "ones' complement";
        TWOS_COMPLEMENT = 2, "two's complement";
        NONE = 3, "no analog reading";
    }
}

impl AnalogFormat {
    /// The number that a raw reading stands for. Unsigned for a sensor without an analog reading.
    #[must_use]
    pub const fn number(self, raw: u8) -> i16 {
        match self {
            Self::ONES_COMPLEMENT if raw >= 0x80 => -((!raw) as i16),
            Self::TWOS_COMPLEMENT => i8::from_le_bytes([raw]) as i16,
            _ => raw as i16,
        }
    }

    /// The raw reading that stands for a number; the nearest one there is.
    #[must_use]
    pub fn raw(self, number: i16) -> u8 {
        let (low, high) = match self {
            Self::ONES_COMPLEMENT => (-127, 127),
            Self::TWOS_COMPLEMENT => (-128, 127),
            _ => (0, 255),
        };
        let [byte, _] = number.clamp(low, high).to_le_bytes();
        if self == Self::ONES_COMPLEMENT && number < 0 {
            // The two's complement of a number is one more than its ones' complement.
            byte.wrapping_sub(1)
        } else {
            byte
        }
    }
}

impl Factors {
    /// The factors of a sensor whose raw reading is its value.
    pub const IDENTITY: Self = Self {
        m: 1,
        tolerance: 0,
        b: 0,
        accuracy: 0,
        accuracy_exponent: 0,
        direction: SensorDirection::UNSPECIFIED,
        result_exponent: 0,
        b_exponent: 0,
    };

    /// The finest factors with which unsigned raw readings reach from 0 to `maximum` or a little beyond.
    /// `None` if `maximum` is not a positive number or above 511·255·10^7.
    #[must_use]
    pub fn up_to(maximum: f64) -> Option<Self> {
        if maximum.is_nan() || maximum <= 0.0 {
            return None;
        }
        (-8..=7).find_map(|result_exponent| {
            let m = round_up(maximum / 255.0 / power_of_ten(result_exponent))?;
            Some(Self {
                m,
                result_exponent,
                ..Self::IDENTITY
            })
        })
    }

    /// The value that a raw reading stands for.
    #[must_use]
    pub fn value(&self, format: AnalogFormat, raw: u8) -> f64 {
        let x = f64::from(format.number(raw));
        (f64::from(self.m) * x + self.offset()) * power_of_ten(self.result_exponent)
    }

    /// The raw reading whose value is nearest. It saturates: a value beyond the range gives the end of the range.
    /// `None` if all raw readings have the same value, or `value` is not a number.
    #[must_use]
    pub fn raw(&self, format: AnalogFormat, value: f64) -> Option<u8> {
        if self.m == 0 || value.is_nan() {
            return None;
        }
        let x = (value / power_of_ten(self.result_exponent) - self.offset()) / f64::from(self.m);
        Some(format.raw(round(x)))
    }

    /// The difference of two values that a raw difference stands for: hysteresis has no B.
    #[must_use]
    pub fn span(&self, raw: u8) -> f64 {
        f64::from(self.m) * f64::from(raw) * power_of_ten(self.result_exponent)
    }

    /// The raw difference that is nearest to a difference of two values; it saturates.
    /// `None` if all raw readings have the same value, or `span` is not a number.
    #[must_use]
    pub fn raw_span(&self, span: f64) -> Option<u8> {
        if self.m == 0 || span.is_nan() {
            return None;
        }
        let x = span / power_of_ten(self.result_exponent) / f64::from(self.m);
        Some(AnalogFormat::UNSIGNED.raw(round(x)))
    }

    fn offset(&self) -> f64 {
        f64::from(self.b) * power_of_ten(self.b_exponent)
    }
}

/// Ten to the power of a four-bit exponent.
const fn power_of_ten(exponent: i8) -> f64 {
    match exponent {
        ..=-8 => 1e-8,
        -7 => 1e-7,
        -6 => 1e-6,
        -5 => 1e-5,
        -4 => 1e-4,
        -3 => 1e-3,
        -2 => 1e-2,
        -1 => 1e-1,
        0 => 1e0,
        1 => 1e1,
        2 => 1e2,
        3 => 1e3,
        4 => 1e4,
        5 => 1e5,
        6 => 1e6,
        7.. => 1e7,
    }
}

/// The nearest number, halves away from zero; saturates.
fn round(x: f64) -> i16 {
    // Conversion to an integer saturates and cuts towards zero. `f64::round` is not in `core`.
    (if x < 0.0 { x - 0.5 } else { x + 0.5 }) as i16
}

/// The smallest positive M that is not below `x`, if M can be that large.
fn round_up(x: f64) -> Option<i16> {
    let cut = x as i16;
    // A hair above a whole number is a rounding error of the division, not a wish for a coarser scale.
    let up = if x - f64::from(cut) > 1e-9 {
        cut.checked_add(1)?
    } else {
        cut
    };
    (1..=MAX_TEN_BIT).contains(&up).then_some(up)
}

const MAX_TEN_BIT: i16 = 511;

/// The number whose two's complement of ten bits has these low and high bits.
fn ten_bits(low: u8, high: u8) -> i16 {
    // The sign is in bit 9: move it to bit 15 and back.
    i16::from_le_bytes([low, high & 0b11]) << 6 >> 6
}

/// The low byte and the high two bits of a two's complement of ten bits.
fn split_ten_bits(number: i16) -> Result<(u8, u8), WireError> {
    if !(-512..=MAX_TEN_BIT).contains(&number) {
        return Err(WireError::Invalid);
    }
    let [low, high] = number.to_le_bytes();
    Ok((low, high & 0b11))
}

/// The number whose two's complement of four bits these are.
fn four_bits(bits: u8) -> i8 {
    i8::from_le_bytes([bits << 4]) >> 4
}

fn split_four_bits(number: i8) -> Result<u8, WireError> {
    if !(-8..=7).contains(&number) {
        return Err(WireError::Invalid);
    }
    let [byte] = number.to_le_bytes();
    Ok(byte & 0x0f)
}

impl Decode for Factors {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let [m, m_tolerance, b, b_accuracy, accuracy, exponents] = reader.array()?;
        Ok(Self {
            m: ten_bits(m, m_tolerance >> 6),
            tolerance: m_tolerance & 0x3f,
            b: ten_bits(b, b_accuracy >> 6),
            accuracy: u16::from(accuracy >> 4) << 6 | u16::from(b_accuracy & 0x3f),
            accuracy_exponent: accuracy >> 2 & 0b11,
            direction: SensorDirection(accuracy & 0b11),
            result_exponent: four_bits(exponents >> 4),
            b_exponent: four_bits(exponents & 0x0f),
        })
    }
}

/// [`WireError::Invalid`] if a field is out of its range.
impl Encode for Factors {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let (m, m_high) = split_ten_bits(self.m)?;
        let (b, b_high) = split_ten_bits(self.b)?;
        if self.tolerance > 0x3f
            || self.accuracy > 0x3ff
            || self.accuracy_exponent > 3
            || self.direction.0 > 3
        {
            return Err(WireError::Invalid);
        }
        let [accuracy_low, _] = (self.accuracy & 0x3f).to_le_bytes();
        let [accuracy_high, _] = (self.accuracy >> 6).to_le_bytes();
        writer.bytes(&[
            m,
            m_high << 6 | self.tolerance,
            b,
            b_high << 6 | accuracy_low,
            accuracy_high << 4 | self.accuracy_exponent << 2 | self.direction.0,
            split_four_bits(self.result_exponent)? << 4 | split_four_bits(self.b_exponent)?,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_near(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    }

    #[test]
    fn values_and_readings() {
        // By hand from the formula of IPMI 2.0 §36.3.
        let volts = Factors {
            m: 172,
            result_exponent: -4,
            ..Factors::IDENTITY
        };
        assert_near(volts.value(AnalogFormat::UNSIGNED, 0xc0), 3.3024);
        assert_eq!(volts.raw(AnalogFormat::UNSIGNED, 3.3), Some(0xc0));
        let fan = Factors {
            m: 75,
            ..Factors::IDENTITY
        };
        assert_eq!(fan.raw(AnalogFormat::UNSIGNED, 1e6), Some(0xff));
        assert_eq!(fan.raw(AnalogFormat::UNSIGNED, -1.0), Some(0));
        let offset = Factors {
            m: 1,
            b: -5,
            b_exponent: 1,
            ..Factors::IDENTITY
        };
        assert_near(offset.value(AnalogFormat::UNSIGNED, 0), -50.0);
        assert_eq!(offset.raw(AnalogFormat::UNSIGNED, 0.4), Some(50));
        assert_eq!(Factors::default().raw(AnalogFormat::UNSIGNED, 1.0), None);
        assert_eq!(Factors::IDENTITY.raw(AnalogFormat::UNSIGNED, f64::NAN), None);
    }

    #[test]
    fn signed_readings() {
        assert_eq!(AnalogFormat::ONES_COMPLEMENT.number(0xfe), -1);
        assert_eq!(AnalogFormat::ONES_COMPLEMENT.number(0xff), 0);
        assert_eq!(AnalogFormat::TWOS_COMPLEMENT.number(0xff), -1);
        assert_eq!(AnalogFormat::ONES_COMPLEMENT.raw(-1), 0xfe);
        assert_eq!(AnalogFormat::ONES_COMPLEMENT.raw(-300), 0x80);
        assert_eq!(AnalogFormat::TWOS_COMPLEMENT.raw(-300), 0x80);
        assert_eq!(AnalogFormat::TWOS_COMPLEMENT.raw(300), 0x7f);
    }

    #[test]
    fn the_finest_scale_is_chosen() {
        let megabytes = Factors::up_to(1000.0).unwrap();
        assert_eq!((megabytes.m, megabytes.result_exponent), (393, -2));
        assert!(megabytes.value(AnalogFormat::UNSIGNED, 255) >= 1000.0);
        assert_eq!(Factors::up_to(0.0), None);
        assert_eq!(Factors::up_to(f64::INFINITY), None);
        assert_eq!(Factors::up_to(f64::NAN), None);
    }

    proptest! {
        #[test]
        fn bytes_round_trip(bytes: [u8; 6]) {
            let factors: Factors = Reader::new(&bytes).value().unwrap();
            let mut output = [0xa5; 6];
            Writer::new(&mut output).value(&factors).unwrap();
            prop_assert_eq!(output, bytes);
        }

        #[test]
        fn every_raw_reading_is_nearest_to_its_value(bytes: [u8; 6], format in 0_u8..3, raw: u8) {
            let factors: Factors = Reader::new(&bytes).value().unwrap();
            let format = AnalogFormat(format);
            prop_assume!(factors.m != 0);
            // Ones' complement has two zeros, and a large B swallows the steps of a small M.
            prop_assume!(factors.b_exponent <= 4);
            let found = factors.raw(format, factors.value(format, raw)).unwrap();
            prop_assert_eq!(format.number(found), format.number(raw));
        }

        #[test]
        fn a_scale_reaches_its_maximum(maximum in 1e-5_f64..1e11) {
            let factors = Factors::up_to(maximum).unwrap();
            let reached = factors.value(AnalogFormat::UNSIGNED, 255);
            prop_assert!(reached >= maximum * 0.999_999 && reached <= maximum * 1.03 + 255e-8);
        }
    }
}
