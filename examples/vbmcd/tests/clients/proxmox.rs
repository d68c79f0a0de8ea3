//! Guests of Proxmox VE: ipmitool on vbmcd on a simulated cluster.

use std::path::Path;
use std::time::Duration;

use backend_proxmox::simulator::{GuestSpec, NodeFailure, PveVersion, Simulator};
use rustix::process::Signal;
use tokio::runtime::Runtime;

use crate::client::Client;
use crate::daemon::{PASSWORD, USER, Vbmcd, command, until, write_private};
use crate::terminal::Terminal;

/// The order of the simulated machine itself.
const OWN: &str = "order=scsi0;ide2;net0";

/// A simulated cluster of three nodes with a guest 100 on the second, and what vbmcd needs to use it.
struct World {
    runtime: Runtime,
    simulator: Simulator,
    secret: String,
    directory: tempfile::TempDir,
}

impl World {
    fn new(version: PveVersion) -> Self {
        let runtime = Runtime::new().unwrap();
        let builder = Simulator::builder().version(version).nodes(3).speed(5);
        let simulator = runtime.block_on(builder.start()).unwrap();
        simulator.add_guest(GuestSpec::qemu(100).node("pve2"));
        simulator.add_user("bmc@pve", "guess-me-not");
        let secret = simulator.add_token("bmc@pve!power", false);
        for path in ["/", "/vms"] {
            simulator.grant(path, "bmc@pve", "Administrator");
        }
        Self {
            runtime,
            simulator,
            secret,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// The configuration, with these lines in its connection.
    fn configure(&self, lines: &str) -> std::path::PathBuf {
        write_private(&self.path("token"), &self.secret);
        write_private(&self.path("ca.pem"), self.simulator.ca_pem());
        let urls: Vec<_> = self
            .simulator
            .urls()
            .iter()
            .map(|url| format!("{url:?}"))
            .collect();
        let text = format!(
            "[connection.pve]\ntype = \"proxmox\"\nurl = [{}]\ntoken_id = \"bmc@pve!power\"\ntoken_file = \"token\"\n\
             {lines}\n[[bmc]]\nname = \"node1\"\nconnection = \"pve\"\nmachine = \"100\"\nport = 0\n\
             username = \"{USER}\"\npassword = \"{PASSWORD}\"\n",
            urls.join(", ")
        );
        let path = self.path("vbmcd.toml");
        write_private(&path, &text);
        path
    }

    fn vbmcd(&self) -> Vbmcd {
        self.run(&self.configure("ca_file = \"ca.pem\""))
    }

    fn run(&self, config: &Path) -> Vbmcd {
        let mut command = command();
        command.env("RUST_LOG", "info,backend_proxmox=debug");
        command.arg("run").arg("--config").arg(config);
        Vbmcd::of(std::rc::Rc::new(tempfile::tempdir().unwrap()), command)
    }

    fn starts(&self) -> Vec<String> {
        let events = self.simulator.guest(100).unwrap().events.into_iter();
        events.filter(|event| event.starts_with("start")).collect()
    }

    fn until(&self, what: &str, mut is: impl FnMut(&Simulator) -> bool) {
        until(|| format!("{what} did not happen"), || is(&self.simulator));
    }

    fn until_own_order(&self) {
        self.until("the machine's own order is back", |simulator| {
            simulator.guest(100).unwrap().next_boot.as_deref() == Some(OWN)
        });
    }
}

#[test]
fn power_and_one_boot_from_the_network_in_every_version() {
    for version in [PveVersion::V7, PveVersion::V8, PveVersion::V9] {
        let world = World::new(version);
        let daemon = world.vbmcd();
        let bmc = Client::new(daemon.address());
        assert_eq!(bmc.power(), "off");
        bmc.ipmitool(&["chassis", "bootdev", "pxe"]).ok();
        bmc.set_power("on");
        bmc.wait_for_power("on");
        world.until_own_order();
        bmc.ipmitool(&["chassis", "power", "cycle"]).ok();
        world.until("the second start", |_| world.starts().len() == 2);
        assert_eq!(
            world.starts(),
            ["start, boots from net0", "start, boots from scsi0"]
        );
        bmc.wait_for_power("on");
        // Before QEMU is up, PVE calls the guest stopped: the reset is refused.
        world.until("the reset is taken", |_| {
            bmc.ipmitool(&["chassis", "power", "reset"]).code == Some(0)
        });
        world.until("the reset", |simulator| {
            simulator
                .guest(100)
                .unwrap()
                .events
                .iter()
                .any(|event| event == "reset")
        });
        bmc.ipmitool(&["chassis", "power", "soft"]).ok();
        bmc.wait_for_power("off");
        assert!(!daemon.log().contains(&world.secret), "the log holds the secret");
    }
}

#[test]
fn order_comes_back_when_the_daemon_is_killed_between_start_and_restore() {
    use backend_proxmox::simulator::{Fault, FaultRule};
    let world = World::new(PveVersion::V9);
    let daemon = world.vbmcd();
    let bmc = Client::new(daemon.address());
    bmc.ipmitool(&["chassis", "bootdev", "pxe"]).ok();
    let put = FaultRule::new(Fault::Error("no".to_owned())).on("PUT /nodes/{node}/qemu/{vmid}/config");
    world.simulator.inject(put.after(1));
    bmc.set_power("on");
    world.until("the start", |_| world.starts().len() == 1);
    assert_eq!(world.starts(), ["start, boots from net0"]);
    daemon.stop(Signal::KILL);
    assert_ne!(
        world.simulator.guest(100).unwrap().next_boot.as_deref(),
        Some(OWN)
    );
    world.simulator.clear_faults();
    let daemon = world.vbmcd();
    world.until_own_order();
    let bmc = Client::new(daemon.address());
    bmc.ipmitool(&["chassis", "power", "cycle"]).ok();
    world.until("the second start", |_| world.starts().len() == 2);
    assert_eq!(world.starts()[1], "start, boots from scsi0");
}

#[test]
fn task_that_fails_later_is_in_the_event_log() {
    let world = World::new(PveVersion::V8);
    world
        .simulator
        .set_start_error(100, Some("start failed: QEMU exited with code 1"));
    let daemon = world.vbmcd();
    let bmc = Client::new(daemon.address());
    bmc.ipmitool(&["sel", "clear"]).ok();
    bmc.ipmitool(&["chassis", "power", "on"]).ok();
    until(
        || format!("the failure is not in the event log: {}", daemon.log()),
        || {
            bmc.ipmitool(&["sel", "elist"])
                .ok()
                .text
                .contains("Soft-power control failure")
        },
    );
    assert!(
        daemon.log().contains("QEMU exited with code 1"),
        "{}",
        daemon.log()
    );
    assert_eq!(bmc.power(), "off");
}

#[test]
fn what_cannot_be_known_is_an_error_and_never_off() {
    let world = World::new(PveVersion::V9);
    let daemon = world.vbmcd();
    let bmc = Client::new(daemon.address());
    bmc.set_power("on");
    bmc.wait_for_power("on");
    let unknown = || {
        until(
            || "the state is still told".to_owned(),
            || {
                let shown = bmc.ipmitool(&["chassis", "power", "status"]);
                assert!(!shown.text.contains("is off"), "{}", shown.text);
                !shown.text.contains("Chassis Power is on")
            },
        );
        bmc.ipmitool(&["chassis", "power", "off"]).failed();
    };
    world.simulator.fail_node("pve2", NodeFailure::Refused);
    unknown();
    // The node comes back, its guests are off: now that is known.
    world.simulator.restore_node("pve2");
    bmc.wait_for_power("off");
    bmc.set_power("on");
    bmc.wait_for_power("on");
    world.simulator.set_quorate(false);
    unknown();
    world.simulator.set_quorate(true);
    bmc.wait_for_power("on");
    // It moves, and is still there.
    let migrated = world.simulator.migrate(100, "pve3", Duration::from_secs(1));
    world.runtime.block_on(migrated).unwrap();
    bmc.set_power("off");
    bmc.wait_for_power("off");
    assert_eq!(world.simulator.guest(100).unwrap().node, "pve3");
}

#[test]
fn missing_privilege_is_told_at_the_start_and_refused() {
    let world = World::new(PveVersion::V8);
    for path in ["/", "/vms"] {
        world.simulator.revoke(path, "bmc@pve");
    }
    world.simulator.grant("/vms", "bmc@pve", "PVEAuditor");
    let daemon = world.vbmcd();
    let bmc = Client::new(daemon.address());
    assert_eq!(bmc.power(), "off");
    assert!(
        daemon.log().contains("VM.PowerMgmt on /vms/100 is missing"),
        "{}",
        daemon.log()
    );
    bmc.ipmitool(&["chassis", "power", "on"]).failed();
}

#[test]
fn certificate_that_is_not_trusted_ends_the_program() {
    let world = World::new(PveVersion::V9);
    let config = world.configure(&format!(
        "fingerprint = \"{}\"",
        "AB:".repeat(32).trim_end_matches(':')
    ));
    let (code, _, errors) = crate::daemon::run_to_end(&["run", "--config", config.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{errors}");
    assert!(
        errors.contains("certificate") && errors.contains("fingerprint"),
        "{errors}"
    );
}

#[test]
fn console_goes_on_over_a_power_cycle() {
    let world = World::new(PveVersion::V9);
    let daemon = world.vbmcd();
    let bmc = Client::new(daemon.address());
    bmc.set_power("on");
    bmc.wait_for_power("on");
    let mut terminal = Terminal::ipmitool(&bmc);
    terminal.echoes("one");
    bmc.ipmitool(&["chassis", "power", "cycle"]).ok();
    world.until("the second start", |_| world.starts().len() == 2);
    bmc.wait_for_power("on");
    terminal.clear();
    terminal.echoes("two");
}
