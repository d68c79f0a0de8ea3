//! The keys of a `[connection.NAME]`, taken one by one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use toml::{Spanned, Value};

use crate::secret::{Secret, SecretError};

/// The keys of a `[connection.NAME]`. Each is taken out when it is read; what nobody took is unknown.
#[derive(Debug)]
pub struct Keys<'a> {
    connection: &'a Spanned<BTreeMap<Spanned<String>, Spanned<Value>>>,
    name: &'a str,
    directory: &'a Path,
    taken: Vec<&'static str>,
}

/// Something in the configuration file that is wrong.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct Mistake {
    /// Where, in bytes of the file.
    pub span: Range<usize>,
    /// Key, what is wrong with it and what would be right.
    pub message: String,
}

impl Mistake {
    /// A mistake at a place.
    pub fn at<T>(place: &Spanned<T>, message: impl Into<String>) -> Self {
        Self {
            span: place.span(),
            message: message.into(),
        }
    }
}

/// What can be wrong with the keys of a connection.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file is wrong.
    #[error(transparent)]
    Mistake(#[from] Mistake),
    /// A secret cannot be used.
    #[error("{key}")]
    Secret {
        /// Where, in bytes of the file.
        span: Range<usize>,
        /// The key that names it.
        key: &'static str,
        /// What is wrong with it.
        source: SecretError,
    },
}

impl<'a> Keys<'a> {
    /// The keys of a connection of this name, in a file of this directory.
    #[must_use]
    pub const fn new(
        name: &'a str,
        connection: &'a Spanned<BTreeMap<Spanned<String>, Spanned<Value>>>,
        directory: &'a Path,
    ) -> Self {
        Self {
            connection,
            name,
            directory,
            taken: Vec::new(),
        }
    }

    /// Name of the connection.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The directory that paths are relative to: that of the configuration file.
    #[must_use]
    pub const fn directory(&self) -> &'a Path {
        self.directory
    }

    /// Takes a text or a list of texts.
    ///
    /// # Errors
    /// [`KeyError`] if it is something else.
    pub fn texts(&mut self, key: &'static str) -> Result<Vec<Spanned<&'a str>>, KeyError> {
        let Some(value) = self.take(key) else {
            return Ok(Vec::new());
        };
        let list = match value.get_ref() {
            Value::Array(list) => list.iter().map(Value::as_str).collect(),
            one => one.as_str().map(|text| vec![Some(text)]).unwrap_or_default(),
        };
        let texts: Option<Vec<_>> = list.into_iter().collect();
        match texts {
            Some(texts) if !texts.is_empty() => Ok(texts
                .into_iter()
                .map(|text| Spanned::new(value.span(), text))
                .collect()),
            _ => Err(Mistake::at(
                value,
                format!("`{key}` is a text or a list of texts: put each in quotes"),
            )
            .into()),
        }
    }

    /// Takes a number of seconds.
    ///
    /// # Errors
    /// [`KeyError`] if it is something else, or not positive.
    pub fn seconds(&mut self, key: &'static str) -> Result<Option<Duration>, KeyError> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let number = match value.get_ref() {
            Value::Integer(number) => u32::try_from(*number).ok().map(f64::from),
            Value::Float(number) => Some(*number),
            _ => None,
        };
        let duration = number
            .filter(|number| *number > 0.0)
            .and_then(|number| Duration::try_from_secs_f64(number).ok());
        let wrong = || {
            Mistake::at(
                value,
                format!("`{key}`: write a number of seconds, such as {key} = 60"),
            )
            .into()
        };
        duration.ok_or_else(wrong).map(Some)
    }

    /// Takes a key. `None`: the file has none.
    pub fn take(&mut self, key: &'static str) -> Option<&'a Spanned<Value>> {
        self.taken.push(key);
        self.connection.get_ref().get(key)
    }

    /// Takes a text.
    ///
    /// # Errors
    /// [`KeyError`] if it is something else.
    pub fn text(&mut self, key: &'static str) -> Result<Option<Spanned<&'a str>>, KeyError> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        match value.get_ref().as_str() {
            Some(text) => Ok(Some(Spanned::new(value.span(), text))),
            None => Err(Mistake::at(value, format!("`{key}` is a text: put it in quotes")).into()),
        }
    }

    /// Takes a text that must be there.
    ///
    /// # Errors
    /// [`KeyError`] if it is not, with `example` as what to write.
    pub fn required_text(&mut self, key: &'static str, example: &str) -> Result<Spanned<&'a str>, KeyError> {
        self.text(key)?.ok_or_else(|| {
            let name = self.name;
            self.mistake(format!(
                "connection `{name}` has no `{key}`: write {key} = {example}"
            ))
        })
    }

    /// Takes `true` or `false`; `false` where the file says nothing.
    ///
    /// # Errors
    /// [`KeyError`] if it is something else.
    pub fn flag(&mut self, key: &'static str) -> Result<bool, KeyError> {
        let Some(value) = self.take(key) else {
            return Ok(false);
        };
        let flag = value.get_ref().as_bool();
        flag.ok_or_else(|| Mistake::at(value, format!("`{key}`: write true or false")).into())
    }

    /// Takes the path of a file, relative to the configuration file.
    ///
    /// # Errors
    /// [`KeyError`] if it is no text.
    pub fn path(&mut self, key: &'static str) -> Result<Option<Spanned<PathBuf>>, KeyError> {
        let text = self.text(key)?;
        Ok(text.map(|text| Spanned::new(text.span(), self.directory.join(text.get_ref()))))
    }

    /// Takes the path of a file and reads the secret in its first line.
    ///
    /// # Errors
    /// [`KeyError`] if it cannot be read, or if others can read it.
    pub fn secret_file(&mut self, key: &'static str) -> Result<Option<Secret>, KeyError> {
        let Some(path) = self.path(key)? else {
            return Ok(None);
        };
        let secret = Secret::read(path.get_ref()).map_err(|source| KeyError::Secret {
            span: path.span(),
            key,
            source,
        })?;
        Ok(Some(secret))
    }

    /// A mistake of the connection as a whole.
    #[must_use]
    pub fn mistake(&self, message: impl Into<String>) -> KeyError {
        Mistake::at(self.connection, message).into()
    }

    /// Refuses what nobody took.
    ///
    /// # Errors
    /// [`KeyError`] for the first such key.
    pub fn finish(&self, kind: &str) -> Result<(), KeyError> {
        let mut keys = self.connection.get_ref().keys();
        let Some(unknown) = keys.find(|key| !self.taken.iter().any(|taken| taken == key.get_ref())) else {
            return Ok(());
        };
        let name = unknown.get_ref();
        let known: Vec<_> = self.taken.iter().map(|key| format!("`{key}`")).collect();
        let known = known.join(", ");
        let message = format!("unknown key `{name}`: a {kind} connection has {known}");
        Err(Mistake::at(unknown, message).into())
    }
}
