//! `vbmc` for what is behind a BMC: power, boot device, event log, sensors, users, events.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::client::Client;
use crate::daemon::{PASSWORD, USER, Vbmcd, until};

#[test]
fn machines_are_switched_and_booted_as_over_ipmi() {
    let daemon = Vbmcd::demo(&["--count", "2"]);
    assert_eq!(
        daemon.vbmc("power status node1 node2 -f value").ok(),
        "node1 off\nnode2 off\n"
    );
    daemon.vbmc("bootdev pxe node1 --efi").ok();
    assert_eq!(
        daemon.vbmc("bootdev status node1 -f value").ok(),
        "node1 pxe False True\n"
    );
    let client = Client::new(daemon.address());
    let shown = client.ipmitool(&["chassis", "bootparam", "get", "5"]).ok();
    assert!(
        shown.text.contains("Force PXE") && shown.text.contains("EFI"),
        "{}",
        shown.text
    );
    daemon.vbmc("power on node1 node2").ok();
    daemon.wait_for("node1 boot pxe", 1);
    daemon.wait_for("node2 power on", 1);
    until(
        || "node1 does not come up".to_owned(),
        || daemon.vbmc("power status node1 -f value -c Power").ok() == "on\n",
    );
    assert_eq!(
        daemon.vbmc("bootdev status node1 -f value -c Device").ok(),
        "none\n",
        "once is once"
    );
    assert!(
        client
            .ipmitool(&["chassis", "power", "status"])
            .ok()
            .text
            .contains("is on")
    );
    let error = daemon.vbmc("power on node1 nobody").fails(1);
    assert!(error.contains("`nobody`") && error.contains("1 of 2"), "{error}");
    daemon.vbmc("power off node1").ok();
    daemon.wait_for("node1 power off", 1);
    until(
        || "node1 does not go down".to_owned(),
        || daemon.vbmc("power status node1 -f value -c Power").ok() == "off\n",
    );
    let error = daemon.vbmc("power reset node1").fails(1);
    assert!(error.contains("present state"), "{error}");
}

#[test]
fn the_event_log_and_sensors_are_those_that_clients_see() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    daemon.vbmc("power on node1").ok();
    let records = || daemon.vbmc("sel node1 -f value -c ID").ok().lines().count();
    until(|| "nothing is logged".to_owned(), || records() > 0);
    let listed = daemon.vbmc("sel node1 -f json").ok();
    assert!(listed.contains("\"Time\": \"20"), "{listed}");
    let over_ipmi = client.ipmitool(&["sel", "list"]).ok();
    assert_eq!(
        over_ipmi.text.lines().count(),
        records(),
        "{}\n{listed}",
        over_ipmi.text
    );
    daemon.vbmc("sel node1 --clear").ok();
    until(
        || daemon.vbmc("sel node1").ok(),
        || daemon.vbmc("sel node1 -f value").ok().lines().count() <= 1,
    );
    let sensors = daemon.vbmc("sensors node1 -f csv -c Name -c Value -c Unit").ok();
    let over_ipmi = client.ipmitool(&["sdr", "elist", "all"]).ok();
    for line in sensors.lines().skip(1) {
        let name = line.split('"').nth(1).unwrap();
        assert!(
            over_ipmi.text.contains(name),
            "{name} is not in {}",
            over_ipmi.text
        );
    }
    assert!(sensors.contains("degrees C"), "{sensors}");
}

#[test]
fn users_are_changed_and_can_log_in() {
    let daemon = Vbmcd::demo(&[]);
    assert_eq!(
        daemon.vbmc("users node1 -f value").ok(),
        "2 admin True administrator\n"
    );
    let line = "users node1 --set 3 --username oper --privilege operator --enable --password-stdin -f value";
    assert_eq!(
        daemon.vbmc_with(line, "Secret-of-Oper\n").ok(),
        "3 oper True operator\n"
    );
    let client = Client::new(daemon.address()).user("oper", "Secret-of-Oper");
    client
        .option(&["-L", "OPERATOR"])
        .ipmitool(&["chassis", "power", "on"])
        .ok();
    daemon.wait_for("node1 power on", 1);
    assert_eq!(
        daemon.vbmc("users node1 --set 3 --disable -f value").ok(),
        "3 oper False operator\n"
    );
    let error = daemon
        .vbmc_with("users node1 --set 4 --password-stdin", "123456789012345678901\n")
        .fails(1);
    assert!(error.contains("20 bytes"), "{error}");
    assert!(!daemon.log().contains("Secret-of-Oper"));
}

#[test]
fn who_follows_events_sees_who_did_what() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.ipmitool(&["chassis", "power", "on"]).ok();
    let mut follower = daemon
        .vbmc_command("events --follow --json")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut wait_for = |parts: &[&str]| {
        let mut seen = String::new();
        loop {
            let line = lines
                .next()
                .unwrap_or_else(|| panic!("no {parts:?} in {seen}"))
                .unwrap();
            if parts.iter().all(|part| line.contains(part)) {
                return;
            }
            seen += &line;
        }
    };
    wait_for(&["\"login\"", "\"admin\"", "127.0.0.1"]);
    wait_for(&["\"power_action\"", "power up", "\"node1\""]);
    daemon
        .vbmc_with("users node1 --set 2 --password-stdin", "Another-Secret\n")
        .ok();
    wait_for(&["\"control\"", "PATCH /v1/bmcs/node1/users/2", "uid "]);
    client
        .user(USER, "Another-Secret")
        .ipmitool(&["chassis", "identify", "1"])
        .ok();
    wait_for(&["Chassis Identify"]);
    follower.kill().unwrap();
    follower.wait().unwrap();
    let text = daemon.vbmc("events").ok();
    assert!(text.contains("power_action by admin from 127.0.0.1"), "{text}");
    assert!(!text.contains("Secret") && !text.contains(PASSWORD), "{text}");
}

#[test]
fn the_audit_log_has_what_came_over_the_control_socket() {
    let daemon = Vbmcd::run("[audit]\nfile = \"audit.jsonl\"");
    daemon.vbmc("power on node1").ok();
    let text = || std::fs::read_to_string(daemon.file("audit.jsonl")).unwrap();
    until(text, || text().contains("POST /v1/bmcs/node1/power"));
    let line = text();
    let line: serde_json::Value = serde_json::from_str(line.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&line["event"], &line["bmc"]),
        (&"control".into(), &"node1".into())
    );
    assert!(line["user"].as_str().unwrap().starts_with("uid "), "{line}");
}

#[test]
fn a_check_tells_what_works() {
    let daemon = Vbmcd::demo(&["--count", "2"]);
    let lines = daemon.vbmc("check -f value -c Name -c Check -c Result").ok();
    let expected = ["running ok", "machine ok", "port ok"];
    for name in ["node1", "node2"] {
        for part in expected {
            assert!(lines.contains(&format!("{name} {part}\n")), "{lines}");
        }
    }
    daemon.vbmc("stop node2").ok();
    let done = daemon.vbmc("check -f value");
    assert!(
        done.output.contains("node2 running FAILED") && done.output.contains("vbmc start"),
        "{done:?}"
    );
    let error = done.fails(1);
    assert!(error.contains("1 of 4"), "{error}");
}

#[test]
fn counters_are_there_for_prometheus() {
    let daemon = Vbmcd::demo(&["--count", "2"]);
    daemon.vbmc("stop node2").ok();
    let mut stream = std::os::unix::net::UnixStream::connect(daemon.file("vbmcd.sock")).unwrap();
    std::io::Write::write_all(
        &mut stream,
        b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    for part in [
        "text/plain",
        "vbmcd_bmcs{status=\"running\"} 1\n",
        "vbmcd_bmcs{status=\"down\"} 1\n",
        "ipmi_logins_total 0",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
}
