//! `config` and `pending` of a guest.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::simulator::answer::{ApiError, ApiResult};
use crate::simulator::call::Call;
use crate::simulator::cluster::Cluster;
use crate::simulator::devices;
use crate::simulator::guest::{Config, Guest, GuestKind};
use crate::simulator::options;
use crate::simulator::power::Target;
use crate::simulator::random;
use crate::simulator::rules::Kind;
use crate::simulator::schema::Schema;

pub(super) async fn handle(call: &Call, kind: GuestKind, method: &str, rest: &str) -> ApiResult {
    match (method, rest) {
        ("GET", "/config") => read(call, kind),
        ("GET", _) => pending(call, kind),
        ("PUT", _) => {
            let change = Change::of(call, kind)?;
            change.check_rights(call, kind)?;
            let target = target(call, kind);
            let _guard = target.lock(&call.shared).await.map_err(ApiError::died)?;
            change.apply(&mut call.shared.cluster(), call)?;
            Ok(Value::Null.into())
        }
        _ => in_background(call, kind),
    }
}

fn target(call: &Call, kind: GuestKind) -> Target {
    Target {
        node: call.node().to_owned(),
        kind,
        vmid: call.vmid(),
        skip_lock: call.flag("skiplock"),
    }
}

/// A change that a task makes: what can be checked before is.
fn in_background(call: &Call, kind: GuestKind) -> ApiResult {
    let change = Change::of(call, kind)?;
    change.check_rights(call, kind)?;
    let (node, vmid, target) = (call.node().to_owned(), call.vmid(), target(call, kind));
    let description = change.describe();
    let call = Call {
        shared: call.shared.clone(),
        here: call.here.clone(),
        caller: call.caller.clone(),
        endpoint: call.endpoint,
        parameters: call.parameters.clone(),
    };
    let (shared, caller, id) = (call.shared.clone(), call.caller.clone(), vmid.to_string());
    let upid = shared.start_task(&node, "qmconfig", &id, &caller, move |task| async move {
        task.log(format!("update VM {vmid}: {description}"));
        let _guard = target.lock(&task.shared).await?;
        change
            .apply(&mut task.shared.cluster(), &call)
            .map_err(ApiError::into_text)
    });
    Ok(upid.into())
}

/// A value as the configuration's schema types it.
pub(super) fn typed(schema: &Schema, kind: GuestKind, option: &str, value: &str) -> Value {
    let key = format!("PUT /nodes/{{node}}/{}/{{vmid}}/config", kind.name());
    let number = match schema.rule(&key, option).map(|rule| rule.kind) {
        Some(Kind::Integer | Kind::Boolean | Kind::Number) => true,
        _ => matches!(option, "snaptime" | "unprivileged" | "template"),
    };
    match value.parse::<u64>() {
        Ok(value) if number => json!(value),
        _ => json!(value),
    }
}

pub(super) fn as_object(schema: &Schema, kind: GuestKind, config: &Config) -> Map<String, Value> {
    config
        .iter()
        .map(|(key, value)| (key.clone(), typed(schema, kind, key, value)))
        .collect()
}

fn read(call: &Call, kind: GuestKind) -> ApiResult {
    let cluster = call.shared.cluster();
    let guest = cluster
        .guest(call.node(), kind, call.vmid())
        .map_err(ApiError::died)?;
    let mut object = match call.get("snapshot") {
        Some(name) => {
            let snapshot = guest.snapshots.iter().find(|snapshot| snapshot.name == name);
            let Some(snapshot) = snapshot else {
                return Err(ApiError::died(format!("snapshot '{name}' does not exist")));
            };
            super::snapshots::config_of(call.shared.schema, kind, snapshot)
        }
        None => {
            let config = if call.flag("current") {
                guest.config.clone()
            } else {
                guest.configured()
            };
            let mut object = as_object(call.shared.schema, kind, &config);
            if let Some(parent) = &guest.parent {
                object.insert("parent".to_owned(), json!(parent));
            }
            object
        }
    };
    object.insert("digest".to_owned(), json!(guest.digest()));
    Ok(Value::Object(object).into())
}

fn pending(call: &Call, kind: GuestKind) -> ApiResult {
    let cluster = call.shared.cluster();
    let guest = cluster
        .guest(call.node(), kind, call.vmid())
        .map_err(ApiError::died)?;
    let value_of = |key: &str, value: &str| typed(call.shared.schema, kind, key, value);
    let keys: BTreeSet<&String> = guest.config.keys().chain(guest.pending.keys()).collect();
    let mut rows: Vec<Value> = keys
        .into_iter()
        .map(|key| {
            let mut row = Map::from_iter([("key".to_owned(), json!(key))]);
            if let Some(value) = guest.config.get(key) {
                row.insert("value".to_owned(), value_of(key, value));
            }
            match guest.pending.get(key) {
                Some(Some(value)) => _ = row.insert("pending".to_owned(), value_of(key, value)),
                Some(None) => _ = row.insert("delete".to_owned(), json!(1)),
                None => {}
            }
            Value::Object(row)
        })
        .collect();
    rows.push(json!({"key": "digest", "value": guest.digest()}));
    Ok(Value::Array(rows).into())
}

/// What a call wants changed.
struct Change {
    kind: GuestKind,
    set: Config,
    delete: Vec<String>,
    revert: Vec<String>,
    digest: Option<String>,
    skip_lock: bool,
}

impl Change {
    /// # Errors
    /// The call changes nothing, or names options that are none.
    fn of(call: &Call, kind: GuestKind) -> Result<Self, ApiError> {
        call.check_skiplock()?;
        let list = |name: &str| -> Vec<String> {
            let items = call
                .text(name)
                .split([',', ';', ' '])
                .filter(|item| !item.is_empty());
            items.map(str::to_owned).collect()
        };
        let set: Config = call
            .parameters
            .iter()
            .filter(|(name, _)| !options::CONTROLS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let change = Self {
            kind,
            set,
            delete: list("delete"),
            revert: list("revert"),
            digest: call.get("digest").map(str::to_owned),
            skip_lock: call.flag("skiplock"),
        };
        if change.set.is_empty() && change.delete.is_empty() && change.revert.is_empty() {
            return Err(ApiError::died("no options specified"));
        }
        let key = format!("PUT /nodes/{{node}}/{}/{{vmid}}/config", kind.name());
        for option in &change.delete {
            let known = call.shared.schema.rule(&key, option).is_some();
            if !known || options::CONTROLS.contains(&option.as_str()) {
                return Err(ApiError::parameter(
                    "delete",
                    format!("unknown option '{option}'"),
                ));
            }
            if change.set.contains_key(option) {
                let text = format!("Can't use '-{option}' and '-delete {option}' at the same time");
                return Err(ApiError::parameter("delete", text));
            }
        }
        Ok(change)
    }

    fn check_rights(&self, call: &Call, kind: GuestKind) -> Result<(), ApiError> {
        let old = call
            .shared
            .cluster()
            .guests
            .get(&call.vmid())
            .map(|guest| guest.config.clone())
            .unwrap_or_default();
        let changes = self
            .set
            .iter()
            .map(|(option, value)| (option, Some(value.as_str())));
        let removals = self
            .delete
            .iter()
            .chain(&self.revert)
            .map(|option| (option, None));
        for (option, value) in changes.chain(removals) {
            match kind {
                GuestKind::Qemu => options::check(call, option, value, old.get(option).map(String::as_str))?,
                GuestKind::Lxc => options::check_container(call, option)?,
            }
        }
        Ok(())
    }

    fn describe(&self) -> String {
        let mut words: Vec<String> = self
            .set
            .iter()
            .map(|(option, value)| format!("-{option} {value}"))
            .collect();
        words.extend(self.delete.iter().map(|option| format!("-delete {option}")));
        words.extend(self.revert.iter().map(|option| format!("-revert {option}")));
        words.join(" ")
    }

    fn apply(&self, cluster: &mut Cluster, call: &Call) -> Result<(), ApiError> {
        let mismatch = call.shared.version.digest_mismatch();
        cluster.check_quorum().map_err(ApiError::died)?;
        let images = cluster.images.clone();
        let guest = cluster
            .guest_mut(call.node(), self.kind, call.vmid())
            .map_err(ApiError::died)?;
        if self
            .digest
            .as_ref()
            .is_some_and(|digest| *digest != guest.digest())
        {
            return Err(ApiError::died(mismatch));
        }
        if !self.skip_lock {
            guest.check_lock().map_err(ApiError::died)?;
        }
        self.check_values(guest, |volume| images.contains(volume))
            .map_err(ApiError::died)?;
        for option in &self.revert {
            guest.pending.remove(option);
        }
        for option in &self.delete {
            self.put(guest, option, None);
        }
        for (option, value) in &self.set {
            let value = complete(guest, option, value);
            self.put(guest, option, Some(value));
            if option == "boot"
                && self.set["boot"].contains("order=")
                && guest.configured().contains_key("bootdisk")
            {
                self.put(guest, "bootdisk", None);
            }
        }
        Ok(())
    }

    fn check_values(&self, guest: &Guest, has_image: impl Fn(&str) -> bool) -> Result<(), String> {
        for (option, value) in &self.set {
            let volume = value.split(',').next().unwrap_or_default();
            if volume.contains(":iso/") && !has_image(volume) {
                return Err(format!("volume '{volume}' does not exist"));
            }
            let Some(order) = value.strip_prefix("order=").filter(|_| option == "boot") else {
                continue;
            };
            let mut configured = guest.configured();
            self.delete
                .iter()
                .for_each(|option| _ = configured.remove(option));
            configured.extend(self.set.clone());
            for device in order.split(';').filter(|device| !device.is_empty()) {
                if !configured.contains_key(device) {
                    return Err(format!("invalid bootorder: device '{device}' does not exist'"));
                }
            }
        }
        Ok(())
    }

    /// Sets or removes an option: at once, or for the next start of a guest that runs.
    fn put(&self, guest: &mut Guest, option: &str, value: Option<String>) {
        let now = guest.process.is_none() || options::is_live(self.kind, option, &guest.config);
        if now {
            guest.pending.remove(option);
            match &value {
                Some(value) => _ = guest.config.insert(option.to_owned(), value.clone()),
                None => _ = guest.config.remove(option),
            }
            if let Some(process) = &mut guest.process {
                match value {
                    Some(value) => _ = process.config.insert(option.to_owned(), value),
                    None => _ = process.config.remove(option),
                }
            }
        } else if guest.config.get(option) == value.as_ref() {
            // What the machine has already need not wait.
            guest.pending.remove(option);
        } else {
            guest.pending.insert(option.to_owned(), value);
        }
    }
}

/// A value with what the server adds: a network card gets an address.
fn complete(guest: &Guest, option: &str, value: &str) -> String {
    let is_card = option.starts_with("net") && guest.kind == GuestKind::Qemu;
    let model = value.split(',').next().unwrap_or_default();
    if is_card && !model.is_empty() && !model.contains('=') {
        return value.replacen(model, &format!("{model}={}", random::mac()), 1);
    }
    value.to_owned()
}

/// The first configuration of a new machine: volumes are allocated, addresses and identifiers made up.
pub(super) fn created(call: &Call, vmid: u32, now: u64) -> Config {
    let guest = Guest::new(crate::simulator::GuestSpec::qemu(vmid), String::new());
    let mut config = Config::new();
    let mut disks = 0;
    for (option, value) in &call.parameters {
        let ignored = [
            "archive",
            "force",
            "live-restore",
            "pool",
            "start",
            "storage",
            "unique",
            "bwlimit",
        ];
        if options::CONTROLS.contains(&option.as_str()) || ignored.contains(&option.as_str()) {
            continue;
        }
        let mut value = complete(&guest, option, value);
        if let Some((storage, gigabytes, rest)) = new_volume(&value) {
            let format = if rest.contains("format=qcow2") {
                "qcow2"
            } else {
                "raw"
            };
            let extra: String = rest
                .split(',')
                .filter(|part| !part.is_empty() && !part.starts_with("format="))
                .fold(String::new(), |text, part| text + "," + part);
            let size = if option.starts_with("efidisk") {
                "528K".to_owned()
            } else {
                format!("{gigabytes}G")
            };
            value = format!("{storage}:{vmid}/vm-{vmid}-disk-{disks}.{format}{extra},size={size}");
            disks += 1;
        }
        config.insert(option.clone(), value);
    }
    config
        .entry("smbios1".to_owned())
        .or_insert_with(|| format!("uuid={}", random::uuid()));
    config.entry("vmgenid".to_owned()).or_insert_with(random::uuid);
    config.insert("meta".to_owned(), format!("creation-qemu=7.2.22,ctime={now}"));
    if !config.contains_key("boot")
        && let Some(boot) = devices::default_boot(&config)
    {
        config.insert("boot".to_owned(), boot);
    }
    config
}

/// `STORAGE:GIGABYTES,...`: storage, size and the rest.
fn new_volume(value: &str) -> Option<(&str, u64, &str)> {
    let (volume, rest) = value.split_once(',').unwrap_or((value, ""));
    let (storage, size) = volume.split_once(':')?;
    Some((storage, size.parse().ok()?, rest))
}
