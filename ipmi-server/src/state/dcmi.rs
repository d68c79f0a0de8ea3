//! DCMI: asset tag, name of the BMC, how it would use DHCP.

use ipmi_proto::command::dcmi::configuration::DiscoveryConfiguration;
use ipmi_proto::command::dcmi::identification::{ASSET_TAG_LENGTH, IDENTIFIER_LENGTH};
use ipmi_proto::ipmb::CompletionCode;

use super::Identity;

/// What DCMI keeps.
#[derive(Debug)]
pub(crate) struct Dcmi {
    asset_tag: Vec<u8>,
    /// With its NUL.
    identifier: Vec<u8>,
    /// Recorded only: the host's network stack does DHCP.
    pub(crate) discovery: DiscoveryConfiguration,
    /// Seconds to wait for the first answer.
    pub(crate) initial_timeout: u8,
    /// Seconds after which the server counts as lost.
    pub(crate) contact_timeout: u16,
    /// Seconds until the server is tried again.
    pub(crate) retry_interval: u16,
}

impl Dcmi {
    /// What holds at first: no asset tag, the BMC's name.
    pub(crate) fn new(identity: &Identity) -> Self {
        let mut identifier = identity.name.as_bytes().to_vec();
        identifier.truncate(IDENTIFIER_LENGTH - 1);
        identifier.push(0);
        Self {
            asset_tag: Vec::new(),
            identifier,
            discovery: DiscoveryConfiguration::default(),
            initial_timeout: 4,
            contact_timeout: 120,
            retry_interval: 64,
        }
    }

    /// The asset tag.
    pub(crate) fn asset_tag(&self) -> &[u8] {
        &self.asset_tag
    }

    /// The name of the BMC, with its NUL.
    pub(crate) fn identifier(&self) -> &[u8] {
        &self.identifier
    }

    /// Writes a part of the asset tag; what is behind the part is gone.
    ///
    /// # Errors
    /// C9h for a part that does not follow what is there, or goes too far.
    pub(crate) fn write_asset_tag(&mut self, offset: u8, part: &[u8]) -> Result<u8, CompletionCode> {
        write(&mut self.asset_tag, offset, part, ASSET_TAG_LENGTH)
    }

    /// Writes a part of the name. A part with a NUL is the last.
    ///
    /// # Errors
    /// As [`write_asset_tag`](Self::write_asset_tag).
    pub(crate) fn write_identifier(&mut self, offset: u8, part: &[u8]) -> Result<u8, CompletionCode> {
        let end = part.iter().position(|byte| *byte == 0);
        let part = end.map_or(part, |end| part.get(..=end).unwrap_or(part));
        write(&mut self.identifier, offset, part, IDENTIFIER_LENGTH)
    }
}

fn write(text: &mut Vec<u8>, offset: u8, part: &[u8], capacity: usize) -> Result<u8, CompletionCode> {
    let start = usize::from(offset);
    if start > text.len() || start + part.len() > capacity {
        return Err(CompletionCode::OUT_OF_RANGE);
    }
    text.truncate(start);
    text.extend_from_slice(part);
    u8::try_from(text.len()).map_err(|_| CompletionCode::OUT_OF_RANGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::MachineIdentity;

    #[test]
    fn texts_are_written_in_parts() {
        let mut dcmi = Dcmi::new(&Identity::new("node1".into(), MachineIdentity::default()));
        assert_eq!(dcmi.identifier(), b"node1\0");
        assert_eq!(dcmi.write_asset_tag(0, b"0123456789abcdef"), Ok(16));
        assert_eq!(dcmi.write_asset_tag(16, b"ghi"), Ok(19));
        assert_eq!(dcmi.write_asset_tag(20, b"x"), Err(CompletionCode::OUT_OF_RANGE));
        assert_eq!(dcmi.write_asset_tag(0, b"short"), Ok(5));
        assert_eq!(dcmi.asset_tag(), b"short");
        assert_eq!(dcmi.write_identifier(0, b"bmc\0xx"), Ok(4));
        assert_eq!(
            dcmi.write_asset_tag(0, &[b'x'; 64]),
            Err(CompletionCode::OUT_OF_RANGE)
        );
    }
}
