//! The codec's error.

/// Why bytes could not be read as a value, or a value could not be written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Bytes are missing at the end. Completion code C7h.
    #[error("the message ends before its last field")]
    Truncated,
    /// Bytes are left over after the last field. Completion code C7h.
    #[error("the message goes on after its last field")]
    Trailing,
    /// A field holds a value that its type does not have. Completion code CCh.
    #[error("a field holds a value that is not defined")]
    Invalid,
    /// The output buffer cannot hold the value.
    #[error("the output buffer is too small")]
    BufferTooSmall,
}
