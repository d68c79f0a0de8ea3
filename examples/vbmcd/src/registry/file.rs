//! What of the registry survives a restart: BMCs that were added, and which of all are to run.
//!
//! One database file that only its owner can read, because it holds passwords.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::Table;
use zeroize::Zeroizing;

use crate::secret::{self, Secret, SecretError};

/// Records by name of the BMC.
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("bmc");
/// Name of the database in its directory.
const FILE: &str = "registry.redb";

/// Name of the directory with secrets beside it.
const SECRETS: &str = "secrets";

/// What is kept of a BMC.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Record {
    /// It is to run, now and after a restart.
    pub running: bool,
    /// How it was added; none for a BMC of the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<Description>,
}

/// A BMC as it was added.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Description {
    /// The keys of `[[bmc]]`.
    pub bmc: Table,
    /// The keys of its connection, if that is not in the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Table>,
}

/// Why nothing can be kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// The directory or file cannot be made.
    #[error("cannot make {path}: choose a place that this user may write")]
    Make {
        /// What was to be made.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others could read it.
    #[error(transparent)]
    Exposed(#[from] SecretError),
    /// The database failed.
    #[error("cannot use {path}; is another vbmcd running with it, or the disk full?")]
    Database {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<redb::Error>,
    },
    /// There is no place for secrets.
    #[error("this vbmcd keeps nothing, so no token either: write the connection into a configuration file")]
    Nothing,
    /// A record makes no sense.
    #[error("BMC {name} in {path} cannot be read: delete it and add it again")]
    Record {
        /// The file.
        path: PathBuf,
        /// The BMC.
        name: String,
    },
}

impl FileError {
    /// Whether there is just no place where something could be kept.
    #[must_use]
    pub fn is_no_place(&self) -> bool {
        match self {
            Self::Make { .. } => true,
            Self::Database { source, .. } => matches!(**source, redb::Error::Io(_)),
            _ => false,
        }
    }
}

/// Keeps records, or forgets them.
#[derive(Debug)]
pub struct RegistryFile {
    database: Option<(PathBuf, Database)>,
}

impl RegistryFile {
    /// Keeps nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self { database: None }
    }

    /// Keeps records in a directory, which is made if need be.
    ///
    /// # Errors
    /// [`FileError`] if that is not possible, or if others could read it.
    pub fn open(directory: &Path) -> Result<Self, FileError> {
        let make = |path: &Path, source| FileError::Make {
            path: path.to_owned(),
            source,
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|source| make(directory, source))?;
        let path = directory.join(FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        let file = file.map_err(|source| make(&path, source))?;
        secret::check_private(&path)?;
        let backend = FileBackend::new(file).map_err(|error| database_error(&path, error))?;
        let database = Database::builder().create_with_backend(backend);
        let database = database.map_err(|error| database_error(&path, error))?;
        Ok(Self {
            database: Some((path, database)),
        })
    }

    /// All records.
    ///
    /// # Errors
    /// [`FileError`] if they cannot be read.
    pub fn load(&self) -> Result<Vec<(String, Record)>, FileError> {
        let Some((path, database)) = &self.database else {
            return Ok(Vec::new());
        };
        let read = || -> Result<Vec<(String, Vec<u8>)>, redb::Error> {
            let table = match database.begin_read()?.open_table(RECORDS) {
                // Nothing was ever kept.
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                table => table?,
            };
            table
                .iter()?
                .map(|row| row.map(|(name, bytes)| (name.value().to_owned(), bytes.value().to_owned())))
                .collect::<Result<_, _>>()
                .map_err(Into::into)
        };
        let rows = read().map_err(|error| database_error(path, error))?;
        rows.into_iter()
            .map(
                |(name, bytes)| match serde_json::from_slice(&Zeroizing::new(bytes)) {
                    Ok(record) => Ok((name, record)),
                    Err(_) => Err(FileError::Record {
                        path: path.clone(),
                        name,
                    }),
                },
            )
            .collect()
    }

    /// Keeps a record in the place of what was kept of this BMC. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`FileError`] if it cannot be written; then what was kept before still stands.
    pub fn save(&self, name: &str, record: &Record) -> Result<(), FileError> {
        let bytes = Zeroizing::new(serde_json::to_vec(record).unwrap_or_default());
        self.change(|table| table.insert(name, bytes.as_slice()).map(drop))
    }

    /// Forgets a BMC.
    ///
    /// # Errors
    /// [`FileError`] if that cannot be written.
    pub fn delete(&self, name: &str) -> Result<(), FileError> {
        self.change(|table| table.remove(name).map(drop))
    }

    /// Keeps a secret in a file of its own, for a key that takes a file. The same secret has one file.
    ///
    /// # Errors
    /// [`FileError`] if nothing is kept here, or if it cannot be written.
    pub fn keep_secret(&self, secret: &Secret) -> Result<PathBuf, FileError> {
        let Some((path, _)) = &self.database else {
            return Err(FileError::Nothing);
        };
        let directory = path.with_file_name(SECRETS);
        let failed = |path: &Path, source| FileError::Make {
            path: path.to_owned(),
            source,
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
        made.map_err(|source| failed(&directory, source))?;
        let files = std::fs::read_dir(&directory).map_err(|source| failed(&directory, source))?;
        for file in files.flatten() {
            let known = Secret::read(&file.path());
            if known.is_ok_and(|known| known.expose() == secret.expose()) {
                return Ok(file.path());
            }
        }
        let name = format!("{:016x}", rand::random::<u64>());
        let path = directory.join(name);
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        let written = written.and_then(|mut file| {
            file.write_all(secret.expose().as_bytes())?;
            file.sync_all()
        });
        written.map_err(|source| failed(&path, source))?;
        Ok(path)
    }

    fn change(
        &self,
        change: impl FnOnce(&mut redb::Table<'_, &str, &[u8]>) -> Result<(), redb::StorageError>,
    ) -> Result<(), FileError> {
        let Some((path, database)) = &self.database else {
            return Ok(());
        };
        let write = || -> Result<(), redb::Error> {
            let transaction = database.begin_write()?;
            change(&mut transaction.open_table(RECORDS)?)?;
            Ok(transaction.commit()?)
        };
        write().map_err(|error| database_error(path, error))
    }
}

fn database_error(path: &Path, error: impl Into<redb::Error>) -> FileError {
    FileError::Database {
        path: path.to_owned(),
        source: Box::new(error.into()),
    }
}

/// Its keys may hold passwords.
impl std::fmt::Debug for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Description").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record")
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn records_survive_and_the_file_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("state");
        let record = Record {
            running: true,
            added: Some(Description {
                bmc: toml::from_str("name = \"n\"\nport = 6230").unwrap(),
                connection: None,
            }),
        };
        let file = RegistryFile::open(&place).unwrap();
        file.save("n", &record).unwrap();
        file.save("gone", &Record::default()).unwrap();
        file.delete("gone").unwrap();
        let other = RegistryFile::open(&place).unwrap_err();
        assert!(matches!(other, FileError::Database { .. }), "{other:?}");
        drop(file);
        let records = RegistryFile::open(&place).unwrap().load().unwrap();
        let [(name, kept)] = &records[..] else {
            panic!("{records:?}");
        };
        assert_eq!((name.as_str(), kept.running), ("n", true));
        let port = kept.added.as_ref().unwrap().bmc["port"].as_integer();
        assert_eq!(port, Some(6230));
        let path = place.join(FILE);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(RegistryFile::open(&place), Err(FileError::Exposed(_))));
    }
}
