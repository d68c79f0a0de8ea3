//! The file with a line per action that reached a machine.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

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
    pub(super) fn append(&self, machine: &str, action: &str) {
        let line = format!("{machine} {action}\n");
        if let Err(error) = (&self.file).write_all(line.as_bytes()) {
            error!(path = %self.path.display(), %error, "cannot write the actions of the machines");
        }
    }
}
