//! Everything under `/cluster`, and the list of nodes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::guest_status::Load;
use crate::simulator::answer::{ApiError, ApiResult};
use crate::simulator::call::Call;
use crate::simulator::cluster::{Cluster, FORGOTTEN_AFTER, Node};
use crate::simulator::guest::{Guest, GuestKind};
use crate::simulator::version::PveVersion;

pub(super) fn handle(call: &Call) -> Option<ApiResult> {
    Some(match call.endpoint.key.as_str() {
        "GET /cluster/resources" => Ok(resources(call).into()),
        "GET /cluster/status" => Ok(status(call).into()),
        "GET /cluster/nextid" => next_id(call),
        "GET /cluster/options" => Ok(options(call).into()),
        "GET /cluster/ha/status/current" => Ok(manager_status(call).into()),
        "GET /cluster/ha/resources" => Ok(managed(call, None).into()),
        "GET /cluster/ha/resources/{sid}" => {
            let rows = managed(call, call.get("sid"));
            let row = rows.as_array().and_then(|rows| rows.first()).cloned();
            row.map(Into::into)
                .ok_or_else(|| ApiError::died(format!("no such resource '{}'", call.text("sid"))))
        }
        "GET /nodes" => Ok(nodes(call).into()),
        _ => return None,
    })
}

fn options(call: &Call) -> Value {
    let cluster = call.shared.cluster();
    let tags = cluster
        .guests
        .values()
        .filter_map(|guest| guest.config.get("tags"));
    let tags: BTreeSet<&str> = tags.flat_map(|tags| tags.split(';')).collect();
    let mut options = json!({"description": "", "allowed-tags": tags});
    if call.shared.version >= PveVersion::V8 {
        options["mac_prefix"] = json!("BC:24:11");
    }
    options
}

fn resources(call: &Call) -> Value {
    let cluster = call.shared.cluster();
    let wanted = |kind: &str| call.get("type").is_none_or(|wanted| wanted == kind);
    let mut rows = Vec::new();
    if wanted("vm") {
        let visible = |guest: &&Guest| {
            let path = format!("/vms/{}", guest.vmid);
            cluster.may(&call.caller, &path, "VM.Audit")
        };
        rows.extend(
            cluster
                .guests
                .values()
                .filter(visible)
                .map(|guest| guest_row(call, &cluster, guest)),
        );
    }
    if wanted("node") {
        rows.extend(cluster.nodes.iter().map(|(name, node)| {
            let mut row = node_row(call, &cluster, name, node);
            row.insert("cgroup-mode".to_owned(), json!(1));
            Value::Object(row)
        }));
    }
    if wanted("storage") {
        let audited = |name: &&String| {
            cluster.is_online(name) && cluster.may(&call.caller, "/storage/local", "Datastore.Audit")
        };
        rows.extend(cluster.nodes.keys().filter(audited).map(|name| {
            json!({
                "id": format!("storage/{name}/local"), "type": "storage", "storage": "local", "node": name,
                "status": "available", "plugintype": "dir", "shared": 0, "disk": 16_000_000_000_u64,
                "maxdisk": 270_553_174_016_u64, "content": "images,rootdir,iso,vztmpl,backup,snippets",
            })
        }));
    }
    Value::Array(rows)
}

/// A guest as all nodes know it: where it is at once, its numbers as last reported.
fn guest_row(call: &Call, cluster: &Cluster, guest: &Guest) -> Value {
    let kind = guest.kind.name();
    let mut row = Map::from_iter([
        ("id".to_owned(), json!(format!("{kind}/{}", guest.vmid))),
        ("type".to_owned(), json!(kind)),
        ("vmid".to_owned(), json!(guest.vmid)),
        ("node".to_owned(), json!(guest.node)),
    ]);
    let mut put = |key: &str, value: Value| _ = row.insert(key.to_owned(), value);
    if let Some(pool) = &guest.pool {
        put("pool", json!(pool));
    }
    if let Some(state) = &guest.ha {
        put("hastate", json!(state));
    }
    let node = cluster.nodes.get(&guest.node);
    let now = call.shared.clock.now();
    let forgotten = node
        .is_none_or(|node| node.failure.is_some() && now.saturating_sub(node.failed_at) > FORGOTTEN_AFTER);
    let Some(reported) = cluster.reported.get(&guest.vmid).filter(|_| !forgotten) else {
        put("status", json!("unknown"));
        return Value::Object(row);
    };
    let load = Load::of(guest.vmid, reported.running.then_some(reported.uptime));
    put("name", json!(reported.name));
    put(
        "status",
        json!(if reported.running { "running" } else { "stopped" }),
    );
    put("uptime", json!(reported.uptime));
    put("template", json!(u8::from(guest.is_template())));
    put("maxcpu", json!(guest.cpus()));
    put("cpu", load.cpu.clone());
    put("maxmem", json!(guest.memory()));
    put("mem", json!(load.memory(guest.memory())));
    put("maxdisk", json!(guest.disk()));
    put("disk", json!(0));
    put("netin", json!(load.bytes * 3));
    put("netout", json!(load.bytes));
    put("diskread", json!(load.bytes * 2));
    put("diskwrite", json!(load.bytes));
    if call.shared.version >= PveVersion::V9 {
        put("memhost", json!(load.memory(guest.memory())));
    }
    if let Some(tags) = guest.config.get("tags") {
        put("tags", json!(tags));
    }
    if let Some(lock) = guest.lock() {
        put("lock", json!(lock));
    }
    Value::Object(row)
}

/// A node's row; without the right to look at it only where it is and whether it is there.
fn node_row(call: &Call, cluster: &Cluster, name: &str, node: &Node) -> Map<String, Value> {
    let mut row = Map::from_iter([
        ("id".to_owned(), json!(format!("node/{name}"))),
        ("type".to_owned(), json!("node")),
        ("node".to_owned(), json!(name)),
        ("level".to_owned(), json!("")),
        (
            "status".to_owned(),
            json!(if node.failure.is_none() {
                "online"
            } else {
                "offline"
            }),
        ),
    ]);
    if node.failure.is_none() && cluster.may(&call.caller, &format!("/nodes/{name}"), "Sys.Audit") {
        let numbers = json!({
            "maxcpu": 8, "cpu": 0.1, "maxmem": 25_276_502_016_u64, "mem": 8_589_934_592_u64,
            "maxdisk": 270_553_174_016_u64, "disk": 16_000_000_000_u64, "uptime": call.shared.clock.now().as_secs() + 3600,
        });
        row.extend(numbers.as_object().cloned().unwrap_or_default());
    }
    row
}

fn nodes(call: &Call) -> Value {
    let cluster = call.shared.cluster();
    let rows = cluster.nodes.iter().map(|(name, node)| {
        let mut row = node_row(call, &cluster, name, node);
        if let Some(daemon) = call.shared.daemons.get(name) {
            row.insert("ssl_fingerprint".to_owned(), json!(daemon.fingerprint));
        }
        Value::Object(row)
    });
    rows.collect()
}

fn status(call: &Call) -> Value {
    let cluster = call.shared.cluster();
    let mut rows = Vec::new();
    let alone = cluster.nodes.len() == 1;
    if !alone {
        rows.push(json!({
            "type": "cluster", "id": "cluster", "name": "simulated", "nodes": cluster.nodes.len(), "version": 1,
            "quorate": u8::from(cluster.quorate),
        }));
    }
    for (name, node) in &cluster.nodes {
        let address = call
            .shared
            .daemons
            .get(name)
            .map(|daemon| daemon.address.ip().to_string());
        rows.push(json!({
            "type": "node", "id": format!("node/{name}"), "name": name, "level": "", "ip": address,
            "nodeid": if alone { 0 } else { node.number },
            "local": u8::from(*name == call.here), "online": u8::from(node.failure.is_none()),
        }));
    }
    Value::Array(rows)
}

fn next_id(call: &Call) -> ApiResult {
    let cluster = call.shared.cluster();
    if let Some(wanted) = call.number("vmid") {
        let taken = cluster.guests.keys().any(|vmid| u64::from(*vmid) == wanted);
        return match taken {
            true => Err(ApiError::parameter("vmid", format!("VM {wanted} already exists"))),
            false => Ok(json!(wanted.to_string()).into()),
        };
    }
    let free = (100..)
        .find(|vmid| !cluster.guests.contains_key(vmid))
        .unwrap_or(100_u32);
    Ok(json!(free.to_string()).into())
}

fn manager_status(call: &Call) -> Value {
    let cluster = call.shared.cluster();
    let first = cluster.nodes.keys().next().cloned().unwrap_or_default();
    let quorum = if cluster.quorate { "OK" } else { "No quorum" };
    let mut rows = vec![json!({
        "id": "quorum", "type": "quorum", "node": first, "status": quorum, "quorate": u8::from(cluster.quorate),
    })];
    if call.shared.version >= PveVersion::V9 {
        rows.push(json!({
            "id": "fencing", "type": "fencing", "node": first, "status": "standby (CRM watchdog standby)",
            "armed-state": "standby",
        }));
    }
    rows.extend(cluster.guests.values().filter_map(|guest| {
        let (sid, state) = (service(guest), guest.ha.as_ref()?);
        Some(json!({
            "id": format!("service:{sid}"), "sid": sid, "type": "service", "node": guest.node, "state": state,
            "status": format!("{sid} ({}, {state})", guest.node), "request_state": state,
        }))
    }));
    Value::Array(rows)
}

fn service(guest: &Guest) -> String {
    let kind = if guest.kind == GuestKind::Qemu { "vm" } else { "ct" };
    format!("{kind}:{}", guest.vmid)
}

fn managed(call: &Call, only: Option<&str>) -> Value {
    let cluster = call.shared.cluster();
    let rows = cluster.guests.values().filter_map(|guest| {
        let (sid, state) = (service(guest), guest.ha.as_ref()?);
        let kind = sid.split(':').next().unwrap_or_default();
        let wanted = only.is_none_or(|only| only == sid || only == guest.vmid.to_string());
        wanted.then(|| json!({"sid": sid, "type": kind, "state": state, "max_restart": 1, "max_relocate": 1}))
    });
    rows.collect()
}
