//! What can be wrong with a configuration file.

use std::path::PathBuf;

use thiserror::Error;

use crate::secret::SecretError;

/// A configuration file that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: check that it exists and that this user may read it")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Something in the file is wrong.
    #[error("{path}, line {line}: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Key, what is wrong with it and what would be right.
        message: String,
    },
    /// A secret that the file names or holds cannot be used.
    #[error("{path}, line {line}: {key}")]
    Secret {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// The key that holds or names the secret.
        key: &'static str,
        /// What is wrong with it.
        source: SecretError,
    },
}

impl ConfigError {
    /// What is wrong, without file and line: for what stands in no file.
    #[must_use]
    pub fn without_place(&self) -> String {
        match self {
            Self::Read { .. } => self.to_string(),
            Self::Invalid { message, .. } => message.clone(),
            Self::Secret { key, source, .. } => format!("`{key}`: {source}"),
        }
    }
}
