//! The keys of an active session: integrity codes and encryption of its packets (IPMI 2.0 §13.28, §13.29, §13.32).

use core::fmt;

use aes::Aes128;
use aes::cipher::consts::U16;
use aes::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit};
use md5::{Digest, Md5};
use zeroize::Zeroizing;

use super::mac::Keyed;
use super::rakp::{KeyConstants, SessionIntegrityKey};
use super::{
    AuthenticationCode, CipherSuite, ConfidentialityAlgorithm, CryptoError, IntegrityAlgorithm, Password,
};

/// Length of the initialization vector in front of an encrypted payload, in bytes (IPMI 2.0 §13.29).
pub const CONFIDENTIALITY_HEADER: usize = 16;

/// The encrypted part of a payload is a multiple of this many bytes.
pub const CONFIDENTIALITY_BLOCK: usize = 16;

/// Keys of one session, ready for use: hash states that have absorbed the integrity key, expanded AES keys.
///
/// About 500 bytes. Not `Clone`; wiped when dropped; nothing shows in `Debug` but the suite.
pub struct SessionKeys {
    suite: CipherSuite,
    integrity: Integrity,
    /// Both key schedules, `None` where the suite does not encrypt.
    cipher: Option<Aes128>,
}

enum Integrity {
    None,
    Keyed(Keyed),
    /// MD5-128 has no key of its own: the password stands before and after the packet (IPMI 2.0 §13.28.1).
    Password(Zeroizing<[u8; Password::MAX_LENGTH]>),
}

impl SessionKeys {
    /// Derives the keys of a session with `suite`: K1 for integrity, K2 for confidentiality (IPMI 2.0 §13.32).
    /// The password is what MD5-128 (suites 11 and 12) needs in place of K1.
    #[must_use]
    pub fn derive(suite: CipherSuite, key: &SessionIntegrityKey, password: &Password) -> Self {
        Self::derive_over(KeyConstants::Usual, suite, key, password)
    }

    /// As [`derive`](Self::derive), for clients that compute K1 and K2 over as many bytes as the hash has (
    /// python-ipmi 0.6). `None` for a suite where that makes no difference.
    #[must_use]
    pub fn derive_over_digest_length(suite: CipherSuite, key: &SessionIntegrityKey) -> Option<Self> {
        let differs = matches!(
            suite.integrity,
            IntegrityAlgorithm::HmacSha256_128 | IntegrityAlgorithm::HmacMd5_128
        );
        differs.then(|| Self::derive_over(KeyConstants::Digest, suite, key, &Password::empty()))
    }

    fn derive_over(
        constants: KeyConstants,
        suite: CipherSuite,
        key: &SessionIntegrityKey,
        password: &Password,
    ) -> Self {
        Self {
            suite,
            integrity: Integrity::derive(constants, suite, key, password),
            cipher: match suite.confidentiality {
                ConfidentialityAlgorithm::None => None,
                ConfidentialityAlgorithm::AesCbc128 => expand_cipher_key(constants, suite, key),
            },
        }
    }

    /// Keys with a cipher key from a test vector.
    #[cfg(test)]
    pub(super) fn with_cipher_key(key: &[u8; 16]) -> Self {
        Self {
            suite: CipherSuite::ALL[3],
            integrity: Integrity::None,
            cipher: Some(Aes128::new(key.into())),
        }
    }

    /// The suite that the session was opened with.
    #[must_use]
    pub const fn suite(&self) -> CipherSuite {
        self.suite
    }

    /// Length of the AuthCode at the end of a packet: 0, 12 or 16 bytes. With 0 packets have no session trailer.
    #[must_use]
    pub const fn integrity_length(&self) -> usize {
        self.suite.integrity.code_length()
    }

    /// The AuthCode of a packet. `packet` is what the code covers: from the authentication type up to and with
    /// the next header (IPMI 2.0 §13.28.4).
    #[must_use]
    pub fn integrity_code(&self, packet: &[u8]) -> AuthenticationCode {
        let length = self.integrity_length();
        match &self.integrity {
            Integrity::None => AuthenticationCode::EMPTY,
            Integrity::Keyed(keyed) => keyed.code(&[packet], length),
            Integrity::Password(password) => {
                let mut hash = Md5::new_with_prefix(password.as_slice());
                hash.update(packet);
                hash.update(password.as_slice());
                AuthenticationCode::cut(&hash.finalize(), length)
            }
        }
    }

    /// Whether `code` is the AuthCode of a packet (see [`integrity_code`](Self::integrity_code)). Takes the
    /// same time wherever it differs. Without an integrity algorithm only an empty code is right.
    #[must_use]
    pub fn verify_integrity(&self, packet: &[u8], code: &[u8]) -> bool {
        code.len() == self.integrity_length() && self.integrity_code(packet).verify(code)
    }

    /// Whether the session's payloads are encrypted.
    #[must_use]
    pub const fn is_confidential(&self) -> bool {
        // Not whether there is a key: without one, an encrypting suite has to fail, not to send clear text.
        !matches!(self.suite.confidentiality, ConfidentialityAlgorithm::None)
    }

    /// Length on the wire of a payload of `plain_length` bytes: with initialization vector, padding and pad
    /// length where the session encrypts, otherwise as it is.
    #[must_use]
    pub const fn confidential_length(&self, plain_length: usize) -> usize {
        if self.is_confidential() {
            CONFIDENTIALITY_HEADER + (plain_length / CONFIDENTIALITY_BLOCK + 1) * CONFIDENTIALITY_BLOCK
        } else {
            plain_length
        }
    }

    /// Makes an encrypted payload in place (IPMI 2.0 §13.29): `buffer` has room for the initialization vector
    /// (16 bytes), then the `plain_length` bytes of data, then room for the padding. Returns the length of the
    /// payload, [`confidential_length`](Self::confidential_length).
    ///
    /// `initialization_vector` must be random and new for each packet.
    ///
    /// # Errors
    /// [`CryptoError::NotConfidential`] if the suite does not encrypt, [`CryptoError::BufferTooSmall`].
    pub fn encrypt(
        &self,
        initialization_vector: &[u8; 16],
        buffer: &mut [u8],
        plain_length: usize,
    ) -> Result<usize, CryptoError> {
        let cipher = self.cipher.as_ref().ok_or(CryptoError::NotConfidential)?;
        if plain_length > buffer.len() {
            return Err(CryptoError::BufferTooSmall);
        }
        let length = self.confidential_length(plain_length);
        let payload = buffer.get_mut(..length).ok_or(CryptoError::BufferTooSmall)?;
        let (header, body) = payload
            .split_first_chunk_mut::<CONFIDENTIALITY_HEADER>()
            .ok_or(CryptoError::BufferTooSmall)?;
        *header = *initialization_vector;
        let pad_length = body.len() - plain_length - 1;
        for (byte, value) in body.iter_mut().skip(plain_length).zip(1_u8..) {
            *byte = value;
        }
        if let Some(last) = body.last_mut() {
            // At most 15: the body is the smallest number of blocks that holds data and pad length.
            *last = pad_length.to_le_bytes()[0];
        }
        encrypt_blocks(cipher, initialization_vector, body)?;
        Ok(length)
    }

    /// Opens an encrypted payload in place and returns its data (IPMI 2.0 §13.29). To be called only after
    /// [`verify_integrity`](Self::verify_integrity) has held, otherwise the answer about the padding is an oracle.
    ///
    /// # Errors
    /// [`CryptoError::NotConfidential`] if the suite does not encrypt, [`CryptoError::Length`] and
    /// [`CryptoError::Padding`] if the payload is not what [`encrypt`](Self::encrypt) makes.
    pub fn decrypt<'a>(&self, payload: &'a mut [u8]) -> Result<&'a mut [u8], CryptoError> {
        let cipher = self.cipher.as_ref().ok_or(CryptoError::NotConfidential)?;
        let (header, body) = payload
            .split_first_chunk_mut::<CONFIDENTIALITY_HEADER>()
            .ok_or(CryptoError::Length)?;
        decrypt_blocks(cipher, header, body)?;
        let (pad_length, padded) = body.split_last_mut().ok_or(CryptoError::Length)?;
        let plain_length = padded
            .len()
            .checked_sub(usize::from(*pad_length))
            .filter(|_| usize::from(*pad_length) < CONFIDENTIALITY_BLOCK)
            .ok_or(CryptoError::Padding)?;
        let (plain, padding) = padded
            .split_at_mut_checked(plain_length)
            .ok_or(CryptoError::Padding)?;
        if padding.iter().zip(1_u8..).all(|(byte, value)| *byte == value) {
            Ok(plain)
        } else {
            Err(CryptoError::Padding)
        }
    }

    /// AES-CBC over whole blocks, without the payload format of [`encrypt`](Self::encrypt).
    ///
    /// # Errors
    /// [`CryptoError::NotConfidential`] if the suite does not encrypt, [`CryptoError::Length`] if `blocks` is
    /// not a multiple of 16 bytes; then nothing is changed.
    pub fn encrypt_in_place(
        &self,
        initialization_vector: &[u8; 16],
        blocks: &mut [u8],
    ) -> Result<(), CryptoError> {
        let cipher = self.cipher.as_ref().ok_or(CryptoError::NotConfidential)?;
        encrypt_blocks(cipher, initialization_vector, blocks)
    }

    /// AES-CBC over whole blocks, without the payload format of [`decrypt`](Self::decrypt).
    ///
    /// # Errors
    /// As [`encrypt_in_place`](Self::encrypt_in_place).
    pub fn decrypt_in_place(
        &self,
        initialization_vector: &[u8; 16],
        blocks: &mut [u8],
    ) -> Result<(), CryptoError> {
        let cipher = self.cipher.as_ref().ok_or(CryptoError::NotConfidential)?;
        decrypt_blocks(cipher, initialization_vector, blocks)
    }
}

impl Integrity {
    fn derive(
        constants: KeyConstants,
        suite: CipherSuite,
        key: &SessionIntegrityKey,
        password: &Password,
    ) -> Self {
        match suite.integrity {
            IntegrityAlgorithm::None => Self::None,
            IntegrityAlgorithm::Md5_128 => Self::Password(Zeroizing::new(*password.padded())),
            // The hash is that of the authentication algorithm in every suite of the table.
            IntegrityAlgorithm::HmacSha1_96
            | IntegrityAlgorithm::HmacMd5_128
            | IntegrityAlgorithm::HmacSha256_128 => {
                let first = key.additional_key(suite.authentication, 0x01, constants);
                Keyed::new(suite.authentication, first.as_slice()).map_or(Self::None, Self::Keyed)
            }
        }
    }
}

/// The first 16 bytes of K2, expanded.
fn expand_cipher_key(
    constants: KeyConstants,
    suite: CipherSuite,
    key: &SessionIntegrityKey,
) -> Option<Aes128> {
    let second = key.additional_key(suite.authentication, 0x02, constants);
    let key = second.as_slice().first_chunk::<16>()?;
    Some(Aes128::new(key.into()))
}

fn whole_blocks(bytes: &mut [u8]) -> Result<&mut [Array<u8, U16>], CryptoError> {
    match Array::slice_as_chunks_mut(bytes) {
        (blocks, []) => Ok(blocks),
        _ => Err(CryptoError::Length),
    }
}

fn encrypt_blocks(cipher: &Aes128, vector: &[u8; 16], bytes: &mut [u8]) -> Result<(), CryptoError> {
    let blocks = whole_blocks(bytes)?;
    cbc::Encryptor::inner_iv_init(cipher, vector.into()).encrypt_blocks(blocks);
    Ok(())
}

fn decrypt_blocks(cipher: &Aes128, vector: &[u8; 16], bytes: &mut [u8]) -> Result<(), CryptoError> {
    let blocks = whole_blocks(bytes)?;
    cbc::Decryptor::inner_iv_init(cipher, vector.into()).decrypt_blocks(blocks);
    Ok(())
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKeys")
            .field("suite", &self.suite.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
