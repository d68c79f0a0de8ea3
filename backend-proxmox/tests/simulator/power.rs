//! Guests are started and stopped, and what they boot from is fixed by their start.

use backend_proxmox::simulator::{GuestSpec, PveVersion, Simulator};

use crate::client::Client;

async fn cluster(version: PveVersion) -> (Simulator, Client) {
    let simulator = Simulator::builder()
        .version(version)
        .speed(20)
        .start()
        .await
        .unwrap();
    let client = Client::root(&simulator);
    (simulator, client)
}

#[tokio::test]
async fn start_and_stop_are_tasks() {
    for version in PveVersion::ALL {
        let (simulator, client) = cluster(version).await;
        simulator.add_guest(GuestSpec::qemu(100));
        let status = "/nodes/pve1/qemu/100/status";
        assert_eq!(
            client.get(&format!("{status}/current")).await["status"],
            "stopped"
        );
        assert_eq!(client.run("POST", &format!("{status}/stop"), &[]).await, "OK");
        assert_eq!(client.run("POST", &format!("{status}/start"), &[]).await, "OK");
        let current = client.get(&format!("{status}/current")).await;
        assert_eq!(
            (&current["status"], &current["qmpstatus"]),
            (&"running".into(), &"running".into())
        );
        assert_eq!(
            client.run("POST", &format!("{status}/start"), &[]).await,
            "VM 100 already running"
        );
        assert_eq!(client.run("POST", &format!("{status}/stop"), &[]).await, "OK");
        assert!(!simulator.guest(100).unwrap().running);
    }
}

#[tokio::test]
async fn the_boot_order_is_baked_in_at_the_start() {
    let (simulator, client) = cluster(PveVersion::V9).await;
    simulator.add_guest(GuestSpec::qemu(100).running());
    let boots_from = || simulator.guest(100).unwrap().boots_from.unwrap();
    let (config, status) = ("/nodes/pve1/qemu/100/config", "/nodes/pve1/qemu/100/status");
    assert_eq!(boots_from(), "scsi0");
    client
        .call("PUT", config, &[("boot", "order=net0;scsi0")])
        .await
        .data();
    assert_eq!(client.get(config).await["boot"], "order=net0;scsi0");
    assert_eq!(
        client.get(&format!("{config}?current=1")).await["boot"],
        "order=scsi0;ide2;net0"
    );
    assert_eq!(client.run("POST", &format!("{status}/reset"), &[]).await, "OK");
    assert_eq!(boots_from(), "scsi0");
    assert_eq!(simulator.guest(100).unwrap().pending, ["boot"]);
    assert_eq!(client.run("POST", &format!("{status}/stop"), &[]).await, "OK");
    assert_eq!(client.run("POST", &format!("{status}/start"), &[]).await, "OK");
    assert_eq!(boots_from(), "net0");
    assert_eq!(
        client.get(&format!("{config}?current=1")).await["boot"],
        "order=net0;scsi0"
    );
    // The value that the machine has already does not wait.
    client
        .call("PUT", config, &[("boot", "order=scsi0")])
        .await
        .data();
    client
        .call("PUT", config, &[("boot", "order=net0;scsi0")])
        .await
        .data();
    assert!(simulator.guest(100).unwrap().pending.is_empty());
}
