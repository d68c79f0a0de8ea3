//! The form of the configuration file, as serde reads it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::options::Options;
use crate::plan::Sockets;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) listen: Listen,
    #[serde(default)]
    pub(super) audit: AuditForm,
    #[serde(default)]
    pub(super) console: ConsoleForm,
    #[serde(default)]
    pub(super) store: StoreForm,
    #[serde(default)]
    pub(super) defaults: Options,
    #[serde(default)]
    pub(super) connection: BTreeMap<String, Spanned<ConnectionForm>>,
    #[serde(default)]
    pub(super) bmc: Vec<Spanned<Options>>,
}

/// `[store]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreForm {
    #[serde(default, rename = "type")]
    pub(super) kind: StoreKind,
    pub(super) path: Option<Spanned<PathBuf>>,
    pub(super) key_file: Option<Spanned<PathBuf>>,
}

/// What kind of store it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoreKind {
    #[default]
    Disk,
    Memory,
}

/// `[listen]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listen {
    #[serde(default)]
    pub(super) sockets: Sockets,
}

/// `[audit]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditForm {
    pub(super) file: Option<PathBuf>,
}

/// `[console]`: what concerns the consoles of all BMCs.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsoleForm {
    pub(super) per_user: Option<NonZeroU32>,
}

/// `[connection.NAME]`: `type`, and keys that depend on it.
pub(super) type ConnectionForm = BTreeMap<Spanned<String>, Spanned<toml::Value>>;
