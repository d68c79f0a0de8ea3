//! The file of a store: its tables, its version, what makes it of an older one.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use redb::backends::{FileBackend, InMemoryBackend};
use redb::{
    Database, DatabaseError, ReadableDatabase, StorageBackend, TableDefinition, TableError, WriteTransaction,
};

use super::super::{Change, Part, RecordKey, StoreError, StoreErrorKind, Value};
use super::Job;
use super::key::{Cipher, place};

/// BMC, part, number; the sealed value.
const RECORDS: TableDefinition<'_, (&str, u8, u64), &[u8]> = TableDefinition::new("records");
/// What is said about the whole file.
const ABOUT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("about");
/// The version, as four bytes, lowest first.
const VERSION: &str = "version";
/// Something known, sealed: tells a wrong key before anything is read or written.
const KEY_CHECK: &str = "key check";
const KNOWN: &[u8] = b"the key of this store";

/// The file is small: what does not fit here is read again.
const CACHE: usize = 16 << 20;

/// Brings a file of one version to the next one.
pub(super) type Migration = fn(&WriteTransaction, &Cipher) -> Result<(), redb::Error>;

/// The version of files, and the ways from older ones.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// The version that is written.
    pub(super) version: u32,
    /// From which version; how to get to the one after it.
    pub(super) migrations: &'static [(u32, Migration)],
}

/// The format of this version of the program. There has been no other yet.
pub(super) const FORMAT: Format = Format {
    version: 1,
    migrations: &[],
};

/// The records of a file that is open.
pub(super) struct Records {
    database: Database,
}

impl Records {
    /// Opens the file, or makes it.
    pub(super) fn open(path: &Path, cipher: &Cipher, format: Format) -> Result<Self, StoreError> {
        let failed = |error: &dyn Failure| describe("open", path, error);
        if !path.try_exists().map_err(|error| failed(&error))? {
            create(path, cipher, format)?;
        }
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(|error| failed(&error))?;
        let database = FileBackend::new(file).and_then(|backend| {
            let mut builder = Database::builder();
            builder.set_cache_size(CACHE).create_with_backend(backend)
        });
        let database = database.map_err(|error| failed(&error))?;
        let records = Self { database };
        records.check(path, cipher, format)?;
        Ok(records)
    }

    /// A copy of a file that cannot be written, in memory: what it holds can be read.
    pub(super) fn copy(path: &Path, cipher: &Cipher, format: Format) -> Result<Self, StoreError> {
        let failed = |error: &dyn Failure| describe("read", path, error);
        let bytes = fs::read(path).map_err(|error| failed(&error))?;
        let backend = InMemoryBackend::new();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let filled = backend.set_len(length).and_then(|()| backend.write(0, &bytes));
        filled.map_err(|error| failed(&error))?;
        let database = Database::builder().create_with_backend(backend);
        let records = Self {
            database: database.map_err(|error| failed(&error))?,
        };
        records.check(path, cipher, format)?;
        Ok(records)
    }

    /// Checks version and key, and brings an older version to this one.
    fn check(&self, path: &Path, cipher: &Cipher, format: Format) -> Result<(), StoreError> {
        let read = self
            .about(VERSION)
            .and_then(|version| Ok((version, self.about(KEY_CHECK)?)));
        let (version, key_check) = read.map_err(|error| describe("read", path, &error))?;
        let (Some(version), Some(key_check)) = (version, key_check) else {
            let message = format!("{} is no store of BMCs: choose another path", path.display());
            return Err(StoreError::new(StoreErrorKind::Damaged, message));
        };
        let known = cipher.open(KEY_CHECK.as_bytes(), &key_check);
        if known.is_none_or(|known| known.as_bytes() != KNOWN) {
            let message = format!(
                "the key does not fit the store {}: give the key that it was made with (nothing was changed)",
                path.display()
            );
            return Err(StoreError::new(StoreErrorKind::WrongKey, message));
        }
        let version = version.as_slice().try_into().map_or(0, u32::from_le_bytes);
        self.migrate(path, cipher, format, version)
    }

    fn migrate(
        &self,
        path: &Path,
        cipher: &Cipher,
        format: Format,
        mut version: u32,
    ) -> Result<(), StoreError> {
        if version == format.version {
            return Ok(());
        }
        let found = version;
        let failed = |error: redb::Error| describe("migrate", path, &error);
        let transaction = self
            .database
            .begin_write()
            .map_err(|error| failed(error.into()))?;
        while version != format.version {
            let step = format.migrations.iter().find(|(from, _)| *from == version);
            let Some((_, step)) = step else {
                let message = format!(
                    "the store {} has version {found}, and this program knows version {} only: use the program \
                     that wrote it, or choose another path (nothing was changed)",
                    path.display(),
                    format.version
                );
                return Err(StoreError::new(StoreErrorKind::Version, message));
            };
            step(&transaction, cipher).map_err(failed)?;
            version += 1;
        }
        write_version(&transaction, version).map_err(failed)?;
        transaction.commit().map_err(|error| failed(error.into()))?;
        tracing::info!(store = %path.display(), from = found, to = version, "the store was migrated");
        Ok(())
    }

    fn about(&self, name: &str) -> Result<Option<Vec<u8>>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let table = match transaction.open_table(ABOUT) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        Ok(table.get(name)?.map(|value| value.value().to_owned()))
    }

    /// All records of a BMC.
    pub(super) fn load(
        &self,
        path: &Path,
        cipher: &Cipher,
        bmc: &str,
    ) -> Result<Vec<(RecordKey, Value)>, StoreError> {
        let sealed = self.sealed(bmc).map_err(|error| describe("read", path, &error))?;
        let open = |(key, sealed): (RecordKey, Vec<u8>)| {
            let value = cipher.open(&place(bmc, key), &sealed).ok_or_else(|| {
                let message = format!(
                    "a record of BMC {bmc:?} in the store {} was changed by something else: restore the store from \
                     a backup, or give the BMC another name",
                    path.display()
                );
                StoreError::new(StoreErrorKind::Damaged, message)
            })?;
            Ok((key, value))
        };
        sealed.into_iter().map(open).collect()
    }

    fn sealed(&self, bmc: &str) -> Result<Vec<(RecordKey, Vec<u8>)>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let table = match transaction.open_table(RECORDS) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut records = Vec::new();
        for entry in table.range((bmc, 0, 0)..=(bmc, u8::MAX, u64::MAX))? {
            let (key, sealed) = entry?;
            let (_, part, number) = key.value();
            let part = Part(part);
            records.push((RecordKey { part, number }, sealed.value().to_owned()));
        }
        Ok(records)
    }

    /// Makes the changes of all jobs, and returns when they are on disk.
    pub(super) fn save(&self, path: &Path, cipher: &Cipher, jobs: &[Job]) -> Result<(), StoreError> {
        self.commit(cipher, jobs)
            .map_err(|error| describe("write", path, &error))
    }

    fn commit(&self, cipher: &Cipher, jobs: &[Job]) -> Result<(), redb::Error> {
        // Safe when it returns: that is its default durability.
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(RECORDS)?;
            for job in jobs {
                let bmc = job.bmc.as_str();
                for change in &job.changes {
                    match change {
                        Change::Put(key, value) => {
                            let sealed = cipher.seal(&place(bmc, *key), value.as_bytes());
                            let sealed = sealed.ok_or(redb::Error::ValueTooLarge(value.as_bytes().len()))?;
                            table.insert((bmc, key.part.0, key.number), sealed.as_slice())?;
                        }
                        Change::Remove(key) => {
                            table.remove((bmc, key.part.0, key.number))?;
                        }
                        Change::Clear(part) => {
                            let all = (bmc, part.0, 0)..=(bmc, part.0, u64::MAX);
                            table.retain_in(all, |_, _| false)?;
                        }
                    }
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Makes a store in a file of another name first: one that is there is whole.
fn create(path: &Path, cipher: &Cipher, format: Format) -> Result<(), StoreError> {
    let failed = |error: &dyn Failure| describe("make", path, error);
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let unfinished = PathBuf::from(name);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&error)),
        _ => {}
    }
    let file = private_file(&unfinished).map_err(|error| failed(&error))?;
    let filled = fill(file, cipher, format).and_then(|()| Ok(fs::rename(&unfinished, path)?));
    if let Err(error) = filled {
        // What is left of it is of no use.
        let _ = fs::remove_file(&unfinished);
        return Err(failed(&error));
    }
    sync_directory(path).map_err(|error| failed(&error))
}

fn fill(file: File, cipher: &Cipher, format: Format) -> Result<(), redb::Error> {
    let database = Database::builder().create_with_backend(FileBackend::new(file)?)?;
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(ABOUT)?;
        let sealed = cipher.seal(KEY_CHECK.as_bytes(), KNOWN);
        table.insert(KEY_CHECK, sealed.unwrap_or_default().as_slice())?;
    }
    write_version(&transaction, format.version)?;
    transaction.open_table(RECORDS)?;
    transaction.commit()?;
    Ok(())
}

fn write_version(transaction: &WriteTransaction, version: u32) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(ABOUT)?;
    table.insert(VERSION, version.to_le_bytes().as_slice())?;
    Ok(())
}

/// A new file that nobody else can read.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a file's new name safe.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// An error that may come from the file system.
trait Failure: core::fmt::Display {
    fn kind(&self) -> StoreErrorKind;
}

impl Failure for io::Error {
    fn kind(&self) -> StoreErrorKind {
        match self.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                StoreErrorKind::NoSpace
            }
            io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory => StoreErrorKind::ReadOnly,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => StoreErrorKind::Damaged,
            _ => StoreErrorKind::Other,
        }
    }
}

impl Failure for redb::Error {
    fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Io(error) => Failure::kind(error),
            Self::DatabaseAlreadyOpen => StoreErrorKind::InUse,
            Self::UpgradeRequired(_) => StoreErrorKind::Version,
            Self::Corrupted(_) => StoreErrorKind::Damaged,
            _ => StoreErrorKind::Other,
        }
    }
}

impl Failure for DatabaseError {
    fn kind(&self) -> StoreErrorKind {
        match self {
            Self::DatabaseAlreadyOpen => StoreErrorKind::InUse,
            Self::UpgradeRequired(_) => StoreErrorKind::Version,
            Self::Storage(redb::StorageError::Io(error)) => Failure::kind(error),
            Self::Storage(redb::StorageError::Corrupted(_)) => StoreErrorKind::Damaged,
            _ => StoreErrorKind::Other,
        }
    }
}

/// An error with what was being done, and what can be done about it.
fn describe(operation: &str, path: &Path, error: &dyn Failure) -> StoreError {
    let kind = error.kind();
    let advice = match kind {
        StoreErrorKind::NoSpace => "make room on its file system",
        StoreErrorKind::ReadOnly => "check that its directory exists and can be written",
        StoreErrorKind::InUse => "another process has it: end that one, or choose another path",
        StoreErrorKind::Version => "use the program that wrote it, or choose another path",
        StoreErrorKind::Damaged => "restore it from a backup, or move it away to begin with a new one",
        _ => "check its file system",
    };
    let message = format!(
        "cannot {operation} the store {}: {error}: {advice}",
        path.display()
    );
    StoreError::new(kind, message)
}

impl core::fmt::Debug for Records {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}
