//! A guest: its configuration file, what of it waits for the next start, its snapshots and its process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sha1::{Digest as _, Sha1};
use tokio::sync::broadcast;

use super::console::{self, GuestEvent};
use super::random;
use super::terminal::Shell;

/// Keys and values of a configuration, as they stand in the file.
pub(super) type Config = BTreeMap<String, String>;

/// A virtual machine or a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuestKind {
    /// A virtual machine.
    Qemu,
    /// A container.
    Lxc,
}

impl GuestKind {
    /// As in the paths of the API.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }

    /// The directory of its configuration files.
    pub(super) const fn directory(self) -> &'static str {
        match self {
            Self::Qemu => "qemu-server",
            Self::Lxc => "lxc",
        }
    }

    /// What messages call it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Qemu => "VM",
            Self::Lxc => "CT",
        }
    }

    /// What the types of its tasks begin with.
    pub(super) const fn task_prefix(self) -> &'static str {
        match self {
            Self::Qemu => "qm",
            Self::Lxc => "vz",
        }
    }
}

/// A guest to put into the simulated cluster: see [`Simulator::add_guest`](super::Simulator::add_guest).
#[derive(Clone, Debug)]
pub struct GuestSpec {
    pub(super) vmid: u32,
    pub(super) kind: GuestKind,
    pub(super) node: Option<String>,
    pub(super) pool: Option<String>,
    pub(super) config: Config,
    pub(super) running: bool,
    pub(super) behaviour: Behaviour,
}

impl GuestSpec {
    /// A virtual machine with a disk (`scsi0`), an empty drive (`ide2`), a network card (`net0`), a serial port and
    /// `boot: order=scsi0;ide2;net0`, powered off, on the first node.
    pub fn qemu(vmid: u32) -> Self {
        let mut config = Config::new();
        for (key, value) in [
            ("name", format!("vm{vmid}")),
            ("cores", "1".to_owned()),
            ("memory", "512".to_owned()),
            ("scsi0", format!("local:{vmid}/vm-{vmid}-disk-0.qcow2,size=8G")),
            ("ide2", "none,media=cdrom".to_owned()),
            ("net0", format!("virtio={},bridge=vmbr0", random::mac())),
            ("serial0", "socket".to_owned()),
            ("boot", "order=scsi0;ide2;net0".to_owned()),
            ("smbios1", format!("uuid={}", random::uuid())),
            ("vmgenid", random::uuid()),
        ] {
            config.insert(key.to_owned(), value);
        }
        Self::new(vmid, GuestKind::Qemu, config)
    }

    /// A container with a root file system, stopped, on the first node.
    pub fn lxc(vmid: u32) -> Self {
        let mut config = Config::new();
        for (key, value) in [
            ("hostname", format!("ct{vmid}")),
            ("arch", "amd64".to_owned()),
            ("cores", "1".to_owned()),
            ("memory", "512".to_owned()),
            ("swap", "512".to_owned()),
            ("ostype", "debian".to_owned()),
            ("rootfs", format!("local:{vmid}/vm-{vmid}-disk-0.subvol,size=8G")),
            (
                "net0",
                format!("name=eth0,bridge=vmbr0,hwaddr={},type=veth", random::mac()),
            ),
        ] {
            config.insert(key.to_owned(), value);
        }
        Self::new(vmid, GuestKind::Lxc, config)
    }

    fn new(vmid: u32, kind: GuestKind, config: Config) -> Self {
        Self {
            vmid,
            kind,
            node: None,
            pool: None,
            config,
            running: false,
            behaviour: Behaviour::default(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        let key = if self.kind == GuestKind::Qemu {
            "name"
        } else {
            "hostname"
        };
        self.set(key, name)
    }

    /// The node that it is on.
    #[must_use]
    pub fn node(mut self, node: &str) -> Self {
        self.node = Some(node.to_owned());
        self
    }

    /// The pool that it is in.
    #[must_use]
    pub fn pool(mut self, pool: &str) -> Self {
        self.pool = Some(pool.to_owned());
        self
    }

    /// A line of its configuration, such as `set("tags", "bmc;lab")`.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.config.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Without a line that it would have.
    #[must_use]
    pub fn unset(mut self, key: &str) -> Self {
        self.config.remove(key);
        self
    }

    /// Already running.
    #[must_use]
    pub fn running(mut self) -> Self {
        self.running = true;
        self
    }

    /// How long its operating system takes to shut down; `None`: it does not react.
    #[must_use]
    pub fn shutdown_after(mut self, time: Option<Duration>) -> Self {
        self.behaviour.shutdown_after = time;
        self
    }

    /// Its guest agent answers; `agent: 1` must be in its configuration too.
    #[must_use]
    pub fn agent(mut self) -> Self {
        self.behaviour.agent = true;
        self.set("agent", "1")
    }
}

/// What the software in a guest does.
#[derive(Clone, Debug)]
pub(super) struct Behaviour {
    /// Time from the power button to off; `None`: nothing listens.
    pub(super) shutdown_after: Option<Duration>,
    /// A guest agent runs in it.
    pub(super) agent: bool,
    /// The next starts fail with this text.
    pub(super) start_error: Option<String>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            shutdown_after: Some(Duration::from_secs(2)),
            agent: false,
            start_error: None,
        }
    }
}

/// A running QEMU or container.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// On the simulator's clock.
    pub(super) started: Duration,
    /// As in `qmpstatus`.
    pub(super) status: &'static str,
    /// The configuration that it was started with: what the machine really has.
    pub(super) config: Config,
}

/// A snapshot.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// Seconds since 1970.
    pub(super) time: u64,
    /// With the contents of the memory.
    pub(super) vmstate: bool,
    pub(super) parent: Option<String>,
    pub(super) config: Config,
}

/// A guest of the cluster.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) vmid: u32,
    pub(super) kind: GuestKind,
    pub(super) node: String,
    pub(super) pool: Option<String>,
    pub(super) config: Config,
    /// Waits for the next start: a new value, or `None`: the key goes.
    pub(super) pending: BTreeMap<String, Option<String>>,
    pub(super) snapshots: Vec<Snapshot>,
    /// The snapshot that the current state came from.
    pub(super) parent: Option<String>,
    pub(super) process: Option<Process>,
    pub(super) behaviour: Behaviour,
    /// Its state as a resource of the high availability manager, if it is one.
    pub(super) ha: Option<String>,
    /// The lock file, which one action at a time holds.
    pub(super) lock_file: Arc<tokio::sync::Mutex<()>>,
    /// When the last process ended.
    pub(super) stopped: Option<Duration>,
    /// Who is at the serial port: one at a time.
    pub(super) port: Arc<tokio::sync::Mutex<()>>,
    /// What the machine prints, for the console that is attached; without one it is lost.
    pub(super) console: broadcast::Sender<GuestEvent>,
    /// Keys that were pressed, resets and NMIs: what reached the machine, newest last.
    pub(super) events: Vec<String>,
}

/// Events of a guest that are remembered.
const EVENTS: usize = 1000;

impl Guest {
    pub(super) fn new(spec: GuestSpec, node: String) -> Self {
        Self {
            vmid: spec.vmid,
            kind: spec.kind,
            node,
            pool: spec.pool,
            config: spec.config,
            pending: BTreeMap::new(),
            snapshots: Vec::new(),
            parent: None,
            process: None,
            behaviour: spec.behaviour,
            ha: None,
            lock_file: Arc::default(),
            stopped: None,
            port: Arc::default(),
            console: console::channel(),
            events: Vec::new(),
        }
    }

    /// What the machine prints when it has booted; lost when nobody is attached.
    pub(super) fn print_banner(&self) {
        let Some(process) = &self.process else { return };
        let device = super::devices::boots_from(&process.config);
        let banner = Shell::new(self.name()).banner(device.as_deref().unwrap_or("nothing"));
        _ = self.console.send(GuestEvent::Output(banner));
    }

    pub(super) fn record(&mut self, event: impl Into<String>) {
        if self.events.len() >= EVENTS {
            self.events.remove(0);
        }
        let event = event.into();
        _ = self.console.send(GuestEvent::Recorded(event.clone()));
        self.events.push(event);
    }

    /// The SHA-1 of the configuration file.
    pub(super) fn digest(&self) -> String {
        let mut hash = Sha1::new();
        let mut line = |key: &str, value: &str| {
            hash.update(key);
            hash.update(": ");
            hash.update(value);
            hash.update("\n");
        };
        for (key, value) in &self.config {
            line(key, value);
        }
        line("parent", self.parent.as_deref().unwrap_or_default());
        for (key, value) in &self.pending {
            match value {
                Some(value) => line(&format!("[PENDING] {key}"), value),
                None => line("[PENDING] delete", key),
            }
        }
        for snapshot in &self.snapshots {
            line("[snapshot]", &snapshot.name);
            for (key, value) in &snapshot.config {
                line(key, value);
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The configuration with what waits for the next start.
    pub(super) fn configured(&self) -> Config {
        let mut config = self.config.clone();
        for (key, value) in &self.pending {
            match value {
                Some(value) => _ = config.insert(key.clone(), value.clone()),
                None => _ = config.remove(key),
            }
        }
        config
    }

    /// What a start does first: what waited is the configuration now.
    pub(super) fn apply_pending(&mut self) {
        self.config = self.configured();
        self.pending.clear();
    }

    pub(super) fn name(&self) -> &str {
        let key = if self.kind == GuestKind::Qemu {
            "name"
        } else {
            "hostname"
        };
        self.config.get(key).map_or("", String::as_str)
    }

    /// The lock that an operation such as a backup has put into the configuration.
    pub(super) fn lock(&self) -> Option<&str> {
        self.config.get("lock").map(String::as_str)
    }

    /// # Errors
    /// The text about a locked configuration.
    pub(super) fn check_lock(&self) -> Result<(), String> {
        match self.lock() {
            Some(lock) => Err(format!("{} is locked ({lock})", self.kind.title())),
            None => Ok(()),
        }
    }

    pub(super) fn is_template(&self) -> bool {
        self.config.get("template").is_some_and(|value| value == "1")
    }

    /// The agent is switched on in the configuration.
    pub(super) fn has_agent(&self) -> bool {
        let running = self
            .process
            .as_ref()
            .map_or(&self.config, |process| &process.config);
        running.get("agent").is_some_and(|value| {
            value
                .split(',')
                .any(|part| matches!(part, "1" | "enabled=1" | "on" | "yes" | "true"))
        })
    }

    /// Memory in bytes.
    pub(super) fn memory(&self) -> u64 {
        let text = self.config.get("memory").map_or("512", String::as_str);
        let text = text.strip_prefix("current=").unwrap_or(text);
        text.parse::<u64>().unwrap_or(512).saturating_mul(1024 * 1024)
    }

    pub(super) fn cpus(&self) -> u64 {
        let number = |key: &str| self.config.get(key).and_then(|value| value.parse::<u64>().ok());
        number("cores")
            .unwrap_or(1)
            .saturating_mul(number("sockets").unwrap_or(1))
    }

    /// Size of the first disk in bytes.
    pub(super) fn disk(&self) -> u64 {
        let disk = super::devices::disks(&self.config).into_iter().next();
        let size = disk.and_then(|(_, value)| {
            let size = value.split(',').find_map(|part| part.strip_prefix("size="))?;
            let (number, unit) = size.split_at_checked(size.len().checked_sub(1)?)?;
            let factor = match unit {
                "T" => 1 << 40,
                "G" => 1 << 30,
                "M" => 1 << 20,
                "K" => 1 << 10,
                _ => return size.parse().ok(),
            };
            Some(number.parse::<u64>().ok()?.saturating_mul(factor))
        });
        size.unwrap_or(0)
    }
}
