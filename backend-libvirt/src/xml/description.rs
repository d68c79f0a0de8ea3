//! What a domain is, as far as a BMC shows it.

use ipmi_server::backend::BootDevices;

use super::boot::BootOrder;
use super::tree::{Element, XmlError};

/// The firmware of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Firmware {
    /// SeaBIOS.
    Bios,
    /// UEFI: OVMF, AAVMF.
    Uefi,
}

/// What does not change while a domain keeps its definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) firmware: Option<Firmware>,
    /// Such as `pc-q35-7.2`.
    pub(crate) machine_type: String,
    pub(crate) processors: u32,
    /// MiB.
    pub(crate) memory: u64,
    pub(crate) mac_addresses: Vec<String>,
    /// Whether libvirt can open a serial console.
    pub(crate) has_console: bool,
    pub(crate) boot_devices: BootDevices,
    /// Whether it is a virtual machine of QEMU.
    pub(crate) is_qemu: bool,
}

impl Description {
    /// Reads it from the XML of a domain.
    ///
    /// # Errors
    /// [`XmlError`].
    pub(crate) fn parse(xml: &str) -> Result<Self, XmlError> {
        let domain = Element::parse(xml)?;
        let order = BootOrder::of(xml, &domain);
        let kind = domain.attribute("type").unwrap_or_default();
        let os = domain.child("os");
        let machine = os
            .and_then(|os| os.child("type"))
            .and_then(|kind| kind.attribute("machine"));
        let devices = domain.child("devices");
        let all = |name| devices.into_iter().flat_map(move |devices| devices.all(name));
        let macs = all("interface").filter_map(|interface| interface.child("mac")?.attribute("address"));
        let processors = domain.child("vcpu").and_then(|vcpu| vcpu.text(xml).parse().ok());
        Ok(Self {
            firmware: firmware(os),
            machine_type: machine.unwrap_or_default().to_owned(),
            processors: processors.unwrap_or(1),
            memory: memory(xml, &domain),
            mac_addresses: macs.map(str::to_owned).collect(),
            has_console: all("serial").chain(all("console")).any(|serial| {
                let kind = serial.attribute("type");
                kind == Some("pty") || kind == Some("unix")
            }),
            boot_devices: order.devices(),
            is_qemu: ["qemu", "kvm", "hvf"].contains(&kind),
        })
    }
}

fn firmware(os: Option<&Element<'_>>) -> Option<Firmware> {
    let os = os?;
    let loader = os.child("loader");
    let is_flash = loader.is_some_and(|loader| loader.attribute("type") == Some("pflash"));
    if os.attribute("firmware") == Some("efi") || is_flash {
        return Some(Firmware::Uefi);
    }
    // An image of an unknown kind.
    loader.is_none().then_some(Firmware::Bios)
}

/// Memory in MiB.
fn memory(xml: &str, domain: &Element<'_>) -> u64 {
    let Some(memory) = domain.child("memory") else {
        return 0;
    };
    let size: u64 = memory.text(xml).parse().unwrap_or(0);
    let unit = match memory.attribute("unit").unwrap_or("KiB") {
        "b" | "bytes" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "M" | "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "G" | "GiB" => 1 << 30,
        "T" | "TiB" => 1 << 40,
        _ => 1 << 10,
    };
    size.saturating_mul(unit) >> 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_described() {
        let xml = "<domain type='kvm'><memory unit='KiB'>2097152</memory><vcpu placement='static'>4</vcpu>\
                   <os firmware='efi'><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><boot dev='hd'/></os>\
                   <devices><disk type='file' device='disk'><target dev='vda' bus='virtio'/></disk>\
                   <interface type='user'><mac address='52:54:00:00:00:01'/></interface>\
                   <serial type='pty'><target port='0'/></serial></devices></domain>";
        let description = Description::parse(xml).unwrap();
        assert_eq!(
            description,
            Description {
                firmware: Some(Firmware::Uefi),
                machine_type: "pc-q35-7.2".to_owned(),
                processors: 4,
                memory: 2048,
                mac_addresses: vec!["52:54:00:00:00:01".to_owned()],
                has_console: true,
                boot_devices: BootDevices::DISK | BootDevices::PXE | BootDevices::FIRMWARE_SETUP,
                is_qemu: true,
            }
        );
    }
}
