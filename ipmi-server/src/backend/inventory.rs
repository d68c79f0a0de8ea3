//! Who the machine is.

use core::fmt;

/// Identity of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MachineIdentity {
    /// UUID as SMBIOS shows it in the guest, in RFC 4122 order.
    pub uuid: [u8; 16],
    /// Name of the machine.
    pub name: String,
    /// Who made it: the hypervisor.
    pub manufacturer: String,
    /// What it is: machine type.
    pub product: String,
    /// Version of the product.
    pub version: String,
    /// Serial number.
    pub serial: String,
}

/// A machine that knows who it is.
pub trait Inventory: fmt::Debug + Send + Sync {
    /// The identity; must not block. Stable while the machine exists.
    fn identity(&self) -> MachineIdentity;
}
