//! What is kept of users.

use alloc::vec::Vec;

use ipmi_proto::crypto::{Password, PasswordForm};
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::session::UserId;
use ipmi_proto::time::Instant;
use ipmi_proto::wire::PaddedText;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{User, Users};
use crate::keep::{Keep, SecretBytes, Unreadable};

/// Users that are not as free slots are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SavedUsers {
    #[serde(default)]
    pub(crate) users: Vec<SavedUser>,
}

/// One user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedUser {
    pub(crate) id: u8,
    #[serde(default)]
    name: ByteBuf,
    /// The padded field: its length is the form of the password.
    #[serde(default)]
    password: SecretBytes,
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    callback_only: bool,
    #[serde(default)]
    link_authentication: bool,
    #[serde(default)]
    ipmi_messaging: bool,
    #[serde(default)]
    limit: u8,
    #[serde(default)]
    session_limit: u8,
    #[serde(default)]
    may_use_sol: bool,
}

impl SavedUser {
    fn new(id: u8, user: &User) -> Self {
        Self {
            id,
            name: ByteBuf::from(user.name.text()),
            password: SecretBytes::new(user.password.field()),
            enabled: user.enabled,
            callback_only: user.callback_only,
            link_authentication: user.link_authentication,
            ipmi_messaging: user.ipmi_messaging,
            limit: user.limit.0,
            session_limit: user.session_limit,
            may_use_sol: user.may_use_sol,
        }
    }

    fn user(&self) -> Result<User, Unreadable> {
        let password = self.password.expose();
        let form = PasswordForm::for_length(password.len());
        Ok(User {
            name: PaddedText::new(&self.name)?,
            password: Password::with_form(password, form)?,
            enabled: self.enabled,
            callback_only: self.callback_only,
            link_authentication: self.link_authentication,
            ipmi_messaging: self.ipmi_messaging,
            limit: Privilege(self.limit),
            session_limit: self.session_limit,
            may_use_sol: self.may_use_sol,
        })
    }
}

impl Keep for Users {
    type Saved = SavedUsers;

    fn saved(&self) -> SavedUsers {
        let users = self.all().map(|(id, user)| SavedUser::new(id.0, user));
        let is_free = |user: &SavedUser| *user == SavedUser::new(user.id, &User::free());
        SavedUsers {
            users: users.filter(|user| !is_free(user)).collect(),
        }
    }

    fn restore(&mut self, saved: SavedUsers, _: Instant) -> Result<(), Unreadable> {
        let mut users = Self::new();
        for saved in &saved.users {
            *users.get_mut(UserId(saved.id)).ok_or(Unreadable)? = saved.user()?;
        }
        *self = users;
        Ok(())
    }
}
