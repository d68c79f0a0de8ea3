//! What a guest is, from its configuration: boot devices, serial port, identity.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ipmi_server::backend::MachineIdentity;
use serde_json::Value;
use uuid::Uuid;

use super::boot_order::BootConfiguration;
use crate::value::{Object, text};

/// What a guest's configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) boot: BootConfiguration,
    /// The serial port that a console opens: the first that is a socket.
    pub(crate) serial: Option<String>,
    /// Whether it is a container: those have a console without more.
    pub(crate) is_container: bool,
    name: Option<String>,
    machine: Option<String>,
    smbios: BTreeMap<String, String>,
}

impl Profile {
    /// Reads the answer of `GET config`.
    pub(crate) fn read(vmid: u32, config: &Value) -> Self {
        let object = Object::new(config);
        let mut serials: Vec<_> = config
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, value)| name.starts_with("serial") && text(value).as_deref() == Some("socket"))
            .map(|(name, _)| name.clone())
            .collect();
        serials.sort();
        let is_container = object.member("rootfs").is_some();
        let name = object.text(if is_container { "hostname" } else { "name" });
        Self {
            boot: BootConfiguration::read(config),
            serial: serials.into_iter().next(),
            is_container,
            name: name.or_else(|| Some(format!("vm{vmid}"))),
            machine: object.text("machine"),
            smbios: smbios(&object.text("smbios1").unwrap_or_default()),
        }
    }

    /// Says what a BMC of this guest cannot do, and how that could be changed.
    pub(crate) fn tell_gaps(&self, vmid: u32) {
        if self.serial.is_none() && !self.is_container {
            tracing::warn!(
                vmid,
                "the guest has no serial port, so there is no Serial over LAN: `qm set {vmid} -serial0 socket`, then \
                 stop and start it"
            );
        }
    }
}

/// `uuid=...,serial=...,base64=1`: values but for the UUID may be in base64.
fn smbios(text: &str) -> BTreeMap<String, String> {
    let parts: BTreeMap<_, _> = text.split(',').filter_map(|part| part.split_once('=')).collect();
    let is_encoded = parts.get("base64") == Some(&"1");
    let decode = |name: &str, value: &str| {
        if is_encoded && name != "uuid" {
            let bytes = BASE64.decode(value).ok()?;
            String::from_utf8(bytes).ok()
        } else {
            Some(value.to_owned())
        }
    };
    parts
        .iter()
        .filter(|(name, _)| **name != "base64")
        .filter_map(|(name, value)| Some(((*name).to_owned(), decode(name, value)?)))
        .collect()
}

/// Who a guest is. One whose configuration has no UUID, or cannot be read, gets one of its VMID: the same each time.
pub(crate) fn identity(vmid: u32, profile: Option<&Profile>, version: Option<String>) -> MachineIdentity {
    let smbios = |name: &str| profile.and_then(|profile| profile.smbios.get(name).cloned());
    let uuid = smbios("uuid").and_then(|text| Uuid::parse_str(&text).ok());
    let uuid = uuid.filter(|uuid| !uuid.is_nil());
    let derived = || Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("proxmox guest {vmid}").as_bytes());
    let is_container = profile.is_some_and(|profile| profile.is_container);
    let product = match profile.and_then(|profile| profile.machine.clone()) {
        Some(machine) => machine.split(',').next().unwrap_or_default().to_owned(),
        None if is_container => "LXC container".to_owned(),
        None => "QEMU virtual machine".to_owned(),
    };
    let mut identity = MachineIdentity::default();
    identity.uuid = uuid.unwrap_or_else(derived).into_bytes();
    identity.name = profile
        .and_then(|profile| profile.name.clone())
        .unwrap_or_else(|| format!("vm{vmid}"));
    identity.manufacturer = smbios("manufacturer").unwrap_or_else(|| "Proxmox".to_owned());
    identity.product = smbios("product").unwrap_or(product);
    identity.version = version.map_or_else(String::new, |version| format!("PVE {version}"));
    identity.serial = smbios("serial").unwrap_or_else(|| vmid.to_string());
    identity
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn identity_is_that_of_smbios() {
        let config = json!({
            "name": "web", "machine": "pc-q35-8.1,viommu=virtio", "serial1": "socket", "serial0": "/dev/ttyS0",
            "smbios1": "uuid=367e1df1-493d-4431-90f5-a7a6228a2b3a,base64=1,serial=QUJDLTEyMw==,manufacturer=QUNNRQ==",
        });
        let profile = Profile::read(100, &config);
        assert_eq!(profile.serial.as_deref(), Some("serial1"));
        let identity = identity(100, Some(&profile), Some("8.4.1".to_owned()));
        assert_eq!(identity.uuid.first_chunk(), Some(&[0x36, 0x7e, 0x1d, 0xf1]));
        assert_eq!(
            (identity.name.as_str(), identity.serial.as_str()),
            ("web", "ABC-123")
        );
        assert_eq!(
            (identity.manufacturer.as_str(), identity.product.as_str()),
            ("ACME", "pc-q35-8.1")
        );
        assert_eq!(identity.version, "PVE 8.4.1");
    }

    #[test]
    fn a_guest_without_a_uuid_has_the_same_one_each_time() {
        let profile = Profile::read(300, &json!({ "rootfs": "local:x", "hostname": "ct" }));
        assert!(profile.is_container);
        let one = identity(300, Some(&profile), None);
        assert_eq!(one.uuid, identity(300, None, None).uuid);
        assert_ne!(one.uuid, identity(301, None, None).uuid);
        assert_eq!(one.product, "LXC container");
    }
}
