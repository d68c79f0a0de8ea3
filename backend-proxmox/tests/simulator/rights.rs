//! Who may do what where.

use backend_proxmox::simulator::{GuestSpec, PveVersion, Simulator};
use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn rights_are_looked_up_by_path_and_pool() {
    let simulator = Simulator::builder().speed(1000).start().await.unwrap();
    simulator.add_guest(GuestSpec::qemu(100));
    simulator.add_guest(GuestSpec::qemu(101).pool("lab"));
    simulator.add_user("bmc@pve", "secret12");
    let secret = simulator.add_token("bmc@pve!power", true);
    simulator.add_role("Power", &["VM.PowerMgmt", "VM.Audit"]);
    let client = Client::token(&simulator, "bmc@pve!power", &secret);
    let listed = || async {
        let rows = client.get("/cluster/resources?type=vm").await;
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row["vmid"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    // The user alone has them: a token with separated rights has none.
    simulator.grant("/vms", "bmc@pve", "Power");
    assert!(listed().await.is_empty());
    let start = |vmid: u32| format!("/nodes/pve1/qemu/{vmid}/status/start");
    let refused = client.call("POST", &start(100), &[]).await;
    assert_eq!(refused.reason, "Permission check failed (/vms/100, VM.PowerMgmt)");
    simulator.grant("/pool/lab", "bmc@pve!power", "Power");
    assert_eq!(listed().await, [101]);
    assert_eq!(client.run("POST", &start(101), &[]).await, "OK");
    assert_eq!(client.call("POST", &start(100), &[]).await.status, 403);
    simulator.grant("/vms", "bmc@pve!power", "Power");
    assert_eq!(listed().await, [100, 101]);
    let have = client
        .call("GET", "/access/permissions", &[("path", "/vms/100")])
        .await
        .data();
    assert_eq!(have, json!({"/vms/100": {"VM.Audit": 1, "VM.PowerMgmt": 1}}));
    // Whoever may only look may not change the boot order.
    let reply = client
        .call("PUT", "/nodes/pve1/qemu/100/config", &[("boot", "order=net0")])
        .await;
    assert_eq!((reply.status, reply.closes), (403, true));
    simulator.add_role("Power", &["VM.PowerMgmt", "VM.Audit", "VM.Config.Options"]);
    let reply = client
        .call("PUT", "/nodes/pve1/qemu/100/config", &[("boot", "order=net0")])
        .await;
    assert_eq!(reply.reason, "Permission check failed (/vms/100, VM.Config.Disk)");
}

#[tokio::test]
async fn the_monitor_changed_its_rights() {
    for version in PveVersion::ALL {
        let simulator = Simulator::builder()
            .version(version)
            .speed(1000)
            .start()
            .await
            .unwrap();
        simulator.add_guest(GuestSpec::qemu(100).running());
        let client = Client::root(&simulator);
        let reply = client
            .call("POST", "/nodes/pve1/qemu/100/monitor", &[("command", "nmi")])
            .await;
        let arrived = simulator.guest(100).unwrap().events.contains(&"nmi".to_owned());
        assert_eq!(
            (reply.status == 200, arrived),
            if version < PveVersion::V9 {
                (true, true)
            } else {
                (false, false)
            }
        );
        simulator.add_user("bmc@pve", "x");
        let secret = simulator.add_token("bmc@pve!mon", false);
        simulator.grant("/vms", "bmc@pve", "PVEVMAdmin");
        let client = Client::token(&simulator, "bmc@pve!mon", &secret);
        let reply = client
            .call(
                "POST",
                "/nodes/pve1/qemu/100/monitor",
                &[("command", "info status")],
            )
            .await;
        assert_eq!(
            reply.status == 200,
            version < PveVersion::V9,
            "{version:?}: {}",
            reply.reason
        );
    }
}

#[tokio::test]
async fn a_destroyed_machine_takes_its_rights_along() {
    let simulator = Simulator::builder().speed(1000).start().await.unwrap();
    simulator.add_guest(GuestSpec::qemu(100));
    simulator.add_user("bmc@pve", "x");
    let secret = simulator.add_token("bmc@pve!t1", false);
    simulator.grant("/vms/100", "bmc@pve", "PVEVMUser");
    let client = Client::token(&simulator, "bmc@pve!t1", &secret);
    client.get("/nodes/pve1/qemu/100/status/current").await;
    let root = Client::root(&simulator);
    assert_eq!(root.run("DELETE", "/nodes/pve1/qemu/100", &[]).await, "OK");
    simulator.add_guest(GuestSpec::qemu(100));
    let reply = client
        .call("GET", "/nodes/pve1/qemu/100/status/current", &[])
        .await;
    assert_eq!(reply.reason, "Permission check failed (/vms/100, VM.Audit)");
}
