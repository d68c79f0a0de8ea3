//! What console and BMC know beforehand: user passwords and the BMC's key K_G.

use core::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Length of the field that holds a password or K_G.
const LENGTH: usize = 20;

/// A password or key is longer than the 20 bytes that IPMI has for it, or than the form it was given in.
///
/// It is refused, never cut: a password that was cut would let its beginning in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password of {length} bytes is longer than {limit}")]
pub struct PasswordError {
    /// Number of bytes given.
    pub length: usize,
    /// Number of bytes allowed.
    pub limit: usize,
}

/// In which of its two sizes a password was set. Set and Test User Password name it, and Test User Password
/// fails with its own code when it differs from the one the password was set in (IPMI 2.0 §22.30).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PasswordForm {
    /// A field of 16 bytes.
    #[default]
    Sixteen,
    /// A field of 20 bytes, which only IPMI 2.0 knows.
    Twenty,
}

impl PasswordForm {
    /// Length of the field, in bytes.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Sixteen => 16,
            Self::Twenty => 20,
        }
    }

    /// The smaller form that holds `length` bytes. Longer than 20 is a matter of [`Password::new`].
    #[must_use]
    pub const fn for_length(length: usize) -> Self {
        if length <= Self::Sixteen.length() {
            Self::Sixteen
        } else {
            Self::Twenty
        }
    }
}

/// A user's password: up to 20 bytes, padded with zeros (IPMI 2.0 §22.30).
///
/// As everywhere in IPMI, zeros at its end do not count. The form it was set in is remembered. It makes no
/// difference to an RMCP+ session, as HMAC pads keys with zeros itself; IPMI 1.5 takes the 16-byte form only.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Password {
    bytes: [u8; LENGTH],
    #[zeroize(skip)]
    form: PasswordForm,
}

impl Password {
    /// Length of the longest password.
    pub const MAX_LENGTH: usize = LENGTH;

    /// The empty password, in the 16-byte form.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            bytes: [0; LENGTH],
            form: PasswordForm::Sixteen,
        }
    }

    /// A password in the 16-byte form if it fits, otherwise in the 20-byte form.
    ///
    /// # Errors
    /// [`PasswordError`] if it is longer than 20 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, PasswordError> {
        Self::with_form(bytes, PasswordForm::for_length(bytes.len()))
    }

    /// A password in a given form, as Set User Password carries it; zeros at the end may be left out.
    ///
    /// # Errors
    /// [`PasswordError`] if `bytes` is longer than the form.
    pub fn with_form(bytes: &[u8], form: PasswordForm) -> Result<Self, PasswordError> {
        let mut password = Self::empty();
        password.form = form;
        fill(&mut password.bytes, bytes, form.length())?;
        Ok(password)
    }

    /// A copy. Secrets are copied by name only, never by a derived `Clone`.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self {
            bytes: self.bytes,
            form: self.form,
        }
    }

    /// The form it was set in.
    #[must_use]
    pub const fn form(&self) -> PasswordForm {
        self.form
    }

    /// Whether the bytes are the same, in whatever form. Takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }

    /// Whether it is empty, which makes its user an anonymous one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        is_zero(&self.bytes).into()
    }

    /// The password padded with zeros to the length of its form, from which [`with_form`](Self::with_form) makes
    /// it again: what a store keeps.
    #[must_use]
    pub fn field(&self) -> &[u8] {
        self.bytes.get(..self.form.length()).unwrap_or_default()
    }

    /// The password padded with zeros to 20 bytes: the key `K[UID]` of RAKP.
    #[must_use]
    pub const fn padded(&self) -> &[u8; LENGTH] {
        &self.bytes
    }

    /// The password padded with zeros to the 16 bytes that IPMI 1.5 knows. `None` if it was set in the 20-byte
    /// form, however short it is: such a password must not open a session of IPMI 1.5 (IPMI 2.0 §22.30).
    #[must_use]
    pub fn padded_16(&self) -> Option<&[u8; 16]> {
        match self.form {
            PasswordForm::Sixteen => self.bytes.first_chunk::<16>(),
            PasswordForm::Twenty => None,
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// The key K_G of a BMC's channel, for two-key logins: 20 bytes, all zero when it is not set (IPMI 2.0 §13.31,
/// Set Channel Security Keys §22.25).
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct BmcKey {
    bytes: [u8; LENGTH],
}

impl BmcKey {
    /// Length of the key.
    pub const LENGTH: usize = LENGTH;

    /// The key that is not set: one-key logins, with the user's password in its place.
    #[must_use]
    pub const fn unset() -> Self {
        Self { bytes: [0; LENGTH] }
    }

    /// The key `bytes`, padded with zeros.
    ///
    /// # Errors
    /// [`PasswordError`] if it is longer than 20 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, PasswordError> {
        let mut key = Self::unset();
        fill(&mut key.bytes, bytes, LENGTH)?;
        Ok(key)
    }

    /// A copy. Secrets are copied by name only, never by a derived `Clone`.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self { bytes: self.bytes }
    }

    /// Whether a login needs this key besides the password.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !bool::from(is_zero(&self.bytes))
    }

    /// Whether the keys are the same. Takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }

    /// The key's bytes, for a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.bytes
    }
}

impl fmt::Debug for BmcKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BmcKey(redacted)")
    }
}

fn fill(target: &mut [u8; LENGTH], bytes: &[u8], limit: usize) -> Result<(), PasswordError> {
    let too_long = PasswordError {
        length: bytes.len(),
        limit,
    };
    if bytes.len() > limit {
        return Err(too_long);
    }
    target
        .get_mut(..bytes.len())
        .ok_or(too_long)?
        .copy_from_slice(bytes);
    Ok(())
}

/// Whether all bytes are zero, looking at all of them.
fn is_zero(bytes: &[u8]) -> Choice {
    bytes.iter().fold(0, |all, byte| all | byte).ct_eq(&0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn length_decides_the_form_and_too_long_is_refused() {
        assert_eq!(Password::new(&[b'x'; 16]).unwrap().form(), PasswordForm::Sixteen);
        assert_eq!(Password::new(&[b'x'; 17]).unwrap().form(), PasswordForm::Twenty);
        let refused = Password::new(&[b'x'; 21]).unwrap_err();
        assert_eq!(
            refused,
            PasswordError {
                length: 21,
                limit: 20
            }
        );
        let refused = Password::with_form(&[b'x'; 17], PasswordForm::Sixteen).unwrap_err();
        assert_eq!(
            refused,
            PasswordError {
                length: 17,
                limit: 16
            }
        );
        assert!(BmcKey::new(&[1; 21]).is_err());
    }

    #[test]
    fn padding_does_not_count() {
        let short = Password::new(b"secret").unwrap();
        let padded =
            Password::with_form(b"secret\0\0\0\0\0\0\0\0\0\0\0\0\0\0", PasswordForm::Twenty).unwrap();
        assert!(short.matches(&padded));
        assert!(!short.matches(&Password::new(b"secreT").unwrap()));
        assert_ne!(short.form(), padded.form());
        assert!(short.matches(&short.duplicate()));
        assert_eq!((short.field().len(), padded.field().len()), (16, 20));
        assert!(short.matches(&Password::with_form(short.field(), short.form()).unwrap()));
        assert_eq!(short.padded_16(), Some(b"secret\0\0\0\0\0\0\0\0\0\0"));
        assert_eq!(padded.padded_16(), None);
        assert!(Password::empty().is_empty() && !short.is_empty());
    }

    #[test]
    fn zero_key_is_unset() {
        assert!(!BmcKey::unset().is_set());
        assert!(!BmcKey::new(&[0; 20]).unwrap().is_set());
        assert!(BmcKey::new(b"k").unwrap().is_set());
        assert!(!BmcKey::new(b"k").unwrap().matches(&BmcKey::unset()));
    }

    #[test]
    fn debug_hides_the_secret() {
        assert_eq!(
            format!("{:?} {:?}", Password::new(b"secret"), BmcKey::new(b"secret")),
            "Ok(Password(redacted)) Ok(BmcKey(redacted))"
        );
    }
}
