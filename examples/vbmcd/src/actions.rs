//! The file with a line per action that reached a machine, or its BMC's light.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use ipmi_server::backend::memory::Action;
use ipmi_server::backend::{BootDevice, PowerAction};
use ipmi_server::bmc::Identify;
use thiserror::Error;
use tracing::error;

/// A file that gets a line per action that reached a machine: `node1 power on`.
///
/// Each line is appended by one write, so that whoever reads the file sees whole lines, at once.
#[derive(Debug)]
pub struct ActionLog {
    path: PathBuf,
    file: File,
}

/// The file of actions cannot be opened.
#[derive(Debug, Error)]
#[error("cannot open {path} for the actions of the machines: choose a file that this user may write")]
pub struct ActionLogError {
    path: PathBuf,
    source: std::io::Error,
}

impl ActionLog {
    /// Opens the file, creating it if need be; what it holds already stays.
    ///
    /// # Errors
    /// [`ActionLogError`] if that is not possible.
    pub fn open(path: &Path) -> Result<Self, ActionLogError> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|source| ActionLogError {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Appends a line.
    pub fn append(&self, machine: &str, action: &str) {
        let line = format!("{machine} {action}\n");
        if let Err(error) = (&self.file).write_all(line.as_bytes()) {
            error!(path = %self.path.display(), %error, "cannot write the actions of the machines");
        }
    }
}

/// The name of an action, as in the file.
#[must_use]
pub const fn name(action: &Action) -> &'static str {
    match action {
        Action::Power(PowerAction::On) => "power on",
        Action::Power(PowerAction::Off) => "power off",
        Action::Power(PowerAction::Reset) => "reset",
        Action::Power(PowerAction::SoftOff) => "soft",
        Action::Power(PowerAction::DiagnosticInterrupt) => "nmi",
        Action::Boot(BootDevice::Pxe) => "boot pxe",
        Action::Boot(BootDevice::Disk) => "boot disk",
        Action::Boot(BootDevice::Cdrom) => "boot cdrom",
        Action::Boot(BootDevice::Removable) => "boot floppy",
        Action::Boot(BootDevice::FirmwareSetup) => "boot bios",
        // Kinds that a later version of the library may add.
        _ => "other",
    }
}

/// What a BMC shows of its machine, as in the file.
#[must_use]
pub const fn identify_name(identify: Identify) -> &'static str {
    if identify.is_on() {
        "identify on"
    } else {
        "identify off"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_to_what_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("actions");
        for _ in 0..2 {
            let log = ActionLog::open(&path).unwrap();
            log.append("node1", name(&Action::Power(PowerAction::On)));
            log.append("node1", name(&Action::Boot(BootDevice::FirmwareSetup)));
            log.append("node1", identify_name(Identify::On));
            log.append("node1", identify_name(Identify::Off));
        }
        let text = "node1 power on\nnode1 boot bios\nnode1 identify on\nnode1 identify off\n".repeat(2);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert!(ActionLog::open(directory.path()).is_err());
    }
}
