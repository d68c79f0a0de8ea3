//! The 8-bit checksum of IPMB messages, FRU areas and SDR multirecords.

/// The byte that makes the sum of `bytes` and itself zero modulo 256 (IPMI 2.0 §13.8).
#[must_use]
pub fn checksum(bytes: &[u8]) -> u8 {
    bytes
        .iter()
        .fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
        .wrapping_neg()
}
