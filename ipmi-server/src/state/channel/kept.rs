//! What is kept of the LAN channel.

use alloc::vec::Vec;

use ipmi_proto::command::app::channel::AccessMode;
use ipmi_proto::crypto::BmcKey;
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::session::AuthTypes;
use ipmi_proto::time::Instant;
use ipmi_proto::wire::Reader;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{Channel, ChannelAccess};
use crate::keep::{Keep, SecretBytes, Unreadable, wire};

/// The non-volatile half of the channel, and its keys.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedChannel {
    /// On the wire: one byte.
    pub(crate) mode: ByteBuf,
    pub(crate) limit: u8,
    #[serde(default)]
    pub(crate) auth_enables: Vec<u8>,
    #[serde(default)]
    pub(crate) bmc_key: SecretBytes,
    #[serde(default)]
    bmc_key_locked: bool,
    /// Cipher suites with their highest privileges.
    #[serde(default)]
    pub(crate) suites: Vec<(u8, u8)>,
}

impl Keep for Channel {
    type Saved = SavedChannel;

    fn saved(&self) -> SavedChannel {
        SavedChannel {
            mode: wire(&self.kept.mode),
            limit: self.kept.limit.0,
            auth_enables: self.auth_enables.iter().map(|types| types.bits()).collect(),
            bmc_key: SecretBytes::new(self.bmc_key.as_bytes()),
            bmc_key_locked: self.bmc_key_locked,
            suites: self.suites.iter().map(|(id, limit)| (id.0, limit.0)).collect(),
        }
    }

    /// Which suites and authentication types are offered at all is a matter of the configuration.
    fn restore(&mut self, saved: SavedChannel, _: Instant) -> Result<(), Unreadable> {
        let kept = ChannelAccess {
            mode: Reader::new(&saved.mode).value::<AccessMode>()?,
            limit: Privilege(saved.limit),
        };
        self.bmc_key = BmcKey::new(saved.bmc_key.expose())?;
        self.bmc_key_locked = saved.bmc_key_locked;
        // A change that is undone is one of the kept half; what holds at present changes with a restart.
        if self.present == self.kept {
            self.present = kept;
        }
        self.kept = kept;
        for (enabled, types) in self.auth_enables.iter_mut().zip(&saved.auth_enables) {
            *enabled = AuthTypes::from_bits_truncate(*types);
        }
        for (id, limit) in &mut self.suites {
            if let Some((_, saved)) = saved.suites.iter().find(|(saved, _)| *saved == id.0) {
                *limit = Privilege(*saved);
            }
        }
        Ok(())
    }
}
