//! What a guest is doing: lists, `status/current`, statistics.

use serde_json::{Map, Value, json};

use crate::simulator::answer::{ApiError, ApiResult};
use crate::simulator::call::Call;
use crate::simulator::guest::{Guest, GuestKind};
use crate::simulator::shared::Shared;
use crate::simulator::version::PveVersion;

pub(super) fn handle(call: &Call, kind: GuestKind, rest: &str) -> ApiResult {
    let cluster = call.shared.cluster();
    let guest = cluster.guest(call.node(), kind, call.vmid());
    match rest {
        "" => Ok(index(match kind {
            GuestKind::Qemu => &[
                "config",
                "cloudinit",
                "pending",
                "status",
                "unlink",
                "vncproxy",
                "termproxy",
                "migrate",
                "resize",
                "move",
                "rrd",
                "rrddata",
                "monitor",
                "agent",
                "snapshot",
                "spiceproxy",
                "sendkey",
                "firewall",
                "mtunnel",
                "remote_migrate",
            ],
            GuestKind::Lxc => &["config", "pending", "status", "termproxy", "rrddata", "snapshot"],
        })),
        "/status" => Ok(index(match kind {
            GuestKind::Qemu => &[
                "current", "start", "stop", "reset", "shutdown", "suspend", "reboot",
            ],
            GuestKind::Lxc => &["current", "start", "stop", "shutdown", "migrate"],
        })),
        "/status/current" => {
            let guest = guest.map_err(ApiError::died)?;
            let mut row = row(&call.shared, guest, true);
            let mut ha = Map::from_iter([("managed".to_owned(), json!(u8::from(guest.ha.is_some())))]);
            if let Some(state) = &guest.ha {
                ha.insert("state".to_owned(), json!(state));
            }
            row.insert("ha".to_owned(), Value::Object(ha));
            if kind == GuestKind::Qemu && guest.has_agent() {
                row.insert("agent".to_owned(), json!(1));
            }
            if kind == GuestKind::Qemu
                && call.shared.version >= PveVersion::V8
                && guest.config.contains_key("vga")
            {
                row.insert("clipboard".to_owned(), Value::Null);
            }
            Ok(Value::Object(row).into())
        }
        "/interfaces" => Ok(Value::Null.into()),
        // Recorded for guests that are gone or elsewhere, too: statistics are in every node's files.
        _ => Ok(statistics(
            &call.shared,
            cluster.guests.get(&call.vmid()),
            call.text("timeframe"),
        )
        .into()),
    }
}

fn index(names: &[&str]) -> crate::simulator::answer::Answer {
    names
        .iter()
        .map(|name| json!({"subdir": name}))
        .collect::<Value>()
        .into()
}

/// The fields of a guest in its node's list; with `full` those of `status/current`.
pub(super) fn row(shared: &Shared, guest: &Guest, full: bool) -> Map<String, Value> {
    let mut row = Map::new();
    let mut put = |key: &str, value: Value| _ = row.insert(key.to_owned(), value);
    let uptime = guest
        .process
        .as_ref()
        .map(|process| shared.clock.now().saturating_sub(process.started).as_secs());
    let load = Load::of(guest.vmid, uptime);
    let v9 = shared.version >= PveVersion::V9;
    put("vmid", json!(guest.vmid));
    put("name", json!(guest.name()));
    put(
        "status",
        json!(if uptime.is_some() { "running" } else { "stopped" }),
    );
    put("uptime", json!(uptime.unwrap_or(0)));
    put("cpus", json!(guest.cpus()));
    put("maxmem", json!(guest.memory()));
    put("maxdisk", json!(guest.disk()));
    put("disk", json!(0));
    put("cpu", load.cpu.clone());
    put("mem", json!(load.memory(guest.memory())));
    put("netin", json!(load.bytes * 3));
    put("netout", json!(load.bytes));
    if let Some(tags) = guest.config.get("tags") {
        put("tags", json!(tags));
    }
    if let Some(lock) = guest.lock() {
        put("lock", json!(lock));
    }
    if guest.is_template() {
        put("template", json!(1));
    }
    if let Some(process) = &guest.process {
        put("pid", json!(process.pid));
    }
    match guest.kind {
        GuestKind::Lxc => {
            let swap = guest
                .config
                .get("swap")
                .and_then(|swap| swap.parse::<u64>().ok())
                .unwrap_or(512);
            put("type", json!("lxc"));
            put("swap", json!(0));
            put("maxswap", json!(swap * 1024 * 1024));
            put("diskread", json!(load.bytes * 2));
            put("diskwrite", json!(load.bytes));
        }
        GuestKind::Qemu => {
            if v9 {
                put("memhost", json!(load.memory(guest.memory())));
            }
            // In version 9 the counters of disks come from a command that a stopped machine has not.
            if !v9 || uptime.is_some() && load.bytes > 0 {
                put("diskread", json!(load.bytes * 2));
                put("diskwrite", json!(load.bytes));
            }
            if guest.config.keys().any(|key| key.starts_with("serial")) {
                put("serial", json!(1));
            }
            if full {
                put(
                    "qmpstatus",
                    json!(guest.process.as_ref().map_or("stopped", |process| process.status)),
                );
            }
        }
    }
    if v9 && uptime.is_some() && guest.kind == GuestKind::Qemu {
        for field in [
            "cpufull",
            "cpusome",
            "iofull",
            "iosome",
            "memoryfull",
            "memorysome",
        ] {
            put(&format!("pressure{field}"), json!(0));
        }
    }
    row
}

/// A made-up but steady load of a guest.
pub(super) struct Load {
    /// Part of its processors.
    pub(super) cpu: Value,
    /// Bytes that went through its devices.
    pub(super) bytes: u64,
    busy: bool,
}

impl Load {
    pub(super) fn of(vmid: u32, uptime: Option<u64>) -> Self {
        let seconds = uptime.unwrap_or(0);
        // New machines have no numbers yet.
        let busy = seconds >= 60;
        let part = f64::from(vmid % 10).mul_add(0.01, 0.05);
        Self {
            cpu: if busy { json!(part) } else { json!(0) },
            bytes: if busy { seconds * 1000 } else { 0 },
            busy,
        }
    }

    pub(super) fn memory(&self, all: u64) -> u64 {
        if self.busy { all / 3 } else { 0 }
    }
}

/// A list of points in time, those without numbers with nothing else.
fn statistics(shared: &Shared, guest: Option<&Guest>, timeframe: &str) -> Value {
    let step = match timeframe {
        "hour" => 60,
        "day" => 30 * 60,
        "week" => 3 * 60 * 60,
        "month" => 12 * 60 * 60,
        _ => 7 * 24 * 60 * 60,
    };
    let now = shared.clock.unix();
    let up = guest.and_then(|guest| {
        let process = guest.process.as_ref()?;
        Some((
            guest,
            shared.clock.now().saturating_sub(process.started).as_secs(),
        ))
    });
    let last = now / step * step;
    (0..70)
        .rev()
        .map(|back| {
            let time = last.saturating_sub(back * step);
            let age = now.saturating_sub(time);
            match up {
                Some((guest, uptime)) if uptime > age => {
                    let load = Load::of(guest.vmid, Some(uptime - age));
                    json!({
                        "time": time, "cpu": load.cpu, "maxcpu": guest.cpus(), "mem": load.memory(guest.memory()),
                        "maxmem": guest.memory(), "netin": 3000.0, "netout": 1000.0, "diskread": 2000.0,
                        "diskwrite": 1000.0, "disk": 0, "maxdisk": guest.disk(),
                    })
                }
                _ => json!({"time": time}),
            }
        })
        .collect()
}
