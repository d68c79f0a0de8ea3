//! Properties of [`SessionKeys`]; known answers from outside are in `tests/kat`.

use super::*;
use crate::crypto::RakpTranscript;
use alloc::format;
use alloc::vec::Vec;
use proptest::prelude::*;

fn keys(suite: CipherSuite, password: &[u8]) -> SessionKeys {
    let transcript = RakpTranscript {
        console_session: 0xa0a2_a3a4,
        bmc_session: 0x0200_0000,
        console_random: &[0x11; 16],
        bmc_random: &[0x22; 16],
        guid: &[0x33; 16],
        role: 0x14,
        user_name: b"admin",
    };
    let password = Password::new(password).unwrap();
    let key = transcript.session_integrity_key(suite.authentication, &password, None);
    SessionKeys::derive(suite, &key, &password)
}

#[test]
fn size_per_session_is_bounded() {
    let size = size_of::<SessionKeys>();
    std::println!("SessionKeys: {size} bytes");
    assert!(size <= 512, "{size}");
}

#[test]
fn suites_without_algorithms_need_none() {
    for suite in CipherSuite::ALL {
        let keys = keys(*suite, b"secret");
        assert_eq!(
            keys.is_confidential(),
            suite.confidentiality != ConfidentialityAlgorithm::None
        );
        let code = keys.integrity_code(b"packet");
        assert_eq!(code.as_slice().len(), keys.integrity_length());
        assert!(keys.verify_integrity(b"packet", code.as_slice()));
        if suite.integrity == IntegrityAlgorithm::None {
            assert!(!keys.verify_integrity(b"packet", &[0; 12]));
        }
    }
}

#[test]
fn no_confidentiality_no_encryption() {
    let keys = keys(CipherSuite::ALL[2], b"secret");
    assert_eq!(keys.confidential_length(7), 7);
    assert_eq!(
        keys.encrypt(&[0; 16], &mut [0; 64], 7),
        Err(CryptoError::NotConfidential)
    );
    assert_eq!(keys.decrypt(&mut [0; 64]), Err(CryptoError::NotConfidential));
    assert_eq!(
        keys.encrypt_in_place(&[0; 16], &mut []),
        Err(CryptoError::NotConfidential)
    );
}

#[test]
fn bad_payloads_are_refused() {
    let keys = keys(CipherSuite::ALL[3], b"secret");
    for length in 0..=64 {
        let result = keys.decrypt(&mut [0x5a; 64][..length]).map(|_| ());
        let expected = if length >= 32 && length % 16 == 0 {
            CryptoError::Padding
        } else {
            CryptoError::Length
        };
        assert_eq!(result, Err(expected), "{length} bytes");
    }
    for (last_block, expected) in [
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Some(15)),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 14], Some(1)),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15], Some(0)),
        // Pad length beyond a block; pad bytes that do not count up.
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], None),
        (
            [0; 15]
                .iter()
                .copied()
                .chain([255])
                .collect::<Vec<u8>>()
                .try_into()
                .unwrap(),
            None,
        ),
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2], None),
    ] {
        let mut payload = [[7; 16], last_block].concat();
        keys.encrypt_in_place(&[7; 16], &mut payload[16..]).unwrap();
        let length = keys.decrypt(&mut payload).map(|plain| plain.len());
        assert_eq!(length, expected.ok_or(CryptoError::Padding), "{last_block:?}");
    }
}

#[test]
fn buffers_that_are_too_small_are_refused() {
    let keys = keys(CipherSuite::ALL[3], b"secret");
    assert_eq!(
        keys.encrypt(&[0; 16], &mut [0; 31], 7),
        Err(CryptoError::BufferTooSmall)
    );
    assert_eq!(
        keys.encrypt(&[0; 16], &mut [0; 47], 16),
        Err(CryptoError::BufferTooSmall)
    );
    assert_eq!(
        keys.encrypt(&[0; 16], &mut [0; 48], usize::MAX),
        Err(CryptoError::BufferTooSmall)
    );
    assert_eq!(keys.encrypt(&[0; 16], &mut [0; 48], 16), Ok(48));
}

#[test]
fn debug_shows_the_suite_alone() {
    assert_eq!(
        format!("{:?}", keys(CipherSuite::ALL[3], b"x")),
        "SessionKeys { suite: SUITE_3, .. }"
    );
}

proptest! {
    #[test]
    fn what_is_encrypted_is_decrypted(
        suite in prop::sample::select(&[3_u8, 8, 12, 17][..]),
        vector in any::<[u8; 16]>(),
        plain in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let keys = keys(CipherSuite::by_id(crate::crypto::CipherSuiteId(suite)).unwrap(), b"secret");
        let mut buffer = [0xa5_u8; 256];
        buffer[16..16 + plain.len()].copy_from_slice(&plain);
        let length = keys.encrypt(&vector, &mut buffer, plain.len()).unwrap();
        prop_assert_eq!(length, keys.confidential_length(plain.len()));
        prop_assert_eq!(length % 16, 0);
        prop_assert_eq!(&buffer[..16], &vector);
        prop_assert!(buffer[length..].iter().all(|byte| *byte == 0xa5));
        prop_assert_eq!(&*keys.decrypt(&mut buffer[..length]).unwrap(), &plain[..]);
    }

    #[test]
    fn flipped_bit_does_not_verify(
        suite in prop::sample::select(CipherSuite::ALL),
        packet in prop::collection::vec(any::<u8>(), 1..200),
        bit in any::<prop::sample::Index>(),
    ) {
        let keys = keys(suite, b"secret");
        prop_assume!(suite.integrity != IntegrityAlgorithm::None);
        let code = keys.integrity_code(&packet);
        prop_assert!(keys.verify_integrity(&packet, code.as_slice()));

        let mut changed = packet.clone();
        let place = bit.index(packet.len() * 8);
        changed[place / 8] ^= 1 << (place % 8);
        prop_assert!(!keys.verify_integrity(&changed, code.as_slice()));

        let mut changed = code.as_slice().to_vec();
        let place = bit.index(changed.len() * 8);
        changed[place / 8] ^= 1 << (place % 8);
        prop_assert!(!keys.verify_integrity(&packet, &changed));
        prop_assert!(!keys.verify_integrity(&packet, &changed[1..]));
    }

    #[test]
    fn any_payload_is_opened_or_refused(mut payload in prop::collection::vec(any::<u8>(), 0..100)) {
        let keys = keys(CipherSuite::ALL[3], b"secret");
        let length = payload.len();
        if let Ok(plain) = keys.decrypt(&mut payload) {
            prop_assert!(plain.len() < length - CONFIDENTIALITY_HEADER);
        }
    }
}
