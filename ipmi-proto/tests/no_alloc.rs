//! An established session takes no memory for a datagram, on neither side, and a flood takes a bounded amount.
//!
//! The test counts what its own thread asks the allocator for while it handles datagrams and seals answers.

#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, not their helpers"
)]
#![allow(
    unsafe_code,
    reason = "an allocator cannot be written without; this one only counts"
)]

mod support;

use core::cell::Cell;
use std::alloc::{GlobalAlloc, Layout, System};

use ipmi_proto::command::Empty;
use ipmi_proto::command::app::device::GetDeviceId;
use ipmi_proto::packet::MAX_DATAGRAM;
use ipmi_proto::packet::v2_0::PayloadType;
use ipmi_proto::session::console::{Event, Protocol};
use ipmi_proto::testing::{OEM_COUNT, OEM_ECHO, OEM_NETFN, Pair};
use support::{all_protections, connected};

thread_local! {
    static ALLOCATIONS: Cell<u32> = const { Cell::new(0) };
    /// Bytes that are taken and not given back.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

/// Counts what each thread asks for. The counter is a constant-initialised thread-local without destructor, so
/// that using it asks for nothing itself.
struct Counting;

fn count(taken: usize, given_back: usize) {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    LIVE.set(LIVE.get() + taken as isize - given_back as isize);
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - layout.size() as isize);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `run` asks for memory.
fn allocations(run: impl FnOnce()) -> u32 {
    let before = ALLOCATIONS.get();
    run();
    ALLOCATIONS.get() - before
}

/// A command there and its answer back.
fn round_trip(pair: &mut Pair, command: u8, data: &[u8]) {
    let (mut request, mut reply) = ([0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
    pair.console
        .request_raw(pair.now, OEM_NETFN, command, data)
        .unwrap();
    deliver(pair, &mut request, &mut reply);
}

/// Delivers the datagram that is due to the BMC and its reply to the console.
fn deliver(pair: &mut Pair, request: &mut [u8], reply: &mut [u8]) {
    let length = pair
        .console
        .poll_transmit(pair.now, &mut pair.random, request)
        .unwrap();
    let length = pair
        .bmc
        .handle_datagram(pair.now, pair.peer, &mut request[..length], reply)
        .unwrap();
    let dropped = pair
        .console
        .handle_datagram(pair.now, &mut reply[..length], &mut pair.random);
    assert_eq!(dropped, None);
    assert!(matches!(pair.console.poll_event(), Some(Event::Response { .. })));
    pair.console.handle_timeout(pair.now);
    pair.bmc.handle_timeout(pair.now);
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(Box::new(1))), 1);
}

#[test]
fn commands_of_an_established_session() {
    for protocol in all_protections() {
        let mut pair = connected(protocol, 1);
        pair.bmc.keeps_log = false;
        // The first packet of a session frees what was kept of its login.
        round_trip(&mut pair, OEM_COUNT, &[]);
        let asked = allocations(|| {
            for _ in 0..200 {
                round_trip(&mut pair, OEM_COUNT, &[]);
                round_trip(&mut pair, OEM_ECHO, &[7; 200]);
            }
        });
        assert_eq!(asked, 0, "{protocol:?}");
    }
}

#[test]
fn commands_that_the_engine_answers_itself() {
    use ipmi_proto::command::app::session::{GetSessionInfo, GetSessionInfoRequest};
    for protocol in all_protections() {
        let mut pair = connected(protocol, 2);
        pair.bmc.keeps_log = false;
        round_trip(&mut pair, OEM_COUNT, &[]);
        let asked = allocations(|| {
            let (mut request, mut reply) = ([0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
            for _ in 0..50 {
                pair.console
                    .request::<GetSessionInfo>(pair.now, &GetSessionInfoRequest::Present)
                    .unwrap();
                deliver(&mut pair, &mut request, &mut reply);
                pair.console.request::<GetDeviceId>(pair.now, &Empty).unwrap();
                deliver(&mut pair, &mut request, &mut reply);
            }
        });
        assert_eq!(asked, 0, "{protocol:?}");
    }
}

#[test]
fn retries_and_hostile_datagrams() {
    for protocol in all_protections() {
        let mut pair = connected(protocol, 3);
        pair.bmc.keeps_log = false;
        // Where packets have no code, one that was changed uses up the sequence number of the right one.
        let has_code = pair
            .bmc
            .sessions
            .open_sessions()
            .all(|session| session.is_authenticated);
        round_trip(&mut pair, OEM_COUNT, &[]);
        let asked = allocations(|| {
            let (mut request, mut reply) = ([0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
            for _ in 0..50 {
                pair.console
                    .request_raw(pair.now, OEM_NETFN, OEM_COUNT, &[])
                    .unwrap();
                let length = pair
                    .console
                    .poll_transmit(pair.now, &mut pair.random, &mut request)
                    .unwrap();
                let datagram = request;
                let mut handle = |datagram: &[u8], pair: &mut Pair| {
                    let mut copy = [0; MAX_DATAGRAM];
                    let copy = &mut copy[..datagram.len()];
                    copy.copy_from_slice(datagram);
                    pair.bmc.handle_datagram(pair.now, pair.peer, copy, &mut reply)
                };
                // Cut, changed, as it is, and once more.
                let _ = handle(&datagram[..length - 1], &mut pair);
                let mut changed = datagram;
                changed[length - 1] ^= 1;
                if has_code {
                    let _ = handle(&changed[..length], &mut pair);
                }
                let _ = handle(&datagram[..length], &mut pair);
                let length = handle(&datagram[..length], &mut pair).unwrap();
                let _ = pair
                    .console
                    .handle_datagram(pair.now, &mut reply[..length], &mut pair.random);
                let _ = pair.console.poll_event();
            }
        });
        assert_eq!(asked, 0, "{protocol:?}");
    }
}

#[test]
fn payloads_of_an_established_session() {
    for protocol in all_protections() {
        if matches!(protocol, Protocol::V1_5(_)) {
            continue;
        }
        let mut pair = connected(protocol, 4);
        pair.bmc.keeps_log = false;
        round_trip(&mut pair, OEM_COUNT, &[]);
        let session = pair.bmc.sessions.open_sessions().next().unwrap().id;
        let asked = allocations(|| {
            let (mut request, mut reply) = ([0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
            for _ in 0..50 {
                pair.console.send_payload(PayloadType::SOL, &[1; 100]).unwrap();
                let length = pair
                    .console
                    .poll_transmit(pair.now, &mut pair.random, &mut request)
                    .unwrap();
                let _ = pair
                    .bmc
                    .handle_datagram(pair.now, pair.peer, &mut request[..length], &mut reply);
                let sealed =
                    pair.bmc
                        .sessions
                        .send_payload(session, &[2; 200], &mut pair.bmc.random, &mut reply);
                let (_, length) = sealed.unwrap();
                let dropped = pair
                    .console
                    .handle_datagram(pair.now, &mut reply[..length], &mut pair.random);
                assert_eq!(dropped, None);
                assert!(matches!(
                    pair.console.poll_event(),
                    Some(Event::PayloadReceived { .. })
                ));
            }
        });
        assert_eq!(asked, 0, "{protocol:?}");
    }
}

#[test]
fn memory_is_flat_under_a_flood_of_logins() {
    use ipmi_proto::session::console::Console;
    use ipmi_proto::testing::PredictableRandom;
    let mut pair = connected(all_protections()[11], 5);
    pair.bmc.keeps_log = false;
    round_trip(&mut pair, OEM_COUNT, &[]);
    let mut random = PredictableRandom::new(6);
    let mut flood = |pair: &mut Pair, from: u16, logins: u16| {
        for number in from..from + logins {
            let mut console = Console::new(support::with(all_protections()[usize::from(number) % 16]));
            console.connect(pair.now, &mut random).unwrap();
            let (mut request, mut reply) = ([0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
            // As far as RAKP 1, and no further.
            for _ in 0..3 {
                let length = console.poll_transmit(pair.now, &mut random, &mut request);
                let Some(request) = length.and_then(|length| request.get_mut(..length)) else {
                    break;
                };
                let length = pair
                    .bmc
                    .handle_datagram(pair.now, Pair::peer(number), request, &mut reply);
                if let Some(length) = length {
                    let _ = console.handle_datagram(pair.now, &mut reply[..length], &mut random);
                }
            }
        }
    };
    flood(&mut pair, 1_000, 1_000);
    let before = LIVE.get();
    flood(&mut pair, 2_000, 5_000);
    assert!(LIVE.get() - before < 4_096, "{} bytes more", LIVE.get() - before);
}
