//! Text as SDRs and FRU inventories hold it: four encodings, told apart by two bits.

use core::fmt;

use crate::wire::{Bytes, code_points};

code_points! {
    /// How the bytes of a text are to be read, 2 bits (IPMI 2.0 §43.15, FRU definition §13).
    pub struct TextEncoding(u8) {
        /// In an SDR UCS-2; in a FRU inventory bytes that are no text.
        BINARY = 0, "binary or Unicode";
        BCD_PLUS = 1, "BCD plus";
        SIX_BIT = 2, "6-bit ASCII, packed";
        /// In a FRU inventory that is not in English: UCS-2.
        LATIN_1 = 3, "8-bit ASCII and Latin-1";
    }
}

/// What a text's encoding means in the place where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Hex,
    BcdPlus,
    SixBit,
    Latin1,
    Ucs2,
}

/// The characters of an encoded text. Bytes that are no text are shown as hex digits.
#[derive(Clone, Debug)]
pub struct Text<'a> {
    bytes: &'a [u8],
    reading: Reading,
    /// Number of the next character.
    position: usize,
}

impl<'a> Text<'a> {
    /// Text of a sensor data record.
    pub(super) const fn of_sdr(encoding: TextEncoding, bytes: &'a [u8]) -> Self {
        let reading = match encoding {
            TextEncoding::BCD_PLUS => Reading::BcdPlus,
            TextEncoding::SIX_BIT => Reading::SixBit,
            TextEncoding::LATIN_1 => Reading::Latin1,
            _ => Reading::Ucs2,
        };
        Self {
            bytes,
            reading,
            position: 0,
        }
    }

    /// Text of a FRU inventory whose language is English or not.
    pub(super) const fn of_fru(encoding: TextEncoding, bytes: &'a [u8], english: bool) -> Self {
        let reading = match encoding {
            TextEncoding::BCD_PLUS => Reading::BcdPlus,
            TextEncoding::SIX_BIT => Reading::SixBit,
            TextEncoding::LATIN_1 if english => Reading::Latin1,
            TextEncoding::LATIN_1 => Reading::Ucs2,
            _ => Reading::Hex,
        };
        Self {
            bytes,
            reading,
            position: 0,
        }
    }

    fn byte(&self, index: usize) -> Option<u8> {
        self.bytes.get(index).copied()
    }

    /// The half byte with this number, the high one of a byte first.
    fn nibble(&self, index: usize) -> Option<u8> {
        let byte = self.byte(index / 2)?;
        Some(if index.is_multiple_of(2) {
            byte >> 4
        } else {
            byte & 0x0f
        })
    }

    /// Six bits, the lowest of the first byte first.
    fn six_bits(&self, index: usize) -> Option<u8> {
        let bit = index.checked_mul(6)?;
        let low = self.byte(bit / 8)?;
        let shift = bit % 8;
        if shift <= 2 {
            return Some(low >> shift & 0x3f);
        }
        let high = self.byte(bit / 8 + 1)?;
        let [bits, _] = (u16::from_le_bytes([low, high]) >> shift & 0x3f).to_le_bytes();
        Some(bits)
    }
}

impl Iterator for Text<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let position = self.position;
        let character = match self.reading {
            Reading::Hex => char::from_digit(u32::from(self.nibble(position)?), 16)?,
            Reading::BcdPlus => match self.nibble(position)? {
                digit @ 0..=9 => char::from(b'0' + digit),
                0xa => ' ',
                0xb => '-',
                0xc => '.',
                0xd => ':',
                0xe => ',',
                _ => '_',
            },
            Reading::SixBit => char::from(0x20 + self.six_bits(position)?),
            Reading::Latin1 => char::from(self.byte(position)?),
            Reading::Ucs2 => {
                let index = position.checked_mul(2)?;
                let unit = u16::from_le_bytes([self.byte(index)?, self.byte(index + 1)?]);
                char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
        };
        self.position += 1;
        Some(character)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.clone().try_for_each(|character| f.write_char(character))
    }
}

/// The first `N` characters of a text in Latin-1. Characters that Latin-1 does not have become `?`.
#[must_use]
pub fn to_latin_1<const N: usize>(text: &str) -> Bytes<N> {
    let mut bytes = Bytes::new();
    for character in text.chars().take(N) {
        let byte = u8::try_from(u32::from(character)).unwrap_or(b'?');
        let added = bytes.extend(&[byte]);
        debug_assert!(added.is_ok(), "no more characters than bytes");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_encodings() {
        let fru = |encoding, bytes, english| Text::of_fru(encoding, bytes, english).to_string();
        assert_eq!(fru(TextEncoding::BINARY, &[0x0f, 0xa5], true), "0fa5");
        assert_eq!(fru(TextEncoding::BCD_PLUS, &[0x12, 0xab, 0xc3], true), "12 -.3");
        // By hand: 29h 30h 2Dh 29h in six bits each, the first in the lowest bits.
        assert_eq!(fru(TextEncoding::SIX_BIT, &[0x29, 0xdc, 0xa6], true), "IPMI");
        assert_eq!(fru(TextEncoding::SIX_BIT, &[0x29, 0xdc], true), "IP");
        assert_eq!(fru(TextEncoding::LATIN_1, b"A\xe9", true), "Aé");
        assert_eq!(
            fru(TextEncoding::LATIN_1, &[0x41, 0x00, 0x00, 0xd8, 0x42], false),
            "A\u{fffd}"
        );
        assert_eq!(
            Text::of_sdr(TextEncoding::BINARY, &[0x2c, 0x20]).to_string(),
            "€".replace('€', "\u{202c}")
        );
    }
}
