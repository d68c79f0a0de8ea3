//! What a node tells of itself, and the guests on it.

use serde_json::{Value, json};

use super::{guest_config, guest_status};
use crate::simulator::answer::{ApiError, ApiResult};
use crate::simulator::call::Call;
use crate::simulator::guest::{Guest, GuestKind};
use crate::simulator::version::PveVersion;

pub(super) fn handle(call: &Call) -> Option<ApiResult> {
    Some(match call.endpoint.key.as_str() {
        "GET /nodes/{node}" => {
            let names = ["lxc", "network", "qemu", "rrddata", "status", "storage", "tasks", "version"];
            Ok(names.iter().map(|name| json!({"name": name})).collect::<Value>().into())
        }
        "GET /nodes/{node}/status" => Ok(status(call).into()),
        "GET /nodes/{node}/qemu" => Ok(guests(call, GuestKind::Qemu).into()),
        "GET /nodes/{node}/lxc" => Ok(guests(call, GuestKind::Lxc).into()),
        "POST /nodes/{node}/qemu" => create(call),
        "GET /nodes/{node}/storage" => Ok(storages(call).into()),
        "GET /nodes/{node}/storage/{storage}/content" => Ok(contents(call).into()),
        "GET /nodes/{node}/network" => Ok(json!([{
            "iface": "vmbr0", "type": "bridge", "active": 1, "autostart": 1, "method": "static", "priority": 3,
            "bridge_ports": "", "bridge_stp": "off", "bridge_fd": "0", "cidr": "192.0.2.1/24",
            "address": "192.0.2.1", "netmask": "24", "families": ["inet"],
        }])
        .into()),
        "GET /nodes/{node}/rrddata" => {
            let now = call.shared.clock.unix() / 60 * 60;
            let point = |back: u64| {
                json!({
                    "time": now.saturating_sub(back * 60), "cpu": 0.1, "maxcpu": 8, "memused": 8_589_934_592_u64,
                    "memtotal": 25_276_502_016_u64, "loadavg": 0.5, "iowait": 0.01, "netin": 1000.0, "netout": 1000.0,
                })
            };
            Ok((0..70).rev().map(point).collect::<Value>().into())
        }
        _ => return None,
    })
}

/// The guests on the node that the caller may look at.
fn guests(call: &Call, kind: GuestKind) -> Value {
    let cluster = call.shared.cluster();
    let full = call.flag("full");
    let visible = |guest: &&Guest| {
        guest.kind == kind
            && guest.node == call.node()
            && cluster.may(&call.caller, &format!("/vms/{}", guest.vmid), "VM.Audit")
    };
    let rows = cluster.guests.values().filter(visible);
    let row = |guest: &Guest| {
        let mut row = guest_status::row(&call.shared, guest, full);
        // A text in this list alone.
        if kind == GuestKind::Lxc && call.shared.version < PveVersion::V8 {
            row.insert("vmid".to_owned(), json!(guest.vmid.to_string()));
        }
        Value::Object(row)
    };
    rows.map(row).collect()
}

fn create(call: &Call) -> ApiResult {
    let vmid = call.vmid();
    let path = format!("/vms/{vmid}");
    let now = call.shared.clock.unix();
    {
        let cluster = call.shared.cluster();
        if let Some(guest) = cluster.guests.get(&vmid) {
            let (title, node) = (guest.kind.title(), &guest.node);
            let text = format!("unable to create VM {vmid} - {title} {vmid} already exists on node '{node}'");
            return Err(ApiError::died(text));
        }
        cluster.require(&call.caller, &path, &["VM.Allocate"])?;
        cluster.check_quorum().map_err(ApiError::died)?;
    }
    let mut guest = Guest::new(crate::simulator::GuestSpec::qemu(vmid), call.node().to_owned());
    guest.config = guest_config::created(call, vmid, now);
    guest.pool = call.get("pool").map(str::to_owned);
    let (node, start) = (call.node().to_owned(), call.flag("start"));
    let upid = call.shared.start_task(
        &node,
        "qmcreate",
        call.text("vmid"),
        &call.caller,
        move |task| async move {
            for (key, value) in &guest.config {
                if value.contains("/vm-") {
                    task.log(format!("{key}: successfully created disk '{value}'"));
                }
            }
            let now = task.shared.clock.now();
            let mut cluster = task.shared.cluster();
            cluster.check_quorum()?;
            cluster.guests.insert(vmid, guest);
            if start {
                cluster.start_process(vmid, now);
            }
            Ok(())
        },
    );
    Ok(upid.into())
}

fn status(call: &Call) -> Value {
    let (package, _, commit) = call.shared.version.release();
    let uptime = call.shared.clock.now().as_secs() + 3600;
    let mut status = json!({
        "uptime": uptime, "cpu": 0.1, "wait": 0.01, "idle": 0, "loadavg": ["0.51", "0.49", "0.47"],
        "cpuinfo": {"cpus": 8, "cores": 4, "sockets": 1, "model": "Simulated CPU", "mhz": "2000.000", "hvm": "1",
            "user_hz": 100, "flags": "fpu vmx"},
        "memory": {"total": 25_276_502_016_u64, "used": 8_589_934_592_u64, "free": 16_686_698_240_u64},
        "swap": {"total": 0, "used": 0, "free": 0},
        "rootfs": {"total": 270_553_174_016_u64, "used": 16_000_000_000_u64, "free": 254_000_000_000_u64,
            "avail": 240_000_000_000_u64},
        "ksm": {"shared": 0},
        "kversion": "Linux 6.8.12-1-pve #1 SMP PREEMPT_DYNAMIC",
        "pveversion": format!("pve-manager/{package}/{commit}"),
    });
    if call.shared.version >= PveVersion::V8
        && let Some(status) = status.as_object_mut()
    {
        status.insert("boot-info".to_owned(), json!({"mode": "efi", "secureboot": 0}));
        let kernel =
            json!({"sysname": "Linux", "machine": "x86_64", "release": "6.8.12-1-pve", "version": "#1 SMP"});
        status.insert("current-kernel".to_owned(), kernel);
    }
    status
}

fn storages(call: &Call) -> Value {
    let cluster = call.shared.cluster();
    let may = ["Datastore.Audit", "Datastore.AllocateSpace"];
    if !may
        .iter()
        .any(|privilege| cluster.may(&call.caller, "/storage/local", privilege))
    {
        return json!([]);
    }
    json!([{
        "storage": "local", "type": "dir", "enabled": 1, "active": 1, "shared": 0,
        "content": "images,rootdir,iso,vztmpl,backup,snippets", "total": 270_553_174_016_u64,
        "used": 16_000_000_000_u64, "avail": 240_000_000_000_u64, "used_fraction": 0.06,
    }])
}

fn contents(call: &Call) -> Value {
    let cluster = call.shared.cluster();
    let wanted = call.get("content").is_none_or(|kind| kind == "iso");
    let images = cluster
        .images
        .iter()
        .filter(|image| wanted && image.starts_with(call.text("storage")));
    images
        .map(|image| json!({"volid": image, "content": "iso", "format": "iso", "size": 1_048_576}))
        .collect()
}
