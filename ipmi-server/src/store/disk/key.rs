//! The key of a store on disk, and what it protects: each record by itself.

use alloc::vec::Vec;
use core::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::Rng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::super::{RecordKey, Value};

/// Bytes of a nonce. So many that random ones never meet.
const NONCE: usize = 24;

/// The key of a store: 32 random bytes that are kept apart from it. Wiped when dropped, and never shown.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct StoreKey([u8; Self::LENGTH]);

impl StoreKey {
    /// Bytes of the key.
    pub const LENGTH: usize = 32;

    /// A key from these bytes, `None` for another number of them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// A new key from the system's random numbers.
    #[must_use]
    pub fn random() -> Self {
        let mut key = Self([0; Self::LENGTH]);
        rand::rng().fill_bytes(&mut key.0);
        key
    }

    /// The bytes, to be written where nobody else reads them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(..)")
    }
}

/// Encrypts and authenticates values, with the place where they belong.
pub(super) struct Cipher(XChaCha20Poly1305);

impl Cipher {
    pub(super) fn new(key: &StoreKey) -> Self {
        Self(XChaCha20Poly1305::new(key.as_bytes().into()))
    }

    /// Nonce, encrypted value, authentication code. `None` for a value of more than 256 GiB.
    pub(super) fn seal(&self, place: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload {
            msg: value,
            aad: place,
        };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// The value, if it was sealed with this key for this place.
    pub(super) fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Value> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload {
            msg: sealed,
            aad: place,
        };
        let value = Zeroizing::new(self.0.decrypt(&XNonce::from(*nonce), payload).ok()?);
        Some(Value::from(value.to_vec()))
    }
}

/// Where a record belongs, as bytes that no other record has.
pub(super) fn place(bmc: &str, key: RecordKey) -> Vec<u8> {
    let mut place = Vec::with_capacity(bmc.len() + 9);
    place.extend_from_slice(&key.number.to_le_bytes());
    place.push(key.part.0);
    place.extend_from_slice(bmc.as_bytes());
    place
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(..)")
    }
}
