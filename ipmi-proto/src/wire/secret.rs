//! Passwords and keys inside messages.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{CapacityError, Decode, Encode, Reader, WireError, Writer};

/// Up to `N` secret bytes. On the wire: all bytes that are left.
///
/// `Debug` says only how many there are, comparison takes the same time wherever the difference is, and
/// the memory is overwritten when the value goes.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize> {
    length: usize,
    bytes: [u8; N],
}

impl<const N: usize> Secret<N> {
    /// A copy of `bytes`.
    ///
    /// # Errors
    /// [`CapacityError`] if there are more than `N`.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, CapacityError> {
        let length = bytes.len();
        let mut new = Self {
            length,
            bytes: [0; N],
        };
        new.bytes
            .get_mut(..length)
            .ok_or(CapacityError { length, capacity: N })?
            .copy_from_slice(bytes);
        Ok(new)
    }

    /// The secret, for the place that computes with it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Number of bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there are no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl<const N: usize> Default for Secret<N> {
    fn default() -> Self {
        Self {
            length: 0,
            bytes: [0; N],
        }
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.length)
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> Decode for Secret<N> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        // More than the capacity is for the caller's length check: it is left in the reader.
        let length = reader.remaining().min(N);
        Self::from_slice(reader.slice(length)?).map_err(|_| WireError::Trailing)
    }
}

impl<const N: usize> Encode for Secret<N> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(self.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_bytes() {
        let secret = Secret::<20>::from_slice(b"hunter2").unwrap();
        assert_eq!(std::format!("{secret:?}"), "Secret(7 bytes)");
        assert_eq!(secret.expose(), b"hunter2");
        assert_ne!(secret, Secret::from_slice(b"hunter3").unwrap());
    }
}
