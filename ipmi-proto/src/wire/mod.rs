//! The codec's ground: checked access to bytes, the traits of everything that goes over the wire, and
//! the macros that declare code points, flags and packed bytes once for both directions.
//!
//! Rules: multi-byte fields are least-significant byte first unless a type says otherwise; nothing
//! outside [`Reader`] and [`Writer`] indexes bytes from the network; a request must use all its bytes,
//! a response may end early at an optional field and may be followed by bytes of a later version.

mod address;
mod bytes;
mod checksum;
mod error;
mod list;
mod low_bits;
mod macros;
mod padded;
mod reader;
mod secret;
mod writer;

pub use address::MacAddress;
pub use bytes::{Bytes, CapacityError};
pub use checksum::checksum;
pub use error::WireError;
pub use list::{Counted, List, Sequence};
pub use low_bits::LowBits;
pub(crate) use macros::{code_points, packed};
pub use padded::PaddedText;
pub use reader::Reader;
pub use secret::Secret;
pub use writer::Writer;

/// A value that can be read from the wire.
pub trait Decode: Sized {
    /// Reads the value from the front of `reader`.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if bytes are missing, [`WireError::Invalid`] if they mean nothing.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError>;
}

/// A value that can be written to the wire.
pub trait Encode {
    /// Appends the value to `writer`.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError>;
}

/// A field of fewer than 16 bits inside a packed byte or word (see the macro `packed!`).
pub trait Bits: Copy {
    /// The value whose bits are the low bits of `bits`.
    fn from_bits(bits: u16) -> Self;
    /// The bits of the value, in the low bits.
    fn to_bits(self) -> u16;
}

impl Bits for bool {
    fn from_bits(bits: u16) -> Self {
        bits != 0
    }

    fn to_bits(self) -> u16 {
        u16::from(self)
    }
}

impl Bits for u8 {
    fn from_bits(bits: u16) -> Self {
        bits.to_le_bytes()[0]
    }

    fn to_bits(self) -> u16 {
        u16::from(self)
    }
}

impl Bits for u16 {
    fn from_bits(bits: u16) -> Self {
        bits
    }

    fn to_bits(self) -> u16 {
        self
    }
}

macro_rules! integers {
    ($($type:ty),*) => { $(
        impl Decode for $type {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
                reader.array().map(Self::from_le_bytes)
            }
        }

        impl Encode for $type {
            fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
                writer.bytes(&self.to_le_bytes())
            }
        }
    )* };
}
integers!(u8, i8, u16, i16, u32, u64);

impl<const N: usize, const M: usize> Decode for [[u8; N]; M] {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut rows = [[0; N]; M];
        for row in &mut rows {
            *row = reader.array()?;
        }
        Ok(rows)
    }
}

impl<const N: usize, const M: usize> Encode for [[u8; N]; M] {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(self.as_flattened())
    }
}

impl<const N: usize> Decode for [u8; N] {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.array()
    }
}

impl<const N: usize> Encode for [u8; N] {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(self)
    }
}

/// An optional field at the end of a message: absent when no bytes are left.
impl<T: Decode> Decode for Option<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        if reader.is_empty() {
            Ok(None)
        } else {
            T::decode(reader).map(Some)
        }
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        self.as_ref().map_or(Ok(()), |value| value.encode(writer))
    }
}

impl Decode for () {
    fn decode(_: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(())
    }
}

impl Encode for () {
    fn encode(&self, _: &mut Writer<'_>) -> Result<(), WireError> {
        Ok(())
    }
}

/// A 24-bit number, least-significant byte first (IANA enterprise numbers).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct U24(pub u32);

impl Decode for U24 {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let [a, b, c] = reader.array()?;
        Ok(Self(u32::from_le_bytes([a, b, c, 0])))
    }
}

impl Encode for U24 {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let [a, b, c, _] = self.0.to_le_bytes();
        writer.bytes(&[a, b, c])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_least_significant_byte_first() {
        let mut buffer = [0xa5; 9];
        let mut writer = Writer::new(&mut buffer);
        0x0102_u16.encode(&mut writer).unwrap();
        0x0304_0506_u32.encode(&mut writer).unwrap();
        U24(0x07_08_09).encode(&mut writer).unwrap();
        assert_eq!(writer.written(), [2, 1, 6, 5, 4, 3, 9, 8, 7]);
        let mut reader = Reader::new(&buffer);
        assert_eq!(u16::decode(&mut reader), Ok(0x0102));
        assert_eq!(u32::decode(&mut reader), Ok(0x0304_0506));
        assert_eq!(U24::decode(&mut reader), Ok(U24(0x07_08_09)));
        assert_eq!(u8::decode(&mut reader), Err(WireError::Truncated));
    }
}
