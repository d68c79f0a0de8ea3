//! Texts that nobody can guess: secrets, tickets, addresses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// `count` random bytes in base64.
pub(super) fn base64(count: usize) -> String {
    let mut bytes = vec![0_u8; count];
    rand::fill(bytes.as_mut_slice());
    STANDARD.encode(bytes)
}

/// `count` random bytes in hexadecimal digits.
pub(super) fn hex(count: usize) -> String {
    let mut bytes = vec![0_u8; count];
    rand::fill(bytes.as_mut_slice());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A random UUID (version 4).
pub(super) fn uuid() -> String {
    let hex = hex(16);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-a{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

/// A network address of guests.
pub(super) fn mac() -> String {
    let hex = hex(3).to_ascii_uppercase();
    let part = |from: usize| hex.get(from..from + 2).unwrap_or_default();
    format!("BC:24:11:{}:{}:{}", part(0), part(2), part(4))
}
