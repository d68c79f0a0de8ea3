//! The API sees as many requests with many guests as with one.

use std::time::Duration;

use backend_proxmox::simulator::{GuestSpec, Simulator};
use ipmi_server::backend::{BmcBackend, PowerState};

use crate::support::{World, until};

const GUESTS: u32 = 100;

#[tokio::test]
async fn requests_do_not_grow_with_the_guests() {
    let world = World::start(Simulator::builder().nodes(2)).await;
    for vmid in 1000..1000 + GUESTS {
        let node = if vmid % 2 == 0 { "pve1" } else { "pve2" };
        world
            .simulator
            .add_guest(GuestSpec::qemu(vmid).node(node).running());
    }
    let cluster = world.cluster().await;
    let mut guests = Vec::new();
    for vmid in 1000..1000 + GUESTS {
        guests.push(cluster.find(&vmid.to_string()).await.unwrap());
    }
    let all_known = || {
        guests
            .iter()
            .all(|guest| guest.known_power_state() == Some(PowerState::On))
    };
    until("all states are known", all_known).await;
    world.simulator.take_counters();
    let window = Duration::from_secs(6);
    let end = std::time::Instant::now() + window;
    while std::time::Instant::now() < end {
        for guest in &guests {
            guest.known_power_state();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let counters = world.simulator.counters();
    let total = counters.total();
    // Every other second two lists and the quorum, and the view once in a while: far from one per guest.
    assert!((4..=25).contains(&total), "{total} requests: {counters:?}");
    assert_eq!(counters.of("GET /nodes/{node}/qemu/{vmid}"), 0);
    assert!(counters.busiest <= 2, "{counters:?}");
}
