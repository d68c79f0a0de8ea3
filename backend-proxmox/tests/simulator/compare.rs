//! Compares answers with recorded ones: equal but for what no two servers have in common.

use serde_json::Value;

/// Numbers and texts that are another every time; their type is compared.
const VOLATILE: [&str; 21] = [
    "CSRFPreventionToken",
    "netin",
    "netout",
    "ticket",
    "cpu",
    "digest",
    "endtime",
    "freemem",
    "mem",
    "memhost",
    "pid",
    "port",
    "pstart",
    "saved",
    "snaptime",
    "ssl_fingerprint",
    "starttime",
    "disk",
    "diskread",
    "time",
    "uptime",
];
/// Texts whose hexadecimal digits are another every time.
const MADE_UP: [&str; 7] = ["smbios1", "vmgenid", "net0", "meta", "value", "pending", "scsi0"];
/// What the simulated machine has not: numbers of a real QEMU, hardware of the recording node.
const MORE: [&str; 20] = [
    "balloon",
    "ballooninfo",
    "blockstat",
    "boot-info",
    "diskwrite",
    "freemem",
    "maxcpu",
    "cpus",
    "maxmem-node",
    "nics",
    "proxmox-support",
    "running-machine",
    "running-qemu",
    "shares",
    "maxdisk-node",
    "content",
    "plugintype",
    "level",
    "nodeid",
    "cgroup-mode",
];

/// What differs, one line each.
pub(crate) fn differences(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", "", expected, got, &mut found);
    found
}

fn compare(path: &str, key: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    let same_type = std::mem::discriminant(expected) == std::mem::discriminant(got);
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            for key in expected
                .keys()
                .chain(got.keys().filter(|key| !expected.contains_key(*key)))
            {
                let path = format!("{path}.{key}");
                match (expected.get(key), got.get(key)) {
                    _ if MORE.contains(&key.as_str()) => {}
                    (Some(expected), Some(got)) => compare(&path, key, expected, got, found),
                    (Some(expected), None) => found.push(format!("{path} is missing: {expected}")),
                    (None, Some(got)) => found.push(format!("{path} is too much: {got}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(expected), Value::Array(got)) => {
            let (expected, got) = (sorted(expected), sorted(got));
            if expected.len() != got.len() {
                found.push(format!(
                    "{path} has {} rows instead of {}: {got:?}",
                    got.len(),
                    expected.len()
                ));
            }
            for (index, (expected, got)) in expected.iter().zip(&got).enumerate() {
                compare(&format!("{path}[{index}]"), key, expected, got, found);
            }
        }
        _ if VOLATILE.contains(&key) && same_type => {}
        (Value::String(expected), Value::String(got)) => {
            let made_up = MADE_UP.contains(&key);
            if shape(expected, made_up) != shape(got, made_up) {
                found.push(format!("{path} is {got:?} instead of {expected:?}"));
            }
        }
        _ if expected == got => {}
        _ => found.push(format!("{path} is {got} instead of {expected}")),
    }
}

/// Rows in an order of their own; nodes and storages that only one side has do not count.
fn sorted(rows: &[Value]) -> Vec<&Value> {
    let of_nodes = |row: &&Value| {
        let kind = row["type"].as_str().unwrap_or_default();
        // Nodes fail and are gone in their own ways; networks are not simulated.
        !matches!(kind, "sdn" | "network") && row["id"] != "node/pve2"
    };
    let mut rows: Vec<&Value> = rows.iter().filter(of_nodes).collect();
    rows.sort_by_key(|row| {
        let text = |key: &str| row[key].to_string();
        (
            text("key"),
            text("id"),
            text("vmid"),
            text("n"),
            text("subdir"),
            text("upid"),
        )
    });
    rows
}

/// A text without what is another every time.
fn shape(text: &str, made_up: bool) -> String {
    if let Some(rest) = text.strip_prefix("UPID:") {
        let parts: Vec<&str> = rest.split(':').collect();
        let kept = |index: usize| parts.get(index).copied().unwrap_or_default();
        return format!("UPID:{}:{}:{}:{}", kept(0), kept(4), kept(5), kept(6));
    }
    if !made_up {
        return text.to_owned();
    }
    text.chars()
        .map(|character| {
            if character.is_ascii_hexdigit() {
                'x'
            } else {
                character
            }
        })
        .collect()
}
