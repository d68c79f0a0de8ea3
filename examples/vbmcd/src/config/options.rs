//! The keys of `[[bmc]]` and of `[defaults]`.

use std::net::IpAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use crate::plan::CycleWhenOff;
use crate::secret::Secret;

/// `[[bmc]]`; in `[defaults]` the keys that several BMCs may share.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    pub(super) name: Option<Spanned<String>>,
    pub(super) connection: Option<Spanned<String>>,
    pub(super) machine: Option<Spanned<String>>,
    pub(super) address: Option<Spanned<IpAddr>>,
    pub(super) port: Option<Spanned<u16>>,
    pub(super) username: Option<Spanned<String>>,
    pub(super) password: Option<Spanned<Secret>>,
    pub(super) password_file: Option<Spanned<PathBuf>>,
    pub(super) users: Option<Vec<Spanned<UserForm>>>,
    pub(super) kg: Option<Spanned<Secret>>,
    pub(super) kg_file: Option<Spanned<PathBuf>>,
    pub(super) cipher_suites: Option<Vec<Spanned<u8>>>,
    pub(super) dangerous_cipher_suite_0: Option<bool>,
    pub(super) dangerous_null_user: Option<bool>,
    pub(super) ipmi_1_5: Option<Vec<Spanned<AuthForm>>>,
    pub(super) cycle_when_off: Option<CycleWhenOff>,
    pub(super) console_scrollback: Option<Spanned<u32>>,
    pub(super) console_always_open: Option<bool>,
    pub(super) console_idle_timeout: Option<NonZeroU32>,
    pub(super) console_absolute_timeout: Option<NonZeroU32>,
    pub(super) console_transcripts: Option<PathBuf>,
    pub(super) login_attempts: Option<u8>,
    pub(super) login_window_seconds: Option<Spanned<u32>>,
    pub(super) lockout_seconds: Option<Spanned<u32>>,
    pub(super) hide_unknown_users: Option<bool>,
    pub(super) alert_port: Option<NonZeroU16>,
}

/// One of `users`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserForm {
    pub(super) name: Spanned<String>,
    pub(super) password: Option<Spanned<Secret>>,
    pub(super) password_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) privilege: PrivilegeForm,
}

/// A privilege by name.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PrivilegeForm {
    Callback,
    User,
    Operator,
    #[default]
    Administrator,
}

/// An authentication type of IPMI 1.5 by name.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AuthForm {
    Md2,
    Md5,
    DangerousPassword,
    DangerousNone,
}
