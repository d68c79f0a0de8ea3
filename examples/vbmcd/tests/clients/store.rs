//! What clients change over IPMI is there after a restart of the daemon.

use std::fs;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use ipmi_proto::ipmb::NetFn;
use rustix::process::Signal;

use crate::client::Client;
use crate::console::Session;
use crate::daemon::{PASSWORD, USER, Vbmcd, run_to_end, until};

const CONFIGURATION: &str = "[connection.lab]\ntype = \"simulated\"\n\n[[bmc]]\nname = \"node1\"\n\
    connection = \"lab\"\nmachine = \"lab-0\"\nport = 0\n";

fn daemon(lines: &str) -> Vbmcd {
    Vbmcd::run_file(&format!(
        "{lines}\n{CONFIGURATION}username = \"{USER}\"\npassword = \"{PASSWORD}\"\n"
    ))
}

/// Runs ipmitool, which must succeed.
#[track_caller]
fn ok(daemon: &Vbmcd, arguments: &str) -> String {
    let arguments: Vec<_> = arguments.split(' ').collect();
    let shown = Client::new(daemon.address()).ipmitool(&arguments);
    assert_eq!(shown.code, Some(0), "{arguments:?}: {}", shown.text);
    shown.text
}

#[track_caller]
fn shows(daemon: &Vbmcd, arguments: &str, parts: &[&str]) {
    let text = ok(daemon, arguments);
    for part in parts {
        assert!(text.contains(part), "{arguments}: no {part:?} in {text}");
    }
}

fn change_everything(daemon: &Vbmcd) {
    for command in [
        "user set name 3 bob",
        "user set password 3 bobs-secret",
        "user priv 3 3 1",
        "user enable 3",
        "channel setaccess 1 3 ipmi=on link=off privilege=3",
        "user set password 2 by-a-client",
    ] {
        ok(daemon, command);
    }
    // The administrator has another password from here on.
    let client = Client::new(daemon.address()).user(USER, "by-a-client");
    for command in [
        "lan set 1 snmp private",
        "lan set 1 defgw ipaddr 192.0.2.1",
        "sol set retry-count 3 1",
        "chassis policy previous",
        "chassis bootdev pxe",
        "mc setsysinfo system_name host-7",
        "event 1",
        "event 3",
        // 2030-01-02 03:04:05.
        "raw 0x0a 0x49 0x25 0x55 0xdd 0x70",
        "raw 0x2c 0x08 0xdc 0x00 0x03 0x54 0x41 0x47",
        // A place in the FRU inventory behind its areas.
        "raw 0x0a 0x12 0x00 0x00 0x07 0xab 0xcd",
        // Upper non-critical threshold of a sensor, and its hysteresis.
        "raw 0x04 0x26 0x61 0x08 0x00 0x00 0x00 0x1e 0x00 0x00",
        "raw 0x04 0x24 0x61 0xff 0x04 0x05",
        // Control of event filters.
        "raw 0x04 0x12 0x01 0x01",
    ] {
        let arguments: Vec<_> = command.split(' ').collect();
        let shown = client.ipmitool(&arguments);
        assert_eq!(shown.code, Some(0), "{command}: {}", shown.text);
    }
    let shown = client.ipmitool(&["user", "set", "password", "2", PASSWORD]);
    assert_eq!(shown.code, Some(0), "{}", shown.text);
}

fn check_everything(daemon: &Vbmcd) {
    shows(daemon, "user list 1", &["3   bob", "OPERATOR"]);
    Client::new(daemon.address())
        .user("bob", "bobs-secret")
        .option(&["-L", "OPERATOR"])
        .ipmitool(&["mc", "info"])
        .ok();
    shows(daemon, "lan print 1", &["private", "192.0.2.1"]);
    shows(daemon, "sol info 1", &["Retry Count                     : 3"]);
    shows(daemon, "chassis status", &["Power Restore Policy : previous"]);
    shows(
        daemon,
        "chassis bootparam get 5",
        &["Boot Flag Valid", "only next boot", "Force PXE"],
    );
    shows(daemon, "mc getsysinfo system_name", &["host-7"]);
    shows(daemon, "sel list", &["   1 |", "   2 |", "Temperature", "Memory"]);
    shows(daemon, "sel time get", &["01/02/30"]);
    shows(daemon, "raw 0x2c 0x06 0xdc 0x00 0x03", &["54 41 47"]);
    shows(daemon, "raw 0x0a 0x11 0x00 0x00 0x07 0x02", &["02 ab cd"]);
    shows(daemon, "raw 0x04 0x27 0x61", &["1e"]);
    shows(daemon, "raw 0x04 0x25 0x61 0xff", &["04 05"]);
    shows(daemon, "raw 0x04 0x13 0x01 0x00 0x00", &["11 01"]);
}

#[test]
fn what_clients_changed_is_there_after_a_restart() {
    let mut daemon = daemon("");
    change_everything(&daemon);
    let before = ok(&daemon, "sel list");
    for signal in [Signal::TERM, Signal::KILL] {
        daemon.restart(signal);
        check_everything(&daemon);
        assert_eq!(ok(&daemon, "sel list"), before);
    }
    // A cold reset of the BMC loses none of it either.
    ok(&daemon, "mc reset cold");
    check_everything(&daemon);
    // The override waits for its boot, and is for one.
    ok(&daemon, "chassis power on");
    daemon.wait_for("node1 boot pxe", 1);
    daemon.restart(Signal::TERM);
    shows(&daemon, "chassis bootparam get 5", &["Boot Flag Invalid"]);
    ok(&daemon, "chassis power on");
    daemon.wait_for("node1 boot disk", 1);
    for secret in ["bobs-secret", PASSWORD, "private"] {
        let store = fs::read(daemon.file("vbmcd.state/bmcs.redb")).unwrap();
        let is_there = store
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!is_there, "{secret} stands in the store");
    }
}

#[test]
fn power_returns_with_the_daemon_as_the_policy_says() {
    let mut daemon = daemon("");
    // Of the last restart: 1 a command, 6 the policy "always on", 7 "previous".
    let cause = |daemon: &Vbmcd| {
        let client = Client::new(daemon.address());
        client.ipmitool(&["raw", "0", "7"]).ok().bytes()[0]
    };
    Client::new(daemon.address()).set_power("on");
    // Answered when it is kept, and that the machine is on with it.
    ok(&daemon, "chassis policy previous");
    daemon.restart(Signal::KILL);
    Client::new(daemon.address()).wait_for_power("on");
    assert_eq!(cause(&daemon), 7);
    ok(&daemon, "chassis policy always-off");
    daemon.restart(Signal::KILL);
    Client::new(daemon.address()).set_power("on");
    assert_eq!(cause(&daemon), 1);
    Client::new(daemon.address()).set_power("off");
    ok(&daemon, "chassis policy always-on");
    daemon.restart(Signal::KILL);
    Client::new(daemon.address()).wait_for_power("on");
    assert_eq!(cause(&daemon), 6);
}

#[test]
fn the_configuration_wins_when_it_says_something_new() {
    let mut daemon = daemon("");
    ok(&daemon, "user set password 2 by-a-client");
    daemon.restart(Signal::TERM);
    let login = |daemon: &Vbmcd, password: &str| {
        let client = Client::new(daemon.address()).user(USER, password);
        client.ipmitool(&["mc", "info"]).code == Some(0)
    };
    assert!(login(&daemon, "by-a-client") && !login(&daemon, PASSWORD));
    let config = daemon.file("vbmcd.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace(PASSWORD, "new-in-the-file")).unwrap();
    daemon.restart(Signal::TERM);
    assert!(login(&daemon, "new-in-the-file") && !login(&daemon, "by-a-client"));
}

#[test]
fn a_store_in_memory_forgets() {
    let mut daemon = daemon("[store]\ntype = \"memory\"\n");
    ok(&daemon, "lan set 1 snmp private");
    daemon.restart(Signal::TERM);
    assert!(!ok(&daemon, "lan print 1").contains("private"));
    assert!(!daemon.file("vbmcd.state").exists() && !daemon.file("vbmcd.key").exists());
}

#[test]
fn the_demo_keeps_what_it_is_told_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let mut daemon = Vbmcd::demo(&["--store", path.to_str().unwrap()]);
    ok(&daemon, "lan set 1 snmp private");
    daemon.restart(Signal::KILL);
    shows(&daemon, "lan print 1", &["private"]);
    assert!(directory.path().join("state.key").exists());
}

#[test]
fn a_second_daemon_on_the_same_store_ends_with_the_reason() {
    let daemon = daemon("");
    let config = daemon.file("vbmcd.toml");
    let (code, _, errors) = run_to_end(&["run", "--config", config.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("another process has it"), "{errors}");
}

/// A file system of its own; needs root.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new() -> Self {
        let mount = Self(tempfile::tempdir().unwrap());
        mount.run(&["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs"]);
        mount
    }

    fn run(&self, command: &[&str]) {
        let output = Command::new(command[0])
            .args(&command[1..])
            .arg(self.0.path())
            .output();
        let output = output.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command:?} (needs root): {errors}");
    }

    fn lines(&self) -> String {
        let path = self.0.path().join("state");
        format!("[store]\npath = \"{}\"\nkey_file = \"key\"\n", path.display())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

/// A change is answered with this code, is not there afterwards, and reads go on.
#[track_caller]
fn refuses_changes(daemon: &Vbmcd, code: &str) {
    let shown = Client::new(daemon.address()).ipmitool(&["raw", "0x00", "0x06", "0x02"]);
    assert_ne!(shown.code, Some(0), "{}", shown.text);
    assert!(shown.text.contains(code), "{}", shown.text);
    shows(daemon, "chassis status", &["Power Restore Policy : always-off"]);
    shows(daemon, "lan print 1", &["private"]);
}

#[test]
fn a_full_disk_refuses_changes_and_recovers() {
    let mount = Mount::new();
    let filler = mount.0.path().join("filler");
    let fill = || {
        // As much as there is room for.
        let _ = fs::write(&filler, vec![1; 8 << 20]);
    };
    fill();
    let mut daemon = daemon(&mount.lines());
    let policy = ["raw", "0x00", "0x06", "0x02"];
    for _ in 0..3 {
        let shown = Client::new(daemon.address()).ipmitool(&policy);
        assert!(shown.text.contains("rsp=0xc4"), "{}", shown.text);
    }
    shows(&daemon, "chassis status", &["Power Restore Policy : always-off"]);
    let complaints = |daemon: &Vbmcd| daemon.log().matches("changes cannot be saved").count();
    assert_eq!(complaints(&daemon), 1, "{}", daemon.log());
    fs::remove_file(&filler).unwrap();
    until(|| daemon.log(), || client_ok(&daemon, &policy));

    // Full while it runs: records of the event log until there is no room.
    fill();
    let here = AtomicBool::new(false);
    let mut session = Session::open(daemon.address(), &here).unwrap();
    let mut record = [0x5a; 16];
    record[2] = 0xe0;
    let mut add = || session.ask((NetFn::STORAGE, 0x44), &record, &here).unwrap().0;
    let added = (0..5_000).take_while(|_| add() == 0).count();
    assert!((1..5_000).contains(&added), "{added}");
    let records = |daemon: &Vbmcd| ok(daemon, "sel list").lines().count();
    assert_eq!(records(&daemon), added);
    fs::remove_file(&filler).unwrap();
    until(|| daemon.log(), || client_ok(&daemon, &policy));
    daemon.restart(Signal::KILL);
    shows(&daemon, "chassis status", &["Power Restore Policy : always-on"]);
    assert_eq!(records(&daemon), added);
}

fn client_ok(daemon: &Vbmcd, arguments: &[&str]) -> bool {
    Client::new(daemon.address()).ipmitool(arguments).code == Some(0)
}

#[test]
fn a_read_only_directory_serves_reads() {
    let mount = Mount::new();
    let mut daemon = daemon(&mount.lines());
    ok(&daemon, "lan set 1 snmp private");
    daemon.signal(Signal::KILL);
    daemon.restart_after_end(|| mount.run(&["mount", "-o", "remount,ro"]));
    refuses_changes(&daemon, "rsp=0xff");
    assert!(
        daemon.log().contains("refused until the store can be written"),
        "{}",
        daemon.log()
    );
    mount.run(&["mount", "-o", "remount,rw"]);
    until(
        || daemon.log(),
        || client_ok(&daemon, &["raw", "0x00", "0x06", "0x02"]),
    );
}

#[test]
fn none_there_and_none_can_be_made() {
    let mount = Mount::new();
    mount.run(&["mount", "-o", "remount,ro"]);
    let daemon = daemon(&mount.lines());
    ok(&daemon, "chassis status");
    assert!(!client_ok(&daemon, &["raw", "0x00", "0x06", "0x02"]));
    assert!(
        daemon.log().contains("the store cannot be made"),
        "{}",
        daemon.log()
    );
}
