//! Buffers that the sockets of one thread share: ten thousand sockets need no buffers of their own.

use core::cell::RefCell;
use std::io::{self, IoSliceMut};

use quinn_udp::RecvMeta;
use rand::rngs::ThreadRng;

use super::outlet::SharedSocket;

/// Longest datagram that is looked at; nothing in IPMI is near it.
pub(crate) const LONGEST: usize = 4095;

/// How many datagrams one system call takes from a socket with packet information.
pub(crate) const BATCH: usize = 8;

/// Longest answer.
const LONGEST_ANSWER: usize = 2048;

/// A socket with packet information may hand out several datagrams of one peer as one, up to this length.
const COALESCED: usize = 1 << 16;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// Buffers of one thread.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// One datagram, with room to see that it is too long.
    pub(crate) input: Box<[u8]>,
    /// Datagrams of sockets with packet information. Pages of it that are never touched cost nothing.
    pub(crate) batch: Batch,
    pub(crate) desk: Desk,
}

/// What a BMC needs to write an answer.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) random: ThreadRng,
    pub(crate) output: Box<[u8]>,
}

/// Datagrams that one system call took.
#[derive(Debug)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    meta: [RecvMeta; BATCH],
}

impl Scratch {
    fn new() -> Self {
        Self {
            input: vec![0; LONGEST + 1].into_boxed_slice(),
            batch: Batch {
                bytes: Vec::new(),
                meta: [RecvMeta::default(); BATCH],
            },
            desk: Desk {
                random: rand::rng(),
                output: vec![0; LONGEST_ANSWER].into_boxed_slice(),
            },
        }
    }

    /// Works with the buffers of this thread.
    pub(crate) fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        SCRATCH.with_borrow_mut(work)
    }
}

impl Batch {
    /// Takes datagrams; how many buffers were filled.
    pub(crate) fn receive(&mut self, from: &SharedSocket) -> io::Result<usize> {
        if self.bytes.is_empty() {
            // Zeroed by the system, page by page when touched.
            self.bytes = vec![0; BATCH * COALESCED];
        }
        let mut buffers = self.bytes.chunks_exact_mut(COALESCED);
        let mut slices: [IoSliceMut<'_>; BATCH] =
            core::array::from_fn(|_| IoSliceMut::new(buffers.next().unwrap_or_default()));
        from.state
            .recv((&from.socket).into(), &mut slices, &mut self.meta)
    }

    /// The first `filled` buffers and what is known about them.
    pub(crate) fn datagrams(&mut self, filled: usize) -> impl Iterator<Item = (&mut [u8], RecvMeta)> {
        let buffers = self.bytes.chunks_exact_mut(COALESCED).zip(self.meta);
        buffers
            .take(filled)
            .filter_map(|(bytes, meta)| Some((bytes.get_mut(..meta.len)?, meta)))
    }
}
