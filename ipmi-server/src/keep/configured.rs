//! What the configuration says against what clients made of it since.
//!
//! A user, K_G or the like that the configuration names is taken over at the first start, and again when the
//! configuration says something else than last time. Between that, what clients changed stands. To tell, the store
//! has a fingerprint of each thing the configuration said: an HMAC with a random key of the BMC's own, in a record
//! that is encrypted like all others, so that nothing of the store can be tried passwords on.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use hmac::{Hmac, KeyInit, Mac};
use ipmi_proto::time::Instant;
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::parts::{CONFIGURED, record};
use super::{Keep, SecretBytes, Unreadable, read, written};
use crate::state::State;
use crate::state::channel::SavedChannel;
use crate::state::users::SavedUsers;
use crate::store::{RecordKey, Value};

const KEY_LENGTH: usize = 32;

/// What the configuration said last.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Configured {
    #[serde(default)]
    key: SecretBytes,
    /// Fingerprints by name.
    #[serde(default)]
    said: BTreeMap<String, ByteBuf>,
}

/// What the configuration says now.
#[derive(Debug)]
pub(crate) struct Wish {
    users: SavedUsers,
    channel: SavedChannel,
}

impl Wish {
    /// What the configuration says: a state that has nothing else in it yet.
    pub(crate) fn of(state: &State) -> Self {
        Self {
            users: state.users.saved(),
            channel: state.channel.saved(),
        }
    }

    /// What it says, each thing by a name.
    fn items(&self) -> Result<BTreeMap<String, Value>, Unreadable> {
        let channel = &self.channel;
        let mut items = BTreeMap::from([
            ("K_G".into(), written(&channel.bmc_key)?),
            ("channel".into(), written(&(&channel.mode, channel.limit))?),
            ("authentication types".into(), written(&channel.auth_enables)?),
            ("cipher suites".into(), written(&channel.suites)?),
        ]);
        for user in &self.users.users {
            items.insert(user_item(user.id), written(user)?);
        }
        Ok(items)
    }

    /// Takes over what the configuration says anew. Answers what to remember, if that is something else than
    /// `before`.
    pub(crate) fn apply(
        self,
        mut before: Configured,
        state: &mut State,
        now: Instant,
    ) -> Result<Option<Value>, Unreadable> {
        if before.key.expose().len() != KEY_LENGTH {
            let mut key = [0; KEY_LENGTH];
            rand::rng().fill_bytes(&mut key);
            before = Configured {
                key: SecretBytes::new(&key),
                said: BTreeMap::new(),
            };
        }
        let mut said = BTreeMap::new();
        for (item, value) in self.items()? {
            let fingerprint = before.fingerprint(&item, &value)?;
            said.insert(item, fingerprint);
        }
        let is_new = |item: &str| match (said.get(item), before.said.get(item)) {
            (Some(now), Some(before)) => !bool::from(now.ct_eq(before)),
            (None, None) => false,
            _ => true,
        };
        let mut users = state.users.saved();
        let ids = said.keys().chain(before.said.keys()).filter(|item| is_new(item));
        for id in ids.filter_map(|item| item_user(item)) {
            users.users.retain(|user| user.id != id);
            users
                .users
                .extend(self.users.users.iter().find(|user| user.id == id).cloned());
        }
        state.users.restore(users, now)?;
        let mut channel = state.channel.saved();
        if is_new("K_G") {
            channel.bmc_key = self.channel.bmc_key;
        }
        if is_new("channel") {
            (channel.mode, channel.limit) = (self.channel.mode, self.channel.limit);
        }
        if is_new("authentication types") {
            channel.auth_enables = self.channel.auth_enables;
        }
        if is_new("cipher suites") {
            channel.suites = self.channel.suites;
        }
        state.channel.restore(channel, now)?;
        if said == before.said {
            return Ok(None);
        }
        before.said = said;
        written(&before).map(Some)
    }
}

fn user_item(id: u8) -> String {
    format!("user {id}")
}

fn item_user(item: &str) -> Option<u8> {
    item.strip_prefix("user ")?.parse().ok()
}

impl Configured {
    /// What is remembered in the records of a BMC; nothing at the first start.
    pub(crate) fn find(records: &[(RecordKey, Value)]) -> Result<Self, Unreadable> {
        let record = records.iter().find(|(key, _)| *key == record(CONFIGURED));
        record.map_or_else(|| Ok(Self::default()), |(_, value)| read(value))
    }

    fn fingerprint(&self, item: &str, value: &Value) -> Result<ByteBuf, Unreadable> {
        let mac = Hmac::<Sha256>::new_from_slice(self.key.expose());
        let mut mac = mac.map_err(|_| Unreadable)?;
        mac.update(item.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        Ok(ByteBuf::from(mac.finalize().into_bytes().as_slice()))
    }
}
