//! Texts in fields of fixed length.

use core::fmt;

use super::{CapacityError, Decode, Encode, Reader, WireError, Writer};

/// A text in `N` bytes, filled up with NUL. Its encoding is not checked: names are bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PaddedText<const N: usize>(pub [u8; N]);

impl<const N: usize> PaddedText<N> {
    /// `text` with NULs after it.
    ///
    /// # Errors
    /// [`CapacityError`] if `text` is longer than `N`.
    pub fn new(text: &[u8]) -> Result<Self, CapacityError> {
        let mut padded = [0; N];
        let length = text.len();
        padded
            .get_mut(..length)
            .ok_or(CapacityError { length, capacity: N })?
            .copy_from_slice(text);
        Ok(Self(padded))
    }

    /// The text: everything before the first NUL.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(N);
        self.0.get(..length).unwrap_or_default()
    }
}

impl<const N: usize> Default for PaddedText<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> fmt::Debug for PaddedText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.text().escape_ascii())
    }
}

impl<const N: usize> Decode for PaddedText<N> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.array().map(Self)
    }
}

impl<const N: usize> Encode for PaddedText<N> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_the_first_nul() {
        let text = PaddedText::<8>::new(b"admin").unwrap();
        assert_eq!((text.0, text.text()), (*b"admin\0\0\0", &b"admin"[..]));
        assert_eq!(PaddedText(*b"ab\0cd\0\0\0").text(), b"ab");
        assert_eq!(PaddedText(*b"12345678").text(), b"12345678");
        assert!(PaddedText::<8>::new(b"123456789").is_err());
        assert_eq!(std::format!("{:?}", PaddedText(*b"a\xff\0\0")), r#""a\xff""#);
    }
}
