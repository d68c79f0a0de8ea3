//! The text of a configuration file, and finding the line of a mistake in it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use zeroize::Zeroizing;

use super::ConfigError;
use crate::secret::{self, SecretError};

/// The text of a configuration file.
#[derive(Debug)]
pub(super) struct Text {
    path: PathBuf,
    /// May hold passwords.
    content: Zeroizing<String>,
    is_file: bool,
}

impl Text {
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let content = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            content: Zeroizing::new(content),
            is_file: true,
        })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A text that stands in no file; its paths are relative to that of `beside`.
    pub(super) fn of_no_file(beside: &Path, content: Zeroizing<String>) -> Self {
        Self {
            path: beside.to_owned(),
            content,
            is_file: false,
        }
    }

    pub(super) fn content(&self) -> &str {
        &self.content
    }

    /// The directory that the paths in this file are relative to.
    pub(super) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new(""))
    }

    /// The path of a file that this one names.
    pub(super) fn relative(&self, path: &Path) -> PathBuf {
        self.directory().join(path)
    }

    /// Checks that nobody but the owner can read this file, because it holds a secret.
    pub(super) fn check_private(&self) -> Result<(), SecretError> {
        if self.is_file {
            secret::check_private(&self.path)
        } else {
            Ok(())
        }
    }

    /// A mistake at `place`.
    pub(super) fn mistake<T>(&self, place: &Spanned<T>, message: impl Into<String>) -> ConfigError {
        self.invalid(place.span(), message.into())
    }

    /// A secret at `place` that cannot be used.
    pub(super) fn bad_secret<T>(
        &self,
        place: &Spanned<T>,
        key: &'static str,
        source: SecretError,
    ) -> ConfigError {
        ConfigError::Secret {
            path: self.path.clone(),
            line: self.line(place.span().start),
            key,
            source,
        }
    }

    /// What the TOML reader refused. Its own form quotes the line, which may hold a secret.
    pub(super) fn refused(&self, error: &toml::de::Error) -> ConfigError {
        let span = error.span().unwrap_or_default();
        let message = match self.key(&span) {
            Some(key) if !error.message().contains(&format!("`{key}`")) => {
                format!("`{key}`: {}", error.message())
            }
            _ => error.message().to_owned(),
        };
        self.invalid(span, message)
    }

    /// The line of a place, for a message that points to another place.
    pub(super) fn line_of<T>(&self, place: &Spanned<T>) -> usize {
        self.line(place.span().start)
    }

    fn invalid(&self, span: Range<usize>, message: String) -> ConfigError {
        ConfigError::Invalid {
            path: self.path.clone(),
            line: self.line(span.start),
            message,
        }
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.content.as_bytes().iter().take(offset);
        before.filter(|byte| **byte == b'\n').count() + 1
    }

    /// The key whose value stands at `span`, if the place is a value behind a key on one line.
    fn key(&self, span: &Range<usize>) -> Option<&str> {
        let line = self.content.get(..span.start)?.rsplit('\n').next()?;
        let (key, _) = line.split_once('=')?;
        let key = key.trim();
        let is_bare = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        (!key.is_empty() && key.chars().all(is_bare)).then_some(key)
    }
}
