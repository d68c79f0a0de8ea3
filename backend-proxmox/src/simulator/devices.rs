//! The devices in a configuration: disks, drives, network cards, and what a machine boots from.

use super::guest::Config;

const BUSES: [&str; 4] = ["scsi", "virtio", "sata", "ide"];

/// A key such as `scsi0` of one of the buses of disks.
pub(super) fn is_drive(key: &str) -> bool {
    let bus = BUSES.iter().find_map(|bus| key.strip_prefix(bus));
    bus.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_network(key: &str) -> bool {
    key.strip_prefix("net")
        .is_some_and(|number| number.parse::<u8>().is_ok())
}

pub(super) fn is_cdrom(value: &str) -> bool {
    value == "cdrom" || value.split(',').any(|part| part == "media=cdrom")
}

/// The disks, those of a container too, in the order in which they are looked at.
pub(super) fn disks(config: &Config) -> Vec<(&str, &str)> {
    let all = || config.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let mut found = Vec::new();
    for bus in BUSES {
        found.extend(all().filter(|(key, value)| key.starts_with(bus) && is_drive(key) && !is_cdrom(value)));
    }
    found.extend(all().filter(|(key, _)| *key == "rootfs"));
    found
}

/// Every volume with its key: what a snapshot covers.
pub(super) fn volumes(config: &Config) -> Vec<(&str, &str)> {
    let other = |key: &str| key.starts_with("efidisk") || key.starts_with("tpmstate") || key == "rootfs";
    let volume = |(key, value): (&'_ String, &'_ String)| (is_drive(key) && !is_cdrom(value)) || other(key);
    let found = config.iter().filter(|(key, value)| volume((key, value)));
    found
        .map(|(key, value)| (key.as_str(), value.split(',').next().unwrap_or_default()))
        .collect()
}

/// The order that a machine without `boot` is created with: a disk, a drive, a network card.
pub(super) fn default_boot(config: &Config) -> Option<String> {
    let disk = disks(config).first().map(|(key, _)| (*key).to_owned());
    let cdrom = config
        .iter()
        .find(|(key, value)| is_drive(key) && is_cdrom(value))
        .map(|(key, _)| key.clone());
    let network = config.keys().find(|key| is_network(key)).cloned();
    let order: Vec<String> = [disk, cdrom, network].into_iter().flatten().collect();
    (!order.is_empty()).then(|| format!("order={}", order.join(";")))
}

/// What the firmware of a machine with this configuration tries, first one first.
pub(super) fn boot_order(config: &Config) -> Vec<String> {
    let boot = config.get("boot").map_or("cdn", String::as_str);
    let parts = || boot.split(',');
    if let Some(order) = parts().find_map(|part| part.strip_prefix("order=")) {
        return order
            .split(';')
            .filter(|device| !device.is_empty())
            .map(str::to_owned)
            .collect();
    }
    let letters = parts()
        .next()
        .map_or("cdn", |part| part.strip_prefix("legacy=").unwrap_or(part));
    let letters = if letters.is_empty() { "cdn" } else { letters };
    let mut order = Vec::new();
    for letter in letters.chars() {
        match letter {
            'c' => {
                let named = config
                    .get("bootdisk")
                    .filter(|disk| config.contains_key(disk.as_str()))
                    .cloned();
                order.extend(named.or_else(|| disks(config).first().map(|(key, _)| (*key).to_owned())));
            }
            'd' => order.extend(
                config
                    .iter()
                    .find(|(k, v)| is_drive(k) && is_cdrom(v))
                    .map(|(key, _)| key.clone()),
            ),
            'n' => order.extend(config.keys().filter(|key| is_network(key)).cloned()),
            _ => {}
        }
    }
    order
}

/// The first device that something boots from: an empty drive does not.
pub(super) fn boots_from(config: &Config) -> Option<String> {
    let bootable = |device: &String| config.get(device).is_some_and(|value| !value.starts_with("none"));
    boot_order(config).into_iter().find(bootable)
}

/// A network card that is on no bridge: starting warns about it.
pub(super) fn loose_network_cards(config: &Config) -> usize {
    let loose = |(key, value): &(&String, &String)| is_network(key) && !value.contains("bridge=");
    config.iter().filter(loose).count()
}

/// The serial port of the machine, if it has one that a console can be attached to.
pub(super) fn serial_port(config: &Config, wanted: Option<&str>) -> Option<String> {
    let usable = |key: &str| config.get(key).is_some_and(|value| value == "socket");
    if let Some(wanted) = wanted {
        return usable(wanted).then(|| wanted.to_owned());
    }
    let screen = config
        .get("vga")
        .filter(|vga| vga.starts_with("serial") && usable(vga))
        .cloned();
    screen.or_else(|| {
        (0..4)
            .map(|number| format!("serial{number}"))
            .find(|key| usable(key))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(lines: &[(&str, &str)]) -> Config {
        lines
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_first_device_with_something_in_it_boots() {
        let mut lines = config(&[("ide2", "none,media=cdrom"), ("net0", "virtio"), ("scsi0", "a:1")]);
        assert_eq!(boots_from(&lines).unwrap(), "scsi0");
        lines.insert("boot".to_owned(), "order=ide2;net0;scsi0".to_owned());
        assert_eq!(boots_from(&lines).unwrap(), "net0");
        lines.insert("boot".to_owned(), "dn".to_owned());
        assert_eq!(boots_from(&lines).unwrap(), "net0");
        lines.insert("boot".to_owned(), "order=ide2".to_owned());
        assert_eq!(boots_from(&lines), None);
    }
}
