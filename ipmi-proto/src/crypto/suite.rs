//! The cipher suites of IPMI 2.0 (§22.15.2) and the algorithms they are made of (§13.28).

use crate::wire::code_points;

code_points! {
    /// The number of a cipher suite (IPMI 2.0 §22.15.2). The suites with xRC4 have a name here, but are not in
    /// [`CipherSuite::ALL`]: RC4 is broken, and no client of today asks for them.
    pub struct CipherSuiteId(u8) {
        SUITE_0 = 0, "0 (no authentication)";
        SUITE_1 = 1, "1 (RAKP-HMAC-SHA1)";
        SUITE_2 = 2, "2 (RAKP-HMAC-SHA1, HMAC-SHA1-96)";
        SUITE_3 = 3, "3 (RAKP-HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128)";
        SUITE_4 = 4, "4 (RAKP-HMAC-SHA1, HMAC-SHA1-96, xRC4-128)";
        SUITE_5 = 5, "5 (RAKP-HMAC-SHA1, HMAC-SHA1-96, xRC4-40)";
        SUITE_6 = 6, "6 (RAKP-HMAC-MD5)";
        SUITE_7 = 7, "7 (RAKP-HMAC-MD5, HMAC-MD5-128)";
        SUITE_8 = 8, "8 (RAKP-HMAC-MD5, HMAC-MD5-128, AES-CBC-128)";
        SUITE_9 = 9, "9 (RAKP-HMAC-MD5, HMAC-MD5-128, xRC4-128)";
        SUITE_10 = 10, "10 (RAKP-HMAC-MD5, HMAC-MD5-128, xRC4-40)";
        SUITE_11 = 11, "11 (RAKP-HMAC-MD5, MD5-128)";
        SUITE_12 = 12, "12 (RAKP-HMAC-MD5, MD5-128, AES-CBC-128)";
        SUITE_13 = 13, "13 (RAKP-HMAC-MD5, MD5-128, xRC4-128)";
        SUITE_14 = 14, "14 (RAKP-HMAC-MD5, MD5-128, xRC4-40)";
        SUITE_15 = 15, "15 (RAKP-HMAC-SHA256)";
        SUITE_16 = 16, "16 (RAKP-HMAC-SHA256, HMAC-SHA256-128)";
        SUITE_17 = 17, "17 (RAKP-HMAC-SHA256, HMAC-SHA256-128, AES-CBC-128)";
        SUITE_18 = 18, "18 (RAKP-HMAC-SHA256, HMAC-SHA256-128, xRC4-128)";
        SUITE_19 = 19, "19 (RAKP-HMAC-SHA256, HMAC-SHA256-128, xRC4-40)";
    }
}

/// Declares a closed set of algorithms with their codes on the wire; `known` are the codes to which the
/// specification gives a meaning, also where this library does not offer it.
macro_rules! algorithms {
    (
        $(#[$meta:meta])*
        $name:ident, tag $tag:literal { $( $(#[$item:meta])* $variant:ident = $code:literal, )* } known $known:pat
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $( $(#[$item])* $variant, )* }

        impl $name {
            /// The algorithm with this code on the wire, `None` if it is not offered.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $( $code => Some(Self::$variant), )*
                    _ => None,
                }
            }

            /// The code on the wire.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self {
                    $( Self::$variant => $code, )*
                }
            }

            /// Whether the specification gives this code a meaning, also where it is not offered here.
            #[must_use]
            pub const fn is_known(code: u8) -> bool {
                matches!(code, $known)
            }

            /// The code with the tag that tells the three kinds of algorithm apart in bits 7:6 of the records of
            /// Get Channel Cipher Suites (IPMI 2.0 §22.15.1).
            #[must_use]
            pub const fn record_code(self) -> u8 {
                $tag | self.code()
            }
        }
    };
}

algorithms! {
    /// How RAKP proves that both sides know the password (IPMI 2.0 §13.28).
    AuthenticationAlgorithm, tag 0x00 {
        /// RAKP-none: not at all.
        None = 0,
        /// RAKP-HMAC-SHA1.
        RakpHmacSha1 = 1,
        /// RAKP-HMAC-MD5.
        RakpHmacMd5 = 2,
        /// RAKP-HMAC-SHA256.
        RakpHmacSha256 = 3,
    }
    known 0..=3
}

algorithms! {
    /// How the packets of a session are authenticated (IPMI 2.0 §13.28.1).
    IntegrityAlgorithm, tag 0x40 {
        /// Not at all.
        None = 0,
        /// HMAC-SHA1, cut to 12 bytes.
        HmacSha1_96 = 1,
        /// HMAC-MD5, 16 bytes.
        HmacMd5_128 = 2,
        /// MD5 of the packet between two copies of the password, 16 bytes.
        Md5_128 = 3,
        /// HMAC-SHA256, cut to 16 bytes.
        HmacSha256_128 = 4,
    }
    known 0..=4
}

algorithms! {
    /// How the payloads of a session are encrypted (IPMI 2.0 §13.28.2).
    ConfidentialityAlgorithm, tag 0x80 {
        /// Not at all.
        None = 0,
        /// AES with a key of 128 bits in cipher block chaining mode.
        AesCbc128 = 1,
    }
    known 0..=3 // 2: xRC4-128, 3: xRC4-40
}

impl AuthenticationAlgorithm {
    /// Length of the key exchange authentication codes of RAKP 2 and RAKP 3, in bytes.
    #[must_use]
    pub const fn exchange_code_length(self) -> usize {
        match self {
            Self::None => 0,
            Self::RakpHmacSha1 => 20,
            Self::RakpHmacMd5 => 16,
            Self::RakpHmacSha256 => 32,
        }
    }

    /// Length of the integrity check value of RAKP 4, in bytes. It follows from the authentication algorithm,
    /// also in suites whose integrity algorithm is "none".
    #[must_use]
    pub const fn integrity_check_length(self) -> usize {
        match self {
            Self::None => 0,
            Self::RakpHmacSha1 => 12,
            Self::RakpHmacMd5 | Self::RakpHmacSha256 => 16,
        }
    }
}

impl IntegrityAlgorithm {
    /// Length of the AuthCode of a session packet, in bytes.
    #[must_use]
    pub const fn code_length(self) -> usize {
        match self {
            Self::None => 0,
            Self::HmacSha1_96 => 12,
            Self::HmacMd5_128 | Self::Md5_128 | Self::HmacSha256_128 => 16,
        }
    }
}

/// A cipher suite: one of the combinations of algorithms that have a number (IPMI 2.0 §22.15.2).
///
/// It cannot be put together outside this crate, so a combination such as "encrypted, but not authenticated"
/// does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CipherSuite {
    /// Its number.
    pub id: CipherSuiteId,
    /// How RAKP authenticates.
    pub authentication: AuthenticationAlgorithm,
    /// How packets are authenticated.
    pub integrity: IntegrityAlgorithm,
    /// How payloads are encrypted.
    pub confidentiality: ConfidentialityAlgorithm,
}

/// The table of [`CipherSuite::ALL`]: number, authentication, integrity, confidentiality.
macro_rules! table {
    ($( $id:ident $authentication:ident $integrity:ident $confidentiality:ident; )*) => {
        &[$( CipherSuite {
            id: CipherSuiteId::$id,
            authentication: AuthenticationAlgorithm::$authentication,
            integrity: IntegrityAlgorithm::$integrity,
            confidentiality: ConfidentialityAlgorithm::$confidentiality,
        } ),*]
    };
}

impl CipherSuite {
    /// All suites that this library can speak, by number. Which of them a BMC offers is its configuration; see
    /// [`is_unauthenticated`](Self::is_unauthenticated) for the one that must not be on by default.
    pub const ALL: &'static [Self] = table! {
        SUITE_0  None           None           None;
        SUITE_1  RakpHmacSha1   None           None;
        SUITE_2  RakpHmacSha1   HmacSha1_96    None;
        SUITE_3  RakpHmacSha1   HmacSha1_96    AesCbc128;
        SUITE_6  RakpHmacMd5    None           None;
        SUITE_7  RakpHmacMd5    HmacMd5_128    None;
        SUITE_8  RakpHmacMd5    HmacMd5_128    AesCbc128;
        SUITE_11 RakpHmacMd5    Md5_128        None;
        SUITE_12 RakpHmacMd5    Md5_128        AesCbc128;
        SUITE_15 RakpHmacSha256 None           None;
        SUITE_16 RakpHmacSha256 HmacSha256_128 None;
        SUITE_17 RakpHmacSha256 HmacSha256_128 AesCbc128;
    };

    /// Length of [`record`](Self::record).
    pub const RECORD_LENGTH: usize = 5;

    /// The suite with this number.
    #[must_use]
    pub fn by_id(id: CipherSuiteId) -> Option<Self> {
        Self::ALL.iter().copied().find(|suite| suite.id == id)
    }

    /// The suite of three algorithms, as an Open Session Request proposes them.
    #[must_use]
    pub fn by_algorithms(
        authentication: AuthenticationAlgorithm,
        integrity: IntegrityAlgorithm,
        confidentiality: ConfidentialityAlgorithm,
    ) -> Option<Self> {
        let wanted = (authentication, integrity, confidentiality);
        Self::ALL
            .iter()
            .copied()
            .find(|suite| (suite.authentication, suite.integrity, suite.confidentiality) == wanted)
    }

    /// The record of Get Channel Cipher Suites when it lists by suite (IPMI 2.0 §22.15.1): `C0h`, number,
    /// authentication, integrity with 40h, confidentiality with 80h; all three also where they are "none".
    #[must_use]
    pub const fn record(self) -> [u8; Self::RECORD_LENGTH] {
        [
            0xc0,
            self.id.0,
            self.authentication.record_code(),
            self.integrity.record_code(),
            self.confidentiality.record_code(),
        ]
    }

    /// Whether anybody who knows a user's name can log in without the password: suite 0. It exists for tests
    /// and must be switched on by name.
    #[must_use]
    pub const fn is_unauthenticated(self) -> bool {
        matches!(self.authentication, AuthenticationAlgorithm::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_that_of_the_specification() {
        // Number, codes of authentication, integrity and confidentiality: IPMI 2.0 table 22-20.
        let expected = [
            [0, 0, 0, 0],
            [1, 1, 0, 0],
            [2, 1, 1, 0],
            [3, 1, 1, 1],
            [6, 2, 0, 0],
            [7, 2, 2, 0],
            [8, 2, 2, 1],
            [11, 2, 3, 0],
            [12, 2, 3, 1],
            [15, 3, 0, 0],
            [16, 3, 4, 0],
            [17, 3, 4, 1],
        ];
        assert_eq!(CipherSuite::ALL.len(), expected.len());
        for (suite, [id, authentication, integrity, confidentiality]) in CipherSuite::ALL.iter().zip(expected)
        {
            let record = [0xc0, id, authentication, 0x40 | integrity, 0x80 | confidentiality];
            assert_eq!(suite.record(), record);
            assert_eq!(CipherSuite::by_id(CipherSuiteId(id)), Some(*suite));
            let found = CipherSuite::by_algorithms(
                AuthenticationAlgorithm::from_code(authentication).unwrap(),
                IntegrityAlgorithm::from_code(integrity).unwrap(),
                ConfidentialityAlgorithm::from_code(confidentiality).unwrap(),
            );
            assert_eq!(found, Some(*suite));
            assert_eq!(suite.is_unauthenticated(), id == 0);
        }
    }

    #[test]
    fn what_is_encrypted_is_authenticated() {
        for suite in CipherSuite::ALL {
            let encrypted = suite.confidentiality != ConfidentialityAlgorithm::None;
            let checked = suite.integrity != IntegrityAlgorithm::None;
            assert!(checked || !encrypted, "{suite:?}");
            assert!(!suite.is_unauthenticated() || !checked, "{suite:?}");
        }
    }

    #[test]
    fn xrc4_is_known_and_refused() {
        for id in [4, 5, 9, 10, 13, 14, 18, 19] {
            assert!(CipherSuiteId(id).label().is_some());
            assert_eq!(CipherSuite::by_id(CipherSuiteId(id)), None);
        }
        for code in [2, 3] {
            assert!(ConfidentialityAlgorithm::is_known(code));
            assert_eq!(ConfidentialityAlgorithm::from_code(code), None);
        }
        assert!(!ConfidentialityAlgorithm::is_known(4));
        assert!(!AuthenticationAlgorithm::is_known(4));
        assert!(!IntegrityAlgorithm::is_known(5));
    }

    #[test]
    fn suites_and_algorithms_that_do_not_exist_are_not_found() {
        let found = CipherSuite::by_algorithms(
            AuthenticationAlgorithm::RakpHmacSha1,
            IntegrityAlgorithm::None,
            ConfidentialityAlgorithm::AesCbc128,
        );
        assert_eq!(found, None);
        assert_eq!(CipherSuite::by_id(CipherSuiteId(20)), None);
    }
}
