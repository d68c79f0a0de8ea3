//! The keyed hashes, with the key absorbed once.

use hmac::block_api::HmacCore;
use hmac::digest::block_api::{Buffer, CoreProxy};
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{AuthenticationAlgorithm, AuthenticationCode};

/// All hashes in use have blocks of 64 bytes, and no key is longer.
const BLOCK: usize = 64;

/// An HMAC whose key has been absorbed: two hash states, without the buffer of a computation under way, which
/// would double its size. A packet costs only the blocks of the message and of the outer hash.
pub(super) enum Keyed {
    Sha1(HmacCore<Sha1>),
    Md5(HmacCore<Md5>),
    Sha256(HmacCore<Sha256>),
}

impl Keyed {
    /// The HMAC of an authentication algorithm, `None` for "none". Zeros at the end of `key` change nothing.
    pub(super) fn new(algorithm: AuthenticationAlgorithm, key: &[u8]) -> Option<Self> {
        let mut block = Zeroizing::new([0; BLOCK]);
        for (target, byte) in block.iter_mut().zip(key) {
            *target = *byte;
        }
        // A key of exactly one block is what HMAC makes of a shorter one, and the constructor for it cannot fail.
        match algorithm {
            AuthenticationAlgorithm::None => None,
            AuthenticationAlgorithm::RakpHmacSha1 => Some(Self::Sha1(HmacCore::new((&*block).into()))),
            AuthenticationAlgorithm::RakpHmacMd5 => Some(Self::Md5(HmacCore::new((&*block).into()))),
            AuthenticationAlgorithm::RakpHmacSha256 => Some(Self::Sha256(HmacCore::new((&*block).into()))),
        }
    }

    /// The code of `parts` as if they were one string, cut to `length` bytes.
    pub(super) fn code(&self, parts: &[&[u8]], length: usize) -> AuthenticationCode {
        match self {
            Self::Sha1(core) => run(core, parts, length),
            Self::Md5(core) => run(core, parts, length),
            Self::Sha256(core) => run(core, parts, length),
        }
    }
}

fn run<D: EagerHash>(core: &HmacCore<D>, parts: &[&[u8]], length: usize) -> AuthenticationCode {
    let mut hmac = Hmac::<D>::compose(core.clone(), Buffer::<HmacCore<D>>::default());
    for part in parts {
        hmac.update(part);
    }
    AuthenticationCode::cut(&hmac.finalize().into_bytes(), length)
}
