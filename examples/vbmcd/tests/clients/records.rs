//! What a BMC writes down and has written: event log, sensor records, inventory, system information.

use std::fmt::Write as _;

use crate::client::Client;
use crate::daemon::Vbmcd;

/// A platform event as `ipmitool sel add` reads it: revision, sensor type, number, direction and type, data.
const EVENT: &str = "0x04 0x0c 0x53 0x01 0x57 0xff 0x01";

#[test]
fn events_are_added_read_and_deleted() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.ipmitool(&["sel", "list"]).ok().has("SEL has no entries");
    let info = client.ipmitool(&["sel", "info"]).ok();
    assert_eq!(info.value("Entries"), "0");
    assert_eq!(info.value("Last Add Time"), "Not Available");
    assert_eq!(info.value("Last Del Time"), "Not Available");
    assert_eq!(info.value("Overflow"), "false");
    assert!(info.value("# of Alloc Units").parse::<u16>().unwrap() >= 4_096);

    client.ipmitool(&["event", "1"]).ok();
    let file = daemon.file("events");
    std::fs::write(&file, format!("{EVENT} # a comment\n{EVENT}\n")).unwrap();
    client.ipmitool(&["sel", "add", file.to_str().unwrap()]).ok();
    let listed = || -> Vec<String> {
        let shown = client.ipmitool(&["sel", "elist"]).ok();
        shown.text.lines().map(|line| line.trim().to_owned()).collect()
    };
    let lines = listed();
    assert_eq!(lines.len(), 3, "{lines:?}");
    for ((line, id), text) in lines.iter().zip(["1 |", "2 |", "3 |"]).zip([
        "Temperature #0x30 | Upper Critical going high | Asserted",
        "Memory #0x53 | Upper Non-critical going high | Asserted",
        "Memory #0x53 | Upper Non-critical going high | Asserted",
    ]) {
        assert!(line.starts_with(id) && line.contains(text), "{lines:?}");
    }
    let entry = client.ipmitool(&["sel", "get", "2"]).ok();
    assert_eq!(entry.value("SEL Record ID"), "0002");
    assert_eq!(entry.value("Event Data"), "57ff01");
    let info = client.ipmitool(&["sel", "info"]).ok();
    assert_ne!(info.value("Last Add Time"), "Not Available");
    assert_eq!(info.value("Last Del Time"), "Not Available");

    client.ipmitool(&["sel", "delete", "2"]).ok();
    let left = listed();
    assert_eq!(left, [lines[0].clone(), lines[2].clone()]);
    client.freeipmi("ipmi-sel", &["--delete=1"]).ok();
    assert_eq!(listed(), lines[2..]);
    let info = client.ipmitool(&["sel", "info"]).ok();
    assert_ne!(info.value("Last Del Time"), "Not Available");
    client.freeipmi("ipmi-sel", &[]).ok().has("Upper Non-critical");

    // Who sees the log empty knows that the next record has a number that none had.
    client.ipmitool(&["sel", "clear"]).ok();
    client.ipmitool(&["sel", "list"]).ok().has("SEL has no entries");
    client.ipmitool(&["event", "1"]).ok();
    assert!(listed()[0].starts_with("4 |"), "{:?}", listed());
    client.freeipmi("ipmi-sel", &["--clear"]).ok();
    client.ipmitool(&["sel", "list"]).ok().has("SEL has no entries");
}

#[test]
fn parts_of_records_and_clearing_need_the_reservation() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.ipmitool(&["event", "1"]).ok();
    let storage = |data: &[&str]| client.ipmitool(&[&["raw", "0x0a"], data].concat());
    let reserve = |command| -> [String; 2] {
        let bytes = storage(&[command]).ok().bytes();
        [bytes[0], bytes[1]].map(|byte| byte.to_string())
    };
    let whole = storage(&["0x43", "0", "0", "1", "0", "0", "0xff"]).ok().bytes();
    assert_eq!(whole.len(), 18);
    let [low, high] = reserve("0x42");
    let part = storage(&["0x43", &low, &high, "1", "0", "10", "3"]).ok().bytes();
    assert_eq!(part, [&[0xff, 0xff], &whole[12..15]].concat());
    storage(&["0x43", "0", "0", "1", "0", "10", "3"])
        .failed()
        .has("rsp=0xc5");
    reserve("0x42");
    storage(&["0x43", &low, &high, "1", "0", "10", "3"])
        .failed()
        .has("rsp=0xc5");
    storage(&["0x47", &low, &high, "0x43", "0x4c", "0x52", "0xaa"])
        .failed()
        .has("rsp=0xc5");

    let [low, high] = reserve("0x42");
    let clear = |action| storage(&["0x47", &low, &high, "0x43", "0x4c", "0x52", action]);
    assert_eq!(clear("0xaa").ok().bytes(), [1]);
    assert_eq!(clear("0").ok().bytes(), [1]);
    clear("0xaa").failed().has("rsp=0xc5");

    // The records of sensors have reservations of their own.
    let record = storage(&["0x23", "0", "0", "1", "1", "0", "0xff"]).ok().bytes();
    let [low, high] = reserve("0x22");
    let part = storage(&["0x23", &low, &high, "1", "1", "5", "4"]).ok().bytes();
    assert_eq!(part[2..], record[7..11]);
    reserve("0x42");
    storage(&["0x23", &low, &high, "1", "1", "5", "4"]).ok();
    reserve("0x22");
    storage(&["0x23", &low, &high, "1", "1", "5", "4"])
        .failed()
        .has("rsp=0xc5");
}

#[test]
fn a_full_log_says_so_and_loses_what_comes_after() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let capacity: usize = {
        let info = client.ipmitool(&["sel", "info"]).ok();
        info.value("# of Alloc Units").parse().unwrap()
    };
    let mut events = String::new();
    for _ in 0..=capacity {
        writeln!(events, "{EVENT}").unwrap();
    }
    let file = daemon.file("events");
    std::fs::write(&file, events).unwrap();
    client
        .ipmitool(&["sel", "add", file.to_str().unwrap()])
        .has("Out of space");
    let info = client.ipmitool(&["sel", "info"]).ok();
    assert_eq!(info.value("Entries"), capacity.to_string());
    assert_eq!(info.value("Overflow"), "true");
    assert_eq!(info.value("Percent Used"), "100%");
    client
        .ipmitool(&["sel", "list", "last", "1"])
        .ok()
        .has("Event Logging Disabled #0x0d | Log full | Asserted");
    client
        .freeipmi("ipmi-sel", &["--info"])
        .ok()
        .has("Events dropped due to lack of space    : Yes");
    client.ipmitool(&["sel", "clear"]).ok();
    let info = client.ipmitool(&["sel", "info"]).ok();
    assert_eq!(info.value("Overflow"), "false");
}

#[test]
fn the_clock_is_set_and_its_offset_told() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.ipmitool(&["sel", "time", "set", "01/02/30 03:04:05"]).ok();
    let time = client.ipmitool(&["sel", "time", "get"]).ok();
    time.has("01/02/30 03:");
    client
        .freeipmi("bmc-device", &["--get-sdr-repository-time"])
        .ok()
        .has("01/02/2030 - 03:");
    client.ipmitool(&["event", "1"]).ok();
    let log = client.ipmitool(&["sel", "list"]).ok();
    let lines: Vec<_> = log.text.lines().collect();
    // One record in the old time and one in the new.
    assert!(
        lines[0].contains("Timestamp Clock Sync") && !lines[0].contains("01/02/30"),
        "{log}"
    );
    assert!(
        lines[1].contains("Timestamp Clock Sync") && lines[1].contains("01/02/30"),
        "{log}"
    );
    assert!(
        lines[2].contains("01/02/30") && lines[2].contains("Temperature"),
        "{log}"
    );

    let offset = ["raw", "0x0a", "0x5c"];
    assert_eq!(client.ipmitool(&offset).ok().bytes(), [0xff, 0x07]);
    client
        .freeipmi("bmc-device", &["--set-sel-time-utc-offset=-90"])
        .ok();
    client
        .freeipmi("bmc-device", &["--get-sel-time-utc-offset"])
        .ok()
        .has("-90 minutes");
    client
        .ipmitool(&["raw", "0x0a", "0x5d", "0xa1", "5"])
        .failed()
        .has("rsp=0xcc");
    assert_eq!(client.ipmitool(&offset).ok().bytes(), [0xa6, 0xff]);
}

#[test]
fn every_kind_of_sensor_record_is_there() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    for (kind, name) in [
        ("full", "CPU Temp "),
        ("compact", "Power Unit "),
        ("event", "System Restart "),
        ("fru", "System "),
        ("mcloc", "BMC "),
    ] {
        let shown = client.ipmitool(&["sdr", "list", kind]).ok();
        assert!(shown.text.lines().any(|line| line.starts_with(name)), "{shown}");
    }
    let all = client.ipmitool(&["sdr", "list", "all"]).ok();
    let info = client.ipmitool(&["sdr", "info"]).ok();
    assert_eq!(info.value("Record Count"), all.text.lines().count().to_string());
    assert_eq!(info.value("Reserve SDR repository supported"), "yes");
    client
        .ipmitool(&["sdr", "elist"])
        .ok()
        .has("61h | ok  | 64.1 |")
        .has("Power Unit       | 01h | ok  |  7.1 | Power off/down");
    let file = daemon.file("sdr");
    client.ipmitool(&["sdr", "dump", file.to_str().unwrap()]).ok();
    // Length of each record in its fifth byte, after the identification of 5 bytes.
    let mut rest = std::fs::read(&file).unwrap();
    let mut records = 0;
    while rest.len() >= 5 {
        rest.drain(..5 + usize::from(rest[4]));
        records += 1;
    }
    assert_eq!((records, rest.len()), (all.text.lines().count(), 0));

    // The time of the last change stays, so that FreeIPMI's cache stays good.
    let cache = format!("--sdr-cache-directory={}", daemon.file("").display());
    client
        .freeipmi("ipmi-sensors", &[&cache])
        .ok()
        .has("Caching SDR record");
    client.set_power("on");
    client
        .freeipmi("ipmi-sensors", &[&cache])
        .ok()
        .has_not("Caching")
        .has("Processor Presence detected");
    let stamp = || client.ipmitool(&["raw", "0x0a", "0x20"]).ok().bytes()[5..9].to_vec();
    let first = stamp();
    client.ipmitool(&["sel", "time", "set", "01/02/30 03:04:05"]).ok();
    assert_eq!(stamp(), first);
}

#[test]
fn the_inventory_is_printed_edited_and_written() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let print = || client.ipmitool(&["fru", "print", "0"]).ok();
    let uuid = client.ipmitool(&["mc", "guid"]).ok();
    let original = print();
    assert_eq!(original.value("Chassis Serial"), uuid.value("System GUID"));
    assert_eq!(original.value("Product Name"), "node1");
    let file = daemon.file("fru");
    let file = file.to_str().unwrap();
    client.ipmitool(&["fru", "read", "0", file]).ok();
    let bytes = std::fs::read(file).unwrap();
    assert_eq!(bytes.len(), 2_048);

    for (area, index, key, value) in [
        ("b", "0", "Board Mfg", "New Maker"),
        ("p", "1", "Product Name", "A much longer name than before"),
        ("c", "1", "Chassis Serial", "SERIAL-1"),
    ] {
        // ipmitool 1.8.19 ends with 1 when it had to move what follows.
        client
            .ipmitool(&["fru", "edit", "0", "field", area, index, value])
            .has("Done.");
        assert_eq!(print().value(key), value);
        // It says so if a checksum is wrong.
        let shown = client.freeipmi("ipmi-fru", &[]).ok();
        let shown = shown.has(value).has("Management Access System Unique ID");
        shown.has_not("checksum").has_not("rror");
    }
    client.ipmitool(&["fru", "write", "0", file]).ok();
    assert_eq!(print().text, original.text);
    let again = daemon.file("again");
    client
        .ipmitool(&["fru", "read", "0", again.to_str().unwrap()])
        .ok();
    assert!(std::fs::read(again).unwrap() == bytes);

    let raw = |data: &[&str]| client.ipmitool(&[&["raw", "0x0a"], data].concat());
    raw(&["0x10", "1"]).failed().has("rsp=0xcb");
    raw(&["0x11", "0", "0", "8", "1"]).failed().has("rsp=0xc9");
    // The last three bytes are as free as the others.
    assert_eq!(raw(&["0x12", "0", "0xfd", "7", "1", "2", "3"]).ok().bytes(), [3]);
    assert_eq!(
        raw(&["0x11", "0", "0xfc", "7", "8"]).ok().bytes(),
        [4, 0, 1, 2, 3]
    );
}

#[test]
fn system_information_is_kept() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let get = |name| client.ipmitool(&["mc", "getsysinfo", name]).ok().text;
    assert_eq!(get("system_name").trim(), "node1");
    let long = "a name that needs more than one block of the parameter";
    for (parameter, value) in [
        ("system_name", long),
        ("system_fw_version", "1.2.3"),
        ("primary_os_name", "Debian"),
        ("os_name", "Debian 12"),
    ] {
        client.ipmitool(&["mc", "setsysinfo", parameter, value]).ok();
        assert_eq!(get(parameter).trim(), value);
    }
    let shown = client.freeipmi("bmc-info", &["--get-system-info"]).ok();
    assert_eq!(shown.value("System Name"), long);
    assert_eq!(shown.value("Operating System Name"), "Debian 12");
    assert_eq!(shown.value("BMC URL"), "");
    // Dell's parameters.
    client
        .ipmitool(&["raw", "6", "0x59", "0", "0xd0", "0", "0"])
        .failed()
        .has("rsp=0x80");
    // What runs is over with the machine.
    client.set_power("on");
    client.set_power("off");
    assert_eq!(get("os_name").trim(), "");
    assert_eq!(get("primary_os_name").trim(), "Debian");
}

#[test]
fn the_acpi_state_is_that_of_the_machine() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let state = || client.freeipmi("bmc-device", &["--get-acpi-power-state"]).ok();
    client.set_power("on");
    assert_eq!(state().value("ACPI System Power State"), "S0/G0");
    client.set_power("off");
    assert_eq!(state().value("ACPI System Power State"), "S5/G2");
    // Software may say what it likes.
    client.ipmitool(&["raw", "6", "6", "0x80", "0"]).ok();
    assert_eq!(state().value("ACPI System Power State"), "S5/G2");
    client
        .ipmitool(&["mc", "getenables"])
        .ok()
        .has("System Event Logging                     : enabled");
}
