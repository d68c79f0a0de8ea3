//! What the RAKP messages prove and what they make (IPMI 2.0 §13.31 and §13.32).

use core::fmt;

use super::mac::Keyed;
use super::{AuthenticationAlgorithm, AuthenticationCode, BmcKey, Password};

/// Everything of Open Session, RAKP 1 and RAKP 2 that enters the codes and keys (IPMI 2.0 §13.31).
///
/// Numbers are as read from the wire, byte strings in the order of the wire.
#[derive(Clone, Copy, Debug)]
pub struct RakpTranscript<'a> {
    /// The session ID that the console chose, SID_M.
    pub console_session: u32,
    /// The session ID that the BMC chose, SID_C.
    pub bmc_session: u32,
    /// The console's random number of RAKP 1, R_M.
    pub console_random: &'a [u8; 16],
    /// The BMC's random number of RAKP 2, R_C.
    pub bmc_random: &'a [u8; 16],
    /// The BMC's GUID of RAKP 2, GUID_C.
    pub guid: &'a [u8; 16],
    /// The role byte of RAKP 1 as it was received: wanted privilege, the bit for look-up by name alone, and
    /// whatever is in the reserved bits.
    pub role: u8,
    /// The user name of RAKP 1 without padding, at most 16 bytes.
    pub user_name: &'a [u8],
}

impl RakpTranscript<'_> {
    /// The key exchange authentication code of RAKP 2: the BMC knows the password. 20, 16 or 32 bytes, none
    /// for RAKP-none.
    ///
    /// Over SID_M, SID_C, R_M, R_C, GUID_C, role, length of the name, name; the key is the password.
    #[must_use]
    pub fn rakp2_code(&self, algorithm: AuthenticationAlgorithm, password: &Password) -> AuthenticationCode {
        let parts: [&[u8]; 8] = [
            &self.console_session.to_le_bytes(),
            &self.bmc_session.to_le_bytes(),
            self.console_random,
            self.bmc_random,
            self.guid,
            &[self.role],
            &[self.name_length()],
            self.user_name,
        ];
        code(
            algorithm,
            password.padded(),
            &parts,
            algorithm.exchange_code_length(),
        )
    }

    /// The key exchange authentication code of RAKP 3: the console knows the password. 20, 16 or 32 bytes,
    /// none for RAKP-none.
    ///
    /// Over R_C, SID_M, role, length of the name, name; the key is the password.
    #[must_use]
    pub fn rakp3_code(&self, algorithm: AuthenticationAlgorithm, password: &Password) -> AuthenticationCode {
        let parts: [&[u8]; 5] = [
            self.bmc_random,
            &self.console_session.to_le_bytes(),
            &[self.role],
            &[self.name_length()],
            self.user_name,
        ];
        code(
            algorithm,
            password.padded(),
            &parts,
            algorithm.exchange_code_length(),
        )
    }

    /// The session integrity key SIK, from which all keys of the session are made. Empty for RAKP-none, which
    /// has no keys.
    ///
    /// Over R_M, R_C, role, length of the name, name. The key is K_G; where that is not set (`None` or zero),
    /// the password.
    #[must_use]
    pub fn session_integrity_key(
        &self,
        algorithm: AuthenticationAlgorithm,
        password: &Password,
        bmc_key: Option<&BmcKey>,
    ) -> SessionIntegrityKey {
        let key = match bmc_key {
            Some(key) if key.is_set() => key.as_bytes(),
            _ => password.padded(),
        };
        let parts: [&[u8]; 5] = [
            self.console_random,
            self.bmc_random,
            &[self.role],
            &[self.name_length()],
            self.user_name,
        ];
        SessionIntegrityKey {
            key: SecretCode(code(algorithm, key, &parts, algorithm.exchange_code_length())),
        }
    }

    /// The integrity check value of RAKP 4: the BMC has the same session integrity key. 12 or 16 bytes, none
    /// for RAKP-none.
    ///
    /// Over R_M, SID_C, GUID_C; the key is SIK.
    #[must_use]
    pub fn rakp4_code(
        &self,
        algorithm: AuthenticationAlgorithm,
        key: &SessionIntegrityKey,
    ) -> AuthenticationCode {
        let parts: [&[u8]; 3] = [self.console_random, &self.bmc_session.to_le_bytes(), self.guid];
        code(
            algorithm,
            key.as_slice(),
            &parts,
            algorithm.integrity_check_length(),
        )
    }

    /// The length of the name as the one byte that it is in RAKP 1, where it cannot be more than 16.
    fn name_length(&self) -> u8 {
        u8::try_from(self.user_name.len()).unwrap_or(u8::MAX)
    }
}

fn code(
    algorithm: AuthenticationAlgorithm,
    key: &[u8],
    parts: &[&[u8]],
    length: usize,
) -> AuthenticationCode {
    Keyed::new(algorithm, key).map_or(AuthenticationCode::EMPTY, |keyed| keyed.code(parts, length))
}

/// The session integrity key SIK of a login, as long as the authentication algorithm's output: 20, 16 or 32
/// bytes, none for RAKP-none (IPMI 2.0 §13.31).
///
/// It is needed for RAKP 4 and for [`SessionKeys::derive`](super::SessionKeys::derive), and then dropped.
pub struct SessionIntegrityKey {
    key: SecretCode,
}

impl SessionIntegrityKey {
    pub(super) fn as_slice(&self) -> &[u8] {
        self.key.as_slice()
    }

    /// One of the additional keys: the code of 20 times the byte `constant` (IPMI 2.0 §13.32). The
    /// specification calls for as many bytes as HMAC has in a block; every implementation uses 20, with each
    /// algorithm.
    pub(super) fn additional_key(
        &self,
        algorithm: AuthenticationAlgorithm,
        constant: u8,
        constants: KeyConstants,
    ) -> SecretCode {
        let length = algorithm.exchange_code_length();
        let bytes = [constant; AuthenticationCode::CAPACITY];
        let count = match constants {
            KeyConstants::Usual => 20,
            KeyConstants::Digest => length,
        };
        let bytes = bytes.get(..count).unwrap_or(&bytes);
        SecretCode(code(algorithm, self.as_slice(), &[bytes], length))
    }
}

impl fmt::Debug for SessionIntegrityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionIntegrityKey(redacted)")
    }
}

/// How many constant bytes an additional key is computed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyConstants {
    /// 20, as nearly everybody does.
    Usual,
    /// As many as the hash has, as python-ipmi 0.6 does: another number with SHA-256 and MD5.
    Digest,
}

/// The output of an HMAC that is a key, not a code.
pub(super) struct SecretCode(AuthenticationCode);

impl SecretCode {
    pub(super) fn as_slice(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl Drop for SecretCode {
    fn drop(&mut self) {
        self.0.wipe();
    }
}
