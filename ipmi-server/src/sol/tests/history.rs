//! What the machine said while nobody watched, and who may read its console at what time.

use alloc::sync::Arc;
use core::time::Duration;
use std::sync::Mutex;

use super::world::{DEACTIVATE, World};
use crate::backend::PowerAction;
use crate::backend::memory::{MemoryMachine, Operation};
use crate::backend::{BackendErrorKind, BmcBackend};
use crate::bmc::ConsoleTranscript;
use crate::test_bench::Bench;

fn is_console_open(world: &World) -> bool {
    !world.is_idle()
}

/// Whether somebody has the machine's console: then it cannot be opened.
async fn is_taken(world: &World) -> bool {
    let opened = world.bench.machine.console().unwrap().open().await;
    opened.is_err_and(|error| error.kind() == BackendErrorKind::Busy)
}

#[tokio::test(start_paused = true)]
async fn a_new_client_sees_what_was_said_before() {
    let mut world = World::new();
    world.pass(Duration::from_secs(1)).await;
    assert!(world.is_idle(), "nothing runs for a machine that is off");
    for _ in 0..30 {
        // More than the line of the machine keeps by itself.
        world.power(PowerAction::On).await;
        world.pass(Duration::from_secs(1)).await;
        world.power(PowerAction::Off).await;
        world.pass(Duration::from_secs(1)).await;
    }
    let client = world.login().await;
    world.activate(client).await;
    world.until(|world| world.clients[client].shows("node1# ")).await;
    world.pass(Duration::from_secs(5)).await;
    let screen = String::from_utf8(world.clients[client].screen.clone()).unwrap();
    assert_eq!(screen.matches("boot disk").count(), 30, "{screen}");

    // What was said to one is said again to the next, in its place.
    assert_eq!(world.ask(client, DEACTIVATE).await.0, 0);
    world.power(PowerAction::On).await;
    let next = world.login().await;
    world.activate(next).await;
    world.pass(Duration::from_secs(5)).await;
    let seen = String::from_utf8(world.clients[next].screen.clone()).unwrap();
    assert_eq!(seen.matches("boot disk").count(), 31);
    assert!(seen.starts_with(&screen));
}

#[tokio::test(start_paused = true)]
async fn the_scrollback_is_as_long_as_it_was_set() {
    let mut world = World::describe(|bmc| bmc.console_scrollback(20));
    world.power(PowerAction::On).await;
    world.pass(Duration::from_secs(1)).await;
    let client = world.login().await;
    world.activate(client).await;
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.clients[client].screen, b"boot disk\r\n\r\nnode1# ");
}

#[tokio::test(start_paused = true)]
async fn a_console_is_left_to_others_where_that_is_wanted() {
    let mut world = World::describe(|bmc| bmc.console_always_open(false));
    world.power(PowerAction::On).await;
    world.pass(Duration::from_secs(1)).await;
    assert!(!is_taken(&world).await);
    let client = world.login().await;
    world.activate(client).await;
    world.until(|world| world.clients[client].shows("node1# ")).await;
    assert!(is_taken(&world).await);
    assert_eq!(world.ask(client, DEACTIVATE).await.0, 0);
    world.until(World::is_idle).await;
    assert!(!is_taken(&world).await);
}

#[tokio::test(start_paused = true)]
async fn it_is_closed_when_nobody_serves_the_bmc_and_opened_again() {
    let mut world = World::new();
    world.power(PowerAction::On).await;
    world.pass(Duration::from_secs(1)).await;
    assert!(is_taken(&world).await);
    world.bench.bmc.end_serial_over_lan();
    world.until(World::is_idle).await;
    assert!(!is_taken(&world).await);
    world.bench.bmc.set_waker(Arc::new(|| {}));
    world.until(is_console_open).await;
    world.pass(Duration::from_secs(1)).await;
    assert!(is_taken(&world).await);
}

#[tokio::test(start_paused = true)]
async fn a_console_that_fails_is_tried_again_and_a_missing_one_is_not() {
    let mut world = World::with(Bench::with(MemoryMachine::builder("node1"), |bmc| bmc));
    let machine = Arc::clone(&world.bench.machine);
    machine.set_fault(Operation::Console, 6, BackendErrorKind::Unavailable);
    world.power(PowerAction::On).await;
    world.pass(Duration::from_secs(10)).await;
    assert!(is_taken(&world).await);
    world.power(PowerAction::Off).await;
    world.until(World::is_idle).await;

    machine.set_fault(Operation::Console, 1, BackendErrorKind::Unsupported);
    world.power(PowerAction::On).await;
    world.pass(Duration::from_secs(60)).await;
    assert!(world.is_idle() && !is_taken(&world).await);
}

/// Keeps what it is given.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<u8>>);

impl ConsoleTranscript for Kept {
    fn output(&self, bmc: &str, bytes: &[u8]) {
        assert_eq!(bmc, "node1");
        self.0.lock().unwrap().extend(bytes);
    }
}

#[tokio::test(start_paused = true)]
async fn a_transcript_has_all_output_once() {
    let kept = Arc::new(Kept::default());
    let transcript = Arc::clone(&kept);
    let mut world = World::describe(|bmc| bmc.console_transcript(transcript));
    world.power(PowerAction::On).await;
    world.pass(Duration::from_secs(1)).await;
    let client = world.login().await;
    world.activate(client).await;
    world.until(|world| world.clients[client].shows("node1# ")).await;
    world.type_in(client, b"typed");
    world.until(|world| world.clients[client].shows("# typed")).await;
    assert_eq!(*kept.0.lock().unwrap(), world.clients[client].screen);
}
