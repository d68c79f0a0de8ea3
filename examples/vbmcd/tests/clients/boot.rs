//! Choosing the boot device.

use crate::client::Client;
use crate::daemon::{Vbmcd, until};

/// ipmitool's names of devices, and how it shows them.
const DEVICES: [(&str, &str); 5] = [
    ("pxe", "Force PXE"),
    ("disk", "Force Boot from default Hard-Drive"),
    ("cdrom", "Force Boot from CD/DVD"),
    ("bios", "Force Boot into BIOS Setup"),
    ("floppy", "Force Boot from Floppy/primary removable media"),
];

#[test]
fn a_boot_device_holds_for_one_boot() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    for (device, shown) in DEVICES {
        client.set_power("off");
        let earlier = daemon.count(&format!("node1 boot {device}"));
        client
            .ipmitool(&["chassis", "bootdev", device])
            .ok()
            .has(&format!("Set Boot Device to {device}"));
        let flags = client.ipmitool(&["chassis", "bootparam", "get", "5"]).ok();
        let flags = flags
            .has("Boot Flag Valid")
            .has("Options apply to only next boot");
        assert_eq!(flags.value("- Boot Device Selector"), shown);

        client.set_power("on");
        daemon.wait_for(&format!("node1 boot {device}"), earlier + 1);
        until(
            || format!("{device}: the flags are still valid"),
            || {
                client
                    .ipmitool(&["chassis", "bootparam", "get", "5"])
                    .ok()
                    .text
                    .contains("Boot Flag Invalid")
            },
        );
        let earlier = daemon.count("node1 boot disk");
        client.ipmitool(&["chassis", "power", "reset"]).ok();
        daemon.wait_for("node1 boot disk", earlier + 1);
    }
}

#[test]
fn a_persistent_boot_device_holds_until_it_is_taken_away() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client
        .ipmitool(&["chassis", "bootdev", "pxe", "options=efiboot,persistent"])
        .ok();
    client.set_power("on");
    daemon.wait_for("node1 boot pxe", 1);
    client.ipmitool(&["chassis", "power", "reset"]).ok();
    daemon.wait_for("node1 boot pxe", 2);
    let flags = client.ipmitool(&["chassis", "bootparam", "get", "5"]).ok();
    flags
        .has("Boot Flag Valid")
        .has("all future boots")
        .has("BIOS EFI boot")
        .has("Force PXE");

    client.ipmitool(&["chassis", "bootdev", "none"]).ok();
    client
        .ipmitool(&["chassis", "bootparam", "get", "5"])
        .ok()
        .has("No override");
    client.ipmitool(&["chassis", "power", "reset"]).ok();
    daemon.wait_for("node1 boot disk", 1);
}

#[test]
fn flags_that_are_marked_invalid_wait_for_the_mark_to_go() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    client.ipmitool(&["chassis", "bootdev", "pxe"]).ok();
    client.ipmitool(&["raw", "0", "8", "0x85"]).ok();
    client
        .ipmitool(&["chassis", "bootparam", "get", "5"])
        .ok()
        .has("Boot parameter 5 is invalid/locked")
        .has("Force PXE");
    client.set_power("on");
    daemon.wait_for("node1 boot disk", 1);
    client.ipmitool(&["raw", "0", "8", "5"]).ok();
    client.ipmitool(&["chassis", "power", "reset"]).ok();
    daemon.wait_for("node1 boot pxe", 1);

    // Flags whose valid bit is not set are no wish at all.
    client
        .ipmitool(&["raw", "0", "8", "5", "0", "0x04", "0", "0", "0"])
        .ok();
    client.ipmitool(&["chassis", "power", "reset"]).ok();
    daemon.wait_for("node1 boot disk", 2);
    assert_eq!(daemon.count("node1 boot pxe"), 1);
}

#[test]
fn all_boot_parameters_can_be_read_and_a_foreign_one_is_refused() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    for parameter in ["0", "1", "2", "3", "4", "5", "6", "7"] {
        let shown = client.ipmitool(&["chassis", "bootparam", "get", parameter]).ok();
        shown.has("Boot parameter version: 1").has_not("failed");
    }
    client
        .ipmitool(&["raw", "0", "9", "0x60", "0", "0"])
        .failed()
        .has("rsp=0x80");
}

#[test]
fn a_device_that_no_machine_has_is_refused() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    for device in ["safe", "diag"] {
        // ipmitool ends with 0 all the same.
        client
            .ipmitool(&["chassis", "bootdev", device])
            .has("Invalid data field in request");
    }
    client.set_power("on");
    daemon.wait_for("node1 boot disk", 1);
}

#[test]
fn freeipmi_sets_the_boot_device() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let commit = [
        "--category=chassis",
        "--commit",
        "--key-pair=Chassis_Boot_Flags:Boot_Flags_Persistent=No",
        "--key-pair=Chassis_Boot_Flags:BIOS_Boot_Type=EFI",
        "--key-pair=Chassis_Boot_Flags:Boot_Device=PXE",
    ];
    client.freeipmi("ipmi-config", &commit).ok();
    let checkout = ["--category=chassis", "--checkout", "--section=Chassis_Boot_Flags"];
    let shown = client.freeipmi("ipmi-config", &checkout).ok();
    let line = |key: &str| {
        let mut lines = shown
            .text
            .lines()
            .filter(|line| line.split_whitespace().next() == Some(key));
        lines
            .next()
            .and_then(|line| line.split_whitespace().nth(1))
            .map(str::to_owned)
    };
    assert_eq!(line("Boot_Device").as_deref(), Some("PXE"), "{shown}");
    assert_eq!(line("BIOS_Boot_Type").as_deref(), Some("EFI"), "{shown}");
    client.set_power("on");
    daemon.wait_for("node1 boot pxe", 1);
}
