//! Where files are if nobody says.

use std::env;
use std::path::{Path, PathBuf};

use crate::cli::ConfigArgs;

/// The configuration of the whole system.
const SYSTEM: &str = "/etc/vbmcd";
/// Name of the configuration file.
const CONFIG: &str = "config.toml";

/// The configuration file: the one that was named, else that of the user, else that of the system.
#[must_use]
pub fn config(arguments: &ConfigArgs) -> PathBuf {
    if let Some(path) = &arguments.config {
        return path.clone();
    }
    let of_user = directory("XDG_CONFIG_HOME").or_else(|| Some(directory("HOME")?.join(".config")));
    let of_user = of_user.map(|directory| directory.join("vbmcd").join(CONFIG));
    of_user
        .filter(|path| path.exists())
        .unwrap_or_else(|| Path::new(SYSTEM).join(CONFIG))
}

fn directory(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_named_is_taken() {
        let named = ConfigArgs {
            config: Some(PathBuf::from("x.toml")),
        };
        assert_eq!(config(&named), Path::new("x.toml"));
    }
}
