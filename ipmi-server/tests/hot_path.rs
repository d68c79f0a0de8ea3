//! What a BMC takes of memory: none for a command that is answered from state, and little to be there.
//!
//! The test counts what its own thread asks the allocator for.

#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, not their helpers"
)]
#![allow(
    unsafe_code,
    reason = "an allocator cannot be written without; this one only counts"
)]

use core::cell::Cell;
use core::time::Duration;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;

use ipmi_proto::crypto::Password;
use ipmi_proto::ipmb::NetFn;
use ipmi_proto::session::Peer;
use ipmi_proto::session::console::{Console, ConsoleConfig, Event};
use ipmi_proto::time::Instant;
use ipmi_server::Bmc;
use ipmi_server::backend::PowerState;
use ipmi_server::backend::memory::MemoryMachine;
use ipmi_server::bmc::Reaction;
use rand::SeedableRng;
use rand::rngs::StdRng;

thread_local! {
    static ALLOCATIONS: Cell<u32> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

/// Counts what each thread asks for. The counters are constant-initialised thread-locals without destructor, so
/// that using them asks for nothing itself.
struct Counting;

fn count(allocations: u32, bytes: i64) {
    ALLOCATIONS.with(|all| all.set(all.get() + allocations));
    BYTES.with(|all| all.set(all.get() + bytes));
}

fn size(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, size(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -size(layout.size()));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new: usize) -> *mut u8 {
        count(1, size(new) - size(layout.size()));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, new) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A BMC and a client that talk without a network.
struct Line {
    bmc: Arc<Bmc>,
    console: Console,
    random: StdRng,
    now: Instant,
    peer: Peer,
}

fn bmc(name: &str) -> Arc<Bmc> {
    let machine = MemoryMachine::builder(name).power(PowerState::On).build();
    let password = Password::new(b"secret").unwrap();
    Bmc::builder(machine)
        .administrator("admin", password)
        .build()
        .unwrap()
}

impl Line {
    /// Logs in and takes the Administrator level.
    fn new() -> Self {
        let config = ConsoleConfig::new(b"admin", Password::new(b"secret").unwrap()).unwrap();
        let mut line = Self {
            bmc: bmc("node1"),
            console: Console::new(config),
            random: StdRng::seed_from_u64(7),
            now: Instant::from_millis(1_000),
            peer: Peer {
                remote: "192.0.2.9:50000".parse().unwrap(),
                local: "192.0.2.1:623".parse().unwrap(),
            },
        };
        line.console.connect(line.now, &mut line.random).unwrap();
        while line.exchange() > 0 {}
        let connected = core::iter::from_fn(|| line.console.poll_event())
            .any(|event| matches!(event, Event::Connected { .. }));
        assert!(connected, "the login failed");
        line
    }

    /// Carries everything that is due once there and back; gives how often the BMC asked for memory.
    fn carry(&mut self) -> (usize, u32) {
        let (mut request, mut reply) = ([0; 2_048], [0; 2_048]);
        let (mut carried, mut allocations) = (0, 0);
        while let Some(length) = self
            .console
            .poll_transmit(self.now, &mut self.random, &mut request)
        {
            carried += 1;
            let before = ALLOCATIONS.get();
            let datagram = &mut request[..length];
            let reaction =
                self.bmc
                    .handle_datagram(self.now, self.peer, datagram, &mut self.random, &mut reply);
            allocations += ALLOCATIONS.get() - before;
            if let Reaction::Reply { length } = reaction {
                self.console
                    .handle_datagram(self.now, &mut reply[..length], &mut self.random);
            }
        }
        (carried, allocations)
    }

    fn exchange(&mut self) -> usize {
        self.carry().0
    }

    /// Sends a command and gives the completion code, and how often the BMC asked for memory.
    fn ask(&mut self, netfn: NetFn, command: u8, data: &[u8]) -> (u8, u32) {
        self.now = self.now + Duration::from_millis(10);
        self.console.request_raw(self.now, netfn, command, data).unwrap();
        let (_, allocations) = self.carry();
        let response = core::iter::from_fn(|| self.console.poll_event()).find_map(|event| match event {
            Event::Response { response, .. } => Some(response.completion.0),
            _ => None,
        });
        (response.expect("no answer"), allocations)
    }
}

#[test]
fn commands_answered_from_state_take_no_memory() {
    let mut line = Line::new();
    let commands: &[(NetFn, u8, &[u8])] = &[
        (NetFn::APP, 0x01, &[]),
        (NetFn::CHASSIS, 0x01, &[]),
        (NetFn::CHASSIS, 0x09, &[5, 0, 0]),
        (NetFn::CHASSIS, 0x07, &[]),
        (NetFn::APP, 0x07, &[]),
        (NetFn::APP, 0x25, &[]),
        (NetFn::APP, 0x37, &[]),
        (NetFn::APP, 0x42, &[0x0e]),
        (NetFn::APP, 0x44, &[0x0e, 2]),
        (NetFn::TRANSPORT, 0x02, &[0x0e, 3, 0, 0]),
        (NetFn::STORAGE, 0x20, &[]),
        (NetFn::STORAGE, 0x23, &[0, 0, 0, 0, 0, 0xff]),
        (NetFn::STORAGE, 0x11, &[0, 0, 0, 16]),
        (NetFn::STORAGE, 0x40, &[]),
        (NetFn::SENSOR_EVENT, 0x2d, &[0x60]),
    ];
    for round in 0..3 {
        for (netfn, command, data) in commands {
            let (completion, allocations) = line.ask(*netfn, *command, data);
            assert_eq!(completion, 0, "{netfn} {command:#x}");
            // The first time a session may grow what it remembers.
            if round > 0 {
                assert_eq!(allocations, 0, "{netfn} {command:#x}");
            }
        }
    }
    // Nor do refusals.
    assert_eq!(line.ask(NetFn::GROUP_EXTENSION, 0x00, &[0x00]), (0xc1, 0));
    assert_eq!(line.ask(NetFn::APP, 0xee, &[]), (0xc1, 0));
}

#[test]
fn thousands_of_bmcs_fit() {
    const COUNT: i64 = 1_000;
    drop(bmc("warm-up"));
    let before = BYTES.get();
    let all: Vec<_> = (0..COUNT).map(|number| bmc(&format!("node{number}"))).collect();
    let each = (BYTES.get() - before) / COUNT;
    assert!(each <= 8 * 1_024, "{each} bytes for a BMC with its machine");
    drop(all);
    assert!(BYTES.get() - before < 1_024, "BMCs leave nothing behind");
}
