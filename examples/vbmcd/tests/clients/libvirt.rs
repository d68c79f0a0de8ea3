//! Real machines: ipmitool on vbmcd on libvirt on QEMU. What happened is asked of virsh, and of the guests
//! themselves, which say at their serial lines what they booted from and what was done to them.
//!
//! libvirtd and vbmcd run as a user without any rights.

use std::process::Command;

use rustix::process::Signal;

use crate::client::Client;
use crate::daemon::{PASSWORD, USER, Vbmcd, until};
use crate::lab::{Lab, guest};
use crate::terminal::Terminal;

/// What a guest says when it has booted.
const FROM_DISK: &str = "guest: booted from disk";
const FROM_CD: &str = "guest: booted from cdrom";
const FROM_NETWORK: &str = "Booting from ROM";

/// A laboratory with guests `lab-0`, `lab-1`, ...
fn lab(guests: u8) -> Lab {
    let lab = Lab::start();
    lab.make_images();
    for number in 0..guests {
        lab.define_guest(&format!("lab-{number}"), number);
    }
    lab
}

/// vbmcd as the unprivileged user, a BMC for each guest: the first by UUID, the others by name. The store is in
/// memory: the directory of the configuration is not that user's.
fn vbmcd(lab: &Lab, guests: u8) -> Vbmcd {
    vbmcd_with(lab, guests, "")
}

fn vbmcd_with(lab: &Lab, guests: u8, connection: &str) -> Vbmcd {
    let mut text = format!(
        "[store]\ntype = \"memory\"\n[connection.lab]\ntype = \"libvirt\"\nuri = \"{}\"\n\
         {connection}\n[defaults]\nconnection = \"lab\"\nport = 0\nusername = \"{USER}\"\npassword = \"{PASSWORD}\"\n",
        lab.qemu()
    );
    for number in 0..guests {
        let machine = if number == 0 {
            guest::uuid(0)
        } else {
            format!("lab-{number}")
        };
        text += &format!("\n[[bmc]]\nname = \"node{number}\"\nmachine = \"{machine}\"\n");
    }
    let config = lab.write_private("vbmcd.toml", &text);
    // Where the unprivileged user may not look: a copy.
    let program = lab.path("vbmcd");
    if !program.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_vbmcd"), &program).unwrap();
    }
    let mut command: Command = lab.command(program.to_str().unwrap());
    command.env("RUST_LOG", "info,backend_libvirt=debug");
    command.arg("run").arg("--config").arg(config);
    Vbmcd::of(std::rc::Rc::new(tempfile::tempdir().unwrap()), command)
}

fn client(daemon: &Vbmcd, number: usize) -> Client {
    Client::new(daemon.endpoints()[number].1)
}

#[track_caller]
fn do_all(client: &Client, commands: &[&str]) {
    for command in commands {
        let words: Vec<_> = command.split(' ').collect();
        client.ipmitool(&words).ok();
    }
}

#[test]
fn each_power_action_reaches_the_guest() {
    let lab = lab(1);
    let daemon = vbmcd(&lab, 1);
    let bmc = client(&daemon, 0);
    assert_eq!(bmc.power(), "off");
    for refused in ["cycle", "reset", "soft", "diag"] {
        bmc.ipmitool(&["chassis", "power", refused]).failed();
    }

    do_all(&bmc, &["chassis power on"]);
    lab.wait_for_state("qemu", "lab-0", "running");
    lab.wait_until_said("lab-0", FROM_DISK, 1);
    bmc.wait_for_power("on");
    do_all(&bmc, &["chassis power on", "chassis power diag"]);
    lab.wait_until_said("lab-0", "guest: NMI", 1);
    do_all(&bmc, &["chassis power reset"]);
    lab.wait_until_said("lab-0", FROM_DISK, 2);
    assert_eq!(bmc.power(), "on");

    do_all(&bmc, &["chassis power soft"]);
    lab.wait_until_said("lab-0", "guest: power button", 1);
    lab.wait_for_state("qemu", "lab-0", "shut off");
    bmc.wait_for_power("off");

    // A cycle is off and on: the console's log begins anew.
    bmc.set_power("on");
    lab.wait_until_said("lab-0", FROM_DISK, 1);
    let before = lab.virsh("qemu", &["domid", "lab-0"]);
    do_all(&bmc, &["chassis power cycle"]);
    until(
        || "the guest was not cycled".to_owned(),
        || {
            lab.try_virsh("qemu", &["domid", "lab-0"])
                .is_ok_and(|id| id != before && id != "-")
        },
    );
    lab.wait_until_said("lab-0", FROM_DISK, 1);
    bmc.wait_for_power("on");
    bmc.set_power("off");
    lab.wait_for_state("qemu", "lab-0", "shut off");

    let log = bmc.ipmitool(&["sel", "list"]).ok();
    let log = log
        .has("NMI/Diag Interrupt")
        .has("Power off/down")
        .has("Initiated by hard reset");
    log.has("OS graceful shutdown").has_not("Power unit failure");
}

#[test]
fn paused_and_foreign_changes_are_seen() {
    let lab = lab(2);
    let daemon = vbmcd(&lab, 2);
    let bmc = client(&daemon, 1);
    lab.virsh("qemu", &["start", "lab-1"]);
    bmc.wait_for_power("on");
    lab.virsh("qemu", &["suspend", "lab-1"]);
    // Paused is on, and power up lets it go on; a reset does, too.
    assert_eq!(bmc.power(), "on");
    until(
        || "the pause was not noticed".to_owned(),
        || {
            do_all(&bmc, &["chassis power on"]);
            lab.virsh("qemu", &["domstate", "lab-1"]) == "running"
        },
    );
    lab.wait_until_said("lab-1", FROM_DISK, 1);
    lab.virsh("qemu", &["suspend", "lab-1"]);
    do_all(&bmc, &["chassis power reset"]);
    lab.wait_for_state("qemu", "lab-1", "running");
    lab.wait_until_said("lab-1", FROM_DISK, 2);
    lab.virsh("qemu", &["managedsave", "lab-1"]);
    bmc.wait_for_power("off");
    do_all(&bmc, &["chassis power on"]);
    lab.wait_for_state("qemu", "lab-1", "running");
    lab.virsh("qemu", &["destroy", "lab-1"]);
    bmc.wait_for_power("off");
    // The guest switches itself off, renamed meanwhile: nothing is lost.
    lab.virsh("qemu", &["domrename", "lab-1", "other"]);
    do_all(&bmc, &["chassis power on"]);
    lab.wait_for_state("qemu", "other", "running");
    lab.wait_until_said("lab-1", FROM_DISK, 1);
    lab.virsh("qemu", &["shutdown", "other", "--mode", "acpi"]);
    bmc.wait_for_power("off");
    // A domain that is gone is not off.
    lab.virsh("qemu", &["undefine", "other"]);
    until(
        || "a domain that is gone has a power state".to_owned(),
        || bmc.ipmitool(&["chassis", "power", "status"]).code != Some(0),
    );
}

#[test]
fn one_time_boot_is_one_time_and_the_definition_stays() {
    let lab = lab(1);
    let definition = || lab.virsh("qemu", &["dumpxml", "--inactive", "--security-info", "lab-0"]);
    let own = definition();
    let daemon = vbmcd(&lab, 1);
    let bmc = client(&daemon, 0);

    // At power-on; a reboot of the guest is the next boot already.
    do_all(&bmc, &["chassis bootdev cdrom", "chassis power on"]);
    lab.wait_until_said("lab-0", FROM_CD, 1);
    assert_eq!(definition(), own);
    bmc.ipmitool(&["chassis", "bootparam", "get", "5"])
        .ok()
        .has("Boot Flag Invalid");
    lab.type_at("lab-0", b"\x12", "guest: reboots");
    lab.wait_until_said("lab-0", FROM_DISK, 1);

    // At a reset, of a machine that runs; from the network, which has nothing to offer.
    do_all(&bmc, &["chassis bootdev cdrom", "chassis power reset"]);
    lab.wait_until_said("lab-0", FROM_CD, 2);
    do_all(&bmc, &["chassis power reset"]);
    lab.wait_until_said("lab-0", FROM_DISK, 2);
    let before = lab.said("lab-0").matches(FROM_NETWORK).count();
    do_all(&bmc, &["chassis bootdev pxe", "chassis power reset"]);
    lab.wait_until_said("lab-0", FROM_NETWORK, before + 1);

    // At a power cycle; the next one is without it.
    do_all(&bmc, &["chassis bootdev cdrom", "chassis power cycle"]);
    lab.wait_until_said("lab-0", FROM_CD, 1);
    bmc.wait_for_power("on");
    until(
        || "the second cycle was not taken".to_owned(),
        || bmc.ipmitool(&["chassis", "power", "cycle"]).code == Some(0),
    );
    lab.wait_until_said("lab-0", FROM_DISK, 1);

    // Set and taken away.
    bmc.wait_for_power("on");
    until(
        || "the machine was not switched off".to_owned(),
        || bmc.ipmitool(&["chassis", "power", "off"]).code == Some(0),
    );
    lab.wait_for_state("qemu", "lab-0", "shut off");
    bmc.wait_for_power("off");
    do_all(
        &bmc,
        &[
            "chassis bootdev cdrom",
            "chassis bootdev none",
            "chassis power on",
        ],
    );
    lab.wait_until_said("lab-0", FROM_DISK, 1);
    assert_eq!(definition(), own);

    // Not a device of this machine.
    for device in ["floppy", "safe"] {
        // ipmitool ends with 0 all the same.
        bmc.ipmitool(&["chassis", "bootdev", device])
            .has("Invalid data field");
    }
}

#[test]
fn persistent_boot_changes_the_definition_and_gives_it_back() {
    let lab = lab(1);
    let definition = || lab.virsh("qemu", &["dumpxml", "--inactive", "--security-info", "lab-0"]);
    let own = definition();
    let daemon = vbmcd(&lab, 1);
    let bmc = client(&daemon, 0);
    do_all(&bmc, &["chassis bootdev cdrom options=persistent"]);
    assert_ne!(definition(), own);
    for _ in 0..2 {
        bmc.set_power("on");
        lab.wait_until_said("lab-0", FROM_CD, 1);
        bmc.set_power("off");
    }
    do_all(&bmc, &["chassis bootdev none"]);
    assert_eq!(definition(), own);
    bmc.set_power("on");
    lab.wait_until_said("lab-0", FROM_DISK, 1);
}

#[test]
fn firmware_setup_shows_the_boot_menu() {
    let lab = lab(1);
    let daemon = vbmcd(&lab, 1);
    let bmc = client(&daemon, 0);
    let terminal = Terminal::ipmitool(&bmc);
    do_all(&bmc, &["chassis bootdev bios", "chassis power on"]);
    terminal.wait_for("Select boot device");
}

#[test]
fn console_shows_everything_from_the_first_byte_and_lives_through_a_power_cycle() {
    let lab = lab(1);
    let daemon = vbmcd(&lab, 1);
    let bmc = client(&daemon, 0);
    let mut terminal = Terminal::ipmitool(&bmc);
    do_all(&bmc, &["chassis power on"]);
    terminal.wait_for(FROM_DISK);
    let shown = terminal.text();
    let (_, shown) = shown.split_once("help]").unwrap();
    let firmware = shown.find("SeaBIOS (version").unwrap();
    let expected = lab.said("lab-0").find("SeaBIOS (version").unwrap();
    assert_eq!(
        shown.trim_start().find("SeaBIOS (version"),
        Some(expected),
        "{shown:?} {firmware}"
    );
    terminal.type_in("hello");
    terminal.wait_for("guest> hello");

    terminal.clear();
    do_all(&bmc, &["chassis power cycle"]);
    terminal.wait_for("SeaBIOS (version");
    terminal.wait_for(FROM_DISK);
    terminal.type_in("again");
    terminal.wait_for("guest> again");
}

#[test]
fn libvirtd_may_die_at_any_time() {
    let mut lab = lab(1);
    let daemon = vbmcd(&lab, 1);
    let bmc = client(&daemon, 0);
    bmc.set_power("on");
    lab.wait_until_said("lab-0", FROM_DISK, 1);
    lab.kill_daemon();
    until(
        || "a state that cannot be known was shown".to_owned(),
        || bmc.ipmitool(&["chassis", "power", "status"]).code != Some(0),
    );
    bmc.ipmitool(&["chassis", "power", "off"]).failed();
    lab.start_daemon();
    // The guest went on; the BMC comes back by itself.
    bmc.wait_for_power("on");
    do_all(&bmc, &["chassis power diag"]);
    lab.wait_until_said("lab-0", "guest: NMI", 1);

    // In the middle of a stop: what became of it is found out, not guessed.
    do_all(&bmc, &["chassis bootdev cdrom", "chassis power off"]);
    lab.kill_daemon();
    lab.start_daemon();
    until(
        || "the BMC and virsh differ".to_owned(),
        || {
            let power = bmc.ipmitool(&["chassis", "power", "status"]).text;
            match lab.virsh("qemu", &["domstate", "lab-0"]).as_str() {
                "running" => power.contains("is on"),
                "shut off" => power.contains("is off"),
                _ => false,
            }
        },
    );
    until(
        || "the machine was not switched off".to_owned(),
        || {
            bmc.ipmitool(&["chassis", "power", "off"]);
            lab.virsh("qemu", &["domstate", "lab-0"]) == "shut off"
        },
    );
    bmc.wait_for_power("off");
    bmc.set_power("on");
    lab.wait_until_said("lab-0", FROM_CD, 1);
}

#[test]
fn killing_the_bmc_leaves_the_definition_as_it_was() {
    let lab = lab(1);
    let definition = || lab.virsh("qemu", &["dumpxml", "--inactive", "--security-info", "lab-0"]);
    let own = definition();
    let daemon = vbmcd(&lab, 1);
    do_all(&client(&daemon, 0), &["chassis bootdev cdrom"]);
    daemon.stop(Signal::KILL);
    assert_eq!(definition(), own);
    let daemon = vbmcd(&lab, 1);
    do_all(
        &client(&daemon, 0),
        &["chassis bootdev cdrom", "chassis power on"],
    );
    daemon.stop(Signal::KILL);
    assert_eq!(definition(), own);
}

#[test]
fn four_machines_do_different_things_at_once() {
    let lab = lab(4);
    let daemon = vbmcd(&lab, 4);
    std::thread::scope(|scope| {
        for (number, device, expected) in [
            (0, "disk", FROM_DISK),
            (1, "cdrom", FROM_CD),
            (2, "pxe", FROM_NETWORK),
            (3, "cdrom", FROM_CD),
        ] {
            let (lab, bmc, name) = (&lab, client(&daemon, number), format!("lab-{number}"));
            scope.spawn(move || {
                do_all(&bmc, &[&format!("chassis bootdev {device}"), "chassis power on"]);
                lab.wait_until_said(&name, expected, 1);
                bmc.wait_for_power("on");
                bmc.set_power("off");
                lab.wait_for_state("qemu", &name, "shut off");
            });
        }
    });
    let shown = client(&daemon, 0).ipmitool(&["mc", "guid"]).ok();
    shown.has(&guest::uuid(0));
    client(&daemon, 2)
        .ipmitool(&["fru", "print"])
        .ok()
        .has("lab-2")
        .has("QEMU");
}
