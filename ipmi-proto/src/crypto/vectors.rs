//! Known answers of the standards, run through this crate's own functions. What whole logins of other
//! programs computed is in `tests/kat`.

use alloc::vec::Vec;

use hex_literal::hex;

use super::mac::Keyed;
use super::session_keys::SessionKeys;
use super::{AuthenticationAlgorithm, v15};

/// A vector: key, message, output.
type Vector<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// Compares the code and every cut of it.
fn check(algorithm: AuthenticationAlgorithm, (key, message, expected): Vector<'_>) {
    let keyed = Keyed::new(algorithm, key).unwrap();
    let (head, tail) = message.split_at(message.len() / 3);
    for parts in [&[message][..], &[head, tail][..]] {
        for length in 0..=expected.len() {
            assert!(
                keyed.code(parts, length).verify(&expected[..length]),
                "{message:?}"
            );
        }
    }
}

/// RFC 2202 §2, test cases 1 to 5. Cases 6 and 7 have keys longer than a block, which IPMI has not.
#[test]
fn rfc_2202_hmac_md5() {
    let counting = hex!("0102030405060708090a0b0c0d0e0f10111213141516171819");
    let vectors: [Vector<'_>; 5] = [
        (
            &[0x0b; 16],
            b"Hi There",
            &hex!("9294727a3638bb1c13f48ef8158bfc9d"),
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            &hex!("750c783e6ab0b503eaa86e310a5db738"),
        ),
        (
            &[0xaa; 16],
            &[0xdd; 50],
            &hex!("56be34521d144c88dbb8c733f0e8b3f6"),
        ),
        (&counting, &[0xcd; 50], &hex!("697eaf0aca3a3aea3a75164746ffaa79")),
        (
            &[0x0c; 16],
            b"Test With Truncation",
            &hex!("56461ef2342edc00f9bab995690efd4c"),
        ),
    ];
    for vector in vectors {
        check(AuthenticationAlgorithm::RakpHmacMd5, vector);
    }
}

/// RFC 2202 §3, test cases 1 to 5.
#[test]
fn rfc_2202_hmac_sha1() {
    let counting = hex!("0102030405060708090a0b0c0d0e0f10111213141516171819");
    let vectors: [Vector<'_>; 5] = [
        (
            &[0x0b; 20],
            b"Hi There",
            &hex!("b617318655057264e28bc0b6fb378c8ef146be00"),
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            &hex!("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            &hex!("125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
        ),
        (
            &counting,
            &[0xcd; 50],
            &hex!("4c9007f4026250c6bc8414f9bf50c86c2d7235da"),
        ),
        (
            &[0x0c; 20],
            b"Test With Truncation",
            &hex!("4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"),
        ),
    ];
    for vector in vectors {
        check(AuthenticationAlgorithm::RakpHmacSha1, vector);
    }
}

/// RFC 4231 §4.2 to §4.6, test cases 1 to 5; case 5 is given cut to 128 bits.
#[test]
fn rfc_4231_hmac_sha256() {
    let counting = hex!("0102030405060708090a0b0c0d0e0f10111213141516171819");
    let vectors: [Vector<'_>; 5] = [
        (
            &[0x0b; 20],
            b"Hi There",
            &hex!("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            &hex!("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            &hex!("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        ),
        (
            &counting,
            &[0xcd; 50],
            &hex!("82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        ),
        (
            &[0x0c; 20],
            b"Test With Truncation",
            &hex!("a3b6167473100ee06e0c796c2955552b"),
        ),
    ];
    for vector in vectors {
        check(AuthenticationAlgorithm::RakpHmacSha256, vector);
    }
}

/// The strings that RFC 1319 and RFC 1321 hash.
const STRINGS: [&[u8]; 7] = [
    b"",
    b"a",
    b"abc",
    b"message digest",
    b"abcdefghijklmnopqrstuvwxyz",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    b"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
];

/// The five parts that a hash of IPMI 1.5 is made of, from one string.
fn parts(string: &[u8]) -> [&[u8]; 5] {
    let (first, rest) = string.split_at(string.len().min(16));
    let (last, middle) = rest.split_at(rest.len() / 2);
    [first, &[], last, middle, &[]]
}

/// RFC 1319, appendix A.5.
#[test]
fn rfc_1319_md2() {
    let expected = [
        hex!("8350e5a3e24c153df2275c9f80692773"),
        hex!("32ec01ec4a6dac72c0ab96fb34c0b5d1"),
        hex!("da853b0d3f88d99b30283a69e6ded6bb"),
        hex!("ab4f496bfb2a530b219ff33031fe06b0"),
        hex!("4e8ddff3650292ab5a4108c3aa47940b"),
        hex!("da33def2a42df13975352846c30338cd"),
        hex!("d5976f79d83d3a0dc9806c3c66f3efd8"),
    ];
    for (string, expected) in STRINGS.iter().zip(expected) {
        assert_eq!(v15::hash::<md2::Md2>(parts(string)).as_slice(), expected);
    }
}

/// RFC 1321, appendix A.5.
#[test]
fn rfc_1321_md5() {
    let expected = [
        hex!("d41d8cd98f00b204e9800998ecf8427e"),
        hex!("0cc175b9c0f1b6a831c399e269772661"),
        hex!("900150983cd24fb0d6963f7d28e17f72"),
        hex!("f96b697d7cb7938d525a2f31aaf161d0"),
        hex!("c3fcd3d76192e4007dfb496cca67e13b"),
        hex!("d174ab98d277d9f5a5611c2c9f419d9f"),
        hex!("57edf4a22be3c955ac49da2e2107b67a"),
    ];
    for (string, expected) in STRINGS.iter().zip(expected) {
        assert_eq!(v15::hash::<md5::Md5>(parts(string)).as_slice(), expected);
    }
}

/// FIPS 197, appendix C.1: one block, which is CBC with a vector of zeros.
#[test]
fn fips_197_aes_128() {
    let keys = SessionKeys::with_cipher_key(&hex!("000102030405060708090a0b0c0d0e0f"));
    let mut block = hex!("00112233445566778899aabbccddeeff");
    keys.encrypt_in_place(&[0; 16], &mut block).unwrap();
    assert_eq!(block, hex!("69c4e0d86a7b0430d8cdb78070b4c55a"));
    keys.decrypt_in_place(&[0; 16], &mut block).unwrap();
    assert_eq!(block, hex!("00112233445566778899aabbccddeeff"));
}

/// NIST SP 800-38A, F.2.1 (CBC-AES128.Encrypt) and F.2.2 (CBC-AES128.Decrypt), whole and block by block.
#[test]
fn sp_800_38a_aes_128_cbc() {
    let keys = SessionKeys::with_cipher_key(&hex!("2b7e151628aed2a6abf7158809cf4f3c"));
    let vector = hex!("000102030405060708090a0b0c0d0e0f");
    let plain = hex!(
        "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710"
    );
    let cipher = hex!(
        "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2"
        "73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7"
    );
    let mut bytes = plain;
    keys.encrypt_in_place(&vector, &mut bytes).unwrap();
    assert_eq!(bytes, cipher);
    keys.decrypt_in_place(&vector, &mut bytes).unwrap();
    assert_eq!(bytes, plain);

    let mut vectors: Vec<[u8; 16]> = cipher
        .chunks_exact(16)
        .map(|block| block.try_into().unwrap())
        .collect();
    vectors.insert(0, vector);
    for ((vector, plain), cipher) in vectors.iter().zip(plain.chunks(16)).zip(cipher.chunks(16)) {
        let mut block = plain.to_vec();
        keys.encrypt_in_place(vector, &mut block).unwrap();
        assert_eq!(block, cipher);
    }
}
