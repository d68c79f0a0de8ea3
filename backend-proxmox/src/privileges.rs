//! What the credentials may do, and what a BMC cannot do where a privilege is missing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::value::Object;

/// Version of Proxmox VE.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Version {
    /// Major and minor number.
    pub number: (u32, u32),
    /// As PVE writes it: `8.4.1`.
    pub text: String,
}

impl Version {
    pub(crate) fn read(answer: &Value) -> Option<Self> {
        let text = Object::new(answer).text("version")?;
        let mut parts = text.split(['.', '-', '~', '+']).map(|part| part.parse().ok());
        let major = parts.next()??;
        let minor = parts.next().flatten().unwrap_or(0);
        Some(Self {
            number: (major, minor),
            text,
        })
    }
}

/// The privileges of the credentials on each path that they have any on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Privileges(BTreeMap<String, BTreeMap<String, bool>>);

impl Privileges {
    /// Reads the answer of `GET /access/permissions`.
    pub(crate) fn read(answer: &Value) -> Self {
        let paths = answer.as_object().into_iter().flatten();
        let paths = paths.map(|(path, privileges)| {
            let object = Object::new(privileges);
            let names = privileges.as_object().into_iter().flatten().map(|(name, _)| name);
            let names = names.map(|name| (name.clone(), object.flag(name))).collect();
            (path.clone(), names)
        });
        Self(paths.collect())
    }

    /// Whether a privilege is held on a path. What stands on the longest listed path decides; above it, only
    /// privileges that propagate count.
    #[must_use]
    pub fn has(&self, path: &str, privilege: &str) -> bool {
        let mut at = path;
        loop {
            if let Some(privileges) = self.0.get(at) {
                return match privileges.get(privilege) {
                    Some(propagates) => at == path || *propagates,
                    None => false,
                };
            }
            at = match at.rfind('/') {
                _ if at == "/" => return false,
                Some(0) => "/",
                Some(index) => at.get(..index).unwrap_or("/"),
                None => return false,
            };
        }
    }

    /// Whether a privilege is held on a path or on some guest; for what concerns all guests.
    #[must_use]
    pub fn has_on_any_guest(&self, privilege: &str) -> bool {
        self.has("/vms", privilege)
            || self
                .0
                .iter()
                .any(|(path, privileges)| path.starts_with("/vms") && privileges.contains_key(privilege))
    }
}

/// A privilege that the credentials lack, and what that switches off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Missing {
    /// The privilege.
    pub privilege: &'static str,
    /// The path on which it is needed.
    pub path: String,
    /// What does not work without it.
    pub feature: &'static str,
}

impl core::fmt::Display for Missing {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "{} on {} is missing: {}",
            self.privilege, self.path, self.feature
        )
    }
}

/// What a guest's BMC needs on the guest.
const OF_GUEST: &[(&str, &str)] = &[
    ("VM.Audit", "nothing works, the guest is not even seen"),
    ("VM.PowerMgmt", "no power control"),
    ("VM.Config.Disk", "the boot device cannot be chosen"),
    ("VM.Console", "no Serial over LAN, no firmware setup"),
];

/// What the cluster's view needs.
const OF_CLUSTER: &[(&str, &str)] = &[(
    "Sys.Audit",
    "a lost quorum is noticed only when a command fails; nodes show no numbers",
)];

/// What credentials lack for BMCs of these guests, each with what it switches off.
pub(crate) fn missing(privileges: &Privileges, guests: &[u32], is_root: bool) -> Vec<Missing> {
    if is_root {
        return Vec::new();
    }
    let mut missing = BTreeSet::new();
    let mut note = |path: &str, privilege, feature| {
        if !privileges.has(path, privilege) {
            missing.insert(Missing {
                privilege,
                path: path.to_owned(),
                feature,
            });
        }
    };
    for vmid in guests {
        for (privilege, feature) in OF_GUEST {
            note(&format!("/vms/{vmid}"), privilege, feature);
        }
    }
    for (privilege, feature) in OF_CLUSTER {
        note("/", privilege, feature);
    }
    missing.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_of_all_majors_are_read() {
        for (text, number) in [
            ("7.4-3", (7, 4)),
            ("8.4.1", (8, 4)),
            ("9.2.11", (9, 2)),
            ("9", (9, 0)),
        ] {
            let version = Version::read(&json!({ "version": text, "release": "x" }));
            assert_eq!(version.map(|version| version.number), Some(number), "{text}");
        }
        assert_eq!(Version::read(&json!({})), None);
    }

    #[test]
    fn the_longest_path_decides_and_propagation_counts_above_it() {
        let privileges = Privileges::read(&json!({
            "/": { "Sys.Audit": 0 },
            "/vms": { "VM.Audit": 1, "VM.PowerMgmt": 0 },
            "/vms/100": { "VM.Console": 1 },
        }));
        assert!(privileges.has("/", "Sys.Audit"));
        assert!(!privileges.has("/nodes", "Sys.Audit"));
        assert!(privileges.has("/vms/101", "VM.Audit"));
        assert!(!privileges.has("/vms/101", "VM.PowerMgmt"));
        // Rights on the guest itself replace those of above.
        assert!(!privileges.has("/vms/100", "VM.Audit"));
        assert!(privileges.has("/vms/100", "VM.Console"));
        assert!(!Privileges::default().has("/vms/100", "VM.Audit"));
    }

    #[test]
    fn missing_privileges_are_told_with_what_they_switch_off() {
        let privileges = Privileges::read(&json!({
            "/vms/100": { "VM.Audit": 1, "VM.PowerMgmt": 1, "VM.Config.Disk": 1 },
        }));
        let told: Vec<_> = missing(&privileges, &[100], false)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told.iter()
                .any(|text| text.starts_with("VM.Console on /vms/100 is missing"))
        );
        assert!(
            told.iter()
                .any(|text| text.starts_with("Sys.Audit on / is missing"))
        );
        assert_eq!(missing(&privileges, &[100], true), []);
    }
}
