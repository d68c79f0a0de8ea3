//! What the cluster consists of: `GET /cluster/resources`, one request for everything.
//!
//! Where a guest is comes from the cluster's file system and is right at once; numbers and the run state come from
//! the nodes' statistics and are 10 to 20 seconds old.

use core::fmt;
use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use crate::value::{Object, objects};

/// What kind of guest it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum GuestKind {
    /// A virtual machine.
    Qemu,
    /// A container.
    Lxc,
}

impl GuestKind {
    /// As it stands in paths of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Qemu, Self::Lxc]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for GuestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A guest of the cluster, as the list of all guests shows it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GuestSummary {
    /// Number, unique in the cluster.
    pub vmid: u32,
    /// Name, if it has one.
    pub name: Option<String>,
    /// Virtual machine or container.
    pub kind: GuestKind,
    /// The node that it is on.
    pub node: String,
    /// `running`, `stopped` or `unknown`; up to 20 s old.
    pub status: String,
    /// A template cannot be started.
    pub is_template: bool,
    /// Its tags.
    pub tags: Vec<String>,
    /// The pool that it is in.
    pub pool: Option<String>,
    /// What holds it, such as a backup.
    pub lock: Option<String>,
    /// State in the high availability stack, if that manages it.
    pub ha_state: Option<String>,
    /// Numbers of its last statistics.
    pub usage: GuestUsage,
}

/// What a guest uses, up to 20 s old.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct GuestUsage {
    /// Share of its processors in use, 0 to 1.
    pub cpu: Option<f64>,
    /// Its processors.
    pub cpus: Option<u64>,
    /// Memory in use, bytes.
    pub memory: Option<u64>,
    /// Its memory, bytes.
    pub memory_limit: Option<u64>,
    /// Bytes received since it started.
    pub received: Option<u64>,
    /// Bytes sent since it started.
    pub sent: Option<u64>,
    /// Bytes read from its disks since it started.
    pub read: Option<u64>,
    /// Bytes written to its disks since it started.
    pub written: Option<u64>,
    /// Seconds since it started; 0: it is off.
    pub uptime: Option<u64>,
}

impl GuestSummary {
    fn read(row: Object<'_>) -> Option<Self> {
        let kind = GuestKind::parse(&row.text("type")?)?;
        let tags = row.text("tags").unwrap_or_default();
        let tags = tags.split([';', ',', ' ']).filter(|tag| !tag.is_empty());
        Some(Self {
            vmid: u32::try_from(row.integer("vmid")?).ok()?,
            name: row.text("name"),
            kind,
            node: row.text("node").filter(|node| is_node_name(node))?,
            status: row.text("status").unwrap_or_else(|| "unknown".to_owned()),
            is_template: row.flag("template"),
            tags: tags.map(str::to_owned).collect(),
            pool: row.text("pool"),
            lock: row.text("lock"),
            ha_state: row.text("hastate"),
            usage: GuestUsage {
                cpu: row.number("cpu"),
                cpus: row.integer("maxcpu"),
                memory: row.integer("mem"),
                memory_limit: row.integer("maxmem"),
                received: row.integer("netin"),
                sent: row.integer("netout"),
                read: row.integer("diskread"),
                written: row.integer("diskwrite"),
                uptime: row.integer("uptime"),
            },
        })
    }
}

/// Node names become part of paths.
pub(crate) fn is_node_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        && !name.contains("..")
}

/// The cluster at one moment.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// Guests by VMID.
    pub(crate) guests: BTreeMap<u32, GuestSummary>,
    /// Nodes, and whether they are online.
    pub(crate) nodes: BTreeMap<String, bool>,
    /// When it was asked for.
    pub(crate) asked: Instant,
}

impl View {
    /// Reads the answer of `GET /cluster/resources`, asked at this time.
    pub(crate) fn read(answer: &Value, asked: Instant) -> Self {
        let guests = objects(answer).filter_map(GuestSummary::read);
        let nodes = objects(answer).filter_map(|row| {
            let is_node = row.text("type").as_deref() == Some("node");
            let name = row.text("node").filter(|_| is_node)?;
            Some((name, row.text("status").as_deref() == Some("online")))
        });
        Self {
            guests: guests.map(|guest| (guest.vmid, guest)).collect(),
            nodes: nodes.collect(),
            asked,
        }
    }

    /// Whether a node is known to be offline. One that is not listed may be there: not everybody sees nodes.
    pub(crate) fn is_offline(&self, node: &str) -> bool {
        self.nodes.get(node) == Some(&false)
    }
}

/// What `GET /cluster/status` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quorum {
    /// Whether the majority of nodes is there; a single node is its own majority.
    pub(crate) is_quorate: bool,
    /// Name of the cluster, if it is one.
    pub(crate) name: Option<String>,
    /// Nodes, and whether they are online.
    pub(crate) nodes: BTreeMap<String, bool>,
}

impl Quorum {
    /// Reads the answer.
    pub(crate) fn read(answer: &Value) -> Self {
        let mut quorum = Self {
            is_quorate: true,
            ..Self::default()
        };
        for row in objects(answer) {
            match row.text("type").as_deref() {
                Some("cluster") => {
                    quorum.is_quorate = row.flag("quorate");
                    quorum.name = row.text("name");
                }
                Some("node") => {
                    if let Some(name) = row.text("name") {
                        quorum.nodes.insert(name, row.flag("online"));
                    }
                }
                _ => {}
            }
        }
        quorum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn resources_are_read_as_all_versions_write_them() {
        let answer = json!([
            { "type": "qemu", "id": "qemu/100", "vmid": 100, "node": "pve1", "status": "running", "name": "vm100",
              "tags": "bmc;lab", "template": 0, "cpu": 0.5, "maxcpu": 2, "mem": "1024", "maxmem": 2048, "uptime": 7 },
            { "type": "lxc", "vmid": "300", "node": "pve2", "template": 1, "pool": "p", "lock": "backup" },
            { "type": "qemu", "vmid": 200, "node": "../x" },
            { "type": "node", "node": "pve1", "status": "online" },
            { "type": "node", "node": "pve2", "status": "offline" },
            { "type": "storage", "node": "pve1", "status": "available" },
        ]);
        let view = View::read(&answer, Instant::now());
        assert_eq!(view.guests.keys().copied().collect::<Vec<_>>(), [100, 300]);
        let guest = &view.guests[&100];
        assert_eq!(guest.tags, ["bmc", "lab"]);
        assert_eq!(guest.usage.memory, Some(1024));
        let container = &view.guests[&300];
        assert!(container.is_template && container.kind == GuestKind::Lxc);
        assert_eq!(
            (container.status.as_str(), container.lock.as_deref()),
            ("unknown", Some("backup"))
        );
        assert!(view.is_offline("pve2") && !view.is_offline("pve1") && !view.is_offline("pve3"));
    }

    #[test]
    fn a_single_node_is_quorate_and_a_cluster_says_so() {
        let node = json!({ "type": "node", "name": "pve1", "online": 1 });
        assert!(Quorum::read(&json!([node])).is_quorate);
        let cluster = |quorate: u8| json!([{ "type": "cluster", "name": "lab", "quorate": quorate }, node]);
        assert!(Quorum::read(&cluster(1)).is_quorate);
        let lost = Quorum::read(&cluster(0));
        assert!(!lost.is_quorate && lost.nodes["pve1"]);
        assert_eq!(lost.name.as_deref(), Some("lab"));
    }
}
