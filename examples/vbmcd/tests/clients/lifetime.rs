//! Start, output, errors and end of the program.

use std::process::Command;

use rustix::process::Signal;

use crate::client::Client;
use crate::daemon::{PASSWORD, USER, Vbmcd, free_port, run_to_end, until, write_private};

#[test]
fn it_ends_cleanly_on_either_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let daemon = Vbmcd::demo(&["--count", "3"]);
        let client = Client::new(daemon.address());
        client.ipmitool(&["chassis", "power", "on"]).ok();
        assert_eq!(daemon.stop(signal).code(), Some(0));
    }
}

#[test]
fn the_printed_lines_can_be_pasted() {
    let daemon = Vbmcd::demo(&["--count", "2"]);
    assert!(
        !daemon.printed().contains(PASSWORD),
        "a given password is not shown: {}",
        daemon.printed()
    );
    let lines: Vec<_> = daemon
        .printed()
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("ipmi"))
        .collect();
    assert_eq!(lines.len(), 4, "{}", daemon.printed());
    for line in lines {
        let output = Command::new("sh")
            .args(["-c", line])
            .env("IPMITOOL_PASSWORD", PASSWORD)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("off"), "{line}: {text}");
    }
}

#[test]
fn a_made_up_password_works() {
    let daemon = Vbmcd::demo_without_password();
    let line = daemon
        .printed()
        .lines()
        .find(|line| line.contains("IPMITOOL_PASSWORD="))
        .unwrap();
    let (_, password) = line.split_once('=').unwrap();
    Client::new(daemon.address())
        .user(USER, password)
        .ipmitool(&["mc", "info"])
        .ok();
}

#[test]
fn thousands_of_bmcs_stand_in_one_process() {
    let daemon = Vbmcd::demo(&["--count", "2000"]);
    assert_eq!(daemon.endpoints().len(), 2000);
    let shared = Vbmcd::demo(&["--addresses", "127.77.0.1-127.77.39.16", "--port", &free_port()]);
    assert_eq!(shared.endpoints().len(), 10_000);
    for endpoints in [daemon.endpoints(), shared.endpoints()] {
        for i in [0, endpoints.len() / 2, endpoints.len() - 1] {
            Client::new(endpoints[i].1).ipmitool(&["mc", "info"]).ok();
        }
    }
}

#[test]
fn counters_are_written_on_request() {
    let daemon = Vbmcd::demo(&[]);
    Client::new(daemon.address())
        .ipmitool(&["chassis", "power", "status"])
        .ok();
    daemon.signal(Signal::USR1);
    for line in [
        "ipmi_logins_total 1",
        "ipmi_commands_total{command=\"Get Chassis Status\"} 1",
        // The session engine answers these by itself.
        "ipmi_commands_total{command=\"Set Session Privilege Level\"} 1",
        "ipmi_commands_total{command=\"Close Session\"} 1",
        "# TYPE ipmi_dropped_datagrams_total counter",
    ] {
        until(
            || format!("no {line:?} in {}", daemon.log()),
            || daemon.log().contains(line),
        );
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let daemon = Vbmcd::demo(&[]);
    let port = daemon.address().port().to_string();
    let (code, output, errors) = run_to_end(&["demo", "--count", "1", "--port", &port]);
    assert_eq!(code, Some(1), "{output}{errors}");
    assert!(errors.contains(&format!("127.0.0.1:{port}")), "{errors}");
    assert!(
        output.is_empty(),
        "nothing is promised that did not start: {output}"
    );
}

#[test]
fn mistakes_in_the_configuration_are_told_with_their_place() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("vbmcd.toml");
    let run = || run_to_end(&["run", "--config", config.to_str().unwrap()]);
    let (code, _, errors) = run();
    assert_eq!(code, Some(1));
    assert!(
        errors.contains("vbmcd.toml") && errors.contains("No such file"),
        "{errors}"
    );

    write_private(
        &config,
        "[connection.lab]\ntype = \"simulated\"\n\n[[bmc]]\nnmae = \"node1\"\n",
    );
    let (code, _, errors) = run();
    assert_eq!(code, Some(1));
    for part in ["vbmcd.toml, line 5", "`nmae`", "`name`"] {
        assert!(errors.contains(part), "no {part} in {errors}");
    }
    write_private(
        &config,
        "[connection.lab]\ntype = \"lbivirt\"\nuri = \"qemu:///system\"\n",
    );
    let (code, _, errors) = run();
    assert_eq!(code, Some(1));
    assert!(errors.contains("line 2") && errors.contains("`type`"), "{errors}");
}

#[test]
fn wrong_arguments_are_told() {
    for (arguments, part) in [
        (&["demo", "--count", "0"][..], "--count"),
        (&["demo", "--addresses", "127.0.0.1"][..], "FIRST-LAST"),
        (&["demo", "--port", "65535"][..], "65535"),
        (&["demo", "--password", "123456789012345678901"][..], "20 bytes"),
        (&["demo", "--colour"][..], "--colour"),
        (&[][..], "Usage"),
    ] {
        let (code, _, errors) = run_to_end(arguments);
        assert!(code.is_some_and(|code| code != 0), "{arguments:?}: {errors}");
        assert!(errors.contains(part), "no {part} in {errors}");
    }
}

#[test]
fn log_lines_are_json_on_request() {
    let (code, _, errors) = run_to_end(&[
        "run",
        "--config",
        "/nonexistent/vbmcd.toml",
        "--log-format",
        "json",
    ]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("/nonexistent/vbmcd.toml"), "{errors}");
    assert!(
        errors
            .lines()
            .all(|line| line.starts_with('{') && line.ends_with('}')),
        "{errors}"
    );
}
