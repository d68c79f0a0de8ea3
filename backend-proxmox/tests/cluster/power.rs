//! Power of virtual machines and containers, in all versions.

use std::time::Duration;

use backend_proxmox::simulator::{GuestSpec, PveVersion, Simulator};
use ipmi_server::backend::{
    BackendErrorKind, BackendEvent, BmcBackend, PowerAction, PowerActions, PowerState,
};
use ipmi_server::conformance::{Patience, check};

use crate::support::{Log, World, settle, until, until_power};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn virtual_machine_keeps_the_contract() {
    let world = World::start(Simulator::builder().speed(10)).await;
    let guest = world.guest(100).await;
    check(&*guest, &Patience::new(tokio::time::sleep)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn container_keeps_the_contract() {
    let world = World::start(Simulator::builder().speed(10)).await;
    world.simulator.add_guest(GuestSpec::lxc(300));
    let guest = world.guest(300).await;
    assert!(guest.boot().is_none());
    assert!(!guest.power_actions().contains(PowerActions::DIAGNOSTIC_INTERRUPT));
    check(&*guest, &Patience::new(tokio::time::sleep)).await;
}

#[tokio::test]
async fn every_version_starts_stops_resets_and_shuts_down() {
    for version in [PveVersion::V7, PveVersion::V8, PveVersion::V9] {
        let world = World::start(Simulator::builder().version(version).speed(10)).await;
        let guest = world.guest(100).await;
        settle(&guest, PowerAction::On, PowerState::On).await;
        guest.power(PowerAction::On).await.unwrap();
        guest.power(PowerAction::Reset).await.unwrap();
        until("reset", || world.events(100).iter().any(|event| event == "reset")).await;
        settle(&guest, PowerAction::SoftOff, PowerState::Off).await;
        let error = guest.power(PowerAction::SoftOff).await.unwrap_err();
        assert_eq!(error.kind(), BackendErrorKind::InvalidState, "{version:?}");
        guest.power(PowerAction::Off).await.unwrap();
    }
}

#[tokio::test]
async fn stop_ends_a_shutdown_that_the_guest_does_not_hear() {
    for version in [PveVersion::V7, PveVersion::V8, PveVersion::V9] {
        let world = World::start(Simulator::builder().version(version).speed(2)).await;
        world
            .simulator
            .add_guest(GuestSpec::qemu(101).running().shutdown_after(None));
        let guest = world.guest(101).await;
        guest.power(PowerAction::SoftOff).await.unwrap();
        settle(&guest, PowerAction::Off, PowerState::Off).await;
    }
}

#[tokio::test]
async fn paused_guest_goes_on() {
    let world = World::of(PveVersion::V8).await;
    world.simulator.add_guest(GuestSpec::qemu(101).running());
    world.simulator.set_status(101, "paused");
    let guest = world.guest(101).await;
    assert_eq!(guest.power_state().await.ok(), Some(PowerState::Paused));
    let error = guest.power(PowerAction::SoftOff).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::InvalidState);
    settle(&guest, PowerAction::On, PowerState::On).await;
}

#[tokio::test]
async fn locked_guest_is_busy() {
    let world = World::of(PveVersion::V9).await;
    world.simulator.set_lock(100, Some("backup"));
    let guest = world.guest(100).await;
    let error = guest.power(PowerAction::On).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Busy);
    world.simulator.set_lock(100, None);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    settle(&guest, PowerAction::On, PowerState::On).await;
}

#[tokio::test]
async fn task_that_fails_later_is_told() {
    let world = World::of(PveVersion::V8).await;
    world
        .simulator
        .set_start_error(100, Some("start failed: QEMU exited with code 1"));
    let guest = world.guest(100).await;
    let (log, _listener) = Log::of(&guest);
    guest.power(PowerAction::On).await.unwrap();
    let failed = |event: &BackendEvent| match event {
        BackendEvent::ActionFailed { reason } => reason.contains("QEMU exited with code 1"),
        _ => false,
    };
    until("the failure is told", || log.has(failed)).await;
    assert_eq!(guest.power_state().await.ok(), Some(PowerState::Off));
}

#[tokio::test]
async fn changes_that_others_make_are_told() {
    let world = World::of(PveVersion::V9).await;
    world.simulator.add_guest(GuestSpec::qemu(101).running());
    let guest = world.guest(101).await;
    let (log, _listener) = Log::of(&guest);
    until_power(&guest, PowerState::On).await;
    world.simulator.power_off_inside(101);
    // Somebody looks at the machine, so it is looked at every other second.
    let _ = guest.known_power_state();
    until("off is told", || {
        log.has(|event| *event == BackendEvent::Power(PowerState::Off))
    })
    .await;
}

#[tokio::test]
async fn interrupt_needs_the_right_to_the_monitor() {
    let world = World::of(PveVersion::V8).await;
    world.simulator.add_guest(GuestSpec::qemu(101).running());
    let guest = world.guest(101).await;
    assert!(guest.power_actions().contains(PowerActions::DIAGNOSTIC_INTERRUPT));
    guest.power(PowerAction::DiagnosticInterrupt).await.unwrap();
    assert!(
        world.events(101).iter().any(|event| event == "nmi"),
        "{:?}",
        world.events(101)
    );

    let world = World::of(PveVersion::V9).await;
    world.simulator.add_guest(GuestSpec::qemu(101).running());
    let guest = world.guest(101).await;
    assert!(!guest.power_actions().contains(PowerActions::DIAGNOSTIC_INTERRUPT));
    let error = guest.power(PowerAction::DiagnosticInterrupt).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Unsupported);
}

#[tokio::test]
async fn guest_that_moves_is_followed() {
    let world = World::start(Simulator::builder().nodes(2).speed(10)).await;
    world
        .simulator
        .add_guest(GuestSpec::qemu(101).node("pve1").running());
    let guest = world.guest(101).await;
    until_power(&guest, PowerState::On).await;
    world
        .simulator
        .migrate(101, "pve2", Duration::from_secs(1))
        .await
        .unwrap();
    settle(&guest, PowerAction::Off, PowerState::Off).await;
    assert_eq!(guest.node().as_deref(), Some("pve2"));
}
