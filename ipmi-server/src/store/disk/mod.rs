//! The store on disk: one redb file for any number of BMCs, written by a thread of its own.
//!
//! The thread takes all changes that wait and makes them in one transaction: thousands of BMCs share the wait for
//! the disk. Every value is encrypted and authenticated by itself, with BMC, part and number; what is not: names
//! of BMCs, how many records there are, and how long they are. Somebody who can write the file can put an older
//! state of a record back.

mod database;
mod key;
#[cfg(test)]
mod tests;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

pub use key::StoreKey;

use super::{Changes, Done, RecordKey, Store, StoreError, StoreErrorKind, Value};
use database::{FORMAT, Format, Records};
use key::Cipher;

/// Most changes of one transaction.
const MOST_JOBS: usize = 4_096;
/// A file that could not be written is tried again after this time.
const REOPEN_AFTER: Duration = Duration::from_secs(1);

/// Changes of one BMC that wait for the disk.
pub(crate) struct Job {
    bmc: String,
    changes: Changes,
    done: Done,
}

/// A store on disk.
pub struct DiskStore {
    file: Arc<StoreFile>,
    /// Taken when the store is dropped.
    jobs: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

struct StoreFile {
    path: PathBuf,
    cipher: Cipher,
    format: Format,
    access: Mutex<Access>,
}

/// How the file can be used.
enum Access {
    Open(Records),
    /// It cannot be written. What was in it at the start, if anything was, can be read.
    Failed {
        error: StoreError,
        since: Instant,
        copy: Option<Records>,
    },
}

impl DiskStore {
    /// Opens the store in the file `path`, or makes it there (readable for its owner alone). It belongs to this
    /// process until it is dropped.
    ///
    /// A file that cannot be written, or cannot be made, is no error: what there is can be read,
    /// [`health`](Self::health) tells why, every save fails with the reason, and the store goes on trying.
    ///
    /// # Errors
    /// [`StoreError`] if another process has the file, if it was written with another key or by another version, if
    /// it is damaged, or cannot be read.
    pub fn open(path: impl AsRef<Path>, key: &StoreKey) -> Result<Self, StoreError> {
        Self::with_format(path.as_ref(), key, FORMAT)
    }

    fn with_format(path: &Path, key: &StoreKey, format: Format) -> Result<Self, StoreError> {
        let cipher = Cipher::new(key);
        let access = open(path, &cipher, format)?;
        let file = Arc::new(StoreFile {
            path: path.to_owned(),
            cipher,
            format,
            access: Mutex::new(access),
        });
        let (jobs, waiting) = mpsc::channel();
        let written = Arc::clone(&file);
        let writer = thread::Builder::new().name("store".to_owned());
        let writer = writer.spawn(move || written.write(&waiting)).map_err(|error| {
            let message =
                format!("cannot start the thread that writes the store: {error}: end other programs");
            StoreError::new(StoreErrorKind::Other, message)
        })?;
        Ok(Self {
            file,
            jobs: Some(jobs),
            writer: Some(writer),
        })
    }

    /// Whether it can be written, as far as is known.
    ///
    /// # Errors
    /// The latest failure.
    pub fn health(&self) -> Result<(), StoreError> {
        match &*self.file.lock() {
            Access::Open(_) => Ok(()),
            Access::Failed { error, .. } => Err(error.clone()),
        }
    }
}

/// Opens the file; a copy of it in memory if it cannot be written.
fn open(path: &Path, cipher: &Cipher, format: Format) -> Result<Access, StoreError> {
    let error = match Records::open(path, cipher, format) {
        Ok(records) => return Ok(Access::Open(records)),
        Err(error) => error,
    };
    match error.kind {
        StoreErrorKind::NoSpace | StoreErrorKind::ReadOnly | StoreErrorKind::Other => {}
        _ => return Err(error),
    }
    let is_there = path.try_exists().unwrap_or(true);
    let copy = is_there
        .then(|| Records::copy(path, cipher, format))
        .transpose()?;
    let since = Instant::now();
    Ok(Access::Failed { error, since, copy })
}

impl StoreFile {
    fn lock(&self) -> MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what comes until nothing can come any more.
    fn write(&self, waiting: &Receiver<Job>) {
        while let Ok(first) = waiting.recv() {
            let mut jobs = Vec::from([first]);
            jobs.extend(waiting.try_iter().take(MOST_JOBS - 1));
            // Even a bug here must not leave BMCs waiting for ever for what nobody does any more.
            let result = panic::catch_unwind(AssertUnwindSafe(|| self.save(&jobs)));
            let result = result.unwrap_or_else(|_| {
                let kind = StoreErrorKind::Other;
                Err(StoreError::new(
                    kind,
                    "the writer of the store panicked; restart the program",
                ))
            });
            // Not under the lock of the file: who is called may save again.
            for job in jobs {
                (job.done)(result.clone());
            }
        }
    }

    fn save(&self, jobs: &[Job]) -> Result<(), StoreError> {
        let mut access = self.lock();
        if let Access::Failed { error, since, .. } = &mut *access {
            if since.elapsed() < REOPEN_AFTER {
                return Err(error.clone());
            }
            match Records::open(&self.path, &self.cipher, self.format) {
                Ok(records) => *access = Access::Open(records),
                Err(new) => {
                    (*error, *since) = (new, Instant::now());
                    return Err(error.clone());
                }
            }
        }
        let Access::Open(records) = &*access else {
            return Ok(());
        };
        records.save(&self.path, &self.cipher, jobs).inspect_err(|error| {
            // After a failed write redb does nothing more with a file until it is opened anew.
            *access = Access::Failed {
                error: error.clone(),
                since: Instant::now(),
                copy: None,
            };
        })
    }
}

impl Store for DiskStore {
    fn load(&self, bmc: &str) -> Result<Vec<(RecordKey, Value)>, StoreError> {
        let StoreFile {
            path, cipher, format, ..
        } = &*self.file;
        let mut access = self.file.lock();
        if let Access::Failed { copy: None, .. } = &*access
            && path.try_exists().unwrap_or(true)
        {
            *access = open(path, cipher, *format)?;
        }
        match &*access {
            Access::Open(records)
            | Access::Failed {
                copy: Some(records), ..
            } => records.load(path, cipher, bmc),
            Access::Failed { copy: None, .. } => Ok(Vec::new()),
        }
    }

    fn save(&self, bmc: &str, changes: Changes, done: Done) {
        let bmc = bmc.to_owned();
        let job = Job { bmc, changes, done };
        let unsent = match &self.jobs {
            Some(jobs) => jobs.send(job).err().map(|error| error.0),
            None => Some(job),
        };
        if let Some(job) = unsent {
            let message = "the thread that writes the store has ended: restart the program";
            (job.done)(Err(StoreError::new(StoreErrorKind::Other, message)));
        }
    }
}

/// Writes what waits, then closes the file.
impl Drop for DiskStore {
    fn drop(&mut self) {
        self.jobs = None;
        // The last user of a store may be one that its own thread called.
        if let Some(writer) = self
            .writer
            .take()
            .filter(|writer| writer.thread().id() != thread::current().id())
        {
            let _ = writer.join();
        }
    }
}

impl fmt::Debug for DiskStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskStore")
            .field("path", &self.file.path)
            .finish_non_exhaustive()
    }
}
