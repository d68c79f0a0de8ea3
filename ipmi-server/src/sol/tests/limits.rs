//! Time-outs of a console, and how many a user may have.

use core::time::Duration;

use super::world::{ACTIVATE, DEACTIVATE, World};
use crate::backend::PowerAction;
use crate::bmc::ConsoleQuota;

#[tokio::test(start_paused = true)]
async fn a_console_at_which_nobody_types_is_closed() {
    let mut world = World::describe(|bmc| bmc.console_idle_timeout(Duration::from_secs(30)));
    world.power(PowerAction::On).await;
    let client = world.login().await;
    world.activate(client).await;
    for _ in 0..4 {
        world.pass(Duration::from_secs(25)).await;
        world.type_in(client, b"x");
    }
    world.pass(Duration::from_secs(25)).await;
    assert!(!world.clients[client].is_cut_off, "somebody types");
    // The machine may say what it likes.
    world.power(PowerAction::Reset).await;
    world.pass(Duration::from_secs(4)).await;
    assert!(!world.clients[client].is_cut_off);
    world.pass(Duration::from_secs(2)).await;
    assert!(world.clients[client].is_cut_off);
    world.clients[client].is_cut_off = false;

    world.activate(client).await;
    world.pass(Duration::from_secs(20)).await;
    world.clients[client].line.as_mut().unwrap().send_break();
    world.pass(Duration::from_secs(20)).await;
    assert!(!world.clients[client].is_cut_off, "a break counts as typing");
}

#[tokio::test(start_paused = true)]
async fn a_console_is_closed_after_its_time() {
    let mut world = World::describe(|bmc| bmc.console_absolute_timeout(Duration::from_secs(60)));
    world.power(PowerAction::On).await;
    let client = world.login().await;
    world.activate(client).await;
    for _ in 0..59 {
        world.type_in(client, b"x");
        world.pass(Duration::from_secs(1)).await;
    }
    assert!(!world.clients[client].is_cut_off);
    world.pass(Duration::from_secs(2)).await;
    assert!(world.clients[client].is_cut_off);
    assert_eq!(
        world.ask(client, DEACTIVATE).await.0,
        0x80,
        "it is closed already"
    );
    world.activate(client).await;
}

#[tokio::test(start_paused = true)]
async fn a_user_has_so_many_consoles_over_all_bmcs() {
    let quota = ConsoleQuota::new(1);
    let (of_one, of_two) = (quota.clone(), quota);
    let mut one = World::describe(|bmc| bmc.console_quota(of_one));
    let mut two = World::describe(|bmc| bmc.console_quota(of_two));
    let (here, there) = (one.login().await, two.login().await);
    one.activate(here).await;
    assert_eq!(two.ask(there, ACTIVATE).await.0, 0x82);
    assert_eq!(one.ask(here, DEACTIVATE).await.0, 0);
    two.activate(there).await;
    assert_eq!(one.ask(here, ACTIVATE).await.0, 0x82);
    // The end of the session gives the place back, too.
    let now = two.bench.now();
    two.clients[there].session.close(now);
    two.until(|world| world.bench.bmc.with(|inner| inner.sol.session().is_none()))
        .await;
    one.activate(here).await;
}
