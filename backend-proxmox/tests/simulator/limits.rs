//! How connections are kept and ended, who is let in, and what goes wrong on demand.

use std::time::Duration;

use backend_proxmox::simulator::{Fault, FaultRule, GuestSpec, NodeFailure, PveVersion, Simulator};
use serde_json::Value;

use crate::client::{Client, DEADLINE};

async fn fast() -> (Simulator, Client) {
    let simulator = Simulator::builder().nodes(2).speed(100).start().await.unwrap();
    let client = Client::root(&simulator);
    (simulator, client)
}

#[tokio::test]
async fn a_connection_carries_a_hundred_requests() {
    let (simulator, client) = fast().await;
    let mut connection = client.open().await.unwrap();
    for number in 1..=100 {
        let reply = client
            .send(&mut connection, "GET", "/version", &[])
            .await
            .unwrap();
        assert_eq!(
            (reply.status, reply.closes),
            (200, number == 100),
            "request {number}"
        );
    }
    assert!(
        client
            .send(&mut connection, "GET", "/version", &[])
            .await
            .is_err()
    );
    let counters = simulator.take_counters();
    assert_eq!((counters.of("GET /version"), counters.connections), (100, 1));
    assert_eq!(simulator.counters().total(), 0);
}

#[tokio::test]
async fn idle_connections_and_those_with_errors_are_closed() {
    let simulator = Simulator::builder()
        .keep_alive(Duration::from_millis(50), 100)
        .start()
        .await
        .unwrap();
    let client = Client::root(&simulator);
    let mut connection = client.open().await.unwrap();
    let reply = client
        .send(&mut connection, "GET", "/nonsense", &[])
        .await
        .unwrap();
    assert_eq!((reply.status, reply.closes), (501, true));
    let mut connection = client.open().await.unwrap();
    client
        .send(&mut connection, "GET", "/version", &[])
        .await
        .unwrap();
    let closed = async {
        while !connection.is_closed() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, closed)
        .await
        .expect("the idle connection stays open");
}

#[tokio::test]
async fn refused_logins_have_the_words_of_their_version() {
    for version in PveVersion::ALL {
        let simulator = Simulator::builder()
            .version(version)
            .speed(1000)
            .start()
            .await
            .unwrap();
        let secret = simulator.add_token("root@pam!bmc", false);
        simulator.add_token("root@pam!old", false);
        simulator.expire_token("root@pam!old");
        let cases = [
            ("root@pam!bmc", "wrong", "invalid token value!"),
            (
                "root@pam!nope",
                &secret,
                "no such token 'nope' for user 'root@pam'",
            ),
            ("nobody@pve!bmc", &secret, "no such user ('nobody@pve')"),
            ("root@pam!old", &secret, "token 'old' access expired"),
        ];
        for (id, secret, reason) in cases {
            let reply = Client::token(&simulator, id, secret)
                .call("GET", "/version", &[])
                .await;
            let reason = if version == PveVersion::V9 {
                "Authentication failed!"
            } else {
                reason
            };
            assert_eq!(
                (reply.status, reply.reason.as_str(), reply.body.len()),
                (401, reason, 0)
            );
        }
        let reply = Client::with(&simulator, Vec::new())
            .call("GET", "/version", &[])
            .await;
        assert_eq!((reply.status, reply.reason.as_str()), (401, "No ticket"));
    }
}

#[tokio::test]
async fn a_login_takes_as_long_as_it_should() {
    let simulator = Simulator::builder().speed(0).start().await.unwrap();
    let client = Client::with(&simulator, Vec::new());
    let call = tokio::spawn(async move { client.call("GET", "/version", &[]).await });
    let asked = async {
        while simulator.counters().total() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, asked).await.unwrap();
    simulator.advance(Duration::from_millis(2900));
    tokio::task::yield_now().await;
    assert!(!call.is_finished());
    simulator.advance(Duration::from_millis(200));
    assert_eq!(call.await.unwrap().status, 401);
}

#[tokio::test]
async fn tickets_need_the_header_against_forgery_and_end() {
    let (simulator, _) = fast().await;
    simulator.add_user("bmc@pve", "secret12");
    simulator.grant("/", "bmc@pve", "Administrator");
    simulator.add_guest(GuestSpec::qemu(100));
    let nobody = Client::with(&simulator, Vec::new());
    let wrong = nobody
        .call(
            "POST",
            "/access/ticket",
            &[("username", "bmc@pve"), ("password", "wrong")],
        )
        .await;
    assert_eq!(
        (wrong.status, wrong.reason.as_str()),
        (401, "authentication failure")
    );
    let given = nobody
        .call(
            "POST",
            "/access/ticket",
            &[("username", "bmc@pve"), ("password", "secret12")],
        )
        .await
        .data();
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    let cookie = ("cookie", format!("PVEAuthCookie={}", text("ticket")));
    let csrf = ("csrfpreventiontoken", text("CSRFPreventionToken"));
    let start = "/nodes/pve1/qemu/100/status/start";
    let without = Client::with(&simulator, vec![cookie.clone()]);
    assert_eq!(without.get("/version").await["release"], "9.2");
    let forged = without.call("POST", start, &[]).await;
    assert_eq!(
        (forged.status, forged.reason.as_str()),
        (401, "Permission denied - invalid csrf token")
    );
    let with = Client::with(&simulator, vec![cookie, csrf]);
    assert_eq!(with.run("POST", start, &[]).await, "OK");
    simulator.expire_tickets();
    assert_eq!(with.call("GET", "/version", &[]).await.status, 401);
}

#[tokio::test]
async fn requests_that_are_none_are_refused() {
    let (_simulator, client) = fast().await;
    let reply = client.call("HEAD", "/version", &[]).await;
    assert_eq!(
        (reply.status, reply.reason.as_str()),
        (501, "method 'HEAD' not available")
    );
    let mut connection = client.open().await.unwrap();
    let form = "application/x-www-form-urlencoded";
    let body = |text: &str| text.to_owned();
    let reply = client
        .send_raw(
            &mut connection,
            "DELETE",
            "/api2/json/nodes/pve1/qemu/100",
            form,
            body("a=1"),
        )
        .await
        .unwrap();
    assert_eq!(
        (reply.status, reply.reason.as_str()),
        (501, "Unexpected content for method 'DELETE'")
    );
    let mut connection = client.open().await.unwrap();
    let reply = client
        .send_raw(
            &mut connection,
            "POST",
            "/api2/json/nodes/pve1/qemu/100/status/start",
            "text/plain",
            body("a"),
        )
        .await
        .unwrap();
    assert_eq!(reply.status, 506);
    let mut connection = client.open().await.unwrap();
    let uri = "/api2/extjs/nodes/pve1/qemu/999/status/current";
    let reply = client
        .send_raw(&mut connection, "GET", uri, form, String::new())
        .await
        .unwrap();
    let text = "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist\n";
    assert_eq!(
        (reply.status, &reply.json()["message"]),
        (200, &Value::from(text))
    );
    assert_eq!(
        (&reply.json()["success"], &reply.json()["status"]),
        (&0.into(), &500.into())
    );
}

#[tokio::test]
async fn faults_hit_the_requests_they_are_for() {
    let (simulator, client) = fast().await;
    simulator.add_guest(GuestSpec::qemu(100));
    let start = "/nodes/pve1/qemu/100/status/start";
    let on_start = |fault| {
        FaultRule::new(fault)
            .on("POST /nodes/{node}/qemu/{vmid}/status/start")
            .times(1)
    };
    simulator.inject(on_start(Fault::Cut));
    assert!(client.try_call("POST", start, &[]).await.is_err());
    assert_eq!(simulator.newest_task("qmstart", 100), None);
    simulator.inject(on_start(Fault::Status(596, "tls problem".to_owned())));
    let reply = client.call("POST", start, &[]).await;
    assert_eq!(
        (reply.status, reply.reason.as_str(), reply.body.len()),
        (596, "tls problem", 0)
    );
    simulator.inject(on_start(Fault::Error("got no worker".to_owned())));
    assert_eq!(client.call("POST", start, &[]).await.reason, "got no worker");
    simulator.inject(on_start(Fault::LostAnswer));
    assert!(client.try_call("POST", start, &[]).await.is_err());
    assert!(simulator.newest_task("qmstart", 100).is_some());
    simulator.inject(FaultRule::new(Fault::Hang));
    let mut connection = client.open().await.unwrap();
    let hanging = client.send(&mut connection, "GET", "/version", &[]);
    assert!(
        tokio::time::timeout(Duration::from_millis(50), hanging)
            .await
            .is_err()
    );
    simulator.clear_faults();
    client.get("/version").await;
}

#[tokio::test]
async fn a_node_that_fails_is_seen_by_the_others() {
    let (simulator, client) = fast().await;
    simulator.add_guest(GuestSpec::qemu(200).node("pve2").running());
    let path = "/nodes/pve2/qemu/200/status/current";
    let second = client.clone().on(1);
    assert_eq!(second.get(path).await["status"], "running");
    for (failure, status) in [
        (NodeFailure::Refused, 595),
        (NodeFailure::Broken, 596),
        (NodeFailure::Silent, 595),
    ] {
        simulator.fail_node("pve2", failure);
        let reply = client.call("GET", path, &[]).await;
        assert_eq!(
            (reply.status, reply.body.len()),
            (status, 0),
            "{failure:?}: {reply:?}"
        );
        let rows = client.get("/cluster/resources?type=node").await;
        assert_eq!(
            (&rows[0]["status"], &rows[1]["status"]),
            (&"online".into(), &"offline".into())
        );
        let direct = tokio::time::timeout(Duration::from_secs(3), second.try_call("GET", path, &[])).await;
        assert_eq!(direct.is_err(), failure == NodeFailure::Silent, "{failure:?}");
        assert!(direct.is_err() || direct.unwrap().is_err());
        simulator.restore_node("pve2");
        let back = async {
            while second.try_call("GET", path, &[]).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, back)
            .await
            .expect("the node does not come back");
        assert_eq!(second.get(path).await["status"], "stopped");
    }
}
