//! What a cluster consists of, as far as the credentials may read it.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use crate::client::{ApiError, Call};
use crate::cluster::Cluster;
use crate::value::objects;

/// A part of the inventory: what PVE says, or why it does not.
pub type Part = Result<Value, ApiError>;

/// What a cluster consists of. Each part is as PVE gives it; one that cannot be read does not take the others away.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClusterInventory {
    /// Version of the API.
    pub version: Part,
    /// Quorum and nodes.
    pub cluster: Part,
    /// Nodes, guests and storages with their numbers.
    pub resources: Part,
    /// Each node's numbers, networks and disks.
    pub nodes: BTreeMap<String, NodeInventory>,
    /// State of Ceph, where there is one.
    pub ceph: Part,
}

/// What a node consists of.
#[derive(Debug)]
#[non_exhaustive]
pub struct NodeInventory {
    /// Processor, memory, kernel, version.
    pub status: Part,
    /// Networks.
    pub network: Part,
    /// Disks.
    pub disks: Part,
}

impl Cluster {
    /// Reads what the cluster consists of. Asks a few questions for each node: for people, not for loops.
    pub async fn inventory(&self) -> ClusterInventory {
        let ask = |path: String| self.client.ask(Call::get(path));
        let resources = ask("/cluster/resources".to_owned()).await;
        let names: Vec<String> = resources
            .iter()
            .flat_map(objects)
            .filter(|row| row.text("type").as_deref() == Some("node"))
            .filter_map(|row| row.text("node"))
            .filter(|node| crate::cluster::is_node_name(node))
            .collect();
        let mut nodes = BTreeMap::new();
        for node in names {
            let found = NodeInventory {
                status: ask(format!("/nodes/{node}/status")).await,
                network: ask(format!("/nodes/{node}/network")).await,
                disks: ask(format!("/nodes/{node}/disks/list")).await,
            };
            nodes.insert(node, found);
        }
        ClusterInventory {
            version: ask("/version".to_owned()).await,
            cluster: ask("/cluster/status".to_owned()).await,
            ceph: ask("/cluster/ceph/status".to_owned()).await,
            resources,
            nodes,
        }
    }

    /// The guests, asked for now.
    ///
    /// # Errors
    /// [`ApiError`] if the list cannot be had.
    pub async fn discover(&self, filter: &crate::GuestFilter) -> Result<Vec<crate::GuestSummary>, ApiError> {
        let view = self.refresh(Instant::now()).await?;
        let guests = view.guests.values().filter(|guest| filter.matches(guest));
        Ok(guests.cloned().collect())
    }
}

impl ClusterInventory {
    /// The whole as JSON; a part that could not be read is `{"unavailable": WHY}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let nodes: BTreeMap<_, _> = self
            .nodes
            .iter()
            .map(|(name, node)| {
                let parts = json!({
                    "status": shown(&node.status), "network": shown(&node.network), "disks": shown(&node.disks),
                });
                (name.clone(), parts)
            })
            .collect();
        json!({
            "version": shown(&self.version), "cluster": shown(&self.cluster), "resources": shown(&self.resources),
            "nodes": nodes, "ceph": shown(&self.ceph),
        })
    }
}

fn shown(part: &Part) -> Value {
    match part {
        Ok(value) => value.clone(),
        Err(error) => json!({ "unavailable": error.to_string() }),
    }
}
