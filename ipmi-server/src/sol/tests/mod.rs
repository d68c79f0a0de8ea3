//! Serial over LAN from a console to the machine, in virtual time, over a link that loses, doubles and reorders.

mod history;
mod ledger;
mod limits;
mod parameters;
mod pressure;
mod property;
pub(crate) mod world;

use core::time::Duration;

use ipmi_proto::crypto::{CipherSuiteId, Password};
use ipmi_proto::ipmb::{NetFn, Privilege};

use self::world::{ACTIVATE, Client, DEACTIVATE, DEADLINE, INSTANCE, STATUS, World};
use crate::backend::PowerAction;
use crate::backend::memory::MemoryMachine;
use crate::test_bench::Bench;

#[tokio::test(start_paused = true)]
async fn one_session_at_a_time_and_others_may_end_it() {
    let mut world = World::describe(|bmc| bmc.console_always_open(false));
    world.power(PowerAction::On).await;
    let (first, second) = (world.login().await, world.login().await);
    assert_eq!(world.ask(first, DEACTIVATE).await.0, 0x80);
    assert_eq!(world.ask(first, INSTANCE).await.1, [0; 12]);
    world.activate(first).await;
    world.until(|world| world.clients[first].shows("node1# ")).await;
    world.type_in(first, b"hello");
    world.until(|world| world.clients[first].shows("# hello")).await;

    assert_eq!(world.ask(second, ACTIVATE).await.0, 0x80);
    assert_eq!(world.ask(second, STATUS).await.1, [1, 1, 0]);
    let id = world.clients[first].session.bmc_session().unwrap().to_le_bytes();
    assert_eq!(
        world.ask(second, INSTANCE).await.1,
        [&id[..], &[1], &[0; 7]].concat()
    );
    assert_eq!(world.ask(second, DEACTIVATE).await.0, 0);
    world.until(|world| world.clients[first].is_cut_off).await;
    world.activate(second).await;
    world.until(|world| world.clients[second].shows("# hello")).await;
    world.type_in(second, b"-again");
    world
        .until(|world| world.clients[second].shows("hello-again"))
        .await;

    assert_eq!(world.ask(second, DEACTIVATE).await.0, 0);
    world.until(World::is_idle).await;
    assert!(!world.clients[second].is_cut_off);
    assert_eq!(world.ask(second, STATUS).await.1, [1, 0, 0]);
    assert!(world.bench.bmc.poll_work().is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_doubled_or_reordered_on_a_bad_link() {
    let mut world = World::new();
    world.power(PowerAction::On).await;
    let client = world.login().await;
    world.activate(client).await;
    world.until(|world| world.clients[client].shows("# ")).await;
    world.clients[client].screen.clear();
    world.is_lossy = true;
    let typed: Vec<u8> = (0..20_000_u32)
        .flat_map(|number| {
            [
                b'a' + u8::try_from(number % 26).unwrap(),
                b'0' + u8::try_from(number / 26 % 10).unwrap(),
            ]
        })
        .collect();
    let mut written = 0;
    let deadline = world.bench.now() + DEADLINE;
    while world.clients[client].screen.len() < typed.len() {
        assert!(world.bench.now() < deadline);
        written += world.type_in(client, &typed[written..]);
        world.step().await;
    }
    world.pass(Duration::from_secs(5)).await;
    assert!(world.clients[client].screen == typed);
}

#[tokio::test(start_paused = true)]
async fn a_power_cycle_keeps_the_session() {
    let mut world = World::new();
    let client = world.login().await;
    world.activate(client).await;
    world.type_in(client, b"nobody hears this");
    world.pass(Duration::from_secs(20)).await;
    for _ in 0..2 {
        world.power(PowerAction::On).await;
        world
            .until(|world| world.clients[client].shows("boot disk"))
            .await;
        world.until(|world| world.clients[client].shows("node1# ")).await;
        world.type_in(client, b"typed\r");
        world
            .until(|world| world.clients[client].shows("# typed\r\n"))
            .await;
        assert!(!world.clients[client].shows("nobody"));
        world.power(PowerAction::Off).await;
        world.clients[client].screen.clear();
    }
    assert!(!world.clients[client].is_cut_off);
}

#[tokio::test(start_paused = true)]
async fn a_break_reaches_the_machine_in_its_place() {
    let mut world = World::new();
    world.power(PowerAction::On).await;
    let client = world.login().await;
    world.activate(client).await;
    world.type_in(client, b"before");
    world.clients[client].line.as_mut().unwrap().send_break();
    world.type_in(client, b"after");
    world
        .until(|world| world.clients[client].shows("before\r\n[break]\r\nafter"))
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_session_user_or_bmc_ends_the_payload() {
    let mut world = World::describe(|bmc| bmc.console_always_open(false));
    world.power(PowerAction::On).await;
    let (first, second) = (world.login().await, world.login().await);
    world.activate(first).await;
    let now = world.bench.now();
    world.clients[first].session.close(now);
    world
        .until(|world| world.bench.bmc.with(|inner| inner.sol.session().is_none()))
        .await;

    world.activate(second).await;
    // Set SOL Configuration Parameters: not enabled.
    let disable = (NetFn::TRANSPORT, 0x21, &[1, 1, 0][..]);
    assert_eq!(world.ask(second, disable).await.0, 0);
    world.until(|world| world.clients[second].is_cut_off).await;
    assert_eq!(world.ask(second, ACTIVATE).await.0, 0x81);
    let enable = (NetFn::TRANSPORT, 0x21, &[1, 1, 1][..]);
    assert_eq!(world.ask(second, enable).await.0, 0);

    world.clients[second].is_cut_off = false;
    world.activate(second).await;
    let (now, this) = (world.bench.now(), &mut world.clients[second]);
    // Cold Reset.
    this.session.request_raw(now, NetFn::APP, 2, &[]).unwrap();
    world.until(|world| world.clients[second].is_cut_off).await;

    // Nothing is heard of the client for too long.
    let third = world.login().await;
    world.activate(third).await;
    world.clients.truncate(third);
    world.clients.push(Client::new(
        50_002,
        "admin",
        CipherSuiteId::SUITE_3,
        Privilege::USER,
    ));
    world.until(World::is_idle).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_configuration_demands() {
    let password = || Password::new(b"secret").unwrap();
    let mut world = World::with(Bench::with(MemoryMachine::builder("node1"), |bmc| {
        bmc.all_authenticated_cipher_suites()
            .user("operator", password(), Privilege::OPERATOR)
    }));
    world.power(PowerAction::On).await;
    let plain = world
        .login_as("admin", CipherSuiteId::SUITE_2, Privilege::ADMINISTRATOR)
        .await;
    let low = world
        .login_as("operator", CipherSuiteId::SUITE_3, Privilege::OPERATOR)
        .await;
    assert_eq!(world.ask(plain, ACTIVATE).await.0, 0x84);
    let unencrypted = (NetFn::APP, 0x48, &[1, 1, 0x40, 0, 0, 0][..]);
    assert_eq!(world.ask(low, unencrypted).await.0, 0x84);
    assert_eq!(
        world.ask(low, (NetFn::APP, 0x48, &[1, 2, 0xc0, 0, 0, 0])).await.0,
        0xcc
    );

    // Nothing is forced, and Administrators alone may use it.
    let set = (NetFn::TRANSPORT, 0x21, &[1, 2, 4][..]);
    assert_eq!(world.ask(plain, set).await.0, 0);
    assert_eq!(world.ask(low, ACTIVATE).await.0, 0xd4);
    world.activate(plain).await;
    assert_eq!(world.ask(low, DEACTIVATE).await.0, 0xd4);
    let suspend = (NetFn::APP, 0x55, &[1, 1, 0][..]);
    assert_eq!(world.ask(low, suspend).await.0, 0x83);
    assert_eq!(world.ask(plain, suspend).await.0, 0x82);
    world.until(|world| world.clients[plain].shows("node1# ")).await;
    assert_eq!(world.ask(plain, DEACTIVATE).await.0, 0);

    // Users may; the operator may not.
    let set = (NetFn::TRANSPORT, 0x21, &[1, 2, 2][..]);
    assert_eq!(world.ask(plain, set).await.0, 0);
    let forbid = (NetFn::APP, 0x4c, &[1, 0x43, 2, 0, 0, 0][..]);
    assert_eq!(world.ask(plain, forbid).await.0, 0);
    assert_eq!(world.ask(low, ACTIVATE).await.0, 0x81);
    let permit = (NetFn::APP, 0x4c, &[1, 0x03, 2, 0, 0, 0][..]);
    assert_eq!(world.ask(plain, permit).await.0, 0);
    world.activate(low).await;
    assert_eq!(world.ask(low, suspend).await.0, 0x81);
    assert_eq!(world.ask(low, (NetFn::APP, 0x55, &[1, 1, 1])).await.0, 0);
}
