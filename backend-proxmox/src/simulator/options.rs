//! The options of a guest's configuration: who may change which, and which take effect at once.

use super::access::Caller;
use super::answer::ApiError;
use super::call::Call;
use super::devices;
use super::guest::{Config, GuestKind};

/// Parameters of a change that are no options.
pub(super) const CONTROLS: [&str; 11] = [
    "node",
    "vmid",
    "delete",
    "digest",
    "revert",
    "skiplock",
    "force",
    "background_delay",
    "import-working-storage",
    "snapshot",
    "current",
];

const OPTIONS: [&str; 24] = [
    "acpi",
    "agent",
    "allow-ksm",
    "autostart",
    "bios",
    "description",
    "efidisk0",
    "freeze",
    "hookscript",
    "hotplug",
    "kvm",
    "localtime",
    "name",
    "numa",
    "onboot",
    "ostype",
    "protection",
    "reboot",
    "spice_enhancements",
    "startdate",
    "startup",
    "tablet",
    "tags",
    "template",
];
const HARDWARE: [&str; 9] = [
    "arch", "audio", "keyboard", "machine", "rng", "serial", "usb", "vga", "watchdog",
];
const PROCESSOR: [&str; 7] = [
    "affinity", "cores", "cpu", "cpulimit", "cpuunits", "sockets", "vcpus",
];
const MEMORY: [&str; 3] = ["balloon", "memory", "shares"];
const CLOUD_INIT: [&str; 7] = [
    "cicustom",
    "cipassword",
    "citype",
    "ciupgrade",
    "ciuser",
    "searchdomain",
    "sshkeys",
];

/// What changing an option of a machine needs: a privilege, or to be root.
enum Need {
    Privilege(&'static str),
    Root,
}

/// The name of an option without its number.
fn family(option: &str) -> &str {
    option.trim_end_matches(|character: char| character.is_ascii_digit())
}

fn need(option: &str, value: Option<&str>) -> Need {
    let name = family(option);
    let privilege = match name {
        _ if devices::is_drive(option) && value.is_some_and(devices::is_cdrom) => "VM.Config.CDROM",
        _ if devices::is_drive(option)
            || matches!(name, "boot" | "bootdisk" | "efidisk" | "tpmstate" | "unused") =>
        {
            "VM.Config.Disk"
        }
        _ if matches!(option, "cdrom") => "VM.Config.CDROM",
        "net" => "VM.Config.Network",
        "ipconfig" | "nameserver" => "VM.Config.Network",
        _ if OPTIONS.contains(&option) || matches!(option, "smbios1" | "vmgenid") => "VM.Config.Options",
        _ if HARDWARE.contains(&name) => "VM.Config.HWType",
        _ if PROCESSOR.contains(&option) || name == "numa" => "VM.Config.CPU",
        _ if MEMORY.contains(&option) => "VM.Config.Memory",
        _ if CLOUD_INIT.contains(&option) => "VM.Config.Cloudinit",
        _ => return Need::Root,
    };
    Need::Privilege(privilege)
}

/// Whether `caller` may change `option` of a machine to `value`, or remove it.
///
/// # Errors
/// 403 naming the privilege; 500 for what only root may change.
pub(super) fn check(
    call: &Call,
    option: &str,
    value: Option<&str>,
    old: Option<&str>,
) -> Result<(), ApiError> {
    let caller: &Caller = &call.caller;
    let path = format!("/vms/{}", call.vmid());
    let real_device = value.or(old).is_some_and(|value| value != "socket");
    if family(option) == "serial" && real_device && !caller.is_root() {
        return Err(ApiError::died(format!(
            "only root can modify '{option}' config for real devices"
        )));
    }
    match need(option, value) {
        Need::Root if caller.is_root() => Ok(()),
        Need::Root => Err(ApiError::died(format!("only root can set '{option}' config"))),
        Need::Privilege(privilege) => {
            call.shared.cluster().require(caller, &path, &[privilege])?;
            if option == "startup" {
                call.shared.cluster().require(caller, "/", &["Sys.Modify"])?;
            }
            Ok(())
        }
    }
}

/// Whether `caller` may change `option` of a container.
///
/// # Errors
/// 403 naming the privilege.
pub(super) fn check_container(call: &Call, option: &str) -> Result<(), ApiError> {
    let privilege = match family(option) {
        "cores" | "cpulimit" | "cpuunits" => "VM.Config.CPU",
        "memory" | "swap" => "VM.Config.Memory",
        "net" | "nameserver" | "searchdomain" | "hostname" => "VM.Config.Network",
        "mp" | "rootfs" | "unused" => "VM.Config.Disk",
        _ => "VM.Config.Options",
    };
    call.shared
        .cluster()
        .require(&call.caller, &format!("/vms/{}", call.vmid()), &[privilege])
}

/// The option takes effect while the guest runs.
pub(super) fn is_live(kind: GuestKind, option: &str, config: &Config) -> bool {
    let live = [
        "description",
        "hookscript",
        "name",
        "onboot",
        "protection",
        "shares",
        "startup",
        "tags",
        "vmstatestorage",
    ];
    let container = [
        "cores",
        "cpulimit",
        "cpuunits",
        "hostname",
        "memory",
        "nameserver",
        "searchdomain",
        "swap",
    ];
    live.contains(&option)
        || (kind == GuestKind::Lxc && container.contains(&option))
        || (devices::is_drive(option) && config.get(option).is_some_and(|value| devices::is_cdrom(value)))
}
