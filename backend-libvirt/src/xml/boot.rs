//! The boot order in a domain's XML: `<boot order='1'/>` in devices, or `<boot dev='hd'/>` in `<os>`.
//!
//! libvirt knows both styles, one at a time. An edit keeps the style and changes the order alone: what is
//! wanted comes first, the others follow as they did.

use core::ops::Range;

use ipmi_server::backend::{BootDevice, BootDevices};

use super::tree::{Edits, Element, XmlError};

/// Longest time that firmware waits for somebody who wants its menu, milliseconds.
const MENU_TIMEOUT: u32 = 10_000;

/// What kind of thing can be booted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Disk,
    Cdrom,
    Floppy,
    Network,
    /// A device of the host, or one from far away.
    Other,
}

/// A device of a domain, in a way that live and defined XML have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeviceKey {
    /// Target of a disk.
    Target(String),
    /// MAC address of an interface.
    Mac(String),
    /// The nth device of the host.
    Position(usize),
}

#[derive(Debug)]
struct Device {
    kind: Kind,
    key: DeviceKey,
    is_removable: bool,
    order: Option<u32>,
    /// Where the number of the order stands, if there is one.
    order_place: Option<Range<usize>>,
    /// The element of the order, with the space before it.
    order_element: Option<Range<usize>>,
    /// Where an element can be put in.
    insert_at: usize,
    /// Alias in the live XML.
    alias: Option<String>,
}

/// An entry of `<os>`.
#[derive(Debug)]
struct OsBoot {
    device: String,
    place: Range<usize>,
    /// The whole element, with the space before it.
    element: Range<usize>,
}

/// The boot order of a domain.
#[derive(Debug)]
pub(crate) struct BootOrder {
    devices: Vec<Device>,
    os: Vec<OsBoot>,
    /// Of `<os>`: where an element can be put in, and the `<bootmenu>` that is there.
    os_insert_at: Option<usize>,
    menu: Option<Range<usize>>,
    /// The firmware is not asked: a kernel is loaded directly.
    has_kernel: bool,
}

impl Kind {
    fn of(wanted: BootDevice) -> Option<Self> {
        match wanted {
            BootDevice::Pxe => Some(Self::Network),
            BootDevice::Disk => Some(Self::Disk),
            BootDevice::Cdrom => Some(Self::Cdrom),
            BootDevice::Removable => Some(Self::Floppy),
            _ => None,
        }
    }

    /// What `<os>` calls it.
    const fn os_name(self) -> Option<&'static str> {
        match self {
            Self::Disk => Some("hd"),
            Self::Cdrom => Some("cdrom"),
            Self::Floppy => Some("fd"),
            Self::Network => Some("network"),
            Self::Other => None,
        }
    }
}

impl BootOrder {
    /// Reads the XML of a domain.
    ///
    /// # Errors
    /// [`XmlError`].
    pub(crate) fn parse(xml: &str) -> Result<Self, XmlError> {
        Ok(Self::of(xml, &Element::parse(xml)?))
    }

    pub(super) fn of(xml: &str, domain: &Element<'_>) -> Self {
        let os = domain.child("os");
        let children = domain
            .child("devices")
            .map_or(&[][..], |devices| &devices.children);
        let devices = children.iter().enumerate();
        let devices = devices.filter_map(|(position, element)| Device::of(xml, position, element));
        let entries = os.into_iter().flat_map(|os| os.all("boot"));
        Self {
            devices: devices.collect(),
            os: entries
                .filter_map(|boot| {
                    let place = boot.attribute_place("dev")?;
                    let device = boot.attribute("dev")?.to_owned();
                    Some(OsBoot {
                        device,
                        place,
                        element: with_space(xml, &boot.outer),
                    })
                })
                .collect(),
            os_insert_at: os.filter(|os| os.has_end_tag()).map(|os| os.inner.end),
            menu: os.and_then(|os| Some(os.child("bootmenu")?.outer.clone())),
            has_kernel: os.is_some_and(|os| os.child("kernel").is_some()),
        }
    }

    /// What can be booted from.
    pub(crate) fn devices(&self) -> BootDevices {
        if self.has_kernel {
            return BootDevices::empty();
        }
        let all = [
            BootDevice::Pxe,
            BootDevice::Disk,
            BootDevice::Cdrom,
            BootDevice::Removable,
        ];
        let found = all.into_iter().filter(|device| self.find(*device).is_some());
        let mut devices: BootDevices = found.map(BootDevices::from).collect();
        if self.os_insert_at.is_some() {
            devices |= BootDevices::FIRMWARE_SETUP;
        }
        devices
    }

    /// The XML with this device first, the rest as it was; `None` if there is no such device.
    pub(crate) fn first(&self, xml: &str, wanted: BootDevice) -> Option<String> {
        if self.has_kernel {
            return None;
        }
        let mut edits = Edits::default();
        if wanted == BootDevice::FirmwareSetup {
            self.show_menu(&mut edits)?;
        } else if self.is_per_device() {
            let orders = self.orders(wanted)?;
            for (device, order) in self.devices.iter().zip(orders) {
                device.set_order(order, &mut edits);
            }
        } else {
            self.reorder_os(Kind::of(wanted)?, self.find(wanted)?, &mut edits)?;
        }
        Some(edits.apply(xml))
    }

    /// The XML with the order that another XML of the same domain has; `None` if their devices differ.
    pub(crate) fn as_in(&self, xml: &str, other: &Self) -> Option<String> {
        if self.is_per_device() != other.is_per_device() || self.devices.len() != other.devices.len() {
            return None;
        }
        let mut edits = Edits::default();
        for (device, own) in self.devices.iter().zip(&other.devices) {
            if device.key != own.key {
                return None;
            }
            device.set_order(own.order, &mut edits);
        }
        let own: Vec<_> = other.os.iter().map(|entry| &*entry.device).collect();
        self.set_os(&own, &mut edits)?;
        Some(edits.apply(xml))
    }

    /// Whether two XMLs of a domain have the same order.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let orders = |order: &Self| -> Vec<_> {
            let devices = order.devices.iter();
            devices.map(|device| (device.key.clone(), device.order)).collect()
        };
        let entries =
            |order: &Self| -> Vec<_> { order.os.iter().map(|entry| entry.device.clone()).collect() };
        orders(self) == orders(other) && entries(self) == entries(other)
    }

    /// The boot index of each device that libvirt gives to QEMU, for this order or with a device first.
    pub(crate) fn indices(&self, first: Option<BootDevice>) -> Option<Vec<(DeviceKey, Option<u32>)>> {
        let first = first.filter(|first| *first != BootDevice::FirmwareSetup);
        let orders = match first {
            Some(wanted) if self.is_per_device() => self.orders(wanted)?,
            Some(wanted) => self.os_indices(&self.os_with_first(Kind::of(wanted)?)?),
            None if self.is_per_device() => self.devices.iter().map(|device| device.order).collect(),
            None => self.os_indices(&self.os.iter().map(|entry| &*entry.device).collect::<Vec<_>>()),
        };
        let keys = self.devices.iter().map(|device| device.key.clone());
        Some(keys.zip(orders).collect())
    }

    /// The aliases of the devices of a running domain.
    pub(crate) fn aliases(&self) -> Vec<(DeviceKey, String)> {
        let devices = self.devices.iter();
        devices
            .filter_map(|device| Some((device.key.clone(), device.alias.clone()?)))
            .collect()
    }

    fn is_per_device(&self) -> bool {
        self.os.is_empty()
    }

    /// Position of the device that stands for a kind: the one that boots first, else the first one.
    fn find(&self, wanted: BootDevice) -> Option<usize> {
        let kind = Kind::of(wanted)?;
        let fits =
            |device: &Device| device.kind == kind || wanted == BootDevice::Removable && device.is_removable;
        let fitting = self.devices.iter().enumerate().filter(|(_, device)| fits(device));
        let best = fitting.min_by_key(|(_, device)| device.order.unwrap_or(u32::MAX))?;
        Some(best.0)
    }

    /// Orders with a device first.
    fn orders(&self, wanted: BootDevice) -> Option<Vec<Option<u32>>> {
        let wanted = self.find(wanted)?;
        let mut others: Vec<_> = self.devices.iter().enumerate().collect();
        others.retain(|(position, device)| *position != wanted && device.order.is_some());
        others.sort_by_key(|(_, device)| device.order);
        let sequence = core::iter::once(wanted).chain(others.into_iter().map(|(position, _)| position));
        let mut orders = vec![None; self.devices.len()];
        for (position, order) in sequence.zip(1..) {
            *orders.get_mut(position)? = Some(order);
        }
        Some(orders)
    }

    /// The entries of `<os>` with a kind first.
    fn os_with_first(&self, kind: Kind) -> Option<Vec<&str>> {
        let name = kind.os_name()?;
        let others = self
            .os
            .iter()
            .map(|entry| &*entry.device)
            .filter(|device| *device != name);
        Some(core::iter::once(name).chain(others).collect())
    }

    /// What libvirt makes of the entries of `<os>`: the first device of each kind gets an index.
    fn os_indices(&self, entries: &[&str]) -> Vec<Option<u32>> {
        let mut taken = Vec::new();
        let index = |device: &Device| {
            let name = device.kind.os_name()?;
            if taken.contains(&name) {
                return None;
            }
            taken.push(name);
            let position = entries.iter().position(|entry| *entry == name)?;
            u32::try_from(position + 1).ok()
        };
        self.devices.iter().map(index).collect()
    }

    /// Puts a kind first in `<os>`. libvirt takes the first device of the kind, so that must be the one.
    fn reorder_os(&self, kind: Kind, found: usize, edits: &mut Edits) -> Option<()> {
        if self.devices.get(found)?.kind != kind {
            // A removable disk is a disk to `<os>`, and not the first one.
            return None;
        }
        self.set_os(&self.os_with_first(kind)?, edits)
    }

    /// Makes these the entries of `<os>`.
    fn set_os(&self, entries: &[&str], edits: &mut Edits) -> Option<()> {
        for (entry, device) in self.os.iter().zip(entries) {
            if entry.device != *device {
                edits.replace(entry.place.clone(), *device);
            }
        }
        for entry in self.os.iter().skip(entries.len()) {
            edits.replace(entry.element.clone(), "");
        }
        let added = entries.iter().skip(self.os.len());
        let text: String = added.map(|device| format!("<boot dev='{device}'/>")).collect();
        if !text.is_empty() {
            let end = self.os_insert_at?;
            edits.replace(end..end, text);
        }
        Some(())
    }

    fn show_menu(&self, edits: &mut Edits) -> Option<()> {
        let text = format!("<bootmenu enable='yes' timeout='{MENU_TIMEOUT}'/>");
        let end = self.os_insert_at?;
        edits.replace(self.menu.clone().unwrap_or(end..end), text);
        Some(())
    }
}

impl Device {
    fn of(xml: &str, position: usize, element: &Element<'_>) -> Option<Self> {
        let target = element.child("target");
        let (kind, key) = match element.name {
            "disk" => {
                let kind = match element.attribute("device").unwrap_or("disk") {
                    "cdrom" => Kind::Cdrom,
                    "floppy" => Kind::Floppy,
                    _ => Kind::Disk,
                };
                (kind, DeviceKey::Target(target?.attribute("dev")?.to_owned()))
            }
            "interface" => {
                let mac = element.child("mac").and_then(|mac| mac.attribute("address"));
                let key = mac.map_or(DeviceKey::Position(position), |mac| {
                    DeviceKey::Mac(mac.to_owned())
                });
                (Kind::Network, key)
            }
            "hostdev" | "redirdev" => (Kind::Other, DeviceKey::Position(position)),
            _ => return None,
        };
        let is_usb = target.is_some_and(|target| {
            target.attribute("bus") == Some("usb") || target.attribute("removable") == Some("on")
        });
        let boot = element.child("boot");
        Some(Self {
            is_removable: kind == Kind::Disk && is_usb,
            kind,
            key,
            order: boot.and_then(|boot| boot.attribute("order")?.parse().ok()),
            order_place: boot.and_then(|boot| boot.attribute_place("order")),
            order_element: boot.map(|boot| with_space(xml, &boot.outer)),
            insert_at: element.inner.end,
            alias: element
                .child("alias")
                .and_then(|alias| alias.attribute("name"))
                .map(str::to_owned),
        })
    }

    /// Gives the device this order, or none.
    fn set_order(&self, order: Option<u32>, edits: &mut Edits) {
        if order == self.order {
            return;
        }
        match (order, &self.order_place, &self.order_element) {
            (Some(order), Some(place), _) => edits.replace(place.clone(), order.to_string()),
            (Some(order), None, _) => {
                edits.replace(self.insert_at..self.insert_at, format!("<boot order='{order}'/>"));
            }
            (None, _, Some(element)) => edits.replace(element.clone(), ""),
            (None, _, None) => {}
        }
    }
}

/// A place, and the space before it.
fn with_space(xml: &str, place: &Range<usize>) -> Range<usize> {
    let before = xml.get(..place.start).unwrap_or_default();
    before.trim_end().len()..place.end
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER_DEVICE: &str = "<domain type='kvm'>
  <!-- mine --><os><type>hvm</type><bootmenu enable='no'/></os>
  <devices>
    <disk type='file' device='disk'><target dev='vda' bus='virtio'/><boot order='1'/></disk>
    <disk type='file' device='cdrom'>
      <target dev='sda' bus='sata'/>
      <boot order='2'/>
    </disk>
    <disk device='disk'><target dev='sdb' bus='usb'/></disk>
    <interface type='user'><mac address='52:54:00:1a:00:00'/><boot  loadparm='x' order = \"3\" /></interface>
    <interface type='user'><mac address='52:54:00:1a:00:01'/></interface>
  </devices>
</domain>";
    const OS: &str = "<domain><os><type>hvm</type><boot dev='hd'/>
      <boot dev='cdrom'/></os><devices><disk device='disk'><target dev='vda'/></disk>
      <disk device='disk'><target dev='vdb'/></disk><disk device='cdrom'><target dev='sda'/></disk>
      <interface type='user'/></devices></domain>";

    fn edited(xml: &str, wanted: BootDevice) -> String {
        BootOrder::parse(xml).unwrap().first(xml, wanted).unwrap()
    }

    #[test]
    fn wanted_device_comes_first_and_nothing_else_changes() {
        let expected = PER_DEVICE
            .replace("/><boot order='1'/>", "/><boot order='2'/>")
            .replace(
                "      <boot order='2'/>\n    </disk>",
                "      <boot order='3'/>\n    </disk>",
            )
            .replace("order = \"3\"", "order = \"1\"");
        assert_eq!(edited(PER_DEVICE, BootDevice::Pxe), expected);
        assert_eq!(edited(PER_DEVICE, BootDevice::Disk), PER_DEVICE);
        let usb = edited(PER_DEVICE, BootDevice::Removable);
        assert!(
            usb.contains("<target dev='sdb' bus='usb'/><boot order='1'/></disk>"),
            "{usb}"
        );
        assert!(usb.contains("order = \"4\""), "{usb}");
        let menu = edited(PER_DEVICE, BootDevice::FirmwareSetup);
        let expected = PER_DEVICE.replace(
            "<bootmenu enable='no'/>",
            "<bootmenu enable='yes' timeout='10000'/>",
        );
        assert_eq!(menu, expected);
    }

    #[test]
    fn entries_of_os_are_reordered_in_their_style() {
        assert_eq!(
            edited(OS, BootDevice::Cdrom),
            OS.replace("'hd'", "'x'")
                .replace("'cdrom'/></os>", "'hd'/></os>")
                .replace("'x'", "'cdrom'")
        );
        let pxe = edited(OS, BootDevice::Pxe);
        assert!(
            pxe.contains("<boot dev='network'/>\n      <boot dev='hd'/><boot dev='cdrom'/></os>"),
            "{pxe}"
        );
        assert_eq!(edited(OS, BootDevice::Disk), OS);
    }

    #[test]
    fn own_order_comes_back_byte_for_byte() {
        for (xml, devices) in [
            (
                PER_DEVICE,
                [BootDevice::Pxe, BootDevice::Cdrom, BootDevice::Removable],
            ),
            (OS, [BootDevice::Pxe, BootDevice::Cdrom, BootDevice::Disk]),
        ] {
            let own = BootOrder::parse(xml).unwrap();
            for device in devices {
                let changed = edited(xml, device);
                let order = BootOrder::parse(&changed).unwrap();
                assert_eq!(order.is_same(&own), changed == xml, "{device:?}");
                assert_eq!(order.as_in(&changed, &own).unwrap(), xml, "{device:?}");
            }
        }
        let [one, two] = [PER_DEVICE, OS].map(|xml| BootOrder::parse(xml).unwrap());
        assert!(one.as_in(PER_DEVICE, &two).is_none());
    }

    #[test]
    fn only_what_a_domain_has_is_offered() {
        let devices = |xml| BootOrder::parse(xml).unwrap().devices();
        assert_eq!(devices(PER_DEVICE), BootDevices::all());
        assert_eq!(devices(OS), BootDevices::all() - BootDevices::REMOVABLE);
        let kernel = OS.replace("<type>", "<kernel>/boot/vmlinuz</kernel><type>");
        assert_eq!(devices(&kernel), BootDevices::empty());
        assert!(
            BootOrder::parse(&kernel)
                .unwrap()
                .first(&kernel, BootDevice::Disk)
                .is_none()
        );
        assert_eq!(devices("<domain/>"), BootDevices::empty());
    }

    #[test]
    fn indices_are_those_that_libvirt_gives() {
        let indices = |xml, first| -> Vec<_> {
            let indices = BootOrder::parse(xml).unwrap().indices(first).unwrap();
            indices.into_iter().map(|(_, index)| index).collect()
        };
        assert_eq!(indices(OS, None), [Some(1), None, Some(2), None]);
        assert_eq!(
            indices(OS, Some(BootDevice::Pxe)),
            [Some(2), None, Some(3), Some(1)]
        );
        assert_eq!(indices(PER_DEVICE, None), [Some(1), Some(2), None, Some(3), None]);
        assert_eq!(
            indices(PER_DEVICE, Some(BootDevice::Pxe)),
            [Some(2), Some(3), None, Some(1), None]
        );
    }
}
