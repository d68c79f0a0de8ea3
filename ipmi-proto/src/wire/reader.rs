//! Checked reading from a slice.

use super::{Decode, WireError};

/// A cursor over received bytes. Nothing it does can panic.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Takes the next `N` bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if fewer are left; then none is taken.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (head, tail) = self.bytes.split_first_chunk::<N>().ok_or(WireError::Truncated)?;
        self.bytes = tail;
        Ok(*head)
    }

    /// Takes the next byte.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if none is left.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(|[byte]| byte)
    }

    /// Takes the next `length` bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if fewer are left; then none is taken.
    pub fn slice(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (head, tail) = self.bytes.split_at_checked(length).ok_or(WireError::Truncated)?;
        self.bytes = tail;
        Ok(head)
    }

    /// Takes the next value.
    ///
    /// # Errors
    /// As [`Decode::decode`] of the value.
    pub fn value<T: Decode>(&mut self) -> Result<T, WireError> {
        T::decode(self)
    }

    /// Takes everything that is left.
    pub const fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes;
        self.bytes = &[];
        rest
    }

    /// Number of bytes that are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`WireError::Trailing`] if bytes are left.
    pub const fn finish(self) -> Result<(), WireError> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err(WireError::Trailing)
        }
    }
}
