//! Names in sensor data records (IPMI 2.0 §43.15).

use core::fmt;

use crate::record::text::{Text, TextEncoding, to_latin_1};
use crate::wire::{Bytes, Decode, Encode, Reader, WireError, Writer};

/// The most bytes of a name that the specification has room for.
pub const MAX_NAME_LENGTH: usize = 16;

/// A name in a record: a byte with encoding and length, then the text.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct IdString {
    encoding: TextEncoding,
    /// Records of others are held up to the 31 bytes that the length field can say.
    bytes: Bytes<31>,
}

impl IdString {
    /// The name `text` in Latin-1. Characters that Latin-1 does not have become `?`, what goes beyond
    /// [`MAX_NAME_LENGTH`] is cut off. A single character is followed by a space, because some readers take a
    /// length of one for an end mark.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let name = to_latin_1::<MAX_NAME_LENGTH>(text);
        let bytes = match *name {
            [single] => Bytes::from_slice(&[single, b' ']),
            ref bytes => Bytes::from_slice(bytes),
        };
        Self {
            encoding: TextEncoding::LATIN_1,
            bytes: bytes.unwrap_or_default(),
        }
    }

    /// How the bytes are to be read.
    #[must_use]
    pub const fn encoding(&self) -> TextEncoding {
        self.encoding
    }

    /// The name as it stands in the record.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The characters of the name.
    #[must_use]
    pub fn text(&self) -> Text<'_> {
        Text::of_sdr(self.encoding, &self.bytes)
    }
}

impl fmt::Display for IdString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl fmt::Debug for IdString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.text())
    }
}

impl Decode for IdString {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let type_length = reader.u8()?;
        let bytes = reader.slice(usize::from(type_length & 0x1f))?;
        Ok(Self {
            encoding: TextEncoding(type_length >> 6),
            bytes: Bytes::from_slice(bytes).map_err(|_| WireError::Invalid)?,
        })
    }
}

impl Encode for IdString {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let length = u8::try_from(self.bytes.len()).map_err(|_| WireError::Invalid)?;
        writer.u8(self.encoding.0 << 6 | length)?;
        writer.value(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names() {
        assert_eq!(
            IdString::from_text("CPU Utilization").to_string(),
            "CPU Utilization"
        );
        assert_eq!(IdString::from_text("Größe in €").as_bytes(), b"Gr\xf6\xdfe in ?");
        assert_eq!(IdString::from_text("x").as_bytes(), b"x ");
        assert_eq!(IdString::from_text("").as_bytes(), b"");
        assert_eq!(
            IdString::from_text("a name of more than 16").as_bytes().len(),
            MAX_NAME_LENGTH
        );
    }
}
