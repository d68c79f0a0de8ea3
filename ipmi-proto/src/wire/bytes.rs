//! Byte strings of bounded length without an allocator.

use core::fmt;
use core::ops::Deref;

use super::{Decode, Encode, Reader, WireError, Writer};

/// Up to `N` bytes, stored in place. On the wire: all bytes that are left, without a length.
#[derive(Clone, Copy)]
pub struct Bytes<const N: usize> {
    length: u16,
    bytes: [u8; N],
}

/// The bytes do not fit into the capacity of a [`Bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{length} bytes do not fit into {capacity}")]
pub struct CapacityError {
    /// Number of bytes given.
    pub length: usize,
    /// Number of bytes that fit.
    pub capacity: usize,
}

impl<const N: usize> Bytes<N> {
    const CAPACITY_FITS_LENGTH: () = assert!(N <= 0xffff);

    /// No bytes.
    #[must_use]
    pub const fn new() -> Self {
        const { Self::CAPACITY_FITS_LENGTH };
        Self {
            length: 0,
            bytes: [0; N],
        }
    }

    /// A copy of `bytes`.
    ///
    /// # Errors
    /// [`CapacityError`] if there are more than `N`.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, CapacityError> {
        let mut new = Self::new();
        new.extend(bytes)?;
        Ok(new)
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// [`CapacityError`] if they do not fit; then none is appended.
    pub fn extend(&mut self, bytes: &[u8]) -> Result<(), CapacityError> {
        let start = usize::from(self.length);
        let length = start + bytes.len();
        let full = CapacityError { length, capacity: N };
        self.bytes
            .get_mut(start..length)
            .ok_or(full)?
            .copy_from_slice(bytes);
        self.length = u16::try_from(length).map_err(|_| full)?;
        Ok(())
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Deref for Bytes<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl<const N: usize> PartialEq for Bytes<N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<const N: usize> Eq for Bytes<N> {}

impl<const N: usize> fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", self.as_slice())
    }
}

impl<const N: usize> TryFrom<&[u8]> for Bytes<N> {
    type Error = CapacityError;

    fn try_from(bytes: &[u8]) -> Result<Self, CapacityError> {
        Self::from_slice(bytes)
    }
}

impl<const N: usize> Decode for Bytes<N> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        // More than the capacity is for the caller's length check: it is left in the reader.
        let length = reader.remaining().min(N);
        Self::from_slice(reader.slice(length)?).map_err(|_| WireError::Trailing)
    }
}

impl<const N: usize> Encode for Bytes<N> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(self)
    }
}
