//! Guests are started and stopped, and what they boot from is fixed by their start.

use std::time::Duration;

use backend_proxmox::simulator::{GuestSpec, PveVersion, Simulator};

use crate::client::{Client, DEADLINE};

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

#[tokio::test]
async fn a_shutdown_keeps_the_lock_file_until_it_is_overruled() {
    let (simulator, client) = cluster(PveVersion::V9).await;
    simulator.add_guest(GuestSpec::qemu(100).running().shutdown_after(None));
    let status = "/nodes/pve1/qemu/100/status";
    let shutdown = client
        .call("POST", &format!("{status}/shutdown"), &[("timeout", "600")])
        .await
        .data();
    let stopped = client.run("POST", &format!("{status}/stop"), &[]).await;
    assert_eq!(
        stopped,
        "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout"
    );
    assert_eq!(
        client
            .run("POST", &format!("{status}/stop"), &[("overrule-shutdown", "1")])
            .await,
        "OK"
    );
    assert_eq!(
        client.exit_status(shutdown.as_str().unwrap()).await,
        "received interrupt"
    );
    let (simulator, client) = cluster(PveVersion::V7).await;
    simulator.add_guest(GuestSpec::qemu(100).running());
    let reply = client
        .call("POST", &format!("{status}/stop"), &[("overrule-shutdown", "1")])
        .await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn a_reboot_ends_with_a_start_in_the_name_of_root() {
    let (simulator, client) = cluster(PveVersion::V8).await;
    simulator.add_guest(GuestSpec::qemu(100).running());
    let pid = simulator.guest(100).unwrap().pid;
    client
        .call("PUT", "/nodes/pve1/qemu/100/config", &[("boot", "order=net0")])
        .await
        .data();
    assert_eq!(
        client
            .run("POST", "/nodes/pve1/qemu/100/status/reboot", &[])
            .await,
        "OK"
    );
    let started = || simulator.newest_task("qmstart", 100).flatten().is_some();
    until(started).await;
    let guest = simulator.guest(100).unwrap();
    assert!(guest.running && guest.pid != pid);
    assert_eq!(guest.boots_from.as_deref(), Some("net0"));
}

#[tokio::test]
async fn a_machine_on_disk_is_resumed() {
    let (simulator, client) = cluster(PveVersion::V9).await;
    simulator.add_guest(GuestSpec::qemu(100).running());
    let status = "/nodes/pve1/qemu/100/status";
    assert_eq!(client.run("POST", &format!("{status}/suspend"), &[]).await, "OK");
    assert_eq!(
        client.get(&format!("{status}/current")).await["qmpstatus"],
        "paused"
    );
    let refused = client.call("POST", &format!("{status}/shutdown"), &[]).await;
    assert_eq!(refused.reason, "VM is paused - cannot shutdown");
    assert_eq!(client.run("POST", &format!("{status}/resume"), &[]).await, "OK");
    assert_eq!(
        client
            .run("POST", &format!("{status}/suspend"), &[("todisk", "1")])
            .await,
        "OK"
    );
    let guest = simulator.guest(100).unwrap();
    assert_eq!((guest.running, guest.lock.as_deref()), (false, Some("suspended")));
    assert_eq!(client.run("POST", &format!("{status}/start"), &[]).await, "OK");
    let guest = simulator.guest(100).unwrap();
    assert_eq!((guest.running, guest.lock), (true, None));
}

#[tokio::test]
async fn containers_refuse_what_machines_take() {
    let (simulator, client) = cluster(PveVersion::V9).await;
    simulator.add_guest(GuestSpec::lxc(300));
    let status = "/nodes/pve1/lxc/300/status";
    let reply = client.call("POST", &format!("{status}/stop"), &[]).await;
    assert_eq!((reply.status, reply.reason.as_str()), (500, "CT 300 not running"));
    assert_eq!(client.run("POST", &format!("{status}/start"), &[]).await, "OK");
    let reply = client.call("POST", &format!("{status}/start"), &[]).await;
    assert_eq!(
        (reply.status, reply.reason.as_str()),
        (500, "CT 300 already running")
    );
    assert_eq!(client.run("POST", &format!("{status}/shutdown"), &[]).await, "OK");
    assert!(!simulator.guest(300).unwrap().running);
}

#[tokio::test]
async fn a_migrated_machine_is_found_elsewhere() {
    let simulator = Simulator::builder().nodes(2).speed(1000).start().await.unwrap();
    let client = Client::root(&simulator);
    simulator.add_guest(GuestSpec::qemu(100).running());
    let migrate = "/nodes/pve1/qemu/100/migrate";
    assert_eq!(
        client
            .run("POST", migrate, &[("target", "pve2"), ("online", "1")])
            .await,
        "OK"
    );
    let rows = client.get("/cluster/resources?type=vm").await;
    assert_eq!(
        (&rows[0]["node"], &rows[0]["status"]),
        (&"pve2".into(), &"running".into())
    );
    let reply = client
        .call("GET", "/nodes/pve1/qemu/100/status/current", &[])
        .await;
    assert_eq!(
        reply.reason,
        "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist"
    );
    assert_eq!(
        client.get("/nodes/pve2/qemu/100/status/current").await["status"],
        "running"
    );
    // A power action meanwhile finds the machine locked.
    let moving = tokio::spawn({
        let simulator = simulator.clone();
        async move { simulator.migrate(100, "pve1", Duration::from_secs(360_000)).await }
    });
    until(|| simulator.guest(100).unwrap().lock.is_some()).await;
    assert_eq!(
        client.run("POST", "/nodes/pve2/qemu/100/status/stop", &[]).await,
        "VM is locked (migrate)"
    );
    simulator.advance(Duration::from_secs(360_000));
    moving.await.unwrap().unwrap();
    assert_eq!(simulator.guest(100).unwrap().node, "pve1");
}

#[tokio::test]
async fn without_a_majority_nothing_is_started_or_written() {
    let simulator = Simulator::builder().nodes(3).speed(1000).start().await.unwrap();
    let client = Client::root(&simulator);
    simulator.add_guest(GuestSpec::qemu(100));
    simulator.set_quorate(false);
    let status = client.get("/cluster/status").await;
    assert_eq!(
        (&status[0]["type"], &status[0]["quorate"]),
        (&"cluster".into(), &0.into())
    );
    let start = "/nodes/pve1/qemu/100/status/start";
    assert_eq!(
        client.run("POST", start, &[]).await,
        "cluster not ready - no quorum?"
    );
    let reply = client
        .call("PUT", "/nodes/pve1/qemu/100/config", &[("boot", "order=net0")])
        .await;
    assert_eq!(
        (reply.status, reply.reason.as_str()),
        (500, "cluster not ready - no quorum?")
    );
    simulator.set_quorate(true);
    assert_eq!(client.run("POST", start, &[]).await, "OK");
}

#[tokio::test]
async fn the_manager_acts_later() {
    let simulator = Simulator::builder().start().await.unwrap();
    let client = Client::root(&simulator);
    simulator.add_guest(GuestSpec::qemu(100));
    simulator.set_managed(100, true);
    assert_eq!(
        client.run("POST", "/nodes/pve1/qemu/100/status/start", &[]).await,
        "OK"
    );
    assert_eq!(simulator.newest_task("hastart", 100), Some(Some("OK".to_owned())));
    assert!(!simulator.guest(100).unwrap().running);
    let current = client.get("/nodes/pve1/qemu/100/status/current").await;
    assert_eq!(
        current["ha"],
        serde_json::json!({"managed": 1, "state": "started"})
    );
    simulator.advance(Duration::from_secs(10));
    until(|| simulator.guest(100).unwrap().running).await;
}

#[tokio::test]
async fn the_list_of_resources_lags() {
    let simulator = Simulator::builder()
        .speed(1000)
        .report_interval(Duration::from_secs(100_000));
    let simulator = simulator.start().await.unwrap();
    let client = Client::root(&simulator);
    simulator.add_guest(GuestSpec::qemu(100));
    assert_eq!(
        client.run("POST", "/nodes/pve1/qemu/100/status/start", &[]).await,
        "OK"
    );
    let listed = || async { client.get("/cluster/resources?type=vm").await[0]["status"].clone() };
    assert_eq!(listed().await, "stopped");
    assert_eq!(client.get("/nodes/pve1/qemu").await[0]["status"], "running");
    simulator.report_now();
    assert_eq!(listed().await, "running");
}

#[tokio::test]
async fn a_node_has_three_workers() {
    let simulator = Simulator::builder().speed(1).start().await.unwrap();
    let client = Client::root(&simulator);
    simulator.add_guest(GuestSpec::qemu(100).set("agent", "1").running());
    // An agent that is not there blocks a worker for three seconds each time.
    let ask = || client.call("POST", "/nodes/pve1/qemu/100/agent/ping", &[]);
    let all = tokio::spawn({
        let (client, simulator) = (client.clone(), simulator.clone());
        async move {
            until(|| {
                simulator
                    .counters()
                    .of("POST /nodes/{node}/qemu/{vmid}/agent/ping")
                    == 6
            })
            .await;
            until(|| simulator.counters().busiest == 3).await;
            for _ in 0..2 {
                simulator.advance(Duration::from_secs(3));
            }
            drop(client);
        }
    });
    let replies = tokio::join!(ask(), ask(), ask(), ask(), ask(), ask());
    all.await.unwrap();
    assert_eq!(replies.0.reason, "QEMU guest agent is not running");
    assert_eq!(simulator.counters().busiest, 3);
}

/// Polls until something has come about.
async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait)
        .await
        .expect("it does not come about");
}
