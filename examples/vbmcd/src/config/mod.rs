//! The configuration file of `vbmcd run`: read, checked as a whole, and turned into a [`Plan`].
//!
//! Every mistake is an error that names the file, the line and the key, and says what would be right. Values
//! of keys that hold secrets are never quoted.

mod added;
mod check;
mod console;
mod error;
mod fingerprint;
mod form;
mod options;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod tests;
mod text;

use std::path::Path;

pub use added::{Added, Surroundings};
pub use error::ConfigError;

use crate::plan::Plan;
use form::File;
use text::Text;

/// Reads and checks a configuration file.
///
/// # Errors
/// [`ConfigError`] for a file that cannot be read, an unknown key, or a value that makes no sense.
pub fn load(path: &Path) -> Result<Plan, ConfigError> {
    let text = Text::read(path)?;
    let file: File = toml::from_str(text.content()).map_err(|error| text.refused(&error))?;
    check::plan(&text, file)
}
