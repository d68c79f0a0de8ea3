//! A BMC that is not in the configuration file: described with the same keys, checked by the same rules.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use zeroize::Zeroizing;

use super::form::File;
use super::text::Text;
use super::{ConfigError, check, fingerprint};
use crate::connection::ConnectionPlan;
use crate::plan::BmcPlan;

/// What of the configuration file holds for BMCs that are not in it.
#[derive(Clone, Default)]
pub struct Surroundings {
    path: PathBuf,
    defaults: Table,
    connections: BTreeMap<String, Table>,
    /// Fingerprints of BMCs and of connections, with all that counts for them.
    bmc_prints: HashMap<String, u64>,
    connection_prints: HashMap<String, u64>,
}

/// A BMC that was added, checked.
#[derive(Debug)]
pub struct Added {
    /// The BMC.
    pub bmc: BmcPlan,
    /// Its connection.
    pub connection: Box<dyn ConnectionPlan>,
}

impl Surroundings {
    /// Those of a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`] if it cannot be read.
    pub fn of(path: &Path) -> Result<Self, ConfigError> {
        let text = Text::read(path)?;
        let table: Table = toml::from_str(text.content()).map_err(|error| text.refused(&error))?;
        let tables = |key: &str| table.get(key).and_then(Value::as_table);
        let connections = tables("connection").into_iter().flatten();
        let connections: BTreeMap<_, _> = connections
            .filter_map(|(name, keys)| Some((name.clone(), keys.as_table()?.clone())))
            .collect();
        let defaults = tables("defaults").cloned().unwrap_or_default();
        let directory = text.directory();
        let bmcs = table.get("bmc").and_then(Value::as_array).into_iter().flatten();
        let bmc_prints = bmcs.filter_map(Value::as_table).filter_map(|bmc| {
            let name = bmc.get("name")?.as_str()?.to_owned();
            Some((name, fingerprint::of(directory, [&defaults, bmc])))
        });
        let connection_prints = connections
            .iter()
            .map(|(name, keys)| (name.clone(), fingerprint::of(directory, [keys])));
        Ok(Self {
            path: path.to_owned(),
            bmc_prints: bmc_prints.collect(),
            connection_prints: connection_prints.collect(),
            defaults,
            connections,
        })
    }

    /// Those of a program without a file: one connection.
    #[must_use]
    pub fn with_connection(name: &str, kind: &str) -> Self {
        let keys = Table::from_iter([("type".to_owned(), Value::String(kind.to_owned()))]);
        Self {
            connections: BTreeMap::from([(name.to_owned(), keys)]),
            ..Self::default()
        }
    }

    /// The connections, with their keys.
    #[must_use]
    pub const fn connections(&self) -> &BTreeMap<String, Table> {
        &self.connections
    }

    /// Whether a BMC is the same in another configuration, but for its connection.
    #[must_use]
    pub fn has_same_bmc(&self, other: &Self, name: &str) -> bool {
        let print = self.bmc_prints.get(name);
        print.is_some() && print == other.bmc_prints.get(name)
    }

    /// Connections that another configuration has not, or not so.
    #[must_use]
    pub fn changed_connections(&self, other: &Self) -> BTreeSet<String> {
        let changed = self.connection_prints.iter();
        let changed = changed.filter(|(name, print)| other.connection_prints.get(*name) != Some(print));
        changed.map(|(name, _)| name.clone()).collect()
    }

    /// Whether `[defaults]` has a key.
    #[must_use]
    pub fn has_default(&self, key: &str) -> bool {
        self.defaults.contains_key(key)
    }

    /// Checks a BMC: `bmc` has the keys of `[[bmc]]`, `connection` those of a `[connection.NAME]` that is not
    /// in the file.
    ///
    /// # Errors
    /// [`ConfigError`] for a key or value that is wrong, missing or unknown. Its lines mean nothing.
    pub fn check(&self, bmc: Table, connection: Option<(&str, Table)>) -> Result<Added, ConfigError> {
        let mut connections = Table::new();
        let named = bmc.get("connection").or_else(|| self.defaults.get("connection"));
        let named = named.and_then(Value::as_str);
        if let Some((name, keys)) = named.and_then(|name| self.connections.get_key_value(name)) {
            connections.insert(name.clone(), keys.clone().into());
        }
        if let Some((name, keys)) = connection {
            connections.insert(name.to_owned(), keys.into());
        }
        let mut file = Table::new();
        file.insert("defaults".into(), self.defaults.clone().into());
        file.insert("connection".into(), connections.into());
        file.insert("bmc".into(), Value::Array(vec![bmc.into()]));
        let content = Zeroizing::new(file.to_string());
        let text = Text::of_no_file(&self.path, content);
        let form: File = toml::from_str(text.content()).map_err(|error| text.refused(&error))?;
        let mut plan = check::plan(&text, form)?;
        let bmc = plan.bmcs.pop();
        let connection = bmc
            .as_ref()
            .and_then(|bmc| plan.connections.remove(&bmc.connection));
        match (bmc, connection) {
            (Some(bmc), Some(connection)) => Ok(Added { bmc, connection }),
            _ => Err(text.mistake(&toml::Spanned::new(0..0, ()), "there is no BMC: name one")),
        }
    }
}

/// Its keys may hold secrets.
impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings")
            .field("path", &self.path)
            .field("connections", &self.connections.keys())
            .finish_non_exhaustive()
    }
}
