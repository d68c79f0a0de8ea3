//! The state of the cluster: nodes, guests, tasks, rights. Plain data behind one lock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::access::{Access, Caller};
use super::answer::ApiError;
use super::console::GuestEvent;
use super::guest::{Guest, GuestKind, Process};
use super::task::Tasks;
use super::version::PveVersion;

/// Guests' numbers are forgotten when their node has been gone for so long.
pub(super) const FORGOTTEN_AFTER: Duration = Duration::from_secs(300);

/// How a node that has failed looks from the others and from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeFailure {
    /// Connections are refused: 595 from the other nodes.
    Refused,
    /// Nothing answers any more: 595 from the other nodes, after their time-out of 30 s.
    Silent,
    /// Its connections break: 596 from the other nodes.
    Broken,
}

/// A node of the cluster.
#[derive(Debug)]
pub(super) struct Node {
    /// From 1.
    pub(super) number: u32,
    pub(super) failure: Option<NodeFailure>,
    pub(super) failed_at: Duration,
    next_pid: u32,
}

/// What the status daemon of a node has reported about a guest: old by up to its interval.
#[derive(Clone, Debug)]
pub(super) struct Reported {
    pub(super) running: bool,
    pub(super) uptime: u64,
    pub(super) name: String,
}

/// A console that was asked for and waits for its websocket.
#[derive(Debug)]
pub(super) struct Console {
    pub(super) vmid: u32,
    pub(super) ticket: String,
    pub(super) caller: Caller,
    pub(super) upid: String,
    /// The serial port; `None` for a container, or a machine that has none.
    pub(super) port: Option<String>,
}

/// Everything that the cluster's file system and its daemons know.
pub(super) struct Cluster {
    pub(super) version: PveVersion,
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) guests: BTreeMap<u32, Guest>,
    pub(super) access: Access,
    pub(super) tasks: Tasks,
    pub(super) quorate: bool,
    /// Files on the storage `local` that drives can be filled with, as in `local:iso/debian.iso`.
    pub(super) images: BTreeSet<String>,
    pub(super) reported: BTreeMap<u32, Reported>,
    /// By node and port.
    pub(super) consoles: BTreeMap<(String, u16), Console>,
}

impl Cluster {
    pub(super) fn new(version: PveVersion, nodes: &[String]) -> Self {
        let node = |(number, name): (u32, &String)| {
            (
                name.clone(),
                Node {
                    number,
                    failure: None,
                    failed_at: Duration::ZERO,
                    next_pid: 1000,
                },
            )
        };
        Self {
            version,
            nodes: (1..).zip(nodes).map(node).collect(),
            guests: BTreeMap::new(),
            access: Access::new(version),
            tasks: Tasks::default(),
            quorate: true,
            images: BTreeSet::new(),
            reported: BTreeMap::new(),
            consoles: BTreeMap::new(),
        }
    }

    pub(super) fn is_online(&self, node: &str) -> bool {
        self.nodes.get(node).is_some_and(|node| node.failure.is_none())
    }

    pub(super) fn next_pid(&mut self, node: &str) -> u32 {
        let Some(node) = self.nodes.get_mut(node) else {
            return 1;
        };
        node.next_pid = node.next_pid.wrapping_add(1).max(1000);
        node.next_pid
    }

    /// # Errors
    /// The text about a guest that is not (of this kind) on the node.
    pub(super) fn guest(&self, node: &str, kind: GuestKind, vmid: u32) -> Result<&Guest, String> {
        let guest = self
            .guests
            .get(&vmid)
            .filter(|guest| guest.kind == kind && guest.node == node);
        guest.ok_or_else(|| missing(node, kind, vmid))
    }

    /// # Errors
    /// As [`Self::guest`].
    pub(super) fn guest_mut(&mut self, node: &str, kind: GuestKind, vmid: u32) -> Result<&mut Guest, String> {
        let guest = self
            .guests
            .get_mut(&vmid)
            .filter(|guest| guest.kind == kind && guest.node == node);
        guest.ok_or_else(|| missing(node, kind, vmid))
    }

    /// Starts the process of a guest: what waited is applied, and what it is started with is fixed.
    pub(super) fn start_process(&mut self, vmid: u32, now: Duration) {
        let Some(node) = self.guests.get(&vmid).map(|guest| guest.node.clone()) else {
            return;
        };
        let pid = self.next_pid(&node);
        let Some(guest) = self.guests.get_mut(&vmid) else {
            return;
        };
        guest.apply_pending();
        let config = guest.config.clone();
        let boots = super::devices::boots_from(&config);
        guest.record(format!(
            "start, boots from {}",
            boots.as_deref().unwrap_or("nothing")
        ));
        // Consoles of an earlier process stay at its port, which is gone.
        guest.port = std::sync::Arc::default();
        guest.process = Some(Process {
            pid,
            started: now,
            status: "running",
            config,
        });
        guest.print_banner();
    }

    /// Ends the process of a guest.
    pub(super) fn stop_process(&mut self, vmid: u32, now: Duration) {
        let Some(guest) = self.guests.get_mut(&vmid) else {
            return;
        };
        if guest.process.take().is_some() {
            guest.stopped = Some(now);
            guest.record("stop");
            _ = guest.console.send(GuestEvent::Stopped);
        }
        // What waited for the machine to go is taken over now.
        guest.apply_pending();
    }

    /// # Errors
    /// The text about a cluster that has no majority: its configuration cannot be written.
    pub(super) fn check_quorum(&self) -> Result<(), String> {
        if self.quorate {
            Ok(())
        } else {
            Err("cluster not ready - no quorum?".to_owned())
        }
    }

    /// What the caller may do on a path: the privileges, each with whether it also holds below.
    pub(super) fn permissions(&self, caller: &Caller, path: &str) -> BTreeMap<String, bool> {
        self.access.permissions(caller, path, self.pool_of(path))
    }

    pub(super) fn may(&self, caller: &Caller, path: &str, privilege: &str) -> bool {
        self.access.allows(caller, path, self.pool_of(path), privilege)
    }

    /// The pool of the guest that a path stands for.
    fn pool_of(&self, path: &str) -> Option<&str> {
        let vmid = path.strip_prefix("/vms/")?.parse::<u32>().ok()?;
        self.guests.get(&vmid)?.pool.as_deref()
    }

    /// # Errors
    /// 403 naming the path and the privileges, of which one is enough.
    pub(super) fn require(&self, caller: &Caller, path: &str, one_of: &[&str]) -> Result<(), ApiError> {
        if one_of.iter().any(|privilege| self.may(caller, path, privilege)) {
            return Ok(());
        }
        Err(ApiError::forbidden(path, &one_of.join("|")))
    }
}

fn missing(node: &str, kind: GuestKind, vmid: u32) -> String {
    format!(
        "Configuration file 'nodes/{node}/{}/{vmid}.conf' does not exist",
        kind.directory()
    )
}
