//! Checked writing into a slice.

use super::{Encode, WireError};

/// A cursor over an output buffer. Nothing it does can panic.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    /// Starts at the front of `buffer`.
    #[must_use]
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if they do not fit; then none is written.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let end = self
            .length
            .checked_add(bytes.len())
            .ok_or(WireError::BufferTooSmall)?;
        let target = self
            .buffer
            .get_mut(self.length..end)
            .ok_or(WireError::BufferTooSmall)?;
        target.copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }

    /// Appends one byte.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn u8(&mut self, byte: u8) -> Result<(), WireError> {
        self.bytes(&[byte])
    }

    /// Appends a value.
    ///
    /// # Errors
    /// As [`Encode::encode`] of the value.
    pub fn value<T: Encode + ?Sized>(&mut self, value: &T) -> Result<(), WireError> {
        value.encode(self)
    }

    /// Everything written so far.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// Everything written so far, to change it in place.
    pub fn written_mut(&mut self) -> &mut [u8] {
        self.buffer.get_mut(..self.length).unwrap_or_default()
    }

    /// Number of bytes written so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing has been written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}
