//! Privileges and the roles that Proxmox VE brings with it.

use std::collections::BTreeSet;

use super::version::PveVersion;

/// Privileges that every version has.
const COMMON: [&str; 36] = [
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.AllocateTemplate",
    "Datastore.Audit",
    "Group.Allocate",
    "Permissions.Modify",
    "Pool.Allocate",
    "Pool.Audit",
    "Realm.Allocate",
    "Realm.AllocateUser",
    "SDN.Allocate",
    "SDN.Audit",
    "Sys.Audit",
    "Sys.Console",
    "Sys.Incoming",
    "Sys.Modify",
    "Sys.PowerMgmt",
    "Sys.Syslog",
    "User.Modify",
    "VM.Allocate",
    "VM.Audit",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.Console",
    "VM.Migrate",
    "VM.PowerMgmt",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
];

/// Privileges that came with version 8.
const SINCE_8: [&str; 5] = [
    "Mapping.Audit",
    "Mapping.Modify",
    "Mapping.Use",
    "SDN.Use",
    "Sys.AccessNetwork",
];

/// Privileges that came with version 9, in the place of `VM.Monitor`.
const SINCE_9: [&str; 6] = [
    "VM.GuestAgent.Audit",
    "VM.GuestAgent.FileRead",
    "VM.GuestAgent.FileSystemMgmt",
    "VM.GuestAgent.FileWrite",
    "VM.GuestAgent.Unrestricted",
    "VM.Replicate",
];

/// Every privilege of a version.
pub(super) fn privileges(version: PveVersion) -> BTreeSet<&'static str> {
    let mut all = BTreeSet::from(COMMON);
    if version >= PveVersion::V8 {
        all.extend(SINCE_8);
    }
    if version >= PveVersion::V9 {
        all.extend(SINCE_9);
    } else {
        all.insert("VM.Monitor");
    }
    all
}

/// The privileges of one of the roles that are always there.
pub(super) fn built_in(role: &str, version: PveVersion) -> Option<BTreeSet<&'static str>> {
    let all = privileges(version);
    let user = [
        "VM.Audit",
        "VM.Backup",
        "VM.Config.CDROM",
        "VM.Config.Cloudinit",
        "VM.Console",
        "VM.PowerMgmt",
    ];
    let some = |keep: &dyn Fn(&str) -> bool| Some(all.iter().copied().filter(|name| keep(name)).collect());
    match role {
        "Administrator" => Some(all),
        "NoAccess" => Some(BTreeSet::new()),
        "PVEAuditor" => some(&|name| name.ends_with(".Audit")),
        "PVEVMUser" => some(&|name| user.contains(&name) || (name == "VM.GuestAgent.Audit")),
        "PVEVMAdmin" => some(&|name| name.starts_with("VM.")),
        "PVEAdmin" => some(&|name| {
            !matches!(
                name,
                "Permissions.Modify" | "Sys.Modify" | "Sys.PowerMgmt" | "Realm.Allocate" | "Sys.Incoming"
            )
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted in recorded answers of `GET /access/permissions`.
    #[test]
    fn versions_have_as_many_privileges_as_recorded() {
        assert_eq!(
            PveVersion::ALL.map(|version| privileges(version).len()),
            [37, 42, 47]
        );
    }
}
