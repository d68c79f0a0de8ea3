//! Unknown is never off: what cannot be known is an error.

use backend_proxmox::simulator::{Fault, FaultRule, GuestSpec, NodeFailure, PveVersion, Simulator};
use ipmi_server::backend::{BackendErrorKind, BmcBackend, PowerAction, PowerState};

use crate::support::{World, until, until_power};

#[tokio::test]
async fn guest_of_a_node_that_is_gone_has_no_state() {
    let world = World::start(Simulator::builder().nodes(3)).await;
    world
        .simulator
        .add_guest(GuestSpec::qemu(101).node("pve2").running());
    let guest = world.guest(101).await;
    until_power(&guest, PowerState::On).await;
    world.simulator.fail_node("pve2", NodeFailure::Refused);
    until("the state is not known", || guest.known_power_state().is_none()).await;
    let error = guest.power_state().await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Unavailable);
    let error = guest.power(PowerAction::Off).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Unavailable);
    // The node comes back, its guests are off: now that is known.
    world.simulator.restore_node("pve2");
    until_power(&guest, PowerState::Off).await;
}

#[tokio::test]
async fn another_node_answers_when_the_first_is_gone() {
    let world = World::start(Simulator::builder().nodes(3)).await;
    world
        .simulator
        .add_guest(GuestSpec::qemu(101).node("pve2").running());
    let guest = world.guest(101).await;
    world.simulator.fail_node("pve1", NodeFailure::Refused);
    until_power(&guest, PowerState::On).await;
    guest.power(PowerAction::Off).await.unwrap();
    until_power(&guest, PowerState::Off).await;
}

#[tokio::test]
async fn cluster_without_quorum_has_no_states() {
    let world = World::start(Simulator::builder().nodes(3)).await;
    let guest = world.guest(100).await;
    until_power(&guest, PowerState::Off).await;
    world.simulator.set_quorate(false);
    until("the state is not known", || guest.known_power_state().is_none()).await;
    let error = guest.power(PowerAction::On).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Unavailable);
    world.simulator.set_quorate(true);
    until_power(&guest, PowerState::Off).await;
}

#[tokio::test]
async fn guest_that_is_destroyed_is_not_found() {
    let world = World::of(PveVersion::V9).await;
    let guest = world.guest(100).await;
    until_power(&guest, PowerState::Off).await;
    world.simulator.remove_guest(100);
    until("the state is not known", || guest.known_power_state().is_none()).await;
    let error = guest.power_state().await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::NotFound);
}

#[tokio::test]
async fn start_whose_answer_was_lost_is_not_sent_again() {
    let world = World::of(PveVersion::V9).await;
    let guest = world.guest(100).await;
    until_power(&guest, PowerState::Off).await;
    let start = "POST /nodes/{node}/qemu/{vmid}/status/start";
    world
        .simulator
        .inject(FaultRule::new(Fault::LostAnswer).on(start).times(1));
    world.simulator.take_counters();
    let error = guest.power(PowerAction::On).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Unavailable);
    assert_eq!(world.simulator.counters().of(start), 1);
    // It was started all the same, and that is seen.
    until_power(&guest, PowerState::On).await;
}
