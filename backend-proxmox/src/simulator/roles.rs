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

/// Whether a version has a privilege of this name.
pub(super) fn exists(privilege: &str, version: PveVersion) -> bool {
    COMMON.contains(&privilege)
        || (version >= PveVersion::V8 && SINCE_8.contains(&privilege))
        || (version >= PveVersion::V9 && SINCE_9.contains(&privilege))
        || (version < PveVersion::V9 && privilege == "VM.Monitor")
}

/// Whether one of the roles that are always there has a privilege.
pub(super) fn has(role: &str, privilege: &str, version: PveVersion) -> bool {
    const USER: [&str; 7] = [
        "VM.Audit",
        "VM.Backup",
        "VM.Config.CDROM",
        "VM.Config.Cloudinit",
        "VM.Console",
        "VM.GuestAgent.Audit",
        "VM.PowerMgmt",
    ];
    const NOT_ADMIN: [&str; 5] = [
        "Permissions.Modify",
        "Sys.Modify",
        "Sys.PowerMgmt",
        "Realm.Allocate",
        "Sys.Incoming",
    ];
    let contains = match role {
        "Administrator" => true,
        "PVEAdmin" => !NOT_ADMIN.contains(&privilege),
        "PVEAuditor" => privilege.ends_with(".Audit"),
        "PVEVMAdmin" => privilege.starts_with("VM."),
        "PVEVMUser" => USER.contains(&privilege),
        _ => false,
    };
    contains && exists(privilege, version)
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
