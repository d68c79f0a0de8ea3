//! What must be known after a crash: the boot order that a VM had before it was changed for one boot.

use core::fmt;
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::sync::lock;
use crate::value::Object;

/// Keeps a record for each guest. Implementations are asked from threads that may block.
pub trait Journal: fmt::Debug + Send + Sync {
    /// The record of a guest, if there is one.
    ///
    /// # Errors
    /// What the storage says.
    fn load(&self, vmid: u32) -> io::Result<Option<BootRecord>>;

    /// Keeps a record, or forgets it (`None`). It is durable when this returns.
    ///
    /// # Errors
    /// What the storage says.
    fn save(&self, vmid: u32, record: Option<&BootRecord>) -> io::Result<()>;
}

/// What was asked for, and what is to be put back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootRecord {
    /// The kind of device that the next boot is to be from: `pxe`, `disk`, `cdrom`, `removable`, `setup`.
    pub waiting: Option<String>,
    /// What was done for one boot and is to be taken back.
    pub applied: Option<AppliedBoot>,
    /// What was done for every boot.
    pub lasting: Option<BootChange>,
}

/// A boot order that was written for one boot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppliedBoot {
    /// The kind of device.
    pub device: String,
    /// The change of the configuration; the firmware setup needs none.
    pub change: Option<BootChange>,
    /// Process of the VM when the configuration was changed; `None`: it was off.
    pub pid: Option<u64>,
}

/// A change of a VM's boot order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootChange {
    /// The `boot` that was written.
    pub written: String,
    /// The `boot` of before, byte for byte; `None`: it was not set.
    pub original: Option<String>,
    /// The `bootdisk` of before.
    pub original_disk: Option<String>,
}

impl BootChange {
    fn to_json(&self) -> Value {
        json!({ "written": self.written, "original": self.original, "original_disk": self.original_disk })
    }

    fn from_json(object: Object<'_>) -> Option<Self> {
        Some(Self {
            written: object.text("written")?,
            original: object.text("original"),
            original_disk: object.text("original_disk"),
        })
    }
}

impl AppliedBoot {
    fn to_json(&self) -> Value {
        json!({
            "device": self.device, "change": self.change.as_ref().map(BootChange::to_json), "pid": self.pid,
        })
    }

    fn from_json(object: Object<'_>) -> Option<Self> {
        Some(Self {
            device: object.text("device")?,
            change: part(object, "change", BootChange::from_json)?,
            pid: object.integer("pid"),
        })
    }
}

/// Reads a part that may be missing. What is there must be understood: a change that is forgotten is never taken
/// back.
fn part<T>(object: Object<'_>, name: &str, read: impl Fn(Object<'_>) -> Option<T>) -> Option<Option<T>> {
    match object.object(name) {
        Some(part) => read(part).map(Some),
        None => Some(None),
    }
}

impl BootRecord {
    fn to_json(&self) -> Value {
        json!({
            "version": 1, "waiting": self.waiting, "applied": self.applied.as_ref().map(AppliedBoot::to_json),
            "lasting": self.lasting.as_ref().map(BootChange::to_json),
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let object = Object::new(value);
        if object.integer("version") != Some(1) {
            return None;
        }
        Some(Self {
            waiting: object.text("waiting"),
            applied: part(object, "applied", AppliedBoot::from_json)?,
            lasting: part(object, "lasting", BootChange::from_json)?,
        })
    }

    /// Whether there is nothing to remember.
    pub(crate) const fn is_empty(&self) -> bool {
        self.waiting.is_none() && self.applied.is_none() && self.lasting.is_none()
    }
}

/// A journal that does not survive the program: for tests, and where nothing may be written.
#[derive(Debug, Default)]
pub struct MemoryJournal(Mutex<BTreeMap<u32, BootRecord>>);

impl Journal for MemoryJournal {
    fn load(&self, vmid: u32) -> io::Result<Option<BootRecord>> {
        Ok(lock(&self.0).get(&vmid).cloned())
    }

    fn save(&self, vmid: u32, record: Option<&BootRecord>) -> io::Result<()> {
        let mut records = lock(&self.0);
        match record {
            Some(record) => records.insert(vmid, record.clone()),
            None => records.remove(&vmid),
        };
        Ok(())
    }
}

/// A journal in a directory: a file for each guest that has a record.
#[derive(Debug)]
pub struct FileJournal(PathBuf);

impl FileJournal {
    /// Opens a directory; makes it, for its owner alone, if it is not there.
    ///
    /// # Errors
    /// What the file system says, also if nothing can be written there.
    pub fn open(directory: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let journal = Self(directory.to_owned());
        // Better now than when a boot order is about to be changed.
        let probe = journal.0.join("probe");
        journal.write(&probe, b"")?;
        std::fs::remove_file(&probe)?;
        Ok(journal)
    }

    fn path(&self, vmid: u32) -> PathBuf {
        self.0.join(format!("boot-{vmid}.json"))
    }

    /// Writes a file so that it has all of the content or does not change, also when the power fails.
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let new = path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        File::open(&self.0)?.sync_all()
    }
}

impl Journal for FileJournal {
    fn load(&self, vmid: u32) -> io::Result<Option<BootRecord>> {
        let path = self.path(vmid);
        let content = match std::fs::read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let value: Value = serde_json::from_slice(&content).map_err(io::Error::from)?;
        let record = BootRecord::from_json(&value);
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, "the record is of another version");
        record.ok_or_else(wrong).map(Some)
    }

    fn save(&self, vmid: u32, record: Option<&BootRecord>) -> io::Result<()> {
        let path = self.path(vmid);
        if let Some(record) = record {
            return self.write(&path, record.to_json().to_string().as_bytes());
        }
        match std::fs::remove_file(&path) {
            Ok(()) => File::open(&self.0)?.sync_all(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn records_survive_the_program_and_are_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        let change = BootChange {
            written: "order=net0;scsi0".to_owned(),
            original: None,
            original_disk: Some("scsi0".to_owned()),
        };
        let applied = AppliedBoot {
            device: "pxe".to_owned(),
            change: Some(change.clone()),
            pid: Some(216),
        };
        let record = BootRecord {
            waiting: Some("setup".to_owned()),
            applied: Some(applied),
            lasting: Some(change),
        };
        let journal = FileJournal::open(&path).unwrap();
        assert_eq!(journal.load(100).unwrap(), None);
        journal.save(100, Some(&record)).unwrap();
        drop(journal);
        let journal = FileJournal::open(&path).unwrap();
        assert_eq!(journal.load(100).unwrap(), Some(record));
        let mode = std::fs::metadata(path.join("boot-100.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        journal.save(100, None).unwrap();
        journal.save(100, None).unwrap();
        assert_eq!(journal.load(100).unwrap(), None);
    }

    #[test]
    fn a_torn_record_is_an_error_and_not_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let journal = FileJournal::open(directory.path()).unwrap();
        for content in ["{", "{}", "{\"version\":2}", "{\"version\":1,\"lasting\":{}}"] {
            std::fs::write(directory.path().join("boot-7.json"), content).unwrap();
            assert!(journal.load(7).is_err(), "{content}");
        }
    }
}
