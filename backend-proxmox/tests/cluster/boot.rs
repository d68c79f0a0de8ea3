//! What a guest boots from: one time is one time, and its own order is never lost.

use std::sync::Arc;

use backend_proxmox::simulator::{Fault, FaultRule, GuestSpec, PveVersion, Simulator};
use backend_proxmox::{FileJournal, Guest};
use ipmi_server::backend::{
    BackendErrorKind, BmcBackend, BootDevice, BootMode, BootOverride, BootPersistence, PowerAction,
    PowerState,
};

use crate::support::{World, settle, until};

const OWN: &str = "order=scsi0;ide2;net0";

async fn choose(guest: &Guest, device: BootDevice, persistence: BootPersistence) {
    let wish = BootOverride {
        device,
        mode: BootMode::Legacy,
        persistence,
    };
    guest.boot().unwrap().set_override(Some(wish)).await.unwrap();
}

fn starts(world: &World, vmid: u32) -> Vec<String> {
    let events = world.events(vmid).into_iter();
    events.filter(|event| event.starts_with("start")).collect()
}

async fn until_own(world: &World, vmid: u32) {
    until("the machine's own order is back", || {
        let guest = world.simulator.guest(vmid).unwrap();
        guest.next_boot.as_deref() == Some(OWN)
    })
    .await;
}

#[tokio::test]
async fn one_boot_is_from_the_network_and_the_next_is_not() {
    for version in [PveVersion::V7, PveVersion::V8, PveVersion::V9] {
        let world = World::start(Simulator::builder().version(version).speed(10)).await;
        let guest = world.guest(100).await;
        choose(&guest, BootDevice::Pxe, BootPersistence::NextBoot).await;
        assert_eq!(
            world.simulator.guest(100).unwrap().next_boot.as_deref(),
            Some(OWN)
        );
        settle(&guest, PowerAction::On, PowerState::On).await;
        until_own(&world, 100).await;
        settle(&guest, PowerAction::Off, PowerState::Off).await;
        settle(&guest, PowerAction::On, PowerState::On).await;
        assert_eq!(
            starts(&world, 100),
            ["start, boots from net0", "start, boots from scsi0"],
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn reset_with_an_override_that_waits_takes_effect() {
    let world = World::start(Simulator::builder().speed(10)).await;
    let guest = world.guest(100).await;
    settle(&guest, PowerAction::On, PowerState::On).await;
    choose(&guest, BootDevice::Pxe, BootPersistence::NextBoot).await;
    guest.power(PowerAction::Reset).await.unwrap();
    until("booted again", || starts(&world, 100).len() == 2).await;
    assert_eq!(starts(&world, 100)[1], "start, boots from net0");
    until_own(&world, 100).await;
}

#[tokio::test]
async fn lasting_order_lasts_and_can_be_taken_back() {
    let world = World::start(Simulator::builder().speed(10)).await;
    let guest = world.guest(100).await;
    choose(&guest, BootDevice::Pxe, BootPersistence::EveryBoot).await;
    for _ in 0..2 {
        settle(&guest, PowerAction::On, PowerState::On).await;
        settle(&guest, PowerAction::Off, PowerState::Off).await;
    }
    assert_eq!(
        starts(&world, 100),
        ["start, boots from net0", "start, boots from net0"]
    );
    guest.boot().unwrap().set_override(None).await.unwrap();
    assert_eq!(
        world.simulator.guest(100).unwrap().next_boot.as_deref(),
        Some(OWN)
    );
}

#[tokio::test]
async fn order_of_the_old_format_comes_back_byte_for_byte() {
    let world = World::start(Simulator::builder().speed(10)).await;
    let old = GuestSpec::qemu(101).set("boot", "cdn").set("bootdisk", "scsi0");
    world.simulator.add_guest(old);
    let guest = world.guest(101).await;
    choose(&guest, BootDevice::Pxe, BootPersistence::NextBoot).await;
    settle(&guest, PowerAction::On, PowerState::On).await;
    assert_eq!(starts(&world, 101), ["start, boots from net0"]);
    until("the old order is back", || {
        world.simulator.guest(101).unwrap().next_boot.as_deref() == Some("cdn")
    })
    .await;
    settle(&guest, PowerAction::Off, PowerState::Off).await;
    settle(&guest, PowerAction::On, PowerState::On).await;
    assert_eq!(world.simulator.config(101, "bootdisk").as_deref(), Some("scsi0"));
}

#[tokio::test]
async fn order_is_put_back_by_another_life_of_the_program() {
    let world = World::start(Simulator::builder().speed(10)).await;
    let directory = tempfile::tempdir().unwrap();
    let journal = || Arc::new(FileJournal::open(directory.path()).unwrap());
    let cluster = world.with_journal(journal()).await;
    let guest = cluster.find("100").await.unwrap();
    choose(&guest, BootDevice::Pxe, BootPersistence::NextBoot).await;
    // The first change goes through, what would put it back does not.
    let put = FaultRule::new(Fault::Error("no".to_owned())).on("PUT /nodes/{node}/qemu/{vmid}/config");
    world.simulator.inject(put.after(1));
    settle(&guest, PowerAction::On, PowerState::On).await;
    assert_eq!(starts(&world, 100), ["start, boots from net0"]);
    assert_ne!(
        world.simulator.guest(100).unwrap().next_boot.as_deref(),
        Some(OWN)
    );
    drop((guest, cluster));
    world.simulator.clear_faults();
    let cluster = world.with_journal(journal()).await;
    let _guest = cluster.find("100").await.unwrap();
    until_own(&world, 100).await;
}

#[tokio::test]
async fn start_that_fails_keeps_the_override_and_the_own_order() {
    let world = World::start(Simulator::builder().speed(10)).await;
    let guest = world.guest(100).await;
    world.simulator.set_start_error(100, Some("start failed"));
    choose(&guest, BootDevice::Pxe, BootPersistence::NextBoot).await;
    guest.power(PowerAction::On).await.unwrap();
    until_own(&world, 100).await;
    world.simulator.set_start_error(100, None);
    until("the failure was seen", || {
        matches!(world.simulator.newest_task("qmstart", 100), Some(Some(_)))
    })
    .await;
    settle(&guest, PowerAction::On, PowerState::On).await;
    assert_eq!(
        starts(&world, 100).last().map(String::as_str),
        Some("start, boots from net0")
    );
}

#[tokio::test]
async fn order_that_somebody_else_chose_meanwhile_stays() {
    let world = World::start(Simulator::builder().speed(10)).await;
    let guest = world.guest(100).await;
    choose(&guest, BootDevice::Pxe, BootPersistence::EveryBoot).await;
    world.simulator.set_config(100, "boot", Some("order=ide2"));
    guest.boot().unwrap().set_override(None).await.unwrap();
    assert_eq!(
        world.simulator.guest(100).unwrap().next_boot.as_deref(),
        Some("order=ide2")
    );
}

#[tokio::test]
async fn device_that_is_not_there_is_refused() {
    let world = World::of(PveVersion::V9).await;
    world
        .simulator
        .add_guest(GuestSpec::qemu(101).unset("net0").set("boot", "order=scsi0"));
    let guest = world.guest(101).await;
    for device in [BootDevice::Pxe, BootDevice::Removable, BootDevice::FirmwareSetup] {
        let wish = BootOverride {
            device,
            mode: BootMode::Legacy,
            persistence: BootPersistence::NextBoot,
        };
        let error = guest.boot().unwrap().set_override(Some(wish)).await.unwrap_err();
        assert_eq!(error.kind(), BackendErrorKind::Unsupported, "{device:?}");
    }
}

#[tokio::test]
async fn firmware_setup_of_uefi_is_entered_by_its_key() {
    let world = World::start(Simulator::builder().speed(10)).await;
    world
        .simulator
        .add_guest(GuestSpec::qemu(101).set("bios", "ovmf"));
    let guest = world.guest(101).await;
    choose(&guest, BootDevice::FirmwareSetup, BootPersistence::NextBoot).await;
    settle(&guest, PowerAction::On, PowerState::On).await;
    until("the key is pressed", || {
        world.events(101).iter().any(|event| event == "key f2")
    })
    .await;
}
