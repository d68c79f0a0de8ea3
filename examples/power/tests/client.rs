//! The example is short, and manages a BMC.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::{Command, Output};

use ipmi_proto::crypto::Password;
use ipmi_server::Bmc;
use ipmi_server::backend::memory::MemoryMachine;
use ipmi_server::net::{NetConfig, Server};

#[test]
fn it_has_at_most_eighty_lines() {
    let lines = include_str!("../src/main.rs").lines().count();
    assert!(lines <= 80, "{lines} lines");
}

#[test]
fn power_is_read_and_set() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let handle = runtime.block_on(async {
        let machine = MemoryMachine::builder("machine").build();
        let bmc = Bmc::builder(machine).administrator("admin", Password::new(b"secret").unwrap());
        Server::new(NetConfig::default())
            .add(bmc.build().unwrap(), "127.0.0.1:0".parse().unwrap())
            .unwrap()
    });
    let address = handle.local_addr().to_string();
    let power = |wish: &str, password: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_power"));
        command
            .args([&address, "admin", wish])
            .env("IPMITOOL_PASSWORD", password)
            .output()
            .unwrap()
    };
    assert_eq!(said(&power("status", "secret")), "off\n");
    assert_eq!(said(&power("on", "secret")), "accepted\n");
    assert_eq!(said(&power("status", "secret")), "on\n");
    let wrong = power("off", "wrong");
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("WrongPassword"));
    assert_eq!(said(&power("status", "secret")), "on\n");
}

fn said(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
