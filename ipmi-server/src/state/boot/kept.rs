//! What is kept of the boot options, an override that waits for its boot included.

use alloc::vec::Vec;

use ipmi_proto::time::Instant;
use ipmi_proto::wire::Reader;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::BootOptions;
use crate::keep::{Keep, Unreadable, wire};

/// The boot options as on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedBoot {
    #[serde(default)]
    service_partition: u8,
    service_partition_scan: ByteBuf,
    kept: ByteBuf,
    acknowledge: ByteBuf,
    flags: ByteBuf,
    initiator: ByteBuf,
    #[serde(default)]
    mailbox: Option<Vec<ByteBuf>>,
    #[serde(default)]
    invalid: u8,
}

impl Keep for BootOptions {
    type Saved = SavedBoot;

    fn saved(&self) -> SavedBoot {
        let mailbox = self.mailbox.as_deref();
        SavedBoot {
            service_partition: self.service_partition,
            service_partition_scan: wire(&self.service_partition_scan),
            kept: wire(&self.kept),
            acknowledge: wire(&self.acknowledge),
            flags: wire(&self.flags),
            initiator: wire(&self.initiator),
            mailbox: mailbox.map(|blocks| blocks.iter().map(|block| ByteBuf::from(*block)).collect()),
            invalid: self.invalid,
        }
    }

    fn restore(&mut self, saved: SavedBoot, now: Instant) -> Result<(), Unreadable> {
        self.service_partition = saved.service_partition;
        self.service_partition_scan = Reader::new(&saved.service_partition_scan).value()?;
        self.kept = Reader::new(&saved.kept).value()?;
        self.acknowledge = Reader::new(&saved.acknowledge).value()?;
        self.flags = Reader::new(&saved.flags).value()?;
        self.initiator = Reader::new(&saved.initiator).value()?;
        self.invalid = saved.invalid;
        self.mailbox = None;
        if let Some(blocks) = &saved.mailbox {
            let mailbox = self.mailbox.get_or_insert_default();
            for (block, saved) in mailbox.iter_mut().zip(blocks) {
                *block = saved.as_slice().try_into().map_err(|_| Unreadable)?;
            }
        }
        self.restart_timer(now);
        Ok(())
    }
}
