//! Settings of Serial over LAN, by ipmitool and by FreeIPMI's ipmi-config.

use crate::client::Client;
use crate::daemon::{Vbmcd, write_private};

#[test]
fn ipmitool_reads_and_writes_every_parameter() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let port = format!("Payload Port                    : {}", daemon.address().port());
    let mut shown = client.ipmitool(&["sol", "info", "1"]).ok();
    for line in [
        "Set in progress                 : set-complete",
        "Enabled                         : true",
        "Force Encryption                : true",
        "Force Authentication            : true",
        "Privilege Level                 : USER",
        "Character Accumulate Level (ms) : 60",
        "Character Send Threshold        : 96",
        "Retry Count                     : 7",
        "Retry Interval (ms)             : 100",
        "Volatile Bit Rate (kbps)        : 115.2",
        "Non-Volatile Bit Rate (kbps)    : 115.2",
        "Payload Channel                 : 1 (0x01)",
        &port,
    ] {
        shown = shown.has(line);
    }
    for (parameter, value, shown) in [
        (
            "privilege-level",
            "operator",
            "Privilege Level                 : OPERATOR",
        ),
        (
            "force-encryption",
            "false",
            "Force Encryption                : false",
        ),
        (
            "force-authentication",
            "false",
            "Force Authentication            : false",
        ),
        (
            "character-accumulate-level",
            "4",
            "Character Accumulate Level (ms) : 20",
        ),
        (
            "character-send-threshold",
            "32",
            "Character Send Threshold        : 32",
        ),
        ("retry-count", "3", "Retry Count                     : 3"),
        ("retry-interval", "20", "Retry Interval (ms)             : 200"),
        (
            "non-volatile-bit-rate",
            "19.2",
            "Non-Volatile Bit Rate (kbps)    : 19.2",
        ),
        (
            "volatile-bit-rate",
            "38.4",
            "Volatile Bit Rate (kbps)        : 38.4",
        ),
        ("enabled", "false", "Enabled                         : false"),
    ] {
        client.ipmitool(&["sol", "set", parameter, value, "1"]).ok();
        client.ipmitool(&["sol", "info", "1"]).ok().has(shown);
    }
    client
        .ipmitool(&["sol", "activate"])
        .failed()
        .has("SOL payload disabled");
}

#[test]
fn ipmitool_manages_payload_access() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client
        .ipmitool(&["sol", "payload", "status", "1", "2"])
        .ok()
        .has("User 2 on channel 1 is enabled");
    client.ipmitool(&["sol", "payload", "disable", "1", "2"]).ok();
    client
        .ipmitool(&["sol", "payload", "status", "1", "2"])
        .has("User 2 on channel 1 is disabled");
    client
        .ipmitool(&["sol", "activate"])
        .failed()
        .has("SOL payload disabled");
    client.ipmitool(&["sol", "payload", "enable", "1", "2"]).ok();
}

#[test]
fn ipmitool_loops() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.set_power("on");
    client.ipmitool(&["sol", "looptest", "5", "200", "1"]).ok();
}

#[test]
fn freeipmi_reads_and_writes_the_sol_section() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let checkout = || {
        client
            .freeipmi(
                "ipmi-config",
                &["--category=core", "--checkout", "--section=SOL_Conf"],
            )
            .ok()
    };
    let shown = checkout();
    for (key, value) in [
        ("Enable_SOL", "Yes"),
        ("SOL_Privilege_Level", "User"),
        ("Force_SOL_Payload_Authentication", "Yes"),
        ("Force_SOL_Payload_Encryption", "Yes"),
        ("Character_Accumulate_Interval", "12"),
        ("Character_Send_Threshold", "96"),
        ("SOL_Retry_Count", "7"),
        ("SOL_Retry_Interval", "10"),
        ("Non_Volatile_Bit_Rate", "115200"),
        ("Volatile_Bit_Rate", "115200"),
    ] {
        assert_eq!(setting(&shown.text, key), Some(value), "{key}: {shown}");
    }
    let path = daemon.file("sol.conf");
    write_private(
        &path,
        "Section SOL_Conf\nSOL_Privilege_Level Administrator\nForce_SOL_Payload_Encryption No\n\
         SOL_Retry_Count 5\nNon_Volatile_Bit_Rate 9600\nEndSection\n",
    );
    let file = format!("--filename={}", path.display());
    client
        .freeipmi("ipmi-config", &["--category=core", "--commit", &file])
        .ok();
    let shown = checkout();
    for (key, value) in [
        ("SOL_Privilege_Level", "Administrator"),
        ("Force_SOL_Payload_Encryption", "No"),
        ("Force_SOL_Payload_Authentication", "Yes"),
        ("SOL_Retry_Count", "5"),
        ("SOL_Retry_Interval", "10"),
        ("Non_Volatile_Bit_Rate", "9600"),
    ] {
        assert_eq!(setting(&shown.text, key), Some(value), "{key}: {shown}");
    }
}

/// The value of a key in what ipmi-config shows.
fn setting<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(key)).then(|| words.next()).flatten()
    })
}
