//! A byte of which only the low bits count.

use super::{Bits, Decode, Encode, Reader, WireError, Writer};

/// A byte whose low `BITS` bits are a `T`. The other bits are reserved: ignored when read, zero when
/// written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LowBits<T, const BITS: u32>(pub T);

impl<T: Bits, const BITS: u32> LowBits<T, BITS> {
    const MASK: u16 = {
        assert!(BITS > 0 && BITS <= 8);
        u16::MAX >> (16 - BITS)
    };
}

impl<T: Bits, const BITS: u32> Decode for LowBits<T, BITS> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let byte = u16::from(reader.u8()?);
        Ok(Self(T::from_bits(byte & Self::MASK)))
    }
}

impl<T: Bits, const BITS: u32> Encode for LowBits<T, BITS> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let [byte, _] = (self.0.to_bits() & Self::MASK).to_le_bytes();
        writer.u8(byte)
    }
}

impl<T, const BITS: u32> From<T> for LowBits<T, BITS> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_bits_are_ignored_and_written_as_zero() {
        let value: LowBits<u8, 4> = Reader::new(&[0xfe]).value().unwrap();
        assert_eq!(value.0, 0xe);
        let mut buffer = [0xa5];
        Writer::new(&mut buffer).value(&LowBits::<u8, 4>(0xfe)).unwrap();
        assert_eq!(buffer, [0x0e]);
    }
}
