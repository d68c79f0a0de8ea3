//! Snapshots of a guest.

use serde_json::{Map, Value, json};

use super::guest_config;
use crate::simulator::answer::{ApiError, ApiResult};
use crate::simulator::call::Call;
use crate::simulator::cluster::Cluster;
use crate::simulator::devices;
use crate::simulator::guest::{Guest, GuestKind, Snapshot};
use crate::simulator::power::Target;
use crate::simulator::schema::Schema;
use crate::simulator::shared::TaskHandle;

pub(super) fn handle(call: &Call, kind: GuestKind, method: &str, rest: &str) -> ApiResult {
    match (method, rest) {
        ("GET", "/snapshot") => list(call, kind),
        ("POST", "/snapshot") => create(call, kind),
        ("GET", "/snapshot/{snapname}") => Ok(json!([{"cmd": "rollback"}, {"cmd": "config"}]).into()),
        ("DELETE", _) => Ok(run(call, kind, "delsnapshot", |guest, name| {
            let parent = find(guest, name)?.parent.clone();
            for snapshot in &mut guest.snapshots {
                if snapshot.parent.as_deref() == Some(name) {
                    snapshot.parent.clone_from(&parent);
                }
            }
            if guest.parent.as_deref() == Some(name) {
                guest.parent = parent;
            }
            guest.snapshots.retain(|snapshot| snapshot.name != name);
            Ok(())
        })),
        ("GET", _) => {
            let cluster = call.shared.cluster();
            let guest = cluster
                .guest(call.node(), kind, call.vmid())
                .map_err(ApiError::died)?;
            let snapshot = find(guest, call.text("snapname")).map_err(ApiError::died)?;
            Ok(Value::Object(config_of(call.shared.schema, kind, snapshot)).into())
        }
        ("PUT", _) => describe(call, kind),
        _ => Ok(rollback(call, kind)),
    }
}

fn find<'a>(guest: &'a Guest, name: &str) -> Result<&'a Snapshot, String> {
    let found = guest.snapshots.iter().find(|snapshot| snapshot.name == name);
    found.ok_or_else(|| format!("snapshot '{name}' does not exist"))
}

/// The configuration in a snapshot, with what is said about it.
pub(super) fn config_of(schema: &Schema, kind: GuestKind, snapshot: &Snapshot) -> Map<String, Value> {
    let mut object = guest_config::as_object(schema, kind, &snapshot.config);
    object.insert("snaptime".to_owned(), json!(snapshot.time));
    if let Some(description) = &snapshot.description {
        object.insert("description".to_owned(), json!(description));
    }
    if let Some(parent) = &snapshot.parent {
        object.insert("parent".to_owned(), json!(parent));
    }
    object
}

fn list(call: &Call, kind: GuestKind) -> ApiResult {
    let cluster = call.shared.cluster();
    let guest = cluster
        .guest(call.node(), kind, call.vmid())
        .map_err(ApiError::died)?;
    let mut rows: Vec<Value> = guest
        .snapshots
        .iter()
        .map(|snapshot| {
            let mut row = Map::from_iter([
                ("name".to_owned(), json!(snapshot.name)),
                ("snaptime".to_owned(), json!(snapshot.time)),
                (
                    "description".to_owned(),
                    json!(snapshot.description.clone().unwrap_or_default()),
                ),
            ]);
            if kind == GuestKind::Qemu {
                row.insert("vmstate".to_owned(), json!(u8::from(snapshot.vmstate)));
            }
            if let Some(parent) = &snapshot.parent {
                row.insert("parent".to_owned(), json!(parent));
            }
            Value::Object(row)
        })
        .collect();
    let mut current = Map::from_iter([
        ("name".to_owned(), json!("current")),
        ("description".to_owned(), json!("You are here!")),
        ("running".to_owned(), json!(u8::from(guest.process.is_some()))),
        ("digest".to_owned(), json!(guest.digest())),
    ]);
    if let Some(parent) = &guest.parent {
        current.insert("parent".to_owned(), json!(parent));
    }
    rows.push(Value::Object(current));
    Ok(Value::Array(rows).into())
}

/// Starts a task that changes a guest while it holds its lock file.
fn run<F>(call: &Call, kind: GuestKind, name: &str, change: F) -> crate::simulator::answer::Answer
where
    F: FnOnce(&mut Guest, &str) -> Result<(), String> + Send + 'static,
{
    let target = Target {
        node: call.node().to_owned(),
        kind,
        vmid: call.vmid(),
        skip_lock: false,
    };
    let task = format!("{}{name}", kind.task_prefix());
    let snapshot = call.text("snapname").to_owned();
    let work = move |task: TaskHandle| async move {
        let _guard = target.lock(&task.shared).await?;
        let mut cluster = task.shared.cluster();
        cluster.check_quorum()?;
        let guest = cluster.guest_mut(&target.node, kind, target.vmid)?;
        guest.check_lock()?;
        change(guest, &snapshot)
    };
    call.shared
        .start_task(call.node(), &task, call.text("vmid"), &call.caller, work)
        .into()
}

fn create(call: &Call, kind: GuestKind) -> ApiResult {
    let name = call.text("snapname");
    if name == "current" {
        return Err(ApiError::died(
            "unable to use snapshot name 'current' (reserved name)",
        ));
    }
    let (name, description) = (name.to_owned(), call.get("description").map(str::to_owned));
    let (vmstate, time) = (call.flag("vmstate"), call.shared.clock.unix());
    let target = Target {
        node: call.node().to_owned(),
        kind,
        vmid: call.vmid(),
        skip_lock: false,
    };
    let task = format!("{}snapshot", kind.task_prefix());
    let upid = call.shared.start_task(
        call.node(),
        &task,
        call.text("vmid"),
        &call.caller,
        move |task| async move {
            let _guard = target.lock(&task.shared).await?;
            let volumes = {
                let mut cluster = task.shared.cluster();
                cluster.check_quorum()?;
                let guest = cluster.guest_mut(&target.node, kind, target.vmid)?;
                take(
                    guest,
                    Snapshot {
                        name,
                        description,
                        time,
                        vmstate: vmstate && guest.process.is_some(),
                        parent: guest.parent.clone(),
                        config: guest.config.clone(),
                    },
                )?
            };
            for (key, volume) in volumes {
                task.log(format!("snapshotting 'drive-{key}' ({volume})"));
            }
            Ok(())
        },
    );
    Ok(upid.into())
}

/// Adds a snapshot; gives the volumes that it covers.
fn take(guest: &mut Guest, snapshot: Snapshot) -> Result<Vec<(String, String)>, String> {
    guest.check_lock()?;
    if guest.snapshots.iter().any(|known| known.name == snapshot.name) {
        return Err(format!("snapshot name '{}' already used", snapshot.name));
    }
    let volumes: Vec<(String, String)> = devices::volumes(&guest.config)
        .into_iter()
        .map(|(key, volume)| (key.to_owned(), volume.to_owned()))
        .collect();
    // Raw files on a directory have none.
    if volumes.iter().any(|(_, volume)| volume.ends_with(".raw")) {
        return Err("snapshot feature is not available".to_owned());
    }
    guest.parent = Some(snapshot.name.clone());
    guest.snapshots.push(snapshot);
    Ok(volumes)
}

fn rollback(call: &Call, kind: GuestKind) -> crate::simulator::answer::Answer {
    let now = call.shared.clock.now();
    let (shared, vmid, start) = (call.shared.clone(), call.vmid(), call.flag("start"));
    let target = Target {
        node: call.node().to_owned(),
        kind,
        vmid,
        skip_lock: false,
    };
    let (task, name) = (
        format!("{}rollback", kind.task_prefix()),
        call.text("snapname").to_owned(),
    );
    let work = move |task: TaskHandle| async move {
        let _guard = target.lock(&task.shared).await?;
        let mut cluster = task.shared.cluster();
        cluster.check_quorum()?;
        let guest = cluster.guest_mut(&target.node, kind, vmid)?;
        guest.check_lock()?;
        let snapshot = find(guest, &name)?.clone();
        go_back(&mut cluster, vmid, &snapshot, start, now);
        Ok(())
    };
    shared
        .start_task(call.node(), &task, call.text("vmid"), &call.caller, work)
        .into()
}

fn go_back(cluster: &mut Cluster, vmid: u32, snapshot: &Snapshot, start: bool, now: std::time::Duration) {
    cluster.stop_process(vmid, now);
    if let Some(guest) = cluster.guests.get_mut(&vmid) {
        guest.pending.clear();
        guest.config.clone_from(&snapshot.config);
        guest.parent = Some(snapshot.name.clone());
    }
    if start || snapshot.vmstate {
        cluster.start_process(vmid, now);
    }
}

fn describe(call: &Call, kind: GuestKind) -> ApiResult {
    let mut cluster = call.shared.cluster();
    cluster.check_quorum().map_err(ApiError::died)?;
    let guest = cluster
        .guest_mut(call.node(), kind, call.vmid())
        .map_err(ApiError::died)?;
    let name = call.text("snapname");
    let Some(snapshot) = guest.snapshots.iter_mut().find(|snapshot| snapshot.name == name) else {
        return Err(ApiError::died(format!("snapshot '{name}' does not exist")));
    };
    snapshot.description = call.get("description").map(str::to_owned);
    Ok(Value::Null.into())
}
