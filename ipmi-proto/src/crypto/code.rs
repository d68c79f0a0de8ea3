//! A computed authentication or integrity code.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A computed code: a RAKP key exchange authentication code, a RAKP 4 integrity check value or the AuthCode
/// of a session packet. 0 to 32 bytes, as long as it is on the wire.
///
/// It is not `PartialEq`: [`verify`](Self::verify) is the only way to compare. `Debug` shows the length alone,
/// because a code that is expected from the peer must not reach a log before the peer has sent it.
pub struct AuthenticationCode {
    bytes: [u8; Self::CAPACITY],
    length: u8,
}

impl AuthenticationCode {
    /// Length of the longest code, HMAC-SHA256.
    pub const CAPACITY: usize = 32;

    /// The code of an algorithm "none".
    pub(super) const EMPTY: Self = Self {
        bytes: [0; Self::CAPACITY],
        length: 0,
    };

    /// The first `length` bytes of `output`, at most all of them and at most [`Self::CAPACITY`].
    pub(super) fn cut(output: &[u8], length: usize) -> Self {
        let output = output.get(..length).unwrap_or(output);
        let mut code = Self::EMPTY;
        for (target, byte) in code.bytes.iter_mut().zip(output) {
            *target = *byte;
            code.length += 1;
        }
        code
    }

    /// Overwrites the bytes, where they are a key.
    pub(super) fn wipe(&mut self) {
        self.bytes.zeroize();
    }

    /// The bytes that go over the wire.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// Whether `received` is this code. Takes the same time wherever they differ.
    ///
    /// The code of an algorithm "none" is empty, and only an empty `received` is equal to it.
    #[must_use]
    pub fn verify(&self, received: &[u8]) -> bool {
        // The length is known to everybody: ct_eq of slices answers at once when it differs.
        self.as_slice().ct_eq(received).into()
    }
}

impl AsRef<[u8]> for AuthenticationCode {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Debug for AuthenticationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthenticationCode({} bytes)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn only_the_same_bytes_of_the_same_length_verify() {
        let code = AuthenticationCode::cut(&[1, 2, 3, 4], 3);
        assert!(code.verify(&[1, 2, 3]));
        assert!(!code.verify(&[1, 2]));
        assert!(!code.verify(&[1, 2, 3, 4]));
        assert!(!code.verify(&[1, 2, 7]));
        assert!(AuthenticationCode::EMPTY.verify(&[]));
        assert!(!AuthenticationCode::EMPTY.verify(&[0]));
    }

    #[test]
    fn debug_shows_the_length_alone() {
        let code = AuthenticationCode::cut(&[0xab; 20], 12);
        assert_eq!(format!("{code:?}"), "AuthenticationCode(12 bytes)");
    }
}
