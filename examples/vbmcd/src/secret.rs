//! Secrets from files: read, checked for who else can read them, and never shown.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ipmi_proto::crypto::{BmcKey, Password, PasswordError};
use serde::Deserialize;
use serde::de::Visitor;
use thiserror::Error;
use zeroize::Zeroizing;

/// Longest file that can hold a secret.
const FILE_LIMIT: u64 = 4096;

/// Why a secret cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read {path}: check that it exists and that this user may read it")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others can read the file.
    #[error("{path} holds a secret, but others can read it (mode {mode:o}): run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Nothing, or nothing that can be a secret.
    #[error("{path} has no text in its first line: write the secret there")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The password is empty.
    #[error("the password is empty: IPMI clients send none for an empty one; choose 1 to 20 bytes")]
    NoPassword,
    /// Too long for IPMI.
    #[error("IPMI has room for 20 bytes: {0}")]
    TooLong(#[from] PasswordError),
    /// Not a key.
    #[error("K_G is 40 hexadecimal digits, as `ipmitool -y` takes it")]
    Key,
}

/// A text that is never shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The first line of a file that only its owner can read. One that is not there is looked for among the
    /// credentials of the service (`LoadCredential=` of systemd), by its name.
    ///
    /// # Errors
    /// [`SecretError`] if the file cannot be read, can be read by others, or is empty.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let read_error = |source| SecretError::Read {
            path: path.to_owned(),
            source,
        };
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Whom systemd lets read it is its affair.
                credential(path).ok_or_else(|| read_error(error))?
            }
            opened => {
                let file = opened.map_err(read_error)?;
                check_mode(path, file.metadata().map_err(read_error)?.permissions().mode())?;
                file
            }
        };
        let mut text = Zeroizing::new(String::new());
        file.take(FILE_LIMIT)
            .read_to_string(&mut text)
            .map_err(read_error)?;
        match text.lines().next() {
            Some(line) if !line.is_empty() => Ok(Self::new(line.to_owned())),
            _ => Err(SecretError::Empty {
                path: path.to_owned(),
            }),
        }
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The secret as a user's password.
    ///
    /// # Errors
    /// [`SecretError`] if it is empty or longer than 20 bytes.
    pub fn password(&self) -> Result<Password, SecretError> {
        if self.0.is_empty() {
            return Err(SecretError::NoPassword);
        }
        Ok(Password::new(self.0.as_bytes())?)
    }

    /// The secret as the key K_G, written in hexadecimal digits.
    ///
    /// # Errors
    /// [`SecretError::Key`] if it is not 40 hexadecimal digits.
    pub fn bmc_key(&self) -> Result<BmcKey, SecretError> {
        let mut bytes = Zeroizing::new([0; BmcKey::LENGTH]);
        let digits = self.0.strip_prefix("0x").unwrap_or(&self.0).as_bytes();
        if digits.len() != 2 * bytes.len() {
            return Err(SecretError::Key);
        }
        for (byte, digits) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: &u8| char::from(*digit).to_digit(16).ok_or(SecretError::Key);
            let [high, low] = digits else {
                return Err(SecretError::Key);
            };
            *byte = u8::try_from(digit(high)? << 4 | digit(low)?).map_err(|_| SecretError::Key)?;
        }
        BmcKey::new(&*bytes).map_err(|_| SecretError::Key)
    }
}

/// A credential that systemd gave the service.
fn credential(path: &Path) -> Option<File> {
    let directory = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?);
    File::open(directory.join(path.file_name()?)).ok()
}

/// Checks that nobody but its owner can read a file that holds a secret.
///
/// # Errors
/// [`SecretError`] if others can, or if it cannot be known.
pub fn check_private(path: &Path) -> Result<(), SecretError> {
    let metadata = std::fs::metadata(path).map_err(|source| SecretError::Read {
        path: path.to_owned(),
        source,
    })?;
    check_mode(path, metadata.permissions().mode())
}

fn check_mode(path: &Path, mode: u32) -> Result<(), SecretError> {
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(SecretError::Exposed {
        path: path.to_owned(),
        mode: mode & 0o777,
    })
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

/// Takes text alone. The error that serde makes for anything else would quote the value.
struct SecretVisitor;

impl SecretVisitor {
    fn not_text<E: serde::de::Error>() -> E {
        E::custom("a secret is text: put it in quotes")
    }
}

impl Visitor<'_> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("text in quotes")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::new(text.to_owned()))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Secret, E> {
        Err(Self::not_text())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Secret, E> {
        Err(Self::not_text())
    }

    fn visit_i128<E: serde::de::Error>(self, _: i128) -> Result<Secret, E> {
        Err(Self::not_text())
    }

    fn visit_u128<E: serde::de::Error>(self, _: u128) -> Result<Secret, E> {
        Err(Self::not_text())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Secret, E> {
        Err(Self::not_text())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Secret, E> {
        Err(E::custom("a secret is text: put it in quotes"))
    }
}
