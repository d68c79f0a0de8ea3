//! Choosing what the machine boots from.

use core::fmt;

use async_trait::async_trait;
use bitflags::bitflags;

use super::BackendError;

/// A kind of boot device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BootDevice {
    /// Network, the first interface.
    Pxe,
    /// First hard disk.
    Disk,
    /// First CD or DVD drive.
    Cdrom,
    /// Floppy or removable USB disk.
    Removable,
    /// The firmware's setup menu.
    FirmwareSetup,
}

bitflags! {
    /// A set of boot devices.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct BootDevices: u8 {
        /// [`BootDevice::Pxe`].
        const PXE = 1 << 0;
        /// [`BootDevice::Disk`].
        const DISK = 1 << 1;
        /// [`BootDevice::Cdrom`].
        const CDROM = 1 << 2;
        /// [`BootDevice::Removable`].
        const REMOVABLE = 1 << 3;
        /// [`BootDevice::FirmwareSetup`].
        const FIRMWARE_SETUP = 1 << 4;
    }
}

impl From<BootDevice> for BootDevices {
    fn from(device: BootDevice) -> Self {
        match device {
            BootDevice::Pxe => Self::PXE,
            BootDevice::Disk => Self::DISK,
            BootDevice::Cdrom => Self::CDROM,
            BootDevice::Removable => Self::REMOVABLE,
            BootDevice::FirmwareSetup => Self::FIRMWARE_SETUP,
        }
    }
}

/// Firmware interface of a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BootMode {
    /// PC BIOS.
    Legacy,
    /// UEFI.
    Efi,
}

/// How long an override holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BootPersistence {
    /// The next start or reset alone; the machine's own order comes back by itself after it.
    NextBoot,
    /// Until it is changed.
    EveryBoot,
}

/// A wish for what the machine boots from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BootOverride {
    /// The device.
    pub device: BootDevice,
    /// The firmware interface that was asked for. A machine has the one it has; the wish is only recorded
    /// unless the backend can change it.
    pub mode: BootMode,
    /// One boot or all.
    pub persistence: BootPersistence,
}

/// Choosing the boot device of a machine.
#[async_trait]
pub trait BootControl: fmt::Debug + Send + Sync {
    /// The devices that this machine really has.
    fn devices(&self) -> BootDevices;

    /// The firmware interface of the machine, if it is known.
    fn mode(&self) -> Option<BootMode>;

    /// Sets the override for the next boots, or takes it away (`None`): then the machine's own order holds.
    ///
    /// The machine's own order is never lost, whatever happens in between.
    ///
    /// # Errors
    /// [`BackendErrorKind::Unsupported`](super::BackendErrorKind::Unsupported) for a device that the machine
    /// does not have.
    async fn set_override(&self, boot: Option<BootOverride>) -> Result<(), BackendError>;

    /// The program has just started, and its BMC remembers this override, for which no boot was seen before it
    /// ended. Answers whether the override still waits.
    ///
    /// A machine that lives on without the program may have booted meanwhile: a backend that can know answers
    /// `false` then, for an override for one boot must not become two. Unless a backend says otherwise the override
    /// is set again.
    ///
    /// # Errors
    /// As [`set_override`](Self::set_override).
    async fn resume_override(&self, boot: BootOverride) -> Result<bool, BackendError> {
        self.set_override(Some(boot)).await.map(|()| true)
    }
}
