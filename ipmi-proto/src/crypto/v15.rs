//! Authentication codes of IPMI 1.5 sessions (IPMI 2.0 §22.17.1).

use md2::Md2;
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use super::Password;
use crate::wire::code_points;

code_points! {
    /// How the packets of an IPMI 1.5 session are authenticated: the authentication type of the session header,
    /// 4 bits (IPMI 2.0 §13.6). 06h is no type of 1.5, but says that a packet has the format of IPMI 2.0.
    pub struct AuthenticationType(u8) {
        NONE = 0x0, "none";
        MD2 = 0x1, "MD2";
        MD5 = 0x2, "MD5";
        PASSWORD = 0x4, "straight password";
        OEM = 0x5, "OEM";
        RMCP_PLUS = 0x6, "RMCP+";
    }
}

impl AuthenticationType {
    /// The bit that stands for the type in Get Channel Authentication Capabilities and in the LAN parameters
    /// (IPMI 2.0 §22.13, §23.2): bit 0 none, 1 MD2, 2 MD5, 4 password, 5 OEM. Zero for anything else.
    #[must_use]
    pub const fn mask(self) -> u8 {
        match self {
            Self::NONE | Self::MD2 | Self::MD5 | Self::PASSWORD | Self::OEM => 1 << self.0,
            _ => 0,
        }
    }

    /// Whether packets of the type have an authentication code.
    #[must_use]
    pub const fn has_code(self) -> bool {
        matches!(self, Self::MD2 | Self::MD5 | Self::PASSWORD | Self::OEM)
    }
}

/// The authentication code of a packet. `message` is the IPMI message from the responder's address to the last
/// checksum, without its length. `None` for a type that has no code or is not offered (none, OEM), and for a
/// password that was set in the 20-byte form, which IPMI 1.5 does not know.
///
/// The code of a straight password is the password itself.
#[must_use]
pub fn authentication_code(
    kind: AuthenticationType,
    password: &Password,
    session: u32,
    message: &[u8],
    sequence: u32,
) -> Option<[u8; 16]> {
    let password = password.padded_16()?;
    let session = session.to_le_bytes();
    let sequence = sequence.to_le_bytes();
    let parts: [&[u8]; 5] = [password, &session, message, &sequence, password];
    match kind {
        AuthenticationType::MD2 => Some(hash::<Md2>(parts).into()),
        AuthenticationType::MD5 => Some(hash::<Md5>(parts).into()),
        AuthenticationType::PASSWORD => Some(*password),
        _ => None,
    }
}

/// Whether `code` is the authentication code of a packet, see [`authentication_code`]. Never for a packet that
/// has none. Takes the same time wherever it differs.
#[must_use]
pub fn verify_authentication_code(
    kind: AuthenticationType,
    password: &Password,
    session: u32,
    message: &[u8],
    sequence: u32,
    code: &[u8; 16],
) -> bool {
    authentication_code(kind, password, session, message, sequence)
        .is_some_and(|expected| expected.ct_eq(code).into())
}

pub(super) fn hash<D: Digest>(parts: [&[u8]; 5]) -> md5::digest::Output<D> {
    let mut hash = D::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODED: [AuthenticationType; 3] = [
        AuthenticationType::MD2,
        AuthenticationType::MD5,
        AuthenticationType::PASSWORD,
    ];

    #[test]
    fn long_passwords_and_types_without_code_fail() {
        let long = Password::new(b"seventeen letters").unwrap();
        let short = Password::new(b"sixteen letters!").unwrap();
        for kind in CODED {
            assert_eq!(authentication_code(kind, &long, 1, b"message", 2), None);
            let code = authentication_code(kind, &short, 1, b"message", 2).unwrap();
            assert!(verify_authentication_code(kind, &short, 1, b"message", 2, &code));
            assert!(!verify_authentication_code(kind, &long, 1, b"message", 2, &code));
        }
        for kind in [
            AuthenticationType::NONE,
            AuthenticationType::OEM,
            AuthenticationType(3),
        ] {
            assert_eq!(authentication_code(kind, &short, 1, b"message", 2), None);
            assert!(!verify_authentication_code(
                kind, &short, 1, b"message", 2, &[0; 16]
            ));
        }
    }

    #[test]
    fn every_field_enters_the_hashes() {
        let password = Password::new(b"password").unwrap();
        let other = Password::new(b"passworD").unwrap();
        for kind in [AuthenticationType::MD2, AuthenticationType::MD5] {
            let code = authentication_code(kind, &password, 1, b"message", 2).unwrap();
            let verify = |password, session, message: &[u8], sequence| {
                verify_authentication_code(kind, password, session, message, sequence, &code)
            };
            assert!(verify(&password, 1, b"message", 2));
            assert!(!verify(&other, 1, b"message", 2));
            assert!(!verify(&password, 3, b"message", 2));
            assert!(!verify(&password, 1, b"messagE", 2));
            assert!(!verify(&password, 1, b"message", 3));
        }
    }

    #[test]
    fn masks_are_those_of_the_capabilities() {
        assert_eq!(AuthenticationType::NONE.mask(), 0x01);
        assert_eq!(AuthenticationType::PASSWORD.mask(), 0x10);
        assert_eq!(AuthenticationType::OEM.mask(), 0x20);
        assert_eq!(AuthenticationType::RMCP_PLUS.mask(), 0);
    }
}
