//! The boot order of a VM: reading its configuration, and the order that puts one kind of device first.

use ipmi_server::backend::{BootDevice, BootDevices, BootMode};
use serde_json::Value;

use crate::value::text;

/// What a VM's configuration says about booting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BootConfiguration {
    /// `boot`, byte for byte; `None`: not set.
    pub(crate) boot: Option<String>,
    /// `bootdisk`, of the old format; setting the new one takes it away.
    pub(crate) bootdisk: Option<String>,
    /// Digest of the configuration that this was read from.
    pub(crate) digest: Option<String>,
    /// Whether the firmware is UEFI.
    pub(crate) is_uefi: bool,
    devices: Vec<Device>,
}

/// Something that a VM can boot from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Device {
    name: String,
    kind: DeviceKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DeviceKind {
    Disk,
    Cdrom,
    Network,
    Usb,
    /// A passed-through device: network card or disk, nobody but the guest knows.
    Host,
}

/// Buses in the order in which PVE itself looks for a disk to boot from, then the others.
const BUSES: [(&str, u8); 7] = [
    ("ide", 0),
    ("scsi", 1),
    ("virtio", 2),
    ("sata", 3),
    ("net", 4),
    ("hostpci", 5),
    ("usb", 6),
];

/// `scsi10` as bus and number.
fn bus(name: &str) -> Option<(u8, u16)> {
    let digits = name.find(|letter: char| letter.is_ascii_digit())?;
    let (bus, number) = name.split_at(digits);
    let rank = BUSES.iter().find(|(known, _)| *known == bus)?.1;
    Some((rank, number.parse().ok()?))
}

fn kind_of(name: &str, value: &str) -> Option<DeviceKind> {
    let (rank, _) = bus(name)?;
    let option = |wanted: &str| value.split(',').any(|part| part == wanted);
    Some(match rank {
        4 => DeviceKind::Network,
        5 => DeviceKind::Host,
        6 => DeviceKind::Usb,
        // A drive for cloud-init's data is no medium that boots.
        _ if value.contains("cloudinit") => return None,
        _ if option("media=cdrom") || value.starts_with("cdrom") => DeviceKind::Cdrom,
        _ => DeviceKind::Disk,
    })
}

impl BootConfiguration {
    /// Reads the answer of `GET config`.
    pub(crate) fn read(config: &Value) -> Self {
        let member = |name: &str| config.get(name).and_then(text);
        let mut devices: Vec<_> = config
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| {
                let kind = kind_of(name, &text(value)?)?;
                let name = name.clone();
                Some(Device { name, kind })
            })
            .collect();
        devices.sort_by_key(|device| bus(&device.name));
        Self {
            boot: member("boot"),
            bootdisk: member("bootdisk"),
            digest: member("digest"),
            is_uefi: member("bios").as_deref() == Some("ovmf"),
            devices,
        }
    }

    /// Which kinds of device the VM has.
    pub(crate) fn available(&self) -> BootDevices {
        let devices = [
            BootDevice::Pxe,
            BootDevice::Disk,
            BootDevice::Cdrom,
            BootDevice::Removable,
        ];
        let mut available = BootDevices::empty();
        for device in devices {
            if self.first(device).is_some() {
                available |= device.into();
            }
        }
        if self.is_uefi {
            available |= BootDevices::FIRMWARE_SETUP;
        }
        available
    }

    /// The firmware interface.
    pub(crate) const fn mode(&self) -> BootMode {
        if self.is_uefi {
            BootMode::Efi
        } else {
            BootMode::Legacy
        }
    }

    /// The devices that the VM tries now, first one first.
    pub(crate) fn order(&self) -> Vec<String> {
        let boot = self.boot.as_deref().unwrap_or_default();
        for part in boot.split(',') {
            if let Some(list) = part.trim().strip_prefix("order=") {
                let names = list.split(';').map(str::trim).filter(|name| !name.is_empty());
                return names.map(str::to_owned).collect();
            }
        }
        if boot.contains('=') && !boot.contains("legacy=") {
            return Vec::new();
        }
        let letters = boot.strip_prefix("legacy=").unwrap_or(boot);
        let letters = if letters.is_empty() { "cdn" } else { letters };
        self.expand(letters)
    }

    /// The devices of the old format's letters: `c` the boot disk, `d` CD-ROMs, `n` network cards, `a` floppy.
    fn expand(&self, letters: &str) -> Vec<String> {
        let of = |kind| self.devices.iter().filter(move |device| device.kind == kind);
        let mut order = Vec::new();
        for letter in letters.chars() {
            match letter {
                'c' => {
                    let disk = self.bootdisk.clone();
                    order.extend(disk.or_else(|| Some(of(DeviceKind::Disk).next()?.name.clone())));
                }
                'd' => order.extend(of(DeviceKind::Cdrom).map(|device| device.name.clone())),
                'n' => order.extend(of(DeviceKind::Network).map(|device| device.name.clone())),
                _ => {}
            }
        }
        order
    }

    /// The device that is meant by a kind: the first one of the order, else the first one there is.
    fn first(&self, wanted: BootDevice) -> Option<String> {
        let kinds: &[DeviceKind] = match wanted {
            BootDevice::Pxe => &[DeviceKind::Network, DeviceKind::Host],
            BootDevice::Disk => &[DeviceKind::Disk, DeviceKind::Host],
            BootDevice::Cdrom => &[DeviceKind::Cdrom],
            BootDevice::Removable => &[DeviceKind::Usb],
            _ => &[],
        };
        let order = self.order();
        kinds.iter().find_map(|kind| {
            let of_kind = || self.devices.iter().filter(|device| device.kind == *kind);
            let in_order = order
                .iter()
                .find(|name| of_kind().any(|device| device.name == **name));
            in_order.cloned().or_else(|| Some(of_kind().next()?.name.clone()))
        })
    }

    /// The value of `boot` that tries this kind of device first and then what the VM tries anyway.
    pub(crate) fn with_first(&self, wanted: BootDevice) -> Option<String> {
        let first = self.first(wanted)?;
        let exists = |name: &String| self.devices.iter().any(|device| device.name == *name);
        let others = self
            .order()
            .into_iter()
            .filter(|name| *name != first && exists(name));
        let list: Vec<_> = core::iter::once(first.clone()).chain(others).collect();
        Some(format!("order={}", list.join(";")))
    }

    /// Whether `boot` means the same as `value`.
    pub(crate) fn is(&self, value: &str) -> bool {
        self.boot.as_deref() == Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(config: Value) -> BootConfiguration {
        BootConfiguration::read(&config)
    }

    #[test]
    fn chosen_device_comes_first_and_the_others_keep_their_order() {
        let config = read(json!({
            "boot": "order=scsi0;ide2;net0", "digest": "abc",
            "scsi0": "local:100/vm-100-disk-0.raw,size=1G", "ide2": "none,media=cdrom",
            "net0": "virtio=BC:24:11:1D:82:4E,bridge=vmbr0", "efidisk0": "local:x", "scsihw": "virtio-scsi-pci",
        }));
        assert_eq!(
            config.with_first(BootDevice::Pxe).as_deref(),
            Some("order=net0;scsi0;ide2")
        );
        assert_eq!(
            config.with_first(BootDevice::Cdrom).as_deref(),
            Some("order=ide2;scsi0;net0")
        );
        assert_eq!(
            config.with_first(BootDevice::Disk).as_deref(),
            Some("order=scsi0;ide2;net0")
        );
        assert_eq!(config.with_first(BootDevice::Removable), None);
        let expected = BootDevices::PXE | BootDevices::DISK | BootDevices::CDROM;
        assert_eq!(config.available(), expected);
        assert_eq!(config.mode(), BootMode::Legacy);
    }

    #[test]
    fn old_format_is_understood() {
        let devices = json!({
            "bootdisk": "virtio1", "virtio0": "a:1", "virtio1": "a:2", "ide2": "a:iso/x.iso,media=cdrom",
            "net1": "e1000=AA", "net0": "virtio=AA", "bios": "ovmf",
        });
        let with = |boot: Option<&str>| {
            let mut config = devices.clone();
            if let Some(boot) = boot {
                config["boot"] = boot.into();
            }
            read(config)
        };
        for boot in [None, Some("cdn"), Some("legacy=cdn"), Some("")] {
            let order = with(boot).order();
            assert_eq!(order, ["virtio1", "ide2", "net0", "net1"], "{boot:?}");
        }
        assert_eq!(with(Some("n")).order(), ["net0", "net1"]);
        let pxe = with(Some("cdn")).with_first(BootDevice::Pxe);
        assert_eq!(pxe.as_deref(), Some("order=net0;virtio1;ide2;net1"));
        assert!(with(None).available().contains(BootDevices::FIRMWARE_SETUP));
    }

    #[test]
    fn passed_through_and_missing_devices_are_minded() {
        let config = read(json!({
            "boot": "order=scsi7;hostpci0", "hostpci0": "0000:01:00.0", "ide0": "local:vm-1-cloudinit,media=cdrom",
            "usb0": "host=1234:5678",
        }));
        // scsi7 is not there any more: PVE would refuse an order that names it.
        assert_eq!(
            config.with_first(BootDevice::Pxe).as_deref(),
            Some("order=hostpci0")
        );
        assert_eq!(
            config.with_first(BootDevice::Removable).as_deref(),
            Some("order=usb0;hostpci0")
        );
        assert_eq!(config.with_first(BootDevice::Cdrom), None);
    }

    #[test]
    fn numbers_are_sorted_as_numbers() {
        let config = read(json!({ "scsi10": "a:1", "scsi9": "a:2" }));
        assert_eq!(
            config.with_first(BootDevice::Disk).as_deref(),
            Some("order=scsi9")
        );
    }
}
