//! Why a confidential payload could not be made or read.

/// Why a confidential payload could not be made or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The session's cipher suite has no confidentiality algorithm.
    #[error("the cipher suite does not encrypt")]
    NotConfidential,
    /// The buffer cannot hold initialization vector, data and padding.
    #[error("the buffer is too small for the encrypted payload")]
    BufferTooSmall,
    /// An encrypted payload is not an initialization vector and one or more whole blocks.
    #[error("the encrypted payload is not made of whole blocks")]
    Length,
    /// The padding is not `01h 02h 03h …` followed by its length (IPMI 2.0 §13.29).
    #[error("the padding of the decrypted payload is wrong")]
    Padding,
}
