//! Who is slow makes the other end wait: nothing piles up in the BMC.

use alloc::sync::Arc;
use core::time::Duration;

use super::ledger::{LONGEST_PIECE, Ledger, LedgerBackend};
use super::world::World;
use crate::sol::scrollback::WAITING;
use crate::sol::{CHUNK, INPUT, OUTPUT};
use crate::test_bench::Bench;

/// Much more than the BMC may hold.
const MUCH: usize = 300_000;
const SCROLLBACK: usize = 4 * 1024;

fn world() -> (World, Arc<Ledger>) {
    let ledger = Ledger::new(3);
    let backend = Arc::new(LedgerBackend(Arc::clone(&ledger)));
    let bench = Bench::over(backend, |bmc| bmc.console_scrollback(SCROLLBACK));
    (World::with(bench), ledger)
}

fn much() -> Vec<u8> {
    (0..MUCH)
        .map(|index| u8::try_from(index * 7 % 253).unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_acknowledges_nothing_stops_the_machine() {
    let (mut world, ledger) = world();
    let client = world.login().await;
    world.activate(client).await;
    world.clients[client].is_deaf = true;
    let text = much();
    ledger.say(&text);
    let taken = || ledger.account().said.len();
    for seconds in [10, 20] {
        world.pass(Duration::from_secs(seconds)).await;
        // What the BMC has not taken, it cannot hold.
        assert!(
            taken() <= WAITING + OUTPUT + LONGEST_PIECE,
            "{} characters",
            taken()
        );
        let held = world.bench.bmc.with(|inner| inner.sol.scrollback.footprint());
        assert!(held <= 2 * (WAITING + LONGEST_PIECE), "{held} bytes");
    }
    assert!(taken() >= WAITING, "the machine is not stopped before that");
    world.clients[client].is_deaf = false;
    world
        .until(|world| world.clients[client].screen.len() >= MUCH)
        .await;
    assert!(world.clients[client].screen == text);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_takes_nothing_stops_the_client() {
    let (mut world, ledger) = world();
    let client = world.login().await;
    world.activate(client).await;
    ledger.account().is_deaf = true;
    let text = much();
    let mut written = 0;
    let type_on = |world: &mut World, written: &mut usize| {
        *written += world.type_in(client, &text[*written..]);
    };
    for _ in 0..20_000 {
        type_on(&mut world, &mut written);
        world.step().await;
    }
    let waiting = world.clients[client].line.as_ref().unwrap().unacknowledged();
    let accepted = written - waiting;
    assert!(accepted <= INPUT + CHUNK, "the BMC took {accepted} characters");
    assert!(accepted >= INPUT, "the client is not stopped before that");
    ledger.account().is_deaf = false;
    while ledger.account().heard.len() < MUCH {
        type_on(&mut world, &mut written);
        world.step().await;
    }
    assert!(ledger.account().heard == text);
}

#[tokio::test(start_paused = true)]
async fn nobody_watches_and_the_machine_goes_on() {
    let (mut world, ledger) = world();
    let text = much();
    ledger.say(&text);
    world.until(|_| ledger.account().said.len() == MUCH).await;
    let held = world.bench.bmc.with(|inner| inner.sol.scrollback.footprint());
    assert!(held <= 2 * (SCROLLBACK + LONGEST_PIECE), "{held} bytes");
    let client = world.login().await;
    world.activate(client).await;
    world
        .until(|world| world.clients[client].screen.len() >= SCROLLBACK)
        .await;
    assert!(world.clients[client].screen == text[MUCH - SCROLLBACK..]);
}

#[tokio::test(start_paused = true)]
async fn what_was_typed_before_the_end_still_reaches_the_machine() {
    for is_always_open in [true, false] {
        let ledger = Ledger::new(3);
        let backend = Arc::new(LedgerBackend(Arc::clone(&ledger)));
        let bench = Bench::over(backend, |bmc| bmc.console_always_open(is_always_open));
        let mut world = World::with(bench);
        let client = world.login().await;
        world.activate(client).await;
        world.pass(Duration::from_secs(1)).await;
        ledger.account().is_deaf = true;
        world.type_in(client, &[b'x'; 1_000]);
        world
            .until(|world| world.clients[client].line.as_ref().unwrap().unacknowledged() == 0)
            .await;
        assert_eq!(world.ask(client, super::DEACTIVATE).await.0, 0);
        world.pass(Duration::from_millis(100)).await;
        ledger.account().is_deaf = false;
        world.until(|_| ledger.account().heard.len() == 1_000).await;

        // Not for ever, if the console is to be left to others.
        world.activate(client).await;
        ledger.account().is_deaf = true;
        world.type_in(client, &[b'y'; 1_000]);
        world
            .until(|world| world.clients[client].line.as_ref().unwrap().unacknowledged() == 0)
            .await;
        assert_eq!(world.ask(client, super::DEACTIVATE).await.0, 0);
        world.pass(Duration::from_secs(5)).await;
        assert_eq!(world.is_idle(), !is_always_open);
    }
}
