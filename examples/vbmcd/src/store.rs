//! Where what clients change is kept: a directory with the store, and a file with its key elsewhere.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipmi_server::store::{
    Changes, DiskStore, Done, RecordKey, Store, StoreError, StoreErrorKind, StoreKey, Value,
};
use thiserror::Error;
use tracing::{error, info};
use zeroize::Zeroizing;

/// Name of the store in its directory.
const FILE: &str = "bmcs.redb";
/// Name of the key among the credentials that systemd gives.
const CREDENTIAL: &str = "vbmcd-store-key";
/// Where a configuration belongs to the system, and where the system's state is.
const SYSTEM_CONFIGURATION: &str = "/etc/vbmcd";
const SYSTEM_KEY: &str = "/etc/vbmcd/store.key";
const SYSTEM_STATE: &str = "/var/lib/vbmcd";
/// Longest file that can hold a key: digits, spaces, the end of a line.
const KEY_FILE_LIMIT: u64 = 256;

/// Where what clients change is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StorePlan {
    /// Nowhere: a restart forgets it.
    #[default]
    Memory,
    /// On disk.
    Disk {
        /// Directory of the store.
        directory: PathBuf,
        /// The file with its key. Made if neither it nor the store is there.
        key_file: PathBuf,
    },
}

impl StorePlan {
    /// A store in `directory`, its key in `key_file`, where they are given; otherwise where they belong for this
    /// configuration file.
    #[must_use]
    pub fn for_configuration(config: &Path, directory: Option<PathBuf>, key_file: Option<PathBuf>) -> Self {
        let environment = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_system = config.parent() == Some(Path::new(SYSTEM_CONFIGURATION));
        let state = || {
            // systemd gives a list if the unit names several.
            let first = environment("STATE_DIRECTORY").and_then(|list| {
                let list = list.into_string().ok()?;
                list.split(':').next().map(PathBuf::from)
            });
            first.unwrap_or_else(|| {
                if is_system {
                    PathBuf::from(SYSTEM_STATE)
                } else {
                    config.with_extension("state")
                }
            })
        };
        let key = || {
            let credential = environment("CREDENTIALS_DIRECTORY")
                .map(|directory| Path::new(&directory).join(CREDENTIAL))
                .filter(|path| path.exists());
            credential.unwrap_or_else(|| {
                if is_system {
                    PathBuf::from(SYSTEM_KEY)
                } else {
                    config.with_extension("key")
                }
            })
        };
        Self::Disk {
            directory: directory.unwrap_or_else(state),
            key_file: key_file.unwrap_or_else(key),
        }
    }

    /// Opens the store; `None` if there is none. One that cannot be written does not stop the BMCs: they answer
    /// changes with an error.
    ///
    /// # Errors
    /// [`StoreOpenError`] if it is not safe to use, or belongs to another process, key or version.
    pub fn open(&self) -> Result<Option<Arc<dyn Store>>, StoreOpenError> {
        let Self::Disk { directory, key_file } = self else {
            return Ok(None);
        };
        let file = directory.join(FILE);
        let key = match key(key_file, &file, directory)? {
            Ok(key) => key,
            Err(error) => {
                let advice =
                    "commands that change what is kept are refused; make the directory writable and restart";
                error!(directory = %directory.display(), key_file = %key_file.display(), %error,
                    "the store cannot be made: {advice}");
                let message = format!("the store in {} could not be made: {error}", directory.display());
                return Ok(Some(Arc::new(Unavailable(StoreError::new(
                    StoreErrorKind::ReadOnly,
                    message,
                )))));
            }
        };
        let store = DiskStore::open(&file, &key)?;
        match store.health() {
            Ok(()) => info!(store = %file.display(), "what clients change is kept"),
            Err(error) => {
                error!(%error, "commands that change what is kept are refused until the store can be written");
            }
        }
        Ok(Some(Arc::new(store)))
    }
}

/// Why a store cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreOpenError {
    /// The store itself.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others can read it, or put something else in its place.
    #[error(
        "{path} holds secrets, but others have access to it (mode {mode:o}): run `chmod {wanted} {path}`"
    )]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// How they should be changed.
        wanted: &'static str,
    },
    /// The store is there without its key.
    #[error("cannot read {path}, the key of the store {store}: put the key back, or move the store away")]
    NoKey {
        /// File of the key.
        path: PathBuf,
        /// File of the store.
        store: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is in the file is no key.
    #[error("{path} does not hold a key of 32 bytes, written as 64 hexadecimal digits: put the key back")]
    BadKey {
        /// File of the key.
        path: PathBuf,
    },
}

/// Reads the key, or makes one for a store that is not there yet; the inner error is that it cannot be made.
fn key(path: &Path, store: &Path, directory: &Path) -> Result<Result<StoreKey, io::Error>, StoreOpenError> {
    match File::open(path) {
        Ok(file) => {
            let key = read_key(file, path, store)?;
            check_mode(directory, 0o022, "go-w")?;
            check_mode(store, 0o077, "600")?;
            Ok(make_directory(directory).map(|()| key))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !store.exists() => {
            let made = make_directory(directory).and_then(|()| make_key(path));
            check_mode(directory, 0o022, "go-w")?;
            Ok(made)
        }
        Err(source) => Err(StoreOpenError::NoKey {
            path: path.to_owned(),
            store: store.to_owned(),
            source,
        }),
    }
}

/// The directory, for its owner alone if it is made here. That it cannot be made is told by the store, if that is
/// not there.
fn make_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

fn read_key(file: File, path: &Path, store: &Path) -> Result<StoreKey, StoreOpenError> {
    // Access that systemd gives by a list of its own shows as the group's.
    let is_credential = path.file_name().is_some_and(|name| name == CREDENTIAL);
    check_mode(path, if is_credential { 0o007 } else { 0o077 }, "600")?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(KEY_FILE_LIMIT)
        .read_to_end(&mut bytes)
        .map_err(|source| StoreOpenError::NoKey {
            path: path.to_owned(),
            store: store.to_owned(),
            source,
        })?;
    let key = StoreKey::from_bytes(&bytes).or_else(|| from_digits(bytes.trim_ascii()));
    key.ok_or_else(|| StoreOpenError::BadKey {
        path: path.to_owned(),
    })
}

fn from_digits(digits: &[u8]) -> Option<StoreKey> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    let mut bytes = Zeroizing::new(Vec::with_capacity(StoreKey::LENGTH));
    let (pairs, rest) = digits.as_chunks::<2>();
    for [high, low] in pairs {
        bytes.push(u8::try_from(digit(high)? << 4 | digit(low)?).ok()?);
    }
    rest.is_empty().then(|| StoreKey::from_bytes(&bytes))?
}

/// Makes a key, safe on disk before it is used. Under another name until it is whole: a key file that was cut off
/// by a crash would keep the program from ever starting.
fn make_key(path: &Path) -> io::Result<StoreKey> {
    let key = StoreKey::random();
    let mut text = Zeroizing::new(String::with_capacity(2 * StoreKey::LENGTH + 1));
    for byte in key.as_bytes() {
        for digit in [byte >> 4, byte & 0x0f] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text.push('\n');
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    info!(key_file = %path.display(), "made the key of the store: keep a copy of it where the store is not");
    Ok(key)
}

/// Refuses what others have access to. What is not there has none.
fn check_mode(path: &Path, forbidden: u32, wanted: &'static str) -> Result<(), StoreOpenError> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(());
    };
    let mode = metadata.permissions().mode() & 0o7777;
    // Where everybody writes but nobody can replace what is another's, as in /tmp.
    let is_sticky = metadata.is_dir() && mode & 0o1000 != 0;
    if mode & forbidden == 0 || is_sticky {
        return Ok(());
    }
    Err(StoreOpenError::Exposed {
        path: path.to_owned(),
        mode,
        wanted,
    })
}

/// A store that could not be made.
#[derive(Debug)]
struct Unavailable(StoreError);

impl Store for Unavailable {
    fn load(&self, _: &str) -> Result<Vec<(RecordKey, Value)>, StoreError> {
        Ok(Vec::new())
    }

    fn save(&self, _: &str, _: Changes, done: Done) {
        done(Err(self.0.clone()));
    }
}

#[cfg(test)]
mod tests;
