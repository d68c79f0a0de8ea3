//! What concerns the cluster as a whole: snapshots, finding guests, inventory, sensors.

use std::time::Duration;

use backend_proxmox::simulator::{GuestSpec, PveVersion, Simulator};
use backend_proxmox::{ApiError, GuestFilter, GuestKind};
use ipmi_server::backend::{BmcBackend, SensorValue};

use crate::support::{World, until};

#[tokio::test]
async fn snapshots_are_made_listed_and_deleted() {
    for version in [PveVersion::V7, PveVersion::V8, PveVersion::V9] {
        let world = World::start(Simulator::builder().version(version).speed(10)).await;
        let guest = world.guest(100).await;
        assert_eq!(guest.snapshots().await.unwrap(), []);
        guest.make_snapshot("before", false).await.unwrap();
        let names: Vec<_> = guest
            .snapshots()
            .await
            .unwrap()
            .into_iter()
            .map(|one| one.name)
            .collect();
        assert_eq!(names, ["before"], "{version:?}");
        let error = guest.make_snapshot("before", false).await.unwrap_err();
        assert!(error.to_string().contains("already used"), "{version:?}: {error}");
        guest.roll_back("before").await.unwrap();
        guest.delete_snapshot("before").await.unwrap();
        assert_eq!(guest.snapshots().await.unwrap(), []);
        assert!(matches!(
            guest.make_snapshot("../x", false).await,
            Err(ApiError::Unsupported { .. })
        ));
    }
}

#[tokio::test]
async fn guests_are_found_by_what_they_are() {
    let world = World::start(Simulator::builder().nodes(2)).await;
    world
        .simulator
        .add_guest(GuestSpec::qemu(101).node("pve2").set("tags", "lab"));
    world.simulator.add_guest(GuestSpec::lxc(300));
    let cluster = world.cluster().await;
    let mut filter = GuestFilter::default();
    let found = cluster.discover(&filter).await.unwrap();
    assert_eq!(
        found.iter().map(|guest| guest.vmid).collect::<Vec<_>>(),
        [100, 101, 300]
    );
    filter.kind = Some(GuestKind::Qemu);
    filter.node = Some("pve2".to_owned());
    let found = cluster.discover(&filter).await.unwrap();
    assert_eq!(found.iter().map(|guest| guest.vmid).collect::<Vec<_>>(), [101]);
}

#[tokio::test]
async fn inventory_names_the_parts_that_cannot_be_read() {
    let world = World::of(PveVersion::V8).await;
    world.simulator.revoke("/", "bmc@pve");
    let inventory = world.cluster().await.inventory().await;
    assert!(inventory.version.is_ok());
    assert!(
        matches!(inventory.cluster, Err(ApiError::Privilege { .. })),
        "{:?}",
        inventory.cluster
    );
    let json = inventory.to_json();
    let why = json["cluster"]["unavailable"].as_str().unwrap();
    assert!(why.contains("Sys.Audit"), "{why}");
}

#[tokio::test]
async fn sensors_follow_the_guest() {
    let world = World::start(Simulator::builder().report_interval(Duration::from_secs(1))).await;
    world.simulator.add_guest(GuestSpec::qemu(101).running());
    let guest = world.guest(101).await;
    let sensors = guest.sensors().unwrap();
    let memory = sensors
        .sensors()
        .into_iter()
        .find(|sensor| sensor.name == "Memory Usage")
        .unwrap()
        .id;
    until("a memory reading", || {
        guest.known_power_state();
        sensors.read(memory).is_some()
    })
    .await;
    let SensorValue::Number(value) = sensors.read(memory).unwrap().value else {
        panic!("not a number");
    };
    assert!((0.0..=100.0).contains(&value), "{value}");
    // A guest that is off has none.
    let off = world.guest(100).await;
    assert!(off.sensors().unwrap().read(memory).is_none());
}
