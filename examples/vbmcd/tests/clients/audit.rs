//! The audit log of the running program: a line of JSON for each thing that a real client did.

use std::os::unix::fs::PermissionsExt;

use crate::client::Client;
use crate::daemon::{PASSWORD, Vbmcd, until};
use crate::terminal::Terminal;

fn lines(daemon: &Vbmcd, file: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(daemon.file(file)).unwrap_or_default();
    let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    complete
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?}: {error}")))
        .collect()
}

/// Waits for a line with this event and detail, and gives it.
#[track_caller]
fn line(daemon: &Vbmcd, file: &str, event: &str, detail: &str) -> serde_json::Value {
    let find = || {
        lines(daemon, file)
            .into_iter()
            .find(|line| line["event"] == event && line["detail"] == detail)
    };
    until(
        || format!("no {event} {detail:?} in {:?}", lines(daemon, file)),
        || find().is_some(),
    );
    find().unwrap()
}

#[test]
fn who_did_what_from_where() {
    let daemon = Vbmcd::run("[audit]\nfile = \"audit.jsonl\"");
    let file = "audit.jsonl";
    let client = Client::new(daemon.address());
    client.set_power("on");
    let power = line(&daemon, file, "power_action", "power up");
    assert_eq!(
        (&power["bmc"], &power["user"], &power["user_id"]),
        (&"node1".into(), &"admin".into(), &2.into())
    );
    assert_eq!(
        (&power["succeeded"], &power["completion"]),
        (&true.into(), &0.into())
    );
    assert!(power["source"].as_str().unwrap().starts_with("127.0.0.1:"));
    line(&daemon, file, "login", "up to Administrator");
    line(&daemon, file, "session_closed", "requested");
    client.ipmitool(&["chassis", "bootdev", "pxe"]).ok();
    line(&daemon, file, "boot_option_changed", "Boot Flags");
    client.ipmitool(&["user", "set", "name", "3", "operator"]).ok();
    line(&daemon, file, "user_changed", "Set User Name of user 3");
    client
        .ipmitool(&["user", "set", "password", "3", "another-Secret"])
        .ok();
    line(&daemon, file, "user_changed", "Set User Password of user 3");
    client.ipmitool(&["sel", "clear"]).ok();
    line(&daemon, file, "configuration_changed", "Clear SEL");
    client
        .clone()
        .user("stranger", PASSWORD)
        .ipmitool(&["mc", "info"])
        .failed();
    assert_eq!(
        line(&daemon, file, "login_failed", "unknown user")["succeeded"],
        false
    );
    let mut terminal = Terminal::ipmitool(&client);
    terminal.echoes("typed-on-the-console");
    line(&daemon, file, "console_opened", "");
    terminal.type_in("\r~.");
    terminal.end();
    line(&daemon, file, "console_closed", "deactivated");

    let text = std::fs::read_to_string(daemon.file(file)).unwrap() + &daemon.log();
    for secret in [PASSWORD, "another-Secret", "typed-on-the-console"] {
        assert!(!text.contains(secret), "{secret} is in a log");
    }
    let mode = std::fs::metadata(daemon.file(file)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_file_may_be_moved_away() {
    let daemon = Vbmcd::run("[audit]\nfile = \"audit.jsonl\"");
    let client = Client::new(daemon.address());
    client.ipmitool(&["sel", "clear"]).ok();
    line(&daemon, "audit.jsonl", "configuration_changed", "Clear SEL");
    std::fs::rename(daemon.file("audit.jsonl"), daemon.file("audit.1")).unwrap();
    daemon.signal(rustix::process::Signal::HUP);
    client.set_power("on");
    line(&daemon, "audit.jsonl", "power_action", "power up");
    line(&daemon, "audit.1", "configuration_changed", "Clear SEL");
    let status = daemon.stop(rustix::process::Signal::TERM);
    assert_eq!(status.code(), Some(0));
}
