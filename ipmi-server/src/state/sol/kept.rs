//! What is kept of the configuration of Serial over LAN.

use ipmi_proto::command::transport::sol::{BitRate, SolAccumulate, SolAuthentication, SolRetry};
use ipmi_proto::time::Instant;
use ipmi_proto::wire::Reader;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::SolSettings;
use crate::keep::{Keep, Unreadable, wire};

/// The configuration; parameters of several bytes are as on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedSol {
    is_enabled: bool,
    authentication: ByteBuf,
    accumulate: ByteBuf,
    retry: ByteBuf,
    rate: u8,
}

impl Keep for SolSettings {
    type Saved = SavedSol;

    fn saved(&self) -> SavedSol {
        SavedSol {
            is_enabled: self.is_enabled,
            authentication: wire(&self.authentication),
            accumulate: wire(&self.accumulate),
            retry: wire(&self.retry),
            rate: self.kept_rate.0,
        }
    }

    fn restore(&mut self, saved: SavedSol, _: Instant) -> Result<(), Unreadable> {
        self.authentication = Reader::new(&saved.authentication).value::<SolAuthentication>()?;
        self.accumulate = Reader::new(&saved.accumulate).value::<SolAccumulate>()?;
        self.retry = Reader::new(&saved.retry).value::<SolRetry>()?;
        self.is_enabled = saved.is_enabled;
        if self.present_rate == self.kept_rate {
            self.present_rate = BitRate(saved.rate);
        }
        self.kept_rate = BitRate(saved.rate);
        Ok(())
    }
}
