//! What is done with the machine behind a BMC, and with what the BMC knows.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A power state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// On.
    On,
    /// Off.
    Off,
}

/// The power of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PowerStatus {
    /// On or off.
    pub power: Power,
}

/// A power action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum PowerAction {
    /// Power on.
    On,
    /// Power off, at once.
    Off,
    /// Off and on again.
    Cycle,
    /// Hard reset.
    Reset,
    /// Ask the operating system to shut down.
    Soft,
    /// Diagnostic interrupt (NMI).
    Nmi,
}

/// A power action to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PowerOrder {
    /// The action.
    pub action: PowerAction,
}

/// What a machine boots from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum BootDevice {
    /// Its own order.
    None,
    /// The network.
    Pxe,
    /// The first disk.
    Disk,
    /// CD or DVD.
    Cdrom,
    /// The firmware's setup.
    Bios,
    /// Floppy or removable disk.
    Floppy,
}

/// The boot override of a BMC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Boot {
    /// The device.
    pub device: BootDevice,
    /// For all boots, not for the next one alone.
    #[serde(default)]
    pub persistent: bool,
    /// By EFI.
    #[serde(default)]
    pub efi: bool,
}

/// A record of the event log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    /// Number of the record.
    pub id: u16,
    /// When, in seconds since 1970; none if the record has no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<u32>,
    /// Which sensor.
    pub sensor: String,
    /// What it saw.
    pub event: String,
    /// The state came; otherwise it went.
    pub asserted: bool,
    /// The record's 16 bytes in hexadecimal digits.
    pub raw: String,
}

/// A sensor and its reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sensor {
    /// Number.
    pub number: u8,
    /// Name.
    pub name: String,
    /// What it watches.
    pub kind: String,
    /// Its value; none for a sensor of states, or without a reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// What the value counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// States and crossed thresholds that hold.
    pub states: Vec<String>,
    /// Whether there is a reading at present.
    pub available: bool,
}

/// A user of a BMC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Number.
    pub id: u8,
    /// Name.
    pub name: String,
    /// May log in.
    pub enabled: bool,
    /// Highest privilege: `callback`, `user`, `operator`, `administrator`, or `none`.
    pub privilege: Privilege,
}

/// A privilege level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    /// No access.
    None,
    /// Callback.
    Callback,
    /// User.
    User,
    /// Operator.
    Operator,
    /// Administrator.
    Administrator,
}

/// What to change of a user; what is missing stays.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUser {
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Password, 1 to 20 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// May log in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Highest privilege.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privilege: Option<Privilege>,
}

/// Without the password.
impl std::fmt::Debug for ChangeUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeUser")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
