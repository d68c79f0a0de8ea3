//! What is kept of the FRU inventory: what clients made of it.

use alloc::boxed::Box;

use ipmi_proto::time::Instant;
use serde_bytes::ByteBuf;

use super::Fru;
use crate::keep::{Keep, Unreadable};

impl Keep for Fru {
    type Saved = Option<ByteBuf>;

    fn saved(&self) -> Option<ByteBuf> {
        self.written
            .as_deref()
            .map(|image| ByteBuf::from(image.as_slice()))
    }

    fn restore(&mut self, saved: Option<ByteBuf>, _: Instant) -> Result<(), Unreadable> {
        let image = saved.map(|image| image.into_vec().into_boxed_slice().try_into());
        self.written = image.transpose().map_err(|_: Box<[u8]>| Unreadable)?;
        Ok(())
    }
}
