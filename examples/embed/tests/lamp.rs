//! The example is short, and its BMC can be managed with a real client.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Ends the example with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing is left to do if it ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_has_at_most_forty_lines() {
    let lines = include_str!("../src/main.rs").lines().count();
    assert!(lines <= 40, "{lines} lines");
}

#[test]
fn a_lamp_is_switched_with_ipmitool() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_embed"));
    let mut child = command.arg("127.0.0.1:0").stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let _running = Running(child);
    let (_, port) = line.trim().rsplit_once(':').expect("an address is printed");

    let ipmitool = |arguments: &[&str]| {
        let mut command = Command::new("ipmitool");
        command.args([
            "-I",
            "lanplus",
            "-H",
            "127.0.0.1",
            "-p",
            port,
            "-U",
            "admin",
            "-P",
            "example",
        ]);
        let output = command
            .args(arguments)
            .output()
            .expect("ipmitool is installed, as ./test.sh does");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    assert_eq!(
        ipmitool(&["chassis", "power", "status"]),
        "Chassis Power is off\n"
    );
    assert_eq!(
        ipmitool(&["chassis", "power", "on"]),
        "Chassis Power Control: Up/On\n"
    );
    assert_eq!(ipmitool(&["chassis", "power", "status"]), "Chassis Power is on\n");
    let refused = ipmitool(&["chassis", "power", "reset"]);
    assert!(refused.contains("failed"), "a lamp cannot be reset: {refused}");
}
