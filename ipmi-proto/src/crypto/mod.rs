//! Cryptography of IPMI 1.5 and 2.0: which cipher suites exist, what the RAKP exchange computes, and the keys
//! that a session protects its packets with.
//!
//! Secrets are wiped when dropped, are not `Clone` and do not show in `Debug`. Codes are compared in constant
//! time only; that is why none of the types here that hold a code or a secret is `PartialEq`.
//!
//! - [`CipherSuite`]: the one table of suites, and the algorithms by their code on the wire.
//! - [`Password`], [`BmcKey`]: what the two sides know beforehand.
//! - [`RakpTranscript`]: the codes of RAKP 2, 3 and 4 and the session integrity key.
//! - [`SessionKeys`]: integrity codes and encryption of the packets of one session.
//! - [`v15`]: authentication codes of IPMI 1.5.

mod code;
mod error;
mod mac;
mod password;
mod rakp;
mod session_keys;
mod suite;
pub mod v15;
#[cfg(test)]
mod vectors;

pub use code::AuthenticationCode;
pub use error::CryptoError;
pub use password::{BmcKey, Password, PasswordError, PasswordForm};
pub use rakp::{RakpTranscript, SessionIntegrityKey};
pub use session_keys::{CONFIDENTIALITY_BLOCK, CONFIDENTIALITY_HEADER, SessionKeys};
pub use suite::{
    AuthenticationAlgorithm, CipherSuite, CipherSuiteId, ConfidentialityAlgorithm, IntegrityAlgorithm,
};
