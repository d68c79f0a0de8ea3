//! What is kept of DCMI.

use ipmi_proto::time::Instant;
use ipmi_proto::wire::Reader;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::Dcmi;
use crate::keep::{Keep, Unreadable, wire};

/// Names and settings.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedDcmi {
    #[serde(default)]
    asset_tag: ByteBuf,
    #[serde(default)]
    identifier: ByteBuf,
    discovery: ByteBuf,
    #[serde(default)]
    initial_timeout: u8,
    #[serde(default)]
    contact_timeout: u16,
    #[serde(default)]
    retry_interval: u16,
}

impl Keep for Dcmi {
    type Saved = SavedDcmi;

    fn saved(&self) -> SavedDcmi {
        SavedDcmi {
            asset_tag: ByteBuf::from(self.asset_tag.as_slice()),
            identifier: ByteBuf::from(self.identifier.as_slice()),
            discovery: wire(&self.discovery),
            initial_timeout: self.initial_timeout,
            contact_timeout: self.contact_timeout,
            retry_interval: self.retry_interval,
        }
    }

    fn restore(&mut self, saved: SavedDcmi, _: Instant) -> Result<(), Unreadable> {
        self.discovery = Reader::new(&saved.discovery).value()?;
        self.asset_tag = saved.asset_tag.into_vec();
        self.identifier = saved.identifier.into_vec();
        self.initial_timeout = saved.initial_timeout;
        self.contact_timeout = saved.contact_timeout;
        self.retry_interval = saved.retry_interval;
        Ok(())
    }
}
